/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_LAYER_H
#define SWALE_CORE_LAYER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <swale/layer.h>

#include "core/channel.h"
#include "core/drop.h"
#include "core/env.h"
#include "core/group.h"
#include "core/loop.h"
#include "core/plain.h"
#include "core/port.h"
#include "core/table.h"

struct swale__books {
  uint64_t offered, posted, refused, sends, group_sends;
  /* Of ports that are gone, and of plain channels. */
  uint64_t taken, delivered, waiting, unhandled, dropped[SWALE_DROP_REASONS];
};

/* What a kind of layer does in its own way; every function is called under the layer's lock. */
struct swale__backend_class {
  const char *scheme; /* of its URLs */

  /* A valid message for a channel that no consumer of this process has. As swale_send. */
  int (*send)(swale_layer *layer, const char *channel, swale_message *m, struct swale__wakes *wakes);
};

/* memory:// */
extern const struct swale__backend_class swale__memory_backend;

/*
 * A layer is what its processes' consumers have in common: the table of consumers, the groups, the ports
 * (one per loop and app that has consumers here) and the books. One lock guards all of it; no user code runs
 * under it. What is done with channels that have no consumer here is the backend's business: for "memory://"
 * they are stored in this process (plain.h).
 *
 * Locks are taken in the order layer, loop, drop reports.
 */
struct swale_layer {
  struct swale_env env;
  const struct swale__backend_class *backend;
  uint32_t capacity;
  uint64_t expiry_ms, group_expiry_ms;
  struct swale_capacity *capacities;
  size_t n_capacities;
  uint32_t channels_max, groups_max;
  char process[33]; /* 32 hex digits: which process a channel name belongs to */
  unsigned char key[16];

  pthread_mutex_t lock;
  struct swale__slots slots;
  struct swale__table groups;
  struct swale__leases leases;
  struct swale__port *ports;
  struct swale__plains plains;
  struct swale__books books;
  uint64_t consumers, memberships;
  uint64_t groups_alive; /* without groups that only wait for what is on its way to them */
  atomic_uint epoch;     /* counts flushes */
  struct swale__drops drops;
};

static inline void swale__layer_lock(swale_layer *layer) { pthread_mutex_lock(&layer->lock); }
static inline void swale__layer_unlock(swale_layer *layer) { pthread_mutex_unlock(&layer->lock); }

static inline uint64_t swale__layer_now(const swale_layer *layer) {
  return layer->env.now_ms(layer->env.user);
}

/*
 * Unlocks; wakes the loops that were noted, and one to tell drops. Every call that may have dropped
 * something ends so.
 */
void swale__layer_finish(swale_layer *layer, struct swale__wakes *wakes);

/* Drops and evicts what has expired among plain channels. Under the lock. */
void swale__layer_expire(swale_layer *layer);

/* The capacity of the channel of this name. */
uint32_t swale__layer_capacity(const swale_layer *layer, const char *channel);

#endif

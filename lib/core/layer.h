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
#include "core/outside.h"
#include "core/plain.h"
#include "core/port.h"
#include "core/table.h"

struct swale__books {
  uint64_t offered, posted, refused, sends, group_sends;
  /* Of ports that are gone, and of plain channels. */
  uint64_t taken, delivered, waiting, unhandled, dropped[SWALE_DROP_REASONS];
};

/*
 * A layer is what its processes' consumers have in common: the table of consumers, the groups, the ports
 * (one per loop and app that has consumers here) and the books. One lock guards all of it; no user code runs
 * under it. Channels that have no consumer are kept in this process (plain.h), unless a backend has them
 * (outside.h).
 *
 * Locks are taken in the order layer, loop, drop reports; a backend's own comes after the layer's.
 */
struct swale_layer {
  struct swale_env env;
  uint32_t capacity;
  uint64_t expiry_ms, group_expiry_ms;
  struct swale_capacity *capacities;
  size_t n_capacities;
  uint32_t channels_max, groups_max;
  char process[33]; /* 32 hex digits: which process a channel name belongs to */
  unsigned char key[16];
  atomic_uint epoch; /* counts flushes */
  struct swale__drops drops;

  /* What is above, loops look at all the time; what is below changes with each call. */
  char apart[SWALE__APART];
  pthread_mutex_t lock;
  struct swale__slots slots;
  struct swale__table groups;
  struct swale__leases leases;
  struct swale__port *ports;
  struct swale__plains plains;
  struct swale__books books;
  uint64_t consumers, memberships, receivers; /* of the last, those that have not been told */
  uint64_t groups_alive; /* without groups that only wait for what is on its way to them */
  struct swale__outside outside;
};

static inline void swale__layer_lock(swale_layer *layer) { pthread_mutex_lock(&layer->lock); }
static inline void swale__layer_unlock(swale_layer *layer) { pthread_mutex_unlock(&layer->lock); }

static inline uint64_t swale__layer_now(const swale_layer *layer) {
  return layer->env.now_ms(layer->env.user);
}

/*
 * Unlocks; wakes the loops that were noted, one to tell drops, and the home of a backend that has work. Every call that may
 * have dropped something, or ended or begun a membership, ends so.
 */
void swale__layer_finish(swale_layer *layer, struct swale__wakes *wakes);

/* Drops and evicts what has expired among plain channels. Under the lock. */
void swale__layer_expire(swale_layer *layer);

/* The capacity of the channel of this name. */
uint32_t swale__layer_capacity(const swale_layer *layer, const char *channel);

#endif

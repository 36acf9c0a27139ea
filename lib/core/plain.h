/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_PLAIN_H
#define SWALE_CORE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/layer.h>

#include "core/channel.h"
#include "core/queue.h"
#include "core/ring.h"
#include "core/table.h"

struct swale__wakes;
struct swale_consumer;

/*
 * Plain channels: those that are not a consumer's own. One exists while messages wait in it, workers listen
 * to it, receivers wait for one, or it is in a group. A message goes to a worker, the next in turn, through
 * the inbox of his loop; without workers it waits for one, or for swale_receive, as long as capacity and
 * expiry allow. All of it under the layer's lock.
 */
struct swale__plain {
  struct swale__link link; /* by name */
  struct swale__channel channel;
  struct swale__queue queue;
  uint32_t capacity;
  uint64_t dropped;
  struct swale_consumer **workers;
  uint32_t n_workers, room, turn;
  uint32_t holds;                     /* workers, listening or not */
  struct swale__ring waiting, served; /* receivers, and those of them that were called */
  uint32_t receivers, called;
  bool wanting; /* the backend knows that some wait */
  char name[];
};

struct swale__plains {
  struct swale__table table;
  struct swale__expiry expiry;
};

static inline struct swale__plain *swale__plain_of(const struct swale__channel *channel) {
  return (struct swale__plain *)((char *)channel - offsetof(struct swale__plain, channel));
}

static inline bool swale__plain_has_worker(const struct swale__channel *channel) {
  return swale__plain_of(channel)->n_workers > 0;
}

int swale__plains_init(swale_layer *layer);
/* Drops everything. No workers may be left. */
void swale__plains_free(swale_layer *layer);

/* The channel of this valid name, or NULL; made if need be: SWALE_EFULL, SWALE_ENOMEM. */
struct swale__plain *swale__plain_find(swale_layer *layer, const char *name);
int swale__plain_get(swale_layer *layer, const char *name, struct swale__plain **out);
/* Likewise one to receive from, expired messages being gone: SWALE_ESTATE when it is a consumer's or has workers, SWALE_ECLOSED that of a dead consumer. */
int swale__plain_find_unowned(swale_layer *layer, const char *name, struct swale__plain **out);

/* One message for the channel: 0, or SWALE_EFULL, SWALE_ENOMEM (nothing changed). */
int swale__plain_send(swale_layer *layer, struct swale__plain *p, swale_message *m,
                      struct swale__wakes *wakes);

/* The oldest message and its reference, or NULL. */
swale_message *swale__plain_take(swale_layer *layer, struct swale__plain *p);

/* Counts and notes one message that the channel misses. */
void swale__plain_drop(swale_layer *layer, struct swale__plain *p, enum swale_drop_reason reason,
                       swale_message *m);

/* Drops what waits. */
void swale__plain_drop_all(swale_layer *layer, struct swale__plain *p, enum swale_drop_reason reason);

/* A worker begins to listen (what waits goes to him), or stops. */
int swale__plain_add_worker(swale_layer *layer, struct swale__plain *p, struct swale_consumer *c,
                            struct swale__wakes *wakes);
void swale__plain_remove_worker(swale_layer *layer, struct swale__plain *p, struct swale_consumer *c);
/* Gives a hold back. */
void swale__plain_release(swale_layer *layer, struct swale__plain *p);

/* Frees the channel if nothing holds on to it any more. Does nothing for a consumer's. */
void swale__plain_tidy(swale_layer *layer, struct swale__channel *channel);

/* Drops what waits in all plain channels. */
void swale__plains_flush(swale_layer *layer);

/* Drops what has waited too long, in all plain channels. */
void swale__plains_expire(swale_layer *layer, uint64_t now);

#endif

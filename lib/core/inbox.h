/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_INBOX_H
#define SWALE_CORE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>
#include <swale/message.h>

#include "core/env.h"

/*
 * The ordered inbox of a loop: everybody appends to one array under the loop's lock; the loop swaps that
 * array for an empty one and works through it without a lock. In the steady state neither side allocates.
 *
 * Several senders' checks and appends can interleave, and a group message goes into several inboxes or none.
 * So room is reserved first, and a reservation cannot fail to be filled.
 */
struct swale__lane;
struct swale_consumer;

struct swale__entry {
  union {
    struct swale__lane *lane;        /* for a group's members on this loop, or */
    struct swale_consumer *consumer; /* for one consumer (a reference is held) */
  };
  swale_message *message; /* a reference */
  uint64_t sequence;      /* those who joined at or after it were no members yet */
  uint32_t members;       /* how many there were; 0: for one consumer */
  uint32_t epoch;         /* of the layer: an older one was flushed */
};

struct swale__entries {
  struct swale__entry *at;
  size_t count, room;
};

struct swale__inbox {
  struct swale__entries filling; /* under the lock */
  size_t reserved;               /* entries promised, not yet there; under the lock */
  size_t bytes, bytes_max;       /* waiting, promised and being worked through; under the lock */
  _Atomic uint64_t sequence;     /* of the last entry; written under the lock */

  char apart[SWALE__APART];
  struct swale__entries taken; /* the loop's own */
  size_t next;
};

/* What an entry with this message counts for. */
size_t swale__inbox_cost(const swale_message *m);

/*
 * Promises room for one entry of this cost: SWALE_EFULL, SWALE_ENOMEM. With `always` the bound does not
 * count, only memory: for messages that somebody has taken already. Under the lock, as the next two.
 */
int swale__inbox_reserve(struct swale__inbox *in, const struct swale_allocator *a, size_t cost, bool always);
void swale__inbox_unreserve(struct swale__inbox *in, size_t cost);

/* Fills a promise; answers the sequence number it gives the entry. */
uint64_t swale__inbox_fill(struct swale__inbox *in, struct swale__entry entry);

/* Swaps the arrays once the taken one is used up. Under the lock, the loop's thread. */
void swale__inbox_take(struct swale__inbox *in, const struct swale_allocator *a);

/* The next entry taken, or NULL. The loop's thread. */
static inline struct swale__entry *swale__inbox_next(struct swale__inbox *in) {
  return in->next < in->taken.count ? &in->taken.at[in->next++] : NULL;
}

/* Whether another one has been taken. The loop's thread. */
static inline bool swale__inbox_waits_taken(const struct swale__inbox *in) {
  return in->next < in->taken.count;
}

/* Whether there is anything waiting. Under the lock, the loop's thread. */
static inline bool swale__inbox_waits(const struct swale__inbox *in) {
  return swale__inbox_waits_taken(in) || in->filling.count > 0;
}

/* Arrays only; the entries must have been worked through. */
void swale__inbox_free(struct swale__inbox *in, const struct swale_allocator *a);

#endif

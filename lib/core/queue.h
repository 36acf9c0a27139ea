/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_QUEUE_H
#define SWALE_CORE_QUEUE_H

#include <stdatomic.h>
#include <stdint.h>

#include <swale/env.h>
#include <swale/message.h>

/*
 * Messages that wait in a channel, and when they expire.
 *
 * Every message of a layer waits equally long, so the order of arrival is the order of expiry: one list
 * across all queues of an owner (swale__expiry) finds what is due in O(1), and what is due is always at the
 * head of its own queue. Neither struct is locked: a queue belongs to whoever holds its owner's lock or
 * thread.
 */
struct swale__queued {
  struct swale__queued *next; /* in its queue's ring */
  struct swale__queued *older, *newer;
  struct swale__queue *queue;
  swale_message *message;
  uint64_t expires;
  uint32_t tag; /* see swale__topic */
};

/* A ring: the newest leads to the oldest. `depth` is for any thread to read. */
struct swale__queue {
  struct swale__queued *newest;
  _Atomic uint32_t depth;
};

static inline uint32_t swale__queue_depth(const struct swale__queue *q) {
  return atomic_load_explicit(&q->depth, memory_order_relaxed);
}

/* The oldest waiting, or NULL. */
static inline struct swale__queued *swale__queue_head(const struct swale__queue *q) {
  return q->newest ? q->newest->next : NULL;
}

struct swale__expiry {
  struct swale__queued *oldest, *newest;
};

/*
 * What a message is about: its type and the value of one field. A message that is about the same as another
 * may take its place. `tag` is a hash, so that most others are told apart by a look; 0: about nothing.
 */
struct swale__topic {
  const char *field;
  struct swale_value value;
  uint32_t tag;
};

/* What a frozen message is about, as this field says (NULL: about nothing). */
struct swale__topic swale__topic_of(const swale_message *m, const char *field);

/*
 * Appends a message (and takes a reference); `expires` must not fall behind the newest one's. SWALE_ENOMEM.
 */
int swale__queue_push(struct swale__queue *q, struct swale__expiry *e, const struct swale_allocator *a,
                      swale_message *m, uint64_t expires, uint32_t tag);

/*
 * Appends a message in place of the one that waits and is about the same, which is returned with its
 * reference; NULL, and nothing happens, when there is none. O(depth).
 */
swale_message *swale__queue_replace(struct swale__queue *q, struct swale__expiry *e, swale_message *m,
                                    uint64_t expires, const struct swale__topic *topic);

/* Takes the oldest message off, with its reference; NULL when there is none. */
swale_message *swale__queue_pop(struct swale__queue *q, struct swale__expiry *e,
                                const struct swale_allocator *a);

/* The queue whose head has expired by `now`, or NULL. */
struct swale__queue *swale__expiry_due(const struct swale__expiry *e, uint64_t now);

#endif

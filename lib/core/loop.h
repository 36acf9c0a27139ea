/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_LOOP_H
#define SWALE_CORE_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <swale/layer.h>
#include <swale/loop.h>
#include <swale/transport.h>

#include "core/env.h"
#include "core/group.h"
#include "core/inbox.h"
#include "core/ring.h"
#include "core/wheel.h"

struct swale__port;
struct swale__extension;
struct swale__drain;

/*
 * Waking. A sender appends to an inbox under locks but must call the host's wake without any. So whoever
 * finds the loop not woken yet marks it, puts it on a list of his own, and calls wake at the end. The loop
 * may run before he gets there, and then be marked again while `next_wake` is still the first one's
 * (`listed`): his wake call, yet to come, does for both. `wakers` counts those who still have to call wake,
 * or are inside it, so that swale_loop_free can wait for them.
 *
 * What the loop's own thread sends inside of a call is mostly taken up before that call returns: it owes the wake
 * until the outermost one does, and looks then whether anything is left.
 */
struct swale__wakes {
  swale_loop *first;
};

/*
 * A callback of a consumer's that is running, kept in the stack of whoever calls it. They nest: a handler may feed
 * another connection, whose consumer then receives. None may nest in itself.
 */
struct swale__running {
  const struct swale_consumer *consumer;
  struct swale__running *outer;
};

struct swale_loop {
  struct swale_env env;
  void (*wake)(void *user);
  void *user;
  uint32_t inbox_batch;
  bool host_asks; /* for the timeout before each wait */

  char apart[SWALE__APART];
  pthread_mutex_t lock;
  bool woken, listed;    /* under the lock, as is the next */
  swale_loop *next_wake; /* while listed */
  atomic_uint wakers;
  struct swale_pending *first_completed, *last_completed; /* under the lock */
  struct swale__ring receivers, called;                   /* under the lock; see receiver.h */
  bool crowded;              /* somebody waits until there is room; under the lock */
  struct swale__inbox inbox; /* its second half is the loop's thread's own */

  pthread_mutex_t lanes_lock;
  struct swale__walking walking; /* under it */

  /* The rest is the loop's thread's own. */
  atomic_uintptr_t
      inside; /* the thread that is inside of a call on this loop, for whoever is to wake it; 0: none is */
  unsigned depth;
  bool running, ending, owes_wake;
  uint64_t now;
  struct swale__wheel wheel;
  struct swale_job *newest_job;     /* a ring: it leads to the oldest */
  struct swale_job *newest_put_off; /* likewise; see swale_loop_put_off */
  atomic_size_t completions;        /* that have not been told */
  struct swale__port *ports;
  swale_layer *at_home; /* layers whose home this is; see outside.h */
  struct swale_consumer *consumers;
  struct swale__running *callback; /* the innermost that is running */
  size_t n_consumers, holds;
  struct swale__extension *extensions;
  struct swale__drain *drain; /* NULL before swale_loop_drain */
  struct swale_drain_hook *drain_hooks;
};

static inline void swale__loop_lock(swale_loop *loop) { pthread_mutex_lock(&loop->lock); }
static inline void swale__loop_unlock(swale_loop *loop) { pthread_mutex_unlock(&loop->lock); }

/* The number of the last entry in the inbox, as far as this thread knows of it. */
static inline uint64_t swale__loop_sequence(const swale_loop *loop) {
  return atomic_load_explicit(&loop->inbox.sequence, memory_order_relaxed);
}

static inline void swale__running_begin(swale_loop *loop, struct swale__running *running,
                                        const struct swale_consumer *c) {
  *running = (struct swale__running){c, loop->callback};
  loop->callback = running;
}

static inline void swale__running_end(swale_loop *loop) { loop->callback = loop->callback->outer; }

/* Does what was put off. The loop's thread, in the outermost call and with no callback running. */
void swale__loop_run_jobs(swale_loop *loop);

/* More than half of the inbox is taken. Under the lock. */
static inline bool swale__loop_is_crowded(const swale_loop *loop) {
  return loop->inbox.bytes > loop->inbox.bytes_max / 2;
}

/* Notes that the loop has work: under its lock, or taking it. */
void swale__wakes_add(struct swale__wakes *wakes, swale_loop *loop);
void swale__wakes_note(struct swale__wakes *wakes, swale_loop *loop);
/* Calls wake of all that were noted. Without locks. */
void swale__wakes_call(struct swale__wakes *wakes);
/* Wakes this one. Without locks. */
void swale__loop_wake(swale_loop *loop);

/* Appends one entry and answers its number, or SWALE_EFULL (unless `always`), SWALE_ENOMEM. Takes the loop's lock. */
int64_t swale__loop_post(swale_loop *loop, struct swale__entry entry, bool always,
                         struct swale__wakes *wakes);

/* Likewise in two steps, for a message that goes to several loops or none. */
int swale__loop_reserve(swale_loop *loop, size_t cost);
void swale__loop_unreserve(swale_loop *loop, size_t cost);
uint64_t swale__loop_fill(swale_loop *loop, struct swale__entry entry, struct swale__wakes *wakes);

#endif

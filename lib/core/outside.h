/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_OUTSIDE_H
#define SWALE_CORE_OUTSIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <swale/backend.h>

struct swale_consumer;
struct swale__port;
struct swale__wakes;

/*
 * What a layer has beyond its process: its backend, and the loop that is its home. A layer of memory:// has
 * neither, `class` is NULL, and none of this does anything.
 *
 * A call that gives the backend something to do notes that it has `changed`. Whoever ends the call marks it `posted`, not
 * before, since it may be running and then sees nothing that is still to be written down; and wakes the home loop, which
 * runs the backend at the end of its outermost call.
 */
struct swale__outside {
  const struct swale_backend_class *class;
  void *backend;
  const char *local;
  bool has_members;
  bool changed; /* under the layer's lock, as is the next */
  swale_loop *home;
  swale_layer *next_at_home; /* the home loop's thread */
  atomic_bool posted;
  struct swale_pending *awaiting; /* completions that wait for their ticket; under the layer's lock */
  _Atomic uint64_t settled;       /* groups with tickets up to it are joined */
};

/* ---- under the layer's lock ---- */

/* Does this channel, which no consumer here has, belong to others? */
bool swale__outside_has(const swale_layer *layer, const char *channel);

/* The backend, which there is, to give it something to do. */
static inline const struct swale_backend_class *swale__outside_post(struct swale__outside *o) {
  o->changed = true;
  return o->class;
}

int swale__outside_open_group(swale_layer *layer, const char *group, uint64_t *ticket);
void swale__outside_close_group(swale_layer *layer, const char *group);
int swale__outside_listen(swale_layer *layer, const char *channel);
/* To all names that begin like this one of our own, up to its "!". */
int swale__outside_listen_own(swale_layer *layer, const char *channel);
void swale__outside_unlisten(swale_layer *layer, const char *channel);
int swale__outside_receive(swale_layer *layer, const char *channel, bool wanted);

/* Can channels of others join groups where all can see it? */
bool swale__outside_has_member(const swale_layer *layer, const char *channel);
/* Tells when others' messages arrive that this ticket is for; answers false where they do already. */
bool swale__outside_await(swale_layer *layer, uint64_t ticket, struct swale_pending *pending);

/* Notes the home loop, if the backend has got work. */
void swale__outside_wake(swale_layer *layer, struct swale__wakes *wakes);

/* One of the layer's loops has room again; the layer may be NULL. Without locks. */
void swale__outside_relieve(swale_layer *layer);

/* ---- the home loop's thread ---- */

/* Has a layer that is at home on this loop work, and does it. */
bool swale__outside_waits(const swale_loop *loop);
void swale__outside_run(swale_loop *loop);

/* ---- consumers whose groups are being joined ---- */

/* The layer ends: those who still wait are told so. */
void swale__outside_forsake(swale_layer *layer);

/* Whether messages from outside reach the holder of this ticket. Any thread. */
static inline bool swale__outside_settled(const struct swale__outside *o, uint64_t ticket) {
  return o->settled >= ticket;
}

#endif

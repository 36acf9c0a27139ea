/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_RING_H
#define SWALE_CORE_RING_H

#include <stdbool.h>

/* A list that leads back to its head. Who is in none leads to himself, as a head does whose list is empty. */
struct swale__ring {
  struct swale__ring *next, *prev;
};

static inline void swale__ring_init(struct swale__ring *r) { r->next = r->prev = r; }

static inline bool swale__ring_is_empty(const struct swale__ring *r) { return r->next == r; }

static inline void swale__ring_leave(struct swale__ring *r) {
  r->prev->next = r->next;
  r->next->prev = r->prev;
  swale__ring_init(r);
}

/* Puts it before `at`, out of the list it is in: at the end of a head's list. */
static inline void swale__ring_move(struct swale__ring *r, struct swale__ring *at) {
  swale__ring_leave(r);
  r->next = at;
  r->prev = at->prev;
  at->prev->next = r;
  at->prev = r;
}

#endif

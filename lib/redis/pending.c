/* SPDX-License-Identifier: MIT */
#include "redis/pending.h"

#include <swale/error.h>

#include "redis/memory.h"

static struct swale__redis_pending *slot(const struct swale__redis_pendings *p, size_t i) {
  return &p->at[(p->first + i) & (p->room - 1)];
}

int swale__redis_pendings_reserve(struct swale__redis_pendings *p, const struct swale_allocator *a) {
  if (p->count < p->room)
    return 0;
  size_t room = p->room ? p->room * 2 : 16;
  struct swale__redis_pending *at = swale__redis_malloc(a, room * sizeof *at);
  if (!at)
    return SWALE_ENOMEM;
  for (size_t i = 0; i < p->count; i++)
    at[i] = *slot(p, i);
  if (p->at)
    swale__redis_release(a, p->at);
  *p = (struct swale__redis_pendings){.at = at, .count = p->count, .room = room};
  return 0;
}

void swale__redis_pendings_push(struct swale__redis_pendings *p, struct swale__redis_pending pending) {
  *slot(p, p->count++) = pending;
}

bool swale__redis_pendings_pop(struct swale__redis_pendings *p, struct swale__redis_pending *out) {
  if (p->count == 0)
    return false;
  *out = *slot(p, 0);
  p->first = (p->first + 1) & (p->room - 1);
  p->count--;
  return true;
}

void swale__redis_pendings_free(struct swale__redis_pendings *p, const struct swale_allocator *a) {
  if (p->at)
    swale__redis_release(a, p->at);
  *p = (struct swale__redis_pendings){0};
}

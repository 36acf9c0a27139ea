/* SPDX-License-Identifier: MIT */
#include "redis/echo.h"

#include <string.h>

#include <swale/error.h>

#include "redis/memory.h"

static int reserve(struct swale__redis_echoes *e, const struct swale_allocator *a) {
  if (e->first + e->count < e->room)
    return 0;
  if (e->first > e->room / 2) {
    memmove(e->at, e->at + e->first, e->count * sizeof *e->at);
    e->first = 0;
    return 0;
  }
  uint32_t room = e->room ? e->room * 2 : 8;
  struct swale__redis_echo *at = swale__redis_realloc(a, e->at, room * sizeof *at);
  if (!at)
    return SWALE_ENOMEM;
  e->at = at;
  e->room = room;
  return 0;
}

static void drop(struct swale__redis_echoes *e, uint32_t n) {
  e->first += n;
  e->count -= n;
  if (e->count == 0)
    e->first = 0;
}

static void forget_old(struct swale__redis_echoes *e, uint64_t now_ms) {
  while (e->count > 0 && e->at[e->first].forget_ms <= now_ms)
    drop(e, 1);
}

int swale__redis_echo_expect(struct swale__redis_echoes *e, const struct swale_allocator *a, uint64_t print,
                             uint64_t now_ms) {
  forget_old(e, now_ms);
  if (reserve(e, a) < 0)
    return SWALE_ENOMEM;
  e->at[e->first + e->count++] = (struct swale__redis_echo){print, now_ms + SWALE__REDIS_ECHO_MS};
  return 0;
}

bool swale__redis_echo_met(struct swale__redis_echoes *e, uint64_t print, uint64_t now_ms) {
  forget_old(e, now_ms);
  for (uint32_t i = 0; i < e->count; i++)
    if (e->at[e->first + i].print == print) {
      drop(e, i + 1);
      return true;
    }
  return false;
}

void swale__redis_echoes_free(struct swale__redis_echoes *e, const struct swale_allocator *a) {
  if (e->at)
    swale__redis_release(a, e->at);
  *e = (struct swale__redis_echoes){0};
}

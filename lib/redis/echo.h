/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_ECHO_H
#define SWALE_REDIS_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>

/*
 * What this process has published to a topic that it is subscribed to comes back to it, where members have got it
 * already. Nothing in a payload says who sent it; but Redis keeps the order of one connection, so the echoes of a
 * topic come in the order of its publishing, and it is enough to remember what they look like. A stranger's
 * message that looks the same is taken for ours, and ours for his: nobody can tell the difference.
 *
 * An echo that does not come, because a subscription was not there yet or not any more, is forgotten when a later one
 * comes, or after ECHO_MS.
 */
struct swale__redis_echo {
  uint64_t print;
  uint64_t forget_ms;
};

#define SWALE__REDIS_ECHO_MS 10000

struct swale__redis_echoes {
  struct swale__redis_echo *at;
  uint32_t first, count, room;
};

/* One is to come. SWALE_ENOMEM. */
int swale__redis_echo_expect(struct swale__redis_echoes *e, const struct swale_allocator *a, uint64_t print,
                             uint64_t now_ms);

/* Is this one of them? Those expected before it will not come any more. */
bool swale__redis_echo_met(struct swale__redis_echoes *e, uint64_t print, uint64_t now_ms);

void swale__redis_echoes_free(struct swale__redis_echoes *e, const struct swale_allocator *a);

#endif

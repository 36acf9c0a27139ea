/* SPDX-License-Identifier: MIT */
/* One link, on a loop whose clock is turned by hand, and the server that it talks to. */
#ifndef SWALE_TESTS_REDIS_WORLD_H
#define SWALE_TESTS_REDIS_WORLD_H

#include "redis/fake.h"
#include "redis/home.h"
#include "redis/link.h"
#include "unit.h"

struct world {
  struct unit_env u;
  struct home home;
  struct fake fake;
  struct swale__redis_settings *settings;
  struct swale_redis_host host;
  struct swale__redis_address addresses[SWALE__REDIS_ADDRESSES_MAX];
  struct swale__redis_place place;
  struct swale__redis_io io;
  struct swale__redis_link link;
  int ups, downs, pushes, turns;
  int replies, nothings; /* that callbacks got */
  long long last;        /* integer of a reply */
};

/* Kinds of links that count what happens: one has replies to its commands, the other is pushed at. */
extern const struct swale__redis_link_class world_asks, world_hears;

/* Of their classes, for others. */
void world_up(struct swale__redis_link *link);
void world_down(struct swale__redis_link *link);
void world_turned(struct swale__redis_link *link);

/* The link has been started; `host`: with what beside the fake's address, or NULL. */
void world_open(struct world *w, const struct swale__redis_link_class *class,
                const struct fake_answer *answers, const struct swale_redis_host *host);
void world_close(struct world *w);

/* Both sides have said what they have to say. */
void world_settle(struct world *w);
/* So much later they have, too. */
void world_pass(struct world *w, uint64_t ms);

/* A command of one word; its reply is counted. */
int world_command(struct world *w, const char *word);
/* Likewise, written and answered. */
void world_run_command(struct world *w, const char *word);
/* What counts replies; its data is the world. */
void world_done(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data);

#endif

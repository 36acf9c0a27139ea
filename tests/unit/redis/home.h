/* SPDX-License-Identifier: MIT */
/* A home for a layer on Redis: a loop of swale's, driven by poll. */
#ifndef SWALE_TESTS_REDIS_HOME_H
#define SWALE_TESTS_REDIS_HOME_H

#include <poll.h>
#include <stdbool.h>

#include <swale/layer.h>
#include <swale/loop.h>
#include <swale/redis.h>

enum { HOME_FDS = 64 };

struct home {
  swale_loop *loop;
  swale_layer *layer;
  struct pollfd fds[HOME_FDS];
  int n_fds;
  int waker; /* an eventfd: other threads may wake the loop */
};

/* Makes the loop. */
void home_open(struct home *h);
/* Attaches the layer. */
void home_take(struct home *h, swale_layer *layer);
/* The loop goes; the layer must have been detached or freed. */
void home_close(struct home *h);

/* Waits for so long at most, and does what there is to do. Answers whether there was anything. */
bool home_turn(struct home *h, int most_ms);

/* Turns until Redis has answered everything and says nothing any more. */
void home_settle(struct home *h);

/* Turns until the layer's state is this one; false after `most_ms`. */
bool home_await(struct home *h, enum swale_redis_state state, int most_ms);

struct swale_redis_stats home_stats(const struct home *h);

#endif

/* SPDX-License-Identifier: MIT */
/* Processes that share a Redis, two of them in this one: each has a layer, its home, and a crowd of consumers. */
#ifndef SWALE_TESTS_REDIS_NODES_H
#define SWALE_TESTS_REDIS_NODES_H

#include "core/crowd.h"

#include "redis/home.h"
#include "server.h"

enum { NODES = 2 };

struct node {
  struct swale_env env;
  struct home home;
  swale_layer *layer;
  struct crowd crowd;
  int states[8], n_states; /* that were told */
};

struct nodes {
  const char *mode;
  struct node at[NODES];
};

/* Opens them on this URL, with "mode=...&<query>" behind it, and waits until all are up. `config` may be NULL. */
void nodes_open(struct nodes *n, const char *url, const char *mode, const char *query);
/* The same with a config, whose on_state is set. */
void nodes_open_with(struct nodes *n, struct swale_redis_config *redis,
                     const struct swale_layer_config *layer);
/* All books balance, nothing is left. */
void nodes_close(struct nodes *n);

/* Runs all until nothing moves any more. */
void nodes_settle(struct nodes *n);
/* Runs all for so long. */
void nodes_run(struct nodes *n, int ms);
/* Runs all until each has this state. */
void nodes_await(struct nodes *n, enum swale_redis_state state);

void nodes_await_within(struct nodes *n, enum swale_redis_state state, int ms);

/* Called in every turn, for what else has to be done; NULL: nothing. */
void nodes_meanwhile(void (*turn)(void));

/* offered = arrived + queued + lost, for this node. */
struct swale_redis_stats nodes_books(const struct node *n);

long long nodes_now_ms(void);

/* A test for each mode, which is its state. */
#define IN_CORE_MODE(test)                                                                                   \
  { #test ", core", test, NULL, NULL, (void *)"core" }
#define IN_PUBSUB_MODE(test)                                                                                 \
  { #test ", pubsub", test, NULL, NULL, (void *)"pubsub" }
#define IN_BOTH_MODES(test) IN_CORE_MODE(test), IN_PUBSUB_MODE(test)

#endif

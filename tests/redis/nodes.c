/* SPDX-License-Identifier: MIT */
#include "nodes.h"

#include <stdio.h>
#include <time.h>

long long nodes_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void note_state(swale_layer *layer, enum swale_redis_state state, const char *why, void *user) {
  struct nodes *n = user;
  (void)why;
  for (int i = 0; i < NODES; i++)
    if (n->at[i].layer == layer && n->at[i].n_states < 8)
      n->at[i].states[n->at[i].n_states++] = (int)state;
}

static void settle_down(struct node *node, swale_layer *layer) {
  node->layer = layer;
  swale_env_default(&node->env);
  home_open(&node->home);
  home_take(&node->home, layer);
  crowd_open(&node->crowd, layer, &node->env);
}

void nodes_open(struct nodes *n, const char *url, const char *mode, const char *query) {
  static const struct swale_backend_class *const backends[] = {&swale_redis_backend, NULL};
  struct swale_layer_config config;
  char full[256], why[200];
  *n = (struct nodes){.mode = mode};
  swale_layer_config_default(&config);
  config.backends = backends;
  snprintf(full, sizeof full, "%s?mode=%s%s", url, mode, query);
  for (int i = 0; i < NODES; i++) {
    swale_layer *layer;
    int rv = swale_layer_open(full, &config, &layer, why, sizeof why);
    if (rv < 0)
      fail_msg("%s: %s", full, why);
    settle_down(&n->at[i], layer);
  }
  nodes_await(n, SWALE_REDIS_UP);
}

void nodes_open_with(struct nodes *n, struct swale_redis_config *redis,
                     const struct swale_layer_config *layer_config) {
  char why[200];
  *n = (struct nodes){.mode = redis->mode == SWALE_REDIS_CORE ? "core" : "pubsub"};
  redis->on_state = note_state;
  redis->user = n;
  for (int i = 0; i < NODES; i++) {
    swale_layer *layer;
    if (swale_redis_open(redis, layer_config, &layer, why, sizeof why) < 0)
      fail_msg("%s", why);
    settle_down(&n->at[i], layer);
  }
  nodes_await(n, SWALE_REDIS_UP);
}

struct swale_redis_stats nodes_books(const struct node *node) {
  struct swale_redis_stats s = home_stats(&node->home);
  uint64_t sum = s.arrived + s.queued;
  for (int i = 0; i < SWALE_REDIS_LOSSES; i++)
    sum += s.lost[i];
  assert_int_equal(s.offered, sum);
  return s;
}

static void (*meanwhile)(void);

void nodes_meanwhile(void (*turn)(void)) { meanwhile = turn; }

static bool turn(struct nodes *n, int most_ms) {
  bool did = false;
  if (meanwhile)
    meanwhile();
  for (int i = 0; i < NODES; i++) {
    did = home_turn(&n->at[i].home, most_ms / NODES) || did;
    crowd_run(&n->at[i].crowd);
    did = home_stats(&n->at[i].home).queued > 0 || did;
  }
  return did;
}

void nodes_settle(struct nodes *n) {
  for (int quiet = 0; quiet < 8; quiet++) /* a server may be slow on a busy machine */
    while (turn(n, 4))
      quiet = 0;
}

void nodes_run(struct nodes *n, int ms) {
  for (long long end = nodes_now_ms() + ms; nodes_now_ms() < end;)
    turn(n, 4);
}

void nodes_await(struct nodes *n, enum swale_redis_state state) { nodes_await_within(n, state, 10000); }

void nodes_await_within(struct nodes *n, enum swale_redis_state state, int ms) {
  long long end = nodes_now_ms() + ms;
  for (int i = 0; i < NODES; i++)
    while (home_stats(&n->at[i].home).state != state) {
      if (nodes_now_ms() > end)
        fail_msg("node %d: state %d, not %d: %s", i, home_stats(&n->at[i].home).state, state,
                 home_stats(&n->at[i].home).error);
      turn(n, 4);
    }
}

void nodes_close(struct nodes *n) {
  for (int i = 0; i < NODES; i++) {
    struct node *node = &n->at[i];
    crowd_run(&node->crowd);
    crowd_stats(node->layer);
    crowd_close(&node->crowd);
    swale_layer_detach(node->layer);
    struct swale_redis_stats s = nodes_books(node);
    assert_int_equal(s.queued, 0);
    assert_int_equal(s.queued_bytes, 0);
    assert_int_equal(s.groups, 0);
    assert_int_equal(swale_layer_free(node->layer), 0);
    home_close(&node->home);
  }
}

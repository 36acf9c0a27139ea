/* SPDX-License-Identifier: MIT */
/* What the parts of the conformance suite share: a layer, a crowd on it, and short names for what they do all the time. */
#ifndef SWALE_TESTS_CONFORMANCE_WORLD_H
#define SWALE_TESTS_CONFORMANCE_WORLD_H

#include <stdio.h>

#include "conformance.h"
#include "crowd.h"

enum { CAPACITY = 5, EXPIRY_MS = 60000, GROUP_EXPIRY_MS = 3600000, DROPS = 64 };

struct seen_drop {
  enum swale_drop_reason reason;
  char channel[SWALE_NAME_SIZE];
  int64_t n;
  uint64_t count;
};

/* A layer, a crowd on it, and the drops that it reported. */
struct world {
  const struct conformance *subject;
  struct unit_env u;
  swale_layer *layer;
  struct crowd crowd;
  struct seen_drop drops[DROPS];
  int n_drops;
};

static inline void note_drop(const struct swale_drop *drop, void *user) {
  struct world *w = user;
  assert_true(w->n_drops < DROPS);
  struct seen_drop *seen = &w->drops[w->n_drops++];
  seen->reason = drop->reason;
  seen->count = drop->count;
  seen->n = swale_message_get_int(drop->message, "n", -1);
  snprintf(seen->channel, sizeof seen->channel, "%s", drop->channel);
}

/* The usual config, for open_with; `state` is that of the test. */
static inline void configure(struct world *w, void **state, struct swale_layer_config *config) {
  memset(w, 0, sizeof *w);
  w->subject = *state;
  unit_env_init(&w->u);
  swale_layer_config_default(config);
  config->env = &w->u.env;
  config->capacity = CAPACITY;
  config->expiry_ms = EXPIRY_MS;
  config->group_expiry_ms = GROUP_EXPIRY_MS;
  config->on_drop = note_drop;
  config->user = w;
}

static inline void open_with(struct world *w, const struct swale_layer_config *config, size_t inbox_bytes,
                             uint32_t batch) {
  assert_int_equal(w->subject->open(config, &w->layer), 0);
  assert_int_equal(crowd_try_open(&w->crowd, w->layer, &w->u.env, inbox_bytes, batch), 0);
}

static inline void open_world(struct world *w, void **state) {
  struct swale_layer_config config;
  configure(w, state, &config);
  open_with(w, &config, 0, 0);
}

/* What was sent arrives in this process. */
static inline void settle(struct world *w) {
  if (w->subject->settle)
    w->subject->settle(w->layer);
}

/* Loops have nothing to do any more. */
static inline void run(struct world *w) {
  settle(w);
  crowd_run(&w->crowd);
}

static inline void pass(struct world *w, uint64_t ms) {
  if (w->subject->pass)
    w->subject->pass(&w->u, ms);
  else
    w->u.now_ms += ms;
}

/* Every scenario ends here: the books balance, nothing is left. */
static inline void close_world(struct world *w) {
  run(w);
  crowd_stats(w->layer);
  crowd_close(&w->crowd);
  struct swale_layer_stats s = crowd_stats(w->layer);
  assert_int_equal(s.consumers, 0);
  assert_int_equal(s.loops, 0);
  assert_int_equal(swale_layer_free(w->layer), 0);
  assert_int_equal(w->u.live, 0);
}

/* Calls that succeed. */
static inline void send(struct world *w, const char *channel, int64_t n) {
  assert_int_equal(crowd_send(w->layer, channel, n), 0);
}

static inline void group_send(struct world *w, const char *group, int64_t n, int members) {
  assert_int_equal(crowd_group_send(w->layer, group, n), members);
}

static inline void group_add(struct world *w, const char *group, const char *channel) {
  assert_int_equal(swale_group_add(w->layer, group, channel), 0);
}

static inline void group_discard(struct world *w, const char *group, const char *channel) {
  assert_int_equal(swale_group_discard(w->layer, group, channel), 0);
}

static inline int64_t receive(struct world *w, const char *channel) {
  settle(w);
  return crowd_receive(w->layer, channel);
}

static inline struct swale_channel_stats channel_stats(struct world *w, const char *channel) {
  struct swale_channel_stats s;
  assert_int_equal(swale_channel_stats_get(w->layer, channel, &s), 0);
  return s;
}

/* Fills `name` with n letters, the last one being `last`. */
static inline char *name_of_length(char *name, size_t n, char last) {
  memset(name, 'n', n);
  name[n - 1] = last;
  name[n] = '\0';
  return name;
}

/* The parts of the suite; each puts the number of its tests into *n. */
const struct CMUnitTest *conformance_channels(size_t *n);
const struct CMUnitTest *conformance_consumers(size_t *n);
const struct CMUnitTest *conformance_groups(size_t *n);
const struct CMUnitTest *conformance_figures(size_t *n);

#endif

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

static inline bool is_kept(const struct world *w, enum conformance_kept where) {
  return w->subject->kept == where;
}

/* What was sent arrives. */
static inline void settle(struct world *w) {
  if (w->subject->settle)
    w->subject->settle(w->layer);
}

/* Loops have nothing to do any more. */
static inline void run(struct world *w) {
  settle(w);
  crowd_run(&w->crowd);
}

static inline void pass(struct world *w, uint64_t ms) { w->u.now_ms += ms; }

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

/* What becomes of a message to a channel. */
static inline int offer(struct world *w, const char *channel, int64_t n) {
  swale_message *m = crowd_note(n);
  int rv = (w->subject->send ? w->subject->send : swale_send)(w->layer, channel, m);
  swale_message_unref(m);
  return rv;
}

/* One for which there is no room. */
static inline void offer_too_much(struct world *w, const char *channel, int64_t n) {
  assert_int_equal(offer(w, channel, n), is_kept(w, CONFORMANCE_BY_HEARERS) ? 0 : SWALE_EFULL);
}

/* The number of the next message that waits in a plain channel, or an error. */
static inline int64_t receive(struct world *w, const char *channel) {
  swale_message *m;
  settle(w);
  int rv = (w->subject->receive ? w->subject->receive : swale_receive)(w->layer, channel, &m);
  assert_true((m != NULL) == (rv == 0));
  int64_t n = m ? swale_message_get_int(m, "n", -1) : rv;
  swale_message_unref(m);
  return n;
}

/* From now on messages of plain channels are kept, where that needs somebody who listens. */
static inline void listen_to(struct world *w, const char *channel) {
  if (is_kept(w, CONFORMANCE_BY_HEARERS))
    assert_int_equal(receive(w, channel), SWALE_EAGAIN);
}

/* Calls that succeed. */
static inline void send(struct world *w, const char *channel, int64_t n) {
  assert_int_equal(offer(w, channel, n), 0);
}

/* To a group that has so many members whose channels are this process's own, and so many plain channels. */
static inline void group_send_mixed(struct world *w, const char *group, int64_t n, int own, int plain) {
  assert_int_equal(crowd_group_send(w->layer, group, n),
                   own + (is_kept(w, CONFORMANCE_AT_SERVER) ? 0 : plain));
}

static inline void group_send(struct world *w, const char *group, int64_t n, int members) {
  group_send_mixed(w, group, n, members, 0);
}

static inline void group_add(struct world *w, const char *group, const char *channel) {
  assert_int_equal(swale_group_add(w->layer, group, channel), 0);
}

static inline void group_discard(struct world *w, const char *group, const char *channel) {
  assert_int_equal(swale_group_discard(w->layer, group, channel), 0);
}

/* A channel of this process's own, without a consumer. */
static inline const char *own_channel(struct world *w, char name[SWALE_NAME_SIZE]) {
  assert_int_equal(swale_new_channel(w->layer, NULL, name), 0);
  return name;
}

static inline struct swale_channel_stats channel_stats(struct world *w, const char *channel) {
  struct swale_channel_stats s;
  assert_int_equal(swale_channel_stats_get(w->layer, channel, &s), 0);
  return s;
}

/* So many messages wait in a plain channel. */
static inline void assert_waiting(struct world *w, const char *channel, int n) {
  settle(w);
  assert_int_equal(
      w->subject->waiting ? w->subject->waiting(w->layer, channel) : (int)channel_stats(w, channel).depth, n);
}

/* So many members a group has, as in group_send_mixed. At a server a process is one member, whatever it has. */
static inline void assert_members(struct world *w, const char *group, int own, int plain) {
  bool apart = is_kept(w, CONFORMANCE_AT_SERVER);
  settle(w);
  assert_int_equal(swale_group_count(w->layer, group), own + (apart ? 0 : plain));
  if (apart)
    assert_int_equal(w->subject->members(w->layer, group), (own > 0) + plain);
}

/* So many messages have expired that were sent to plain channels or waited for consumers. */
static inline void assert_expired(struct world *w, uint64_t n) {
  uint64_t there = w->subject->expired ? w->subject->expired(w->layer) : 0;
  assert_int_equal(crowd_dropped(w->layer, SWALE_DROP_EXPIRED) + there, n);
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

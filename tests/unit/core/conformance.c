/* SPDX-License-Identifier: MIT */
#include "conformance.h"

#include <stdio.h>

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

static void note_drop(const struct swale_drop *drop, void *user) {
  struct world *w = user;
  assert_true(w->n_drops < DROPS);
  struct seen_drop *seen = &w->drops[w->n_drops++];
  seen->reason = drop->reason;
  seen->count = drop->count;
  seen->n = swale_message_get_int(drop->message, "n", -1);
  snprintf(seen->channel, sizeof seen->channel, "%s", drop->channel);
}

static void configure(struct world *w, void **state, struct swale_layer_config *config) {
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

static void open_with(struct world *w, const struct swale_layer_config *config, size_t inbox_bytes, uint32_t batch) {
  assert_int_equal(w->subject->open(config, &w->layer), 0);
  assert_int_equal(crowd_try_open(&w->crowd, w->layer, &w->u.env, inbox_bytes, batch), 0);
}

static void open_world(struct world *w, void **state) {
  struct swale_layer_config config;
  configure(w, state, &config);
  open_with(w, &config, 0, 0);
}

static void settle(struct world *w) {
  if (w->subject->settle)
    w->subject->settle(w->layer);
}

static void run(struct world *w) {
  settle(w);
  crowd_run(&w->crowd);
}

static void pass(struct world *w, uint64_t ms) {
  if (w->subject->pass)
    w->subject->pass(&w->u, ms);
  else
    w->u.now_ms += ms;
}

/* Every scenario ends here: the books balance, nothing is left. */
static void close_world(struct world *w) {
  run(w);
  crowd_stats(w->layer);
  crowd_close(&w->crowd);
  struct swale_layer_stats s = crowd_stats(w->layer);
  assert_int_equal(s.consumers, 0);
  assert_int_equal(s.loops, 0);
  assert_int_equal(swale_layer_free(w->layer), 0);
  assert_int_equal(w->u.live, 0);
}

static void send(struct world *w, const char *channel, int64_t n) {
  assert_int_equal(crowd_send(w->layer, channel, n), 0);
}

static void group_send(struct world *w, const char *group, int64_t n, int members) {
  assert_int_equal(crowd_group_send(w->layer, group, n), members);
}

static void group_add(struct world *w, const char *group, const char *channel) {
  assert_int_equal(swale_group_add(w->layer, group, channel), 0);
}

static void group_discard(struct world *w, const char *group, const char *channel) {
  assert_int_equal(swale_group_discard(w->layer, group, channel), 0);
}

static int64_t receive(struct world *w, const char *channel) {
  settle(w);
  return crowd_receive(w->layer, channel);
}

static struct swale_channel_stats channel_stats(struct world *w, const char *channel) {
  struct swale_channel_stats s;
  assert_int_equal(swale_channel_stats_get(w->layer, channel, &s), 0);
  return s;
}

/* ---- names ---------------------------------------------------------------------------------- */

static char *name_of_length(char *name, size_t n, char last) {
  memset(name, 'n', n);
  name[n - 1] = last;
  name[n] = '\0';
  return name;
}

static void refuse_channel(struct world *w, const char *channel) {
  char name[SWALE_NAME_SIZE];
  swale_message *out;
  struct swale_channel_stats s;
  struct swale_cursor cursor = {0};
  assert_int_equal(crowd_send(w->layer, channel, 1), SWALE_ENAME);
  assert_int_equal(swale_group_add(w->layer, "g", channel), SWALE_ENAME);
  assert_int_equal(swale_group_discard(w->layer, "g", channel), SWALE_ENAME);
  assert_int_equal(swale_receive(w->layer, channel, &out), SWALE_ENAME);
  assert_null(out);
  assert_int_equal(swale_channel_close(w->layer, channel), SWALE_ENAME);
  assert_int_equal(swale_channel_stats_get(w->layer, channel, &s), SWALE_ENAME);
  assert_int_equal(swale_channel_next_group(w->layer, channel, &cursor, name), SWALE_ENAME);
}

static void refuse_group(struct world *w, const char *group) {
  char name[SWALE_NAME_SIZE];
  struct swale_cursor cursor = {0};
  assert_int_equal(crowd_group_send(w->layer, group, 1), SWALE_ENAME);
  assert_int_equal(swale_group_add(w->layer, group, "c"), SWALE_ENAME);
  assert_int_equal(swale_group_discard(w->layer, group, "c"), SWALE_ENAME);
  assert_int_equal(swale_group_count(w->layer, group), SWALE_ENAME);
  assert_int_equal(swale_group_next(w->layer, group, &cursor, name), SWALE_ENAME);
}

static void illegal_names_are_refused_before_anything_happens(void **state) {
  struct world w;
  char name[120];
  static const char *const illegal[] = {"", " ", "a b", "a/b", "a:b", "a#", "caf\xc3\xa9", "a\n", "*", "a@b", NULL};
  open_world(&w, state);
  for (const char *const *n = illegal; *n; n++) {
    refuse_channel(&w, *n);
    refuse_group(&w, *n);
  }
  refuse_channel(&w, NULL);
  refuse_group(&w, NULL);
  refuse_channel(&w, name_of_length(name, 100, 'n'));
  refuse_group(&w, name_of_length(name, 100, 'n'));
  refuse_channel(&w, name_of_length(name, 100, '!'));
  refuse_channel(&w, "!a");
  refuse_channel(&w, "!");
  refuse_channel(&w, "a!b!c");
  refuse_channel(&w, "a!!");
  refuse_group(&w, "a!b");
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.offered + s.refused + s.sends + s.group_sends + s.channels + s.groups, 0);
  close_world(&w);
}

static void legal_names_work(void **state) {
  struct world w;
  char long_name[120], long_mark[120];
  open_world(&w, state);
  const char *const channels[] = {"a",  "Z9-_.", "-",       ".",  "a!", "a!b", "specific.a!b", "0",
                                  name_of_length(long_name, 99, 'n'), name_of_length(long_mark, 99, '!')};
  const char *const groups[] = {"g", "Chat.room-1_x", "..", name_of_length(long_name, 99, 'n')};
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
    send(&w, channels[i], (int64_t)i);
    assert_int_equal(receive(&w, channels[i]), i);
  }
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    group_add(&w, groups[i], long_mark);
    group_send(&w, groups[i], (int64_t)i, 1);
    assert_int_equal(receive(&w, long_mark), i);
  }
  close_world(&w);
}

static void groups_and_channels_have_names_of_their_own(void **state) {
  struct world w;
  open_world(&w, state);
  group_add(&w, "same", "other");
  send(&w, "same", 1);
  assert_int_equal(receive(&w, "other"), SWALE_EAGAIN);
  assert_int_equal(receive(&w, "same"), 1);
  close_world(&w);
}

/* ---- sending and receiving -------------------------------------------------------------------- */

static void what_is_sent_is_received_in_order(void **state) {
  struct world w;
  open_world(&w, state);
  for (int64_t i = 0; i < CAPACITY; i++) {
    send(&w, "a", i);
    send(&w, "b", 10 + i);
  }
  for (int64_t i = 0; i < CAPACITY; i++) {
    assert_int_equal(receive(&w, "b"), 10 + i);
    assert_int_equal(receive(&w, "a"), i);
  }
  assert_int_equal(receive(&w, "a"), SWALE_EAGAIN);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.sends, 2 * CAPACITY);
  assert_int_equal(s.delivered, 2 * CAPACITY);
  assert_int_equal(s.channels, 0);
  close_world(&w);
}

static void a_message_arrives_as_it_was_sent(void **state) {
  struct world w;
  swale_message *sent = swale_message_new("chat.message"), *got;
  open_world(&w, state);
  swale_message_add_str(sent, "text", "gr\xc3\xbc\xc3\x9f");
  swale_message_add_bytes(sent, "raw", "\0\xff", 2);
  swale_message_begin_list(sent, "list");
  swale_message_add_double(sent, NULL, 0.5);
  swale_message_add_nil(sent, NULL);
  swale_message_end(sent);
  assert_int_equal(swale_send(w.layer, "a", sent), 0);
  settle(&w);
  assert_int_equal(swale_receive(w.layer, "a", &got), 0);
  size_t sent_len, got_len;
  const void *sent_bytes = swale_message_bytes(sent, &sent_len), *got_bytes = swale_message_bytes(got, &got_len);
  assert_int_equal(got_len, sent_len);
  assert_memory_equal(got_bytes, sent_bytes, sent_len);
  assert_string_equal(swale_message_type(got), "chat.message");
  swale_message_unref(sent);
  swale_message_unref(got);
  close_world(&w);
}

static void a_message_that_is_sent_changes_no_more(void **state) {
  struct world w;
  swale_message *m = crowd_note(1);
  open_world(&w, state);
  assert_int_equal(swale_send(w.layer, "a", m), 0);
  assert_int_equal(swale_message_add_int(m, "late", 1), SWALE_ESTATE);
  assert_int_equal(swale_send(w.layer, "b", m), 0);
  swale_message_unref(m);
  assert_int_equal(receive(&w, "a"), 1);
  assert_int_equal(receive(&w, "b"), 1);
  close_world(&w);
}

static void a_message_that_cannot_be_sent_changes_nothing(void **state) {
  struct world w;
  swale_message *open = crowd_note(1), *broken = crowd_note(1);
  open_world(&w, state);
  group_add(&w, "g", "a");
  swale_message_begin_map(open, "map");
  swale_message_add_str(broken, "text", "\xff");
  assert_int_equal(swale_send(w.layer, "a", open), SWALE_ESTATE);
  assert_int_equal(swale_group_send(w.layer, "g", open), SWALE_ESTATE);
  assert_int_equal(swale_send(w.layer, "a", broken), SWALE_EUTF8);
  assert_int_equal(swale_group_send(w.layer, "g", broken), SWALE_EUTF8);
  assert_int_equal(crowd_stats(w.layer).offered, 0);
  swale_message_end(open);
  assert_int_equal(swale_send(w.layer, "a", open), 0);
  assert_int_equal(receive(&w, "a"), 1);
  swale_message_unref(open);
  swale_message_unref(broken);
  close_world(&w);
}

static void receiving_leaves_no_trace(void **state) {
  struct world w;
  struct swale_channel_stats s;
  open_world(&w, state);
  assert_int_equal(receive(&w, "nobody"), SWALE_EAGAIN);
  assert_int_equal(swale_channel_close(w.layer, "nobody"), 0);
  assert_int_equal(swale_channel_stats_get(w.layer, "nobody", &s), SWALE_ENOTFOUND);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  close_world(&w);
}

/* ---- capacity and expiry ---------------------------------------------------------------------- */

static void a_full_channel_refuses_what_is_sent(void **state) {
  struct world w;
  open_world(&w, state);
  for (int64_t i = 0; i < CAPACITY; i++)
    send(&w, "a", i);
  assert_int_equal(crowd_send(w.layer, "a", 99), SWALE_EFULL);
  send(&w, "b", 100);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.refused, 1);
  assert_int_equal(s.offered, CAPACITY + 1);
  assert_int_equal(s.queued, CAPACITY + 1);
  assert_int_equal(channel_stats(&w, "a").depth, CAPACITY);
  assert_int_equal(receive(&w, "a"), 0);
  send(&w, "a", 5);
  for (int64_t i = 1; i <= CAPACITY; i++)
    assert_int_equal(receive(&w, "a"), i);
  close_world(&w);
}

static void the_first_glob_that_matches_sets_the_capacity(void **state) {
  static const struct swale_capacity capacities[] = {
      {"chat.vip", 4}, {"chat.*", 2}, {"*.vip", 9}, {"[a-c]", 1}, {"?", 3}};
  static const struct {
    const char *channel;
    uint32_t capacity;
  } expected[] = {{"chat.vip", 4}, {"chat.x", 2}, {"chat.", 2}, {"x.vip", 9},        {"b", 1},
                  {"d", 3},        {"dd", CAPACITY}, {"chat", CAPACITY}, {"xchat.x", CAPACITY}};
  struct world w;
  struct swale_layer_config config;
  configure(&w, state, &config);
  config.capacities = capacities;
  config.n_capacities = sizeof capacities / sizeof *capacities;
  open_with(&w, &config, 0, 0);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    for (uint32_t n = 0; n < expected[i].capacity; n++)
      send(&w, expected[i].channel, n);
    assert_int_equal(crowd_send(w.layer, expected[i].channel, 99), SWALE_EFULL);
    assert_int_equal(channel_stats(&w, expected[i].channel).capacity, expected[i].capacity);
  }
  close_world(&w);
}

static void globs_match_the_names_of_consumers_too(void **state) {
  static const struct swale_capacity capacities[] = {{"specific.*!*", 2}};
  struct world w;
  struct swale_layer_config config;
  struct crowd_member m;
  configure(&w, state, &config);
  config.capacities = capacities;
  config.n_capacities = 1;
  open_with(&w, &config, 0, 0);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(channel_stats(&w, m.channel).capacity, 2);
  crowd_pause(&m);
  for (int64_t i = 0; i < 3; i++)
    send(&w, m.channel, i);
  run(&w);
  assert_int_equal(channel_stats(&w, m.channel).depth, 2);
  crowd_resume(&m);
  crowd_assert_got(&m, 0, 1);
  close_world(&w);
}

static void messages_expire(void **state) {
  struct world w;
  open_world(&w, state);
  send(&w, "a", 1);
  pass(&w, EXPIRY_MS / 2);
  send(&w, "a", 2);
  send(&w, "b", 3);
  pass(&w, EXPIRY_MS / 2 - 1);
  assert_int_equal(channel_stats(&w, "a").depth, 2);
  pass(&w, 1);
  assert_int_equal(channel_stats(&w, "a").depth, 1);
  assert_int_equal(channel_stats(&w, "a").dropped, 1);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_EXPIRED), 1);
  assert_int_equal(receive(&w, "a"), 2);
  pass(&w, EXPIRY_MS);
  assert_int_equal(receive(&w, "b"), SWALE_EAGAIN);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_EXPIRED), 2);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  close_world(&w);
}

static void expired_messages_make_room(void **state) {
  struct world w;
  open_world(&w, state);
  for (int64_t i = 0; i < CAPACITY; i++)
    send(&w, "a", i);
  pass(&w, EXPIRY_MS);
  send(&w, "a", 9);
  assert_int_equal(receive(&w, "a"), 9);
  close_world(&w);
}

static void an_expiry_that_never_ends_never_comes(void **state) {
  struct world w;
  struct swale_layer_config config;
  struct crowd_member m;
  configure(&w, state, &config);
  config.expiry_ms = UINT64_MAX;
  config.group_expiry_ms = UINT64_MAX;
  open_with(&w, &config, 0, 0);
  crowd_enter(&w.crowd, &m, 0);
  crowd_pause(&m);
  group_add(&w, "g", "a");
  group_add(&w, "g", m.channel);
  group_send(&w, "g", 1, 2);
  run(&w);
  pass(&w, UINT64_C(1) << 40);
  run(&w);
  crowd_resume(&m);
  crowd_assert_got(&m, 1);
  assert_int_equal(receive(&w, "a"), 1);
  assert_int_equal(swale_group_count(w.layer, "g"), 2);
  close_world(&w);
}

/* ---- consumers -------------------------------------------------------------------------------- */

static void a_consumer_is_sent_to_by_its_name(void **state) {
  struct world w;
  struct crowd_member a, b;
  open_world(&w, state);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  assert_string_not_equal(a.channel, b.channel);
  for (int64_t i = 0; i < 2 * CAPACITY; i++) /* a consumer that keeps up has no capacity */
    send(&w, a.channel, i);
  send(&w, b.channel, 7);
  assert_int_equal(crowd_stats(w.layer).queued, 2 * CAPACITY + 1);
  crowd_assert_got_nothing(&a); /* never inside a send */
  run(&w);
  crowd_assert_got(&a, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  crowd_assert_got(&b, 7);
  assert_int_equal(crowd_stats(w.layer).delivered, 2 * CAPACITY + 1);
  close_world(&w);
}

static void a_consumers_channel_is_not_for_receiving(void **state) {
  struct world w;
  struct crowd_member m;
  swale_message *out;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(swale_receive(w.layer, m.channel, &out), SWALE_ESTATE);
  assert_int_equal(swale_channel_close(w.layer, m.channel), SWALE_ESTATE);
  close_world(&w);
}

static void the_name_of_a_dead_consumer_is_closed(void **state) {
  struct world w;
  struct crowd_member m, next;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  group_add(&w, "g", m.channel);
  crowd_lose(&m);
  assert_int_equal(m.disconnects, 1);
  crowd_enter(&w.crowd, &next, 0); /* where the other one was */
  assert_int_equal(crowd_send(w.layer, m.channel, 1), SWALE_ECLOSED);
  assert_int_equal(swale_group_add(w.layer, "g", m.channel), SWALE_ECLOSED);
  group_discard(&w, "g", m.channel);
  assert_int_equal(receive(&w, m.channel), SWALE_EAGAIN);
  run(&w);
  crowd_assert_got_nothing(&next);
  assert_int_equal(crowd_stats(w.layer).refused, 1);
  assert_int_equal(swale_group_count(w.layer, "g"), 0);
  close_world(&w);
}

static void what_was_on_its_way_to_a_consumer_that_ends_is_counted(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  group_add(&w, "g", m.channel);
  send(&w, m.channel, 1);
  group_send(&w, "g", 2, 1);
  crowd_lose(&m);
  assert_int_equal(swale_group_count(w.layer, "g"), 0);
  run(&w);
  crowd_assert_got_nothing(&m);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.dropped[SWALE_DROP_CLOSED], 2);
  assert_int_equal(s.groups, 0);
  close_world(&w);
}

static void what_waits_for_a_slow_consumer_arrives_in_order(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  group_add(&w, "g", m.channel);
  crowd_pause(&m);
  send(&w, m.channel, 1);
  group_send(&w, "g", 2, 1);
  run(&w);
  crowd_assert_got_nothing(&m);
  send(&w, m.channel, 3);
  crowd_resume(&m);
  run(&w);
  crowd_assert_got(&m, 1, 2, 3);
  close_world(&w);
}

/* Seven messages for a paused member of this class, whose queue takes CAPACITY. */
static void overflow(struct world *w, struct crowd_member *m, const struct swale_consumer_class *cls) {
  crowd_enter_as(&w->crowd, m, 0, cls);
  crowd_pause(m);
  for (int64_t i = 0; i < CAPACITY + 2; i++)
    send(w, m->channel, i);
  run(w);
}

static void a_slow_consumer_misses_the_newest(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  overflow(&w, &m, &crowd_newest);
  assert_int_equal(channel_stats(&w, m.channel).dropped, 2);
  assert_int_equal(channel_stats(&w, m.channel).depth, CAPACITY);
  crowd_resume(&m);
  crowd_assert_got(&m, 0, 1, 2, 3, 4);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FULL), 2);
  close_world(&w);
}

static void a_slow_consumer_misses_the_oldest_if_its_class_says_so(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  overflow(&w, &m, &crowd_oldest);
  crowd_resume(&m);
  crowd_assert_got(&m, 2, 3, 4, 5, 6);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FULL), 2);
  close_world(&w);
}

static void a_slow_consumer_is_closed_if_its_class_says_so(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  overflow(&w, &m, &crowd_closes);
  assert_true(m.closing);
  crowd_lose(&m);
  crowd_assert_got_nothing(&m);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.dropped[SWALE_DROP_FULL], 1);
  assert_int_equal(s.dropped[SWALE_DROP_CLOSED], CAPACITY + 1);
  close_world(&w);
}

static void what_waits_for_a_slow_consumer_expires(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  crowd_pause(&m);
  send(&w, m.channel, 1);
  run(&w);
  pass(&w, EXPIRY_MS / 2);
  send(&w, m.channel, 2);
  run(&w);
  pass(&w, EXPIRY_MS / 2);
  run(&w);
  assert_int_equal(channel_stats(&w, m.channel).depth, 1);
  crowd_resume(&m);
  crowd_assert_got(&m, 2);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_EXPIRED), 1);
  close_world(&w);
}

static void expired_messages_make_room_for_a_slow_consumer(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  crowd_pause(&m);
  for (int64_t i = 0; i < CAPACITY; i++)
    send(&w, m.channel, i);
  run(&w);
  pass(&w, EXPIRY_MS);
  send(&w, m.channel, 9);
  run(&w);
  crowd_resume(&m);
  crowd_assert_got(&m, 9);
  close_world(&w);
}

static void an_undecided_consumer_gets_its_messages_when_it_is_accepted(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter_as(&w.crowd, &m, 0, &crowd_undecided);
  group_add(&w, "g", m.channel);
  group_send(&w, "g", 1, 1);
  run(&w);
  crowd_assert_got_nothing(&m);
  assert_int_equal(channel_stats(&w, m.channel).depth, 1);
  swale_loop_enter(w.crowd.at[0].loop);
  assert_int_equal(swale_accept(m.consumer, NULL), 0);
  swale_loop_leave(w.crowd.at[0].loop);
  crowd_assert_got(&m, 1);
  close_world(&w);
}

static void messages_of_unknown_types_are_counted(void **state) {
  struct world w;
  struct crowd_member m;
  swale_message *odd = swale_message_new("disconnect");
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(swale_send(w.layer, m.channel, odd), 0);
  swale_message_unref(odd);
  run(&w);
  assert_int_equal(m.disconnects, 0);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.delivered, 1);
  assert_int_equal(s.unhandled, 1);
  assert_int_equal(w.crowd.unhandled, 1);
  close_world(&w);
}

/* ---- groups ----------------------------------------------------------------------------------- */

static void joining_and_leaving_twice_is_like_once(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  for (int i = 0; i < 3; i++) {
    group_add(&w, "g", m.channel);
    assert_int_equal(swale_join(m.consumer, "g"), 0);
    group_add(&w, "g", "plain");
  }
  assert_int_equal(swale_group_count(w.layer, "g"), 2);
  group_send(&w, "g", 1, 2);
  run(&w);
  crowd_assert_got(&m, 1);
  assert_int_equal(receive(&w, "plain"), 1);
  assert_int_equal(receive(&w, "plain"), SWALE_EAGAIN);
  for (int i = 0; i < 3; i++) {
    group_discard(&w, "g", m.channel);
    assert_int_equal(swale_leave(m.consumer, "g"), 0);
    group_discard(&w, "g", "plain");
  }
  group_discard(&w, "other", m.channel);
  group_discard(&w, "g", "stranger");
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.memberships, 0);
  assert_int_equal(s.groups, 0);
  assert_int_equal(s.channels, 0);
  group_send(&w, "g", 2, 0);
  run(&w);
  crowd_assert_got_nothing(&m);
  close_world(&w);
}

static void a_group_message_reaches_every_member_once(void **state) {
  struct world w;
  struct crowd_member m[6], outsider;
  open_world(&w, state);
  crowd_enter(&w.crowd, &outsider, 0);
  for (int i = 0; i < 6; i++) {
    crowd_enter(&w.crowd, &m[i], i % 2);
    group_add(&w, "g", m[i].channel);
  }
  group_add(&w, "g", "one");
  group_add(&w, "g", "two");
  group_add(&w, "other", outsider.channel);
  group_send(&w, "g", 1, 8);
  assert_int_equal(crowd_stats(w.layer).queued, 8);
  run(&w);
  for (int i = 0; i < 6; i++)
    crowd_assert_got(&m[i], 1);
  assert_int_equal(receive(&w, "one"), 1);
  assert_int_equal(receive(&w, "two"), 1);
  crowd_assert_got_nothing(&outsider);
  assert_int_equal(crowd_stats(w.layer).group_sends, 1);
  close_world(&w);
}

static void a_group_without_members_takes_messages_to_nobody(void **state) {
  struct world w;
  open_world(&w, state);
  group_send(&w, "nobody", 1, 0);
  assert_int_equal(swale_group_count(w.layer, "nobody"), 0);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.offered, 0);
  assert_int_equal(s.groups, 0);
  close_world(&w);
}

static void who_joins_after_the_send_does_not_get_it(void **state) {
  struct world w;
  struct crowd_member old, late, other;
  open_world(&w, state);
  crowd_enter(&w.crowd, &old, 0);
  crowd_enter(&w.crowd, &late, 0);
  crowd_enter(&w.crowd, &other, 1);
  group_add(&w, "g", old.channel);
  group_send(&w, "g", 1, 1);
  group_add(&w, "g", late.channel);
  group_add(&w, "g", other.channel);
  group_send(&w, "g", 2, 3);
  run(&w);
  crowd_assert_got(&old, 1, 2);
  crowd_assert_got(&late, 2);
  crowd_assert_got(&other, 2);
  close_world(&w);
}

static void who_leaves_before_his_turn_does_not_get_it_and_is_counted(void **state) {
  struct world w;
  struct crowd_member stays, leaves;
  open_world(&w, state);
  crowd_enter(&w.crowd, &stays, 0);
  crowd_enter(&w.crowd, &leaves, 0);
  group_add(&w, "g", stays.channel);
  group_add(&w, "g", leaves.channel);
  group_send(&w, "g", 1, 2);
  group_discard(&w, "g", leaves.channel);
  run(&w);
  crowd_assert_got(&stays, 1);
  crowd_assert_got_nothing(&leaves);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), 1);
  close_world(&w);
}

static void who_leaves_and_returns_was_not_a_member_all_the_time(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  group_add(&w, "g", m.channel);
  group_send(&w, "g", 1, 1);
  group_discard(&w, "g", m.channel); /* the group has gone for a moment */
  assert_int_equal(crowd_stats(w.layer).groups, 0);
  group_add(&w, "g", m.channel);
  group_send(&w, "g", 2, 1);
  run(&w);
  crowd_assert_got(&m, 2);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), 1);
  close_world(&w);
}

/* The first who is told takes everybody else out of the group, one out of it and in again. */
static void empty_the_group(struct crowd_member *m, swale_message *message) {
  (void)message;
  struct crowd_member *all = m->arg;
  for (int i = 0; i < 4; i++)
    if (&all[i] != m)
      assert_int_equal(swale_group_discard(m->crowd->layer, "g", all[i].channel), 0);
  assert_int_equal(swale_group_add(m->crowd->layer, "g", all[&all[0] == m].channel), 0);
  assert_int_equal(swale_group_count(m->crowd->layer, "g"), 2);
}

static void members_may_be_taken_out_by_a_handler(void **state) {
  struct world w;
  struct crowd_member m[4];
  open_world(&w, state);
  for (int i = 0; i < 4; i++) {
    crowd_enter(&w.crowd, &m[i], 0);
    m[i].act = empty_the_group;
    m[i].arg = m;
    group_add(&w, "g", m[i].channel);
  }
  group_send(&w, "g", 1, 4);
  run(&w);
  int told = 0;
  for (int i = 0; i < 4; i++) {
    told += m[i].n_got;
    m[i].act = NULL;
  }
  assert_int_equal(told, 1);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), 3);
  group_send(&w, "g", 2, 2);
  run(&w);
  close_world(&w);
}

/* Brings in a newcomer, whom the message does not concern but everything after it does. */
static void bring_one_in(struct crowd_member *m, swale_message *message) {
  (void)message;
  struct crowd_member *newcomer = m->arg;
  int all;
  assert_int_equal(swale_group_add(m->crowd->layer, "g", newcomer->channel), 0);
  assert_int_equal(swale_group_count(m->crowd->layer, "g"), 2);
  assert_int_equal(crowd_group_lists(m->crowd->layer, "g", newcomer->channel, &all), 1);
  assert_int_equal(all, 2);
  assert_int_equal(crowd_group_send(m->crowd->layer, "g", 2), 2);
  m->act = NULL;
}

static void members_may_be_brought_in_by_a_handler(void **state) {
  struct world w;
  struct crowd_member m, newcomer;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  crowd_enter(&w.crowd, &newcomer, 0);
  m.act = bring_one_in;
  m.arg = &newcomer;
  group_add(&w, "g", m.channel);
  group_send(&w, "g", 1, 1);
  run(&w);
  crowd_assert_got(&m, 1, 2);
  crowd_assert_got(&newcomer, 2);
  close_world(&w);
}

static void sends_to_a_channel_and_to_its_groups_keep_their_order(void **state) {
  struct world w;
  struct crowd_member a, b;
  open_world(&w, state);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  const char *const members[] = {a.channel, b.channel, "plain"};
  for (int i = 0; i < 3; i++) {
    group_add(&w, "g", members[i]);
    group_add(&w, "h", members[i]);
  }
  group_send(&w, "g", 1, 3);
  send(&w, a.channel, 2);
  send(&w, "plain", 2);
  group_send(&w, "h", 3, 3);
  group_send(&w, "g", 4, 3);
  send(&w, b.channel, 5);
  run(&w);
  crowd_assert_got(&a, 1, 2, 3, 4);
  crowd_assert_got(&b, 1, 3, 4, 5);
  for (int64_t i = 1; i <= 4; i++)
    assert_int_equal(receive(&w, "plain"), i);
  close_world(&w);
}

static void a_member_over_capacity_misses_the_message_alone(void **state) {
  struct world w;
  struct crowd_member slow, quick;
  open_world(&w, state);
  crowd_enter(&w.crowd, &slow, 0);
  crowd_enter(&w.crowd, &quick, 0);
  crowd_pause(&slow);
  group_add(&w, "g", slow.channel);
  group_add(&w, "g", quick.channel);
  group_add(&w, "g", "plain");
  for (int64_t i = 0; i < CAPACITY + 1; i++)
    group_send(&w, "g", i, 3);
  run(&w);
  crowd_assert_got(&quick, 0, 1, 2, 3, 4, 5);
  crowd_resume(&slow);
  crowd_assert_got(&slow, 0, 1, 2, 3, 4);
  assert_int_equal(receive(&w, "plain"), 0);
  assert_int_equal(channel_stats(&w, "plain").dropped, 1);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.dropped[SWALE_DROP_FULL], 2);
  assert_int_equal(s.refused, 0);
  close_world(&w);
}

static void membership_ends_with_the_consumer(void **state) {
  struct world w;
  struct crowd_member m[3];
  open_world(&w, state);
  for (int i = 0; i < 3; i++) {
    crowd_enter_as(&w.crowd, &m[i], i % 2, &crowd_in_group);
    group_add(&w, "more", m[i].channel);
  }
  assert_int_equal(swale_group_count(w.layer, "class"), 3);
  crowd_lose(&m[1]);
  assert_int_equal(swale_group_count(w.layer, "class"), 2);
  assert_int_equal(swale_group_count(w.layer, "more"), 2);
  group_send(&w, "class", 1, 2);
  run(&w);
  crowd_assert_got(&m[0], 1);
  crowd_assert_got(&m[2], 1);
  crowd_lose(&m[0]);
  crowd_lose(&m[2]);
  assert_int_equal(crowd_stats(w.layer).groups, 0);
  close_world(&w);
}

static void memberships_without_a_consumer_expire_unless_they_are_renewed(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  group_add(&w, "g", m.channel);
  group_add(&w, "g", "forgotten");
  group_add(&w, "g", "renewed");
  pass(&w, GROUP_EXPIRY_MS / 2);
  group_add(&w, "g", "renewed");
  pass(&w, GROUP_EXPIRY_MS / 2 - 1);
  assert_int_equal(swale_group_count(w.layer, "g"), 3);
  pass(&w, 1);
  assert_int_equal(swale_group_count(w.layer, "g"), 2);
  group_send(&w, "g", 1, 2);
  run(&w);
  crowd_assert_got(&m, 1);
  assert_int_equal(receive(&w, "renewed"), 1);
  assert_int_equal(receive(&w, "forgotten"), SWALE_EAGAIN);
  pass(&w, 2 * GROUP_EXPIRY_MS);
  assert_int_equal(swale_group_count(w.layer, "g"), 1);
  close_world(&w);
}

static void expired_members_are_not_listed(void **state) {
  struct world w;
  struct swale_cursor cursor = {0};
  char name[SWALE_NAME_SIZE];
  int all;
  open_world(&w, state);
  group_add(&w, "g", "a");
  pass(&w, GROUP_EXPIRY_MS);
  assert_int_equal(crowd_group_lists(w.layer, "g", "a", &all), 0);
  group_add(&w, "g", "a");
  pass(&w, GROUP_EXPIRY_MS);
  assert_int_equal(swale_channel_next_group(w.layer, "a", &cursor, name), 0);
  close_world(&w);
}

/* ---- new_channel ------------------------------------------------------------------------------ */

static void new_channels_are_distinct_and_well_formed(void **state) {
  struct world w;
  enum { MANY = 200 };
  static char names[MANY][SWALE_NAME_SIZE];
  open_world(&w, state);
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(swale_new_channel(w.layer, i % 2 ? "reply" : NULL, names[i]), 0);
    assert_int_equal(strncmp(names[i], i % 2 ? "reply." : "specific.", i % 2 ? 6 : 9), 0);
    assert_non_null(strchr(names[i], '!'));
    for (int j = 0; j < i; j++) {
      assert_string_not_equal(names[i], names[j]);
      assert_string_not_equal(strchr(names[i], '!'), strchr(names[j], '!'));
    }
  }
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  group_add(&w, "g", names[0]);
  group_send(&w, "g", 1, 1);
  send(&w, names[0], 2);
  assert_int_equal(receive(&w, names[0]), 1);
  assert_int_equal(receive(&w, names[0]), 2);
  assert_int_equal(swale_channel_close(w.layer, names[0]), 0);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  close_world(&w);
}

static void new_channels_have_a_prefix_that_is_a_name(void **state) {
  static const char *const bad[] = {"", "a!", "a b", "caf\xc3\xa9", NULL};
  struct world w;
  char name[SWALE_NAME_SIZE] = "untouched", prefix[40];
  open_world(&w, state);
  for (const char *const *p = bad; *p; p++)
    assert_int_equal(swale_new_channel(w.layer, *p, name), SWALE_ENAME);
  assert_int_equal(swale_new_channel(w.layer, name_of_length(prefix, 33, 'p'), name), SWALE_ENAME);
  assert_string_equal(name, "untouched");
  assert_int_equal(swale_new_channel(w.layer, name_of_length(prefix, 32, 'p'), name), 0);
  send(&w, name, 1);
  assert_int_equal(receive(&w, name), 1);
  close_world(&w);
}

static void names_cannot_be_guessed_from_another(void **state) {
  struct world w;
  struct crowd_member m;
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  for (size_t i = 0; m.channel[i]; i++) {
    char other[SWALE_NAME_SIZE];
    strcpy(other, m.channel);
    if (other[i] == '!' || other[i] == '.')
      continue;
    other[i] = other[i] == '0' ? '1' : '0';
    int rv = crowd_send(w.layer, other, 1);
    assert_true(rv == SWALE_ECLOSED || rv == 0); /* 0: it is not of this process's making, just a name */
  }
  run(&w);
  crowd_assert_got_nothing(&m);
  close_world(&w);
}

static void without_randomness_there_are_no_new_names(void **state) {
  struct world w;
  struct crowd_member m;
  char name[SWALE_NAME_SIZE] = "untouched";
  open_world(&w, state);
  w.u.random_fails = 1;
  assert_int_equal(swale_new_channel(w.layer, NULL, name), SWALE_ERANDOM);
  assert_string_equal(name, "untouched");
  m.act = NULL;
  assert_int_equal(crowd_try_enter(&w.crowd, &m, 0, &crowd_newest), SWALE_ERANDOM);
  assert_null(m.consumer);
  assert_int_equal(crowd_stats(w.layer).consumers, 0);
  close_world(&w);
}

/* ---- closing and flushing --------------------------------------------------------------------- */

static void a_channel_that_is_closed_is_forgotten(void **state) {
  struct world w;
  struct swale_channel_stats s;
  open_world(&w, state);
  group_add(&w, "g", "a");
  group_add(&w, "h", "a");
  group_add(&w, "g", "b");
  send(&w, "a", 1);
  group_send(&w, "g", 2, 2);
  assert_int_equal(swale_channel_close(w.layer, "a"), 0);
  assert_int_equal(swale_channel_stats_get(w.layer, "a", &s), SWALE_ENOTFOUND);
  assert_int_equal(receive(&w, "a"), SWALE_EAGAIN);
  assert_int_equal(swale_group_count(w.layer, "g"), 1);
  assert_int_equal(swale_group_count(w.layer, "h"), 0);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), 2);
  assert_int_equal(receive(&w, "b"), 2);
  send(&w, "a", 3);
  assert_int_equal(receive(&w, "a"), 3);
  close_world(&w);
}

static void a_flush_empties_everything_but_keeps_consumers(void **state) {
  struct world w;
  struct crowd_member slow, quick;
  open_world(&w, state);
  crowd_enter(&w.crowd, &slow, 0);
  crowd_enter(&w.crowd, &quick, 1);
  crowd_pause(&slow);
  group_add(&w, "g", slow.channel);
  group_add(&w, "g", quick.channel);
  group_add(&w, "g", "plain");
  send(&w, slow.channel, 1);
  run(&w);                   /* waits in its queue */
  group_send(&w, "g", 2, 3); /* waits in inboxes and a plain channel */
  send(&w, quick.channel, 3);
  assert_int_equal(swale_flush(w.layer), 0);
  assert_int_equal(swale_group_count(w.layer, "g"), 0);
  run(&w);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.dropped[SWALE_DROP_FLUSHED], 5);
  assert_int_equal(s.queued + s.channels + s.groups + s.memberships, 0);
  assert_int_equal(s.consumers, 2);
  crowd_resume(&slow);
  crowd_assert_got_nothing(&slow);
  crowd_assert_got_nothing(&quick);
  group_add(&w, "g", quick.channel);
  group_send(&w, "g", 4, 1);
  send(&w, slow.channel, 5);
  run(&w);
  crowd_assert_got(&quick, 4);
  crowd_assert_got(&slow, 5);
  assert_int_equal(swale_flush(w.layer), 0);
  close_world(&w);
}

/* ---- workers ---------------------------------------------------------------------------------- */

static void serve(struct world *w, struct crowd_member *m, int loop) {
  *m = (struct crowd_member){.crowd = &w->crowd, .loop = loop};
  w->crowd.seat = m;
  assert_int_equal(swale_app_serve(w->crowd.app, w->crowd.at[loop].loop), 0);
  crowd_run_loop(&w->crowd, loop);
  assert_non_null(m->consumer);
}

static void workers_share_a_channel(void **state) {
  struct world w;
  struct crowd_member a, b;
  swale_message *out;
  enum { MANY = 40 };
  open_world(&w, state);
  assert_int_equal(swale_app_channel(w.crowd.app, "work", &crowd_worker), 0);
  send(&w, "work", 0);
  send(&w, "work", 1);
  settle(&w);
  serve(&w, &a, 0);
  assert_string_equal(a.channel, "work");
  run(&w);
  crowd_assert_got(&a, 0, 1);
  serve(&w, &b, 1);
  for (int64_t i = 0; i < MANY; i++)
    send(&w, "work", i);
  run(&w);
  assert_true(a.n_got > 0 && b.n_got > 0);
  assert_int_equal(a.n_got + b.n_got, MANY);
  int times[MANY] = {0};
  for (int i = 0; i < a.n_got; i++)
    times[a.got[i]]++;
  for (int i = 0; i < b.n_got; i++)
    times[b.got[i]]++;
  for (int i = 0; i < MANY; i++)
    assert_int_equal(times[i], 1);
  assert_int_equal(swale_receive(w.layer, "work", &out), SWALE_ESTATE);
  assert_int_equal(swale_channel_close(w.layer, "work"), SWALE_ESTATE);
  close_world(&w);
}

static void a_worker_that_has_closed_gets_no_more(void **state) {
  struct world w;
  struct crowd_member a, b;
  open_world(&w, state);
  assert_int_equal(swale_app_channel(w.crowd.app, "work", &crowd_worker), 0);
  serve(&w, &a, 0);
  send(&w, "work", 1);
  swale_loop_enter(w.crowd.at[0].loop);
  assert_int_equal(swale_close(a.consumer, 1000, NULL), 0);
  swale_loop_leave(w.crowd.at[0].loop);
  assert_int_equal(a.disconnects, 1);
  send(&w, "work", 2); /* waits: there is no worker */
  run(&w);
  crowd_assert_got_nothing(&a);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), 1);
  serve(&w, &b, 1);
  run(&w);
  crowd_assert_got(&b, 2);
  close_world(&w);
}

static void workers_are_not_given_what_has_expired(void **state) {
  struct world w;
  struct crowd_member a;
  open_world(&w, state);
  assert_int_equal(swale_app_channel(w.crowd.app, "work", &crowd_worker), 0);
  send(&w, "work", 1);
  pass(&w, EXPIRY_MS);
  serve(&w, &a, 0);
  run(&w);
  crowd_assert_got_nothing(&a);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_EXPIRED), 1);
  close_world(&w);
}

static void a_group_reaches_workers(void **state) {
  struct world w;
  struct crowd_member a;
  open_world(&w, state);
  assert_int_equal(swale_app_channel(w.crowd.app, "work", &crowd_worker), 0);
  group_add(&w, "g", "work");
  serve(&w, &a, 0);
  pass(&w, 3 * GROUP_EXPIRY_MS); /* a worker's membership does not expire */
  group_send(&w, "g", 1, 1);
  send(&w, "work", 2);
  run(&w);
  crowd_assert_got(&a, 1, 2);
  assert_int_equal(swale_flush(w.layer), 0);
  group_send(&w, "g", 3, 0);
  send(&w, "work", 4);
  run(&w);
  crowd_assert_got(&a, 4);
  close_world(&w);
}

/* ---- bounds ----------------------------------------------------------------------------------- */

static void channels_and_groups_are_bounded(void **state) {
  struct world w;
  struct swale_layer_config config;
  configure(&w, state, &config);
  config.channels_max = 2;
  config.groups_max = 2;
  open_with(&w, &config, 0, 0);
  send(&w, "a", 1);
  group_add(&w, "g", "b");
  assert_int_equal(crowd_send(w.layer, "c", 1), SWALE_EFULL);
  assert_int_equal(swale_group_add(w.layer, "g", "c"), SWALE_EFULL);
  group_add(&w, "h", "b");
  assert_int_equal(swale_group_add(w.layer, "i", "b"), SWALE_EFULL);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.channels, 2);
  assert_int_equal(s.groups, 2);
  assert_int_equal(s.memberships, 2);
  assert_int_equal(s.refused, 1);
  assert_int_equal(receive(&w, "a"), 1);
  send(&w, "c", 2);
  group_discard(&w, "h", "b");
  group_add(&w, "i", "b");
  close_world(&w);
}

static void when_one_loop_has_no_room_no_member_gets_it(void **state) {
  struct world w;
  struct swale_layer_config config;
  struct crowd_member a, b;
  configure(&w, state, &config);
  open_with(&w, &config, 200, 0);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  group_add(&w, "g", a.channel);
  group_add(&w, "g", b.channel);
  group_add(&w, "g", "plain");
  int64_t sent = 0;
  while (crowd_send(w.layer, b.channel, sent) == 0)
    sent++;
  assert_int_equal(crowd_group_send(w.layer, "g", 99), SWALE_EFULL);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.refused, 2);
  assert_int_equal(s.offered, sent);
  run(&w);
  crowd_assert_got_nothing(&a);
  assert_int_equal(receive(&w, "plain"), SWALE_EAGAIN);
  assert_int_equal(b.n_got, sent);
  b.n_got = 0;
  group_send(&w, "g", 100, 3);
  run(&w);
  crowd_assert_got(&a, 100);
  crowd_assert_got(&b, 100);
  assert_int_equal(receive(&w, "plain"), 100);
  close_world(&w);
}

/* ---- telling ---------------------------------------------------------------------------------- */

static void assert_drop(const struct world *w, int i, enum swale_drop_reason reason, const char *channel, int64_t n,
                        uint64_t count) {
  assert_true(i < w->n_drops);
  assert_int_equal(w->drops[i].reason, reason);
  assert_string_equal(w->drops[i].channel, channel);
  assert_int_equal(w->drops[i].n, n);
  assert_int_equal(w->drops[i].count, count);
}

static void drops_are_reported(void **state) {
  struct world w;
  struct crowd_member m, gone[2];
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  crowd_pause(&m);
  for (int64_t i = 0; i <= CAPACITY; i++)
    send(&w, m.channel, i);
  run(&w);
  assert_int_equal(w.n_drops, 1);
  assert_drop(&w, 0, SWALE_DROP_FULL, m.channel, CAPACITY, 1);

  for (int i = 0; i < 2; i++) {
    crowd_enter(&w.crowd, &gone[i], 0);
    group_add(&w, "g", gone[i].channel);
  }
  group_send(&w, "g", 7, 2);
  group_discard(&w, "g", gone[0].channel);
  group_discard(&w, "g", gone[1].channel);
  run(&w);
  assert_int_equal(w.n_drops, 2);
  assert_drop(&w, 1, SWALE_DROP_CLOSED, "", 7, 2);

  send(&w, "plain", 8);
  assert_int_equal(swale_channel_close(w.layer, "plain"), 0);
  assert_int_equal(w.n_drops, 2); /* never inside a call of the layer */
  run(&w);
  assert_int_equal(w.n_drops, 3);
  assert_drop(&w, 2, SWALE_DROP_CLOSED, "plain", 8, 1);
  close_world(&w);
}

static void the_layer_knows_its_figures(void **state) {
  struct world w;
  struct crowd_member a, b;
  open_world(&w, state);
  assert_int_equal(crowd_stats(w.layer).loops, 0);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 0);
  group_add(&w, "g", a.channel);
  group_add(&w, "h", a.channel);
  group_add(&w, "h", "plain");
  send(&w, "waits", 1);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.consumers, 2);
  assert_int_equal(s.channels, 2);
  assert_int_equal(s.groups, 2);
  assert_int_equal(s.memberships, 3);
  assert_int_equal(s.loops, 1);
  assert_int_equal(channel_stats(&w, a.channel).groups, 2);
  assert_int_equal(channel_stats(&w, b.channel).groups, 0);
  assert_int_equal(channel_stats(&w, "plain").groups, 1);
  assert_int_equal(channel_stats(&w, "waits").depth, 1);
  assert_int_equal(channel_stats(&w, "waits").capacity, CAPACITY);
  close_world(&w);
}

static void members_and_groups_are_listed(void **state) {
  struct world w;
  struct crowd_member m[5];
  char name[SWALE_NAME_SIZE];
  int all;
  open_world(&w, state);
  for (int i = 0; i < 5; i++) {
    char group[] = {'g', (char)('0' + i), '\0'};
    crowd_enter(&w.crowd, &m[i], i % 2);
    group_add(&w, "g", m[i].channel);
    group_add(&w, group, m[0].channel);
    group_add(&w, group, "plain");
  }
  group_add(&w, "g", "plain");
  for (int i = 0; i < 5; i++) {
    assert_int_equal(crowd_group_lists(w.layer, "g", m[i].channel, &all), 1);
    assert_int_equal(all, 6);
  }
  assert_int_equal(crowd_group_lists(w.layer, "g", "plain", &all), 1);
  assert_int_equal(crowd_group_lists(w.layer, "nobody", "plain", &all), 0);
  assert_int_equal(all, 0);

  const char *const channels[] = {m[0].channel, "plain"};
  for (int i = 0; i < 2; i++) {
    struct swale_cursor cursor = {0};
    int met = 0;
    while (swale_channel_next_group(w.layer, channels[i], &cursor, name) == 1)
      met += 1 << (name[1] ? name[1] - '0' + 1 : 0);
    assert_int_equal(met, 0x3f);
    assert_int_equal(swale_channel_next_group(w.layer, channels[i], &cursor, name), 0);
  }
  close_world(&w);
}

/* Whoever leaves during the walk must not make it miss anybody else. */
static void members_who_leave_hide_nobody_from_a_walk(void **state) {
  struct world w;
  struct crowd_member m[8];
  open_world(&w, state);
  for (int leaves = 0; leaves < 8; leaves++)
    for (int after = 0; after < 8; after++) {
      struct swale_cursor cursor = {0};
      char name[SWALE_NAME_SIZE];
      int met[8] = {0}, steps = 0;
      for (int i = 0; i < 8; i++) {
        crowd_enter(&w.crowd, &m[i], i < 3 ? 0 : 1);
        group_add(&w, "g", m[i].channel);
      }
      while (swale_group_next(w.layer, "g", &cursor, name) == 1) {
        for (int i = 0; i < 8; i++)
          met[i] += strcmp(name, m[i].channel) == 0;
        if (steps++ == after)
          group_discard(&w, "g", m[leaves].channel);
      }
      for (int i = 0; i < 8; i++) {
        assert_true(met[i] >= (i != leaves));
        crowd_lose(&m[i]);
      }
    }
  close_world(&w);
}

static void groups_that_are_left_hide_no_other_from_a_walk(void **state) {
  struct world w;
  open_world(&w, state);
  for (int leaves = 0; leaves < 5; leaves++)
    for (int after = 0; after < 5; after++) {
      struct swale_cursor cursor = {0};
      char name[SWALE_NAME_SIZE];
      int met[5] = {0}, steps = 0;
      for (int i = 0; i < 5; i++)
        group_add(&w, (char[]){(char)('a' + i), '\0'}, "plain");
      while (swale_channel_next_group(w.layer, "plain", &cursor, name) == 1) {
        met[name[0] - 'a']++;
        if (steps++ == after)
          group_discard(&w, (char[]){(char)('a' + leaves), '\0'}, "plain");
      }
      for (int i = 0; i < 5; i++)
        assert_true(met[i] >= (i != leaves));
      assert_int_equal(swale_channel_close(w.layer, "plain"), 0);
    }
  close_world(&w);
}

/* ---- loops ------------------------------------------------------------------------------------ */

static void a_loop_is_woken_once_for_what_it_has_to_do(void **state) {
  struct world w;
  struct crowd_member a, b;
  open_world(&w, state);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  run(&w);
  w.crowd.at[0].wakes = w.crowd.at[1].wakes = 0;
  crowd_run_loop(&w.crowd, 0);
  crowd_run_loop(&w.crowd, 1);
  group_add(&w, "g", a.channel);
  assert_int_equal(w.crowd.at[0].wakes, 0);
  for (int64_t i = 0; i < 3; i++) {
    send(&w, a.channel, i);
    group_send(&w, "g", i, 1);
  }
  settle(&w);
  assert_int_equal(w.crowd.at[0].wakes, 1);
  assert_int_equal(w.crowd.at[1].wakes, 0);
  run(&w);
  send(&w, a.channel, 9);
  settle(&w);
  assert_int_equal(w.crowd.at[0].wakes, 1);
  close_world(&w);
}

static void what_is_left_in_the_inbox_of_a_loop_that_ends_is_counted(void **state) {
  struct world w;
  struct crowd_member a, b;
  open_world(&w, state);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  group_add(&w, "g", a.channel);
  group_add(&w, "g", b.channel);
  group_send(&w, "g", 1, 2);
  send(&w, a.channel, 2);
  settle(&w);
  crowd_end_loop(&w.crowd, 0);
  assert_int_equal(a.disconnects, 1);
  assert_int_equal(a.code, 1001);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.dropped[SWALE_DROP_CLOSED], 2);
  assert_int_equal(s.queued, 1);
  assert_int_equal(s.loops, 1);
  crowd_run_loop(&w.crowd, 1);
  crowd_assert_got(&b, 1);
  assert_int_equal(swale_layer_free(w.layer), SWALE_ESTATE);
  crowd_end_loop(&w.crowd, 1);
  close_world(&w);
}

static void a_small_batch_changes_nothing_but_the_pace(void **state) {
  struct world w;
  struct swale_layer_config config;
  struct crowd_member m;
  configure(&w, state, &config);
  open_with(&w, &config, 0, 2);
  crowd_enter(&w.crowd, &m, 0);
  group_add(&w, "g", m.channel);
  for (int64_t i = 0; i < 5; i++)
    send(&w, m.channel, i);
  settle(&w);
  crowd_run_loop(&w.crowd, 0);
  crowd_assert_got(&m, 0, 1);
  group_send(&w, "g", 5, 1);
  assert_int_equal(crowd_stats(w.layer).queued, 4);
  assert_int_equal(w.crowd.at[0].wakes, 1);
  run(&w);
  crowd_assert_got(&m, 2, 3, 4, 5);
  for (int64_t i = 0; i < 5; i++)
    send(&w, m.channel, i);
  settle(&w);
  crowd_run_loop(&w.crowd, 0);
  assert_int_equal(swale_flush(w.layer), 0); /* catches what was taken up and what was not */
  send(&w, m.channel, 9);
  run(&w);
  crowd_assert_got(&m, 0, 1, 9);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FLUSHED), 3);
  close_world(&w);
}

int conformance_run(const struct conformance *subject) {
  struct CMUnitTest tests[] = {
      cmocka_unit_test(illegal_names_are_refused_before_anything_happens),
      cmocka_unit_test(legal_names_work),
      cmocka_unit_test(groups_and_channels_have_names_of_their_own),
      cmocka_unit_test(what_is_sent_is_received_in_order),
      cmocka_unit_test(a_message_arrives_as_it_was_sent),
      cmocka_unit_test(a_message_that_is_sent_changes_no_more),
      cmocka_unit_test(a_message_that_cannot_be_sent_changes_nothing),
      cmocka_unit_test(receiving_leaves_no_trace),
      cmocka_unit_test(a_full_channel_refuses_what_is_sent),
      cmocka_unit_test(the_first_glob_that_matches_sets_the_capacity),
      cmocka_unit_test(globs_match_the_names_of_consumers_too),
      cmocka_unit_test(messages_expire),
      cmocka_unit_test(expired_messages_make_room),
      cmocka_unit_test(an_expiry_that_never_ends_never_comes),
      cmocka_unit_test(a_consumer_is_sent_to_by_its_name),
      cmocka_unit_test(a_consumers_channel_is_not_for_receiving),
      cmocka_unit_test(the_name_of_a_dead_consumer_is_closed),
      cmocka_unit_test(what_was_on_its_way_to_a_consumer_that_ends_is_counted),
      cmocka_unit_test(what_waits_for_a_slow_consumer_arrives_in_order),
      cmocka_unit_test(a_slow_consumer_misses_the_newest),
      cmocka_unit_test(a_slow_consumer_misses_the_oldest_if_its_class_says_so),
      cmocka_unit_test(a_slow_consumer_is_closed_if_its_class_says_so),
      cmocka_unit_test(what_waits_for_a_slow_consumer_expires),
      cmocka_unit_test(expired_messages_make_room_for_a_slow_consumer),
      cmocka_unit_test(an_undecided_consumer_gets_its_messages_when_it_is_accepted),
      cmocka_unit_test(messages_of_unknown_types_are_counted),
      cmocka_unit_test(joining_and_leaving_twice_is_like_once),
      cmocka_unit_test(a_group_message_reaches_every_member_once),
      cmocka_unit_test(a_group_without_members_takes_messages_to_nobody),
      cmocka_unit_test(who_joins_after_the_send_does_not_get_it),
      cmocka_unit_test(who_leaves_before_his_turn_does_not_get_it_and_is_counted),
      cmocka_unit_test(who_leaves_and_returns_was_not_a_member_all_the_time),
      cmocka_unit_test(members_may_be_taken_out_by_a_handler),
      cmocka_unit_test(members_may_be_brought_in_by_a_handler),
      cmocka_unit_test(sends_to_a_channel_and_to_its_groups_keep_their_order),
      cmocka_unit_test(a_member_over_capacity_misses_the_message_alone),
      cmocka_unit_test(membership_ends_with_the_consumer),
      cmocka_unit_test(memberships_without_a_consumer_expire_unless_they_are_renewed),
      cmocka_unit_test(expired_members_are_not_listed),
      cmocka_unit_test(new_channels_are_distinct_and_well_formed),
      cmocka_unit_test(new_channels_have_a_prefix_that_is_a_name),
      cmocka_unit_test(names_cannot_be_guessed_from_another),
      cmocka_unit_test(without_randomness_there_are_no_new_names),
      cmocka_unit_test(a_channel_that_is_closed_is_forgotten),
      cmocka_unit_test(a_flush_empties_everything_but_keeps_consumers),
      cmocka_unit_test(workers_share_a_channel),
      cmocka_unit_test(a_worker_that_has_closed_gets_no_more),
      cmocka_unit_test(workers_are_not_given_what_has_expired),
      cmocka_unit_test(a_group_reaches_workers),
      cmocka_unit_test(channels_and_groups_are_bounded),
      cmocka_unit_test(when_one_loop_has_no_room_no_member_gets_it),
      cmocka_unit_test(drops_are_reported),
      cmocka_unit_test(the_layer_knows_its_figures),
      cmocka_unit_test(members_and_groups_are_listed),
      cmocka_unit_test(members_who_leave_hide_nobody_from_a_walk),
      cmocka_unit_test(groups_that_are_left_hide_no_other_from_a_walk),
      cmocka_unit_test(a_loop_is_woken_once_for_what_it_has_to_do),
      cmocka_unit_test(what_is_left_in_the_inbox_of_a_loop_that_ends_is_counted),
      cmocka_unit_test(a_small_batch_changes_nothing_but_the_pace),
  };
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
    tests[i].initial_state = (void *)subject;
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}

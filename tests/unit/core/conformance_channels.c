/* SPDX-License-Identifier: MIT */
/* Names, channels that one receives from, and their bounds. */
#include "conformance_world.h"

/* ---- names ---------------------------------------------------------------------------------- */

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
  static const char *const illegal[] = {"",    " ", "a b", "a/b", "a:b", "a#", "caf\xc3\xa9",
                                        "a\n", "*", "a@b", NULL};
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
  const char *const channels[] = {"a",
                                  "Z9-_.",
                                  "-",
                                  ".",
                                  "a!",
                                  "a!b",
                                  "specific.a!b",
                                  "0",
                                  name_of_length(long_name, 99, 'n'),
                                  name_of_length(long_mark, 99, '!')};
  const char *const groups[] = {"g", "Chat.room-1_x", "..", name_of_length(long_name, 99, 'n')};
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
    bool anothers =
        is_kept(&w, CONFORMANCE_AT_SERVER) && strchr(channels[i], '!'); /* a process that is not there */
    listen_to(&w, channels[i]);
    send(&w, channels[i], (int64_t)i);
    assert_int_equal(receive(&w, channels[i]), anothers ? SWALE_EUNSUPPORTED : (int64_t)i);
  }
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    group_add(&w, groups[i], "a");
    group_send_mixed(&w, groups[i], (int64_t)i, 0, 1);
    assert_int_equal(receive(&w, "a"), i);
  }
  close_world(&w);
}

static void groups_and_channels_have_names_of_their_own(void **state) {
  struct world w;
  open_world(&w, state);
  group_add(&w, "same", "other");
  listen_to(&w, "same");
  send(&w, "same", 1);
  assert_int_equal(receive(&w, "other"), SWALE_EAGAIN);
  assert_int_equal(receive(&w, "same"), 1);
  close_world(&w);
}

/* ---- sending and receiving -------------------------------------------------------------------- */

static void what_is_sent_is_received_in_order(void **state) {
  struct world w;
  open_world(&w, state);
  listen_to(&w, "a");
  listen_to(&w, "b");
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
  listen_to(&w, "a");
  assert_int_equal(swale_send(w.layer, "a", sent), 0);
  settle(&w);
  assert_int_equal((w.subject->receive ? w.subject->receive : swale_receive)(w.layer, "a", &got), 0);
  size_t sent_len, got_len;
  const void *sent_bytes = swale_message_bytes(sent, &sent_len),
             *got_bytes = swale_message_bytes(got, &got_len);
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
  listen_to(&w, "a");
  listen_to(&w, "b");
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
  listen_to(&w, "a");
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

static void note_receipt(int result, swale_message *message, void *user) {
  *(int64_t *)user = result == 0 ? swale_message_get_int(message, "n", -1) : result;
}

static void receivers_wait_and_are_served_in_order(void **state) {
  struct world w;
  int64_t got[4] = {0};
  swale_receiver *receivers[4];
  open_world(&w, state);
  for (int i = 0; i < 4; i++) {
    const struct swale_reception how = {
        .loop = w.crowd.at[i % 2].loop, .done = note_receipt, .user = &got[i]};
    assert_int_equal(swale_receive_then(w.layer, "a", &how, &receivers[i]), 0);
  }
  run(&w);
  swale_receive_cancel(receivers[1]);
  for (int64_t i = 1; i <= 2; i++) {
    send(&w, "a", i);
    run(&w);
  }
  assert_int_equal(got[0], 1);
  assert_int_equal(got[1], 0);
  assert_int_equal(got[2], 2);
  assert_int_equal(got[3], 0);
  assert_int_equal(swale_channel_close(w.layer, "a"), 0);
  run(&w);
  assert_int_equal(got[3], SWALE_ECLOSED);
  close_world(&w);
}

/* Where there is a difference: what nobody listens to is kept, or it is not. */
static void what_nobody_listens_to_waits_where_messages_are_kept(void **state) {
  struct world w;
  open_world(&w, state);
  send(&w, "a", 1);
  assert_int_equal(receive(&w, "a"), is_kept(&w, CONFORMANCE_BY_HEARERS) ? SWALE_EAGAIN : 1);
  send(&w, "a", 2); /* now somebody does */
  assert_int_equal(receive(&w, "a"), 2);
  close_world(&w);
}

/* ---- capacity and expiry ---------------------------------------------------------------------- */

static void a_full_channel_refuses_what_is_sent(void **state) {
  struct world w;
  open_world(&w, state);
  listen_to(&w, "a");
  listen_to(&w, "b");
  for (int64_t i = 0; i < CAPACITY; i++)
    send(&w, "a", i);
  offer_too_much(&w, "a", 99);
  send(&w, "b", 100);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_waiting(&w, "a", CAPACITY);
  if (is_kept(&w, CONFORMANCE_BY_HEARERS)) /* it was sent, and there was no room for it here */
    assert_int_equal(s.dropped[SWALE_DROP_FULL], 1);
  if (is_kept(&w, CONFORMANCE_HERE))
    assert_int_equal(s.refused, 1);
  if (!is_kept(&w, CONFORMANCE_AT_SERVER))
    assert_int_equal(s.queued, CAPACITY + 1);
  assert_int_equal(receive(&w, "a"), 0);
  send(&w, "a", 5);
  for (int64_t i = 1; i <= CAPACITY; i++)
    assert_int_equal(receive(&w, "a"), i);
  close_world(&w);
}

static void a_channel_of_ones_own_refuses_at_once(void **state) {
  struct world w;
  char name[SWALE_NAME_SIZE];
  open_world(&w, state);
  own_channel(&w, name);
  for (int64_t i = 0; i < CAPACITY; i++)
    assert_int_equal(crowd_send(w.layer, name, i), 0);
  assert_int_equal(crowd_send(w.layer, name, 99), SWALE_EFULL);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.refused, 1);
  assert_int_equal(s.offered, CAPACITY);
  assert_int_equal(s.queued, CAPACITY);
  assert_int_equal(channel_stats(&w, name).depth, CAPACITY);
  close_world(&w);
}

static void the_first_glob_that_matches_sets_the_capacity(void **state) {
  static const struct swale_capacity capacities[] = {
      {"chat.vip", 4}, {"chat.*", 2}, {"*.vip", 9}, {"[a-c]", 1}, {"?", 3}};
  static const struct {
    const char *channel;
    uint32_t capacity;
  } expected[] = {{"chat.vip", 4}, {"chat.x", 2},    {"chat.", 2},       {"x.vip", 9},         {"b", 1},
                  {"d", 3},        {"dd", CAPACITY}, {"chat", CAPACITY}, {"xchat.x", CAPACITY}};
  struct world w;
  struct swale_layer_config config;
  configure(&w, state, &config);
  config.capacities = capacities;
  config.n_capacities = sizeof capacities / sizeof *capacities;
  open_with(&w, &config, 0, 0);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    listen_to(&w, expected[i].channel);
    for (uint32_t n = 0; n < expected[i].capacity; n++)
      send(&w, expected[i].channel, n);
    offer_too_much(&w, expected[i].channel, 99);
    assert_waiting(&w, expected[i].channel, (int)expected[i].capacity);
    if (!is_kept(&w, CONFORMANCE_AT_SERVER))
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

/* At a server they may stand until they are received, or somebody sends. */
static void messages_expire(void **state) {
  struct world w;
  open_world(&w, state);
  listen_to(&w, "a");
  listen_to(&w, "b");
  send(&w, "a", 1);
  pass(&w, EXPIRY_MS / 2);
  send(&w, "a", 2);
  send(&w, "b", 3);
  pass(&w, EXPIRY_MS / 2 - 1);
  assert_waiting(&w, "a", 2);
  pass(&w, 1);
  if (!is_kept(&w, CONFORMANCE_AT_SERVER)) {
    assert_waiting(&w, "a", 1);
    assert_int_equal(channel_stats(&w, "a").dropped, 1);
    assert_expired(&w, 1);
  }
  assert_int_equal(receive(&w, "a"), 2);
  assert_expired(&w, 1);
  pass(&w, EXPIRY_MS);
  assert_int_equal(receive(&w, "b"), SWALE_EAGAIN);
  assert_expired(&w, 2);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  close_world(&w);
}

static void expired_messages_make_room(void **state) {
  struct world w;
  open_world(&w, state);
  listen_to(&w, "a");
  for (int64_t i = 0; i < CAPACITY; i++)
    send(&w, "a", i);
  pass(&w, EXPIRY_MS + 1000); /* a server may count in whole seconds */
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
  group_send_mixed(&w, "g", 1, 1, 1);
  run(&w);
  pass(&w, UINT64_C(1) << 40);
  run(&w);
  crowd_resume(&m);
  crowd_assert_got(&m, 1);
  assert_int_equal(receive(&w, "a"), 1);
  assert_members(&w, "g", 1, 1);
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

/* ---- bounds ----------------------------------------------------------------------------------- */

static void channels_and_groups_are_bounded(void **state) {
  struct world w;
  struct swale_layer_config config;
  char a[SWALE_NAME_SIZE], b[SWALE_NAME_SIZE], c[SWALE_NAME_SIZE];
  configure(&w, state, &config);
  config.channels_max = 2;
  config.groups_max = 2;
  open_with(&w, &config, 0, 0);
  send(&w, own_channel(&w, a), 1);
  group_add(&w, "g", own_channel(&w, b));
  assert_int_equal(crowd_send(w.layer, own_channel(&w, c), 1), SWALE_EFULL);
  assert_int_equal(swale_group_add(w.layer, "g", c), SWALE_EFULL);
  group_add(&w, "h", b);
  assert_int_equal(swale_group_add(w.layer, "i", b), SWALE_EFULL);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.channels, 2);
  assert_int_equal(s.groups, 2);
  assert_int_equal(s.memberships, 2);
  assert_int_equal(s.refused, 1);
  assert_int_equal(receive(&w, a), 1);
  send(&w, c, 2);
  group_discard(&w, "h", b);
  group_add(&w, "i", b);
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
  group_send_mixed(&w, "g", 100, 2, 1);
  run(&w);
  crowd_assert_got(&a, 100);
  crowd_assert_got(&b, 100);
  assert_int_equal(receive(&w, "plain"), 100);
  close_world(&w);
}

const struct CMUnitTest *conformance_channels(size_t *n) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(illegal_names_are_refused_before_anything_happens),
      cmocka_unit_test(legal_names_work),
      cmocka_unit_test(groups_and_channels_have_names_of_their_own),
      cmocka_unit_test(what_is_sent_is_received_in_order),
      cmocka_unit_test(a_message_arrives_as_it_was_sent),
      cmocka_unit_test(a_message_that_is_sent_changes_no_more),
      cmocka_unit_test(a_message_that_cannot_be_sent_changes_nothing),
      cmocka_unit_test(receiving_leaves_no_trace),
      cmocka_unit_test(receivers_wait_and_are_served_in_order),
      cmocka_unit_test(what_nobody_listens_to_waits_where_messages_are_kept),
      cmocka_unit_test(a_full_channel_refuses_what_is_sent),
      cmocka_unit_test(a_channel_of_ones_own_refuses_at_once),
      cmocka_unit_test(the_first_glob_that_matches_sets_the_capacity),
      cmocka_unit_test(globs_match_the_names_of_consumers_too),
      cmocka_unit_test(messages_expire),
      cmocka_unit_test(expired_messages_make_room),
      cmocka_unit_test(an_expiry_that_never_ends_never_comes),
      cmocka_unit_test(new_channels_are_distinct_and_well_formed),
      cmocka_unit_test(new_channels_have_a_prefix_that_is_a_name),
      cmocka_unit_test(names_cannot_be_guessed_from_another),
      cmocka_unit_test(without_randomness_there_are_no_new_names),
      cmocka_unit_test(channels_and_groups_are_bounded),
      cmocka_unit_test(when_one_loop_has_no_room_no_member_gets_it),
  };
  *n = sizeof tests / sizeof *tests;
  return tests;
}

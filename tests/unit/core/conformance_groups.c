/* SPDX-License-Identifier: MIT */
/* Groups, and what empties them. */
#include "conformance_world.h"

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
  assert_members(&w, "g", 1, 1);
  group_send_mixed(&w, "g", 1, 1, 1);
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
  assert_members(&w, "g", 0, 0);
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
  group_send_mixed(&w, "g", 1, 6, 2);
  assert_int_equal(crowd_stats(w.layer).queued, is_kept(&w, CONFORMANCE_AT_SERVER) ? 6 : 8);
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

/*
 * Where hearers keep messages, what is sent to a plain channel makes its way to all processes, this one too, while members here get
 * what is sent to their groups at once: a plain channel's members have the order of either, and not of both.
 */
static void assert_order_of_plain(struct world *w) {
  int64_t got[4], to_groups = 0;
  for (int i = 0; i < 4; i++)
    got[i] = receive(w, "plain");
  if (!is_kept(w, CONFORMANCE_BY_HEARERS)) {
    for (int64_t i = 0; i < 4; i++)
      assert_int_equal(got[i], i + 1);
    return;
  }
  for (int i = 0; i < 4; i++)
    if (got[i] != 2)
      to_groups = 10 * to_groups + got[i];
  assert_int_equal(to_groups, 134);
}

static void sends_to_a_channel_and_to_its_groups_keep_their_order(void **state) {
  struct world w;
  struct crowd_member a, b;
  open_world(&w, state);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  listen_to(&w, "plain");
  const char *const members[] = {a.channel, b.channel, "plain"};
  for (int i = 0; i < 3; i++) {
    group_add(&w, "g", members[i]);
    group_add(&w, "h", members[i]);
  }
  group_send_mixed(&w, "g", 1, 2, 1);
  assert_int_equal(crowd_send(w.layer, a.channel, 2), 0); /* without waiting for anything in between */
  assert_int_equal(crowd_send(w.layer, "plain", 2), 0);
  group_send_mixed(&w, "h", 3, 2, 1);
  group_send_mixed(&w, "g", 4, 2, 1);
  assert_int_equal(crowd_send(w.layer, b.channel, 5), 0);
  run(&w);
  crowd_assert_got(&a, 1, 2, 3, 4);
  crowd_assert_got(&b, 1, 3, 4, 5);
  assert_order_of_plain(&w);
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
    group_send_mixed(&w, "g", i, 2, 1);
  run(&w);
  crowd_assert_got(&quick, 0, 1, 2, 3, 4, 5);
  crowd_resume(&slow);
  crowd_assert_got(&slow, 0, 1, 2, 3, 4);
  assert_waiting(&w, "plain", CAPACITY);
  assert_int_equal(receive(&w, "plain"), 0);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.dropped[SWALE_DROP_FULL], is_kept(&w, CONFORMANCE_AT_SERVER) ? 1 : 2);
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
  char forgotten[SWALE_NAME_SIZE], renewed[SWALE_NAME_SIZE];
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  group_add(&w, "g", m.channel);
  group_add(&w, "g", own_channel(&w, forgotten));
  group_add(&w, "g", own_channel(&w, renewed));
  pass(&w, GROUP_EXPIRY_MS / 2);
  group_add(&w, "g", renewed);
  pass(&w, GROUP_EXPIRY_MS / 2 - 1);
  assert_int_equal(swale_group_count(w.layer, "g"), 3);
  pass(&w, 1);
  assert_int_equal(swale_group_count(w.layer, "g"), 2);
  group_send(&w, "g", 1, 2);
  run(&w);
  crowd_assert_got(&m, 1);
  assert_int_equal(receive(&w, renewed), 1);
  assert_int_equal(receive(&w, forgotten), SWALE_EAGAIN);
  pass(&w, 2 * GROUP_EXPIRY_MS);
  assert_int_equal(swale_group_count(w.layer, "g"), 1);
  close_world(&w);
}

/* At a server they may be counted until somebody sends. */
static void memberships_of_plain_channels_expire_unless_they_are_renewed(void **state) {
  struct world w;
  open_world(&w, state);
  group_add(&w, "g", "forgotten");
  group_add(&w, "g", "renewed");
  settle(&w);
  pass(&w, GROUP_EXPIRY_MS / 2);
  group_add(&w, "g", "renewed");
  settle(&w);
  pass(&w, GROUP_EXPIRY_MS / 2);
  group_send_mixed(&w, "g", 1, 0, 1);
  assert_int_equal(receive(&w, "renewed"), 1);
  assert_int_equal(receive(&w, "forgotten"), SWALE_EAGAIN);
  assert_members(&w, "g", 0, 1);
  pass(&w, GROUP_EXPIRY_MS);
  group_send_mixed(&w, "g", 2, 0, 0);
  assert_int_equal(receive(&w, "renewed"), SWALE_EAGAIN);
  assert_members(&w, "g", 0, 0);
  close_world(&w);
}

static void expired_members_are_not_listed(void **state) {
  struct world w;
  struct swale_cursor cursor = {0};
  char name[SWALE_NAME_SIZE], a[SWALE_NAME_SIZE];
  int all;
  open_world(&w, state);
  group_add(&w, "g", own_channel(&w, a));
  assert_int_equal(crowd_group_lists(w.layer, "g", a, &all), 1);
  pass(&w, GROUP_EXPIRY_MS);
  assert_int_equal(crowd_group_lists(w.layer, "g", a, &all), 0);
  group_add(&w, "g", a);
  pass(&w, GROUP_EXPIRY_MS);
  assert_int_equal(swale_channel_next_group(w.layer, a, &cursor, name), 0);
  close_world(&w);
}

/* ---- closing and flushing --------------------------------------------------------------------- */

static void a_channel_that_is_closed_is_forgotten(void **state) {
  struct world w;
  struct swale_channel_stats s;
  char a[SWALE_NAME_SIZE], b[SWALE_NAME_SIZE];
  open_world(&w, state);
  group_add(&w, "g", own_channel(&w, a));
  group_add(&w, "h", a);
  group_add(&w, "g", own_channel(&w, b));
  send(&w, a, 1);
  group_send(&w, "g", 2, 2);
  assert_int_equal(swale_channel_close(w.layer, a), 0);
  assert_int_equal(swale_channel_stats_get(w.layer, a, &s), SWALE_ENOTFOUND);
  assert_int_equal(receive(&w, a), SWALE_EAGAIN);
  assert_int_equal(swale_group_count(w.layer, "g"), 1);
  assert_int_equal(swale_group_count(w.layer, "h"), 0);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), 2);
  assert_int_equal(receive(&w, b), 2);
  send(&w, a, 3);
  assert_int_equal(receive(&w, a), 3);
  close_world(&w);
}

/* What this process has of it goes; what is at a server is everybody's. */
static void a_plain_channel_that_is_closed_is_forgotten_here(void **state) {
  struct world w;
  bool apart;
  open_world(&w, state);
  apart = is_kept(&w, CONFORMANCE_AT_SERVER);
  listen_to(&w, "a");
  group_add(&w, "g", "a");
  send(&w, "a", 1);
  assert_int_equal(swale_channel_close(w.layer, "a"), 0);
  settle(&w);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), apart ? 0 : 1);
  assert_members(&w, "g", 0, apart ? 1 : 0);
  assert_int_equal(receive(&w, "a"), apart ? 1 : SWALE_EAGAIN);
  send(&w, "a", 2);
  assert_int_equal(receive(&w, "a"), 2);
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
  run(&w);                            /* waits in its queue */
  group_send_mixed(&w, "g", 2, 2, 1); /* waits in inboxes and a plain channel */
  send(&w, quick.channel, 3);
  assert_int_equal(swale_flush(w.layer), 0);
  assert_members(&w, "g", 0, 0);
  assert_int_equal(receive(&w, "plain"), SWALE_EAGAIN);
  run(&w);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.dropped[SWALE_DROP_FLUSHED], is_kept(&w, CONFORMANCE_AT_SERVER) ? 4 : 5);
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

const struct CMUnitTest *conformance_groups(size_t *n) {
  static const struct CMUnitTest tests[] = {
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
      cmocka_unit_test(memberships_of_plain_channels_expire_unless_they_are_renewed),
      cmocka_unit_test(expired_members_are_not_listed),
      cmocka_unit_test(a_channel_that_is_closed_is_forgotten),
      cmocka_unit_test(a_plain_channel_that_is_closed_is_forgotten_here),
      cmocka_unit_test(a_flush_empties_everything_but_keeps_consumers),
  };
  *n = sizeof tests / sizeof *tests;
  return tests;
}

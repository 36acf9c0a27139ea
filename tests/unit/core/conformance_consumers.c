/* SPDX-License-Identifier: MIT */
/* Consumers, workers and the loops they live on. */
#include "conformance_world.h"

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
  assert_int_equal(receive(&w, m.channel), SWALE_ECLOSED);
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
  listen_to(&w, "work");
  send(&w, "work", 0);
  send(&w, "work", 1);
  settle(&w);
  serve(&w, &a, 0);
  assert_string_equal(a.channel, "work");
  run(&w);
  crowd_assert_got(&a, 0, 1);
  serve(&w, &b, 1);
  settle(&w);
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
  settle(&w);
  send(&w, "work", 1);
  swale_loop_enter(w.crowd.at[0].loop);
  assert_int_equal(swale_close(a.consumer, 1000, NULL), 0);
  swale_loop_leave(w.crowd.at[0].loop);
  assert_int_equal(a.disconnects, 1);
  settle(&w);
  send(&w, "work", 2); /* waits, if it can: there is no worker */
  run(&w);
  crowd_assert_got_nothing(&a);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), 1);
  serve(&w, &b, 1);
  run(&w);
  if (is_kept(&w, CONFORMANCE_BY_HEARERS))
    crowd_assert_got_nothing(&b);
  else
    crowd_assert_got(&b, 2);
  close_world(&w);
}

static void workers_are_not_given_what_has_expired(void **state) {
  struct world w;
  struct crowd_member a;
  open_world(&w, state);
  assert_int_equal(swale_app_channel(w.crowd.app, "work", &crowd_worker), 0);
  listen_to(&w, "work");
  send(&w, "work", 1);
  pass(&w, EXPIRY_MS);
  serve(&w, &a, 0);
  run(&w);
  crowd_assert_got_nothing(&a);
  assert_expired(&w, 1);
  close_world(&w);
}

static void a_group_reaches_workers(void **state) {
  struct world w;
  struct crowd_member a;
  open_world(&w, state);
  assert_int_equal(swale_app_channel(w.crowd.app, "work", &crowd_worker), 0);
  group_add(&w, "g", "work");
  serve(&w, &a, 0);
  settle(&w);
  pass(&w, 3 * GROUP_EXPIRY_MS);
  group_send_mixed(&w, "g", 0, 0, 1);
  run(&w);
  if (is_kept(&w, CONFORMANCE_AT_SERVER)) {
    crowd_assert_got_nothing(&a); /* the server knows of no worker */
    group_add(&w, "g", "work");
  } else {
    crowd_assert_got(&a, 0); /* a worker's membership does not expire */
  }
  group_send_mixed(&w, "g", 1, 0, 1);
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

/* ---- loops ------------------------------------------------------------------------------------ */

static void a_loop_is_woken_once_for_what_it_has_to_do(void **state) {
  struct world w;
  struct crowd_member a, b;
  open_world(&w, state);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  run(&w);
  w.crowd.at[0].wakes = 0;
  w.crowd.at[1].wakes = 0;
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

const struct CMUnitTest *conformance_consumers(size_t *n) {
  static const struct CMUnitTest tests[] = {
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
      cmocka_unit_test(workers_share_a_channel),
      cmocka_unit_test(a_worker_that_has_closed_gets_no_more),
      cmocka_unit_test(workers_are_not_given_what_has_expired),
      cmocka_unit_test(a_group_reaches_workers),
      cmocka_unit_test(a_loop_is_woken_once_for_what_it_has_to_do),
      cmocka_unit_test(what_is_left_in_the_inbox_of_a_loop_that_ends_is_counted),
      cmocka_unit_test(a_small_batch_changes_nothing_but_the_pace),
  };
  *n = sizeof tests / sizeof *tests;
  return tests;
}

/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

#include <stdio.h>

/* Members a, b, c of the group "all". */
static void open_three(struct world *w, struct fake *f) {
  for (int i = 0; i < 3; i++) {
    char name[2] = {(char)('a' + i), '\0'};
    fake_enter(&f[i], w, name);
    assert_int_equal(swale_join(f[i].c, "all"), 0);
  }
  world_clear_log(w);
}

static uint64_t dropped(struct world *w, enum swale_drop_reason reason) {
  return world_stats(w).dropped[reason];
}

/* ---- to whom ---- */

static void a_group_message_reaches_each_member_once_and_later(void **state) {
  (void)state;
  struct world w;
  struct fake f[3];
  world_start(&w);
  open_three(&w, f);
  assert_int_equal(world_group_send(&w, "all", "note", "x"), 3);
  world_expect(&w, "");
  world_run(&w);
  world_expect(&w, "a.note(x) b.note(x) c.note(x)");
  world_run(&w);
  world_expect(&w, "");
  struct swale_layer_stats s = world_stats(&w);
  assert_int_equal(s.offered, 3);
  assert_int_equal(s.delivered, 3);
  assert_int_equal(s.group_sends, 1);
  world_close(&w);
}

static void groups_and_channels_keep_one_order(void **state) {
  (void)state;
  struct world w;
  struct fake f[3];
  world_start(&w);
  open_three(&w, f);
  world_send(&w, fake_channel(f[0].c), "note", "1");
  world_group_send(&w, "all", "note", "2");
  world_send(&w, fake_channel(f[0].c), "other", "3");
  world_group_send(&w, "all", "other", "4");
  world_run(&w);
  world_expect(&w, "a.note(1) a.note(2) b.note(2) c.note(2) a.other(3) a.other(4) b.other(4) c.other(4)");
  world_close(&w);
}

static void who_joined_later_or_left_does_not_get_it(void **state) {
  (void)state;
  struct world w;
  struct fake f[3], d;
  world_start(&w);
  open_three(&w, f);
  assert_int_equal(world_group_send(&w, "all", "note", "x"), 3);
  fake_enter(&d, &w, "d");
  swale_join(d.c, "all");
  swale_leave(f[1].c, "all");
  swale_leave(f[2].c, "all");
  swale_join(f[2].c, "all");
  world_run(&w);
  world_expect(&w, "d.connect d>accept a.note(x) ~closed(2)");
  assert_int_equal(dropped(&w, SWALE_DROP_CLOSED), 2);
  world_close(&w);
}

static struct fake *others;

static int end_the_others(swale_consumer *c, swale_message *m) {
  (void)m;
  if (c == others[0].c) {
    swale_leave(others[1].c, "all");
    fake_lost(&others[2], 1006);
  }
  return 0;
}

static void who_leaves_while_the_message_is_told_does_not_get_it(void **state) {
  (void)state;
  struct world w;
  struct fake f[3];
  world_start(&w);
  open_three(&w, f);
  others = f;
  w.on_message = end_the_others;
  world_group_send(&w, "all", "note", "x");
  world_run(&w);
  world_expect(&w, "a.note(x) c.disconnect(1006) ~closed(!) ~closed(1)");
  world_close(&w);
}

static int join_another(swale_consumer *c, swale_message *m) {
  struct world *w = world_of(c);
  if (strcmp(swale_message_type(m), "note") != 0)
    return 0;
  assert_int_equal(swale_join(((struct fake *)w->more)->c, "all"), 0);
  world_group_send(w, "all", "other", "y");
  return swale_leave(c, "all");
}

static void who_joins_while_the_message_is_told_gets_the_next_one(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_start(&w);
  w.more = &b;
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  swale_join(a.c, "all");
  world_clear_log(&w);
  w.on_message = join_another;
  assert_int_equal(world_group_send(&w, "all", "note", "x"), 1);
  world_settle(&w);
  world_expect(&w, "a.note(x) b.other(y) ~closed(1)");
  world_close(&w);
}

static void a_member_of_two_groups_gets_both_messages(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  swale_join(a.c, "one");
  swale_join(a.c, "two");
  world_clear_log(&w);
  world_group_send(&w, "one", "note", "1");
  world_group_send(&w, "two", "note", "2");
  world_run(&w);
  world_expect(&w, "a.note(1) a.note(2)");
  world_close(&w);
}

/* ---- unknown types ---- */

static void an_unknown_type_is_reported_and_counted_and_nothing_else(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  static const char *const types[] = {"disconnect", "connect", "receive", "websocket.disconnect",
                                      "Note",       "notes",   "not"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    char expected[64];
    world_clear_log(&w);
    world_send(&w, fake_channel(a.c), types[i], "x");
    world_run(&w);
    snprintf(expected, sizeof expected, "!unhandled(%s)", types[i]);
    world_expect(&w, expected);
    assert_int_equal(world_stats(&w).unhandled, i + 1);
    assert_int_equal(world_stats(&w).delivered, i + 1);
  }
  world_send(&w, fake_channel(a.c), "note", "still alive");
  world_run(&w);
  world_expect(&w, "a.note(still alive)");
  world_close(&w);
}

static void each_class_handles_its_own_types(void **state) {
  (void)state;
  static const struct swale_consumer_class deaf = {.name = "deaf"};
  struct world w;
  struct fake a, b, c;
  world_start(&w);
  assert_int_equal(swale_app_route(w.app, "deaf/<name>/", &deaf), 0);
  fake_enter(&a, &w, "a");
  struct swale_request request = {.size = sizeof request, .target = "/deaf/b/"};
  assert_int_equal(fake_open_request(&b, &w, "b", &request), 0);
  fake_enter(&c, &w, "c");
  swale_join(a.c, "all");
  swale_join(b.c, "all");
  swale_join(c.c, "all");
  world_clear_log(&w);
  world_group_send(&w, "all", "note", "x");
  world_run(&w);
  world_expect(&w, "a.note(x) !unhandled(note) c.note(x)");
  assert_int_equal(world_stats(&w).unhandled, 1);
  world_close(&w);
}

static int fail_for_b(swale_consumer *c, swale_message *m) {
  (void)m;
  return strcmp(swale_scope_param_text(swale_consumer_scope(c), "name"), "b") == 0 ? -5 : 0;
}

static void a_handler_that_fails_ends_its_own_connection_only(void **state) {
  (void)state;
  struct world w;
  struct fake f[3];
  world_start(&w);
  open_three(&w, f);
  w.on_message = fail_for_b;
  world_group_send(&w, "all", "note", "x");
  world_run(&w);
  world_expect(&w, "a.note(x) b.note(x) !callback(handler -5) b>close(1011) c.note(x)");
  world_close(&w);
}

/* ---- waiting ---- */

static void a_paused_consumer_gets_its_messages_in_order_when_it_resumes(void **state) {
  (void)state;
  struct world w;
  struct fake f[3];
  world_start(&w);
  open_three(&w, f);
  world_send(&w, fake_channel(f[0].c), "note", "1");
  world_run(&w);
  fake_pause(&f[0]);
  fake_pause(&f[0]);
  world_group_send(&w, "all", "note", "2");
  world_send(&w, fake_channel(f[0].c), "note", "3");
  world_run(&w);
  world_expect(&w, "a.note(1) b.note(2) c.note(2)");
  assert_int_equal(world_stats(&w).queued, 2);
  world_send(&w, fake_channel(f[0].c), "note", "4"); /* in the inbox when it resumes */
  fake_resume(&f[0]);
  world_expect(&w, "a.note(2) a.note(3)");
  fake_resume(&f[0]);
  world_run(&w);
  world_expect(&w, "a.note(4)");
  assert_int_equal(world_stats(&w).queued, 0);
  world_close(&w);
}

static int pause_itself(swale_consumer *c, swale_message *m) {
  (void)m;
  struct fake *f = world_of(c)->more;
  fake_pause(f);
  return 0;
}

static void a_consumer_may_be_paused_while_it_catches_up(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.more = &a;
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_clear_log(&w);
  for (int i = 1; i <= 3; i++) {
    char text[2] = {(char)('0' + i), '\0'};
    world_send(&w, fake_channel(a.c), "note", text);
  }
  world_run(&w);
  w.on_message = pause_itself;
  for (int i = 1; i <= 3; i++) {
    char expected[32];
    fake_resume(&a);
    snprintf(expected, sizeof expected, "a.note(%d)", i);
    world_expect(&w, expected);
    assert_int_equal(world_stats(&w).queued, 3 - i);
  }
  world_close(&w);
}

static int close_itself(swale_consumer *c, swale_message *m) {
  (void)m;
  return swale_close(c, 4000, NULL);
}

static void a_consumer_may_be_closed_while_it_catches_up(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_clear_log(&w);
  world_send(&w, fake_channel(a.c), "note", "1");
  world_send(&w, fake_channel(a.c), "note", "2");
  world_run(&w);
  w.on_message = close_itself;
  fake_resume(&a);
  world_expect(&w, "a.note(1) a>close(4000)");
  fake_resume(&a);
  world_expect(&w, "");
  fake_lost(&a, 4000);
  world_expect(&w, "a.disconnect(4000) ~closed(!)");
  world_close(&w);
}

static int resume_another(swale_consumer *c, swale_message *m) {
  (void)m;
  struct fake *f = world_of(c)->more;
  if (f->c != c)
    fake_resume(f);
  return 0;
}

static void what_comes_while_a_consumer_catches_up_queues_behind(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_start(&w);
  w.more = &a;
  w.on_message = resume_another;
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  fake_pause(&a);
  world_send(&w, fake_channel(a.c), "note", "1");
  world_run(&w);
  world_clear_log(&w);
  world_send(&w, fake_channel(b.c), "note", "resume");
  world_send(&w, fake_channel(a.c), "note", "2");
  world_send(&w, fake_channel(a.c), "note", "3");
  world_run(&w);
  world_expect(&w, "b.note(resume) a.note(1) a.note(2) a.note(3)");
  world_close(&w);
}

static void messages_wait_for_a_decision(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_start(&w);
  w.on_connect = fake_undecided;
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  world_send(&w, fake_channel(a.c), "note", "1");
  world_send(&w, fake_channel(b.c), "note", "2");
  world_run(&w);
  world_expect(&w, "a.connect b.connect");
  assert_int_equal(swale_accept(a.c, NULL), 0);
  assert_int_equal(swale_reject(b.c, 403, NULL), 0);
  world_expect(&w, "a>accept b>reject(403)");
  world_run(&w);
  world_expect(&w, "a.note(1) b.disconnect(1006) ~closed(!)");
  world_close(&w);
}

static void a_consumer_paused_before_it_is_accepted_stays_paused(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = fake_undecided;
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_send(&w, fake_channel(a.c), "note", "1");
  assert_int_equal(swale_accept(a.c, NULL), 0);
  world_run(&w);
  world_expect(&w, "a.connect a>accept");
  fake_resume(&a);
  world_expect(&w, "a.note(1)");
  world_close(&w);
}

/* ---- overflow ---- */

static void open_slow(struct world *w, struct fake *f, enum swale_overflow overflow, uint32_t capacity) {
  static struct swale_consumer_class cls;
  cls = fake_class;
  cls.overflow = overflow;
  world_init(w);
  w->layer_config.capacity = capacity;
  assert_int_equal(world_open(w, &cls), 0);
  fake_enter(f, w, "a");
  fake_pause(f);
  world_clear_log(w);
}

static void send_numbers(struct world *w, struct fake *f, int from, int to) {
  for (int i = from; i <= to; i++) {
    char text[12];
    snprintf(text, sizeof text, "%d", i);
    assert_int_equal(world_send(w, fake_channel(f->c), "note", text), 0);
  }
  world_run(w);
}

static struct swale_channel_stats stats_of(struct world *w, struct fake *f) {
  struct swale_channel_stats s;
  assert_int_equal(swale_channel_stats_get(w->layer, fake_channel(f->c), &s), 0);
  return s;
}

static void over_capacity_the_newest_is_dropped(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_slow(&w, &a, SWALE_OVERFLOW_DROP_NEWEST, 2);
  send_numbers(&w, &a, 1, 4);
  world_expect(&w, "~full(!) ~full(!)");
  assert_int_equal(stats_of(&w, &a).depth, 2);
  assert_int_equal(stats_of(&w, &a).dropped, 2);
  assert_int_equal(stats_of(&w, &a).capacity, 2);
  fake_resume(&a);
  world_expect(&w, "a.note(1) a.note(2)");
  assert_int_equal(stats_of(&w, &a).depth, 0);
  world_close(&w);
}

static void over_capacity_the_oldest_may_be_dropped(void **state) {
  (void)state;
  for (uint32_t capacity = 1; capacity <= 2; capacity++) {
    struct world w;
    struct fake a;
    open_slow(&w, &a, SWALE_OVERFLOW_DROP_OLDEST, capacity);
    send_numbers(&w, &a, 1, 4);
    assert_int_equal(dropped(&w, SWALE_DROP_FULL), 4 - capacity);
    world_clear_log(&w);
    fake_resume(&a);
    world_expect(&w, capacity == 1 ? "a.note(4)" : "a.note(3) a.note(4)");
    world_close(&w);
  }
}

/* It may take messages again, but has not caught up yet. */
static void who_drops_the_oldest_keeps_the_order_while_catching_up(void **state) {
  (void)state;
  for (uint32_t capacity = 1; capacity <= 2; capacity++) {
    struct world w;
    struct fake a, b;
    open_slow(&w, &a, SWALE_OVERFLOW_DROP_OLDEST, capacity);
    w.more = &a;
    fake_enter(&b, &w, "b");
    send_numbers(&w, &a, 1, 2);
    w.on_message = resume_another;
    world_send(&w, fake_channel(b.c), "note", "resume");
    send_numbers(&w, &a, 3, 5);
    world_settle(&w);
    world_expect(&w,
                 capacity == 1
                     ? "b.connect b>accept ~full(!) b.note(resume) a.note(5) ~full(!) ~full(!) ~full(!)"
                     : "b.connect b>accept b.note(resume) a.note(4) a.note(5) ~full(!) ~full(!) ~full(!)");
    world_close(&w);
  }
}

static void over_capacity_the_connection_may_be_closed(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_slow(&w, &a, SWALE_OVERFLOW_CLOSE, 2);
  send_numbers(&w, &a, 1, 4);
  world_expect(&w, "a>close(1013 too slow) ~full(!) ~closed(!)");
  assert_int_equal(dropped(&w, SWALE_DROP_FULL), 1);
  fake_lost(&a, 1013);
  world_expect(&w, "a.disconnect(1013) ~closed(!) ~closed(!)");
  assert_int_equal(dropped(&w, SWALE_DROP_CLOSED), 3);
  world_close(&w);
}

static void an_undecided_consumer_over_capacity_is_refused_with_503(void **state) {
  (void)state;
  struct swale_consumer_class cls = fake_class;
  cls.overflow = SWALE_OVERFLOW_CLOSE;
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.capacity = 2;
  w.on_connect = fake_undecided;
  assert_int_equal(world_open(&w, &cls), 0);
  fake_enter(&a, &w, "a");
  send_numbers(&w, &a, 1, 3);
  world_expect(&w, "a.connect a>reject(503 too slow) a.disconnect(1006) ~full(!) ~closed(!) ~closed(!)");
  world_close(&w);
}

static void a_pattern_of_the_layer_sets_the_capacity(void **state) {
  (void)state;
  static const struct swale_capacity capacities[] = {{"specific.*", 1}};
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.capacities = capacities;
  w.layer_config.n_capacities = 1;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_clear_log(&w);
  send_numbers(&w, &a, 1, 3);
  world_expect(&w, "~full(!) ~full(!)");
  world_close(&w);
}

static void an_open_consumer_never_overflows(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.capacity = 1;
  w.terse = true;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  send_numbers(&w, &a, 1, 500);
  assert_int_equal(world_stats(&w).delivered, 500);
  world_close(&w);
}

/* ---- conflation ---- */

static void open_conflating(struct world *w, struct fake *f, uint32_t capacity) {
  static struct swale_consumer_class cls;
  cls = fake_class;
  cls.conflate_key = "text";
  world_init(w);
  w->layer_config.capacity = capacity;
  assert_int_equal(world_open(w, &cls), 0);
  fake_enter(f, w, "a");
  world_clear_log(w);
}

static void send_words(struct world *w, struct fake *f, const char *words) {
  for (char word[2] = {0}; *words; words++) {
    word[0] = *words;
    assert_int_equal(world_send(w, fake_channel(f->c), "note", word), 0);
  }
  world_run(w);
}

static void of_messages_with_the_same_key_only_the_newest_waits(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_conflating(&w, &a, 3);
  send_words(&w, &a, "xx");
  world_expect(&w, "a.note(x) a.note(x)"); /* who keeps up gets all */
  fake_pause(&a);
  send_words(&w, &a, "xyxzy");
  world_expect(&w, "~conflated(!) ~conflated(!)");
  assert_int_equal(dropped(&w, SWALE_DROP_CONFLATED), 2);
  assert_int_equal(dropped(&w, SWALE_DROP_FULL), 0);
  assert_int_equal(stats_of(&w, &a).dropped, 2);
  assert_int_equal(stats_of(&w, &a).depth, 3);
  assert_int_equal(world_stats(&w).queued, 3);
  fake_resume(&a);
  world_expect(&w, "a.note(x) a.note(z) a.note(y)");
  world_close(&w);
}

/* Capacity counts keys; beyond it the class's overflow decides. */
static void a_full_queue_still_takes_a_newer_message_of_a_key_it_has(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_conflating(&w, &a, 2);
  fake_pause(&a);
  send_words(&w, &a, "xyzx");
  world_expect(&w, "~full(!) ~conflated(!)");
  fake_resume(&a);
  world_expect(&w, "a.note(y) a.note(x)");
  world_close(&w);
}

static void a_message_without_the_key_or_of_another_type_is_not_replaced(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_conflating(&w, &a, 10);
  fake_pause(&a);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(world_send(&w, fake_channel(a.c), "note", NULL), 0);
    assert_int_equal(world_send(&w, fake_channel(a.c), i ? "other" : "note", "x"), 0);
  }
  world_run(&w);
  fake_resume(&a);
  world_expect(&w, "a.note() a.note(x) a.note() a.other(x)");
  world_close(&w);
}

static void what_was_conflated_expires_by_its_newest_message(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_conflating(&w, &a, 10);
  fake_pause(&a);
  send_words(&w, &a, "x");
  world_pass(&w, 40000);
  send_words(&w, &a, "x");
  world_expect(&w, "~conflated(!)");
  world_pass(&w, 40000);
  world_expect(&w, "");
  world_pass(&w, 20001);
  world_expect(&w, "~expired(!)");
  world_close(&w);
}

/* ---- expiry ---- */

static void what_waits_too_long_expires_by_the_loops_timer(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_init(&w);
  w.layer_config.expiry_ms = 100;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  fake_pause(&a);
  fake_pause(&b);
  world_clear_log(&w);
  send_numbers(&w, &a, 1, 1);
  world_pass(&w, 40);
  send_numbers(&w, &b, 2, 2);
  send_numbers(&w, &a, 3, 3);
  world_pass(&w, 59);
  world_expect(&w, "");
  world_pass(&w, 1);
  world_expect(&w, "~expired(!)");
  fake_resume(&a);
  world_expect(&w, "a.note(3)");
  world_pass(&w, 40);
  world_expect(&w, "~expired(!)");
  fake_resume(&b);
  world_expect(&w, "");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  assert_int_equal(dropped(&w, SWALE_DROP_EXPIRED), 2);
  send_numbers(&w, &b, 4, 4);
  world_expect(&w, "b.note(4)");
  world_close(&w);
}

static void what_has_expired_is_not_told_by_a_late_resume(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.expiry_ms = 100;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_clear_log(&w);
  send_numbers(&w, &a, 1, 1);
  w.u.now_ms += 99;
  send_numbers(&w, &a, 2, 2);
  w.u.now_ms += 1;
  fake_resume(&a);
  world_expect(&w, "a.note(2) ~expired(!)");
  world_close(&w);
}

static void what_has_expired_takes_no_room_from_what_comes(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.expiry_ms = 100;
  w.layer_config.capacity = 2;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_clear_log(&w);
  send_numbers(&w, &a, 1, 2);
  w.u.now_ms += 100; /* and the loop has not run since */
  send_numbers(&w, &a, 3, 4);
  world_expect(&w, "~expired(!) ~expired(!)");
  fake_resume(&a);
  world_expect(&w, "a.note(3) a.note(4)");
  world_close(&w);
}

/* ---- flush ---- */

static int flush_the_layer(swale_consumer *c, swale_message *m) {
  (void)m;
  swale_flush(world_of(c)->layer);
  return 0;
}

static void a_flush_drops_what_waits_even_while_a_consumer_catches_up(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_clear_log(&w);
  send_numbers(&w, &a, 1, 3);
  w.on_message = flush_the_layer;
  fake_resume(&a);
  world_settle(&w);
  world_expect(&w, "a.note(1) ~flushed(!) ~flushed(!)");
  world_close(&w);
}

static void a_flush_drops_what_is_in_the_inbox(void **state) {
  (void)state;
  struct world w;
  struct fake f[3];
  world_start(&w);
  open_three(&w, f);
  world_group_send(&w, "all", "note", "1");
  world_send(&w, fake_channel(f[0].c), "note", "2");
  assert_int_equal(swale_flush(w.layer), 0);
  world_send(&w, fake_channel(f[1].c), "note", "3");
  assert_int_equal(world_group_send(&w, "all", "note", "4"), 0);
  swale_join(f[2].c, "all");
  world_group_send(&w, "all", "note", "5");
  world_run(&w);
  world_expect(&w, "b.note(3) c.note(5) ~flushed(3) ~flushed(!)");
  assert_int_equal(dropped(&w, SWALE_DROP_FLUSHED), 4);
  world_close(&w);
}

/* ---- drops ---- */

static int overflow_a_plain_channel(swale_consumer *c, swale_message *m) {
  (void)m;
  struct world *w = world_of(c);
  world_group_send(w, "plain-ones", "note", "1");
  world_group_send(w, "plain-ones", "note", "2"); /* over capacity; told when the handler has returned */
  world_log(w, "returns");
  return 0;
}

static void drops_are_told_later_and_never_inside_a_send(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.capacity = 1;
  w.on_message = overflow_a_plain_channel;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_group_add(w.layer, "plain-ones", "thumbs"), 0);
  world_clear_log(&w);
  world_send(&w, fake_channel(a.c), "note", "x");
  world_run(&w);
  world_expect(&w, "a.note(x) returns ~full(thumbs)");
  world_close(&w);
}

static void send_in_drop(struct world *w, const struct swale_drop *d) {
  assert_string_equal(swale_message_type(d->message), "note");
  world_group_send(w, "all", "other", "dropped");
}

static void a_drop_may_be_answered_with_a_message(void **state) {
  (void)state;
  struct world w;
  struct fake f[3];
  world_start(&w);
  open_three(&w, f);
  w.on_drop = send_in_drop;
  world_send(&w, fake_channel(f[0].c), "note", "x");
  fake_lost(&f[0], 1006);
  world_settle(&w);
  world_expect(&w, "a.disconnect(1006) ~closed(!) c.other(dropped) b.other(dropped)");
  world_close(&w);
}

static void without_memory_to_wait_a_message_is_dropped(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_clear_log(&w);
  world_send(&w, fake_channel(a.c), "note", "1");
  world_send(&w, fake_channel(a.c), "note", "2");
  w.u.fail_at = 1;
  world_run(&w);
  assert_int_equal(w.u.fail_at, 0);
  world_expect(&w, "~nomem(!)");
  fake_resume(&a);
  world_expect(&w, "a.note(2)");
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_group_message_reaches_each_member_once_and_later),
      cmocka_unit_test(groups_and_channels_keep_one_order),
      cmocka_unit_test(who_joined_later_or_left_does_not_get_it),
      cmocka_unit_test(who_leaves_while_the_message_is_told_does_not_get_it),
      cmocka_unit_test(who_joins_while_the_message_is_told_gets_the_next_one),
      cmocka_unit_test(a_member_of_two_groups_gets_both_messages),
      cmocka_unit_test(an_unknown_type_is_reported_and_counted_and_nothing_else),
      cmocka_unit_test(each_class_handles_its_own_types),
      cmocka_unit_test(a_handler_that_fails_ends_its_own_connection_only),
      cmocka_unit_test(a_paused_consumer_gets_its_messages_in_order_when_it_resumes),
      cmocka_unit_test(a_consumer_may_be_paused_while_it_catches_up),
      cmocka_unit_test(a_consumer_may_be_closed_while_it_catches_up),
      cmocka_unit_test(what_comes_while_a_consumer_catches_up_queues_behind),
      cmocka_unit_test(messages_wait_for_a_decision),
      cmocka_unit_test(a_consumer_paused_before_it_is_accepted_stays_paused),
      cmocka_unit_test(over_capacity_the_newest_is_dropped),
      cmocka_unit_test(over_capacity_the_oldest_may_be_dropped),
      cmocka_unit_test(who_drops_the_oldest_keeps_the_order_while_catching_up),
      cmocka_unit_test(over_capacity_the_connection_may_be_closed),
      cmocka_unit_test(an_undecided_consumer_over_capacity_is_refused_with_503),
      cmocka_unit_test(a_pattern_of_the_layer_sets_the_capacity),
      cmocka_unit_test(an_open_consumer_never_overflows),
      cmocka_unit_test(what_waits_too_long_expires_by_the_loops_timer),
      cmocka_unit_test(what_has_expired_is_not_told_by_a_late_resume),
      cmocka_unit_test(what_has_expired_takes_no_room_from_what_comes),
      cmocka_unit_test(a_flush_drops_what_waits_even_while_a_consumer_catches_up),
      cmocka_unit_test(a_flush_drops_what_is_in_the_inbox),
      cmocka_unit_test(drops_are_told_later_and_never_inside_a_send),
      cmocka_unit_test(a_drop_may_be_answered_with_a_message),
      cmocka_unit_test(without_memory_to_wait_a_message_is_dropped),
      cmocka_unit_test(of_messages_with_the_same_key_only_the_newest_waits),
      cmocka_unit_test(a_full_queue_still_takes_a_newer_message_of_a_key_it_has),
      cmocka_unit_test(a_message_without_the_key_or_of_another_type_is_not_replaced),
      cmocka_unit_test(what_was_conflated_expires_by_its_newest_message),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

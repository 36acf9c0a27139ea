/* SPDX-License-Identifier: MIT */
/* What a consumer is told about a slow peer. */
#include "fake_transport.h"

#include <stdio.h>

struct slow {
  struct world w;
  struct fake a;
  struct swale_consumer_class cls;
  int answer;
  void (*act)(struct slow *s, swale_consumer *c, int high);
};

static int on_pressure(swale_consumer *c, int high, size_t waiting) {
  struct slow *s = (struct slow *)world_of(c);
  world_callback_begins(&s->w);
  world_log(&s->w, "a.%s(%zu)", high ? "high" : "low", waiting);
  if (s->act)
    s->act(s, c, high);
  world_callback_ends(&s->w);
  return s->answer;
}

static int setup(void **state) {
  struct slow *s = calloc(1, sizeof *s);
  world_init(&s->w);
  s->cls = fake_class;
  s->cls.pressure = on_pressure;
  *state = s;
  return world_open(&s->w, &s->cls);
}

static int teardown(void **state) {
  struct slow *s = *state;
  world_close(&s->w);
  free(s);
  return 0;
}

static void open_one(struct slow *s) {
  fake_enter(&s->a, &s->w, "a");
  world_expect(&s->w, "a.connect a>accept");
}

static void set_waiting(struct slow *s, size_t waiting, bool high) {
  s->a.waiting = waiting;
  (high ? fake_pause : fake_resume)(&s->a);
}

static void both_marks_are_told_with_the_bytes_that_wait(void **state) {
  struct slow *s = *state;
  open_one(s);
  set_waiting(s, 70000, true);
  world_expect(&s->w, "a.high(70000)");
  assert_int_equal(swale_waiting(s->a.c), 70000);
  set_waiting(s, 90000, true);
  world_expect(&s->w, "");
  set_waiting(s, 500, false);
  world_expect(&s->w, "a.low(500)");
  set_waiting(s, 0, false);
  world_expect(&s->w, "");
}

static void the_low_mark_is_told_before_what_waited_is_handled(void **state) {
  struct slow *s = *state;
  open_one(s);
  set_waiting(s, 1, true);
  world_send(&s->w, fake_channel(s->a.c), "note", "late");
  world_run(&s->w);
  set_waiting(s, 0, false);
  world_expect(&s->w, "a.high(1) a.low(0) a.note(late)");
}

static void what_does_not_last_until_the_end_of_the_call_is_not_told(void **state) {
  struct slow *s = *state;
  open_one(s);
  swale_loop_enter(s->w.loop);
  swale_consumer_pause(s->a.c);
  swale_consumer_resume(s->a.c);
  swale_loop_leave(s->w.loop);
  world_expect(&s->w, "");
}

static void who_is_undecided_is_told_once_he_has_accepted(void **state) {
  struct slow *s = *state;
  s->w.on_connect = fake_undecided;
  fake_enter(&s->a, &s->w, "a");
  set_waiting(s, 5, true);
  world_expect(&s->w, "a.connect");
  assert_int_equal(swale_accept(s->a.c, NULL), 0);
  world_run(&s->w);
  world_expect(&s->w, "a>accept a.high(5)");
}

static void close_it(struct slow *s, swale_consumer *c, int high) {
  (void)s;
  if (high)
    swale_close(c, 4000, "too slow for us");
}

static void the_consumer_may_close_then_and_is_told_no_more(void **state) {
  struct slow *s = *state;
  s->act = close_it;
  open_one(s);
  set_waiting(s, 5, true);
  set_waiting(s, 0, false);
  world_expect(&s->w, "a.high(5) a>close(4000 too slow for us)");
  fake_lost(&s->a, 4000);
  world_expect(&s->w, "a.disconnect(4000)");
}

static void a_failing_callback_closes_with_1011(void **state) {
  struct slow *s = *state;
  s->answer = -7;
  open_one(s);
  set_waiting(s, 5, true);
  world_expect(&s->w, "a.high(5) !callback(pressure -7) a>close(1011)");
}

static void the_lost_and_the_gone_are_told_nothing(void **state) {
  struct slow *s = *state;
  open_one(s);
  swale_loop_enter(s->w.loop);
  swale_consumer_pause(s->a.c);
  swale_consumer *c = s->a.c;
  s->a.gone = true;
  swale_consumer_lost(c, 1006);
  assert_int_equal(swale_waiting(c), 0);
  swale_loop_leave(s->w.loop);
  world_expect(&s->w, "a.disconnect(1006)");
}

static const struct swale_transport_class mute = {.type = "websocket"};

static void a_transport_that_does_not_say_has_nothing_waiting(void **state) {
  struct slow *s = *state;
  struct swale_request request = {.size = sizeof request, .target = "/a/"};
  swale_consumer *c;
  s->w.on_connect = fake_undecided;
  swale_loop_enter(s->w.loop);
  assert_int_equal(swale_consumer_open(s->w.app, s->w.loop, &request, &mute, NULL, &c), 0);
  assert_int_equal(swale_waiting(c), 0);
  swale_consumer_lost(c, 1006);
  swale_loop_leave(s->w.loop);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(both_marks_are_told_with_the_bytes_that_wait),
      TEST(the_low_mark_is_told_before_what_waited_is_handled),
      TEST(what_does_not_last_until_the_end_of_the_call_is_not_told),
      TEST(who_is_undecided_is_told_once_he_has_accepted),
      TEST(the_consumer_may_close_then_and_is_told_no_more),
      TEST(a_failing_callback_closes_with_1011),
      TEST(the_lost_and_the_gone_are_told_nothing),
      TEST(a_transport_that_does_not_say_has_nothing_waiting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

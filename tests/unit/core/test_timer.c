/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

/* A timer that writes down that it fired, and may do more. */
struct alarm {
  struct swale_timer timer;
  struct world *w;
  char name;
  void (*also)(struct alarm *a);
  struct alarm *other;
};

static void fire(struct swale_timer *t) {
  struct alarm *a = (struct alarm *)t;
  world_callback_begins(a->w);
  assert_false(swale_timer_armed(t));
  world_log(a->w, "%c", a->name);
  if (a->also)
    a->also(a);
  world_callback_ends(a->w);
}

static struct alarm make(struct world *w, char name) {
  return (struct alarm){.timer = {.fire = fire}, .w = w, .name = name};
}

static void start(struct alarm *a, uint64_t delay) { swale_timer_start(a->w->loop, &a->timer, delay); }

static void run_at(struct world *w, uint64_t now) {
  w->u.now_ms = now;
  world_run(w);
}

static void a_timer_fires_once_and_never_early(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a');
  assert_false(swale_timer_armed(&a.timer));
  start(&a, 10);
  assert_true(swale_timer_armed(&a.timer));
  run_at(&w, 1000);
  run_at(&w, 1009);
  world_expect(&w, "");
  run_at(&w, 1010);
  world_expect(&w, "a");
  assert_false(swale_timer_armed(&a.timer));
  run_at(&w, 5000);
  world_expect(&w, "");
  world_close(&w);
}

static void a_late_run_fires_in_order_of_deadlines(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a'), b = make(&w, 'b'), c = make(&w, 'c'), d = make(&w, 'd');
  start(&a, 30);
  start(&b, 10);
  start(&c, 20);
  start(&d, 10);
  run_at(&w, 9999);
  world_expect(&w, "b d c a");
  world_close(&w);
}

static void starting_again_moves_the_deadline(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a');
  start(&a, 10);
  run_at(&w, 1005);
  start(&a, 10);
  run_at(&w, 1014);
  world_expect(&w, "");
  start(&a, 1);
  run_at(&w, 1015);
  world_expect(&w, "a");
  run_at(&w, 2000);
  world_expect(&w, "");
  world_close(&w);
}

static void a_stopped_timer_does_not_fire(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a');
  swale_timer_stop(w.loop, &a.timer);
  start(&a, 10);
  swale_timer_stop(w.loop, &a.timer);
  swale_timer_stop(w.loop, &a.timer);
  assert_false(swale_timer_armed(&a.timer));
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  run_at(&w, 2000);
  world_expect(&w, "");
  world_close(&w);
}

static void restart_at_once(struct alarm *a) { start(a, 0); }

/* Otherwise a timer that restarts itself would keep the loop from ever doing something else. */
static void a_delay_of_nothing_is_over_in_a_later_run(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a');
  a.also = restart_at_once;
  start(&a, 0);
  run_at(&w, 1000);
  world_expect(&w, "");
  assert_in_range(swale_loop_timeout_ms(w.loop), 0, 1);
  run_at(&w, 1001);
  world_expect(&w, "a");
  run_at(&w, 1001);
  world_expect(&w, "");
  run_at(&w, 1002);
  world_expect(&w, "a");
  assert_true(swale_timer_armed(&a.timer));
  world_close(&w);
  assert_false(swale_timer_armed(&a.timer));
}

static void stop_other(struct alarm *a) { swale_timer_stop(a->w->loop, &a->other->timer); }
static void start_other(struct alarm *a) { start(a->other, 5); }
static void stop_itself(struct alarm *a) { swale_timer_stop(a->w->loop, &a->timer); }

static void a_timer_may_stop_another_that_is_due(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a'), b = make(&w, 'b'), c = make(&w, 'c');
  a.also = stop_other;
  a.other = &b;
  start(&a, 10);
  start(&b, 10);
  start(&c, 10);
  run_at(&w, 1010);
  world_expect(&w, "a c");
  assert_false(swale_timer_armed(&b.timer));
  world_close(&w);
}

static void a_timer_may_restart_another_that_is_due(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a'), b = make(&w, 'b');
  a.also = start_other;
  a.other = &b;
  start(&a, 10);
  start(&b, 10);
  run_at(&w, 1010);
  world_expect(&w, "a");
  run_at(&w, 1014);
  world_expect(&w, "");
  run_at(&w, 1015);
  world_expect(&w, "b");
  world_close(&w);
}

static void a_timer_may_stop_itself_while_it_fires(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a');
  a.also = stop_itself;
  start(&a, 10);
  run_at(&w, 1010);
  world_expect(&w, "a");
  start(&a, 10);
  run_at(&w, 1020);
  world_expect(&w, "a");
  world_close(&w);
}

static void free_itself(struct swale_timer *t) {
  struct alarm *a = (struct alarm *)t;
  world_log(a->w, "freed");
  free(a);
}

static void a_timer_may_be_freed_by_its_own_fire(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm *a = malloc(sizeof *a);
  *a = make(&w, 'a');
  a->timer.fire = free_itself;
  start(a, 3);
  run_at(&w, 1003);
  world_expect(&w, "freed");
  run_at(&w, 2003);
  world_close(&w);
}

static void a_timer_started_outside_of_calls_counts_from_the_real_now(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a');
  w.u.now_ms = 3000; /* the loop has not run since 1000 */
  start(&a, 10);
  run_at(&w, 3009);
  world_expect(&w, "");
  run_at(&w, 3010);
  world_expect(&w, "a");
  world_close(&w);
}

static int start_in_message(swale_consumer *c, swale_message *m) {
  (void)m;
  start(world_of(c)->more, 1);
  return 0;
}

static void a_timer_may_be_started_in_a_handler(void **state) {
  (void)state;
  struct world w;
  struct fake f;
  world_start(&w);
  struct alarm a = make(&w, 'a');
  w.more = &a;
  w.on_message = start_in_message;
  fake_enter(&f, &w, "f");
  world_send(&w, fake_channel(f.c), "note", "x");
  world_run(&w);
  world_expect(&w, "f.connect f>accept f.note(x)");
  assert_int_equal(swale_loop_timeout_ms(w.loop), 1);
  run_at(&w, 1001);
  world_expect(&w, "a");
  world_close(&w);
}

static void a_delay_beyond_all_time_never_ends(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct alarm a = make(&w, 'a'), b = make(&w, 'b');
  start(&a, UINT64_MAX);
  start(&b, UINT64_MAX - 1000);
  run_at(&w, UINT64_MAX / 2);
  world_expect(&w, "");
  assert_true(swale_timer_armed(&a.timer));
  swale_timer_stop(w.loop, &a.timer);
  swale_timer_stop(w.loop, &b.timer);
  world_close(&w);
}

/* Sleeping exactly as long as the loop says. */
static void following_the_timeout_meets_every_deadline(void **state) {
  (void)state;
  static const uint64_t delays[] = {1, 2, 63, 64, 65, 4095, 4096, 100000, 300000};
  enum { N = sizeof delays / sizeof delays[0] };
  struct world w;
  struct alarm alarms[N];
  world_start(&w);
  for (int i = 0; i < N; i++) {
    alarms[i] = make(&w, (char)('a' + i));
    start(&alarms[i], delays[i]);
  }
  for (int i = 0; i < N; i++) {
    char expected[2] = {(char)('a' + i), '\0'};
    world_pass(&w, 1000 + delays[i] - 1 - w.u.now_ms);
    world_expect(&w, "");
    world_pass(&w, 1);
    world_expect(&w, expected);
  }
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_timer_fires_once_and_never_early),
      cmocka_unit_test(a_late_run_fires_in_order_of_deadlines),
      cmocka_unit_test(starting_again_moves_the_deadline),
      cmocka_unit_test(a_stopped_timer_does_not_fire),
      cmocka_unit_test(a_delay_of_nothing_is_over_in_a_later_run),
      cmocka_unit_test(a_timer_may_stop_another_that_is_due),
      cmocka_unit_test(a_timer_may_restart_another_that_is_due),
      cmocka_unit_test(a_timer_may_stop_itself_while_it_fires),
      cmocka_unit_test(a_timer_may_be_freed_by_its_own_fire),
      cmocka_unit_test(a_timer_started_outside_of_calls_counts_from_the_real_now),
      cmocka_unit_test(a_timer_may_be_started_in_a_handler),
      cmocka_unit_test(a_delay_beyond_all_time_never_ends),
      cmocka_unit_test(following_the_timeout_meets_every_deadline),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

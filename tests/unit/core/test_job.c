/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

/* A job that writes down that it ran, and may do more. */
struct task {
  struct swale_job job;
  struct world *w;
  char name;
  void (*also)(struct task *t);
  struct task *other;
  int times;
};

static void run(struct swale_job *job) {
  struct task *t = (struct task *)job;
  struct world *w = t->w;
  world_callback_begins(w);
  assert_null(job->next);
  world_log(w, "%c", t->name);
  if (t->also)
    t->also(t);
  world_callback_ends(w);
}

static struct task make(struct world *w, char name) {
  return (struct task){.job = {.run = run}, .w = w, .name = name};
}

static void defer(struct task *t) { swale_loop_defer(t->w->loop, &t->job); }

static void jobs_run_once_and_in_order_at_the_outermost_leave(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task a = make(&w, 'a'), b = make(&w, 'b'), c = make(&w, 'c');
  swale_loop_enter(w.loop);
  defer(&b);
  swale_loop_enter(w.loop);
  defer(&a);
  defer(&b);
  assert_true(a.job.next && b.job.next && !c.job.next);
  swale_loop_leave(w.loop);
  world_expect(&w, "");
  defer(&c);
  swale_loop_leave(w.loop);
  world_expect(&w, "b a c");
  assert_int_equal(w.wakes, 0);
  world_run(&w);
  world_expect(&w, "");
  world_close(&w);
}

static void a_job_put_off_outside_of_calls_runs_with_the_next_one(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task a = make(&w, 'a');
  defer(&a);
  world_expect(&w, "");
  assert_int_equal(w.wakes, 1);
  world_run(&w);
  world_expect(&w, "a");
  defer(&a);
  swale_loop_enter(w.loop);
  swale_loop_leave(w.loop);
  world_expect(&w, "a");
  world_close(&w);
}

static void again_three_times(struct task *t) {
  if (++t->times < 3)
    defer(t);
}

static void defer_other(struct task *t) { defer(t->other); }

static void what_a_job_puts_off_runs_in_the_same_call(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task a = make(&w, 'a'), b = make(&w, 'b'), c = make(&w, 'c');
  a.also = again_three_times;
  b.also = defer_other;
  b.other = &c;
  swale_loop_enter(w.loop);
  defer(&a);
  defer(&b);
  swale_loop_leave(w.loop);
  world_expect(&w, "a b a c a");
  world_close(&w);
}

static void enter_and_leave(struct task *t) {
  swale_loop_enter(t->w->loop);
  defer(t->other);
  swale_loop_leave(t->w->loop);
  world_log(t->w, "end");
}

static void calls_inside_a_job_run_no_others(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task a = make(&w, 'a'), b = make(&w, 'b');
  a.also = enter_and_leave;
  a.other = &b;
  defer(&a);
  world_run(&w);
  world_expect(&w, "a end b");
  world_close(&w);
}

static void free_itself(struct task *t) { free(t); }

static void a_job_may_free_itself(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task *a = malloc(sizeof *a), b = make(&w, 'b');
  *a = make(&w, 'a');
  a->also = free_itself;
  defer(a);
  defer(&b);
  world_run(&w);
  world_expect(&w, "a b");
  world_close(&w);
}

static int defer_in_message(swale_consumer *c, swale_message *m) {
  (void)m;
  defer(world_of(c)->more);
  return 0;
}

static void defer_in_drop(struct world *w, const struct swale_drop *drop) {
  (void)drop;
  defer(w->more);
}

static void jobs_run_after_all_callbacks_that_came_before(void **state) {
  (void)state;
  struct world w;
  struct fake f;
  world_start(&w);
  struct task a = make(&w, 'a');
  w.more = &a;
  w.on_message = defer_in_message;
  w.on_drop = defer_in_drop;
  fake_enter(&f, &w, "f");
  char channel[SWALE_NAME_SIZE];
  swale_channel_name(f.c, channel);
  world_send(&w, channel, "note", "1");
  world_send(&w, channel, "note", "2");
  world_run(&w);
  world_expect(&w, "f.connect f>accept f.note(1) f.note(2) a");
  world_send(&w, channel, "note", "3");
  fake_lost(&f, 1006);
  world_run(&w);
  world_expect(&w, "f.disconnect(1006) ~closed(!) a");
  world_close(&w);
}

static void jobs_still_run_when_the_loop_ends(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task a = make(&w, 'a');
  defer(&a);
  world_close(&w);
  world_expect(&w, "a");
}

static void put_off_until_a_run(struct swale_job *job) {
  struct task *t = (struct task *)job;
  if (!swale_loop_put_off(t->w->loop, job))
    run(job);
}

static struct task make_host_caller(struct world *w, char name) {
  return (struct task){.job = {.run = put_off_until_a_run}, .w = w, .name = name};
}

static void a_job_that_calls_the_host_waits_for_a_run(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task a = make_host_caller(&w, 'a'), b = make(&w, 'b'), c = make_host_caller(&w, 'c'),
              d = make(&w, 'd');
  for (int feed = 0; feed < 2; feed++) {
    swale_loop_enter(w.loop);
    defer(&a);
    defer(&b);
    defer(&c);
    swale_loop_leave(w.loop);
    world_expect(&w, "b");
  }
  assert_int_equal(w.wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  swale_loop_enter(w.loop);
  defer(&d);
  swale_loop_leave_quietly(w.loop);
  world_run(&w);
  world_expect(&w, "d a c");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  swale_loop_enter(w.loop);
  swale_loop_leave(w.loop);
  assert_int_equal(w.wakes, 1);
  world_close(&w);
}

static void deferred_again_before_it_is_put_off(struct swale_job *job) {
  struct task *t = (struct task *)job;
  if (t->times++ == 0)
    defer(t);
  put_off_until_a_run(job);
}

static void a_job_may_be_deferred_again_before_it_is_put_off(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task a = make(&w, 'a'), b = make(&w, 'b');
  a.job.run = deferred_again_before_it_is_put_off;
  swale_loop_enter(w.loop);
  defer(&a);
  defer(&b);
  swale_loop_leave(w.loop);
  world_expect(&w, "b");
  world_run(&w);
  world_expect(&w, "a");
  world_close(&w);
}

static void a_job_that_waits_for_a_run_runs_when_the_loop_ends(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  struct task a = make_host_caller(&w, 'a'), b = make_host_caller(&w, 'b');
  swale_loop_enter(w.loop);
  defer(&a);
  swale_loop_leave(w.loop);
  defer(&b);
  world_close(&w);
  world_expect(&w, "b a");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(jobs_run_once_and_in_order_at_the_outermost_leave),
      cmocka_unit_test(a_job_put_off_outside_of_calls_runs_with_the_next_one),
      cmocka_unit_test(what_a_job_puts_off_runs_in_the_same_call),
      cmocka_unit_test(calls_inside_a_job_run_no_others),
      cmocka_unit_test(a_job_may_free_itself),
      cmocka_unit_test(jobs_run_after_all_callbacks_that_came_before),
      cmocka_unit_test(jobs_still_run_when_the_loop_ends),
      cmocka_unit_test(a_job_that_calls_the_host_waits_for_a_run),
      cmocka_unit_test(a_job_may_be_deferred_again_before_it_is_put_off),
      cmocka_unit_test(a_job_that_waits_for_a_run_runs_when_the_loop_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "testing/settle.h"

#include "world.h"

#include <swale/transport.h>

/* A timer that notes when it fired, and fires again after `again` ms if that is not 0. */
struct alarm {
  struct swale_timer timer;
  struct world *world;
  uint64_t again;
  uint64_t at[8];
  size_t n;
};

static void ring(struct swale_timer *timer) {
  struct alarm *a = (struct alarm *)((char *)timer - offsetof(struct alarm, timer));
  assert_true(a->n < 8);
  a->at[a->n++] = swale_testing_now_ms(a->world->t);
  if (a->again > 0)
    swale_timer_start(a->world->loop, timer, a->again);
}

static void set(struct alarm *a, struct world *w, uint64_t delay, uint64_t again) {
  *a = (struct alarm){.timer = {.fire = ring}, .world = w, .again = again};
  swale_timer_start(w->loop, &a->timer, delay);
}

static void time_passes_from_one_deadline_to_the_next(void **state) {
  struct world *w = *state;
  struct alarm a, b;
  uint64_t start = swale_testing_now_ms(w->t);
  set(&a, w, 100, 0);
  set(&b, w, 30, 50);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 140), 0);
  assert_true(swale_testing_now_ms(w->t) == start + 140);
  assert_int_equal(a.n, 1);
  assert_true(a.at[0] == start + 100);
  assert_int_equal(b.n, 3);
  for (size_t i = 0; i < 3; i++)
    assert_true(b.at[i] == start + 30 + 50 * i);
  swale_timer_stop(w->loop, &b.timer);
}

static void a_deadline_at_the_very_end_is_met(void **state) {
  struct world *w = *state;
  struct alarm a;
  set(&a, w, 100, 0);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 99), 0);
  assert_int_equal(a.n, 0);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 1), 0);
  assert_int_equal(a.n, 1);
}

static void a_day_without_deadlines_is_one_step(void **state) {
  struct world *w = *state;
  uint64_t start = swale_testing_now_ms(w->t);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 86400000), 0);
  assert_true(swale_testing_now_ms(w->t) == start + 86400000);
}

struct rest {
  struct swale_job job;
  swale_loop *loop;
  int answer;
};

static void settle_inside(struct swale_job *job) {
  struct rest *r = (struct rest *)((char *)job - offsetof(struct rest, job));
  r->answer = swale__testing_settle(r->loop);
}

static void inside_a_callback_there_is_no_settling(void **state) {
  struct world *w = *state;
  struct rest r = {.job = {.run = settle_inside}, .loop = w->loop};
  swale_loop_defer(w->loop, &r.job);
  assert_int_equal(swale__testing_settle(w->loop), 0);
  assert_int_equal(r.answer, SWALE_ESTATE);
}

static int greet_myself(swale_consumer *c, swale_message *m) {
  char name[SWALE_NAME_SIZE];
  return swale_send(swale_consumer_layer(c), swale_channel_name(c, name), m);
}

static int greet_first(swale_consumer *c) {
  swale_message *m = swale_message_new("greet");
  int rv = swale_accept(c, NULL);
  if (rv == 0)
    rv = greet_myself(c, m);
  swale_message_unref(m);
  return rv;
}

static const struct swale_handler greetings[] = {{"greet", greet_myself}, {NULL, NULL}};
static const struct swale_consumer_class restless = {.connect = greet_first, .handlers = greetings};

static void consumers_that_never_rest_are_noticed(void **state) {
  struct world *w = *state;
  assert_int_equal(swale_app_route(w->app, "restless/", &restless), 0);
  swale_communicator *p = peer_at(w, "/restless/");
  assert_int_equal(swale_communicator_connect(p), SWALE_EFULL);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 10), SWALE_EFULL);
  swale_communicator_free(p);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 10), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_a_world(time_passes_from_one_deadline_to_the_next),
      in_a_world(a_deadline_at_the_very_end_is_met),
      in_a_world(a_day_without_deadlines_is_one_step),
      in_a_world(inside_a_callback_there_is_no_settling),
      in_a_world(consumers_that_never_rest_are_noticed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

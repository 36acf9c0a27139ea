/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <stdio.h>

#include "core/layer.h"
#include "core/plain.h"

static void open_world(struct crowd_world *w, size_t inbox_bytes, uint32_t capacity) {
  struct swale_layer_config config;
  unit_env_init(&w->u);
  swale_layer_config_default(&config);
  config.env = &w->u.env;
  config.capacity = capacity;
  assert_int_equal(swale_layer_open("memory://", &config, &w->layer, NULL, 0), 0);
  assert_int_equal(crowd_try_open(&w->crowd, w->layer, &w->u.env, inbox_bytes, 0), 0);
  assert_int_equal(swale_app_channel(w->crowd.app, "work", &crowd_worker), 0);
}

/* A worker that listens at once. */
static void serve(struct crowd_world *w, struct crowd_member *m, int loop) {
  *m = (struct crowd_member){.crowd = &w->crowd, .loop = loop};
  w->crowd.seat = m;
  assert_int_equal(swale_app_serve(w->crowd.app, w->crowd.at[loop].loop), 0);
  swale_loop_enter(w->crowd.at[loop].loop);
  swale_loop_leave(w->crowd.at[loop].loop);
  assert_non_null(m->consumer);
}

static void end_worker(struct crowd_member *m) {
  swale_loop_enter(m->crowd->at[m->loop].loop);
  assert_int_equal(swale_close(m->consumer, 1000, NULL), 0);
  swale_loop_leave(m->crowd->at[m->loop].loop);
}

static bool exists(struct crowd_world *w, const char *channel) {
  return swale__plain_find(w->layer, channel) != NULL;
}

static void a_channel_exists_as_long_as_somebody_needs_it(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a, b;
  open_world(&w, 0, 10);
  assert_int_equal(crowd_send(w.layer, "work", 1), 0);
  assert_true(exists(&w, "work"));
  assert_int_equal(crowd_receive(w.layer, "work"), 1);
  assert_false(exists(&w, "work"));
  assert_int_equal(swale_group_add(w.layer, "g", "work"), 0);
  serve(&w, &a, 0);
  serve(&w, &b, 1);
  assert_int_equal(swale_group_discard(w.layer, "g", "work"), 0);
  assert_true(exists(&w, "work"));
  end_worker(&a);
  assert_true(exists(&w, "work"));
  end_worker(&b);
  assert_false(exists(&w, "work"));
  crowd_world_close(&w);
}

static void many_channels_live_side_by_side(void **state) {
  (void)state;
  struct crowd_world w;
  enum { MANY = 500 };
  char name[SWALE_NAME_SIZE];
  open_world(&w, 0, 10);
  for (int64_t round = 0; round < 3; round++)
    for (int i = 0; i < MANY; i++) {
      snprintf(name, sizeof name, "channel.%d", i);
      assert_int_equal(crowd_send(w.layer, name, round * MANY + i), 0);
    }
  assert_int_equal(crowd_stats(w.layer).channels, MANY);
  for (int i = MANY - 1; i >= 0; i--)
    for (int64_t round = 0; round < 3; round++) {
      snprintf(name, sizeof name, "channel.%d", i);
      assert_int_equal(crowd_receive(w.layer, name), round * MANY + i);
    }
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  crowd_world_close(&w);
}

static void workers_take_turns(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a, b, c;
  open_world(&w, 0, 10);
  serve(&w, &a, 0);
  serve(&w, &b, 1);
  serve(&w, &c, 1);
  for (int64_t i = 0; i < 9; i++)
    assert_int_equal(crowd_send(w.layer, "work", i), 0);
  crowd_run(&w.crowd);
  assert_int_equal(a.n_got, 3);
  assert_int_equal(b.n_got, 3);
  assert_int_equal(c.n_got, 3);
  end_worker(&b);
  for (int64_t i = 0; i < 4; i++)
    assert_int_equal(crowd_send(w.layer, "work", i), 0);
  crowd_run(&w.crowd);
  assert_int_equal(a.n_got, 5);
  assert_int_equal(c.n_got, 5);
  crowd_world_close(&w);
}

static void a_worker_whose_loop_is_full_is_passed_over(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a, b;
  open_world(&w, 200, 10);
  serve(&w, &a, 0);
  serve(&w, &b, 1);
  int64_t sent = 0;
  while (crowd_send(w.layer, "work", sent) == 0)
    sent++;
  crowd_run_loop(&w.crowd, 1); /* only b has room again */
  int b_got = b.n_got;
  assert_int_equal(b_got * 2, sent);
  for (int i = 0; i < b_got; i++)
    assert_int_equal(crowd_send(w.layer, "work", sent++), 0);
  assert_int_equal(crowd_send(w.layer, "work", sent), SWALE_EFULL);
  crowd_run(&w.crowd);
  assert_int_equal(a.n_got, b_got);
  assert_int_equal(b.n_got, 2 * b_got);
  assert_int_equal(crowd_stats(w.layer).refused, 2);
  crowd_world_close(&w);
}

static void a_new_worker_gets_all_that_waits_before_anything_new(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a;
  enum { MANY = 100 };
  open_world(&w, 200, MANY); /* far more than the inbox takes at a time */
  for (int64_t i = 0; i < MANY; i++)
    assert_int_equal(crowd_send(w.layer, "work", i), 0);
  serve(&w, &a, 0);
  int64_t sent = MANY;
  while (sent < MANY + 20) {
    if (crowd_send(w.layer, "work", sent) == 0)
      sent++;
    else
      crowd_run(&w.crowd);
  }
  crowd_run(&w.crowd);
  assert_int_equal(a.n_got, sent);
  for (int i = 0; i < a.n_got; i++)
    assert_int_equal(a.got[i], i);
  crowd_world_close(&w);
}

static void what_waits_needs_no_further_message_to_reach_a_new_worker(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a;
  enum { MANY = 100 };
  open_world(&w, 200, MANY);
  for (int64_t i = 0; i < MANY; i++)
    assert_int_equal(crowd_send(w.layer, "work", i), 0);
  serve(&w, &a, 0);
  crowd_run(&w.crowd);
  assert_int_equal(a.n_got, MANY);
  for (int i = 0; i < MANY; i++)
    assert_int_equal(a.got[i], i);
  crowd_world_close(&w);
}

static void dropping_makes_way_for_those_behind(void **state) {
  (void)state;
  struct crowd_world w;
  open_world(&w, 0, 3);
  assert_int_equal(swale_group_add(w.layer, "g", "a"), 0);
  assert_int_equal(swale_group_add(w.layer, "g", "b"), 0);
  for (int64_t i = 0; i < 5; i++)
    assert_int_equal(crowd_group_send(w.layer, "g", i), 2);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FULL), 4);
  assert_int_equal(swale__plain_find(w.layer, "a")->dropped, 2);
  assert_int_equal(crowd_receive(w.layer, "a"), 0);
  assert_int_equal(crowd_group_send(w.layer, "g", 5), 2);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FULL), 5);
  crowd_world_close(&w);
}

static void a_member_for_whom_there_is_no_memory_misses_the_message(void **state) {
  (void)state;
  struct crowd_world w;
  open_world(&w, 0, 3);
  assert_int_equal(swale_group_add(w.layer, "g", "a"), 0);
  assert_int_equal(swale_group_add(w.layer, "g", "b"), 0);
  w.u.fail_at = 1;
  assert_int_equal(crowd_group_send(w.layer, "g", 1), 2);
  assert_int_equal(w.u.fail_at, 0);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_NOMEM), 1);
  assert_int_equal(crowd_stats(w.layer).queued, 1);
  w.u.fail_at = 1;
  assert_int_equal(crowd_send(w.layer, "a", 1), SWALE_ENOMEM);
  w.u.fail_at = 0;
  crowd_world_close(&w);
}

static void a_layer_that_ends_forgets_what_waits(void **state) {
  (void)state;
  struct crowd_world w;
  open_world(&w, 0, 3);
  for (int64_t i = 0; i < 3; i++) {
    assert_int_equal(crowd_send(w.layer, "a", i), 0);
    assert_int_equal(crowd_send(w.layer, "b", i), 0);
  }
  assert_int_equal(swale_group_add(w.layer, "g", "a"), 0);
  assert_int_equal(swale_group_add(w.layer, "g", "c"), 0);
  crowd_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_channel_exists_as_long_as_somebody_needs_it),
      cmocka_unit_test(many_channels_live_side_by_side),
      cmocka_unit_test(workers_take_turns),
      cmocka_unit_test(a_worker_whose_loop_is_full_is_passed_over),
      cmocka_unit_test(a_new_worker_gets_all_that_waits_before_anything_new),
      cmocka_unit_test(what_waits_needs_no_further_message_to_reach_a_new_worker),
      cmocka_unit_test(dropping_makes_way_for_those_behind),
      cmocka_unit_test(a_member_for_whom_there_is_no_memory_misses_the_message),
      cmocka_unit_test(a_layer_that_ends_forgets_what_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "core/completion.h"

#include "crowd.h"

struct told {
  int times, result;
};

static void note(int result, void *user) {
  struct told *t = user;
  t->times++;
  t->result = result;
}

/* In a callback of its own: tells that one may go on sending there. */
static void send_again(int result, void *user) {
  struct crowd_world *w = user;
  assert_int_equal(result, 0);
  assert_int_equal(crowd_send(w->layer, "a", 2), 0);
}

static void what_stays_in_the_process_is_known_at_once_and_told_by_the_loop(void **state) {
  struct crowd_world w;
  struct told told = {0};
  (void)state;
  crowd_world_open(&w, NULL);
  swale_loop *loop = w.crowd.at[0].loop;
  const struct swale_completion then = {loop, note, &told};
  swale_message *m = crowd_note(1);
  assert_int_equal(swale_send_then(w.layer, "a", m, &then), 0);
  assert_int_equal(swale_group_add_then(w.layer, "g", "b", &then), 0);
  assert_int_equal(swale_group_send_then(w.layer, "g", m, &then), 1);
  assert_int_equal(told.times, 0); /* never inside a call */
  assert_int_equal(w.crowd.at[0].wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(loop), 0);
  assert_int_equal(swale_loop_free(loop), SWALE_ESTATE);
  crowd_run(&w.crowd);
  assert_int_equal(told.times, 3);
  assert_int_equal(told.result, 0);
  swale_message_unref(m);
  crowd_world_close(&w);
}

static void a_call_that_fails_tells_nobody(void **state) {
  struct swale_layer_config config;
  struct crowd_world w;
  struct told told = {0};
  (void)state;
  swale_layer_config_default(&config);
  config.capacity = 1;
  config.groups_max = 1;
  crowd_world_open(&w, &config);
  const struct swale_completion then = {w.crowd.at[0].loop, note, &told};
  swale_message *m = crowd_note(1), *broken = swale_message_new("");
  assert_int_equal(swale_send_then(w.layer, "a b", m, &then), SWALE_ENAME);
  assert_int_equal(swale_group_send_then(w.layer, "a!", m, &then), SWALE_ENAME);
  assert_int_equal(swale_group_add_then(w.layer, "a!", "b", &then), SWALE_ENAME);
  assert_int_equal(swale_send_then(w.layer, "a", broken, &then), SWALE_ETYPE);
  assert_int_equal(swale_group_send_then(w.layer, "a", broken, &then), SWALE_ETYPE);
  assert_int_equal(crowd_send(w.layer, "a", 1), 0);
  assert_int_equal(swale_send_then(w.layer, "a", m, &then), SWALE_EFULL);
  assert_int_equal(swale_group_add(w.layer, "g", "a"), 0);
  assert_int_equal(swale_group_add_then(w.layer, "h", "a", &then), SWALE_EFULL);
  w.u.fail_at = 1;
  assert_int_equal(swale_send_then(w.layer, "a", m, &then), SWALE_ENOMEM);
  crowd_run(&w.crowd);
  assert_int_equal(told.times, 0);
  swale_message_unref(m);
  swale_message_unref(broken);
  crowd_world_close(&w);
}

static void whoever_is_told_may_call_again(void **state) {
  struct crowd_world w;
  (void)state;
  crowd_world_open(&w, NULL);
  const struct swale_completion then = {w.crowd.at[1].loop, send_again, &w};
  swale_message *m = crowd_note(1);
  assert_int_equal(swale_send_then(w.layer, "a", m, &then), 0);
  swale_message_unref(m);
  crowd_run(&w.crowd);
  assert_int_equal(crowd_receive(w.layer, "a"), 1);
  assert_int_equal(crowd_receive(w.layer, "a"), 2);
  crowd_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_stays_in_the_process_is_known_at_once_and_told_by_the_loop),
      cmocka_unit_test(a_call_that_fails_tells_nobody),
      cmocka_unit_test(whoever_is_told_may_call_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "redis/echo.h"

#include "unit.h"

struct world {
  struct unit_env u;
  struct swale__redis_echoes e;
};

static void open_world(struct world *w) {
  *w = (struct world){.e = {0}};
  unit_env_init(&w->u);
}

static void expect(struct world *w, uint64_t print, uint64_t now_ms) {
  assert_int_equal(swale__redis_echo_expect(&w->e, &w->u.env.allocator, print, now_ms), 0);
}

static void close_world(struct world *w) {
  swale__redis_echoes_free(&w->e, &w->u.env.allocator);
  assert_int_equal(w->u.live, 0);
}

static void echoes_are_met_once_each(void **state) {
  struct world w;
  (void)state;
  open_world(&w);
  assert_false(swale__redis_echo_met(&w.e, 1, 0));
  expect(&w, 1, 0);
  expect(&w, 1, 0);
  assert_true(swale__redis_echo_met(&w.e, 1, 0));
  assert_false(swale__redis_echo_met(&w.e, 2, 0)); /* a stranger's */
  assert_true(swale__redis_echo_met(&w.e, 1, 0));
  assert_false(swale__redis_echo_met(&w.e, 1, 0));
  close_world(&w);
}

static void one_that_comes_ends_the_hope_for_those_before_it(void **state) {
  struct world w;
  (void)state;
  open_world(&w);
  for (uint64_t i = 1; i <= 5; i++)
    expect(&w, i, 0);
  assert_true(swale__redis_echo_met(&w.e, 3, 0));
  assert_false(swale__redis_echo_met(&w.e, 1, 0));
  assert_false(swale__redis_echo_met(&w.e, 2, 0));
  assert_true(swale__redis_echo_met(&w.e, 4, 0));
  assert_true(swale__redis_echo_met(&w.e, 5, 0));
  close_world(&w);
}

static void they_are_forgotten_after_a_while(void **state) {
  struct world w;
  (void)state;
  open_world(&w);
  expect(&w, 1, 0);
  expect(&w, 2, 1);
  assert_true(swale__redis_echo_met(&w.e, 2, SWALE__REDIS_ECHO_MS));
  expect(&w, 3, SWALE__REDIS_ECHO_MS);
  assert_false(swale__redis_echo_met(&w.e, 3, 2 * SWALE__REDIS_ECHO_MS));
  close_world(&w);
}

static void many_may_be_on_their_way(void **state) {
  struct world w;
  uint64_t next = 0;
  (void)state;
  open_world(&w);
  for (uint64_t i = 0; i < 1000; i++) {
    expect(&w, i, 0);
    if (i >= 20 && i % 3)
      assert_true(swale__redis_echo_met(&w.e, next++, 0));
  }
  while (next < 1000)
    assert_true(swale__redis_echo_met(&w.e, next++, 0));
  close_world(&w);
}

static void without_memory_nothing_is_expected(void **state) {
  struct world w;
  (void)state;
  open_world(&w);
  w.u.fail_at = 1;
  assert_int_equal(swale__redis_echo_expect(&w.e, &w.u.env.allocator, 1, 0), SWALE_ENOMEM);
  assert_false(swale__redis_echo_met(&w.e, 1, 0));
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echoes_are_met_once_each),
      cmocka_unit_test(one_that_comes_ends_the_hope_for_those_before_it),
      cmocka_unit_test(they_are_forgotten_after_a_while),
      cmocka_unit_test(many_may_be_on_their_way),
      cmocka_unit_test(without_memory_nothing_is_expected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

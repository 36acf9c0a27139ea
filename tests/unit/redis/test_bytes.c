/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "redis/bytes.h"

static void bytes_follow_one_another(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__redis_bytes b = {.allocator = u.env.allocator};
  for (unsigned char i = 0; i < 100; i++) {
    assert_int_equal(swale__redis_bytes_reserve(&b, 1), 0);
    swale__redis_bytes_put(&b, &i, 1);
  }
  assert_int_equal(b.len, 100);
  for (unsigned char i = 0; i < 100; i++)
    assert_int_equal(b.at[i], i);
  assert_true(u.allocated < 10);
  swale__redis_bytes_put(&b, NULL, 0);
  assert_int_equal(b.len, 100);
  swale__redis_bytes_free(&b);
  swale__redis_bytes_free(&b);
  assert_int_equal(u.live, 0);
}

static void room_that_is_there_is_used_again(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__redis_bytes b = {.allocator = u.env.allocator};
  for (int i = 0; i < 5; i++) {
    b.len = 0;
    assert_int_equal(swale__redis_bytes_reserve(&b, 64), 0);
    b.len = 64;
  }
  assert_int_equal(u.allocated, 1);
  swale__redis_bytes_free(&b);
}

static void without_memory_what_was_there_stays(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__redis_bytes b = {.allocator = u.env.allocator};
  assert_int_equal(swale__redis_bytes_reserve(&b, 3), 0);
  swale__redis_bytes_put(&b, "abc", 3);
  u.fail_at = 1;
  assert_int_equal(swale__redis_bytes_reserve(&b, 1000), SWALE_ENOMEM);
  assert_int_equal(swale__redis_bytes_reserve(&b, SIZE_MAX), SWALE_ENOMEM);
  assert_int_equal(b.len, 3);
  assert_memory_equal(b.at, "abc", 3);
  swale__redis_bytes_free(&b);
  assert_int_equal(u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_follow_one_another),
      cmocka_unit_test(room_that_is_there_is_used_again),
      cmocka_unit_test(without_memory_what_was_there_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

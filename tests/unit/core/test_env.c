/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <time.h>

#include "core/env.h"

static uint64_t noon(void *user) { return *(uint64_t *)user; }

static int sevens(void *bytes, size_t n, void *user) {
  (void)user;
  memset(bytes, 7, n);
  return 0;
}

static void assert_allocator_works(const struct swale_allocator *a) {
  unsigned char *block = swale__malloc(a, 3);
  assert_non_null(block);
  memcpy(block, "abc", 3);
  block = swale__realloc(a, block, 1000);
  assert_non_null(block);
  assert_memory_equal(block, "abc", 3);
  swale__free(a, block);
  swale__free(a, NULL);
}

static void the_default_environment_is_complete(void **state) {
  (void)state;
  struct swale_env env;
  swale_env_default(&env);
  assert_allocator_works(&env.allocator);
  uint64_t before = env.now_ms(env.user);
  assert_true(env.now_ms(env.user) >= before);
  unsigned char a[32] = {0}, b[32] = {0};
  assert_int_equal(env.random(a, sizeof a, env.user), 0);
  assert_int_equal(env.random(b, sizeof b, env.user), 0);
  assert_memory_not_equal(a, b, sizeof a);
}

static void the_clock_is_the_monotonic_one_in_milliseconds(void **state) {
  (void)state;
  struct swale_env env;
  struct timespec before, after;
  swale_env_default(&env);
  clock_gettime(CLOCK_MONOTONIC, &before);
  uint64_t now = env.now_ms(env.user);
  clock_gettime(CLOCK_MONOTONIC, &after);
  assert_in_range(now, (uint64_t)before.tv_sec * 1000 + (uint64_t)before.tv_nsec / 1000000,
                  (uint64_t)after.tv_sec * 1000 + (uint64_t)after.tv_nsec / 1000000);
}

static void no_environment_means_the_default(void **state) {
  (void)state;
  struct swale_env wanted, copy;
  swale_env_default(&wanted);
  swale__env_copy(&copy, NULL);
  assert_ptr_equal(copy.allocator.malloc, wanted.allocator.malloc);
  assert_ptr_equal(copy.now_ms, wanted.now_ms);
  assert_ptr_equal(copy.random, wanted.random);
}

static void a_complete_environment_is_copied(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_env copy;
  unit_env_init(&u);
  swale__env_copy(&copy, &u.env);
  assert_ptr_equal(copy.allocator.malloc, u.env.allocator.malloc);
  assert_ptr_equal(copy.allocator.realloc, u.env.allocator.realloc);
  assert_ptr_equal(copy.allocator.free, u.env.allocator.free);
  assert_ptr_equal(copy.allocator.user, &u);
  assert_ptr_equal(copy.user, &u);
  assert_int_equal(copy.now_ms(copy.user), 1000);
}

static void each_empty_slot_is_filled(void **state) {
  (void)state;
  struct swale_env defaults, copy;
  uint64_t moment = 43200000;
  unsigned char bytes[4];
  swale_env_default(&defaults);

  swale__env_copy(&copy, &(struct swale_env){.now_ms = noon, .user = &moment});
  assert_int_equal(copy.now_ms(copy.user), 43200000);
  assert_ptr_equal(copy.random, defaults.random);
  assert_allocator_works(&copy.allocator);

  swale__env_copy(&copy, &(struct swale_env){.random = sevens});
  assert_int_equal(copy.random(bytes, sizeof bytes, copy.user), 0);
  assert_memory_equal(bytes, "\7\7\7\7", 4);
  assert_ptr_equal(copy.now_ms, defaults.now_ms);
}

static void half_an_allocator_is_not_used(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_allocator copy, half;
  unit_env_init(&u);
  half = u.env.allocator;
  half.realloc = NULL;
  swale__allocator_copy(&copy, &half);
  assert_allocator_works(&copy);
  assert_int_equal(u.allocated, 0);
  swale__allocator_copy(&copy, NULL);
  assert_allocator_works(&copy);
}

static void zalloc_answers_zeroed_memory_or_null(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  static const unsigned char zeros[64];
  unsigned char *dirty = swale__malloc(&u.env.allocator, 64);
  memset(dirty, 0xff, 64);
  swale__free(&u.env.allocator, dirty);
  unsigned char *block = swale__zalloc(&u.env.allocator, 64);
  assert_memory_equal(block, zeros, 64);
  swale__free(&u.env.allocator, block);
  u.fail_at = 1;
  assert_null(swale__zalloc(&u.env.allocator, 64));
  assert_int_equal(u.live, 0);
}

static void an_array_too_large_to_count_is_refused(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  const struct swale_allocator *a = &u.env.allocator;
  assert_null(swale__realloc_array(a, NULL, SIZE_MAX / 4 + 1, 4));
  assert_null(swale__realloc_array(a, NULL, SIZE_MAX, SIZE_MAX));
  assert_int_equal(u.allocated, 0);
  uint32_t *array = swale__realloc_array(a, NULL, 2, sizeof *array);
  assert_non_null(array);
  array[0] = 1;
  array[1] = 2;
  uint32_t *larger = swale__realloc_array(a, array, 100, sizeof *array);
  assert_non_null(larger);
  assert_int_equal(larger[1], 2);
  swale__free(a, larger);
  assert_int_equal(u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_default_environment_is_complete),
      cmocka_unit_test(the_clock_is_the_monotonic_one_in_milliseconds),
      cmocka_unit_test(no_environment_means_the_default),
      cmocka_unit_test(a_complete_environment_is_copied),
      cmocka_unit_test(each_empty_slot_is_filled),
      cmocka_unit_test(half_an_allocator_is_not_used),
      cmocka_unit_test(zalloc_answers_zeroed_memory_or_null),
      cmocka_unit_test(an_array_too_large_to_count_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include <swale/testing.h>

static void *take(swale_testing_env *t, size_t size) {
  const struct swale_allocator *a = &swale_testing_env_get(t)->allocator;
  return a->malloc(size, a->user);
}

static void *grow(swale_testing_env *t, void *block, size_t size) {
  const struct swale_allocator *a = &swale_testing_env_get(t)->allocator;
  return a->realloc(block, size, a->user);
}

static void give(swale_testing_env *t, void *block) {
  const struct swale_allocator *a = &swale_testing_env_get(t)->allocator;
  a->free(block, a->user);
}

static int setup(void **state) { return (*state = swale_testing_env_new(7)) ? 0 : -1; }
static int teardown(void **state) { return swale_testing_env_free(*state) == 0 ? 0 : -1; }

static void blocks_and_bytes_alive_are_counted(void **state) {
  swale_testing_env *t = *state;
  void *a = take(t, 10), *b = take(t, 20);
  assert_int_equal(swale_testing_blocks(t), 2);
  assert_int_equal(swale_testing_bytes(t), 30);
  b = grow(t, b, 100);
  assert_int_equal(swale_testing_blocks(t), 2);
  assert_int_equal(swale_testing_bytes(t), 110);
  b = grow(t, b, 5);
  give(t, a);
  assert_int_equal(swale_testing_blocks(t), 1);
  assert_int_equal(swale_testing_bytes(t), 5);
  give(t, b);
  assert_int_equal(swale_testing_blocks(t), 0);
  assert_int_equal(swale_testing_bytes(t), 0);
  assert_int_equal(swale_testing_allocations(t), 4);
}

static void growing_nothing_is_taking_and_freeing_nothing_is_fine(void **state) {
  swale_testing_env *t = *state;
  void *block = grow(t, NULL, 8);
  assert_int_equal(swale_testing_blocks(t), 1);
  give(t, block);
  give(t, NULL);
  assert_int_equal(swale_testing_blocks(t), 0);
}

static void blocks_are_aligned_and_keep_their_bytes(void **state) {
  swale_testing_env *t = *state;
  char *block = take(t, 3);
  assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
  memcpy(block, "abc", 3);
  block = grow(t, block, 5000);
  assert_memory_equal(block, "abc", 3);
  give(t, block);
}

static void a_block_too_large_is_refused(void **state) {
  swale_testing_env *t = *state;
  assert_null(take(t, SIZE_MAX));
  assert_int_equal(swale_testing_blocks(t), 0);
}

static void the_allocation_that_was_told_to_fails_and_no_other(void **state) {
  swale_testing_env *t = *state;
  void *blocks[3];
  swale_testing_fail_allocation(t, 3, 0);
  blocks[0] = take(t, 1);
  blocks[1] = take(t, 1);
  assert_false(swale_testing_failed(t));
  assert_null(grow(t, blocks[1], 2));
  assert_true(swale_testing_failed(t));
  blocks[2] = take(t, 1);
  for (int i = 0; i < 3; i++) {
    assert_non_null(blocks[i]);
    give(t, blocks[i]);
  }
}

static void memory_can_run_out_for_good_and_come_back(void **state) {
  swale_testing_env *t = *state;
  swale_testing_fail_allocation(t, 2, 1);
  give(t, take(t, 1));
  for (int i = 0; i < 5; i++)
    assert_null(take(t, 1));
  swale_testing_fail_allocation(t, 0, 0);
  assert_false(swale_testing_failed(t));
  void *block = take(t, 1);
  assert_non_null(block);
  give(t, block);
}

static void the_blocks_that_were_forgotten_are_told_at_the_end(void **state) {
  (void)state;
  swale_testing_env *t = swale_testing_env_new(0);
  struct swale_allocator a = swale_testing_env_get(t)->allocator;
  char *forgotten = a.malloc(16, a.user);
  assert_int_equal(swale_testing_env_free(t), 1);
  free(forgotten - sizeof(max_align_t));
  assert_int_equal(swale_testing_env_free(NULL), 0);
}

static void the_clock_stands_still_until_it_is_moved(void **state) {
  swale_testing_env *t = *state;
  const struct swale_env *env = swale_testing_env_get(t);
  uint64_t start = swale_testing_now_ms(t);
  assert_true(start > 0);
  assert_true(env->now_ms(env->user) == start);
  swale_testing_advance(t, 250);
  assert_true(env->now_ms(env->user) == start + 250);
}

static void random_numbers_follow_from_the_seed(void **state) {
  (void)state;
  unsigned char bytes[3][64];
  for (int i = 0; i < 3; i++) {
    swale_testing_env *t = swale_testing_env_new(i == 2 ? 5 : 4);
    const struct swale_env *env = swale_testing_env_get(t);
    assert_int_equal(env->random(bytes[i], sizeof bytes[i], env->user), 0);
    swale_testing_env_free(t);
  }
  assert_memory_equal(bytes[0], bytes[1], sizeof bytes[0]);
  assert_memory_not_equal(bytes[0], bytes[2], sizeof bytes[0]);
  assert_memory_not_equal(bytes[0], bytes[0] + 32, 32);
}

static void randomness_can_fail(void **state) {
  swale_testing_env *t = *state;
  const struct swale_env *env = swale_testing_env_get(t);
  unsigned char byte;
  swale_testing_fail_random(t, 1);
  assert_int_not_equal(env->random(&byte, 1, env->user), 0);
  swale_testing_fail_random(t, 0);
  assert_int_equal(env->random(&byte, 1, env->user), 0);
}

#define in_an_env(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      in_an_env(blocks_and_bytes_alive_are_counted),
      in_an_env(growing_nothing_is_taking_and_freeing_nothing_is_fine),
      in_an_env(blocks_are_aligned_and_keep_their_bytes),
      in_an_env(a_block_too_large_is_refused),
      in_an_env(the_allocation_that_was_told_to_fails_and_no_other),
      in_an_env(memory_can_run_out_for_good_and_come_back),
      cmocka_unit_test(the_blocks_that_were_forgotten_are_told_at_the_end),
      in_an_env(the_clock_stands_still_until_it_is_moved),
      cmocka_unit_test(random_numbers_follow_from_the_seed),
      in_an_env(randomness_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

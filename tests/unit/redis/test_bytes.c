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

/* ---- what is secret ---- */

static int secrets_found;
static const char hush[] = "hushhush";

/* Memory that is looked through when it is given back; its size stands before it. */
static void *sized_malloc(size_t size, void *user) {
  size_t *block = calloc(1, sizeof *block + size);
  (void)user;
  assert_non_null(block);
  *block = size;
  return block + 1;
}

static void watched_free(void *at, void *user) {
  size_t *block = (size_t *)at - 1;
  (void)user;
  secrets_found += memmem(at, *block, hush, 8) != NULL;
  free(block);
}

static struct swale__redis_bytes with_secret(void) {
  struct swale__redis_bytes b = {.allocator = {.malloc = sized_malloc, .free = watched_free}};
  secrets_found = 0;
  assert_int_equal(swale__redis_bytes_reserve(&b, 20), 0);
  swale__redis_bytes_put(&b, hush, 8);
  b.secret = b.len;
  swale__redis_bytes_put(&b, "open", 4);
  return b;
}

static void what_is_secret_is_wiped(void **state) {
  (void)state;
  struct swale__redis_bytes b = with_secret();
  swale__redis_bytes_wipe(&b);
  assert_int_equal(b.secret, 0);
  assert_memory_equal(b.at, "\0\0\0\0\0\0\0\0open", 12);
  swale__redis_bytes_free(&b);
  b = with_secret();
  swale__redis_bytes_free(&b);
  assert_int_equal(secrets_found, 0);
}

static void what_is_secret_leaves_no_trace_when_it_moves(void **state) {
  (void)state;
  struct swale__redis_bytes b = with_secret();
  assert_int_equal(swale__redis_bytes_reserve(&b, 1000), 0);
  assert_int_equal(secrets_found, 0);
  assert_memory_equal(b.at, "hushhushopen", 12);
  assert_int_equal(b.secret, 8);
  swale__redis_bytes_free(&b);
  assert_int_equal(secrets_found, 0);
}

static void without_memory_a_secret_stays(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__redis_bytes b = {.allocator = u.env.allocator};
  assert_int_equal(swale__redis_bytes_reserve(&b, 8), 0);
  swale__redis_bytes_put(&b, hush, 8);
  b.secret = 8;
  u.fail_at = 1;
  assert_int_equal(swale__redis_bytes_reserve(&b, 1000), SWALE_ENOMEM);
  assert_memory_equal(b.at, hush, 8);
  assert_int_equal(b.secret, 8);
  swale__redis_bytes_free(&b);
  assert_int_equal(u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_follow_one_another),
      cmocka_unit_test(room_that_is_there_is_used_again),
      cmocka_unit_test(without_memory_what_was_there_stays),
      cmocka_unit_test(what_is_secret_is_wiped),
      cmocka_unit_test(what_is_secret_leaves_no_trace_when_it_moves),
      cmocka_unit_test(without_memory_a_secret_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "redis/command.h"

#include "redis/words.h"
#include "unit.h"

static void a_command_is_a_list_of_strings(void **state) {
  struct unit_env u;
  (void)state;
  unit_env_init(&u);
  struct swale__redis_bytes out = {.allocator = u.env.allocator};
  const struct swale__redis_word words[] = {SWALE__REDIS_WORD("SET"), swale__redis_text("key"),
                                            swale__redis_bytes_word("a\0b\r\n", 5),
                                            swale__redis_bytes_word(NULL, 0)};
  static const char expected[] = "*4\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\na\0b\r\n\r\n$0\r\n\r\n";
  assert_int_equal(swale__redis_command_put(&out, 4, words), 0);
  assert_int_equal(out.len, sizeof expected - 1);
  assert_memory_equal(out.at, expected, out.len);
  swale__redis_bytes_free(&out);
  u.fail_at = 1;
  assert_int_equal(swale__redis_command_put(&out, 4, words), SWALE_ENOMEM);
  assert_int_equal(out.len, 0);
  assert_int_equal(u.live, 0);
}

static void assert_word(struct swale__redis_word word, const char *text) {
  assert_int_equal(word.len, strlen(text));
  assert_memory_equal(word.at, text, word.len);
}

static void numbers_are_words(void **state) {
  struct swale__redis_number n;
  (void)state;
  assert_word(swale__redis_whole(&n, 0), "0");
  assert_word(swale__redis_whole(&n, UINT64_MAX), "18446744073709551615");
  assert_word(swale__redis_score(&n, 1795351698506096), "1795351698.506096");
  assert_word(swale__redis_score(&n, 1000001), "1.000001");
  assert_word(swale__redis_before(&n, 1700000000999999, 60000), "1699999940");
  assert_word(swale__redis_before(&n, 5000000, 60000), "0");
  assert_word(swale__redis_before(&n, 1700000000000000, UINT64_MAX / 2), "0");
  assert_word(swale__redis_lifetime(&n, 1), "1");
  assert_word(swale__redis_lifetime(&n, 60000), "60");
  assert_word(swale__redis_lifetime(&n, UINT64_MAX / 2), "2147483647");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_command_is_a_list_of_strings),
      cmocka_unit_test(numbers_are_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

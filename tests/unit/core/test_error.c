/* SPDX-License-Identifier: MIT */
#include "unit.h"

static void every_error_has_words_of_its_own(void **state) {
  (void)state;
  for (int a = SWALE_ERANDOM; a <= SWALE_OK; a++) {
    assert_true(strlen(swale_strerror(a)) > 0);
    assert_string_not_equal(swale_strerror(a), swale_strerror(1));
    for (int b = SWALE_ERANDOM; b < a; b++)
      assert_string_not_equal(swale_strerror(a), swale_strerror(b));
  }
}

static void what_is_no_error_has_words_too(void **state) {
  (void)state;
  const int strangers[] = {1, 7, INT32_MAX, SWALE_ERANDOM - 1, INT32_MIN};
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
    assert_string_equal(swale_strerror(strangers[i]), "unknown error");
}

static void the_words_are_constant(void **state) {
  (void)state;
  assert_ptr_equal(swale_strerror(SWALE_ENOMEM), swale_strerror(SWALE_ENOMEM));
  assert_string_equal(swale_strerror(SWALE_ENOMEM), "out of memory");
  assert_string_equal(swale_strerror(SWALE_OK), "success");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_error_has_words_of_its_own),
      cmocka_unit_test(what_is_no_error_has_words_too),
      cmocka_unit_test(the_words_are_constant),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

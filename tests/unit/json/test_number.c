/* SPDX-License-Identifier: MIT */
#include "json/number.h"

#include <float.h>
#include <math.h>

#include "comma_locale.h"
#include "written.h"

static int write_number(const swale_message *m, swale_buffer *out, void *number) {
  (void)m;
  return swale__json_double(out, *(double *)number);
}

static void assert_written(double number, const char *text) {
  struct written w;
  assert_int_equal(write_json(NULL, write_number, &number, &w), 0);
  assert_string_equal(w.text, text);
}

static void a_double_takes_as_few_digits_as_it_needs(void **state) {
  (void)state;
  assert_written(1.5, "1.5");
  assert_written(0.1, "0.1");
  assert_written(-273.15, "-273.15");
  assert_written(0.1 + 0.2, "0.30000000000000004");
}

static void a_whole_double_keeps_its_point(void **state) {
  (void)state;
  assert_written(1.0, "1.0");
  assert_written(-3.0, "-3.0");
  assert_written(0.0, "0.0");
  assert_written(-0.0, "-0.0");
  assert_written(9007199254740993.0, "9007199254740992.0");
}

static void very_large_and_small_doubles_have_an_exponent(void **state) {
  (void)state;
  assert_written(1e100, "1e+100");
  assert_written(DBL_MAX, "1.7976931348623157e+308");
  assert_written(-DBL_MIN, "-2.2250738585072014e-308");
  assert_written(4.9e-324, "4.94065645841247e-324");
}

static void what_is_not_finite_has_no_json(void **state) {
  (void)state;
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < 3; i++) {
    struct written w;
    double number = bad[i];
    assert_int_equal(write_json(NULL, write_number, &number, &w), SWALE_ETYPE);
  }
}

static void every_double_is_read_back_as_itself(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  for (int i = 0; i < 20000; i++) {
    double number;
    struct written w;
    unit_env_random(&number, sizeof number, &u);
    if (!isfinite(number))
      continue;
    assert_int_equal(write_json(NULL, write_number, &number, &w), 0);
    double again = strtod(w.text, NULL);
    assert_memory_equal(&again, &number, sizeof number);
  }
}

static void a_comma_in_the_hosts_locale_does_not_show(void **state) {
  (void)state;
  size_t n = 0;
  for (; set_comma_locale(n); n++) {
    char point[8];
    strcpy(point, localeconv()->decimal_point);
    assert_written(1.5, "1.5");
    assert_written(2.0, "2.0");
    assert_string_equal(localeconv()->decimal_point, point);
  }
  if (n == 0)
    skip();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_double_takes_as_few_digits_as_it_needs),
      cmocka_unit_test(a_whole_double_keeps_its_point),
      cmocka_unit_test(very_large_and_small_doubles_have_an_exponent),
      cmocka_unit_test(what_is_not_finite_has_no_json),
      cmocka_unit_test(every_double_is_read_back_as_itself),
      cmocka_unit_test_teardown(a_comma_in_the_hosts_locale_does_not_show, restore_locale),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

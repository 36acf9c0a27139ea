/* SPDX-License-Identifier: MIT */
#include "json/text.h"

#include <unit.h>

#include "comma_locale.h"

/* Loads bytes from a block that ends where they do, so that reading on is noticed. */
static int load_within(const char *text, size_t len, struct swale_parse_limits limits, size_t depth_most,
                       struct swale_json_error *why) {
  json_t *tree;
  char *block = malloc(len > 0 ? len : 1);
  memcpy(block, text, len);
  int rv = swale__json_load(block, len, &limits, depth_most, &tree, why);
  assert_true((tree == NULL) == (rv != 0));
  json_decref(tree);
  free(block);
  return rv;
}

static int load_n(const char *text, size_t len) {
  return load_within(text, len, (struct swale_parse_limits){0}, 32, NULL);
}

static int load(const char *text) { return load_n(text, strlen(text)); }

/* `n` times `open`, then `middle`, then `n` times `close`. */
static char *nested(size_t n, const char *open, const char *middle, const char *close) {
  char *text = calloc(n * (strlen(open) + strlen(close)) + strlen(middle) + 1, 1), *at = text;
  for (size_t i = 0; i < n; i++)
    at = stpcpy(at, open);
  at = stpcpy(at, middle);
  for (size_t i = 0; i < n; i++)
    at = stpcpy(at, close);
  return text;
}

static void any_json_value_is_taken(void **state) {
  (void)state;
  static const char *const good[] = {
      "null",        "true",     " false ",
      "0",           "-0",       "-1.5e-3",
      "1E5",         "\"\"",     "\"\\ud83c\\udf0a\"",
      "[]",          "{}",       "\t\r\n [ 1 , { \"a\" : [ ] } ] \n",
      "\"\\u0000\"", "\"\x7f\"", "[1e-400]",
  };
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_int_equal(load(good[i]), 0);
}

static void what_is_not_json_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      " ",
      "nul",
      "True",
      "NaN",
      "Infinity",
      "01",
      "+1",
      "1.",
      ".5",
      "1e",
      "0x10",
      "'a'",
      "\"a",
      "\"\\x\"",
      "\"\\u12\"",
      "[",
      "]",
      "[1,]",
      "[,1]",
      "[1 2]",
      "{",
      "{1:2}",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "[1}",
      "1 2",
      "[] []",
      "// x\n1",
      "\"\n\"",
      "\"\t\"",
      "\"\\ud800\"",
      "\"\\udc00\"",
      "\"\\ud800\\u0041\"",
      "\xEF\xBB\xBF[]",
      "\"\\",
      "[\"\\",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(load(bad[i]), SWALE_EFORMAT);
}

static void every_text_that_ends_too_early_is_refused(void **state) {
  (void)state;
  static const char text[] = "{\"key\":[1,-2.5e3,\"gr\xC3\xBCn \\u00e9 \\\\\",{\"a\":null}],\"b\":true}";
  for (size_t len = 0; len < sizeof text - 1; len++)
    assert_true(load_n(text, len) < 0);
  assert_int_equal(load(text), 0);
}

static void a_nul_is_refused_wherever_it_stands(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t len;
  } cases[] = {{"\0", 1},    {"1\0", 2},    {"[1\0]", 4}, {"[true\0]", 7},
               {"[1]\0", 4}, {"\"\0\"", 3}, {"\0[1]", 4}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal(load_n(cases[i].text, cases[i].len), SWALE_EFORMAT);
}

static void text_that_is_not_utf8_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"\"\xFF\"",   "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
                                    "\"\xE2\x80", "\xFF",         "{\"\x80\":1}"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(load(bad[i]), SWALE_EUTF8);
}

static void a_key_that_comes_twice_is_refused(void **state) {
  (void)state;
  assert_int_equal(load("{\"a\":1,\"b\":2,\"\\u0061\":3}"), SWALE_EDUPLICATE);
  assert_int_equal(load("[{\"a\":1},{\"a\":1}]"), 0);
}

static void numbers_end_where_int64_and_double_end(void **state) {
  (void)state;
  assert_int_equal(load("9223372036854775807"), 0);
  assert_int_equal(load("-9223372036854775808"), 0);
  assert_int_equal(load("9223372036854775808"), SWALE_ETYPE);
  assert_int_equal(load("-9223372036854775809"), SWALE_ETYPE);
  assert_int_equal(load("1e308"), 0);
  assert_int_equal(load("1e309"), SWALE_ETYPE);
  assert_int_equal(load("-1e309"), SWALE_ETYPE);
}

static void nesting_is_limited(void **state) {
  (void)state;
  struct swale_json_error why;
  assert_int_equal(load_within("[[[]]]", 6, (struct swale_parse_limits){.depth = 3}, 32, &why), 0);
  assert_int_equal(load_within("[[[]]]", 6, (struct swale_parse_limits){.depth = 2}, 32, &why), SWALE_EDEPTH);
  assert_int_equal(why.error, SWALE_EDEPTH);
  assert_int_equal(why.position, 2);
  assert_int_equal(load_within("[[],{}]", 7, (struct swale_parse_limits){.depth = 2}, 32, &why), 0);
  assert_int_equal(load_within("[[[]]]", 6, (struct swale_parse_limits){.depth = 99}, 2, &why), SWALE_EDEPTH);
}

static void brackets_in_strings_are_no_nesting(void **state) {
  (void)state;
  struct swale_parse_limits flat = {.depth = 1};
  static const char text[] = "[\"[[[\", \"\\\"[[[\", \"\\\\\", \"]\"]";
  assert_int_equal(load_within(text, strlen(text), flat, 32, NULL), 0);
  assert_int_equal(load_within("[\"\\\\\",[]]", 9, flat, 32, NULL), SWALE_EDEPTH);
}

static void hostile_nesting_is_refused_before_anybody_descends(void **state) {
  (void)state;
  static const char *const opens[] = {"[", "{\"a\":", "]["};
  static const int answers[] = {SWALE_EDEPTH, SWALE_EDEPTH, SWALE_EFORMAT};
  for (size_t i = 0; i < 3; i++) {
    char *text = nested(100000, opens[i], "", "");
    assert_int_equal(load(text), answers[i]);
    free(text);
  }
}

static void length_is_limited(void **state) {
  (void)state;
  struct swale_json_error why;
  assert_int_equal(load_within("[1, 2]", 6, (struct swale_parse_limits){.size = 6}, 32, &why), 0);
  assert_int_equal(load_within("[1, 2]", 6, (struct swale_parse_limits){.size = 5}, 32, &why), SWALE_ESIZE);
  assert_int_equal(why.position, 5);
  char *long_text = nested(SWALE_MESSAGE_SIZE_DEFAULT / 2, " ", "", " ");
  long_text[0] = '1';
  assert_int_equal(load_n(long_text, SWALE_MESSAGE_SIZE_DEFAULT), 0);
  free(long_text);
  long_text = nested(SWALE_MESSAGE_SIZE_DEFAULT / 2, " ", "1", " ");
  assert_int_equal(load(long_text), SWALE_ESIZE);
  free(long_text);
}

static void the_first_thing_wrong_is_told(void **state) {
  (void)state;
  struct swale_json_error why;
  load_within("[1, 2", 5, (struct swale_parse_limits){0}, 32, &why);
  assert_int_equal(why.error, SWALE_EFORMAT);
  assert_int_equal(why.position, 5);
  assert_string_equal(why.text, "']' expected near end of file (line 1, column 5)");
  load_within("[1, \0]", 6, (struct swale_parse_limits){0}, 32, &why);
  assert_int_equal(why.position, 4);
}

static void a_comma_in_the_hosts_locale_is_no_part_of_json(void **state) {
  (void)state;
  size_t n = 0;
  for (; set_comma_locale(n); n++) {
    json_t *tree;
    assert_int_equal(swale__json_load("1.5", 3, NULL, 32, &tree, NULL), 0);
    assert_true(json_real_value(tree) == 1.5);
    json_decref(tree);
    assert_int_equal(load("1,5"), SWALE_EFORMAT);
  }
  if (n == 0)
    skip();
}

/* ---- how many values ---- */

static int load_some(const char *text, size_t values_max) {
  return load_within(text, strlen(text), (struct swale_parse_limits){.values = values_max}, 32, NULL);
}

static void values_are_counted_wherever_they_stand(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t values;
  } texts[] = {{"1", 1},          {"[1]", 2},      {"[1, 2]", 3},         {"{\"a\": 1, \"b\": [2, 3]}", 5},
               {"[\",,[{\"]", 2}, {"[[], {}]", 5}, {"[\"\\\",[\", 0]", 3}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_int_equal(load_some(texts[i].text, texts[i].values), 0);
    if (texts[i].values > 1)
      assert_int_equal(load_some(texts[i].text, texts[i].values - 1), SWALE_ESIZE);
  }
}

static void more_values_than_the_default_are_too_many(void **state) {
  (void)state;
  struct swale_json_error why;
  for (size_t n = SWALE_JSON_VALUES_DEFAULT - 1; n <= SWALE_JSON_VALUES_DEFAULT; n++) {
    char *text = malloc(2 * n + 2), *at = stpcpy(text, "[0");
    for (size_t i = 1; i < n; i++)
      at = stpcpy(at, ",0");
    *at++ = ']';
    int rv = load_within(text, (size_t)(at - text), (struct swale_parse_limits){0}, 32, &why);
    assert_int_equal(rv, n < SWALE_JSON_VALUES_DEFAULT ? 0 : SWALE_ESIZE);
    free(text);
  }
  assert_string_equal(why.text, "there are too many values");
  assert_int_equal(why.position, 2 * SWALE_JSON_VALUES_DEFAULT - 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_json_value_is_taken),
      cmocka_unit_test(what_is_not_json_is_refused),
      cmocka_unit_test(every_text_that_ends_too_early_is_refused),
      cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
      cmocka_unit_test(text_that_is_not_utf8_is_refused),
      cmocka_unit_test(a_key_that_comes_twice_is_refused),
      cmocka_unit_test(numbers_end_where_int64_and_double_end),
      cmocka_unit_test(nesting_is_limited),
      cmocka_unit_test(brackets_in_strings_are_no_nesting),
      cmocka_unit_test(hostile_nesting_is_refused_before_anybody_descends),
      cmocka_unit_test(length_is_limited),
      cmocka_unit_test(the_first_thing_wrong_is_told),
      cmocka_unit_test(values_are_counted_wherever_they_stand),
      cmocka_unit_test(more_values_than_the_default_are_too_many),
      cmocka_unit_test_teardown(a_comma_in_the_hosts_locale_is_no_part_of_json, restore_locale),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "json/error.h"

#include <unit.h>

static struct swale_json_error translate(const char *text) {
  json_error_t theirs;
  struct swale_json_error why;
  memset(&theirs, 0, sizeof theirs);
  json_t *tree = json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, &theirs);
  assert_null(tree);
  int rv = swale__json_fail_jansson(&why, &theirs);
  assert_int_equal(rv, why.error);
  return why;
}

static void each_of_janssons_errors_has_one_of_ours(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int error;
  } cases[] = {
      {"[1,]", SWALE_EFORMAT},
      {"[1", SWALE_EFORMAT},
      {"", SWALE_EFORMAT},
      {"[1]]", SWALE_EFORMAT},
      {"{\"\\u0000\":1}", SWALE_EFORMAT},
      {"[\"\xFF\"]", SWALE_EUTF8},
      {"{\"a\":1,\"a\":2}", SWALE_EDUPLICATE},
      {"[99999999999999999999]", SWALE_ETYPE},
      {"[1e999]", SWALE_ETYPE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal(translate(cases[i].text).error, cases[i].error);
}

static void the_place_is_told_in_bytes_and_in_lines(void **state) {
  (void)state;
  struct swale_json_error why = translate("[1,\n 2,\n x]");
  assert_int_equal(why.position, 10);
  assert_string_equal(why.text, "invalid token (line 3, column 2)");
}

static void the_peers_words_are_not_repeated(void **state) {
  (void)state;
  assert_string_equal(translate("[1 \"\xC3\xA9\"]").text, "']' expected (line 1, column 6)");
}

static void silence_from_jansson_means_that_memory_has_run_out(void **state) {
  (void)state;
  json_error_t theirs;
  struct swale_json_error why;
  memset(&theirs, 0, sizeof theirs);
  assert_int_equal(swale__json_fail_jansson(&why, &theirs), SWALE_ENOMEM);
  assert_int_equal(why.position, 0);
  assert_string_equal(why.text, swale_strerror(SWALE_ENOMEM));
}

static void an_unknown_error_is_one_of_format(void **state) {
  (void)state;
  json_error_t theirs;
  memset(&theirs, 0, sizeof theirs);
  theirs.text[JSON_ERROR_TEXT_LENGTH - 1] = (char)json_error_item_not_found;
  assert_int_equal(swale__json_fail_jansson(NULL, &theirs), SWALE_EFORMAT);
}

static void nobody_has_to_ask_for_the_reason(void **state) {
  (void)state;
  assert_int_equal(swale__json_fail(NULL, SWALE_ESIZE, 7, "too long"), SWALE_ESIZE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_of_janssons_errors_has_one_of_ours),
      cmocka_unit_test(the_place_is_told_in_bytes_and_in_lines),
      cmocka_unit_test(the_peers_words_are_not_repeated),
      cmocka_unit_test(silence_from_jansson_means_that_memory_has_run_out),
      cmocka_unit_test(an_unknown_error_is_one_of_format),
      cmocka_unit_test(nobody_has_to_ask_for_the_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

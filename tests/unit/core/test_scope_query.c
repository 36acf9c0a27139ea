/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/scope.h"
#include "core/scope_query.h"

/* ---- the query ------------------------------------------------------------------------------ */

static int query_param(const char *query, const char *name, char *out, size_t size) {
  char target[256] = "/?";
  strcat(target, query);
  struct unit_env u;
  unit_env_init(&u);
  struct swale_request request = {.size = sizeof request, .target = target};
  swale_scope *scope = NULL;
  assert_int_equal(swale__scope_new(&u.env.allocator, "websocket", &request, &scope), 0);
  int rv = swale_scope_query_param(scope, name, out, size);
  swale__scope_free(scope, &u.env.allocator);
  return rv;
}

static void assert_query(const char *query, const char *name, const char *value) {
  char out[64] = "?";
  assert_int_equal(query_param(query, name, out, sizeof out), 0);
  assert_string_equal(out, value);
}

static void assert_query_fails(const char *query, const char *name, int error) {
  char out[8] = "as was";
  assert_int_equal(query_param(query, name, out, sizeof out), error);
  assert_string_equal(out, "as was");
}

static void the_first_value_of_a_parameter_counts(void **state) {
  (void)state;
  assert_query("a=1&b=2&b=3", "a", "1");
  assert_query("a=1&b=2&b=3", "b", "2");
  assert_query("&&a=1", "a", "1");
  assert_query("a=1=2", "a", "1=2");
  assert_query("a=", "a", "");
  assert_query("a", "a", "");
  assert_query("a&b=1", "a", "");
  assert_query("ab=1&a=2", "a", "2");
  assert_query("a=x;b=y", "a", "x;b=y");
}

static void plus_and_escapes_are_decoded_in_names_too(void **state) {
  (void)state;
  assert_query("q=a+b%2Bc%26d", "q", "a b+c&d");
  assert_query("caf%c3%A9=%E2%82%AC", "caf\xc3\xa9", "\xe2\x82\xac");
  assert_query("a+b=1", "a b", "1");
  assert_query("%zz=1&a=2", "a", "2");
}

static void what_is_not_there_is_not_found(void **state) {
  (void)state;
  assert_query_fails("", "a", SWALE_ENOTFOUND);
  assert_query_fails("b=1&ab=2&A=3", "a", SWALE_ENOTFOUND);
  assert_query_fails("abc=1", "ab", SWALE_ENOTFOUND);
  assert_query_fails("ab=1", "abc", SWALE_ENOTFOUND);
  assert_query_fails("&&", "", SWALE_ENOTFOUND);
  assert_query_fails("a%00=1", "a", SWALE_ENOTFOUND);
}

static void bad_values_are_told_apart(void **state) {
  (void)state;
  assert_query_fails("a=%", "a", SWALE_EFORMAT);
  assert_query_fails("a=%4", "a", SWALE_EFORMAT);
  assert_query_fails("a=%4&b=1", "a", SWALE_EFORMAT);
  assert_query_fails("a=%x1", "a", SWALE_EFORMAT);
  assert_query_fails("a=1%00", "a", SWALE_EFORMAT);
  assert_query_fails("a=123456789%", "a", SWALE_EFORMAT);
  assert_query_fails("a=%ff", "a", SWALE_EUTF8);
  assert_query_fails("a=%c3", "a", SWALE_EUTF8);
  assert_query_fails("a=12345678", "a", SWALE_ESIZE);
}

static void a_value_may_fill_the_room_to_the_last_byte(void **state) {
  (void)state;
  char out[4];
  assert_int_equal(query_param("a=%31%32%33", "a", out, 4), 0);
  assert_string_equal(out, "123");
  assert_int_equal(query_param("a=%31%32%33", "a", out, 3), SWALE_ESIZE);
  assert_int_equal(query_param("a=", "a", out, 0), SWALE_ESIZE);
}

static void a_text_can_be_measured_without_writing_it(void **state) {
  (void)state;
  size_t len = 99;
  assert_int_equal(swale__unescape("a+%20\xc3\xa9", 7, false, NULL, 0, &len), 0);
  assert_int_equal(len, 5);
  char out[8];
  assert_int_equal(swale__unescape("a+%20%2b", 8, false, out, sizeof out, &len), 0);
  assert_string_equal(out, "a+ +");
  assert_int_equal(swale__unescape("a\0b", 3, false, NULL, 0, &len), SWALE_EFORMAT);
  assert_int_equal(swale__unescape("%", 0, false, out, sizeof out, &len), 0);
  assert_string_equal(out, "");
}

/* ---- cookies -------------------------------------------------------------------------------- */

static int cookie(const char *first, const char *second, const char *name, char *out, size_t size) {
  struct swale_header headers[] = {
      {"X-Cookie", "a=wrong"}, {"Cookie", first}, {"Other", "a=wrong"}, {"COOKIE", second}};
  struct unit_env u;
  unit_env_init(&u);
  struct swale_request request = {
      .size = sizeof request, .target = "/", .headers = headers, .n_headers = second ? 4 : 3};
  swale_scope *scope = NULL;
  assert_int_equal(swale__scope_new(&u.env.allocator, "websocket", &request, &scope), 0);
  int rv = swale_scope_cookie(scope, name, out, size);
  swale__scope_free(scope, &u.env.allocator);
  return rv;
}

static void assert_cookie(const char *first, const char *second, const char *name, const char *value) {
  char out[64] = "?";
  assert_int_equal(cookie(first, second, name, out, sizeof out), 0);
  assert_string_equal(out, value);
}

static void assert_no_cookie(const char *header, const char *name) {
  char out[8];
  assert_int_equal(cookie(header, NULL, name, out, sizeof out), SWALE_ENOTFOUND);
}

static void the_first_cookie_of_all_headers_counts(void **state) {
  (void)state;
  assert_cookie("a=1; b=2", NULL, "a", "1");
  assert_cookie("a=1; b=2", NULL, "b", "2");
  assert_cookie("a=1;b=2;b=3", "b=4", "b", "2");
  assert_cookie("a=1", "b=4; c=5", "c", "5");
  assert_cookie("sessionid=abc==", NULL, "sessionid", "abc==");
}

static void blanks_around_a_cookie_do_not_count(void **state) {
  (void)state;
  assert_cookie(" \t a \t= \t1 2\t ; b=2", NULL, "a", "1 2");
  assert_cookie("a=  ;b=2", NULL, "a", "");
  assert_cookie("a=;b=2", NULL, "a", "");
  assert_cookie("a=", NULL, "a", "");
  assert_cookie("a=   ", NULL, "a", "");
}

static void quotes_and_escapes_stay_as_sent(void **state) {
  (void)state;
  assert_cookie("a=\"x%20y\"", NULL, "a", "\"x%20y\"");
}

static void what_is_no_cookie_of_that_name_is_not_found(void **state) {
  (void)state;
  assert_no_cookie("", "a");
  assert_no_cookie("a", "a");
  assert_no_cookie("A=1; aa=2; b=a=3; xa=4", "a");
  assert_no_cookie(";;; ; =", "a");
}

static void a_cookie_that_does_not_fit_is_not_cut(void **state) {
  (void)state;
  char out[4] = "was";
  assert_int_equal(cookie("a=1234", NULL, "a", out, sizeof out), SWALE_ESIZE);
  assert_string_equal(out, "was");
  assert_int_equal(cookie("a=123", NULL, "a", out, sizeof out), 0);
  assert_string_equal(out, "123");
}

static void reading_a_cookie_does_not_disturb_a_walk_over_the_headers(void **state) {
  (void)state;
  struct swale_header headers[] = {{"Host", "h"}, {"Cookie", "a=1"}};
  struct unit_env u;
  unit_env_init(&u);
  struct swale_request request = {.size = sizeof request, .target = "/", .headers = headers, .n_headers = 2};
  swale_scope *scope = NULL;
  assert_int_equal(swale__scope_new(&u.env.allocator, "websocket", &request, &scope), 0);
  const struct swale_header *first = swale_scope_header_at(scope, 0);
  char out[4];
  assert_int_equal(swale_scope_cookie(scope, "a", out, sizeof out), 0);
  assert_string_equal(first->name, "host");
  swale__scope_free(scope, &u.env.allocator);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_value_of_a_parameter_counts),
      cmocka_unit_test(plus_and_escapes_are_decoded_in_names_too),
      cmocka_unit_test(what_is_not_there_is_not_found),
      cmocka_unit_test(bad_values_are_told_apart),
      cmocka_unit_test(a_value_may_fill_the_room_to_the_last_byte),
      cmocka_unit_test(a_text_can_be_measured_without_writing_it),
      cmocka_unit_test(the_first_cookie_of_all_headers_counts),
      cmocka_unit_test(blanks_around_a_cookie_do_not_count),
      cmocka_unit_test(quotes_and_escapes_stay_as_sent),
      cmocka_unit_test(what_is_no_cookie_of_that_name_is_not_found),
      cmocka_unit_test(a_cookie_that_does_not_fit_is_not_cut),
      cmocka_unit_test(reading_a_cookie_does_not_disturb_a_walk_over_the_headers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

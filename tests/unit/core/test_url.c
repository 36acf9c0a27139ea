/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <swale/url.h>

struct fixture {
  struct unit_env u;
  struct swale_url *url;
};

static int start(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  if (!f)
    return -1;
  unit_env_init(&f->u);
  *state = f;
  return 0;
}

static int finish(void **state) {
  struct fixture *f = *state;
  swale_url_free(f->url, &f->u.env.allocator);
  long live = f->u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

/* The URL taken apart, which stays valid until the next one or the end of the test. */
static const struct swale_url *parsed(struct fixture *f, const char *text) {
  swale_url_free(f->url, &f->u.env.allocator);
  f->url = NULL;
  int rv = swale_url_parse(text, &f->u.env.allocator, &f->url);
  if (rv != 0)
    fail_msg("%s: %d", text, rv);
  return f->url;
}

static void assert_refused(struct fixture *f, const char *text, int error) {
  struct swale_url *untouched = NULL;
  int rv = swale_url_parse(text, &f->u.env.allocator, &untouched);
  if (rv != error)
    fail_msg("%s: %d, not %d", text, rv, error);
  assert_null(untouched);
}

static void a_memory_layer_has_parameters_only(void **state) {
  const struct swale_url *u = parsed(*state, "memory://?capacity=100&expiry=60");
  assert_string_equal(u->scheme, "memory");
  assert_string_equal(u->authority, "");
  assert_string_equal(u->path, "");
  assert_int_equal(u->n_params, 2);
  assert_string_equal(u->params[0].key, "capacity");
  assert_string_equal(u->params[0].value, "100");
  assert_string_equal(u->params[1].key, "expiry");
  assert_string_equal(u->params[1].value, "60");
  assert_string_equal(swale_url_param(u, "expiry"), "60");
  assert_null(swale_url_param(u, "prefix"));
  assert_null(swale_url_param(u, "capacit"));
  assert_null(swale_url_param(u, "Capacity"));
}

static void a_redis_layer_has_everything(void **state) {
  const struct swale_url *u = parsed(*state, "redis://me:p%40ss@one:6379,[::1]:6380/0?prefix=asgi");
  assert_string_equal(u->scheme, "redis");
  assert_string_equal(u->authority, "me:p%40ss@one:6379,[::1]:6380");
  assert_string_equal(u->path, "/0");
  assert_string_equal(swale_url_param(u, "prefix"), "asgi");
}

static void the_shortest_url_is_a_scheme(void **state) {
  const struct swale_url *u = parsed(*state, "m://");
  assert_string_equal(u->scheme, "m");
  assert_string_equal(u->authority, "");
  assert_string_equal(u->path, "");
  assert_int_equal(u->n_params, 0);
}

static void an_empty_query_has_no_parameters(void **state) {
  assert_int_equal(parsed(*state, "memory://?")->n_params, 0);
  assert_string_equal(parsed(*state, "redis://h/2?")->path, "/2");
}

static void a_path_may_stand_without_authority(void **state) {
  const struct swale_url *u = parsed(*state, "unix:///run/my%20redis.sock?db=1");
  assert_string_equal(u->authority, "");
  assert_string_equal(u->path, "/run/my redis.sock");
  assert_string_equal(swale_url_param(u, "db"), "1");
}

static void schemes_come_out_in_lower_case(void **state) {
  assert_string_equal(parsed(*state, "ReDiS+x-1.Z://H/P")->scheme, "redis+x-1.z");
  assert_string_equal(parsed(*state, "REDIS://H/P")->authority, "H");
  assert_string_equal(parsed(*state, "REDIS://H/P")->path, "/P");
}

static void keys_and_values_are_decoded_after_they_are_split(void **state) {
  const struct swale_url *u = parsed(*state, "m://?a%3Db%26=c%26d%3d&e=f=g?h/i&pr%C3%A9=%e2%82%ac&j=");
  assert_int_equal(u->n_params, 4);
  assert_string_equal(swale_url_param(u, "a=b&"), "c&d=");
  assert_string_equal(swale_url_param(u, "e"), "f=g?h/i");
  assert_string_equal(swale_url_param(u, "pr\xc3\xa9"), "\xe2\x82\xac");
  assert_string_equal(swale_url_param(u, "j"), "");
}

static void a_plus_is_a_plus(void **state) {
  assert_string_equal(swale_url_param(parsed(*state, "m://?a=b+c"), "a"), "b+c");
}

static void decoding_happens_once(void **state) {
  assert_string_equal(swale_url_param(parsed(*state, "m://?a=%2541"), "a"), "%41");
}

static void a_url_needs_a_scheme(void **state) {
  static const char *const bad[] = {
      "",          "memory", "memory:", "memory:/", "://host", "/path",     "1m://", "+m://",       "me_m://",
      "mem%20://", "m//",    "m:?a=b",  "?a=b",     ":",       "m:/ /host", " m://", "\xc3\xa9://",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_refused(*state, bad[i], SWALE_EFORMAT);
  assert_refused(*state, NULL, SWALE_EFORMAT);
}

static void parameters_need_a_key_and_an_equals_sign(void **state) {
  static const char *const bad[] = {"m://?a",    "m://?=1", "m://?&",        "m://?a=1&",
                                    "m://?&a=1", "m://?=",  "m://?a=1&&b=2", "m://?a=1&b"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_refused(*state, bad[i], SWALE_EFORMAT);
}

static void of_a_parameter_given_twice_the_first_is_found(void **state) {
  const struct swale_url *u = parsed(*state, "m://?a=1&b=2&%61=3");
  assert_int_equal(u->n_params, 3);
  assert_ptr_equal(swale_url_param(u, "a"), u->params[0].value);
  assert_string_equal(u->params[2].key, "a");
  assert_string_equal(u->params[2].value, "3");
}

static void bad_escapes_are_refused_wherever_they_stand(void **state) {
  static const char *const bad[] = {"%", "%4", "%4g", "%g4", "%%41", "%00", "%-1", "% 1"};
  static const char *const places[] = {"m://%s", "m://h%s/p", "m://h/%s", "m://h/p?a=%s", "m://h/p?a%s=1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
      char text[64] = "";
      size_t before = strcspn(places[k], "%");
      memcpy(text, places[k], before);
      strcat(text, bad[i]);
      strcat(text, places[k] + before + 2);
      assert_refused(*state, text, SWALE_EFORMAT);
    }
  }
}

static void spaces_control_characters_and_fragments_are_refused(void **state) {
  for (int c = 1; c < 256; c++) {
    char text[] = "m://h/pX?a=1";
    text[7] = (char)c;
    if (c <= ' ' || c == 0x7f || c == '#' || c == '%')
      assert_refused(*state, text, SWALE_EFORMAT);
    else if (c != '?')
      assert_string_equal(swale_url_param(parsed(*state, text), "a"), "1");
  }
}

static void a_url_has_at_most_4096_bytes(void **state) {
  static char text[8192];
  memset(text, 'x', 4097);
  memcpy(text, "m://", 4);
  assert_refused(*state, text, SWALE_ESIZE);
  text[4096] = '\0';
  assert_int_equal(strlen(parsed(*state, text)->authority), 4092);
}

/* Nothing but separators and two-letter keys: what is kept takes as much room as the text itself. */
static void as_many_parameters_as_fit_are_kept(void **state) {
  static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static char text[4097] = "m://?";
  size_t at = 5, n = 0;
  for (; at + 5 <= 4096; n++) {
    char pair[] = {'&', digits[n / 62], digits[n % 62], '='};
    size_t skip = n == 0;
    memcpy(text + at, pair + skip, sizeof pair - skip);
    at += sizeof pair - skip;
  }
  const struct swale_url *u = parsed(*state, text);
  assert_int_equal(u->n_params, n);
  for (size_t i = 0; i < n; i++) {
    char key[] = {digits[i / 62], digits[i % 62], '\0'};
    assert_string_equal(u->params[i].key, key);
    assert_string_equal(u->params[i].value, "");
  }
}

static int a_url(struct unit_env *u) {
  struct swale_url *url = NULL;
  int rv = swale_url_parse("redis://h/1?a=b&c=d", &u->env.allocator, &url);
  assert_true(rv == 0 || (rv == SWALE_ENOMEM && !url));
  swale_url_free(url, &u->env.allocator);
  return rv;
}

static void a_failing_allocation_is_reported(void **state) {
  (void)state;
  unit_fail_every_allocation(a_url);
}

static void percent_decoding_leaves_alone_what_is_no_escape(void **state) {
  (void)state;
  char text[] = "%41%%41%4%zz%00%7E%";
  swale_percent_decode(text);
  assert_string_equal(text, "A%A%4%zz%00~%");
  char empty[] = "";
  swale_percent_decode(empty);
  assert_string_equal(empty, "");
}

static void every_byte_but_zero_can_be_escaped(void **state) {
  (void)state;
  static const char upper[] = "0123456789ABCDEF", lower[] = "0123456789abcdef";
  for (int c = 1; c < 256; c++) {
    char text[] = {'%', upper[c >> 4], lower[c & 15], '\0'};
    swale_percent_decode(text);
    assert_int_equal((unsigned char)text[0], c);
    assert_int_equal(text[1], 0);
  }
}

static void numbers_are_decimal_digits_within_a_range(void **state) {
  (void)state;
  uint64_t n = 1;
  assert_int_equal(swale_parse_uint("0", 0, 10, &n), 0);
  assert_true(n == 0);
  assert_int_equal(swale_parse_uint("0010", 0, 10, &n), 0);
  assert_true(n == 10);
  assert_int_equal(swale_parse_uint("18446744073709551615", 0, UINT64_MAX, &n), 0);
  assert_true(n == UINT64_MAX);
}

static void numbers_outside_the_range_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"11",
                                    "4",
                                    "18446744073709551616",
                                    "18446744073709551625",
                                    "99999999999999999999999999999999",
                                    "184467440737095516150"};
  uint64_t n = 7;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(swale_parse_uint(bad[i], 5, 10, &n), SWALE_EINVAL);
  assert_int_equal(swale_parse_uint("18446744073709551616", 0, UINT64_MAX, &n), SWALE_EINVAL);
  assert_true(n == 7);
}

static void what_is_no_number_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "", " 1", "1 ", "+1", "-1", "0x10", "1.0", "1e3", "99999999999999999999x", "\xd9\xa1",
  };
  uint64_t n = 7;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(swale_parse_uint(bad[i], 0, UINT64_MAX, &n), SWALE_EFORMAT);
  assert_int_equal(swale_parse_uint(NULL, 0, UINT64_MAX, &n), SWALE_EFORMAT);
  assert_true(n == 7);
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void) {
  const struct CMUnitTest tests[] = {
      test(a_memory_layer_has_parameters_only),
      test(a_redis_layer_has_everything),
      test(the_shortest_url_is_a_scheme),
      test(an_empty_query_has_no_parameters),
      test(a_path_may_stand_without_authority),
      test(schemes_come_out_in_lower_case),
      test(keys_and_values_are_decoded_after_they_are_split),
      test(a_plus_is_a_plus),
      test(decoding_happens_once),
      test(a_url_needs_a_scheme),
      test(parameters_need_a_key_and_an_equals_sign),
      test(of_a_parameter_given_twice_the_first_is_found),
      test(bad_escapes_are_refused_wherever_they_stand),
      test(spaces_control_characters_and_fragments_are_refused),
      test(a_url_has_at_most_4096_bytes),
      test(as_many_parameters_as_fit_are_kept),
      cmocka_unit_test(a_failing_allocation_is_reported),
      cmocka_unit_test(percent_decoding_leaves_alone_what_is_no_escape),
      cmocka_unit_test(every_byte_but_zero_can_be_escaped),
      cmocka_unit_test(numbers_are_decimal_digits_within_a_range),
      cmocka_unit_test(numbers_outside_the_range_are_refused),
      cmocka_unit_test(what_is_no_number_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

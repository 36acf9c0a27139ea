/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include <swale/ws.h>

#include "ws/origin.h"

static swale_origins *set_of(const char *pattern) {
  const char *const patterns[] = {pattern, NULL};
  swale_origins *set;
  assert_int_equal(swale_origins_new(patterns, NULL, &set), 0);
  return set;
}

static int allows(const char *pattern, const char *origin) {
  swale_origins *set = set_of(pattern);
  int allowed = swale_origins_allow(set, origin);
  assert_in_range(allowed, 0, 1);
  swale_origins_free(set);
  return allowed;
}

static void a_pattern_with_a_scheme_wants_scheme_host_and_port(void **state) {
  (void)state;
  assert_true(allows("https://example.com", "https://example.com"));
  assert_true(allows("https://example.com", "HTTPS://EXAMPLE.COM"));
  assert_true(allows("https://example.com", "https://example.com:443"));
  assert_true(allows("https://example.com:443", "https://example.com"));
  assert_true(allows("http://example.com:80", "http://example.com"));
  assert_true(allows("app://example.com", "app://example.com"));
  assert_true(allows("app://example.com:5", "app://example.com:5"));
  assert_false(allows("https://example.com", "http://example.com"));
  assert_false(allows("https://example.com", "https://example.com:8443"));
  assert_false(allows("https://example.com:8443", "https://example.com"));
  assert_false(allows("https://example.com", "https://www.example.com"));
  assert_false(allows("app://example.com:5", "app://example.com"));
}

static void a_dot_means_the_host_and_every_subdomain(void **state) {
  (void)state;
  for (int scheme = 0; scheme < 2; scheme++) {
    const char *pattern = scheme ? "https://.example.com" : ".example.com";
    assert_true(allows(pattern, "https://example.com"));
    assert_true(allows(pattern, "https://a.example.com"));
    assert_true(allows(pattern, "https://a.b.Example.com"));
    assert_false(allows(pattern, "https://badexample.com"));
    assert_false(allows(pattern, "https://example.com.evil.org"));
    assert_false(allows(pattern, "https://.example.com"));
    assert_false(allows(pattern, "https://com"));
    assert_false(allows(pattern, "https://e.com"));
  }
  assert_true(allows("https://.example.com:8443", "https://x.example.com:8443"));
  assert_false(allows("https://.example.com:8443", "https://x.example.com"));
}

static void a_pattern_without_a_scheme_takes_any_scheme_and_port(void **state) {
  (void)state;
  assert_true(allows("example.com", "https://example.com"));
  assert_true(allows("example.com", "http://example.com:3000"));
  assert_true(allows("localhost", "app://localhost"));
  assert_true(allows("127.0.0.1", "http://127.0.0.1:8000"));
  assert_false(allows("example.com", "https://www.example.com"));
}

static void a_pattern_with_a_port_takes_that_port(void **state) {
  (void)state;
  assert_true(allows("example.com:3000", "http://example.com:3000"));
  assert_true(allows("example.com:3000", "https://example.com:3000"));
  assert_true(allows("example.com:443", "https://example.com"));
  assert_false(allows("example.com:3000", "http://example.com"));
  assert_false(allows("example.com:3000", "http://example.com:3001"));
  assert_true(allows("[::1]:8000", "http://[::1]:8000"));
  assert_false(allows("[::1]:8000", "http://[::2]:8000"));
  assert_true(allows("[::1]", "http://[::1]:8000"));
  assert_true(allows("[2001:DB8::a]", "http://[2001:db8::A]"));
}

static const char *const malformed[] = {"",
                                        "null",
                                        "NULL",
                                        "example.com",
                                        "https:",
                                        "https:/",
                                        "https://",
                                        "://example.com",
                                        "https://example.com/",
                                        "https://example.com/x",
                                        "https://user@example.com",
                                        "https://example.com:",
                                        "https://example.com:0",
                                        "https://example.com:65536",
                                        "https://example.com:1e3",
                                        "https://example.com:999999999999",
                                        "https://exa mple.com",
                                        "https://example.com ",
                                        " https://example.com",
                                        "https://example.com?x",
                                        "https://example.com#x",
                                        "https://[::1",
                                        "https://[]",
                                        "https://[::1]x",
                                        "https://::1",
                                        "https://.example.com",
                                        "https://ex\xc3\xa4mple.com",
                                        "1https://example.com",
                                        "https://example.com https://example.com",
                                        "https://example.com,https://example.com",
                                        "https://example.com:000443",
                                        "+a://example.com",
                                        "-a://example.com",
                                        ".a://example.com"};

static void malformed_origins_are_refused(void **state) {
  static const char *const patterns[] = {"example.com", ".example.com", "https://example.com",
                                         "[::1]",       ".com",         NULL};
  swale_origins *set;
  (void)state;
  assert_int_equal(swale_origins_new(patterns, NULL, &set), 0);
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
    assert_false(swale_origins_allow(set, malformed[i]));
  swale_origins_free(set);
}

static void a_star_takes_everything(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
    assert_true(allows("*", malformed[i]));
  assert_true(allows("*", NULL));
}

static void a_request_without_origin_is_allowed_unless_one_is_required(void **state) {
  (void)state;
  swale_origins *set = set_of("example.com");
  assert_true(swale_origins_allow(set, NULL));
  swale_origins_require(set, 1);
  assert_false(swale_origins_allow(set, NULL));
  assert_true(swale_origins_allow(set, "http://example.com"));
  swale_origins_require(set, 0);
  assert_true(swale_origins_allow(set, NULL));
  swale_origins_free(set);
  set = set_of("*");
  swale_origins_require(set, 1);
  assert_false(swale_origins_allow(set, NULL));
  swale_origins_free(set);
}

static void each_pattern_of_a_set_counts(void **state) {
  static const char *const patterns[] = {"https://one.example", "*.", ".two.example:81", "[::3]",
                                         "x+y-z.1://four",      NULL};
  static const char *const fine[] = {"https://one.example", "http://a.two.example:81", "http://[::3]",
                                     "x+y-z.1://four", NULL};
  static const char *const bad[] = {"http://one.example", "http://two.example", "http://[::4]",
                                    "http://four",        "https://three",      NULL};
  swale_origins *set;
  (void)state;
  assert_int_equal(swale_origins_new(patterns, NULL, &set), SWALE_EFORMAT);
  const char *const right[] = {patterns[0], patterns[2], patterns[3], patterns[4], NULL};
  assert_int_equal(swale_origins_new(right, NULL, &set), 0);
  for (size_t i = 0; fine[i]; i++)
    assert_int_equal(swale_origins_allow(set, fine[i]), 1);
  for (size_t i = 0; bad[i]; i++)
    assert_int_equal(swale_origins_allow(set, bad[i]), 0);
  swale_origins_free(set);
}

static void an_empty_set_allows_no_page(void **state) {
  const char *const patterns[] = {NULL};
  swale_origins *set;
  (void)state;
  assert_int_equal(swale_origins_new(patterns, NULL, &set), 0);
  assert_false(swale_origins_allow(set, "https://example.com"));
  assert_true(swale_origins_allow(set, NULL));
  swale_origins_free(set);
}

static void patterns_that_could_never_match_are_errors(void **state) {
  static const char *const bad[] = {"",
                                    ".",
                                    "*.example.com",
                                    "https://*.example.com",
                                    "https://*",
                                    "**",
                                    "example.com/",
                                    "https://example.com/",
                                    "https://",
                                    "://x",
                                    "a b",
                                    "example.com:",
                                    "example.com:0",
                                    "example.com:70000",
                                    "example.com:*",
                                    "..example.com",
                                    ".[::1]",
                                    "[::1",
                                    "null:null",
                                    "https//x:",
                                    "h\xc3\xa4",
                                    "1x://a",
                                    "https://https://a",
                                    "user@example.com",
                                    "example.com:000080",
                                    "+a://x"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const char *const patterns[] = {"example.com", bad[i], NULL};
    swale_origins *set = (swale_origins *)&set;
    assert_int_equal(swale_origins_new(patterns, NULL, &set), SWALE_EFORMAT);
    assert_null(set);
  }
}

static void patterns_are_copied(void **state) {
  char text[] = "https://example.com";
  swale_origins *set = set_of(text);
  (void)state;
  memset(text, 'x', sizeof text - 1);
  assert_true(swale_origins_allow(set, "https://example.com"));
  swale_origins_free(set);
}

static int make_a_set(struct unit_env *u) {
  static const char *const patterns[] = {"example.com", "*", NULL};
  swale_origins *set;
  int rv = swale_origins_new(patterns, &u->env.allocator, &set);
  swale_origins_free(set);
  return rv;
}

static void no_memory_is_an_error(void **state) {
  (void)state;
  unit_fail_every_allocation(make_a_set);
}

static void the_same_origin_is_that_of_the_host_header(void **state) {
  (void)state;
  assert_true(swale__ws_origin_is_same(NULL, "example.com", "ws"));
  assert_true(swale__ws_origin_is_same("http://example.com", "example.com", "ws"));
  assert_true(swale__ws_origin_is_same("http://EXAMPLE.com:80", "example.COM", "ws"));
  assert_true(swale__ws_origin_is_same("http://example.com", "example.com:80", "ws"));
  assert_true(swale__ws_origin_is_same("https://example.com", "example.com:443", "wss"));
  assert_true(swale__ws_origin_is_same("https://example.com:8443", "example.com:8443", "wss"));
  assert_true(swale__ws_origin_is_same("http://[::1]:8000", "[::1]:8000", "ws"));
  assert_false(swale__ws_origin_is_same("https://example.com", "example.com", "ws"));
  assert_false(swale__ws_origin_is_same("http://example.com", "example.com", "wss"));
  assert_false(swale__ws_origin_is_same("http://example.com:443", "example.com", "wss"));
  assert_false(swale__ws_origin_is_same("http://example.com", "example.com:443", "ws"));
  assert_false(swale__ws_origin_is_same("http://example.com:81", "example.com", "ws"));
  assert_false(swale__ws_origin_is_same("http://a.example.com", "example.com", "ws"));
  assert_false(swale__ws_origin_is_same("http://example.com.evil.org", "example.com", "ws"));
  assert_false(swale__ws_origin_is_same("http://localhost", "127.0.0.1", "ws"));
  assert_false(swale__ws_origin_is_same("ws://example.com", "example.com", "ws"));
  assert_false(swale__ws_origin_is_same("http://example.com", NULL, "ws"));
  assert_false(swale__ws_origin_is_same("http://example.com", "", "ws"));
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
    assert_false(swale__ws_origin_is_same(malformed[i], malformed[i], "wss"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pattern_with_a_scheme_wants_scheme_host_and_port),
      cmocka_unit_test(a_dot_means_the_host_and_every_subdomain),
      cmocka_unit_test(a_pattern_without_a_scheme_takes_any_scheme_and_port),
      cmocka_unit_test(a_pattern_with_a_port_takes_that_port),
      cmocka_unit_test(malformed_origins_are_refused),
      cmocka_unit_test(a_star_takes_everything),
      cmocka_unit_test(a_request_without_origin_is_allowed_unless_one_is_required),
      cmocka_unit_test(each_pattern_of_a_set_counts),
      cmocka_unit_test(an_empty_set_allows_no_page),
      cmocka_unit_test(patterns_that_could_never_match_are_errors),
      cmocka_unit_test(patterns_are_copied),
      cmocka_unit_test(no_memory_is_an_error),
      cmocka_unit_test(the_same_origin_is_that_of_the_host_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

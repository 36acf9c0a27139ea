/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include <stdio.h>

#include "ws/head.h"

enum { HEAD_MAX = 1000, HEADERS_MAX = 10 };

/*
 * Feeds in chunks of this size, each in a block of its own; answers as the head does, MORE after the last
 * byte.
 */
static int feed(struct swale__ws_head *head, const char *text, size_t len, size_t chunk, size_t *used) {
  *used = 0;
  while (*used < len) {
    size_t n = len - *used < chunk ? len - *used : chunk, part;
    char *copy = malloc(n);
    memcpy(copy, text + *used, n);
    int rv = swale__ws_head_feed(head, copy, n, &part);
    free(copy);
    *used += part;
    if (rv != SWALE__HEAD_MORE)
      return rv;
    assert_int_equal(part, n);
  }
  return SWALE__HEAD_MORE;
}

static int verdict_of(const char *text, size_t len, size_t chunk) {
  struct unit_env u;
  struct swale__ws_head head;
  size_t used;
  unit_env_init(&u);
  swale__ws_head_init(&head, &u.env.allocator, HEAD_MAX, HEADERS_MAX);
  int rv = feed(&head, text, len, chunk, &used);
  assert_int_equal(rv >= 400, head.why != NULL);
  swale__ws_head_free(&head);
  assert_int_equal(u.live, 0);
  return rv;
}

/* The verdict, which must not depend on how the bytes are split. */
static int verdict(const char *text) {
  size_t len = strlen(text);
  int whole = verdict_of(text, len, len);
  for (size_t chunk = 1; chunk < 8; chunk++)
    assert_int_equal(verdict_of(text, len, chunk), whole);
  return whole;
}

#define COMPLETE SWALE__HEAD_COMPLETE
#define LINE "GET / HTTP/1.1\r\n"

static void a_request_is_taken_apart(void **state) {
  static const char text[] =
      "GET /a?b=c HTTP/1.1\r\nHost: x\r\nEmpty:\r\nX-Blanks:  \t a \t b \t \r\nX-HIGH: \xe4\r\n\r\nrest";
  static const char *const expected[][2] = {
      {"host", "x"}, {"empty", ""}, {"x-blanks", "a \t b"}, {"x-high", "\xe4"}};
  (void)state;
  for (size_t chunk = 1; chunk <= sizeof text; chunk++) {
    struct unit_env u;
    struct swale__ws_head head;
    struct swale__ws_request request;
    struct swale_header *headers;
    size_t used;
    unit_env_init(&u);
    swale__ws_head_init(&head, &u.env.allocator, HEAD_MAX, HEADERS_MAX);
    assert_int_equal(feed(&head, text, sizeof text - 1, chunk, &used), COMPLETE);
    assert_int_equal(used, sizeof text - 1 - strlen("rest"));
    assert_int_equal(swale__ws_head_request(&head, &request, &headers), 0);
    assert_string_equal(request.method, "GET");
    assert_string_equal(request.target, "/a?b=c");
    assert_int_equal(request.n_headers, 4);
    for (size_t i = 0; i < 4; i++) {
      assert_string_equal(request.headers[i].name, expected[i][0]);
      assert_string_equal(request.headers[i].value, expected[i][1]);
    }
    u.env.allocator.free(headers, &u);
    swale__ws_head_free(&head);
    assert_int_equal(u.live, 0);
  }
}

static void a_request_without_headers_is_a_request(void **state) {
  struct unit_env u;
  struct swale__ws_head head;
  struct swale__ws_request request;
  struct swale_header *headers;
  size_t used;
  (void)state;
  unit_env_init(&u);
  swale__ws_head_init(&head, &u.env.allocator, HEAD_MAX, HEADERS_MAX);
  assert_int_equal(swale__ws_head_feed(&head, LINE "\r\n", strlen(LINE) + 2, &used), COMPLETE);
  assert_int_equal(swale__ws_head_request(&head, &request, &headers), 0);
  assert_null(headers);
  assert_int_equal(request.n_headers, 0);
  assert_int_equal(swale__ws_head_feed(&head, "x", 1, &used), COMPLETE);
  assert_int_equal(used, 0);
  swale__ws_head_free(&head);
  assert_int_equal(u.live, 0);
}

static void one_empty_line_in_front_is_let_pass(void **state) {
  (void)state;
  assert_int_equal(verdict("\r\n" LINE "\r\n"), COMPLETE);
  assert_int_equal(verdict("\r\n\r\n" LINE "\r\n"), 400);
  assert_int_equal(verdict("\n" LINE "\r\n"), 400);
}

static void every_method_that_is_a_token_is_taken(void **state) {
  (void)state;
  assert_int_equal(verdict("M-SEARCH / HTTP/1.1\r\n\r\n"), COMPLETE);
  assert_int_equal(verdict("g / HTTP/1.1\r\n\r\n"), COMPLETE);
  assert_int_equal(verdict(" GET / HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("G(T / HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET\t/ HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET\r\n\r\n"), 400);
}

static void a_target_has_no_blanks_or_control_characters(void **state) {
  (void)state;
  assert_int_equal(verdict("GET  / HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET /a b HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET /\t HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET /\x01 HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET /\x7f HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET /\xc3\xb6 HTTP/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET /\r\n\r\n"), 400);
  assert_int_equal(verdict("GET http://example.com/ HTTP/1.1\r\n\r\n"), COMPLETE);
}

static void only_http_1_1_is_spoken(void **state) {
  (void)state;
  assert_int_equal(verdict("GET / HTTP/1.0\r\n\r\n"), 505);
  assert_int_equal(verdict("GET / HTTP/2.0\r\n\r\n"), 505);
  assert_int_equal(verdict("GET / HTTP/2.1\r\n\r\n"), 505);
  assert_int_equal(verdict("GET / HTTP/0.9\r\n\r\n"), 505);
  assert_int_equal(verdict("GET / http/1.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET / HTTP/1.1 \r\n\r\n"), 400);
  assert_int_equal(verdict("GET / HTTP/1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET / HTTP/11.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET / HTTP/x.1\r\n\r\n"), 400);
  assert_int_equal(verdict("GET / ICY/1.1\r\n\r\n"), 400);
}

static void lines_end_in_cr_lf_and_nothing_else(void **state) {
  (void)state;
  assert_int_equal(verdict("GET / HTTP/1.1\nHost: x\n\n"), 400);
  assert_int_equal(verdict("GET / HTTP/1.1\rHost: x\r\r"), 400);
  assert_int_equal(verdict(LINE "Host: x\n\r\n"), 400);
  assert_int_equal(verdict(LINE "Host: x\rY: z\r\n\r\n"), 400);
  assert_int_equal(verdict(LINE "Host: x\r\n\n"), 400);
  assert_int_equal(verdict(LINE "Host: x\r\n\rx"), 400);
}

static void names_of_headers_are_tokens_right_before_the_colon(void **state) {
  (void)state;
  assert_int_equal(verdict(LINE "Host : x\r\n\r\n"), 400);
  assert_int_equal(verdict(LINE ": x\r\n\r\n"), 400);
  assert_int_equal(verdict(LINE "Ho st: x\r\n\r\n"), 400);
  assert_int_equal(verdict(LINE "H\xc3\xb6st: x\r\n\r\n"), 400);
  assert_int_equal(verdict(LINE "Host\r\n\r\n"), 400);
  assert_int_equal(verdict(LINE "(Host): x\r\n\r\n"), 400);
}

static void folded_lines_are_refused(void **state) {
  (void)state;
  assert_int_equal(verdict(LINE "X: a\r\n b\r\n\r\n"), 400);
  assert_int_equal(verdict(LINE "X: a\r\n\tb\r\n\r\n"), 400);
  assert_int_equal(verdict(LINE " X: a\r\n\r\n"), 400);
}

static void control_characters_in_values_are_refused(void **state) {
  (void)state;
  for (int c = 0; c < 0x20; c++) {
    char text[64];
    size_t len = (size_t)sprintf(text, LINE "X: a_b\r\n\r\n");
    *strchr(text, '_') = (char)c;
    assert_int_equal(verdict_of(text, len, len), c == '\t' ? COMPLETE : 400);
    assert_int_equal(verdict_of(text, len, 1), c == '\t' ? COMPLETE : 400);
  }
  assert_int_equal(verdict(LINE "X: \x7f\r\n\r\n"), 400);
}

static void nul_is_refused_everywhere(void **state) {
  static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  (void)state;
  for (size_t i = 0; i < sizeof text - 1; i++) {
    char copy[sizeof text];
    memcpy(copy, text, sizeof text);
    copy[i] = '\0';
    assert_int_equal(verdict_of(copy, sizeof text - 1, 1), 400);
  }
}

static void the_head_may_have_head_max_bytes(void **state) {
  (void)state;
  for (size_t len = HEAD_MAX - 1; len <= HEAD_MAX + 1; len++) {
    char text[HEAD_MAX + 2];
    size_t start = (size_t)sprintf(text, LINE "X: ");
    memset(text + start, 'x', len - start - 4);
    memcpy(text + len - 4, "\r\n\r\n", 4);
    for (size_t chunk = 1; chunk <= len; chunk = chunk * 3 + 1)
      assert_int_equal(verdict_of(text, len, chunk), len <= HEAD_MAX ? COMPLETE : 431);
  }
}

static void an_endless_line_is_refused_in_time(void **state) {
  char text[HEAD_MAX * 2];
  (void)state;
  memset(text, 'x', sizeof text);
  assert_int_equal(verdict_of(text, sizeof text, sizeof text), 431);
  assert_int_equal(verdict_of(text, sizeof text, 1), 431);
  assert_int_equal(verdict_of(text, HEAD_MAX, 1), SWALE__HEAD_MORE);
}

static void there_may_be_headers_max_headers(void **state) {
  (void)state;
  for (int n = HEADERS_MAX - 1; n <= HEADERS_MAX + 1; n++) {
    char text[HEAD_MAX] = LINE;
    for (int i = 0; i < n; i++)
      strcat(text, "X: y\r\n");
    strcat(text, "\r\n");
    assert_int_equal(verdict(text), n <= HEADERS_MAX ? COMPLETE : 431);
  }
}

static int read_a_long_head(struct unit_env *u) {
  struct swale__ws_head head;
  struct swale__ws_request request;
  struct swale_header *headers = NULL;
  char text[HEAD_MAX];
  size_t used;
  size_t start = (size_t)sprintf(text, LINE "X: ");
  memset(text + start, 'x', sizeof text - start - 4);
  memcpy(text + sizeof text - 4, "\r\n\r\n", 4);
  swale__ws_head_init(&head, &u->env.allocator, HEAD_MAX, HEADERS_MAX);
  int rv = swale__ws_head_feed(&head, text, sizeof text, &used);
  if (rv == COMPLETE)
    rv = swale__ws_head_request(&head, &request, &headers);
  u->env.allocator.free(headers, u);
  swale__ws_head_free(&head);
  return rv;
}

static void no_memory_is_an_error(void **state) {
  (void)state;
  unit_fail_every_allocation(read_a_long_head);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_is_taken_apart),
      cmocka_unit_test(a_request_without_headers_is_a_request),
      cmocka_unit_test(one_empty_line_in_front_is_let_pass),
      cmocka_unit_test(every_method_that_is_a_token_is_taken),
      cmocka_unit_test(a_target_has_no_blanks_or_control_characters),
      cmocka_unit_test(only_http_1_1_is_spoken),
      cmocka_unit_test(lines_end_in_cr_lf_and_nothing_else),
      cmocka_unit_test(names_of_headers_are_tokens_right_before_the_colon),
      cmocka_unit_test(folded_lines_are_refused),
      cmocka_unit_test(control_characters_in_values_are_refused),
      cmocka_unit_test(nul_is_refused_everywhere),
      cmocka_unit_test(the_head_may_have_head_max_bytes),
      cmocka_unit_test(an_endless_line_is_refused_in_time),
      cmocka_unit_test(there_may_be_headers_max_headers),
      cmocka_unit_test(no_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include "ws/answer.h"

static const struct swale_header extra[] = {{"X-One", "1"}, {"X-Two", "2"}};

static void expect_rendered(const struct swale__ws_answer *answer, const char *text) {
  struct unit_env u;
  swale_payload *payload;
  size_t len;
  unit_env_init(&u);
  assert_int_equal(swale__ws_answer_render(answer, &u.env.allocator, &payload), 0);
  const char *bytes = swale_payload_bytes(payload, &len);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(bytes, text, len);
  swale_payload_unref(payload);
  assert_int_equal(u.live, 0);
}

static void accepting_looks_as_in_the_rfc(void **state) {
  struct swale__ws_answer answer;
  (void)state;
  swale__ws_answer_accept(&answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "chat", "");
  assert_int_equal(swale__ws_answer_add(&answer, extra, 2), 0);
  expect_rendered(&answer,
                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n"
                  "X-One: 1\r\nX-Two: 2\r\n\r\n");
  swale__ws_answer_accept(&answer, "k", NULL, "");
  expect_rendered(&answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Accept: k\r\n\r\n");
}

static void a_refusal_ends_the_connection(void **state) {
  struct swale__ws_answer answer;
  (void)state;
  swale__ws_answer_refuse(&answer, 403, "no way");
  expect_rendered(&answer,
                  "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Length: 6\r\n\r\nno way");
  swale__ws_answer_refuse(&answer, 404, NULL);
  expect_rendered(&answer,
                  "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Length: 9\r\n\r\nNot Found");
  swale__ws_answer_refuse(&answer, 599, "");
  expect_rendered(&answer,
                  "HTTP/1.1 599 Refused\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Length: 0\r\n\r\n");
}

static void a_refusal_says_what_would_be_right(void **state) {
  struct swale__ws_answer answer;
  (void)state;
  swale__ws_answer_refuse(&answer, 405, "x");
  expect_rendered(&answer, "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\n"
                           "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n\r\nx");
  swale__ws_answer_refuse(&answer, 426, "x");
  expect_rendered(&answer,
                  "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  "Connection: Upgrade, close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Length: 1\r\n\r\nx");
}

static void a_content_type_of_its_own_stands_alone(void **state) {
  static const struct swale_header html = {"Content-Type", "text/html"};
  struct swale__ws_answer answer;
  (void)state;
  swale__ws_answer_refuse(&answer, 403, "<p>");
  swale__ws_answer_add(&answer, extra, 1);
  swale__ws_answer_add(&answer, &html, 1);
  expect_rendered(&answer,
                  "HTTP/1.1 403 Forbidden\r\nX-One: 1\r\nContent-Type: text/html\r\nConnection: close\r\n"
                  "Content-Length: 3\r\n\r\n<p>");
}

static void headers_are_bounded(void **state) {
  struct swale__ws_answer answer;
  struct swale_header many[SWALE__ANSWER_HEADERS_MAX + 1];
  (void)state;
  for (size_t i = 0; i < SWALE__ANSWER_HEADERS_MAX + 1; i++)
    many[i] = extra[0];
  swale__ws_answer_refuse(&answer, 403, "");
  assert_int_equal(swale__ws_answer_add(&answer, many, SWALE__ANSWER_HEADERS_MAX + 1), SWALE_EFULL);
  assert_int_equal(answer.n_headers, 0);
  assert_int_equal(swale__ws_answer_add(&answer, many, SWALE__ANSWER_HEADERS_MAX), 0);
  assert_int_equal(swale__ws_answer_add(&answer, many, 1), SWALE_EFULL);
}

static void a_copy_is_the_hosts_to_write(void **state) {
  struct unit_env u;
  struct swale__ws_answer answer;
  struct swale_ws_answer *copy;
  char body[] = "no";
  (void)state;
  unit_env_init(&u);
  swale__ws_answer_refuse(&answer, 403, body);
  swale__ws_answer_add(&answer, extra, 2);
  assert_int_equal(swale__ws_answer_copy(&answer, &u.env.allocator, &copy), 0);
  memset(body, 'x', 2);
  assert_int_equal(copy->status, 403);
  assert_string_equal(copy->body, "no");
  assert_int_equal(copy->body_len, 2);
  assert_int_equal(copy->n_headers, 2);
  assert_string_equal(copy->headers[1].name, "X-Two");
  assert_string_equal(copy->headers[1].value, "2");
  u.env.allocator.free(copy, &u);
  assert_int_equal(u.live, 0);
}

static int render_and_copy(struct unit_env *u) {
  struct swale__ws_answer answer;
  swale_payload *payload = NULL;
  struct swale_ws_answer *copy = NULL;
  swale__ws_answer_refuse(&answer, 403, "a body");
  swale__ws_answer_add(&answer, extra, 2);
  int rv = swale__ws_answer_render(&answer, &u->env.allocator, &payload);
  if (rv == 0)
    rv = swale__ws_answer_copy(&answer, &u->env.allocator, &copy);
  swale_payload_unref(payload);
  u->env.allocator.free(copy, u);
  return rv;
}

static void no_memory_is_an_error(void **state) {
  (void)state;
  unit_fail_every_allocation(render_and_copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepting_looks_as_in_the_rfc),
      cmocka_unit_test(a_refusal_ends_the_connection),
      cmocka_unit_test(a_refusal_says_what_would_be_right),
      cmocka_unit_test(a_content_type_of_its_own_stands_alone),
      cmocka_unit_test(headers_are_bounded),
      cmocka_unit_test(a_copy_is_the_hosts_to_write),
      cmocka_unit_test(no_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

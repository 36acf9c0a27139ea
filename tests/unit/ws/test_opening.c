/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>

/* ---- accepting -------------------------------------------------------------------------- */

static void a_request_opens_a_connection(void **state) {
  struct world *w = *state;
  world_new(w);
  expect_state(w, SWALE_WS_WANT_READ);
  assert_null(swale_ws_consumer(w->ws));
  assert_int_equal(world_feed_text(w, REQUEST), 0);
  expect_log(w, "connect");
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  assert_ptr_equal(swale_ws_consumer(w->ws), w->consumer);
  world_drain(w);
  expect_header(w, "Upgrade: websocket");
  expect_header(w, "Connection: Upgrade");
  expect_header(w, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  expect_status(w, 101, "");
  expect_state(w, SWALE_WS_WANT_READ);
  assert_int_equal(w->outputs, 0);
}

static int check_scope(struct world *w, swale_consumer *c) {
  const swale_scope *scope = swale_consumer_scope(c);
  (void)w;
  assert_string_equal(swale_scope_type(scope), "websocket");
  assert_string_equal(swale_scope_path(scope), "/ws/chat/");
  assert_string_equal(swale_scope_query(scope), "x=1");
  assert_string_equal(swale_scope_scheme(scope), "wss");
  assert_string_equal(swale_scope_client(scope), "192.0.2.10:4000");
  assert_string_equal(swale_scope_server(scope), "198.51.100.1:80");
  assert_string_equal(swale_scope_header(scope, "x-one"), "1");
  assert_string_equal(swale_scope_header_at(scope, 5)->name, "x-one");
  assert_string_equal(swale_scope_subprotocol(scope, 1), "chat.v1");
  return swale_accept(c, NULL);
}

static void the_consumer_sees_the_request(void **state) {
  struct world *w = *state;
  w->options.scheme = "wss";
  w->on_connect = check_scope;
  world_new(w);
  world_feed_text(w, "GET http://example.com/ws/chat/?x=1 HTTP/1.1\r\n" REQUEST_HEADERS
                     "X-One: 1\r\nSec-WebSocket-Protocol: a, chat.v1\r\n\r\n");
  world_drain(w);
  expect_header(w, "Sec-WebSocket-Protocol: chat.v1");
  expect_status(w, 101, "");
}

static int accept_with_headers(struct world *w, swale_consumer *c) {
  (void)w;
  swale_add_header(c, "Set-Cookie", "a=b");
  return swale_accept(c, "b");
}

static void headers_and_subprotocol_go_along(void **state) {
  struct world *w = *state;
  w->on_connect = accept_with_headers;
  world_new(w);
  world_feed_text(w, REQUEST_LINE REQUEST_HEADERS "Sec-WebSocket-Protocol: a, b\r\n\r\n");
  world_drain(w);
  expect_header(w, "Set-Cookie: a=b");
  expect_header(w, "Sec-WebSocket-Protocol: b");
  expect_status(w, 101, "");
}

/* ---- refusing --------------------------------------------------------------------------- */

static void refused(struct world *w, const char *request, int status) {
  world_new(w);
  world_feed_text(w, request);
  expect_log(w, "");
  expect_state(w, SWALE_WS_WANT_WRITE);
  expect_status(w, status, NULL);
  expect_header(w, status == 426 ? "Connection: Upgrade, close" : "Connection: close");
  if (status == 426)
    expect_header(w, "Sec-WebSocket-Version: 13");
  if (status == 405)
    expect_header(w, "Allow: GET");
  bytes_clear(&w->out);
  expect_closed(w);
  assert_int_equal(swale_ws_feed(w->ws, "x", 1), SWALE_ECLOSED);
}

static void what_is_no_handshake_is_refused(void **state) {
  refused(*state, "GET /ws/chat/ HTTP/1.1\r\nHost: x\r\n\r\n", 426);
}
static void a_post_is_refused(void **state) {
  refused(*state, "POST /ws/chat/ HTTP/1.1\r\n" REQUEST_HEADERS "\r\n", 405);
}
static void garbage_is_refused(void **state) { refused(*state, "\x16\x03\x01\x02", 400); }
static void http_1_0_is_refused(void **state) { refused(*state, "GET /ws/chat/ HTTP/1.0\r\n", 505); }
static void a_body_is_refused(void **state) {
  refused(*state, REQUEST_LINE REQUEST_HEADERS "Content-Length: 3\r\n\r\nabc", 400);
}
static void an_unknown_path_is_refused(void **state) {
  refused(*state, "GET /nowhere HTTP/1.1\r\n" REQUEST_HEADERS "\r\n", 404);
}
static void a_path_with_a_bad_escape_is_refused(void **state) {
  refused(*state, "GET /ws/%zz HTTP/1.1\r\n" REQUEST_HEADERS "\r\n", 400);
}

static void head_limits(struct world *w, size_t bytes_over, int headers_over, int status) {
  char request[1024] = REQUEST_LINE REQUEST_HEADERS;
  size_t len = strlen(request);
  w->options.head_max = 600;
  w->options.headers_max = 8;
  for (int i = 0; i < 3 + headers_over; i++)
    strcat(request, "X: y\r\n");
  len = strlen(request);
  if (bytes_over) {
    size_t fill = w->options.head_max + bytes_over - 1 - len - 2;
    memset(request + len - 2, 'y', fill);
    memcpy(request + len - 2 + fill, "\r\n", 3);
  }
  strcat(request, "\r\n");
  if (status == 101) {
    world_new(w);
    world_feed_text(w, request);
    expect_status(w, 101, "");
  } else {
    refused(w, request, status);
    assert_int_equal(w->reports, 1);
    assert_int_equal(w->reported, status);
  }
}

static void head_max_bytes_are_fine(void **state) { head_limits(*state, 1, 0, 101); }
static void more_than_head_max_bytes_are_431(void **state) { head_limits(*state, 2, 0, 431); }
static void headers_max_headers_are_fine(void **state) { head_limits(*state, 0, 0, 101); }
static void more_than_headers_max_headers_are_431(void **state) { head_limits(*state, 0, 1, 431); }

static int reject(struct world *w, swale_consumer *c) {
  (void)w;
  swale_add_header(c, "X-Why", "because");
  return swale_reject(c, 401, "who are you?");
}

static void a_consumer_rejects_with_status_and_body(void **state) {
  struct world *w = *state;
  w->on_connect = reject;
  world_new(w);
  world_feed_text(w, REQUEST);
  expect_log(w, "connect disconnect:1006");
  expect_status(w, 401, "who are you?");
  expect_header(w, "X-Why: because");
  bytes_clear(&w->out);
  expect_closed(w);
}

static int fail_to_connect(struct world *w, swale_consumer *c) {
  (void)w, (void)c;
  return -1;
}

static void a_connect_that_fails_is_500(void **state) {
  struct world *w = *state;
  w->on_connect = fail_to_connect;
  world_new(w);
  world_feed_text(w, REQUEST);
  expect_log(w, "connect disconnect:1006");
  expect_status(w, 500, NULL);
}

static int refuse_in_guard(struct world *w, swale_scope *scope) {
  (void)w, (void)scope;
  return 451;
}

static void a_guard_refuses(void **state) {
  struct world *w = *state;
  w->guard = refuse_in_guard;
  refused(w, REQUEST, 451);
}

static void what_follows_a_refusal_is_not_looked_at(void **state) {
  struct world *w = *state;
  world_new(w);
  world_feed_text(w, "GET /nowhere HTTP/1.1\r\n" REQUEST_HEADERS "\r\n" REQUEST);
  expect_log(w, "");
  expect_status(w, 404, "Not Found");
}

/* ---- origin ----------------------------------------------------------------------------- */

static void origin(struct world *w, const char *line, int status) {
  char request[1024] = REQUEST_LINE REQUEST_HEADERS;
  strcat(request, line);
  strcat(request, "\r\n\r\n");
  if (status != 101) {
    refused(w, request, status);
    return;
  }
  world_new(w);
  world_feed_text(w, request);
  expect_status(w, 101, "");
}

static void pages_of_the_same_origin_connect(void **state) {
  origin(*state, "Origin: http://example.com", 101);
}
static void pages_of_another_origin_do_not(void **state) {
  origin(*state, "Origin: http://evil.example", 403);
}
static void pages_of_another_scheme_do_not(void **state) {
  origin(*state, "Origin: https://example.com", 403);
}
static void a_null_origin_does_not(void **state) { origin(*state, "Origin: null", 403); }
static void two_origins_do_not(void **state) {
  origin(*state, "Origin: http://example.com\r\nOrigin: http://example.com", 400);
}

static void origins_of_the_options_decide(void **state) {
  static const char *const patterns[] = {"https://pages.example", NULL};
  struct world *w = *state;
  swale_origins *set;
  assert_int_equal(swale_origins_new(patterns, &w->u.env.allocator, &set), 0);
  w->options.origins = set;
  origin(w, "Origin: https://pages.example", 101);
  world_free(w);
  w->log[0] = '\0';
  origin(w, "Origin: http://example.com", 403);
  world_free(w);
  swale_origins_require(set, 1);
  refused(w, REQUEST, 403);
  swale_origins_free(set);
}

static void an_origin_guard_decides_alone(void **state) {
  static const char *const patterns[] = {"https://pages.example", NULL};
  struct world *w = *state;
  swale_origins *set;
  assert_int_equal(swale_origins_new(patterns, &w->u.env.allocator, &set), 0);
  assert_int_equal(swale_app_guard(w->app, swale_origin_guard, set), 0);
  origin(w, "Origin: https://pages.example", 101);
  world_free(w);
  w->log[0] = '\0';
  origin(w, "Origin: http://example.com", 403);
  swale_origins_free(set);
}

static void an_origin_guard_without_set_means_the_same_origin(void **state) {
  struct world *w = *state;
  assert_int_equal(swale_app_guard(w->app, swale_origin_guard, NULL), 0);
  origin(w, "Origin: http://example.com:80", 101);
  world_free(w);
  w->log[0] = '\0';
  origin(w, "Origin: http://example.com:81", 403);
}

/* ---- deciding later --------------------------------------------------------------------- */

static int decide_later(struct world *w, swale_consumer *c) {
  (void)w, (void)c;
  return 0;
}

static void connect_undecided(struct world *w) {
  w->on_connect = decide_later;
  world_new(w);
  world_feed_text(w, REQUEST);
  expect_log(w, "connect");
  expect_state(w, SWALE_WS_WANT_READ);
  expect_nothing(w);
}

static void a_decision_may_come_later(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  assert_int_equal(swale_accept(w->consumer, NULL), 0);
  world_run(w);
  assert_int_equal(w->outputs, 1);
  expect_status(w, 101, "");
  world_text(w, "hello");
  expect_log(w, "text:hello");
}

static void a_refusal_may_come_later(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  assert_int_equal(swale_reject(w->consumer, 403, "no"), 0);
  assert_null(swale_ws_consumer(w->ws));
  world_run(w);
  expect_log(w, "disconnect:1006");
  assert_int_equal(w->outputs, 1);
  expect_status(w, 403, "no");
  bytes_clear(&w->out);
  expect_closed(w);
}

static void a_refusal_without_memory_is_a_cut(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  w->u.fail_at = 1;
  assert_int_equal(swale_reject(w->consumer, 403, "no"), SWALE_ENOMEM);
  assert_null(swale_ws_consumer(w->ws));
  world_run(w);
  expect_log(w, "disconnect:1006");
  expect_closed(w);
}

static void an_accept_without_memory_can_be_tried_again(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  w->u.fail_at = 1;
  assert_int_equal(swale_accept(w->consumer, NULL), SWALE_ENOMEM);
  assert_int_equal(swale_accept(w->consumer, NULL), 0);
  expect_status(w, 101, "");
}

static void a_request_without_memory_is_500(void **state) {
  struct world *w = *state;
  world_new(w);
  w->u.fail_at = 1;
  world_feed_text(w, REQUEST);
  assert_int_equal(w->reported, 500);
  expect_log(w, "");
  expect_status(w, 500, "no memory");
}

static void early_bytes_without_memory_are_500(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  w->u.fail_at = 1;
  world_feed_bytes(w, "x", 1);
  expect_log(w, "disconnect:1006");
  expect_status(w, 500, "no memory");
}

static void no_decision_in_time_is_503(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  world_pass(w, 4999);
  expect_log(w, "");
  world_pass(w, 1);
  expect_log(w, "disconnect:1006");
  expect_status(w, 503, NULL);
}

static void the_peer_may_go_before_the_decision(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  assert_int_equal(swale_ws_feed_eof(w->ws), 0);
  expect_log(w, "disconnect:1006");
  expect_closed(w);
}

static void early_bytes_wait_for_the_decision(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  bytes_frame(&w->in, FIN | TEXT, "one", 3);
  bytes_frame(&w->in, FIN | TEXT, "two", 3);
  world_feed(w);
  expect_log(w, "");
  swale_accept(w->consumer, NULL);
  expect_log(w, "");
  world_run(w);
  expect_log(w, "text:one text:two");
  world_text(w, "three");
  expect_log(w, "text:three");
}

static void bytes_after_the_decision_follow_the_early_ones(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  world_text(w, "one");
  swale_accept(w->consumer, NULL);
  world_text(w, "two");
  expect_log(w, "text:one text:two");
  world_run(w);
  expect_log(w, "");
}

static void bytes_right_behind_the_request_are_frames(void **state) {
  struct world *w = *state;
  world_new(w);
  bytes_puts(&w->in, REQUEST);
  bytes_frame(&w->in, FIN | TEXT, "at once", 7);
  world_feed(w);
  expect_log(w, "connect text:at once");
  expect_status(w, 101, "");
}

static void bytes_right_behind_the_request_wait_too(void **state) {
  struct world *w = *state;
  w->on_connect = decide_later;
  world_new(w);
  bytes_puts(&w->in, REQUEST);
  bytes_frame(&w->in, FIN | TEXT, "at once", 7);
  world_feed(w);
  expect_log(w, "connect");
  swale_accept(w->consumer, NULL);
  world_run(w);
  expect_log(w, "text:at once");
}

static void early_bytes_of_a_refused_connection_are_forgotten(void **state) {
  struct world *w = *state;
  connect_undecided(w);
  world_text(w, "one");
  swale_reject(w->consumer, 403, NULL);
  world_run(w);
  expect_log(w, "disconnect:1006");
}

static void reading_stops_at_early_max(void **state) {
  struct world *w = *state;
  unsigned char data[1000] = {0};
  w->options.early_max = 100;
  connect_undecided(w);
  world_feed_bytes(w, data, 99);
  expect_state(w, SWALE_WS_WANT_READ);
  world_feed_bytes(w, data, 1);
  expect_state(w, 0);
  world_feed_bytes(w, data, 1);
  expect_state(w, 0);
}

static void a_host_that_goes_on_feeding_is_stopped(void **state) {
  struct world *w = *state;
  unsigned char data[1024] = {0};
  w->options.early_max = 1024;
  connect_undecided(w);
  for (int i = 0; i < 65; i++)
    assert_int_equal(swale_ws_feed(w->ws, data, sizeof data), 0);
  expect_log(w, "");
  assert_int_equal(swale_ws_feed(w->ws, data, 1), 0);
  expect_log(w, "disconnect:1006");
  assert_int_equal(w->reported, 400);
  expect_status(w, 400, NULL);
  assert_int_equal(swale_ws_feed(w->ws, data, 1), SWALE_ECLOSED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TESTS(a_request_opens_a_connection),
      WORLD_TESTS(the_consumer_sees_the_request),
      WORLD_TESTS(headers_and_subprotocol_go_along),
      WORLD_TESTS(what_is_no_handshake_is_refused),
      WORLD_TESTS(a_post_is_refused),
      WORLD_TESTS(garbage_is_refused),
      WORLD_TESTS(http_1_0_is_refused),
      WORLD_TESTS(a_body_is_refused),
      WORLD_TESTS(an_unknown_path_is_refused),
      WORLD_TESTS(a_path_with_a_bad_escape_is_refused),
      WORLD_TESTS(head_max_bytes_are_fine),
      WORLD_TESTS(more_than_head_max_bytes_are_431),
      WORLD_TESTS(headers_max_headers_are_fine),
      WORLD_TESTS(more_than_headers_max_headers_are_431),
      WORLD_TESTS(a_consumer_rejects_with_status_and_body),
      WORLD_TESTS(a_connect_that_fails_is_500),
      WORLD_TESTS(a_guard_refuses),
      WORLD_TESTS(what_follows_a_refusal_is_not_looked_at),
      WORLD_TEST(pages_of_the_same_origin_connect),
      WORLD_TEST(pages_of_another_origin_do_not),
      WORLD_TEST(pages_of_another_scheme_do_not),
      WORLD_TEST(a_null_origin_does_not),
      WORLD_TEST(two_origins_do_not),
      WORLD_TEST(origins_of_the_options_decide),
      WORLD_TEST(an_origin_guard_decides_alone),
      WORLD_TEST(an_origin_guard_without_set_means_the_same_origin),
      WORLD_TESTS(a_decision_may_come_later),
      WORLD_TESTS(a_refusal_may_come_later),
      WORLD_TESTS(a_refusal_without_memory_is_a_cut),
      WORLD_TESTS(an_accept_without_memory_can_be_tried_again),
      WORLD_TEST(a_request_without_memory_is_500),
      WORLD_TESTS(early_bytes_without_memory_are_500),
      WORLD_TESTS(no_decision_in_time_is_503),
      WORLD_TESTS(the_peer_may_go_before_the_decision),
      WORLD_TESTS(early_bytes_wait_for_the_decision),
      WORLD_TESTS(bytes_after_the_decision_follow_the_early_ones),
      WORLD_TESTS(bytes_right_behind_the_request_are_frames),
      WORLD_TESTS(bytes_right_behind_the_request_wait_too),
      WORLD_TESTS(early_bytes_of_a_refused_connection_are_forgotten),
      WORLD_TESTS(reading_stops_at_early_max),
      WORLD_TESTS(a_host_that_goes_on_feeding_is_stopped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

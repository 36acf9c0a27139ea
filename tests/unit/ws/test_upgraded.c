/* SPDX-License-Identifier: MIT */
#include "world.h"

#include "ws/codec.h"

static const struct swale_header headers[] = {
    {"Host", "example.com"},
    {"UPGRADE", "websocket"},
    {"Connection", "Upgrade"},
    {"Sec-WebSocket-Version", "13"},
    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
    {"Sec-WebSocket-Protocol", "chat.v1"},
};
enum { HEADERS = sizeof headers / sizeof *headers };

static struct swale_ws_upgrade upgrade(void) {
  return (struct swale_ws_upgrade){
      .size = sizeof(struct swale_ws_upgrade),
      .method = "GET",
      .version = "HTTP/1.1",
      .request =
          {
              .size = sizeof(struct swale_request),
              .target = "/ws/chat/?x=1",
              .client = "192.0.2.1:4000",
              .headers = headers,
              .n_headers = HEADERS,
          },
  };
}

static int open_upgraded(struct world *w, const struct swale_ws_upgrade *u) {
  return swale_ws_new_upgraded(w->app, w->loop, &w->options, u, w, &w->ws);
}

static const char *answer_header(const struct swale_ws_answer *answer, const char *name) {
  for (size_t i = 0; i < answer->n_headers; i++)
    if (strcmp(answer->headers[i].name, name) == 0)
      return answer->headers[i].value;
  return NULL;
}

static void take_answer(struct world *w, int status) {
  struct swale_ws_answer answer = {0};
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), 0);
  assert_int_equal(answer.status, status);
}

static int check_and_accept(struct world *w, swale_consumer *c) {
  const swale_scope *scope = swale_consumer_scope(c);
  (void)w;
  assert_string_equal(swale_scope_path(scope), "/ws/chat/");
  assert_string_equal(swale_scope_client(scope), "192.0.2.1:4000");
  assert_null(swale_scope_server(scope));
  assert_string_equal(swale_scope_header(scope, "upgrade"), "websocket");
  assert_string_equal(swale_scope_subprotocol(scope, 0), "chat.v1");
  swale_add_header(c, "X-One", "1");
  return swale_accept(c, NULL);
}

static void the_host_gets_the_answer_to_write(void **state) {
  struct world *w = *state;
  struct swale_ws_upgrade u = upgrade();
  struct swale_ws_answer answer;
  w->on_connect = check_and_accept;
  assert_int_equal(open_upgraded(w, &u), 0);
  expect_log(w, "connect");
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), 0);
  assert_int_equal(answer.status, 101);
  assert_string_equal(answer_header(&answer, "Upgrade"), "websocket");
  assert_string_equal(answer_header(&answer, "Connection"), "Upgrade");
  assert_string_equal(answer_header(&answer, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert_string_equal(answer_header(&answer, "Sec-WebSocket-Protocol"), "chat.v1");
  assert_string_equal(answer_header(&answer, "X-One"), "1");
  assert_int_equal(answer.body_len, 0);
  world_run(w);
  assert_int_equal(w->answers, 0);
  expect_state(w, SWALE_WS_WANT_READ);
  world_text(w, "hello");
  expect_log(w, "text:hello");
  swale_send_text(w->consumer, "hello", 5);
  world_run(w);
  assert_int_equal(w->outputs, 1);
  expect_text(w, "hello");
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), SWALE_ESTATE);
}

static void compression_is_agreed_where_this_build_has_it(void **state) {
  struct world *w = *state;
  struct swale_ws_upgrade u = upgrade();
  struct swale_header offering[HEADERS + 1];
  struct swale_ws_deflate deflate;
  struct swale_ws_answer answer;
  memcpy(offering, headers, sizeof headers);
  offering[HEADERS] = (struct swale_header){"sec-WebSocket-extensions", "permessage-deflate"};
  u.request.headers = offering;
  u.request.n_headers = HEADERS + 1;
  swale_ws_deflate_default(&deflate);
  w->options.deflate = &deflate;
  assert_int_equal(open_upgraded(w, &u), 0);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), 0);
  const char *extension = answer_header(&answer, "Sec-WebSocket-Extensions");
  if (swale__ws_codec_available)
    assert_string_equal(extension,
                        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  else
    assert_null(extension);
}

static int set_deflate(struct world *w, swale_consumer *c) {
  struct swale_ws_deflate deflate;
  (void)w;
  swale_ws_deflate_default(&deflate);
  assert_int_equal(swale_ws_set_deflate(c, &deflate), swale__ws_codec_available ? 0 : SWALE_EUNSUPPORTED);
  assert_int_equal(swale_ws_set_deflate(c, NULL), 0);
  return swale_accept(c, NULL);
}

static void a_build_without_compression_says_so(void **state) {
  struct world *w = *state;
  struct swale_ws_upgrade u = upgrade();
  w->on_connect = set_deflate;
  assert_int_equal(open_upgraded(w, &u), 0);
  take_answer(w, 101);
}

static int send_at_once(struct world *w, swale_consumer *c) {
  (void)w;
  int rv = swale_accept(c, NULL);
  return rv == 0 ? swale_send_text(c, "welcome", 7) : rv;
}

static void no_frame_is_shown_before_the_answer_is_taken(void **state) {
  struct world *w = *state;
  struct swale_ws_upgrade u = upgrade();
  w->on_connect = send_at_once;
  assert_int_equal(open_upgraded(w, &u), 0);
  world_group_send(w, "message");
  world_run(w);
  assert_int_equal(w->outputs, 0);
  expect_state(w, 0);
  expect_nothing(w);
  assert_int_equal(swale_ws_ack(w->ws, 1), SWALE_EINVAL);
  take_answer(w, 101);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  world_drain_some(w, 9);
  bytes_clear(&w->out);
  expect_text(w, "message");
}

static int decide_later(struct world *w, swale_consumer *c) {
  (void)w, (void)c;
  return 0;
}

static void open_undecided(struct world *w) {
  struct swale_ws_upgrade u = upgrade();
  struct swale_ws_answer answer;
  w->on_connect = decide_later;
  assert_int_equal(open_upgraded(w, &u), 0);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), SWALE_EAGAIN);
  world_run(w);
  assert_int_equal(w->answers, 0);
}

static void an_answer_that_comes_later_is_told_once(void **state) {
  struct world *w = *state;
  open_undecided(w);
  swale_accept(w->consumer, NULL);
  world_run(w);
  assert_int_equal(w->answers, 1);
  assert_int_equal(w->outputs, 0);
  world_group_send(w, "message");
  world_run(w);
  assert_int_equal(w->answers, 1);
  take_answer(w, 101);
  expect_text(w, "message");
}

static int accept_the_other(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                            size_t len) {
  (void)c, (void)kind, (void)data, (void)len;
  return swale_accept(w->consumer, NULL);
}

static void an_answer_from_the_feed_of_another_is_told_by_the_run(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_ws *open = w->ws;
  open_undecided(w);
  w->on_receive = accept_the_other;
  bytes_frame(&w->in, FIN | TEXT, "x", 1);
  assert_int_equal(swale_ws_feed(open, w->in.at, w->in.len), 0);
  assert_int_equal(w->answers, 0);
  world_run(w);
  assert_int_equal(w->answers, 1);
  take_answer(w, 101);
  swale_ws_free(open);
}

/* While the answer has not been taken the state says nothing, so a feed cannot stand for the call. */
static void an_answer_is_told_also_when_early_bytes_are_fed_before(void **state) {
  struct world *w = *state;
  open_undecided(w);
  swale_accept(w->consumer, NULL);
  world_text(w, "early");
  expect_state(w, 0);
  assert_int_equal(w->answers, 0);
  world_run(w);
  assert_int_equal(w->answers, 1);
  take_answer(w, 101);
  expect_log(w, "connect text:early");
}

static void an_answer_that_is_there_at_once_is_not_told(void **state) {
  struct world *w = *state;
  struct swale_ws_upgrade u = upgrade();
  assert_int_equal(open_upgraded(w, &u), 0);
  world_group_send(w, "message");
  world_run(w);
  assert_int_equal(w->answers, 0);
  assert_int_equal(w->outputs, 0);
  take_answer(w, 101);
  expect_text(w, "message");
}

static void take_in_callback(struct world *w, swale_ws *ws) {
  (void)ws;
  take_answer(w, 101);
}

static void the_answer_may_be_taken_in_the_call(void **state) {
  struct world *w = *state;
  open_undecided(w);
  w->on_answer = take_in_callback;
  swale_accept(w->consumer, NULL);
  swale_send_text(w->consumer, "welcome", 7);
  world_run(w);
  assert_int_equal(w->answers, 1);
  assert_int_equal(w->outputs, 1);
  expect_text(w, "welcome");
}

static void free_in_callback(struct world *w, swale_ws *ws) {
  swale_ws_free(ws);
  w->ws = NULL;
}

static void the_connection_may_be_freed_in_the_call(void **state) {
  struct world *w = *state;
  open_undecided(w);
  w->on_answer = free_in_callback;
  swale_accept(w->consumer, NULL);
  swale_send_text(w->consumer, "welcome", 7);
  world_run(w);
  assert_int_equal(w->outputs, 0);
  expect_log(w, "connect disconnect:1006");
}

static void a_refusal_is_an_answer_with_a_body(void **state) {
  struct world *w = *state;
  struct swale_ws_answer answer;
  open_undecided(w);
  swale_reject(w->consumer, 403, "no");
  world_run(w);
  assert_int_equal(w->answers, 1);
  assert_int_equal(w->outputs, 0);
  expect_state(w, 0);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), 0);
  assert_int_equal(answer.status, 403);
  assert_string_equal(answer.body, "no");
  assert_int_equal(answer.body_len, 2);
  assert_null(answer_header(&answer, "Connection"));
  expect_state(w, SWALE_WS_CLOSED);
  assert_int_equal(swale_ws_feed(w->ws, "x", 1), SWALE_ECLOSED);
}

static void a_peer_that_goes_before_the_decision_needs_no_answer(void **state) {
  struct world *w = *state;
  struct swale_ws_answer answer;
  open_undecided(w);
  assert_int_equal(swale_ws_feed_eof(w->ws), 0);
  expect_log(w, "connect disconnect:1006");
  expect_state(w, SWALE_WS_CLOSED);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), SWALE_ECLOSED);
  expect_nothing(w);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), SWALE_ECLOSED);
}

static void early_bytes_wait_here_too(void **state) {
  struct world *w = *state;
  open_undecided(w);
  world_text(w, "early");
  expect_log(w, "connect");
  swale_accept(w->consumer, NULL);
  world_run(w);
  expect_log(w, "text:early");
  take_answer(w, 101);
  world_text(w, "late");
  expect_log(w, "text:late");
}

static void refused(struct world *w, const struct swale_ws_upgrade *u, int status, const char *name,
                    const char *value) {
  struct swale_ws_answer answer;
  assert_int_equal(open_upgraded(w, u), 0);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), 0);
  assert_int_equal(answer.status, status);
  if (name)
    assert_string_equal(answer_header(&answer, name), value);
  expect_state(w, SWALE_WS_CLOSED);
  expect_log(w, "");
  swale_ws_free(w->ws);
  w->ws = NULL;
}

static void everything_is_checked_as_for_bytes(void **state) {
  struct world *w = *state;
  struct swale_ws_upgrade u = upgrade();
  struct swale_header changed[HEADERS];
  u.method = "POST";
  refused(w, &u, 405, "Allow", "GET");
  u = upgrade();
  u.version = "HTTP/1.0";
  refused(w, &u, 505, NULL, NULL);
  u = upgrade();
  u.request.target = "/nowhere";
  refused(w, &u, 404, NULL, NULL);
  u.request.target = "no path";
  refused(w, &u, 400, NULL, NULL);
  u = upgrade();
  memcpy(changed, headers, sizeof headers);
  u.request.headers = changed;
  changed[3].value = "8";
  refused(w, &u, 426, "Sec-WebSocket-Version", "13");
  changed[3] = (struct swale_header){"Origin", "http://evil.example"};
  refused(w, &u, 426, "Upgrade", "websocket");
  changed[5] = (struct swale_header){"Sec-WebSocket-Version", "13"};
  refused(w, &u, 403, NULL, NULL);
  u.request.headers = NULL;
  u.request.n_headers = 0;
  refused(w, &u, 400, NULL, NULL);
}

static void malformed_arguments_are_errors(void **state) {
  struct world *w = *state;
  struct swale_ws_upgrade u = upgrade();
  struct swale_header changed[HEADERS];
  u.size = 0;
  assert_int_equal(open_upgraded(w, &u), SWALE_EINVAL);
  u = upgrade();
  u.request.size = 1;
  assert_int_equal(open_upgraded(w, &u), SWALE_EINVAL);
  u = upgrade();
  u.method = NULL;
  assert_int_equal(open_upgraded(w, &u), SWALE_EINVAL);
  u = upgrade();
  u.version = NULL;
  assert_int_equal(open_upgraded(w, &u), SWALE_EINVAL);
  u = upgrade();
  u.request.target = NULL;
  assert_int_equal(open_upgraded(w, &u), SWALE_EINVAL);
  u = upgrade();
  memcpy(changed, headers, sizeof headers);
  u.request.headers = changed;
  changed[2].value = NULL;
  assert_int_equal(open_upgraded(w, &u), SWALE_EINVAL);
  changed[2] = (struct swale_header){NULL, "x"};
  assert_int_equal(open_upgraded(w, &u), SWALE_EINVAL);
  u = upgrade();
  w->options.message_max = 0;
  assert_int_equal(open_upgraded(w, &u), SWALE_EINVAL);
  assert_null(w->ws);
}

static int free_in_connect(struct world *w, swale_consumer *c) {
  (void)c;
  swale_ws_free(w->ws);
  w->ws = NULL;
  return 0;
}

static void a_connection_freed_while_it_is_made_is_no_connection(void **state) {
  struct world *w = *state;
  struct swale_ws_upgrade u = upgrade();
  w->on_connect = free_in_connect;
  assert_int_equal(open_upgraded(w, &u), SWALE_ECLOSED);
  assert_null(w->ws);
  expect_log(w, "connect disconnect:1006");
}

static void an_answer_is_needed_for_bytes_only_there(void **state) {
  struct world *w = *state;
  struct swale_ws_answer answer;
  world_new(w);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), SWALE_ESTATE);
  world_feed_text(w, REQUEST);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), SWALE_ESTATE);
}

static int live_short_of_memory(struct unit_env *unit) {
  struct world *w = calloc(1, sizeof *w);
  struct swale_ws_upgrade u = upgrade();
  struct swale_ws_answer answer;
  world_init(w);
  assert_int_equal(world_open(w), 0);
  w->u.fail_at = unit->fail_at;
  int rv = open_upgraded(w, &u);
  if (rv == 0)
    rv = swale_ws_get_answer(w->ws, &answer);
  else
    assert_null(w->ws);
  if (rv == 0 && answer.status == 101) {
    world_text(w, "hello");
    expect_log(w, w->reports == 0 ? "connect text:hello" : "connect disconnect:1011");
  }
  unit->fail_at = w->u.fail_at;
  world_close(w);
  assert_int_equal(w->u.live, 0);
  free(w);
  return rv;
}

static void no_memory_is_an_error_or_an_answer(void **state) {
  (void)state;
  unit_fail_every_allocation(live_short_of_memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TESTS(the_host_gets_the_answer_to_write),
      WORLD_TESTS(compression_is_agreed_where_this_build_has_it),
      WORLD_TESTS(a_build_without_compression_says_so),
      WORLD_TEST(no_frame_is_shown_before_the_answer_is_taken),
      WORLD_TEST(an_answer_that_comes_later_is_told_once),
      WORLD_TESTS(an_answer_is_told_also_when_early_bytes_are_fed_before),
      WORLD_TEST(an_answer_that_is_there_at_once_is_not_told),
      WORLD_TEST(an_answer_from_the_feed_of_another_is_told_by_the_run),
      WORLD_TEST(the_answer_may_be_taken_in_the_call),
      WORLD_TEST(the_connection_may_be_freed_in_the_call),
      WORLD_TEST(a_refusal_is_an_answer_with_a_body),
      WORLD_TEST(a_peer_that_goes_before_the_decision_needs_no_answer),
      WORLD_TESTS(early_bytes_wait_here_too),
      WORLD_TEST(everything_is_checked_as_for_bytes),
      WORLD_TEST(malformed_arguments_are_errors),
      WORLD_TEST(a_connection_freed_while_it_is_made_is_no_connection),
      WORLD_TEST(an_answer_is_needed_for_bytes_only_there),
      cmocka_unit_test(no_memory_is_an_error_or_an_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

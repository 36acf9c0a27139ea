/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>

/* ---- the peer closes -------------------------------------------------------------------- */

static void the_peers_close_is_echoed(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_close_frame(w, 4321, "bye");
  expect_log(w, "disconnect:4321");
  expect_state(w, SWALE_WS_WANT_WRITE);
  expect_close(w, 4321, NULL);
  expect_closed(w);
  assert_int_equal(w->reports, 0);
}

static void a_close_without_code_is_1005_and_echoed_so(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_close_frame(w, 0, NULL);
  expect_log(w, "disconnect:1005");
  expect_close(w, 0, NULL);
  expect_closed(w);
}

static void what_was_queued_goes_before_the_echo(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  for (int i = 0; i < 3; i++)
    swale_send_text(w->consumer, "data", 4);
  world_close_frame(w, 1000, NULL);
  world_drain(w);
  for (int i = 0; i < 3; i++)
    expect_next(w, &at, FIN | TEXT, "data", 4);
  expect_next(w, &at, FIN | CLOSE, "\x03\xe8", 2);
  expect_state(w, SWALE_WS_CLOSED);
}

static void nothing_behind_the_peers_close_is_looked_at(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_close(&w->in, 1000, NULL);
  bytes_frame(&w->in, FIN | TEXT, "late", 4);
  bytes_frame(&w->in, FIN | PING, "late", 4);
  world_feed(w);
  expect_log(w, "disconnect:1000");
  expect_close(w, 1000, NULL);
  assert_int_equal(swale_ws_feed(w->ws, "x", 1), SWALE_ECLOSED);
  assert_int_equal(swale_ws_feed_eof(w->ws), SWALE_ECLOSED);
}

static void a_close_inside_a_message_ends_it(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, TEXT, "half", 4);
  bytes_close(&w->in, 1000, NULL);
  world_feed(w);
  expect_log(w, "disconnect:1000");
  expect_close(w, 1000, NULL);
}

static void close_is_answered_with(struct world *w, const char *payload, size_t len, unsigned code) {
  char log[40];
  world_connect(w);
  world_frame(w, FIN | CLOSE, payload, len);
  sprintf(log, "disconnect:%u", code);
  expect_log(w, log);
  expect_close(w, code, NULL);
  expect_closed(w);
  assert_int_equal(w->reports, 1);
}

static void a_close_of_one_byte_is_1002(void **state) { close_is_answered_with(*state, "\x03", 1, 1002); }
static void a_close_with_1005_is_1002(void **state) { close_is_answered_with(*state, "\x03\xed", 2, 1002); }
static void a_close_with_999_is_1002(void **state) { close_is_answered_with(*state, "\x03\xe7", 2, 1002); }
static void a_close_whose_reason_is_not_utf8_is_1007(void **state) {
  close_is_answered_with(*state, "\x03\xe8\xc3", 3, 1007);
}

/* wslay checks the reason of each read for itself; ours is whole. */
static void a_reason_split_inside_a_character_is_fine(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_close_frame(w, 1000, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
  expect_log(w, "disconnect:1000");
}

static void every_code_that_may_be_sent_is_taken(void **state) {
  static const unsigned codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                   1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
  struct world *w = *state;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    char log[40];
    world_connect(w);
    world_close_frame(w, codes[i], NULL);
    sprintf(log, "disconnect:%u", codes[i]);
    expect_log(w, log);
    expect_close(w, codes[i], NULL);
    swale_ws_free(w->ws);
  }
  w->ws = NULL;
}

/* ---- we close --------------------------------------------------------------------------- */

static void the_consumer_closes_and_waits_for_the_peer(void **state) {
  struct world *w = *state;
  world_connect(w);
  assert_int_equal(swale_close(w->consumer, 4001, "why"), 0);
  expect_log(w, "");
  expect_close(w, 4001, "why");
  expect_state(w, SWALE_WS_WANT_READ);
  world_close_frame(w, 4001, NULL);
  expect_log(w, "disconnect:4001");
  expect_closed(w);
}

static void the_code_it_was_closed_with_counts(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_close(w->consumer, 4001, NULL);
  world_close_frame(w, 1000, NULL);
  expect_log(w, "disconnect:4001");
}

static void what_was_sent_goes_before_the_close(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  for (int i = 0; i < 40; i++)
    swale_send_text(w->consumer, "data", 4);
  swale_close(w->consumer, 1000, NULL);
  assert_int_equal(swale_send_text(w->consumer, "late", 4), SWALE_ECLOSED);
  world_drain(w);
  for (int i = 0; i < 40; i++)
    expect_next(w, &at, FIN | TEXT, "data", 4);
  expect_next(w, &at, FIN | CLOSE, "\x03\xe8", 2);
  assert_int_equal(at, w->out.len);
}

static void messages_after_the_close_are_not_delivered(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_close(w->consumer, 1000, NULL);
  world_run(w);
  expect_close(w, 1000, NULL);
  world_text(w, "late");
  world_frame(w, FIN | PING, "late", 4);
  bytes_frame(&w->in, FIN | 7, "even broken", 11);
  world_feed(w);
  expect_log(w, "");
  expect_nothing(w);
  world_group_send(w, "late");
  world_run(w);
  expect_nothing(w);
}

static void a_closed_connection_that_breaks_is_1006(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_close(w->consumer, 4001, NULL);
  assert_int_equal(swale_ws_feed_eof(w->ws), 0);
  expect_log(w, "disconnect:1006");
  expect_close(w, 4001, NULL);
  expect_closed(w);
}

static void a_peer_that_does_not_answer_is_given_close_ms(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_pass(w, 20000);
  swale_close(w->consumer, 4001, NULL);
  expect_close(w, 4001, NULL);
  world_pass(w, 4999);
  expect_log(w, "");
  world_pass(w, 1);
  expect_log(w, "disconnect:1006");
  expect_closed(w);
  assert_int_equal(w->reports, 1);
}

static void a_peer_that_answers_with_garbage_is_1006(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_close(w->consumer, 4001, NULL);
  expect_close(w, 4001, NULL);
  bytes_header(&w->in, FIN | CLOSE, true, 126, 16);
  world_feed(w);
  expect_log(w, "disconnect:1006");
  expect_closed(w);
}

static void without_memory_for_a_close_frame_it_is_cut(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_send_text(w->consumer, "first", 5);
  w->u.fail_at = 1;
  assert_int_equal(swale_close(w->consumer, 4001, NULL), 0);
  assert_null(swale_ws_consumer(w->ws));
  world_run(w);
  expect_log(w, "disconnect:1006");
  expect_text(w, "first");
  expect_closed(w);
}

static void both_close_at_once(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_close(w->consumer, 4001, NULL);
  world_close_frame(w, 4002, NULL);
  expect_log(w, "disconnect:4001");
  expect_close(w, 4001, NULL);
  expect_closed(w);
}

static int close_on_receive(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                            size_t len) {
  (void)w, (void)kind, (void)data, (void)len;
  return swale_close(c, 4004, NULL);
}

static void closing_inside_receive_stops_delivery(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_receive = close_on_receive;
  bytes_frame(&w->in, FIN | TEXT, "1", 1);
  bytes_frame(&w->in, FIN | TEXT, "2", 1);
  bytes_close(&w->in, 4004, NULL);
  world_feed(w);
  expect_log(w, "text:1 disconnect:4004");
  expect_close(w, 4004, NULL);
  expect_closed(w);
}

static int fail_on_receive(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                           size_t len) {
  (void)w, (void)c, (void)kind, (void)data, (void)len;
  return -1;
}

static void a_receive_that_fails_closes_with_1011(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_receive = fail_on_receive;
  world_text(w, "1");
  expect_close(w, 1011, NULL);
}

/* ---- the host closes -------------------------------------------------------------------- */

static void the_host_closes_like_the_consumer(void **state) {
  struct world *w = *state;
  world_connect(w);
  assert_int_equal(swale_ws_close(w->ws, 1001, "restarting"), 0);
  assert_int_equal(w->outputs, 0);
  world_run(w);
  assert_int_equal(w->outputs, 1);
  expect_close(w, 1001, "restarting");
  assert_int_equal(swale_ws_close(w->ws, 1001, NULL), SWALE_ECLOSED);
  world_close_frame(w, 1001, NULL);
  expect_log(w, "disconnect:1001");
  expect_closed(w);
  assert_int_equal(swale_ws_close(w->ws, 1001, NULL), SWALE_ECLOSED);
}

static void the_host_cannot_close_with_any_code(void **state) {
  struct world *w = *state;
  world_connect(w);
  assert_int_equal(swale_ws_close(w->ws, 1005, NULL), SWALE_EINVAL);
  assert_int_equal(swale_ws_close(w->ws, 1000, "\xff"), SWALE_EUTF8);
  expect_nothing(w);
}

static void closing_before_the_request_is_there_is_503(void **state) {
  struct world *w = *state;
  world_new(w);
  world_feed_text(w, REQUEST_LINE);
  assert_int_equal(swale_ws_close(w->ws, 1001, NULL), 0);
  world_run(w);
  assert_int_equal(w->outputs, 1);
  expect_status(w, 503, NULL);
  bytes_clear(&w->out);
  expect_closed(w);
}

static int decide_later(struct world *w, swale_consumer *c) {
  (void)w, (void)c;
  return 0;
}

static void closing_before_the_decision_is_403(void **state) {
  struct world *w = *state;
  w->on_connect = decide_later;
  world_new(w);
  world_feed_text(w, REQUEST);
  assert_int_equal(swale_ws_close(w->ws, 1001, "bye"), 0);
  world_run(w);
  expect_log(w, "connect disconnect:1006");
  expect_status(w, 403, "bye");
}

static void the_whole_loop_closes(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_loop_close_all(w->loop, 1001, NULL);
  world_run(w);
  assert_int_equal(w->outputs, 1);
  expect_close(w, 1001, NULL);
  world_close_frame(w, 1001, NULL);
  assert_int_equal(swale_loop_consumers(w->loop), 0);
}

/* ---- the stream ends -------------------------------------------------------------------- */

static void the_end_of_the_stream_is_1006(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_header(&w->in, TEXT, true, 100, 7);
  bytes_puts(&w->in, "half");
  world_feed(w);
  assert_int_equal(swale_ws_feed_eof(w->ws), 0);
  expect_log(w, "disconnect:1006");
  expect_closed(w);
}

static void what_was_queued_at_the_end_of_the_stream_can_be_written(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_send_text(w->consumer, "last words", 10);
  swale_ws_feed_eof(w->ws);
  expect_state(w, SWALE_WS_WANT_WRITE);
  expect_text(w, "last words");
  expect_closed(w);
}

static void what_nobody_writes_is_given_up_after_close_ms(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_send_text(w->consumer, "last words", 10);
  swale_ws_feed_eof(w->ws);
  w->outputs = 0;
  world_pass(w, 4999);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_pass(w, 1);
  assert_int_equal(w->outputs, 1);
  assert_int_equal(swale_ws_ack(w->ws, 1), SWALE_EINVAL);
  expect_closed(w);
}

static void the_end_of_the_stream_before_the_request_is_just_the_end(void **state) {
  struct world *w = *state;
  world_new(w);
  world_feed_text(w, REQUEST_LINE);
  assert_int_equal(swale_ws_feed_eof(w->ws), 0);
  expect_closed(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TESTS(the_peers_close_is_echoed),
      WORLD_TESTS(a_close_without_code_is_1005_and_echoed_so),
      WORLD_TESTS(what_was_queued_goes_before_the_echo),
      WORLD_TESTS(nothing_behind_the_peers_close_is_looked_at),
      WORLD_TESTS(a_close_inside_a_message_ends_it),
      WORLD_TESTS(a_close_of_one_byte_is_1002),
      WORLD_TESTS(a_close_with_1005_is_1002),
      WORLD_TESTS(a_close_with_999_is_1002),
      WORLD_TESTS(a_close_whose_reason_is_not_utf8_is_1007),
      WORLD_TESTS(a_reason_split_inside_a_character_is_fine),
      WORLD_TESTS(every_code_that_may_be_sent_is_taken),
      WORLD_TESTS(the_consumer_closes_and_waits_for_the_peer),
      WORLD_TESTS(the_code_it_was_closed_with_counts),
      WORLD_TEST(what_was_sent_goes_before_the_close),
      WORLD_TESTS(messages_after_the_close_are_not_delivered),
      WORLD_TEST(a_closed_connection_that_breaks_is_1006),
      WORLD_TEST(a_peer_that_does_not_answer_is_given_close_ms),
      WORLD_TESTS(a_peer_that_answers_with_garbage_is_1006),
      WORLD_TEST(without_memory_for_a_close_frame_it_is_cut),
      WORLD_TESTS(both_close_at_once),
      WORLD_TESTS(closing_inside_receive_stops_delivery),
      WORLD_TESTS(a_receive_that_fails_closes_with_1011),
      WORLD_TESTS(the_host_closes_like_the_consumer),
      WORLD_TEST(the_host_cannot_close_with_any_code),
      WORLD_TEST(closing_before_the_request_is_there_is_503),
      WORLD_TEST(closing_before_the_decision_is_403),
      WORLD_TEST(the_whole_loop_closes),
      WORLD_TESTS(the_end_of_the_stream_is_1006),
      WORLD_TEST(what_was_queued_at_the_end_of_the_stream_can_be_written),
      WORLD_TEST(what_nobody_writes_is_given_up_after_close_ms),
      WORLD_TEST(the_end_of_the_stream_before_the_request_is_just_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

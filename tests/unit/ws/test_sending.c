/* SPDX-License-Identifier: MIT */
#include "world.h"

static const char data[100000];

/* ---- what is sent ----------------------------------------------------------------------- */

static void text_and_bytes_become_frames(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  assert_int_equal(swale_send_text(w->consumer, "text", 4), 0);
  assert_int_equal(swale_send_bytes(w->consumer, "\xff", 1), 0);
  assert_int_equal(swale_send_bytes(w->consumer, "", 0), 0);
  assert_int_equal(swale_send_bytes(w->consumer, data, sizeof data), 0);
  world_drain(w);
  expect_next(w, &at, FIN | TEXT, "text", 4);
  expect_next(w, &at, FIN | BIN, "\xff", 1);
  expect_next(w, &at, FIN | BIN, "", 0);
  expect_next(w, &at, FIN | BIN, data, sizeof data);
  assert_int_equal(at, w->out.len);
}

static void a_shared_payload_is_encoded_once_and_shown_where_it_stands(void **state) {
  struct world *w = *state;
  struct iovec first, second;
  swale_payload *payload;
  world_connect(w);
  assert_int_equal(swale_payload_new(SWALE_TEXT, "shared", 6, &w->u.env.allocator, &payload), 0);
  assert_int_equal(swale_send_payload(w->consumer, payload), 0);
  long before = w->u.allocated;
  assert_int_equal(swale_ws_peek(w->ws, &first, 1), 1);
  expect_text(w, "shared");
  assert_int_equal(swale_send_payload(w->consumer, payload), 0);
  assert_int_equal(swale_ws_peek(w->ws, &second, 1), 1);
  assert_ptr_equal(first.iov_base, second.iov_base);
  assert_int_equal(w->u.allocated, before);
  swale_payload_unref(payload);
  expect_text(w, "shared");
}

static void nothing_is_sent_after_the_end(void **state) {
  struct world *w = *state;
  swale_payload *payload;
  world_connect(w);
  assert_int_equal(swale_payload_new(SWALE_TEXT, "shared", 6, &w->u.env.allocator, &payload), 0);
  swale_close(w->consumer, 1000, NULL);
  assert_int_equal(swale_send_payload(w->consumer, payload), SWALE_ECLOSED);
  assert_int_equal(swale_send_bytes(w->consumer, "x", 1), SWALE_ECLOSED);
  swale_payload_unref(payload);
  expect_close(w, 1000, NULL);
}

/* ---- bounds ----------------------------------------------------------------------------- */

static void output_max_bytes_may_wait(void **state) {
  struct world *w = *state;
  swale_payload *payload;
  w->options.output_max = 1000;
  world_connect(w);
  /* A header of 4 bytes each. */
  assert_int_equal(swale_send_bytes(w->consumer, data, 495), 0);
  assert_int_equal(swale_send_bytes(w->consumer, data, 498), SWALE_EFULL);
  assert_int_equal(swale_payload_new(SWALE_BINARY, data, 498, NULL, &payload), 0);
  assert_int_equal(swale_send_payload(w->consumer, payload), SWALE_EFULL);
  swale_payload_unref(payload);
  assert_int_equal(swale_payload_new(SWALE_BINARY, data, 497, NULL, &payload), 0);
  assert_int_equal(swale_send_payload(w->consumer, payload), 0);
  swale_payload_unref(payload);
  assert_int_equal(swale_send_bytes(w->consumer, "", 0), SWALE_EFULL);
  world_drain_some(w, 1);
  assert_int_equal(swale_send_bytes(w->consumer, "", 0), SWALE_EFULL);
  world_drain_some(w, 1);
  assert_int_equal(swale_send_bytes(w->consumer, "", 0), 0);
}

static void what_is_larger_than_output_max_never_fits(void **state) {
  struct world *w = *state;
  w->options.output_max = 1000;
  world_connect(w);
  assert_int_equal(swale_send_bytes(w->consumer, data, 996), 0);
  world_drain(w);
  bytes_clear(&w->out);
  assert_int_equal(swale_send_bytes(w->consumer, data, 997), SWALE_EFULL);
  assert_int_equal(swale_send_bytes(w->consumer, data, 1001), SWALE_EFULL);
  expect_nothing(w);
}

static void control_frames_and_the_close_fit_always(void **state) {
  struct world *w = *state;
  size_t at = 0;
  w->options.output_max = 1000;
  w->options.output_high = 2000;
  w->options.output_low = 1;
  world_connect(w);
  assert_int_equal(swale_send_bytes(w->consumer, data, 996), 0);
  world_frame(w, FIN | PING, "p", 1);
  assert_int_equal(swale_send_bytes(w->consumer, "", 0), SWALE_EFULL);
  world_drain_some(w, 3);
  assert_int_equal(w->out.at[0], FIN | PONG);
  assert_int_equal(swale_send_bytes(w->consumer, "", 0), SWALE_EFULL);
  assert_int_equal(swale_close(w->consumer, 1000, NULL), 0);
  world_drain(w);
  expect_next(w, &at, FIN | PONG, "p", 1);
  expect_next(w, &at, FIN | BIN, data, 996);
  expect_next(w, &at, FIN | CLOSE, "\x03\xe8", 2);
}

/* ---- back-pressure ---------------------------------------------------------------------- */

static void output_over_its_mark_stops_reading_and_pauses_the_consumer(void **state) {
  struct world *w = *state;
  w->options.output_high = 1000;
  w->options.output_low = 500;
  world_connect(w);
  swale_send_bytes(w->consumer, data, 995);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  swale_send_bytes(w->consumer, data, 0);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_group_send(w, "waits");
  world_run(w);
  world_drain_some(w, 1001 - 501);
  expect_state(w, SWALE_WS_WANT_WRITE);
  bytes_clear(&w->out);
  world_drain_some(w, 1);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  world_drain(w);
  expect_state(
      w, SWALE_WS_WANT_READ); /* an ack calls nobody: a handler might free the connection under its host */
  world_run(w);
  world_drain(w);
  assert_memory_equal(w->out.at + w->out.len - 5, "waits", 5);
  expect_state(w, SWALE_WS_WANT_READ);
}

static void the_exact_marks(void **state) {
  struct world *w = *state;
  w->options.output_high = 100;
  w->options.output_low = 50;
  world_connect(w);
  swale_send_bytes(w->consumer, data, 97);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  world_drain(w);
  swale_send_bytes(w->consumer, data, 98);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_drain_some(w, 49);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_drain_some(w, 1);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
}

static int echo(struct world *w, swale_consumer *c, enum swale_kind kind, const void *bytes, size_t len) {
  (void)w, (void)kind;
  int rv = swale_send_bytes(c, bytes, len);
  return rv == SWALE_EFULL ? 0 : rv;
}

/* Defeats back-pressure, and still memory is bounded. */
static void a_host_that_feeds_all_the_same_breaks_nothing(void **state) {
  struct world *w = *state;
  w->options.output_max = 10000;
  w->options.output_high = 5000;
  w->options.output_low = 1000;
  world_connect(w);
  w->on_receive = echo;
  for (int i = 0; i < 1000; i++)
    assert_int_equal(world_frame(w, FIN | BIN, data, 100), 0);
  assert_int_equal(w->delivered, 100000);
  world_drain(w);
  assert_int_equal(w->out.len, 10000 / 102 * 102);
}

static void without_a_reader_messages_wait_and_then_drop(void **state) {
  struct world *w = *state;
  struct swale_layer_stats stats;
  w->options.output_high = 10;
  w->options.output_low = 1;
  world_connect(w);
  swale_send_bytes(w->consumer, data, 10);
  for (int i = 0; i < 150; i++)
    world_group_send(w, "x");
  world_run(w);
  swale_layer_stats_get(w->layer, &stats);
  assert_int_equal(stats.queued, 100);
  assert_int_equal(stats.dropped[SWALE_DROP_FULL], 50);
}

static void a_failed_connection_drains_below_its_mark(void **state) {
  struct world *w = *state;
  w->options.output_high = 10;
  w->options.output_low = 1;
  world_connect(w);
  swale_send_bytes(w->consumer, data, 10);
  world_frame(w, FIN | 7, "x", 1);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  world_drain(w);
  expect_state(w, SWALE_WS_WANT_READ);
}

/* ---- pongs ------------------------------------------------------------------------------ */

static void pings_are_answered_with_their_payload(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | PING, "payload", 7);
  expect_frame(w, FIN | PONG, "payload", 7);
  world_frame(w, FIN | PING, "", 0);
  expect_frame(w, FIN | PONG, "", 0);
  world_frame(w, FIN | PONG, "unasked", 7);
  expect_nothing(w);
  expect_log(w, "");
}

static void ten_pings_at_once_are_each_answered_in_order(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  for (char i = '0'; i <= '9'; i++)
    bytes_frame(&w->in, FIN | PING, &i, 1);
  world_feed(w);
  world_drain(w);
  for (char i = '0'; i <= '9'; i++)
    expect_next(w, &at, FIN | PONG, &i, 1);
  assert_int_equal(at, w->out.len);
}

static void of_a_flood_of_pings_the_first_few_and_the_last_are_answered(void **state) {
  struct world *w = *state;
  enum { FLOOD = 1000, FEW = 2048 / 127 + 1 };
  size_t at = 0;
  char payload[125] = {0};
  w->options.control_rate = FLOOD;
  world_connect(w);
  for (int i = 0; i < FLOOD; i++) {
    memcpy(payload, &i, sizeof i);
    bytes_frame(&w->in, FIN | PING, payload, sizeof payload);
  }
  world_feed(w);
  world_drain(w);
  for (int i = 0; i <= FEW; i++) {
    int n = i < FEW ? i : FLOOD - 1;
    memcpy(payload, &n, sizeof n);
    expect_next(w, &at, FIN | PONG, payload, sizeof payload);
  }
  assert_int_equal(at, w->out.len);
}

static void a_flood_of_pings_that_reads_nothing_takes_no_memory(void **state) {
  struct world *w = *state;
  struct iovec iov[64];
  w->options.control_rate = UINT16_MAX;
  world_connect(w);
  swale_send_text(w->consumer, "unread", 6);
  world_frame(w, FIN | PING, data, 125);
  swale_ws_peek(w->ws, iov, 64);
  long before = w->u.live;
  for (int i = 0; i < 1000; i++) {
    world_frame(w, FIN | PING, data, 125);
    assert_int_equal(swale_ws_peek(w->ws, iov, 64), 2);
  }
  assert_true(w->u.live <= before + 1);
}

static void a_pong_goes_ahead_of_data_but_not_into_a_frame(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  for (int i = 0; i < 3; i++)
    swale_send_text(w->consumer, "data", 4);
  world_drain_some(w, 2);
  world_frame(w, FIN | PING, "p", 1);
  world_drain(w);
  expect_next(w, &at, FIN | TEXT, "data", 4);
  expect_next(w, &at, FIN | PONG, "p", 1);
  expect_next(w, &at, FIN | TEXT, "data", 4);
  expect_next(w, &at, FIN | TEXT, "data", 4);
}

static void a_pong_that_is_due_is_shown_once_all_else_is_written(void **state) {
  struct world *w = *state;
  struct iovec iov[4];
  world_connect(w);
  swale_send_text(w->consumer, "data", 4);
  assert_int_equal(swale_ws_peek(w->ws, iov, 4), 1);
  world_frame(w, FIN | PING, "p", 1);
  assert_int_equal(swale_ws_ack(w->ws, 6), 0);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  expect_frame(w, FIN | PONG, "p", 1);
}

static void what_was_shown_stays_until_it_is_acked(void **state) {
  struct world *w = *state;
  struct iovec iov[4];
  world_connect(w);
  world_frame(w, FIN | PING, "1", 1);
  swale_send_text(w->consumer, "data", 4);
  assert_int_equal(swale_ws_peek(w->ws, iov, 4), 2);
  world_frame(w, FIN | PING, "2", 1);
  world_frame(w, FIN | PING, "3", 1);
  swale_send_text(w->consumer, "more", 4);
  world_run(w);
  assert_memory_equal(iov[0].iov_base,
                      "\x8a\x01"
                      "1",
                      3);
  assert_memory_equal(iov[1].iov_base,
                      "\x81\x04"
                      "data",
                      6);
}

static void no_pong_after_the_close_frame(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_close(w->consumer, 1000, NULL);
  world_frame(w, FIN | PING, "p", 1);
  expect_close(w, 1000, NULL);
  expect_nothing(w);
}

static void a_pong_that_waits_is_dropped_with_the_close(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  swale_send_text(w->consumer, "data", 4);
  world_frame(w, FIN | PING, "p", 1);
  swale_close(w->consumer, 1000, NULL);
  world_drain(w);
  expect_next(w, &at, FIN | TEXT, "data", 4);
  expect_next(w, &at, FIN | CLOSE, "\x03\xe8", 2);
  assert_int_equal(at, w->out.len);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TEST(text_and_bytes_become_frames),
      WORLD_TEST(a_shared_payload_is_encoded_once_and_shown_where_it_stands),
      WORLD_TEST(nothing_is_sent_after_the_end),
      WORLD_TEST(output_max_bytes_may_wait),
      WORLD_TEST(what_is_larger_than_output_max_never_fits),
      WORLD_TEST(control_frames_and_the_close_fit_always),
      WORLD_TEST(output_over_its_mark_stops_reading_and_pauses_the_consumer),
      WORLD_TEST(the_exact_marks),
      WORLD_TESTS(a_host_that_feeds_all_the_same_breaks_nothing),
      WORLD_TEST(without_a_reader_messages_wait_and_then_drop),
      WORLD_TESTS(a_failed_connection_drains_below_its_mark),
      WORLD_TESTS(pings_are_answered_with_their_payload),
      WORLD_TESTS(ten_pings_at_once_are_each_answered_in_order),
      WORLD_TESTS(of_a_flood_of_pings_the_first_few_and_the_last_are_answered),
      WORLD_TESTS(a_flood_of_pings_that_reads_nothing_takes_no_memory),
      WORLD_TESTS(a_pong_goes_ahead_of_data_but_not_into_a_frame),
      WORLD_TESTS(a_pong_that_is_due_is_shown_once_all_else_is_written),
      WORLD_TESTS(what_was_shown_stays_until_it_is_acked),
      WORLD_TESTS(no_pong_after_the_close_frame),
      WORLD_TESTS(a_pong_that_waits_is_dropped_with_the_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

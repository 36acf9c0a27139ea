/* SPDX-License-Identifier: MIT */
#include "world.h"

static const char data[100000];

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

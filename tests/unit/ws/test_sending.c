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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

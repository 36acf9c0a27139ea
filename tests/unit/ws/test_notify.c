/* SPDX-License-Identifier: MIT */
#include "world.h"

static void sixteen_messages_in_one_run_are_one_call_and_one_view(void **state) {
  struct world *w = *state;
  struct iovec iov[32];
  world_connect(w);
  for (int i = 0; i < 16; i++)
    assert_int_equal(world_group_send(w, "message"), 1);
  world_run(w);
  assert_int_equal(w->outputs, 1);
  assert_int_equal(swale_ws_peek(w->ws, iov, 32), 16);
}

static void output_of_a_feed_is_not_told(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | PING, "", 0);
  world_close_frame(w, 1000, NULL);
  world_run(w);
  assert_int_equal(w->outputs, 0);
}

static void while_output_waits_more_of_it_is_not_told(void **state) {
  struct world *w = *state;
  struct iovec iov;
  world_connect(w);
  world_group_send(w, "one");
  world_run(w);
  assert_int_equal(w->outputs, 1);
  swale_ws_peek(w->ws, &iov, 1);
  world_group_send(w, "two");
  world_run(w);
  assert_int_equal(w->outputs, 1);
  world_drain(w);
  world_group_send(w, "three");
  world_run(w);
  assert_int_equal(w->outputs, 2);
}

static void the_end_that_an_ack_brings_is_told_too(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_close_frame(w, 1000, NULL);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_drain(w);
  expect_state(w, SWALE_WS_CLOSED);
  assert_int_equal(w->outputs, 0);
  world_run(w);
  assert_int_equal(w->outputs, 1);
  world_run(w);
  assert_int_equal(w->outputs, 1);
}

static void write_all(struct world *w, swale_ws *ws) {
  (void)ws;
  world_drain(w);
}

static void the_host_may_write_in_the_call(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_output = write_all;
  for (int i = 1; i < 10; i++) {
    world_group_send(w, "message");
    world_run(w);
    assert_int_equal(w->outputs, i);
    expect_text(w, "message");
  }
}

static void feed_in_output(struct world *w, swale_ws *ws) {
  (void)ws;
  if (w->outputs == 1)
    world_text(w, "from inside");
}

static void the_host_may_feed_in_the_call(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_output = feed_in_output;
  world_group_send(w, "message");
  world_run(w);
  expect_log(w, "text:from inside");
}

static void output_written_before_the_end_of_the_run_is_not_told(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_send_text(w->consumer, "message", 7);
  world_drain(w);
  world_run(w);
  assert_int_equal(w->outputs, 0);
}

static int send_on_connect(struct world *w, swale_consumer *c) {
  (void)w;
  int rv = swale_accept(c, NULL);
  return rv == 0 ? swale_send_text(c, "welcome", 7) : rv;
}

static void what_connect_sends_comes_with_the_answer(void **state) {
  struct world *w = *state;
  w->on_connect = send_on_connect;
  world_new(w);
  world_feed_text(w, REQUEST);
  assert_int_equal(w->outputs, 0);
  expect_status(w, 101, "\x81\x07welcome");
}

static void send_on_disconnect(struct world *w, swale_consumer *c, int code) {
  (void)w, (void)code;
  assert_int_equal(swale_send_text(c, "too late", 8), SWALE_ECLOSED);
}

static void nothing_can_be_sent_from_disconnect(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_disconnect = send_on_disconnect;
  swale_ws_feed_eof(w->ws);
  expect_closed(w);
  assert_int_equal(w->outputs, 0);
}

/* What comes up after a feed, at the end of the outermost call, still belongs to it. */
static int pause_and_queue(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                           size_t len) {
  (void)kind, (void)data, (void)len;
  world_group_send(w, "through the layer");
  return swale_send_text(c, "at once", 7);
}

static void the_layer_is_not_run_by_a_feed(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_receive = pause_and_queue;
  world_text(w, "x");
  expect_text(w, "at once");
  world_run(w);
  assert_int_equal(w->outputs, 1);
  expect_text(w, "through the layer");
}

/* ---- others ------------------------------------------------------------------------------ */

static int speak_to_the_other(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                              size_t len) {
  swale_consumer *other = swale_ws_host_data(w->ws);
  (void)kind;
  return c == other ? 0 : swale_send_text(other, data, len);
}

/* A connection that is open, beside which another is. Answers this one. */
static swale_ws *connect_beside(struct world *w) {
  world_connect(w);
  swale_ws *ws = w->ws;
  swale_consumer *consumer = w->consumer;
  world_connect(w);
  swale_ws_set_host_data(w->ws, consumer);
  return ws;
}

static void end_it(struct world *w, swale_ws *ws) {
  if (ws != w->ws)
    swale_ws_free(ws);
}

/* So a host may free it without looking whether another event of it is still to come. */
static void what_the_feed_of_one_sends_to_another_is_told_by_the_run(void **state) {
  struct world *w = *state;
  swale_ws *ws = connect_beside(w);
  w->on_receive = speak_to_the_other;
  w->on_output = end_it;
  world_text(w, "hello");
  assert_int_equal(w->outputs, 0);
  assert_int_equal(swale_ws_state(ws), SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  world_run(w);
  assert_int_equal(w->outputs, 1);
}

static void what_was_done_outside_of_calls_is_told_by_the_run(void **state) {
  struct world *w = *state;
  connect_beside(w);
  w->on_output = end_it;
  swale_loop_drain(w->loop, NULL);
  world_text(w, "not heard any more");
  assert_int_equal(w->outputs, 0);
  world_run(w);
  assert_int_equal(w->outputs, 1);
}

static void a_feed_that_shows_the_state_spares_the_call(void **state) {
  struct world *w = *state;
  swale_ws *ws = connect_beside(w);
  w->on_receive = speak_to_the_other;
  world_text(w, "hello");
  bytes_frame(&w->in, FIN | TEXT, "x", 1);
  assert_int_equal(swale_ws_feed(ws, w->in.at, w->in.len), 0);
  world_run(w);
  assert_int_equal(w->outputs, 0);
  swale_ws_free(ws);
}

static void a_host_without_on_output_asks_the_state(void **state) {
  struct world *w = *state;
  w->options.on_output = NULL;
  world_connect(w);
  world_group_send(w, "message");
  world_run(w);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  expect_text(w, "message");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TEST(sixteen_messages_in_one_run_are_one_call_and_one_view),
      WORLD_TESTS(output_of_a_feed_is_not_told),
      WORLD_TEST(while_output_waits_more_of_it_is_not_told),
      WORLD_TEST(the_end_that_an_ack_brings_is_told_too),
      WORLD_TEST(the_host_may_write_in_the_call),
      WORLD_TESTS(the_host_may_feed_in_the_call),
      WORLD_TEST(output_written_before_the_end_of_the_run_is_not_told),
      WORLD_TESTS(what_connect_sends_comes_with_the_answer),
      WORLD_TEST(nothing_can_be_sent_from_disconnect),
      WORLD_TEST(the_layer_is_not_run_by_a_feed),
      WORLD_TESTS(what_the_feed_of_one_sends_to_another_is_told_by_the_run),
      WORLD_TESTS(what_was_done_outside_of_calls_is_told_by_the_run),
      WORLD_TEST(a_feed_that_shows_the_state_spares_the_call),
      WORLD_TEST(a_host_without_on_output_asks_the_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "world.h"

#define OPEN SWALE_WS_WANT_READ

/* ---- the request ------------------------------------------------------------------------ */

static void a_request_that_does_not_come_is_408(void **state) {
  struct world *w = *state;
  world_new(w);
  world_pass(w, 9999);
  expect_state(w, SWALE_WS_WANT_READ);
  world_pass(w, 1);
  assert_int_equal(w->outputs, 1);
  expect_status(w, 408, NULL);
  bytes_clear(&w->out);
  expect_closed(w);
}

static void bytes_do_not_put_the_deadline_off(void **state) {
  struct world *w = *state;
  world_new(w);
  for (int i = 0; i < 10; i++) {
    world_feed_bytes(w, &REQUEST[i], 1);
    world_pass(w, 1000);
  }
  expect_status(w, 408, NULL);
  assert_int_equal(w->reported, 408);
}

static void no_deadline_for_the_request_is_none(void **state) {
  struct world *w = *state;
  w->options.handshake_ms = 0;
  world_new(w);
  assert_int_equal(swale_loop_timeout_ms(w->loop), -1);
  world_feed_text(w, REQUEST);
  expect_status(w, 101, "");
}

static void a_refusal_that_nobody_writes_is_given_up(void **state) {
  struct world *w = *state;
  world_new(w);
  world_pass(w, 10000);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_pass(w, 5000);
  expect_closed(w);
}

/* ---- pings ------------------------------------------------------------------------------ */

static void silence_is_broken_by_a_ping(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_pass(w, 24999);
  expect_nothing(w);
  world_pass(w, 1);
  assert_int_equal(w->outputs, 1);
  expect_frame(w, FIN | PING, "", 0);
}

static void a_peer_that_does_not_answer_is_given_up(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_pass(w, 25000);
  expect_frame(w, FIN | PING, "", 0);
  world_pass(w, 9999);
  expect_log(w, "");
  world_pass(w, 1);
  expect_log(w, "disconnect:1006");
  assert_int_equal(w->outputs, 2);
  assert_int_equal(w->reported, SWALE_ECLOSED);
  expect_closed(w);
}

static void any_byte_is_an_answer(void **state) {
  struct world *w = *state;
  world_connect(w);
  for (int i = 0; i < 5; i++) {
    world_pass(w, 25000);
    expect_frame(w, FIN | PING, "", 0);
    world_pass(w, 9999);
    world_frame(w, FIN | PONG, "", 0);
  }
  world_pass(w, 25000 - 1);
  expect_nothing(w);
  expect_state(w, OPEN);
}

static void half_a_frame_is_an_answer_too(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_pass(w, 25000);
  expect_frame(w, FIN | PING, "", 0);
  world_feed_bytes(w, "\x81", 1);
  world_pass(w, 24999);
  expect_nothing(w);
  expect_state(w, OPEN);
}

static void who_talks_is_not_pinged(void **state) {
  struct world *w = *state;
  world_connect(w);
  for (int i = 0; i < 100; i++) {
    world_pass(w, 20000);
    world_text(w, "x");
  }
  expect_nothing(w);
}

static void feeding_arms_no_timer(void **state) {
  struct world *w = *state;
  world_connect(w);
  int before = swale_loop_timeout_ms(w->loop);
  w->u.now_ms += 1000;
  world_text(w, "x");
  assert_int_equal(swale_loop_timeout_ms(w->loop), before - 1000);
}

static void without_pong_ms_pings_are_a_sign_of_life_only(void **state) {
  struct world *w = *state;
  w->options.pong_ms = 0;
  world_connect(w);
  for (int i = 0; i < 10; i++) {
    world_pass(w, 25000);
    expect_frame(w, FIN | PING, "", 0);
  }
  expect_state(w, OPEN);
}

static void without_pong_ms_unwritten_pings_do_not_pile_up(void **state) {
  struct world *w = *state;
  struct iovec iov[4];
  w->options.pong_ms = 0;
  world_connect(w);
  swale_send_text(w->consumer, "x", 1);
  for (int i = 0; i < 100; i++) {
    world_pass(w, 25000);
    swale_ws_peek(w->ws, iov, 4);
  }
  assert_int_equal(swale_ws_peek(w->ws, iov, 4), 2);
}

static void without_ping_ms_there_are_no_pings(void **state) {
  struct world *w = *state;
  w->options.ping_ms = 0;
  w->options.idle_ms = 0;
  world_connect(w);
  world_run(w);
  w->u.now_ms += 30000;
  world_run(w);
  assert_int_equal(swale_loop_timeout_ms(w->loop), -1);
  expect_nothing(w);
}

static void a_ping_goes_ahead_of_waiting_data(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  for (int i = 0; i < 3; i++)
    swale_send_text(w->consumer, "data", 4);
  world_drain_some(w, 3);
  world_pass(w, 25000);
  world_drain(w);
  expect_next(w, &at, FIN | TEXT, "data", 4);
  expect_next(w, &at, FIN | PING, "", 0);
  expect_next(w, &at, FIN | TEXT, "data", 4);
}

static void a_ping_without_memory_is_not_waited_for(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->u.fail_at = 1;
  world_pass(w, 25000);
  assert_int_equal(w->u.fail_at, 0);
  expect_nothing(w);
  world_pass(w, 24999);
  expect_nothing(w);
  world_pass(w, 1);
  expect_frame(w, FIN | PING, "", 0);
}

static void a_ping_that_waits_is_dropped_at_the_end(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_send_text(w->consumer, "data", 4);
  world_pass(w, 25000);
  swale_ws_feed_eof(w->ws);
  expect_text(w, "data");
  expect_closed(w);
}

/* ---- idleness --------------------------------------------------------------------------- */

static void without_messages_it_is_closed_after_idle_ms(void **state) {
  struct world *w = *state;
  w->options.idle_ms = 60000;
  world_connect(w);
  for (int i = 0; i < 59; i++) {
    world_pass(w, 1000);
    world_frame(w, FIN | PING, "x", 1);
    expect_frame(w, FIN | PONG, "x", 1);
  }
  world_pass(w, 999);
  expect_nothing(w);
  world_pass(w, 1);
  expect_close(w, 1001, "idle");
  world_close_frame(w, 1001, NULL);
  expect_log(w, "disconnect:1001");
}

static void a_message_in_or_out_is_no_idleness(void **state) {
  struct world *w = *state;
  w->options.idle_ms = 60000;
  w->options.ping_ms = 0;
  world_connect(w);
  for (int i = 0; i < 10; i++) {
    world_pass(w, 59999);
    world_text(w, "x");
    world_pass(w, 59999);
    swale_send_text(w->consumer, "x", 1);
    world_run(w);
    expect_text(w, "x");
  }
  world_pass(w, 60000);
  expect_close(w, 1001, "idle");
}

/* ---- what is not read ------------------------------------------------------------------- */

static void fill_output(struct world *w) {
  unsigned char data[1000] = {0};
  while (swale_ws_state(w->ws) & SWALE_WS_WANT_READ)
    assert_int_equal(swale_send_bytes(w->consumer, data, sizeof data), 0);
}

static void while_reading_is_stopped_progress_in_writing_is_a_sign_of_life(void **state) {
  struct world *w = *state;
  world_connect(w);
  fill_output(w);
  for (int i = 0; i < 20; i++) {
    world_pass(w, 30000);
    world_drain_some(w, 100);
    expect_log(w, "");
  }
  bytes_clear(&w->out);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_pass(w, 35000);
  expect_log(w, "disconnect:1006");
  expect_closed(w);
}

static void a_peer_that_takes_nothing_is_given_up(void **state) {
  struct world *w = *state;
  world_connect(w);
  fill_output(w);
  world_pass(w, 34999);
  expect_log(w, "");
  world_pass(w, 1);
  expect_log(w, "disconnect:1006");
}

/* ---- closing ---------------------------------------------------------------------------- */

static void without_close_ms_the_peer_may_take_for_ever(void **state) {
  struct world *w = *state;
  w->options.close_ms = 0;
  world_connect(w);
  swale_ws_close(w->ws, 1000, NULL);
  world_run(w);
  assert_int_equal(swale_loop_timeout_ms(w->loop), -1);
  expect_close(w, 1000, NULL);
  world_close_frame(w, 1000, NULL);
  expect_closed(w);
}

static void the_time_for_closing_is_not_given_twice(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_ws_close(w->ws, 1000, NULL);
  world_pass(w, 4000);
  world_close_frame(w, 1000, NULL);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_pass(w, 999);
  expect_state(w, SWALE_WS_WANT_WRITE);
  world_pass(w, 1);
  expect_closed(w);
}

/* The low 32 bits of the clock are all that is kept. */
static void the_clock_may_pass_32_bits(void **state) {
  struct world *w = *state;
  w->u.now_ms = (UINT64_C(1) << 32) - 10000;
  world_run(w);
  world_connect(w);
  world_pass(w, 24999);
  expect_nothing(w);
  world_pass(w, 1);
  expect_frame(w, FIN | PING, "", 0);
  world_pass(w, 10000);
  expect_log(w, "disconnect:1006");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TEST(a_request_that_does_not_come_is_408),
      WORLD_TEST(bytes_do_not_put_the_deadline_off),
      WORLD_TEST(no_deadline_for_the_request_is_none),
      WORLD_TEST(a_refusal_that_nobody_writes_is_given_up),
      WORLD_TEST(silence_is_broken_by_a_ping),
      WORLD_TEST(a_peer_that_does_not_answer_is_given_up),
      WORLD_TEST(any_byte_is_an_answer),
      WORLD_TEST(half_a_frame_is_an_answer_too),
      WORLD_TEST(who_talks_is_not_pinged),
      WORLD_TEST(feeding_arms_no_timer),
      WORLD_TEST(without_pong_ms_pings_are_a_sign_of_life_only),
      WORLD_TEST(without_pong_ms_unwritten_pings_do_not_pile_up),
      WORLD_TEST(without_ping_ms_there_are_no_pings),
      WORLD_TEST(a_ping_goes_ahead_of_waiting_data),
      WORLD_TEST(a_ping_without_memory_is_not_waited_for),
      WORLD_TEST(a_ping_that_waits_is_dropped_at_the_end),
      WORLD_TEST(without_messages_it_is_closed_after_idle_ms),
      WORLD_TEST(a_message_in_or_out_is_no_idleness),
      WORLD_TEST(while_reading_is_stopped_progress_in_writing_is_a_sign_of_life),
      WORLD_TEST(a_peer_that_takes_nothing_is_given_up),
      WORLD_TEST(without_close_ms_the_peer_may_take_for_ever),
      WORLD_TEST(the_time_for_closing_is_not_given_twice),
      WORLD_TEST(the_clock_may_pass_32_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

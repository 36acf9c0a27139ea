/* SPDX-License-Identifier: MIT */
/* How much a peer may send in a second: at the limit, one less, one more. */
#include "world.h"

enum { MASKED_HEADER = 6 };

static char data[4096];

static void send_texts(struct world *w, int n) {
  for (int i = 0; i < n; i++)
    bytes_frame(&w->in, FIN | TEXT, "x", 1);
  world_feed(w);
}

static void expect_received(struct world *w, int n) {
  assert_int_equal(w->delivered, n);
  w->delivered = 0;
  w->log[0] = '\0';
}

static void expect_1008(struct world *w) {
  expect_close(w, 1008, NULL);
  assert_int_equal(w->reports, 1);
  assert_int_equal(w->reported, SWALE_EFULL);
  assert_int_equal(w->disconnects, 1);
}

static void as_many_messages_as_the_rate_may_come_at_once_and_not_one_more(void **state) {
  struct world *w = *state;
  static const uint32_t rates[] = {1, 2, 3, 7, 100, 999, 1000};
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    int rate = (int)rates[i];
    w->options.message_rate = rates[i];
    world_connect(w);
    send_texts(w, rate - 1);
    expect_received(w, rate - 1);
    send_texts(w, 1);
    expect_received(w, 1);
    expect_nothing(w);
    send_texts(w, 1);
    expect_received(w, 0);
    expect_1008(w);
    world_end(w);
  }
}

static void the_bucket_of_messages_fills_within_a_second(void **state) {
  struct world *w = *state;
  w->options.message_rate = 10;
  world_connect(w);
  send_texts(w, 10);
  world_pass(w, 300);
  send_texts(w, 3);
  expect_received(w, 13);
  world_pass(w, 5000);
  send_texts(w, 10);
  expect_received(w, 10);
  world_pass(w, 99);
  send_texts(w, 1);
  expect_received(w, 0);
  expect_1008(w);
}

/* What fills the bucket is not lost however small the steps are in which something comes. */
static void a_peer_that_keeps_to_the_rate_may_do_so_for_ever(void **state) {
  struct world *w = *state;
  w->options.message_rate = 100;
  w->options.byte_rate = 1500;
  w->options.message_max = 100;
  world_connect(w);
  send_texts(w, 90);
  for (int i = 0; i < 2000; i++) {
    world_pass(w, 5);
    if (i % 2 == 0)
      send_texts(w, 1); /* 7 bytes in 10 ms, 700 a second */
    w->log[0] = '\0';
  }
  expect_nothing(w);
  expect_received(w, 1090);
}

/* A message counts when it begins. */
static void a_fragmented_message_is_one(void **state) {
  struct world *w = *state;
  w->options.message_rate = 2;
  world_connect(w);
  for (int i = 0; i < 2; i++) {
    world_frame(w, TEXT, "a", 1);
    world_frame(w, CONT, "b", 1);
    world_frame(w, FIN | CONT, "c", 1);
  }
  expect_log(w, "text:abc text:abc");
  expect_nothing(w);
  world_frame(w, TEXT, "a", 1);
  expect_1008(w);
}

static void as_many_bytes_as_the_rate_may_come_at_once_and_not_one_more(void **state) {
  struct world *w = *state;
  for (int more = -1; more <= 1; more++) {
    w->options.message_max = 1000;
    w->options.byte_rate = 3000;
    world_connect(w);
    world_frame(w, FIN | BIN, data, 900);
    world_frame(w, FIN | BIN, data, 900);
    /* Headers take 8 bytes. */
    world_frame(w, FIN | BIN, data, (size_t)(3000 - 2 * 908 - 8 - 300 + more));
    world_frame(w, FIN | BIN, data, 300 - 8);
    if (more <= 0)
      expect_nothing(w);
    else
      expect_1008(w);
    world_end(w);
  }
}

static void the_largest_message_fits_whatever_the_rate_of_bytes(void **state) {
  struct world *w = *state;
  w->options.message_max = 4096;
  w->options.byte_rate = 1;
  world_connect(w);
  world_frame(w, FIN | BIN, data, 4096);
  expect_log(w, "bytes#4096");
  world_frame(w, FIN | BIN, data, 1);
  world_frame(w, FIN | BIN, data, 1);
  expect_1008(w);
}

static void a_frame_that_is_too_much_is_refused_by_its_header(void **state) {
  struct world *w = *state;
  w->options.byte_rate = 1 << 20;
  world_connect(w);
  world_frame(w, FIN | BIN, data, 4096);
  bytes_header(&w->in, FIN | BIN, true, 1 << 20, 64);
  bytes_add(&w->in, "x", 1);
  world_feed(w);
  expect_1008(w);
}

static void send_pongs(struct world *w, int n) {
  for (int i = 0; i < n; i++)
    bytes_frame(&w->in, FIN | PONG, "", 0);
  world_feed(w);
}

static void as_many_control_frames_as_the_rate_may_come_at_once_and_not_one_more(void **state) {
  struct world *w = *state;
  static const uint16_t rates[] = {1, 2, 3, 7, 100, 999, 1000, 1001, 40000, UINT16_MAX};
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    w->options.control_rate = rates[i];
    world_connect(w);
    send_pongs(w, rates[i] - 1);
    world_frame(w, FIN | PING, "", 0);
    expect_frame(w, FIN | PONG, "", 0);
    world_pass(w, 1000);
    send_pongs(w, rates[i]);
    expect_nothing(w);
    send_pongs(w, 1);
    expect_failed(w, 1008, SWALE_EFULL);
    world_end(w);
  }
}

/* Wherever the second is cut. */
static void not_twice_as_many_control_frames_come_across_the_edge_of_a_second(void **state) {
  struct world *w = *state;
  w->options.control_rate = 100;
  w->u.now_ms = 10999;
  world_connect(w);
  send_pongs(w, 100);
  world_pass(w, 2); /* 11001: one has come back */
  send_pongs(w, 1);
  expect_nothing(w);
  send_pongs(w, 1);
  expect_failed(w, 1008, SWALE_EFULL);
}

static void the_bucket_of_control_frames_fills_within_a_second(void **state) {
  struct world *w = *state;
  w->options.control_rate = 10;
  w->u.now_ms = 10050;
  world_connect(w);
  send_pongs(w, 10);
  world_pass(w, 300);
  send_pongs(w, 3);
  world_pass(w, 5000);
  send_pongs(w, 10);
  expect_nothing(w);
  world_pass(w, 49);
  send_pongs(w, 1);
  expect_failed(w, 1008, SWALE_EFULL);
}

/* However small the steps are in which they come; and the clock's 32 bits end on the way. */
static void a_peer_that_keeps_to_the_rate_of_control_frames_may_do_so_for_ever(void **state) {
  struct world *w = *state;
  w->options.control_rate = 300;
  w->u.now_ms = UINT32_MAX - UINT64_C(5000);
  world_connect(w);
  send_pongs(w, 296);
  for (int i = 0; i < 10000; i++) {
    world_pass(w, 1);
    send_pongs(w, i % 10 < 3);
    assert_int_equal(w->reports, 0);
  }
  send_pongs(w, 4 + 3 + 1); /* the rest that it began with, what has come back since, and one */
  expect_failed(w, 1008, SWALE_EFULL);
}

static void control_frames_are_no_messages_and_messages_no_control_frames(void **state) {
  struct world *w = *state;
  w->options.control_rate = 3;
  w->options.message_rate = 3;
  world_connect(w);
  for (int i = 0; i < 3; i++) {
    world_frame(w, FIN | PONG, "", 0);
    world_text(w, "x");
  }
  expect_nothing(w);
  expect_received(w, 3);
}

/* A peer whose consumer is slow cannot save up more than a bucket, nor lose what it had. */
static void buckets_fill_while_reading_is_stopped(void **state) {
  struct world *w = *state;
  w->options.message_rate = 4;
  w->options.output_high = 100;
  w->options.output_low = 50;
  world_connect(w);
  send_texts(w, 4);
  expect_received(w, 4);
  swale_send_bytes(w->consumer, data, 200);
  expect_state(w, SWALE_WS_WANT_WRITE);
  for (int i = 0; i < 4; i++) {
    world_pass(w, 250);
    world_drain_some(w, 10);
  }
  world_drain(w);
  bytes_clear(&w->out);
  send_texts(w, 4);
  expect_received(w, 4);
  expect_nothing(w);
  send_texts(w, 1);
  expect_1008(w);
}

static void what_comes_after_the_close_is_not_counted(void **state) {
  struct world *w = *state;
  w->options.control_rate = 2;
  w->options.message_rate = 1;
  world_connect(w);
  assert_int_equal(swale_close(w->consumer, 4001, NULL), 0);
  expect_close(w, 4001, NULL);
  for (int i = 0; i < 5; i++) {
    world_frame(w, FIN | PING, "", 0);
    world_frame(w, FIN | TEXT, "", 0);
  }
  world_close_frame(w, 4001, NULL);
  expect_log(w, "disconnect:4001");
  assert_int_equal(w->reports, 0);
  expect_closed(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TESTS(as_many_messages_as_the_rate_may_come_at_once_and_not_one_more),
      WORLD_TESTS(the_bucket_of_messages_fills_within_a_second),
      WORLD_TEST(a_peer_that_keeps_to_the_rate_may_do_so_for_ever),
      WORLD_TESTS(a_fragmented_message_is_one),
      WORLD_TESTS(as_many_bytes_as_the_rate_may_come_at_once_and_not_one_more),
      WORLD_TESTS(the_largest_message_fits_whatever_the_rate_of_bytes),
      WORLD_TESTS(a_frame_that_is_too_much_is_refused_by_its_header),
      WORLD_TESTS(as_many_control_frames_as_the_rate_may_come_at_once_and_not_one_more),
      WORLD_TESTS(not_twice_as_many_control_frames_come_across_the_edge_of_a_second),
      WORLD_TESTS(the_bucket_of_control_frames_fills_within_a_second),
      WORLD_TEST(a_peer_that_keeps_to_the_rate_of_control_frames_may_do_so_for_ever),
      WORLD_TESTS(control_frames_are_no_messages_and_messages_no_control_frames),
      WORLD_TESTS(buckets_fill_while_reading_is_stopped),
      WORLD_TESTS(what_comes_after_the_close_is_not_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>

#define OPEN SWALE_WS_WANT_READ

/* ---- messages --------------------------------------------------------------------------- */

static void messages_of_one_frame_are_delivered(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, FIN | TEXT, "hello", 5);
  bytes_frame(&w->in, FIN | BIN, "\xff\x01", 2);
  bytes_frame(&w->in, FIN | TEXT, "", 0);
  assert_int_equal(world_feed(w), 0);
  expect_log(w, "text:hello bytes:\xff\x01 text:");
  expect_state(w, OPEN);
}

static void fragments_become_one_message(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, TEXT, "one ", 4);
  bytes_frame(&w->in, CONT, "", 0);
  bytes_frame(&w->in, CONT, "two ", 4);
  bytes_frame(&w->in, FIN | CONT, "three", 5);
  bytes_frame(&w->in, FIN | BIN, "next", 4);
  world_feed(w);
  expect_log(w, "text:one two three bytes:next");
}

static void fragments_may_all_be_empty(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, BIN, "", 0);
  bytes_frame(&w->in, FIN | CONT, "", 0);
  world_feed(w);
  expect_log(w, "bytes:");
}

static void control_frames_come_between_fragments(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, TEXT, "a", 1);
  bytes_frame(&w->in, FIN | PING, "p", 1);
  bytes_frame(&w->in, FIN | PONG, "q", 1);
  bytes_frame(&w->in, FIN | CONT, "b", 1);
  world_feed(w);
  expect_log(w, "text:ab");
  expect_frame(w, FIN | PONG, "p", 1);
}

static unsigned char pattern_at(size_t i) { return (unsigned char)('a' + i % 23); }

static void fill(unsigned char *at, size_t len) {
  for (size_t i = 0; i < len; i++)
    at[i] = pattern_at(i);
}

static int check_pattern(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                         size_t len) {
  (void)w, (void)c, (void)kind;
  const unsigned char *bytes = data;
  for (size_t i = 0; i < len; i++)
    if (bytes[i] != pattern_at(i))
      fail_msg("byte %zu is wrong", i);
  return 0;
}

/* Around the three forms of lengths, and of wslay's buffer. */
static void messages_of_every_size_arrive_unchanged(void **state) {
  static const size_t sizes[] = {1,    2,    3,    4,    5,    124,  125,   126,   127,   128,
                                 4081, 4082, 4083, 4090, 4096, 8192, 65535, 65536, 65537, 200000};
  struct world *w = *state;
  unsigned char *data = malloc(200000);
  fill(data, 200000);
  world_connect(w);
  w->on_receive = check_pattern;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    w->delivered = 0;
    w->log[0] = '\0';
    world_frame(w, FIN | TEXT, data, sizes[i]);
    assert_int_equal(w->delivered, sizes[i]);
    bytes_frame(&w->in, BIN, data, sizes[i] / 2);
    bytes_frame(&w->in, FIN | CONT, data + sizes[i] / 2, sizes[i] - sizes[i] / 2);
    world_feed(w);
    assert_int_equal(w->delivered, 2 * sizes[i]);
  }
  free(data);
}

static void many_messages_in_one_feed(void **state) {
  struct world *w = *state;
  world_connect(w);
  for (int i = 0; i < 1000; i++)
    bytes_frame(&w->in, FIN | BIN, "0123456789", 10);
  world_feed(w);
  assert_int_equal(w->delivered, 10000);
}

/* ---- text ------------------------------------------------------------------------------- */

static void text_is_split_anywhere_in_a_character(void **state) {
  static const char text[] = "k\xc3\xb6lle \xe2\x82\xac \xf0\x9f\x98\x80!";
  struct world *w = *state;
  world_connect(w);
  for (size_t i = 0; i < sizeof text; i++) {
    bytes_frame(&w->in, TEXT, text, i);
    bytes_frame(&w->in, FIN | CONT, text + i, sizeof text - 1 - i);
    world_feed(w);
    expect_log(w, "text:k\xc3\xb6lle \xe2\x82\xac \xf0\x9f\x98\x80!");
  }
}

static void text_that_is_not_utf8_is_1007(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | TEXT, "a\xff", 2);
  expect_failed(w, 1007, SWALE_EUTF8);
}

static void text_that_ends_inside_a_character_is_1007(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, TEXT, "\xe2", 1);
  bytes_frame(&w->in, FIN | CONT, "\x82", 1);
  world_feed(w);
  expect_failed(w, 1007, SWALE_EUTF8);
}

static void bad_text_fails_at_the_byte_not_at_the_end(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_header(&w->in, TEXT, true, 1000, 16);
  bytes_puts(&w->in, "fine so far");
  world_feed(w);
  expect_log(w, "");
  world_feed_bytes(w, "\xc0", 1);
  expect_failed(w, 1007, SWALE_EUTF8);
}

static void bytes_need_not_be_utf8(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, BIN, "\xff", 1);
  bytes_frame(&w->in, FIN | CONT, "\xfe", 1);
  world_feed(w);
  expect_log(w, "bytes:\xff\xfe");
}

/* ---- frames that may not be ------------------------------------------------------------- */

static void frame_fails(struct world *w, unsigned first, bool masked, unsigned code) {
  world_connect(w);
  bytes_header(&w->in, first, masked, 1, 7);
  bytes_puts(&w->in, "x");
  world_feed(w);
  expect_failed(w, code, SWALE_EPROTOCOL);
}

static void an_unmasked_frame_is_1002(void **state) { frame_fails(*state, FIN | TEXT, false, 1002); }
static void an_unmasked_ping_is_1002(void **state) { frame_fails(*state, FIN | PING, false, 1002); }
static void rsv1_is_1002(void **state) { frame_fails(*state, 0x40 | FIN | TEXT, true, 1002); }
static void rsv2_is_1002(void **state) { frame_fails(*state, 0x20 | FIN | TEXT, true, 1002); }
static void rsv3_is_1002(void **state) { frame_fails(*state, 0x10 | FIN | TEXT, true, 1002); }
static void rsv_of_a_control_frame_is_1002(void **state) {
  frame_fails(*state, 0x40 | FIN | PING, true, 1002);
}
static void a_continuation_of_nothing_is_1002(void **state) { frame_fails(*state, FIN | CONT, true, 1002); }
static void a_fragmented_ping_is_1002(void **state) { frame_fails(*state, PING, true, 1002); }

static void reserved_opcodes_are_1002(void **state) {
  struct world *w = *state;
  for (unsigned opcode = 3; opcode < 16; opcode++) {
    if (opcode >= 8 && opcode <= 10)
      continue;
    frame_fails(w, FIN | opcode, true, 1002);
    world_end(w);
  }
}

static void a_message_inside_another_is_1002(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, TEXT, "a", 1);
  bytes_frame(&w->in, FIN | TEXT, "b", 1);
  world_feed(w);
  expect_failed(w, 1002, SWALE_EPROTOCOL);
}

/* What wslay itself finds: the stream cannot be told apart any more, so nothing is read afterwards. */
static void header_breaks(struct world *w, unsigned first, uint64_t len, int form) {
  world_connect(w);
  bytes_header(&w->in, first, true, len, form);
  world_feed(w);
  expect_failed(w, 1002, SWALE_EPROTOCOL);
  expect_state(w, SWALE_WS_CLOSED);
  assert_int_equal(swale_ws_feed(w->ws, "x", 1), SWALE_ECLOSED);
}

static void a_control_frame_of_126_bytes_is_1002(void **state) { header_breaks(*state, FIN | PING, 126, 16); }
static void a_length_of_16_bits_that_fits_7_is_1002(void **state) {
  header_breaks(*state, FIN | BIN, 125, 16);
}
static void a_length_of_64_bits_that_fits_16_is_1002(void **state) {
  header_breaks(*state, FIN | BIN, 65535, 64);
}
static void a_length_with_the_top_bit_is_1002(void **state) {
  header_breaks(*state, FIN | BIN, UINT64_C(1) << 63, 64);
}

static void a_ping_of_125_bytes_is_fine(void **state) {
  struct world *w = *state;
  unsigned char payload[125];
  fill(payload, sizeof payload);
  world_connect(w);
  world_frame(w, FIN | PING, payload, sizeof payload);
  expect_frame(w, FIN | PONG, payload, sizeof payload);
}

/* ---- limits ----------------------------------------------------------------------------- */

static void a_message_may_have_message_max_bytes(void **state) {
  struct world *w = *state;
  unsigned char data[1001] = {0};
  w->options.message_max = 1000;
  for (size_t len = 999; len <= 1001; len++) {
    world_connect(w);
    world_frame(w, FIN | BIN, data, len);
    if (len <= 1000) {
      assert_int_equal(w->delivered, len);
      expect_nothing(w);
    } else {
      expect_failed(w, 1009, SWALE_ESIZE);
    }
    world_end(w);
  }
}

static void the_limit_holds_for_fragments_together(void **state) {
  struct world *w = *state;
  w->options.message_max = 1000;
  unsigned char data[501] = {0};
  for (size_t last = 499; last <= 501; last++) {
    world_connect(w);
    bytes_frame(&w->in, BIN, data, 500);
    bytes_frame(&w->in, CONT, data, 0);
    bytes_frame(&w->in, FIN | CONT, data, last);
    world_feed(w);
    if (last <= 500) {
      assert_int_equal(w->delivered, 500 + last);
    } else {
      expect_failed(w, 1009, SWALE_ESIZE);
    }
    world_end(w);
  }
}

static void an_announced_length_takes_no_memory(void **state) {
  struct world *w = *state;
  w->options.message_max = INT32_MAX;
  world_connect(w);
  bytes_header(&w->in, FIN | BIN, true, INT32_MAX - 1, 64);
  bytes_puts(&w->in, "x");
  world_feed(w);
  expect_log(w, "");
  expect_state(w, OPEN);
}

/* Unlike a limit that is compared by adding. */
static void a_length_that_would_overflow_is_1009(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, BIN, "0123456789", 10);
  bytes_header(&w->in, FIN | CONT, true, INT64_MAX, 64);
  bytes_puts(&w->in, "x");
  world_feed(w);
  expect_failed(w, 1009, SWALE_ESIZE);
}

static void send_fragments(struct world *w, unsigned n, size_t len) {
  bytes_frame(&w->in, BIN, "x", len);
  for (unsigned i = 1; i + 1 < n; i++)
    bytes_frame(&w->in, CONT, "x", len);
  bytes_frame(&w->in, FIN | CONT, "x", len);
  world_feed(w);
}

static void a_message_may_have_fragments_max_fragments(void **state) {
  struct world *w = *state;
  w->options.fragments_max = 5;
  for (unsigned n = 4; n <= 6; n++) {
    world_connect(w);
    send_fragments(w, n, 1);
    if (n <= 5) {
      assert_int_equal(w->reports, 0);
    } else {
      expect_failed(w, 1008, SWALE_EFULL);
    }
    world_end(w);
  }
}

static void a_message_may_have_empty_fragments_max_empty_fragments(void **state) {
  struct world *w = *state;
  w->options.empty_fragments_max = 5;
  for (unsigned n = 4; n <= 6; n++) {
    world_connect(w);
    send_fragments(w, n, 0);
    if (n <= 5) {
      assert_int_equal(w->reports, 0);
    } else {
      expect_failed(w, 1008, SWALE_EFULL);
    }
    world_end(w);
  }
}

static void without_empty_fragments_an_empty_message_is_still_fine(void **state) {
  struct world *w = *state;
  w->options.empty_fragments_max = 0;
  world_connect(w);
  world_text(w, "");
  expect_log(w, "text:");
  world_frame(w, TEXT, "", 0);
  expect_failed(w, 1008, SWALE_EFULL);
}

/* ---- after a failure -------------------------------------------------------------------- */

static void what_follows_a_failure_is_not_delivered(void **state) {
  struct world *w = *state;
  world_connect(w);
  bytes_frame(&w->in, FIN | TEXT, "fine", 4);
  bytes_frame(&w->in, 0x40 | FIN | TEXT, "bad", 3);
  bytes_frame(&w->in, FIN | TEXT, "late", 4);
  bytes_frame(&w->in, FIN | PING, "late", 4);
  world_feed(w);
  expect_log(w, "text:fine disconnect:1002");
  expect_close(w, 1002, NULL);
}

static void what_was_sent_before_a_failure_still_goes_out(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  swale_send_text(w->consumer, "before", 6);
  world_frame(w, FIN | 3, "x", 1);
  world_drain(w);
  expect_next(w, &at, FIN | TEXT, "before", 6);
  expect_next(w, &at, FIN | CLOSE, "\x03\xea", 2);
}

/* Reading goes on, so that the peer gets to see why: until its close frame is there. */
static void after_a_failure_the_rest_is_skipped_up_to_the_close_frame(void **state) {
  struct world *w = *state;
  unsigned char data[3000] = {0};
  w->options.message_max = 1000;
  world_connect(w);
  bytes_frame(&w->in, FIN | BIN, data, sizeof data);
  bytes_frame(&w->in, FIN | 7, data, 100);
  world_feed(w);
  expect_failed(w, 1009, SWALE_ESIZE);
  expect_state(w, SWALE_WS_WANT_READ);
  world_close_frame(w, 1009, NULL);
  expect_closed(w);
}

static void after_a_failure_the_end_of_the_stream_ends_it(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | 7, "x", 1);
  expect_failed(w, 1002, SWALE_EPROTOCOL);
  assert_int_equal(swale_ws_feed_eof(w->ws), 0);
  expect_closed(w);
}

static void after_a_failure_patience_is_close_ms(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | 7, "x", 1);
  world_pass(w, 4999);
  expect_state(w, SWALE_WS_WANT_READ | SWALE_WS_WANT_WRITE);
  world_pass(w, 1);
  expect_closed(w);
}

static void after_a_failure_a_broken_stream_ends_it(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | 7, "x", 1);
  expect_failed(w, 1002, SWALE_EPROTOCOL);
  bytes_header(&w->in, FIN | PING, true, 126, 16);
  world_feed(w);
  expect_closed(w);
}

/* ---- memory ----------------------------------------------------------------------------- */

static void without_memory_for_a_pong_it_is_1011(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | PING, "x", 1);
  expect_frame(w, FIN | PONG, "x", 1);
  w->u.fail_at = 1;
  world_frame(w, FIN | PING, "x", 1);
  expect_failed(w, 1011, SWALE_ENOMEM);
}

static void without_memory_for_a_message_it_is_1011(void **state) {
  struct world *w = *state;
  static const char data[20000];
  for (long n = 1; n <= 3; n++) {
    world_connect(w);
    world_text(w, "x");
    expect_log(w, "text:x");
    w->reports = 0;
    w->u.fail_at = n;
    bytes_frame(&w->in, BIN, data, sizeof data);
    world_feed(w);
    expect_failed(w, 1011, SWALE_ENOMEM);
    world_free(w);
  }
}

static void without_memory_for_a_close_frame_it_is_cut(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_text(w, "x");
  w->u.fail_at = 1;
  world_frame(w, FIN | TEXT, "\xff", 1);
  expect_log(w, "text:x disconnect:1007");
  expect_closed(w);
}

static void without_memory_to_read_it_is_1011_and_nothing_more_is_read(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->u.fail_at = 1;
  world_text(w, "x");
  expect_failed(w, 1011, SWALE_ENOMEM);
  expect_closed(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TESTS(messages_of_one_frame_are_delivered),
      WORLD_TESTS(fragments_become_one_message),
      WORLD_TESTS(fragments_may_all_be_empty),
      WORLD_TESTS(control_frames_come_between_fragments),
      WORLD_TESTS(messages_of_every_size_arrive_unchanged),
      WORLD_TESTS(many_messages_in_one_feed),
      WORLD_TESTS(text_is_split_anywhere_in_a_character),
      WORLD_TESTS(text_that_is_not_utf8_is_1007),
      WORLD_TESTS(text_that_ends_inside_a_character_is_1007),
      WORLD_TESTS(bad_text_fails_at_the_byte_not_at_the_end),
      WORLD_TESTS(bytes_need_not_be_utf8),
      WORLD_TESTS(an_unmasked_frame_is_1002),
      WORLD_TESTS(an_unmasked_ping_is_1002),
      WORLD_TESTS(rsv1_is_1002),
      WORLD_TESTS(rsv2_is_1002),
      WORLD_TESTS(rsv3_is_1002),
      WORLD_TESTS(rsv_of_a_control_frame_is_1002),
      WORLD_TESTS(a_continuation_of_nothing_is_1002),
      WORLD_TESTS(a_fragmented_ping_is_1002),
      WORLD_TESTS(reserved_opcodes_are_1002),
      WORLD_TESTS(a_message_inside_another_is_1002),
      WORLD_TESTS(a_control_frame_of_126_bytes_is_1002),
      WORLD_TESTS(a_length_of_16_bits_that_fits_7_is_1002),
      WORLD_TESTS(a_length_of_64_bits_that_fits_16_is_1002),
      WORLD_TESTS(a_length_with_the_top_bit_is_1002),
      WORLD_TESTS(a_ping_of_125_bytes_is_fine),
      WORLD_TESTS(a_message_may_have_message_max_bytes),
      WORLD_TESTS(the_limit_holds_for_fragments_together),
      WORLD_TESTS(an_announced_length_takes_no_memory),
      WORLD_TESTS(a_length_that_would_overflow_is_1009),
      WORLD_TESTS(a_message_may_have_fragments_max_fragments),
      WORLD_TESTS(a_message_may_have_empty_fragments_max_empty_fragments),
      WORLD_TESTS(without_empty_fragments_an_empty_message_is_still_fine),
      WORLD_TESTS(what_follows_a_failure_is_not_delivered),
      WORLD_TESTS(what_was_sent_before_a_failure_still_goes_out),
      WORLD_TESTS(after_a_failure_the_rest_is_skipped_up_to_the_close_frame),
      WORLD_TESTS(after_a_failure_the_end_of_the_stream_ends_it),
      WORLD_TESTS(after_a_failure_patience_is_close_ms),
      WORLD_TESTS(after_a_failure_a_broken_stream_ends_it),
      WORLD_TEST(without_memory_for_a_pong_it_is_1011),
      WORLD_TESTS(without_memory_for_a_message_it_is_1011),
      WORLD_TESTS(without_memory_for_a_close_frame_it_is_cut),
      WORLD_TEST(without_memory_to_read_it_is_1011_and_nothing_more_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include <swale/transport.h>

#include "bytes.h"
#include "ws/frame_out.h"

static void expect_header_of(size_t len, const char *header, size_t header_len) {
  unsigned char *data = calloc(1, len + 1);
  swale_payload *payload, *frame;
  size_t frame_len;
  assert_int_equal(swale_payload_new(SWALE_BINARY, data, len, NULL, &payload), 0);
  assert_int_equal(swale_payload_encode(payload, swale__ws_frame_encode, NULL, &frame), 0);
  const unsigned char *bytes = swale_payload_bytes(frame, &frame_len);
  assert_int_equal(frame_len, header_len + len);
  assert_memory_equal(bytes, header, header_len);
  if (len > 0)
    assert_memory_equal(bytes + header_len, data, len);
  swale_payload_unref(payload);
  free(data);
}

static void lengths_have_their_shortest_form(void **state) {
  (void)state;
  expect_header_of(0, "\x82\x00", 2);
  expect_header_of(1, "\x82\x01", 2);
  expect_header_of(125, "\x82\x7d", 2);
  expect_header_of(126, "\x82\x7e\x00\x7e", 4);
  expect_header_of(65535, "\x82\x7e\xff\xff", 4);
  expect_header_of(65536, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
}

static void text_and_bytes_have_their_opcodes(void **state) {
  (void)state;
  for (int kind = SWALE_TEXT; kind <= SWALE_BINARY; kind++) {
    swale_payload *frame;
    size_t len;
    assert_int_equal(
        swale_payload_wrap((enum swale_kind)kind, "x", 1, swale__ws_frame_encode, NULL, NULL, &frame), 0);
    assert_memory_equal(swale_payload_bytes(frame, &len), kind == SWALE_TEXT ? "\x81\x01x" : "\x82\x01x", 3);
    assert_int_equal(len, 3);
    swale_payload_unref(frame);
  }
}

static void expect_close_frame(uint16_t code, const char *reason, const char *bytes, size_t len) {
  swale_payload *frame;
  size_t frame_len;
  assert_int_equal(swale__ws_frame_close(code, reason, NULL, &frame), 0);
  assert_memory_equal(swale_payload_bytes(frame, &frame_len), bytes, len);
  assert_int_equal(frame_len, len);
  swale_payload_unref(frame);
}

static void close_frames_carry_code_and_reason(void **state) {
  (void)state;
  expect_close_frame(0, "ignored", "\x88\x00", 2);
  expect_close_frame(1000, NULL, "\x88\x02\x03\xe8", 4);
  expect_close_frame(4999, "", "\x88\x02\x13\x87", 4);
  expect_close_frame(1001, "bye",
                     "\x88\x05\x03\xe9"
                     "bye",
                     7);
}

static int make_frames(struct unit_env *u) {
  swale_payload *frame = NULL;
  int rv = swale__ws_frame_control(SWALE__FRAME_PING, "x", 1, &u->env.allocator, &frame);
  if (rv == 0) {
    swale_payload_unref(frame);
    rv = swale__ws_frame_close(1000, "x", &u->env.allocator, &frame);
  }
  if (rv == 0)
    swale_payload_unref(frame);
  return rv;
}

static void no_memory_is_an_error(void **state) {
  (void)state;
  unit_fail_every_allocation(make_frames);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lengths_have_their_shortest_form),
      cmocka_unit_test(text_and_bytes_have_their_opcodes),
      cmocka_unit_test(close_frames_carry_code_and_reason),
      cmocka_unit_test(no_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

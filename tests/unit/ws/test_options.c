/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include "ws/connection.h"

static struct swale_ws_options defaults(void) {
  struct swale_ws_options o;
  memset(&o, 0xff, sizeof o);
  swale_ws_options_default(&o);
  return o;
}

static void defaults_are_those_of_the_header(void **state) {
  struct swale_ws_options o = defaults();
  (void)state;
  assert_int_equal(o.size, sizeof o);
  assert_null(o.on_output);
  assert_null(o.on_answer);
  assert_null(o.origins);
  assert_string_equal(o.scheme, "ws");
  assert_int_equal(o.message_max, 1048576);
  assert_int_equal(o.fragments_max, 1024);
  assert_int_equal(o.empty_fragments_max, 64);
  assert_int_equal(o.message_rate, 10000);
  assert_int_equal(o.byte_rate, 67108864);
  assert_int_equal(o.control_rate, 100);
  assert_int_equal(o.handshakes_max, 10000);
  assert_int_equal(o.handshakes_per_peer, 1000);
  assert_int_equal(o.head_max, 16384);
  assert_int_equal(o.headers_max, 100);
  assert_int_equal(o.early_max, 16384);
  assert_int_equal(o.output_max, 1048576);
  assert_int_equal(o.output_high, 262144);
  assert_int_equal(o.output_low, 65536);
  assert_int_equal(o.handshake_ms, 10000);
  assert_int_equal(o.ping_ms, 25000);
  assert_int_equal(o.pong_ms, 10000);
  assert_int_equal(o.close_ms, 5000);
  assert_int_equal(o.idle_ms, 86400000);
  assert_int_equal(swale__ws_options_check(&o), 0);
}

static void a_caller_with_a_shorter_or_longer_struct_gets_no_more_than_that(void **state) {
  unsigned char room[sizeof(struct swale_ws_options) + 8];
  size_t shorter = offsetof(struct swale_ws_options, idle_ms);
  struct swale_ws_options *o = (struct swale_ws_options *)(void *)room;
  (void)state;
  memset(room, 0xee, sizeof room);
  swale_ws_options_init(o, shorter);
  assert_int_equal(o->size, shorter);
  assert_int_equal(o->close_ms, 5000);
  assert_int_equal(room[shorter], 0xee);
  swale_ws_options_init(o, sizeof room);
  assert_int_equal(o->size, sizeof room);
  assert_int_equal(room[sizeof room - 1], 0);
}

#define REFUSED(field, value)                                                                                \
  do {                                                                                                       \
    struct swale_ws_options o = defaults();                                                                  \
    o.field = value;                                                                                         \
    assert_int_equal(swale__ws_options_check(&o), SWALE_EINVAL);                                             \
  } while (0)

#define TAKEN(field, value)                                                                                  \
  do {                                                                                                       \
    struct swale_ws_options o = defaults();                                                                  \
    o.field = value;                                                                                         \
    assert_int_equal(swale__ws_options_check(&o), 0);                                                        \
  } while (0)

static void limits_that_cannot_be_are_refused(void **state) {
  (void)state;
  REFUSED(size, 0);
  REFUSED(size, sizeof(struct swale_ws_options) + 8);
  REFUSED(size, sizeof(struct swale_ws_options) - 8);
  REFUSED(scheme, NULL);
  REFUSED(scheme, "http");
  REFUSED(message_max, 0);
  REFUSED(message_max, (size_t)INT32_MAX + 1);
  REFUSED(fragments_max, 0);
  REFUSED(message_rate, 0);
  REFUSED(byte_rate, 0);
  REFUSED(control_rate, 0);
  REFUSED(control_rate, UINT16_MAX + 1);
  REFUSED(handshakes_max, 0);
  REFUSED(handshakes_per_peer, 0);
  REFUSED(head_max, 0);
  REFUSED(head_max, SIZE_MAX);
  REFUSED(headers_max, 0);
  REFUSED(early_max, SIZE_MAX);
  REFUSED(output_max, 0);
  REFUSED(output_high, 0);
  REFUSED(output_low, 262144);
}

static void compression_is_checked_along(void **state) {
  (void)state;
  struct swale_ws_deflate deflate;
  swale_ws_deflate_default(&deflate);
  TAKEN(deflate, &deflate);
  deflate.level = 0;
  REFUSED(deflate, &deflate);
}

static void limits_at_their_ends_are_taken(void **state) {
  (void)state;
  TAKEN(scheme, "wss");
  TAKEN(message_max, 1);
  TAKEN(message_max, INT32_MAX);
  TAKEN(message_rate, 1);
  TAKEN(message_rate, UINT32_MAX);
  TAKEN(byte_rate, 1);
  TAKEN(byte_rate, UINT32_MAX);
  TAKEN(control_rate, UINT16_MAX);
  TAKEN(handshakes_max, 1);
  TAKEN(handshakes_per_peer, UINT32_MAX);
  TAKEN(head_max, INT32_MAX);
  TAKEN(early_max, INT32_MAX);
  TAKEN(empty_fragments_max, 0);
  TAKEN(early_max, 0);
  TAKEN(output_low, 0);
  TAKEN(output_low, 262143);
  TAKEN(handshake_ms, 0);
  TAKEN(ping_ms, 0);
  TAKEN(pong_ms, 0);
  TAKEN(close_ms, 0);
  TAKEN(idle_ms, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_those_of_the_header),
      cmocka_unit_test(a_caller_with_a_shorter_or_longer_struct_gets_no_more_than_that),
      cmocka_unit_test(limits_that_cannot_be_are_refused),
      cmocka_unit_test(compression_is_checked_along),
      cmocka_unit_test(limits_at_their_ends_are_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

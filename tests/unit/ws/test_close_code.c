/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include "ws/close_code.h"

static void codes_are_those_of_rfc_6455_and_the_registry(void **state) {
  (void)state;
  for (unsigned code = 0; code < 66000; code++) {
    bool valid = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                 (code >= 3000 && code < 5000);
    assert_int_equal(swale__ws_close_code_valid(code), valid);
  }
}

static void what_we_send_is_checked(void **state) {
  char reason[125];
  (void)state;
  memset(reason, 'x', sizeof reason);
  reason[123] = '\0';
  assert_int_equal(swale__ws_close_check(1000, NULL), 0);
  assert_int_equal(swale__ws_close_check(4000, ""), 0);
  assert_int_equal(swale__ws_close_check(1001, reason), 0);
  reason[123] = 'x';
  reason[124] = '\0';
  assert_int_equal(swale__ws_close_check(1001, reason), SWALE_EINVAL);
  assert_int_equal(swale__ws_close_check(1002, NULL), SWALE_EINVAL);
  assert_int_equal(swale__ws_close_check(1005, NULL), SWALE_EINVAL);
  assert_int_equal(swale__ws_close_check(999, NULL), SWALE_EINVAL);
  assert_int_equal(swale__ws_close_check(5000, NULL), SWALE_EINVAL);
  assert_int_equal(swale__ws_close_check(1000, "\xff"), SWALE_EUTF8);
}

static void expect_parsed(const char *payload, size_t len, int fault, uint16_t expected) {
  uint16_t code = 1;
  assert_int_equal(swale__ws_close_parse((const unsigned char *)payload, len, &code), fault);
  if (!fault)
    assert_int_equal(code, expected);
}

static void what_the_peer_sends_is_checked(void **state) {
  (void)state;
  expect_parsed("", 0, 0, 1005);
  expect_parsed("\x03", 1, 1002, 0);
  expect_parsed("\x03\xe8", 2, 0, 1000);
  expect_parsed("\x03\xea", 2, 0, 1002);
  expect_parsed("\x03\xe8"
                "bye",
                5, 0, 1000);
  expect_parsed("\x03\xed", 2, 1002, 0);
  expect_parsed("\x03\xf7", 2, 1002, 0);
  expect_parsed("\x00\x00", 2, 1002, 0);
  expect_parsed("\xff\xff", 2, 1002, 0);
  expect_parsed("\x0b\xb8", 2, 0, 3000);
  expect_parsed("\x03\xe8\xff", 3, 1007, 0);
  expect_parsed("\x03\xe8\xe2\x82", 4, 1007, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_are_those_of_rfc_6455_and_the_registry),
      cmocka_unit_test(what_we_send_is_checked),
      cmocka_unit_test(what_the_peer_sends_is_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

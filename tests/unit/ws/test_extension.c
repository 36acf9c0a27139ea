/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include "ws/extension.h"

static struct swale__ws_offer read_offer(const char *value) {
  struct swale__ws_offer offer = {0};
  assert_true(swale__ws_offer_read(&offer, value) >= 0);
  return offer;
}

static void expect_offer(const char *value, struct swale__ws_offer expected) {
  struct swale__ws_offer offer = read_offer(value);
  if (offer.made != expected.made || offer.server_no_takeover != expected.server_no_takeover ||
      offer.client_no_takeover != expected.client_no_takeover || offer.server_bits != expected.server_bits ||
      offer.client_bits != expected.client_bits)
    fail_msg("%s: %d, no takeover %d %d, bits %d %d", value, offer.made, offer.server_no_takeover,
             offer.client_no_takeover, offer.server_bits, offer.client_bits);
}

#define OFFER(...)                                                                                           \
  (struct swale__ws_offer) { .made = true, __VA_ARGS__ }

static void every_parameter_is_understood(void **state) {
  (void)state;
  expect_offer("permessage-deflate", OFFER(.server_bits = 0));
  expect_offer("permessage-deflate; client_max_window_bits", OFFER(.client_bits = 15));
  expect_offer("permessage-deflate; client_max_window_bits=8", OFFER(.client_bits = 8));
  expect_offer("permessage-deflate; client_max_window_bits=15", OFFER(.client_bits = 15));
  expect_offer("permessage-deflate; server_max_window_bits=9", OFFER(.server_bits = 9));
  expect_offer("permessage-deflate; server_max_window_bits=15", OFFER(.server_bits = 15));
  expect_offer("permessage-deflate; server_no_context_takeover", OFFER(.server_no_takeover = true));
  expect_offer("permessage-deflate; client_no_context_takeover", OFFER(.client_no_takeover = true));
  expect_offer(
      "permessage-deflate; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits; "
      "server_no_context_takeover",
      OFFER(true, true, 10, 15));
}

static void blanks_and_quotes_make_no_difference(void **state) {
  (void)state;
  expect_offer(" \tpermessage-deflate \t;\tserver_max_window_bits = 10 ;client_no_context_takeover ",
               OFFER(.server_bits = 10, .client_no_takeover = true));
  expect_offer("permessage-deflate;server_max_window_bits=\"10\"", OFFER(.server_bits = 10));
  expect_offer("permessage-deflate;server_max_window_bits=\"\\1\\0\";client_max_window_bits=\"9\"",
               OFFER(.server_bits = 10, .client_bits = 9));
  expect_offer(", ,permessage-deflate,", OFFER(.server_bits = 0));
}

static void an_offer_that_cannot_be_accepted_is_declined(void **state) {
  static const char *const declined[] = {
      "",
      "permessage-deflat",
      "permessage-deflate2",
      "Permessage-Deflate",
      "permessage-bzip2; client_max_window_bits",
      "permessage-deflate; unknown",
      "permessage-deflate; unknown=10",
      "permessage-deflate; server_no_context_takeover=1",
      "permessage-deflate; client_no_context_takeover=\"true\"",
      "permessage-deflate; server_max_window_bits",
      "permessage-deflate; server_max_window_bits=7",
      "permessage-deflate; server_max_window_bits=16",
      "permessage-deflate; server_max_window_bits=010",
      "permessage-deflate; server_max_window_bits=09",
      "permessage-deflate; server_max_window_bits=1",
      "permessage-deflate; server_max_window_bits=20",
      "permessage-deflate; server_max_window_bits=1x",
      "permessage-deflate; server_max_window_bits=x1",
      "permessage-deflate; server_max_window_bits=100",
      "permessage-deflate; server_max_window_bits=10000000000000000000",
      "permessage-deflate; client_max_window_bits=0",
      "permessage-deflate; client_max_window_bits=-9",
      "permessage-deflate; client_max_window_bits=abc",
      "permessage-deflate; client_max_window_bits; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
      "permessage-deflate; server_max_window_bits=10; server_max_window_bits=11",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
  };
  (void)state;
  for (size_t i = 0; i < sizeof declined / sizeof declined[0]; i++)
    expect_offer(declined[i], (struct swale__ws_offer){0});
}

/* Asked for 8 bits, zlib takes 9 or refuses, and its manual says not to read the one with the other. */
static void a_server_window_of_8_bits_is_declined_since_zlib_cannot(void **state) {
  (void)state;
  expect_offer("permessage-deflate; server_max_window_bits=8", (struct swale__ws_offer){0});
  expect_offer("permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=12",
               OFFER(.server_bits = 12));
}

static void the_first_offer_that_can_be_accepted_counts(void **state) {
  (void)state;
  expect_offer("mux, permessage-deflate; server_max_window_bits=11, permessage-deflate",
               OFFER(.server_bits = 11));
  expect_offer(
      "permessage-deflate; what; server_no_context_takeover, permessage-deflate; client_max_window_bits",
      OFFER(.client_bits = 15));
  expect_offer("a; b=\"c\"; d, permessage-deflate", OFFER(.server_bits = 0));
}

static void offers_of_several_lines_are_read_one_after_the_other(void **state) {
  (void)state;
  struct swale__ws_offer offer = {0};
  assert_int_equal(swale__ws_offer_read(&offer, "mux, permessage-deflate; unknown"), 2);
  assert_int_equal(memcmp(&offer, &(struct swale__ws_offer){0}, sizeof offer), 0);
  assert_int_equal(swale__ws_offer_read(&offer, " "), 0);
  assert_int_equal(swale__ws_offer_read(&offer, ", permessage-deflate; server_max_window_bits=10,,"), 1);
  assert_int_equal(swale__ws_offer_read(&offer, "permessage-deflate, x"), 2); /* too late */
  assert_true(offer.made);
  assert_int_equal(offer.server_bits, 10);
}

static void a_fault_of_the_syntax_is_one_wherever_it_stands(void **state) {
  static const char *const faults[] = {
      ";, permessage-deflate",
      "=, permessage-deflate",
      "a b, permessage-deflate",
      "a;, permessage-deflate",
      "a; =1, permessage-deflate",
      "a; b=, permessage-deflate",
      "a; b=\"\", permessage-deflate",
      "a; b=\"x, permessage-deflate",
      "a; b=\"x y\", permessage-deflate",
      "a; b=\" x\", permessage-deflate",
      "a; b=\"x \", permessage-deflate",
      "a; b=\"x\\",
      "a; b=\"x\\\", permessage-deflate",
      "a; b=\"x\" y, permessage-deflate",
      "permessage-deflate; client_max_window_bits=\"10",
      "permessage-deflate; client_max_window_bits=10 11",
      "permessage-deflate;",
      "permessage-deflate x",
      "permessage-deflate\x80",
      "permessage-deflate, ;;",
      "permessage-deflate, a b",
      "permessage-deflate, a; b=\"x",
      "permessage-deflate; server_max_window_bits=8; =, permessage-deflate",
      "permessage-deflate; client_max_window_bits=",
      "\"permessage-deflate\"",
  };
  (void)state;
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
    if (swale__ws_offer_read(&(struct swale__ws_offer){0}, faults[i]) != -1)
      fail_msg("%s is none", faults[i]);
}

/* ---- agreeing --------------------------------------------------------------------------- */

static void expect_answer(const char *value, const struct swale_ws_deflate *wanted, const char *answer) {
  struct swale__ws_offer offer = read_offer(value);
  char text[SWALE__EXTENSION_SIZE];
  assert_true(offer.made);
  struct swale__ws_agreement agreed = swale__ws_offer_agree(&offer, wanted);
  swale__ws_agreement_write(&agreed, &offer, text);
  assert_string_equal(text, answer);
}

static void without_takeover_both_sides_are_told(void **state) {
  struct swale_ws_deflate wanted;
  (void)state;
  swale_ws_deflate_default(&wanted);
  static const char none[] = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  expect_answer("permessage-deflate", &wanted, none);
  expect_answer("permessage-deflate; client_max_window_bits", &wanted, none);
  expect_answer("permessage-deflate; client_no_context_takeover; server_no_context_takeover", &wanted, none);
}

static void takeover_is_agreed_when_both_sides_want_it(void **state) {
  struct swale_ws_deflate wanted;
  (void)state;
  swale_ws_deflate_default(&wanted);
  wanted.server_context_takeover = wanted.client_context_takeover = 1;
  expect_answer("permessage-deflate", &wanted, "permessage-deflate");
  expect_answer("permessage-deflate; server_no_context_takeover", &wanted,
                "permessage-deflate; server_no_context_takeover");
  expect_answer("permessage-deflate; client_no_context_takeover", &wanted,
                "permessage-deflate; client_no_context_takeover");
}

static void windows_are_the_smaller_of_two(void **state) {
  struct swale_ws_deflate wanted;
  (void)state;
  swale_ws_deflate_default(&wanted);
  wanted.server_context_takeover = wanted.client_context_takeover = 1;
  expect_answer("permessage-deflate; server_max_window_bits=15", &wanted,
                "permessage-deflate; server_max_window_bits=15");
  expect_answer("permessage-deflate; server_max_window_bits=9; client_max_window_bits=8", &wanted,
                "permessage-deflate; server_max_window_bits=9");
  wanted.server_window_bits = 12;
  wanted.client_window_bits = 11;
  expect_answer("permessage-deflate", &wanted, "permessage-deflate; server_max_window_bits=12");
  expect_answer("permessage-deflate; server_max_window_bits=10; client_max_window_bits", &wanted,
                "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11");
  expect_answer("permessage-deflate; server_max_window_bits=14; client_max_window_bits=10", &wanted,
                "permessage-deflate; server_max_window_bits=12");
}

static void the_longest_answer_has_room(void **state) {
  struct swale_ws_deflate wanted;
  (void)state;
  swale_ws_deflate_default(&wanted);
  wanted.server_window_bits = 10;
  wanted.client_window_bits = 10;
  expect_answer("permessage-deflate; client_max_window_bits", &wanted,
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                "server_max_window_bits=10; client_max_window_bits=10");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_parameter_is_understood),
      cmocka_unit_test(blanks_and_quotes_make_no_difference),
      cmocka_unit_test(an_offer_that_cannot_be_accepted_is_declined),
      cmocka_unit_test(a_server_window_of_8_bits_is_declined_since_zlib_cannot),
      cmocka_unit_test(the_first_offer_that_can_be_accepted_counts),
      cmocka_unit_test(offers_of_several_lines_are_read_one_after_the_other),
      cmocka_unit_test(a_fault_of_the_syntax_is_one_wherever_it_stands),
      cmocka_unit_test(without_takeover_both_sides_are_told),
      cmocka_unit_test(takeover_is_agreed_when_both_sides_want_it),
      cmocka_unit_test(windows_are_the_smaller_of_two),
      cmocka_unit_test(the_longest_answer_has_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

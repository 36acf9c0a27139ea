/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include "ws/ascii.h"

static void tokens_are_the_characters_of_rfc_9110(void **state) {
  static const char tokens[] =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  (void)state;
  for (int c = 0; c < 256; c++)
    assert_int_equal(swale__ws_is_token((char)c), c != 0 && strchr(tokens, c) != NULL);
}

static void only_ascii_letters_have_a_case(void **state) {
  (void)state;
  assert_true(swale__ws_same_letters("WebSocket", "wEBsOCKET", 9));
  assert_false(swale__ws_same_letters("[", "{", 1));
  assert_false(swale__ws_same_letters("\xc4", "\xe4", 1));
  assert_true(swale__ws_same_word("Upgrade, x", 7, "upgrade"));
  assert_false(swale__ws_same_word("Upgrade", 6, "upgrade"));
  assert_false(swale__ws_same_word("Upgrades", 8, "upgrade"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_are_the_characters_of_rfc_9110),
      cmocka_unit_test(only_ascii_letters_have_a_case),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

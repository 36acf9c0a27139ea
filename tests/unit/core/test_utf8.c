/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <swale/utf8.h>

/* ---- an oracle that goes by code points, not by ranges of bytes ----------------------- */

static size_t sequence_length(unsigned char lead) {
  if (lead < 0x80)
    return 1;
  for (size_t n = 2; n <= 4; n++)
    if (lead >> (7 - n) == (0xff >> (7 - n) & ~1))
      return n;
  return 0;
}

static bool is_code_point(uint32_t code, size_t len) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  return code >= least[len] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static bool oracle(const unsigned char *at, size_t n) {
  while (n > 0) {
    size_t len = sequence_length(*at);
    if (len == 0 || len > n)
      return false;
    uint32_t code = len == 1 ? *at : *at & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
      if (at[i] >> 6 != 2)
        return false;
      code = code << 6 | (at[i] & 0x3fu);
    }
    if (!is_code_point(code, len))
      return false;
    at += len;
    n -= len;
  }
  return true;
}

/* Whether something can follow that makes valid text of it. */
static bool can_go_on(const unsigned char *at, size_t n) {
  static const unsigned char next[] = {0x80, 0x8f, 0x90, 0xa0};
  unsigned char text[8];
  if (oracle(at, n))
    return true;
  memcpy(text, at, n);
  for (size_t i = 0; i < sizeof next; i++) {
    text[n] = next[i];
    text[n + 1] = text[n + 2] = 0x80;
    for (size_t more = 1; more <= 3; more++)
      if (oracle(text, n + more))
        return true;
  }
  return false;
}

/* ---- helpers -------------------------------------------------------------------------- */

static int verdict_on_parts(const unsigned char *at, size_t split, size_t n) {
  struct swale_utf8 u;
  swale_utf8_init(&u);
  int first = swale_utf8_feed(&u, at, split);
  int second = swale_utf8_feed(&u, at + split, n - split);
  if (first)
    assert_int_equal(second, SWALE_EUTF8);
  if (second)
    assert_int_equal(swale_utf8_end(&u), SWALE_EUTF8);
  return swale_utf8_end(&u);
}

/* ---- tests ---------------------------------------------------------------------------- */

static void all_strings_of_1_and_2_bytes_at_every_split(void **state) {
  (void)state;
  for (unsigned i = 0; i < 0x10000; i++) {
    unsigned char text[] = {(unsigned char)(i >> 8), (unsigned char)i};
    for (size_t n = 1; n <= 2; n++) {
      bool valid = oracle(text, n);
      assert_int_equal(swale_utf8_valid(text, n), valid);
      for (size_t split = 0; split <= n; split++)
        assert_int_equal(verdict_on_parts(text, split, n), valid ? 0 : SWALE_EUTF8);
    }
  }
}

/* The states after one and two bytes are kept, so that 2^24 strings need few calls each. */
static void all_strings_of_3_bytes_at_every_split(void **state) {
  (void)state;
  unsigned long wrong = 0;
  for (unsigned a = 0; a < 256; a++) {
    for (unsigned b = 0; b < 256; b++) {
      unsigned char text[] = {(unsigned char)a, (unsigned char)b, 0};
      struct swale_utf8 one = {0}, two;
      swale_utf8_feed(&one, text, 1);
      two = one;
      swale_utf8_feed(&two, text + 1, 1);
      for (unsigned c = 0; c < 256; c++) {
        text[2] = (unsigned char)c;
        struct swale_utf8 after_1 = one, after_2 = two;
        swale_utf8_feed(&after_1, text + 1, 2);
        swale_utf8_feed(&after_2, text + 2, 1);
        bool valid = oracle(text, 3);
        wrong += swale_utf8_valid(text, 3) != valid;
        wrong += (swale_utf8_end(&after_1) == 0) != valid;
        wrong += (swale_utf8_end(&after_2) == 0) != valid;
      }
    }
  }
  assert_int_equal(wrong, 0);
}

static const unsigned char boundaries[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                           0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                           0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};

static void boundary_strings_of_4_bytes_at_every_split(void **state) {
  (void)state;
  const size_t n = sizeof boundaries;
  unsigned long wrong = 0;
  for (size_t i = 0; i < n * n * n * n; i++) {
    unsigned char text[] = {boundaries[i % n], boundaries[i / n % n], boundaries[i / n / n % n],
                            boundaries[i / n / n / n]};
    bool valid = oracle(text, 4);
    wrong += swale_utf8_valid(text, 4) != valid;
    for (size_t split = 0; split <= 4; split++)
      wrong += (verdict_on_parts(text, split, 4) == 0) != valid;
  }
  assert_int_equal(wrong, 0);
}

static void feeding_fails_at_the_first_byte_that_cannot_be(void **state) {
  (void)state;
  const size_t n = sizeof boundaries;
  for (size_t i = 0; i < n * n * n * n; i++) {
    unsigned char text[] = {boundaries[i % n], boundaries[i / n % n], boundaries[i / n / n % n],
                            boundaries[i / n / n / n]};
    struct swale_utf8 u = {0};
    for (size_t at = 0; at < 4; at++) {
      bool good = can_go_on(text, at + 1);
      assert_int_equal(swale_utf8_feed(&u, text + at, 1), good ? 0 : SWALE_EUTF8);
      if (!good)
        break;
    }
  }
}

static void a_bad_byte_is_found_wherever_it_stands(void **state) {
  (void)state;
  for (size_t n = 1; n <= 40; n++) {
    for (size_t bad = 0; bad < n; bad++) {
      unsigned char *text = malloc(n); /* of exactly this size, so that reading beyond it shows */
      memset(text, 'x', n);
      assert_true(swale_utf8_valid(text, n));
      text[bad] = 0xff;
      assert_false(swale_utf8_valid(text, n));
      text[bad] = 0xc3;
      if (bad + 1 < n) {
        assert_false(swale_utf8_valid(text, n));
        text[bad + 1] = 0xa4;
        assert_true(swale_utf8_valid(text, n));
      } else {
        assert_int_equal(verdict_on_parts(text, bad, n), SWALE_EUTF8);
      }
      free(text);
    }
  }
}

static void long_text_may_be_split_anywhere(void **state) {
  (void)state;
  const unsigned char text[] = "ASCII for a while, \xc3\xa4\xc3\xb6\xc3\xbc, \xe2\x82\xac, "
                               "\xf0\x9f\x92\xa7, and ASCII to the very end of it";
  size_t n = sizeof text - 1;
  assert_true(oracle(text, n));
  for (size_t a = 0; a <= n; a++) {
    for (size_t b = a; b <= n; b++) {
      struct swale_utf8 u;
      swale_utf8_init(&u);
      assert_int_equal(swale_utf8_feed(&u, text, a), 0);
      assert_int_equal(swale_utf8_feed(&u, text + a, b - a), 0);
      assert_int_equal(swale_utf8_feed(&u, text + b, n - b), 0);
      assert_int_equal(swale_utf8_end(&u), 0);
    }
  }
}

static void nothing_is_valid_text(void **state) {
  (void)state;
  struct swale_utf8 u;
  swale_utf8_init(&u);
  assert_true(swale_utf8_valid(NULL, 0));
  assert_int_equal(swale_utf8_feed(&u, NULL, 0), 0);
  assert_int_equal(swale_utf8_end(&u), 0);
}

static void a_failure_stays(void **state) {
  (void)state;
  struct swale_utf8 u;
  swale_utf8_init(&u);
  assert_int_equal(swale_utf8_feed(&u, "\xff", 1), SWALE_EUTF8);
  assert_int_equal(swale_utf8_feed(&u, "good", 4), SWALE_EUTF8);
  assert_int_equal(swale_utf8_feed(&u, NULL, 0), SWALE_EUTF8);
  assert_int_equal(swale_utf8_end(&u), SWALE_EUTF8);
  swale_utf8_init(&u);
  assert_int_equal(swale_utf8_feed(&u, "good", 4), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_strings_of_1_and_2_bytes_at_every_split),
      cmocka_unit_test(all_strings_of_3_bytes_at_every_split),
      cmocka_unit_test(boundary_strings_of_4_bytes_at_every_split),
      cmocka_unit_test(feeding_fails_at_the_first_byte_that_cannot_be),
      cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
      cmocka_unit_test(long_text_may_be_split_anywhere),
      cmocka_unit_test(nothing_is_valid_text),
      cmocka_unit_test(a_failure_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

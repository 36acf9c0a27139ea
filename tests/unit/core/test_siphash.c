/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/siphash.h"

/*
 * SipHash-c-d word for word as in section 2 of the paper: pad, compress, finalise. Checked against the
 * published vectors of 2-4, it then says what 1-3 must be.
 */
struct paper {
  uint64_t v0, v1, v2, v3;
};

static uint64_t rotated(uint64_t x, int b) { return x << b | x >> (64 - b); }

static void sip_rounds(struct paper *s, int rounds) {
  for (int i = 0; i < rounds; i++) {
    s->v0 += s->v1, s->v1 = rotated(s->v1, 13), s->v1 ^= s->v0, s->v0 = rotated(s->v0, 32);
    s->v2 += s->v3, s->v3 = rotated(s->v3, 16), s->v3 ^= s->v2;
    s->v0 += s->v3, s->v3 = rotated(s->v3, 21), s->v3 ^= s->v0;
    s->v2 += s->v1, s->v1 = rotated(s->v1, 17), s->v1 ^= s->v2, s->v2 = rotated(s->v2, 32);
  }
}

static uint64_t little_endian(const unsigned char *bytes) {
  uint64_t word = 0;
  for (int i = 7; i >= 0; i--)
    word = word << 8 | bytes[i];
  return word;
}

static uint64_t paper_siphash(int c, int d, const void *key_bytes, const void *bytes, size_t len) {
  unsigned char padded[512] = {0};
  size_t words = len / 8 + 1;
  memcpy(padded, bytes, len);
  padded[words * 8 - 1] = (unsigned char)len;

  const unsigned char *key = key_bytes;
  uint64_t k0 = little_endian(key), k1 = little_endian(key + 8);
  struct paper s = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
                    k1 ^ 0x7465646279746573u};
  for (size_t i = 0; i < words; i++) {
    uint64_t m = little_endian(padded + 8 * i);
    s.v3 ^= m;
    sip_rounds(&s, c);
    s.v0 ^= m;
  }
  s.v2 ^= 0xff;
  sip_rounds(&s, d);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static void count_up(unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    bytes[i] = (unsigned char)i;
}

static void the_tests_own_siphash_is_that_of_the_paper(void **state) {
  (void)state;
  unsigned char key[16], bytes[15];
  count_up(key, sizeof key);
  count_up(bytes, sizeof bytes);
  assert_true(paper_siphash(2, 4, key, bytes, 0) == 0x726fdb47dd0e0e31u);
  assert_true(paper_siphash(2, 4, key, bytes, 1) == 0x74f839c593dc67fdu);
  assert_true(paper_siphash(2, 4, key, bytes, 8) == 0x93f5f5799a932462u);
  assert_true(paper_siphash(2, 4, key, bytes, 15) == 0xa129ca6149be45e5u);
}

static void every_length_hashes_as_in_the_paper_with_1_and_3_rounds(void **state) {
  (void)state;
  unsigned char key[16], bytes[300];
  count_up(key, sizeof key);
  count_up(bytes, sizeof bytes);
  assert_true(swale__siphash(key, bytes, 0) == 0xabac0158050fc4dcu);
  for (size_t len = 0; len <= sizeof bytes; len++)
    assert_true(swale__siphash(key, bytes, len) == paper_siphash(1, 3, key, bytes, len));
}

static void random_keys_and_bytes_hash_as_in_the_paper(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  for (int i = 0; i < 2000; i++) {
    unsigned char key[16], bytes[80];
    unit_env_random(key, sizeof key, &u);
    unit_env_random(bytes, sizeof bytes, &u);
    size_t len = bytes[0] % sizeof bytes;
    assert_true(swale__siphash(key, bytes, len) == paper_siphash(1, 3, key, bytes, len));
  }
}

/* python3.11: PYTHONHASHSEED=0 python3 -c 'print(hash(b"abc") % 2**64)' */
static void it_is_the_hash_of_pythons_dictionaries(void **state) {
  (void)state;
  static const unsigned char zero_key[16];
  assert_true(swale__siphash(zero_key, "abc", 3) == 0xc03bc3a0042630f2u);
  assert_true(swale__siphash(zero_key, "notifications_group", 19) == 0x4bde0ce896f528f9u);
}

static void bytes_need_no_alignment(void **state) {
  (void)state;
  static const unsigned char key[16] = "0123456789abcde";
  unsigned char bytes[32];
  uint64_t expected = swale__siphash(key, "the same twenty bytes", 20);
  for (size_t shift = 0; shift < 8; shift++) {
    memcpy(bytes + shift, "the same twenty bytes", 20);
    assert_true(swale__siphash(key, bytes + shift, 20) == expected);
  }
}

static void no_bytes_may_be_null(void **state) {
  (void)state;
  static const unsigned char key[16] = "0123456789abcde";
  assert_true(swale__siphash(key, NULL, 0) == swale__siphash(key, "", 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_tests_own_siphash_is_that_of_the_paper),
      cmocka_unit_test(every_length_hashes_as_in_the_paper_with_1_and_3_rounds),
      cmocka_unit_test(random_keys_and_bytes_hash_as_in_the_paper),
      cmocka_unit_test(it_is_the_hash_of_pythons_dictionaries),
      cmocka_unit_test(bytes_need_no_alignment),
      cmocka_unit_test(no_bytes_may_be_null),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

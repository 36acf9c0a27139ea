/* SPDX-License-Identifier: MIT */
#include "core/siphash.h"

/*
 * SipHash by Aumasson and Bernstein, with one round per word and three at the end. Fewer rounds than
 * the 2-4 of the paper are enough here: the hashes never leave the process.
 */

static inline uint64_t rotate_left(uint64_t x, unsigned bits) { return (x << bits) | (x >> (64 - bits)); }

static inline uint64_t load_little_endian(const unsigned char *at) {
  return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
         (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

/* What is left behind the last whole word, with the length on top. */
static inline uint64_t load_tail(const unsigned char *at, size_t len) {
  uint64_t word = (uint64_t)len << 56;
  for (size_t i = 0; i < (len & 7); i++)
    word |= (uint64_t)at[i] << (8 * i);
  return word;
}

static inline void mix(uint64_t v[4]) {
  v[0] += v[1];
  v[2] += v[3];
  v[1] = rotate_left(v[1], 13) ^ v[0];
  v[3] = rotate_left(v[3], 16) ^ v[2];
  v[0] = rotate_left(v[0], 32);
  v[2] += v[1];
  v[0] += v[3];
  v[1] = rotate_left(v[1], 17) ^ v[2];
  v[3] = rotate_left(v[3], 21) ^ v[0];
  v[2] = rotate_left(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word) {
  v[3] ^= word;
  mix(v);
  v[0] ^= word;
}

uint64_t swale__siphash(const unsigned char key[16], const void *bytes, size_t len) {
  uint64_t k0 = load_little_endian(key), k1 = load_little_endian(key + 8);
  uint64_t v[4] = {
      k0 ^ UINT64_C(0x736f6d6570736575),
      k1 ^ UINT64_C(0x646f72616e646f6d),
      k0 ^ UINT64_C(0x6c7967656e657261),
      k1 ^ UINT64_C(0x7465646279746573),
  };
  const unsigned char *at = bytes;
  for (size_t words = len / 8; words > 0; words--, at += 8)
    absorb(v, load_little_endian(at));
  absorb(v, load_tail(at, len));
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++)
    mix(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

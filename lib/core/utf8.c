/* SPDX-License-Identifier: MIT */
#include <swale/utf8.h>

#include <stdint.h>
#include <string.h>

/*
 * The first byte of a sequence says how many continuation bytes follow, and the range of the first of
 * them. That range is narrower than 80..BF where more would admit overlong forms (E0, F0), surrogates (ED)
 * or code points above U+10FFFF (F4). All later ones are 80..BF. So everything there is to know between
 * two bytes is how many are missing, and the range of the next one.
 */

static const uint64_t high_bits = UINT64_C(0x8080808080808080);

static void expect(struct swale_utf8 *u, unsigned missing, unsigned low, unsigned high) {
  u->missing = (unsigned char)missing;
  u->low = (unsigned char)low;
  u->high = (unsigned char)high;
}

static bool open_sequence(struct swale_utf8 *u, unsigned char lead) {
  if (lead < 0xc2 || lead > 0xf4)
    return false;
  if (lead < 0xe0)
    expect(u, 1, 0x80, 0xbf);
  else if (lead < 0xf0)
    expect(u, 2, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf);
  else
    expect(u, 3, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
  return true;
}

static bool step(struct swale_utf8 *u, unsigned char byte) {
  if (u->missing == 0)
    return byte < 0x80 || open_sequence(u, byte);
  if (byte < u->low || byte > u->high)
    return false;
  expect(u, u->missing - 1u, 0x80, 0xbf);
  return true;
}

/* The first byte that is not ASCII, or `end`. */
static const unsigned char *skip_ascii(const unsigned char *at, const unsigned char *end) {
  uint64_t word;
  while (end - at >= 8) {
    memcpy(&word, at, sizeof word);
    if (word & high_bits)
      break;
    at += 8;
  }
  while (at < end && *at < 0x80)
    at++;
  return at;
}

void swale_utf8_init(struct swale_utf8 *u) { *u = (struct swale_utf8){0}; }

int swale_utf8_feed(struct swale_utf8 *u, const void *bytes, size_t len) {
  if (u->failed)
    return SWALE_EUTF8;
  if (len == 0)
    return 0;
  struct swale_utf8 now = *u;
  const unsigned char *at = bytes, *end = at + len;
  while (at < end) {
    if (now.missing == 0 && *at < 0x80)
      at = skip_ascii(at, end);
    else if (!step(&now, *at++)) {
      u->failed = 1;
      return SWALE_EUTF8;
    }
  }
  *u = now;
  return 0;
}

int swale_utf8_end(const struct swale_utf8 *u) { return u->failed || u->missing > 0 ? SWALE_EUTF8 : 0; }

bool swale_utf8_valid(const void *bytes, size_t len) {
  struct swale_utf8 u = {0};
  return swale_utf8_feed(&u, bytes, len) == 0 && swale_utf8_end(&u) == 0;
}

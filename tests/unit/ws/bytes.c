/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <unit.h>

void bytes_add(struct bytes *b, const void *bytes, size_t len) {
  if (b->capacity - b->len < len) {
    b->capacity = 2 * (b->len + len);
    b->at = realloc(b->at, b->capacity);
  }
  if (len > 0)
    memcpy(b->at + b->len, bytes, len);
  b->len += len;
}

void bytes_puts(struct bytes *b, const char *text) { bytes_add(b, text, strlen(text)); }

void bytes_clear(struct bytes *b) { b->len = 0; }

void bytes_free(struct bytes *b) {
  free(b->at);
  *b = (struct bytes){0};
}

void bytes_header(struct bytes *b, unsigned first, bool masked, uint64_t len, int form) {
  unsigned char header[14] = {(unsigned char)first};
  size_t n = 2;
  unsigned char mask = masked ? 0x80 : 0;
  if (form == 7) {
    header[1] = (unsigned char)(mask | len);
  } else {
    size_t size = (size_t)form / 8;
    header[1] = (unsigned char)(mask | (form == 16 ? 126 : 127));
    for (size_t i = size; i-- > 0; len >>= 8)
      header[2 + i] = (unsigned char)len;
    n += size;
  }
  bytes_add(b, header, n + (masked ? 4 : 0));
}

void bytes_frame(struct bytes *b, unsigned first, const void *payload, size_t len) {
  static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  bytes_header(b, first, true, len, len < 126 ? 7 : len < 65536 ? 16 : 64);
  memcpy(b->at + b->len - 4, mask, 4);
  size_t start = b->len;
  bytes_add(b, payload, len);
  for (size_t i = 0; i < len; i++)
    b->at[start + i] ^= mask[i % 4];
}

void bytes_close(struct bytes *b, unsigned code, const char *reason) {
  unsigned char payload[125] = {(unsigned char)(code >> 8), (unsigned char)code};
  size_t len = reason ? strlen(reason) : 0;
  if (len > 0)
    memcpy(payload + 2, reason, len);
  bytes_frame(b, FIN | CLOSE, payload, code ? 2 + len : 0);
}

bool next_frame(const struct bytes *b, size_t *at, struct frame *out) {
  size_t left = b->len - *at, header = 2;
  const unsigned char *p = b->at + *at;
  if (left == 0)
    return false;
  assert_true(left >= 2);
  assert_int_equal(p[1] & 0x80, 0);
  uint64_t len = p[1];
  if (len >= 126) {
    size_t size = len == 126 ? 2 : 8;
    assert_true(left >= 2 + size);
    len = 0;
    for (size_t i = 0; i < size; i++)
      len = len << 8 | p[2 + i];
    header += size;
  }
  assert_true(left - header >= len);
  *out = (struct frame){p[0], p + header, (size_t)len};
  *at += header + (size_t)len;
  return true;
}

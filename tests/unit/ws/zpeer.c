/* SPDX-License-Identifier: MIT */
#include "zpeer.h"

#include <unit.h>

static const unsigned char tail[] = {0x00, 0x00, 0xff, 0xff};

void zpeer_init(struct zpeer *z, int deflate_bits, int inflate_bits) {
  memset(z, 0, sizeof *z);
  assert_int_equal(deflateInit2(&z->deflater, 6, Z_DEFLATED, -deflate_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  assert_int_equal(inflateInit2(&z->inflater, -inflate_bits), Z_OK);
}

void zpeer_free(struct zpeer *z) {
  deflateEnd(&z->deflater);
  inflateEnd(&z->inflater);
}

void zpeer_reset(struct zpeer *z) {
  deflateReset(&z->deflater);
  inflateReset(&z->inflater);
}

void zpeer_deflate(struct zpeer *z, const void *bytes, size_t len, struct bytes *out) {
  unsigned char buffer[4096];
  z->deflater.next_in = (void *)(uintptr_t)bytes;
  z->deflater.avail_in = (unsigned)len;
  do {
    z->deflater.next_out = buffer;
    z->deflater.avail_out = sizeof buffer;
    int rv = deflate(&z->deflater, Z_SYNC_FLUSH);
    assert_true(rv == Z_OK || rv == Z_BUF_ERROR);
    bytes_add(out, buffer, sizeof buffer - z->deflater.avail_out);
  } while (z->deflater.avail_out == 0);
  assert_memory_equal(out->at + out->len - sizeof tail, tail, sizeof tail);
  out->len -= sizeof tail;
}

static void inflate_part(struct zpeer *z, const void *bytes, size_t len, struct bytes *out) {
  unsigned char buffer[4096];
  z->inflater.next_in = (void *)(uintptr_t)bytes;
  z->inflater.avail_in = (unsigned)len;
  do {
    z->inflater.next_out = buffer;
    z->inflater.avail_out = sizeof buffer;
    int rv = inflate(&z->inflater, Z_SYNC_FLUSH);
    assert_true(rv == Z_OK || rv == Z_BUF_ERROR);
    bytes_add(out, buffer, sizeof buffer - z->inflater.avail_out);
  } while (z->inflater.avail_out == 0);
  assert_int_equal(z->inflater.avail_in, 0);
}

void zpeer_inflate(struct zpeer *z, const void *bytes, size_t len, struct bytes *out) {
  inflate_part(z, bytes, len, out);
  inflate_part(z, tail, sizeof tail, out);
}

/* SPDX-License-Identifier: MIT */
#include "ws/codec.h"

#include <string.h>

#include <zlib.h>

#include <swale/error.h>

#include "ws/memory.h"

const bool swale__ws_codec_available = true;

/* What every flushed message ends with, and what goes over the wire without it (RFC 7692, 7.2.1). */
static const unsigned char tail[4] = {0x00, 0x00, 0xff, 0xff};

struct zlib_codec {
  struct swale__ws_codec codec; /* first */
  z_stream z;
  /* What was inflated last: the end of a deflate stream; of a block, where the next begins with a whole byte. */
  bool at_end, between_blocks;
};

static struct zlib_codec *zlib_of(struct swale__ws_codec *codec) { return (struct zlib_codec *)codec; }

/* ---- life ------------------------------------------------------------------------------- */

static void *allocate(void *opaque, unsigned items, unsigned size) {
  size_t bytes;
  return __builtin_mul_overflow((size_t)items, (size_t)size, &bytes) ? NULL : swale__ws_malloc(opaque, bytes);
}

static void release(void *opaque, void *block) { swale__ws_release(opaque, block); }

/* Negative window bits are zlib's way to say that there is neither header nor checksum. */
static int begin(z_stream *z, struct swale__ws_shape shape) {
  return shape.level ? deflateInit2(z, shape.level, Z_DEFLATED, -shape.window_bits, shape.mem_level,
                                    Z_DEFAULT_STRATEGY)
                     : inflateInit2(z, -shape.window_bits);
}

struct swale__ws_codec *swale__ws_codec_new(struct swale__ws_shape shape,
                                            const struct swale_allocator *allocator) {
  struct zlib_codec *c = swale__ws_malloc(allocator, sizeof *c);
  if (!c)
    return NULL;
  memset(c, 0, sizeof *c);
  c->codec.allocator = allocator;
  c->codec.shape = shape;
  c->z.zalloc = allocate;
  c->z.zfree = release;
  c->z.opaque = (void *)(uintptr_t)allocator;
  if (begin(&c->z, shape) == Z_OK)
    return &c->codec;
  swale__ws_release(allocator, c);
  return NULL;
}

void swale__ws_codec_free(struct swale__ws_codec *codec) {
  if (!codec)
    return;
  if (codec->shape.level)
    deflateEnd(&zlib_of(codec)->z);
  else
    inflateEnd(&zlib_of(codec)->z);
  swale__ws_release(codec->allocator, codec);
}

void swale__ws_codec_reset(struct swale__ws_codec *codec) {
  struct zlib_codec *c = zlib_of(codec);
  c->at_end = c->between_blocks = false;
  if (codec->shape.level)
    deflateReset(&c->z);
  else
    inflateReset(&c->z);
}

/* ---- deflating -------------------------------------------------------------------------- */

/*
 * The flush is complete when zlib leaves room over. With room for `len` bytes and the tail, that is exactly when the
 * message has become smaller.
 */
unsigned char *swale__ws_codec_deflate(struct swale__ws_codec *codec, const void *bytes, size_t len,
                                       bool smaller, size_t *deflated_len) {
  enum { FLUSH_MAX = 16 };
  z_stream *z = &zlib_of(codec)->z;
  size_t room = smaller ? len + sizeof tail : deflateBound(z, len) + FLUSH_MAX;
  unsigned char *out = swale__ws_malloc(codec->allocator, room);
  if (!out)
    return NULL;
  z->next_in = (void *)(uintptr_t)bytes;
  z->avail_in = (unsigned)len;
  z->next_out = out;
  z->avail_out = (unsigned)room;
  if (deflate(z, Z_SYNC_FLUSH) == Z_OK && z->avail_out > 0) {
    *deflated_len = room - z->avail_out - sizeof tail;
    return out;
  }
  swale__ws_release(codec->allocator, out);
  return NULL;
}

/* ---- inflating -------------------------------------------------------------------------- */

static int check_growth(const struct swale__ws_assembly *m, struct swale__ws_growth growth) {
  if (m->len > growth.max)
    return SWALE_ESIZE;
  return m->len > SWALE__RATIO_FREE && m->len / growth.ratio > m->wire ? SWALE_EFULL : 0;
}

/* zlib only says where it stands after a call in which it went on. */
static int note_position(struct zlib_codec *c, int rv) {
  enum { UNUSED_BITS = 7, AFTER_BLOCK = 128 };
  if (rv == Z_BUF_ERROR)
    return 0;
  c->at_end = rv == Z_STREAM_END;
  c->between_blocks = rv == Z_OK && (c->z.data_type & (AFTER_BLOCK | UNUSED_BITS)) == AFTER_BLOCK;
  if (c->at_end)
    inflateReset(&c->z);
  else if (rv != Z_OK)
    return rv == Z_MEM_ERROR ? SWALE_ENOMEM : SWALE_EFORMAT;
  return 0;
}

/*
 * One call of zlib's, into what room the message has. Where it may not grow any more there is room for one byte all the
 * same, since only that byte tells that it would. *more: zlib might have something to say without more input.
 */
static int inflate_once(struct zlib_codec *c, struct swale__ws_assembly **message,
                        struct swale__ws_growth growth, bool *more) {
  int rv = swale__ws_assembly_reserve(message, 1, growth.max + 1, c->codec.allocator);
  if (rv < 0)
    return rv;
  struct swale__ws_assembly *m = *message;
  size_t limit = m->capacity < growth.max + 1 ? m->capacity : growth.max + 1;
  unsigned room = (unsigned)(limit - m->len);
  c->z.next_out = m->bytes + m->len;
  c->z.avail_out = room;
  rv = inflate(&c->z, Z_SYNC_FLUSH);
  *more = c->z.avail_in > 0 || (rv == Z_OK && c->z.avail_out == 0);
  rv = note_position(c, rv);
  int grown = swale__ws_assembly_extend(m, room - c->z.avail_out);
  if (grown == 0)
    grown = check_growth(m, growth);
  return grown < 0 ? grown : rv; /* what is before a fault comes first, however the bytes are split */
}

static int inflate_all(struct zlib_codec *c, struct swale__ws_assembly **message, const void *bytes,
                       size_t len, struct swale__ws_growth growth) {
  bool more = len > 0;
  int rv = 0;
  c->z.next_in = (void *)(uintptr_t)bytes;
  c->z.avail_in = (unsigned)len;
  while (rv == 0 && more)
    rv = inflate_once(c, message, growth, &more);
  return rv;
}

/*
 * A message ends with the header of an empty block, whose rest is the tail. The block before may be marked as the last
 * of its stream; then another stream follows, which refers to nothing before (7.2.3.4). Others also send messages
 * that end there, and empty ones without a byte.
 */
int swale__ws_codec_inflate(struct swale__ws_codec *codec, struct swale__ws_assembly **message,
                            const void *bytes, size_t len, bool last, struct swale__ws_growth growth) {
  struct zlib_codec *c = zlib_of(codec);
  (*message)->wire += len;
  int rv = inflate_all(c, message, bytes, len, growth);
  if (rv < 0 || !last || c->at_end || (*message)->wire == 0)
    return rv;
  rv = inflate_all(c, message, tail, sizeof tail, growth);
  return rv < 0 || c->between_blocks ? rv : SWALE_EFORMAT;
}

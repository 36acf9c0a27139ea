/* SPDX-License-Identifier: MIT */
#include "core/msgpack.h"

#include <math.h>
#include <string.h>

enum tag {
  FIXMAP = 0x80,
  FIXLIST = 0x90,
  FIXSTR = 0xa0,
  NIL = 0xc0,
  RESERVED = 0xc1,
  FALSE = 0xc2,
  TRUE = 0xc3,
  BIN8 = 0xc4,
  BIN16 = 0xc5,
  BIN32 = 0xc6,
  FLOAT32 = 0xca,
  FLOAT64 = 0xcb,
  UINT8 = 0xcc,
  UINT16 = 0xcd,
  UINT32 = 0xce,
  UINT64 = 0xcf,
  INT8 = 0xd0,
  INT16 = 0xd1,
  INT32 = 0xd2,
  INT64 = 0xd3,
  STR8 = 0xd9,
  STR16 = 0xda,
  STR32 = 0xdb,
  LIST16 = 0xdc,
  LIST32 = 0xdd,
  MAP16 = 0xde,
  MAP32 = 0xdf,
  NEGATIVE_FIXINT = 0xe0
};

/* ---- writing -------------------------------------------------------------------------- */

/* A tag and the low `width` bytes of `number`, big-endian. */
static size_t put(unsigned char *at, unsigned tag, uint64_t number, size_t width) {
  at[0] = (unsigned char)tag;
  for (size_t i = width; i > 0; i--) {
    at[i] = (unsigned char)number;
    number >>= 8;
  }
  return 1 + width;
}

size_t swale__msgpack_put_nil(unsigned char *at) { return put(at, NIL, 0, 0); }

size_t swale__msgpack_put_bool(unsigned char *at, bool truth) { return put(at, truth ? TRUE : FALSE, 0, 0); }

static size_t put_negative(unsigned char *at, int64_t number) {
  uint64_t bits = (uint64_t)number;
  if (number >= -32)
    return put(at, (unsigned)(bits & 0xff), 0, 0);
  if (number >= INT8_MIN)
    return put(at, INT8, bits, 1);
  if (number >= INT16_MIN)
    return put(at, INT16, bits, 2);
  if (number >= INT32_MIN)
    return put(at, INT32, bits, 4);
  return put(at, INT64, bits, 8);
}

size_t swale__msgpack_put_int(unsigned char *at, int64_t number) {
  if (number < 0)
    return put_negative(at, number);
  uint64_t bits = (uint64_t)number;
  if (bits <= 0x7f)
    return put(at, (unsigned)bits, 0, 0);
  if (bits <= UINT8_MAX)
    return put(at, UINT8, bits, 1);
  if (bits <= UINT16_MAX)
    return put(at, UINT16, bits, 2);
  if (bits <= UINT32_MAX)
    return put(at, UINT32, bits, 4);
  return put(at, UINT64, bits, 8);
}

size_t swale__msgpack_put_double(unsigned char *at, double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return put(at, FLOAT64, bits, 8);
}

size_t swale__msgpack_put_str(unsigned char *at, uint32_t len) {
  if (len <= 31)
    return put(at, FIXSTR | len, 0, 0);
  if (len <= UINT8_MAX)
    return put(at, STR8, len, 1);
  if (len <= UINT16_MAX)
    return put(at, STR16, len, 2);
  return put(at, STR32, len, 4);
}

size_t swale__msgpack_put_bytes(unsigned char *at, uint32_t len) {
  if (len <= UINT8_MAX)
    return put(at, BIN8, len, 1);
  if (len <= UINT16_MAX)
    return put(at, BIN16, len, 2);
  return put(at, BIN32, len, 4);
}

size_t swale__msgpack_put_list(unsigned char *at, uint32_t count) {
  if (count <= 15)
    return put(at, FIXLIST | count, 0, 0);
  if (count <= UINT16_MAX)
    return put(at, LIST16, count, 2);
  return put(at, LIST32, count, 4);
}

size_t swale__msgpack_put_map(unsigned char *at, uint32_t count) {
  if (count <= 15)
    return put(at, FIXMAP | count, 0, 0);
  if (count <= UINT16_MAX)
    return put(at, MAP16, count, 2);
  return put(at, MAP32, count, 4);
}

/* ---- reading -------------------------------------------------------------------------- */

/* Apart: it is short, but there would be many of it. */
__attribute__((noinline)) static int take_number(struct swale__cursor *in, size_t width, uint64_t *out) {
  if (width > in->left)
    return SWALE_EFORMAT;
  uint64_t number = 0;
  for (size_t i = 0; i < width; i++)
    number = number << 8 | in->at[i];
  in->at += width;
  in->left -= width;
  *out = number;
  return 0;
}

static int take_run(struct swale__cursor *in, enum swale_type type, uint32_t len, struct swale_value *out) {
  if (len > in->left)
    return SWALE_EFORMAT;
  out->type = type;
  out->len = len;
  if (type == SWALE_STR)
    out->as.str = (const char *)in->at;
  else
    out->as.bytes = in->at;
  in->at += len;
  in->left -= len;
  return 0;
}

static int take_sized_run(struct swale__cursor *in, enum swale_type type, size_t width,
                          struct swale_value *out) {
  uint64_t len;
  int rv = take_number(in, width, &len);
  return rv ? rv : take_run(in, type, (uint32_t)len, out);
}

static int take_container(struct swale__cursor *in, enum swale_type type, uint32_t count,
                          struct swale_value *out) {
  out->type = type;
  out->len = count;
  out->as.bytes = in->at;
  return 0;
}

static int take_sized_container(struct swale__cursor *in, enum swale_type type, size_t width,
                                struct swale_value *out) {
  uint64_t count;
  int rv = take_number(in, width, &count);
  return rv ? rv : take_container(in, type, (uint32_t)count, out);
}

static int give_int(struct swale_value *out, int64_t number) {
  out->type = SWALE_INT;
  out->len = 0;
  out->as.integer = number;
  return 0;
}

static int give_double(struct swale_value *out, double number) {
  if (!isfinite(number))
    return SWALE_ETYPE;
  out->type = SWALE_DOUBLE;
  out->len = 0;
  out->as.number = number;
  return 0;
}

static int take_unsigned(struct swale__cursor *in, size_t width, struct swale_value *out) {
  uint64_t bits;
  int rv = take_number(in, width, &bits);
  if (rv)
    return rv;
  return bits <= INT64_MAX ? give_int(out, (int64_t)bits) : SWALE_ETYPE;
}

static int take_signed(struct swale__cursor *in, size_t width, struct swale_value *out) {
  uint64_t bits;
  int rv = take_number(in, width, &bits);
  if (rv)
    return rv;
  uint64_t sign = UINT64_C(1) << (8 * width - 1);
  return give_int(out, (int64_t)((bits ^ sign) - sign));
}

static int take_float32(struct swale__cursor *in, struct swale_value *out) {
  uint64_t bits;
  int rv = take_number(in, 4, &bits);
  if (rv)
    return rv;
  uint32_t narrow = (uint32_t)bits;
  float number;
  memcpy(&number, &narrow, sizeof number);
  return give_double(out, (double)number);
}

static int take_float64(struct swale__cursor *in, struct swale_value *out) {
  uint64_t bits;
  int rv = take_number(in, 8, &bits);
  if (rv)
    return rv;
  double number;
  memcpy(&number, &bits, sizeof number);
  return give_double(out, number);
}

/* The tags between the fixed strings and the negative fixed integers. */
static int read_tagged(struct swale__cursor *in, unsigned tag, struct swale_value *out) {
  switch (tag) {
  case NIL:
    *out = (struct swale_value){.type = SWALE_NIL};
    return 0;
  case FALSE:
  case TRUE:
    *out = (struct swale_value){.type = SWALE_BOOL, .as.truth = tag == TRUE};
    return 0;
  case BIN8:
  case BIN16:
  case BIN32:
    return take_sized_run(in, SWALE_BYTES, (size_t)1 << (tag - BIN8), out);
  case FLOAT32:
    return take_float32(in, out);
  case FLOAT64:
    return take_float64(in, out);
  case UINT8:
  case UINT16:
  case UINT32:
  case UINT64:
    return take_unsigned(in, (size_t)1 << (tag - UINT8), out);
  case INT8:
  case INT16:
  case INT32:
  case INT64:
    return take_signed(in, (size_t)1 << (tag - INT8), out);
  case STR8:
  case STR16:
  case STR32:
    return take_sized_run(in, SWALE_STR, (size_t)1 << (tag - STR8), out);
  case LIST16:
  case LIST32:
    return take_sized_container(in, SWALE_LIST, (size_t)2 << (tag - LIST16), out);
  case MAP16:
  case MAP32:
    return take_sized_container(in, SWALE_MAP, (size_t)2 << (tag - MAP16), out);
  case RESERVED:
    return SWALE_EFORMAT;
  default:
    return SWALE_ETYPE;
  }
}

int swale__msgpack_read(struct swale__cursor *in, struct swale_value *out) {
  if (in->left == 0)
    return SWALE_EFORMAT;
  unsigned tag = *in->at++;
  in->left--;
  if (tag < FIXMAP)
    return give_int(out, (int64_t)tag);
  if (tag < FIXLIST)
    return take_container(in, SWALE_MAP, tag - FIXMAP, out);
  if (tag < FIXSTR)
    return take_container(in, SWALE_LIST, tag - FIXLIST, out);
  if (tag < NIL)
    return take_run(in, SWALE_STR, tag - FIXSTR, out);
  if (tag >= NEGATIVE_FIXINT)
    return give_int(out, (int64_t)tag - 0x100);
  return read_tagged(in, tag, out);
}

const unsigned char *swale__msgpack_next(const unsigned char *at, struct swale_value *out) {
  struct swale__cursor in = {at, SIZE_MAX};
  swale__msgpack_read(&in, out);
  return in.at;
}

const unsigned char *swale__msgpack_skip(const unsigned char *at, uint64_t count) {
  struct swale_value item;
  for (; count > 0; count--) {
    at = swale__msgpack_next(at, &item);
    count += swale__msgpack_children(&item);
  }
  return at;
}

/* SPDX-License-Identifier: MIT */
#include "core/item.h"

#include <math.h>

#include <swale/utf8.h>

static int check_text(const char *text, size_t len) {
  if (!text)
    return SWALE_EINVAL;
  return swale_utf8_valid(text, len) ? 0 : SWALE_EUTF8;
}

struct swale__item swale__item_text(const char *text, size_t len) {
  struct swale__item item = {.error = check_text(text, len), .body = text, .body_len = len};
  item.head_len = swale__msgpack_put_str(item.head, (uint32_t)len);
  return item;
}

struct swale__item swale__item_bytes(const void *bytes, size_t len) {
  struct swale__item item = {.error = bytes || len == 0 ? 0 : SWALE_EINVAL, .body = bytes, .body_len = len};
  item.head_len = swale__msgpack_put_bytes(item.head, (uint32_t)len);
  return item;
}

static struct swale__item item_of_double(double number) {
  struct swale__item item = {.error = isfinite(number) ? 0 : SWALE_EINVAL};
  item.head_len = swale__msgpack_put_double(item.head, number);
  return item;
}

struct swale__item swale__item_of(const struct swale_value *value) {
  struct swale__item item = {.error = 0};
  switch (value->type) {
  case SWALE_NIL:
    item.head_len = swale__msgpack_put_nil(item.head);
    return item;
  case SWALE_BOOL:
    item.head_len = swale__msgpack_put_bool(item.head, value->as.truth);
    return item;
  case SWALE_INT:
    item.head_len = swale__msgpack_put_int(item.head, value->as.integer);
    return item;
  case SWALE_DOUBLE:
    return item_of_double(value->as.number);
  case SWALE_STR:
    return swale__item_text(value->as.str, value->len);
  case SWALE_BYTES:
    return swale__item_bytes(value->as.bytes, value->len);
  case SWALE_LIST:
    item.head_len = swale__msgpack_put_list(item.head, value->len);
    return item;
  case SWALE_MAP:
    item.head_len = swale__msgpack_put_map(item.head, value->len);
    return item;
  }
  item.error = SWALE_EINVAL;
  return item;
}

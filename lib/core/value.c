/* SPDX-License-Identifier: MIT */
#include <swale/message.h>

#include <string.h>

#include "core/message.h"
#include "core/msgpack.h"

/* ---- walking -------------------------------------------------------------------------- */

void swale_iter_start(struct swale_iter *it, const struct swale_value *container) {
  bool is_container = container->type == SWALE_LIST || container->type == SWALE_MAP;
  it->at = is_container ? container->as.bytes : NULL;
  it->left = is_container ? container->len : 0;
  it->is_map = container->type == SWALE_MAP;
}

bool swale_iter_next(struct swale_iter *it, struct swale_value *key, struct swale_value *value) {
  if (it->left == 0)
    return false;
  it->left--;
  struct swale_value name;
  if (it->is_map)
    it->at = swale__msgpack_next(it->at, key ? key : &name);
  it->at = swale__msgpack_next(it->at, value);
  it->at = swale__msgpack_skip(it->at, swale__msgpack_children(value));
  return true;
}

/* ---- looking up ----------------------------------------------------------------------- */

static int find(const struct swale_value *map, const char *key, size_t key_len, struct swale_value *out) {
  const unsigned char *at = map->as.bytes;
  for (uint32_t left = map->len; left > 0; left--) {
    struct swale_value name;
    at = swale__msgpack_next(at, &name);
    if (name.len == key_len && memcmp(name.as.str, key, key_len) == 0) {
      swale__msgpack_next(at, out);
      return 0;
    }
    at = swale__msgpack_skip(at, 1);
  }
  return SWALE_ENOTFOUND;
}

int swale_value_get(const struct swale_value *map, const char *key, struct swale_value *out) {
  return map->type == SWALE_MAP ? find(map, key, strlen(key), out) : SWALE_ETYPE;
}

int swale_message_get(const swale_message *m, const char *key, struct swale_value *out) {
  if (!swale__message_frozen(m))
    return SWALE_ESTATE;
  struct swale_value root;
  swale__msgpack_next(m->bytes, &root);
  return find(&root, key, strlen(key), out);
}

bool swale_value_is(const struct swale_value *value, const char *text) {
  return value->type == SWALE_STR && strlen(text) == value->len &&
         memcmp(value->as.str, text, value->len) == 0;
}

/* ---- with a fallback ------------------------------------------------------------------ */

static bool has_field(const swale_message *m, const char *key, enum swale_type type,
                      struct swale_value *out) {
  return swale_message_get(m, key, out) == 0 && out->type == type;
}

const char *swale_message_get_str(const swale_message *m, const char *key, size_t *len) {
  struct swale_value value;
  if (!len)
    return NULL;
  bool found = has_field(m, key, SWALE_STR, &value);
  *len = found ? value.len : 0;
  return found ? value.as.str : NULL;
}

int64_t swale_message_get_int(const swale_message *m, const char *key, int64_t fallback) {
  struct swale_value value;
  return has_field(m, key, SWALE_INT, &value) ? value.as.integer : fallback;
}

double swale_message_get_double(const swale_message *m, const char *key, double fallback) {
  struct swale_value value;
  if (swale_message_get(m, key, &value) != 0)
    return fallback;
  if (value.type == SWALE_INT)
    return (double)value.as.integer;
  return value.type == SWALE_DOUBLE ? value.as.number : fallback;
}

bool swale_message_get_bool(const swale_message *m, const char *key, bool fallback) {
  struct swale_value value;
  return has_field(m, key, SWALE_BOOL, &value) ? value.as.truth : fallback;
}

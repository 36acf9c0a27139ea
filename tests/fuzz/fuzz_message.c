/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are given to swale_message_parse. What it accepts is read to the last byte, built anew, and must
 * then be the same message. An accepted message that is not as promised ends the run.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <swale/message.h>
#include <swale/utf8.h>

static void must(bool truth) {
  if (!truth)
    abort();
}

static bool is_container(const struct swale_value *value) {
  return value->type == SWALE_LIST || value->type == SWALE_MAP;
}

static bool same_scalar(const struct swale_value *a, const struct swale_value *b) {
  switch (a->type) {
  case SWALE_NIL:
    return true;
  case SWALE_BOOL:
    return a->as.truth == b->as.truth;
  case SWALE_INT:
    return a->as.integer == b->as.integer;
  case SWALE_DOUBLE:
    return memcmp(&a->as.number, &b->as.number, sizeof(double)) == 0;
  case SWALE_STR:
    return memcmp(a->as.str, b->as.str, a->len) == 0;
  default:
    return memcmp(a->as.bytes, b->as.bytes, a->len) == 0;
  }
}

/* Reads both to the last byte. Depth is bounded by SWALE_MESSAGE_DEPTH_MAX. */
static void must_be_same(const struct swale_value *a, const struct swale_value *b, unsigned depth) {
  must(a->type == b->type && a->len == b->len);
  must(a->type != SWALE_STR || swale_utf8_valid(a->as.str, a->len));
  if (!is_container(a)) {
    must(same_scalar(a, b));
    return;
  }
  must(depth <= SWALE_MESSAGE_DEPTH_MAX);
  struct swale_iter it_a, it_b;
  struct swale_value key_a, key_b, value_a, value_b;
  swale_iter_start(&it_a, a);
  swale_iter_start(&it_b, b);
  while (swale_iter_next(&it_a, &key_a, &value_a)) {
    must(swale_iter_next(&it_b, &key_b, &value_b));
    if (a->type == SWALE_MAP)
      must_be_same(&key_a, &key_b, depth + 1);
    must_be_same(&value_a, &value_b, depth + 1);
  }
  must(!swale_iter_next(&it_b, &key_b, &value_b));
}

/* A message built from the fields of `m`; its type comes first. */
static swale_message *rebuild(const swale_message *m, size_t size_max) {
  swale_message *copy = swale_message_new_with(swale_message_type(m), size_max, NULL);
  struct swale_value root = swale_message_root(m), key, value;
  struct swale_iter it;
  must(copy != NULL);
  swale_iter_start(&it, &root);
  while (swale_iter_next(&it, &key, &value))
    if (!swale_value_is(&key, "type"))
      must(swale_message_add_value(copy, key.as.str, key.len, &value) == 0);
  must(swale_message_freeze(copy) == 0);
  return copy;
}

static bool next_but_type(struct swale_iter *it, struct swale_value *key, struct swale_value *value) {
  bool more = swale_iter_next(it, key, value);
  return more && swale_value_is(key, "type") ? swale_iter_next(it, key, value) : more;
}

/* The same but for the place of the type. */
static void must_have_same_fields(const swale_message *a, const swale_message *b) {
  struct swale_value root_a = swale_message_root(a), root_b = swale_message_root(b);
  struct swale_value key_a, key_b, value_a, value_b;
  struct swale_iter it_a, it_b;
  must(root_a.len == root_b.len);
  must(strcmp(swale_message_type(a), swale_message_type(b)) == 0);
  swale_iter_start(&it_a, &root_a);
  swale_iter_start(&it_b, &root_b);
  while (next_but_type(&it_a, &key_a, &value_a)) {
    must(next_but_type(&it_b, &key_b, &value_b));
    must_be_same(&key_a, &key_b, 1);
    must_be_same(&value_a, &value_b, 2);
  }
  must(!next_but_type(&it_b, &key_b, &value_b));
}

static void must_parse_to_itself(const swale_message *m, size_t size_max) {
  size_t len, len_again;
  const void *bytes = swale_message_bytes(m, &len);
  swale_message *again;
  must(swale_message_parse(bytes, len, &(struct swale_parse_limits){.size = size_max}, NULL, &again) == 0);
  must_have_same_fields(m, again);
  const void *bytes_again = swale_message_bytes(again, &len_again);
  must(len == len_again && memcmp(bytes, bytes_again, len) == 0);
  swale_message_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  swale_message *m;
  if (swale_message_parse(data, size, NULL, NULL, &m) != 0) {
    must(m == NULL);
    return 0;
  }
  size_t size_max = 2 * size + 16; /* float32 is widened */
  must(strlen(swale_message_type(m)) > 0);
  swale_message *copy = rebuild(m, size_max);
  must_have_same_fields(m, copy);
  must_parse_to_itself(copy, size_max);
  swale_message_unref(copy);
  swale_message_unref(m);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Our MessagePack against libmsgpackc's, on random messages: what we encode they decode, what they encode
 * we parse, and of bytes that were tampered with we accept just those which they decode to something that a
 * message may hold. Every run takes the same seeds.
 */
#include "unit.h"

#include <math.h>
#include <stdio.h>

#include <msgpack.h>

#include <swale/message.h>
#include <swale/utf8.h>

/* ---- chance --------------------------------------------------------------------------- */

static uint64_t chance;

static uint64_t any(void) {
  chance ^= chance << 13;
  chance ^= chance >> 7;
  chance ^= chance << 17;
  return chance;
}

static uint32_t below(uint32_t n) { return (uint32_t)(any() >> 32) % n; }

/* Mostly small, at times just about where heads change their form. */
static size_t any_size(void) {
  static const uint16_t edges[] = {15, 16, 31, 32, 33, 255, 256, 300};
  return below(8) > 0 ? below(8) : edges[below(sizeof edges / sizeof *edges)];
}

static int64_t any_int(void) {
  uint64_t bits = any() >> below(64);
  static const int64_t edges[] = {
      0,  127, 128, 255,  256,  65535,  65536,  UINT32_MAX, (int64_t)UINT32_MAX + 1, INT64_MAX, INT64_MIN,
      -1, -32, -33, -128, -129, -32768, -32769, INT32_MIN,  (int64_t)INT32_MIN - 1};
  if (below(4) == 0)
    return edges[below(sizeof edges / sizeof *edges)];
  bits &= INT64_MAX;
  return below(2) ? (int64_t)bits : -(int64_t)bits;
}

static double any_double(void) {
  if (below(3) == 0)
    return (double)(float)((double)any_int() / 8);
  double number;
  do {
    uint64_t bits = any();
    memcpy(&number, &bits, sizeof number);
  } while (!isfinite(number));
  return number;
}

static size_t put_code_point(char *at, uint32_t code) {
  if (code < 0x80) {
    at[0] = (char)code;
    return 1;
  }
  size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  at[0] = (char)(0xff00u >> (more + 1) | code >> (6 * more));
  for (size_t i = 1; i <= more; i++)
    at[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
  return 1 + more;
}

/* Text of `size` to `size + 3` bytes; `at` has room for that. */
static size_t any_text(char *at, size_t size) {
  static const uint32_t ends[] = {0x80, 0x800, 0x10000, 0x110000};
  size_t len = 0;
  while (len < size) {
    uint32_t code = below(ends[below(4)]);
    len += put_code_point(at + len, code >= 0xd800 && code <= 0xdfff ? ' ' : code);
  }
  return len;
}

/* ---- random messages ------------------------------------------------------------------ */

static void add_container(swale_message *m, const char *key, size_t key_len, unsigned depth);

static void add_any(swale_message *m, const char *key, size_t key_len, unsigned depth) {
  char text[400];
  struct swale_value value = {.type = (enum swale_type)below(depth < 6 ? SWALE_MAP + 1 : SWALE_LIST)};
  switch (value.type) {
  case SWALE_BOOL:
    value.as.truth = below(2) == 1;
    break;
  case SWALE_INT:
    value.as.integer = any_int();
    break;
  case SWALE_DOUBLE:
    value.as.number = any_double();
    break;
  case SWALE_STR:
    value.len = (uint32_t)any_text(text, any_size());
    value.as.str = text;
    break;
  case SWALE_BYTES:
    value.len = (uint32_t)any_size();
    for (uint32_t i = 0; i < value.len; i++)
      text[i] = (char)any();
    value.as.bytes = (const unsigned char *)text;
    break;
  case SWALE_LIST:
  case SWALE_MAP:
    add_container(m, key, key_len, depth);
    return;
  case SWALE_NIL:
    break;
  }
  assert_int_equal(swale_message_add_value(m, key, key_len, &value), 0);
}

/* Keys differ by the number in front of the colon. */
static void add_pair(swale_message *m, size_t number, unsigned depth) {
  char key[400];
  size_t len = (size_t)snprintf(key, sizeof key, "%zu:", number);
  len += any_text(key + len, below(16) ? below(4) : any_size());
  add_any(m, key, len, depth);
}

static void add_container(swale_message *m, const char *key, size_t key_len, unsigned depth) {
  bool is_map = below(2) == 1;
  size_t count = depth < 3 ? any_size() : below(4);
  int rv = is_map ? swale_message_begin_mapn(m, key, key_len) : swale_message_begin_listn(m, key, key_len);
  assert_int_equal(rv, 0);
  for (size_t i = 0; i < count; i++) {
    if (is_map)
      add_pair(m, i, depth + 1);
    else
      add_any(m, NULL, 0, depth + 1);
  }
  assert_int_equal(swale_message_end(m), 0);
}

static swale_message *any_message(size_t fields) {
  swale_message *m = swale_message_new_with("type.of.message", 64 << 20, NULL);
  for (size_t i = 0; i < fields; i++)
    add_pair(m, i, 1);
  assert_int_equal(swale_message_freeze(m), 0);
  return m;
}

/* ---- comparing ------------------------------------------------------------------------ */

static bool same(const struct swale_value *ours, const msgpack_object *theirs);

static bool same_bytes(const void *bytes, uint32_t len, const void *other, uint32_t other_len) {
  return len == other_len && (len == 0 || memcmp(bytes, other, len) == 0);
}

static bool same_list(const struct swale_value *ours, const msgpack_object_array *theirs) {
  struct swale_iter it;
  struct swale_value element;
  uint32_t i = 0;
  swale_iter_start(&it, ours);
  while (swale_iter_next(&it, NULL, &element))
    if (i == theirs->size || !same(&element, &theirs->ptr[i++]))
      return false;
  return i == theirs->size;
}

static bool same_map(const struct swale_value *ours, const msgpack_object_map *theirs) {
  struct swale_iter it;
  struct swale_value key, value;
  uint32_t i = 0;
  swale_iter_start(&it, ours);
  for (; swale_iter_next(&it, &key, &value); i++)
    if (i == theirs->size || !same(&key, &theirs->ptr[i].key) || !same(&value, &theirs->ptr[i].val))
      return false;
  return i == theirs->size;
}

static bool same(const struct swale_value *ours, const msgpack_object *theirs) {
  switch (theirs->type) {
  case MSGPACK_OBJECT_NIL:
    return ours->type == SWALE_NIL;
  case MSGPACK_OBJECT_BOOLEAN:
    return ours->type == SWALE_BOOL && ours->as.truth == theirs->via.boolean;
  case MSGPACK_OBJECT_POSITIVE_INTEGER:
    return ours->type == SWALE_INT && ours->as.integer >= 0 && (uint64_t)ours->as.integer == theirs->via.u64;
  case MSGPACK_OBJECT_NEGATIVE_INTEGER:
    return ours->type == SWALE_INT && ours->as.integer == theirs->via.i64;
  case MSGPACK_OBJECT_FLOAT32:
  case MSGPACK_OBJECT_FLOAT64:
    return ours->type == SWALE_DOUBLE && memcmp(&ours->as.number, &theirs->via.f64, sizeof(double)) == 0;
  case MSGPACK_OBJECT_STR:
    return ours->type == SWALE_STR &&
           same_bytes(ours->as.str, ours->len, theirs->via.str.ptr, theirs->via.str.size);
  case MSGPACK_OBJECT_BIN:
    return ours->type == SWALE_BYTES &&
           same_bytes(ours->as.bytes, ours->len, theirs->via.bin.ptr, theirs->via.bin.size);
  case MSGPACK_OBJECT_ARRAY:
    return ours->type == SWALE_LIST && same_list(ours, &theirs->via.array);
  case MSGPACK_OBJECT_MAP:
    return ours->type == SWALE_MAP && same_map(ours, &theirs->via.map);
  default:
    return false;
  }
}

/* Decodes with libmsgpackc; false unless all bytes are one object. */
static bool decode(msgpack_unpacked *theirs, const void *bytes, size_t len) {
  size_t used = 0;
  msgpack_unpacked_init(theirs);
  return msgpack_unpack_next(theirs, bytes, len, &used) == MSGPACK_UNPACK_SUCCESS && used == len;
}

/* ---- ours encodes, theirs decodes ----------------------------------------------------- */

static void assert_theirs_agree(const swale_message *m) {
  size_t len;
  const void *bytes = swale_message_bytes(m, &len);
  struct swale_value root = swale_message_root(m);
  msgpack_unpacked theirs;
  assert_true(decode(&theirs, bytes, len));
  assert_true(same(&root, &theirs.data));

  msgpack_sbuffer packed;
  msgpack_packer packer;
  msgpack_sbuffer_init(&packed);
  msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
  assert_int_equal(msgpack_pack_object(&packer, theirs.data), 0);
  assert_int_equal(packed.size, len);
  assert_memory_equal(packed.data, bytes, len);
  msgpack_sbuffer_destroy(&packed);
  msgpack_unpacked_destroy(&theirs);
}

static void they_decode_what_we_encode_and_encode_it_alike(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    chance = seed * 0x9e3779b97f4a7c15;
    swale_message *m = any_message(any_size());
    assert_theirs_agree(m);
    swale_message_unref(m);
  }
}

static void very_large_counts_and_texts_are_encoded_alike(void **state) {
  (void)state;
  const uint32_t sizes[] = {65535, 65536};
  char *text = calloc(1, 65536);
  for (size_t i = 0; i < 2; i++) {
    swale_message *m = swale_message_new_with("t", 64 << 20, NULL);
    swale_message_add_strn(m, "text", text, sizes[i]);
    swale_message_add_bytes(m, "bytes", text, sizes[i]);
    swale_message_begin_list(m, "list");
    for (uint32_t n = 0; n < sizes[i]; n++)
      swale_message_add_nil(m, NULL);
    swale_message_end(m);
    swale_message_begin_map(m, "map");
    for (uint32_t n = 0; n < sizes[i]; n++) {
      char key[16];
      snprintf(key, sizeof key, "%u", (unsigned)n);
      swale_message_add_nil(m, key);
    }
    swale_message_end(m);
    assert_int_equal(swale_message_freeze(m), 0);
    assert_theirs_agree(m);
    swale_message_unref(m);
  }
  free(text);
}

/* ---- theirs encode, ours parses ------------------------------------------------------- */

static void pack_raw(msgpack_packer *packer, uint8_t tag, uint32_t number) {
  const unsigned char head[] = {tag, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                                (uint8_t)number};
  packer->callback(packer->data, (const char *)head, sizeof head);
}

static void pack_int(msgpack_packer *packer, int64_t number) {
  unsigned form = below(3);
  if (form == 0)
    msgpack_pack_int64(packer, number);
  else if (form == 1)
    msgpack_pack_fix_int64(packer, number);
  else if (number >= 0 && number <= UINT16_MAX)
    msgpack_pack_fix_uint16(packer, (uint16_t)number);
  else if (number >= 0)
    msgpack_pack_fix_uint64(packer, (uint64_t)number);
  else if (number >= INT16_MIN)
    msgpack_pack_fix_int16(packer, (int16_t)number);
  else if (number >= INT32_MIN)
    msgpack_pack_fix_int32(packer, (int32_t)number);
  else
    msgpack_pack_long_long(packer, number);
}

static void pack_double(msgpack_packer *packer, double number) {
  float narrow = fabs(number) <= 3e38 ? (float)number : 0;
  double back = (double)narrow;
  if (memcmp(&back, &number, sizeof back) == 0)
    msgpack_pack_float(packer, narrow);
  else
    msgpack_pack_double(packer, number);
}

static void pack_in_any_form(msgpack_packer *packer, const struct swale_value *value);

static void pack_contents(msgpack_packer *packer, const struct swale_value *value) {
  struct swale_iter it;
  struct swale_value key, element;
  swale_iter_start(&it, value);
  while (swale_iter_next(&it, &key, &element)) {
    if (it.is_map)
      pack_in_any_form(packer, &key);
    pack_in_any_form(packer, &element);
  }
}

/* In the shortest form, or the longest. */
static void pack_in_any_form(msgpack_packer *packer, const struct swale_value *value) {
  bool wide = below(4) == 0;
  switch (value->type) {
  case SWALE_NIL:
    msgpack_pack_nil(packer);
    break;
  case SWALE_BOOL:
    (void)(value->as.truth ? msgpack_pack_true(packer) : msgpack_pack_false(packer));
    break;
  case SWALE_INT:
    pack_int(packer, value->as.integer);
    break;
  case SWALE_DOUBLE:
    pack_double(packer, value->as.number);
    break;
  case SWALE_STR:
    wide ? pack_raw(packer, 0xdb, value->len) : (void)msgpack_pack_str(packer, value->len);
    msgpack_pack_str_body(packer, value->as.str, value->len);
    break;
  case SWALE_BYTES:
    wide ? pack_raw(packer, 0xc6, value->len) : (void)msgpack_pack_bin(packer, value->len);
    msgpack_pack_bin_body(packer, value->as.bytes, value->len);
    break;
  case SWALE_LIST:
    wide ? pack_raw(packer, 0xdd, value->len) : (void)msgpack_pack_array(packer, value->len);
    pack_contents(packer, value);
    break;
  case SWALE_MAP:
    wide ? pack_raw(packer, 0xdf, value->len) : (void)msgpack_pack_map(packer, value->len);
    pack_contents(packer, value);
    break;
  }
}

static void we_parse_what_they_encode(void **state) {
  (void)state;
  const struct swale_parse_limits limits = {.size = 64 << 20};
  for (uint64_t seed = 1; seed <= 300; seed++) {
    chance = seed * 0x9e3779b97f4a7c15 + 1;
    swale_message *m = any_message(any_size()), *parsed;
    struct swale_value root = swale_message_root(m);
    msgpack_sbuffer packed;
    msgpack_packer packer;
    msgpack_sbuffer_init(&packed);
    msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
    pack_in_any_form(&packer, &root);
    assert_int_equal(swale_message_parse(packed.data, packed.size, &limits, NULL, &parsed), 0);

    msgpack_unpacked theirs;
    struct swale_value parsed_root = swale_message_root(parsed);
    assert_true(decode(&theirs, packed.data, packed.size));
    assert_true(same(&parsed_root, &theirs.data));
    assert_true(same(&root, &theirs.data));
    msgpack_unpacked_destroy(&theirs);
    msgpack_sbuffer_destroy(&packed);
    swale_message_unref(parsed);
    swale_message_unref(m);
  }
}

/* ---- tampered bytes: ours accepts just what theirs decode to something a message may hold  */

static bool may_hold(const msgpack_object *object, unsigned depth);

static bool is_text(const msgpack_object *object) {
  return object->type == MSGPACK_OBJECT_STR && swale_utf8_valid(object->via.str.ptr, object->via.str.size);
}

static bool has_twin_before(const msgpack_object_map *map, uint32_t at) {
  for (uint32_t i = 0; i < at; i++)
    if (msgpack_object_equal(map->ptr[i].key, map->ptr[at].key))
      return true;
  return false;
}

static bool map_may_be_held(const msgpack_object_map *map, unsigned depth) {
  for (uint32_t i = 0; i < map->size; i++)
    if (!is_text(&map->ptr[i].key) || !may_hold(&map->ptr[i].val, depth + 1) || has_twin_before(map, i))
      return false;
  return depth <= SWALE_MESSAGE_DEPTH_MAX;
}

static bool list_may_be_held(const msgpack_object_array *list, unsigned depth) {
  for (uint32_t i = 0; i < list->size; i++)
    if (!may_hold(&list->ptr[i], depth + 1))
      return false;
  return depth <= SWALE_MESSAGE_DEPTH_MAX;
}

static bool may_hold(const msgpack_object *object, unsigned depth) {
  switch (object->type) {
  case MSGPACK_OBJECT_POSITIVE_INTEGER:
    return object->via.u64 <= INT64_MAX;
  case MSGPACK_OBJECT_FLOAT32:
  case MSGPACK_OBJECT_FLOAT64:
    return isfinite(object->via.f64);
  case MSGPACK_OBJECT_STR:
    return is_text(object);
  case MSGPACK_OBJECT_ARRAY:
    return list_may_be_held(&object->via.array, depth);
  case MSGPACK_OBJECT_MAP:
    return map_may_be_held(&object->via.map, depth);
  case MSGPACK_OBJECT_EXT:
    return false;
  default:
    return true;
  }
}

static bool has_type(const msgpack_object *object) {
  for (uint32_t i = 0; i < object->via.map.size; i++) {
    const msgpack_object_kv *pair = &object->via.map.ptr[i];
    if (pair->key.via.str.size == 4 && memcmp(pair->key.via.str.ptr, "type", 4) == 0)
      return pair->val.type == MSGPACK_OBJECT_STR && pair->val.via.str.size > 0 &&
             !memchr(pair->val.via.str.ptr, 0, pair->val.via.str.size);
  }
  return false;
}

static bool is_message(const msgpack_object *object) {
  return object->type == MSGPACK_OBJECT_MAP && may_hold(object, 1) && has_type(object);
}

/* libmsgpackc sets memory aside for any count it reads: 32-bit counts it gets only if we accepted them. */
static bool is_safe_for_theirs(const unsigned char *bytes, size_t len) {
  return !memchr(bytes, 0xdd, len) && !memchr(bytes, 0xdf, len);
}

static bool assert_verdicts_agree(const unsigned char *bytes, size_t len) {
  swale_message *m;
  int rv = swale_message_parse(bytes, len, NULL, NULL, &m);
  if (rv && !is_safe_for_theirs(bytes, len))
    return false;
  msgpack_unpacked theirs;
  bool acceptable = decode(&theirs, bytes, len) && is_message(&theirs.data);
  assert_int_equal(rv == 0, acceptable);
  if (rv == 0) {
    struct swale_value root = swale_message_root(m);
    assert_true(same(&root, &theirs.data));
  }
  msgpack_unpacked_destroy(&theirs);
  swale_message_unref(m);
  return rv == 0;
}

/* Changes, inserts or takes out a byte; answers the new length. `bytes` has room for one more. */
static size_t tamper(unsigned char *bytes, size_t len) {
  static const unsigned char tags[] = {0x80, 0x81, 0x90, 0xa0, 0xa1, 0xc0, 0xc1, 0xc4, 0xc7, 0xca,
                                       0xcb, 0xcf, 0xd3, 0xd4, 0xd9, 0xda, 0xdc, 0xde, 0xff, 0x00};
  size_t at = below((uint32_t)len);
  unsigned char byte = below(2) ? tags[below(sizeof tags)] : (unsigned char)any();
  switch (below(4)) {
  case 0:
    memmove(bytes + at + 1, bytes + at, len - at);
    bytes[at] = byte;
    return len + 1;
  case 1:
    memmove(bytes + at, bytes + at + 1, len - at - 1);
    return len > 1 ? len - 1 : len;
  case 2:
    bytes[at] ^= (unsigned char)(1u << below(8));
    return len;
  default:
    bytes[at] = byte;
    return len;
  }
}

static void of_tampered_bytes_we_accept_what_they_show_to_be_a_message(void **state) {
  (void)state;
  unsigned accepted = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 20000; seed++) {
    chance = seed * 0x9e3779b97f4a7c15 + 2;
    size_t len;
    swale_message *m = any_message(below(5));
    const void *bytes = swale_message_bytes(m, &len);
    unsigned char *tampered = malloc(len + 4);
    memcpy(tampered, bytes, len);
    for (unsigned changes = 1 + below(3); changes > 0; changes--)
      len = tamper(tampered, len);
    if (assert_verdicts_agree(tampered, len))
      accepted++;
    else
      refused++;
    free(tampered);
    swale_message_unref(m);
  }
  assert_true(accepted > 1000 && refused > 1000);
}

static void of_deep_nesting_alike(void **state) {
  (void)state;
  for (size_t depth = 1; depth <= 40; depth++) {
    unsigned char bytes[80] = "\x82\xa4type\xa1t\xa1k";
    memset(bytes + 10, 0x91, depth);
    for (unsigned last = 0x8f; last <= 0x90; last++) {
      bytes[10 + depth] = last == 0x90 ? 0x90 : 0xc0;
      bool accepted = assert_verdicts_agree(bytes, 11 + depth);
      assert_int_equal(accepted, depth + 1 + (last == 0x90) <= SWALE_MESSAGE_DEPTH_MAX);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_decode_what_we_encode_and_encode_it_alike),
      cmocka_unit_test(very_large_counts_and_texts_are_encoded_alike),
      cmocka_unit_test(we_parse_what_they_encode),
      cmocka_unit_test(of_tampered_bytes_we_accept_what_they_show_to_be_a_message),
      cmocka_unit_test(of_deep_nesting_alike),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

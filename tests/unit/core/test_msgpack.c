/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <float.h>
#include <math.h>

#include "core/msgpack.h"

static struct swale_value read_all(const void *bytes, size_t len) {
  struct swale__cursor in = {bytes, len};
  struct swale_value value;
  assert_int_equal(swale__msgpack_read(&in, &value), 0);
  assert_int_equal(in.left, 0);
  assert_ptr_equal(in.at, (const unsigned char *)bytes + len);
  return value;
}

static int error_of(const void *bytes, size_t len) {
  struct swale__cursor in = {bytes, len};
  struct swale_value value;
  return swale__msgpack_read(&in, &value);
}

/* Every proper prefix is truncated. Each is a block of its own, so that reading beyond it shows. */
static void assert_prefixes_are_truncated(const void *bytes, size_t len) {
  for (size_t n = 0; n < len; n++) {
    unsigned char *prefix = malloc(n + 1);
    memcpy(prefix + 1, bytes, n);
    assert_int_equal(error_of(prefix + 1, n), SWALE_EFORMAT);
    free(prefix);
  }
}

/* ---- heads are as short as can be, and read back -------------------------------------- */

static void integers(void **state) {
  (void)state;
  static const struct {
    int64_t number;
    size_t size;
    const char *bytes;
  } cases[] = {
      {0, 1, "\x00"},
      {127, 1, "\x7f"},
      {128, 2, "\xcc\x80"},
      {255, 2, "\xcc\xff"},
      {256, 3, "\xcd\x01\x00"},
      {65535, 3, "\xcd\xff\xff"},
      {65536, 5, "\xce\x00\x01\x00\x00"},
      {4294967295, 5, "\xce\xff\xff\xff\xff"},
      {4294967296, 9, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"},
      {INT64_MAX, 9, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"},
      {-1, 1, "\xff"},
      {-32, 1, "\xe0"},
      {-33, 2, "\xd0\xdf"},
      {-128, 2, "\xd0\x80"},
      {-129, 3, "\xd1\xff\x7f"},
      {-32768, 3, "\xd1\x80\x00"},
      {-32769, 5, "\xd2\xff\xff\x7f\xff"},
      {-2147483648, 5, "\xd2\x80\x00\x00\x00"},
      {-2147483649, 9, "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"},
      {INT64_MIN, 9, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    unsigned char head[SWALE__MSGPACK_HEAD_MAX];
    assert_int_equal(swale__msgpack_put_int(head, cases[i].number), cases[i].size);
    assert_memory_equal(head, cases[i].bytes, cases[i].size);
    struct swale_value value = read_all(head, cases[i].size);
    assert_int_equal(value.type, SWALE_INT);
    assert_true(value.as.integer == cases[i].number);
    assert_prefixes_are_truncated(head, cases[i].size);
  }
}

static void integers_in_longer_forms_than_needed_are_read(void **state) {
  (void)state;
  assert_int_equal(read_all("\xcc\x05", 2).as.integer, 5);
  assert_int_equal(read_all("\xcd\x00\x05", 3).as.integer, 5);
  assert_int_equal(read_all("\xd3\x00\x00\x00\x00\x00\x00\x00\x05", 9).as.integer, 5);
  assert_int_equal(read_all("\xd0\x05", 2).as.integer, 5);
  assert_int_equal(read_all("\xd1\xff\xfb", 3).as.integer, -5);
}

static void unsigned_integers_beyond_int64_are_refused(void **state) {
  (void)state;
  assert_int_equal(error_of("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9), SWALE_ETYPE);
  assert_int_equal(error_of("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9), SWALE_ETYPE);
}

static void doubles(void **state) {
  (void)state;
  const double cases[] = {0.0, -0.0, 1.5, -1e300, DBL_MAX, -DBL_MAX, DBL_MIN, DBL_TRUE_MIN, 0.1};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    unsigned char head[SWALE__MSGPACK_HEAD_MAX];
    assert_int_equal(swale__msgpack_put_double(head, cases[i]), 9);
    struct swale_value value = read_all(head, 9);
    assert_int_equal(value.type, SWALE_DOUBLE);
    assert_memory_equal(&value.as.number, &cases[i], sizeof(double));
    assert_prefixes_are_truncated(head, 9);
  }
  unsigned char head[SWALE__MSGPACK_HEAD_MAX];
  swale__msgpack_put_double(head, 1.5);
  assert_memory_equal(head, "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 9);
}

static void float32_is_widened(void **state) {
  (void)state;
  struct swale_value value = read_all("\xca\x3f\xc0\x00\x00", 5);
  assert_int_equal(value.type, SWALE_DOUBLE);
  assert_true(value.as.number == 1.5);
  assert_true(read_all("\xca\x7f\x7f\xff\xff", 5).as.number == (double)FLT_MAX);
  assert_true(signbit(read_all("\xca\x80\x00\x00\x00", 5).as.number));
  assert_prefixes_are_truncated("\xca\x3f\xc0\x00\x00", 5);
}

static void doubles_that_are_not_finite_are_refused(void **state) {
  (void)state;
  assert_int_equal(error_of("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", 9), SWALE_ETYPE);
  assert_int_equal(error_of("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", 9), SWALE_ETYPE);
  assert_int_equal(error_of("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 9), SWALE_ETYPE);
  assert_int_equal(error_of("\xca\x7f\x80\x00\x00", 5), SWALE_ETYPE);
  assert_int_equal(error_of("\xca\xff\x80\x00\x00", 5), SWALE_ETYPE);
  assert_int_equal(error_of("\xca\x7f\xc0\x00\x00", 5), SWALE_ETYPE);
}

static void nil_and_truth(void **state) {
  (void)state;
  unsigned char head[SWALE__MSGPACK_HEAD_MAX];
  assert_int_equal(swale__msgpack_put_nil(head), 1);
  assert_int_equal(read_all(head, 1).type, SWALE_NIL);
  for (int truth = 0; truth <= 1; truth++) {
    assert_int_equal(swale__msgpack_put_bool(head, truth), 1);
    assert_int_equal(read_all(head, 1).type, SWALE_BOOL);
    assert_int_equal(read_all(head, 1).as.truth, truth);
  }
}

struct sized_case {
  uint32_t len;
  size_t head;
  const char *bytes;
};

static void assert_runs(size_t (*put)(unsigned char *, uint32_t), enum swale_type type,
                        const struct sized_case *cases, size_t n) {
  for (size_t i = 0; i < n; i++) {
    size_t size = cases[i].head + cases[i].len;
    unsigned char *item = malloc(size < SWALE__MSGPACK_HEAD_MAX ? SWALE__MSGPACK_HEAD_MAX : size);
    assert_int_equal(put(item, cases[i].len), cases[i].head);
    assert_memory_equal(item, cases[i].bytes, cases[i].head);
    memset(item + cases[i].head, 'x', cases[i].len);
    struct swale_value value = read_all(item, size);
    assert_int_equal(value.type, type);
    assert_int_equal(value.len, cases[i].len);
    assert_ptr_equal(type == SWALE_STR ? (const void *)value.as.str : value.as.bytes, item + cases[i].head);
    for (size_t cut = 1; cut <= cases[i].head + 1 && cut <= size; cut++)
      assert_int_equal(error_of(item, size - cut), SWALE_EFORMAT);
    assert_prefixes_are_truncated(item, cases[i].head);
    free(item);
  }
}

static void text(void **state) {
  (void)state;
  static const struct sized_case cases[] = {
      {0, 1, "\xa0"},
      {31, 1, "\xbf"},
      {32, 2, "\xd9\x20"},
      {255, 2, "\xd9\xff"},
      {256, 3, "\xda\x01\x00"},
      {65535, 3, "\xda\xff\xff"},
      {65536, 5, "\xdb\x00\x01\x00\x00"},
  };
  assert_runs(swale__msgpack_put_str, SWALE_STR, cases, sizeof cases / sizeof *cases);
}

static void bytes(void **state) {
  (void)state;
  static const struct sized_case cases[] = {
      {0, 2, "\xc4\x00"},
      {255, 2, "\xc4\xff"},
      {256, 3, "\xc5\x01\x00"},
      {65535, 3, "\xc5\xff\xff"},
      {65536, 5, "\xc6\x00\x01\x00\x00"},
  };
  assert_runs(swale__msgpack_put_bytes, SWALE_BYTES, cases, sizeof cases / sizeof *cases);
}

static void assert_containers(size_t (*put)(unsigned char *, uint32_t), enum swale_type type,
                              const struct sized_case *cases, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char head[SWALE__MSGPACK_HEAD_MAX];
    assert_int_equal(put(head, cases[i].len), cases[i].head);
    assert_memory_equal(head, cases[i].bytes, cases[i].head);
    struct swale_value value = read_all(head, cases[i].head);
    assert_int_equal(value.type, type);
    assert_int_equal(value.len, cases[i].len);
    assert_ptr_equal(value.as.bytes, head + cases[i].head);
    assert_prefixes_are_truncated(head, cases[i].head);
  }
}

static void lists(void **state) {
  (void)state;
  static const struct sized_case cases[] = {
      {0, 1, "\x90"},
      {15, 1, "\x9f"},
      {16, 3, "\xdc\x00\x10"},
      {65535, 3, "\xdc\xff\xff"},
      {65536, 5, "\xdd\x00\x01\x00\x00"},
      {UINT32_MAX, 5, "\xdd\xff\xff\xff\xff"},
  };
  assert_containers(swale__msgpack_put_list, SWALE_LIST, cases, sizeof cases / sizeof *cases);
}

static void maps(void **state) {
  (void)state;
  static const struct sized_case cases[] = {
      {0, 1, "\x80"},
      {15, 1, "\x8f"},
      {16, 3, "\xde\x00\x10"},
      {65535, 3, "\xde\xff\xff"},
      {65536, 5, "\xdf\x00\x01\x00\x00"},
      {UINT32_MAX, 5, "\xdf\xff\xff\xff\xff"},
  };
  assert_containers(swale__msgpack_put_map, SWALE_MAP, cases, sizeof cases / sizeof *cases);
}

/* ---- what is no item ------------------------------------------------------------------ */

static void the_reserved_tag_is_malformed(void **state) {
  (void)state;
  assert_int_equal(error_of("\xc1\x00\x00\x00\x00\x00\x00\x00\x00", 9), SWALE_EFORMAT);
}

static void extension_types_are_refused(void **state) {
  (void)state;
  const unsigned char tags[] = {0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
  for (size_t i = 0; i < sizeof tags; i++) {
    unsigned char item[32] = {tags[i]};
    assert_int_equal(error_of(item, sizeof item), SWALE_ETYPE);
    assert_int_equal(error_of(item, 1), SWALE_ETYPE);
  }
}

static void a_length_beyond_the_end_is_truncated(void **state) {
  (void)state;
  assert_int_equal(error_of("\xdb\xff\xff\xff\xffxyz", 8), SWALE_EFORMAT);
  assert_int_equal(error_of("\xc6\xff\xff\xff\xffxyz", 8), SWALE_EFORMAT);
  assert_int_equal(error_of("\xa4xyz", 4), SWALE_EFORMAT);
}

static void reading_stops_behind_the_item(void **state) {
  (void)state;
  struct swale__cursor in = {(const unsigned char *)"\x01\xa1x\x92\xc0", 5};
  struct swale_value value;
  assert_int_equal(swale__msgpack_read(&in, &value), 0);
  assert_int_equal(in.left, 4);
  assert_int_equal(swale__msgpack_read(&in, &value), 0);
  assert_int_equal(in.left, 2);
  assert_int_equal(swale__msgpack_read(&in, &value), 0);
  assert_int_equal(value.type, SWALE_LIST);
  assert_int_equal(in.left, 1);
}

/* ---- checked bytes -------------------------------------------------------------------- */

static void skipping_takes_containers_with_their_contents(void **state) {
  (void)state;
  static const unsigned char items[] =
      "\x93\x01\x92\xa1x\x80\x82\xa1k\x91\xc0\xa1l\xc4\x02\x81\x81" /* [1, ["x", {}], {...}] */
      "\xc3"
      "\x80"
      "\x90"
      "\x2a";
  struct swale_value value;
  assert_ptr_equal(swale__msgpack_skip(items, 0), items);
  assert_int_equal(*swale__msgpack_skip(items, 1), 0xc3);
  assert_int_equal(*swale__msgpack_skip(items, 2), 0x80);
  assert_int_equal(*swale__msgpack_skip(items, 4), 0x2a);
  const unsigned char *end = swale__msgpack_next(swale__msgpack_skip(items, 4), &value);
  assert_int_equal(value.as.integer, 42);
  assert_ptr_equal(end, items + sizeof items - 1);
}

static void children_are_counted_as_items(void **state) {
  (void)state;
  assert_true(swale__msgpack_children(&(struct swale_value){.type = SWALE_LIST, .len = 7}) == 7);
  assert_true(swale__msgpack_children(&(struct swale_value){.type = SWALE_MAP, .len = UINT32_MAX}) ==
              UINT64_C(8589934590));
  assert_true(swale__msgpack_children(&(struct swale_value){.type = SWALE_STR, .len = 7}) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers),
      cmocka_unit_test(integers_in_longer_forms_than_needed_are_read),
      cmocka_unit_test(unsigned_integers_beyond_int64_are_refused),
      cmocka_unit_test(doubles),
      cmocka_unit_test(float32_is_widened),
      cmocka_unit_test(doubles_that_are_not_finite_are_refused),
      cmocka_unit_test(nil_and_truth),
      cmocka_unit_test(text),
      cmocka_unit_test(bytes),
      cmocka_unit_test(lists),
      cmocka_unit_test(maps),
      cmocka_unit_test(the_reserved_tag_is_malformed),
      cmocka_unit_test(extension_types_are_refused),
      cmocka_unit_test(a_length_beyond_the_end_is_truncated),
      cmocka_unit_test(reading_stops_behind_the_item),
      cmocka_unit_test(skipping_takes_containers_with_their_contents),
      cmocka_unit_test(children_are_counted_as_items),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/msgpack.h"
#include "core/msgpack_keys.h"

enum { MANY = 20000 };

/* Keys in a row, as they would stand in a map but for the values. */
struct row {
  struct unit_env u;
  struct swale__keys keys;
  unsigned char bytes[MANY * 8];
  size_t len;
};

static struct row *begin(void) {
  struct row *row = calloc(1, sizeof *row);
  unit_env_init(&row->u);
  swale__keys_init(&row->keys, &row->u.env.allocator);
  return row;
}

static void end(struct row *row) {
  swale__keys_free(&row->keys);
  assert_int_equal(row->u.live, 0);
  free(row);
}

static void add(struct row *row, const char *key, size_t len) {
  assert_int_equal(swale__keys_reserve(&row->keys), 0);
  swale__keys_push(&row->keys, (uint32_t)row->len);
  row->len += swale__msgpack_put_str(row->bytes + row->len, (uint32_t)len);
  memcpy(row->bytes + row->len, key, len);
  row->len += len;
}

/* Keys of one length and a scattered order. */
static void add_numbered(struct row *row, unsigned number) {
  unsigned scattered = number * 7919u % 65536u;
  char key[] = {'k', (char)('a' + (scattered >> 12 & 15)), (char)('a' + (scattered >> 8 & 15)),
                (char)('a' + (scattered >> 4 & 15)), (char)('a' + (scattered & 15))};
  add(row, key, sizeof key);
}

static bool contains(const struct row *row, size_t start, const char *key, size_t len) {
  return swale__keys_contain(&row->keys, start, row->bytes, key, len);
}

static void a_key_is_found_by_all_of_its_bytes(void **state) {
  (void)state;
  struct row *row = begin();
  add(row, "type", 4);
  add(row, "", 0);
  add(row, "a\0b", 3);
  assert_true(contains(row, 0, "type", 4));
  assert_true(contains(row, 0, "", 0));
  assert_true(contains(row, 0, "a\0b", 3));
  assert_false(contains(row, 0, "a\0c", 3));
  assert_false(contains(row, 0, "a", 1));
  assert_false(contains(row, 0, "types", 5));
  end(row);
}

static void the_keys_of_outer_maps_do_not_count(void **state) {
  (void)state;
  struct row *row = begin();
  add(row, "outer", 5);
  add(row, "inner", 5);
  assert_false(contains(row, 1, "outer", 5));
  assert_true(contains(row, 1, "inner", 5));
  add(row, "outer", 5);
  assert_true(swale__keys_distinct(&row->keys, 1, row->bytes));
  assert_false(swale__keys_distinct(&row->keys, 0, row->bytes));
  end(row);
}

static void a_duplicate_is_found_among_any_number_of_keys(void **state) {
  (void)state;
  const unsigned counts[] = {0, 1, 2, 3, 15, 16, 17, 18, 31, 100, 1000, MANY};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    struct row *row = begin();
    for (unsigned n = 0; n < counts[i]; n++)
      add_numbered(row, n);
    assert_true(swale__keys_distinct(&row->keys, 0, row->bytes));
    if (counts[i] > 0) {
      add_numbered(row, counts[i] / 2);
      assert_false(swale__keys_distinct(&row->keys, 0, row->bytes));
    }
    end(row);
  }
}

static void a_duplicate_is_found_wherever_it_stands(void **state) {
  (void)state;
  for (unsigned count = 2; count <= 40; count++) {
    for (unsigned twin = 0; twin + 1 < count; twin++) {
      struct row *row = begin();
      for (unsigned n = 0; n + 1 < count; n++)
        add_numbered(row, n);
      add_numbered(row, twin);
      assert_false(swale__keys_distinct(&row->keys, 0, row->bytes));
      end(row);
    }
  }
}

static void keys_of_other_lengths_and_prefixes_differ(void **state) {
  (void)state;
  char key[64];
  memset(key, 'x', sizeof key);
  struct row *row = begin();
  for (size_t len = 0; len < sizeof key; len++)
    add(row, key, len);
  assert_true(swale__keys_distinct(&row->keys, 0, row->bytes));
  add(row, key, 40);
  assert_false(swale__keys_distinct(&row->keys, 0, row->bytes));
  end(row);
}

static void how_a_key_is_written_makes_no_difference(void **state) {
  (void)state;
  struct row *row = begin();
  static const unsigned char forms[] = "\xa3key\xd9\x03key\xda\x00\x03key\xdb\x00\x00\x00\x03key";
  memcpy(row->bytes, forms, sizeof forms - 1);
  swale__keys_push(&row->keys, 0);
  swale__keys_push(&row->keys, 15);
  assert_true(contains(row, 1, "key", 3));
  assert_false(swale__keys_distinct(&row->keys, 0, row->bytes));
  end(row);
}

static void offsets_survive_growing(void **state) {
  (void)state;
  struct row *row = begin();
  for (unsigned n = 0; n < 1000; n++)
    add_numbered(row, n);
  assert_int_equal(row->keys.count, 1000);
  for (unsigned n = 0; n < 1000; n++)
    assert_int_equal(row->keys.offsets[n], n * 6);
  end(row);
}

static void without_memory_the_keys_so_far_stay(void **state) {
  (void)state;
  struct row *row = begin();
  for (unsigned n = 0; n < SWALE__KEYS_FEW; n++)
    add_numbered(row, n);
  assert_int_equal(row->u.allocated, 0);
  row->u.fail_at = 1;
  assert_int_equal(swale__keys_reserve(&row->keys), SWALE_ENOMEM);
  assert_int_equal(row->keys.count, SWALE__KEYS_FEW);
  for (unsigned n = SWALE__KEYS_FEW; n < 2 * SWALE__KEYS_FEW; n++)
    add_numbered(row, n);
  row->u.fail_at = 1;
  assert_int_equal(swale__keys_reserve(&row->keys), SWALE_ENOMEM);
  assert_true(swale__keys_distinct(&row->keys, 0, row->bytes));
  assert_int_equal(row->keys.count, 2 * SWALE__KEYS_FEW);
  end(row);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_found_by_all_of_its_bytes),
      cmocka_unit_test(the_keys_of_outer_maps_do_not_count),
      cmocka_unit_test(a_duplicate_is_found_among_any_number_of_keys),
      cmocka_unit_test(a_duplicate_is_found_wherever_it_stands),
      cmocka_unit_test(keys_of_other_lengths_and_prefixes_differ),
      cmocka_unit_test(how_a_key_is_written_makes_no_difference),
      cmocka_unit_test(offsets_survive_growing),
      cmocka_unit_test(without_memory_the_keys_so_far_stay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

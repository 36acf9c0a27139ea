/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <swale/message.h>

/* {"type": "t", "i": 7, "d": 1.5, "s": "text", "b": true, "n": null, "x": bytes, "l": [...], "m": {...}} */
static swale_message *sample(void) {
  swale_message *m = swale_message_new("t");
  swale_message_add_int(m, "i", 7);
  swale_message_add_double(m, "d", 1.5);
  swale_message_add_strn(m, "s", "text", 4);
  swale_message_add_bool(m, "b", true);
  swale_message_add_nil(m, "n");
  swale_message_add_bytes(m, "x", "\xff\x00\x01", 3);
  swale_message_begin_list(m, "l");
  swale_message_add_int(m, NULL, 1);
  swale_message_begin_map(m, NULL);
  swale_message_add_str(m, "deep", "in the list");
  swale_message_end(m);
  swale_message_add_int(m, NULL, 3);
  swale_message_end(m);
  swale_message_begin_map(m, "m");
  swale_message_add_int(m, "one", 1);
  swale_message_begin_list(m, "two");
  swale_message_end(m);
  swale_message_end(m);
  assert_int_equal(swale_message_freeze(m), 0);
  return m;
}

static struct swale_value field(const swale_message *m, const char *key) {
  struct swale_value value;
  assert_int_equal(swale_message_get(m, key, &value), 0);
  return value;
}

static void a_field_is_found_with_its_type(void **state) {
  (void)state;
  swale_message *m = sample();
  assert_true(swale_value_is(&(struct swale_value){SWALE_STR, 1, {.str = "t"}}, "t"));
  struct swale_value value = field(m, "type");
  assert_true(swale_value_is(&value, "t"));
  value = field(m, "i");
  assert_int_equal(value.type, SWALE_INT);
  assert_int_equal(value.as.integer, 7);
  value = field(m, "d");
  assert_int_equal(value.type, SWALE_DOUBLE);
  assert_true(value.as.number == 1.5);
  value = field(m, "b");
  assert_int_equal(value.type, SWALE_BOOL);
  assert_true(value.as.truth);
  assert_int_equal(field(m, "n").type, SWALE_NIL);
  value = field(m, "x");
  assert_int_equal(value.type, SWALE_BYTES);
  assert_int_equal(value.len, 3);
  assert_memory_equal(value.as.bytes, "\xff\x00\x01", 3);
  assert_int_equal(field(m, "l").type, SWALE_LIST);
  assert_int_equal(field(m, "l").len, 3);
  assert_int_equal(field(m, "m").type, SWALE_MAP);
  assert_int_equal(field(m, "m").len, 2);
  swale_message_unref(m);
}

static void an_absent_field_leaves_the_value_alone(void **state) {
  (void)state;
  swale_message *m = sample();
  const char *absent[] = {"", "typ", "types", "deep", "one", "TYPE"};
  for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
    struct swale_value value = {.type = SWALE_INT, .as.integer = 99};
    assert_int_equal(swale_message_get(m, absent[i], &value), SWALE_ENOTFOUND);
    assert_int_equal(value.as.integer, 99);
  }
  swale_message_unref(m);
}

static void maps_inside_are_searched_alike(void **state) {
  (void)state;
  swale_message *m = sample();
  struct swale_value map = field(m, "m"), list = field(m, "l"), value;
  assert_int_equal(swale_value_get(&map, "one", &value), 0);
  assert_int_equal(value.as.integer, 1);
  assert_int_equal(swale_value_get(&map, "two", &value), 0);
  assert_int_equal(value.type, SWALE_LIST);
  assert_int_equal(value.len, 0);
  assert_int_equal(swale_value_get(&map, "three", &value), SWALE_ENOTFOUND);
  assert_int_equal(swale_value_get(&list, "one", &value), SWALE_ETYPE);
  assert_int_equal(swale_value_get(&(struct swale_value){.type = SWALE_NIL}, "one", &value), SWALE_ETYPE);
  struct swale_value root = swale_message_root(m);
  assert_int_equal(swale_value_get(&root, "i", &value), 0);
  assert_int_equal(value.as.integer, 7);
  swale_message_unref(m);
}

static void a_message_being_built_is_not_read(void **state) {
  (void)state;
  swale_message *m = swale_message_new("t");
  swale_message_add_int(m, "i", 7);
  struct swale_value value = swale_message_root(m);
  assert_int_equal(value.type, SWALE_MAP);
  assert_int_equal(value.len, 0);
  assert_int_equal(swale_message_get(m, "i", &value), SWALE_ESTATE);
  assert_int_equal(swale_message_get_int(m, "i", -1), -1);
  assert_string_equal(swale_message_type(m), "t");
  swale_message_unref(m);
}

/* ---- short cuts ----------------------------------------------------------------------- */

static void short_cuts_answer_the_field(void **state) {
  (void)state;
  swale_message *m = sample();
  size_t len = 99;
  assert_memory_equal(swale_message_get_str(m, "s", &len), "text", 4);
  assert_int_equal(len, 4);
  assert_int_equal(swale_message_get_int(m, "i", -1), 7);
  assert_true(swale_message_get_double(m, "d", -1) == 1.5);
  assert_true(swale_message_get_double(m, "i", -1) == 7.0);
  assert_true(swale_message_get_bool(m, "b", false));
  swale_message_unref(m);
}

/* It is not terminated: whoever does not ask how long it is would read beyond its end. */
static void text_without_its_length_is_not_answered(void **state) {
  (void)state;
  swale_message *m = sample();
  assert_null(swale_message_get_str(m, "s", NULL));
  swale_message_unref(m);
}

static void short_cuts_fall_back_when_the_type_is_another(void **state) {
  (void)state;
  swale_message *m = sample();
  const char *keys[] = {"type", "i", "d", "s", "b", "n", "x", "l", "m", "absent"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    char c = keys[i][0];
    size_t len = 99;
    if (c != 's' && c != 't') {
      assert_null(swale_message_get_str(m, keys[i], &len));
      assert_int_equal(len, 0);
    }
    if (c != 'i')
      assert_int_equal(swale_message_get_int(m, keys[i], -1), -1);
    if (c != 'i' && c != 'd')
      assert_true(swale_message_get_double(m, keys[i], -1) == -1);
    if (c != 'b') {
      assert_true(swale_message_get_bool(m, keys[i], true));
      assert_false(swale_message_get_bool(m, keys[i], false));
    }
  }
  swale_message_unref(m);
}

static void only_equal_text_is_that_text(void **state) {
  (void)state;
  struct swale_value text = {.type = SWALE_STR, .len = 3, .as.str = "abcd"};
  assert_true(swale_value_is(&text, "abc"));
  assert_false(swale_value_is(&text, "ab"));
  assert_false(swale_value_is(&text, "abcd"));
  assert_false(swale_value_is(&text, "abd"));
  text.type = SWALE_BYTES;
  assert_false(swale_value_is(&text, "abc"));
  assert_false(swale_value_is(&(struct swale_value){.type = SWALE_NIL}, ""));
  assert_false(swale_value_is(&(struct swale_value){.type = SWALE_STR, .len = 3, .as.str = "a\0b"}, "a"));
}

/* ---- walking -------------------------------------------------------------------------- */

static void a_map_is_walked_in_its_order(void **state) {
  (void)state;
  swale_message *m = sample();
  struct swale_value root = swale_message_root(m), key, value;
  struct swale_iter it;
  const char *keys[] = {"type", "i", "d", "s", "b", "n", "x", "l", "m"};
  const enum swale_type types[] = {SWALE_STR, SWALE_INT,   SWALE_DOUBLE, SWALE_STR, SWALE_BOOL,
                                   SWALE_NIL, SWALE_BYTES, SWALE_LIST,   SWALE_MAP};
  swale_iter_start(&it, &root);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    assert_true(swale_iter_next(&it, &key, &value));
    assert_true(swale_value_is(&key, keys[i]));
    assert_int_equal(value.type, types[i]);
  }
  assert_false(swale_iter_next(&it, &key, &value));
  assert_false(swale_iter_next(&it, &key, &value));
  swale_message_unref(m);
}

static void a_walk_does_not_need_the_keys(void **state) {
  (void)state;
  swale_message *m = sample();
  struct swale_value root = swale_message_root(m), value;
  struct swale_iter it;
  int n = 0;
  swale_iter_start(&it, &root);
  while (swale_iter_next(&it, NULL, &value))
    n++;
  assert_int_equal(n, 9);
  swale_message_unref(m);
}

static void a_list_is_walked_over_its_nested_values(void **state) {
  (void)state;
  swale_message *m = sample();
  struct swale_value list = field(m, "l"), key = {.type = SWALE_BOOL}, value, deep;
  struct swale_iter it;
  swale_iter_start(&it, &list);
  assert_true(swale_iter_next(&it, &key, &value));
  assert_int_equal(value.as.integer, 1);
  assert_true(swale_iter_next(&it, &key, &value));
  assert_int_equal(value.type, SWALE_MAP);
  assert_int_equal(swale_value_get(&value, "deep", &deep), 0);
  assert_true(swale_value_is(&deep, "in the list"));
  assert_true(swale_iter_next(&it, NULL, &value));
  assert_int_equal(value.as.integer, 3);
  assert_false(swale_iter_next(&it, NULL, &value));
  assert_int_equal(key.type, SWALE_BOOL);
  swale_message_unref(m);
}

static void there_is_nothing_to_walk_in_other_values(void **state) {
  (void)state;
  swale_message *m = sample();
  const char *keys[] = {"type", "i", "d", "s", "b", "n", "x"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    struct swale_value scalar = field(m, keys[i]), value;
    struct swale_iter it;
    swale_iter_start(&it, &scalar);
    assert_false(swale_iter_next(&it, NULL, &value));
  }
  struct swale_value map = field(m, "m"), empty, value;
  struct swale_iter it;
  assert_int_equal(swale_value_get(&map, "two", &empty), 0);
  swale_iter_start(&it, &empty);
  assert_false(swale_iter_next(&it, NULL, &value));
  swale_message_unref(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_field_is_found_with_its_type),
      cmocka_unit_test(an_absent_field_leaves_the_value_alone),
      cmocka_unit_test(maps_inside_are_searched_alike),
      cmocka_unit_test(a_message_being_built_is_not_read),
      cmocka_unit_test(short_cuts_answer_the_field),
      cmocka_unit_test(text_without_its_length_is_not_answered),
      cmocka_unit_test(short_cuts_fall_back_when_the_type_is_another),
      cmocka_unit_test(only_equal_text_is_that_text),
      cmocka_unit_test(a_map_is_walked_in_its_order),
      cmocka_unit_test(a_walk_does_not_need_the_keys),
      cmocka_unit_test(a_list_is_walked_over_its_nested_values),
      cmocka_unit_test(there_is_nothing_to_walk_in_other_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "written.h"

#include <math.h>
#include <stdio.h>

static void scalars_are_written_as_their_literals(void **state) {
  (void)state;
  assert_value_written((struct swale_value){.type = SWALE_NIL}, "null");
  assert_value_written((struct swale_value){.type = SWALE_BOOL, .as.truth = true}, "true");
  assert_value_written((struct swale_value){.type = SWALE_BOOL, .as.truth = false}, "false");
  assert_value_written((struct swale_value){.type = SWALE_DOUBLE, .as.number = 2}, "2.0");
  assert_value_written((struct swale_value){.type = SWALE_STR, .as.str = "hey you", .len = 3}, "\"hey\"");
}

static void integers_keep_every_digit(void **state) {
  (void)state;
  assert_value_written((struct swale_value){.type = SWALE_INT, .as.integer = 0}, "0");
  assert_value_written((struct swale_value){.type = SWALE_INT, .as.integer = INT64_MAX},
                       "9223372036854775807");
  assert_value_written((struct swale_value){.type = SWALE_INT, .as.integer = INT64_MIN},
                       "-9223372036854775808");
}

static void a_message_is_an_object_with_its_type_and_its_fields_in_order(void **state) {
  (void)state;
  swale_message *m = swale_message_new("chat.message");
  swale_message_add_str(m, "text", "hi");
  swale_message_add_int(m, "n", 1);
  swale_message_add_nil(m, "reply");
  assert_message_written(m, "{\"type\":\"chat.message\",\"text\":\"hi\",\"n\":1,\"reply\":null}");
  swale_message_unref(m);
}

static void lists_and_maps_nest(void **state) {
  (void)state;
  swale_message *m = swale_message_new("t");
  swale_message_begin_list(m, "list");
  swale_message_add_int(m, NULL, 1);
  swale_message_begin_map(m, NULL);
  swale_message_add_bool(m, "x", true);
  swale_message_begin_list(m, "empty");
  swale_message_end(m);
  swale_message_end(m);
  swale_message_begin_map(m, NULL);
  swale_message_end(m);
  swale_message_end(m);
  swale_message_add_str(m, "after", "");
  assert_message_written(m, "{\"type\":\"t\",\"list\":[1,{\"x\":true,\"empty\":[]},{}],\"after\":\"\"}");
  swale_message_unref(m);
}

static void keys_are_escaped_like_any_text(void **state) {
  (void)state;
  struct swale_value nil = {.type = SWALE_NIL};
  swale_message *m = swale_message_new("t");
  swale_message_add_value(m, "a\"\0b", 4, &nil);
  assert_message_written(m, "{\"type\":\"t\",\"a\\\"\\u0000b\":null}");
  swale_message_unref(m);
}

static void the_deepest_message_can_be_written(void **state) {
  (void)state;
  char expected[128] = "{\"type\":\"t\",\"deep\":";
  swale_message *m = swale_message_new("t");
  for (int depth = 1; depth < SWALE_MESSAGE_DEPTH_MAX; depth++) {
    swale_message_begin_list(m, depth == 1 ? "deep" : NULL);
    strcat(expected, "[");
  }
  for (int depth = 1; depth < SWALE_MESSAGE_DEPTH_MAX; depth++) {
    swale_message_end(m);
    strcat(expected, "]");
  }
  assert_message_written(m, strcat(expected, "}"));
  swale_message_unref(m);
}

static void one_field_can_be_written_alone(void **state) {
  (void)state;
  struct swale_value list;
  swale_message *m = swale_message_new("t");
  swale_message_begin_list(m, "list");
  swale_message_add_str(m, NULL, "x");
  swale_message_end(m);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale_message_get(m, "list", &list), 0);
  assert_value_written(list, "[\"x\"]");
  swale_message_unref(m);
}

static void assert_refused(struct swale_value value, int error) {
  struct written w;
  assert_int_equal(write_json(NULL, write_value, &value, &w), error);
}

static void bytes_have_no_json(void **state) {
  (void)state;
  struct written w;
  assert_refused((struct swale_value){.type = SWALE_BYTES}, SWALE_ETYPE);
  swale_message *m = swale_message_new("t");
  swale_message_begin_list(m, "list");
  swale_message_add_bytes(m, NULL, "x", 1);
  swale_message_end(m);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(write_json(NULL, write_whole, m, &w), SWALE_ETYPE);
  swale_message_unref(m);
}

static void a_value_made_by_hand_is_not_trusted(void **state) {
  (void)state;
  assert_refused((struct swale_value){.type = SWALE_DOUBLE, .as.number = NAN}, SWALE_ETYPE);
  assert_refused((struct swale_value){.type = SWALE_STR, .as.str = "\xFF", .len = 1}, SWALE_EUTF8);
  assert_refused((struct swale_value){.type = (enum swale_type)99}, SWALE_ETYPE);
}

static void a_message_must_be_frozen_to_be_written(void **state) {
  (void)state;
  struct written w;
  swale_message *m = swale_message_new("t");
  assert_int_equal(write_json(NULL, write_whole, m, &w), SWALE_ESTATE);
  swale_message_unref(m);
}

static int write_a_message(struct unit_env *u) {
  struct written w;
  swale_message *m = swale_message_new_with("chat.message", 0, &u->env.allocator);
  if (!m)
    return SWALE_ENOMEM;
  for (int i = 0; i < 60; i++) {
    char key[32];
    snprintf(key, sizeof key, "number%d", i);
    swale_message_add_double(m, key, i / 8.0);
  }
  int rv = swale_message_freeze(m);
  if (rv == 0)
    rv = write_json(&u->env.allocator, write_whole, m, &w);
  swale_message_unref(m);
  return rv;
}

static void writing_survives_every_failing_allocation(void **state) {
  (void)state;
  unit_fail_every_allocation(write_a_message);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scalars_are_written_as_their_literals),
      cmocka_unit_test(integers_keep_every_digit),
      cmocka_unit_test(a_message_is_an_object_with_its_type_and_its_fields_in_order),
      cmocka_unit_test(lists_and_maps_nest),
      cmocka_unit_test(keys_are_escaped_like_any_text),
      cmocka_unit_test(the_deepest_message_can_be_written),
      cmocka_unit_test(one_field_can_be_written_alone),
      cmocka_unit_test(bytes_have_no_json),
      cmocka_unit_test(a_value_made_by_hand_is_not_trusted),
      cmocka_unit_test(a_message_must_be_frozen_to_be_written),
      cmocka_unit_test(writing_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

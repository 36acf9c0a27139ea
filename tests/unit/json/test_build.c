/* SPDX-License-Identifier: MIT */
#include "json/build.h"

#include <unit.h>

#include "written.h"

static json_t *tree_of(const char *text) {
  json_t *tree = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  assert_non_null(tree);
  return tree;
}

static void assert_value_becomes(const char *text, const char *expected) {
  json_t *tree = tree_of(text);
  swale_message *m = swale_message_new("t");
  assert_int_equal(swale__json_add_value(m, "v", tree), 0);
  json_decref(tree);
  assert_message_written(m, expected);
  swale_message_unref(m);
}

static void every_kind_of_value_can_be_added(void **state) {
  (void)state;
  assert_value_becomes("null", "{\"type\":\"t\",\"v\":null}");
  assert_value_becomes("[true, false]", "{\"type\":\"t\",\"v\":[true,false]}");
  assert_value_becomes("[-1, 1.0, 1e2]", "{\"type\":\"t\",\"v\":[-1,1.0,100.0]}");
  assert_value_becomes("\"a\\u0000b\"", "{\"type\":\"t\",\"v\":\"a\\u0000b\"}");
  assert_value_becomes("{\"a\":{\"b\":[]}, \"\":{}}", "{\"type\":\"t\",\"v\":{\"a\":{\"b\":[]},\"\":{}}}");
}

static void fields_keep_their_order(void **state) {
  (void)state;
  json_t *tree = tree_of("{\"z\":1,\"a\":[2,[3]],\"m\":{\"y\":4,\"b\":5}}");
  swale_message *m = swale_message_new("t");
  assert_int_equal(swale__json_add_fields(m, tree), 0);
  json_decref(tree);
  assert_message_written(m, "{\"type\":\"t\",\"z\":1,\"a\":[2,[3]],\"m\":{\"y\":4,\"b\":5}}");
  swale_message_unref(m);
}

static void only_the_outermost_type_is_left_out(void **state) {
  (void)state;
  json_t *tree = tree_of("{\"type\":\"other\",\"m\":{\"type\":\"kept\"}}");
  swale_message *m = swale_message_new("t");
  assert_int_equal(swale__json_add_fields(m, tree), 0);
  json_decref(tree);
  assert_message_written(m, "{\"type\":\"t\",\"m\":{\"type\":\"kept\"}}");
  swale_message_unref(m);
}

static void an_error_of_the_message_ends_the_walk(void **state) {
  (void)state;
  json_t *tree = tree_of("{\"a\":[1,{\"b\":2}],\"c\":3}");
  swale_message *m = swale_message_new("t");
  swale_message_add_str(m, "c", "taken");
  assert_int_equal(swale__json_add_fields(m, tree), SWALE_EDUPLICATE);
  assert_int_equal(swale_message_error(m), SWALE_EDUPLICATE);
  json_decref(tree);
  swale_message_unref(m);
}

static void a_tree_too_deep_is_refused(void **state) {
  (void)state;
  char text[2 * SWALE_MESSAGE_DEPTH_MAX + 1] = "";
  memset(text, '[', SWALE_MESSAGE_DEPTH_MAX);
  memset(text + SWALE_MESSAGE_DEPTH_MAX, ']', SWALE_MESSAGE_DEPTH_MAX);
  json_t *tree = tree_of(text);
  swale_message *m = swale_message_new("t");
  assert_int_equal(swale__json_add_value(m, "v", tree), SWALE_EDEPTH);
  json_decref(tree);
  swale_message_unref(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_value_can_be_added),
      cmocka_unit_test(fields_keep_their_order),
      cmocka_unit_test(only_the_outermost_type_is_left_out),
      cmocka_unit_test(an_error_of_the_message_ends_the_walk),
      cmocka_unit_test(a_tree_too_deep_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

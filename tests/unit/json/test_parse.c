/* SPDX-License-Identifier: MIT */
#include "written.h"

#include <stdio.h>

static swale_message *parse(const char *text, const char *type) {
  swale_message *m;
  struct swale_json_error why;
  assert_int_equal(swale_json_parse(text, strlen(text), type, NULL, NULL, &m, &why), 0);
  assert_int_equal(why.error, 0);
  assert_string_equal(why.text, "");
  return m;
}

static void assert_refused(const char *text, const char *type, int error) {
  swale_message *m = (swale_message *)&m;
  struct swale_json_error why;
  assert_int_equal(swale_json_parse(text, strlen(text), type, NULL, NULL, &m, &why), error);
  assert_null(m);
  assert_int_equal(why.error, error);
  assert_true(strlen(why.text) > 0);
}

static void an_object_becomes_a_message(void **state) {
  (void)state;
  swale_message *m = parse("{\"text\":\"hi\",\"type\":\"chat.message\",\"n\":7}", NULL);
  size_t len;
  assert_string_equal(swale_message_type(m), "chat.message");
  assert_memory_equal(swale_message_get_str(m, "text", &len), "hi", 2);
  assert_int_equal(swale_message_get_int(m, "n", 0), 7);
  swale_message_unref(m);
}

static void a_message_and_its_text_are_the_same_there_and_back(void **state) {
  (void)state;
  static const char text[] =
      "{\"type\":\"t\",\"i\":-5,\"d\":1.0,\"s\":\"\\u0000\\u2028\\\"ü\",\"l\":[null,true,[],{}],"
      "\"m\":{\"type\":1,\"x\":0.1}}";
  swale_message *m = parse(text, NULL);
  assert_message_written(m, text);
  swale_message_unref(m);
}

static void an_integer_stays_one_and_so_does_a_double(void **state) {
  (void)state;
  struct swale_value value;
  swale_message *m = parse("{\"i\":9223372036854775807,\"d\":3.0}", "t");
  assert_int_equal(swale_message_get(m, "i", &value), 0);
  assert_int_equal(value.type, SWALE_INT);
  assert_true(value.as.integer == INT64_MAX);
  assert_int_equal(swale_message_get(m, "d", &value), 0);
  assert_int_equal(value.type, SWALE_DOUBLE);
  swale_message_unref(m);
}

static void the_given_type_serves_an_object_without_one(void **state) {
  (void)state;
  swale_message *m = parse("{}", "given");
  assert_string_equal(swale_message_type(m), "given");
  swale_message_unref(m);
  m = parse("{\"type\":\"own\"}", "given");
  assert_string_equal(swale_message_type(m), "own");
  swale_message_unref(m);
}

static void a_type_must_be_text_that_is_not_empty(void **state) {
  (void)state;
  assert_refused("{}", NULL, SWALE_ETYPE);
  assert_refused("{}", "", SWALE_ETYPE);
  assert_refused("{\"type\":\"\"}", "given", SWALE_ETYPE);
  assert_refused("{\"type\":1}", "given", SWALE_ETYPE);
  assert_refused("{\"type\":null}", "given", SWALE_ETYPE);
  assert_refused("{\"type\":\"a\\u0000b\"}", "given", SWALE_ETYPE);
}

static void only_an_object_is_a_message(void **state) {
  (void)state;
  assert_refused("[]", "t", SWALE_EFORMAT);
  assert_refused("\"text\"", "t", SWALE_EFORMAT);
  assert_refused("null", "t", SWALE_EFORMAT);
}

static void each_kind_of_fault_has_its_error(void **state) {
  (void)state;
  assert_refused("{\"a\":}", "t", SWALE_EFORMAT);
  assert_refused("{\"a\\u0000b\":1}", "t", SWALE_EFORMAT);
  assert_refused("{\"a\":\"\xFF\"}", "t", SWALE_EUTF8);
  assert_refused("{}", "\xFF", SWALE_EUTF8);
  assert_refused("{\"a\":1,\"a\":1}", "t", SWALE_EDUPLICATE);
  assert_refused("{\"a\":1e999}", "t", SWALE_ETYPE);
  assert_refused("{\"a\":9223372036854775808}", "t", SWALE_ETYPE);
}

static void any_value_can_become_the_field_json(void **state) {
  (void)state;
  static const char *const texts[] = {"null",  "[1,2.5]", "{\"type\":\"x\",\"json\":{}}",
                                      "\"s\"", "true",    "-12"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    swale_message *m;
    struct swale_value value;
    assert_int_equal(swale_json_parse_value(texts[i], strlen(texts[i]), "t", NULL, NULL, &m, NULL), 0);
    assert_string_equal(swale_message_type(m), "t");
    assert_int_equal(swale_message_get(m, "json", &value), 0);
    assert_value_written(value, texts[i]);
    swale_message_unref(m);
  }
}

static void a_value_needs_a_type_to_travel_under(void **state) {
  (void)state;
  swale_message *m;
  assert_int_equal(swale_json_parse_value("1", 1, NULL, NULL, NULL, &m, NULL), SWALE_ETYPE);
  assert_int_equal(swale_json_parse_value("1", 1, "", NULL, NULL, &m, NULL), SWALE_ETYPE);
  assert_null(m);
}

/* Lists in lists, `depth` of them, in `text`. */
static size_t lists(char *text, size_t depth) {
  memset(text, '[', depth);
  memset(text + depth, ']', depth);
  return 2 * depth;
}

static void a_text_may_be_as_deep_as_a_message(void **state) {
  (void)state;
  char text[128];
  swale_message *m;
  size_t len = lists(text, 31);
  assert_int_equal(swale_json_parse_value(text, len, "t", NULL, NULL, &m, NULL), 0);
  swale_message_unref(m);
  len = lists(text, 32);
  assert_int_equal(swale_json_parse_value(text, len, "t", NULL, NULL, &m, NULL), SWALE_EDEPTH);
  memcpy(text, "{\"a\":", 5);
  len = lists(text + 5, 31) + 6;
  text[len - 1] = '}';
  assert_int_equal(swale_json_parse(text, len, "t", NULL, NULL, &m, NULL), 0);
  swale_message_unref(m);
  len = lists(text + 5, 32) + 6;
  text[len - 1] = '}';
  assert_int_equal(swale_json_parse(text, len, "t", NULL, NULL, &m, NULL), SWALE_EDEPTH);
}

static void limits_hold_for_the_text_alone(void **state) {
  (void)state;
  static const char text[] =
      "[1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9]";
  struct swale_parse_limits limits = {.size = sizeof text - 1, .depth = 1};
  static const char type[] =
      "a.type.that.is.longer.than.the.text.that.it.is.given.to................................";
  swale_message *m;
  assert_int_equal(swale_json_parse_value(text, sizeof text - 1, type, &limits, NULL, &m, NULL), 0);
  swale_message_unref(m);
  limits.size--;
  assert_int_equal(swale_json_parse_value(text, sizeof text - 1, type, &limits, NULL, &m, NULL), SWALE_ESIZE);
}

static void a_map_of_many_keys_is_read_in_time(void **state) {
  (void)state;
  enum { KEYS = 60000 };
  char *text = malloc(KEYS * 16), *at = text;
  swale_message *m;
  for (int i = 0; i < KEYS; i++)
    at += sprintf(at, "%c\"k%d\":1", i == 0 ? '{' : ',', i);
  at = stpcpy(at, "}");
  assert_int_equal(swale_json_parse(text, (size_t)(at - text), "t", NULL, NULL, &m, NULL), 0);
  assert_int_equal(swale_message_root(m).len, KEYS + 1);
  swale_message_unref(m);
  free(text);
}

static int parse_both_ways(struct unit_env *u) {
  static const char text[] =
      "{\"a\":[[[[[1,2,{\"k\":\"some text that is long enough to need another block, "
      "some text that is long enough to need another block, some text that is long "
      "enough to need another block, some text that is long enough to need it\"}]]]]]}";
  struct swale_json_error why;
  swale_message *m = NULL, *v = NULL;
  int rv = swale_json_parse(text, sizeof text - 1, "t", NULL, &u->env.allocator, &m, &why);
  assert_int_equal(why.error, rv);
  if (rv == 0)
    rv = swale_json_parse_value(text, sizeof text - 1, "t", NULL, &u->env.allocator, &v, &why);
  assert_int_equal(why.error, rv);
  swale_message_unref(m);
  swale_message_unref(v);
  return rv;
}

static void parsing_survives_every_failing_allocation(void **state) {
  (void)state;
  unit_fail_every_allocation(parse_both_ways);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_object_becomes_a_message),
      cmocka_unit_test(a_message_and_its_text_are_the_same_there_and_back),
      cmocka_unit_test(an_integer_stays_one_and_so_does_a_double),
      cmocka_unit_test(the_given_type_serves_an_object_without_one),
      cmocka_unit_test(a_type_must_be_text_that_is_not_empty),
      cmocka_unit_test(only_an_object_is_a_message),
      cmocka_unit_test(each_kind_of_fault_has_its_error),
      cmocka_unit_test(any_value_can_become_the_field_json),
      cmocka_unit_test(a_value_needs_a_type_to_travel_under),
      cmocka_unit_test(a_text_may_be_as_deep_as_a_message),
      cmocka_unit_test(limits_hold_for_the_text_alone),
      cmocka_unit_test(a_map_of_many_keys_is_read_in_time),
      cmocka_unit_test(parsing_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

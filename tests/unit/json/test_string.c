/* SPDX-License-Identifier: MIT */
#include "written.h"

struct text {
  const char *bytes;
  size_t len;
};

static int write_string(const swale_message *m, swale_buffer *out, void *arg) {
  const struct text *text = arg;
  (void)m;
  return swale_json_string(out, text->bytes, text->len);
}

static void assert_written_n(const char *bytes, size_t len, const char *expected) {
  struct text text = {bytes, len};
  struct written w;
  assert_int_equal(write_json(NULL, write_string, &text, &w), 0);
  assert_string_equal(w.text, expected);
}

static void assert_written(const char *text, const char *expected) {
  assert_written_n(text, strlen(text), expected);
}

static void plain_text_is_put_in_quotes(void **state) {
  (void)state;
  assert_written("hello", "\"hello\"");
  assert_written("", "\"\"");
  assert_written_n(NULL, 0, "\"\"");
}

static void quotes_and_backslashes_are_escaped(void **state) {
  (void)state;
  assert_written("a \"b\" \\c", "\"a \\\"b\\\" \\\\c\"");
  assert_written("\"", "\"\\\"\"");
  assert_written("a/b", "\"a/b\"");
}

static void control_characters_have_their_short_names_or_a_number(void **state) {
  (void)state;
  assert_written("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
  assert_written("\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"");
  assert_written_n("a\0b", 3, "\"a\\u0000b\"");
}

static void text_beyond_ascii_stays_utf8(void **state) {
  (void)state;
  assert_written("grün 水 🌊", "\"grün 水 🌊\"");
}

static void line_separators_are_escaped_for_the_sake_of_scripts(void **state) {
  (void)state;
  assert_written("a\xE2\x80\xA8"
                 "b\xE2\x80\xA9",
                 "\"a\\u2028b\\u2029\"");
}

static void neighbours_of_the_line_separators_are_left_alone(void **state) {
  (void)state;
  assert_written("\xE2\x80\xA7\xE2\x80\xAA\xE2\x81\xA8\xE3\x80\xA8",
                 "\"\xE2\x80\xA7\xE2\x80\xAA\xE2\x81\xA8\xE3\x80\xA8\"");
}

static void text_that_is_not_utf8_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"\xFF", "a\xE2\x80", "\xED\xA0\x80", "\xC0\x80", "\xF4\x90\x80\x80"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct text text = {bad[i], strlen(bad[i])};
    struct written w;
    assert_int_equal(write_json(NULL, write_string, &text, &w), SWALE_EUTF8);
  }
}

static int write_it(struct unit_env *u) {
  struct text text = {"a \"quoted\" \x01 text that is longer than the first block of a buffer: "
                      "................................................................................"
                      "................................................................................"
                      "................................................................................",
                      0};
  struct written w;
  text.len = strlen(text.bytes);
  return write_json(&u->env.allocator, write_string, &text, &w);
}

static void writing_survives_every_failing_allocation(void **state) {
  (void)state;
  unit_fail_every_allocation(write_it);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_text_is_put_in_quotes),
      cmocka_unit_test(quotes_and_backslashes_are_escaped),
      cmocka_unit_test(control_characters_have_their_short_names_or_a_number),
      cmocka_unit_test(text_beyond_ascii_stays_utf8),
      cmocka_unit_test(line_separators_are_escaped_for_the_sake_of_scripts),
      cmocka_unit_test(neighbours_of_the_line_separators_are_left_alone),
      cmocka_unit_test(text_that_is_not_utf8_is_refused),
      cmocka_unit_test(writing_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

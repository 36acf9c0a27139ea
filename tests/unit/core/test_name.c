/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <swale/layer.h>

#include "core/name.h"

static const char legal_everywhere[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/* A name of `n` letters, in a buffer of the test. */
static const char *letters(char *buffer, size_t n) {
  memset(buffer, 'x', n);
  buffer[n] = '\0';
  return buffer;
}

static void exactly_letters_digits_and_three_marks_are_legal(void **state) {
  (void)state;
  for (int c = 1; c < 256; c++) {
    char first[] = {(char)c, 'a', '\0'}, last[] = {'a', (char)c, '\0'};
    bool legal = strchr(legal_everywhere, c) != NULL;
    assert_int_equal(swale__name_is_group(first), legal);
    assert_int_equal(swale__name_is_group(last), legal);
    assert_int_equal(swale__name_is_channel(first), legal);
    assert_int_equal(swale__name_is_channel(last), legal || c == '!');
  }
}

static void a_name_has_1_to_99_characters(void **state) {
  (void)state;
  char buffer[256];
  assert_false(swale__name_is_group(""));
  assert_false(swale__name_is_channel(""));
  for (size_t n = 1; n <= 200; n++) {
    assert_int_equal(swale__name_is_group(letters(buffer, n)), n <= 99);
    assert_int_equal(swale__name_is_channel(buffer), n <= 99);
  }
}

static void the_length_counts_the_mark_and_what_follows(void **state) {
  (void)state;
  char buffer[256];
  for (size_t mark = 1; mark < 99; mark++) {
    letters(buffer, 99);
    buffer[mark] = '!';
    assert_true(swale__name_is_channel(buffer));
  }
  for (size_t mark = 1; mark < 200; mark++) {
    letters(buffer, 200);
    buffer[mark] = '!';
    buffer[mark < 100 ? 100 : mark + 1] = '\0';
    assert_false(swale__name_is_channel(buffer));
  }
}

static void null_is_no_name(void **state) {
  (void)state;
  assert_false(swale__name_is_group(NULL));
  assert_false(swale__name_is_channel(NULL));
}

static void a_channel_may_have_one_mark_that_is_not_first(void **state) {
  (void)state;
  assert_true(swale__name_is_channel("a!"));
  assert_true(swale__name_is_channel("specific.2bc3!ea45"));
  assert_true(swale__name_is_channel("-!_"));
  assert_false(swale__name_is_channel("!"));
  assert_false(swale__name_is_channel("!a"));
  assert_false(swale__name_is_channel("a!!"));
  assert_false(swale__name_is_channel("a!b!"));
  assert_false(swale__name_is_channel("a!b!c"));
  assert_false(swale__name_is_channel("a!b c"));
  assert_false(swale__name_is_group("a!"));
  assert_false(swale__name_is_group("a!b"));
}

static void what_pythons_regular_expression_lets_through_by_accident_is_refused(void **state) {
  (void)state;
  assert_false(swale__name_is_channel("news\n"));
  assert_false(swale__name_is_group("news\n"));
  assert_false(swale__name_is_group("\xd9\xa1"));
  assert_false(swale__name_is_channel("a!\xc3\xa9"));
}

/* The answers of Python 3.11's fnmatch.fnmatchcase. */
static const struct {
  const char *pattern, *name;
  bool matches;
} globs[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"abc", "abc", true},
    {"abc", "abcd", false},
    {"bc", "abc", false},
    {"ABC", "abc", false},
    {"*", "", true},
    {"*", "anything", true},
    {"***", "a", true},
    {"?", "", false},
    {"?", "a", true},
    {"??", "a", false},
    {"http.request", "http.request", true},
    {"http.request", "httpxrequest", false},
    {"http.*", "http.response!abc", true},
    {"*!*", "specific.1!2", true},
    {"*!*", "plain", false},
    {"a*b*c", "a-b-b-c", true},
    {"a*b*c", "a-b-b-", false},
    {"*ab", "aab", true},
    {"*ab", "aba", false},
    {"*aab", "aaab", true},
    {"a?c*", "abc", true},
    {"[abc]", "b", true},
    {"[abc]", "d", false},
    {"[abc]", "", false},
    {"[abc]x", "bx", true},
    {"[!abc]", "b", false},
    {"[!abc]", "d", true},
    {"[!abc]", "", false},
    {"[^a]", "a", true},
    {"[^a]", "^", true},
    {"[^a]", "b", false},
    {"[a-c]", "a", true},
    {"[a-c]", "b", true},
    {"[a-c]", "c", true},
    {"[a-c]", "d", false},
    {"[a-c]", "-", false},
    {"[!a-c]", "b", false},
    {"[!a-c]", "d", true},
    {"[a-cx-z]", "y", true},
    {"[a-c-e]", "d", false},
    {"[a-c-e]", "-", true},
    {"[a-c-e]", "e", true},
    {"[-a]", "-", true},
    {"[a-]", "-", true},
    {"[a-]", "b", false},
    {"[--0]", ".", true},
    {"[c-a]", "b", false},
    {"[c-a]", "c", false},
    {"[!c-a]", "b", true},
    {"[]]", "]", true},
    {"[]]", "a", false},
    {"[!]]", "]", false},
    {"[!]]", "a", true},
    {"[]-a]", "^", true},
    {"[]-a]", "b", false},
    {"[", "[", true},
    {"[abc", "[abc", true},
    {"[abc", "a", false},
    {"[]", "[]", true},
    {"[!]", "[!]", true},
    {"[!", "[!", true},
    {"*[", "a[", true},
    {"[[]", "[", true},
    {"[*]", "*", true},
    {"[*]", "a", false},
    {"[?]", "a", false},
    {"]", "]", true},
    {"[a]]", "a]", true},
    {"\\*", "\\anything", true},
    {"\\*", "*", false},
    {"[\\]]", "\\]", true},
    {"[a\\-z]", "b", true},
    {"[a\\-z]", "-", false},
    {"*[0-9]", "room12", true},
    {"*[0-9]", "room12a", false},
    {"*[!0-9]", "room12a", true},
    {"[!a]*", "a", false},
    {"a.c", "abc", false},
    {"a+", "aa", false},
    {"(a|b)", "a", false},
};

static void programs_may_ask_too(void **state) {
  (void)state;
  assert_true(swale_channel_name_valid("a!b"));
  assert_false(swale_channel_name_valid("a b"));
  assert_false(swale_channel_name_valid(NULL));
  assert_true(swale_group_name_valid("a.b"));
  assert_false(swale_group_name_valid("a!b"));
  assert_false(swale_group_name_valid(NULL));
}

static void globs_match_as_in_python(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof globs / sizeof globs[0]; i++)
    if (swale__glob_match(globs[i].pattern, globs[i].name) != globs[i].matches)
      fail_msg("%s against %s", globs[i].pattern, globs[i].name);
}

/* What `*` and `?` mean, as plainly as it can be said. */
static bool plainly_matches(const char *pattern, const char *name) {
  if (*pattern == '\0')
    return *name == '\0';
  if (*pattern == '*')
    return plainly_matches(pattern + 1, name) || (*name && plainly_matches(pattern, name + 1));
  return *name && (*pattern == '?' || *pattern == *name) && plainly_matches(pattern + 1, name + 1);
}

/* The number-th text over an alphabet, shortest first. */
static void nth_text(char *text, unsigned number, const char *alphabet) {
  unsigned letters_in_it = (unsigned)strlen(alphabet);
  for (; number > 0; number = (number - 1) / letters_in_it)
    *text++ = alphabet[(number - 1) % letters_in_it];
  *text = '\0';
}

static void every_short_pattern_matches_what_it_says(void **state) {
  (void)state;
  for (unsigned p = 0; p < 5461; p++) {
    for (unsigned n = 0; n < 127; n++) {
      char pattern[16], name[16];
      nth_text(pattern, p, "ab*?");
      nth_text(name, n, "ab");
      if (swale__glob_match(pattern, name) != plainly_matches(pattern, name))
        fail_msg("%s against %s", pattern, name);
    }
  }
}

static void many_stars_do_not_take_exponential_time(void **state) {
  (void)state;
  char name[100], pattern[201];
  letters(name, 99);
  for (size_t i = 0; i < 200; i += 2)
    memcpy(pattern + i, "*x", 2);
  pattern[196] = '\0';
  assert_true(swale__glob_match(pattern, name));
  memcpy(pattern + 194, "*y", 3);
  assert_false(swale__glob_match(pattern, name));
}

static void brackets_that_nothing_closes_are_characters_however_many(void **state) {
  (void)state;
  enum { N = 4000 };
  static char pattern[N + 2], name[N + 1];
  memset(pattern, '[', N + 1);
  memset(name, '[', N);
  pattern[0] = '*';
  assert_true(swale__glob_match(pattern, name));
  name[N - 1] = '!';
  assert_false(swale__glob_match(pattern, name));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exactly_letters_digits_and_three_marks_are_legal),
      cmocka_unit_test(a_name_has_1_to_99_characters),
      cmocka_unit_test(the_length_counts_the_mark_and_what_follows),
      cmocka_unit_test(null_is_no_name),
      cmocka_unit_test(a_channel_may_have_one_mark_that_is_not_first),
      cmocka_unit_test(what_pythons_regular_expression_lets_through_by_accident_is_refused),
      cmocka_unit_test(programs_may_ask_too),
      cmocka_unit_test(globs_match_as_in_python),
      cmocka_unit_test(every_short_pattern_matches_what_it_says),
      cmocka_unit_test(many_stars_do_not_take_exponential_time),
      cmocka_unit_test(brackets_that_nothing_closes_are_characters_however_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/env.h"
#include "core/pattern.h"

/* ---- the app's own converters in these tests ------------------------------------------------- */

static int match_even(const char *text, size_t len, struct swale_param *param, void *user) {
  (void)text;
  (void)param;
  if (user)
    ++*(int *)user;
  return len % 2 == 0 ? 0 : -1;
}

static int match_all(const char *text, size_t len, struct swale_param *param, void *user) {
  (void)text;
  (void)len;
  (void)user;
  param->name = "not the pattern's";
  param->text = NULL;
  return 0;
}

static struct swale__converter *own_converters(struct unit_env *u, int *asked) {
  struct swale__converter *own = NULL;
  struct swale_converter even = {.name = "even", .match = match_even, .user = asked};
  struct swale_converter deep = {.name = "deep", .slashes = 1, .match = match_all};
  assert_int_equal(swale__converter_add(&own, &even, &u->env.allocator), 0);
  assert_int_equal(swale__converter_add(&own, &deep, &u->env.allocator), 0);
  return own;
}

/* ---- compiling ------------------------------------------------------------------------------ */

static int compile(const char *text) {
  struct unit_env u;
  unit_env_init(&u);
  struct swale__pattern *pattern;
  int rv = swale__pattern_new(text, NULL, SWALE__PARAMS_MAX, &u.env.allocator, &pattern);
  if (rv == 0)
    swale__pattern_free(pattern, &u.env.allocator);
  assert_int_equal(u.live, 0);
  return rv;
}

static void patterns_that_are_fine(void **state) {
  (void)state;
  assert_int_equal(compile(""), 0);
  assert_int_equal(compile("ws/"), 0);
  assert_int_equal(compile("<x>"), 0);
  assert_int_equal(compile("<str:x>"), 0);
  assert_int_equal(compile("ws/<int:id>/<slug:_name9>/"), 0);
  assert_int_equal(compile("<uuid:a><path:b>"), 0);
  assert_int_equal(compile("caf\xc3\xa9/"), 0);
}

static void malformed_patterns_are_refused(void **state) {
  (void)state;
  assert_int_equal(compile(NULL), SWALE_EFORMAT);
  assert_int_equal(compile("/ws/"), SWALE_EFORMAT);
  assert_int_equal(compile("\xff"), SWALE_EFORMAT);
  assert_int_equal(compile("<"), SWALE_EFORMAT);
  assert_int_equal(compile(">"), SWALE_EFORMAT);
  assert_int_equal(compile("a>b"), SWALE_EFORMAT);
  assert_int_equal(compile("<>"), SWALE_EFORMAT);
  assert_int_equal(compile("<a"), SWALE_EFORMAT);
  assert_int_equal(compile("<a/<b>"), SWALE_EFORMAT);
  assert_int_equal(compile("<a>>"), SWALE_EFORMAT);
  assert_int_equal(compile("<int:>"), SWALE_EFORMAT);
  assert_int_equal(compile("<int:a:b>"), SWALE_EFORMAT);
  assert_int_equal(compile("<1a>"), SWALE_EFORMAT);
  assert_int_equal(compile("<a-b>"), SWALE_EFORMAT);
  assert_int_equal(compile("< a>"), SWALE_EFORMAT);
}

static void unknown_converters_and_parameters_twice_are_told_apart(void **state) {
  (void)state;
  assert_int_equal(compile("<float:x>"), SWALE_ENOTFOUND);
  assert_int_equal(compile("<:x>"), SWALE_ENOTFOUND);
  assert_int_equal(compile("<INT:x>"), SWALE_ENOTFOUND);
  assert_int_equal(compile("<x>/<int:x>"), SWALE_EDUPLICATE);
  assert_int_equal(compile("<x>/<int:xx>"), 0);
  assert_int_equal(compile("<xx>/<int:x>"), 0);
}

static void there_may_be_sixteen_parameters(void **state) {
  (void)state;
  assert_int_equal(compile("<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p>"), 0);
  assert_int_equal(compile("<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p><q>"), SWALE_EFULL);
  struct unit_env u;
  unit_env_init(&u);
  struct swale__pattern *pattern;
  assert_int_equal(swale__pattern_new("<a>", NULL, 0, &u.env.allocator, &pattern), SWALE_EFULL);
  assert_int_equal(swale__pattern_new("a", NULL, 0, &u.env.allocator, &pattern), 0);
  swale__pattern_free(pattern, &u.env.allocator);
}

/* ---- matching ------------------------------------------------------------------------------- */

/* Holds the pattern against the path, writes the values, each with a "|" behind it; the bytes taken or -1. */
static int match_with(struct unit_env *u, const char *text, const char *path, bool whole, char *values,
                      int *asked) {
  struct swale__converter *own = own_converters(u, asked);
  struct swale__pattern *pattern;
  struct swale__capture captures[SWALE__PARAMS_MAX];
  size_t taken = 0;
  assert_int_equal(swale__pattern_new(text, own, SWALE__PARAMS_MAX, &u->env.allocator, &pattern), 0);
  int rv = swale__pattern_match(pattern, path, strlen(path), whole, &u->env.allocator, captures, &taken);
  *values = '\0';
  for (size_t i = 0; i < pattern->n && rv == 1; i++) {
    assert_string_equal(captures[i].param.name, pattern->pieces[i].name);
    strncat(values, captures[i].param.text, captures[i].len);
    strcat(values, "|");
  }
  assert_true(taken <= strlen(path));
  swale__pattern_free(pattern, &u->env.allocator);
  swale__converter_free_all(&own, &u->env.allocator);
  return rv == 1 ? (int)taken : rv == 0 ? -1 : rv;
}

static void assert_match(const char *pattern, const char *path, const char *expected) {
  struct unit_env u;
  unit_env_init(&u);
  char values[256];
  assert_int_equal(match_with(&u, pattern, path, true, values, NULL), strlen(path));
  assert_string_equal(values, expected);
  assert_int_equal(u.live, 0);
}

static void assert_no_match(const char *pattern, const char *path) {
  struct unit_env u;
  unit_env_init(&u);
  char values[256];
  assert_int_equal(match_with(&u, pattern, path, true, values, NULL), -1);
}

static void assert_prefix(const char *pattern, const char *path, int taken, const char *expected) {
  struct unit_env u;
  unit_env_init(&u);
  char values[256];
  assert_int_equal(match_with(&u, pattern, path, false, values, NULL), taken);
  if (taken >= 0)
    assert_string_equal(values, expected);
}

static void literal_text_matches_itself_and_nothing_else(void **state) {
  (void)state;
  assert_match("", "", "");
  assert_match("ws/", "ws/", "");
  assert_no_match("", "a");
  assert_no_match("ws/", "ws");
  assert_no_match("ws/", "ws/a");
  assert_no_match("ws/", "Ws/");
}

static void a_parameter_takes_what_its_converter_allows(void **state) {
  (void)state;
  assert_match("<x>", "a b", "a b|");
  assert_match("chat/<slug:room>/", "chat/lobby-1/", "lobby-1|");
  assert_match("<path:p>", "a/b//c", "a/b//c|");
  assert_match("<uuid:u>/", "01234567-89ab-cdef-fedc-ba9876543210/", "01234567-89ab-cdef-fedc-ba9876543210|");
  assert_no_match("<x>", "");
  assert_no_match("<x>/", "/");
  assert_no_match("<x>", "a/b");
  assert_no_match("chat/<slug:room>/", "chat/lob.by/");
  assert_no_match("chat/<slug:room>/", "chat//");
  assert_no_match("<uuid:u>", "01234567-89ab-cdef-fedc-ba987654321");
}

static void the_first_parameter_takes_most(void **state) {
  (void)state;
  assert_match("<x><y>", "abc", "ab|c|");
  assert_match("<x>-<y>", "a-b-c", "a-b|c|");
  assert_match("<path:x>/<y>", "a/b/c", "a/b|c|");
  assert_match("<path:x>/<path:y>/", "a/b/c/", "a/b|c|");
  assert_match("<int:x><int:y>", "123", "12|3|");
}

static void where_the_rest_does_not_fit_a_parameter_gives_back(void **state) {
  (void)state;
  assert_match("<int:x>-<slug:y>", "12-ab-c", "12|ab-c|");
  assert_match("<x>-<int:y>", "a-1-2", "a-1|2|");
  assert_match("<x>-<int:y>-<z>", "a-1-b", "a|1|b|");
  assert_match("<x>-<int:y>-<z>", "a-1-2-b", "a-1|2|b|");
  assert_match("<path:a>/<int:b>/<path:c>x", "q/1/2/z/3/yx", "q/1/2/z|3|y|");
  assert_no_match("<x>-<int:y>-<z>", "a-b-c-");
  assert_no_match("<x><y><z>", "ab");
}

static void an_int_too_large_gives_back_digits(void **state) {
  (void)state;
  assert_match("<int:x><str:y>", "9223372036854775808", "922337203685477580|8|");
  assert_match("<int:x><str:y>", "00000000000000000000", "0000000000000000000|0|");
  assert_no_match("<int:x>", "9223372036854775808");
  assert_no_match("<int:x>", "00000000000000000000");
  assert_match("<str:x><int:y>", "99999999999999999999", "9999999999999999999|9|");
}

static void a_value_ends_between_characters(void **state) {
  (void)state;
  assert_match("<x><y>", "a\xc3\xa9", "a|\xc3\xa9|");
  assert_match("<x><y>", "\xe2\x82\xac\xf0\x9f\x92\xa7", "\xe2\x82\xac|\xf0\x9f\x92\xa7|");
  assert_no_match("<x><y>", "\xc3\xa9");
  assert_match("<even:x><y>",
               "\xe2\x82\xac"
               "a\xf0\x9f\x92\xa7",
               "\xe2\x82\xac"
               "a|\xf0\x9f\x92\xa7|");
}

static void the_apps_own_converters_are_asked_from_the_longest_text_on(void **state) {
  (void)state;
  assert_match("<even:x>", "abcd", "abcd|");
  assert_no_match("<even:x>", "abc");
  assert_match("<even:x><str:y>", "abcde", "abcd|e|");
  assert_match("<even:x><str:y>", "abcdef", "abcd|ef|");
  assert_match("<str:x><even:y>", "abcdef", "abcd|ef|");
  assert_match("<int:n><even:x><str:y>", "1abc", "1|ab|c|");
  assert_no_match("<even:x>", "ab/d");
  assert_match("<deep:x>/<y>", "a/b/c", "a/b|c|");
}

static void the_apps_own_converters_are_asked_only_where_the_rest_may_fit(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  char values[256];
  int asked = 0;
  assert_int_equal(match_with(&u, "<even:x>/<even:y>/", "abcdefg/abcdefgh/", true, values, &asked), -1);
  assert_int_equal(asked, 1);
  asked = 0;
  assert_int_equal(match_with(&u, "<str:x>-<even:y>!", "aa-bb-cc-dd", true, values, &asked), -1);
  assert_int_equal(asked, 0);
}

static void a_prefix_takes_as_much_as_it_can(void **state) {
  (void)state;
  assert_prefix("", "a/b", 0, "");
  assert_prefix("a/", "a/b", 2, "");
  assert_prefix("a/", "a", -1, "");
  assert_prefix("<x>/", "a/b/c", 2, "a|");
  assert_prefix("<path:x>/", "a/b/c", 4, "a/b|");
  assert_prefix("<x>", "abc/d", 3, "abc|");
  assert_prefix("<x>-<int:y>", "a-12/b", 4, "a|12|");
  assert_prefix("<x>-<int:y>", "a-b-1c", 5, "a-b|1|");
  assert_prefix("<even:x>", "abc/d", 2, "ab|");
  assert_prefix("<x>-<int:y>", "a-b-c", -1, "");
}

/* ---- against plain backtracking -------------------------------------------------------------- */

struct model {
  const struct swale__pattern *pattern;
  const char *path;
  bool whole;
  size_t begin[SWALE__PARAMS_MAX], end[SWALE__PARAMS_MAX];
};

static bool is_value(const struct swale__converter *converter, const char *text, size_t len) {
  struct swale_param param;
  for (size_t i = 0; i < len; i++)
    if (!converter->takes(text[i]))
      return false;
  return len <= converter->longest && swale__converter_match(converter, text, len, &param);
}

static bool model_match(struct model *m, size_t i, size_t begin) {
  size_t len = strlen(m->path);
  if (i == m->pattern->n)
    return !m->whole || begin == len;
  const struct swale__piece *piece = &m->pattern->pieces[i];
  for (size_t end = len; end > begin; end--) {
    if ((m->path[end] & 0xc0) == 0x80 || !is_value(piece->converter, m->path + begin, end - begin) ||
        strncmp(m->path + end, piece->literal, piece->literal_len) != 0)
      continue;
    m->begin[i] = begin;
    m->end[i] = end;
    if (model_match(m, i + 1, end + piece->literal_len))
      return true;
  }
  return false;
}

static size_t pick(struct unit_env *u, size_t n) {
  unsigned char byte = 0;
  unit_env_random(&byte, 1, u);
  return byte % n;
}

static void random_pattern(struct unit_env *u, char *text) {
  static const char *const literals[] = {"", "", "a", "1", "-", "/", "a-", "\xc3\xa9"};
  static const char *const kinds[] = {"str", "int", "slug", "path", "even", "deep"};
  strcpy(text, literals[pick(u, 5)]);
  for (size_t n = pick(u, 5), i = 0; i < n; i++) {
    char name[] = {':', (char)('a' + i), '>', '\0'};
    strcat(strcat(strcat(text, "<"), kinds[pick(u, 6)]), name);
    strcat(text, literals[pick(u, 8)]);
  }
}

static void random_path(struct unit_env *u, char *path) {
  static const char *const characters[] = {"a", "a", "a", "1", "1", "-", "/", "\xc3\xa9"};
  *path = '\0';
  for (size_t n = pick(u, 13), i = 0; i < n; i++)
    strcat(path, characters[pick(u, 8)]);
}

static bool compare_with_model(const struct swale__pattern *pattern, const char *path, bool whole,
                               struct unit_env *u) {
  struct swale__capture captures[SWALE__PARAMS_MAX];
  size_t taken;
  struct model m = {.pattern = pattern, .path = path, .whole = whole};
  bool expected =
      strncmp(path, pattern->head, pattern->head_len) == 0 && model_match(&m, 0, pattern->head_len);
  int rv = swale__pattern_match(pattern, path, strlen(path), whole, &u->env.allocator, captures, &taken);
  assert_int_equal(rv, expected);
  for (size_t i = 0; i < pattern->n && expected; i++) {
    assert_ptr_equal(captures[i].param.text, path + m.begin[i]);
    assert_int_equal(captures[i].len, m.end[i] - m.begin[i]);
  }
  return expected;
}

static void the_search_finds_what_plain_backtracking_finds(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__converter *own = own_converters(&u, NULL);
  int matches = 0;
  for (int i = 0; i < 20000; i++) {
    char text[128], path[64];
    struct swale__pattern *pattern;
    random_pattern(&u, text);
    int rv = swale__pattern_new(text, own, SWALE__PARAMS_MAX, &u.env.allocator, &pattern);
    if (*text == '/') {
      assert_int_equal(rv, SWALE_EFORMAT);
      continue;
    }
    assert_int_equal(rv, 0);
    for (int k = 0; k < 4; k++) {
      random_path(&u, path);
      matches += compare_with_model(pattern, path, k % 2 == 0, &u);
    }
    swale__pattern_free(pattern, &u.env.allocator);
  }
  assert_in_range(matches, 5000, 79999);
  swale__converter_free_all(&own, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

/* ---- hostile paths and lack of memory --------------------------------------------------------- */

#define LONG_PATH 16384

/* Work that grew with the square of the path would not end within the time a test has. */
static void a_long_path_takes_time_in_proportion(void **state) {
  (void)state;
  static const char *const patterns[] = {
      "<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p>!",
      "<path:a>a<path:b>a<path:c>a<path:d>a<path:e>!a",
      "<slug:a><path:b><str:c><int:d>x",
      "<path:a><int:b><path:c><int:d><path:e><uuid:f>",
  };
  struct unit_env u;
  unit_env_init(&u);
  char *path = malloc(LONG_PATH + 1);
  assert_non_null(path);
  for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
    struct swale__pattern *pattern;
    struct swale__capture captures[SWALE__PARAMS_MAX];
    size_t taken;
    memset(path, i == 3 ? '1' : 'a', LONG_PATH);
    path[LONG_PATH] = '\0';
    assert_int_equal(swale__pattern_new(patterns[i], NULL, 16, &u.env.allocator, &pattern), 0);
    for (int times = 0; times < 20; times++)
      assert_int_equal(
          swale__pattern_match(pattern, path, LONG_PATH, true, &u.env.allocator, captures, &taken), 0);
    swale__pattern_free(pattern, &u.env.allocator);
  }
  free(path);
  assert_int_equal(u.live, 0);
}

static void a_long_path_matches_too(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  char path[1001], values[1200];
  memset(path, 'a', 1000);
  path[500] = '1';
  path[1000] = '\0';
  assert_int_equal(match_with(&u, "<slug:a><int:b><slug:c><d>", path, true, values, NULL), 1000);
  assert_memory_equal(values + 500, "|1|aa", 5);
  assert_string_equal(values + strlen(values) - 4, "a|a|");
  assert_int_equal(u.live, 0);
}

static int match_long(struct unit_env *u) {
  struct swale__pattern *pattern;
  struct swale__capture captures[SWALE__PARAMS_MAX];
  size_t taken;
  char path[8192];
  memset(path, 'a', sizeof path);
  int rv = swale__pattern_new("<a><b><c>", NULL, 16, &u->env.allocator, &pattern);
  if (rv < 0)
    return rv;
  rv = swale__pattern_match(pattern, path, sizeof path, true, &u->env.allocator, captures, &taken);
  swale__pattern_free(pattern, &u->env.allocator);
  assert_true(u->fail_at == 0 || rv == 1);
  return rv == 1 ? 0 : rv;
}

static void without_memory_there_is_an_error_and_no_leak(void **state) {
  (void)state;
  unit_fail_every_allocation(match_long);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(patterns_that_are_fine),
      cmocka_unit_test(malformed_patterns_are_refused),
      cmocka_unit_test(unknown_converters_and_parameters_twice_are_told_apart),
      cmocka_unit_test(there_may_be_sixteen_parameters),
      cmocka_unit_test(literal_text_matches_itself_and_nothing_else),
      cmocka_unit_test(a_parameter_takes_what_its_converter_allows),
      cmocka_unit_test(the_first_parameter_takes_most),
      cmocka_unit_test(where_the_rest_does_not_fit_a_parameter_gives_back),
      cmocka_unit_test(an_int_too_large_gives_back_digits),
      cmocka_unit_test(a_value_ends_between_characters),
      cmocka_unit_test(the_apps_own_converters_are_asked_from_the_longest_text_on),
      cmocka_unit_test(the_apps_own_converters_are_asked_only_where_the_rest_may_fit),
      cmocka_unit_test(a_prefix_takes_as_much_as_it_can),
      cmocka_unit_test(the_search_finds_what_plain_backtracking_finds),
      cmocka_unit_test(a_long_path_takes_time_in_proportion),
      cmocka_unit_test(a_long_path_matches_too),
      cmocka_unit_test(without_memory_there_is_an_error_and_no_leak),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

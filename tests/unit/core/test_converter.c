/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/converter.h"

static const struct swale__converter *builtin(const char *name) {
  return swale__converter_builtin(name, strlen(name));
}

/* Takes the converter the whole text? */
static bool takes(const struct swale__converter *converter, const char *text, struct swale_param *param) {
  size_t len = strlen(text);
  if (len == 0 || len > converter->longest)
    return false;
  for (size_t i = 0; i < len; i++)
    if (!converter->takes(text[i]))
      return false;
  return swale__converter_match(converter, text, len, param);
}

static bool builtin_takes(const char *name, const char *text) {
  struct swale_param param;
  return takes(builtin(name), text, &param);
}

static void there_are_five_built_in_converters(void **state) {
  (void)state;
  assert_non_null(builtin("str"));
  assert_non_null(builtin("int"));
  assert_non_null(builtin("slug"));
  assert_non_null(builtin("uuid"));
  assert_non_null(builtin("path"));
  assert_null(builtin("strs"));
  assert_null(builtin("st"));
  assert_null(builtin(""));
  assert_non_null(swale__converter_builtin("int:id", 3));
}

static void str_takes_all_but_slashes(void **state) {
  (void)state;
  assert_true(builtin_takes("str", "a b.\xc3\xa9"));
  assert_false(builtin_takes("str", "a/b"));
  assert_true(builtin_takes("path", "a/b//"));
  assert_false(builtin_takes("path", ""));
}

static void slug_takes_letters_digits_and_two_signs(void **state) {
  (void)state;
  assert_true(builtin_takes("slug", "Az09-_"));
  for (int c = 1; c < 256; c++) {
    char text[2] = {(char)c, '\0'};
    bool wanted =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    assert_int_equal(builtin_takes("slug", text), wanted);
  }
}

static void int_is_a_number(void **state) {
  (void)state;
  struct swale_param param;
  assert_true(takes(builtin("int"), "0", &param));
  assert_int_equal(param.type, SWALE_PARAM_INT);
  assert_int_equal(param.as.integer, 0);
  assert_true(takes(builtin("int"), "0012", &param));
  assert_int_equal(param.as.integer, 12);
  assert_true(takes(builtin("int"), "9223372036854775807", &param));
  assert_true(param.as.integer == INT64_MAX);
  assert_false(takes(builtin("int"), "9223372036854775808", &param));
  assert_false(takes(builtin("int"), "9999999999999999999", &param));
  assert_false(takes(builtin("int"), "00000000000000000001", &param));
  assert_false(takes(builtin("int"), "-1", &param));
  assert_false(takes(builtin("int"), "+1", &param));
  assert_false(takes(builtin("int"), "1a", &param));
}

static void uuid_is_sixteen_bytes(void **state) {
  (void)state;
  struct swale_param param;
  static const unsigned char bytes[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                          0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
  assert_true(takes(builtin("uuid"), "01234567-89ab-cdef-fedc-ba9876543210", &param));
  assert_int_equal(param.type, SWALE_PARAM_UUID);
  assert_memory_equal(param.as.uuid, bytes, 16);
  assert_false(takes(builtin("uuid"), "01234567-89AB-CDEF-FEDC-BA9876543210", &param));
  assert_false(takes(builtin("uuid"), "0123456789abcdeffedcba9876543210", &param));
  assert_false(takes(builtin("uuid"), "0123456-789ab-cdef-fedc-ba9876543210", &param));
  assert_false(takes(builtin("uuid"), "01234567-89ab-cdef-fedc-ba987654321", &param));
  assert_false(takes(builtin("uuid"), "01234567-89ab-cdef-fedc-ba98765432100", &param));
  assert_false(takes(builtin("uuid"), "01234567-89ab-cdef-fedc-ba987654321g", &param));
  assert_false(takes(builtin("uuid"), "------------------------------------", &param));
}

static int match_year(const char *text, size_t len, struct swale_param *param, void *user) {
  int *asked = user;
  ++*asked;
  if (len != 4 || text[0] != '2')
    return -1;
  param->type = SWALE_PARAM_INT;
  param->as.integer = 2000;
  return 0;
}

static void the_apps_own_converters_stand_beside_the_built_in_ones(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  int asked = 0;
  char name[] = "year";
  struct swale__converter *own = NULL;
  struct swale_converter year = {.name = name, .match = match_year, .user = &asked};
  assert_int_equal(swale__converter_add(&own, &year, &u.env.allocator), 0);
  name[0] = '?'; /* it was copied */
  const struct swale__converter *found = swale__converter_find(own, "year", 4);
  assert_non_null(found);
  assert_ptr_equal(swale__converter_find(own, "str", 3), builtin("str"));
  assert_null(swale__converter_find(own, "yea", 3));
  struct swale_param param;
  assert_true(takes(found, "2024", &param));
  assert_int_equal(param.as.integer, 2000);
  assert_false(takes(found, "1924", &param));
  assert_false(takes(found, "2/24", &param));
  assert_int_equal(asked, 2);

  struct swale_converter again = {.name = "year", .match = match_year};
  assert_int_equal(swale__converter_add(&own, &again, &u.env.allocator), SWALE_EEXIST);
  again.name = "slug";
  assert_int_equal(swale__converter_add(&own, &again, &u.env.allocator), SWALE_EEXIST);
  again.name = "two words";
  assert_int_equal(swale__converter_add(&own, &again, &u.env.allocator), SWALE_ENAME);
  again.name = NULL;
  assert_int_equal(swale__converter_add(&own, &again, &u.env.allocator), SWALE_ENAME);
  again = (struct swale_converter){.name = "other"};
  assert_int_equal(swale__converter_add(&own, &again, &u.env.allocator), SWALE_EINVAL);
  swale__converter_free_all(&own, &u.env.allocator);
  assert_null(own);
  assert_int_equal(u.live, 0);
}

static void a_converter_may_take_slashes(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  int asked = 0;
  struct swale__converter *own = NULL;
  struct swale_converter deep = {.name = "deep", .slashes = 1, .match = match_year, .user = &asked};
  assert_int_equal(swale__converter_add(&own, &deep, &u.env.allocator), 0);
  struct swale_param param;
  assert_true(takes(own, "2/24", &param));
  swale__converter_free_all(&own, &u.env.allocator);
}

static int add_two(struct unit_env *u) {
  struct swale__converter *own = NULL;
  struct swale_converter a = {.name = "a", .match = match_year}, b = {.name = "b", .match = match_year};
  int rv = swale__converter_add(&own, &a, &u->env.allocator);
  if (rv == 0)
    rv = swale__converter_add(&own, &b, &u->env.allocator);
  swale__converter_free_all(&own, &u->env.allocator);
  return rv;
}

static void without_memory_no_converter_is_added(void **state) {
  (void)state;
  unit_fail_every_allocation(add_two);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(there_are_five_built_in_converters),
      cmocka_unit_test(str_takes_all_but_slashes),
      cmocka_unit_test(slug_takes_letters_digits_and_two_signs),
      cmocka_unit_test(int_is_a_number),
      cmocka_unit_test(uuid_is_sixteen_bytes),
      cmocka_unit_test(the_apps_own_converters_stand_beside_the_built_in_ones),
      cmocka_unit_test(a_converter_may_take_slashes),
      cmocka_unit_test(without_memory_no_converter_is_added),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

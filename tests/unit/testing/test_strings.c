/* SPDX-License-Identifier: MIT */
#include "testing/strings.h"

#include <unit.h>

static int fill(struct unit_env *u) {
  const struct swale_allocator *a = &u->env.allocator;
  struct swale__testing_headers headers = {0};
  struct swale__testing_names names = {0};
  int rv = swale__testing_headers_add(&headers, a, "Origin", "http://example.org");
  if (rv == 0)
    rv = swale__testing_headers_add(&headers, a, "Cookie", "a=1");
  if (rv == 0)
    rv = swale__testing_headers_add(&headers, a, "cookie", "b=2");
  if (rv == 0)
    rv = swale__testing_names_add(&names, a, "chat");
  if (rv == 0)
    rv = swale__testing_names_add(&names, a, "superchat");
  if (rv == 0) {
    assert_string_equal(swale__testing_headers_find(&headers, "COOKIE"), "a=1");
    assert_string_equal(swale__testing_headers_find(&headers, "origin"), "http://example.org");
    assert_null(swale__testing_headers_find(&headers, "host"));
    assert_string_equal(names.items[1], "superchat");
  }
  swale__testing_headers_clear(&headers, a);
  swale__testing_names_clear(&names, a);
  assert_int_equal(headers.n + names.n, 0);
  return rv;
}

static void lists_keep_copies_in_order(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  assert_int_equal(fill(&u), 0);
  assert_int_equal(u.live, 0);
}

static void lists_survive_every_failing_allocation(void **state) {
  (void)state;
  unit_fail_every_allocation(fill);
}

static void an_empty_list_finds_nothing_and_can_be_cleared(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__testing_headers headers = {0};
  unit_env_init(&u);
  assert_null(swale__testing_headers_find(&headers, "host"));
  swale__testing_headers_clear(&headers, &u.env.allocator);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_keep_copies_in_order),
      cmocka_unit_test(lists_survive_every_failing_allocation),
      cmocka_unit_test(an_empty_list_finds_nothing_and_can_be_cleared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Vulnerabilities that others had, as far as they concern the core; see tests/unit/ws/test_vulnerabilities.c. */
#include "unit.h"

#include <swale/swale.h>

static int parse(struct unit_env *u, const char *bytes, size_t len) {
  swale_message *m;
  int rv = swale_message_parse(bytes, len, NULL, &u->env.allocator, &m);
  swale_message_unref(m);
  return rv;
}

/* A count of elements times their size: hiredis allocated that, or less where it wrapped. */
static void cve_2021_32765_counts_are_not_believed_before_they_are_borne_out(void **state) {
  struct unit_env u;
  (void)state;
  unit_env_init(&u);
#define REFUSED(bytes) assert_int_equal(parse(&u, bytes, sizeof bytes - 1), SWALE_EFORMAT)
  REFUSED("\xdf\xff\xff\xff\xff");                           /* pairs of the map */
  REFUSED("\x82\xa4type\xa1t\xa1l\xdd\xff\xff\xff\xff");     /* elements of a list */
  REFUSED("\x82\xa4type\xa1t\xa1l\xdd\x40\x00\x00\x00\x01"); /* times 4: 4 */
  REFUSED("\x82\xa4type\xa1t\xa1"
          "b\xc6\xff\xff\xff\xff");                           /* bytes */
  REFUSED("\x82\xa4type\xa1t\xa1s\xdb\xff\xff\xff\xf0short"); /* text */
  assert_int_equal(u.live, 0);
}

static int build_and_parse(struct unit_env *u) {
  swale_message *m = swale_message_new_with("t", 0, &u->env.allocator), *copy = NULL;
  char big[3000] = {0};
  size_t len;
  swale_message_add_bytes(m, "big", big, sizeof big);
  int rv = swale_message_freeze(m);
  if (rv == 0) {
    const void *bytes = swale_message_bytes(m, &len);
    rv = swale_message_parse(bytes, len, NULL, &u->env.allocator, &copy);
  }
  swale_message_unref(copy);
  swale_message_unref(m);
  return rv;
}

static void cve_2020_7105_every_allocation_is_checked(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(build_and_parse);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cve_2021_32765_counts_are_not_believed_before_they_are_borne_out),
      cmocka_unit_test(cve_2020_7105_every_allocation_is_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "conformance.h"

#include "conformance_world.h"

enum { TESTS_MAX = 200 };

int conformance_run(const struct conformance *subject) {
  static const struct CMUnitTest *(*const parts[])(size_t * n) = {conformance_channels, conformance_consumers,
                                                                  conformance_groups, conformance_figures};
  static struct CMUnitTest tests[TESTS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    size_t n;
    const struct CMUnitTest *part = parts[i](&n);
    for (size_t k = 0; k < n && count < TESTS_MAX; k++) {
      tests[count] = part[k];
      tests[count++].initial_state = (void *)subject;
    }
  }
  return _cmocka_run_group_tests(subject->name, tests, count, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* A host whose locale writes numbers in another way than JSON. */
#ifndef SWALE_TESTS_JSON_COMMA_LOCALE_H
#define SWALE_TESTS_JSON_COMMA_LOCALE_H

#include <locale.h>

#include <unit.h>

/*
 * Sets the i-th of the locales whose decimal point is none that are installed: true, or false when there
 * are no more. The ps_AF one has a point of two bytes.
 */
static inline int set_comma_locale(size_t i) {
  static const char *const names[] = {"de_DE.UTF-8", "de_DE",       "fr_FR.UTF-8", "fr_FR",
                                      "ru_RU.UTF-8", "ps_AF.UTF-8", "ps_AF"};
  for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
    if (setlocale(LC_NUMERIC, names[n]) && strcmp(localeconv()->decimal_point, ".") != 0 && i-- == 0)
      return 1;
  setlocale(LC_NUMERIC, "C");
  return 0;
}

static inline int restore_locale(void **state) {
  (void)state;
  return setlocale(LC_NUMERIC, "C") ? 0 : -1;
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_JSON_LOCALE_H
#define SWALE_JSON_LOCALE_H

#include <locale.h>

#include <swale/error.h>

/*
 * printf and strtod take the decimal point from the locale, which the host may have set to "1,5", or to a
 * point of several bytes (ps_AF), at which jansson aborts. JSON knows "1.5" alone. So numbers are written
 * and read in the C locale, which is set for this thread only and for as long as that takes.
 */
struct swale__json_locale {
  locale_t c;
  locale_t before;
};

static inline int swale__json_locale_enter(struct swale__json_locale *l) {
  l->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!l->c)
    return SWALE_ENOMEM;
  l->before = uselocale(l->c);
  return 0;
}

static inline void swale__json_locale_leave(const struct swale__json_locale *l) {
  uselocale(l->before);
  freelocale(l->c);
}

#endif

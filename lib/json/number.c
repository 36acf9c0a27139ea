/* SPDX-License-Identifier: MIT */
#include "json/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/locale.h"

/* "-2.2250738585072014e-308" and its NUL are 25 bytes. */
enum { TEXT_SIZE = 32, DIGITS_LEAST = 15, DIGITS_MOST = 17 };

static void print(char *text, double number) {
  for (int digits = DIGITS_LEAST; digits <= DIGITS_MOST; digits++) {
    snprintf(text, TEXT_SIZE, "%.*g", digits, number);
    if (strtod(text, NULL) == number)
      return;
  }
}

int swale__json_double(swale_buffer *out, double number) {
  char text[TEXT_SIZE];
  struct swale__json_locale locale;
  if (!isfinite(number))
    return SWALE_ETYPE;
  int rv = swale__json_locale_enter(&locale);
  if (rv)
    return rv;
  print(text, number);
  swale__json_locale_leave(&locale);
  swale_buffer_puts(out, text);
  return swale_buffer_puts(out, strpbrk(text, ".e") ? "" : ".0");
}

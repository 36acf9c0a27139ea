/* SPDX-License-Identifier: MIT */
#include "ws/ascii.h"

#include <string.h>

bool swale__is_token(char c) { return swale__is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL); }

bool swale__same_letters(const char *a, const char *b, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (swale__lower(a[i]) != swale__lower(b[i]))
      return false;
  return true;
}

bool swale__same_word(const char *a, size_t len, const char *word) {
  return strlen(word) == len && swale__same_letters(a, word, len);
}

/* SPDX-License-Identifier: MIT */
#include "ws/ascii.h"

#include <string.h>

bool swale__ws_is_token(char c) {
  return swale__ws_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool swale__ws_same_letters(const char *a, const char *b, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (swale__ws_lower(a[i]) != swale__ws_lower(b[i]))
      return false;
  return true;
}

bool swale__ws_same_word(const char *a, size_t len, const char *word) {
  return strlen(word) == len && swale__ws_same_letters(a, word, len);
}

/* SPDX-License-Identifier: MIT */
/* Letters as protocols see them: ASCII, whatever the locale. */
#ifndef SWALE_WS_ASCII_H
#define SWALE_WS_ASCII_H

#include <stdbool.h>
#include <stddef.h>

static inline bool swale__ws_is_digit(char c) { return c >= '0' && c <= '9'; }

static inline char swale__ws_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

static inline bool swale__ws_is_alnum(char c) {
  return swale__ws_is_digit(c) || (swale__ws_lower(c) >= 'a' && swale__ws_lower(c) <= 'z');
}

/* Whether `c` may stand in a token of HTTP (RFC 9110, 5.6.2). */
bool swale__ws_is_token(char c);

/* Whether two strings of this length are equal but for the case of letters. */
bool swale__ws_same_letters(const char *a, const char *b, size_t len);

/* Likewise for a string of a length and one that ends in NUL. */
bool swale__ws_same_word(const char *a, size_t len, const char *word);

#endif

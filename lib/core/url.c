/* SPDX-License-Identifier: MIT */
#include <swale/url.h>

#include <stdbool.h>
#include <string.h>

#include "core/env.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

static bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }

static int hex_value(char c) {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/* The byte that the escape at `text` stands for, or 0 when there is none: a zero byte cannot be written. */
static char escaped_byte(const char *text) {
  if (text[0] != '%')
    return 0;
  int high = hex_value(text[1]);
  int low = high < 0 ? -1 : hex_value(text[2]);
  return low < 0 ? 0 : (char)(high * 16 + low);
}

void swale_percent_decode(char *text) {
  char *to = text;
  while (*text) {
    char byte = escaped_byte(text);
    *to++ = byte ? byte : *text;
    text += byte ? 3 : 1;
  }
  *to = '\0';
}

/* Nothing that must not stand in a URL as it is, and good escapes only. */
static bool is_clean(const char *text) {
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c <= ' ' || c == 0x7f || c == '#' || (c == '%' && !escaped_byte(text)))
      return false;
  }
  return true;
}

/* The length of "scheme" where "scheme://" stands at `text`, or 0. */
static size_t scheme_length(const char *text) {
  size_t n = 0;
  if (!is_letter(*text))
    return 0;
  while (is_letter(text[n]) || is_digit(text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.')
    n++;
  return strncmp(text + n, "://", 3) == 0 ? n : 0;
}

/* Copies a piece of the text into the room behind the struct, as a string. */
static char *keep(char **room, const char *from, size_t n) {
  char *piece = *room;
  memcpy(piece, from, n);
  piece[n] = '\0';
  *room += n + 1;
  return piece;
}

static char *keep_decoded(char **room, const char *from, size_t n) {
  char *piece = keep(room, from, n);
  swale_percent_decode(piece);
  return piece;
}

static void lower(char *text) {
  for (; *text; text++)
    if (is_upper(*text))
      *text = (char)(*text - 'A' + 'a');
}

/* "key=value" of `n` bytes into the next element of params. */
static int keep_param(struct swale_url *u, char **room, const char *pair, size_t n) {
  const char *equals = memchr(pair, '=', n);
  if (!equals || equals == pair)
    return SWALE_EFORMAT;
  const char *key = keep_decoded(room, pair, (size_t)(equals - pair));
  const char *value = keep_decoded(room, equals + 1, n - 1 - (size_t)(equals - pair));
  u->params[u->n_params++] = (struct swale_url_param){key, value};
  return SWALE_OK;
}

static int keep_query(struct swale_url *u, char **room, const char *query) {
  if (*query == '\0')
    return SWALE_OK;
  for (;;) {
    size_t n = strcspn(query, "&");
    int rv = keep_param(u, room, query, n);
    if (rv < 0 || query[n] == '\0')
      return rv;
    query += n + 1;
  }
}

/* Takes a clean text apart. The zero at the end of a piece takes the place of the separator behind it. */
static int fill(struct swale_url *u, char *room, const char *text, size_t scheme) {
  char *name = keep(&room, text, scheme);
  lower(name);
  u->scheme = name;
  const char *authority = text + scheme + strlen("://");
  const char *path = authority + strcspn(authority, "/?");
  const char *end = path + strcspn(path, "?");
  u->authority = keep(&room, authority, (size_t)(path - authority));
  u->path = keep_decoded(&room, path, (size_t)(end - path));
  u->n_params = 0;
  return keep_query(u, &room, *end == '?' ? end + 1 : end);
}

static size_t most_params(const char *text) {
  size_t n = 1;
  for (; *text; text++)
    n += *text == '&';
  return n;
}

int swale_url_parse(const char *text, const struct swale_allocator *a, struct swale_url **out) {
  if (!text)
    return SWALE_EFORMAT;
  size_t length = strnlen(text, SWALE_URL_MAX + 1);
  if (length > SWALE_URL_MAX)
    return SWALE_ESIZE;
  size_t scheme = scheme_length(text);
  if (scheme == 0 || !is_clean(text))
    return SWALE_EFORMAT;

  size_t params = most_params(text);
  struct swale_url *u = swale__malloc(a, sizeof *u + params * sizeof u->params[0] + length + 1);
  if (!u)
    return SWALE_ENOMEM;
  u->params = (struct swale_url_param *)(u + 1);
  int rv = fill(u, (char *)(u->params + params), text, scheme);
  if (rv < 0)
    swale__free(a, u);
  else
    *out = u;
  return rv;
}

void swale_url_free(struct swale_url *u, const struct swale_allocator *a) { swale__free(a, u); }

const char *swale_url_param(const struct swale_url *u, const char *key) {
  for (size_t i = 0; i < u->n_params; i++)
    if (strcmp(u->params[i].key, key) == 0)
      return u->params[i].value;
  return NULL;
}

int swale_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
  if (!text || *text == '\0' || text[strspn(text, "0123456789")] != '\0')
    return SWALE_EFORMAT;
  uint64_t value = 0;
  for (; *text; text++) {
    unsigned digit = (unsigned)(*text - '0');
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
      return SWALE_EINVAL;
  }
  if (value < min || value > max)
    return SWALE_EINVAL;
  *out = value;
  return SWALE_OK;
}

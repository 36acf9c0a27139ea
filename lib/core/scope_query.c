/* SPDX-License-Identifier: MIT */
#include "core/scope_query.h"

#include <string.h>

#include <swale/error.h>
#include <swale/scope.h>
#include <swale/utf8.h>

#include "core/scope.h"

/* Encoded text, read a byte at a time. */
struct reader {
  const char *at, *end;
  bool plus; /* a "+" is a space */
};

enum { AT_END = -1, BAD_ESCAPE = -2 };

static int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/* The next byte 1..255, or one of the above. Zero bytes are bad in either form. */
static int next_byte(struct reader *r) {
  if (r->at == r->end)
    return AT_END;
  int byte = (unsigned char)*r->at++;
  if (byte == '+' && r->plus)
    return ' ';
  if (byte != '%')
    return byte != 0 ? byte : BAD_ESCAPE;
  if (r->end - r->at < 2)
    return BAD_ESCAPE;
  int high = hex_value(r->at[0]), low = hex_value(r->at[1]);
  r->at += 2;
  return high < 0 || low < 0 || high + low == 0 ? BAD_ESCAPE : high * 16 + low;
}

/* Checks all of the text and counts the bytes it stands for. */
static int measure(struct reader r, size_t *len) {
  struct swale_utf8 utf8 = {0};
  size_t n = 0;
  int byte;
  while ((byte = next_byte(&r)) >= 0) {
    unsigned char c = (unsigned char)byte;
    swale_utf8_feed(&utf8, &c, 1);
    n++;
  }
  if (byte == BAD_ESCAPE)
    return SWALE_EFORMAT;
  if (swale_utf8_end(&utf8) != 0)
    return SWALE_EUTF8;
  *len = n;
  return SWALE_OK;
}

int swale__unescape(const char *text, size_t n, bool plus, char *out, size_t size, size_t *len) {
  struct reader r = {text, text + n, plus};
  int rv = measure(r, len);
  if (rv < 0 || !out)
    return rv;
  if (*len >= size)
    return SWALE_ESIZE;
  int byte;
  while ((byte = next_byte(&r)) >= 0)
    *out++ = (char)byte;
  *out = '\0';
  return SWALE_OK;
}

/* ---- query ---------------------------------------------------------------------------------- */

/* Does the encoded text stand for this name? */
static bool stands_for(const char *text, size_t n, const char *name) {
  struct reader r = {text, text + n, true};
  int byte;
  while ((byte = next_byte(&r)) >= 0)
    if (byte != (unsigned char)*name++)
      return false;
  return byte == AT_END && *name == '\0';
}

int swale_scope_query_param(const swale_scope *scope, const char *name, char *out, size_t size) {
  const char *at = swale_scope_query(scope);
  while (at && *at) {
    size_t pair = strcspn(at, "&");
    size_t key = strcspn(at, "=&");
    if (pair > 0 && stands_for(at, key, name)) {
      const char *value = key < pair ? at + key + 1 : at + key;
      size_t len;
      return swale__unescape(value, (size_t)(at + pair - value), true, out, size, &len);
    }
    at += pair + (at[pair] == '&');
  }
  return SWALE_ENOTFOUND;
}

/* ---- cookies -------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *text) { return text + strspn(text, " \t"); }

static size_t trimmed_length(const char *text, size_t n) {
  while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
    n--;
  return n;
}

/* Looks for the cookie in one header's value; where it is, or NULL. */
static const char *find_cookie(const char *at, const char *name, size_t *len) {
  size_t name_len = strlen(name);
  for (;;) {
    at = skip_blanks(at);
    size_t pair = strcspn(at, ";");
    size_t key = strcspn(at, "=;");
    if (key < pair && trimmed_length(at, key) == name_len && memcmp(at, name, name_len) == 0) {
      const char *value = skip_blanks(at + key + 1);
      const char *end = at + pair;
      *len = value < end ? trimmed_length(value, (size_t)(end - value)) : 0;
      return value;
    }
    if (at[pair] == '\0')
      return NULL;
    at += pair + 1;
  }
}

int swale_scope_cookie(const swale_scope *scope, const char *name, char *out, size_t size) {
  struct swale__headers walk = {0};
  while (swale__scope_next_header(scope, &walk)) {
    size_t len;
    const char *value = NULL;
    if (strcmp(walk.header.name, "cookie") == 0)
      value = find_cookie(walk.header.value, name, &len);
    if (!value)
      continue;
    if (len >= size)
      return SWALE_ESIZE;
    memcpy(out, value, len);
    out[len] = '\0';
    return SWALE_OK;
  }
  return SWALE_ENOTFOUND;
}

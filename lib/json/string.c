/* SPDX-License-Identifier: MIT */
#include <swale/json.h>

#include <stdbool.h>
#include <string.h>

#include <swale/utf8.h>

/*
 * Text goes out as it is, in runs between the characters that need an escape: quote, backslash, control
 * characters, and U+2028 and U+2029, which JSON allows in a string but older JavaScript does not.
 */

/* How many bytes of `at` an escape must stand for; 0: none. `left` is at least 1. */
static size_t to_escape(const unsigned char *at, size_t left) {
  if (*at < 0x20 || *at == '"' || *at == '\\')
    return 1;
  bool separator = *at == 0xE2 && left >= 3 && at[1] == 0x80 && (at[2] & 0xFE) == 0xA8;
  return separator ? 3 : 0;
}

static int put_escape(swale_buffer *out, const unsigned char *at) {
  static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
  const char *name = *at ? strchr(named, *at) : NULL;
  if (name) {
    char escape[2] = {'\\', names[name - named]};
    return swale_buffer_append(out, escape, sizeof escape);
  }
  return swale_buffer_printf(out, "\\u%04x", *at == 0xE2 ? 0x2000u + (at[2] & 0x3Fu) : *at);
}

static int put_text(swale_buffer *out, const unsigned char *text, size_t len) {
  const unsigned char *at = text, *run = text, *end = text + len;
  int rv = 0;
  while (rv == 0 && at < end) {
    size_t special = to_escape(at, (size_t)(end - at));
    if (special > 0) {
      swale_buffer_append(out, run, (size_t)(at - run));
      rv = put_escape(out, at);
      run = at + special;
    }
    at += special > 0 ? special : 1;
  }
  return rv ? rv : swale_buffer_append(out, run, (size_t)(end - run));
}

int swale_json_string(swale_buffer *out, const char *text, size_t len) {
  if (!swale_utf8_valid(text, len))
    return SWALE_EUTF8;
  swale_buffer_puts(out, "\"");
  if (len > 0)
    put_text(out, (const unsigned char *)text, len);
  return swale_buffer_puts(out, "\"");
}

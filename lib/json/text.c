/* SPDX-License-Identifier: MIT */
#include "json/text.h"

#include <stdbool.h>
#include <string.h>

#include "json/error.h"
#include "json/locale.h"

/*
 * jansson is recursive, down to 2,048 levels of nesting, on whatever stack the host runs its callbacks, and
 * its values take a hundred times the memory of their text. So nesting is measured first, and values are
 * counted: there is one at the start, and at most one more behind each opening bracket and comma. Strings
 * need to be recognised for that, and nothing else: up to the first error in the text this scan and jansson
 * agree on where strings begin and end, and behind it jansson no longer reads. Should brackets be closed that
 * were never opened, that error has been reached.
 *
 * A NUL is refused here because jansson overlooks one behind a number or a word: "[1\0]".
 */
struct scan {
  const char *text;
  size_t len;
  size_t depth_max, values_max;
  size_t at; /* where the scan stopped */
};

/* Moves from behind the opening quote to the closing one. */
static void skip_string(struct scan *s) {
  while (s->at < s->len && s->text[s->at] != '"')
    s->at += s->text[s->at] == '\\' ? 2 : 1;
}

static int check_structure(struct scan *s) {
  size_t depth = 0, values = 1;
  for (s->at = 0; s->at < s->len; s->at++) {
    char c = s->text[s->at];
    if (c == '"') {
      s->at++;
      skip_string(s);
    } else if (c == '[' || c == '{') {
      if (depth++ == s->depth_max)
        return SWALE_EDEPTH;
      values++;
    } else if (c == ',') {
      values++;
    } else if (c == ']' || c == '}') {
      if (depth-- == 0)
        return 0;
    }
    if (values > s->values_max)
      return SWALE_ESIZE;
  }
  return 0;
}

static const char *in_words(int error) {
  return error == SWALE_EDEPTH ? "lists and objects are nested too deeply" : "there are too many values";
}

static int check(struct scan *s, size_t size_max, struct swale_json_error *why) {
  if (s->len > size_max)
    return swale__json_fail(why, SWALE_ESIZE, size_max, "the text is too long");
  const char *nul = memchr(s->text, '\0', s->len);
  if (nul)
    return swale__json_fail(why, SWALE_EFORMAT, (size_t)(nul - s->text), "there is a NUL in the text");
  int rv = check_structure(s);
  return rv ? swale__json_fail(why, rv, s->at, in_words(rv)) : 0;
}

static int load(const struct scan *s, json_t **out, struct swale_json_error *why) {
  struct swale__json_locale locale;
  json_error_t error;
  memset(&error, 0, sizeof error); /* jansson leaves its code as it is when there is no memory */
  int rv = swale__json_locale_enter(&locale);
  if (rv)
    return swale__json_fail(why, rv, 0, swale_strerror(rv));
  *out = json_loadb(s->text, s->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
  swale__json_locale_leave(&locale);
  return *out ? 0 : swale__json_fail_jansson(why, &error);
}

int swale__json_load(const char *text, size_t len, const struct swale_parse_limits *limits, size_t depth_most,
                     json_t **out, struct swale_json_error *why) {
  size_t size_max = limits && limits->size > 0 ? limits->size : SWALE_MESSAGE_SIZE_DEFAULT;
  size_t depth_max = limits && limits->depth > 0 ? limits->depth : depth_most;
  struct scan s = {
      .text = len > 0 ? text : "",
      .len = len,
      .depth_max = depth_max < depth_most ? depth_max : depth_most,
      .values_max = limits && limits->values > 0 ? limits->values : SWALE_JSON_VALUES_DEFAULT,
  };
  *out = NULL;
  int rv = check(&s, size_max, why);
  return rv ? rv : load(&s, out, why);
}

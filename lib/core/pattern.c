/* SPDX-License-Identifier: MIT */
#include "core/pattern.h"

#include <stdint.h>
#include <string.h>

#include <swale/error.h>
#include <swale/utf8.h>

#include "core/env.h"

/* ---- compiling ------------------------------------------------------------------------------ */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static bool is_identifier(const char *text, size_t len) {
  if (len == 0 || !is_letter(text[0]))
    return false;
  for (size_t i = 1; i < len; i++)
    if (!is_letter(text[i]) && !(text[i] >= '0' && text[i] <= '9'))
      return false;
  return true;
}

static bool has_name(const struct swale__pattern *pattern, const char *name, size_t len) {
  for (size_t i = 0; i < pattern->n; i++)
    if (strncmp(pattern->pieces[i].name, name, len) == 0 && pattern->pieces[i].name[len] == '\0')
      return true;
  return false;
}

/* What stands between "<" and ">", `len` bytes in the pattern's own copy; ends the name with a NUL there. */
static int add_piece(struct swale__pattern *pattern, char *inside, size_t len,
                     const struct swale__converter *own) {
  const char *converter = "str";
  size_t converter_len = strlen(converter);
  char *name = inside;
  char *colon = memchr(inside, ':', len);
  if (colon) {
    converter = inside;
    converter_len = (size_t)(colon - inside);
    name = colon + 1;
    len -= converter_len + 1;
  }
  if (!is_identifier(name, len))
    return SWALE_EFORMAT;
  if (has_name(pattern, name, len))
    return SWALE_EDUPLICATE;
  struct swale__piece *piece = &pattern->pieces[pattern->n];
  piece->converter = swale__converter_find(own, converter, converter_len);
  if (!piece->converter)
    return SWALE_ENOTFOUND;
  name[len] = '\0';
  piece->name = name;
  pattern->n++;
  return SWALE_OK;
}

/* Takes the pattern's own copy of the text apart. */
static int compile(struct swale__pattern *pattern, char *text, const struct swale__converter *own) {
  pattern->head = text;
  pattern->head_len = strcspn(text, "<>");
  text += pattern->head_len;
  while (*text) {
    size_t inside = *text == '<' ? strcspn(text + 1, "<>") : 0;
    char *end = text + 1 + inside;
    if (inside == 0 || *end != '>')
      return SWALE_EFORMAT;
    int rv = add_piece(pattern, text + 1, inside, own);
    if (rv < 0)
      return rv;
    struct swale__piece *piece = &pattern->pieces[pattern->n - 1];
    piece->literal = end + 1;
    piece->literal_len = strcspn(end + 1, "<>");
    text = end + 1 + piece->literal_len;
  }
  return SWALE_OK;
}

static size_t count(const char *text, char c) {
  size_t n = 0;
  for (; *text; text++)
    n += *text == c;
  return n;
}

int swale__pattern_new(const char *text, const struct swale__converter *own, size_t params_max,
                       const struct swale_allocator *a, struct swale__pattern **out) {
  if (!text || *text == '/' || !swale_utf8_valid(text, strlen(text)))
    return SWALE_EFORMAT;
  size_t n = count(text, '<'), size = strlen(text) + 1;
  if (n > params_max)
    return SWALE_EFULL;
  struct swale__pattern *pattern = swale__zalloc(a, sizeof *pattern + n * sizeof pattern->pieces[0] + size);
  if (!pattern)
    return SWALE_ENOMEM;
  int rv = compile(pattern, memcpy(pattern->pieces + n, text, size), own);
  if (rv < 0)
    swale__free(a, pattern);
  else
    *out = pattern;
  return rv;
}

void swale__pattern_free(struct swale__pattern *pattern, const struct swale_allocator *a) {
  swale__free(a, pattern);
}

/* ---- matching --------------------------------------------------------------------------------
 *
 * As with Django's regular expressions, the first parameter takes as much as it can, then the second one,
 * and so on; where the rest does not fit, the last parameter that can do with less gives back a character.
 * Tried blindly that takes time exponential in the number of parameters, and the path is the peer's. So:
 *
 * - A state is (piece, position): this piece and all behind it shall match from this position. Whether they
 *   can does not depend on how the position was reached, so a state that failed once is marked, in a row of
 *   bits per piece, and never entered again. (The first piece begins in one position only: it has no row.)
 *
 * - Entering a state must not cost a walk along the path for each position. Where every part of a value is a
 *   value (str, slug, path), a state that begins at p need not look beyond the next failed state q of its
 *   piece: what p could end at behind q, q could, too, and that was tried. Values only ever get shorter, so
 *   the states of a piece are entered from the far ones to the near ones, their walks do not overlap, and
 *   a piece costs O(path) altogether. The other built-in converters look at 36 ends at most; the app's
 *   own are asked for each end that what stands behind it allows.
 *
 * - Where the whole path has to match, the last piece has one end to try only.
 *
 * A parameter ends between characters, never inside the UTF-8 of one.
 */

#define INLINE_WORDS 64 /* rows for 15 pieces of a path of 255 bytes, or for 3 of 1,000 */

struct search {
  const struct swale__pattern *pattern;
  const char *path;
  size_t len;
  bool whole;
  size_t row_words;
  uint64_t *failed; /* a row for each piece but the first */
  struct {
    size_t begin, far; /* the longest value that need be looked at */
    size_t end;        /* the one looked at */
  } at[SWALE__PARAMS_MAX];
  struct swale__capture *captures;
  uint64_t words[INLINE_WORDS];
};

static uint64_t *failed_row(struct search *s, size_t i) { return s->failed + (i - 1) * s->row_words; }

static bool has_failed(struct search *s, size_t i, size_t position) {
  return i > 0 && (failed_row(s, i)[position / 64] >> (position % 64) & 1);
}

static void mark_failed(struct search *s, size_t i) {
  size_t position = s->at[i].begin;
  if (i > 0)
    failed_row(s, i)[position / 64] |= UINT64_C(1) << (position % 64);
}

static void enter(struct search *s, size_t i, size_t begin) {
  const struct swale__converter *converter = s->pattern->pieces[i].converter;
  size_t n = 0, most = s->len - begin;
  if (most > converter->longest)
    most = converter->longest;
  while (n < most && converter->takes(s->path[begin + n]) &&
         !(n > 0 && converter->divisible && has_failed(s, i, begin + n)))
    n++;
  s->at[i].begin = begin;
  s->at[i].far = begin + n;
  s->at[i].end = begin + n + 1;
}

static bool is_between_characters(const struct search *s, size_t position) {
  return position == s->len || ((unsigned char)s->path[position] & 0xc0) != 0x80;
}

/* Can the value of piece i end here, as far as the characters behind it tell? */
static bool fits(struct search *s, size_t i, size_t end) {
  const struct swale__piece *piece = &s->pattern->pieces[i];
  if (piece->literal_len > s->len - end || memcmp(s->path + end, piece->literal, piece->literal_len) != 0)
    return false;
  bool last = i + 1 == s->pattern->n;
  return is_between_characters(s, end) && (last || !has_failed(s, i + 1, end + piece->literal_len));
}

static bool take(struct search *s, size_t i) {
  size_t begin = s->at[i].begin, len = s->at[i].end - begin;
  struct swale__capture *capture = &s->captures[i];
  if (!swale__converter_match(s->pattern->pieces[i].converter, s->path + begin, len, &capture->param))
    return false;
  capture->param.name = s->pattern->pieces[i].name;
  capture->param.text = s->path + begin;
  capture->len = len;
  return true;
}

/* Gives the last piece of a whole match the one value that it may have. */
static bool take_rest(struct search *s, size_t i) {
  size_t literal_len = s->pattern->pieces[i].literal_len;
  if (literal_len > s->len)
    return false;
  size_t end = s->at[i].end = s->len - literal_len;
  return s->at[i].begin < end && end <= s->at[i].far && fits(s, i, end) && take(s, i);
}

/* Gives piece i the next shorter value, the longest one first. */
static bool take_less(struct search *s, size_t i) {
  while (--s->at[i].end > s->at[i].begin)
    if (fits(s, i, s->at[i].end) && take(s, i))
      return true;
  return false;
}

static bool search(struct search *s, size_t *taken) {
  const struct swale__pattern *pattern = s->pattern;
  size_t i = 0;
  enter(s, 0, pattern->head_len);
  for (;;) {
    bool last = i + 1 == pattern->n;
    if (last && s->whole ? take_rest(s, i) : take_less(s, i)) {
      size_t after = s->at[i].end + pattern->pieces[i].literal_len;
      if (last) {
        *taken = after;
        return true;
      }
      enter(s, ++i, after);
    } else {
      mark_failed(s, i);
      if (i == 0)
        return false;
      i--;
    }
  }
}

int swale__pattern_match(const struct swale__pattern *pattern, const char *path, size_t len, bool whole,
                         const struct swale_allocator *a, struct swale__capture *captures, size_t *taken) {
  if (pattern->head_len > len || memcmp(path, pattern->head, pattern->head_len) != 0)
    return 0;
  if (pattern->n == 0) {
    *taken = pattern->head_len;
    return !whole || len == pattern->head_len;
  }
  struct search s;
  s.pattern = pattern;
  s.path = path;
  s.len = len;
  s.whole = whole;
  s.captures = captures;
  s.row_words = len / 64 + 1;
  s.failed = s.words;
  size_t words = (pattern->n - 1) * s.row_words;
  if (words > INLINE_WORDS)
    s.failed = swale__malloc(a, words * sizeof *s.failed);
  if (!s.failed)
    return SWALE_ENOMEM;
  memset(s.failed, 0, words * sizeof *s.failed);
  bool matches = search(&s, taken);
  if (s.failed != s.words)
    swale__free(a, s.failed);
  return matches;
}

/* SPDX-License-Identifier: MIT */
#include "core/name.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <swale/layer.h>

/* Bit c of the pair is set where the character c is legal in every name. */
static const uint64_t legal_below_64 = (UINT64_C(1) << '-') | (UINT64_C(1) << '.') | (UINT64_C(0x3ff) << '0');
static const uint64_t legal_from_64 =
    (UINT64_C(1) << ('_' - 64)) | (UINT64_C(0x3ffffff) << ('A' - 64)) | (UINT64_C(0x3ffffff) << ('a' - 64));

static bool is_legal(unsigned char c) {
  if (c >= 128)
    return false;
  uint64_t legal = c < 64 ? legal_below_64 : legal_from_64;
  return (legal >> (c & 63)) & 1;
}

/* How many legal characters there are at `name`, counting no further than one too many. */
static size_t legal_prefix(const char *name) {
  size_t n = 0;
  while (n <= SWALE__NAME_MAX && is_legal((unsigned char)name[n]))
    n++;
  return n;
}

bool swale__name_is_group(const char *name) {
  if (!name)
    return false;
  size_t n = legal_prefix(name);
  return n >= 1 && n <= SWALE__NAME_MAX && name[n] == '\0';
}

bool swale__name_is_channel(const char *name) {
  if (!name)
    return false;
  size_t n = legal_prefix(name);
  if (n == 0)
    return false;
  if (name[n] == '!')
    n += 1 + legal_prefix(name + n + 1);
  return n <= SWALE__NAME_MAX && name[n] == '\0';
}

bool swale_channel_name_valid(const char *name) { return swale__name_is_channel(name); }

bool swale_group_name_valid(const char *name) { return swale__name_is_group(name); }

/*
 * Globs. A pattern is a row of elements: `*`, or something that matches exactly one character. Matching
 * goes along the name, and where it fails goes back to the last `*` only, letting that one take one
 * character more: an earlier `*` need never be tried again, since whatever it could still
 * do, the last one can do as well. So each start costs at most one pass over the pattern.
 *
 * Finding the end of a set must not cost more than passing over it, or "[[[[" would be looked through
 * again for each '['. The last ']' of the pattern tells at once whether a set is closed at all.
 */

/* Is `c` in the members of a set, which are at [from, to)? */
static bool set_has(const char *from, const char *to, unsigned char c) {
  while (from < to) {
    unsigned char low = (unsigned char)from[0], high = low;
    if (to - from >= 3 && from[1] == '-') {
      high = (unsigned char)from[2];
      from += 3;
    } else {
      from++;
    }
    if (low <= c && c <= high)
      return true;
  }
  return false;
}

/* Behind the element at `p`, which is no `*`, if it matches `c`; else NULL. */
static const char *match_one(const char *p, const char *last_bracket, char c) {
  if (*p == '?')
    return p + 1;
  if (*p == '[') {
    bool negated = p[1] == '!';
    const char *members = p + 1 + negated;
    if (last_bracket && last_bracket > members) {
      const char *end = strchr(members + 1, ']'); /* a ']' in first place is a member */
      return set_has(members, end, (unsigned char)c) != negated ? end + 1 : NULL;
    }
  }
  return *p == c ? p + 1 : NULL;
}

bool swale__glob_match(const char *pattern, const char *name) {
  const char *last_bracket = strrchr(pattern, ']');
  const char *after_star = NULL, *taken_by_star = NULL;
  while (*name) {
    if (*pattern == '*') {
      after_star = ++pattern;
      taken_by_star = name;
      continue;
    }
    const char *after = match_one(pattern, last_bracket, *name);
    if (after) {
      pattern = after;
      name++;
    } else if (after_star) {
      pattern = after_star;
      name = ++taken_by_star;
    } else {
      return false;
    }
  }
  while (*pattern == '*')
    pattern++;
  return *pattern == '\0';
}

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_PATTERN_H
#define SWALE_CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/converter.h"
#include "core/scope.h"

#define SWALE__PARAMS_MAX 16

/* A parameter and the literal text behind it, which may be empty. */
struct swale__piece {
  const struct swale__converter *converter;
  const char *name;
  const char *literal;
  size_t literal_len;
};

/* A compiled pattern: literal text, then pieces. One allocation. */
struct swale__pattern {
  const char *head;
  size_t head_len;
  size_t n; /* pieces, at most SWALE__PARAMS_MAX */
  struct swale__piece pieces[];
};

/*
 * Errors: SWALE_EFORMAT (NULL, not UTF-8, a "/" at the start, which no path without its leading slashes has,
 * a "<" or ">" without the other, a parameter's name that is no identifier), SWALE_ENOTFOUND (unknown
 * converter), SWALE_EDUPLICATE (a name twice), SWALE_EFULL (over `params_max` parameters), SWALE_ENOMEM.
 */
int swale__pattern_new(const char *text, const struct swale__converter *own, size_t params_max,
                       const struct swale_allocator *a, struct swale__pattern **out);
void swale__pattern_free(struct swale__pattern *pattern, const struct swale_allocator *a);

/*
 * Holds the pattern against a path: against all of it with `whole`, else against as much of its start as the
 * pattern takes. 1 if it matches: `captures` (room for n) and *taken, the bytes matched, are set then; else
 * 0, or SWALE_ENOMEM.
 */
int swale__pattern_match(const struct swale__pattern *pattern, const char *path, size_t len, bool whole,
                         const struct swale_allocator *a, struct swale__capture *captures, size_t *taken);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_TESTING_STRINGS_H
#define SWALE_TESTING_STRINGS_H

#include <stddef.h>

#include <swale/env.h>
#include <swale/scope.h>

/* A copy; NULL when there is no memory. */
char *swale__testing_copy(const struct swale_allocator *a, const char *text);

/* Lists of copied strings; zeroed they are empty. Adding is SWALE_ENOMEM or 0. */
struct swale__testing_names {
  const char **items;
  size_t n;
};
int swale__testing_names_add(struct swale__testing_names *names, const struct swale_allocator *a,
                             const char *name);
void swale__testing_names_clear(struct swale__testing_names *names, const struct swale_allocator *a);

struct swale__testing_headers {
  struct swale_header *items;
  size_t n;
};
int swale__testing_headers_add(struct swale__testing_headers *headers, const struct swale_allocator *a,
                               const char *name, const char *value);
void swale__testing_headers_clear(struct swale__testing_headers *headers, const struct swale_allocator *a);

/* The value of the first header of this name, in any letter case, or NULL. */
const char *swale__testing_headers_find(const struct swale__testing_headers *headers, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
#include "testing/strings.h"

#include <string.h>
#include <strings.h>

static void release(const struct swale_allocator *a, const void *block) { a->free((void *)block, a->user); }

char *swale__testing_copy(const struct swale_allocator *a, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = a->malloc(size, a->user);
  return copy ? memcpy(copy, text, size) : NULL;
}

/* ---- names -------------------------------------------------------------------------------- */

int swale__testing_names_add(struct swale__testing_names *names, const struct swale_allocator *a,
                             const char *name) {
  const char **items = a->realloc(names->items, (names->n + 1) * sizeof *items, a->user);
  if (!items)
    return SWALE_ENOMEM;
  names->items = items;
  items[names->n] = swale__testing_copy(a, name);
  if (!items[names->n])
    return SWALE_ENOMEM;
  names->n++;
  return 0;
}

void swale__testing_names_clear(struct swale__testing_names *names, const struct swale_allocator *a) {
  for (size_t i = 0; i < names->n; i++)
    release(a, names->items[i]);
  release(a, names->items);
  *names = (struct swale__testing_names){NULL, 0};
}

/* ---- headers ------------------------------------------------------------------------------ */

static int copy_header(struct swale_header *to, const struct swale_allocator *a, const char *name,
                       const char *value) {
  to->name = swale__testing_copy(a, name);
  to->value = to->name ? swale__testing_copy(a, value) : NULL;
  if (to->value)
    return 0;
  release(a, to->name);
  return SWALE_ENOMEM;
}

int swale__testing_headers_add(struct swale__testing_headers *headers, const struct swale_allocator *a,
                               const char *name, const char *value) {
  struct swale_header *items = a->realloc(headers->items, (headers->n + 1) * sizeof *items, a->user);
  if (!items)
    return SWALE_ENOMEM;
  headers->items = items;
  int rv = copy_header(&items[headers->n], a, name, value);
  if (rv == 0)
    headers->n++;
  return rv;
}

void swale__testing_headers_clear(struct swale__testing_headers *headers, const struct swale_allocator *a) {
  for (size_t i = 0; i < headers->n; i++) {
    release(a, headers->items[i].name);
    release(a, headers->items[i].value);
  }
  release(a, headers->items);
  *headers = (struct swale__testing_headers){NULL, 0};
}

const char *swale__testing_headers_find(const struct swale__testing_headers *headers, const char *name) {
  for (size_t i = 0; i < headers->n; i++)
    if (strcasecmp(headers->items[i].name, name) == 0)
      return headers->items[i].value;
  return NULL;
}

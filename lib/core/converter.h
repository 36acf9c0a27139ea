/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_CONVERTER_H
#define SWALE_CORE_CONVERTER_H

#include <stdbool.h>
#include <stddef.h>

#include <swale/app.h>

/* A kind of route parameter. */
struct swale__converter {
  struct swale_converter as; /* name, match, user; without `match` any text that `takes` allows is a value */
  bool (*takes)(char c);     /* the characters a value may have */
  size_t longest;            /* and how many at most */
  bool divisible;            /* every non-empty piece of a value is a value, whatever stands around it */
  struct swale__converter *next;
};

/* str, int, slug, uuid or path; NULL for any other name. */
const struct swale__converter *swale__converter_builtin(const char *name, size_t len);

/* Among the built-in ones and the app's `own`, a list; NULL when there is none of this name. */
const struct swale__converter *swale__converter_find(const struct swale__converter *own, const char *name,
                                                     size_t len);

/*
 * Puts a copy in front of the list. Errors: SWALE_ENAME, SWALE_EEXIST, SWALE_EINVAL (no function),
 * SWALE_ENOMEM.
 */
int swale__converter_add(struct swale__converter **own, const struct swale_converter *converter,
                         const struct swale_allocator *a);

void swale__converter_free_all(struct swale__converter **own, const struct swale_allocator *a);

/* Is this text a value? Sets type and value of *param if so. The characters were seen by `takes` already. */
bool swale__converter_match(const struct swale__converter *converter, const char *text, size_t len,
                            struct swale_param *param);

#endif

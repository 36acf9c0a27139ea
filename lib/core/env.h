/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_ENV_H
#define SWALE_CORE_ENV_H

#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>

/* What two threads are busy with at once stands so many bytes apart: two cache lines, which processors like to fetch together. */
enum { SWALE__APART = 128 };

/* Copies `from` (NULL: all defaults) into `to`, putting the C library's functions in empty slots. */
void swale__env_copy(struct swale_env *to, const struct swale_env *from);

/* Likewise for an allocator alone. */
void swale__allocator_copy(struct swale_allocator *to, const struct swale_allocator *from);

static inline void *swale__malloc(const struct swale_allocator *a, size_t size) {
  return a->malloc(size, a->user);
}

static inline void *swale__realloc(const struct swale_allocator *a, void *block, size_t size) {
  return a->realloc(block, size, a->user);
}

static inline void swale__free(const struct swale_allocator *a, void *block) { a->free(block, a->user); }

/* Zeroed memory. */
void *swale__zalloc(const struct swale_allocator *a, size_t size);

/* Room for `count` elements of `size` bytes each; NULL also when the product overflows. */
void *swale__realloc_array(const struct swale_allocator *a, void *block, size_t count, size_t size);

#endif

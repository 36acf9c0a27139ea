/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_MEMORY_H
#define SWALE_REDIS_MEMORY_H

#include <stddef.h>
#include <string.h>

#include <swale/env.h>

static inline void *swale__redis_malloc(const struct swale_allocator *a, size_t size) {
  return a->malloc(size, a->user);
}

static inline void *swale__redis_zalloc(const struct swale_allocator *a, size_t size) {
  void *block = a->malloc(size, a->user);
  return block ? memset(block, 0, size) : NULL;
}

static inline void *swale__redis_realloc(const struct swale_allocator *a, void *block, size_t size) {
  return block ? a->realloc(block, size, a->user) : a->malloc(size, a->user);
}

static inline void swale__redis_release(const struct swale_allocator *a, void *block) {
  a->free(block, a->user);
}

#endif

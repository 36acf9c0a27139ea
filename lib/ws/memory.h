/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_MEMORY_H
#define SWALE_WS_MEMORY_H

#include <stddef.h>

#include <swale/env.h>

static inline void *swale__ws_malloc(const struct swale_allocator *a, size_t size) {
  return a->malloc(size, a->user);
}

static inline void *swale__ws_realloc(const struct swale_allocator *a, void *block, size_t size) {
  return a->realloc(block, size, a->user);
}

static inline void swale__ws_release(const struct swale_allocator *a, void *block) {
  a->free(block, a->user);
}

#endif

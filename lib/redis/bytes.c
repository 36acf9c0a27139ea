/* SPDX-License-Identifier: MIT */
#include "redis/bytes.h"

#include <stdint.h>
#include <string.h>

int swale__redis_bytes_reserve(struct swale__redis_bytes *b, size_t more) {
  size_t needed;
  if (__builtin_add_overflow(b->len, more, &needed))
    return SWALE_ENOMEM;
  if (needed <= b->capacity)
    return 0;
  size_t capacity = b->capacity > SIZE_MAX / 2 ? needed : b->capacity * 2;
  if (capacity < needed)
    capacity = needed;
  unsigned char *at = b->at ? b->allocator.realloc(b->at, capacity, b->allocator.user)
                            : b->allocator.malloc(capacity, b->allocator.user);
  if (!at)
    return SWALE_ENOMEM;
  b->at = at;
  b->capacity = capacity;
  return 0;
}

void swale__redis_bytes_put(struct swale__redis_bytes *b, const void *from, size_t len) {
  if (len > 0)
    memcpy(b->at + b->len, from, len);
  b->len += len;
}

void swale__redis_bytes_free(struct swale__redis_bytes *b) {
  if (b->at)
    b->allocator.free(b->at, b->allocator.user);
  b->at = NULL;
  b->len = b->capacity = 0;
}

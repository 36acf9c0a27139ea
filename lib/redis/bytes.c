/* SPDX-License-Identifier: MIT */
#include "redis/bytes.h"

#include <stdint.h>
#include <string.h>

/* realloc would leave a copy behind. */
static unsigned char *move_secret(struct swale__redis_bytes *b, size_t capacity) {
  unsigned char *at = b->allocator.malloc(capacity, b->allocator.user);
  if (!at)
    return NULL;
  memcpy(at, b->at, b->len);
  explicit_bzero(b->at, b->secret);
  b->allocator.free(b->at, b->allocator.user);
  return at;
}

static unsigned char *grow(struct swale__redis_bytes *b, size_t capacity) {
  if (!b->at)
    return b->allocator.malloc(capacity, b->allocator.user);
  if (b->secret > 0)
    return move_secret(b, capacity);
  return b->allocator.realloc(b->at, capacity, b->allocator.user);
}

int swale__redis_bytes_reserve(struct swale__redis_bytes *b, size_t more) {
  size_t needed;
  if (__builtin_add_overflow(b->len, more, &needed))
    return SWALE_ENOMEM;
  if (needed <= b->capacity)
    return 0;
  size_t capacity = b->capacity > SIZE_MAX / 2 ? needed : b->capacity * 2;
  if (capacity < needed)
    capacity = needed;
  unsigned char *at = grow(b, capacity);
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

void swale__redis_bytes_wipe(struct swale__redis_bytes *b) {
  if (b->secret > 0)
    explicit_bzero(b->at, b->secret);
  b->secret = 0;
}

void swale__redis_bytes_free(struct swale__redis_bytes *b) {
  swale__redis_bytes_wipe(b);
  if (b->at)
    b->allocator.free(b->at, b->allocator.user);
  b->at = NULL;
  b->len = b->capacity = 0;
}

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_MSGPACK_KEYS_H
#define SWALE_CORE_MSGPACK_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>

/*
 * Where the keys of the maps stand that are open at the moment, innermost last. The keys of one map
 * are contiguous although maps nest, because the keys of an inner map are dropped when it ends, before
 * the outer one gets its next key. So one stack serves all levels, and no map is walked a second time.
 *
 * An offset is that of a key's head, counted from a base which the user of the stack chooses. The head
 * has been checked.
 */

/* Up to so many keys are compared each with each; more are sorted. */
#define SWALE__KEYS_FEW 16

struct swale__keys {
  const struct swale_allocator *allocator;
  uint32_t *offsets;
  size_t count;
  size_t capacity;
  uint32_t first[SWALE__KEYS_FEW];
};

/* `keys` must not move afterwards. */
void swale__keys_init(struct swale__keys *keys, const struct swale_allocator *allocator);
void swale__keys_free(struct swale__keys *keys);

/* Makes room for one more; SWALE_ENOMEM. */
int swale__keys_reserve(struct swale__keys *keys);

/* Only after a reserve. */
static inline void swale__keys_push(struct swale__keys *keys, uint32_t offset) {
  keys->offsets[keys->count++] = offset;
}

/* Whether `key` is among the keys from number `start` on. */
bool swale__keys_contain(const struct swale__keys *keys, size_t start, const unsigned char *base,
                         const char *key, size_t len);

/* Whether the keys from number `start` on all differ. Reorders them. O(n log n) comparisons. */
bool swale__keys_distinct(struct swale__keys *keys, size_t start, const unsigned char *base);

#endif

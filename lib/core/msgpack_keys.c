/* SPDX-License-Identifier: MIT */
#include "core/msgpack_keys.h"

#include <string.h>

#include "core/env.h"
#include "core/msgpack.h"

void swale__keys_init(struct swale__keys *keys, const struct swale_allocator *allocator) {
  keys->allocator = allocator;
  keys->offsets = keys->first;
  keys->count = 0;
  keys->capacity = SWALE__KEYS_FEW;
}

void swale__keys_free(struct swale__keys *keys) {
  if (keys->offsets != keys->first)
    swale__free(keys->allocator, keys->offsets);
}

int swale__keys_reserve(struct swale__keys *keys) {
  if (keys->count < keys->capacity)
    return 0;
  bool outside = keys->offsets != keys->first;
  uint32_t *offsets = swale__realloc_array(keys->allocator, outside ? keys->offsets : NULL,
                                           keys->capacity * 2, sizeof *offsets);
  if (!offsets)
    return SWALE_ENOMEM;
  if (!outside)
    memcpy(offsets, keys->first, sizeof keys->first);
  keys->offsets = offsets;
  keys->capacity *= 2;
  return 0;
}

static struct swale_value key_at(const unsigned char *base, uint32_t offset) {
  struct swale_value key;
  swale__msgpack_next(base + offset, &key);
  return key;
}

/* Any total order will do. Comparing lengths first settles most cases without touching the text. */
static int compare(const struct swale_value *a, const struct swale_value *b) {
  if (a->len != b->len)
    return a->len < b->len ? -1 : 1;
  return memcmp(a->as.str, b->as.str, a->len);
}

static int compare_at(const unsigned char *base, uint32_t a, uint32_t b) {
  struct swale_value key_a = key_at(base, a), key_b = key_at(base, b);
  return compare(&key_a, &key_b);
}

bool swale__keys_contain(const struct swale__keys *keys, size_t start, const unsigned char *base,
                         const char *key, size_t len) {
  for (size_t i = start; i < keys->count; i++) {
    struct swale_value other = key_at(base, keys->offsets[i]);
    if (other.len == len && memcmp(other.as.str, key, len) == 0)
      return true;
  }
  return false;
}

static bool few_distinct(const uint32_t *offsets, size_t count, const unsigned char *base) {
  for (size_t i = 1; i < count; i++) {
    struct swale_value key = key_at(base, offsets[i]);
    for (size_t j = 0; j < i; j++) {
      struct swale_value other = key_at(base, offsets[j]);
      if (compare(&key, &other) == 0)
        return false;
    }
  }
  return true;
}

/* ---- heapsort: in place, without recursion, and never worse than O(n log n) ----------- */

static void swap(uint32_t *a, uint32_t *b) {
  uint32_t kept = *a;
  *a = *b;
  *b = kept;
}

static void sift_down(uint32_t *heap, size_t parent, size_t count, const unsigned char *base) {
  for (size_t child; (child = 2 * parent + 1) < count; parent = child) {
    if (child + 1 < count && compare_at(base, heap[child], heap[child + 1]) < 0)
      child++;
    if (compare_at(base, heap[parent], heap[child]) >= 0)
      return;
    swap(&heap[parent], &heap[child]);
  }
}

static void sort(uint32_t *offsets, size_t count, const unsigned char *base) {
  for (size_t parent = count / 2; parent-- > 0;)
    sift_down(offsets, parent, count, base);
  for (size_t last = count; last-- > 1;) {
    swap(&offsets[0], &offsets[last]);
    sift_down(offsets, 0, last, base);
  }
}

static bool neighbours_distinct(const uint32_t *offsets, size_t count, const unsigned char *base) {
  for (size_t i = 1; i < count; i++)
    if (compare_at(base, offsets[i - 1], offsets[i]) == 0)
      return false;
  return true;
}

bool swale__keys_distinct(struct swale__keys *keys, size_t start, const unsigned char *base) {
  uint32_t *offsets = keys->offsets + start;
  size_t count = keys->count - start;
  if (count <= SWALE__KEYS_FEW)
    return few_distinct(offsets, count, base);
  sort(offsets, count, base);
  return neighbours_distinct(offsets, count, base);
}

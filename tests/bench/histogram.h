/* SPDX-License-Identifier: MIT */
/* Times in buckets of at most 3 % width. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_FINE_BITS = 5, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_FINE_BITS + 1) << HISTOGRAM_FINE_BITS };

struct histogram {
  uint64_t count, max;
  uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Values below 32 have a bucket each, every further power of two has 32 buckets. */
static inline unsigned histogram_bucket(uint64_t value) {
  if (value < (1U << HISTOGRAM_FINE_BITS))
    return (unsigned)value;
  unsigned shift = 63U - (unsigned)__builtin_clzll(value) - HISTOGRAM_FINE_BITS;
  return (shift << HISTOGRAM_FINE_BITS) + (unsigned)(value >> shift);
}

static inline void histogram_add(struct histogram *h, uint64_t value) {
  h->count++;
  if (value > h->max)
    h->max = value;
  h->buckets[histogram_bucket(value)]++;
}

/* The value that `percent` of all do not exceed: the lower end of its bucket. */
static inline uint64_t histogram_percentile(const struct histogram *h, double percent) {
  uint64_t wanted = (uint64_t)((double)h->count * percent / 100), seen = 0;
  unsigned i = 0;
  while (i < HISTOGRAM_BUCKETS - 1 && (seen += h->buckets[i]) <= wanted)
    i++;
  unsigned group = i >> HISTOGRAM_FINE_BITS;
  if (group == 0)
    return i;
  return (uint64_t)((i & ((1U << HISTOGRAM_FINE_BITS) - 1)) + (1U << HISTOGRAM_FINE_BITS)) << (group - 1);
}

#endif

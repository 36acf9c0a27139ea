/* SPDX-License-Identifier: MIT */
#ifndef SIMULATION_DICE_H
#define SIMULATION_DICE_H

#include <stdbool.h>
#include <stdint.h>

/* All chance in a simulation comes from one seed, so that a run can be had again. splitmix64. */
struct dice {
  uint64_t state;
};

static inline uint64_t dice_next(struct dice *d) {
  uint64_t x = d->state += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/* 0 .. n - 1 */
static inline uint32_t dice_below(struct dice *d, uint32_t n) {
  return (uint32_t)(((dice_next(d) >> 32) * n) >> 32);
}

/* low .. high, both included */
static inline uint32_t dice_between(struct dice *d, uint32_t low, uint32_t high) {
  return low + dice_below(d, high - low + 1);
}

static inline bool dice_chance(struct dice *d, uint32_t percent) { return dice_below(d, 100) < percent; }

/* Mostly small: every size below 2^bits' order of magnitude is as likely as any other. */
static inline uint32_t dice_size(struct dice *d, uint32_t bits) {
  return dice_below(d, 1u << dice_below(d, bits + 1));
}

#endif

/* SPDX-License-Identifier: MIT */
#include <swale/testing.h>

#include <stdbool.h>
#include <stdlib.h>

/* Not 0, which could be taken for "never"; and early, so that reckoning back from now needs care. */
enum { CLOCK_STARTS_AT = 1000 };

struct swale_testing_env {
  struct swale_env env;
  uint64_t now;
  uint64_t random;
  uint64_t allocations;
  uint64_t until_failure; /* 0: none is due */
  size_t blocks;
  size_t bytes;
  bool fails_for_good;
  bool failed;
  bool random_fails;
};

/* ---- memory ----------------------------------------------------------------------------- */

/* Stands in front of each block, for free and realloc to know its size. */
union head {
  size_t size;
  max_align_t alignment;
};

static bool refuses(swale_testing_env *t) {
  t->allocations++;
  if (t->failed && t->fails_for_good)
    return true;
  if (t->until_failure == 0 || --t->until_failure > 0)
    return false;
  t->failed = true;
  return true;
}

static void *resize(swale_testing_env *t, union head *old, size_t size) {
  if (refuses(t) || size > SIZE_MAX - sizeof(union head))
    return NULL;
  size_t old_size = old ? old->size : 0;
  union head *block = realloc(old, sizeof *block + size);
  if (!block)
    return NULL;
  t->blocks += old ? 0 : 1;
  t->bytes += size - old_size;
  block->size = size;
  return block + 1;
}

static void *counted_malloc(size_t size, void *user) { return resize(user, NULL, size); }

static void *counted_realloc(void *block, size_t size, void *user) {
  return resize(user, block ? (union head *)block - 1 : NULL, size);
}

static void counted_free(void *block, void *user) {
  swale_testing_env *t = user;
  if (!block)
    return;
  union head *head = (union head *)block - 1;
  t->blocks--;
  t->bytes -= head->size;
  free(head);
}

void swale_testing_fail_allocation(swale_testing_env *t, uint64_t n, int for_good) {
  t->until_failure = n;
  t->fails_for_good = for_good != 0;
  t->failed = false;
}

int swale_testing_failed(const swale_testing_env *t) { return t->failed; }
uint64_t swale_testing_allocations(const swale_testing_env *t) { return t->allocations; }
size_t swale_testing_blocks(const swale_testing_env *t) { return t->blocks; }
size_t swale_testing_bytes(const swale_testing_env *t) { return t->bytes; }

/* ---- time and randomness ------------------------------------------------------------------ */

static uint64_t still_clock(void *user) { return ((const swale_testing_env *)user)->now; }

uint64_t swale_testing_now_ms(const swale_testing_env *t) { return t->now; }
void swale_testing_advance(swale_testing_env *t, uint64_t ms) { t->now += ms; }

/* splitmix64 */
static uint64_t next_random(swale_testing_env *t) {
  uint64_t x = t->random += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

static int seeded_random(void *bytes, size_t n, void *user) {
  swale_testing_env *t = user;
  unsigned char *at = bytes;
  if (t->random_fails)
    return -1;
  for (size_t i = 0; i < n; i++)
    at[i] = (unsigned char)next_random(t);
  return 0;
}

void swale_testing_fail_random(swale_testing_env *t, int fails) { t->random_fails = fails != 0; }

/* ---- the environment as a whole ------------------------------------------------------------- */

swale_testing_env *swale_testing_env_new(uint64_t seed) {
  swale_testing_env *t = calloc(1, sizeof *t);
  if (!t)
    return NULL;
  t->now = CLOCK_STARTS_AT;
  t->random = seed;
  t->env = (struct swale_env){
      .allocator = {counted_malloc, counted_realloc, counted_free, t},
      .now_ms = still_clock,
      .random = seeded_random,
      .user = t,
  };
  return t;
}

size_t swale_testing_env_free(swale_testing_env *t) {
  size_t blocks = t ? t->blocks : 0;
  free(t);
  return blocks;
}

const struct swale_env *swale_testing_env_get(const swale_testing_env *t) { return &t->env; }

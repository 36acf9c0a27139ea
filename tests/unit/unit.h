/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka in its required order, and an environment under our control. */
#ifndef SWALE_TESTS_UNIT_H
#define SWALE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <swale/env.h>
#include <swale/error.h>

/* An environment that counts blocks, fails the allocation it is told to, and whose clock stands still. */
struct unit_env {
  struct swale_env env;
  uint64_t now_ms;
  uint64_t seed;
  long live;      /* blocks not freed */
  long allocated; /* malloc and realloc calls so far */
  long fail_at;   /* 1: the next one fails; 0: none does */
  int random_fails;
};

static inline int unit_env_refuses(struct unit_env *u) {
  u->allocated++;
  return u->fail_at > 0 && --u->fail_at == 0;
}

static inline void *unit_env_malloc(size_t size, void *user) {
  struct unit_env *u = user;
  if (unit_env_refuses(u))
    return NULL;
  u->live++;
  return malloc(size);
}

static inline void *unit_env_realloc(void *block, size_t size, void *user) {
  struct unit_env *u = user;
  if (unit_env_refuses(u))
    return NULL;
  if (!block)
    u->live++;
  return realloc(block, size);
}

static inline void unit_env_free(void *block, void *user) {
  struct unit_env *u = user;
  if (block)
    u->live--;
  free(block);
}

static inline uint64_t unit_env_now(void *user) { return ((struct unit_env *)user)->now_ms; }

static inline int unit_env_random(void *bytes, size_t n, void *user) {
  struct unit_env *u = user;
  unsigned char *at = bytes;
  if (u->random_fails)
    return -1;
  while (n-- > 0) {
    u->seed = u->seed * 6364136223846793005u + 1442695040888963407u;
    *at++ = (unsigned char)(u->seed >> 56);
  }
  return 0;
}

/* `u` must not move afterwards. Ends with assert_int_equal(u.live, 0) in a good test. */
static inline void unit_env_init(struct unit_env *u) {
  memset(u, 0, sizeof *u);
  u->seed = 1;
  u->now_ms = 1000;
  u->env.allocator = (struct swale_allocator){unit_env_malloc, unit_env_realloc, unit_env_free, u};
  u->env.now_ms = unit_env_now;
  u->env.random = unit_env_random;
  u->env.user = u;
}

/*
 * Runs `scenario` with the first allocation failing, then the second, ..., until one run meets no failure.
 * The scenario answers 0 when it got through, a negative error when it met the failure cleanly.
 */
static inline void unit_fail_every_allocation(int (*scenario)(struct unit_env *u)) {
  for (long n = 1; n < 100000; n++) {
    struct unit_env u;
    unit_env_init(&u);
    u.fail_at = n;
    int rv = scenario(&u);
    assert_int_equal(u.live, 0);
    if (u.fail_at > 0) {
      assert_int_equal(rv, 0);
      return;
    }
    assert_true(rv <= 0);
  }
  fail_msg("the scenario never stopped allocating");
}

#endif

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
  int for_good;   /* all behind that one fail too */
  int failing;    /* they do */
  int random_fails;
};

static inline int unit_env_refuses(struct unit_env *u) {
  u->allocated++;
  if (u->failing)
    return 1;
  int refused = u->fail_at > 0 && --u->fail_at == 0;
  u->failing = refused && u->for_good;
  return refused;
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

/* The same twice: only that allocation fails, and all behind it fail too. */
static inline void unit_fail_every_allocation_also_for_good(int (*scenario)(struct unit_env *u)) {
  for (int for_good = 0; for_good < 2; for_good++)
    for (long n = 1;; n++) {
      struct unit_env u;
      unit_env_init(&u);
      u.fail_at = n;
      u.for_good = for_good;
      int rv = scenario(&u);
      assert_int_equal(u.live, 0);
      if (u.fail_at > 0) {
        assert_int_equal(rv, 0);
        break;
      }
      assert_true(rv <= 0 && n < 100000);
    }
}

/* For scenarios with a world that has an environment of its own: hands the state over, and back. */
static inline void unit_env_hand_over(struct unit_env *to, const struct unit_env *from) {
  to->fail_at = from->fail_at;
  to->for_good = from->for_good;
  to->failing = from->failing;
  to->live = from->live;
}

/* In scenarios that go on after an error: the first one counts. */
#define UNIT_TRY(error, call)                                                                                \
  do {                                                                                                       \
    int rv_ = (call);                                                                                        \
    if (rv_ < 0 && *(error) == 0)                                                                            \
      *(error) = rv_;                                                                                        \
  } while (0)

#endif

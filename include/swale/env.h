/* SPDX-License-Identifier: MIT */
#ifndef SWALE_ENV_H
#define SWALE_ENV_H

#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where memory comes from. All three functions are required, may be called from any
 * thread that uses an object made with them, and follow the C library's rules:
 * malloc and realloc answer NULL when they have none and the old block stays valid;
 * free(NULL) does nothing; blocks are aligned for any type. Sizes are never 0.
 * They may be called while the library holds a lock of its own, so they must not call swale.
 */
struct swale_allocator {
  void *(*malloc)(size_t size, void *user);
  void *(*realloc)(void *block, size_t size, void *user);
  void (*free)(void *block, void *user);
  void *user;
};

/*
 * The surroundings of a layer, loop or app: memory, time and randomness. The struct is
 * copied by whoever takes it; what `user` points to must outlive the object.
 *
 * A NULL function means the C library's: malloc, clock_gettime(CLOCK_MONOTONIC), getrandom.
 * The allocator's three come together or not at all. Like those, the other two must not call swale.
 */
struct swale_env {
  struct swale_allocator allocator;

  /* Milliseconds since any fixed moment; never goes backwards. Any thread. */
  uint64_t (*now_ms)(void *user);

  /* Fills `n` bytes that nobody can guess; 0, or non-zero where that is not possible. Any thread. */
  int (*random)(void *bytes, size_t n, void *user);

  void *user; /* for now_ms and random; the allocator has its own */
};

/* The environment of the C library, all functions set. Any thread. */
SWALE_API void swale_env_default(struct swale_env *env);

#ifdef __cplusplus
}
#endif

#endif

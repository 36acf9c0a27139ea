/* SPDX-License-Identifier: MIT */
#include "core/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static void *libc_malloc(size_t size, void *user) {
  (void)user;
  return malloc(size);
}

static void *libc_realloc(void *block, size_t size, void *user) {
  (void)user;
  return realloc(block, size);
}

static void libc_free(void *block, void *user) {
  (void)user;
  free(block);
}

static uint64_t libc_now_ms(void *user) {
  (void)user;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static int libc_random(void *bytes, size_t n, void *user) {
  (void)user;
  unsigned char *at = bytes;
  while (n > 0) {
    ssize_t got = getrandom(at, n, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return -1;
    at += got;
    n -= (size_t)got;
  }
  return 0;
}

void swale_env_default(struct swale_env *env) {
  *env = (struct swale_env){
      .allocator = {libc_malloc, libc_realloc, libc_free, NULL},
      .now_ms = libc_now_ms,
      .random = libc_random,
      .user = NULL,
  };
}

void swale__allocator_copy(struct swale_allocator *to, const struct swale_allocator *from) {
  if (from && from->malloc && from->realloc && from->free)
    *to = *from;
  else
    *to = (struct swale_allocator){libc_malloc, libc_realloc, libc_free, NULL};
}

void swale__env_copy(struct swale_env *to, const struct swale_env *from) {
  swale_env_default(to);
  if (!from)
    return;
  swale__allocator_copy(&to->allocator, &from->allocator);
  to->user = from->user;
  if (from->now_ms)
    to->now_ms = from->now_ms;
  if (from->random)
    to->random = from->random;
}

void *swale__zalloc(const struct swale_allocator *a, size_t size) {
  void *block = swale__malloc(a, size);
  if (block)
    memset(block, 0, size);
  return block;
}

void *swale__realloc_array(const struct swale_allocator *a, void *block, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes))
    return NULL;
  return swale__realloc(a, block, bytes);
}

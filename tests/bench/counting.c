/* SPDX-License-Identifier: MIT */
#include "counting.h"

#include <malloc.h>
#include <stdlib.h>

/* Each block is preceded by its size. The heap's own header is one word. */
union prefix {
  size_t size;
  max_align_t align;
};

enum { HEAP_HEADER = sizeof(size_t) };

static void enter(struct counting *c, union prefix *p, size_t size) {
  p->size = size;
  c->blocks++;
  c->requested += size;
  c->taken += malloc_usable_size(p) + HEAP_HEADER - sizeof *p;
}

static void leave(struct counting *c, union prefix *p) {
  c->blocks--;
  c->requested -= p->size;
  c->taken -= malloc_usable_size(p) + HEAP_HEADER - sizeof *p;
}

static void *count_malloc(size_t size, void *user) {
  struct counting *c = user;
  union prefix *p = malloc(sizeof *p + size);
  if (!p)
    return NULL;
  c->allocations++;
  enter(c, p, size);
  return p + 1;
}

static void count_free(void *block, void *user) {
  if (!block)
    return;
  union prefix *p = (union prefix *)block - 1;
  leave(user, p);
  free(p);
}

static void *count_realloc(void *block, size_t size, void *user) {
  struct counting *c = user;
  if (!block)
    return count_malloc(size, user);
  union prefix *p = (union prefix *)block - 1;
  leave(c, p);
  union prefix *moved = realloc(p, sizeof *p + size);
  enter(c, moved ? moved : p, moved ? size : p->size);
  c->allocations++;
  return moved ? moved + 1 : NULL;
}

static uint64_t now_ms(void *user) { return ((struct counting *)user)->now_ms; }

static int random_bytes(void *bytes, size_t n, void *user) {
  struct counting *c = user;
  for (unsigned char *at = bytes; n > 0; n--)
    *at++ = (unsigned char)((c->random = c->random * 6364136223846793005U + 1442695040888963407U) >> 56);
  return 0;
}

void counting_env(struct counting *c, struct swale_env *env) {
  *c = (struct counting){.now_ms = 1000};
  *env = (struct swale_env){
      .allocator = {count_malloc, count_realloc, count_free, c},
      .now_ms = now_ms,
      .random = random_bytes,
      .user = c,
  };
}

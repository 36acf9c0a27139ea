/* SPDX-License-Identifier: MIT */
/* The C library's memory with a count of it; one thread. Time stands still and chance is none, so that runs repeat exactly. */
#ifndef BENCH_COUNTING_H
#define BENCH_COUNTING_H

#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>

struct counting {
  uint64_t allocations; /* so far */
  size_t blocks;        /* alive */
  size_t requested;     /* bytes of them as asked for */
  size_t taken;         /* bytes of them as the heap has them, its own header included */
  uint64_t random;
  uint64_t now_ms; /* stands still unless it is moved */
};

/* `c` must outlive what is made with the environment. */
void counting_env(struct counting *c, struct swale_env *env);

#endif

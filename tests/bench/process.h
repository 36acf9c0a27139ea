/* SPDX-License-Identifier: MIT */
/* What the kernel tells about the processes of the server under test. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stddef.h>
#include <stdint.h>

enum { PROCESSES_MAX = 16 };

struct processes {
  int pids[PROCESSES_MAX];
  size_t count;
};

/* From "12,13,14". */
void processes_parse(struct processes *p, const char *list);

/* Nanoseconds all their threads have run so far. */
uint64_t processes_cpu_ns(const struct processes *p);

/* Bytes of memory they have resident. */
uint64_t processes_resident(const struct processes *p);

#endif

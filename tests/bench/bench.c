/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <swale/error.h>

void die(const char *format, ...) {
  int error = errno;
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
  exit(1);
}

void *must_alloc(size_t size) {
  void *block = malloc(size);
  if (!block)
    die("no memory for %zu bytes", size);
  return block;
}

void *must_zalloc(size_t count, size_t size) {
  void *block = calloc(count, size);
  if (!block)
    die("no memory for %zu times %zu bytes", count, size);
  return block;
}

int must(int answer, const char *call) {
  if (answer < 0) {
    errno = 0;
    die("%s: %s", call, swale_strerror(answer));
  }
  return answer;
}

static uint64_t read_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }
uint64_t cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

uint64_t parse_number(const char *text, uint64_t min, uint64_t max) {
  char *end;
  errno = 0;
  unsigned long long n = strtoull(text, &end, 10);
  if (errno || *end || end == text || *text == '-' || n < min || n > max)
    die("'%s' is no number from %llu to %llu", text, (unsigned long long)min, (unsigned long long)max);
  return n;
}

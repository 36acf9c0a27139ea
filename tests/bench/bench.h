/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Prints to stderr what went wrong (and errno's words, if it is set) and ends the program. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Like malloc and calloc, but end the program when there is no memory. */
void *must_alloc(size_t size);
void *must_zalloc(size_t count, size_t size);

/* Ends the program unless a call of swale's, named for the message, answered 0 or more. Returns the answer. */
int must(int answer, const char *call);

/* Nanoseconds of a clock that never goes backwards, and of processor time of this process. */
uint64_t now_ns(void);
uint64_t cpu_ns(void);

/* A whole number of an option, between `min` and `max`; ends the program if it is none. */
uint64_t parse_number(const char *text, uint64_t min, uint64_t max);

#endif

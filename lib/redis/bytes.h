/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_BYTES_H
#define SWALE_REDIS_BYTES_H

#include <stddef.h>

#include <swale/env.h>
#include <swale/error.h>

/*
 * A run of bytes that grows and is used again. Zero it and set the allocator; it may outlive many payloads. What is secret
 * in it stands first, and leaves no trace in memory that is given back.
 */
struct swale__redis_bytes {
  unsigned char *at;
  size_t len, capacity;
  size_t secret;                    /* so many of the first bytes, until they are wiped */
  struct swale_allocator allocator; /* all three functions set */
};

/* Room for `more` bytes behind the present ones; 0 or SWALE_ENOMEM. */
int swale__redis_bytes_reserve(struct swale__redis_bytes *b, size_t more);

/* Appends where room was reserved. */
void swale__redis_bytes_put(struct swale__redis_bytes *b, const void *from, size_t len);

/* Wipes what is secret, where it stands. */
void swale__redis_bytes_wipe(struct swale__redis_bytes *b);

void swale__redis_bytes_free(struct swale__redis_bytes *b);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_COMMAND_H
#define SWALE_REDIS_COMMAND_H

#include <stddef.h>
#include <string.h>

#include "redis/bytes.h"

/* One word of a command: any bytes. */
struct swale__redis_word {
  const void *at;
  size_t len;
};

static inline struct swale__redis_word swale__redis_text(const char *text) {
  return (struct swale__redis_word){text, strlen(text)};
}

static inline struct swale__redis_word swale__redis_bytes_word(const void *at, size_t len) {
  return (struct swale__redis_word){at, len};
}

/* Appends a command as the Redis protocol has it; SWALE_ENOMEM, and nothing is appended. */
int swale__redis_command_put(struct swale__redis_bytes *out, size_t n, const struct swale__redis_word *words);

#endif

/* SPDX-License-Identifier: MIT */
#include "redis/command.h"

#include <stdio.h>

/* More than the head of an array or of a word takes up, with its number and line ends. */
enum { HEAD_MAX = 24 };

static void put_head(struct swale__redis_bytes *out, char kind, size_t n) {
  char head[HEAD_MAX];
  int len = snprintf(head, sizeof head, "%c%zu\r\n", kind, n);
  swale__redis_bytes_put(out, head, (size_t)len);
}

int swale__redis_command_put(struct swale__redis_bytes *out, size_t n,
                             const struct swale__redis_word *words) {
  size_t size = HEAD_MAX;
  for (size_t i = 0; i < n; i++)
    size += HEAD_MAX + words[i].len + 2;
  if (swale__redis_bytes_reserve(out, size) < 0)
    return SWALE_ENOMEM;
  put_head(out, '*', n);
  for (size_t i = 0; i < n; i++) {
    put_head(out, '$', words[i].len);
    swale__redis_bytes_put(out, words[i].at, words[i].len);
    swale__redis_bytes_put(out, "\r\n", 2);
  }
  return 0;
}

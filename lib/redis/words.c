/* SPDX-License-Identifier: MIT */
#include "redis/words.h"

#include <stdio.h>

struct swale__redis_word swale__redis_whole(struct swale__redis_number *n, uint64_t value) {
  int len = snprintf(n->text, sizeof n->text, "%llu", (unsigned long long)value);
  return (struct swale__redis_word){n->text, (size_t)len};
}

struct swale__redis_word swale__redis_score(struct swale__redis_number *n, int64_t us) {
  int len = snprintf(n->text, sizeof n->text, "%lld.%06d", (long long)(us / 1000000), (int)(us % 1000000));
  return (struct swale__redis_word){n->text, (size_t)len};
}

struct swale__redis_word swale__redis_before(struct swale__redis_number *n, int64_t now_us,
                                             uint64_t life_ms) {
  int64_t now_s = now_us / 1000000,
          life_s = life_ms / 1000 < INT32_MAX ? (int64_t)(life_ms / 1000) : INT32_MAX;
  return swale__redis_whole(n, now_s > life_s ? (uint64_t)(now_s - life_s) : 0);
}

struct swale__redis_word swale__redis_lifetime(struct swale__redis_number *n, uint64_t ms) {
  uint64_t s = ms / 1000 + (ms % 1000 > 0);
  return swale__redis_whole(n, s < INT32_MAX ? s : INT32_MAX);
}

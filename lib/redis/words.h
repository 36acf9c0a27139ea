/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_WORDS_H
#define SWALE_REDIS_WORDS_H

#include <stdint.h>

#include "redis/command.h"

/* Words of commands that are numbers, written where the caller has room for them. */
struct swale__redis_number {
  char text[24];
};

struct swale__redis_word swale__redis_whole(struct swale__redis_number *n, uint64_t value);

/* Microseconds as the seconds that scores are. */
struct swale__redis_word swale__redis_score(struct swale__redis_number *n, int64_t us);

/* Up to which score something has expired that lives so long. */
struct swale__redis_word swale__redis_before(struct swale__redis_number *n, int64_t now_us, uint64_t life_ms);

/* A lifetime for EXPIRE, in seconds, rounded up. */
struct swale__redis_word swale__redis_lifetime(struct swale__redis_number *n, uint64_t ms);

/* A word of a text that is there for the whole call. */
#define SWALE__REDIS_WORD(literal) ((struct swale__redis_word){"" literal, sizeof(literal) - 1})

#endif

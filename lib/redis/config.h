/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_CONFIG_H
#define SWALE_REDIS_CONFIG_H

#include <swale/redis.h>

/* Where a sentence about what is wrong goes, for people. */
struct swale__redis_why {
  char *text; /* may be NULL */
  size_t size;
};

/* Writes the sentence and returns `error`. */
int swale__redis_fail(const struct swale__redis_why *why, int error, const char *format, ...)
    SWALE_PRINTF(3, 4);

/* What the user gave, of whatever size; NULL: the defaults. SWALE_EINVAL: a size that is not known. */
int swale__redis_config_read(struct swale_redis_config *mine, const struct swale_redis_config *config,
                             const struct swale__redis_why *why);

/* SWALE_EINVAL and a sentence for the first thing that cannot work. */
int swale__redis_config_check(const struct swale_redis_config *c, const struct swale__redis_why *why);

#endif

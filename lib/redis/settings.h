/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_SETTINGS_H
#define SWALE_REDIS_SETTINGS_H

#include <swale/redis.h>

#include "redis/fernet.h"

/*
 * A checked copy of the configuration: every pointer in `config` is into memory of its own, nothing that has a
 * default is 0 or NULL, config.keys is NULL (what is derived from them is in `keys`). Read-only, any thread.
 */
struct swale__redis_settings {
  struct swale_redis_config config;
  struct swale_allocator allocator;
  struct swale__fernet_key keys[SWALE_REDIS_KEYS_MAX];
  size_t n_keys;
};

/* A sentence about what is wrong, for people: an error and where to write it. */
struct swale__redis_why {
  char *text; /* may be NULL */
  size_t size;
};
int swale__redis_fail(const struct swale__redis_why *why, int error, const char *format, ...) SWALE_PRINTF(3, 4);

/*
 * `config` may be NULL: the defaults. Errors, each with a sentence: SWALE_EINVAL, SWALE_EUNSUPPORTED, SWALE_ENOMEM.
 */
int swale__redis_settings_new(const struct swale_redis_config *config, const struct swale_allocator *allocator,
                              const struct swale__redis_why *why, struct swale__redis_settings **out);
void swale__redis_settings_free(struct swale__redis_settings *s);

#endif

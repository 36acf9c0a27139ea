/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_SETTINGS_H
#define SWALE_REDIS_SETTINGS_H

#include <swale/redis.h>

#include "redis/config.h"
#include "redis/fernet.h"

/*
 * A checked copy of the configuration: every pointer in `config` is into memory of its own, no host or port is left
 * to be guessed, and config.keys and url are NULL: what is derived from keys is in `keys`. Read-only, any thread.
 */
struct swale__redis_settings {
  struct swale_redis_config config;
  size_t size;          /* of the block, texts included: passwords are among them */
  struct swale_env env; /* all functions set */
  struct swale__fernet_key keys[SWALE_REDIS_KEYS_MAX];
  size_t n_keys;
  size_t string_most, reply_most; /* bytes that a string and a whole reply of Redis may take up */
};

/*
 * `config` may be NULL: the defaults; `env`, all functions set, is copied. Errors, each with a sentence:
 * SWALE_EINVAL, SWALE_ENOMEM.
 */
int swale__redis_settings_new(const struct swale_redis_config *config, const struct swale_env *env,
                              const struct swale__redis_why *why, struct swale__redis_settings **out);

/*
 * The same, and what `url` says wins over `config` and `layer`; with NULL it is the config's URL. Also the errors of
 * swale__redis_url_apply.
 */
int swale__redis_settings_open(const struct swale_redis_config *config, const char *url,
                               struct swale_layer_config *layer, const struct swale_env *env,
                               const struct swale__redis_why *why, struct swale__redis_settings **out);

/* Wipes it. NULL is fine. */
void swale__redis_settings_free(struct swale__redis_settings *s);

#endif

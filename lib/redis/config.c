/* SPDX-License-Identifier: MIT */
#include "redis/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What fits into the path of a Unix socket with its NUL. */
#define UNIX_PATH_MAX 107

static int64_t libc_wall_us(void *user) {
  struct timespec t;
  (void)user;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static const struct swale_redis_host localhost = {.host = "localhost"};

static const struct swale_redis_config defaults = {
    .size = sizeof defaults,
    .mode = SWALE_REDIS_CORE,
    .serializer = SWALE_REDIS_MSGPACK,
    .prefix = "asgi",
    .hosts = &localhost,
    .n_hosts = 1,
    .random_prefix_length = 12,
    .payload_bytes = (size_t)64 << 20,
    .queue_bytes = (size_t)64 << 20,
    .connect_timeout_ms = 5000,
    .command_timeout_ms = 10000,
    .reconnect_min_ms = 50,
    .reconnect_max_ms = 5000,
    .stall_ms = 5000,
    .lease_ms = 600 * 1000,
    .wall_us = libc_wall_us,
};

void swale_redis_config_init(struct swale_redis_config *config, size_t size) {
  size_t known = size < sizeof defaults ? size : sizeof defaults;
  memset(config, 0, size);
  memcpy(config, &defaults, known);
  config->size = size;
}

int swale__redis_fail(const struct swale__redis_why *why, int error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (why->text && why->size > 0)
    vsnprintf(why->text, why->size, format, arguments);
  va_end(arguments);
  return error;
}

/* ---- checking ---- */

static int check_sentinels(const struct swale_redis_host *h, size_t i, const struct swale__redis_why *why) {
  if (!h->master && h->n_sentinels > 0)
    return swale__redis_fail(why, SWALE_EINVAL, "host %zu has sentinels, but no name of a master", i);
  if (h->master && *h->master == '\0')
    return swale__redis_fail(why, SWALE_EINVAL, "host %zu has an empty name of a master", i);
  if (h->master && (h->n_sentinels == 0 || h->n_sentinels > SWALE_REDIS_SENTINELS_MAX || !h->sentinels))
    return swale__redis_fail(why, SWALE_EINVAL, "host %zu: a master needs 1 to %d sentinels", i,
                             SWALE_REDIS_SENTINELS_MAX);
  for (size_t k = 0; k < h->n_sentinels; k++)
    if (h->sentinels[k].host && *h->sentinels[k].host == '\0')
      return swale__redis_fail(why, SWALE_EINVAL, "host %zu has a sentinel without a name", i);
  return 0;
}

static int check_host(const struct swale_redis_host *h, size_t i, const struct swale__redis_why *why) {
  if (h->path && (*h->path == '\0' || strlen(h->path) > UNIX_PATH_MAX))
    return swale__redis_fail(why, SWALE_EINVAL, "host %zu: the path of a socket has 1 to %d bytes", i,
                             UNIX_PATH_MAX);
  if (h->host && *h->host == '\0')
    return swale__redis_fail(why, SWALE_EINVAL, "host %zu has an empty name", i);
  if ((h->username && !h->password) || (h->sentinel_username && !h->sentinel_password))
    return swale__redis_fail(why, SWALE_EINVAL, "host %zu has a user name without a password", i);
  return check_sentinels(h, i, why);
}

static int check_hosts(const struct swale_redis_config *c, const struct swale__redis_why *why) {
  int rv = 0;
  if (!c->hosts || c->n_hosts == 0 || c->n_hosts > SWALE_REDIS_HOSTS_MAX)
    return swale__redis_fail(why, SWALE_EINVAL, "there must be 1 to %d hosts", SWALE_REDIS_HOSTS_MAX);
  for (size_t i = 0; i < c->n_hosts && rv == 0; i++)
    rv = check_host(&c->hosts[i], i, why);
  return rv;
}

static int check_keys(const struct swale_redis_config *c, const struct swale__redis_why *why) {
  if (c->n_keys > SWALE_REDIS_KEYS_MAX || (c->n_keys > 0 && !c->keys))
    return swale__redis_fail(why, SWALE_EINVAL, "there may be at most %d encryption keys",
                             SWALE_REDIS_KEYS_MAX);
  for (size_t i = 0; i < c->n_keys; i++)
    if (!c->keys[i].bytes || c->keys[i].len == 0)
      return swale__redis_fail(why, SWALE_EINVAL, "encryption key %zu is empty", i);
  return 0;
}

static int check_format(const struct swale_redis_config *c, const struct swale__redis_why *why) {
  if (c->mode != SWALE_REDIS_CORE && c->mode != SWALE_REDIS_PUBSUB)
    return swale__redis_fail(why, SWALE_EINVAL, "the mode is core or pubsub");
  if (c->serializer != SWALE_REDIS_MSGPACK && c->serializer != SWALE_REDIS_JSON)
    return swale__redis_fail(why, SWALE_EINVAL, "the serializer is msgpack or json");
  if (c->serializer == SWALE_REDIS_JSON && (!c->json_write || !c->json_parse))
    return swale__redis_fail(why, SWALE_EINVAL,
                             "the serializer json needs json_write and json_parse, such as libswale-json's");
  if (!c->prefix || *c->prefix == '\0' || strlen(c->prefix) > SWALE_REDIS_PREFIX_MAX)
    return swale__redis_fail(why, SWALE_EINVAL, "the prefix has 1 to %d bytes", SWALE_REDIS_PREFIX_MAX);
  if (c->random_prefix_length > SWALE_REDIS_RANDOM_PREFIX_MAX)
    return swale__redis_fail(why, SWALE_EINVAL, "there may be at most %d random bytes before a message",
                             SWALE_REDIS_RANDOM_PREFIX_MAX);
  return 0;
}

static int check_limits(const struct swale_redis_config *c, const struct swale__redis_why *why) {
  if (c->payload_bytes == 0 || c->queue_bytes == 0 || c->connect_timeout_ms == 0 ||
      c->command_timeout_ms == 0 || c->reconnect_min_ms == 0 || c->reconnect_max_ms == 0 ||
      c->stall_ms == 0 || c->lease_ms == 0)
    return swale__redis_fail(why, SWALE_EINVAL, "no limit and no timeout may be 0");
  if (c->reconnect_min_ms > c->reconnect_max_ms)
    return swale__redis_fail(why, SWALE_EINVAL, "reconnect_min_ms is more than reconnect_max_ms");
  if (c->limits.depth == 1)
    return swale__redis_fail(why, SWALE_EINVAL, "a message with the names of its receivers has a depth of 2");
  return 0;
}

int swale__redis_config_read(struct swale_redis_config *mine, const struct swale_redis_config *config,
                             const struct swale__redis_why *why) {
  *mine = defaults;
  if (!config)
    return 0;
  if (config->size == 0 || config->size > sizeof *mine)
    return swale__redis_fail(why, SWALE_EINVAL, "the config's size is not one this library knows");
  memcpy(mine, config, config->size);
  if (!mine->wall_us)
    mine->wall_us = libc_wall_us;
  return 0;
}

int swale__redis_config_check(const struct swale_redis_config *c, const struct swale__redis_why *why) {
  int rv = check_format(c, why);
  if (rv == 0)
    rv = check_hosts(c, why);
  if (rv == 0)
    rv = check_keys(c, why);
  return rv ? rv : check_limits(c, why);
}

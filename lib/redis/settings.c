/* SPDX-License-Identifier: MIT */
#include "redis/settings.h"

#include <string.h>

#include "redis/url.h"

enum { REDIS_PORT = 6379, SENTINEL_PORT = 26379 };

/*
 * One block: the struct, the hosts, their sentinels, then every text. The texts are gone through twice, first
 * only to learn how much room they take.
 */
struct room {
  char *at; /* NULL: only measuring */
  size_t size;
};

/* A copy of the text. While measuring, the text itself. */
static const char *keep(struct room *room, const char *text) {
  if (!text)
    return NULL;
  size_t size = strlen(text) + 1;
  char *copy = room->at;
  room->size += size;
  if (!copy)
    return text;
  room->at += size;
  return memcpy(copy, text, size);
}

static struct swale_redis_host keep_host(struct room *room, const struct swale_redis_host *from) {
  struct swale_redis_host h = *from;
  h.path = keep(room, h.path);
  h.host = keep(room, h.host ? h.host : "localhost");
  h.port = h.port > 0 ? h.port : REDIS_PORT;
  h.username = keep(room, h.username);
  h.password = keep(room, h.password);
  h.master = keep(room, h.master);
  h.sentinel_username = keep(room, h.sentinel_username);
  h.sentinel_password = keep(room, h.sentinel_password);
  return h;
}

static struct swale_redis_address keep_sentinel(struct room *room, const struct swale_redis_address *from) {
  struct swale_redis_address a = *from;
  a.host = keep(room, a.host ? a.host : "localhost");
  a.port = a.port > 0 ? a.port : SENTINEL_PORT;
  return a;
}

static void measure(const struct swale_redis_config *c, struct room *texts, size_t *n_sentinels) {
  *texts = (struct room){NULL, 0};
  *n_sentinels = 0;
  keep(texts, c->prefix);
  keep(texts, c->local);
  for (size_t i = 0; i < c->n_hosts; i++) {
    keep_host(texts, &c->hosts[i]);
    for (size_t k = 0; k < c->hosts[i].n_sentinels; k++)
      keep_sentinel(texts, &c->hosts[i].sentinels[k]);
    *n_sentinels += c->hosts[i].n_sentinels;
  }
}

/* What a string in a reply may have besides its payload; what a reply may take up beside a few payloads, for names. */
#define AROUND_PAYLOAD ((size_t)1 << 20)
#define AROUND_PAYLOADS ((size_t)64 << 20)
enum { PAYLOADS = 4 };

/* SIZE_MAX where there is no such number. */
static size_t payloads(const struct swale_redis_config *c, size_t n, size_t around) {
  return c->payload_bytes < (SIZE_MAX - around) / n ? n * c->payload_bytes + around : SIZE_MAX;
}

static void fill(struct swale__redis_settings *s, const struct swale_redis_config *c, size_t n_sentinels) {
  struct swale_redis_host *hosts = (struct swale_redis_host *)(s + 1);
  struct swale_redis_address *sentinels = (struct swale_redis_address *)(hosts + c->n_hosts);
  struct room texts = {(char *)(sentinels + n_sentinels), 0};
  s->config = *c;
  s->string_most = payloads(c, 1, AROUND_PAYLOAD);
  s->reply_most = payloads(c, PAYLOADS, AROUND_PAYLOADS);
  s->config.prefix = keep(&texts, c->prefix);
  s->config.local = keep(&texts, c->local);
  s->config.hosts = hosts;
  for (size_t i = 0; i < c->n_hosts; i++) {
    hosts[i] = keep_host(&texts, &c->hosts[i]);
    hosts[i].sentinels = sentinels;
    for (size_t k = 0; k < hosts[i].n_sentinels; k++)
      *sentinels++ = keep_sentinel(&texts, &c->hosts[i].sentinels[k]);
  }
  s->n_keys = c->n_keys;
  for (size_t i = 0; i < c->n_keys; i++)
    swale__fernet_derive(&s->keys[i], c->keys[i].bytes, c->keys[i].len);
  s->config.keys = NULL;
  s->config.url = NULL;
}

int swale__redis_settings_new(const struct swale_redis_config *config, const struct swale_env *env,
                              const struct swale__redis_why *why, struct swale__redis_settings **out) {
  struct swale_redis_config c;
  struct room texts;
  size_t n_sentinels;
  int rv = swale__redis_config_read(&c, config, why);
  if (rv == 0)
    rv = swale__redis_config_check(&c, why);
  if (rv)
    return rv;
  measure(&c, &texts, &n_sentinels);
  size_t size = sizeof(struct swale__redis_settings) + c.n_hosts * sizeof(struct swale_redis_host) +
                n_sentinels * sizeof(struct swale_redis_address) + texts.size;
  struct swale__redis_settings *s = env->allocator.malloc(size, env->allocator.user);
  if (!s)
    return swale__redis_fail(why, SWALE_ENOMEM, "%s", swale_strerror(SWALE_ENOMEM));
  memset(s, 0, sizeof *s);
  s->size = size;
  s->env = *env;
  fill(s, &c, n_sentinels);
  *out = s;
  return 0;
}

int swale__redis_settings_open(const struct swale_redis_config *config, const char *url,
                               struct swale_layer_config *layer, const struct swale_env *env,
                               const struct swale__redis_why *why, struct swale__redis_settings **out) {
  struct swale_redis_config mine;
  struct swale__redis_url *hold = NULL;
  int rv = swale__redis_config_read(&mine, config, why);
  if (rv == 0 && !url)
    url = mine.url;
  if (rv == 0 && url)
    rv = swale__redis_url_apply(url, &env->allocator, &mine, layer, why, &hold);
  if (rv == 0)
    rv = swale__redis_settings_new(&mine, env, why, out);
  swale__redis_url_free(hold);
  return rv;
}

void swale__redis_settings_free(struct swale__redis_settings *s) {
  if (!s)
    return;
  struct swale_allocator a = s->env.allocator;
  explicit_bzero(s, s->size);
  a.free(s, a.user);
}

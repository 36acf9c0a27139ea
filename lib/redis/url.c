/* SPDX-License-Identifier: MIT */
#include "redis/url.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <swale/url.h>

/* One block, the authority and path behind it to be cut up, and the URL, which has its own. */
struct swale__redis_url {
  struct swale_allocator allocator;
  struct swale_url *parsed;
  size_t size, length; /* of the block; of the URL's text */
  struct swale_redis_key keys[SWALE_REDIS_KEYS_MAX];
  size_t n_places; /* in the authority, between commas */
  struct swale_redis_host *hosts;
  struct swale_redis_address *sentinels;
  char *authority, *path;
};

struct reading {
  struct swale__redis_url *u;
  struct swale_redis_config *redis;
  struct swale_layer_config *layer;
  const struct swale__redis_why *why;
};

/* ---- places: [[user]:password@][host][:port] ---- */

struct place {
  const char *username, *password, *host; /* NULL: none */
  uint16_t port;                          /* 0: none */
};

static const char *decoded_or_null(char *text) {
  swale_percent_decode(text);
  return *text ? text : NULL;
}

static int read_credentials(const struct reading *r, char *text, struct place *p) {
  char *colon = strchr(text, ':');
  if (!colon)
    return swale__redis_fail(r->why, SWALE_EFORMAT, "before an @ there is :password or user:password");
  *colon = '\0';
  p->username = decoded_or_null(text);
  p->password = decoded_or_null(colon + 1);
  return 0;
}

static int read_port(const struct reading *r, const char *text, struct place *p) {
  uint64_t port;
  int rv = swale_parse_uint(text, 1, UINT16_MAX, &port);
  if (rv < 0)
    return swale__redis_fail(r->why, rv, "a port is a number from 1 to 65535");
  p->port = (uint16_t)port;
  return 0;
}

/* host:port or [IPv6]:port. */
static int read_address(const struct reading *r, char *text, struct place *p) {
  char *behind = text + strcspn(text, ":");
  if (*text == '[') {
    behind = strchr(++text, ']');
    if (!behind || (behind[1] != '\0' && behind[1] != ':'))
      return swale__redis_fail(r->why, SWALE_EFORMAT, "an address in brackets that do not match");
    *behind++ = '\0';
  }
  int rv = *behind == ':' ? read_port(r, behind + 1, p) : 0;
  *behind = '\0';
  p->host = decoded_or_null(text);
  return rv;
}

static int read_place(const struct reading *r, char *text, struct place *p) {
  char *at = strrchr(text, '@');
  int rv = 0;
  *p = (struct place){NULL, NULL, NULL, 0};
  if (at) {
    *at = '\0';
    rv = read_credentials(r, text, p);
    text = at + 1;
  }
  return rv ? rv : read_address(r, text, p);
}

/* Cuts the next item off a list of them, in which this stands between two; NULL at its end. */
static char *next_item(char **list, const char *between) {
  char *item = *list;
  char *comma = item ? strstr(item, between) : NULL;
  *list = comma ? comma + 1 : NULL;
  if (comma)
    *comma = '\0';
  return item;
}

/* ---- schemes ---- */

static int read_db(const struct reading *r, const char *text, uint32_t *db) {
  uint64_t n;
  if (swale_parse_uint(text, 0, INT32_MAX, &n) < 0)
    return swale__redis_fail(r->why, SWALE_EFORMAT, "a database has a number, 0 in redis://localhost/0");
  *db = (uint32_t)n;
  return 0;
}

/* "/db", "/" or "". */
static int read_db_path(const struct reading *r, const char *path, uint32_t *db) {
  *db = 0;
  return *path == '\0' || path[1] == '\0' ? 0 : read_db(r, path + 1, db);
}

static int read_tcp(const struct reading *r) {
  char *list = r->u->authority, *text;
  struct place p;
  uint32_t db;
  int rv = read_db_path(r, r->u->path, &db);
  for (size_t i = 0; rv == 0 && (text = next_item(&list, ",")); i++) {
    rv = read_place(r, text, &p);
    r->u->hosts[i] = (struct swale_redis_host){
        .host = p.host, .port = p.port, .db = db, .username = p.username, .password = p.password};
  }
  r->redis->n_hosts = r->u->n_places;
  return rv;
}

/* Behind a comma between two paths is the slash of the next; other commas are part of one. */
static int read_unix(const struct reading *r) {
  struct place p;
  char *list = r->u->path, *path;
  size_t n = 0;
  int rv = read_place(r, r->u->authority, &p);
  if (rv == 0 && (p.host || p.port || *r->u->path == '\0'))
    rv = swale__redis_fail(r->why, SWALE_EFORMAT,
                           "a socket has a path and no host: redis+unix:///run/redis.sock");
  while ((path = next_item(&list, ",/")))
    r->u->hosts[n++] =
        (struct swale_redis_host){.path = path, .username = p.username, .password = p.password};
  r->redis->n_hosts = n;
  return rv;
}

static int read_sentinels(const struct reading *r, struct swale_redis_host *h) {
  char *list = r->u->authority, *text;
  struct place p;
  int rv = 0;
  for (size_t i = 0; rv == 0 && (text = next_item(&list, ",")); i++) {
    rv = read_place(r, text, &p);
    if (rv == 0 && i > 0 && p.password)
      rv = swale__redis_fail(r->why, SWALE_EFORMAT,
                             "credentials stand before the first sentinel, and are the Redis servers'");
    r->u->sentinels[i] = (struct swale_redis_address){p.host, p.port};
    if (i == 0) {
      h->username = p.username;
      h->password = p.password;
    }
  }
  return rv;
}

static int read_sentinel(const struct reading *r) {
  struct swale_redis_host *h = r->u->hosts;
  char *master = *r->u->path ? r->u->path + 1 : r->u->path;
  char *db = strchr(master, '/');
  *h = (struct swale_redis_host){
      .master = master, .sentinels = r->u->sentinels, .n_sentinels = r->u->n_places};
  r->redis->n_hosts = 1;
  int rv = db ? read_db_path(r, db, &h->db) : 0;
  if (db)
    *db = '\0';
  if (rv == 0 && *master == '\0')
    rv = swale__redis_fail(r->why, SWALE_EFORMAT, "behind the sentinels stands /master");
  return rv ? rv : read_sentinels(r, h);
}

static int read_tls(const struct reading *r) {
  return swale__redis_fail(
      r->why, SWALE_EUNSUPPORTED,
      "hiredis 0.14 has no TLS, so rediss:// cannot be used; a local tunnel such as stunnel can");
}

static const struct {
  const char *name;
  int (*read)(const struct reading *r);
} schemes[] = {
    {"redis", read_tcp}, {"redis+unix", read_unix}, {"redis+sentinel", read_sentinel}, {"rediss", read_tls}};

static int read_scheme(const struct reading *r) {
  const char *name = r->u->parsed->scheme;
  r->redis->hosts = r->u->hosts;
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
    if (strcmp(schemes[i].name, name) == 0)
      return schemes[i].read(r);
  return swale__redis_fail(r->why, SWALE_EUNSUPPORTED, "not a kind of Redis: %s://", name);
}

/* ---- parameters ---- */

static int set_mode(const struct reading *r, const char *value) {
  if (strcmp(value, "core") == 0)
    r->redis->mode = SWALE_REDIS_CORE;
  else if (strcmp(value, "pubsub") == 0)
    r->redis->mode = SWALE_REDIS_PUBSUB;
  else
    return swale__redis_fail(r->why, SWALE_EFORMAT, "the mode is core or pubsub, not %s", value);
  return 0;
}

static int set_serializer(const struct reading *r, const char *value) {
  if (strcmp(value, "msgpack") == 0)
    r->redis->serializer = SWALE_REDIS_MSGPACK;
  else if (strcmp(value, "json") == 0)
    r->redis->serializer = SWALE_REDIS_JSON;
  else
    return swale__redis_fail(r->why, SWALE_EFORMAT, "the serializer is msgpack or json, not %s", value);
  return 0;
}

static int set_prefix(const struct reading *r, const char *value) {
  r->redis->prefix = value;
  return 0;
}

static int set_local(const struct reading *r, const char *value) {
  r->redis->local = value;
  return 0;
}

/* The URL's keys take the place of the config's. */
static int set_key(const struct reading *r, const char *value) {
  size_t n = r->redis->keys == r->u->keys ? r->redis->n_keys : 0;
  if (n == SWALE_REDIS_KEYS_MAX)
    return swale__redis_fail(r->why, SWALE_EINVAL, "there may be at most %d encryption keys",
                             SWALE_REDIS_KEYS_MAX);
  r->u->keys[n] = (struct swale_redis_key){value, strlen(value)};
  r->redis->keys = r->u->keys;
  r->redis->n_keys = n + 1;
  return 0;
}

static int set_db(const struct reading *r, const char *value) {
  struct swale_redis_host *hosts = r->u->hosts;
  if (hosts[0].db > 0)
    return swale__redis_fail(r->why, SWALE_EFORMAT, "the database is named twice");
  int rv = read_db(r, value, &hosts[0].db);
  for (size_t i = 1; i < r->redis->n_hosts; i++)
    hosts[i].db = hosts[0].db;
  return rv;
}

static int read_number(const struct reading *r, const char *value, uint64_t *n) {
  int rv = swale_parse_uint(value, 0, UINT32_MAX, n);
  return rv < 0 ? swale__redis_fail(r->why, rv, "not a number up to 2^32-1: %s", value) : 0;
}

static int set_number(const struct reading *r, const char *value, uint32_t *to) {
  uint64_t n;
  int rv = read_number(r, value, &n);
  if (rv == 0)
    *to = (uint32_t)n;
  return rv;
}

static int set_seconds(const struct reading *r, const char *value, uint64_t *to_ms) {
  uint64_t n;
  int rv = read_number(r, value, &n);
  if (rv == 0)
    *to_ms = n * 1000;
  return rv;
}

static int set_random_prefix_length(const struct reading *r, const char *value) {
  return set_number(r, value, &r->redis->random_prefix_length);
}

static int set_capacity(const struct reading *r, const char *value) {
  return set_number(r, value, &r->layer->capacity);
}

static int set_expiry(const struct reading *r, const char *value) {
  return set_seconds(r, value, &r->layer->expiry_ms);
}

static int set_group_expiry(const struct reading *r, const char *value) {
  return set_seconds(r, value, &r->layer->group_expiry_ms);
}

static const struct {
  const char *key;
  int (*set)(const struct reading *r, const char *value);
  bool again; /* may stand several times */
} parameters[] = {
    {"mode", set_mode, false},
    {"serializer", set_serializer, false},
    {"prefix", set_prefix, false},
    {"db", set_db, false},
    {"local", set_local, false},
    {"random_prefix_length", set_random_prefix_length, false},
    {"capacity", set_capacity, false},
    {"expiry", set_expiry, false},
    {"group_expiry", set_group_expiry, false},
    {"key", set_key, true},
};

static int read_param(const struct reading *r, const struct swale_url_param *p) {
  for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
    if (strcmp(parameters[i].key, p->key) != 0)
      continue;
    if (!parameters[i].again && swale_url_param(r->u->parsed, p->key) != p->value)
      return swale__redis_fail(r->why, SWALE_EFORMAT, "a parameter given twice: %s", p->key);
    return parameters[i].set(r, p->value);
  }
  return swale__redis_fail(r->why, SWALE_EFORMAT, "no such parameter: %s", p->key);
}

/* ---- all of it ---- */

static size_t count_places(const char *text) {
  size_t n = 1;
  for (; *text; text++)
    n += *text == ',';
  return n;
}

/* A URL may hold passwords and keys; its text stands in one piece from the scheme on. */
static void free_parsed(struct swale_url *parsed, size_t length, const struct swale_allocator *a) {
  explicit_bzero((void *)(uintptr_t)parsed->scheme, length + 1);
  swale_url_free(parsed, a);
}

/* The block that `parsed`, which becomes its own, is cut up in; NULL without memory. */
static struct swale__redis_url *hold_new(struct swale_url *parsed, size_t length,
                                         const struct swale_allocator *a) {
  size_t n = count_places(parsed->authority), paths = count_places(parsed->path), places = n;
  n = n > paths ? n : paths;
  size_t authority = strlen(parsed->authority) + 1, path = strlen(parsed->path) + 1;
  size_t arrays = n * (sizeof(struct swale_redis_host) + sizeof(struct swale_redis_address));
  size_t size = sizeof(struct swale__redis_url) + arrays + authority + path;
  struct swale__redis_url *u = a->malloc(size, a->user);
  if (!u)
    return NULL;
  *u = (struct swale__redis_url){
      .allocator = *a, .parsed = parsed, .size = size, .length = length, .n_places = places};
  u->hosts = (struct swale_redis_host *)(u + 1);
  u->sentinels = (struct swale_redis_address *)(u->hosts + n);
  u->authority = memcpy(u->sentinels + n, parsed->authority, authority);
  u->path = memcpy(u->authority + authority, parsed->path, path);
  return u;
}

static int hold(const char *url, const struct swale_allocator *a, const struct swale__redis_why *why,
                struct swale__redis_url **out) {
  struct swale_url *parsed;
  int rv = swale_url_parse(url, a, &parsed);
  if (rv == SWALE_EFORMAT)
    return swale__redis_fail(why, rv, "not a URL of Redis, such as redis://localhost:6379/0?mode=pubsub");
  if (rv < 0)
    return swale__redis_fail(why, rv, "the URL: %s", swale_strerror(rv));
  *out = hold_new(parsed, strlen(url), a);
  if (*out)
    return 0;
  free_parsed(parsed, strlen(url), a);
  return swale__redis_fail(why, SWALE_ENOMEM, "the URL: %s", swale_strerror(SWALE_ENOMEM));
}

int swale__redis_url_apply(const char *url, const struct swale_allocator *allocator,
                           struct swale_redis_config *redis, struct swale_layer_config *layer,
                           const struct swale__redis_why *why, struct swale__redis_url **out) {
  struct reading r = {.redis = redis, .layer = layer, .why = why};
  int rv = hold(url, allocator, why, &r.u);
  if (rv)
    return rv;
  rv = read_scheme(&r);
  for (size_t i = 0; rv == 0 && i < r.u->parsed->n_params; i++)
    rv = read_param(&r, &r.u->parsed->params[i]);
  if (rv < 0)
    swale__redis_url_free(r.u);
  else
    *out = r.u;
  return rv;
}

void swale__redis_url_free(struct swale__redis_url *u) {
  if (!u)
    return;
  struct swale_allocator a = u->allocator;
  free_parsed(u->parsed, u->length, &a);
  explicit_bzero(u, u->size);
  a.free(u, a.user);
}

/* SPDX-License-Identifier: MIT */
#include "core/layer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <swale/url.h>

#include "core/app.h"
#include "core/consumer.h"
#include "core/loop.h"
#include "core/name.h"
#include "core/siphash.h"

#define CAPACITIES_MAX 256
/* Longer expiries count as this, so that adding one to the time does not overflow. */
#define EXPIRY_MAX ((uint64_t)INT64_MAX)

/* ---- configuring ---- */

static const struct swale_layer_config defaults = {
    .size = sizeof defaults,
    .capacity = 100,
    .expiry_ms = 60 * 1000,
    .group_expiry_ms = 86400 * 1000,
    .channels_max = 100000,
    .groups_max = 10000000,
};

void swale_layer_config_init(struct swale_layer_config *config, size_t size) {
  size_t known = size < sizeof defaults ? size : sizeof defaults;
  memset(config, 0, size);
  memcpy(config, &defaults, known);
  config->size = size;
}

static int explain(int error, char *why, size_t why_size, const char *text, const char *detail) {
  if (why && why_size > 0)
    snprintf(why, why_size, "%s%s%s", text, detail ? ": " : "", detail ? detail : "");
  return error;
}

static int read_config(struct swale_layer_config *mine, const struct swale_layer_config *config, char *why,
                       size_t why_size) {
  *mine = defaults;
  if (!config)
    return 0;
  if (config->size == 0 || config->size > sizeof *mine)
    return explain(SWALE_EINVAL, why, why_size, "the config's size is not one this library knows", NULL);
  memcpy(mine, config, config->size);
  if (mine->n_capacities > CAPACITIES_MAX || (mine->n_capacities > 0 && !mine->capacities))
    return explain(SWALE_EINVAL, why, why_size, "there may be at most 256 channel capacities", NULL);
  for (size_t i = 0; i < mine->n_capacities; i++)
    if (!mine->capacities[i].pattern || mine->capacities[i].capacity == 0)
      return explain(SWALE_EINVAL, why, why_size, "a channel capacity needs a pattern and may not be 0",
                     NULL);
  return 0;
}

static int check_limits(const struct swale_layer_config *c, char *why, size_t why_size) {
  if (c->capacity > 0 && c->expiry_ms > 0 && c->group_expiry_ms > 0 && c->channels_max > 0 &&
      c->groups_max > 0)
    return 0;
  return explain(SWALE_EINVAL, why, why_size, "no limit of a layer may be 0", NULL);
}

/* What the URL's query may set, over the config. */
static int read_param(struct swale_layer_config *c, const struct swale_url_param *p) {
  uint64_t n;
  int rv = swale_parse_uint(p->value, 0, UINT32_MAX, &n); /* check_limits knows about 0 */
  if (rv < 0)
    return SWALE_EFORMAT;
  if (strcmp(p->key, "capacity") == 0)
    c->capacity = (uint32_t)n;
  else if (strcmp(p->key, "expiry") == 0)
    c->expiry_ms = n * 1000;
  else if (strcmp(p->key, "group_expiry") == 0)
    c->group_expiry_ms = n * 1000;
  else
    return SWALE_EFORMAT;
  return 0;
}

static int take_url(struct swale_layer_config *c, const struct swale_url *u, char *why, size_t why_size) {
  if (strcmp(u->scheme, "memory") != 0)
    return explain(SWALE_EUNSUPPORTED, why, why_size, "no such kind of layer", u->scheme);
  if (*u->authority || (*u->path && strcmp(u->path, "/") != 0))
    return explain(SWALE_EFORMAT, why, why_size, "memory:// has no host and no path", NULL);
  for (size_t i = 0; i < u->n_params; i++)
    if (swale_url_param(u, u->params[i].key) != u->params[i].value || read_param(c, &u->params[i]) < 0)
      return explain(SWALE_EFORMAT, why, why_size,
                     "not a parameter of memory://, given twice, or not a number up to 2^32-1",
                     u->params[i].key);
  return 0;
}

static int read_url(struct swale_layer_config *c, const struct swale_allocator *a, const char *url, char *why,
                    size_t why_size) {
  struct swale_url *u;
  int rv = swale_url_parse(url, a, &u);
  if (rv < 0)
    return explain(rv, why, why_size,
                   rv == SWALE_ENOMEM ? swale_strerror(rv) : "not a layer's URL, such as memory://", NULL);
  rv = take_url(c, u, why, why_size);
  swale_url_free(u, a);
  return rv;
}

/* ---- backends ---- */

static bool has_scheme(const struct swale_backend_class *class, const char *url) {
  for (const char *const *scheme = class->schemes; *scheme; scheme++) {
    size_t n = strlen(*scheme);
    if (strncasecmp(url, *scheme, n) == 0 && strncmp(url + n, "://", 3) == 0)
      return true;
  }
  return false;
}

static const struct swale_backend_class *find_backend(const struct swale_layer_config *c, const char *url) {
  for (const struct swale_backend_class *const *class = c->backends; url && class && *class; class ++)
    if (has_scheme(*class, url))
      return *class;
  return NULL;
}

/* ---- opening and freeing ---- */

static int copy_capacities(swale_layer *layer, const struct swale_layer_config *config) {
  const struct swale_allocator *a = &layer->env.allocator;
  if (config->n_capacities == 0)
    return 0;
  layer->capacities = swale__zalloc(a, config->n_capacities * sizeof *layer->capacities);
  if (!layer->capacities)
    return SWALE_ENOMEM;
  for (size_t i = 0; i < config->n_capacities; i++) {
    size_t size = strlen(config->capacities[i].pattern) + 1;
    char *pattern = swale__malloc(a, size);
    if (!pattern)
      return SWALE_ENOMEM;
    memcpy(pattern, config->capacities[i].pattern, size);
    layer->capacities[i] = (struct swale_capacity){pattern, config->capacities[i].capacity};
    layer->n_capacities++;
  }
  return 0;
}

static void free_capacities(swale_layer *layer) {
  for (size_t i = 0; i < layer->n_capacities; i++)
    swale__free(&layer->env.allocator, (void *)layer->capacities[i].pattern);
  swale__free(&layer->env.allocator, layer->capacities);
}

static int draw_identity(swale_layer *layer) {
  unsigned char process[16];
  if (layer->env.random(process, sizeof process, layer->env.user) != 0 ||
      layer->env.random(layer->key, sizeof layer->key, layer->env.user) != 0)
    return SWALE_ERANDOM;
  for (size_t i = 0; i < sizeof process; i++)
    snprintf(layer->process + 2 * i, 3, "%02x", process[i]);
  return 0;
}

/* Everything that has to be undone by close_parts, in whatever order it failed. */
static int open_parts(swale_layer *layer, const struct swale_layer_config *config) {
  swale__slots_init(&layer->slots);
  int rv = draw_identity(layer);
  if (rv == 0)
    rv = copy_capacities(layer, config);
  if (rv == 0)
    rv = swale__table_init(&layer->groups, &layer->env.allocator);
  if (rv == 0)
    rv = swale__plains_init(layer);
  return rv;
}

static void close_parts(swale_layer *layer) {
  if (layer->plains.table.buckets)
    swale__plains_free(layer);
  if (layer->groups.buckets)
    swale__table_free(&layer->groups);
  free_capacities(layer);
  swale__free(&layer->env.allocator, layer->slots.at);
}

static void layer_free(swale_layer *layer) {
  swale_layer_detach(layer);
  if (layer->outside.backend)
    layer->outside.class->free(layer->outside.backend);
  swale__outside_forsake(layer);
  close_parts(layer);
  swale__drops_free(&layer->drops, &layer->env.allocator);
  pthread_mutex_destroy(&layer->lock);
  struct swale_allocator a = layer->env.allocator;
  swale__free(&a, layer);
}

static int layer_new(const struct swale_env *env, const struct swale_layer_config *config,
                     swale_layer **out) {
  swale_layer *layer = swale__zalloc(&env->allocator, sizeof *layer);
  if (!layer)
    return SWALE_ENOMEM;
  layer->env = *env;
  if (pthread_mutex_init(&layer->lock, NULL) != 0 ||
      swale__drops_init(&layer->drops, config->on_drop, config->user) < 0) {
    swale__free(&env->allocator, layer);
    return SWALE_ENOMEM;
  }
  int rv = open_parts(layer, config);
  if (rv < 0) {
    layer_free(layer);
    return rv;
  }
  *out = layer;
  return 0;
}

static void set_limits(swale_layer *layer, const struct swale_layer_config *config) {
  layer->capacity = config->capacity;
  layer->expiry_ms = config->expiry_ms < EXPIRY_MAX ? config->expiry_ms : EXPIRY_MAX;
  layer->group_expiry_ms = config->group_expiry_ms < EXPIRY_MAX ? config->group_expiry_ms : EXPIRY_MAX;
  layer->channels_max = config->channels_max;
  layer->groups_max = config->groups_max;
}

static int open_backend(swale_layer *layer, const struct swale_backend_class *class, const char *url,
                        const void *options, struct swale_layer_config *config, char *why, size_t why_size) {
  if (!class)
    return 0;
  struct swale_backend_setup setup = {.layer = layer,
                                      .url = options ? NULL : url,
                                      .options = options,
                                      .process = layer->process,
                                      .env = layer->env,
                                      .config = config};
  int rv = class->open(&setup, &layer->outside.backend, why, why_size);
  if (rv < 0)
    return rv;
  layer->outside.class = class;
  layer->outside.local = setup.local;
  layer->outside.has_members = setup.has_members;
  return 0;
}

/* `class` NULL: memory://, whose URL has been read into the config. */
static int open_layer(const struct swale_backend_class *class, const char *url, const void *options,
                      const struct swale_env *env, struct swale_layer_config *config, swale_layer **out,
                      char *why, size_t why_size) {
  swale_layer *layer;
  int rv = layer_new(env, config, &layer);
  if (rv < 0)
    return explain(rv, why, why_size, swale_strerror(rv), NULL);
  rv = open_backend(layer, class, url, options, config, why, why_size);
  if (rv == 0)
    rv = check_limits(config, why, why_size);
  if (rv < 0) {
    layer_free(layer);
    return rv;
  }
  set_limits(layer, config);
  *out = layer;
  return 0;
}

/* `class` NULL: what the URL says. */
static int open_any(const struct swale_backend_class *class, const char *url, const void *options,
                    const struct swale_layer_config *config, swale_layer **out, char *why, size_t why_size) {
  struct swale_layer_config mine;
  struct swale_env env;
  *out = NULL;
  if (why && why_size > 0)
    *why = '\0';
  int rv = read_config(&mine, config, why, why_size);
  if (rv < 0)
    return rv;
  swale__env_copy(&env, mine.env);
  if (!class)
    class = find_backend(&mine, url);
  if (!class)
    rv = read_url(&mine, &env.allocator, url, why, why_size);
  return rv < 0 ? rv : open_layer(class, url, options, &env, &mine, out, why, why_size);
}

int swale_layer_open_with(const struct swale_backend_class *backend, const void *options,
                          const struct swale_layer_config *config, swale_layer **out, char *why,
                          size_t why_size) {
  return open_any(backend, NULL, options, config, out, why, why_size);
}

int swale_layer_open(const char *url, const struct swale_layer_config *config, swale_layer **out, char *why,
                     size_t why_size) {
  return open_any(NULL, url, NULL, config, out, why, why_size);
}

int swale_layer_free(swale_layer *layer) {
  if (!layer)
    return 0;
  swale__layer_lock(layer);
  bool busy = layer->ports || layer->consumers + layer->receivers > 0;
  if (!busy)
    swale__groups_clear(layer);
  swale__layer_unlock(layer);
  if (busy)
    return SWALE_ESTATE;
  layer_free(layer);
  return 0;
}

uint32_t swale__layer_capacity(const swale_layer *layer, const char *channel) {
  for (size_t i = 0; i < layer->n_capacities; i++)
    if (swale__glob_match(layer->capacities[i].pattern, channel))
      return layer->capacities[i].capacity;
  return layer->capacity;
}

/* Somebody has to tell the drops that were noted by a thread that has no loop. */
static void wake_for_drops(swale_layer *layer, struct swale__wakes *wakes) {
  if (!atomic_load_explicit(&layer->drops.any, memory_order_relaxed) || !layer->ports)
    return;
  swale__wakes_note(wakes, layer->ports->loop);
}

void swale__layer_finish(swale_layer *layer, struct swale__wakes *wakes) {
  wake_for_drops(layer, wakes);
  swale__outside_wake(layer, wakes);
  swale__layer_unlock(layer);
  swale__wakes_call(wakes);
}

void swale__layer_expire(swale_layer *layer) {
  if (!layer->plains.expiry.oldest && !layer->leases.oldest)
    return;
  uint64_t now = swale__layer_now(layer);
  swale__plains_expire(layer, now);
  swale__leases_expire(layer, now);
}

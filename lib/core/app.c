/* SPDX-License-Identifier: MIT */
#include "core/app.h"

#include <string.h>

#include <swale/error.h>
#include <swale/transport.h>

#include "core/env.h"
#include "core/name.h"

struct swale__app_layer {
  swale_layer *layer;
  char *alias;
};

struct swale__app_channel {
  const struct swale_consumer_class *consumer;
  char name[SWALE_NAME_SIZE];
};

/* ---- making --------------------------------------------------------------------------------- */

static const struct swale_app_config defaults = {
    .size = sizeof defaults,
    .connect_timeout_ms = 5000,
    .consumers_max = 1000000,
};

void swale_app_config_init(struct swale_app_config *config, size_t size) {
  memset(config, 0, size);
  memcpy(config, &defaults, size < sizeof defaults ? size : sizeof defaults);
  config->size = size;
}

/* The caller's config, as far as he knows its fields, on top of the defaults. */
static int read_config(struct swale_app_config *to, const struct swale_app_config *from) {
  *to = defaults;
  if (!from)
    return SWALE_OK;
  if (from->size == 0 || from->size > sizeof *to)
    return SWALE_EINVAL;
  memcpy(to, from, from->size);
  bool in_range =
      to->connect_timeout_ms > 0 && to->consumers_max > 0 && (to->keep & ~(unsigned)SWALE_KEEP_ALL) == 0;
  return in_range ? SWALE_OK : SWALE_EINVAL;
}

int swale_app_new(const struct swale_app_config *config, swale_app **out) {
  struct swale_app_config known;
  *out = NULL;
  int rv = read_config(&known, config);
  if (rv < 0)
    return rv;
  struct swale_env env;
  swale__env_copy(&env, known.env);
  swale_app *app = swale__zalloc(&env.allocator, sizeof *app);
  if (!app)
    return SWALE_ENOMEM;
  app->env = env;
  app->connect_timeout_ms = known.connect_timeout_ms;
  app->keep = known.keep;
  app->consumers_max = known.consumers_max;
  app->on_error = known.on_error;
  app->user = known.user;
  atomic_init(&app->consumers, 0);
  atomic_init(&app->frozen, false);
  app->routes.app = app;
  *out = app;
  return SWALE_OK;
}

int swale_app_free(swale_app *app) {
  if (!app)
    return SWALE_OK;
  if (swale_app_consumers(app) > 0)
    return SWALE_ESTATE;
  struct swale_allocator a = app->env.allocator;
  swale__routes_clear(&app->routes);
  swale__converter_free_all(&app->converters, &a);
  for (size_t i = 0; i < app->n_layers; i++)
    swale__free(&a, app->layers[i].alias);
  swale__free(&a, app->layers);
  swale__free(&a, app->channels);
  swale__free(&a, app->guards.items);
  swale__free(&a, app);
  return SWALE_OK;
}

/* ---- setting up ----------------------------------------------------------------------------- */

swale_layer *swale__app_find_layer(const swale_app *app, const char *alias) {
  if (!alias)
    alias = "default";
  for (size_t i = 0; i < app->n_layers; i++)
    if (strcmp(app->layers[i].alias, alias) == 0)
      return app->layers[i].layer;
  return NULL;
}

int swale_app_layer(swale_app *app, const char *alias, swale_layer *layer) {
  if (!layer)
    return SWALE_EINVAL;
  if (app->frozen)
    return SWALE_ESTATE;
  if (!alias)
    alias = "default";
  if (swale__app_find_layer(app, alias))
    return SWALE_EEXIST;
  const struct swale_allocator *a = &app->env.allocator;
  struct swale__app_layer *layers = swale__realloc_array(a, app->layers, app->n_layers + 1, sizeof *layers);
  if (!layers)
    return SWALE_ENOMEM;
  app->layers = layers;
  size_t size = strlen(alias) + 1;
  char *copy = swale__malloc(a, size);
  if (!copy)
    return SWALE_ENOMEM;
  layers[app->n_layers++] = (struct swale__app_layer){layer, memcpy(copy, alias, size)};
  return SWALE_OK;
}

swale_routes *swale_app_routes(swale_app *app) { return &app->routes; }

int swale_app_route(swale_app *app, const char *pattern, const struct swale_consumer_class *consumer) {
  return swale_routes_add(&app->routes, pattern, consumer);
}

int swale_app_default(swale_app *app, const struct swale_consumer_class *consumer) {
  if (app->frozen)
    return SWALE_ESTATE;
  int rv = swale__class_check(consumer);
  if (rv == SWALE_OK)
    app->fallback = consumer;
  return rv;
}

int swale_app_converter(swale_app *app, const struct swale_converter *converter) {
  if (app->frozen)
    return SWALE_ESTATE;
  return swale__converter_add(&app->converters, converter, &app->env.allocator);
}

int swale_app_guard(swale_app *app, swale_guard_fn guard, void *arg) {
  if (!guard)
    return SWALE_EINVAL;
  if (app->frozen)
    return SWALE_ESTATE;
  return swale__guards_add(&app->guards, guard, arg, &app->env.allocator);
}

int swale_app_has_guard(const swale_app *app, swale_guard_fn guard) {
  if (swale__guards_have(&app->guards, guard))
    return 1;
  for (const struct swale_routes *set = &app->routes; set; set = set->next)
    if (swale__guards_have(&set->guards, guard))
      return 1;
  return 0;
}

static bool has_channel(const swale_app *app, const char *name) {
  for (size_t i = 0; i < app->n_channels; i++)
    if (strcmp(app->channels[i].name, name) == 0)
      return true;
  return false;
}

int swale_app_channel(swale_app *app, const char *channel, const struct swale_consumer_class *consumer) {
  if (app->frozen)
    return SWALE_ESTATE;
  if (!swale__name_is_group(channel)) /* a name with "!" is no plain channel */
    return SWALE_ENAME;
  int rv = swale__class_check(consumer);
  if (rv < 0)
    return rv;
  if (has_channel(app, channel))
    return SWALE_EEXIST;
  struct swale__app_channel *channels =
      swale__realloc_array(&app->env.allocator, app->channels, app->n_channels + 1, sizeof *channels);
  if (!channels)
    return SWALE_ENOMEM;
  app->channels = channels;
  struct swale__app_channel *added = &channels[app->n_channels++];
  added->consumer = consumer;
  memcpy(added->name, channel, strlen(channel) + 1);
  return SWALE_OK;
}

size_t swale__app_channels(const swale_app *app) { return app->n_channels; }

const char *swale__app_channel_name(const swale_app *app, size_t i) { return app->channels[i].name; }

const struct swale_consumer_class *swale__app_channel_class(const swale_app *app, size_t i) {
  return app->channels[i].consumer;
}

/* ---- running -------------------------------------------------------------------------------- */

/* Looks first, so that connections opened by many threads do not fight for the cache line. */
void swale__app_freeze(swale_app *app) {
  if (!atomic_load_explicit(&app->frozen, memory_order_relaxed))
    app->frozen = true;
}

int swale__app_admit(swale_app *app) {
  size_t alive = atomic_load_explicit(&app->consumers, memory_order_relaxed);
  do
    if (alive >= app->consumers_max)
      return SWALE_EFULL;
  while (!atomic_compare_exchange_weak(&app->consumers, &alive, alive + 1));
  return SWALE_OK;
}

void swale__app_dismiss(swale_app *app) { app->consumers--; }

size_t swale_app_consumers(const swale_app *app) { return app->consumers; }

void swale__app_report(const swale_app *app, const struct swale_report *report) {
  if (app->on_error)
    app->on_error(report, app->user);
}

void swale_app_report(swale_app *app, swale_consumer *c, int error, const char *detail) {
  swale__app_report(app, &(struct swale_report){SWALE_REPORT_TRANSPORT, c, error, detail});
}

static int refuse(const swale_app *app, const swale_scope *scope, int status) {
  swale__app_report(app, &(struct swale_report){SWALE_REPORT_REFUSED, NULL, status, swale_scope_path(scope)});
  return status;
}

/* Asks the guards of the app, then those of `set` and the sets around it, the outermost first. */
static int ask_guards(const swale_app *app, const struct swale_routes *set, swale_scope *scope) {
  const struct swale_routes *sets[SWALE__ROUTES_DEPTH_MAX + 1];
  size_t n = 0;
  for (; set; set = set->outer)
    sets[n++] = set;
  int answer = swale__guards_ask(&app->guards, scope);
  while (answer == 0 && n > 0)
    answer = swale__guards_ask(&sets[--n]->guards, scope);
  return answer;
}

int swale__app_resolve(swale_app *app, swale_scope **scope, const struct swale_consumer_class **out) {
  struct swale__found found;
  int rv = swale__routes_find(&app->routes, swale_scope_path(*scope), &found);
  if (rv == SWALE_ENOTFOUND && app->fallback) {
    found.consumer = app->fallback;
    found.set = NULL;
    found.n_captures = 0;
  } else if (rv == SWALE_ENOTFOUND) {
    return refuse(app, *scope, 404);
  } else if (rv < 0) {
    return rv;
  }
  rv = swale__scope_set_params(scope, found.captures, found.n_captures);
  if (rv < 0)
    return rv;
  int answer = ask_guards(app, found.set, *scope);
  if (answer >= 400 && answer <= 599)
    return refuse(app, *scope, answer);
  if (answer != 0) {
    swale__app_report(app, &(struct swale_report){SWALE_REPORT_CALLBACK, NULL, answer, "guard"});
    return refuse(app, *scope, 500);
  }
  *out = found.consumer;
  return SWALE_OK;
}

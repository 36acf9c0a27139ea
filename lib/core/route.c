/* SPDX-License-Identifier: MIT */
#include "core/route.h"

#include <string.h>

#include <swale/error.h>

#include "core/app.h"
#include "core/env.h"
#include "core/name.h"

#define STATE_SIZE_MAX (1024u * 1024u)

/* Either what serves the path, or a set of routes for the rest of it. */
struct swale__route {
  struct swale__pattern *pattern;
  const struct swale_consumer_class *consumer;
  struct swale_routes *nested;
};

static const struct swale_allocator *allocator_of(const struct swale_routes *set) {
  return &set->app->env.allocator;
}

/* ---- guards --------------------------------------------------------------------------------- */

int swale__guards_add(struct swale__guards *guards, swale_guard_fn ask, void *arg,
                      const struct swale_allocator *a) {
  struct swale__guard *items = swale__realloc_array(a, guards->items, guards->n + 1, sizeof *items);
  if (!items)
    return SWALE_ENOMEM;
  items[guards->n++] = (struct swale__guard){ask, arg};
  guards->items = items;
  return SWALE_OK;
}

bool swale__guards_have(const struct swale__guards *guards, swale_guard_fn ask) {
  for (size_t i = 0; i < guards->n; i++)
    if (guards->items[i].ask == ask)
      return true;
  return false;
}

int swale__guards_ask(const struct swale__guards *guards, swale_scope *scope) {
  int answer = 0;
  for (size_t i = 0; i < guards->n && answer == 0; i++)
    answer = guards->items[i].ask(scope, guards->items[i].arg);
  return answer;
}

int swale_routes_guard(swale_routes *routes, swale_guard_fn guard, void *arg) {
  if (!guard)
    return SWALE_EINVAL;
  if (routes->app->frozen)
    return SWALE_ESTATE;
  return swale__guards_add(&routes->guards, guard, arg, allocator_of(routes));
}

/* ---- adding --------------------------------------------------------------------------------- */

int swale__class_check(const struct swale_consumer_class *consumer) {
  if (!consumer || consumer->state_size > STATE_SIZE_MAX)
    return SWALE_EINVAL;
  for (size_t i = 0; i < sizeof consumer->reserved / sizeof consumer->reserved[0]; i++)
    if (consumer->reserved[i])
      return SWALE_EINVAL;
  for (const struct swale_handler *handler = consumer->handlers; handler && handler->type; handler++)
    if (!handler->handle)
      return SWALE_EINVAL;
  for (const char *const *group = consumer->groups; group && *group; group++)
    if (!swale__name_is_group(*group))
      return SWALE_ENAME;
  return SWALE_OK;
}

/* Puts a route behind the others; one of `consumer` and `nested` is NULL. */
static int append(struct swale_routes *set, const char *text, const struct swale_consumer_class *consumer,
                  struct swale_routes *nested) {
  const struct swale_allocator *a = allocator_of(set);
  struct swale__route *routes = swale__realloc_array(a, set->routes, set->n_routes + 1, sizeof *routes);
  if (!routes)
    return SWALE_ENOMEM;
  set->routes = routes;
  struct swale__pattern *pattern;
  int rv = swale__pattern_new(text, set->app->converters, SWALE__PARAMS_MAX - set->n_params, a, &pattern);
  if (rv < 0)
    return rv;
  routes[set->n_routes++] = (struct swale__route){pattern, consumer, nested};
  return SWALE_OK;
}

int swale_routes_add(swale_routes *routes, const char *pattern, const struct swale_consumer_class *consumer) {
  if (routes->app->frozen)
    return SWALE_ESTATE;
  int rv = swale__class_check(consumer);
  return rv < 0 ? rv : append(routes, pattern, consumer, NULL);
}

int swale_routes_nest(swale_routes *routes, const char *prefix, swale_routes **nested) {
  swale_app *app = routes->app;
  if (app->frozen)
    return SWALE_ESTATE;
  if (routes->depth == SWALE__ROUTES_DEPTH_MAX)
    return SWALE_EDEPTH;
  struct swale_routes *set = swale__malloc(&app->env.allocator, sizeof *set);
  if (!set)
    return SWALE_ENOMEM;
  int rv = append(routes, prefix, NULL, set);
  if (rv < 0) {
    swale__free(&app->env.allocator, set);
    return rv;
  }
  *set = (struct swale_routes){
      .app = app,
      .outer = routes,
      .next = app->routes.next,
      .depth = routes->depth + 1,
      .n_params = routes->n_params + routes->routes[routes->n_routes - 1].pattern->n,
  };
  app->routes.next = set;
  *nested = set;
  return SWALE_OK;
}

static void clear(struct swale_routes *set, const struct swale_allocator *a) {
  for (size_t i = 0; i < set->n_routes; i++)
    swale__pattern_free(set->routes[i].pattern, a);
  swale__free(a, set->routes);
  swale__free(a, set->guards.items);
}

void swale__routes_clear(struct swale_routes *root) {
  const struct swale_allocator *a = allocator_of(root);
  clear(root, a);
  while (root->next) {
    struct swale_routes *set = root->next;
    root->next = set->next;
    clear(set, a);
    swale__free(a, set);
  }
}

/* ---- finding -------------------------------------------------------------------------------- */

/* How far the search has come in one set of routes. */
struct place {
  const struct swale_routes *set;
  size_t next;
  const char *rest; /* of the path, for this set */
  size_t n_captures;
};

static const char *skip_slashes(const char *path) { return path + strspn(path, "/"); }

/*
 * Depth first, with the places of the sets around kept on a stack. A set can be entered through its one
 * prefix only, so every route is held against the path once at most.
 */
int swale__routes_find(const struct swale_routes *root, const char *path, struct swale__found *found) {
  const struct swale_allocator *a = allocator_of(root);
  const char *end = path + strlen(path);
  struct place places[SWALE__ROUTES_DEPTH_MAX + 1];
  struct place *place = places;
  *place = (struct place){root, 0, skip_slashes(path), 0};
  for (;;) {
    if (place->next == place->set->n_routes) {
      if (place == places)
        return SWALE_ENOTFOUND;
      place--;
      continue;
    }
    const struct swale__route *route = &place->set->routes[place->next++];
    size_t taken;
    int rv = swale__pattern_match(route->pattern, place->rest, (size_t)(end - place->rest), !route->nested, a,
                                  found->captures + place->n_captures, &taken);
    if (rv < 0)
      return rv;
    if (rv == 0)
      continue;
    size_t n_captures = place->n_captures + route->pattern->n;
    if (!route->nested) {
      found->consumer = route->consumer;
      found->set = place->set;
      found->n_captures = n_captures;
      return SWALE_OK;
    }
    place[1] = (struct place){route->nested, 0, skip_slashes(place->rest + taken), n_captures};
    place++;
  }
}

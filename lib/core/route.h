/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_ROUTE_H
#define SWALE_CORE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include <swale/app.h>

#include "core/pattern.h"

/* How deep sets of routes may be nested in the app's own. */
#define SWALE__ROUTES_DEPTH_MAX 16

struct swale__guard {
  swale_guard_fn ask;
  void *arg;
};

struct swale__guards {
  struct swale__guard *items;
  size_t n;
};

struct swale__route;

struct swale_routes {
  swale_app *app;
  struct swale_routes *outer; /* NULL: the app's own set */
  struct swale_routes *next;  /* behind the app's own set: all others, whatever they are nested in */
  unsigned depth;
  size_t n_params; /* of the prefixes so far */
  struct swale__route *routes;
  size_t n_routes;
  struct swale__guards guards;
};

/* What a path led to. */
struct swale__found {
  const struct swale_consumer_class *consumer;
  const struct swale_routes *set;
  struct swale__capture captures[SWALE__PARAMS_MAX]; /* text in the path that was given */
  size_t n_captures;
};

/* The first route that matches the path, leading slashes stripped. 0, SWALE_ENOTFOUND, SWALE_ENOMEM. */
int swale__routes_find(const struct swale_routes *root, const char *path, struct swale__found *found);

/* Frees the contents of the app's own set and all sets below it. */
void swale__routes_clear(struct swale_routes *root);

/* SWALE_ENOMEM */
int swale__guards_add(struct swale__guards *guards, swale_guard_fn ask, void *arg,
                      const struct swale_allocator *a);
bool swale__guards_have(const struct swale__guards *guards, swale_guard_fn ask);

/* Asks one after the other: 0, or what the first that refuses answers. */
int swale__guards_ask(const struct swale__guards *guards, swale_scope *scope);

/* Whether a class may be used: 0, SWALE_EINVAL, SWALE_ENAME (a group). */
int swale__class_check(const struct swale_consumer_class *consumer);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_APP_H
#define SWALE_CORE_APP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/app.h>

#include "core/converter.h"
#include "core/route.h"

struct swale__app_layer;
struct swale__app_channel;

struct swale_app {
  struct swale_env env;
  uint32_t connect_timeout_ms;
  unsigned keep;
  uint32_t consumers_max;
  void (*on_error)(const struct swale_report *report, void *user);
  void *user;

  _Atomic size_t consumers;
  atomic_bool frozen;

  struct swale_routes routes; /* the app's own set */
  struct swale__guards guards;
  const struct swale_consumer_class *fallback; /* swale_app_default */
  struct swale__converter *converters;         /* the app's own, by their links */
  struct swale__app_layer *layers;
  struct swale__app_channel *channels;
  size_t n_layers, n_channels;
};

/* From now on setting up is SWALE_ESTATE. Any thread, as often as one likes. */
void swale__app_freeze(swale_app *app);

/* Counts one consumer; SWALE_EFULL at consumers_max. Each success needs one dismiss. Any thread. */
int swale__app_admit(swale_app *app);
void swale__app_dismiss(swale_app *app);

/* NULL alias: "default". NULL when there is none of this alias. */
swale_layer *swale__app_find_layer(const swale_app *app, const char *alias);

/*
 * Finds the route of the scope's path, gives the scope its parameters (it moves), asks the guards: the app's, then
 * those of the sets, outer ones first. 0 and *out; or the status to refuse the request with, reported: 404
 * without a route, a guard's, 500 for other answers of a guard; or SWALE_ENOMEM.
 */
int swale__app_resolve(swale_app *app, swale_scope **scope, const struct swale_consumer_class **out);

/* Tells on_error, if there is one. Nobody else calls that. */
void swale__app_report(const swale_app *app, const struct swale_report *report);

/* The channels of swale_app_channel. */
size_t swale__app_channels(const swale_app *app);
const char *swale__app_channel_name(const swale_app *app, size_t i);
const struct swale_consumer_class *swale__app_channel_class(const swale_app *app, size_t i);

#endif

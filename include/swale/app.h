/* SPDX-License-Identifier: MIT */
#ifndef SWALE_APP_H
#define SWALE_APP_H

#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/consumer.h>
#include <swale/env.h>
#include <swale/error.h>
#include <swale/layer.h>
#include <swale/loop.h>
#include <swale/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An application: routes, guards, layers by alias, limits. It is set up by one thread and frozen when its
 * first connection opens; from then on setting up is SWALE_ESTATE and every thread may use it.
 */

/* What a scope keeps besides type, path, parameters and what guards set. */
enum swale_keep {
  SWALE_KEEP_HEADERS = 1, /* and scheme, client, server */
  SWALE_KEEP_QUERY = 2,   /* and the raw path */
  SWALE_KEEP_SUBPROTOCOLS = 4,
  SWALE_KEEP_ALL = 7
};

/* What went wrong outside of any call that could answer it. */
struct swale_report {
  enum {
    SWALE_REPORT_UNHANDLED, /* a message whose type the class does not handle; detail: the type */
    SWALE_REPORT_CALLBACK,  /* a callback returned non-zero, a guard no status; detail: which */
    SWALE_REPORT_REFUSED,   /* a guard or route refused a request; error: the status; detail: the path */
    SWALE_REPORT_TRANSPORT  /* the transport ended the connection; detail: why */
  } kind;
  swale_consumer *consumer; /* NULL when there is none */
  int error;                /* what was returned, an enum swale_error, or a status */
  const char *detail;       /* valid during the call */
};

struct swale_app_config {
  size_t size;                 /* set by swale_app_config_default */
  const struct swale_env *env; /* NULL: the C library; copied */
  uint32_t connect_timeout_ms; /* an undecided connect is rejected with 503 after this; default 5,000 */
  unsigned keep;               /* enum swale_keep: what of the request outlives connect; default 0 */
  uint32_t consumers_max;      /* consumers alive at once, further ones get 503; default 1,000,000 */

  /* Told of errors nobody could be answered with. On the thread of the loop concerned; may call nothing that
   * frees the loop or app. */
  void (*on_error)(const struct swale_report *report, void *user);
  void *user; /* also swale_consumer_user */
};

#define swale_app_config_default(config) swale_app_config_init((config), sizeof *(config))
SWALE_API void swale_app_config_init(struct swale_app_config *config, size_t size);

/* `config` may be NULL. Errors: SWALE_ENOMEM, SWALE_EINVAL. */
SWALE_API int swale_app_new(const struct swale_app_config *config, swale_app **out);

/* SWALE_ESTATE, and nothing happens, while consumers of this app are alive. NULL is fine. */
SWALE_API int swale_app_free(swale_app *app);

/*
 * Gives the layer an alias; NULL means "default". The layer must outlive the app. Errors: SWALE_EEXIST,
 * SWALE_ENOMEM, SWALE_ESTATE, SWALE_EINVAL (no layer).
 */
SWALE_API int swale_app_layer(swale_app *app, const char *alias, swale_layer *layer);

/*
 * Routes. A pattern is Django's path(): literal text and parameters "<converter:name>" or "<name>", matched
 * against the whole path without its leading slashes; the first that matches wins. Converters: str (no "/",
 * not empty), int (0..INT64_MAX, at most 19 digits), slug (letters, digits, "-", "_"), uuid (lower-case),
 * path (anything, not empty), and the app's own.
 *     swale_app_route(app, "ws/chat/<slug:room>/", &chat);
 * Errors: SWALE_EFORMAT a malformed pattern, also one with a "/" at its start, SWALE_ENOTFOUND an unknown
 * converter, SWALE_EDUPLICATE a parameter twice, SWALE_EFULL more than 16 parameters (those of outer sets
 * count), SWALE_EINVAL a class that cannot be used, SWALE_ENAME one of its groups, SWALE_ENOMEM,
 * SWALE_ESTATE. `consumer` must outlive the app.
 */
SWALE_API int swale_app_route(swale_app *app, const char *pattern,
                              const struct swale_consumer_class *consumer);

/*
 * What serves paths that no route matches, behind the app's guards; without it they are refused with 404.
 * Errors: SWALE_EINVAL, SWALE_ENAME, SWALE_ESTATE.
 */
SWALE_API int swale_app_default(swale_app *app, const struct swale_consumer_class *consumer);

/*
 * A set of routes below a common prefix. The app's own set is swale_app_routes. If nothing in a nested set
 * matches, the search goes on behind it. The prefix takes as much of the path as it can, and what is left
 * loses its leading slashes, too. The set belongs to the app. Errors as swale_app_route, and SWALE_EDEPTH:
 * nested more than 16 deep. A name of an outer parameter may be used again, the inner one wins.
 */
typedef struct swale_routes swale_routes;
SWALE_API swale_routes *swale_app_routes(swale_app *app);
SWALE_API int swale_routes_add(swale_routes *routes, const char *pattern,
                               const struct swale_consumer_class *consumer);
SWALE_API int swale_routes_nest(swale_routes *routes, const char *prefix, swale_routes **nested);

/*
 * A converter of the app's own. `match` is asked whether these characters of the decoded path (never empty)
 * are a value; returns 0 and may set type and value (str by default), or non-zero for no. With `slashes` the
 * text may contain "/". It must be a pure function, and a quick one: where the pattern leaves a choice it is
 * asked for several lengths, the longest first. Errors: SWALE_EEXIST, SWALE_ENAME, SWALE_EINVAL (no
 * `match`), SWALE_ENOMEM, SWALE_ESTATE. The struct is copied, its name too.
 */
struct swale_converter {
  const char *name;
  int slashes;
  int (*match)(const char *text, size_t len, struct swale_param *param, void *user);
  void *user;
};
SWALE_API int swale_app_converter(swale_app *app, const struct swale_converter *converter);

/*
 * A guard sees every connection of the app (or of a set of routes) before its consumer exists, in the order
 * added, outer sets first. It returns 0 to let it pass, or an HTTP status 400..599 to refuse it; anything
 * else counts as 500 and is reported. Errors of adding: SWALE_EINVAL (no function), SWALE_ENOMEM,
 * SWALE_ESTATE.
 */
typedef int (*swale_guard_fn)(swale_scope *scope, void *arg);
SWALE_API int swale_app_guard(swale_app *app, swale_guard_fn guard, void *arg);
SWALE_API int swale_routes_guard(swale_routes *routes, swale_guard_fn guard, void *arg);
/* 1 if the app or any of its sets of routes has this guard, else 0. */
SWALE_API int swale_app_has_guard(const swale_app *app, swale_guard_fn guard);

/*
 * Workers: a consumer class that listens on a plain channel. swale_app_serve starts one consumer per
 * registered channel on this loop (call it once per loop that shall work); several loops share a channel's
 * messages. A worker's connect runs in swale_app_serve's place at the next swale_loop_run (unless it
 * rejects, it has accepted), its handlers as messages come; it lives until swale_close or the loop's end.
 * Errors of swale_app_channel: SWALE_ENAME (also a name with "!", or a group of the class), SWALE_EEXIST,
 * SWALE_EINVAL, SWALE_ENOMEM, SWALE_ESTATE; of swale_app_serve, and then no worker was started:
 * SWALE_ENOTFOUND no layer of the class's alias, SWALE_ENOMEM, SWALE_ERANDOM, SWALE_EFULL, SWALE_ESTATE the
 * loop is being freed.
 */
SWALE_API int swale_app_channel(swale_app *app, const char *channel,
                                const struct swale_consumer_class *consumer);
SWALE_API int swale_app_serve(swale_app *app, swale_loop *loop);

/* Consumers of this app alive now, all loops. Any thread. */
SWALE_API size_t swale_app_consumers(const swale_app *app);

#ifdef __cplusplus
}
#endif

#endif

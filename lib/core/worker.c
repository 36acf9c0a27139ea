/* SPDX-License-Identifier: MIT */
/* Workers: consumers that listen on a plain channel. They have no transport; `transport` is the channel. */
#include "core/app.h"
#include "core/consumer.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/scope.h"

int swale__worker_listen(swale_consumer *c) {
  swale_layer *layer = c->port->layer;
  struct swale__wakes wakes = {0};
  swale__layer_lock(layer);
  int rv = swale__plain_add_worker(layer, c->transport, c, &wakes);
  swale__layer_finish(layer, &wakes);
  return rv;
}

/* The class's groups stay with the channel while there is another worker, who may be about to listen. */
static void leave_class_groups(swale_consumer *c, struct swale__plain *p) {
  swale_layer *layer = c->port->layer;
  for (const char *const *name = c->class->groups; name && *name; name++) {
    struct swale__group *g = swale__group_find(layer, *name);
    struct swale__membership *m = g ? swale__membership_find(g, &p->channel) : NULL;
    if (m)
      swale__membership_end(layer, m);
  }
}

void swale__worker_stop(swale_consumer *c) {
  swale_layer *layer = c->port->layer;
  struct swale__plain *p = c->transport;
  struct swale__wakes wakes = {0};
  swale__layer_lock(layer);
  swale__plain_remove_worker(layer, p, c);
  if (p->holds == 1)
    leave_class_groups(c, p);
  swale__plain_release(layer, p);
  swale__layer_finish(layer, &wakes);
  c->transport = NULL; /* what is still in the inbox for this worker keeps the consumer, not the channel */
}

void swale__worker_missed(swale_consumer *c) {
  struct swale__plain *p = c->transport;
  if (!p)
    return;
  swale__layer_lock(c->port->layer);
  p->dropped++;
  swale__layer_unlock(c->port->layer);
}

static int hold_plain(swale_layer *layer, const char *channel, struct swale__plain **out) {
  swale__layer_lock(layer);
  int rv = swale__plain_get(layer, channel, out);
  if (rv == 0)
    (*out)->holds++;
  swale__layer_unlock(layer);
  return rv;
}

static void release_plain(swale_layer *layer, struct swale__plain *p) {
  swale__layer_lock(layer);
  swale__plain_release(layer, p);
  swale__layer_unlock(layer);
}

static int worker_new(swale_app *app, swale_loop *loop, const char *channel,
                      const struct swale_consumer_class *cls, struct swale__plain *p, swale_consumer **out) {
  swale_scope *scope;
  if (swale__app_admit(app) < 0)
    return SWALE_EFULL;
  int rv = swale__scope_new_channel(&app->env.allocator, channel, &scope);
  if (rv == 0 && (rv = swale__consumer_new(app, loop, cls, NULL, p, scope, out)) < 0)
    swale__scope_free(scope, &app->env.allocator);
  if (rv < 0)
    swale__app_dismiss(app);
  return rv;
}

static int worker_start(swale_app *app, swale_loop *loop, const char *channel,
                        const struct swale_consumer_class *cls) {
  swale_layer *layer = swale__app_find_layer(app, cls->layer);
  swale_consumer *c;
  struct swale__plain *p;
  if (!layer)
    return SWALE_ENOTFOUND;
  int rv = hold_plain(layer, channel, &p);
  if (rv < 0)
    return rv;
  rv = worker_new(app, loop, channel, cls, p, &c);
  if (rv < 0) {
    release_plain(layer, p);
    return rv;
  }
  swale__consumer_schedule(c, SWALE__JOB_START);
  return 0;
}

/* Ends the workers started last, before they connect. */
static void take_back(swale_loop *loop, size_t n) {
  for (swale_consumer *c = loop->consumers; n > 0; n--, c = c->next)
    swale_consumer_lost(c, 1006);
}

int swale_app_serve(swale_app *app, swale_loop *loop) {
  if (loop->ending || loop->drain)
    return SWALE_ESTATE;
  swale__app_freeze(app);
  size_t n = swale__app_channels(app);
  for (size_t i = 0; i < n; i++) {
    int rv = worker_start(app, loop, swale__app_channel_name(app, i), swale__app_channel_class(app, i));
    if (rv < 0) {
      take_back(loop, i);
      return rv;
    }
  }
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* From a request to a consumer whose connect was called, at once or when its groups are joined. */
#include "core/app.h"
#include "core/consumer.h"
#include "core/drain.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/scope.h"

static int join_class_groups(swale_consumer *c) {
  int rv = 0;
  for (const char *const *g = c->class->groups; rv == 0 && g && *g; g++)
    rv = swale_join(c, *g);
  return rv;
}

static int prepare(swale_consumer *c) {
  struct swale__running running;
  if (!c->class->prepare)
    return 0;
  swale__running_begin(c->port->loop, &running, c);
  int rv = c->class->prepare(c);
  swale__running_end(c->port->loop);
  return rv;
}

static void connect_now(swale_consumer *c) {
  struct swale__running running;
  c->connected = true;
  swale__running_begin(c->port->loop, &running, c);
  int rv = c->class->connect ? c->class->connect(c) : swale_accept(c, NULL);
  swale__running_end(c->port->loop);
  if (rv == 0 && swale__consumer_is_worker(c) && c->stage == SWALE__UNDECIDED)
    rv = swale_accept(c, NULL);
  if (rv != 0)
    swale__consumer_failed(c, rv, "connect");
  else if (c->stage == SWALE__UNDECIDED)
    swale__decision_watch(c);
}

/* Until others' messages to the groups arrive, or until the decision's time is up. */
static void wait_for_groups(swale_consumer *c) {
  struct swale__decision *d = c->decision;
  struct swale__port *port = c->port;
  d->link = &port->joining;
  d->next = port->joining;
  if (d->next)
    d->next->link = &d->next;
  port->joining = d;
  port->joins++;
  swale__decision_watch(c);
}

static void refuse_unprepared(swale_consumer *c, int error, const char *what) {
  swale__app_report(c->port->app, &(struct swale_report){SWALE_REPORT_CALLBACK, c, error, what});
  swale_reject(c, 500, NULL);
}

void swale__consumer_connect(swale_consumer *c) {
  if (c->stage != SWALE__UNDECIDED)
    return;
  int rv = join_class_groups(c);
  if (rv < 0) {
    refuse_unprepared(c, rv, "groups");
    return;
  }
  rv = prepare(c);
  if (c->stage != SWALE__UNDECIDED)
    return;
  if (rv != 0) {
    refuse_unprepared(c, rv, "prepare");
  } else if (c->decision->ticket > 0 &&
             !swale__outside_settled(&c->port->layer->outside, c->decision->ticket)) {
    wait_for_groups(c);
    swale__port_connect_joined(c->port); /* they may have been joined since */
  } else {
    connect_now(c);
  }
}

struct swale__decision *swale__port_find_joined(const struct swale__port *port) {
  for (struct swale__decision *d = port->joining; d; d = d->next)
    if (swale__outside_settled(&port->layer->outside, d->ticket))
      return d;
  return NULL;
}

void swale__port_connect_joined(struct swale__port *port) {
  struct swale__decision *d;
  while ((d = swale__port_find_joined(port))) {
    swale__decision_stop_waiting(d);
    if (d->consumer->stage == SWALE__UNDECIDED)
      connect_now(d->consumer);
  }
}

/* What to answer the peer when its request makes no scope: a status if the fault is his. */
static int status_of(int error) {
  return error == SWALE_EFORMAT || error == SWALE_EUTF8 || error == SWALE_ESIZE ? 400 : error;
}

/* From a request's scope to a consumer: 0, a status, or an error. */
static int admit(swale_app *app, swale_loop *loop, const struct swale_transport_class *kind, void *transport,
                 swale_scope **scope, swale_consumer **out) {
  const struct swale_consumer_class *cls = NULL;
  int rv = swale__app_resolve(app, scope, &cls);
  if (rv != 0)
    return rv;
  if (swale__drain_refuses(loop) || swale__app_admit(app) < 0)
    return 503;
  rv = swale__consumer_new(app, loop, cls, kind, transport, *scope, out);
  if (rv < 0)
    swale__app_dismiss(app);
  return rv;
}

int swale_consumer_open(swale_app *app, swale_loop *loop, const struct swale_request *request,
                        const struct swale_transport_class *transport_class, void *transport,
                        swale_consumer **out) {
  *out = NULL;
  if (loop->ending)
    return SWALE_ESTATE;
  swale_scope *scope;
  swale__app_freeze(app);
  int rv = swale__scope_new(&app->env.allocator, transport_class->type, request, &scope);
  if (rv < 0)
    return status_of(rv);
  swale_loop_enter(loop);
  swale_consumer *c;
  rv = admit(app, loop, transport_class, transport, &scope, &c);
  if (rv == 0) {
    *out = c;
    swale__consumer_connect(c);
  } else {
    swale__scope_free(scope, &app->env.allocator);
  }
  swale_loop_leave(loop);
  return rv;
}

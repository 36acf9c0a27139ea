/* SPDX-License-Identifier: MIT */
#include "core/consumer.h"

#include <string.h>

#include "core/app.h"
#include "core/deliver.h"
#include "core/drain.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/scope.h"
#include "core/send.h"

static const struct swale_allocator *memory(const swale_consumer *c) { return &c->port->loop->env.allocator; }

/* The user's state stands behind the struct, aligned for any type. */
#define ALIGNMENT _Alignof(max_align_t)
#define STATE_OFFSET ((sizeof(struct swale_consumer) + ALIGNMENT - 1) & ~(ALIGNMENT - 1))

static size_t size_with(size_t state) {
  return state > 0 ? STATE_OFFSET + state : sizeof(struct swale_consumer);
}

struct swale__channel *swale__consumer_channel(swale_consumer *c) {
  return swale__consumer_is_worker(c) ? &((struct swale__plain *)c->transport)->channel : &c->channel;
}

/* ---- beginning ---- */

static void link_to_loop(swale_consumer *c, swale_loop *loop) {
  c->next = loop->consumers;
  c->link = &loop->consumers;
  if (c->next)
    c->next->link = &c->next;
  loop->consumers = c;
  loop->n_consumers++;
}

static void unlink_from_loop(swale_consumer *c) {
  *c->link = c->next;
  if (c->next)
    c->next->link = c->link;
  c->port->loop->n_consumers--;
  swale__drain_follow(c->port->loop, c);
}

static void run_job(struct swale_job *job);

static int enter_layer(swale_consumer *c) {
  swale_layer *layer = c->port->layer;
  if (!layer)
    return 0;
  if (layer->env.random(&c->salt, sizeof c->salt, layer->env.user) != 0)
    return SWALE_ERANDOM;
  swale__layer_lock(layer);
  int rv = swale__slot_take(layer, c, &c->slot);
  swale__layer_unlock(layer);
  return rv;
}

static void leave_layer(swale_consumer *c) {
  swale_layer *layer = c->port->layer;
  struct swale__wakes wakes = {0};
  if (!layer)
    return;
  swale__layer_lock(layer);
  swale__channel_leave_all(layer, &c->channel);
  swale__slot_leave(layer, c->slot);
  swale__layer_finish(layer, &wakes);
  swale__channel_free_groups(&c->channel, &layer->env.allocator);
}

static struct swale__decision *decision_new(swale_consumer *c) {
  struct swale__decision *d = swale__zalloc(memory(c), sizeof *d);
  if (d)
    d->consumer = c;
  return d;
}

int swale__consumer_new(swale_app *app, swale_loop *loop, const struct swale_consumer_class *cls,
                        const struct swale_transport_class *kind, void *transport, swale_scope *scope,
                        swale_consumer **out) {
  struct swale__port *port = swale__port_get(loop, app, swale__app_find_layer(app, cls->layer), kind);
  if (!port)
    return SWALE_ENOMEM;
  swale_consumer *c = swale__zalloc(&loop->env.allocator, size_with(cls->state_size));
  if (!c)
    return SWALE_ENOMEM;
  c->class = cls;
  c->port = port;
  c->transport = transport;
  c->scope = scope;
  c->job.run = run_job;
  atomic_init(&c->refs, 1);
  c->decision = decision_new(c);
  int rv = c->decision ? enter_layer(c) : SWALE_ENOMEM;
  if (rv < 0) {
    swale__free(&loop->env.allocator, c->decision);
    swale__free(&loop->env.allocator, c);
    return rv;
  }
  link_to_loop(c, loop);
  *out = c;
  return 0;
}

/* ---- the job ---- */

void swale__consumer_schedule(swale_consumer *c, unsigned duty) {
  c->duties = (uint8_t)(c->duties | duty);
  swale_loop_defer(c->port->loop, &c->job);
}

void swale__consumer_update(swale_consumer *c) {
  bool open = c->stage == SWALE__OPEN && !c->paused;
  c->receptive = open && swale__queue_depth(&c->queue) == 0;
  if (open && swale__queue_depth(&c->queue) > 0)
    swale__consumer_schedule(c, SWALE__JOB_DRAIN);
  if (c->class->pressure && c->stage == SWALE__OPEN && c->told_high != c->paused)
    swale__consumer_schedule(c, SWALE__JOB_PRESSURE);
}

static void settle(swale_consumer *c) {
  swale__decision_free(c);
  if (c->scope)
    c->scope = swale__scope_settle(c->scope, c->port->app->keep);
}

static void call_disconnect(swale_consumer *c) {
  if (!c->connected || !c->class->disconnect)
    return;
  int rv = c->class->disconnect(c, c->code);
  if (rv != 0)
    swale__app_report(c->port->app, &(struct swale_report){SWALE_REPORT_CALLBACK, c, rv, "disconnect"});
}

static void end(swale_consumer *c) {
  call_disconnect(c);
  c->stage = SWALE__ENDED;
  while (swale__queue_depth(&c->queue) > 0)
    swale__consumer_drop_oldest(c, SWALE_DROP_CLOSED);
  if (swale__consumer_is_worker(c))
    swale__worker_stop(c);
  leave_layer(c);
  swale__decision_free(c);
  swale__scope_free(c->scope, &c->port->app->env.allocator);
  c->scope = NULL;
  unlink_from_loop(c);
  swale__app_dismiss(c->port->app);
  swale__consumer_unref(c);
}

static void tell_pressure(swale_consumer *c) {
  if (c->stage != SWALE__OPEN || c->told_high == c->paused)
    return;
  struct swale__running running;
  swale__running_begin(c->port->loop, &running, c);
  c->told_high = c->paused;
  int rv = c->class->pressure(c, c->paused, swale_waiting(c));
  swale__running_end(c->port->loop);
  if (rv != 0)
    swale__consumer_failed(c, rv, "pressure");
}

static void run_job(struct swale_job *job) {
  swale_consumer *c = (swale_consumer *)((char *)job - offsetof(struct swale_consumer, job));
  unsigned duties = c->duties;
  c->duties = 0;
  if (duties & SWALE__JOB_START)
    swale__consumer_connect(c);
  if (duties & SWALE__JOB_END) {
    end(c);
    return;
  }
  if (duties & SWALE__JOB_SETTLE)
    settle(c);
  if (duties & SWALE__JOB_PRESSURE)
    tell_pressure(c);
  if (duties & SWALE__JOB_DRAIN) {
    swale__deliver_waiting(c);
    swale__consumer_update(c);
  }
}

/* ---- ending ---- */

void swale_consumer_lost(swale_consumer *c, int code) {
  if (c->stage >= SWALE__LOST)
    return;
  c->stage = SWALE__LOST;
  c->code = (uint16_t)code;
  swale__consumer_update(c);
  swale__consumer_schedule(c, SWALE__JOB_END);
}

void swale__consumer_failed(swale_consumer *c, int error, const char *callback) {
  swale__app_report(c->port->app, &(struct swale_report){SWALE_REPORT_CALLBACK, c, error, callback});
  if (c->stage == SWALE__UNDECIDED)
    swale_reject(c, 500, NULL);
  else
    swale_close(c, 1011, NULL);
}

void swale__consumer_unref(swale_consumer *c) {
  if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
    swale__free(memory(c), c);
}

/* ---- messages ---- */

int swale__consumer_post(swale_consumer *c, swale_message *m, bool always, struct swale__wakes *wakes) {
  struct swale_layer *layer = c->port->layer;
  struct swale__entry entry = {
      .consumer = c,
      .message = m,
      .epoch = atomic_load_explicit(&layer->epoch, memory_order_relaxed),
  };
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  swale_message_ref(m);
  int64_t rv = swale__loop_post(c->port->loop, entry, always, wakes);
  if (rv >= 0)
    return 0;
  swale_message_unref(m);
  atomic_fetch_sub_explicit(&c->refs, 1, memory_order_relaxed);
  return (int)rv;
}

void swale__consumer_drop(swale_consumer *c, enum swale_drop_reason reason, swale_message *m) {
  swale_layer *layer = c->port->layer;
  uint32_t before = atomic_load_explicit(&c->dropped, memory_order_relaxed);
  atomic_store_explicit(&c->dropped, before + 1, memory_order_relaxed);
  swale__count(&c->port->dropped[reason], 1);
  if (swale__consumer_is_worker(c))
    swale__worker_missed(c);
  char name[SWALE_NAME_SIZE];
  swale__drops_note(&layer->drops, &layer->env.allocator, reason, swale_channel_name(c, name), m, 1);
}

void swale__consumer_drop_oldest(swale_consumer *c, enum swale_drop_reason reason) {
  swale_message *m = swale__queue_pop(&c->queue, &c->port->expiry, memory(c));
  swale__count(&c->port->waiting, (uint64_t)-1);
  swale__consumer_drop(c, reason, m);
  swale_message_unref(m);
}

int swale_consumer_deliver(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  if (c->stage != SWALE__OPEN)
    return c->stage == SWALE__UNDECIDED ? SWALE_ESTATE : SWALE_ECLOSED;
  if (swale_consumer_is_busy(c))
    return SWALE_ESTATE;
  if (!c->class->receive)
    return 0;
  struct swale__running running;
  swale__running_begin(c->port->loop, &running, c);
  int rv = c->class->receive(c, kind, data, len);
  swale__running_end(c->port->loop);
  if (rv != 0)
    swale__consumer_failed(c, rv, "receive");
  return 0;
}

int swale_consumer_is_busy(const swale_consumer *c) {
  for (const struct swale__running *r = c->port->loop->callback; r; r = r->outer)
    if (r->consumer == c)
      return 1;
  return 0;
}

void swale_consumer_pause(swale_consumer *c) {
  c->paused = true;
  swale__consumer_update(c);
}

void swale_consumer_resume(swale_consumer *c) {
  c->paused = false;
  swale__consumer_update(c);
}

/* ---- getters ---- */

void *swale_state(swale_consumer *c) { return c->class->state_size ? (char *)c + STATE_OFFSET : NULL; }
const struct swale_consumer_class *swale_consumer_class_of(const swale_consumer *c) { return c->class; }
size_t swale_waiting(const swale_consumer *c) {
  const struct swale_transport_class *kind = c->port->kind;
  return kind && kind->waiting && c->stage < SWALE__LOST ? kind->waiting(c->transport) : 0;
}

swale_scope *swale_consumer_scope(swale_consumer *c) { return c->scope; }
swale_app *swale_consumer_app(const swale_consumer *c) { return c->port->app; }
swale_loop *swale_consumer_loop(const swale_consumer *c) { return c->port->loop; }
swale_layer *swale_consumer_layer(const swale_consumer *c) { return c->port->layer; }
void *swale_consumer_user(const swale_consumer *c) { return c->port->app->user; }

void *swale_consumer_transport(const swale_consumer *c, const struct swale_transport_class *transport_class) {
  return c->port->kind == transport_class && c->stage < SWALE__LOST ? c->transport : NULL;
}

const char *swale_channel_name(const swale_consumer *c, char name[SWALE_NAME_SIZE]) {
  if (swale__consumer_is_worker(c))
    return strcpy(name, c->transport ? ((const struct swale__plain *)c->transport)->name : "");
  if (!c->port->layer)
    return strcpy(name, "");
  swale__id_name(c->port->layer, swale__consumer_id(c), name);
  return name;
}

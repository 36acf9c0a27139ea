/* SPDX-License-Identifier: MIT */
#include "core/deliver.h"

#include <string.h>

#include "core/app.h"
#include "core/group.h"
#include "core/layer.h"
#include "core/loop.h"

/*
 * Delivery: from an inbox entry to handlers.
 *
 * The books are kept so that every message that was offered is accounted for once. An entry says how many
 * members there were when it was sent. Each of them that is still there is delivered to, queued for, or
 * dropped; the rest have left since, and are dropped as closed. Counting is done in local variables and
 * entered when the entry is done.
 */
struct delivery {
  struct swale__running *running; /* apart, so that the rest can stay in registers */
  swale_message *message;
  const struct swale_consumer_class *class; /* the handler below is this class's */
  int (*handle)(swale_consumer *, swale_message *);
  uint64_t delivered, unhandled;
};

static void look_up_handler(struct delivery *d, swale_consumer *c) {
  const char *type = swale_message_type(d->message);
  d->class = c->class;
  d->handle = NULL;
  for (const struct swale_handler *h = c->class->handlers; h && h->type; h++)
    if (strcmp(h->type, type) == 0) {
      d->handle = h->handle;
      return;
    }
  swale__app_report(c->port->app, &(struct swale_report){SWALE_REPORT_UNHANDLED, c, SWALE_ENOTFOUND, type});
}

static inline void handle(struct delivery *d, swale_consumer *c) {
  d->running->consumer = c;
  if (c->class != d->class)
    look_up_handler(d, c);
  d->delivered++;
  if (!d->handle) {
    d->unhandled++;
    return;
  }
  int rv = d->handle(c, d->message);
  if (rv != 0)
    swale__consumer_failed(c, rv, "handler");
}

static void finish(struct swale__port *port, const struct delivery *d) {
  swale__running_end(port->loop);
  swale__count(&port->delivered, d->delivered);
  if (d->unhandled)
    swale__count(&port->unhandled, d->unhandled);
}

/* ---- messages that cannot be handled now ---- */

static uint32_t capacity_of(const swale_consumer *c) {
  const swale_layer *layer = c->port->layer;
  if (layer->n_capacities == 0)
    return layer->capacity;
  char name[SWALE_NAME_SIZE];
  return swale__layer_capacity(layer, swale_channel_name(c, name));
}

/* When a message expires that begins to wait now. */
static uint64_t expiry_of(const swale_consumer *c) { return c->port->loop->now + c->port->layer->expiry_ms; }

/* Puts the message in the place of one that is about the same, if one waits. */
static bool conflate(swale_consumer *c, swale_message *m, const struct swale__topic *topic) {
  swale_message *old = swale__queue_replace(&c->queue, &c->port->expiry, m, expiry_of(c), topic);
  if (!old)
    return false;
  swale__consumer_drop(c, SWALE_DROP_CONFLATED, old);
  swale_message_unref(old);
  return true;
}

static void queue_message(swale_consumer *c, swale_message *m, uint32_t tag) {
  struct swale__port *port = c->port;
  if (swale__queue_push(&c->queue, &port->expiry, &port->loop->env.allocator, m, expiry_of(c), tag) < 0) {
    swale__consumer_drop(c, SWALE_DROP_NOMEM, m);
    return;
  }
  swale__count(&port->waiting, 1);
  swale__port_watch_expiry(port);
}

static void close_slow(swale_consumer *c) {
  if (c->stage == SWALE__UNDECIDED)
    swale_reject(c, 503, "too slow");
  else
    swale_close(c, 1013, "too slow");
}

/* The consumer cannot take the message now: wait, or drop as its class says. */
static void hold_back(swale_consumer *c, swale_message *m) {
  if (c->stage >= SWALE__CLOSING) {
    swale__consumer_drop(c, SWALE_DROP_CLOSED, m);
    return;
  }
  struct swale__topic topic = swale__topic_of(m, c->class->conflate_key);
  if (conflate(c, m, &topic))
    return;
  if (swale__queue_depth(&c->queue) >= capacity_of(c)) {
    if (c->class->overflow != SWALE_OVERFLOW_DROP_OLDEST) {
      swale__consumer_drop(c, SWALE_DROP_FULL, m);
      if (c->class->overflow == SWALE_OVERFLOW_CLOSE)
        close_slow(c);
      return;
    }
    swale__consumer_drop_oldest(c, SWALE_DROP_FULL);
  }
  queue_message(c, m, topic.tag);
}

static inline void offer(struct delivery *d, swale_consumer *c) {
  if (c->receptive)
    handle(d, c);
  else
    hold_back(c, d->message);
}

/* ---- entries ---- */

static void drop_unreached(struct swale__port *port, enum swale_drop_reason reason, swale_message *m,
                           uint64_t n) {
  if (n == 0)
    return;
  swale__count(&port->dropped[reason], n);
  swale__drops_note(&port->layer->drops, &port->layer->env.allocator, reason, "", m, n);
}

/*
 * Memory that handling a message takes is asked for ahead, since the members of a large group are never in the cache:
 * a consumer when its turn comes in FAR places, and what it sends with, which it leads to, in NEAR.
 */
enum { FAR = 12, NEAR = 6, LINE = 64, SLICE = 128 };

static inline const swale_consumer *consumer_at(const struct swale__walk *walk, uint32_t i) {
  return i < walk->count ? (const swale_consumer *)swale__place_channel(&walk->places[i]) : NULL;
}

static inline void look_ahead(const struct swale__walk *walk, uint32_t i) {
  const swale_consumer *far = consumer_at(walk, i + FAR), *near = consumer_at(walk, i + NEAR);
  if (far)
    __builtin_prefetch(&far->class);
  if (near) {
    __builtin_prefetch(near->transport, 1);
    __builtin_prefetch((const char *)near->transport + LINE, 1);
  }
}

/*
 * Offers the message to everyone in [i, end) who was a member when it was sent and still is; returns how many
 * that were.
 */
static inline uint64_t walk_slice(const struct swale__walk *walk, uint32_t i, uint32_t end, uint64_t sequence,
                                  struct delivery *d) {
  bool all_older = walk->youngest < sequence;
  uint64_t reached = 0;
  for (; i < end; i++) {
    look_ahead(walk, i);
    struct swale__channel *ch = swale__place_channel(&walk->places[i]);
    if (!ch || (!all_older && walk->places[i].joined >= sequence))
      continue;
    reached++;
    offer(d, (swale_consumer *)ch);
  }
  return reached;
}

/*
 * Likewise everyone in the lane. Sending is put off to jobs, so that several messages go out together. Where
 * this is the only one there is nothing to wait for: with jobs done every SLICE members, what a member takes
 * is still in the cache when it is written to.
 */
static uint64_t walk_members(const struct swale__walk *walk, struct swale__entry *e, bool is_last,
                             struct delivery *d) {
  swale_loop *loop = e->lane->port->loop;
  uint32_t slice = is_last && !loop->newest_job ? SLICE : walk->count;
  uint64_t reached = 0;
  for (uint32_t i = 0, end; i < walk->count; i = end) {
    end = walk->count - i > slice ? i + slice : walk->count;
    reached += walk_slice(walk, i, end, e->sequence, d);
    d->running->consumer = NULL;
    if (end < walk->count)
      swale__loop_run_jobs(loop);
  }
  return reached;
}

static void deliver_to_group(struct swale__entry *e, bool flushed, bool is_last) {
  struct swale__port *port = e->lane->port;
  struct swale__running running;
  struct delivery d = {.running = &running, .message = e->message};
  swale__running_begin(port->loop, &running, NULL);
  struct swale__walk walk = swale__lane_walk(e->lane);
  uint64_t reached = flushed ? 0 : walk_members(&walk, e, is_last, &d);
  swale__lane_settle(e->lane, e->sequence);
  finish(port, &d);
  drop_unreached(port, flushed ? SWALE_DROP_FLUSHED : SWALE_DROP_CLOSED, e->message, e->members - reached);
  swale__count(&port->taken, e->members);
}

static void deliver_to_consumer(struct swale__entry *e, bool flushed) {
  swale_consumer *c = e->consumer;
  struct swale__port *port = c->port;
  struct swale__running running;
  struct delivery d = {.running = &running, .message = e->message};
  swale__running_begin(port->loop, &running, NULL);
  if (flushed)
    swale__consumer_drop(c, SWALE_DROP_FLUSHED, e->message);
  else
    offer(&d, c);
  finish(port, &d);
  swale__count(&port->taken, 1);
  swale__consumer_unref(c);
}

/* Begins at a cache line: the walk, which is part of it, takes a fifth longer from an odd place. */
__attribute__((aligned(64))) void swale__deliver_entry(struct swale__entry *e, bool is_last) {
  bool is_group = e->members > 0;
  swale_layer *layer = is_group ? e->lane->port->layer : e->consumer->port->layer;
  bool flushed = e->epoch != atomic_load_explicit(&layer->epoch, memory_order_acquire);
  if (is_group)
    deliver_to_group(e, flushed, is_last);
  else
    deliver_to_consumer(e, flushed);
  swale_message_unref(e->message);
}

/* ---- the queue of a consumer that takes messages again ---- */

void swale__deliver_waiting(swale_consumer *c) {
  struct swale__port *port = c->port;
  while (swale__queue_depth(&c->queue) > 0 && c->stage == SWALE__OPEN && !c->paused) {
    swale__port_follow_flush(port); /* a handler may have flushed */
    if (swale__queue_depth(&c->queue) == 0)
      break;
    struct swale__running running;
    struct delivery d = {.running = &running,
                         .message = swale__queue_pop(&c->queue, &port->expiry, &port->loop->env.allocator)};
    swale__running_begin(port->loop, &running, c);
    swale__count(&port->waiting, (uint64_t)-1);
    handle(&d, c);
    finish(port, &d);
    swale_message_unref(d.message);
  }
}

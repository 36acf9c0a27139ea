/* SPDX-License-Identifier: MIT */
#include "core/port.h"

#include <stddef.h>

#include "core/consumer.h"
#include "core/layer.h"
#include "core/loop.h"

/* Drops what has waited in this port's queues for longer than the layer allows. */
static void expire_queues(struct swale__port *port) {
  struct swale__queue *q;
  while ((q = swale__expiry_due(&port->expiry, port->loop->now)))
    swale__consumer_drop_oldest(swale__consumer_of_queue(q), SWALE_DROP_EXPIRED);
}

static void time_is_up(struct swale_timer *timer) {
  struct swale__port *port = (struct swale__port *)((char *)timer - offsetof(struct swale__port, timer));
  expire_queues(port);
  swale__port_watch_expiry(port);
}

void swale__port_watch_expiry(struct swale__port *port) {
  const struct swale__queued *oldest = port->expiry.oldest;
  if (!oldest || swale_timer_armed(&port->timer))
    return;
  uint64_t now = port->loop->now;
  swale_timer_start(port->loop, &port->timer, oldest->expires > now ? oldest->expires - now : 0);
}

static void enter_layer(struct swale__port *port) {
  swale_layer *layer = port->layer;
  swale__layer_lock(layer);
  port->link_in_layer = &layer->ports;
  port->next_in_layer = layer->ports;
  if (layer->ports)
    layer->ports->link_in_layer = &port->next_in_layer;
  layer->ports = port;
  port->epoch = atomic_load(&layer->epoch);
  swale__layer_unlock(layer);
}

struct swale__port *swale__port_get(swale_loop *loop, swale_app *app, swale_layer *layer,
                                    const struct swale_transport_class *kind) {
  for (struct swale__port *p = loop->ports; p; p = p->next_in_loop)
    if (p->app == app && p->layer == layer && p->kind == kind)
      return p;
  struct swale__port *port = swale__zalloc(&loop->env.allocator, sizeof *port);
  if (!port)
    return NULL;
  port->loop = loop;
  port->app = app;
  port->layer = layer;
  port->kind = kind;
  port->timer.fire = time_is_up;
  port->next_in_loop = loop->ports;
  loop->ports = port;
  if (layer)
    enter_layer(port);
  return port;
}

static void hand_over_counts(struct swale__port *port) {
  struct swale__books *b = &port->layer->books;
  b->taken += swale__counted(&port->taken);
  b->delivered += swale__counted(&port->delivered);
  b->unhandled += swale__counted(&port->unhandled);
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    b->dropped[i] += swale__counted(&port->dropped[i]);
}

void swale__port_free(struct swale__port *port) {
  if (port->layer) {
    swale__layer_lock(port->layer);
    *port->link_in_layer = port->next_in_layer;
    if (port->next_in_layer)
      port->next_in_layer->link_in_layer = port->link_in_layer;
    hand_over_counts(port);
    swale__layer_unlock(port->layer);
  }
  swale_timer_stop(port->loop, &port->timer);
  swale__free(&port->loop->env.allocator, port);
}

void swale__port_follow_flush(struct swale__port *port) {
  if (!port->layer)
    return;
  expire_queues(port);
  unsigned epoch = atomic_load_explicit(&port->layer->epoch, memory_order_acquire);
  if (epoch == port->epoch)
    return;
  port->epoch = epoch;
  while (port->expiry.oldest)
    swale__consumer_drop_oldest(swale__consumer_of_queue(port->expiry.oldest->queue), SWALE_DROP_FLUSHED);
}

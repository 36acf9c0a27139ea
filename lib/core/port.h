/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_PORT_H
#define SWALE_CORE_PORT_H

#include <stdatomic.h>
#include <stdint.h>

#include <swale/app.h>
#include <swale/layer.h>
#include <swale/loop.h>
#include <swale/transport.h>

#include "core/queue.h"

struct swale__decision;

/*
 * A port is where a loop lies in a layer: what all consumers of one app, layer, loop and kind of transport
 * have in common, so that each of them needs one pointer. `layer` is NULL for an app without layers. The port
 * lives as long as its loop.
 *
 * The counts have one writer, the loop's thread; whoever reads statistics reads them as atomics.
 */
struct swale__port {
  swale_loop *loop;
  swale_app *app;
  swale_layer *layer;
  const struct swale_transport_class *kind; /* NULL: workers */
  struct swale__port *next_in_loop;
  struct swale__port *next_in_layer, **link_in_layer; /* under the layer's lock */

  struct swale__expiry expiry; /* of what waits in its consumers' queues */
  struct swale_timer timer;    /* for the oldest of them */
  unsigned epoch;              /* of the layer, as far as it was followed */

  /* Consumers whose class's groups are being joined: how many, and they, in any order. */
  atomic_uint joins;
  struct swale__decision *joining;

  _Atomic uint64_t taken;   /* of what was offered: no longer in the inbox */
  _Atomic uint64_t waiting; /* in consumers' queues now */
  _Atomic uint64_t delivered, unhandled, dropped[SWALE_DROP_REASONS];
};

/* Adds to a count that only this thread writes. */
static inline void swale__count(_Atomic uint64_t *counter, uint64_t n) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                        memory_order_relaxed);
}

static inline uint64_t swale__counted(_Atomic uint64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

/* The loop's port of these, made if need be; NULL without memory. The loop's thread. */
struct swale__port *swale__port_get(swale_loop *loop, swale_app *app, swale_layer *layer,
                                    const struct swale_transport_class *kind);

/* Ends the port: its counts go over to the layer. The loop's thread, with no consumer left. */
void swale__port_free(struct swale__port *port);

/* Arms the port's timer for the oldest waiting message. The loop's thread. */
void swale__port_watch_expiry(struct swale__port *port);

/*
 * Drops what waits in the queues if the layer has been flushed since, or if it has expired: before new
 * messages come, which need the room. The loop's thread.
 */
void swale__port_follow_flush(struct swale__port *port);

/* A consumer whose groups have been joined meanwhile, or NULL. The loop's thread. */
struct swale__decision *swale__port_find_joined(const struct swale__port *port);

/* Connects consumers whose groups have been joined. The loop's thread. */
void swale__port_connect_joined(struct swale__port *port);

#endif

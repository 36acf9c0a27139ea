/* SPDX-License-Identifier: MIT */
#ifndef EDGE_H
#define EDGE_H

#include <stdbool.h>
#include <sys/queue.h>

#include <swale/adapters/epoll.h>
#include <swale/redis.h>
#include <swale/swale.h>
#include <swale/ws.h>

struct connection;

/* One thread with one epoll loop, which is also the layer's home: it talks to Redis. */
struct edge {
  swale_layer *layer;
  swale_app *app;
  swale_loop *loop;
  swale_origins *origins;
  struct swale_ws_options options;
  struct swale_epoll redis; /* the layer's sockets */
  int epoll, waker, listener, signals;
  bool stopping;
  LIST_HEAD(, connection) connections;
};

/* ---- board.c: what happens on a WebSocket ---- */

extern const struct swale_consumer_class board;

/* ---- connections.c ---- */

/* Takes all who knock. */
void connections_accept(struct edge *e);
void connection_event(struct connection *c, unsigned events);
void connection_output(swale_ws *ws, void *connection);
/* Tells everybody that it is over; they end by themselves. */
void connections_close(struct edge *e);

#endif

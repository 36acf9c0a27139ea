/* SPDX-License-Identifier: MIT */
/* WebSocket connections whose wire is memory: what they write is counted and thrown away at once. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <swale/ws.h>

#include "world.h"

struct wire {
  struct world *world;
  struct swale_ws_options options;
  swale_ws **connections;
  size_t count, room;
  uint64_t frames, bytes; /* written so far: calls of swale_ws_ack, and their bytes */
};

/*
 * Routes for rooms are added to the world's app: "ws/room/<int:room>/". A text that a client sends is group_sent to all, bytes are
 * thrown away; the text in a message of type "relay" is sent to the client as it is.
 */
void wire_open(struct wire *w, struct world *world, size_t room);
void wire_close(struct wire *w);

/* One more connection, handshake done. The request has this many bytes more in headers of the kind browsers send. */
void wire_connect(struct wire *w, size_t header_bytes);

/* The client of connection `i` sends this, fewer than 126 bytes. */
void wire_say(struct wire *w, size_t i, enum swale_kind kind, const char *text);

#endif

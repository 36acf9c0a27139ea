/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* ---- the consumer ---- */

static int on_connect(swale_consumer *c) { return swale_accept(c, NULL); }

static int on_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  const struct swale_env *env = swale_loop_env(swale_consumer_loop(c));
  if (kind != SWALE_TEXT)
    return 0;
  swale_message *m = swale_message_new_with("relay", 0, &env->allocator);
  if (!m)
    return SWALE_ENOMEM;
  swale_message_add_strn(m, "text", data, len);
  int rv = swale_group_send(swale_consumer_layer(c), "all", m);
  swale_message_unref(m);
  return rv < 0 ? rv : 0;
}

static int on_relay(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, world_render, NULL);
}

static const char *const everybody[] = {"all", NULL};
static const struct swale_handler handlers[] = {{"relay", on_relay}, {NULL, NULL}};
static const struct swale_consumer_class member = {
    .groups = everybody, .connect = on_connect, .receive = on_receive, .handlers = handlers};

/* ---- the wire ---- */

static void on_output(swale_ws *ws, void *host_data) {
  struct wire *w = host_data;
  struct iovec iov[64];
  int n;
  while ((n = swale_ws_peek(ws, iov, 64)) > 0) {
    size_t bytes = 0;
    for (int i = 0; i < n; i++)
      bytes += iov[i].iov_len;
    must(swale_ws_ack(ws, bytes), "swale_ws_ack");
    w->frames += (uint64_t)n;
    w->bytes += bytes;
  }
}

void wire_open(struct wire *w, struct world *world, size_t room) {
  *w = (struct wire){.world = world, .room = room, .connections = must_alloc(room * sizeof(swale_ws *))};
  swale_ws_options_default(&w->options);
  w->options.on_output = on_output;
  must(swale_app_route(world->app, "ws/room/<int:room>/", &member), "swale_app_route");
}

void wire_close(struct wire *w) {
  for (size_t i = 0; i < w->count; i++)
    swale_ws_free(w->connections[i]);
  swale_loop_run(w->world->loop);
  free(w->connections);
}

/* A request with some cookie, so that the headers have the wanted length. */
static int print_request(char *request, size_t size, size_t number, size_t header_bytes) {
  int n = snprintf(
      request, size,
      "GET /ws/room/%zu/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
      number % 1000);
  if (header_bytes > 0) {
    static const char cookie[] =
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nCookie: session=";
    size_t fill = header_bytes - (sizeof cookie - 1) - 2;
    n += snprintf(request + n, size - (size_t)n, "%s", cookie);
    memset(request + n, 'c', fill);
    n += (int)fill;
    n += snprintf(request + n, size - (size_t)n, "\r\n");
  }
  return n + snprintf(request + n, size - (size_t)n, "\r\n");
}

void wire_connect(struct wire *w, size_t header_bytes) {
  char request[4096];
  swale_ws *ws;
  int n = print_request(request, sizeof request, w->count, header_bytes);
  must(swale_ws_new(w->world->app, w->world->loop, &w->options, NULL, NULL, w, &ws), "swale_ws_new");
  w->connections[w->count++] = ws;
  must(swale_ws_feed(ws, request, (size_t)n), "swale_ws_feed");
  on_output(ws, w);
  if (swale_ws_state(ws) != SWALE_WS_WANT_READ)
    die("the handshake failed");
}

void wire_say(struct wire *w, size_t i, enum swale_kind kind, const char *text) {
  unsigned char frame[6 + 125] = {(unsigned char)(0x80 | kind), 0, 1, 2, 3, 4};
  size_t len = strlen(text);
  frame[1] = (unsigned char)(0x80 | len);
  for (size_t n = 0; n < len; n++)
    frame[6 + n] = (unsigned char)text[n] ^ frame[2 + n % 4];
  must(swale_ws_feed(w->connections[i], frame, 6 + len), "swale_ws_feed");
}

/* SPDX-License-Identifier: MIT */
/* The smallest transport there can be: it keeps what the consumer says, and what it closes with. */
#ifndef SWALE_TESTS_JSON_PEER_H
#define SWALE_TESTS_JSON_PEER_H

#include <unit.h>

#include <swale/swale.h>
#include <swale/transport.h>

struct peer {
  swale_layer *layer;
  swale_loop *loop;
  swale_app *app;
  swale_consumer *consumer;
  swale_payload *payload; /* the last one it was sent */
  int close_code;
  char close_reason[124];
};

static inline int peer_accept(void *transport, const char *subprotocol, const struct swale_header *headers,
                              size_t n_headers) {
  (void)transport, (void)subprotocol, (void)headers, (void)n_headers;
  return 0;
}

static inline int peer_send(void *transport, swale_payload *payload) {
  struct peer *p = transport;
  swale_payload_unref(p->payload);
  p->payload = swale_payload_ref(payload);
  return 0;
}

static inline int peer_close(void *transport, uint16_t code, const char *reason) {
  struct peer *p = transport;
  p->close_code = code;
  strcpy(p->close_reason, reason);
  swale_consumer_lost(p->consumer, code);
  p->consumer = NULL;
  return 0;
}

static const struct swale_transport_class peer_class = {
    .type = "websocket", .accept = peer_accept, .send = peer_send, .close = peer_close};

/* A peer in a world of its own, connected to a consumer of this class. */
static inline int peer_open(struct peer *p, const struct swale_env *env,
                            const struct swale_consumer_class *served) {
  struct swale_loop_config loop;
  struct swale_app_config app;
  struct swale_layer_config layer;
  struct swale_request request = {.size = sizeof request, .target = "/", .scheme = "ws"};
  memset(p, 0, sizeof *p);
  swale_loop_config_default(&loop);
  swale_app_config_default(&app);
  swale_layer_config_default(&layer);
  loop.env = app.env = layer.env = env;
  app.user = p;
  int rv = swale_layer_open("memory://", &layer, &p->layer, NULL, 0);
  if (rv == 0)
    rv = swale_loop_new(&loop, &p->loop);
  if (rv == 0)
    rv = swale_app_new(&app, &p->app);
  if (rv == 0)
    rv = swale_app_layer(p->app, NULL, p->layer);
  if (rv == 0)
    rv = swale_app_route(p->app, "", served);
  if (rv == 0)
    rv = swale_consumer_open(p->app, p->loop, &request, &peer_class, p, &p->consumer);
  return rv;
}

static inline int peer_says(struct peer *p, enum swale_kind kind, const void *data, size_t len) {
  swale_loop_enter(p->loop);
  int rv = swale_consumer_deliver(p->consumer, kind, data, len);
  swale_loop_leave(p->loop);
  return rv;
}

static inline void peer_end(struct peer *p) {
  swale_payload_unref(p->payload);
  assert_int_equal(swale_loop_free(p->loop), 0);
  assert_int_equal(swale_app_free(p->app), 0);
  assert_int_equal(swale_layer_free(p->layer), 0);
}

static inline void assert_heard(const struct peer *p, const char *text) {
  size_t len;
  assert_non_null(p->payload);
  assert_int_equal(swale_payload_kind(p->payload), SWALE_TEXT);
  const void *bytes = swale_payload_bytes(p->payload, &len);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(bytes, text, len);
}

#endif

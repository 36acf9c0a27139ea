/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* ---- a transport to nowhere ---- */

static int accept_any(void *transport, const char *subprotocol, const struct swale_header *headers,
                      size_t n) {
  (void)subprotocol, (void)headers, (void)n;
  ++*(size_t *)transport;
  return 0;
}

static int reject_none(void *transport, int status, const struct swale_header *headers, size_t n,
                       const char *body) {
  (void)transport, (void)status, (void)headers, (void)n, (void)body;
  return 0;
}

static int send_nowhere(void *transport, swale_payload *payload) {
  (void)transport, (void)payload;
  return 0;
}

static int send_bytes_nowhere(void *transport, enum swale_kind kind, const void *bytes, size_t len) {
  (void)transport, (void)kind, (void)bytes, (void)len;
  return 0;
}

static int close_nothing(void *transport, uint16_t code, const char *reason) {
  (void)transport, (void)code, (void)reason;
  return 0;
}

static const struct swale_transport_class nowhere = {
    .type = "nowhere",
    .accept = accept_any,
    .reject = reject_none,
    .send = send_nowhere,
    .send_bytes = send_bytes_nowhere,
    .close = close_nothing,
};

/* ---- the world ---- */

static swale_loop *new_loop(const struct world *w, bool asks, void (*wake)(void *user), void *user,
                            uint32_t batch) {
  struct swale_loop_config config;
  swale_loop *loop;
  swale_loop_config_default(&config);
  config.env = w->env;
  config.wake = wake;
  config.user = user;
  config.host_asks_timeout = asks;
  if (batch > 0)
    config.inbox_batch = batch;
  must(swale_loop_new(&config, &loop), "swale_loop_new");
  return loop;
}

swale_loop *world_loop(const struct world *w, void (*wake)(void *user), void *user, uint32_t batch) {
  return new_loop(w, false, wake, user, batch);
}

void world_open_on(struct world *w, swale_layer *layer, const struct swale_env *env, unsigned keep,
                   void (*wake)(void *user), void *user) {
  struct swale_app_config app;
  *w = (struct world){.env = env, .layer = layer};
  w->loop = new_loop(w, true, wake, user, 0);
  swale_app_config_default(&app);
  app.env = env;
  app.keep = keep;
  must(swale_app_new(&app, &w->app), "swale_app_new");
  must(swale_app_layer(w->app, NULL, w->layer), "swale_app_layer");
}

void world_open(struct world *w, const struct swale_env *env, unsigned keep) {
  struct swale_layer_config config;
  swale_layer *layer;
  swale_layer_config_default(&config);
  config.env = env;
  must(swale_layer_open("memory://", &config, &layer, NULL, 0), "swale_layer_open");
  world_open_on(w, layer, env, keep, NULL, NULL);
}

void world_close(struct world *w) {
  must(swale_loop_free(w->loop), "swale_loop_free");
  must(swale_app_free(w->app), "swale_app_free");
  must(swale_layer_free(w->layer), "swale_layer_free");
}

void world_populate(struct world *w, swale_loop *loop, size_t count, swale_consumer **out) {
  struct swale_request request = {.size = sizeof request, .target = "/", .scheme = "ws"};
  for (size_t i = 0; i < count; i++) {
    swale_consumer *c = NULL;
    if (must(swale_consumer_open(w->app, loop, &request, &nowhere, &w->accepted, &c),
             "swale_consumer_open") != 0)
      die("a consumer was refused");
    if (out)
      out[i] = c;
    if (i % 1024 == 0)
      swale_loop_run(loop);
  }
  while (swale_loop_timeout_ms(loop) == 0)
    swale_loop_run(loop);
}

swale_message *world_message(const struct world *w, const char *type, size_t size) {
  swale_message *m = swale_message_new_with(type, 0, w->env ? &w->env->allocator : NULL);
  char *text = must_alloc(size);
  memset(text, 'x', size);
  if (!m || swale_message_add_strn(m, "text", text, size) < 0)
    die("no message");
  free(text);
  return m;
}

int world_render(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  (void)arg;
  return swale_buffer_append(out, text, len);
}

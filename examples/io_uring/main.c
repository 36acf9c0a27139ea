/* SPDX-License-Identifier: MIT */
/*
 * A relay on io_uring: every text a client sends goes to all clients.
 *
 *     io_uring 9001
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <swale/swale.h>

#include "host.h"

static int on_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  if (kind != SWALE_TEXT)
    return 0;
  swale_message *m = swale_message_new("relay");
  swale_message_add_strn(m, "text", data, len);
  int rv = swale_group_send(swale_consumer_layer(c), "all", m);
  swale_message_unref(m);
  return rv < 0 ? rv : 0;
}

static int render_text(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  (void)arg;
  return swale_buffer_append(out, text, len);
}

static int on_relay(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render_text, NULL);
}

static const char *const groups[] = {"all", NULL};
static const struct swale_handler handlers[] = {{"relay", on_relay}, {NULL, NULL}};
static const struct swale_consumer_class relay = {
    .name = "relay",
    .groups = groups,
    .receive = on_receive,
    .handlers = handlers,
};

int main(int argc, char **argv) {
  char why[128] = "";
  swale_layer *layer = NULL;
  swale_app *app = NULL;
  int port = argc > 1 ? atoi(argv[1]) : 9001;
  int rv = swale_layer_open("memory://", NULL, &layer, why, sizeof why);
  if (rv == 0)
    rv = swale_app_new(NULL, &app);
  if (rv == 0)
    rv = swale_app_layer(app, NULL, layer);
  if (rv == 0)
    rv = swale_app_default(app, &relay);
  if (rv < 0) {
    fprintf(stderr, "%s %s\n", swale_strerror(rv), why);
    return 1;
  }
  printf("ws://127.0.0.1:%d/\n", port);
  fflush(stdout);
  rv = host_serve(app, (uint16_t)port);
  fprintf(stderr, "io_uring: %s\n", strerror(-rv));
  swale_app_free(app);
  swale_layer_free(layer);
  return 1;
}

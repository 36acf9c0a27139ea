/* SPDX-License-Identifier: MIT */
/* What a consumer says to its peer again and again: messages. Quietly, as in answer.c. */
#include <swale/utf8.h>

#include "core/consumer.h"
#include "core/loop.h"

static int may_send(const swale_consumer *c) {
  if (swale__consumer_is_worker(c))
    return SWALE_EUNSUPPORTED;
  if (c->stage == SWALE__UNDECIDED)
    return SWALE_ESTATE;
  return c->stage == SWALE__OPEN ? 0 : SWALE_ECLOSED;
}

static int send_bytes(swale_consumer *c, enum swale_kind kind, const void *bytes, size_t len) {
  swale_loop_enter(c->port->loop);
  int rv = c->port->kind->send_bytes(c->transport, kind, bytes, len);
  swale_loop_leave_quietly(c->port->loop);
  return rv;
}

static int send_payload(swale_consumer *c, swale_payload *payload) {
  swale_loop_enter(c->port->loop);
  int rv = c->port->kind->send(c->transport, payload);
  swale_loop_leave_quietly(c->port->loop);
  return rv;
}

int swale_send_text(swale_consumer *c, const char *text, size_t len) {
  int rv = may_send(c);
  if (rv < 0)
    return rv;
  return swale_utf8_valid(text, len) ? send_bytes(c, SWALE_TEXT, text, len) : SWALE_EUTF8;
}

int swale_send_bytes(swale_consumer *c, const void *bytes, size_t len) {
  int rv = may_send(c);
  return rv < 0 ? rv : send_bytes(c, SWALE_BINARY, bytes, len);
}

int swale_send_payload(swale_consumer *c, swale_payload *payload) {
  int rv = may_send(c);
  return rv < 0 ? rv : send_payload(c, payload);
}

int swale_send_rendered(swale_consumer *c, swale_message *m, enum swale_kind kind, swale_render_fn render,
                        void *arg) {
  swale_payload *payload;
  int rv = may_send(c);
  if (rv == 0)
    rv = swale_message_render(m, kind, render, arg, &payload);
  return rv < 0 ? rv : send_payload(c, payload);
}

/* SPDX-License-Identifier: MIT */
#include "testing/communicator.h"

#include <stdio.h>

static void release(swale_communicator *p, char **text) {
  p->allocator.free(*text, p->allocator.user);
  *text = NULL;
}

/* ---- answers ------------------------------------------------------------------------------ */

static int copy_text(swale_communicator *p, char **to, const char *from) {
  *to = from ? swale__testing_copy(&p->allocator, from) : NULL;
  return from && !*to ? SWALE_ENOMEM : 0;
}

static int copy_headers(swale_communicator *p, const struct swale_header *headers, size_t n) {
  int rv = 0;
  for (size_t i = 0; rv == 0 && i < n; i++)
    rv = swale__testing_headers_add(&p->answer_headers, &p->allocator, headers[i].name, headers[i].value);
  return rv;
}

void swale__communicator_forget_answer(swale_communicator *p) {
  release(p, &p->subprotocol);
  release(p, &p->body);
  swale__testing_headers_clear(&p->answer_headers, &p->allocator);
  p->accepted = false;
  p->status = 0;
}

static int accept_peer(void *transport, const char *subprotocol, const struct swale_header *headers,
                       size_t n) {
  swale_communicator *p = transport;
  int rv = copy_text(p, &p->subprotocol, subprotocol);
  if (rv == 0)
    rv = copy_headers(p, headers, n);
  if (rv) {
    swale__communicator_forget_answer(p);
    return rv;
  }
  p->accepted = true;
  p->stage = SWALE__PEER_OPEN;
  return 0;
}

/* A refusal for which there is no memory is one by its status alone. */
static int reject_peer(void *transport, int status, const struct swale_header *headers, size_t n,
                       const char *body) {
  swale_communicator *p = transport;
  if (copy_text(p, &p->body, body) != 0 || copy_headers(p, headers, n) != 0)
    swale__communicator_forget_answer(p);
  p->status = status;
  p->stage = SWALE__PEER_GONE;
  p->consumer = NULL;
  return 0;
}

/* ---- messages ------------------------------------------------------------------------------ */

static int send_payload(void *transport, swale_payload *payload) {
  swale_communicator *p = transport;
  return swale__mailbox_put(&p->mail, payload);
}

static int send_bytes(void *transport, enum swale_kind kind, const void *bytes, size_t len) {
  swale_communicator *p = transport;
  swale_payload *payload;
  int rv = swale_payload_new(kind, bytes, len, &p->allocator, &payload);
  if (rv)
    return rv;
  rv = swale__mailbox_put(&p->mail, payload);
  swale_payload_unref(payload);
  return rv;
}

/* ---- the end ------------------------------------------------------------------------------- */

void swale__communicator_lose(swale_communicator *p, int code) {
  swale_consumer *c = p->consumer;
  p->consumer = NULL;
  p->stage = SWALE__PEER_GONE;
  if (c)
    swale_consumer_lost(c, code);
}

static void answer_close(struct swale_job *job) {
  swale_communicator *p = (swale_communicator *)((char *)job - offsetof(swale_communicator, closing));
  swale__communicator_lose(p, p->close_code);
}

static int close_peer(void *transport, uint16_t code, const char *reason) {
  swale_communicator *p = transport;
  p->stage = SWALE__PEER_CLOSING;
  p->close_code = code;
  snprintf(p->close_reason, sizeof p->close_reason, "%s", reason ? reason : "");
  p->closing.run = answer_close;
  swale_loop_defer(p->loop, &p->closing);
  return 0;
}

const struct swale_transport_class swale__communicator_class = {
    .type = "websocket",
    .accept = accept_peer,
    .reject = reject_peer,
    .send = send_payload,
    .send_bytes = send_bytes,
    .close = close_peer,
};

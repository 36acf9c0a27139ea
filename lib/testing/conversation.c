/* SPDX-License-Identifier: MIT */
#include "testing/communicator.h"

#include <string.h>

#include <swale/utf8.h>

#include "testing/settle.h"

/* Ends a call that has done something: what follows from it happens before the call returns. */
static int finish(swale_communicator *p, int rv) {
  if (rv == 0)
    rv = swale__testing_settle(p->loop);
  return swale__communicator_end(p, rv);
}

/* Whether the connection is there. */
static int check_connected(const swale_communicator *p) {
  if (p->stage == SWALE__PEER_FRESH)
    return SWALE_ESTATE;
  return p->consumer ? 0 : SWALE_ECLOSED;
}

/* ---- the peer sends ------------------------------------------------------------------------- */

/*
 * The consumer gets a copy that ends where its block ends, so that a sanitizer notices one that reads on, as
 * it may with a text that ends in NUL.
 */
static int deliver(swale_communicator *p, enum swale_kind kind, const void *bytes, size_t len) {
  const struct swale_allocator *a = &p->allocator;
  size_t size = len > 0 ? len : 1;
  char *block = a->malloc(size, a->user);
  if (!block)
    return SWALE_ENOMEM;
  char *data = block + (size - len);
  if (len > 0)
    memcpy(data, bytes, len);
  swale_loop_enter(p->loop);
  int rv = swale_consumer_deliver(p->consumer, kind, data, len);
  swale_loop_leave(p->loop);
  a->free(block, a->user);
  return rv;
}

static int check_message(enum swale_kind kind, const void *bytes, size_t len) {
  if ((kind != SWALE_TEXT && kind != SWALE_BINARY) || (!bytes && len > 0))
    return SWALE_EINVAL;
  return kind == SWALE_BINARY || swale_utf8_valid(bytes, len) ? 0 : SWALE_EUTF8;
}

int swale_communicator_send(swale_communicator *p, enum swale_kind kind, const void *bytes, size_t len) {
  int rv = swale__communicator_begin(p);
  if (rv == 0)
    rv = check_message(kind, bytes, len);
  if (rv == 0)
    rv = check_connected(p);
  if (rv == 0)
    rv = deliver(p, kind, bytes, len);
  return finish(p, rv);
}

int swale_communicator_send_text(swale_communicator *p, const char *text) {
  return swale_communicator_send(p, SWALE_TEXT, text, strlen(text));
}

/* ---- the peer receives ------------------------------------------------------------------------ */

int swale_communicator_receive(swale_communicator *p, struct swale_received *out) {
  int rv = swale__communicator_begin(p);
  if (rv == 0)
    rv = swale__mailbox_take(&p->mail, out);
  if (rv == SWALE_EAGAIN && p->stage == SWALE__PEER_GONE)
    rv = SWALE_ECLOSED;
  return swale__communicator_end(p, rv);
}

int swale_communicator_expect_text(swale_communicator *p, const char *text) {
  bool expected = swale__communicator_begin(p) == 0 && swale__mailbox_starts_with(&p->mail, text);
  if (expected)
    swale__mailbox_drop(&p->mail);
  return swale__communicator_end(p, expected);
}

int swale_communicator_expect_nothing(swale_communicator *p) {
  bool expected = swale__communicator_begin(p) == 0 && p->mail.count == 0 && p->close_code == 0;
  return swale__communicator_end(p, expected);
}

void swale_communicator_capacity(swale_communicator *p, size_t messages) { p->mail.capacity = messages; }

/* ---- the peer leaves, or is slow ----------------------------------------------------------------- */

int swale_communicator_disconnect(swale_communicator *p, int code) {
  int rv = swale__communicator_begin(p);
  if (rv == 0)
    rv = code >= 1000 && code <= 4999 ? check_connected(p) : SWALE_EINVAL;
  if (rv == 0) {
    swale_loop_enter(p->loop);
    swale__communicator_lose(p, code);
    swale_loop_leave(p->loop);
  }
  return finish(p, rv);
}

int swale_communicator_stall(swale_communicator *p, int stalled) {
  int rv = swale__communicator_begin(p);
  if (rv == 0) {
    p->stalled = stalled != 0;
    swale_loop_enter(p->loop);
    if (p->consumer && p->stalled)
      swale_consumer_pause(p->consumer);
    else if (p->consumer)
      swale_consumer_resume(p->consumer);
    swale_loop_leave(p->loop);
  }
  return finish(p, rv);
}

int swale_communicator_close_code(const swale_communicator *p) { return p->close_code; }
const char *swale_communicator_close_reason(const swale_communicator *p) { return p->close_reason; }

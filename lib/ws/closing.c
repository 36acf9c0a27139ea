/* SPDX-License-Identifier: MIT */
#include "ws/connection.h"
#include "ws/deflate.h"
#include "ws/frame_out.h"

/* ---- phases ----------------------------------------------------------------------------- */

/* What would not be sent or read any more. */
static void drop_unfinished(swale_ws *ws) {
  swale_payload_unref(ws->pong);
  ws->pong = NULL;
  ws->ping_due = false;
  swale__ws_drop_message(ws);
  swale__ws_deflate_end(ws);
}

void swale__ws_enter_phase(swale_ws *ws, enum swale__ws_phase phase) {
  if (ws->phase >= phase)
    return;
  if (phase == SWALE__WS_DRAINING && ws->output.bytes == 0)
    phase = SWALE__WS_CLOSED;
  if (phase >= SWALE__WS_CLOSING) {
    drop_unfinished(ws);
    if (ws->phase < SWALE__WS_CLOSING)
      ws->since_ms = swale__ws_now(ws);
  }
  if (ws->phase < SWALE__WS_OPEN && phase >= SWALE__WS_OPEN)
    swale__ws_opening_decided(ws);
  ws->phase = (uint8_t)phase;
  swale__ws_watch_deadline(ws);
  if (phase == SWALE__WS_CLOSED)
    swale__ws_tell(ws);
}

void swale__ws_lose(swale_ws *ws, int code) {
  swale_consumer *consumer = ws->consumer;
  ws->consumer = NULL;
  if (consumer)
    swale_consumer_lost(consumer, code);
}

/* ---- ends that nobody wanted ------------------------------------------------------------ */

static int queue_close(swale_ws *ws, uint16_t code, const char *reason) {
  swale_payload *frame;
  int rv = swale__ws_frame_close(code, reason, ws->pool->allocator, &frame);
  return rv < 0 ? rv : swale__ws_queue(ws, frame);
}

/* Without memory for a close frame the peer has to do without. */
static void close_towards(swale_ws *ws, uint16_t code, enum swale__ws_phase phase) {
  if (ws->phase == SWALE__WS_OPEN && queue_close(ws, code, NULL) < 0)
    phase = SWALE__WS_DRAINING;
  swale__ws_enter_phase(ws, phase);
}

/* The report comes last: what the app does in it finds the connection in its new state. */
static void lose_and_report(swale_ws *ws, uint16_t code, int error, const char *detail) {
  swale_consumer *consumer = ws->consumer;
  swale__ws_lose(ws, code);
  swale_app_report(ws->app, consumer, error, detail);
}

/*
 * The peer may have much more on its way, and closing a socket with unread bytes makes the kernel throw away
 * what was written but not yet delivered, our close frame with it. So we go on reading for a while, heeding
 * nothing but the peer's close frame.
 */
void swale__ws_fail(swale_ws *ws, uint16_t code, int error, const char *detail) {
  close_towards(ws, code, SWALE__WS_CLOSING);
  lose_and_report(ws, code, error, detail);
}

void swale__ws_fail_framing(swale_ws *ws) {
  if (ws->phase == SWALE__WS_CLOSING) {
    swale__ws_lose(ws, SWALE__CLOSE_ABNORMAL);
    swale__ws_enter_phase(ws, SWALE__WS_DRAINING);
    return;
  }
  close_towards(ws, SWALE__CLOSE_PROTOCOL, SWALE__WS_DRAINING);
  lose_and_report(ws, SWALE__CLOSE_PROTOCOL, SWALE_EPROTOCOL, "a malformed frame");
}

void swale__ws_break(swale_ws *ws, const char *detail) {
  swale__ws_enter_phase(ws, SWALE__WS_CLOSED);
  if (detail)
    lose_and_report(ws, SWALE__CLOSE_ABNORMAL, SWALE_ECLOSED, detail);
  else
    swale__ws_lose(ws, SWALE__CLOSE_ABNORMAL);
}

/* ---- the closing handshake -------------------------------------------------------------- */

void swale__ws_peer_closed(swale_ws *ws, const unsigned char *payload, size_t len) {
  if (ws->phase == SWALE__WS_CLOSING) {
    swale__ws_lose(ws, ws->close_code);
    swale__ws_enter_phase(ws, SWALE__WS_DRAINING);
    return;
  }
  uint16_t code;
  int fault = swale__ws_close_parse(payload, len, &code);
  if (fault) {
    close_towards(ws, (uint16_t)fault, SWALE__WS_DRAINING);
    lose_and_report(ws, (uint16_t)fault, SWALE_EPROTOCOL, "a malformed close frame");
    return;
  }
  close_towards(ws, code == SWALE__CLOSE_NONE ? 0 : code, SWALE__WS_DRAINING);
  swale__ws_lose(ws, code);
}

int swale__ws_close_transport(void *transport, uint16_t code, const char *reason) {
  swale_ws *ws = transport;
  int rv = queue_close(ws, code, reason);
  if (rv < 0)
    ws->consumer = NULL;
  else
    ws->close_code = code;
  swale__ws_enter_phase(ws, rv < 0 ? SWALE__WS_DRAINING : SWALE__WS_CLOSING);
  return rv;
}

void swale__ws_cut(void *transport) {
  swale_ws *ws = transport;
  ws->consumer = NULL;
  swale__ws_break(ws, NULL);
}

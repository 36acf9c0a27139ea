/* SPDX-License-Identifier: MIT */
#include "ws/connection.h"
#include "ws/deflate.h"
#include "ws/frame_out.h"

int swale__ws_queue(swale_ws *ws, swale_payload *frame) {
  bool was_empty = ws->output.bytes == 0;
  int rv = swale__ws_output_push(&ws->output, ws->pool, frame);
  if (rv < 0)
    swale_payload_unref(frame);
  else if (was_empty)
    swale__ws_tell(ws);
  return rv;
}

/* ---- back-pressure ---------------------------------------------------------------------- */

void swale__ws_watch_marks(swale_ws *ws) {
  size_t waiting = swale__ws_output_data_bytes(&ws->output);
  if (ws->paused ? waiting > ws->options->output_low : waiting < ws->options->output_high)
    return;
  ws->paused = !ws->paused;
  if (!ws->consumer)
    return;
  if (ws->paused)
    swale_consumer_pause(ws->consumer);
  else
    swale_consumer_resume(ws->consumer);
}

static int check_room(const swale_ws *ws, size_t len) {
  size_t max = ws->options->output_max;
  return len > max || swale__ws_output_data_bytes(&ws->output) > max - len ? SWALE_EFULL : 0;
}

size_t swale__ws_waiting(const void *transport) {
  return swale__ws_output_data_bytes(&((const swale_ws *)transport)->output);
}

/* ---- data ------------------------------------------------------------------------------- */

static void note_sent(swale_ws *ws) {
  ws->message_ms = swale__ws_now(ws);
  swale__ws_watch_marks(ws);
}

static int send_frame(swale_ws *ws, swale_payload *frame) {
  int rv = swale__ws_queue(ws, frame);
  if (rv == 0)
    note_sent(ws);
  return rv;
}

/* Takes over the reference. */
static int send_if_room(swale_ws *ws, swale_payload *frame) {
  int rv = check_room(ws, swale__ws_frame_shown(frame).iov_len);
  if (rv == 0)
    return send_frame(ws, frame);
  swale_payload_unref(frame);
  return rv;
}

/* `made`: 0 and a frame, or why there is none. Where messages are deflated, what counts is the bytes of frames. */
static int send_deflated(swale_ws *ws, int made, swale_payload *frame) {
  int rv = made < 0 ? made : send_if_room(ws, frame);
  if (rv < 0)
    swale__ws_deflate_unsent(ws);
  return rv;
}

static int deflate_payload(swale_ws *ws, swale_payload *payload) {
  swale_payload *frame = NULL;
  int rv = swale__ws_deflate_payload(ws, payload, &frame);
  return send_deflated(ws, rv, frame);
}

static int deflate_bytes(swale_ws *ws, enum swale_kind kind, const void *bytes, size_t len) {
  swale_payload *frame = NULL;
  int rv = check_room(ws, 1);
  if (rv < 0)
    return rv;
  rv = swale__ws_deflate_bytes(ws, kind, bytes, len, &frame);
  return send_deflated(ws, rv, frame);
}

static int send_payload(swale_ws *ws, swale_payload *payload) {
  swale_payload *frame;
  bool was_empty = ws->output.bytes == 0;
  int rv = swale_payload_encode(payload, swale__ws_frame_encode, NULL, &frame);
  if (rv == 0)
    rv = check_room(ws, swale__ws_frame_shown(frame).iov_len);
  if (rv == 0)
    rv = swale__ws_output_push_shared(&ws->output, ws->pool, payload, frame);
  if (rv < 0)
    return rv;
  if (was_empty)
    swale__ws_tell(ws);
  note_sent(ws);
  return 0;
}

int swale__ws_send(void *transport, swale_payload *payload) {
  swale_ws *ws = transport;
  if (ws->deflate)
    return deflate_payload(ws, payload);
  size_t len = swale__ws_output_ahead(&ws->output, payload);
  if (len == 0 || check_room(ws, len) < 0)
    return send_payload(ws, payload);
  swale__ws_output_follow(&ws->output, len);
  note_sent(ws);
  return 0;
}

int swale__ws_send_bytes(void *transport, enum swale_kind kind, const void *bytes, size_t len) {
  swale_ws *ws = transport;
  swale_payload *frame;
  if (ws->deflate)
    return deflate_bytes(ws, kind, bytes, len);
  int rv = check_room(ws, len);
  if (rv == 0)
    rv = swale_payload_wrap(kind, bytes, len, swale__ws_frame_encode, NULL, ws->pool->allocator, &frame);
  return rv < 0 ? rv : send_if_room(ws, frame);
}

/* SPDX-License-Identifier: MIT */
#include <swale/utf8.h>

#include "ws/connection.h"
#include "ws/deflate.h"
#include "ws/frame_in.h"
#include "ws/frame_out.h"
#include "ws/message_in.h"
#include "ws/rate.h"

/*
 * From pieces of frames to messages. A frame's header is judged with its first piece, before any of its
 * payload is kept. A message that lies in one piece is delivered from where wslay has unmasked it; any other
 * is put together in the reader's `message`, which is there exactly while a message is incomplete. So is one
 * that is deflated, which the first of its frames tells.
 */

enum { CONTINUATION = 0x0, TEXT = 0x1, BINARY = 0x2, RSV1 = 0x4 };

/* What is wrong with a frame: how to fail the connection, or a code of 0. */
struct fault {
  uint16_t code;
  int error;
  const char *detail;
};

static struct fault protocol_fault(const char *detail) {
  return (struct fault){SWALE__CLOSE_PROTOCOL, SWALE_EPROTOCOL, detail};
}

/* How many bytes a frame may bring. Of a deflated message only the inflated size is known to fit or not. */
static size_t room_for(const swale_ws *ws, const struct swale__ws_piece *p) {
  const struct swale__ws_assembly *m = ws->reader->message;
  size_t max = ws->options->message_max;
  if (m ? m->codec != NULL : p->rsv != 0)
    return swale__ws_deflate_wire_max(max) - (m ? m->wire : 0);
  return max - (m ? m->len : 0);
}

/* Limits of messages. A message in one frame has no fragments. */
static struct fault judge_size(const swale_ws *ws, const struct swale__ws_piece *p) {
  const struct swale__ws_assembly *m = ws->reader->message;
  const struct swale_ws_options *o = ws->options;
  if (p->frame_len > room_for(ws, p))
    return (struct fault){SWALE__CLOSE_TOO_BIG, SWALE_ESIZE, "a message is too large"};
  if (m && m->fragments == o->fragments_max)
    return (struct fault){SWALE__CLOSE_POLICY, SWALE_EFULL, "a message has too many fragments"};
  bool empty_fragment = p->frame_len == 0 && (m || !p->fin);
  if (empty_fragment && (m ? m->empty_fragments : 0) == o->empty_fragments_max)
    return (struct fault){SWALE__CLOSE_POLICY, SWALE_EFULL, "a message has too many empty fragments"};
  return (struct fault){0};
}

/* What the reserved bits mean, if that has been agreed (RFC 7692, 6). */
static bool is_deflated(const swale_ws *ws, const struct swale__ws_piece *p) {
  return ws->deflate && p->rsv == RSV1 && (p->opcode == TEXT || p->opcode == BINARY);
}

static struct fault judge(const swale_ws *ws, const struct swale__ws_piece *p) {
  if (!p->masked)
    return protocol_fault("a frame is not masked");
  if (p->rsv != 0 && !is_deflated(ws, p))
    return protocol_fault("a frame has reserved bits set");
  switch (p->opcode) {
  case CONTINUATION:
    return ws->reader->message ? judge_size(ws, p) : protocol_fault("a continuation of nothing");
  case TEXT:
  case BINARY:
    return ws->reader->message ? protocol_fault("a message inside another") : judge_size(ws, p);
  case SWALE__FRAME_CLOSE:
  case SWALE__FRAME_PING:
  case SWALE__FRAME_PONG:
    return (struct fault){0};
  default:
    return protocol_fault("a frame with a reserved opcode");
  }
}

/* What comes too fast. */
static struct fault meter(swale_ws *ws, const struct swale__ws_piece *p) {
  struct fault fault = {SWALE__CLOSE_POLICY, SWALE_EFULL, NULL};
  if (!swale__ws_spend_bytes(ws, swale__ws_frame_size(p)))
    fault.detail = "too many bytes a second";
  else if (swale__ws_opcode_is_control(p->opcode) && !swale__ws_spend_control(ws))
    fault.detail = "too many control frames a second";
  else if ((p->opcode == TEXT || p->opcode == BINARY) && !swale__ws_spend_message(ws))
    fault.detail = "too many messages a second";
  return fault.detail ? fault : (struct fault){0};
}

/* ---- messages --------------------------------------------------------------------------- */

static void fail_for_memory(swale_ws *ws) {
  swale__ws_fail(ws, SWALE__CLOSE_INTERNAL, SWALE_ENOMEM, "no memory for what comes in");
}

static void fail_for_text(swale_ws *ws) {
  swale__ws_fail(ws, SWALE__CLOSE_NOT_UTF8, SWALE_EUTF8, "a text is not UTF-8");
}

/* What kept a message from being put together. */
static void fail_for(swale_ws *ws, int error) {
  if (error == SWALE_EUTF8)
    fail_for_text(ws);
  else if (error == SWALE_EFORMAT)
    swale__ws_fail(ws, SWALE__CLOSE_NOT_UTF8, error, "a message is not deflated as it should be");
  else if (error == SWALE_ESIZE)
    swale__ws_fail(ws, SWALE__CLOSE_TOO_BIG, error, "a message is too large");
  else if (error == SWALE_EFULL)
    swale__ws_fail(ws, SWALE__CLOSE_POLICY, error, "a message inflates too much");
  else
    fail_for_memory(ws);
}

static void deliver(swale_ws *ws, enum swale_kind kind, const void *data, size_t len) {
  ws->message_ms = swale__ws_now(ws);
  swale_consumer_deliver(ws->consumer, kind, data, len);
}

static void finish_message(swale_ws *ws) {
  struct swale__ws_assembly *message = ws->reader->message;
  if (swale__ws_assembly_finish(message) < 0) {
    fail_for_text(ws);
    return;
  }
  ws->reader->message = NULL;
  swale__ws_pool_give_codec_of(ws->pool, message);
  deliver(ws, message->kind, message->bytes, message->len);
  swale__ws_pool_give_assembly(ws->pool, message);
}

static int begin_message(swale_ws *ws, const struct swale__ws_piece *p) {
  struct swale__ws_assembly *message =
      swale__ws_pool_take_assembly(ws->pool, p->opcode == TEXT ? SWALE_TEXT : SWALE_BINARY);
  ws->reader->message = message;
  if (!message)
    return SWALE_ENOMEM;
  return p->rsv != 0 ? swale__ws_deflate_open(ws, message) : 0;
}

static int append(swale_ws *ws, const struct swale__ws_piece *p) {
  struct swale__ws_assembly **message = &ws->reader->message;
  if ((*message)->codec)
    return swale__ws_deflate_append(ws, message, p->data, p->len, p->last && p->fin);
  return swale__ws_assembly_append(message, p->data, p->len, ws->options->message_max, ws->pool->allocator);
}

static void gather(swale_ws *ws, const struct swale__ws_piece *p) {
  struct swale__ws_assembly **message = &ws->reader->message;
  int rv = *message ? 0 : begin_message(ws, p);
  if (rv == 0 && p->first) {
    (*message)->fragments++;
    (*message)->empty_fragments += p->frame_len == 0;
  }
  if (rv == 0)
    rv = append(ws, p);
  if (rv < 0)
    fail_for(ws, rv);
  else if (p->last && p->fin)
    finish_message(ws);
}

static void take_data(swale_ws *ws, const struct swale__ws_piece *p) {
  bool whole = !ws->reader->message && p->first && p->last && p->fin && p->rsv == 0;
  if (!whole)
    gather(ws, p);
  else if (p->opcode == BINARY)
    deliver(ws, SWALE_BINARY, p->data, p->len);
  else if (swale_utf8_valid(p->data, p->len))
    deliver(ws, SWALE_TEXT, p->data, p->len);
  else
    fail_for_text(ws);
}

/* ---- frames ----------------------------------------------------------------------------- */

static void take_control(swale_ws *ws, const struct swale__ws_piece *p) {
  if (p->opcode == SWALE__FRAME_CLOSE)
    swale__ws_peer_closed(ws, p->data, p->len);
  else if (p->opcode == SWALE__FRAME_PING && swale__ws_pong(ws, p->data, p->len) < 0)
    fail_for_memory(ws);
}

static void take_piece(swale_ws *ws, const struct swale__ws_piece *p) {
  if (ws->phase == SWALE__WS_CLOSING) {
    if (p->opcode == SWALE__FRAME_CLOSE)
      swale__ws_peer_closed(ws, p->data, p->len);
    return;
  }
  struct fault fault = p->first ? judge(ws, p) : (struct fault){0};
  if (p->first && !fault.code)
    fault = meter(ws, p);
  if (fault.code)
    swale__ws_fail(ws, fault.code, fault.error, fault.detail);
  else if (swale__ws_opcode_is_control(p->opcode))
    take_control(ws, p);
  else
    take_data(ws, p);
}

void swale__ws_take_frames(swale_ws *ws, const void *bytes, size_t len) {
  struct swale__ws_piece piece;
  int rv = 1;
  if (!ws->reader)
    ws->reader = swale__ws_pool_take_reader(ws->pool);
  if (!ws->reader) {
    fail_for_memory(ws);
    swale__ws_enter_phase(ws, SWALE__WS_DRAINING);
    return;
  }
  swale__ws_reader_feed(ws->reader, bytes, len);
  while (swale__ws_is_reading(ws) && (rv = swale__ws_reader_next(ws->reader, &piece)) == 1)
    take_piece(ws, &piece);
  if (rv < 0)
    swale__ws_fail_framing(ws);
  swale__ws_reader_feed(ws->reader, NULL, 0);
  if (!swale__ws_is_reading(ws))
    swale__ws_release_input(ws);
  else if (swale__ws_reader_idle(ws->reader)) {
    swale__ws_pool_give_reader(ws->pool, ws->reader);
    ws->reader = NULL;
  }
}

void swale__ws_drop_message(swale_ws *ws) {
  if (!ws->reader || !ws->reader->message)
    return;
  swale__ws_pool_give_assembly(ws->pool, ws->reader->message);
  ws->reader->message = NULL;
}

void swale__ws_release_input(swale_ws *ws) {
  swale__ws_drop_message(ws);
  if (ws->reader)
    swale__ws_pool_give_reader(ws->pool, ws->reader);
  ws->reader = NULL;
}

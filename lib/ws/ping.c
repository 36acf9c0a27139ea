/* SPDX-License-Identifier: MIT */
#include "ws/connection.h"
#include "ws/frame_out.h"

/*
 * Every ping is answered, in order, as long as nothing but such answers waits, and of these no more than a
 * few. When data waits, or the peer pings without reading, only the latest is (RFC 6455, 5.5.3), ahead of the
 * data.
 */
enum { PONG_BYTES_MAX = 2048 };

static bool has_room_for_pong(const swale_ws *ws) {
  return !ws->pong && swale__ws_output_data_bytes(&ws->output) == 0 && ws->output.bytes < PONG_BYTES_MAX;
}

int swale__ws_pong(swale_ws *ws, const void *bytes, size_t len) {
  swale_payload *frame = swale__ws_pool_take_control(ws->pool, SWALE__FRAME_PONG, bytes, len);
  if (!frame)
    return SWALE_ENOMEM;
  if (has_room_for_pong(ws))
    return swale__ws_queue(ws, frame);
  swale_payload_unref(ws->pong);
  ws->pong = frame;
  return 0;
}

int swale__ws_ping(swale_ws *ws) {
  ws->ping_due = ws->output.bytes > 0;
  if (ws->ping_due)
    return 0;
  swale_payload *frame = swale__ws_pool_take_control(ws->pool, SWALE__FRAME_PING, "", 0);
  return frame ? swale__ws_queue(ws, frame) : SWALE_ENOMEM;
}

void swale__ws_place_urgent(swale_ws *ws) {
  if (ws->pong) {
    if (swale__ws_output_push_urgent(&ws->output, ws->pool, ws->pong) == 0)
      ws->pong = NULL;
    return;
  }
  if (!ws->ping_due)
    return;
  swale_payload *frame = swale__ws_pool_take_control(ws->pool, SWALE__FRAME_PING, "", 0);
  if (!frame)
    return;
  if (swale__ws_output_push_urgent(&ws->output, ws->pool, frame) == 0)
    ws->ping_due = false;
  else
    swale_payload_unref(frame);
}

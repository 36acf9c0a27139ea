/* SPDX-License-Identifier: MIT */
#include "ws/rate.h"

#include "ws/connection.h"

/*
 * What is missing from the bucket is kept as a share of all it holds, so that 32 bits do for any size:
 * UINT32_MAX is empty, 0 is full. Shares are rounded down. It holds what comes in a second, or in as long
 * as a frame with the longest of messages takes, or that could never come.
 */
#define ALL UINT32_MAX

enum { FRAME_HEADER_MAX = 14 };

static double seconds_held(const struct swale_ws_options *o) {
  double longest = ((double)o->message_max + FRAME_HEADER_MAX) / o->byte_rate;
  return longest > 1 ? longest : 1;
}

static uint32_t share(double part) { return part < 1 ? (uint32_t)(part * ALL) : ALL; }

void swale__ws_note_time(swale_ws *ws) {
  uint32_t now = swale__ws_now(ws), passed = now - ws->since_ms;
  if (ws->phase != SWALE__WS_OPEN || passed == 0)
    return;
  if (ws->missing > 0) {
    uint32_t filled = share(passed / 1000.0 / seconds_held(ws->options));
    ws->missing = filled < ws->missing ? ws->missing - filled : 0;
  }
  if (now / 1000 != ws->since_ms / 1000)
    ws->controls = 0;
  ws->since_ms = now;
}

bool swale__ws_spend_frame(swale_ws *ws, uint64_t size, bool begins_message) {
  const struct swale_ws_options *o = ws->options;
  double seconds = (double)size / o->byte_rate, held = seconds_held(o);
  if (begins_message && seconds * o->message_rate < 1)
    seconds = 1.0 / o->message_rate;
  uint32_t part = share(seconds / held);
  if (seconds > held || part > ALL - ws->missing)
    return false;
  ws->missing += part;
  return true;
}

bool swale__ws_spend_control(swale_ws *ws) {
  if (ws->controls == ws->options->control_rate)
    return false;
  ws->controls++;
  return true;
}

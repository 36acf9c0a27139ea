/* SPDX-License-Identifier: MIT */
#include "ws/rate.h"

#include "ws/connection.h"

/*
 * What is missing from a bucket is kept as a share of all it holds, so that 32 bits do for any size and no
 * division is lost: UINT32_MAX is empty, 0 is full. Shares are rounded down.
 */
#define ALL UINT32_MAX

enum { FRAME_HEADER_MAX = 14 };

static uint64_t share(uint64_t part, uint64_t whole) { return part * ALL / whole; }

static bool spend(uint32_t *missing, uint64_t part, uint64_t whole) {
  if (part > whole || share(part, whole) > ALL - *missing)
    return false;
  *missing += (uint32_t)share(part, whole);
  return true;
}

static void fill_up(uint32_t *missing, uint32_t ms, uint32_t rate, uint64_t whole) {
  uint64_t thousandths = (uint64_t)ms * rate, part = thousandths / 1000;
  uint64_t filled = part < whole ? share(part, whole) + share(thousandths % 1000, whole) / 1000 : ALL;
  *missing = filled < *missing ? *missing - (uint32_t)filled : 0;
}

/*
 * Control frames are few, and 16 bits count those that are missing. They come back one by one at the times k
 * * 1000 / rate, of which none is lost however small the steps are.
 */
static void count_back(uint16_t *missing, uint64_t then, uint32_t ms, uint32_t rate) {
  uint64_t back = (then + ms) * rate / 1000 - then * rate / 1000;
  *missing = back < *missing ? (uint16_t)(*missing - back) : 0;
}

/* A frame with the longest of messages must fit, or it could never come. */
static uint64_t all_bytes(const struct swale_ws_options *o) {
  uint64_t least = o->message_max + FRAME_HEADER_MAX;
  return o->byte_rate > least ? o->byte_rate : least;
}

void swale__ws_hear(swale_ws *ws) {
  const struct swale_ws_options *o = ws->options;
  uint32_t now = swale__ws_now(ws), passed = now - ws->heard_ms;
  if (passed > 0 && ws->phase == SWALE__WS_OPEN) {
    fill_up(&ws->bytes_missing, passed, o->byte_rate, all_bytes(o));
    fill_up(&ws->messages_missing, passed, o->message_rate, o->message_rate);
    count_back(&ws->controls_missing, ws->heard_ms, passed, o->control_rate);
  }
  ws->heard_ms = now;
}

bool swale__ws_spend_bytes(swale_ws *ws, uint64_t n) {
  return spend(&ws->bytes_missing, n, all_bytes(ws->options));
}

bool swale__ws_spend_message(swale_ws *ws) {
  return spend(&ws->messages_missing, 1, ws->options->message_rate);
}

bool swale__ws_spend_control(swale_ws *ws) {
  if (ws->controls_missing == ws->options->control_rate)
    return false;
  ws->controls_missing++;
  return true;
}

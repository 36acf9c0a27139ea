/* SPDX-License-Identifier: MIT */
/* Bytes in, bytes out, and what to wait for: what a host calls all the time. */
#include "ws/connection.h"
#include "ws/opening.h"
#include "ws/rate.h"

/* ---- calls of the host's ---------------------------------------------------------------- */

void swale__ws_visit_begin(struct swale__ws_visit *visit, swale_ws *ws) {
  *visit = (struct swale__ws_visit){.ws = ws, .pool = ws->pool, .outermost = !ws->visited};
  swale_loop_enter(visit->pool->loop);
  ws->visited = true;
  ws->tell = false; /* he asks for the state when this returns */
}

/*
 * The connection can only be freed by its job, so at the end of the outermost call on the loop. If that is
 * this one, `left` tells; of calls from inside of those jobs it cannot be the end.
 */
bool swale__ws_visit_end(struct swale__ws_visit *visit) {
  struct swale__ws_pool *pool = visit->pool;
  swale_ws *before = pool->left;
  pool->left = visit->ws;
  swale_loop_leave(pool->loop);
  bool exists = pool->left == visit->ws;
  pool->left = before;
  if (exists && visit->outermost)
    visit->ws->visited = false;
  return exists;
}

void swale__ws_visit_end_quietly(struct swale__ws_visit *visit) {
  swale_loop_leave_quietly(visit->pool->loop);
  if (visit->outermost)
    visit->ws->visited = false;
}

/* ---- input ------------------------------------------------------------------------------ */

static void take(swale_ws *ws, const unsigned char *bytes, size_t len) {
  if (ws->phase == SWALE__WS_HEAD) {
    size_t used = swale__ws_opening_take_head(ws, bytes, len);
    bytes += used;
    len -= used;
  }
  if (ws->phase == SWALE__WS_DECIDING && !ws->freed) {
    swale__ws_opening_keep_early(ws, bytes, len);
    return;
  }
  swale__ws_opening_take_early(ws);
  if (len > 0 && swale__ws_is_reading(ws))
    swale__ws_take_frames(ws, bytes, len);
}

int swale_ws_feed(swale_ws *ws, const void *bytes, size_t len) {
  struct swale__ws_visit visit;
  if (swale__ws_is_busy(ws))
    return SWALE_ESTATE;
  if (!swale__ws_is_reading(ws))
    return SWALE_ECLOSED;
  if (len == 0)
    return 0;
  swale__ws_visit_begin(&visit, ws);
  swale__ws_hear(ws);
  ws->pinged = false;
  swale__ws_opening_retire(ws);
  ws->busy = true;
  take(ws, bytes, len);
  ws->busy = false;
  swale__ws_visit_end(&visit);
  return 0;
}

int swale_ws_feed_eof(swale_ws *ws) {
  struct swale__ws_visit visit;
  if (swale__ws_is_busy(ws))
    return SWALE_ESTATE;
  if (!swale__ws_is_reading(ws))
    return SWALE_ECLOSED;
  swale__ws_visit_begin(&visit, ws);
  swale__ws_release_input(ws);
  swale__ws_lose(ws, SWALE__CLOSE_ABNORMAL);
  swale__ws_enter_phase(ws, SWALE__WS_DRAINING);
  swale__ws_visit_end(&visit);
  return 0;
}

/* ---- output ----------------------------------------------------------------------------- */

int swale_ws_peek(swale_ws *ws, struct iovec *iov, int max) {
  if (ws->phase == SWALE__WS_CLOSED || ws->freed || swale__ws_opening_waits(ws))
    return 0;
  if (ws->opening && !ws->busy)
    swale__ws_opening_retire(ws);
  if (swale__ws_has_urgent(ws))
    swale__ws_place_urgent(ws);
  return swale__ws_output_peek(&ws->output, iov, max);
}

/* While nothing is read, that the peer takes what we send is its sign of life. */
static void note_progress(swale_ws *ws) {
  if (ws->paused) {
    swale__ws_hear(ws);
    ws->pinged = false;
    swale__ws_watch_marks(ws);
  }
  if (ws->phase == SWALE__WS_DRAINING && ws->output.bytes == 0)
    swale__ws_enter_phase(ws, SWALE__WS_CLOSED);
}

int swale_ws_ack(swale_ws *ws, size_t n) {
  if (ws->phase == SWALE__WS_CLOSED || ws->freed || swale__ws_opening_waits(ws))
    return n == 0 ? 0 : SWALE_EINVAL;
  int rv = swale__ws_output_ack(&ws->output, ws->pool, n);
  if (rv < 0 || n == 0)
    return rv;
  if (ws->output.bytes == 0 && swale__ws_has_urgent(ws))
    swale__ws_place_urgent(ws);
  if (ws->paused || ws->phase == SWALE__WS_DRAINING) {
    swale_loop *loop = ws->pool->loop;
    swale_loop_enter(loop);
    note_progress(ws);
    swale_loop_leave_quietly(loop); /* a resumed consumer might free the connection under the host's loop */
  }
  return 0;
}

/* ---- state ------------------------------------------------------------------------------ */

static bool wants_read(const swale_ws *ws) {
  switch ((enum swale__ws_phase)ws->phase) {
  case SWALE__WS_HEAD:
  case SWALE__WS_CLOSING:
    return true;
  case SWALE__WS_DECIDING:
    return ws->opening->early_len < ws->options->early_max;
  case SWALE__WS_OPEN:
    return !ws->paused;
  case SWALE__WS_DRAINING:
  case SWALE__WS_CLOSED:
    break;
  }
  return false;
}

unsigned swale_ws_state(const swale_ws *ws) {
  if (ws->freed)
    return SWALE_WS_CLOSED;
  if (swale__ws_opening_waits(ws))
    return 0;
  if (ws->phase == SWALE__WS_CLOSED)
    return SWALE_WS_CLOSED;
  return (wants_read(ws) ? SWALE_WS_WANT_READ : 0u) | (ws->output.bytes > 0 ? SWALE_WS_WANT_WRITE : 0u);
}

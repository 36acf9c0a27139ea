/* SPDX-License-Identifier: MIT */
#include "ws/connection.h"
#include "ws/opening.h"
#include "ws/rate.h"

/*
 * One timer for everything a connection waits for. It is armed when the phase changes and when it has fired,
 * never when something is heard or sent: that only notes the time, and the timer looks at the notes when it
 * fires.
 */

enum { REQUEST_TIMEOUT = 408 };
#define NEVER UINT32_MAX

/* What is left of a limit, 0 when it is over. */
static uint32_t left(const swale_ws *ws, uint32_t limit_ms, uint32_t since_ms) {
  uint32_t passed = swale__ws_now(ws) - since_ms;
  if (limit_ms == 0)
    return NEVER;
  return passed < limit_ms ? limit_ms - passed : 0;
}

static uint32_t left_of_idle(const swale_ws *ws) { return left(ws, ws->options->idle_ms, ws->message_ms); }

/* Until the next ping, or until the answer to the last has to be there. */
static uint32_t left_of_silence(const swale_ws *ws) {
  return ws->pinged ? left(ws, ws->options->pong_ms, ws->since_ms)
                    : left(ws, ws->options->ping_ms, ws->heard_ms);
}

static uint32_t left_of_phase(const swale_ws *ws) {
  switch ((enum swale__ws_phase)ws->phase) {
  case SWALE__WS_HEAD:
    return left(ws, ws->options->handshake_ms, ws->since_ms);
  case SWALE__WS_OPEN: {
    uint32_t idle = left_of_idle(ws), silence = left_of_silence(ws);
    return idle < silence ? idle : silence;
  }
  case SWALE__WS_CLOSING:
  case SWALE__WS_DRAINING:
    return left(ws, ws->options->close_ms, ws->since_ms);
  case SWALE__WS_DECIDING:
  case SWALE__WS_CLOSED:
    break;
  }
  return NEVER;
}

void swale__ws_watch_deadline(swale_ws *ws) {
  uint32_t wait = left_of_phase(ws);
  if (wait < NEVER)
    swale_timer_start(ws->pool->loop, &ws->timer, wait);
  else
    swale_timer_stop(ws->pool->loop, &ws->timer);
}

/*
 * Without a limit for the answer a ping is just a sign of life, due again as long afterwards. So is one that
 * there was no memory for.
 */
static void ping(swale_ws *ws) {
  ws->since_ms = swale__ws_now(ws);
  if (swale__ws_ping(ws) == 0 && ws->options->pong_ms > 0)
    ws->pinged = true;
  else
    swale__ws_hear(ws);
}

static void check_open(swale_ws *ws) {
  if (left_of_idle(ws) == 0)
    swale_ws_close(ws, SWALE__CLOSE_GOING_AWAY, "idle");
  else if (left_of_silence(ws) > 0)
    swale__ws_watch_deadline(ws);
  else if (ws->pinged)
    swale__ws_break(ws, "no answer to a ping");
  else {
    ping(ws);
    swale__ws_watch_deadline(ws);
  }
}

void swale__ws_deadline(struct swale_timer *timer) {
  swale_ws *ws = (swale_ws *)((char *)timer - offsetof(struct swale_ws, timer));
  if (ws->phase == SWALE__WS_OPEN)
    check_open(ws);
  else if (ws->phase == SWALE__WS_HEAD)
    swale__ws_opening_refuse(ws, REQUEST_TIMEOUT, "no request in time");
  else
    swale__ws_break(ws, "no end in time");
}

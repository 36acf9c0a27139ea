/* SPDX-License-Identifier: MIT */
#include "ws/connection.h"

#include <string.h>

#include "ws/deflate.h"
#include "ws/memory.h"
#include "ws/opening.h"
#include "ws/rate.h"

const struct swale_transport_class swale__ws_transport = {
    .type = "websocket",
    .accept = swale__ws_accept,
    .reject = swale__ws_reject,
    .send = swale__ws_send,
    .send_bytes = swale__ws_send_bytes,
    .close = swale__ws_close_transport,
    .waiting = swale__ws_waiting,
    .cut = swale__ws_cut,
};

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

/* ---- beginning and end ------------------------------------------------------------------ */

int swale__ws_make(swale_app *app, swale_loop *loop, const struct swale_ws_options *options, void *host_data,
                   swale_ws **out) {
  *out = NULL;
  if (options && swale__ws_options_check(options) < 0)
    return SWALE_EINVAL;
  if (swale_loop_draining(loop))
    return SWALE_ESTATE;
  struct swale__ws_pool *pool = swale__ws_pool_of(loop);
  if (!pool)
    return SWALE_ENOMEM;
  int rv = swale__ws_pool_join(pool);
  if (rv < 0)
    return rv;
  swale_ws *ws = swale__ws_malloc(pool->allocator, sizeof *ws);
  if (!ws) {
    swale__ws_pool_leave(pool);
    return SWALE_ENOMEM;
  }
  memset(ws, 0, sizeof *ws);
  ws->pool = pool;
  ws->options = options ? options : &pool->defaults;
  ws->app = app;
  ws->host_data = host_data;
  ws->job.run = swale__ws_run_job;
  ws->timer.fire = swale__ws_deadline;
  *out = ws;
  return 0;
}

void swale__ws_destroy(swale_ws *ws) {
  struct swale__ws_pool *pool = ws->pool;
  if (pool->left == ws)
    pool->left = NULL;
  swale_timer_stop(pool->loop, &ws->timer);
  swale__ws_release_input(ws);
  swale__ws_deflate_end(ws);
  swale__ws_output_clear(&ws->output, pool);
  swale_payload_unref(ws->pong);
  swale__ws_opening_free(ws);
  swale__ws_release(pool->allocator, ws);
  swale__ws_pool_leave(pool);
}

int swale_ws_new(swale_app *app, swale_loop *loop, const struct swale_ws_options *options, const char *client,
                 const char *server, void *host_data, swale_ws **out) {
  int rv = swale__ws_make(app, loop, options, host_data, out);
  if (rv < 0)
    return rv;
  swale_ws *ws = *out;
  rv = swale__ws_opening_new(ws, client, server);
  if (rv < 0) {
    swale__ws_destroy(ws);
    *out = NULL;
    return rv;
  }
  swale_loop_enter(loop);
  ws->since_ms = swale__ws_now(ws);
  swale__ws_watch_deadline(ws);
  swale_loop_leave_quietly(loop);
  return 0;
}

void swale_ws_free(swale_ws *ws) {
  if (!ws || ws->freed)
    return;
  swale_loop *loop = ws->pool->loop;
  swale_loop_enter(loop);
  ws->freed = true;
  swale_timer_stop(loop, &ws->timer);
  swale__ws_opening_decided(ws);
  swale__ws_lose(ws, SWALE__CLOSE_ABNORMAL);
  swale_loop_defer(loop, &ws->job);
  swale_loop_leave_quietly(loop);
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

int swale_ws_close(swale_ws *ws, uint16_t code, const char *reason) {
  int rv = swale__ws_close_check(code, reason);
  if (rv < 0)
    return rv;
  if (ws->freed || ws->phase >= SWALE__WS_CLOSING)
    return SWALE_ECLOSED;
  swale_loop *loop = ws->pool->loop;
  swale_loop_enter(loop);
  if (ws->consumer)
    rv = swale_close(ws->consumer, code, reason);
  else
    swale__ws_opening_refuse(ws, 503, NULL);
  swale_loop_leave_quietly(loop);
  return rv;
}

void *swale_ws_host_data(const swale_ws *ws) { return ws->host_data; }
void swale_ws_set_host_data(swale_ws *ws, void *host_data) { ws->host_data = host_data; }
swale_consumer *swale_ws_consumer(const swale_ws *ws) { return ws->consumer; }

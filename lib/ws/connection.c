/* SPDX-License-Identifier: MIT */
#include "ws/connection.h"

#include <string.h>

#include "ws/deflate.h"
#include "ws/memory.h"
#include "ws/opening.h"

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

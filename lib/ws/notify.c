/* SPDX-License-Identifier: MIT */
#include "ws/connection.h"
#include "ws/opening.h"

/*
 * The connection's job: what has to wait until the outermost call on the loop returns. That is freeing and
 * taking early bytes after a decision that came from elsewhere; and calling the host, which waits for the next run of
 * the loop: the host may end the connection then, of which an event may still be among those he is going through. However
 * much output appears until then, he is called once.
 */

void swale__ws_tell(swale_ws *ws) {
  if (ws->visited)
    return;
  ws->tell = true;
  swale_loop_defer(ws->pool->loop, &ws->job);
}

void swale__ws_decided(swale_ws *ws) { swale_loop_defer(ws->pool->loop, &ws->job); }

static bool answer_waits(const swale_ws *ws) {
  const struct swale__ws_opening *opening = ws->opening;
  return opening && opening->answer && !opening->answer_told && !opening->answer_taken;
}

static void tell_answer(swale_ws *ws) {
  ws->opening->answer_told = true;
  if (ws->options->on_answer)
    ws->options->on_answer(ws, ws->host_data);
}

static void tell_output(swale_ws *ws) {
  ws->tell = false;
  if (ws->options->on_output && (swale_ws_state(ws) & (SWALE_WS_WANT_WRITE | SWALE_WS_CLOSED)))
    ws->options->on_output(ws, ws->host_data);
}

void swale__ws_run_job(struct swale_job *job) {
  swale_ws *ws = (swale_ws *)((char *)job - offsetof(struct swale_ws, job));
  if (ws->freed) {
    swale__ws_destroy(ws);
    return;
  }
  if (ws->opening)
    swale__ws_opening_take_early(ws);
  if (ws->freed || !(ws->tell || answer_waits(ws)))
    return;
  if (swale_loop_put_off(ws->pool->loop, job))
    return;
  if (answer_waits(ws))
    tell_answer(ws);
  if (ws->tell && !ws->freed)
    tell_output(ws);
}

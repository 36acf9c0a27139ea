/* SPDX-License-Identifier: MIT */
#include "ws/connection.h"
#include "ws/opening.h"

/*
 * The connection's job: what has to wait until the outermost call on the loop returns. That is freeing,
 * taking early bytes after a decision that came from elsewhere, and calling the host. Calls of the host's are
 * put together here: however much output appears during one call on the loop, he is called once.
 */

void swale__ws_tell(swale_ws *ws) {
  if (ws->visited)
    return;
  ws->tell = true;
  swale_loop_defer(ws->pool->loop, &ws->job);
}

void swale__ws_decided(swale_ws *ws) { swale_loop_defer(ws->pool->loop, &ws->job); }

static void tell_answer(swale_ws *ws) {
  struct swale__ws_opening *opening = ws->opening;
  if (!opening->answer || opening->answer_told || opening->answer_taken)
    return;
  opening->answer_told = true;
  if (ws->options->on_answer && !ws->visited)
    ws->options->on_answer(ws, ws->host_data);
}

static void tell_output(swale_ws *ws) {
  if (!ws->tell || ws->visited || ws->freed)
    return;
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
  if (ws->opening && !ws->freed)
    tell_answer(ws);
  tell_output(ws);
}

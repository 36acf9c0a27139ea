/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ws/connection.h"
#include "ws/opening.h"

/* Requests that the host's own HTTP server has read, and answers that it writes. */

enum { VERSION_NOT_SUPPORTED = 505 };

static bool upgrade_valid(const struct swale_ws_upgrade *upgrade) {
  if (upgrade->size != sizeof *upgrade || upgrade->request.size != sizeof upgrade->request)
    return false;
  if (!upgrade->method || !upgrade->version || !upgrade->request.target)
    return false;
  for (size_t i = 0; i < upgrade->request.n_headers; i++)
    if (!upgrade->request.headers[i].name || !upgrade->request.headers[i].value)
      return false;
  return true;
}

static void ask(swale_ws *ws, const struct swale_ws_upgrade *upgrade) {
  const struct swale__ws_request request = {
      .method = upgrade->method,
      .target = upgrade->request.target,
      .headers = upgrade->request.headers,
      .n_headers = upgrade->request.n_headers,
  };
  if (strcmp(upgrade->version, "HTTP/1.1") != 0)
    swale__ws_opening_refuse(ws, VERSION_NOT_SUPPORTED, "not HTTP/1.1");
  else
    swale__ws_opening_ask(ws, &request);
}

int swale_ws_new_upgraded(swale_app *app, swale_loop *loop, const struct swale_ws_options *options,
                          const struct swale_ws_upgrade *upgrade, void *host_data, swale_ws **out) {
  struct swale__ws_visit visit;
  *out = NULL;
  if (!upgrade_valid(upgrade))
    return SWALE_EINVAL;
  int rv = swale__ws_make(app, loop, options, host_data, out);
  if (rv < 0)
    return rv;
  swale_ws *ws = *out;
  rv = swale__ws_opening_new(ws, upgrade->request.client, upgrade->request.server);
  if (rv < 0) {
    swale__ws_destroy(ws);
    *out = NULL;
    return rv;
  }
  ws->opening->upgraded = true;
  swale__ws_visit_begin(&visit, ws);
  ws->busy = true;
  ask(ws, upgrade);
  ws->opening->answer_told = ws->opening->answer != NULL; /* the host will look */
  ws->busy = false;
  if (swale__ws_visit_end(&visit))
    return 0;
  *out = NULL;
  return SWALE_ECLOSED;
}

int swale_ws_get_answer(swale_ws *ws, struct swale_ws_answer *answer) {
  struct swale__ws_opening *opening = ws->opening;
  if (!opening || !opening->upgraded)
    return SWALE_ESTATE;
  if (!opening->answer)
    return ws->phase < SWALE__WS_DRAINING ? SWALE_EAGAIN : SWALE_ECLOSED;
  *answer = *opening->answer;
  opening->answer_taken = true;
  return 0;
}

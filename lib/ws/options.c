/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ws/deflate.h"

static const struct swale_ws_options defaults = {
    .size = sizeof defaults,
    .scheme = "ws",
    .message_max = 1 << 20,
    .fragments_max = 1024,
    .empty_fragments_max = 64,
    .message_rate = 10000,
    .byte_rate = 64 << 20,
    .control_rate = 100,
    .head_max = 16384,
    .headers_max = 100,
    .early_max = 16384,
    .handshakes_max = 10000,
    .handshakes_per_peer = 1000,
    .output_max = 1 << 20,
    .output_high = 256 << 10,
    .output_low = 64 << 10,
    .handshake_ms = 10000,
    .ping_ms = 25000,
    .pong_ms = 10000,
    .close_ms = 5000,
    .idle_ms = 24 * 3600 * 1000,
};

void swale_ws_options_init(struct swale_ws_options *options, size_t size) {
  size_t known = size < sizeof defaults ? size : sizeof defaults;
  memset(options, 0, size);
  memcpy(options, &defaults, known);
  options->size = size;
}

int swale__ws_options_check(const struct swale_ws_options *options) {
  const struct swale_ws_options *o = options;
  if (o->size != sizeof *o)
    return SWALE_EINVAL;
  bool scheme = o->scheme && (strcmp(o->scheme, "ws") == 0 || strcmp(o->scheme, "wss") == 0);
  bool input = o->message_max > 0 && o->message_max <= INT32_MAX && o->fragments_max > 0 && o->head_max > 0 &&
               o->head_max <= INT32_MAX && o->early_max <= INT32_MAX && o->headers_max > 0;
  bool rates = o->message_rate > 0 && o->byte_rate > 0 && o->control_rate > 0 &&
               o->control_rate <= UINT16_MAX && o->handshakes_max > 0 && o->handshakes_per_peer > 0;
  bool output = o->output_max > 0 && o->output_low < o->output_high;
  bool deflate = !o->deflate || swale__ws_deflate_check(o->deflate) == 0;
  return scheme && input && rates && output && deflate ? 0 : SWALE_EINVAL;
}

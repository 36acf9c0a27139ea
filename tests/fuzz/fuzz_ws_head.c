/* SPDX-License-Identifier: MIT */
/*
 * Requests: the verdict, what the consumer sees and what is answered do not depend on how the bytes are
 * split.
 */
#include "fuzz_ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct swale_ws_deflate deflate;

static void play(struct subject *s, const uint8_t *data, size_t size, uint64_t seed) {
  subject_init(s);
  swale_ws_deflate_default(&deflate);
  s->options.deflate = &deflate;
  subject_open(s);
  subject_feed(s, data, size, seed);
  subject_write(s, SIZE_MAX);
  if (s->output.len > 0)
    REQUIRE(s->output.len > 12 && memcmp(s->output.at, "HTTP/1.1 ", 9) == 0);
  bool accepted = s->output.len > 0 && memcmp(s->output.at + 9, "101", 3) == 0;
  REQUIRE(accepted == (s->connects == 1));
  if (s->output.len > 0 && !accepted)
    REQUIRE(swale_ws_state(s->ws) == SWALE_WS_CLOSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct subject whole, split;
  if (size < 1)
    return 0;
  uint64_t seed = 1 + (uint64_t)data[0];
  play(&whole, data + 1, size - 1, 0);
  play(&split, data + 1, size - 1, seed);
  REQUIRE(record_equal(&whole.events, &split.events));
  REQUIRE(record_equal(&whole.output, &split.output));
  REQUIRE(swale_ws_state(whole.ws) == swale_ws_state(split.ws));
  subject_free(&whole);
  subject_free(&split);
  return 0;
}

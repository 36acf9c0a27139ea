/* SPDX-License-Identifier: MIT */
/*
 * Frames of a peer. The first byte says how: with bit 0 clear the rest is a stream, fed whole to one
 * connection and split to another, and both must deliver and write the same. With bit 0 set the rest is a
 * script in which feeding, writing, time and messages alternate.
 */
#include "fuzz_ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * An input of a few bytes may ask for much work, and what costs milliseconds keeps thousands of others from being tried. So
 * limits are met early (fuzz_ws.h; the rates here), and what is longer than it takes to meet them is cut.
 */
enum { INPUT_MAX = 8192, STEPS_MAX = 100, EVENTS_MAX = 8, MESSAGE_RATE = 200, BYTE_RATE = 3000 };

static const char request[] =
    "GET /ws/ HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static void open_subject(struct subject *s, bool undecided) {
  subject_init(s);
  s->undecided = undecided;
  s->options.message_rate = MESSAGE_RATE;
  s->options.byte_rate = BYTE_RATE;
  subject_open(s);
  subject_feed(s, (const unsigned char *)request, sizeof request - 1, 0);
  subject_write(s, SIZE_MAX);
  s->output.len = 0;
}

static void finish(struct subject *s) {
  subject_write(s, SIZE_MAX);
  require_frames(&s->output, 0);
}

static void compare(const uint8_t *data, size_t size, uint64_t seed) {
  struct subject whole, split;
  open_subject(&whole, false);
  open_subject(&split, false);
  subject_feed(&whole, data, size, 0);
  subject_feed(&split, data, size, seed);
  finish(&whole);
  finish(&split);
  REQUIRE(record_equal(&whole.events, &split.events));
  REQUIRE(record_equal(&whole.output, &split.output));
  REQUIRE(swale_ws_state(whole.ws) == swale_ws_state(split.ws));
  subject_free(&whole);
  subject_free(&split);
}

/* Always the same message, which is made once. */
static void send_events(struct subject *s, unsigned n) {
  static swale_message *event;
  if (!event)
    event = swale_message_new("event");
  while (n-- > 0)
    swale_group_send(s->layer, "all", event);
}

static void step(struct subject *s, unsigned what, unsigned amount) {
  switch (what) {
  case 0:
    subject_write(s, amount);
    break;
  case 1:
    subject_write(s, SIZE_MAX);
    break;
  case 2:
    s->now_ms += amount * 250;
    REQUIRE(swale_loop_run(s->loop) == 0);
    break;
  case 3:
    send_events(s, amount % EVENTS_MAX);
    REQUIRE(swale_loop_run(s->loop) == 0);
    break;
  case 4:
    if (s->consumer && s->undecided)
      swale_accept(s->consumer, NULL);
    break;
  case 5:
    swale_ws_close(s->ws, (uint16_t)(1000 + amount), NULL);
    break;
  case 6:
    if (amount == 255)
      swale_ws_feed_eof(s->ws);
    break;
  }
}

/* Where frames begin, behind the answer to the handshake if there is one yet. */
static size_t end_of_answer(const struct record *output) {
  size_t at = 0;
  if (output->len == 0)
    return 0;
  REQUIRE(output->len > 12 && memcmp(output->at, "HTTP/1.1 101", 12) == 0);
  while (memcmp(output->at + at, "\r\n\r\n", 4) != 0)
    REQUIRE(++at + 4 <= output->len);
  return at + 4;
}

/* A byte: its high bit clear, feed so many bytes; otherwise what to do, and a byte how much of it. */
static void run_script(const uint8_t *data, size_t size, bool undecided) {
  struct subject s;
  open_subject(&s, undecided);
  for (int steps = 0; size >= 2 && steps < STEPS_MAX; steps++) {
    if (data[0] & 0x80) {
      step(&s, data[0] & 7u, data[1]);
      data += 2;
      size -= 2;
      continue;
    }
    size_t n = data[0] < size - 1 ? data[0] : size - 1;
    subject_feed(&s, data + 1, n, 0);
    data += 1 + n;
    size -= 1 + n;
  }
  subject_write(&s, SIZE_MAX);
  REQUIRE(swale_loop_run(s.loop) == 0);
  subject_write(&s, SIZE_MAX);
  REQUIRE(!(swale_ws_state(s.ws) & SWALE_WS_WANT_WRITE));
  if (!(swale_ws_state(s.ws) & SWALE_WS_CLOSED))
    require_frames(&s.output, undecided ? end_of_answer(&s.output) : 0);
  subject_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  size = size < INPUT_MAX ? size : INPUT_MAX;
  if (data[0] & 1)
    run_script(data + 1, size - 1, (data[0] & 2) != 0);
  else
    compare(data + 1, size - 1, 1 + (uint64_t)data[0]);
  return 0;
}

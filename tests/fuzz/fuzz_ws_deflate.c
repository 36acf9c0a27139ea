/* SPDX-License-Identifier: MIT */
/*
 * What a peer sends where compression was agreed on. The first byte says on which parameters, and how the rest is to be
 * taken:
 *
 * - as a stream of frames, fed whole to one connection and split to another; both must deliver and write the same;
 * - as messages, each a byte how it is framed, two of length, and so many of deflated data. What becomes of it must be what
 *   zlib itself makes of it in one piece: the same message, which comes back as an echo, or the close code for what is wrong.
 */
#include "fuzz_ws.h"

#include <swale/utf8.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
  SPLIT = 1,
  SERVER_TAKEOVER = 2,
  CLIENT_TAKEOVER = 4,
  SMALL_WINDOW = 8, /* of the server's */
  MESSAGES = 16,
  EVERYTHING = 32 /* messages of any length are compressed */
};
enum { MESSAGE_MAX = 5000, FRAGMENTS_MAX = 10, MALFORMED = 1007, TOO_LARGE = 1009 };

static const char request[] = "GET /ws/ HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

static struct swale_ws_deflate wanted;

static void open_subject(struct subject *s, unsigned how) {
  subject_init(s);
  swale_ws_deflate_default(&wanted);
  wanted.server_context_takeover = (how & SERVER_TAKEOVER) != 0;
  wanted.client_context_takeover = (how & CLIENT_TAKEOVER) != 0;
  wanted.threshold = how & EVERYTHING ? 0 : 32;
  wanted.level = 1;
  wanted.mem_level = 1;
  if (how & SMALL_WINDOW)
    wanted.server_window_bits = 9;
  s->options.deflate = &wanted;
  s->options.empty_fragments_max = FRAGMENTS_MAX;
  s->options.message_rate = s->options.byte_rate = UINT32_MAX; /* the clock stands still */
  subject_open(s);
  subject_feed(s, (const unsigned char *)request, sizeof request - 1, 0);
  subject_write(s, SIZE_MAX);
  s->output.len = 0;
  s->events.len = 0;
}

/* ---- what the peer reads ---------------------------------------------------------------- */

static void begin_inflating(z_stream *z) {
  memset(z, 0, sizeof *z);
  REQUIRE(inflateInit2(z, -15) == Z_OK);
}

struct reader {
  z_stream z;
  bool takeover;
  size_t at; /* in the output */
  unsigned first;
  unsigned char payload[2 * MESSAGE_MAX];
  size_t len;
};

static void inflate_frame(struct reader *r, const unsigned char *bytes, size_t len) {
  static const unsigned char tail[] = {0, 0, 0xff, 0xff};
  if (!r->takeover)
    REQUIRE(inflateReset(&r->z) == Z_OK);
  r->z.next_out = r->payload;
  r->z.avail_out = sizeof r->payload;
  for (int end = 0; end < 2; end++) {
    r->z.next_in = (void *)(uintptr_t)(end ? tail : bytes);
    r->z.avail_in = (unsigned)(end ? sizeof tail : len);
    int rv = inflate(&r->z, Z_SYNC_FLUSH);
    REQUIRE((rv == Z_OK || rv == Z_BUF_ERROR) && r->z.avail_in == 0 && r->z.avail_out > 0);
  }
  r->len = sizeof r->payload - r->z.avail_out;
}

/* The next frame that was written, inflated. */
static bool read_frame(struct reader *r, const struct record *output) {
  const unsigned char *p = output->at + r->at;
  size_t left = output->len - r->at, header = 2;
  if (left == 0)
    return false;
  REQUIRE(left >= 2 && (p[1] & 0x80) == 0 && p[1] != 127);
  size_t len = p[1];
  if (len == 126) {
    header = 4;
    REQUIRE(left >= header);
    len = (size_t)p[2] << 8 | p[3];
  }
  REQUIRE(left - header >= len);
  r->first = p[0];
  r->at += header + len;
  REQUIRE(p[0] == 0x81 || p[0] == 0x82 || p[0] == 0xc2 || (p[0] >= 0x88 && p[0] <= 0x8a && len <= 125));
  if (p[0] == 0xc2)
    inflate_frame(r, p + header, len);
  else
    memcpy(r->payload, p + header, r->len = len);
  return true;
}

/* ---- a stream of frames ----------------------------------------------------------------- */

static void check_output(const struct record *output, bool takeover) {
  struct reader r = {.takeover = takeover};
  begin_inflating(&r.z);
  while (read_frame(&r, output)) {
  }
  inflateEnd(&r.z);
}

static void compare(const uint8_t *data, size_t size, unsigned how) {
  struct subject whole, split;
  open_subject(&whole, how);
  open_subject(&split, how);
  subject_feed(&whole, data, size, 0);
  subject_feed(&split, data, size, 1 + size);
  subject_write(&whole, SIZE_MAX);
  subject_write(&split, SIZE_MAX);
  REQUIRE(record_equal(&whole.events, &split.events));
  REQUIRE(record_equal(&whole.output, &split.output));
  REQUIRE(swale_ws_state(whole.ws) == swale_ws_state(split.ws));
  check_output(&whole.output, (how & SERVER_TAKEOVER) != 0);
  subject_free(&whole);
  subject_free(&split);
}

/* ---- messages --------------------------------------------------------------------------- */

/* What zlib makes of a deflated message in one piece: a close code or 0, and then the message. */
struct expected {
  int code;
  unsigned char bytes[MESSAGE_MAX + 1];
  size_t len;
};

/* Goes through deflate streams, of which one may follow another, to the end. False when this is none. */
static bool inflate_streams(z_stream *z) {
  for (;;) {
    int rv = inflate(z, Z_SYNC_FLUSH);
    if (rv == Z_STREAM_END) {
      REQUIRE(inflateReset(z) == Z_OK);
      if (z->avail_in <= 4)
        return z->avail_in == 4; /* the tail is left over */
      continue;
    }
    return rv == Z_OK && z->avail_in == 0 && (z->data_type & 0x87) == 0x80;
  }
}

static void expect(struct expected *e, z_stream *z, const uint8_t *data, size_t size, bool text) {
  struct swale_utf8 utf8 = {0};
  unsigned char *all = malloc(size + 4);
  memcpy(all, data, size);
  memcpy(all + size, "\0\0\xff\xff", 4);
  z->next_in = all;
  z->avail_in = (unsigned)(size + 4);
  z->next_out = e->bytes;
  z->avail_out = sizeof e->bytes;
  bool good = size == 0 || inflate_streams(z);
  e->len = sizeof e->bytes - z->avail_out;
  free(all);
  if (text && swale_utf8_feed(&utf8, e->bytes, e->len) < 0)
    e->code = MALFORMED;
  else if (e->len > MESSAGE_MAX)
    e->code = TOO_LARGE;
  else
    e->code = good && (!text || swale_utf8_end(&utf8) == 0) ? 0 : MALFORMED;
}

static void put_frame(struct record *r, unsigned first, const uint8_t *data, size_t len) {
  const unsigned char header[] = {
      (unsigned char)first, 0xfe, (unsigned char)(len >> 8), (unsigned char)len, 0, 0, 0, 0};
  const unsigned char short_header[] = {(unsigned char)first, (unsigned char)(0x80 | len), 0, 0, 0, 0};
  if (len < 126)
    record_add(r, short_header, sizeof short_header);
  else
    record_add(r, header, sizeof header);
  record_add(r, data, len);
}

/* One message in up to four frames. */
static void put_message(struct record *r, const uint8_t *data, size_t len, bool text, unsigned frames) {
  unsigned opcode = text ? 0x41 : 0x42;
  for (unsigned i = 1; i <= frames; i++) {
    size_t part = i == frames ? len : len / (frames - i + 1);
    put_frame(r, (i == frames ? 0x80u : 0) | opcode, data, part);
    opcode = 0;
    data += part;
    len -= part;
  }
}

static size_t event_size(const struct expected *e) {
  return sizeof(enum swale_kind) + sizeof e->len + e->len;
}

static void require_delivered(struct subject *s, struct reader *r, const struct expected *e, bool text) {
  const unsigned char *at = s->events.at;
  enum swale_kind kind = text ? SWALE_TEXT : SWALE_BINARY;
  REQUIRE(s->events.len >= event_size(e) && memcmp(at, &kind, sizeof kind) == 0);
  REQUIRE(memcmp(at + sizeof kind, &e->len, sizeof e->len) == 0);
  REQUIRE(e->len == 0 || memcmp(at + sizeof kind + sizeof e->len, e->bytes, e->len) == 0);
  REQUIRE(read_frame(r, &s->output) && (r->first & 0x0f) == 2);
  REQUIRE(r->len == e->len && (e->len == 0 || memcmp(r->payload, e->bytes, e->len) == 0));
}

static void require_closed(struct subject *s, struct reader *r, int code) {
  REQUIRE(read_frame(r, &s->output) && r->first == 0x88 && r->len == 2);
  REQUIRE((r->payload[0] << 8 | r->payload[1]) == code);
  REQUIRE(s->events.len == sizeof code && memcmp(s->events.at, &code, sizeof code) == 0);
}

/* Feeds one message and checks what becomes of it. Whether the connection is still open. */
static bool exchange(struct subject *s, struct reader *r, z_stream *z, unsigned frame, const uint8_t *data,
                     size_t len, unsigned how) {
  static struct expected e;
  bool text = (frame & 1) != 0;
  struct record bytes = {0};
  if (!(how & CLIENT_TAKEOVER))
    REQUIRE(inflateReset(z) == Z_OK);
  expect(&e, z, data, len, text);
  put_message(&bytes, data, len, text, 1 + (frame >> 1) % 4);
  s->events.len = s->output.len = r->at = 0;
  subject_feed(s, bytes.at, bytes.len, how & SPLIT ? 1 + len : 0);
  free(bytes.at);
  subject_write(s, SIZE_MAX);
  if (e.code) {
    require_closed(s, r, e.code);
    return false;
  }
  require_delivered(s, r, &e, text);
  return s->consumer && !(e.len == 4 && (memcmp(e.bytes, "exit", 4) == 0 || memcmp(e.bytes, "fail", 4) == 0));
}

static void run_messages(const uint8_t *data, size_t size, unsigned how) {
  struct subject s;
  z_stream z;
  static struct reader r;
  r.takeover = (how & SERVER_TAKEOVER) != 0;
  begin_inflating(&z);
  begin_inflating(&r.z);
  open_subject(&s, how);
  bool open = true;
  while (open && size >= 3) {
    size_t len = (size_t)data[1] << 8 | data[2];
    unsigned frame = data[0];
    data += 3;
    size -= 3;
    len = len < size ? len : size;
    len = len < MESSAGE_MAX ? len : MESSAGE_MAX;
    open = exchange(&s, &r, &z, frame, data, len, how);
    data += len;
    size -= len;
  }
  subject_free(&s);
  inflateEnd(&z);
  inflateEnd(&r.z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  if (data[0] & MESSAGES)
    run_messages(data + 1, size - 1, data[0]);
  else
    compare(data + 1, size - 1, data[0]);
  return 0;
}

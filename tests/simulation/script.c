/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <string.h>

/* What peers say. Most speak properly; some break the protocol once, and from then on nothing is expected of them. */

/* The example of RFC 6455 section 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

bool accepts_key(const char *accept) { return strcmp(accept, ACCEPT) == 0; }

static struct dice *dice_of(const struct peer *p) { return &p->world->dice; }

static uint32_t some_mask(struct dice *d) { return (uint32_t)dice_next(d) | 1; }

size_t write_text(char *to, size_t len, uint64_t seed) {
  static const char *const wide[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
                                     "\xf4\x8f\xbf\xbf"};
  struct dice d = {seed};
  size_t at = 0;
  while (at < len) {
    const char *letter = wide[dice_below(&d, 5)];
    if (dice_chance(&d, 90) || strlen(letter) > len - at) {
      to[at++] = (char)('a' + dice_below(&d, 26));
    } else {
      memcpy(to + at, letter, strlen(letter));
      at += strlen(letter);
    }
  }
  to[at] = '\0';
  return at;
}

/* ---- requests ---------------------------------------------------------------------------------- */

static const char *const targets[] = {"/chat/lobby/", "/later/",    "/picky/7?as=me", "/strict/",  "/oldest/",
                                      "/latest/",     "/chat/r-2/", "/nowhere/",      "/chat/%ff/"};
enum { TARGETS = sizeof targets / sizeof targets[0] };

static const char *some_target(struct dice *d) {
  return targets[dice_below(d, dice_chance(d, 95) ? TARGETS - 2 : TARGETS)];
}

static const char *some_offer(struct dice *d) {
  static const char *const offers[] = {
      "permessage-deflate",
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=10; server_max_window_bits=11",
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
  };
  return dice_chance(d, 60) ? offers[dice_below(d, sizeof offers / sizeof offers[0])] : NULL;
}

static int proper_request(struct dice *d, const char *offer, char *to, size_t size) {
  static const char *const extras[] = {
      "", "Sec-WebSocket-Protocol: v1, v2\r\n", "Origin: http://sim\r\n",
      "Cookie: a=b; c=d\r\nX-Filler: 0123456789012345678901234567890123456789\r\n"};
  return snprintf(
      to, size,
      "GET %s HTTP/1.1\r\nHost: sim\r\n%s%s%s%sUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
      some_target(d), extras[dice_below(d, 4)], offer ? "sec-websocket-extensions: " : "", offer ? offer : "",
      offer ? "\r\n" : "");
}

/* Bytes changed, left out or doubled, or nothing like a request at all. */
static size_t spoil(struct dice *d, char *text, size_t len) {
  size_t at = dice_below(d, (uint32_t)len), n = dice_below(d, (uint32_t)(len - at)) / 4 + 1;
  switch (dice_below(d, 4)) {
  case 0:
    text[at] = (char)dice_next(d);
    return len;
  case 1:
    memmove(text + at, text + at + n, len - at - n);
    return len - n;
  case 2:
    for (size_t i = 0; i < n; i++)
      text[at + i] = (char)dice_next(d);
    return len;
  default:
    return at;
  }
}

void say_hello(struct peer *p) {
  struct dice *d = dice_of(p);
  char text[1024];
  const char *offer = some_offer(d);
  size_t len = (size_t)proper_request(d, offer, text, sizeof text);
  p->squeeze.offer = offer;
  p->head_len = len;
  if (dice_chance(d, p->world->temper.broken)) {
    len = spoil(d, text, len);
    p->wild = true;
    p->head_len = 0;
    p->squeeze.offer = NULL;
  }
  bytes_add(&p->out, text, len);
}

static void add_header(struct request *r, const char *name, const char *value) {
  r->headers[r->upgrade.request.n_headers++] = (struct swale_header){name, value};
}

const char *make_request(struct world *w, struct request *r) {
  struct dice *d = &w->dice;
  bool broken = dice_chance(d, w->temper.broken);
  *r = (struct request){.upgrade = {.size = sizeof r->upgrade, .method = "GET", .version = "HTTP/1.1"}};
  strcpy(r->target, some_target(d));
  add_header(r, "hOsT", "sim");
  add_header(r, "Upgrade", broken && dice_chance(d, 30) ? "h2c" : "WebSocket");
  add_header(r, "connection", "Upgrade");
  add_header(r, "Sec-WebSocket-Key", broken && dice_chance(d, 30) ? "tooshort==" : KEY);
  if (!broken || dice_chance(d, 60))
    add_header(r, "Sec-WebSocket-Version", broken ? "8" : "13");
  if (dice_chance(d, 30))
    add_header(r, "Sec-WebSocket-Protocol", "v2");
  const char *offer = some_offer(d);
  if (offer)
    add_header(r, "Sec-WebSocket-Extensions", offer);
  if (broken && dice_chance(d, 30))
    r->upgrade.method = "POST";
  r->upgrade.request.size = sizeof r->upgrade.request;
  r->upgrade.request.target = r->target;
  r->upgrade.request.headers = r->headers;
  r->upgrade.request.client = dice_chance(d, 50) ? "198.51.100.7:1234" : NULL;
  return offer;
}

/* ---- frames ------------------------------------------------------------------------------------ */

static void put_frame(struct peer *p, unsigned first, const void *payload, size_t len) {
  wire_frame(&p->out, first, payload, len, some_mask(dice_of(p)));
}

static void note_message(struct peer *p, unsigned kind, const void *bytes, size_t len) {
  notes_add(&p->said, kind, bytes, len, p->fed + p->out.len);
  p->longest = len > p->longest ? len : p->longest;
}

static void say_ping(struct peer *p) {
  char text[126];
  size_t len = write_text(text, dice_below(dice_of(p), 126), dice_next(dice_of(p)));
  put_frame(p, WIRE_FIN | WIRE_PING, text, len);
  notes_add(&p->pings, WIRE_PONG, text, len, 0);
}

/* In one frame or two, the cut anywhere and a ping in between. */
static void say_compressed(struct peer *p, unsigned kind, const void *bytes, size_t len) {
  struct dice *d = dice_of(p);
  struct bytes wire = {0};
  squeeze_deflate(&p->squeeze, bytes, len, &wire);
  size_t cut = dice_chance(d, 40) ? dice_below(d, (uint32_t)wire.len + 1) : wire.len;
  bool whole = cut == wire.len;
  put_frame(p, WIRE_RSV1 | kind | (whole ? WIRE_FIN : 0u), wire.at, cut);
  if (!whole && dice_chance(d, 30))
    say_ping(p);
  if (!whole)
    put_frame(p, WIRE_FIN | WIRE_CONTINUATION, wire.at + cut, wire.len - cut);
  bytes_free(&wire);
}

static void say_message(struct peer *p) {
  struct dice *d = dice_of(p);
  static char text[(1 << MESSAGE_BITS) + 1];
  unsigned kind = dice_chance(d, 60) ? WIRE_TEXT : WIRE_BINARY;
  size_t len = write_text(text, dice_size(d, p->world->temper.big), dice_next(d));
  if (kind == WIRE_BINARY && len > 0)
    text[dice_below(d, (uint32_t)len)] = (char)dice_next(d);
  if (p->squeeze.agreed && dice_chance(d, 70))
    say_compressed(p, kind, text, len);
  else
    put_frame(p, WIRE_FIN | kind, text, len);
  note_message(p, kind, text, len);
}

/* One more fragment, cut without regard for characters. */
static void say_fragment(struct peer *p) {
  struct dice *d = dice_of(p);
  char text[256];
  bool first = p->partial_kind == 0, last = dice_chance(d, 30);
  if (first) {
    p->partial_kind = dice_chance(d, 60) ? WIRE_TEXT : WIRE_BINARY;
    p->partial.len = 0;
  }
  size_t len = write_text(text, dice_size(d, 7), dice_next(d));
  bytes_add(&p->partial, text, len);
  /* Say the text in one or two frames, the cut anywhere. */
  size_t cut = len > 0 && dice_chance(d, 50) ? dice_below(d, (uint32_t)len + 1) : len;
  unsigned opcode = first ? p->partial_kind : WIRE_CONTINUATION;
  if (cut < len) {
    put_frame(p, opcode, text, cut);
    opcode = WIRE_CONTINUATION;
  } else {
    cut = 0;
  }
  put_frame(p, opcode | (last ? WIRE_FIN : 0u), text + cut, len - cut);
  if (!last)
    return;
  note_message(p, p->partial_kind, p->partial.at, p->partial.len);
  p->partial_kind = 0;
}

void say_pong(struct peer *p, const void *bytes, size_t len) {
  if (!p->said_close)
    put_frame(p, WIRE_FIN | WIRE_PONG, bytes, len);
}

void say_close(struct peer *p) {
  static const unsigned codes[] = {1000, 1001, 3000, 4999};
  unsigned code = codes[dice_below(dice_of(p), 4)];
  unsigned char payload[16] = {(unsigned char)(code >> 8), (unsigned char)code};
  size_t len = 2 + write_text((char *)payload + 2, dice_below(dice_of(p), 8), code);
  bool empty = dice_chance(dice_of(p), 20);
  put_frame(p, WIRE_FIN | WIRE_CLOSE, payload, empty ? 0 : len);
  p->said_close = true;
  p->close_code = empty ? 1005 : (int)code;
}

/* ---- what nobody should say -------------------------------------------------------------------- */

static void say_noise(struct peer *p) {
  unsigned char noise[64];
  size_t len = dice_between(dice_of(p), 1, sizeof noise);
  for (size_t i = 0; i < len; i++)
    noise[i] = (unsigned char)dice_next(dice_of(p));
  bytes_add(&p->out, noise, len);
}

static void say_wrong(struct peer *p) {
  static const unsigned char huge[] = {0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 1,    2,    3,    4};
  static const unsigned char padded[] = {0x81, 0xfe, 0, 1, 1, 2, 3, 4, 'x'};
  struct dice *d = dice_of(p);
  char text[200];
  write_text(text, sizeof text - 1, dice_next(d));
  p->wild = true;
  switch (dice_below(d, 10)) {
  case 0:
    say_noise(p);
    break;
  case 1:
    put_frame(p, WIRE_FIN | 0x10u << dice_below(d, 3) | WIRE_TEXT, text, 5);
    break;
  case 2:
    wire_frame(&p->out, WIRE_FIN | WIRE_TEXT, text, 5, 0);
    break;
  case 3:
    put_frame(p, WIRE_FIN | (dice_chance(d, 50) ? 3u : 11u), text, 5);
    break;
  case 4:
    put_frame(p, WIRE_FIN | WIRE_TEXT, "ab\xed\xa0\x80", 5);
    break;
  case 5:
    bytes_add(&p->out, huge, sizeof huge);
    break;
  case 6:
    put_frame(p, p->partial_kind ? WIRE_TEXT : WIRE_CONTINUATION, text, dice_below(d, 20));
    break;
  case 7:
    put_frame(p, dice_chance(d, 50) ? WIRE_PING : WIRE_FIN | WIRE_PING, text, 126);
    break;
  case 8:
    put_frame(p, WIRE_FIN | WIRE_CLOSE, "\x03\xed!", dice_between(d, 1, 3));
    break;
  default:
    bytes_add(&p->out, padded, sizeof padded);
    break;
  }
}

void say_something(struct peer *p) {
  struct dice *d = dice_of(p);
  if (p->said_eof || (p->said_close && !dice_chance(d, p->world->temper.broken)))
    return;
  if (p->said_close || dice_chance(d, p->world->temper.broken / 4)) {
    say_wrong(p);
    return;
  }
  uint32_t what = dice_below(d, 100);
  if (what < 12 || (p->partial_kind && what < 70))
    say_fragment(p);
  else if (what < 80 && !p->partial_kind)
    say_message(p);
  else if (what < 92)
    say_ping(p);
  else if (what < 95)
    say_pong(p, "unasked", 7);
  else
    say_close(p);
}

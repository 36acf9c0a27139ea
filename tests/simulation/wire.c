/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *old, size_t size) {
  void *block = realloc(old, size);
  if (!block) {
    perror("simulation");
    exit(2);
  }
  return block;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

void bytes_add(struct bytes *b, const void *more, size_t n) {
  if (b->room - b->len < n) {
    b->room = 2 * b->room + n + 64;
    b->at = grown(b->at, b->room);
  }
  if (n > 0)
    memcpy(b->at + b->len, more, n);
  b->len += n;
}

void bytes_drop_front(struct bytes *b, size_t n) {
  if (n == 0)
    return;
  memmove(b->at, b->at + n, b->len - n);
  b->len -= n;
}

void bytes_free(struct bytes *b) {
  free(b->at);
  *b = (struct bytes){0};
}

/* ---- notes ----------------------------------------------------------------------------------- */

/* FNV-1a */
static uint64_t hash_of(const void *bytes, size_t len) {
  const unsigned char *at = bytes;
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < len; i++)
    hash = (hash ^ at[i]) * 0x100000001b3u;
  return hash;
}

void notes_add(struct notes *n, unsigned kind, const void *bytes, size_t len, uint64_t end) {
  if (n->first > 0 && n->first + n->count == n->room) {
    memmove(n->items, n->items + n->first, n->count * sizeof *n->items);
    n->first = 0;
  }
  if (n->count == n->room) {
    n->room = 2 * n->room + 8;
    n->items = grown(n->items, n->room * sizeof *n->items);
  }
  n->items[n->first + n->count++] = (struct note){hash_of(bytes, len), end, len, kind};
}

const struct note *notes_first(const struct notes *n) { return n->count > 0 ? &n->items[n->first] : NULL; }

void notes_drop(struct notes *n) {
  n->first++;
  if (--n->count == 0)
    n->first = 0;
}

bool notes_match(struct notes *n, unsigned kind, const void *bytes, size_t len) {
  const struct note *first = notes_first(n);
  if (!first || first->kind != kind || first->len != len || first->hash != hash_of(bytes, len))
    return false;
  notes_drop(n);
  return true;
}

void notes_free(struct notes *n) {
  free(n->items);
  *n = (struct notes){0};
}

/* ---- writing --------------------------------------------------------------------------------- */

static size_t put_length(unsigned char *head, size_t len, unsigned mask_bit) {
  unsigned bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;
  head[0] = (unsigned char)(mask_bit | (bytes == 0 ? len : bytes == 2 ? 126u : 127u));
  for (unsigned i = 0; i < bytes; i++)
    head[1 + i] = (unsigned char)((uint64_t)len >> (8 * (bytes - 1 - i)));
  return 1 + bytes;
}

void wire_frame(struct bytes *out, unsigned first_byte, const void *payload, size_t len, uint32_t mask) {
  unsigned char head[14], key[4];
  head[0] = (unsigned char)first_byte;
  size_t n = 1 + put_length(head + 1, len, mask ? 0x80u : 0u);
  bytes_add(out, head, n);
  memcpy(key, &mask, sizeof key);
  if (mask)
    bytes_add(out, key, sizeof key);
  size_t start = out->len;
  bytes_add(out, payload, len);
  for (size_t i = 0; mask && i < len; i++)
    out->at[start + i] ^= key[i % 4];
}

/* ---- reading --------------------------------------------------------------------------------- */

bool wire_is_utf8(const unsigned char *s, size_t len) {
  size_t i = 0;
  while (i < len) {
    unsigned char c = s[i];
    size_t more = c < 0x80                ? 0
                  : c >= 0xc2 && c < 0xe0 ? 1
                  : c >= 0xe0 && c < 0xf0 ? 2
                  : c >= 0xf0 && c < 0xf5 ? 3
                                          : 9;
    if (more > 3 || len - i <= more)
      return false;
    for (size_t k = 1; k <= more; k++)
      if ((s[i + k] & 0xc0) != 0x80)
        return false;
    if ((c == 0xe0 && s[i + 1] < 0xa0) || (c == 0xed && s[i + 1] > 0x9f) || (c == 0xf0 && s[i + 1] < 0x90) ||
        (c == 0xf4 && s[i + 1] > 0x8f))
      return false;
    i += more + 1;
  }
  return true;
}

static enum wire_event_kind wrong(struct wire_reader *r, const char *what) {
  r->wrong = what;
  return WIRE_WRONG;
}

/* The head and, of a refusal, its body. The NUL that ends the head takes the place of its last line feed. */
static enum wire_event_kind next_head(struct wire_reader *r, struct wire_event *e) {
  bytes_add(&r->pending, "", 1);
  r->pending.len--;
  char *text = (char *)r->pending.at, *end = strstr(text, "\r\n\r\n");
  if (!end)
    return WIRE_NOTHING;
  if (sscanf(text, "HTTP/1.1 %3d ", &e->status) != 1)
    return wrong(r, "no status line");
  size_t head_len = (size_t)(end - text) + 4, body = 0;
  const char *length = strstr(text, "\r\nContent-Length: ");
  if (e->status != 101 && (!length || length > end || sscanf(length + 18, "%zu", &body) != 1))
    return wrong(r, "a refusal without a length");
  if (r->pending.len - head_len < body)
    return WIRE_NOTHING;
  if (e->status != 101 && r->pending.len - head_len > body)
    return wrong(r, "bytes behind a refusal");
  end[3] = '\0';
  e->head = text;
  e->len = head_len + body;
  return WIRE_HEAD;
}

static const char *fault_of_close(const unsigned char *payload, size_t len) {
  if (len == 0)
    return NULL;
  if (len == 1)
    return "half a close code";
  unsigned code = (unsigned)payload[0] << 8 | payload[1];
  if (code < 1000 || code == 1004 || code == 1005 || code == 1006 || (code > 1014 && code < 3000) ||
      code > 4999)
    return "a close code that may not be sent";
  return wire_is_utf8(payload + 2, len - 2) ? NULL : "a reason that is not UTF-8";
}

static const char *fault_of_frame(const struct wire_event *e, unsigned char first, bool inflates) {
  if (!(first & WIRE_FIN))
    return "a fragment, which this server does not send";
  if (first & 0x70 && (!inflates || (first & 0x70) != WIRE_RSV1 || e->opcode > WIRE_BINARY))
    return "reserved bits";
  switch (e->opcode) {
  case WIRE_TEXT:
    return e->compressed || wire_is_utf8(e->payload, e->len) ? NULL : "text that is not UTF-8";
  case WIRE_BINARY:
    return NULL;
  case WIRE_CLOSE:
    return e->len > 125 ? "a long control frame" : fault_of_close(e->payload, e->len);
  case WIRE_PING:
  case WIRE_PONG:
    return e->len > 125 ? "a long control frame" : NULL;
  default:
    return "an unknown opcode";
  }
}

static enum wire_event_kind next_frame(struct wire_reader *r, struct wire_event *e) {
  const unsigned char *b = r->pending.at;
  size_t have = r->pending.len;
  if (have == 0)
    return WIRE_NOTHING;
  if (r->closed)
    return wrong(r, "bytes behind a close frame");
  if (have < 2)
    return WIRE_NOTHING;
  if (b[1] & 0x80)
    return wrong(r, "a masked frame");
  unsigned more = b[1] == 126 ? 2 : b[1] == 127 ? 8 : 0;
  if (have < 2 + more)
    return WIRE_NOTHING;
  uint64_t len = more ? 0 : b[1];
  for (unsigned i = 0; i < more; i++)
    len = len << 8 | b[2 + i];
  if ((more == 2 && len < 126) || (more == 8 && len < 65536))
    return wrong(r, "a length that is not the shortest");
  if (len > have - 2 - more)
    return WIRE_NOTHING;
  e->opcode = b[0] & 0x0f;
  e->payload = b + 2 + more;
  e->len = (size_t)len;
  e->compressed = (b[0] & WIRE_RSV1) != 0;
  const char *fault = fault_of_frame(e, b[0], r->inflates);
  if (fault)
    return wrong(r, fault);
  r->closed = e->opcode == WIRE_CLOSE;
  return WIRE_FRAME;
}

enum wire_event_kind wire_next(struct wire_reader *r, struct wire_event *event) {
  *event = (struct wire_event){0};
  if (r->refused)
    return r->pending.len > 0 ? wrong(r, "bytes behind a refusal") : WIRE_NOTHING;
  return r->upgraded ? next_frame(r, event) : next_head(r, event);
}

void wire_took(struct wire_reader *r, const struct wire_event *event) {
  if (event->payload) {
    bytes_drop_front(&r->pending, (size_t)(event->payload - r->pending.at) + event->len);
    return;
  }
  r->upgraded = event->status == 101;
  r->refused = !r->upgraded;
  bytes_drop_front(&r->pending, event->len);
}

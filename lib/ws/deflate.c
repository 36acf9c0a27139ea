/* SPDX-License-Identifier: MIT */
#include "ws/deflate.h"

#include <string.h>

#include "ws/frame_out.h"
#include "ws/memory.h"
#include "ws/opening.h"

/* ---- what is wanted --------------------------------------------------------------------- */

void swale_ws_deflate_init(struct swale_ws_deflate *deflate, size_t size) {
  static const struct swale_ws_deflate defaults = {
      .size = sizeof defaults,
      .threshold = 256,
      .ratio_max = 256,
      .level = 6,
      .mem_level = 8,
      .server_window_bits = SWALE__WINDOW_BITS_MAX,
      .client_window_bits = SWALE__WINDOW_BITS_MAX,
  };
  memset(deflate, 0, size);
  memcpy(deflate, &defaults, size < sizeof defaults ? size : sizeof defaults);
  deflate->size = size;
}

static bool in_range(int value, int min, int max) { return value >= min && value <= max; }

int swale__ws_deflate_check(const struct swale_ws_deflate *wanted) {
  const struct swale_ws_deflate *w = wanted;
  bool valid = w->size == sizeof *w && w->ratio_max > 0 && in_range(w->level, 1, 9) &&
               in_range(w->mem_level, 1, 9) &&
               in_range(w->server_window_bits, SWALE__WINDOW_BITS_MIN, SWALE__WINDOW_BITS_MAX) &&
               in_range(w->client_window_bits, SWALE__WINDOW_BITS_MIN, SWALE__WINDOW_BITS_MAX);
  return valid ? 0 : SWALE_EINVAL;
}

int swale_ws_set_deflate(swale_consumer *c, const struct swale_ws_deflate *deflate) {
  swale_ws *ws = swale_consumer_transport(c, &swale__ws_transport);
  if (deflate && swale__ws_deflate_check(deflate) < 0)
    return SWALE_EINVAL;
  if (!ws || (deflate && !swale__ws_codec_available))
    return SWALE_EUNSUPPORTED;
  if (ws->phase != SWALE__WS_DECIDING)
    return SWALE_ESTATE;
  ws->opening->deflate_wanted = deflate != NULL;
  if (deflate)
    ws->opening->deflate = *deflate;
  return 0;
}

/* ---- what is agreed --------------------------------------------------------------------- */

static bool same_terms(const struct swale__ws_terms *a, const struct swale__ws_terms *b) {
  return a->agreed.server_bits == b->agreed.server_bits && a->level == b->level &&
         a->mem_level == b->mem_level && a->ratio_max == b->ratio_max && a->threshold == b->threshold;
}

static bool has_takeover(const struct swale__ws_terms *terms) {
  return terms->agreed.server_takeover || terms->agreed.client_takeover;
}

/* The one that is shared, or NULL. */
static struct swale__ws_deflate *find_shared(const struct swale__ws_pool *pool,
                                             const struct swale__ws_terms *terms) {
  struct swale__ws_deflate *d = pool->deflates;
  while (d && !same_terms(&d->terms, terms))
    d = d->next;
  return d;
}

static struct swale__ws_deflate *make(struct swale__ws_pool *pool, const struct swale__ws_terms *terms) {
  struct swale__ws_deflate *d = swale__ws_malloc(pool->allocator, sizeof *d);
  if (!d)
    return NULL;
  *d = (struct swale__ws_deflate){.terms = *terms};
  if (!has_takeover(terms)) {
    d->next = pool->deflates;
    pool->deflates = d;
  }
  return d;
}

void swale__ws_deflate_begin(swale_ws *ws, const struct swale__ws_agreement *agreed,
                             const struct swale_ws_deflate *wanted) {
  const struct swale__ws_terms terms = {
      .agreed = *agreed,
      .level = (uint8_t)wanted->level,
      .mem_level = (uint8_t)wanted->mem_level,
      .ratio_max = wanted->ratio_max,
      .threshold = wanted->threshold,
  };
  struct swale__ws_deflate *d = has_takeover(&terms) ? NULL : find_shared(ws->pool, &terms);
  ws->deflate = d ? d : make(ws->pool, &terms);
  if (ws->deflate)
    ws->deflate->users++;
}

static void forget(struct swale__ws_pool *pool, const struct swale__ws_deflate *d) {
  struct swale__ws_deflate **link = &pool->deflates;
  while (*link && *link != d)
    link = &(*link)->next;
  if (*link)
    *link = d->next;
}

void swale__ws_deflate_end(swale_ws *ws) {
  struct swale__ws_deflate *d = ws->deflate;
  ws->deflate = NULL;
  if (!d || --d->users > 0)
    return;
  forget(ws->pool, d);
  swale__ws_codec_free(d->deflater);
  swale__ws_codec_free(d->inflater);
  swale__ws_release(ws->pool->allocator, d);
}

/* A codec of a connection's own, made when first needed. */
static struct swale__ws_codec *own(struct swale__ws_codec **codec, struct swale__ws_shape shape,
                                   const struct swale_allocator *allocator) {
  if (!*codec)
    *codec = swale__ws_codec_new(shape, allocator);
  if (*codec)
    (*codec)->owned = true;
  return *codec;
}

/* ---- sending ---------------------------------------------------------------------------- */

/* What it takes to deflate a message. */
struct tools {
  struct swale__ws_pool *pool;
  struct swale__ws_deflate *deflate;
};

static struct swale__ws_shape shape_of(const struct swale__ws_terms *terms) {
  return (struct swale__ws_shape){terms->level, terms->agreed.server_bits, terms->mem_level};
}

static unsigned char *deflate(const struct tools *tools, const void *bytes, size_t len,
                              size_t *deflated_len) {
  struct swale__ws_deflate *d = tools->deflate;
  struct swale__ws_shape shape = shape_of(&d->terms);
  bool takeover = d->terms.agreed.server_takeover;
  struct swale__ws_codec *codec = takeover ? own(&d->deflater, shape, tools->pool->allocator)
                                           : swale__ws_pool_take_codec(tools->pool, shape);
  if (!codec)
    return NULL;
  unsigned char *deflated = swale__ws_codec_deflate(codec, bytes, len, !takeover, deflated_len);
  if (!takeover)
    swale__ws_pool_give_codec(tools->pool, codec);
  else if (!deflated)
    swale__ws_codec_reset(codec);
  return deflated;
}

/*
 * A swale_encode_fn; `arg` is the tools. What does not become smaller is sent as it is, and so is everything when there is
 * no memory for more. Not with takeover, where leaving a message out would cost more than it saves.
 */
static int encode(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out, const void *arg) {
  const struct tools *tools = arg;
  size_t deflated_len;
  unsigned char *deflated = deflate(tools, bytes, len, &deflated_len);
  if (!deflated)
    return swale__ws_frame_encode(bytes, len, kind, out, NULL);
  int rv = swale__ws_frame_put(out, (unsigned char)(SWALE__FRAME_RSV1 | kind), deflated, deflated_len);
  swale__ws_release(tools->pool->allocator, deflated);
  return rv;
}

static bool is_worth_it(const struct swale__ws_deflate *d, size_t len) {
  return len > 0 && len >= d->terms.threshold;
}

int swale__ws_deflate_bytes(swale_ws *ws, enum swale_kind kind, const void *bytes, size_t len,
                            swale_payload **frame) {
  struct tools tools = {ws->pool, ws->deflate};
  swale_encode_fn how = is_worth_it(tools.deflate, len) ? encode : swale__ws_frame_encode;
  return swale_payload_wrap(kind, bytes, len, how, &tools, ws->pool->allocator, frame);
}

/* What a shared frame depends on, whatever loop it is made on: a name for it that is nobody's address. */
static const void *name_of(struct swale__ws_shape shape) {
  return (const void *)(uintptr_t)(1u | (unsigned)shape.level << 4 | (unsigned)shape.window_bits << 8 |
                                   (unsigned)shape.mem_level << 12);
}

int swale__ws_deflate_payload(swale_ws *ws, swale_payload *payload, swale_payload **frame) {
  struct tools tools = {ws->pool, ws->deflate};
  size_t len;
  const void *bytes = swale_payload_bytes(payload, &len);
  int rv;
  if (!is_worth_it(tools.deflate, len))
    rv = swale_payload_encode(payload, swale__ws_frame_encode, NULL, frame);
  else if (tools.deflate->terms.agreed.server_takeover)
    return swale__ws_deflate_bytes(ws, swale_payload_kind(payload), bytes, len, frame);
  else
    rv = swale_payload_encode_as(payload, encode, name_of(shape_of(&tools.deflate->terms)), &tools, frame);
  if (rv == 0)
    swale_payload_ref(*frame);
  return rv;
}

void swale__ws_deflate_unsent(swale_ws *ws) {
  if (ws->deflate->deflater)
    swale__ws_codec_reset(ws->deflate->deflater);
}

/* ---- receiving -------------------------------------------------------------------------- */

/* Borrowed ones have the largest window: they serve every client. */
int swale__ws_deflate_open(swale_ws *ws, struct swale__ws_assembly *message) {
  struct swale__ws_deflate *d = ws->deflate;
  struct swale__ws_shape shape = {.window_bits = SWALE__WINDOW_BITS_MAX};
  if (d->terms.agreed.client_takeover) {
    shape.window_bits = d->terms.agreed.client_bits;
    if (shape.window_bits < SWALE__WINDOW_BITS_MIN) /* zlib deflates with 9 bits when told 8 */
      shape.window_bits = SWALE__WINDOW_BITS_MIN;
    message->codec = own(&d->inflater, shape, ws->pool->allocator);
  } else {
    message->codec = swale__ws_pool_take_codec(ws->pool, shape);
  }
  return message->codec ? 0 : SWALE_ENOMEM;
}

int swale__ws_deflate_append(swale_ws *ws, struct swale__ws_assembly **message, const void *bytes, size_t len,
                             bool last) {
  struct swale__ws_growth growth = {ws->options->message_max, ws->deflate->terms.ratio_max};
  return swale__ws_codec_inflate((*message)->codec, message, bytes, len, last, growth);
}

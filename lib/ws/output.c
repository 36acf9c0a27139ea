/* SPDX-License-Identifier: MIT */
#include "ws/output.h"

#include <string.h>

#include <swale/error.h>

/* What begins as a final frame of text or binary data does; control frames and HTTP do not. */
static bool is_data(const unsigned char *bytes) { return (bytes[0] & 0x88) == 0x80; }

static void count(struct swale__ws_output *o, const swale_payload *frame) {
  size_t len;
  const unsigned char *bytes = swale_payload_bytes(frame, &len);
  o->bytes += len;
  if (!is_data(bytes))
    o->control_bytes += (uint32_t)len;
}

/* A new chunk between the last and the first, or alone; NULL without memory. */
static struct swale__ws_chunk *close_ring(struct swale__ws_output *o, struct swale__ws_pool *pool) {
  struct swale__ws_chunk *chunk = swale__ws_pool_take_chunk(pool), *last = o->last ? o->last : chunk;
  if (!chunk)
    return NULL;
  chunk->next = o->last ? last->next : chunk;
  last->next = chunk;
  o->last = last;
  return chunk;
}

static int append(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame) {
  if (!o->last || o->last->end == SWALE__CHUNK_FRAMES) {
    struct swale__ws_chunk *chunk = close_ring(o, pool);
    if (!chunk)
      return SWALE_ENOMEM;
    o->last = chunk;
  }
  o->last->frames[o->last->end++] = frame;
  return 0;
}

/* In front of the chunks, that is behind `single`. */
static int prepend(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame) {
  if (!o->last || o->last->next->first == 0) {
    struct swale__ws_chunk *chunk = close_ring(o, pool);
    if (!chunk)
      return SWALE_ENOMEM;
    chunk->first = chunk->end = SWALE__CHUNK_FRAMES;
  }
  struct swale__ws_chunk *first = o->last->next;
  first->frames[--first->first] = frame;
  return 0;
}

static swale_payload **first_in_chunks(const struct swale__ws_output *o) {
  struct swale__ws_chunk *chunk = o->last->next;
  return &chunk->frames[chunk->first];
}

int swale__ws_output_push(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame) {
  if (o->bytes == 0)
    o->single = frame;
  else if (append(o, pool, frame) < 0)
    return SWALE_ENOMEM;
  count(o, frame);
  return 0;
}

/* Where the first frame is not begun, the urgent one becomes the first; otherwise the second. */
static int insert(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame) {
  if (!o->single && o->offset > 0) {
    swale_payload **first = first_in_chunks(o);
    o->single = *first;
    *first = frame;
    return 0;
  }
  if (o->single && o->offset > 0)
    return prepend(o, pool, frame);
  if (o->single && prepend(o, pool, o->single) < 0)
    return SWALE_ENOMEM;
  o->single = frame;
  return 0;
}

int swale__ws_output_push_urgent(struct swale__ws_output *o, struct swale__ws_pool *pool,
                                 swale_payload *frame) {
  if (o->control_bytes > 0)
    return SWALE_EAGAIN;
  int rv = insert(o, pool, frame);
  if (rv == 0)
    count(o, frame);
  return rv;
}

static void show(struct iovec *iov, const swale_payload *frame, size_t offset) {
  size_t len;
  const unsigned char *bytes = swale_payload_bytes(frame, &len);
  iov->iov_base = (void *)(uintptr_t)(bytes + offset);
  iov->iov_len = len - offset;
}

int swale__ws_output_peek(const struct swale__ws_output *o, struct iovec *iov, int max) {
  int n = 0;
  size_t offset = o->offset;
  if (o->single && n < max) {
    show(&iov[n++], o->single, offset);
    offset = 0;
  }
  const struct swale__ws_chunk *c = o->last;
  if (c)
    do {
      c = c->next;
      for (unsigned i = c->first; i < c->end && n < max; i++) {
        show(&iov[n++], c->frames[i], offset);
        offset = 0;
      }
    } while (c != o->last && n < max);
  return n;
}

static swale_payload *first(const struct swale__ws_output *o) {
  return o->single ? o->single : *first_in_chunks(o);
}

static void drop_first(struct swale__ws_output *o, struct swale__ws_pool *pool) {
  swale_payload_unref(first(o));
  o->offset = 0;
  if (o->single) {
    o->single = NULL;
    return;
  }
  struct swale__ws_chunk *chunk = o->last->next;
  if (++chunk->first < chunk->end)
    return;
  o->last->next = chunk->next;
  if (chunk == o->last)
    o->last = NULL;
  swale__ws_pool_give_chunk(pool, chunk);
}

int swale__ws_output_ack(struct swale__ws_output *o, struct swale__ws_pool *pool, size_t n) {
  if (n > o->bytes)
    return SWALE_EINVAL;
  while (n > 0) {
    size_t len;
    const unsigned char *bytes = swale_payload_bytes(first(o), &len);
    size_t left = len - o->offset;
    size_t part = n < left ? n : left;
    n -= part;
    o->bytes -= part;
    if (!is_data(bytes))
      o->control_bytes -= (uint32_t)part;
    o->offset += (uint32_t)part;
    if (part == left)
      drop_first(o, pool);
  }
  return 0;
}

void swale__ws_output_clear(struct swale__ws_output *o, struct swale__ws_pool *pool) {
  while (o->single || o->last)
    drop_first(o, pool);
  memset(o, 0, sizeof *o);
}

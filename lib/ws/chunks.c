/* SPDX-License-Identifier: MIT */
#include "ws/chunks.h"

#include <swale/error.h>

#include "ws/pool.h"

/* A new chunk between the last and the first, or alone; NULL without memory. */
static struct swale__ws_chunk *close_ring(struct swale__ws_chunk **last, struct swale__ws_pool *pool) {
  struct swale__ws_chunk *chunk = swale__ws_pool_take_chunk(pool);
  if (!chunk)
    return NULL;
  if (!*last)
    *last = chunk;
  chunk->next = *last == chunk ? chunk : (*last)->next;
  (*last)->next = chunk;
  return chunk;
}

int swale__ws_chunks_append(struct swale__ws_chunk **last, struct swale__ws_pool *pool,
                            swale_payload *frame) {
  if (!*last || (*last)->end == SWALE__CHUNK_FRAMES) {
    struct swale__ws_chunk *chunk = close_ring(last, pool);
    if (!chunk)
      return SWALE_ENOMEM;
    *last = chunk;
  }
  (*last)->frames[(*last)->end++] = frame;
  return 0;
}

int swale__ws_chunks_prepend(struct swale__ws_chunk **last, struct swale__ws_pool *pool,
                             swale_payload *frame) {
  if (!*last || (*last)->next->first == 0) {
    struct swale__ws_chunk *chunk = close_ring(last, pool);
    if (!chunk)
      return SWALE_ENOMEM;
    chunk->first = chunk->end = SWALE__CHUNK_FRAMES;
  }
  struct swale__ws_chunk *first = (*last)->next;
  first->frames[--first->first] = frame;
  return 0;
}

int swale__ws_chunks_show(struct swale__ws_chunk *last, struct iovec *iov, int max) {
  int n = 0;
  struct swale__ws_chunk *c = last;
  do {
    c = c->next;
    for (unsigned i = c->first; i < c->end && n < max; i++)
      iov[n++] = swale__ws_frame_shown(c->frames[i]);
  } while (c != last && n < max);
  return n;
}

void swale__ws_chunks_drop_first(struct swale__ws_chunk **last, struct swale__ws_pool *pool) {
  struct swale__ws_chunk *chunk = (*last)->next;
  swale_payload_unref(chunk->frames[chunk->first]);
  if (++chunk->first < chunk->end)
    return;
  (*last)->next = chunk->next;
  if (chunk == *last)
    *last = NULL;
  swale__ws_pool_give_chunk(pool, chunk);
}

void swale__ws_chunks_clear(struct swale__ws_chunk **last, struct swale__ws_pool *pool) {
  while (*last)
    swale__ws_chunks_drop_first(last, pool);
}

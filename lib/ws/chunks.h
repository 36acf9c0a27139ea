/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_CHUNKS_H
#define SWALE_WS_CHUNKS_H

#include <stdint.h>
#include <sys/uio.h>

#include <swale/message.h>

struct swale__ws_pool;

/*
 * A queue of frames, each with a reference, in a ring of chunks from the pool. It is known by its last chunk, which leads
 * to the first; NULL is an empty one. No chunk of it is empty.
 */
enum { SWALE__CHUNK_FRAMES = 16 };

/* A run of frames: those from `first` up to `end`. */
struct swale__ws_chunk {
  struct swale__ws_chunk *next;
  uint16_t first, end;
  swale_payload *frames[SWALE__CHUNK_FRAMES];
};

static inline struct iovec swale__ws_frame_shown(const swale_payload *frame) {
  size_t len;
  const void *bytes = swale_payload_bytes(frame, &len);
  return (struct iovec){(void *)(uintptr_t)bytes, len};
}

/* Take over the caller's reference, unless they answer SWALE_ENOMEM. */
int swale__ws_chunks_append(struct swale__ws_chunk **last, struct swale__ws_pool *pool, swale_payload *frame);
int swale__ws_chunks_prepend(struct swale__ws_chunk **last, struct swale__ws_pool *pool,
                             swale_payload *frame);

/* Where the first frame of a queue that is not empty stands. */
static inline swale_payload **swale__ws_chunks_first(struct swale__ws_chunk *last) {
  return &last->next->frames[last->next->first];
}

/* Shows up to `max` frames and answers how many. */
int swale__ws_chunks_show(struct swale__ws_chunk *last, struct iovec *iov, int max);
void swale__ws_chunks_drop_first(struct swale__ws_chunk **last, struct swale__ws_pool *pool);
void swale__ws_chunks_clear(struct swale__ws_chunk **last, struct swale__ws_pool *pool);

#endif

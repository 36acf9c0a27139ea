/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_OUTPUT_H
#define SWALE_WS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <swale/message.h>

#include "ws/pool.h"

/*
 * Frames waiting to be written, each shared with whoever else sends it, and in front of them perhaps the
 * answer to the handshake. Order is that of pushing; an urgent frame goes ahead, but not into the middle of
 * another.
 *
 * Most of the time there is nothing or one frame: that one stands in `single`. What comes behind is a view of a
 * burst, as long as others send the same; otherwise it stands in chunks from the pool, a ring of them. Nothing
 * that was shown by a peek changes before it is acked.
 */
struct swale__ws_output {
  swale_payload *single; /* if there is one, the first of all */
  union {
    struct swale__ws_chunk *last;  /* leads to the first; NULL: there is none */
    struct swale__ws_burst *burst; /* when `end` is not 0 */
  };
  size_t bytes;           /* waiting, in all */
  uint32_t control_bytes; /* of them not in data frames */
  uint32_t offset;        /* bytes of the first frame that are written */
  uint8_t first, end;     /* of the burst's frames */
};

static inline size_t swale__ws_output_data_bytes(const struct swale__ws_output *o) {
  return o->bytes - o->control_bytes;
}

/* Takes over the caller's reference, unless it answers SWALE_ENOMEM. */
int swale__ws_output_push(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame);

/*
 * Pushes the frame of a payload, of which others may push the same, and takes a reference of it if need be. While others
 * have been ahead, their next frame is one's own: `ahead` is its length if it is this payload's, or 0, and `follow` pushes
 * it.
 */
int swale__ws_output_push_shared(struct swale__ws_output *o, struct swale__ws_pool *pool,
                                 swale_payload *payload, swale_payload *frame);

static inline size_t swale__ws_output_ahead(const struct swale__ws_output *o, const swale_payload *payload) {
  bool is_next = o->end > 0 && o->end < o->burst->count && o->burst->payloads[o->end] == payload;
  return is_next ? o->burst->iov[o->end].iov_len : 0;
}

static inline void swale__ws_output_follow(struct swale__ws_output *o, size_t len) {
  o->end++;
  o->bytes += len;
}

/*
 * Puts a control frame ahead of all that is not yet begun, and takes over the reference. SWALE_EAGAIN, and
 * nothing happens, while another frame that is no data waits, so that such frames cannot pile up;
 * SWALE_ENOMEM.
 */
int swale__ws_output_push_urgent(struct swale__ws_output *o, struct swale__ws_pool *pool,
                                 swale_payload *frame);

/* See swale_ws_peek and swale_ws_ack. */
int swale__ws_output_peek(const struct swale__ws_output *o, struct iovec *iov, int max);
int swale__ws_output_ack(struct swale__ws_output *o, struct swale__ws_pool *pool, size_t n);

void swale__ws_output_clear(struct swale__ws_output *o, struct swale__ws_pool *pool);

#endif

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
 * Most of the time there is nothing or one frame: that one stands in `single`. What comes behind stands in
 * chunks from the pool, a ring of them. Nothing that was shown by a peek changes before it is acked.
 */
struct swale__ws_output {
  swale_payload *single;        /* if there is one, the first of all */
  struct swale__ws_chunk *last; /* leads to the first */
  size_t bytes;                 /* waiting, in all */
  uint32_t control_bytes;       /* of them not in data frames */
  uint32_t offset;              /* bytes of the first frame that are written */
};

static inline size_t swale__ws_output_data_bytes(const struct swale__ws_output *o) {
  return o->bytes - o->control_bytes;
}

/* Takes over the caller's reference, unless it answers SWALE_ENOMEM. */
int swale__ws_output_push(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame);

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

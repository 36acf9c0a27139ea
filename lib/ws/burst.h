/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_BURST_H
#define SWALE_WS_BURST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <swale/message.h>

struct swale__ws_pool;

/*
 * What several messages to a group leave behind in one turn: every member sends the same frames in the same order. They
 * stand in a burst, once, ready to be written, and a member's queue is no more than a view of them, from one frame to
 * another: following costs neither a reference nor memory of its own. The pool has one burst that grows. When that is full
 * another takes its place, and it stays until its last view is gone; so does each of its frames, which is why bursts are
 * small. Without views a burst is empty. The loop's thread only.
 */
enum { SWALE__BURST_FRAMES = 64, SWALE__BURST_BYTES = 16384 };

struct swale__ws_burst {
  uint32_t views, count;
  size_t bytes;
  swale_payload *payloads[SWALE__BURST_FRAMES]; /* with a reference each, which keeps its frame, too */
  swale_payload *frames[SWALE__BURST_FRAMES];
  struct iovec iov[SWALE__BURST_FRAMES];
};

/*
 * The pool's burst, whose last frame is now the one of this payload, with a view more; NULL without memory, or when the
 * frame is too large.
 */
struct swale__ws_burst *swale__ws_burst_join(struct swale__ws_pool *pool, swale_payload *payload,
                                             swale_payload *frame);
/* Likewise for a view that ends where the burst does. Answers whether that was possible. */
int swale__ws_burst_grow(struct swale__ws_pool *pool, struct swale__ws_burst *burst, swale_payload *payload,
                         swale_payload *frame);
void swale__ws_burst_leave(struct swale__ws_pool *pool, struct swale__ws_burst *burst);

#endif

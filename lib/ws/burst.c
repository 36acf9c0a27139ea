/* SPDX-License-Identifier: MIT */
#include "ws/burst.h"

#include "ws/memory.h"
#include "ws/pool.h"

static bool has_room(const struct swale__ws_burst *b, size_t len) {
  return b->count < SWALE__BURST_FRAMES && b->bytes + len <= SWALE__BURST_BYTES;
}

static void add(struct swale__ws_burst *b, swale_payload *payload, swale_payload *frame) {
  struct iovec shown = swale__ws_frame_shown(frame);
  b->payloads[b->count] = swale_payload_ref(payload);
  b->frames[b->count] = frame;
  b->iov[b->count] = shown;
  b->count++;
  b->bytes += shown.iov_len;
}

static struct swale__ws_burst *begin(struct swale__ws_pool *pool) {
  struct swale__ws_burst *b = swale__ws_malloc(pool->allocator, sizeof *b);
  if (b)
    b->views = b->count = 0, b->bytes = 0;
  return b;
}

struct swale__ws_burst *swale__ws_burst_join(struct swale__ws_pool *pool, swale_payload *payload,
                                             swale_payload *frame) {
  struct swale__ws_burst *b = pool->burst;
  size_t len = swale__ws_frame_shown(frame).iov_len;
  bool is_last = b && b->count > 0 && b->payloads[b->count - 1] == payload;
  if (!is_last) {
    if (len > SWALE__BURST_BYTES)
      return NULL;
    if (!b || !has_room(b, len))
      b = begin(pool);
    if (!b)
      return NULL;
    pool->burst = b;
    add(b, payload, frame);
  }
  b->views++;
  return b;
}

int swale__ws_burst_grow(struct swale__ws_pool *pool, struct swale__ws_burst *b, swale_payload *payload,
                         swale_payload *frame) {
  if (b != pool->burst || !has_room(b, swale__ws_frame_shown(frame).iov_len))
    return 0;
  add(b, payload, frame);
  return 1;
}

void swale__ws_burst_leave(struct swale__ws_pool *pool, struct swale__ws_burst *b) {
  if (--b->views > 0)
    return;
  for (uint32_t i = 0; i < b->count; i++)
    swale_payload_unref(b->payloads[i]);
  b->count = 0;
  b->bytes = 0;
  if (b != pool->burst)
    swale__ws_release(pool->allocator, b);
}

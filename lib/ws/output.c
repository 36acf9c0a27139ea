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

/* ---- the view of a burst ----------------------------------------------------------------------- */

static bool has_view(const struct swale__ws_output *o) { return o->end > 0; }

static void leave_burst(struct swale__ws_output *o, struct swale__ws_pool *pool) {
  swale__ws_burst_leave(pool, o->burst);
  o->last = NULL;
  o->first = o->end = 0;
}

/* Whether the frame could be made the last of the view. */
static bool share(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *payload,
                  swale_payload *frame) {
  if (has_view(o)) {
    if (o->end != o->burst->count || !swale__ws_burst_grow(pool, o->burst, payload, frame))
      return false;
    o->end++;
    return true;
  }
  struct swale__ws_burst *burst = o->last ? NULL : swale__ws_burst_join(pool, payload, frame);
  if (!burst)
    return false;
  o->burst = burst;
  o->end = (uint8_t)burst->count;
  o->first = (uint8_t)(burst->count - 1);
  return true;
}

/* Frames of one's own instead of the view, if there is one. SWALE_ENOMEM, and nothing has changed. */
static int part(struct swale__ws_output *o, struct swale__ws_pool *pool) {
  struct swale__ws_chunk *own = NULL;
  if (!has_view(o))
    return 0;
  for (unsigned i = o->first; i < o->end; i++) {
    if (swale__ws_chunks_append(&own, pool, o->burst->frames[i]) < 0) {
      swale__ws_chunks_clear(&own, pool);
      return SWALE_ENOMEM;
    }
    swale_payload_ref(o->burst->frames[i]);
  }
  leave_burst(o, pool);
  o->last = own;
  return 0;
}

/* ---- pushing ----------------------------------------------------------------------------------- */

static int queue(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame) {
  int rv = part(o, pool);
  return rv < 0 ? rv : swale__ws_chunks_append(&o->last, pool, frame);
}

int swale__ws_output_push(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame) {
  if (o->bytes == 0)
    o->single = frame;
  else if (queue(o, pool, frame) < 0)
    return SWALE_ENOMEM;
  count(o, frame);
  return 0;
}

int swale__ws_output_push_shared(struct swale__ws_output *o, struct swale__ws_pool *pool,
                                 swale_payload *payload, swale_payload *frame) {
  if (o->bytes > 0 && share(o, pool, payload, frame)) {
    count(o, frame);
    return 0;
  }
  int rv = swale__ws_output_push(o, pool, frame);
  if (rv == 0)
    swale_payload_ref(frame);
  return rv;
}

/* Where the first frame is not begun, the urgent one becomes the first; otherwise the second. */
static int insert(struct swale__ws_output *o, struct swale__ws_pool *pool, swale_payload *frame) {
  if (part(o, pool) < 0)
    return SWALE_ENOMEM;
  if (!o->single && o->offset > 0) {
    swale_payload **first = swale__ws_chunks_first(o->last);
    o->single = *first;
    *first = frame;
    return 0;
  }
  if (o->single && o->offset > 0)
    return swale__ws_chunks_prepend(&o->last, pool, frame);
  if (o->single && swale__ws_chunks_prepend(&o->last, pool, o->single) < 0)
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

/* ---- writing ----------------------------------------------------------------------------------- */

static int show_view(const struct swale__ws_output *o, struct iovec *iov, int max) {
  int n = o->end - o->first;
  if (n > max)
    n = max;
  memcpy(iov, &o->burst->iov[o->first], (size_t)n * sizeof *iov);
  return n;
}

int swale__ws_output_peek(const struct swale__ws_output *o, struct iovec *iov, int max) {
  int n = 0;
  if (o->bytes == 0 || max <= 0)
    return 0;
  if (o->single)
    iov[n++] = swale__ws_frame_shown(o->single);
  if (has_view(o))
    n += show_view(o, iov + n, max - n);
  else if (o->last)
    n += swale__ws_chunks_show(o->last, iov + n, max - n);
  iov->iov_base = (char *)iov->iov_base + o->offset;
  iov->iov_len -= o->offset;
  return n;
}

static struct iovec first(const struct swale__ws_output *o) {
  if (!o->single && has_view(o))
    return o->burst->iov[o->first];
  return swale__ws_frame_shown(o->single ? o->single : *swale__ws_chunks_first(o->last));
}

static void drop_first(struct swale__ws_output *o, struct swale__ws_pool *pool) {
  o->offset = 0;
  if (o->single) {
    swale_payload_unref(o->single);
    o->single = NULL;
  } else if (!has_view(o)) {
    swale__ws_chunks_drop_first(&o->last, pool);
  } else if (++o->first == o->end) {
    leave_burst(o, pool);
  }
}

/* Of what waits, but not all. */
static void ack_some(struct swale__ws_output *o, struct swale__ws_pool *pool, size_t n) {
  while (n > 0) {
    struct iovec frame = first(o);
    size_t left = frame.iov_len - o->offset;
    size_t part = n < left ? n : left;
    n -= part;
    o->bytes -= part;
    if (!is_data(frame.iov_base))
      o->control_bytes -= (uint32_t)part;
    o->offset += (uint32_t)part;
    if (part == left)
      drop_first(o, pool);
  }
}

int swale__ws_output_ack(struct swale__ws_output *o, struct swale__ws_pool *pool, size_t n) {
  if (n > o->bytes)
    return SWALE_EINVAL;
  if (n == o->bytes)
    swale__ws_output_clear(o, pool);
  else
    ack_some(o, pool, n);
  return 0;
}

void swale__ws_output_clear(struct swale__ws_output *o, struct swale__ws_pool *pool) {
  swale_payload_unref(o->single);
  if (has_view(o))
    leave_burst(o, pool);
  if (o->last)
    swale__ws_chunks_clear(&o->last, pool);
  o->single = NULL;
  o->bytes = 0;
  o->control_bytes = o->offset = 0;
}

/* SPDX-License-Identifier: MIT */
#include "core/payload.h"

#include <string.h>

#include <swale/utf8.h>

#include "core/env.h"

/* What an encoder is expected to add: frame headers are smaller. */
enum { ENCODING_OVERHEAD = 16 };

/* ---- life ----------------------------------------------------------------------------- */

static void init(struct swale_payload *p, enum swale_kind kind, size_t len,
                 const struct swale_allocator *allocator) {
  atomic_init(&p->refs, 1);
  p->len = (uint32_t)len & INT32_MAX;
  p->is_text = kind == SWALE_TEXT;
  atomic_init(&p->memos.newest, NULL);
  p->allocator = *allocator;
}

static int check_arguments(enum swale_kind kind, const void *bytes, size_t len) {
  if (!swale__kind_known(kind) || (!bytes && len > 0))
    return SWALE_EINVAL;
  return len > SWALE__PAYLOAD_MAX ? SWALE_ESIZE : 0;
}

static int check_text(enum swale_kind kind, const void *bytes, size_t len) {
  return kind == SWALE_BINARY || swale_utf8_valid(bytes, len) ? 0 : SWALE_EUTF8;
}

int swale_payload_new(enum swale_kind kind, const void *bytes, size_t len,
                      const struct swale_allocator *allocator, swale_payload **out) {
  *out = NULL;
  int rv = check_arguments(kind, bytes, len);
  if (rv == 0)
    rv = check_text(kind, bytes, len);
  if (rv)
    return rv;
  struct swale_allocator a;
  swale__allocator_copy(&a, allocator);
  struct swale_payload *p = swale__malloc(&a, sizeof *p + len);
  if (!p)
    return SWALE_ENOMEM;
  init(p, kind, len, &a);
  if (len > 0)
    memcpy(p + 1, bytes, len);
  *out = p;
  return 0;
}

swale_payload *swale_payload_ref(swale_payload *p) {
  atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
  return p;
}

static void destroy(struct swale_payload *p) {
  struct swale_allocator allocator = p->allocator;
  swale__payload_forget(&p->memos, &allocator);
  swale__free(&allocator, p);
}

void swale_payload_unref(swale_payload *p) {
  if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
    destroy(p);
}

const void *swale_payload_bytes(const swale_payload *p, size_t *len) {
  *len = p->len;
  return p + 1;
}

enum swale_kind swale_payload_kind(const swale_payload *p) { return p->is_text ? SWALE_TEXT : SWALE_BINARY; }

/* ---- made from a buffer --------------------------------------------------------------- */

void swale__payload_begin(struct swale_buffer *b, const struct swale_allocator *allocator, size_t hint,
                          size_t limit) {
  swale__buffer_init(b, allocator, sizeof(struct swale_payload), hint, limit);
}

static int check_written(const struct swale_buffer *b, int written, enum swale_kind kind) {
  if (written)
    return written < 0 ? written : SWALE_EINVAL;
  if (b->error)
    return b->error;
  return check_text(kind, swale__buffer_bytes(b), b->len);
}

int swale__payload_finish(struct swale_buffer *b, int written, enum swale_kind kind, swale_payload **out) {
  size_t len = b->len;
  int rv = check_written(b, written, kind);
  struct swale_payload *p = rv == 0 ? swale__buffer_take(b) : NULL;
  if (p) {
    init(p, kind, len, b->allocator);
    *out = p;
    return 0;
  }
  swale__buffer_free(b);
  return rv ? rv : SWALE_ENOMEM;
}

/* ---- memos ---------------------------------------------------------------------------- */

static void drop(void *kept) { swale_payload_unref(kept); }

int swale__payload_keep(struct swale__memos *memos, const struct swale__memo_key *key, swale_payload *made,
                        const struct swale_allocator *allocator, swale_payload **out) {
  void *kept = NULL;
  int rv = swale__memo_keep(memos, key, made, allocator, &kept);
  if (kept != made)
    swale_payload_unref(made);
  *out = kept;
  return rv;
}

void swale__payload_forget(struct swale__memos *memos, const struct swale_allocator *allocator) {
  swale__memo_clear(memos, allocator, drop);
}

/* ---- encoded -------------------------------------------------------------------------- */

__attribute__((noinline)) static int make_encoded(enum swale_kind kind, const void *bytes, size_t len,
                                                  swale_encode_fn encode, const void *arg,
                                                  const struct swale_allocator *allocator,
                                                  swale_payload **out) {
  struct swale_buffer b;
  swale__payload_begin(&b, allocator, len + ENCODING_OVERHEAD, SWALE__PAYLOAD_MAX);
  return swale__payload_finish(&b, encode(bytes, len, kind, &b, arg), SWALE_BINARY, out);
}

int swale_payload_encode(swale_payload *p, swale_encode_fn encode, const void *arg, swale_payload **out) {
  return swale_payload_encode_as(p, encode, arg, arg, out);
}

/* Apart, so that all the others for whom it is there already do not pay for the registers this takes. */
__attribute__((noinline)) static int encode_and_keep(swale_payload *p, const struct swale__memo_key *key,
                                                     const void *arg, swale_payload **out) {
  swale_encode_fn encode = (swale_encode_fn)key->function;
  swale_payload *made;
  int rv = make_encoded(swale_payload_kind(p), p + 1, p->len, encode, arg, &p->allocator, &made);
  return rv ? rv : swale__payload_keep(&p->memos, key, made, &p->allocator, out);
}

int swale_payload_encode_as(swale_payload *p, swale_encode_fn encode, const void *name, const void *arg,
                            swale_payload **out) {
  struct swale__memo_key key = {.function = (void (*)(void))encode, .arg = name};
  *out = swale__memo_find(&p->memos, &key);
  return *out ? 0 : encode_and_keep(p, &key, arg, out);
}

int swale_payload_wrap(enum swale_kind kind, const void *bytes, size_t len, swale_encode_fn encode,
                       const void *arg, const struct swale_allocator *allocator, swale_payload **out) {
  *out = NULL;
  int rv = check_arguments(kind, bytes, len);
  if (rv)
    return rv;
  struct swale_allocator a;
  swale__allocator_copy(&a, allocator);
  return make_encoded(kind, bytes, len, encode, arg, &a, out);
}

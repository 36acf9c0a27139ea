/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_PAYLOAD_H
#define SWALE_CORE_PAYLOAD_H

#include <stdatomic.h>
#include <stdint.h>

#include <swale/transport.h>

#include "core/buffer.h"
#include "core/memo.h"

/* What a payload can hold: just below 2 GiB. */
#define SWALE__PAYLOAD_MAX INT32_MAX

/* One block: this, then the bytes. */
struct swale_payload {
  atomic_uint refs;
  uint32_t len : 31;
  uint32_t is_text : 1;
  struct swale__memos memos; /* what swale_payload_encode has made of it */
  struct swale_allocator allocator;
};

_Static_assert(sizeof(struct swale_payload) <= 48 || sizeof(void *) != 8, "a payload's header is lean");

static inline bool swale__kind_known(enum swale_kind kind) {
  return kind == SWALE_TEXT || kind == SWALE_BINARY;
}

/* A buffer whose block can become a payload. `hint`, `limit`: see swale__buffer_init. */
void swale__payload_begin(struct swale_buffer *b, const struct swale_allocator *allocator, size_t hint,
                          size_t limit);

/*
 * Ends what swale__payload_begin began, after the writer of the bytes has answered `written`: 0 and the
 * payload, with one reference, in *out; otherwise nothing is left of the buffer. Errors: the writer's (a
 * positive answer is SWALE_EINVAL), else the buffer's, SWALE_EUTF8, SWALE_ENOMEM.
 */
int swale__payload_finish(struct swale_buffer *b, int written, enum swale_kind kind, swale_payload **out);

/*
 * Keeps a payload under `key`: the reference of `made` goes to the memos or, if another thread has been
 * faster or on SWALE_ENOMEM, away. *out is what is kept, borrowed.
 */
int swale__payload_keep(struct swale__memos *memos, const struct swale__memo_key *key, swale_payload *made,
                        const struct swale_allocator *allocator, swale_payload **out);

/* Ends memos that keep payloads. */
void swale__payload_forget(struct swale__memos *memos, const struct swale_allocator *allocator);

#endif

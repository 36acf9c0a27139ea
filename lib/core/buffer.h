/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_BUFFER_H
#define SWALE_CORE_BUFFER_H

#include <stddef.h>

#include <swale/message.h>

/*
 * Bytes that grow at the end, behind room for a header: the block in which they are written becomes the
 * payload that holds them, so they are never copied a second time.
 *
 *     block: | front | bytes written | spare |
 */
struct swale_buffer {
  const struct swale_allocator *allocator;
  unsigned char *block;
  size_t front;
  size_t len;
  size_t capacity; /* of bytes, spare ones included, without the front; 0 while there is no block */
  size_t hint;
  size_t limit;
  int error;
};

/*
 * An empty buffer with `front` bytes of room before its bytes. `hint` is how many bytes are expected, 0 if
 * nobody knows; more than `limit` are SWALE_ESIZE. The allocator must outlive the buffer. Takes no memory.
 */
void swale__buffer_init(struct swale_buffer *b, const struct swale_allocator *allocator, size_t front,
                        size_t hint, size_t limit);
void swale__buffer_free(struct swale_buffer *b);

/* The bytes written; NULL if there is no block yet. */
static inline const unsigned char *swale__buffer_bytes(const struct swale_buffer *b) {
  return b->block ? b->block + b->front : NULL;
}

/*
 * Hands the block over, cut to size if much of it is spare. The buffer is then as after
 * swale__buffer_free. NULL if there is no memory for a block that holds nothing but the front.
 */
void *swale__buffer_take(struct swale_buffer *b);

#endif

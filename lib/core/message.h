/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_MESSAGE_H
#define SWALE_CORE_MESSAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include <swale/message.h>

#include "core/memo.h"
#include "core/msgpack_keys.h"

/*
 * One block: this struct, the builder of a message that is built here, the type with its NUL, and room for
 * the encoded bytes. While a message is built its bytes move to a block of their own when that room is
 * too small; the message itself stays where it is, because the user holds a pointer to it.
 */
struct swale_message {
  atomic_uint refs;
  int error;
  char *type;
  unsigned char *bytes;
  uint32_t type_len;
  uint32_t len;
  struct swale__builder *builder; /* NULL once frozen */
  struct swale__memos memos;      /* what swale_message_render has made of it */
  struct swale_allocator allocator;
};

/* A map or list that is open. */
struct swale__frame {
  uint32_t body; /* where its contents begin, right behind its head */
  uint32_t count;
  uint32_t first_key; /* its share of the stack of keys; their offsets count from `body` */
  bool is_map;
};

#define SWALE__FRAMES_FEW 4

struct swale__builder {
  uint32_t capacity;
  uint32_t size_max;
  uint32_t depth;
  uint32_t frame_capacity;
  struct swale__frame *frames;
  struct swale__frame first[SWALE__FRAMES_FEW];
  struct swale__keys keys;
};

static inline bool swale__message_frozen(const swale_message *m) { return !m->builder; }

/* Where the bytes are as long as they are in the message's own block. */
static inline unsigned char *swale__message_room(const swale_message *m) {
  return (unsigned char *)m->type + m->type_len + 1;
}

/* References for so many others; the caller has one. */
static inline void swale__message_add_refs(swale_message *m, unsigned n) {
  atomic_fetch_add_explicit(&m->refs, n, memory_order_relaxed);
}

/* What the message weighs in a queue that is bounded in bytes. */
static inline size_t swale__message_weight(const swale_message *m) {
  return sizeof *m + m->type_len + 1 + m->len;
}

/* Opens the message's own map; `m` has `capacity` bytes of room in its own block. */
void swale__builder_init(swale_message *m, uint32_t capacity, uint32_t size_max);

/* Ends the message's own map: 0 and the message is frozen, or what swale_message_freeze answers then. */
int swale__builder_finish(swale_message *m);

/* Gives back what a builder holds besides the message's block. */
void swale__builder_free(swale_message *m);

#endif

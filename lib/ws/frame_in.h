/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_FRAME_IN_H
#define SWALE_WS_FRAME_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wslay/wslay.h>

#include <swale/env.h>

#include "ws/frame_out.h"

struct swale__ws_assembly;

/*
 * Tells the frames in a stream of bytes apart, by means of wslay's frame layer. A connection borrows a reader
 * while a frame or message is incomplete and gives it back at the end; meanwhile it keeps the message there.
 */
struct swale__ws_reader {
  struct swale__ws_reader *next;      /* in a pool */
  struct swale__ws_assembly *message; /* NULL while none is incomplete */
  wslay_frame_context_ptr wslay;
  const unsigned char *at; /* what wslay may fetch: the bytes of the call that is going on */
  size_t left;
  uint64_t held;       /* bytes fetched that belong to no complete frame yet */
  uint64_t frame_left; /* payload of the current frame still to come */
  bool in_frame;
  bool broken; /* not to be used again */
  unsigned char control_len;
  unsigned char control[SWALE__CONTROL_MAX];
};

/* Part of a frame's payload, unmasked, valid until the next call. A control frame comes in one piece. */
struct swale__ws_piece {
  bool first, last; /* of its frame */
  bool fin, masked;
  unsigned char opcode, rsv;
  uint64_t frame_len;
  const unsigned char *data;
  size_t len;
};

/* Bytes of the whole frame, header included. */
uint64_t swale__ws_frame_size(const struct swale__ws_piece *piece);

/* SWALE_ENOMEM. wslay takes its memory from the C library. */
int swale__ws_reader_new(const struct swale_allocator *allocator, struct swale__ws_reader **out);
void swale__ws_reader_free(struct swale__ws_reader *reader, const struct swale_allocator *allocator);

/* The bytes to read from: borrowed until they are used up or replaced. */
void swale__ws_reader_feed(struct swale__ws_reader *reader, const void *bytes, size_t len);

/*
 * The next piece: 1; 0 when more bytes are needed; SWALE_EPROTOCOL when what comes is no frame, and the
 * reader is broken.
 */
int swale__ws_reader_next(struct swale__ws_reader *reader, struct swale__ws_piece *piece);

/* Whether it stands between two messages, and so has nothing to remember. */
static inline bool swale__ws_reader_idle(const struct swale__ws_reader *reader) {
  return !reader->message && !reader->in_frame && reader->held == 0 && reader->left == 0 && !reader->broken;
}

static inline bool swale__ws_opcode_is_control(unsigned char opcode) { return (opcode & 0x8) != 0; }

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_CODEC_H
#define SWALE_WS_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>

#include "ws/message_in.h"

/* What a codec is for: those of one shape can replace each other. */
struct swale__ws_shape {
  uint8_t level; /* of deflating; 0: it inflates */
  uint8_t window_bits;
  uint8_t mem_level; /* of deflating */
};

/*
 * A stream of messages as RFC 7692 deflates them, either way: zlib, behind as little of it as the rest needs. In a
 * build without zlib codec_none.c stands for codec.c, and there is never a codec.
 */
struct swale__ws_codec {
  struct swale__ws_codec *next; /* in a pool */
  const struct swale_allocator *allocator;
  struct swale__ws_shape shape;
  bool owned; /* by a connection, whose messages refer to earlier ones */
};

/* Whether this build has any. */
extern const bool swale__ws_codec_available;

/* NULL when there is no memory. The allocator must outlive it. */
struct swale__ws_codec *swale__ws_codec_new(struct swale__ws_shape shape,
                                            const struct swale_allocator *allocator);
void swale__ws_codec_free(struct swale__ws_codec *codec);

/* What comes next refers to nothing that was before. */
void swale__ws_codec_reset(struct swale__ws_codec *codec);

/*
 * A message of at least one byte, deflated, in a block for the caller to give back to the allocator. NULL when there is
 * no memory or, if it shall be `smaller`, where it does not become so: the codec then has to be reset.
 */
unsigned char *swale__ws_codec_deflate(struct swale__ws_codec *codec, const void *bytes, size_t len,
                                       bool smaller, size_t *deflated_len);

/* How far a message may grow: to so many bytes, and to so many times what came in, but for SWALE__RATIO_FREE bytes. */
struct swale__ws_growth {
  size_t max;
  uint32_t ratio;
};
enum { SWALE__RATIO_FREE = 65536 };

/*
 * Inflates what came in onto the end of a message, which may move; `last`: with this the message is complete. Errors:
 * SWALE_EFORMAT what came in is not deflated, or is complete too early or too late; SWALE_ESIZE the message grows
 * too large, SWALE_EFULL too much larger than what came in; SWALE_EUTF8, SWALE_ENOMEM.
 */
int swale__ws_codec_inflate(struct swale__ws_codec *codec, struct swale__ws_assembly **message,
                            const void *bytes, size_t len, bool last, struct swale__ws_growth growth);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_DEFLATE_H
#define SWALE_WS_DEFLATE_H

#include "ws/codec.h"
#include "ws/connection.h"
#include "ws/extension.h"

/*
 * permessage-deflate (RFC 7692) as connections of a loop have agreed on it. Where no message refers to an earlier one,
 * nothing has to be remembered between two: all connections that agreed on the same share one of these, and borrow
 * codecs from the pool while they are at a message. With context takeover a connection has one to itself, and
 * codecs of its own from the first message on.
 */
struct swale__ws_deflate {
  struct swale__ws_deflate *next; /* among those of a pool that are shared */
  size_t users;
  struct swale__ws_terms {
    struct swale__ws_agreement agreed;
    uint8_t level, mem_level;
    uint32_t ratio_max;
    size_t threshold;
  } terms;
  struct swale__ws_codec *deflater, *inflater; /* with takeover; NULL before the first message */
};

/* 0, or SWALE_EINVAL for a size this library does not know or a value out of its range. */
int swale__ws_deflate_check(const struct swale_ws_deflate *wanted);

/* Makes ws->deflate what is agreed; without memory the connection does without. */
void swale__ws_deflate_begin(swale_ws *ws, const struct swale__ws_agreement *agreed,
                             const struct swale_ws_deflate *wanted);
void swale__ws_deflate_end(swale_ws *ws);

/* Of a connection with deflate: the frame for a payload (which keeps it where it is shared), with a reference for the caller. */
int swale__ws_deflate_payload(swale_ws *ws, swale_payload *payload, swale_payload **frame);
/* Likewise for bytes of this connection's alone. */
int swale__ws_deflate_bytes(swale_ws *ws, enum swale_kind kind, const void *bytes, size_t len,
                            swale_payload **frame);
/* Of a connection with deflate: a frame that was made is not going to be sent: what comes next must not refer to it. */
void swale__ws_deflate_unsent(swale_ws *ws);

/* A deflated message begins: gives it its codec. SWALE_ENOMEM. */
int swale__ws_deflate_open(swale_ws *ws, struct swale__ws_assembly *message);
/* Bytes of it; `last`: all there are. Errors as swale__ws_codec_inflate. */
int swale__ws_deflate_append(swale_ws *ws, struct swale__ws_assembly **message, const void *bytes, size_t len,
                             bool last);

/* The most that a message of `max` bytes may take on the wire: an eighth more is the worst that Huffman codes do. */
static inline size_t swale__ws_deflate_wire_max(size_t max) { return max + max / 8 + 4096; }

#endif

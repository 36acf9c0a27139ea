/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_FRAME_OUT_H
#define SWALE_WS_FRAME_OUT_H

#include <stddef.h>
#include <stdint.h>

#include <swale/message.h>

enum { SWALE__FRAME_CLOSE = 0x8, SWALE__FRAME_PING = 0x9, SWALE__FRAME_PONG = 0xa, SWALE__CONTROL_MAX = 125 };

/* Bits of a frame's first byte: the last of its message; the message is deflated (RFC 7692, 6). */
enum { SWALE__FRAME_FIN = 0x80, SWALE__FRAME_RSV1 = 0x40 };

/* Appends a whole unfragmented, unmasked frame. `opcode` may have SWALE__FRAME_RSV1 set. SWALE_ENOMEM, SWALE_ESIZE. */
int swale__ws_frame_put(swale_buffer *out, unsigned char opcode, const void *bytes, size_t len);

/* A swale_encode_fn: one whole unfragmented, unmasked frame of text or binary data. `arg` is not used. */
int swale__ws_frame_encode(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out,
                           const void *arg);

/* A whole control frame of at most SWALE__CONTROL_MAX bytes. SWALE_ENOMEM. */
int swale__ws_frame_control(unsigned char opcode, const void *bytes, size_t len,
                            const struct swale_allocator *allocator, swale_payload **out);

/* A close frame; `code` 0: without one. `reason` at most 123 bytes, NULL: none. SWALE_ENOMEM. */
int swale__ws_frame_close(uint16_t code, const char *reason, const struct swale_allocator *allocator,
                          swale_payload **out);

#endif

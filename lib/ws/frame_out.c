/* SPDX-License-Identifier: MIT */
#include "ws/frame_out.h"

#include <string.h>

#include <swale/error.h>
#include <swale/transport.h>

enum { LEN16 = 126, LEN64 = 127 };

static void put_big_endian(unsigned char *at, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0; value >>= 8)
    at[i] = (unsigned char)value;
}

/* Writes the header of an unmasked frame in its shortest form, and returns its length. */
static size_t put_header(unsigned char header[10], unsigned char opcode, size_t len) {
  header[0] = (unsigned char)(SWALE__FRAME_FIN | opcode);
  if (len < LEN16) {
    header[1] = (unsigned char)len;
    return 2;
  }
  size_t bytes = len <= UINT16_MAX ? 2 : 8;
  header[1] = bytes == 2 ? LEN16 : LEN64;
  put_big_endian(header + 2, len, bytes);
  return 2 + bytes;
}

int swale__ws_frame_put(swale_buffer *out, unsigned char opcode, const void *bytes, size_t len) {
  unsigned char header[10];
  swale_buffer_append(out, header, put_header(header, opcode, len));
  return swale_buffer_append(out, bytes, len);
}

int swale__ws_frame_encode(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out,
                           const void *arg) {
  (void)arg;
  return swale__ws_frame_put(out, (unsigned char)kind, bytes, len);
}

_Static_assert(SWALE_TEXT == 1 && SWALE_BINARY == 2, "a payload's kind is the opcode of its frame");

static int encode_control(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out,
                          const void *arg) {
  (void)kind;
  return swale__ws_frame_put(out, *(const unsigned char *)arg, bytes, len);
}

int swale__ws_frame_control(unsigned char opcode, const void *bytes, size_t len,
                            const struct swale_allocator *allocator, swale_payload **out) {
  return swale_payload_wrap(SWALE_BINARY, bytes, len, encode_control, &opcode, allocator, out);
}

int swale__ws_frame_close(uint16_t code, const char *reason, const struct swale_allocator *allocator,
                          swale_payload **out) {
  unsigned char payload[SWALE__CONTROL_MAX];
  size_t len = 0;
  if (code != 0) {
    size_t reason_len = reason ? strlen(reason) : 0;
    put_big_endian(payload, code, 2);
    if (reason_len > 0)
      memcpy(payload + 2, reason, reason_len);
    len = 2 + reason_len;
  }
  return swale__ws_frame_control(SWALE__FRAME_CLOSE, payload, len, allocator, out);
}

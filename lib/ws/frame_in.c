/* SPDX-License-Identifier: MIT */
#include "ws/frame_in.h"

#include <string.h>

#include <swale/error.h>

#include "ws/memory.h"

/*
 * wslay's frame layer fetches bytes through a callback into a buffer of its own (4 KiB), unmasks them there,
 * and shows the payload in the pieces in which it came. What has to be known about it:
 *
 * - It shows a header only together with the first byte of its payload, or at once if there is none.
 * - A piece of length 0 is an empty frame, not the end of the input: that is WSLAY_ERR_WANT_READ, which comes
 *   when everything there was has been fetched.
 * - It checks lengths (no control frame above 125 bytes or fragmented, none longer than its shortest form,
 *   none with the top bit set), but neither RSV bits, nor opcodes, nor that there is a mask.
 * - After WSLAY_ERR_PROTO it does not know any more where it stands.
 * - It does not say whether it holds the beginning of a header. `held` does, which counts what was fetched
 *   and takes off each frame that was complete.
 */

enum { HEADER_MIN = 2, MASK_LEN = 4 };

static ssize_t fetch(uint8_t *buffer, size_t size, int flags, void *user_data) {
  struct swale__ws_reader *reader = user_data;
  size_t n = reader->left < size ? reader->left : size;
  (void)flags;
  if (n == 0)
    return -1;
  memcpy(buffer, reader->at, n);
  reader->at += n;
  reader->left -= n;
  reader->held += n;
  return (ssize_t)n;
}

int swale__ws_reader_new(const struct swale_allocator *allocator, struct swale__ws_reader **out) {
  struct swale__ws_reader *reader = swale__ws_malloc(allocator, sizeof *reader);
  *out = NULL;
  if (!reader)
    return SWALE_ENOMEM;
  memset(reader, 0, sizeof *reader);
  struct wslay_frame_callbacks callbacks = {.recv_callback = fetch};
  if (wslay_frame_context_init(&reader->wslay, &callbacks, reader) != 0) {
    swale__ws_release(allocator, reader);
    return SWALE_ENOMEM;
  }
  *out = reader;
  return 0;
}

void swale__ws_reader_free(struct swale__ws_reader *reader, const struct swale_allocator *allocator) {
  wslay_frame_context_free(reader->wslay);
  swale__ws_release(allocator, reader);
}

void swale__ws_reader_feed(struct swale__ws_reader *reader, const void *bytes, size_t len) {
  reader->at = bytes;
  reader->left = len;
}

uint64_t swale__ws_frame_size(const struct swale__ws_piece *piece) {
  uint64_t length_field = piece->frame_len < 126 ? 0 : piece->frame_len <= UINT16_MAX ? 2 : 8;
  return HEADER_MIN + length_field + (piece->masked ? MASK_LEN : 0) + piece->frame_len;
}

static void describe(struct swale__ws_reader *reader, const struct wslay_frame_iocb *frame,
                     struct swale__ws_piece *piece) {
  *piece = (struct swale__ws_piece){
      .first = !reader->in_frame,
      .fin = frame->fin != 0,
      .masked = frame->mask != 0,
      .opcode = frame->opcode,
      .rsv = frame->rsv,
      .frame_len = frame->payload_length,
      .data = frame->data,
      .len = frame->data_length,
  };
  if (piece->first)
    reader->frame_left = piece->frame_len;
  reader->frame_left -= piece->len;
  piece->last = reader->frame_left == 0;
  reader->in_frame = !piece->last;
  if (piece->last)
    reader->held -= swale__ws_frame_size(piece);
}

/* Puts a control frame together, which is at most 125 bytes. True when the piece now shows all of it. */
static bool gather_control(struct swale__ws_reader *reader, struct swale__ws_piece *piece) {
  if (piece->first && piece->last)
    return true;
  if (piece->first)
    reader->control_len = 0;
  memcpy(reader->control + reader->control_len, piece->data, piece->len);
  reader->control_len = (unsigned char)(reader->control_len + piece->len);
  piece->first = true;
  piece->data = reader->control;
  piece->len = reader->control_len;
  return piece->last;
}

int swale__ws_reader_next(struct swale__ws_reader *reader, struct swale__ws_piece *piece) {
  struct wslay_frame_iocb frame;
  if (reader->broken)
    return SWALE_EPROTOCOL;
  for (;;) {
    ssize_t rv = wslay_frame_recv(reader->wslay, &frame);
    if (rv == WSLAY_ERR_WANT_READ)
      return 0;
    if (rv < 0) {
      reader->broken = true;
      return SWALE_EPROTOCOL;
    }
    describe(reader, &frame, piece);
    if (!swale__ws_opcode_is_control(piece->opcode) || gather_control(reader, piece))
      return 1;
  }
}

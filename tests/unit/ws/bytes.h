/* SPDX-License-Identifier: MIT */
/* Bytes for and from a peer: a growing run of them, and what a client does to make and read frames. */
#ifndef SWALE_TESTS_WS_BYTES_H
#define SWALE_TESTS_WS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
  unsigned char *at;
  size_t len, capacity;
};

void bytes_add(struct bytes *b, const void *bytes, size_t len);
void bytes_puts(struct bytes *b, const char *text);
void bytes_clear(struct bytes *b);
void bytes_free(struct bytes *b);

enum { FIN = 0x80, CONT = 0x0, TEXT = 0x1, BIN = 0x2, CLOSE = 0x8, PING = 0x9, PONG = 0xa };

/* A masked frame in its shortest form. `first` is the first byte: FIN, RSV bits and opcode. */
void bytes_frame(struct bytes *b, unsigned first, const void *payload, size_t len);
/* A close frame; `code` 0: empty. */
void bytes_close(struct bytes *b, unsigned code, const char *reason);

/*
 * The header alone of a frame that announces `len` bytes in `form` (7, 16 or 64 bits), masked with zeros or
 * not.
 */
void bytes_header(struct bytes *b, unsigned first, bool masked, uint64_t len, int form);

/* A frame of the server's. */
struct frame {
  unsigned first;
  const unsigned char *payload;
  size_t len;
};

/* Takes the frame at *at, or fails the test; false at the end. */
bool next_frame(const struct bytes *b, size_t *at, struct frame *out);

#endif

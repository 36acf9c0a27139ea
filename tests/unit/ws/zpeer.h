/* SPDX-License-Identifier: MIT */
/* A peer's side of permessage-deflate, with zlib itself. */
#ifndef SWALE_TESTS_WS_ZPEER_H
#define SWALE_TESTS_WS_ZPEER_H

#include <zlib.h>

#include "bytes.h"

enum { RSV1 = 0x40 };

struct zpeer {
  z_stream deflater, inflater;
};

/* Windows of so many bits; must not move. */
void zpeer_init(struct zpeer *z, int deflate_bits, int inflate_bits);
void zpeer_free(struct zpeer *z);

/* Forgets what was before, both ways. */
void zpeer_reset(struct zpeer *z);

/* Appends the message, deflated and without the tail of its flush, to `out`. */
void zpeer_deflate(struct zpeer *z, const void *bytes, size_t len, struct bytes *out);

/* Appends what a message inflates to; fails the test if it is malformed. */
void zpeer_inflate(struct zpeer *z, const void *bytes, size_t len, struct bytes *out);

#endif

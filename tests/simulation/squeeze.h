/* SPDX-License-Identifier: MIT */
#ifndef SIMULATION_SQUEEZE_H
#define SIMULATION_SQUEEZE_H

#include "wire.h"

/*
 * A client's side of permessage-deflate, written from RFC 7692 with zlib alone. In a build without zlib the server must not agree.
 */

struct squeeze {
  const char *offer; /* made in the request; NULL: none, or one that cannot be told */
  bool agreed;
  bool keeps, they_keep; /* what was before, from message to message: the client, the server */
  int bits, their_bits;
  struct z_stream_s *deflater, *inflater; /* from the first message on */
};

/* The server has answered with this value of the header; what it may not answer is said, otherwise NULL. */
const char *squeeze_agree(struct squeeze *s, const char *answer);
void squeeze_free(struct squeeze *s);

/* Appends a message as it goes over the wire. */
void squeeze_deflate(struct squeeze *s, const void *bytes, size_t len, struct bytes *out);
/* Appends the message that came so; false when it is malformed. */
bool squeeze_inflate(struct squeeze *s, const void *bytes, size_t len, struct bytes *out);

#endif

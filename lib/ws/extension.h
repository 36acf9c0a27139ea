/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_EXTENSION_H
#define SWALE_WS_EXTENSION_H

#include <stdbool.h>

#include <swale/ws.h>

/* Room for the longest answer, with its NUL. */
enum { SWALE__EXTENSION_SIZE = 144, SWALE__WINDOW_BITS_MIN = 9, SWALE__WINDOW_BITS_MAX = 15 };

/* An offer of permessage-deflate (RFC 7692, 7.1) that can be accepted. Zeroed: there is none. */
struct swale__ws_offer {
  bool made;
  bool server_no_takeover, client_no_takeover;
  unsigned char server_bits; /* the most that we may use; 0: not said */
  unsigned char
      client_bits; /* the most that the client will use, who can also be told to use less; 0: he cannot */
};

/* What has been agreed on. */
struct swale__ws_agreement {
  bool server_takeover, client_takeover;
  unsigned char server_bits, client_bits;
};

/*
 * Reads the value of one Sec-WebSocket-Extensions header, and answers how many extensions it names: 0 for an
 * empty list, -1 where it does not follow the grammar. Unless *offer is made already, the first offer that
 * can be accepted goes there; others are declined: of another extension, with a parameter that is unknown,
 * twice there, or has a value it cannot have, or one that zlib is not up to (a window of 8 bits).
 */
int swale__ws_offer_read(struct swale__ws_offer *offer, const char *value);

/* What comes out of an offer and what this side wants. */
struct swale__ws_agreement swale__ws_offer_agree(const struct swale__ws_offer *offer,
                                                 const struct swale_ws_deflate *wanted);

/* The header's value that accepts the offer. */
void swale__ws_agreement_write(const struct swale__ws_agreement *agreed, const struct swale__ws_offer *offer,
                               char text[SWALE__EXTENSION_SIZE]);

#endif

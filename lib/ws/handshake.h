/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_HANDSHAKE_H
#define SWALE_WS_HANDSHAKE_H

#include <stddef.h>

#include <swale/env.h>
#include <swale/scope.h>

#include "ws/extension.h"
#include "ws/head.h"

/* Base64 of a SHA-1, and the NUL. */
enum { SWALE__ACCEPT_SIZE = 29, SWALE__SUBPROTOCOLS_MAX = 64 };

/* What RFC 6455, section 4.2, has to say about a request. Strings are the request's unless noted. */
struct swale__ws_handshake {
  int status;         /* 101, or what to refuse with */
  const char *why;    /* of a refusal, in a few words */
  const char *target; /* path and query, also when the request named an absolute URL */
  const char *origin; /* NULL without the header */
  const char *host;
  const char **subprotocols; /* one block of the allocator's, texts included; NULL if there are none */
  size_t n_subprotocols;
  struct swale__ws_offer offer;    /* of permessage-deflate */
  char accept[SWALE__ACCEPT_SIZE]; /* the answer to the client's key */
};

/*
 * Checks a request. 0 with a verdict in out->status, or SWALE_ENOMEM. The caller gives `subprotocols` back;
 * with a refusal there are none.
 */
int swale__ws_handshake_check(const struct swale__ws_request *request,
                              const struct swale_allocator *allocator, struct swale__ws_handshake *out);

#endif

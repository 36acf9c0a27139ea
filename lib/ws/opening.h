/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_OPENING_H
#define SWALE_WS_OPENING_H

#include "ws/connection.h"
#include "ws/extension.h"
#include "ws/handshake.h"
#include "ws/head.h"

/* Bytes that one feed may bring beyond early_max before the connection is refused. */
enum { SWALE__EARLY_SLACK = 65536 };

/* What a connection needs until it is open. */
struct swale__ws_opening {
  swale_ws *ws;
  struct swale__ws_opening *next, **link; /* among the undecided; link is NULL outside of it */
  uint64_t peer;                          /* see undecided.h; 0 if unknown */
  struct swale__ws_head head;
  char *addresses;       /* the block that holds both */
  char *client, *server; /* NULL if unknown */
  char accept[SWALE__ACCEPT_SIZE];
  struct swale__ws_offer offer;    /* of permessage-deflate */
  struct swale_ws_deflate deflate; /* what this side wants of it */
  bool deflate_wanted;
  bool upgraded; /* the host writes the answer */
  bool answer_told, answer_taken;
  struct swale_ws_answer *answer; /* once decided, if `upgraded` */
  unsigned char *early;           /* what came before the decision */
  size_t early_len, early_capacity;
};

/* Gives a new connection its opening. The addresses may be NULL, and are copied. SWALE_ENOMEM, SWALE_EFULL. */
int swale__ws_opening_new(swale_ws *ws, const char *client, const char *server);
void swale__ws_opening_free(swale_ws *ws);

/* Bytes of the request head; returns how many belong to it. */
size_t swale__ws_opening_take_head(swale_ws *ws, const void *bytes, size_t len);

/* Checks a request and asks the consumer. */
void swale__ws_opening_ask(swale_ws *ws, const struct swale__ws_request *request);

/* Keeps bytes until there is a decision, or refuses the connection if there are too many. */
void swale__ws_opening_keep_early(swale_ws *ws, const void *bytes, size_t len);

/* Takes what was kept, now that there is a decision; outside of callbacks. */
void swale__ws_opening_take_early(swale_ws *ws);

/* Frees the opening if nothing of it is needed any more. Not from inside a feed. */
void swale__ws_opening_retire(swale_ws *ws);

/* Refuses a connection without consumer. `why` is the body and reported; NULL: the status is the body. */
void swale__ws_opening_refuse(swale_ws *ws, int status, const char *why);

/* Whether the host has yet to write an answer, so that frames have to wait. */
static inline bool swale__ws_opening_waits(const swale_ws *ws) {
  const struct swale__ws_opening *opening = ws->opening;
  return opening && opening->upgraded && !opening->answer_taken &&
         (opening->answer || ws->phase < SWALE__WS_DRAINING);
}

int swale__ws_accept(void *transport, const char *subprotocol, const struct swale_header *headers,
                     size_t n_headers);
int swale__ws_reject(void *transport, int status, const struct swale_header *headers, size_t n_headers,
                     const char *body);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_ANSWER_H
#define SWALE_WS_ANSWER_H

#include <stddef.h>

#include <swale/message.h>
#include <swale/ws.h>

/* The handshake's own headers and the 32 that a consumer may add. */
enum { SWALE__ANSWER_HEADERS_MAX = 40 };

/* An answer to a handshake while it is put together; all strings are borrowed. */
struct swale__ws_answer {
  int status;
  size_t n_headers;
  struct swale_header headers[SWALE__ANSWER_HEADERS_MAX];
  const char *body; /* never NULL */
};

/* 101 with the headers of RFC 6455, 4.2.2. `subprotocol` may be NULL, `extension` empty. */
void swale__ws_answer_accept(struct swale__ws_answer *answer, const char *accept_key, const char *subprotocol,
                             const char *extension);

/* A refusal. `body` NULL: the status in words. With 405 and 426 the headers that say what would be right. */
void swale__ws_answer_refuse(struct swale__ws_answer *answer, int status, const char *body);

/* More headers. SWALE_EFULL, and nothing is added. */
int swale__ws_answer_add(struct swale__ws_answer *answer, const struct swale_header *headers, size_t n);

/* The answer as it goes over the wire in HTTP/1.1, to be followed by frames or the end. SWALE_ENOMEM. */
int swale__ws_answer_render(const struct swale__ws_answer *answer, const struct swale_allocator *allocator,
                            swale_payload **out);

/* A copy in one block of the allocator's, for a host that writes the answer itself. SWALE_ENOMEM. */
int swale__ws_answer_copy(const struct swale__ws_answer *answer, const struct swale_allocator *allocator,
                          struct swale_ws_answer **out);

#endif

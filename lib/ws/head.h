/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_HEAD_H
#define SWALE_WS_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>
#include <swale/scope.h>

/*
 * The head of an HTTP/1.1 request, read as it comes in: split anywhere, in linear time, and never more of
 * it kept than the limits allow.
 */
struct swale__ws_head {
  const struct swale_allocator *allocator;
  size_t head_max;
  uint32_t headers_max;
  uint32_t n_headers;
  char *text; /* "GET\0/path?query\0name\0value\0name\0value\0..." */
  size_t len, capacity;
  size_t taken;    /* bytes of the head so far */
  const char *why; /* of a refusal, in a few words */
  unsigned char state;
  unsigned char version_at;
  char major, minor;
};

enum { SWALE__HEAD_MORE = 0, SWALE__HEAD_COMPLETE = 1 };

/* The allocator must outlive the head. Takes no memory. */
void swale__ws_head_init(struct swale__ws_head *head, const struct swale_allocator *allocator,
                         size_t head_max, uint32_t headers_max);
void swale__ws_head_free(struct swale__ws_head *head);

/*
 * Takes bytes up to the end of the head and says in *used how many. Answers SWALE__HEAD_MORE or _COMPLETE, an
 * HTTP status to refuse with (`why` tells why), or SWALE_ENOMEM.
 */
int swale__ws_head_feed(struct swale__ws_head *head, const void *bytes, size_t len, size_t *used);

/* A request, whoever has read it. Of one read here, names of headers are lower case. */
struct swale__ws_request {
  const char *method;
  const char *target;
  const struct swale_header *headers;
  size_t n_headers;
};

/*
 * A complete head as a request. The strings belong to the head, the array of headers (NULL if there are none)
 * to the caller, who gives it back to the allocator. SWALE_ENOMEM.
 */
int swale__ws_head_request(const struct swale__ws_head *head, struct swale__ws_request *request,
                           struct swale_header **headers);

#endif

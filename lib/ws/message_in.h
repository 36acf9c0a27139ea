/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_MESSAGE_IN_H
#define SWALE_WS_MESSAGE_IN_H

#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>
#include <swale/message.h>
#include <swale/utf8.h>

/*
 * A message while its parts come in. The bytes stand in one block that grows with what has really come, never
 * with what a header announces.
 */
struct swale__ws_assembly {
  size_t len, capacity;
  size_t wire;                   /* bytes that came in for it, if it is deflated */
  struct swale__ws_codec *codec; /* that inflates it; NULL: it comes as it is */
  uint32_t fragments;            /* frames so far */
  uint32_t empty_fragments;      /* of these without payload */
  enum swale_kind kind;
  struct swale_utf8 utf8; /* of a text: up to `len` */
  unsigned char bytes[];
};

/* SWALE_ENOMEM. */
int swale__ws_assembly_new(const struct swale_allocator *allocator, struct swale__ws_assembly **out);

/* Makes it empty, keeping its memory. */
void swale__ws_assembly_reset(struct swale__ws_assembly *message, enum swale_kind kind);

/*
 * Appends bytes, of a text those that keep it UTF-8 so far. Up to `max` bytes in all: the caller has checked.
 * *message may move. SWALE_EUTF8, SWALE_ENOMEM.
 */
int swale__ws_assembly_append(struct swale__ws_assembly **message, const void *bytes, size_t len, size_t max,
                              const struct swale_allocator *allocator);

/*
 * The two halves of it, for who writes at the end himself: room for `len` more bytes, up to `max` in all; then taking
 * in what was written. Errors as above.
 */
int swale__ws_assembly_reserve(struct swale__ws_assembly **message, size_t len, size_t max,
                               const struct swale_allocator *allocator);
int swale__ws_assembly_extend(struct swale__ws_assembly *message, size_t len);

/* Whether the message may end here: 0 or SWALE_EUTF8. */
int swale__ws_assembly_finish(const struct swale__ws_assembly *message);

#endif

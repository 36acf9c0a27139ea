/* SPDX-License-Identifier: MIT */
#include "ws/message_in.h"

#include <string.h>

#include <swale/error.h>

#include "ws/memory.h"

enum { FIRST_CAPACITY = 4096 - sizeof(struct swale__ws_assembly) };

int swale__ws_assembly_new(const struct swale_allocator *allocator, struct swale__ws_assembly **out) {
  *out = swale__ws_malloc(allocator, sizeof **out + FIRST_CAPACITY);
  if (!*out)
    return SWALE_ENOMEM;
  (*out)->capacity = FIRST_CAPACITY;
  return 0;
}

void swale__ws_assembly_reset(struct swale__ws_assembly *message, enum swale_kind kind) {
  message->len = message->wire = 0;
  message->codec = NULL;
  message->fragments = message->empty_fragments = 0;
  message->kind = kind;
  swale_utf8_init(&message->utf8);
}

/* Doubles the room until `len` more bytes fit; `max` keeps the last doubling from wasting half of it. */
int swale__ws_assembly_reserve(struct swale__ws_assembly **message, size_t len, size_t max,
                               const struct swale_allocator *allocator) {
  size_t needed = (*message)->len + len;
  size_t capacity = (*message)->capacity;
  if (needed <= capacity)
    return 0;
  while (capacity < needed)
    capacity = capacity > max / 2 ? max : capacity * 2;
  struct swale__ws_assembly *grown = swale__ws_realloc(allocator, *message, sizeof *grown + capacity);
  if (!grown)
    return SWALE_ENOMEM;
  grown->capacity = capacity;
  *message = grown;
  return 0;
}

int swale__ws_assembly_extend(struct swale__ws_assembly *message, size_t len) {
  if (message->kind == SWALE_TEXT && swale_utf8_feed(&message->utf8, message->bytes + message->len, len) != 0)
    return SWALE_EUTF8;
  message->len += len;
  return 0;
}

int swale__ws_assembly_append(struct swale__ws_assembly **message, const void *bytes, size_t len, size_t max,
                              const struct swale_allocator *allocator) {
  if (len == 0)
    return 0;
  int rv = swale__ws_assembly_reserve(message, len, max, allocator);
  if (rv)
    return rv;
  memcpy((*message)->bytes + (*message)->len, bytes, len);
  return swale__ws_assembly_extend(*message, len);
}

int swale__ws_assembly_finish(const struct swale__ws_assembly *message) {
  return message->kind == SWALE_TEXT ? swale_utf8_end(&message->utf8) : 0;
}

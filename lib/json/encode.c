/* SPDX-License-Identifier: MIT */
#include <swale/json.h>

#include <inttypes.h>

#include "json/number.h"

/* A list or map whose elements are being written. */
struct level {
  struct swale_iter elements;
  bool is_map;
  bool begun; /* an element has been written, so a comma precedes the next */
};

struct walk {
  swale_buffer *out;
  size_t depth;
  struct level levels[SWALE_MESSAGE_DEPTH_MAX];
};

static int open(struct walk *w, const struct swale_value *container) {
  if (w->depth == SWALE_MESSAGE_DEPTH_MAX)
    return SWALE_EDEPTH;
  struct level *level = &w->levels[w->depth++];
  *level = (struct level){.is_map = container->type == SWALE_MAP};
  swale_iter_start(&level->elements, container);
  return swale_buffer_puts(w->out, level->is_map ? "{" : "[");
}

static int put(struct walk *w, const struct swale_value *value) {
  switch (value->type) {
  case SWALE_NIL:
    return swale_buffer_puts(w->out, "null");
  case SWALE_BOOL:
    return swale_buffer_puts(w->out, value->as.truth ? "true" : "false");
  case SWALE_INT:
    return swale_buffer_printf(w->out, "%" PRId64, value->as.integer);
  case SWALE_DOUBLE:
    return swale__json_double(w->out, value->as.number);
  case SWALE_STR:
    return swale_json_string(w->out, value->as.str, value->len);
  case SWALE_LIST:
  case SWALE_MAP:
    return open(w, value);
  case SWALE_BYTES:
    break;
  }
  return SWALE_ETYPE;
}

static int put_element(struct walk *w, struct level *level, const struct swale_value *key,
                       const struct swale_value *value) {
  int rv = level->begun ? swale_buffer_puts(w->out, ",") : 0;
  level->begun = true;
  if (rv == 0 && level->is_map)
    rv = swale_json_string(w->out, key->as.str, key->len);
  if (rv == 0 && level->is_map)
    rv = swale_buffer_puts(w->out, ":");
  return rv ? rv : put(w, value);
}

int swale_json_value(swale_buffer *out, const struct swale_value *value) {
  struct walk w = {.out = out};
  int rv = put(&w, value);
  while (rv == 0 && w.depth > 0) {
    struct level *top = &w.levels[w.depth - 1];
    struct swale_value key, element;
    if (swale_iter_next(&top->elements, &key, &element)) {
      rv = put_element(&w, top, &key, &element);
    } else {
      rv = swale_buffer_puts(out, top->is_map ? "}" : "]");
      w.depth--;
    }
  }
  return rv;
}

int swale_json_message(swale_buffer *out, const swale_message *m) {
  size_t len;
  if (!swale_message_bytes(m, &len))
    return SWALE_ESTATE;
  struct swale_value root = swale_message_root(m);
  return swale_json_value(out, &root);
}

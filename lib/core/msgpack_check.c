/* SPDX-License-Identifier: MIT */
#include "core/msgpack_check.h"

#include <swale/utf8.h>

#include "core/msgpack.h"
#include "core/msgpack_keys.h"

/*
 * The walk goes from item to item, not down a tree: MessagePack is written in that order, so all that
 * must be remembered is what the open maps and lists still lack. A count that the bytes do not bear out
 * costs nothing, since nothing is set aside for it: the bytes run out.
 */

struct level {
  uint32_t left; /* elements or pairs that are still to come */
  bool is_map;
  size_t first_key;
};

struct check {
  const unsigned char *start;
  struct swale__cursor in;
  size_t depth;
  size_t depth_max;
  struct level levels[SWALE_MESSAGE_DEPTH_MAX];
  struct swale__keys keys;
};

static int open_level(struct check *c, const struct swale_value *container) {
  if (c->depth == c->depth_max)
    return SWALE_EDEPTH;
  c->levels[c->depth++] = (struct level){
      .left = container->len,
      .is_map = container->type == SWALE_MAP,
      .first_key = c->keys.count,
  };
  return 0;
}

static int close_level(struct check *c) {
  const struct level *level = &c->levels[--c->depth];
  if (level->is_map && !swale__keys_distinct(&c->keys, level->first_key, c->start))
    return SWALE_EDUPLICATE;
  c->keys.count = level->first_key;
  return 0;
}

static int check_key(struct check *c) {
  struct swale_value key;
  uint32_t offset = (uint32_t)(c->in.at - c->start);
  int rv = swale__msgpack_read(&c->in, &key);
  if (rv)
    return rv;
  if (key.type != SWALE_STR)
    return SWALE_ETYPE;
  if (!swale_utf8_valid(key.as.str, key.len))
    return SWALE_EUTF8;
  rv = swale__keys_reserve(&c->keys);
  if (rv == 0)
    swale__keys_push(&c->keys, offset);
  return rv;
}

static int check_value(struct check *c) {
  struct swale_value value;
  int rv = swale__msgpack_read(&c->in, &value);
  if (rv)
    return rv;
  if (value.type == SWALE_STR)
    return swale_utf8_valid(value.as.str, value.len) ? 0 : SWALE_EUTF8;
  if (value.type == SWALE_LIST || value.type == SWALE_MAP)
    return open_level(c, &value);
  return 0;
}

/* One element or pair of the innermost level, or its end. */
static int advance(struct check *c) {
  struct level *level = &c->levels[c->depth - 1];
  if (level->left == 0)
    return close_level(c);
  level->left--;
  int rv = level->is_map ? check_key(c) : 0;
  return rv ? rv : check_value(c);
}

static int check_root(struct check *c) {
  struct swale_value root;
  int rv = swale__msgpack_read(&c->in, &root);
  if (rv)
    return rv;
  if (root.type != SWALE_MAP)
    return SWALE_EFORMAT;
  rv = open_level(c, &root);
  while (rv == 0 && c->depth > 0)
    rv = advance(c);
  return rv == 0 && c->in.left > 0 ? SWALE_EFORMAT : rv;
}

int swale__msgpack_check(const void *bytes, size_t len, size_t depth_max,
                         const struct swale_allocator *allocator) {
  struct check c;
  c.start = bytes;
  c.in = (struct swale__cursor){bytes, len};
  c.depth = 0;
  c.depth_max = depth_max;
  swale__keys_init(&c.keys, allocator);
  int rv = check_root(&c);
  swale__keys_free(&c.keys);
  return rv;
}

/* SPDX-License-Identifier: MIT */
#include "core/message.h"

#include <string.h>

#include "core/env.h"
#include "core/item.h"

/*
 * Fields are appended to the bytes in their final form. The one thing that is not known beforehand is how
 * many elements a map or list will get, and its head holds that number in 1, 3 or 5 bytes. So its contents
 * are moved up by 2 when the 16th and the 65536th element come, and the number itself is written at its end.
 * Heads of outer containers stand before those of inner ones, and an outer one counts an inner one before
 * that begins: moving never touches a container that is open above the moved one.
 *
 * A key is compared with those before it while they are few. In a map that outgrows this, sorting them all
 * at its end finds a duplicate instead, so that a map with very many keys does not take quadratic time.
 */

struct name {
  const char *text; /* NULL: none, as in a list */
  size_t len;
};

static struct name name_of(const char *key) { return (struct name){key, key ? strlen(key) : 0}; }

static struct swale__frame *innermost(swale_message *m) { return &m->builder->frames[m->builder->depth - 1]; }

static int fail(swale_message *m, int error) {
  m->error = error;
  return error;
}

/*
 * Whether there may be a further addition at all. Where the message should be, there may be none for want of
 * memory.
 */
static int admit(const swale_message *m) {
  if (!m)
    return SWALE_ENOMEM;
  return swale__message_frozen(m) ? SWALE_ESTATE : m->error;
}

/* ---- room ----------------------------------------------------------------------------- */

static int move_bytes(swale_message *m, uint32_t capacity) {
  bool outside = m->bytes != swale__message_room(m);
  unsigned char *bytes = swale__realloc(&m->allocator, outside ? m->bytes : NULL, capacity);
  if (!bytes)
    return SWALE_ENOMEM;
  if (!outside)
    memcpy(bytes, m->bytes, m->len);
  m->bytes = bytes;
  m->builder->capacity = capacity;
  return 0;
}

/* Room for three parts; each is compared with what is left before they are added up. */
static int reserve(swale_message *m, size_t overhead, size_t key_len, size_t body_len) {
  struct swale__builder *b = m->builder;
  size_t left = b->size_max - m->len;
  if (key_len > left || body_len > left || overhead + key_len + body_len > left)
    return SWALE_ESIZE;
  uint32_t needed = m->len + (uint32_t)(overhead + key_len + body_len);
  if (needed <= b->capacity)
    return 0;
  uint32_t doubled = b->capacity * 2;
  return move_bytes(m, doubled < needed ? needed : doubled);
}

static void append(swale_message *m, const void *bytes, size_t len) {
  if (len > 0)
    memcpy(m->bytes + m->len, bytes, len);
  m->len += (uint32_t)len;
}

/* ---- heads of containers -------------------------------------------------------------- */

/* By how much a head that holds `count` must grow before it can hold one more. */
static size_t widening(uint32_t count) { return count == 15 || count == UINT16_MAX ? 2 : 0; }

static void widen(swale_message *m, struct swale__frame *frame, size_t by) {
  unsigned char *contents = m->bytes + frame->body;
  memmove(contents + by, contents, m->len - frame->body);
  frame->body += (uint32_t)by;
  m->len += (uint32_t)by;
}

static struct swale__item container_item(bool is_map, uint32_t count) {
  struct swale_value container = {.type = is_map ? SWALE_MAP : SWALE_LIST, .len = count};
  return swale__item_of(&container);
}

static void write_head(swale_message *m, const struct swale__frame *frame) {
  struct swale__item item = container_item(frame->is_map, frame->count);
  memcpy(m->bytes + frame->body - item.head_len, item.head, item.head_len);
}

/* ---- one field ------------------------------------------------------------------------ */

static int check_key(swale_message *m, const struct swale__item *key) {
  const struct swale__frame *frame = innermost(m);
  if (key->error)
    return key->error;
  if (frame->count < SWALE__KEYS_FEW && swale__keys_contain(&m->builder->keys, frame->first_key,
                                                            m->bytes + frame->body, key->body, key->body_len))
    return SWALE_EDUPLICATE;
  return swale__keys_reserve(&m->builder->keys);
}

static void append_item(swale_message *m, const struct swale__item *item) {
  append(m, item->head, item->head_len);
  append(m, item->body, item->body_len);
}

static void append_key(swale_message *m, const struct swale__frame *frame, const struct swale__item *key) {
  swale__keys_push(&m->builder->keys, m->len - frame->body);
  append_item(m, key);
}

static int append_field(swale_message *m, struct name name, const struct swale__item *item) {
  struct swale__frame *frame = innermost(m);
  struct swale__item key = {.error = 0};
  if (frame->is_map != (name.text != NULL))
    return SWALE_EINVAL;
  if (frame->is_map)
    key = swale__item_text(name.text, name.len);
  int rv = frame->is_map ? check_key(m, &key) : 0;
  if (rv)
    return rv;
  size_t by = widening(frame->count);
  rv = reserve(m, by + key.head_len + item->head_len, key.body_len, item->body_len);
  if (rv)
    return rv;
  if (by > 0)
    widen(m, frame, by);
  if (frame->is_map)
    append_key(m, frame, &key);
  append_item(m, item);
  frame->count++;
  return 0;
}

/* ---- adding, opening, closing --------------------------------------------------------- */

static int add_item(swale_message *m, struct name name, struct swale__item item) {
  int rv = admit(m);
  if (rv)
    return rv;
  rv = item.error ? item.error : append_field(m, name, &item);
  return rv ? fail(m, rv) : 0;
}

static int add(swale_message *m, struct name name, struct swale_value value) {
  return add_item(m, name, swale__item_of(&value));
}

static int reserve_frame(swale_message *m) {
  struct swale__builder *b = m->builder;
  if (b->depth == SWALE_MESSAGE_DEPTH_MAX)
    return SWALE_EDEPTH;
  if (b->depth < b->frame_capacity)
    return 0;
  struct swale__frame *frames = swale__malloc(&m->allocator, SWALE_MESSAGE_DEPTH_MAX * sizeof *frames);
  if (!frames)
    return SWALE_ENOMEM;
  memcpy(frames, b->first, sizeof b->first);
  b->frames = frames;
  b->frame_capacity = SWALE_MESSAGE_DEPTH_MAX;
  return 0;
}

static void push_frame(swale_message *m, bool is_map) {
  struct swale__builder *b = m->builder;
  b->frames[b->depth++] = (struct swale__frame){
      .body = m->len,
      .first_key = (uint32_t)b->keys.count,
      .is_map = is_map,
  };
}

static int open_frame(swale_message *m, struct name name, bool is_map) {
  int rv = admit(m);
  if (rv)
    return rv;
  rv = reserve_frame(m);
  if (rv)
    return fail(m, rv);
  rv = add_item(m, name, container_item(is_map, 0));
  if (rv == 0)
    push_frame(m, is_map);
  return rv;
}

static int close_frame(swale_message *m) {
  struct swale__builder *b = m->builder;
  const struct swale__frame *frame = innermost(m);
  write_head(m, frame);
  if (frame->is_map && frame->count > SWALE__KEYS_FEW &&
      !swale__keys_distinct(&b->keys, frame->first_key, m->bytes + frame->body))
    return fail(m, SWALE_EDUPLICATE);
  b->keys.count = frame->first_key;
  b->depth--;
  return 0;
}

/* ---- copying a list or map out of another message ------------------------------------- */

struct copy {
  const unsigned char *at;
  uint32_t depth;
  struct {
    uint32_t left;
    bool is_map;
  } levels[SWALE_MESSAGE_DEPTH_MAX];
};

static int copy_open(swale_message *m, struct copy *c, struct name name, const struct swale_value *from) {
  int rv = open_frame(m, name, from->type == SWALE_MAP);
  if (rv)
    return rv;
  c->levels[c->depth].left = from->len;
  c->levels[c->depth].is_map = from->type == SWALE_MAP;
  c->depth++;
  return 0;
}

static int copy_element(swale_message *m, struct copy *c, bool is_map) {
  struct swale_value key, value;
  struct name name = {NULL, 0};
  if (is_map) {
    c->at = swale__msgpack_next(c->at, &key);
    name = (struct name){key.as.str, key.len};
  }
  c->at = swale__msgpack_next(c->at, &value);
  if (value.type == SWALE_LIST || value.type == SWALE_MAP)
    return copy_open(m, c, name, &value);
  return add(m, name, value);
}

/* Goes from item to item as the checker does; the depth of the message bounds that of the copy. */
static int copy_container(swale_message *m, struct name name, const struct swale_value *from) {
  struct copy c = {.at = from->as.bytes};
  int rv = copy_open(m, &c, name, from);
  while (rv == 0 && c.depth > 0) {
    uint32_t top = c.depth - 1;
    if (c.levels[top].left-- > 0) {
      rv = copy_element(m, &c, c.levels[top].is_map);
    } else {
      rv = close_frame(m);
      c.depth--;
    }
  }
  return rv;
}

/* ---- the builder as a whole ----------------------------------------------------------- */

void swale__builder_init(swale_message *m, uint32_t capacity, uint32_t size_max) {
  struct swale__builder *b = m->builder;
  struct swale__item map = container_item(true, 0);
  b->capacity = capacity;
  b->size_max = size_max;
  b->depth = 0;
  b->frames = b->first;
  b->frame_capacity = SWALE__FRAMES_FEW;
  swale__keys_init(&b->keys, &m->allocator);
  append_item(m, &map);
  push_frame(m, true);
}

void swale__builder_free(swale_message *m) {
  struct swale__builder *b = m->builder;
  if (b->frames != b->first)
    swale__free(&m->allocator, b->frames);
  swale__keys_free(&b->keys);
  m->builder = NULL;
}

/* Bytes that have a block of their own give back what is spare; not being able to is no harm. */
static void trim(swale_message *m) {
  uint32_t spare = m->builder->capacity - m->len;
  if (m->bytes != swale__message_room(m) && spare > m->builder->capacity / 4)
    (void)move_bytes(m, m->len);
}

int swale__builder_finish(swale_message *m) {
  if (m->builder->depth > 1)
    return SWALE_ESTATE;
  int rv = close_frame(m);
  if (rv)
    return rv;
  trim(m);
  swale__builder_free(m);
  return 0;
}

/* ---- public --------------------------------------------------------------------------- */

int swale_message_add_str(swale_message *m, const char *key, const char *text) {
  return swale_message_add_strn(m, key, text, text ? strlen(text) : 0);
}

int swale_message_add_strn(swale_message *m, const char *key, const char *text, size_t len) {
  return add_item(m, name_of(key), swale__item_text(text, len));
}

int swale_message_add_bytes(swale_message *m, const char *key, const void *bytes, size_t len) {
  return add_item(m, name_of(key), swale__item_bytes(bytes, len));
}

int swale_message_add_int(swale_message *m, const char *key, int64_t number) {
  return add(m, name_of(key), (struct swale_value){.type = SWALE_INT, .as.integer = number});
}

int swale_message_add_double(swale_message *m, const char *key, double number) {
  return add(m, name_of(key), (struct swale_value){.type = SWALE_DOUBLE, .as.number = number});
}

int swale_message_add_bool(swale_message *m, const char *key, bool truth) {
  return add(m, name_of(key), (struct swale_value){.type = SWALE_BOOL, .as.truth = truth});
}

int swale_message_add_nil(swale_message *m, const char *key) {
  return add(m, name_of(key), (struct swale_value){.type = SWALE_NIL});
}

int swale_message_add_value(swale_message *m, const char *key, size_t key_len,
                            const struct swale_value *value) {
  struct name name = {key, key_len};
  if (value->type == SWALE_LIST || value->type == SWALE_MAP)
    return copy_container(m, name, value);
  return add(m, name, *value);
}

int swale_message_begin_map(swale_message *m, const char *key) { return open_frame(m, name_of(key), true); }

int swale_message_begin_mapn(swale_message *m, const char *key, size_t key_len) {
  return open_frame(m, (struct name){key, key_len}, true);
}

int swale_message_begin_list(swale_message *m, const char *key) { return open_frame(m, name_of(key), false); }

int swale_message_begin_listn(swale_message *m, const char *key, size_t key_len) {
  return open_frame(m, (struct name){key, key_len}, false);
}

int swale_message_end(swale_message *m) {
  int rv = admit(m);
  if (rv)
    return rv;
  return m->builder->depth > 1 ? close_frame(m) : fail(m, SWALE_EINVAL);
}

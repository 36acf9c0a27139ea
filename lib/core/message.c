/* SPDX-License-Identifier: MIT */
#include "core/message.h"

#include <string.h>

#include <swale/utf8.h>

#include "core/env.h"
#include "core/msgpack.h"
#include "core/msgpack_check.h"
#include "core/payload.h"

/* The block of a message that is built here, unless its type is long; the least room besides the type's. */
enum { BLOCK_SIZE = 512, ROOM_MIN = 128 };

/* What stands before the type in a message that is built here: two heads and the key. */
enum { BEFORE_TYPE = 1 + 1 + 4 };

/* The most that a renderer may write. */
enum { RENDER_MAX = 64 << 20 };

_Static_assert(_Alignof(struct swale__builder) <= _Alignof(struct swale_message), "they share a block");

static uint32_t size_bound(size_t wanted) {
  if (wanted == 0)
    return SWALE_MESSAGE_SIZE_DEFAULT;
  return wanted < SWALE_MESSAGE_SIZE_MAX ? (uint32_t)wanted : SWALE_MESSAGE_SIZE_MAX;
}

/* ---- life ----------------------------------------------------------------------------- */

/* A message with its type, no bytes yet, and `between` bytes between its struct and the type. */
static swale_message *create(const struct swale_allocator *allocator, size_t between, const char *type,
                             uint32_t type_len, size_t room) {
  swale_message *m = swale__malloc(allocator, sizeof *m + between + type_len + 1 + room);
  if (!m)
    return NULL;
  *m = (struct swale_message){.type = (char *)(m + 1) + between, .type_len = type_len};
  atomic_init(&m->refs, 1);
  atomic_init(&m->memos.newest, NULL);
  m->allocator = *allocator;
  memcpy(m->type, type, type_len);
  m->type[type_len] = '\0';
  m->bytes = swale__message_room(m);
  return m;
}

swale_message *swale_message_ref(swale_message *m) {
  atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
  return m;
}

static void destroy(swale_message *m) {
  struct swale_allocator allocator = m->allocator;
  swale__payload_forget(&m->memos, &allocator);
  if (m->builder)
    swale__builder_free(m);
  if (m->bytes != swale__message_room(m))
    swale__free(&allocator, m->bytes);
  swale__free(&allocator, m);
}

void swale_message_unref(swale_message *m) {
  if (m && atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1)
    destroy(m);
}

/* ---- built here ----------------------------------------------------------------------- */

static int check_type(const char *type, size_t size_max) {
  if (!type)
    return SWALE_EINVAL;
  size_t len = strnlen(type, size_max);
  if (len == 0)
    return SWALE_ETYPE;
  unsigned char head[SWALE__MSGPACK_HEAD_MAX];
  if (BEFORE_TYPE + swale__msgpack_put_str(head, (uint32_t)len) + len > size_max)
    return SWALE_ESIZE;
  return swale_utf8_valid(type, len) ? 0 : SWALE_EUTF8;
}

swale_message *swale_message_new(const char *type) { return swale_message_new_with(type, 0, NULL); }

swale_message *swale_message_new_with(const char *type, size_t size_max,
                                      const struct swale_allocator *allocator) {
  struct swale_allocator a;
  swale__allocator_copy(&a, allocator);
  uint32_t bound = size_bound(size_max);
  int error = check_type(type, bound);
  if (error)
    type = "";
  size_t type_len = strlen(type);
  size_t taken = sizeof(struct swale_message) + sizeof(struct swale__builder) + type_len + 1;
  size_t least = type_len + ROOM_MIN;
  size_t room = taken + least < BLOCK_SIZE ? BLOCK_SIZE - taken : least;
  swale_message *m = create(&a, sizeof(struct swale__builder), type, (uint32_t)type_len, room);
  if (!m)
    return NULL;
  m->error = error;
  m->builder = (struct swale__builder *)(m + 1);
  swale__builder_init(m, (uint32_t)room, bound);
  swale_message_add_strn(m, "type", m->type, m->type_len);
  return m;
}

int swale_message_error(const swale_message *m) { return m ? m->error : SWALE_ENOMEM; }

int swale_message_freeze(swale_message *m) {
  if (!m)
    return SWALE_ENOMEM;
  if (swale__message_frozen(m))
    return 0;
  return m->error ? m->error : swale__builder_finish(m);
}

/* ---- from bytes ----------------------------------------------------------------------- */

static int find_type(const unsigned char *map, struct swale_value *type) {
  struct swale_value root;
  swale__msgpack_next(map, &root);
  if (swale_value_get(&root, "type", type) != 0 || type->type != SWALE_STR || type->len == 0)
    return SWALE_ETYPE;
  return memchr(type->as.str, '\0', type->len) ? SWALE_ETYPE : 0;
}

/* A pair of a map: from its key to behind its value. */
struct field {
  const unsigned char *from, *behind;
  struct swale_value value;
};

/* Finds `key` in a checked map; without it, or with NULL, the field is nothing, at `end`. */
static void find_field(const unsigned char *map, const unsigned char *end, const char *key, struct field *f) {
  struct swale_value root, name;
  const unsigned char *at = swale__msgpack_next(map, &root);
  for (uint32_t left = key ? root.len : 0; left > 0; left--) {
    f->from = at;
    at = swale__msgpack_next(at, &name);
    swale__msgpack_next(at, &f->value);
    f->behind = at = swale__msgpack_skip(at, 1);
    if (swale_value_is(&name, key))
      return;
  }
  *f = (struct field){.from = end, .behind = end, .value.type = SWALE_NIL};
}

/* Fills a message that has room with all of a map but one field. */
static void copy_around(swale_message *m, const unsigned char *map, const unsigned char *end,
                        const struct field *f) {
  unsigned char *to = m->bytes;
  if (f->from < f->behind) {
    struct swale_value root;
    map = swale__msgpack_next(map, &root);
    to += swale__msgpack_put_map(to, root.len - 1);
  }
  size_t before = (size_t)(f->from - map), after = (size_t)(end - f->behind);
  memcpy(to, map, before);
  memcpy(to + before, f->behind, after);
  m->len = (uint32_t)((size_t)(to - m->bytes) + before + after);
}

static size_t depth_bound(size_t wanted) {
  return wanted == 0 || wanted > SWALE_MESSAGE_DEPTH_MAX ? SWALE_MESSAGE_DEPTH_MAX : wanted;
}

/* What swale_message_parse and _without have in common: `key` may be NULL, and then counts as absent. */
static int parse(const char *key, const void *bytes, size_t len, const struct swale_parse_limits *limits,
                 const struct swale_allocator *allocator, swale_message **out, struct field *f) {
  struct swale_allocator a;
  struct swale_value type;
  const unsigned char *end = (const unsigned char *)bytes + len;
  size_t size_max = size_bound(limits ? limits->size : 0);
  *out = NULL;
  if (len > (key ? SWALE_MESSAGE_SIZE_MAX : size_max))
    return SWALE_ESIZE;
  swale__allocator_copy(&a, allocator);
  int rv = swale__msgpack_check(bytes, len, depth_bound(limits ? limits->depth : 0), &a);
  if (rv == 0)
    rv = find_type(bytes, &type);
  if (rv)
    return rv;
  find_field(bytes, end, key, f);
  size_t room = len - (size_t)(f->behind - f->from);
  if (room > size_max)
    return SWALE_ESIZE;
  swale_message *m = create(&a, 0, type.as.str, type.len, room);
  if (!m)
    return SWALE_ENOMEM;
  copy_around(m, bytes, end, f);
  *out = m;
  return 0;
}

int swale_message_parse(const void *bytes, size_t len, const struct swale_parse_limits *limits,
                        const struct swale_allocator *allocator, swale_message **out) {
  struct field nothing;
  return parse(NULL, bytes, len, limits, allocator, out, &nothing);
}

int swale_message_parse_without(const char *key, const void *bytes, size_t len,
                                const struct swale_parse_limits *limits,
                                const struct swale_allocator *allocator, swale_message **out,
                                struct swale_value *taken) {
  struct field field = {.value.type = SWALE_NIL};
  *out = NULL;
  *taken = field.value;
  if (strcmp(key, "type") == 0)
    return SWALE_EINVAL;
  int rv = parse(key, bytes, len, limits, allocator, out, &field);
  if (rv == 0)
    *taken = field.value;
  return rv;
}

/* ---- as a whole ----------------------------------------------------------------------- */

const void *swale_message_bytes(const swale_message *m, size_t *len) {
  *len = swale__message_frozen(m) ? m->len : 0;
  return swale__message_frozen(m) ? m->bytes : NULL;
}

const char *swale_message_type(const swale_message *m) { return m->type; }

struct swale_value swale_message_root(const swale_message *m) {
  struct swale_value root = {.type = SWALE_MAP, .as.bytes = m->bytes};
  if (swale__message_frozen(m))
    swale__msgpack_next(m->bytes, &root);
  return root;
}

int swale_message_render(swale_message *m, enum swale_kind kind, swale_render_fn render, void *arg,
                         swale_payload **out) {
  struct swale__memo_key key = {.function = (void (*)(void))render, .arg = arg, .kind = (int)kind};
  *out = swale__memo_find(&m->memos, &key);
  if (*out)
    return 0;
  if (!swale__message_frozen(m))
    return SWALE_ESTATE;
  if (!swale__kind_known(kind))
    return SWALE_EINVAL;
  struct swale_buffer b;
  swale_payload *made;
  swale__payload_begin(&b, &m->allocator, 0, RENDER_MAX);
  int rv = swale__payload_finish(&b, render(m, &b, arg), kind, &made);
  return rv ? rv : swale__payload_keep(&m->memos, &key, made, &m->allocator, out);
}

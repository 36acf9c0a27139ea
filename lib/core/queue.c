/* SPDX-License-Identifier: MIT */
#include "core/queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/env.h"

static void set_depth(struct swale__queue *q, uint32_t depth) {
  atomic_store_explicit(&q->depth, depth, memory_order_relaxed);
}

/* Makes the node, which knows its message, the newest of both lists. */
static void append(struct swale__queue *q, struct swale__expiry *e, struct swale__queued *node) {
  node->next = node;
  if (q->newest) {
    node->next = q->newest->next;
    q->newest->next = node;
  }
  q->newest = node;
  set_depth(q, swale__queue_depth(q) + 1);

  node->older = e->newest;
  node->newer = NULL;
  if (e->newest)
    e->newest->newer = node;
  else
    e->oldest = node;
  e->newest = node;
}

int swale__queue_push(struct swale__queue *q, struct swale__expiry *e, const struct swale_allocator *a,
                      swale_message *m, uint64_t expires, uint32_t tag) {
  struct swale__queued *node = swale__malloc(a, sizeof *node);
  if (!node)
    return SWALE_ENOMEM;
  *node = (struct swale__queued){.queue = q, .message = swale_message_ref(m), .expires = expires, .tag = tag};
  append(q, e, node);
  return 0;
}

static void forget_expiry(struct swale__expiry *e, struct swale__queued *node) {
  if (node->older)
    node->older->newer = node->newer;
  else
    e->oldest = node->newer;
  if (node->newer)
    node->newer->older = node->older;
  else
    e->newest = node->older;
}

/* Takes the node behind `before` out of both lists. */
static struct swale__queued *take_out(struct swale__queue *q, struct swale__expiry *e,
                                      struct swale__queued *before) {
  struct swale__queued *node = before->next;
  before->next = node->next;
  if (node == q->newest)
    q->newest = before != node ? before : NULL;
  set_depth(q, swale__queue_depth(q) - 1);
  forget_expiry(e, node);
  return node;
}

swale_message *swale__queue_pop(struct swale__queue *q, struct swale__expiry *e,
                                const struct swale_allocator *a) {
  if (!q->newest)
    return NULL;
  struct swale__queued *node = take_out(q, e, q->newest);
  swale_message *m = node->message;
  swale__free(a, node);
  return m;
}

/* ---- topics ---- */

/* FNV-1a. */
static uint32_t hash(uint32_t h, const void *bytes, size_t len) {
  for (const unsigned char *at = bytes; len > 0; len--)
    h = (h ^ *at++) * 16777619u;
  return h;
}

/* The bytes that a value of a comparable type is; NULL for all others. */
static const void *bytes_of(const struct swale_value *value, size_t *len) {
  switch (value->type) {
  case SWALE_STR:
  case SWALE_BYTES:
    *len = value->len;
    return value->as.bytes;
  case SWALE_INT:
    *len = sizeof value->as.integer;
    return &value->as.integer;
  case SWALE_BOOL:
    *len = sizeof value->as.truth;
    return &value->as.truth;
  default:
    return NULL;
  }
}

struct swale__topic swale__topic_of(const swale_message *m, const char *field) {
  struct swale__topic topic = {.field = field};
  size_t len;
  if (!field || swale_message_get(m, field, &topic.value) < 0)
    return topic;
  const void *bytes = bytes_of(&topic.value, &len);
  if (bytes) {
    const char *type = swale_message_type(m);
    topic.tag = hash(hash(2166136261u, type, strlen(type)), bytes, len) | 1;
  }
  return topic;
}

/* Of two messages whose tags are equal. */
static bool same_topic(const struct swale__topic *topic, const swale_message *m, const swale_message *other) {
  struct swale__topic its = swale__topic_of(other, topic->field);
  size_t len = 0, its_len = 0;
  const void *bytes = bytes_of(&topic->value, &len), *its_bytes = bytes_of(&its.value, &its_len);
  return bytes && its_bytes && topic->value.type == its.value.type && len == its_len &&
         memcmp(bytes, its_bytes, len) == 0 && strcmp(swale_message_type(m), swale_message_type(other)) == 0;
}

/* The node before the one that is about the same; NULL if there is none. */
static struct swale__queued *find_before(const struct swale__queue *q, const swale_message *m,
                                         const struct swale__topic *topic) {
  struct swale__queued *before = q->newest;
  for (uint32_t left = swale__queue_depth(q); left > 0; left--, before = before->next)
    if (before->next->tag == topic->tag && same_topic(topic, m, before->next->message))
      return before;
  return NULL;
}

swale_message *swale__queue_replace(struct swale__queue *q, struct swale__expiry *e, swale_message *m,
                                    uint64_t expires, const struct swale__topic *topic) {
  struct swale__queued *before = topic->tag ? find_before(q, m, topic) : NULL;
  if (!before)
    return NULL;
  struct swale__queued *node = take_out(q, e, before);
  swale_message *old = node->message;
  node->message = swale_message_ref(m);
  node->expires = expires;
  append(q, e, node);
  return old;
}

struct swale__queue *swale__expiry_due(const struct swale__expiry *e, uint64_t now) {
  return e->oldest && e->oldest->expires <= now ? e->oldest->queue : NULL;
}

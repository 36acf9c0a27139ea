/* SPDX-License-Identifier: MIT */
#include "redis/topics.h"

#include <string.h>

#include <swale/error.h>

#include "redis/memory.h"

enum { BUCKETS_MIN = 16 };

/* Seeded, so that nobody who chooses names knows which of them share a bucket. */
uint64_t swale__redis_hash(uint64_t seed, const void *bytes, size_t len) {
  const unsigned char *at = bytes;
  uint64_t h = seed ^ len;
  for (; len > 0; len--) {
    h = (h ^ *at++) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
  }
  h *= UINT64_C(0xd6e8feb86659fd93);
  return h ^ h >> 29;
}

static uint64_t hash_of(const struct swale__redis_topics *t, enum swale__redis_topic_kind kind,
                        const char *name) {
  return swale__redis_hash(t->seed + (uint64_t)kind, name, strlen(name));
}

int swale__redis_topics_init(struct swale__redis_topics *t, const struct swale_allocator *a, uint64_t seed) {
  *t = (struct swale__redis_topics){.allocator = a, .seed = seed, .n = BUCKETS_MIN, .room = BUCKETS_MIN};
  t->buckets = swale__redis_zalloc(a, BUCKETS_MIN * sizeof *t->buckets);
  return t->buckets ? 0 : SWALE_ENOMEM;
}

/* ---- buckets ---- */

/* More than half of the room is in use: a bucket that is not yet is still part of the one half the room below. */
static size_t bucket_of(const struct swale__redis_topics *t, uint64_t hash) {
  size_t i = (size_t)hash & (t->room - 1);
  return i < t->n ? i : i & (t->room / 2 - 1);
}

/* One bucket more, whose topics come from one other. Without memory chains get longer instead. */
static void grow(struct swale__redis_topics *t) {
  if (t->n == t->room) {
    struct swale__redis_topic **buckets =
        swale__redis_realloc(t->allocator, t->buckets, 2 * t->room * sizeof *buckets);
    if (!buckets)
      return;
    t->buckets = buckets;
    t->room *= 2;
  }
  size_t added = t->n++, from = added & (t->room / 2 - 1);
  struct swale__redis_topic *topic = t->buckets[from], *next;
  t->buckets[from] = t->buckets[added] = NULL;
  for (; topic; topic = next) {
    next = topic->chain;
    struct swale__redis_topic **bucket = &t->buckets[bucket_of(t, topic->hash)];
    topic->chain = *bucket;
    *bucket = topic;
  }
}

struct swale__redis_topic *swale__redis_topic_find(const struct swale__redis_topics *t,
                                                   enum swale__redis_topic_kind kind, const char *name) {
  uint64_t hash = hash_of(t, kind, name);
  struct swale__redis_topic *topic = t->buckets[bucket_of(t, hash)];
  while (topic && (topic->hash != hash || topic->kind != kind || strcmp(topic->name, name) != 0))
    topic = topic->chain;
  return topic;
}

struct swale__redis_topic *swale__redis_topic_of_hash(const struct swale__redis_topics *t, uint64_t hash) {
  struct swale__redis_topic *topic = t->buckets[bucket_of(t, hash)];
  while (topic && (topic->hash != hash || topic->kind != SWALE__REDIS_GROUP))
    topic = topic->chain;
  return topic;
}

struct swale__redis_topic *swale__redis_topic_new(const struct swale_allocator *a,
                                                  enum swale__redis_topic_kind kind, const char *name) {
  size_t size = strlen(name) + 1;
  struct swale__redis_topic *topic = swale__redis_zalloc(a, sizeof *topic + size);
  if (!topic)
    return NULL;
  memcpy(topic->name, name, size);
  topic->kind = (uint8_t)kind;
  return topic;
}

struct swale__redis_topic *swale__redis_topic_enter(struct swale__redis_topics *t,
                                                    struct swale__redis_topic *topic) {
  struct swale__redis_topic *present = swale__redis_topic_find(t, topic->kind, topic->name);
  if (present)
    return present;
  topic->hash = hash_of(t, topic->kind, topic->name);
  if (++t->count > t->n)
    grow(t);
  struct swale__redis_topic **bucket = &t->buckets[bucket_of(t, topic->hash)];
  topic->chain = *bucket;
  *bucket = topic;
  return topic;
}

/* ---- lists ---- */

static void leave_list(struct swale__redis_topic *topic) {
  if (!topic->list)
    return;
  *(topic->before ? &topic->before->after : &topic->list->first) = topic->after;
  *(topic->after ? &topic->after->before : &topic->list->last) = topic->before;
  topic->list = NULL;
}

void swale__redis_topic_move(struct swale__redis_topic *topic, struct swale__redis_list *list) {
  leave_list(topic);
  if (!list)
    return;
  topic->before = list->last;
  topic->after = NULL;
  *(list->last ? &list->last->after : &list->first) = topic;
  list->last = topic;
  topic->list = list;
}

/* ---- ending ---- */

void swale__redis_topic_free(const struct swale_allocator *a, struct swale__redis_topic *topic) {
  if (!topic)
    return;
  swale__redis_echoes_free(&topic->echoes, a);
  swale__redis_release(a, topic);
}

bool swale__redis_topic_tidy(struct swale__redis_topics *t, struct swale__redis_topic *topic) {
  if (topic->wanted || topic->wished || topic->awaited > 0)
    return false;
  struct swale__redis_topic **link = &t->buckets[bucket_of(t, topic->hash)];
  while (*link != topic)
    link = &(*link)->chain;
  *link = topic->chain;
  t->count--;
  leave_list(topic);
  swale__redis_topic_free(t->allocator, topic);
  return true;
}

void swale__redis_topics_each(struct swale__redis_topics *t,
                              void (*visit)(struct swale__redis_topic *topic, void *arg), void *arg) {
  for (size_t i = 0; i < t->n; i++)
    for (struct swale__redis_topic *topic = t->buckets[i], *next; topic; topic = next) {
      next = topic->chain;
      visit(topic, arg);
    }
}

void swale__redis_topics_free(struct swale__redis_topics *t) {
  for (size_t i = 0; t->buckets && i < t->n; i++)
    for (struct swale__redis_topic *topic = t->buckets[i], *next; topic; topic = next) {
      next = topic->chain;
      swale__redis_topic_free(t->allocator, topic);
    }
  if (t->buckets)
    swale__redis_release(t->allocator, t->buckets);
  t->buckets = NULL;
}

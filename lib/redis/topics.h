/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_TOPICS_H
#define SWALE_REDIS_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>

#include "redis/echo.h"

/*
 * What this process wants to hear of: groups that have members here, and channels that are listened to. A topic is
 * `wanted` from group_open to group_close; `joined` says that Redis has been told and has confirmed it. It
 * outlives its wish while confirmations are `awaited`, so that those of a quick leaving and coming back are not mixed up.
 *
 * A group stands in one of two lists: among those being joined, in the order of their tickets, or among the joined, in the
 * order in which they were last renewed. Channels have a list of their own. All of it on the home loop's thread.
 */
enum swale__redis_topic_kind { SWALE__REDIS_GROUP, SWALE__REDIS_CHANNEL };

struct swale__redis_topic {
  struct swale__redis_topic *chain; /* of its bucket */
  uint64_t hash;
  struct swale__redis_topic *before, *after; /* in its list */
  struct swale__redis_list *list;            /* NULL: in none */
  uint64_t ticket;
  uint64_t renewed_ms;
  struct swale__redis_echoes echoes;
  uint32_t awaited;
  uint16_t shard;
  uint8_t kind;
  bool wanted, joined;
  bool wished; /* one message of the channel is wanted */
  char name[];
};

struct swale__redis_list {
  struct swale__redis_topic *first, *last;
};

struct swale__redis_topics {
  const struct swale_allocator *allocator;
  struct swale__redis_topic **buckets; /* linear hashing: `n` of `room` are in use */
  size_t n, room, count;
  uint64_t seed;
  struct swale__redis_list joining, joined, channels;
};

/* SWALE_ENOMEM. */
int swale__redis_topics_init(struct swale__redis_topics *t, const struct swale_allocator *a, uint64_t seed);
/* Frees all topics. */
void swale__redis_topics_free(struct swale__redis_topics *t);

uint64_t swale__redis_hash(uint64_t seed, const void *bytes, size_t len);

struct swale__redis_topic *swale__redis_topic_find(const struct swale__redis_topics *t,
                                                   enum swale__redis_topic_kind kind, const char *name);
/* The one with this hash, whatever its name: a group's. */
struct swale__redis_topic *swale__redis_topic_of_hash(const struct swale__redis_topics *t, uint64_t hash);

/* A topic that is in no table yet; NULL without memory. Any thread, as the next. */
struct swale__redis_topic *swale__redis_topic_new(const struct swale_allocator *a,
                                                  enum swale__redis_topic_kind kind, const char *name);
void swale__redis_topic_free(const struct swale_allocator *a, struct swale__redis_topic *topic);

/* Puts the topic into the table, unless there is one of this name, which is the answer then. */
struct swale__redis_topic *swale__redis_topic_enter(struct swale__redis_topics *t,
                                                    struct swale__redis_topic *topic);

/* Frees the topic if nobody wants it and nothing is awaited. Answers whether it did. */
bool swale__redis_topic_tidy(struct swale__redis_topics *t, struct swale__redis_topic *topic);

/* Puts it at the end of the list, out of the one it is in; NULL: into none. */
void swale__redis_topic_move(struct swale__redis_topic *topic, struct swale__redis_list *list);

/* Calls `visit` for each topic, which may tidy that one and no other. */
void swale__redis_topics_each(struct swale__redis_topics *t,
                              void (*visit)(struct swale__redis_topic *topic, void *arg), void *arg);

#endif

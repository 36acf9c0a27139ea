/* SPDX-License-Identifier: MIT */
/* Core mode: the second connection waits for messages, in this process's queue and in those of channels that are listened to. */
#include <stdio.h>
#include <stdlib.h>

#include "redis/core.h"
#include "redis/delivery.h"
#include "redis/greeting.h"
#include "redis/memory.h"
#include "redis/words.h"

/* Seconds for which Redis may let a connection wait for a message. */
#define BLOCK_S "5"
#define BLOCK_MS 5000
/* Messages that are taken behind the first, and about how much of a reply they may fill; see link.c. */
enum { BATCH = 64 };
#define BATCH_BYTES ((size_t)16 << 20)

static void popped(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data);

static size_t own_queue(const struct swale__redis_client *c, char key[SWALE__REDIS_NAME_SIZE]) {
  return (size_t)snprintf(key, SWALE__REDIS_NAME_SIZE, "%sspecific.%s!", c->settings->config.prefix,
                          c->process);
}

/* Waits for the next message: in our own queue, and in those of channels that somebody listens to. */
static void wait_for_message(struct swale__redis_shard *s) {
  struct swale__redis_client *c = s->client;
  size_t channels = 0, w = 0;
  for (const struct swale__redis_topic *t = c->topics.channels.first; t; t = t->after)
    channels++;
  size_t size = (3 + channels) * sizeof(struct swale__redis_word) + (1 + channels) * SWALE__REDIS_NAME_SIZE;
  struct swale__redis_word *words = swale__redis_malloc(swale__redis_memory(c), size);
  if (!words) {
    swale__redis_link_break(&s->hear, swale_strerror(SWALE_ENOMEM));
    return;
  }
  char *key = (char *)(words + 3 + channels);
  words[w++] = SWALE__REDIS_WORD("BZPOPMIN");
  words[w++] = swale__redis_bytes_word(key, own_queue(c, key));
  for (const struct swale__redis_topic *t = c->topics.channels.first; t; t = t->after) {
    key += SWALE__REDIS_NAME_SIZE;
    words[w++] =
        swale__redis_bytes_word(key, swale__redis_queue_key(key, c->settings->config.prefix, t->name));
  }
  words[w++] = SWALE__REDIS_WORD(BLOCK_S);
  s->blocked = true;
  s->stale = s->held = false;
  swale__redis_tell(&s->hear, w, words, popped, NULL);
  swale__redis_release(swale__redis_memory(c), words);
}

/* Not while Redis is to be emptied, and what would come is void; nor while there is no room for it. */
static bool may_fetch(const struct swale__redis_shard *s) {
  return !s->flush_due && s->flushing == 0 && swale__redis_may_fetch(s->client);
}

/* Otherwise it waits in its queue. */
static void fetch_next(struct swale__redis_shard *s) {
  s->held = !may_fetch(s);
  if (!s->held)
    wait_for_message(s);
}

static void core_resume(struct swale__redis_shard *s) {
  if (s->held && swale__redis_link_is_up(&s->hear))
    fetch_next(s);
}

/* The channel's turn is over: the next call begins with another. A wish is over unless nothing came of it, or there are more. */
static void taken_from(struct swale__redis_client *c, struct swale__redis_topic *topic, int result) {
  swale__redis_topic_move(topic, &c->topics.channels);
  topic->wished = topic->wished && result != 0;
  swale__redis_topic_tidy(&c->topics, topic);
}

/* Redis drops what has expired when something is sent, or nothing has been for long, but hands it out before. */
static bool has_expired(const struct swale__redis_client *c, const struct swale__redis_reply *score) {
  char *end;
  uint64_t now_s = (uint64_t)c->settings->config.wall_us(c->settings->config.user) / 1000000;
  uint64_t sent_s = score ? strtoull(score->text, &end, 10) : now_s;
  if (sent_s >= now_s || end == score->text)
    return false;
  return now_s - sent_s >= c->expiry_ms / 1000 + (*end == '.');
}

/* Takes what stands in a queue; `topic` is that of a channel or of names of ours, NULL for our own queue. */
static int take(struct swale__redis_client *c, const struct swale__redis_reply *payload,
                const struct swale__redis_reply *score, struct swale__redis_topic *topic) {
  bool named = !topic || strchr(topic->name, '!');
  if (has_expired(c, score)) {
    swale__redis_count(c, received, 1);
    swale__redis_count(c, expired, 1);
    return SWALE_EAGAIN;
  }
  return swale__redis_take_payload(c, payload, NULL, named ? NULL : topic->name);
}

/* What a reply had that did not come to its end is in Redis no more, and not here: as the server says, of what was asked for. */
static void count_torn(struct swale__redis_link *link, size_t asked) {
  size_t n = link->budget.items / 2; /* payloads and scores */
  if (n > 0)
    swale__redis_count(swale__redis_shard_of(link)->client, torn, n < asked ? n : asked);
}

static void drained(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *asked) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  if (!reply) {
    count_torn(link, (uintptr_t)asked);
    return;
  }
  if (swale__redis_is_error(reply))
    swale__redis_note_error(c, reply->text);
  for (size_t i = 0; i + 1 < reply->count; i += 2)
    if (swale__redis_is_string(reply->items[i]))
      take(c, reply->items[i], swale__redis_string_at(reply, i + 1), NULL);
}

/* What stands behind a large message is likely to be large. */
static void drain(struct swale__redis_shard *s, size_t first) {
  char key[SWALE__REDIS_NAME_SIZE];
  struct swale__redis_number count;
  size_t n = BATCH_BYTES / (first + 1);
  n = n < 1 ? 1 : n < BATCH ? n : BATCH;
  const struct swale__redis_word words[] = {SWALE__REDIS_WORD("ZPOPMIN"),
                                            swale__redis_bytes_word(key, own_queue(s->client, key)),
                                            swale__redis_whole(&count, n)};
  swale__redis_tell(&s->hear, 3, words, drained, (void *)(uintptr_t)n);
}

/* The channel whose queue this is, or NULL: a key that we did not ask for. */
static const char *channel_of(const struct swale__redis_client *c, const struct swale__redis_reply *key) {
  size_t n = strlen(c->settings->config.prefix);
  return key->len > n && swale_channel_name_valid(key->text + n) ? key->text + n : NULL;
}

static void popped(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_shard *s = link->owner;
  struct swale__redis_client *c = s->client;
  (void)data;
  s->blocked = false;
  if (!reply) {
    count_torn(link, 1);
    return;
  }
  if (swale__redis_is_error(reply)) {
    swale__redis_note_error(c, reply->text);
    swale__redis_link_break(link, "Redis does not hand out messages");
    return;
  }
  const struct swale__redis_reply *key = swale__redis_string_at(reply, 0),
                                  *payload = swale__redis_string_at(reply, 1),
                                  *score = swale__redis_string_at(reply, 2);
  if (key && payload) {
    char own[SWALE__REDIS_NAME_SIZE];
    own_queue(c, own);
    bool is_own = strcmp(key->text, own) == 0;
    const char *channel = is_own ? NULL : channel_of(c, key);
    struct swale__redis_topic *topic =
        channel ? swale__redis_topic_find(&c->topics, SWALE__REDIS_CHANNEL, channel) : NULL;
    if (topic) {
      taken_from(c, topic, take(c, payload, score, topic));
    } else if (is_own) {
      take(c, payload, score, NULL);
      if (may_fetch(s))
        drain(s, payload->len);
    } else if (channel) { /* that nobody listens to any more */
      swale__redis_take_payload(c, payload, NULL, channel);
    } else {
      swale__redis_count(c, received, 1);
      swale__redis_count(c, strays, 1);
    }
  }
  fetch_next(s);
}

static void identified(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  swale__redis_must_work(link, reply, data);
  if (reply)
    swale__redis_shard_of(link)->hear_id = reply->integer;
}

static int greet_hear(struct swale__redis_link *link) {
  const struct swale__redis_word words[] = {SWALE__REDIS_WORD("CLIENT"), SWALE__REDIS_WORD("ID")};
  return swale__redis_link_command(link, 2, words, identified, NULL);
}

static void hear_up(struct swale__redis_link *link) {
  swale__redis_link_came_up(link);
  fetch_next(link->owner);
}

static const struct swale__redis_link_class tell_class = {.up = swale__redis_link_came_up,
                                                          .down = swale__redis_link_went_down,
                                                          .resolve = swale__redis_link_resolve,
                                                          .turned = swale__redis_link_turned};

static const struct swale__redis_link_class hear_class = {.greet = greet_hear,
                                                          .up = hear_up,
                                                          .down = swale__redis_link_went_down,
                                                          .resolve = swale__redis_link_resolve,
                                                          .turned = swale__redis_link_turned,
                                                          .quiet_ms = BLOCK_MS};

const struct swale__redis_mode swale__redis_core = {.tell = &tell_class,
                                                    .hear = &hear_class,
                                                    .shard_of = swale__redis_core_shard_of,
                                                    .send = swale__redis_core_send,
                                                    .join = swale__redis_core_join,
                                                    .leave = swale__redis_core_leave,
                                                    .renew = swale__redis_core_renew,
                                                    .look = swale__redis_core_look,
                                                    .resume = core_resume,
                                                    .flush = swale__redis_core_flush};

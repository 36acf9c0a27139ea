/* SPDX-License-Identifier: MIT */
/*
 * Pubsub mode: a Redis channel for each group, one for each channel that workers listen to, and one pattern for all
 * names of this process's own making.
 */
#include <stdio.h>

#include "redis/client.h"
#include "redis/delivery.h"
#include "redis/wire.h"
#include "redis/words.h"

static const char *prefix(const struct swale__redis_client *c) { return c->settings->config.prefix; }

/* The Redis channel of a topic. */
static size_t topic_name(const struct swale__redis_client *c, enum swale__redis_topic_kind kind,
                         const char *name, char out[SWALE__REDIS_NAME_SIZE]) {
  if (kind == SWALE__REDIS_GROUP)
    return swale__redis_pubsub_group(out, prefix(c), name);
  return (size_t)snprintf(out, SWALE__REDIS_NAME_SIZE, "%s", name);
}

/* The topic of a Redis channel, or NULL. */
static struct swale__redis_topic *find_topic(const struct swale__redis_client *c, const char *name) {
  static const char infix[] = "__group__";
  size_t n = strlen(prefix(c));
  struct swale__redis_topic *topic = NULL;
  if (strncmp(name, prefix(c), n) == 0 && strncmp(name + n, infix, sizeof infix - 1) == 0)
    topic = swale__redis_topic_find(&c->topics, SWALE__REDIS_GROUP, name + n + sizeof infix - 1);
  return topic ? topic : swale__redis_topic_find(&c->topics, SWALE__REDIS_CHANNEL, name);
}

/* ---- sending ---- */

static enum swale__redis_topic_kind kind_of(const struct swale__redis_request *r) {
  return r->ask == SWALE__REDIS_GROUP_SEND ? SWALE__REDIS_GROUP : SWALE__REDIS_CHANNEL;
}

static size_t pubsub_shard_of(struct swale__redis_client *c, const struct swale__redis_request *r) {
  char name[SWALE__REDIS_NAME_SIZE];
  return swale__redis_shard(name, topic_name(c, kind_of(r), r->name, name), c->n_shards);
}

static void published(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  swale__redis_part_done(swale__redis_shard_of(link)->client, data, swale__redis_loss(link, reply));
}

static uint64_t print_of(const struct swale__redis_client *c, const void *payload, size_t len) {
  return swale__redis_hash(c->topics.seed, payload, len);
}

/* What members here have got already will come back if Redis knows, or is being told, that there are any. */
static int expect_echo(struct swale__redis_client *c, const struct swale__redis_request *r) {
  if (r->ask != SWALE__REDIS_GROUP_SEND)
    return 0;
  struct swale__redis_topic *topic = swale__redis_topic_find(&c->topics, SWALE__REDIS_GROUP, r->name);
  if (!topic || (!topic->joined && topic->awaited == 0))
    return 0;
  return swale__redis_echo_expect(&topic->echoes, swale__redis_memory(c),
                                  print_of(c, c->payload.at, c->payload.len), swale_loop_now_ms(c->io.loop));
}

static void pubsub_send(struct swale__redis_shard *s, struct swale__redis_request *r) {
  struct swale__redis_client *c = s->client;
  char name[SWALE__REDIS_NAME_SIZE];
  c->payload.len = 0;
  int rv = swale__redis_encode(c->settings, r->message,
                               &(struct swale__redis_to){SWALE__REDIS_NOBODY, NULL, 0}, &c->payload);
  if (rv == 0)
    rv = expect_echo(c, r);
  if (rv < 0) {
    swale__redis_note_error(c, swale_strerror(rv));
    swale__redis_part_done(c, r, SWALE_REDIS_LOST_ERROR);
    return;
  }
  const struct swale__redis_word words[] = {
      SWALE__REDIS_WORD("PUBLISH"), swale__redis_bytes_word(name, topic_name(c, kind_of(r), r->name, name)),
      swale__redis_bytes_word((const char *)c->payload.at, c->payload.len)};
  swale__redis_tell(&s->tell, 3, words, published, r);
}

/* ---- subscribing ---- */

static void subscribe(struct swale__redis_shard *s, const char *command, struct swale__redis_topic *topic) {
  char name[SWALE__REDIS_NAME_SIZE];
  size_t len = topic_name(s->client, topic->kind, topic->name, name);
  const struct swale__redis_word words[] = {swale__redis_text(command), swale__redis_bytes_word(name, len)};
  topic->awaited++;
  swale__redis_tell(&s->hear, 2, words, NULL, NULL);
}

static void pubsub_join(struct swale__redis_shard *s, struct swale__redis_topic *topic) {
  subscribe(s, "SUBSCRIBE", topic);
}

static void pubsub_leave(struct swale__redis_shard *s, struct swale__redis_topic *topic) {
  subscribe(s, "UNSUBSCRIBE", topic);
}

/* ---- hearing ---- */

static void take_message(struct swale__redis_client *c, const char *name,
                         const struct swale__redis_reply *payload) {
  struct swale__redis_topic *topic = find_topic(c, name);
  if (!topic) {
    swale__redis_count(c, received, 1);
    swale__redis_count(c, strays, 1);
  } else if (topic->kind == SWALE__REDIS_CHANNEL) {
    swale__redis_take_payload(c, payload, NULL, topic->name);
  } else if (swale__redis_echo_met(&topic->echoes, print_of(c, payload->text, payload->len),
                                   swale_loop_now_ms(c->io.loop))) {
    swale__redis_count(c, received, 1);
    swale__redis_count(c, echoes, 1);
  } else {
    swale__redis_take_payload(c, payload, topic, NULL);
  }
}

static void confirm(struct swale__redis_client *c, const char *name) {
  struct swale__redis_topic *topic = find_topic(c, name);
  if (topic)
    swale__redis_confirmed(c, topic, true);
}

static void hear_push(struct swale__redis_link *link, const struct swale__redis_reply *r) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  const struct swale__redis_reply *kind = swale__redis_string_at(r, 0), *name = swale__redis_string_at(r, 1);
  if (swale__redis_is_error(r)) {
    swale__redis_note_error(c, r->text);
    return;
  }
  if (!kind || !name)
    return;
  const struct swale__redis_reply *third = swale__redis_string_at(r, 2),
                                  *fourth = swale__redis_string_at(r, 3);
  if (strcmp(kind->text, "message") == 0 && third)
    take_message(c, name->text, third);
  else if (strcmp(kind->text, "pmessage") == 0 && third && fourth && swale__redis_is_own(c, third->text))
    swale__redis_take_payload(c, fourth, NULL, third->text);
  else if (strcmp(kind->text, "subscribe") == 0 || strcmp(kind->text, "unsubscribe") == 0)
    confirm(c, name->text);
}

static void hear_up(struct swale__redis_link *link) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  char pattern[64];
  int len = snprintf(pattern, sizeof pattern, "*.%s!*", c->process);
  const struct swale__redis_word words[] = {SWALE__REDIS_WORD("PSUBSCRIBE"),
                                            swale__redis_bytes_word(pattern, (size_t)len)};
  swale__redis_tell(link, 2, words, NULL, NULL);
  swale__redis_link_came_up(link);
}

static const struct swale__redis_link_class tell_class = {.up = swale__redis_link_came_up,
                                                          .down = swale__redis_link_went_down,
                                                          .resolve = swale__redis_link_resolve,
                                                          .turned = swale__redis_link_turned};

static bool may_read(struct swale__redis_link *link) {
  return link->state != SWALE__REDIS_UP || swale__redis_may_fetch(swale__redis_shard_of(link)->client);
}

static void pubsub_resume(struct swale__redis_shard *s) { swale__redis_link_resume(&s->hear); }

static const struct swale__redis_link_class hear_class = {.up = hear_up,
                                                          .may_read = may_read,
                                                          .down = swale__redis_link_went_down,
                                                          .push = hear_push,
                                                          .resolve = swale__redis_link_resolve,
                                                          .turned = swale__redis_link_turned};

const struct swale__redis_mode swale__redis_pubsub = {.tell = &tell_class,
                                                      .hear = &hear_class,
                                                      .shard_of = pubsub_shard_of,
                                                      .send = pubsub_send,
                                                      .join = pubsub_join,
                                                      .leave = pubsub_leave,
                                                      .resume = pubsub_resume,
                                                      .awaits_pushes = true};

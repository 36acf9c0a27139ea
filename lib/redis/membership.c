/* SPDX-License-Identifier: MIT */
/* Groups and channels that this process wants to hear of: joining, renewing, restoring. */
#include "redis/client.h"

#include "redis/memory.h"

/* Renewals in one tick, so that a process with very many groups does not stop for them. */
enum { RENEWALS_MAX = 20000 };

static struct swale__redis_shard *shard_of(struct swale__redis_client *c,
                                           const struct swale__redis_topic *topic) {
  return &c->shards[topic->shard];
}

static void join(struct swale__redis_client *c, struct swale__redis_topic *topic) {
  struct swale__redis_shard *s = shard_of(c, topic);
  if (swale__redis_shard_is_up(s))
    c->mode->join(s, topic);
}

static enum swale__redis_topic_kind kind_of(const struct swale__redis_request *r) {
  return r->ask == SWALE__REDIS_OPEN || r->ask == SWALE__REDIS_CLOSE ? SWALE__REDIS_GROUP
                                                                     : SWALE__REDIS_CHANNEL;
}

/* ---- wishes ---- */

static size_t shard_for(const struct swale__redis_client *c, const struct swale__redis_topic *topic) {
  char name[SWALE__REDIS_NAME_SIZE];
  if (topic->kind == SWALE__REDIS_CHANNEL || c->settings->config.mode == SWALE_REDIS_CORE)
    return swale__redis_shard(topic->name, strlen(topic->name), c->n_shards);
  size_t len = swale__redis_pubsub_group(name, c->settings->config.prefix, topic->name);
  return swale__redis_shard(name, len, c->n_shards);
}

/* Consumers wait for a group as long as there is hope: unless its server is known to be away. */
static void want(struct swale__redis_client *c, struct swale__redis_topic *topic, uint64_t ticket) {
  const struct swale__redis_shard *s = shard_of(c, topic);
  if (topic->wanted && topic->kind == SWALE__REDIS_CHANNEL)
    return;
  topic->wanted = true;
  topic->joined = false;
  topic->ticket = ticket;
  bool hope = swale__redis_shard_is_up(s) || !s->tried;
  if (topic->kind == SWALE__REDIS_GROUP)
    swale__redis_topic_move(topic, hope && ticket > 0 ? &c->topics.joining : NULL);
  join(c, topic);
}

static struct swale__redis_topic *enter(struct swale__redis_client *c, struct swale__redis_request *r) {
  struct swale__redis_topic *topic = swale__redis_topic_enter(&c->topics, r->topic);
  if (topic == r->topic)
    r->topic = NULL;
  topic->shard = (uint16_t)shard_for(c, topic);
  if (topic->kind == SWALE__REDIS_CHANNEL)
    swale__redis_topic_move(topic, &c->topics.channels);
  return topic;
}

void swale__redis_open_topic(struct swale__redis_client *c, struct swale__redis_request *r) {
  struct swale__redis_topic *topic = enter(c, r);
  if (r->ask == SWALE__REDIS_RECEIVE) {
    if (!topic->wished && !topic->wanted) {
      topic->wished = true;
      join(c, topic);
    }
    return;
  }
  if (r->ask == SWALE__REDIS_OPEN) {
    c->opened = r->ticket > c->opened ? r->ticket : c->opened;
    swale__redis_count(c, groups, 1);
  }
  want(c, topic, r->ticket);
}

/* Where wishes are for a single message; a subscription stays, as messages might come between two wishes. */
void swale__redis_unwish(struct swale__redis_client *c, const struct swale__redis_request *r) {
  struct swale__redis_topic *topic = swale__redis_topic_find(&c->topics, SWALE__REDIS_CHANNEL, r->name);
  if (topic && topic->wished && !topic->wanted && !c->mode->awaits_pushes)
    swale__redis_close_topic(c, r);
}

void swale__redis_close_topic(struct swale__redis_client *c, const struct swale__redis_request *r) {
  struct swale__redis_topic *topic = swale__redis_topic_find(&c->topics, kind_of(r), r->name);
  if (!topic)
    return;
  if (topic->wanted && topic->kind == SWALE__REDIS_GROUP)
    swale__redis_count(c, groups, (uint64_t)-1);
  topic->wanted = topic->joined = false;
  topic->wished = false;
  swale__redis_topic_move(topic, NULL);
  struct swale__redis_shard *s = shard_of(c, topic);
  if (swale__redis_shard_is_up(s))
    c->mode->leave(s, topic);
  swale__redis_topic_tidy(&c->topics, topic);
}

/* ---- confirmations ---- */

void swale__redis_confirmed(struct swale__redis_client *c, struct swale__redis_topic *topic, bool ok) {
  if (topic->awaited == 0 || --topic->awaited > 0)
    return;
  topic->joined = topic->wanted && ok;
  if (topic->wanted && topic->kind == SWALE__REDIS_GROUP) {
    topic->renewed_ms = swale_loop_now_ms(c->io.loop);
    swale__redis_topic_move(topic, &c->topics.joined);
  }
  swale__redis_topic_tidy(&c->topics, topic);
}

void swale__redis_settle(struct swale__redis_client *c) {
  const struct swale__redis_topic *first = c->topics.joining.first;
  uint64_t settled = first ? first->ticket - 1 : c->opened;
  if (settled <= c->settled)
    return;
  c->settled = settled;
  swale_backend_settled(c->layer, settled);
}

/* ---- after connections came and went ---- */

static void restore_topic(struct swale__redis_topic *topic, void *shard) {
  struct swale__redis_shard *s = shard;
  if (topic->shard == s->index && (topic->wanted || topic->wished))
    s->client->mode->join(s, topic);
}

void swale__redis_rejoin(struct swale__redis_shard *shard) {
  swale__redis_topics_each(&shard->client->topics, restore_topic, shard);
}

void swale__redis_restore(struct swale__redis_shard *shard) {
  shard->mark = 0;
  if (shard->flush_due)
    shard->client->mode->flush(shard);
  if (shard->client->mode->look)
    shard->client->mode->look(shard); /* before joining: what is emptied from now on is noticed */
  swale__redis_rejoin(shard);
}

static void forget_topic(struct swale__redis_topic *topic, void *shard) {
  struct swale__redis_shard *s = shard;
  if (topic->shard != s->index)
    return;
  if (s->client->mode->awaits_pushes)
    topic->awaited = 0;
  topic->joined = false;
  if (topic->kind == SWALE__REDIS_GROUP)
    swale__redis_topic_move(topic, NULL);
  swale__redis_topic_tidy(&s->client->topics, topic);
}

void swale__redis_forget(struct swale__redis_shard *shard) {
  swale__redis_topics_each(&shard->client->topics, forget_topic, shard);
}

/* ---- renewing ---- */

void swale__redis_renew(struct swale__redis_client *c) {
  uint64_t now = swale_loop_now_ms(c->io.loop), every = c->settings->config.lease_ms / 3;
  struct swale__redis_topic *topic;
  if (!c->mode->renew)
    return;
  for (int n = 0; n < RENEWALS_MAX && (topic = c->topics.joined.first) && now - topic->renewed_ms >= every;
       n++) {
    struct swale__redis_shard *s = shard_of(c, topic);
    topic->renewed_ms = now;
    swale__redis_topic_move(topic, &c->topics.joined);
    if (topic->kind == SWALE__REDIS_GROUP && swale__redis_shard_is_up(s))
      c->mode->renew(s, topic);
  }
}

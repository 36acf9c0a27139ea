/* SPDX-License-Identifier: MIT */
/* Core mode: the names that stand in groups' sets, and emptying all of it. */
#include <stdio.h>

#include "redis/core.h"
#include "redis/words.h"

static const char flush_script[] =
    "local keys = redis.call('KEYS', ARGV[1])\n"
    "for i = 1, #keys, 5000 do redis.call('DEL', unpack(keys, i, math.min(i + 4999, #keys))) end\n"
    "return #keys";

static void told(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  if (reply && swale__redis_is_error(reply))
    swale__redis_note_error(c, reply->text);
  if (data)
    swale__redis_confirmed(c, data, reply && !swale__redis_is_error(reply));
}

static void add_member(struct swale__redis_shard *s, const char *group, const char *channel,
                       swale__redis_done *done, void *data) {
  struct swale__redis_client *c = s->client;
  char key[SWALE__REDIS_NAME_SIZE];
  struct swale__redis_number now, life;
  struct swale__redis_word group_key =
      swale__redis_bytes_word(key, swale__redis_group_key(key, c->settings->config.prefix, group));
  const struct swale__redis_word add[] = {
      SWALE__REDIS_WORD("ZADD"), group_key,
      swale__redis_score(&now, c->settings->config.wall_us(c->settings->config.user)),
      swale__redis_text(channel)};
  const struct swale__redis_word expire[] = {SWALE__REDIS_WORD("EXPIRE"), group_key,
                                             swale__redis_lifetime(&life, c->group_expiry_ms)};
  swale__redis_tell(&s->tell, 4, add, done, data);
  swale__redis_tell(&s->tell, 3, expire, told, NULL);
}

static void remove_member(struct swale__redis_shard *s, const char *group, const char *channel,
                          swale__redis_done *done, void *data) {
  char key[SWALE__REDIS_NAME_SIZE];
  const struct swale__redis_word words[] = {
      SWALE__REDIS_WORD("ZREM"),
      swale__redis_bytes_word(key, swale__redis_group_key(key, s->client->settings->config.prefix, group)),
      swale__redis_text(channel)};
  swale__redis_tell(&s->tell, 3, words, done, data);
}

static const char *token(const struct swale__redis_client *c, const struct swale__redis_topic *topic,
                         char name[SWALE_NAME_SIZE]) {
  snprintf(name, SWALE_NAME_SIZE, "specific.%s!.%016llx", c->process, (unsigned long long)topic->hash);
  return name;
}

static void unblock(struct swale__redis_shard *s);

/* It may not have been waiting yet: its command is on the way, and would then wait for the wrong channels. */
static void unblocked(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_shard *s = link->owner;
  (void)data;
  if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0 && s->blocked && s->stale)
    unblock(s);
}

/* Redis ends the wait of the hearing connection, which then asks for the right channels. */
static void unblock(struct swale__redis_shard *s) {
  struct swale__redis_number id;
  const struct swale__redis_word words[] = {SWALE__REDIS_WORD("CLIENT"), SWALE__REDIS_WORD("UNBLOCK"),
                                            swale__redis_whole(&id, (uint64_t)s->hear_id)};
  swale__redis_tell(&s->tell, 3, words, unblocked, NULL);
}

static void hear_anew(struct swale__redis_client *c) {
  for (size_t i = 0; i < c->n_shards; i++) {
    struct swale__redis_shard *s = &c->shards[i];
    if (!s->blocked || s->stale || !swale__redis_link_is_up(&s->tell))
      continue;
    s->stale = true;
    unblock(s);
  }
}

void swale__redis_core_join(struct swale__redis_shard *s, struct swale__redis_topic *topic) {
  char name[SWALE_NAME_SIZE];
  if (topic->kind == SWALE__REDIS_CHANNEL) {
    hear_anew(s->client);
    return;
  }
  topic->awaited++;
  add_member(s, topic->name, token(s->client, topic, name), told, topic);
}

void swale__redis_core_leave(struct swale__redis_shard *s, struct swale__redis_topic *topic) {
  char name[SWALE_NAME_SIZE];
  if (topic->kind == SWALE__REDIS_CHANNEL) {
    hear_anew(s->client);
    return;
  }
  topic->awaited++;
  remove_member(s, topic->name, token(s->client, topic, name), told, topic);
}

void swale__redis_core_renew(struct swale__redis_shard *s, struct swale__redis_topic *topic) {
  char name[SWALE_NAME_SIZE];
  add_member(s, topic->name, token(s->client, topic, name), told, NULL);
}

void swale__redis_core_remove(struct swale__redis_shard *s, const char *group, const char *channel) {
  remove_member(s, group, channel, told, NULL);
}

static void changed(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  swale__redis_part_done(swale__redis_shard_of(link)->client, data, swale__redis_loss(link, reply));
}

void swale__redis_core_change(struct swale__redis_shard *s, struct swale__redis_request *r) {
  if (r->ask == SWALE__REDIS_ADD)
    add_member(s, r->name, r->name2, changed, r);
  else
    remove_member(s, r->name, r->name2, changed, r);
}

/* ---- flushing ---- */

/* The prefix as a pattern that matches it alone, and a star. */
static size_t flush_pattern(const struct swale__redis_client *c, char out[2 * SWALE_REDIS_PREFIX_MAX + 2]) {
  size_t n = 0;
  for (const char *p = c->settings->config.prefix; *p; p++) {
    if (strchr("*?[]^\\-", *p))
      out[n++] = '\\';
    out[n++] = *p;
  }
  out[n++] = '*';
  return n;
}

/* A server that cannot do it is left; whoever comes next is told the same. */
static void flushed(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_shard *s = link->owner;
  s->flushing--;
  if (!reply || swale__redis_link_is_fatal(reply))
    s->flush_due = true;
  told(link, reply, data);
  if (reply)
    s->client->mode->resume(s);
}

void swale__redis_core_flush(struct swale__redis_shard *s) {
  char pattern[2 * SWALE_REDIS_PREFIX_MAX + 2];
  const struct swale__redis_word words[] = {
      SWALE__REDIS_WORD("EVAL"),
      {flush_script, sizeof flush_script - 1},
      SWALE__REDIS_WORD("0"),
      swale__redis_bytes_word(pattern, flush_pattern(s->client, pattern))};
  s->flush_due = false;
  s->flushing++;
  swale__redis_tell(&s->tell, 4, words, flushed, NULL);
}

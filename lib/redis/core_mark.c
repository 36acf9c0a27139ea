/* SPDX-License-Identifier: MIT */
/*
 * Core mode: who flushes Redis, swale or channels_redis, removes everybody's memberships, and nobody is told.
 * So there is a key beside them with a value of no meaning. Each process looks at it now and then; when it is
 * another than before, the first one to look has made it anew after a flush, and memberships are made anew as
 * well.
 */
#include <stdio.h>

#include "redis/core.h"
#include "redis/words.h"

/* ARGV: a value, and how long nobody may look before it is forgotten, in seconds. */
static const char mark_script[] = "local mark = redis.call('GET', KEYS[1])\n"
                                  "if not mark then\n"
                                  "  mark = ARGV[1]\n"
                                  "  redis.call('SET', KEYS[1], mark)\n"
                                  "end\n"
                                  "redis.call('EXPIRE', KEYS[1], ARGV[2])\n"
                                  "return mark";

static void looked(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_shard *s = link->owner;
  (void)data;
  if (reply && swale__redis_is_error(reply))
    swale__redis_note_error(s->client, reply->text);
  if (!reply || !swale__redis_is_string(reply))
    return;
  uint64_t mark = swale__redis_hash(s->client->topics.seed, reply->text, reply->len) | 1;
  bool flushed = s->mark != 0 && s->mark != mark;
  s->mark = mark;
  if (!flushed)
    return;
  swale__redis_count(s->client, flushes, 1);
  swale__redis_rejoin(s);
}

void swale__redis_core_look(struct swale__redis_shard *s) {
  struct swale__redis_client *c = s->client;
  char key[SWALE__REDIS_NAME_SIZE], mark[64];
  struct swale__redis_number life;
  int len = snprintf(key, sizeof key, "%s:swale", c->settings->config.prefix);
  snprintf(mark, sizeof mark, "%s.%lld", c->process,
           (long long)c->settings->config.wall_us(c->settings->config.user));
  const struct swale__redis_word words[] = {
      SWALE__REDIS_WORD("EVAL"), {mark_script, sizeof mark_script - 1},
      SWALE__REDIS_WORD("1"),    swale__redis_bytes_word(key, (size_t)len),
      swale__redis_text(mark),   swale__redis_lifetime(&life, c->group_expiry_ms)};
  swale__redis_tell(&s->tell, sizeof words / sizeof *words, words, looked, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Core mode: a sorted set for the queue of each process, one for each plain channel, one for the members of each
 * group.
 *
 * In a group this process has one name for all its members, "specific.<process>!.<hash of the group>", so that its
 * set grows with processes, not with connections, and so does what travels. To others it looks like any channel.
 *
 * A message to a group takes two steps, who is in it and then a payload for each process. What is sent meanwhile, to
 * whatever channel, waits in `plans` behind it, so that everybody sees this process's messages in order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "redis/client.h"
#include "redis/greeting.h"
#include "redis/memory.h"
#include "redis/scripts.h"

/* Seconds for which Redis may let a connection wait for a message. */
#define BLOCK_S "5"
#define BLOCK_MS 5000
/* Messages that are taken behind the first, and queues that one script fills. */
#define BATCH "64"
enum { KEYS_MAX = 64 };

struct number {
  char text[24];
};

static struct swale__redis_word whole(struct number *n, uint64_t value) {
  int len = snprintf(n->text, sizeof n->text, "%llu", (unsigned long long)value);
  return (struct swale__redis_word){n->text, (size_t)len};
}

/* Microseconds as the seconds that scores are. */
static struct swale__redis_word score(struct number *n, int64_t us) {
  int len = snprintf(n->text, sizeof n->text, "%lld.%06d", (long long)(us / 1000000), (int)(us % 1000000));
  return (struct swale__redis_word){n->text, (size_t)len};
}

/* Up to which score something has expired that lives so long. */
static struct swale__redis_word before(struct number *n, int64_t now_us, uint64_t life_ms) {
  int64_t now_s = now_us / 1000000,
          life_s = life_ms / 1000 < INT32_MAX ? (int64_t)(life_ms / 1000) : INT32_MAX;
  return whole(n, now_s > life_s ? (uint64_t)(now_s - life_s) : 0);
}

static struct swale__redis_word lifetime(struct number *n, uint64_t ms) {
  uint64_t s = (ms + 999) / 1000;
  return whole(n, s < INT32_MAX ? s : INT32_MAX);
}

static struct swale__redis_word word(const char *text, size_t len) {
  return (struct swale__redis_word){text, len};
}

static const char *prefix(const struct swale__redis_client *c) { return c->settings->config.prefix; }

static size_t shard_of_key(const struct swale__redis_client *c, const char *channel) {
  return swale__redis_shard(channel, swale__redis_non_local(channel), c->n_shards);
}

/* ---- filling queues ---- */

static void filled(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  struct swale__redis_request *r = data;
  int loss = SWALE__REDIS_NO_LOSS;
  if (!reply) {
    loss = SWALE_REDIS_LOST_DOWN;
  } else if (swale__redis_is_error(reply)) {
    swale__redis_note_error(c, reply->text);
    loss = SWALE_REDIS_LOST_ERROR;
  } else if (reply->count == 3) {
    long long full = reply->items[0]->integer, failed = reply->items[1]->integer;
    if (full > 0)
      swale__redis_count(c, over_capacity, (uint64_t)full);
    if (failed > 0 && swale__redis_string_at(reply, 2))
      swale__redis_note_error(c, reply->items[2]->text);
    if (failed > 0)
      loss = SWALE_REDIS_LOST_ERROR;
    else if (full > 0 && r->ask == SWALE__REDIS_SEND)
      loss = SWALE_REDIS_LOST_CAPACITY;
  }
  swale__redis_part_done(c, r, loss);
}

/* One EVAL: what its words point into. */
struct filling {
  struct swale__redis_shard *shard;
  struct swale__redis_request *request;
  size_t n;
  char keys[KEYS_MAX][SWALE__REDIS_NAME_SIZE];
  size_t ends[KEYS_MAX]; /* of the payloads in the client's buffer */
  struct number capacities[KEYS_MAX];
};

static void run_filling(struct filling *f) {
  struct swale__redis_client *c = f->shard->client;
  struct swale__redis_request *r = f->request;
  struct swale__redis_word words[3 + 3 * KEYS_MAX + 3];
  struct number n, at, life, old;
  size_t w = 0, from = 0;
  words[w++] = word("EVAL", 4);
  words[w++] = word(swale__redis_fill_script, sizeof swale__redis_fill_script - 1);
  words[w++] = whole(&n, f->n);
  for (size_t i = 0; i < f->n; i++)
    words[w++] = swale__redis_text(f->keys[i]);
  for (size_t i = 0; i < f->n; from = f->ends[i++])
    words[w++] = word((const char *)c->payload.at + from, f->ends[i] - from);
  for (size_t i = 0; i < f->n; i++)
    words[w++] = swale__redis_text(f->capacities[i].text);
  words[w++] = score(&at, r->score_us);
  words[w++] = lifetime(&life, c->expiry_ms);
  words[w++] = before(&old, r->score_us, c->expiry_ms);
  r->parts++;
  swale__redis_tell(&f->shard->tell, w, words, filled, r);
  f->n = 0;
  c->payload.len = 0;
}

/* Adds one queue and its payload. */
static void fill(struct filling *f, const char *channel, const struct swale__redis_to *to) {
  struct swale__redis_client *c = f->shard->client;
  struct swale__redis_request *r = f->request;
  int rv = swale__redis_encode(c->settings, r->message, to, &c->payload);
  if (rv < 0) {
    swale__redis_note_error(c, swale_strerror(rv));
    r->loss = SWALE_REDIS_LOST_ERROR;
    return;
  }
  swale__redis_queue_key(f->keys[f->n], prefix(c), channel);
  whole(&f->capacities[f->n], swale_backend_capacity(c->layer, channel));
  f->ends[f->n++] = c->payload.len;
  if (f->n == KEYS_MAX)
    run_filling(f);
}

static void begin_filling(struct filling *f, struct swale__redis_shard *s, struct swale__redis_request *r) {
  f->shard = s;
  f->request = r;
  f->n = 0;
  s->client->payload.len = 0;
}

static void send_to_channel(struct swale__redis_shard *s, struct swale__redis_request *r) {
  struct filling f;
  begin_filling(&f, s, r);
  bool specific = strchr(r->name, '!') != NULL;
  struct swale__redis_to to = {specific ? SWALE__REDIS_ONE : SWALE__REDIS_NOBODY, &r->name, specific};
  fill(&f, r->name, &to);
  if (f.n > 0)
    run_filling(&f);
  swale__redis_part_done(s->client, r, SWALE__REDIS_NO_LOSS);
}

/* ---- to the members of a group ---- */

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A channel of this process that somebody else has put into the group. */
static void deliver_here(struct swale__redis_client *c, const struct swale__redis_request *r,
                         const char *name) {
  if (!swale__redis_topic_of_token(c, name) && !swale_backend_is_member(c->layer, r->name, name))
    swale_backend_deliver(c->layer, name, r->message);
}

/* The members elsewhere, in order, so that those of one queue stand together. Those here have got it, or get it now. */
static size_t pick_names(struct swale__redis_client *c, const struct swale__redis_request *r,
                         const char **names) {
  size_t n = 0;
  for (size_t i = 0; i < r->members->count; i++) {
    const struct swale__redis_reply *member = r->members->items[i];
    if (!swale__redis_is_string(member) || !swale_channel_name_valid(member->text))
      swale__redis_count(c, strays, 1);
    else if (swale__redis_is_own(c, member->text))
      deliver_here(c, r, member->text);
    else
      names[n++] = member->text;
  }
  qsort((void *)names, n, sizeof *names, by_name);
  return n;
}

static size_t same_queue(const char *const *names, size_t n) {
  size_t len = swale__redis_non_local(names[0]), i = 1;
  while (i < n && swale__redis_non_local(names[i]) == len && memcmp(names[i], names[0], len) == 0)
    i++;
  return i;
}

static void fill_on_shard(struct swale__redis_shard *s, struct swale__redis_request *r,
                          const char *const *names, size_t n) {
  struct filling f;
  size_t run;
  begin_filling(&f, s, r);
  for (; n > 0; names += run, n -= run) {
    run = same_queue(names, n);
    if (shard_of_key(s->client, names[0]) == s->index)
      fill(&f, names[0], &(struct swale__redis_to){SWALE__REDIS_LIST, names, run});
  }
  if (f.n > 0)
    run_filling(&f);
}

static void send_to_members(struct swale__redis_client *c, struct swale__redis_request *r) {
  const char **names = swale__redis_malloc(swale__redis_memory(c), (r->members->count + 1) * sizeof *names);
  if (!names) {
    swale__redis_part_done(c, r, SWALE_REDIS_LOST_ERROR);
    return;
  }
  size_t n = pick_names(c, r, names);
  for (size_t i = 0; n > 0 && i < c->n_shards; i++)
    fill_on_shard(&c->shards[i], r, names, n);
  swale__redis_release(swale__redis_memory(c), names);
  swale__redis_part_done(c, r, SWALE__REDIS_NO_LOSS);
}

/* ---- in order ---- */

static void run_plan(struct swale__redis_client *c, struct swale__redis_request *r) {
  if (r->loss >= 0)
    swale__redis_part_done(c, r, r->loss);
  else if (r->ask == SWALE__REDIS_SEND)
    send_to_channel(&c->shards[r->shard], r);
  else
    send_to_members(c, r);
}

static void run_plans(struct swale__redis_client *c) {
  while (c->plans.first && c->plans.first->ready)
    run_plan(c, swale__redis_requests_pop(&c->plans));
}

static void members_known(struct swale__redis_link *link, const struct swale__redis_reply *reply,
                          void *data) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  struct swale__redis_request *r = data;
  r->ready = true;
  if (!reply) {
    r->loss = SWALE_REDIS_LOST_DOWN;
  } else if (reply->type != REDIS_REPLY_ARRAY) {
    swale__redis_note_error(c, swale__redis_is_error(reply) ? reply->text : swale_strerror(SWALE_EPROTOCOL));
    r->loss = SWALE_REDIS_LOST_ERROR;
  } else {
    r->members = swale__redis_link_keep(link, reply);
  }
  run_plans(c);
}

static void ask_members(struct swale__redis_shard *s, struct swale__redis_request *r) {
  struct swale__redis_client *c = s->client;
  char key[SWALE__REDIS_NAME_SIZE];
  struct number old, dead;
  size_t len = swale__redis_group_key(key, prefix(c), r->name);
  const struct swale__redis_word words[] = {
      word("EVAL", 4),
      word(swale__redis_members_script, sizeof swale__redis_members_script - 1),
      word("1", 1),
      word(key, len),
      before(&old, r->score_us, c->group_expiry_ms),
      before(&dead, r->score_us, c->settings->config.lease_ms)};
  swale__redis_tell(&s->tell, sizeof words / sizeof *words, words, members_known, r);
}

static void core_send(struct swale__redis_shard *s, struct swale__redis_request *r) {
  struct swale__redis_client *c = s->client;
  r->score_us = swale__redis_next_score(c);
  r->ready = r->ask == SWALE__REDIS_SEND;
  swale__redis_requests_push(&c->plans, r);
  if (r->ready)
    run_plans(c);
  else
    ask_members(s, r);
}

/* Plain channels are received from every server in turn, and so they are sent to. */
static size_t core_shard_of(struct swale__redis_client *c, const struct swale__redis_request *r) {
  if (r->ask == SWALE__REDIS_GROUP_SEND)
    return swale__redis_shard(r->name, strlen(r->name), c->n_shards);
  return strchr(r->name, '!') ? shard_of_key(c, r->name) : c->turn++ % c->n_shards;
}

/* ---- membership ---- */

static void told(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  if (reply && swale__redis_is_error(reply))
    swale__redis_note_error(c, reply->text);
  if (data)
    swale__redis_confirmed(c, data, reply && !swale__redis_is_error(reply));
}

static void add_member(struct swale__redis_shard *s, const char *group, const char *channel,
                       struct swale__redis_topic *topic) {
  struct swale__redis_client *c = s->client;
  char key[SWALE__REDIS_NAME_SIZE];
  struct number now, life;
  struct swale__redis_word group_key = word(key, swale__redis_group_key(key, prefix(c), group));
  const struct swale__redis_word add[] = {word("ZADD", 4), group_key,
                                          score(&now, c->settings->config.wall_us(c->settings->config.user)),
                                          swale__redis_text(channel)};
  const struct swale__redis_word expire[] = {word("EXPIRE", 6), group_key,
                                             lifetime(&life, c->group_expiry_ms)};
  swale__redis_tell(&s->tell, 4, add, told, topic);
  swale__redis_tell(&s->tell, 3, expire, told, NULL);
}

static void remove_member(struct swale__redis_shard *s, const char *group, const char *channel,
                          struct swale__redis_topic *topic) {
  char key[SWALE__REDIS_NAME_SIZE];
  const struct swale__redis_word words[] = {word("ZREM", 4),
                                            word(key, swale__redis_group_key(key, prefix(s->client), group)),
                                            swale__redis_text(channel)};
  swale__redis_tell(&s->tell, 3, words, told, topic);
}

static const char *token(const struct swale__redis_client *c, const struct swale__redis_topic *topic,
                         char name[SWALE_NAME_SIZE]) {
  snprintf(name, SWALE_NAME_SIZE, "specific.%s!.%016llx", c->process, (unsigned long long)topic->hash);
  return name;
}

/* Redis ends the wait of the hearing connection, which then asks for the right channels. */
static void hear_anew(struct swale__redis_client *c) {
  struct number id;
  for (size_t i = 0; i < c->n_shards; i++) {
    struct swale__redis_shard *s = &c->shards[i];
    if (!s->blocked || !swale__redis_link_is_up(&s->tell))
      continue;
    const struct swale__redis_word words[] = {word("CLIENT", 6), word("UNBLOCK", 7),
                                              whole(&id, (uint64_t)s->hear_id)};
    swale__redis_tell(&s->tell, 3, words, told, NULL);
  }
}

static void core_join(struct swale__redis_shard *s, struct swale__redis_topic *topic) {
  char name[SWALE_NAME_SIZE];
  if (topic->kind == SWALE__REDIS_CHANNEL) {
    hear_anew(s->client);
    return;
  }
  topic->awaited++;
  add_member(s, topic->name, token(s->client, topic, name), topic);
}

static void core_leave(struct swale__redis_shard *s, struct swale__redis_topic *topic) {
  char name[SWALE_NAME_SIZE];
  if (topic->kind == SWALE__REDIS_CHANNEL) {
    hear_anew(s->client);
    return;
  }
  topic->awaited++;
  remove_member(s, topic->name, token(s->client, topic, name), topic);
}

static void core_renew(struct swale__redis_shard *s, struct swale__redis_topic *topic) {
  char name[SWALE_NAME_SIZE];
  add_member(s, topic->name, token(s->client, topic, name), NULL);
}

static void core_member(struct swale__redis_client *c, const struct swale__redis_request *r) {
  struct swale__redis_shard *s = &c->shards[swale__redis_shard(r->name, strlen(r->name), c->n_shards)];
  if (!swale__redis_link_is_up(&s->tell))
    swale__redis_note_error(c, "a membership was not changed: Redis is down");
  else if (r->ask == SWALE__REDIS_ADD)
    add_member(s, r->name, r->name2, NULL);
  else
    remove_member(s, r->name, r->name2, NULL);
}

/* ---- flushing ---- */

/* The prefix as a pattern that matches it alone, and a star. */
static size_t flush_pattern(const struct swale__redis_client *c, char out[2 * SWALE_REDIS_PREFIX_MAX + 2]) {
  size_t n = 0;
  for (const char *p = prefix(c); *p; p++) {
    if (strchr("*?[]^\\-", *p))
      out[n++] = '\\';
    out[n++] = *p;
  }
  out[n++] = '*';
  return n;
}

static void core_flush(struct swale__redis_client *c) {
  char pattern[2 * SWALE_REDIS_PREFIX_MAX + 2];
  const struct swale__redis_word words[] = {
      word("EVAL", 4), word(swale__redis_flush_script, sizeof swale__redis_flush_script - 1), word("0", 1),
      word(pattern, flush_pattern(c, pattern))};
  for (size_t i = 0; i < c->n_shards; i++)
    if (swale__redis_link_is_up(&c->shards[i].tell))
      swale__redis_tell(&c->shards[i].tell, 4, words, told, NULL);
}

/* ---- hearing ---- */

static void popped(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data);

static size_t own_queue(const struct swale__redis_client *c, char key[SWALE__REDIS_NAME_SIZE]) {
  return (size_t)snprintf(key, SWALE__REDIS_NAME_SIZE, "%sspecific.%s!", prefix(c), c->process);
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
  words[w++] = word("BZPOPMIN", 8);
  words[w++] = word(key, own_queue(c, key));
  for (const struct swale__redis_topic *t = c->topics.channels.first; t; t = t->after) {
    key += SWALE__REDIS_NAME_SIZE;
    words[w++] = word(key, swale__redis_queue_key(key, prefix(c), t->name));
  }
  words[w++] = word(BLOCK_S, 1);
  s->blocked = true;
  swale__redis_tell(&s->hear, w, words, popped, NULL);
  swale__redis_release(swale__redis_memory(c), words);
}

/* The channel's turn is over: the next call begins with another. */
static void taken_from(struct swale__redis_client *c, struct swale__redis_topic *topic) {
  swale__redis_topic_move(topic, &c->topics.channels);
  if (topic->wanted || topic->wishes == 0)
    return;
  topic->wishes--;
  swale__redis_topic_tidy(&c->topics, topic);
}

/* Takes what stands in a queue; `topic` is a plain channel's, NULL for our own queue. */
static void take(struct swale__redis_client *c, const struct swale__redis_reply *payload,
                 struct swale__redis_topic *topic) {
  swale__redis_take_payload(c, payload, NULL, topic ? topic->name : NULL);
}

static void drained(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  (void)data;
  if (!reply)
    return;
  if (swale__redis_is_error(reply))
    swale__redis_note_error(c, reply->text);
  for (size_t i = 0; i + 1 < reply->count; i += 2)
    if (swale__redis_is_string(reply->items[i]))
      take(c, reply->items[i], NULL);
}

static void drain(struct swale__redis_shard *s) {
  char key[SWALE__REDIS_NAME_SIZE];
  const struct swale__redis_word words[] = {word("ZPOPMIN", 7), word(key, own_queue(s->client, key)),
                                            word(BATCH, sizeof BATCH - 1)};
  swale__redis_tell(&s->hear, 3, words, drained, NULL);
}

static void popped(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_shard *s = link->owner;
  struct swale__redis_client *c = s->client;
  (void)data;
  s->blocked = false;
  if (!reply)
    return;
  if (swale__redis_is_error(reply)) {
    swale__redis_note_error(c, reply->text);
    swale__redis_link_break(link, "Redis does not hand out messages");
    return;
  }
  const struct swale__redis_reply *key = swale__redis_string_at(reply, 0),
                                  *payload = swale__redis_string_at(reply, 1);
  if (key && payload) {
    char own[SWALE__REDIS_NAME_SIZE];
    own_queue(c, own);
    bool is_own = strcmp(key->text, own) == 0;
    struct swale__redis_topic *topic = NULL;
    if (!is_own && key->len > strlen(prefix(c)))
      topic = swale__redis_topic_find(&c->topics, SWALE__REDIS_CHANNEL, key->text + strlen(prefix(c)));
    if (is_own || topic)
      take(c, payload, topic);
    else /* a channel that nobody listens to any more */
      swale__redis_take_payload(c, payload, NULL, key->text + strlen(prefix(c)));
    if (topic)
      taken_from(c, topic);
    if (is_own)
      drain(s);
  }
  wait_for_message(s);
}

static void identified(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  swale__redis_must_work(link, reply, data);
  if (reply)
    swale__redis_shard_of(link)->hear_id = reply->integer;
}

static int greet_hear(struct swale__redis_link *link) {
  const struct swale__redis_word words[] = {word("CLIENT", 6), word("ID", 2)};
  return swale__redis_link_command(link, 2, words, identified, NULL);
}

static void hear_up(struct swale__redis_link *link) {
  swale__redis_link_came_up(link);
  wait_for_message(link->owner);
}

static const struct swale__redis_link_class tell_class = {
    .up = swale__redis_link_came_up, .down = swale__redis_link_went_down, .turned = swale__redis_link_turned};

static const struct swale__redis_link_class hear_class = {.greet = greet_hear,
                                                          .up = hear_up,
                                                          .down = swale__redis_link_went_down,
                                                          .turned = swale__redis_link_turned,
                                                          .quiet_ms = BLOCK_MS};

const struct swale__redis_mode swale__redis_core = {.tell = &tell_class,
                                                    .hear = &hear_class,
                                                    .shard_of = core_shard_of,
                                                    .send = core_send,
                                                    .join = core_join,
                                                    .leave = core_leave,
                                                    .renew = core_renew,
                                                    .member = core_member,
                                                    .flush = core_flush};

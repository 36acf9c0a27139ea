/* SPDX-License-Identifier: MIT */
/* Core mode: what is sent, to channels and to the members of groups. */
#include <stdio.h>
#include <stdlib.h>

#include "redis/core.h"
#include "redis/delivery.h"
#include "redis/memory.h"
#include "redis/scripts.h"
#include "redis/wire.h"
#include "redis/words.h"

/* Queues that one script fills. */
enum { KEYS_MAX = 64 };

static size_t shard_of_key(const struct swale__redis_client *c, const char *channel) {
  return swale__redis_shard(channel, swale__redis_non_local(channel), c->n_shards);
}

/* ---- filling queues ---- */

static void filled(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  struct swale__redis_request *r = data;
  int loss = swale__redis_loss(link, reply);
  if (loss == SWALE__REDIS_NO_LOSS && reply->count == 3) {
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
  struct swale__redis_number capacities[KEYS_MAX];
};

static void run_filling(struct filling *f) {
  struct swale__redis_client *c = f->shard->client;
  struct swale__redis_request *r = f->request;
  struct swale__redis_word words[3 + 3 * KEYS_MAX + 3];
  struct swale__redis_number n, at, life, old;
  size_t w = 0, from = 0;
  words[w++] = SWALE__REDIS_WORD("EVAL");
  words[w++] = (struct swale__redis_word){swale__redis_fill_script, sizeof swale__redis_fill_script - 1};
  words[w++] = swale__redis_whole(&n, f->n);
  for (size_t i = 0; i < f->n; i++)
    words[w++] = swale__redis_text(f->keys[i]);
  for (size_t i = 0; i < f->n; from = f->ends[i++])
    words[w++] = swale__redis_bytes_word((const char *)c->payload.at + from, f->ends[i] - from);
  for (size_t i = 0; i < f->n; i++)
    words[w++] = swale__redis_text(f->capacities[i].text);
  words[w++] = swale__redis_score(&at, r->score_us);
  words[w++] = swale__redis_lifetime(&life, c->expiry_ms);
  words[w++] = swale__redis_before(&old, r->score_us, c->expiry_ms);
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
  swale__redis_queue_key(f->keys[f->n], c->settings->config.prefix, channel);
  swale__redis_whole(&f->capacities[f->n], swale_backend_capacity(c->layer, channel));
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

/* A channel of this process that somebody else has put into the group, and that only we know to be gone. */
static void deliver_here(struct swale__redis_client *c, const struct swale__redis_request *r,
                         const char *name) {
  if (swale__redis_topic_of_token(c, name) || swale_backend_is_member(c->layer, r->name, name))
    return;
  if (swale_backend_deliver(c->layer, name, r->message) == SWALE_ECLOSED)
    swale__redis_core_remove(&c->shards[r->shard], r->name, name);
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
  struct swale__redis_number old, dead;
  size_t len = swale__redis_group_key(key, c->settings->config.prefix, r->name);
  const struct swale__redis_word words[] = {
      SWALE__REDIS_WORD("EVAL"),
      {swale__redis_members_script, sizeof swale__redis_members_script - 1},
      SWALE__REDIS_WORD("1"),
      swale__redis_bytes_word(key, len),
      swale__redis_before(&old, r->score_us, c->group_expiry_ms),
      swale__redis_before(&dead, r->score_us, c->settings->config.lease_ms)};
  swale__redis_tell(&s->tell, sizeof words / sizeof *words, words, members_known, r);
}

void swale__redis_core_send(struct swale__redis_shard *s, struct swale__redis_request *r) {
  struct swale__redis_client *c = s->client;
  if (!swale__redis_carries_message(r)) {
    swale__redis_core_change(s, r);
    return;
  }
  r->score_us = swale__redis_next_score(c);
  r->ready = r->ask == SWALE__REDIS_SEND;
  swale__redis_requests_push(&c->plans, r);
  if (r->ready)
    run_plans(c);
  else
    ask_members(s, r);
}

/* Plain channels are received from every server in turn, and so they are sent to. */
size_t swale__redis_core_shard_of(struct swale__redis_client *c, const struct swale__redis_request *r) {
  if (r->ask != SWALE__REDIS_SEND)
    return swale__redis_shard(r->name, strlen(r->name), c->n_shards);
  return strchr(r->name, '!') ? shard_of_key(c, r->name) : c->turn++ % c->n_shards;
}

/* SPDX-License-Identifier: MIT */
/* What a layer on Redis does on its home loop: requests in, connections up and down, the books. */
#include "redis/client.h"

#include <stdio.h>

#include "redis/memory.h"

/* A connection with so many bytes to write gets no more for the moment; they wait where they can expire. */
#define WRITE_AHEAD ((size_t)1 << 20)
#define TICK_MS 1000

/* ---- figures ---- */

void swale__redis_add(struct swale__redis_client *c, uint64_t *figure, uint64_t n) {
  pthread_mutex_lock(&c->lock);
  *figure += n;
  pthread_mutex_unlock(&c->lock);
}

void swale__redis_note(struct swale__redis_client *c, const char *text) {
  pthread_mutex_lock(&c->lock);
  snprintf(c->stats.error, sizeof c->stats.error, "%s", text);
  pthread_mutex_unlock(&c->lock);
}

void swale__redis_note_error(struct swale__redis_client *c, const char *text) {
  swale__redis_count(c, errors, 1);
  swale__redis_note(c, text);
}

int64_t swale__redis_next_score(struct swale__redis_client *c) {
  int64_t now = c->settings->config.wall_us(c->settings->config.user);
  if (now <= c->last_score_us)
    now = c->last_score_us + 1;
  return c->last_score_us = now;
}

/* ---- requests that are in the books ---- */

static int result_of(const struct swale__redis_request *r) {
  switch (r->loss) {
  case SWALE__REDIS_NO_LOSS:
    return 0;
  case SWALE_REDIS_LOST_CAPACITY:
    return SWALE_EFULL;
  case SWALE_REDIS_LOST_ERROR:
    return SWALE_EPROTOCOL;
  default:
    return SWALE_ECLOSED;
  }
}

static void end(struct swale__redis_client *c, struct swale__redis_request *r) {
  pthread_mutex_lock(&c->lock);
  c->stats.queued--;
  c->stats.queued_bytes -= r->cost;
  if (r->loss < 0)
    c->stats.arrived++;
  else
    c->stats.lost[r->loss]++;
  pthread_mutex_unlock(&c->lock);
  swale_backend_complete(r->pending, result_of(r));
  swale__redis_request_free(swale__redis_memory(c), r);
}

void swale__redis_part_done(struct swale__redis_client *c, struct swale__redis_request *r, int loss) {
  if (loss >= 0)
    r->loss = (int8_t)loss;
  if (--r->parts == 0)
    end(c, r);
}

int swale__redis_loss(struct swale__redis_link *link, const struct swale__redis_reply *reply) {
  if (!reply)
    return SWALE_REDIS_LOST_DOWN;
  if (!swale__redis_is_error(reply))
    return SWALE__REDIS_NO_LOSS;
  swale__redis_note_error(swale__redis_shard_of(link)->client, reply->text);
  return SWALE_REDIS_LOST_ERROR;
}

static void lose_all(struct swale__redis_client *c, struct swale__redis_requests *q, int loss) {
  struct swale__redis_request *r;
  while ((r = swale__redis_requests_pop(q)))
    swale__redis_part_done(c, r, loss);
}

/* A membership means something for as long as it would have lasted. */
static bool is_stale(const struct swale__redis_client *c, const struct swale__redis_request *r) {
  uint64_t life = swale__redis_carries_message(r) ? c->expiry_ms : c->group_expiry_ms;
  return swale_loop_now_ms(c->io.loop) - r->made_ms >= life;
}

/* The messages that a flush was to remove have expired after so long, and what is in Redis now may be others' and dear to them. */
static void expire_flush(struct swale__redis_shard *s) {
  if (swale_loop_now_ms(s->client->io.loop) - s->flush_ms >= s->client->expiry_ms)
    s->flush_due = false;
}

/* What stands behind a message that is not stale is younger, and lives as long or longer. */
static void expire(struct swale__redis_shard *s) {
  struct swale__redis_requests longer = {0};
  struct swale__redis_request *r;
  while ((r = s->waiting.first)) {
    bool stale = is_stale(s->client, r);
    if (!stale && swale__redis_carries_message(r))
      break;
    swale__redis_requests_pop(&s->waiting);
    if (stale)
      swale__redis_part_done(s->client, r, SWALE_REDIS_LOST_EXPIRED);
    else
      swale__redis_requests_push(&longer, r);
  }
  swale__redis_requests_put_before(&s->waiting, &longer);
}

static void pass_on(struct swale__redis_shard *s) {
  while (swale__redis_shard_is_up(s) && swale__redis_link_waiting(&s->tell) < WRITE_AHEAD &&
         s->waiting.first) {
    struct swale__redis_request *r = swale__redis_requests_pop(&s->waiting);
    if (is_stale(s->client, r))
      swale__redis_part_done(s->client, r, SWALE_REDIS_LOST_EXPIRED);
    else
      s->client->mode->send(s, r);
  }
}

/* ---- the end of every turn ---- */

static enum swale_redis_state state_of(const struct swale__redis_client *c) {
  enum swale_redis_state state = SWALE_REDIS_UP;
  for (size_t i = 0; i < c->n_shards; i++) {
    if (swale__redis_shard_is_up(&c->shards[i]))
      continue;
    if (c->shards[i].tried)
      return SWALE_REDIS_DOWN;
    state = SWALE_REDIS_CONNECTING;
  }
  return state;
}

static void tell_state(struct swale__redis_client *c) {
  enum swale_redis_state state = state_of(c);
  if (state == c->told_state)
    return;
  c->told_state = state;
  pthread_mutex_lock(&c->lock);
  c->stats.state = state;
  char why[sizeof c->stats.error];
  memcpy(why, c->stats.error, sizeof why);
  pthread_mutex_unlock(&c->lock);
  if (c->settings->config.on_state)
    c->settings->config.on_state(c->layer, state, why, c->settings->config.user);
}

static void resume(struct swale__redis_client *c) {
  for (size_t i = 0; i < c->n_shards; i++)
    c->mode->resume(&c->shards[i]);
}

static void finish(struct swale__redis_client *c) {
  for (size_t i = 0; i < c->n_shards; i++) {
    pass_on(&c->shards[i]);
    swale__redis_link_flush(&c->shards[i].hear);
  }
  for (size_t i = 0; i < c->n_shards; i++)
    swale__redis_link_flush(&c->shards[i].tell);
  swale__redis_settle(c);
  tell_state(c);
}

/* ---- connections ---- */

void swale__redis_tell(struct swale__redis_link *link, size_t n, const struct swale__redis_word *words,
                       swale__redis_done *done, void *data) {
  int rv = swale__redis_link_command(link, n, words, done, data);
  if (rv == 0)
    return;
  if (rv == SWALE_ENOMEM)
    swale__redis_link_break(link, swale_strerror(rv));
  if (done)
    done(link, NULL, data);
}

void swale__redis_link_came_up(struct swale__redis_link *link) {
  struct swale__redis_shard *s = link->owner;
  swale__redis_count(s->client, connects, 1);
  if (!swale__redis_shard_is_up(s))
    return;
  s->tried = true;
  expire_flush(s);
  swale__redis_restore(s);
}

void swale__redis_link_went_down(struct swale__redis_link *link) {
  struct swale__redis_shard *s = link->owner;
  s->tried = true;
  swale__redis_count(s->client, failures, 1);
  swale__redis_note(s->client, link->error);
  swale__redis_forget(s);
}

void swale__redis_link_turned(struct swale__redis_link *link) { finish(swale__redis_shard_of(link)->client); }

void swale__redis_link_resolve(struct swale__redis_link *link, const char *name) {
  struct swale__redis_client *c = swale__redis_shard_of(link)->client;
  const struct swale_redis_config *config = &c->settings->config;
  uint64_t query = swale__redis_link_lookup(link)->query = ++c->queries;
  c->resolving = true;
  config->resolve(c->layer, query, name, config->user);
  c->resolving = false;
}

/* ---- room for what comes ---- */

bool swale__redis_may_fetch(struct swale__redis_client *c) {
  bool room = swale_backend_has_room(c->layer);
  uint64_t now = swale_loop_now_ms(c->io.loop);
  if (!room && !c->stalled) {
    c->stalled_ms = now;
    swale__redis_count(c, stalls, 1);
  }
  c->stalled = !room;
  return room || now - c->stalled_ms >= c->settings->config.stall_ms;
}

/* ---- requests ---- */

static void flush_shard(struct swale__redis_shard *s) {
  lose_all(s->client, &s->waiting, SWALE_REDIS_LOST_FLUSHED);
  if (!s->client->mode->flush)
    return;
  s->flush_due = true;
  s->flush_ms = swale_loop_now_ms(s->client->io.loop);
  if (swale__redis_shard_is_up(s))
    s->client->mode->flush(s);
}

/* Plans are over when they have been answered. */
static void flush(struct swale__redis_client *c) {
  for (size_t i = 0; i < c->n_shards; i++)
    flush_shard(&c->shards[i]);
  for (struct swale__redis_request *r = c->plans.first; r; r = r->next)
    r->loss = SWALE_REDIS_LOST_FLUSHED;
}

static void queue(struct swale__redis_client *c, struct swale__redis_request *r) {
  if (r->loss >= 0) {
    swale__redis_part_done(c, r, r->loss);
    return;
  }
  r->made_ms = swale_loop_now_ms(c->io.loop);
  r->shard = (uint16_t)c->mode->shard_of(c, r);
  swale__redis_requests_push(&c->shards[r->shard].waiting, r);
}

static void handle(struct swale__redis_client *c, struct swale__redis_request *r) {
  switch ((enum swale__redis_ask)r->ask) {
  case SWALE__REDIS_SEND:
  case SWALE__REDIS_GROUP_SEND:
  case SWALE__REDIS_ADD:
  case SWALE__REDIS_DISCARD:
    queue(c, r);
    return;
  case SWALE__REDIS_OPEN:
  case SWALE__REDIS_LISTEN:
  case SWALE__REDIS_RECEIVE:
    swale__redis_open_topic(c, r);
    break;
  case SWALE__REDIS_ENOUGH:
    swale__redis_unwish(c, r);
    break;
  case SWALE__REDIS_CLOSE:
  case SWALE__REDIS_UNLISTEN:
    swale__redis_close_topic(c, r);
    break;
  }
  swale__redis_request_free(swale__redis_memory(c), r);
}

static void handle_asked(struct swale__redis_client *c) {
  struct swale__redis_request *r;
  pthread_mutex_lock(&c->lock);
  struct swale__redis_requests asked = c->asked;
  c->asked = (struct swale__redis_requests){0};
  c->asked_bytes = 0;
  bool flush_asked = c->flush_asked;
  c->flush_asked = false;
  pthread_mutex_unlock(&c->lock);
  if (flush_asked)
    flush(c);
  while ((r = swale__redis_requests_pop(&asked)))
    handle(c, r);
}

void swale__redis_run(void *backend) {
  struct swale__redis_client *c = backend;
  handle_asked(c);
  resume(c);
  finish(c);
}

/* ---- at home ---- */

static void look(struct swale__redis_client *c) {
  for (size_t i = 0; c->mode->look && i < c->n_shards; i++)
    if (swale__redis_shard_is_up(&c->shards[i]))
      c->mode->look(&c->shards[i]);
}

static void tick(struct swale_timer *timer) {
  struct swale__redis_client *c =
      (struct swale__redis_client *)((char *)timer - offsetof(struct swale__redis_client, tick));
  look(c);
  swale__redis_renew(c);
  for (size_t i = 0; i < c->n_shards; i++) {
    expire_flush(&c->shards[i]);
    expire(&c->shards[i]);
  }
  resume(c);
  finish(c);
  swale_timer_start(c->io.loop, &c->tick, TICK_MS);
}

static void set_attached(struct swale__redis_client *c, bool attached) {
  pthread_mutex_lock(&c->lock);
  c->attached = attached;
  pthread_mutex_unlock(&c->lock);
}

int swale__redis_attach(void *backend, swale_loop *home, const struct swale_sockets *sockets) {
  struct swale__redis_client *c = backend;
  if (!sockets || !sockets->watch)
    return SWALE_EINVAL;
  c->io = (struct swale__redis_io){home, *sockets};
  set_attached(c, true);
  c->told_state = SWALE_REDIS_CONNECTING;
  c->tick.fire = tick;
  swale_timer_start(home, &c->tick, TICK_MS);
  for (size_t i = 0; i < c->n_shards; i++) {
    c->shards[i].tried = false;
    swale__redis_link_start(&c->shards[i].tell, &c->io);
    swale__redis_link_start(&c->shards[i].hear, &c->io);
  }
  handle_asked(c);
  return 0;
}

void swale__redis_detach(void *backend) {
  struct swale__redis_client *c = backend;
  set_attached(c, false);
  handle_asked(c);
  finish(c);
  for (size_t i = 0; i < c->n_shards; i++) {
    struct swale__redis_shard *s = &c->shards[i];
    swale__redis_link_stop(&s->hear);
    swale__redis_link_stop(&s->tell);
    lose_all(c, &s->waiting, SWALE_REDIS_LOST_DOWN);
    s->flush_due = false;
    s->tried = true;
    swale__redis_forget(s);
  }
  swale__redis_settle(c);
  swale_timer_stop(c->io.loop, &c->tick);
  pthread_mutex_lock(&c->lock);
  c->stats.state = SWALE_REDIS_CONNECTING;
  pthread_mutex_unlock(&c->lock);
}

void swale__redis_ready(void *backend, int fd, unsigned events) {
  struct swale__redis_client *c = backend;
  for (size_t i = 0; i < c->n_shards; i++) {
    struct swale__redis_shard *s = &c->shards[i];
    if (s->tell.fd == fd)
      swale__redis_link_ready(&s->tell, events);
    else if (s->hear.fd == fd)
      swale__redis_link_ready(&s->hear, events);
    else
      continue;
    finish(c);
    return;
  }
}

/* SPDX-License-Identifier: MIT */
/* A layer's backend: opening, and what calls on the layer, from any thread, write down for the home loop. */
#include <stdio.h>
#include <stdlib.h>

#include "redis/client.h"
#include "redis/memory.h"

/* ---- opening ---- */

/* `by_host`: it resolves names, whenever they are needed. */
static int place_of(const struct swale_redis_host *host, bool by_host, struct swale__redis_place *place,
                    const struct swale_allocator *a, const struct swale__redis_why *why) {
  size_t n = host->master ? host->n_sentinels : 1;
  bool has_path = host->path && !host->master;
  place->host = host;
  if (by_host && !has_path)
    return 0;
  place->addresses = swale__redis_malloc(a, n * SWALE__REDIS_ADDRESSES_MAX * sizeof *place->addresses);
  if (!place->addresses)
    return swale__redis_fail(why, SWALE_ENOMEM, "%s", swale_strerror(SWALE_ENOMEM));
  if (has_path) {
    swale__redis_address_path(host->path, &place->addresses[place->n_addresses++]);
    return 0;
  }
  for (size_t i = 0; i < n; i++) {
    const char *name = host->master ? host->sentinels[i].host : host->host;
    uint16_t port = host->master ? host->sentinels[i].port : host->port;
    size_t found = swale__redis_resolve(name, port, place->addresses + place->n_addresses);
    if (found == 0)
      return swale__redis_fail(why, SWALE_ENOTFOUND, "there is no host of the name %s", name);
    place->n_addresses += found;
  }
  return 0;
}

static int open_shards(struct swale__redis_client *c, const struct swale__redis_why *why) {
  const struct swale_redis_config *config = &c->settings->config;
  const struct swale_allocator *a = swale__redis_memory(c);
  c->shards = swale__redis_zalloc(a, config->n_hosts * sizeof *c->shards);
  if (!c->shards)
    return swale__redis_fail(why, SWALE_ENOMEM, "%s", swale_strerror(SWALE_ENOMEM));
  c->n_shards = config->n_hosts;
  for (size_t i = 0; i < c->n_shards; i++) {
    struct swale__redis_shard *s = &c->shards[i];
    s->client = c;
    s->index = (uint16_t)i;
    int rv = place_of(&config->hosts[i], config->resolve != NULL, &s->place, a, why);
    if (rv < 0)
      return rv;
    swale__redis_link_init(&s->tell, c->mode->tell, s, c->settings, &s->place);
    swale__redis_link_init(&s->hear, c->mode->hear, s, c->settings, &s->place);
  }
  return 0;
}

static void free_client(void *backend) {
  struct swale__redis_client *c = backend;
  struct swale_allocator a = c->settings->env.allocator;
  struct swale__redis_request *r;
  while ((r = swale__redis_requests_pop(&c->asked))) {
    swale_backend_complete(r->pending, SWALE_ECLOSED);
    swale__redis_request_free(&a, r);
  }
  for (size_t i = 0; i < c->n_shards; i++)
    if (c->shards[i].place.addresses)
      swale__redis_release(&a, c->shards[i].place.addresses);
  if (c->shards)
    swale__redis_release(&a, c->shards);
  if (c->topics.allocator)
    swale__redis_topics_free(&c->topics);
  swale__redis_bytes_free(&c->payload);
  swale__redis_bytes_free(&c->plain);
  pthread_mutex_destroy(&c->lock);
  swale__redis_settings_free(c->settings);
  swale__redis_release(&a, c);
}

/* *out is set even after an error, unless there is not even that: it is to be freed. */
static int client_new(const struct swale_backend_setup *setup, struct swale__redis_settings *settings,
                      const struct swale__redis_why *why, struct swale__redis_client **out) {
  const struct swale_allocator *a = &settings->env.allocator;
  uint64_t seed;
  if (setup->env.random(&seed, sizeof seed, setup->env.user) != 0)
    return swale__redis_fail(why, SWALE_ERANDOM, "%s", swale_strerror(SWALE_ERANDOM));
  struct swale__redis_client *c = swale__redis_zalloc(a, sizeof *c);
  if (!c || pthread_mutex_init(&c->lock, NULL) != 0) {
    if (c)
      swale__redis_release(a, c);
    return swale__redis_fail(why, SWALE_ENOMEM, "%s", swale_strerror(SWALE_ENOMEM));
  }
  c->layer = setup->layer;
  c->settings = settings;
  c->mode = settings->config.mode == SWALE_REDIS_CORE ? &swale__redis_core : &swale__redis_pubsub;
  c->expiry_ms = setup->config->expiry_ms;
  c->group_expiry_ms = setup->config->group_expiry_ms;
  c->payload.allocator = c->plain.allocator = *a;
  snprintf(c->process, sizeof c->process, "%s", setup->process);
  int rv = swale__redis_topics_init(&c->topics, a, seed);
  rv = rv < 0 ? swale__redis_fail(why, rv, "%s", swale_strerror(rv)) : open_shards(c, why);
  *out = c;
  return rv;
}

static int open_client(struct swale_backend_setup *setup, void **backend, char *text, size_t size) {
  const struct swale__redis_why why = {text, size};
  struct swale__redis_settings *settings;
  struct swale__redis_client *c = NULL;
  int rv =
      swale__redis_settings_open(setup->options, setup->url, setup->config, &setup->env, &why, &settings);
  if (rv < 0)
    return rv;
  rv = client_new(setup, settings, &why, &c);
  if (rv < 0) {
    if (c)
      free_client(c);
    else
      swale__redis_settings_free(settings);
    return rv;
  }
  setup->local = settings->config.local;
  setup->has_members = settings->config.mode == SWALE_REDIS_CORE;
  *backend = c;
  return 0;
}

int swale_redis_open(const struct swale_redis_config *redis, const struct swale_layer_config *layer_config,
                     swale_layer **out, char *why, size_t why_size) {
  struct swale_redis_config defaults;
  if (!redis) {
    swale_redis_config_default(&defaults);
    redis = &defaults;
  }
  return swale_layer_open_with(&swale_redis_backend, redis, layer_config, out, why, why_size);
}

/* ---- names ---- */

static struct swale__redis_link *link_of_query(struct swale__redis_client *c, uint64_t query) {
  for (size_t i = 0; i < c->n_shards; i++) {
    struct swale__redis_shard *s = &c->shards[i];
    if (swale__redis_link_lookup(&s->tell)->query == query)
      return &s->tell;
    if (swale__redis_link_lookup(&s->hear)->query == query)
      return &s->hear;
  }
  return NULL;
}

int swale_redis_resolved(swale_layer *layer, uint64_t query, const struct addrinfo *found) {
  struct swale__redis_client *c = swale_backend_of(layer, &swale_redis_backend);
  if (!c)
    return SWALE_EUNSUPPORTED;
  struct swale__redis_link *link = query > 0 ? link_of_query(c, query) : NULL;
  if (!link)
    return SWALE_ENOTFOUND;
  swale_loop *home = c->io.loop;
  swale_loop_enter(home);
  swale__redis_link_resolved(link, found);
  if (!c->resolving)
    swale__redis_link_turned(link);
  swale_loop_leave(home);
  return 0;
}

/* ---- what is written down: under the layer's lock ---- */

/* Beside so many bytes that wait already. */
static bool has_room(const struct swale__redis_client *c, const struct swale__redis_request *r,
                     uint64_t waiting) {
  size_t most = c->settings->config.queue_bytes;
  return waiting <= most && r->cost <= most - waiting;
}

/* What is not in the books waits for the home loop alone. Under the lock. */
static void push(struct swale__redis_client *c, struct swale__redis_request *r) {
  c->asked_bytes += r->cost;
  swale__redis_requests_push(&c->asked, r);
}

static struct swale__redis_request *make(struct swale__redis_client *c, enum swale__redis_ask ask,
                                         const char *name, const char *name2, swale_message *m) {
  return swale__redis_request_new(swale__redis_memory(c), ask, name, name2, m);
}

/* What ends something that was asked for, so that there is room for it. */
static int ask(struct swale__redis_client *c, enum swale__redis_ask what, const char *name) {
  struct swale__redis_request *r = make(c, what, name, "", NULL);
  if (!r)
    return SWALE_ENOMEM;
  pthread_mutex_lock(&c->lock);
  push(c, r);
  pthread_mutex_unlock(&c->lock);
  return 0;
}

/* What is entered in the books, and waits for Redis within bounds. */
static int ask_in_books(struct swale__redis_client *c, enum swale__redis_ask what, const char *name,
                        const char *name2, swale_message *m, struct swale_pending *pending) {
  struct swale__redis_request *r = make(c, what, name, name2, m);
  if (!r)
    return SWALE_ENOMEM;
  r->pending = pending;
  pthread_mutex_lock(&c->lock);
  bool room = has_room(c, r, c->stats.queued_bytes);
  if (room) {
    c->stats.offered++;
    c->stats.queued++;
    c->stats.queued_bytes += r->cost;
    swale__redis_requests_push(&c->asked, r);
  }
  pthread_mutex_unlock(&c->lock);
  if (!room)
    swale__redis_request_free(swale__redis_memory(c), r);
  return room ? 0 : SWALE_EFULL;
}

static int backend_send(void *backend, const char *channel, swale_message *m, struct swale_pending *pending) {
  return ask_in_books(backend, SWALE__REDIS_SEND, channel, "", m, pending);
}

static int backend_group_send(void *backend, const char *group, swale_message *m,
                              struct swale_pending *pending) {
  struct swale__redis_client *c = backend;
  int rv = ask_in_books(c, SWALE__REDIS_GROUP_SEND, group, "", m, pending);
  if (rv == 0)
    return 0;
  pthread_mutex_lock(&c->lock);
  c->stats.offered++;
  c->stats.lost[rv == SWALE_EFULL ? SWALE_REDIS_LOST_FULL : SWALE_REDIS_LOST_ERROR]++;
  pthread_mutex_unlock(&c->lock);
  return rv;
}

/* A wish for a topic brings the memory for it along, so that the home loop cannot fail. */
static int ask_topic(struct swale__redis_client *c, enum swale__redis_ask what,
                     enum swale__redis_topic_kind kind, const char *name, uint64_t *ticket) {
  struct swale__redis_request *r = make(c, what, name, "", NULL);
  if (!r)
    return SWALE_ENOMEM;
  r->topic = swale__redis_topic_new(swale__redis_memory(c), kind, name);
  if (!r->topic) {
    swale__redis_request_free(swale__redis_memory(c), r);
    return SWALE_ENOMEM;
  }
  pthread_mutex_lock(&c->lock);
  bool room = has_room(c, r, c->asked_bytes);
  if (room && ticket && c->attached)
    r->ticket = *ticket = ++c->tickets;
  if (room)
    push(c, r);
  pthread_mutex_unlock(&c->lock);
  if (!room)
    swale__redis_request_free(swale__redis_memory(c), r);
  return room ? 0 : SWALE_EFULL;
}

static int backend_group_open(void *backend, const char *group, uint64_t *ticket) {
  *ticket = 0;
  return ask_topic(backend, SWALE__REDIS_OPEN, SWALE__REDIS_GROUP, group, ticket);
}

/* Without memory the group stays open for Redis: what comes for it is a stray, and its lease runs on. */
static void backend_group_close(void *backend, const char *group) {
  (void)ask(backend, SWALE__REDIS_CLOSE, group);
}

static int backend_listen(void *backend, const char *channel) {
  const struct swale__redis_client *c = backend;
  if (c->settings->config.mode == SWALE_REDIS_PUBSUB && strchr(channel, '!'))
    return 0; /* one pattern has them all */
  return ask_topic(backend, SWALE__REDIS_LISTEN, SWALE__REDIS_CHANNEL, channel, NULL);
}

static void backend_unlisten(void *backend, const char *channel) {
  (void)ask(backend, SWALE__REDIS_UNLISTEN, channel);
}

/* In core mode a name with a "!" says whose it is, and he gets it from his queue. */
static int backend_receive(void *backend, const char *channel, bool wanted) {
  const struct swale__redis_client *c = backend;
  if (c->settings->config.mode == SWALE_REDIS_CORE && strchr(channel, '!'))
    return SWALE_EUNSUPPORTED;
  if (wanted)
    return ask_topic(backend, SWALE__REDIS_RECEIVE, SWALE__REDIS_CHANNEL, channel, NULL);
  return ask(backend, SWALE__REDIS_ENOUGH, channel);
}

static int backend_group_add(void *backend, const char *group, const char *channel,
                             struct swale_pending *pending) {
  return ask_in_books(backend, SWALE__REDIS_ADD, group, channel, NULL, pending);
}

static int backend_group_discard(void *backend, const char *group, const char *channel) {
  return ask_in_books(backend, SWALE__REDIS_DISCARD, group, channel, NULL, NULL);
}

/* It needs no memory, so that nothing can come of it but an empty layer. */
static void backend_flush(void *backend) {
  struct swale__redis_client *c = backend;
  pthread_mutex_lock(&c->lock);
  c->flush_asked = true;
  for (struct swale__redis_request *r = c->asked.first; r; r = r->next)
    r->loss = SWALE_REDIS_LOST_FLUSHED;
  pthread_mutex_unlock(&c->lock);
}

/* ---- figures ---- */

int swale_redis_stats_read(const swale_layer *layer, struct swale_redis_stats *stats, size_t size) {
  struct swale__redis_client *c = swale_backend_of(layer, &swale_redis_backend);
  if (!c)
    return SWALE_EUNSUPPORTED;
  if (size == 0 || size > sizeof c->stats)
    return SWALE_EINVAL;
  pthread_mutex_lock(&c->lock);
  c->stats.size = size;
  memcpy(stats, &c->stats, size);
  pthread_mutex_unlock(&c->lock);
  return 0;
}

static const char *const schemes[] = {"redis", "rediss", "redis+unix", "redis+sentinel", NULL};

const struct swale_backend_class swale_redis_backend = {.schemes = schemes,
                                                        .open = open_client,
                                                        .free = free_client,
                                                        .attach = swale__redis_attach,
                                                        .detach = swale__redis_detach,
                                                        .ready = swale__redis_ready,
                                                        .run = swale__redis_run,
                                                        .send = backend_send,
                                                        .group_send = backend_group_send,
                                                        .group_open = backend_group_open,
                                                        .group_close = backend_group_close,
                                                        .group_add = backend_group_add,
                                                        .group_discard = backend_group_discard,
                                                        .listen = backend_listen,
                                                        .unlisten = backend_unlisten,
                                                        .receive = backend_receive,
                                                        .flush = backend_flush};

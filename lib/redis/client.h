/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_CLIENT_H
#define SWALE_REDIS_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include <swale/backend.h>
#include <swale/redis.h>

#include "redis/link.h"
#include "redis/names.h"
#include "redis/request.h"
#include "redis/settings.h"
#include "redis/shard.h"
#include "redis/topics.h"

struct swale__redis_client;

/* One Redis server of a layer, with two connections: one to tell it things, one to hear from it. */
struct swale__redis_shard {
  struct swale__redis_client *client;
  uint16_t index;
  bool tried; /* it has been up, or has failed */
  struct swale__redis_place place;
  struct swale__redis_link tell, hear;
  struct swale__redis_requests waiting; /* until `tell` is up and has room */
  long long hear_id;                    /* core: the hearing connection's CLIENT ID */
  bool blocked, stale; /* core: it waits in a BZPOPMIN, one for other channels than are wanted */
  bool held;           /* core: it does not, since there is no room for what would come, or that is void */
  bool flush_due;      /* core: it is to be emptied before anything else is said to it, since */
  uint64_t flush_ms;
  uint32_t flushing; /* core: commands to do so that have not been answered */
  uint64_t mark;     /* core: of what is in Redis; 0: not known yet */
};

/* What is different between the modes. The home loop's thread. */
struct swale__redis_mode {
  const struct swale__redis_link_class *tell, *hear;

  /* The shard whose connection a request in the books needs first. */
  size_t (*shard_of)(struct swale__redis_client *c, const struct swale__redis_request *r);
  /* Passes such a request on; that connection is up. The request is ended (swale__redis_end) when all is answered. */
  void (*send)(struct swale__redis_shard *shard, struct swale__redis_request *r);

  /* A wanted topic is to be heard, or is not wanted any more; its shard's connections are up. */
  void (*join)(struct swale__redis_shard *shard, struct swale__redis_topic *topic);
  void (*leave)(struct swale__redis_shard *shard, struct swale__redis_topic *topic);
  bool awaits_pushes; /* confirmations come by themselves, and not at all when the connection fails */
  void (*renew)(struct swale__redis_shard *shard, struct swale__redis_topic *topic); /* NULL: never */

  /* Finds out whether memberships have been lost meanwhile. NULL: they cannot be. */
  void (*look)(struct swale__redis_shard *shard);

  /* There may be room for more; fetches on if it has been stopped. */
  void (*resume)(struct swale__redis_shard *shard);

  /* Empties the shard, whose connections are up. NULL: there is nothing in it. */
  void (*flush)(struct swale__redis_shard *shard);
};

extern const struct swale__redis_mode swale__redis_core, swale__redis_pubsub;

/* A layer's backend. */
struct swale__redis_client {
  swale_layer *layer;
  struct swale__redis_settings *settings;
  const struct swale__redis_mode *mode;
  char process[33];
  uint64_t expiry_ms, group_expiry_ms;

  /* Any thread: what is asked for, under the lock, and figures. */
  pthread_mutex_t lock;
  struct swale__redis_requests asked;
  size_t asked_bytes;             /* of those among them that are not in the books */
  bool flush_asked;               /* under the lock; those among them that were asked for before are lost */
  struct swale_redis_stats stats; /* under the lock */
  uint64_t tickets;               /* given out; under the lock */
  bool attached;                  /* under the lock */

  /* The home loop's. */
  struct swale__redis_io io;
  struct swale__redis_topics topics;
  struct swale__redis_shard *shards;
  size_t n_shards;
  size_t turn;                        /* whose turn it is among plain channels' shards */
  struct swale__redis_requests plans; /* core: messages in the order they were sent; see core.c */
  int64_t last_score_us;
  struct swale__redis_bytes payload, plain; /* used again and again */
  struct swale_timer tick;
  bool stalled; /* loops have no room, since then */
  uint64_t stalled_ms;
  enum swale_redis_state told_state;
  uint64_t queries;         /* that the host was asked, to resolve names */
  bool resolving;           /* it is just being asked, and not to be told of anything */
  uint64_t opened, settled; /* tickets: of the last group that was opened, the last one told */
};

static inline const struct swale_allocator *swale__redis_memory(const struct swale__redis_client *c) {
  return &c->settings->env.allocator;
}

/* ---- figures: any thread ---- */

#define swale__redis_count(client, field, n) swale__redis_add((client), &(client)->stats.field, (n))
void swale__redis_add(struct swale__redis_client *c, uint64_t *figure, uint64_t n);

/* ---- requests (client.c) ---- */

#define SWALE__REDIS_NO_LOSS (-1)

/*
 * One part of a request is over, well or with an enum swale_redis_loss. It has one part from the beginning; the last
 * one ends it.
 */
void swale__redis_part_done(struct swale__redis_client *c, struct swale__redis_request *r, int loss);

/* What the reply says of a request, or no reply: a loss or none. An error is noted. */
int swale__redis_loss(struct swale__redis_link *link, const struct swale__redis_reply *reply);

/* What went wrong last, kept for the host to read. */
void swale__redis_note(struct swale__redis_client *c, const char *text);
/* Likewise an error that Redis answered, which is counted, too. */
void swale__redis_note_error(struct swale__redis_client *c, const char *text);

/* May more be fetched? Not while a loop is too full; but not for longer than stall_ms. */
bool swale__redis_may_fetch(struct swale__redis_client *c);

/* The home loop's part of swale_redis_backend. */
int swale__redis_attach(void *backend, swale_loop *home, const struct swale_sockets *sockets);
void swale__redis_detach(void *backend);
void swale__redis_ready(void *backend, int fd, unsigned events);
void swale__redis_run(void *backend);

/* ---- topics (membership.c) ---- */

/* Redis has confirmed one thing about the topic. */
void swale__redis_confirmed(struct swale__redis_client *c, struct swale__redis_topic *topic, bool ok);
/* The shard's connections are both up: tell it all that it has to know. */
void swale__redis_restore(struct swale__redis_shard *shard);
/* Likewise, after Redis has been emptied. */
void swale__redis_rejoin(struct swale__redis_shard *shard);
/* One of them is down: nothing is joined any more. */
void swale__redis_forget(struct swale__redis_shard *shard);
void swale__redis_open_topic(struct swale__redis_client *c, struct swale__redis_request *r);
/* Nobody wants a message of the channel any more, but for those who listen. */
void swale__redis_unwish(struct swale__redis_client *c, const struct swale__redis_request *r);
void swale__redis_close_topic(struct swale__redis_client *c, const struct swale__redis_request *r);
/* Renews what is due. */
void swale__redis_renew(struct swale__redis_client *c);
/* Tells the layer which tickets are settled. */
void swale__redis_settle(struct swale__redis_client *c);

/* ---- connections (client.c) ---- */

static inline bool swale__redis_shard_is_up(const struct swale__redis_shard *s) {
  return swale__redis_link_is_up(&s->tell) && swale__redis_link_is_up(&s->hear);
}

/* For the classes of links, after what is theirs. */
void swale__redis_link_came_up(struct swale__redis_link *link);
void swale__redis_link_went_down(struct swale__redis_link *link);
void swale__redis_link_turned(struct swale__redis_link *link);
void swale__redis_link_resolve(struct swale__redis_link *link, const char *name);

static inline struct swale__redis_shard *swale__redis_shard_of(const struct swale__redis_link *link) {
  return link->owner;
}

/* A command that has to get through: without memory for it the connection is begun anew. */
void swale__redis_tell(struct swale__redis_link *link, size_t n, const struct swale__redis_word *words,
                       swale__redis_done *done, void *data);

/* Microseconds of UNIX time, each answer larger than the one before. */
int64_t swale__redis_next_score(struct swale__redis_client *c);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_REQUEST_H
#define SWALE_REDIS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/backend.h>
#include <swale/message.h>
#include <swale/redis.h>

/* What a call on the layer, from any thread, asks the home loop to do. */
enum swale__redis_ask {
  SWALE__REDIS_SEND,       /* message to `name`, a channel */
  SWALE__REDIS_GROUP_SEND, /* message to `name`, a group */
  SWALE__REDIS_OPEN,       /* the group `name` has members here now */
  SWALE__REDIS_CLOSE,
  SWALE__REDIS_ADD,     /* the channel `name2`, of another process, joins the group `name` */
  SWALE__REDIS_DISCARD, /* leaves it */
  SWALE__REDIS_LISTEN,  /* workers listen to the channel `name` */
  SWALE__REDIS_UNLISTEN,
  SWALE__REDIS_RECEIVE, /* one message of the channel `name` is wanted */
  SWALE__REDIS_ENOUGH   /* none is any more */
};

/*
 * A request lives until all that it led to has been answered (`parts`). Those that carry messages, and changes of
 * others' memberships, are entered in the books then: once, with the worst that happened.
 */
struct swale__redis_request {
  struct swale__redis_request *next;
  uint8_t ask;
  int8_t loss;    /* enum swale_redis_loss; -1: none so far */
  bool ready;     /* core: nothing more has to be known before it is passed on */
  uint16_t shard; /* that it was given to */
  uint32_t parts;
  uint64_t made_ms;
  uint64_t ticket;
  int64_t score_us;
  size_t cost; /* against queue_bytes; 0: given back already */
  swale_message *message;
  struct swale_pending *pending;      /* somebody is to be told what became of it; or NULL */
  struct swale__redis_topic *topic;   /* for one that may have to be made; NULL: used */
  struct swale__redis_reply *members; /* of a group in core mode, once they are known */
  const char *name, *name2;
};

struct swale__redis_requests {
  struct swale__redis_request *first, *last;
};

void swale__redis_requests_push(struct swale__redis_requests *q, struct swale__redis_request *r);
struct swale__redis_request *swale__redis_requests_pop(struct swale__redis_requests *q);
/* All of `first` in front of `q`. */
void swale__redis_requests_put_before(struct swale__redis_requests *q,
                                      const struct swale__redis_requests *first);

static inline bool swale__redis_carries_message(const struct swale__redis_request *r) {
  return r->ask <= SWALE__REDIS_GROUP_SEND;
}

/* A request with copies of the names and a reference to the message, which may be NULL. NULL without memory. */
struct swale__redis_request *swale__redis_request_new(const struct swale_allocator *a,
                                                      enum swale__redis_ask ask, const char *name,
                                                      const char *name2, swale_message *m);
void swale__redis_request_free(const struct swale_allocator *a, struct swale__redis_request *r);

#endif

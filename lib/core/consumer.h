/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_CONSUMER_H
#define SWALE_CORE_CONSUMER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/consumer.h>
#include <swale/transport.h>

#include "core/channel.h"
#include "core/port.h"
#include "core/queue.h"

struct swale__wakes;
struct swale__decision;

/*
 * The life of a consumer.
 *
 *   UNDECIDED --accept--> OPEN --swale_close--> CLOSING --lost--> LOST --job--> ENDED --last reference--> freed
 *       |                   |                                      ^
 *       +------reject-------+------------- lost ------------------ +
 *
 * Messages go to a handler while it is `receptive` (open, not paused, nothing waiting); they wait in its
 * queue while it is undecided or its peer slow, and then until its job has handed them over; they are
 * dropped from CLOSING on. The user's disconnect runs in the job that leads from LOST to ENDED, so it is
 * called once, from outside of every other callback, however many things ended the consumer.
 *
 * A reference is held by the loop until ENDED, and by each inbox entry for this consumer alone, so that a
 * sender's entry never points at freed memory. Everything but `refs` and what channel.h and the counters say
 * belongs to the loop's thread.
 */
enum swale__stage { SWALE__UNDECIDED, SWALE__OPEN, SWALE__CLOSING, SWALE__LOST, SWALE__ENDED };

/* What the consumer's job has to do. */
enum {
  SWALE__JOB_START = 1,
  SWALE__JOB_SETTLE = 2,
  SWALE__JOB_DRAIN = 4,
  SWALE__JOB_END = 8,
  SWALE__JOB_PRESSURE = 16
};

struct swale_consumer {
  struct swale__channel channel; /* first: places in a lane lead here */
  swale_scope *scope;
  const struct swale_consumer_class *class; /* this and what follows is needed for each delivery */
  struct swale__port *port;
  void *transport; /* of a worker: its struct swale__plain, until ENDED */
  bool receptive : 1, paused : 1;
  bool connected : 1; /* connect was called */
  bool told_high : 1; /* as the class's pressure was told last */
  uint8_t stage : 3;
  uint8_t duties; /* SWALE__JOB_... */
  uint16_t code;  /* for disconnect */
  atomic_uint refs;
  uint64_t salt; /* this and `slot` are its id */
  uint32_t slot;
  _Atomic uint32_t dropped;         /* other threads read it */
  struct swale__decision *decision; /* NULL once decided */
  struct swale__queue queue;
  swale_consumer *next, **link; /* among its loop's consumers */
  struct swale_job job;
};

/* What is needed until connect is decided. */
struct swale__decision {
  struct swale_timer timer;
  swale_consumer *consumer;
  struct swale_header *headers; /* strings are owned */
  size_t n_headers;
  uint64_t ticket;                      /* of groups joined before connect, while Redis, say, is told */
  struct swale__decision *next, **link; /* in the port's list then; link NULL: in none */
};

static inline swale_consumer *swale__consumer_of_queue(struct swale__queue *q) {
  return (swale_consumer *)((char *)q - offsetof(struct swale_consumer, queue));
}

/* The port of a consumer's channel; NULL for a plain one. */
static inline struct swale__port *swale__channel_port(const struct swale__channel *ch) {
  return ch->plain ? NULL : ((const swale_consumer *)ch)->port;
}

static inline struct swale__id swale__consumer_id(const swale_consumer *c) {
  return (struct swale__id){.salt = c->salt, .slot = c->slot};
}

/* The channel that groups know the consumer by: a worker's is the plain one he listens to. */
struct swale__channel *swale__consumer_channel(swale_consumer *c);

/*
 * A consumer on this loop, undecided and not yet connected, with one reference, the loop's. `kind` is its
 * transport's, NULL for a worker. SWALE_ENOMEM, SWALE_ERANDOM, SWALE_EFULL.
 */
int swale__consumer_new(swale_app *app, swale_loop *loop, const struct swale_consumer_class *cls,
                        const struct swale_transport_class *kind, void *transport, swale_scope *scope,
                        swale_consumer **out);

/*
 * Joins the class's groups and calls connect, at once or when others' messages to them arrive; rejects for a
 * connect that failed.
 */
void swale__consumer_connect(swale_consumer *c);

/* Gives the consumer's job one more duty. */
void swale__consumer_schedule(swale_consumer *c, unsigned duty);

/* After a change of stage, pause or queue: is it receptive now, or is there something to drain? */
void swale__consumer_update(swale_consumer *c);

/* A callback answered non-zero: reports it and closes with 1011. */
void swale__consumer_failed(swale_consumer *c, int error, const char *callback);

void swale__consumer_unref(swale_consumer *c);

/*
 * Appends a message for this consumer to its loop's inbox. Under the layer's lock. SWALE_EFULL (unless
 * `always`), SWALE_ENOMEM.
 */
int swale__consumer_post(swale_consumer *c, swale_message *m, bool always, struct swale__wakes *wakes);

/* Drops messages; the loop's thread. */
void swale__consumer_drop(swale_consumer *c, enum swale_drop_reason reason, swale_message *m);
void swale__consumer_drop_oldest(swale_consumer *c, enum swale_drop_reason reason);

/* The groups need not be waited for any longer. Fine when they were not. */
void swale__decision_stop_waiting(struct swale__decision *d);
/* Frees what was needed to decide. */
void swale__decision_free(swale_consumer *c);
/* Arms the deadline of an undecided connect. */
void swale__decision_watch(swale_consumer *c);

/* Whether this code and reason can be sent: 0, SWALE_EINVAL, SWALE_EUTF8. */
int swale__close_check(uint16_t code, const char *reason);

/* A worker begins to listen, or stops. */
int swale__worker_listen(swale_consumer *c);
void swale__worker_stop(swale_consumer *c);
/* Counts a dropped message for the worker's channel, as long as he has one. */
void swale__worker_missed(swale_consumer *c);

static inline bool swale__consumer_is_worker(const swale_consumer *c) { return c->port->kind == NULL; }

#endif

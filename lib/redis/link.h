/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_LINK_H
#define SWALE_REDIS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <swale/layer.h>
#include <swale/transport.h>

#include "redis/address.h"
#include "redis/bytes.h"
#include "redis/command.h"
#include "redis/lookup.h"
#include "redis/pending.h"
#include "redis/reply.h"
#include "redis/settings.h"

/*
 * One connection to Redis, which comes back by itself.
 *
 *          start                 connected            greeted
 *   OFF ----------> CONNECTING -----------> GREETING ---------> UP
 *                    ^    |  failed            | failed         | failed
 *                    |    v                    v                v
 *                    +--- PAUSE <--------------+----------------+
 *
 * Where the host resolves names, an attempt begins with RESOLVING: its answer, which may come at once or later, leads on
 * to CONNECTING. From a sentinel, which is greeted like a server, an attempt goes on to the master that it names: to
 * CONNECTING, or for a name to RESOLVING.
 *
 * hiredis parses what comes; everything else about the connection is done here, because its asynchronous context does
 * not fit: it looks names up while it connects, reads without bound, keeps no count of what waits to be written,
 * asserts that a server is well-behaved, and frees itself in the middle of callbacks.
 *
 * Replies come in the order of commands, so that a ring of callbacks says what each is for. When the
 * connection fails those that still wait are called with NULL: whether Redis did what it was told is not
 * known, and it is not told again.
 *
 * A failure is noted in `broken` wherever it is found, and dealt with where no callback is running. Everything here
 * belongs to the home loop's thread.
 */
struct swale__redis_link;

struct swale__redis_link_class {
  /* Appends the commands that this kind of connection begins with: 0, SWALE_ENOMEM. May be NULL. */
  int (*greet)(struct swale__redis_link *link);
  void (*up)(struct swale__redis_link *link);
  void (*down)(struct swale__redis_link *link);
  /* Something that answers no command, in subscribed state. NULL: this kind never subscribes. */
  void (*push)(struct swale__redis_link *link, const struct swale__redis_reply *reply);
  /* May it read on? Otherwise it stops until swale__redis_link_resume. NULL: always. */
  bool (*may_read)(struct swale__redis_link *link);
  /*
   * The name is to be resolved: sets the query of swale__redis_link_lookup and asks the host. NULL: every place has its
   * addresses.
   */
  void (*resolve)(struct swale__redis_link *link, const char *name);
  /* The link has done something by itself, in a timer. */
  void (*turned)(struct swale__redis_link *link);
  uint32_t quiet_ms; /* so long a healthy server may say nothing while a command waits, beside the timeout */
};

enum swale__redis_link_state {
  SWALE__REDIS_OFF,
  SWALE__REDIS_RESOLVING,
  SWALE__REDIS_CONNECTING,
  SWALE__REDIS_GREETING,
  SWALE__REDIS_UP,
  SWALE__REDIS_PAUSE
};

/* What all links of a layer have in common while it is attached. */
struct swale__redis_io {
  swale_loop *loop;
  struct swale_sockets sockets;
};

/* Where a server is: its addresses, or those of the sentinels that know. None: the host resolves their names. */
struct swale__redis_place {
  const struct swale_redis_host *host;
  struct swale__redis_address *addresses;
  size_t n_addresses;
};

#define SWALE__REDIS_HOST_NAME_MAX 253 /* of a host, in the DNS */

struct swale__redis_link {
  const struct swale__redis_link_class *class;
  void *owner;
  const struct swale__redis_settings *settings;
  const struct swale__redis_io *io;
  const struct swale__redis_place *place;
  size_t next_address;
  struct swale__redis_lookup lookup; /* of the server, or its sentinels */
  struct swale__redis_lookup master; /* of the one that a sentinel told */
  char master_name[SWALE__REDIS_HOST_NAME_MAX + 1];
  uint8_t state;
  bool asking; /* connected to a sentinel */
  bool found;  /* it has answered */
  bool kept;   /* the reply being handled has a new owner */
  bool held;   /* it may not read */
  int fd;
  unsigned watched;
  uint32_t failures; /* since it was last up */
  uint64_t heard_ms; /* when it last said something */
  redisReader *reader;
  struct swale__redis_budget
      budget; /* items: for a callback without a reply, those of one that did not come to its end */
  struct swale__redis_bytes out;
  size_t sent; /* of `out` */
  struct swale__redis_pendings pendings;
  struct swale_timer timer; /* to connect, to be greeted, to look after it, to try again */
  struct swale_timer more;  /* there is more to read than one turn takes */
  const char *broken;
  char error[128]; /* why it was last given up */
};

void swale__redis_link_init(struct swale__redis_link *link, const struct swale__redis_link_class *class,
                            void *owner, const struct swale__redis_settings *settings,
                            const struct swale__redis_place *place);
void swale__redis_link_start(struct swale__redis_link *link, const struct swale__redis_io *io);
/* What it looks up now: where the server is, or its sentinels, or the master that one of them has told. */
static inline struct swale__redis_lookup *swale__redis_link_lookup(struct swale__redis_link *link) {
  return link->place->host->master && !link->asking ? &link->master : &link->lookup;
}

/* The host's answer to that; NULL: there is no such host. */
void swale__redis_link_resolved(struct swale__redis_link *link, const struct addrinfo *found);
/* Writes what can be written at once, and ends. `down` is not called. */
void swale__redis_link_stop(struct swale__redis_link *link);

/*
 * Appends a command, whose reply is given to `done` (NULL for kinds that push). SWALE_ESTATE unless greeting
 * or up; SWALE_ENOMEM. Written by the next flush.
 */
int swale__redis_link_command(struct swale__redis_link *link, size_t n, const struct swale__redis_word *words,
                              swale__redis_done *done, void *data);

/* Writes what there is, as far as the socket takes it. */
void swale__redis_link_flush(struct swale__redis_link *link);

/* Reads on, if it has been stopped. */
void swale__redis_link_resume(struct swale__redis_link *link);

/* Its descriptor is ready. */
void swale__redis_link_ready(struct swale__redis_link *link, unsigned events);

/* The reply that a callback has got is now the callback's. */
static inline struct swale__redis_reply *swale__redis_link_keep(struct swale__redis_link *link,
                                                                const struct swale__redis_reply *reply) {
  link->kept = true;
  return (struct swale__redis_reply *)reply;
}

/* Gives the connection up: now, or as soon as no callback of it is running. */
void swale__redis_link_break(struct swale__redis_link *link, const char *why);

static inline bool swale__redis_link_is_up(const struct swale__redis_link *link) {
  return link->state == SWALE__REDIS_UP && !link->broken;
}

/* An error after which a connection is given up: another server must be asked, or the same one later. */
bool swale__redis_link_is_fatal(const struct swale__redis_reply *r);

/* Bytes that wait to be written. */
static inline size_t swale__redis_link_waiting(const struct swale__redis_link *link) {
  return link->out.len - link->sent;
}

#endif

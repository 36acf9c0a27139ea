/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_LOOKUP_H
#define SWALE_REDIS_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include <swale/redis.h>

#include "redis/address.h"

/*
 * Names that the host resolves, one at a time: a server's, those of its sentinels in turn, or the master's that one of
 * these has told. The addresses of an answer are all tried before a name is asked for again.
 */
struct swale__redis_lookup {
  struct swale__redis_address found[SWALE__REDIS_ADDRESSES_MAX];
  size_t n_found, next_found, next_name;
  const char *name; /* of the answer, or asked for */
  uint16_t port;
  uint64_t query; /* under way; 0: none */
  bool inside;    /* the host is just being asked, and may answer at once */
};

/* This name's turn, which stays the caller's; answers whether it is an address already, so that nobody has to be asked. */
bool swale__redis_lookup_name(struct swale__redis_lookup *l, const char *name, uint16_t port);

/* Likewise the next one's of a server or its sentinels. */
bool swale__redis_lookup_begin(struct swale__redis_lookup *l, const struct swale_redis_host *host);

/* The host's answer; NULL: there is no such host. */
void swale__redis_lookup_end(struct swale__redis_lookup *l, const struct addrinfo *found);

static inline bool swale__redis_lookup_has_next(const struct swale__redis_lookup *l) {
  return l->next_found < l->n_found;
}

/* The next address, or NULL: a name has to be asked for. */
const struct swale__redis_address *swale__redis_lookup_next(struct swale__redis_lookup *l);

/* What was found may have changed since. */
void swale__redis_lookup_forget(struct swale__redis_lookup *l);

#endif

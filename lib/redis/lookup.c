/* SPDX-License-Identifier: MIT */
#include "redis/lookup.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

void swale__redis_lookup_forget(struct swale__redis_lookup *l) {
  l->n_found = l->next_found = 0;
  l->query = 0;
}

bool swale__redis_lookup_name(struct swale__redis_lookup *l, const char *name, uint16_t port) {
  char text[6];
  swale__redis_lookup_forget(l);
  l->name = name;
  l->port = port;
  snprintf(text, sizeof text, "%u", (unsigned)port);
  l->n_found = swale__redis_resolve_numeric(name, text, l->found);
  return l->n_found > 0;
}

bool swale__redis_lookup_begin(struct swale__redis_lookup *l, const struct swale_redis_host *host) {
  if (!host->master)
    return swale__redis_lookup_name(l, host->host, host->port);
  const struct swale_redis_address *sentinel = &host->sentinels[l->next_name++ % host->n_sentinels];
  return swale__redis_lookup_name(l, sentinel->host, sentinel->port);
}

static bool take(struct swale__redis_address *a, const struct addrinfo *from, uint16_t port) {
  size_t size = from->ai_family == AF_INET ? sizeof a->to.v4 : sizeof a->to.v6;
  if ((from->ai_family != AF_INET && from->ai_family != AF_INET6) || from->ai_addrlen != size)
    return false;
  a->len = from->ai_addrlen;
  memcpy(&a->to, from->ai_addr, size);
  if (from->ai_family == AF_INET)
    a->to.v4.sin_port = htons(port);
  else
    a->to.v6.sin6_port = htons(port);
  return true;
}

static bool is_known(const struct swale__redis_lookup *l, const struct swale__redis_address *a) {
  for (size_t i = 0; i < l->n_found; i++)
    if (l->found[i].len == a->len && memcmp(&l->found[i].to, &a->to, a->len) == 0)
      return true;
  return false;
}

/* Resolvers name an address once for each kind of socket, unless told otherwise. */
void swale__redis_lookup_end(struct swale__redis_lookup *l, const struct addrinfo *found) {
  struct swale__redis_address a;
  swale__redis_lookup_forget(l);
  for (; found && l->n_found < SWALE__REDIS_ADDRESSES_MAX; found = found->ai_next)
    if (take(&a, found, l->port) && !is_known(l, &a))
      l->found[l->n_found++] = a;
}

const struct swale__redis_address *swale__redis_lookup_next(struct swale__redis_lookup *l) {
  return swale__redis_lookup_has_next(l) ? &l->found[l->next_found++] : NULL;
}

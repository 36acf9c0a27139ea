/* SPDX-License-Identifier: MIT */
#include "redis/dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/link.h"

static void connect_to(struct swale__redis_link *link, const struct swale__redis_address *address) {
  link->fd = swale__redis_connect(address);
  link->budget = (struct swale__redis_budget){.allocator = &link->settings->env.allocator,
                                              .most = link->settings->reply_most};
  link->reader = link->fd >= 0 ? swale__redis_reader_new(&link->budget) : NULL;
  link->state = SWALE__REDIS_CONNECTING;
  link->found = false;
  swale_timer_start(link->io->loop, &link->timer, link->settings->config.connect_timeout_ms);
  if (link->fd < 0)
    link->broken = strerror(errno);
  else if (!link->reader)
    link->broken = swale_strerror(SWALE_ENOMEM);
}

void swale__redis_dial_found(struct swale__redis_link *link) {
  struct swale__redis_lookup *lookup = swale__redis_link_lookup(link);
  const struct swale__redis_address *address = swale__redis_lookup_next(lookup);
  if (address) {
    connect_to(link, address);
    return;
  }
  snprintf(link->error, sizeof link->error, "there is no host of the name %s", lookup->name);
  link->broken = link->error;
}

static void ask_host(struct swale__redis_link *link) {
  struct swale__redis_lookup *lookup = swale__redis_link_lookup(link);
  link->state = SWALE__REDIS_RESOLVING;
  swale_timer_start(link->io->loop, &link->timer, link->settings->config.connect_timeout_ms);
  lookup->inside = true;
  link->class->resolve(link, lookup->name);
  lookup->inside = false;
  if (!lookup->query)
    swale__redis_dial_found(link);
}

void swale__redis_dial(struct swale__redis_link *link) {
  struct swale__redis_lookup *lookup = &link->lookup;
  link->asking = link->place->host->master != NULL;
  if (link->place->n_addresses > 0)
    connect_to(link, &link->place->addresses[link->next_address++ % link->place->n_addresses]);
  else if (swale__redis_lookup_has_next(lookup) || swale__redis_lookup_begin(lookup, link->place->host))
    swale__redis_dial_found(link);
  else
    ask_host(link);
}

/* ---- the master of sentinels ---- */

/* Printable, so that it may be handed on to resolvers and told to people. */
static bool is_name(const struct swale__redis_reply *r) {
  for (size_t i = 0; i < r->len; i++)
    if (r->text[i] <= ' ' || r->text[i] > '~')
      return false;
  return r->len > 0 && r->len <= SWALE__REDIS_HOST_NAME_MAX;
}

/* 0: that is none. */
static uint16_t port_of(const struct swale__redis_reply *r) {
  char *end;
  unsigned long port = strtoul(r->text, &end, 10);
  return end != r->text && *end == '\0' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* A name whose addresses have not all been tried yet is not asked for again. */
const char *swale__redis_dial_announced(struct swale__redis_link *link, const struct swale__redis_reply *host,
                                        const struct swale__redis_reply *port) {
  struct swale__redis_lookup *lookup = &link->master;
  uint16_t number = port_of(port);
  if (!is_name(host) || number == 0)
    return "the sentinel names the master by no address";
  if (swale__redis_lookup_has_next(lookup) && lookup->port == number &&
      strcmp(link->master_name, host->text) == 0)
    return NULL;
  strcpy(link->master_name, host->text);
  bool by_host = link->place->n_addresses == 0;
  return swale__redis_lookup_name(lookup, link->master_name, number) || by_host
             ? NULL
             : "the sentinel names the master by a host name, and there is no resolver";
}

void swale__redis_dial_master(struct swale__redis_link *link) {
  link->asking = false;
  if (swale__redis_lookup_has_next(&link->master))
    swale__redis_dial_found(link);
  else
    ask_host(link);
}

/* SPDX-License-Identifier: MIT */
#include "redis/dial.h"

#include <errno.h>
#include <stdio.h>

#include "redis/link.h"

static void connect_to(struct swale__redis_link *link, const struct swale__redis_address *address) {
  link->fd = swale__redis_connect(address);
  link->budget =
      (struct swale__redis_budget){&link->settings->env.allocator, 0, link->settings->reply_most, false};
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
  const struct swale__redis_address *address = swale__redis_lookup_next(&link->lookup);
  if (address) {
    connect_to(link, address);
    return;
  }
  snprintf(link->error, sizeof link->error, "there is no host of the name %s", link->lookup.name);
  link->broken = link->error;
}

static void look_up(struct swale__redis_link *link) {
  link->state = SWALE__REDIS_RESOLVING;
  swale_timer_start(link->io->loop, &link->timer, link->settings->config.connect_timeout_ms);
  if (!swale__redis_lookup_begin(&link->lookup, link->place->host)) {
    link->lookup.inside = true;
    link->class->resolve(link, link->lookup.name);
    link->lookup.inside = false;
  }
  if (!link->lookup.query)
    swale__redis_dial_found(link);
}

void swale__redis_dial(struct swale__redis_link *link) {
  const struct swale__redis_address *found;
  link->asking = link->place->host->master != NULL;
  if (link->place->n_addresses > 0)
    connect_to(link, &link->place->addresses[link->next_address++ % link->place->n_addresses]);
  else if ((found = swale__redis_lookup_next(&link->lookup)))
    connect_to(link, found);
  else
    look_up(link);
}

void swale__redis_dial_master(struct swale__redis_link *link) {
  link->asking = false;
  connect_to(link, &link->master);
}

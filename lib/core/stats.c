/* SPDX-License-Identifier: MIT */
/* Looking into a layer: figures and walks over members. */
#include <stdbool.h>
#include <string.h>

#include "core/consumer.h"
#include "core/layer.h"
#include "core/name.h"

/* What has expired is not there any more. */
static void look(swale_layer *layer) {
  swale__layer_lock(layer);
  swale__layer_expire(layer);
}

static void look_away(swale_layer *layer) {
  struct swale__wakes wakes = {0};
  swale__layer_finish(layer, &wakes);
}

static void add_port(struct swale_layer_stats *s, struct swale__port *p, uint64_t *taken) {
  *taken += swale__counted(&p->taken);
  s->queued += swale__counted(&p->waiting);
  s->delivered += swale__counted(&p->delivered);
  s->unhandled += swale__counted(&p->unhandled);
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    s->dropped[i] += swale__counted(&p->dropped[i]);
}

static uint64_t count_loops(const swale_layer *layer) {
  uint64_t loops = 0;
  for (const struct swale__port *p = layer->ports; p; p = p->next_in_layer) {
    const struct swale__port *earlier = layer->ports;
    while (earlier != p && earlier->loop != p->loop)
      earlier = earlier->next_in_layer;
    loops += earlier == p;
  }
  return loops;
}

static void read_locked(swale_layer *layer, struct swale_layer_stats *s) {
  const struct swale__books *b = &layer->books;
  uint64_t taken = b->taken;
  s->offered = b->offered;
  s->delivered = b->delivered;
  s->refused = b->refused;
  s->unhandled = b->unhandled;
  s->sends = b->sends;
  s->group_sends = b->group_sends;
  s->queued = b->waiting;
  memcpy(s->dropped, b->dropped, sizeof s->dropped);
  for (struct swale__port *p = layer->ports; p; p = p->next_in_layer)
    add_port(s, p, &taken);
  s->queued += b->posted - taken;
  s->consumers = layer->consumers;
  s->channels = layer->plains.table.count;
  s->groups = layer->groups_alive;
  s->memberships = layer->memberships;
  s->loops = count_loops(layer);
}

int swale_layer_stats_read(swale_layer *layer, struct swale_layer_stats *stats, size_t size) {
  struct swale_layer_stats s = {.size = size};
  if (size == 0 || size > sizeof s)
    return SWALE_EINVAL;
  look(layer);
  read_locked(layer, &s);
  look_away(layer);
  memcpy(stats, &s, size);
  return 0;
}

/* A channel that exists: *c or *p. */
static int find_channel(swale_layer *layer, const char *name, swale_consumer **c, struct swale__plain **p) {
  *p = NULL;
  if (swale__channel_resolve(layer, name, c) < 0)
    return SWALE_ENOTFOUND;
  if (!*c)
    *p = swale__plain_find(layer, name);
  return *c || *p ? 0 : SWALE_ENOTFOUND;
}

int swale_channel_stats_read(swale_layer *layer, const char *channel, struct swale_channel_stats *stats,
                             size_t size) {
  struct swale_channel_stats s = {.size = size};
  swale_consumer *c;
  struct swale__plain *p;
  if (!swale__name_is_channel(channel))
    return SWALE_ENAME;
  if (size == 0 || size > sizeof s)
    return SWALE_EINVAL;
  look(layer);
  int rv = find_channel(layer, channel, &c, &p);
  if (rv == 0) {
    s.depth = swale__queue_depth(c ? &c->queue : &p->queue);
    s.dropped = c ? atomic_load_explicit(&c->dropped, memory_order_relaxed) : p->dropped;
    s.groups = c ? c->channel.n_groups : p->channel.n_groups;
    s.capacity = swale__layer_capacity(layer, channel);
  }
  look_away(layer);
  if (rv == 0)
    memcpy(stats, &s, size);
  return rv;
}

int64_t swale_group_count(swale_layer *layer, const char *group) {
  if (!swale__name_is_group(group))
    return SWALE_ENAME;
  look(layer);
  const struct swale__group *g = swale__group_find(layer, group);
  int64_t members = g ? (int64_t)g->members : 0;
  look_away(layer);
  return members;
}

static void name_of(swale_layer *layer, struct swale__channel *ch, char name[SWALE_NAME_SIZE]) {
  if (!ch->plain)
    swale__id_name(layer, swale__consumer_id((const swale_consumer *)ch), name);
  else
    strcpy(name, swale__plain_of(ch)->name);
}

/*
 * Cursors go backwards, because whoever leaves is replaced by the last: one that has been met already. So
 * nobody can move from where the cursor has not been to where it has. A cursor counts what is left, `lane`
 * including the present one; 0 is the start.
 */
static struct swale__channel *next_place(const struct swale__lane *lane, struct swale_cursor *at) {
  if (at->index > lane->count)
    at->index = lane->count;
  while (at->index > 0) {
    struct swale__channel *ch = swale__place_channel(&lane->places[--at->index]);
    if (ch)
      return ch;
  }
  return NULL;
}

static struct swale__channel *next_member(const struct swale__group *g, struct swale_cursor *at) {
  if (at->lane == 0 || at->lane > g->n_lanes)
    *at = (struct swale_cursor){g->n_lanes, UINT32_MAX};
  for (;;) {
    struct swale__channel *ch = next_place(g->lanes[at->lane - 1].lane, at);
    if (ch || at->lane == 1)
      return ch;
    *at = (struct swale_cursor){at->lane - 1, UINT32_MAX};
  }
}

static const struct swale__membership *next_group(const struct swale__channel *ch, struct swale_cursor *at) {
  if (at->lane == 0 || at->index > ch->n_groups)
    *at = (struct swale_cursor){1, ch->n_groups};
  return at->index > 0 ? &swale__channel_groups(ch)[--at->index] : NULL;
}

int swale_group_next(swale_layer *layer, const char *group, struct swale_cursor *cursor,
                     char channel[SWALE_NAME_SIZE]) {
  if (!swale__name_is_group(group))
    return SWALE_ENAME;
  look(layer);
  const struct swale__group *g = swale__group_find(layer, group);
  struct swale__channel *ch = g ? next_member(g, cursor) : NULL;
  if (ch)
    name_of(layer, ch, channel);
  look_away(layer);
  return ch ? 1 : 0;
}

int swale_channel_next_group(swale_layer *layer, const char *channel, struct swale_cursor *cursor,
                             char group[SWALE_NAME_SIZE]) {
  swale_consumer *c;
  struct swale__plain *p;
  if (!swale__name_is_channel(channel))
    return SWALE_ENAME;
  look(layer);
  const struct swale__membership *m = NULL;
  if (find_channel(layer, channel, &c, &p) == 0)
    m = next_group(c ? swale__consumer_channel(c) : &p->channel, cursor);
  if (m)
    strcpy(group, m->lane->group->name);
  look_away(layer);
  return m ? 1 : 0;
}

swale_consumer *swale_consumer_find(swale_loop *loop, swale_layer *layer, const char *channel) {
  swale_consumer *c = NULL;
  if (!swale__name_is_channel(channel))
    return NULL;
  swale__layer_lock(layer);
  bool found = swale__channel_resolve(layer, channel, &c) == 0 && c && c->port->loop == loop;
  swale__layer_unlock(layer);
  return found ? c : NULL;
}

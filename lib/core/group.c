/* SPDX-License-Identifier: MIT */
#include "core/group.h"

#include <string.h>

#include "core/consumer.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/siphash.h"

static const struct swale_allocator *memory(const swale_layer *layer) { return &layer->env.allocator; }

static void lock_lane(const struct swale__lane *lane) {
  if (lane->port)
    swale__loop_lock(lane->port->loop);
}

static void unlock_lane(const struct swale__lane *lane) {
  if (lane->port)
    swale__loop_unlock(lane->port->loop);
}

/* ---- groups ---- */

static uint64_t group_hash(const swale_layer *layer, const char *name) {
  return swale__siphash(layer->key, name, strlen(name));
}

struct swale__group *swale__group_find(swale_layer *layer, const char *name) {
  struct swale__link *l = swale__table_first(&layer->groups, group_hash(layer, name));
  for (; l; l = swale__link_next(l))
    if (strcmp(((struct swale__group *)l)->name, name) == 0)
      return (struct swale__group *)l;
  return NULL;
}

static int group_get(swale_layer *layer, const char *name, struct swale__group **out) {
  *out = swale__group_find(layer, name);
  if (*out)
    return 0;
  if (layer->groups.count >= layer->groups_max)
    return SWALE_EFULL;
  size_t size = strlen(name) + 1;
  struct swale__group *g = swale__zalloc(memory(layer), sizeof *g + size);
  if (!g)
    return SWALE_ENOMEM;
  g->layer = layer;
  memcpy(g->name, name, size);
  swale__table_insert(&layer->groups, &g->link, group_hash(layer, name));
  *out = g;
  return 0;
}

static void group_free_if_empty(struct swale__group *g) {
  if (g->n_lanes > 0)
    return;
  swale_layer *layer = g->layer;
  swale__table_remove(&layer->groups, &g->link);
  swale__free(memory(layer), g->lanes);
  swale__free(memory(layer), g);
}

/* ---- lanes ---- */

static struct swale__lane *lane_find(const struct swale__group *g, const struct swale__port *port) {
  for (uint32_t i = 0; i < g->n_lanes; i++)
    if (g->lanes[i]->port == port)
      return g->lanes[i];
  return NULL;
}

static struct swale__lane *lane_get(struct swale__group *g, struct swale__port *port) {
  struct swale__lane *lane = lane_find(g, port);
  if (lane)
    return lane;
  if (g->n_lanes == g->room) {
    uint32_t room = g->room ? g->room * 2 : 1;
    struct swale__lane **lanes = swale__realloc_array(memory(g->layer), g->lanes, room, sizeof *lanes);
    if (!lanes)
      return NULL;
    g->lanes = lanes;
    g->room = room;
  }
  lane = swale__zalloc(memory(g->layer), sizeof *lane);
  if (!lane)
    return NULL;
  lane->group = g;
  lane->port = port;
  g->lanes[g->n_lanes++] = lane;
  return lane;
}

/* Frees the lane, and its group, when nobody is in it and nothing is on its way to it. */
static void lane_tidy(struct swale__lane *lane) {
  struct swale__group *g = lane->group;
  lock_lane(lane);
  bool idle = lane->live == 0 && lane->entries == 0;
  unlock_lane(lane);
  if (!idle)
    return;
  for (uint32_t i = 0; i < g->n_lanes; i++)
    if (g->lanes[i] == lane)
      g->lanes[i] = g->lanes[--g->n_lanes];
  swale__free(memory(g->layer), lane->places);
  swale__free(memory(g->layer), lane);
  group_free_if_empty(g);
}

/* ---- places: under the lane's lock ---- */

static bool is_walked(const struct swale__lane *lane, uint32_t index) { return index < lane->walked; }

/* The array with room for so many; the old one is kept as long as it is walked. NULL without memory. */
static struct swale__place *resized(struct swale__lane *lane, uint32_t room) {
  const struct swale_allocator *a = memory(lane->group->layer);
  if (lane->walked == 0 || lane->kept)
    return swale__realloc_array(a, lane->places, room, sizeof(struct swale__place));
  struct swale__place *places = swale__realloc_array(a, NULL, room, sizeof *places);
  if (!places)
    return NULL;
  memcpy((void *)places, (const void *)lane->places, lane->count * sizeof *places);
  lane->kept = lane->places;
  return places;
}

static int resize(struct swale__lane *lane, uint32_t room) {
  struct swale__place *places = resized(lane, room);
  if (!places)
    return SWALE_ENOMEM;
  lane->places = places;
  lane->room = room;
  return 0;
}

static int reserve_place(struct swale__lane *lane) {
  if (lane->count < lane->room)
    return 0;
  return resize(lane, lane->room ? lane->room + lane->room / 2 + 1 : 2);
}

/* Without memory the array stays as large as it is. */
static void shrink_places(struct swale__lane *lane) {
  if (lane->room > 16 && lane->count < lane->room / 4 && lane->walked == 0)
    (void)resize(lane, lane->room / 2);
}

static void remove_place(struct swale__lane *lane, uint32_t index) {
  struct swale__place *last = &lane->places[--lane->count];
  last->membership->index = index;
  lane->places[index].membership = last->membership;
  atomic_store_explicit(&lane->places[index].channel,
                        atomic_load_explicit(&last->channel, memory_order_relaxed), memory_order_relaxed);
}

static void blank_place(struct swale__lane *lane, uint32_t index) {
  atomic_store_explicit(&lane->places[index].channel, NULL, memory_order_relaxed);
  if (lane->kept)
    atomic_store_explicit(&lane->kept[index].channel, NULL, memory_order_relaxed);
}

static void enter_lane(struct swale__lane *lane, struct swale__membership *m) {
  lane->live++;
  if (lane->port) {
    m->joined = swale__loop_sequence(lane->port->loop);
    lane->youngest = m->joined;
  }
  m->index = lane->count++;
  atomic_init(&lane->places[m->index].channel, m->channel);
  lane->places[m->index].membership = m;
}

/* Takes the member out, or blanks his place; answers whether the membership can be freed now. */
static bool leave_lane(struct swale__lane *lane, struct swale__membership *m) {
  lane->live--;
  if (is_walked(lane, m->index)) {
    blank_place(lane, m->index);
    m->link.next = lane->gone ? &lane->gone->link : NULL;
    lane->gone = m;
    return false;
  }
  remove_place(lane, m->index);
  shrink_places(lane);
  return true;
}

/* ---- leases ---- */

static bool is_lease(const struct swale__membership *m) { return m->lane->port == NULL; }

static void lease_unlink(struct swale__leases *all, struct swale__lease *l) {
  *(l->older ? &l->older->newer : &all->oldest) = l->newer;
  *(l->newer ? &l->newer->older : &all->newest) = l->older;
}

static void lease_start(swale_layer *layer, struct swale__lease *l) {
  struct swale__leases *all = &layer->leases;
  l->expires = swale__layer_now(layer) + layer->group_expiry_ms;
  l->older = all->newest;
  l->newer = NULL;
  *(all->newest ? &all->newest->newer : &all->oldest) = l;
  all->newest = l;
}

static void lease_renew(swale_layer *layer, struct swale__lease *l) {
  lease_unlink(&layer->leases, l);
  lease_start(layer, l);
}

void swale__leases_expire(swale_layer *layer, uint64_t now) {
  struct swale__lease *l;
  while ((l = layer->leases.oldest) && l->expires <= now) {
    if (swale__plain_has_worker(l->membership.channel))
      lease_renew(layer, l);
    else
      swale__membership_end(layer, &l->membership);
  }
}

/* ---- memberships ---- */

static uint64_t membership_hash(const swale_layer *layer, const struct swale__group *g,
                                const struct swale__channel *ch) {
  const void *both[2] = {g, ch};
  return swale__siphash(layer->key, both, sizeof both);
}

struct swale__membership *swale__membership_find(swale_layer *layer, const struct swale__group *group,
                                                 const struct swale__channel *channel) {
  struct swale__link *l = swale__table_first(&layer->memberships, membership_hash(layer, group, channel));
  for (; l; l = swale__link_next(l)) {
    struct swale__membership *m = (struct swale__membership *)l;
    if (m->channel == channel && m->lane->group == group)
      return m;
  }
  return NULL;
}

static int membership_make(swale_layer *layer, struct swale__lane *lane, struct swale__channel *ch) {
  size_t size = lane->port ? sizeof(struct swale__membership) : sizeof(struct swale__lease);
  if (swale__channel_reserve_group(ch, memory(layer)) < 0)
    return SWALE_ENOMEM;
  struct swale__membership *m = swale__zalloc(memory(layer), size);
  if (!m)
    return SWALE_ENOMEM;
  m->lane = lane;
  m->channel = ch;

  lock_lane(lane);
  int rv = reserve_place(lane);
  if (rv == 0)
    enter_lane(lane, m);
  unlock_lane(lane);
  if (rv < 0) {
    swale__free(memory(layer), m);
    return rv;
  }
  swale__channel_add_group(ch, m);
  swale__table_insert(&layer->memberships, &m->link, membership_hash(layer, lane->group, ch));
  if (is_lease(m))
    lease_start(layer, (struct swale__lease *)m);
  if (lane->group->members++ == 0)
    layer->groups_alive++;
  return 0;
}

static int membership_new(swale_layer *layer, struct swale__lane *lane, struct swale__channel *ch) {
  struct swale__group *g = lane->group;
  bool first = g->members == 0;
  int rv = first ? swale__outside_open_group(layer, g->name, &g->ticket) : 0;
  if (rv < 0)
    return rv;
  rv = membership_make(layer, lane, ch);
  if (rv < 0 && first)
    swale__outside_close_group(layer, g->name);
  return rv;
}

int swale__group_join(swale_layer *layer, const char *name, struct swale__channel *channel) {
  struct swale__group *g;
  int rv = group_get(layer, name, &g);
  if (rv < 0)
    return rv;
  struct swale__membership *m = swale__membership_find(layer, g, channel);
  if (m) {
    if (is_lease(m))
      lease_renew(layer, (struct swale__lease *)m);
    return 0;
  }
  struct swale__lane *lane = lane_get(g, swale__channel_port(channel));
  if (!lane) {
    group_free_if_empty(g);
    return SWALE_ENOMEM;
  }
  rv = membership_new(layer, lane, channel);
  if (rv < 0)
    lane_tidy(lane);
  return rv;
}

void swale__membership_end(swale_layer *layer, struct swale__membership *m) {
  struct swale__lane *lane = m->lane;
  struct swale__channel *ch = m->channel;
  swale__table_remove(&layer->memberships, &m->link);
  swale__channel_remove_group(ch, m);
  if (is_lease(m))
    lease_unlink(&layer->leases, (struct swale__lease *)m);
  if (--lane->group->members == 0) {
    layer->groups_alive--;
    swale__outside_close_group(layer, lane->group->name);
  }

  lock_lane(lane);
  bool gone = leave_lane(lane, m);
  unlock_lane(lane);
  if (gone)
    swale__free(memory(layer), m);
  lane_tidy(lane);
  swale__plain_tidy(layer, ch);
}

void swale__channel_leave_all(swale_layer *layer, struct swale__channel *channel) {
  for (uint32_t left = channel->n_groups; left > 0; left--)
    swale__membership_end(layer, swale__channel_group(channel, left - 1));
}

void swale__groups_clear(swale_layer *layer) {
  struct swale__link *l;
  while ((l = swale__table_any(&layer->memberships)))
    swale__membership_end(layer, (struct swale__membership *)l);
}

/* ---- the walk ---- */

struct swale__walk swale__lane_walk(struct swale__lane *lane) {
  lock_lane(lane);
  lane->walked = lane->count;
  struct swale__walk walk = {lane->places, lane->count, lane->youngest};
  unlock_lane(lane);
  return walk;
}

static void remove_gone(struct swale__lane *lane) {
  for (struct swale__membership *m = lane->gone, *next; m; m = next) {
    next = (struct swale__membership *)m->link.next;
    remove_place(lane, m->index);
    swale__free(memory(lane->group->layer), m);
  }
  lane->gone = NULL;
  shrink_places(lane);
}

void swale__lane_settle(struct swale__lane *lane) {
  lock_lane(lane);
  lane->walked = 0;
  if (lane->kept) {
    swale__free(memory(lane->group->layer), lane->kept);
    lane->kept = NULL;
  }
  bool tidy = !lane->gone && lane->live > 0;
  if (tidy)
    lane->entries--;
  unlock_lane(lane);
  if (tidy)
    return;

  /* As long as this entry counts, the lane stays. */
  swale_layer *layer = lane->group->layer;
  swale__layer_lock(layer);
  lock_lane(lane);
  remove_gone(lane);
  lane->entries--;
  unlock_lane(lane);
  lane_tidy(lane);
  swale__layer_unlock(layer);
}

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
    pthread_mutex_lock(&lane->port->loop->lanes_lock);
}

static void unlock_lane(const struct swale__lane *lane) {
  if (lane->port)
    pthread_mutex_unlock(&lane->port->loop->lanes_lock);
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
    if (g->lanes[i].lane->port == port)
      return g->lanes[i].lane;
  return NULL;
}

static struct swale__lane *lane_get(struct swale__group *g, struct swale__port *port) {
  struct swale__lane *lane = lane_find(g, port);
  if (lane)
    return lane;
  if (g->n_lanes == g->room) {
    uint32_t room = g->room ? g->room * 2 : 1;
    struct swale__posting *lanes = swale__realloc_array(memory(g->layer), g->lanes, room, sizeof *lanes);
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
  g->lanes[g->n_lanes++] = (struct swale__posting){lane, 0};
  return lane;
}

static bool is_idle(const struct swale__lane *lane, uint64_t last) {
  lock_lane(lane);
  bool idle = lane->live == 0 && (!lane->port || last <= lane->port->loop->walking.settled);
  unlock_lane(lane);
  return idle;
}

/* Frees the lane, and its group, when nobody is in it and nothing is on its way to it. */
static void lane_tidy(struct swale__lane *lane) {
  struct swale__group *g = lane->group;
  uint32_t at = 0;
  while (g->lanes[at].lane != lane)
    at++;
  if (!is_idle(lane, g->lanes[at].last))
    return;
  g->lanes[at] = g->lanes[--g->n_lanes];
  swale__free(memory(g->layer), lane->places);
  swale__free(memory(g->layer), lane);
  group_free_if_empty(g);
}

/* ---- places: under the lane's lock ---- */

/* The walk that this lane's loop is at, if it is in this lane. */
static struct swale__walking *walking(const struct swale__lane *lane) {
  struct swale__walking *w = lane->port ? &lane->port->loop->walking : NULL;
  return w && w->lane == lane ? w : NULL;
}

/* The array with room for so many; the old one is kept as long as it is walked. NULL without memory. */
static struct swale__place *resized(struct swale__lane *lane, uint32_t room) {
  const struct swale_allocator *a = memory(lane->group->layer);
  struct swale__walking *w = walking(lane);
  if (!w || w->kept)
    return swale__realloc_array(a, lane->places, room, sizeof(struct swale__place));
  struct swale__place *places = swale__realloc_array(a, NULL, room, sizeof *places);
  if (!places)
    return NULL;
  memcpy((void *)places, (const void *)lane->places, lane->count * sizeof *places);
  w->kept = lane->places;
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
  if (lane->room > 16 && lane->count < lane->room / 4 && !walking(lane))
    (void)resize(lane, lane->room / 2);
}

/* The last place moves where this one was. */
static void remove_place(struct swale__lane *lane, uint32_t index) {
  const struct swale__place *last = &lane->places[--lane->count];
  if (index == lane->count)
    return;
  struct swale__place *place = &lane->places[index];
  struct swale__channel *ch = swale__place_channel(last);
  atomic_store_explicit(&place->channel, ch, memory_order_relaxed);
  place->joined = last->joined;
  place->membership = last->membership;
  swale__channel_groups(ch)[place->membership].index = index;
  if (!lane->port)
    place->lease->index = index;
}

static void blank_place(struct swale__lane *lane, const struct swale__walking *w, uint32_t index) {
  atomic_store_explicit(&lane->places[index].channel, NULL, memory_order_relaxed);
  if (w->kept)
    atomic_store_explicit(&w->kept[index].channel, NULL, memory_order_relaxed);
}

/* There is room in both, the lane and the channel's list. */
static void enter_lane(struct swale__lane *lane, struct swale__channel *ch, struct swale__lease *lease) {
  uint32_t index = lane->count++;
  struct swale__place *place = &lane->places[index];
  lane->live++;
  atomic_init(&place->channel, ch);
  place->membership = ch->n_groups++;
  if (lane->port)
    place->joined = lane->youngest = swale__loop_sequence(lane->port->loop);
  else
    *(place->lease = lease) = (struct swale__lease){.lane = lane, .index = index};
  swale__channel_groups(ch)[place->membership] = (struct swale__membership){lane, index};
}

static void leave_lane(struct swale__lane *lane, uint32_t index) {
  const struct swale__walking *w = walking(lane);
  lane->live--;
  if (w && index < w->count) {
    blank_place(lane, w, index);
    return;
  }
  remove_place(lane, index);
  shrink_places(lane);
}

/* ---- memberships ---- */

/* NULL for a member who stays as long as its consumer lives. */
static struct swale__lease *lease_of(const struct swale__membership *m) {
  return m->lane->port ? NULL : m->lane->places[m->index].lease;
}

struct swale__membership *swale__membership_find(const struct swale__group *group,
                                                 const struct swale__channel *channel) {
  const struct swale__lane *lane = lane_find(group, swale__channel_port(channel));
  struct swale__membership *list = swale__channel_groups(channel);
  if (!lane)
    return NULL;
  if (lane->count < channel->n_groups) {
    for (uint32_t i = 0; i < lane->count; i++)
      if (swale__place_channel(&lane->places[i]) == channel)
        return &list[lane->places[i].membership];
    return NULL;
  }
  for (uint32_t i = 0; i < channel->n_groups; i++)
    if (list[i].lane == lane)
      return &list[i];
  return NULL;
}

static int membership_make(swale_layer *layer, struct swale__lane *lane, struct swale__channel *ch) {
  struct swale__lease *lease = NULL;
  if (swale__channel_reserve_group(ch, memory(layer)) < 0)
    return SWALE_ENOMEM;
  if (!lane->port && !(lease = swale__malloc(memory(layer), sizeof *lease)))
    return SWALE_ENOMEM;

  lock_lane(lane);
  int rv = reserve_place(lane);
  if (rv == 0)
    enter_lane(lane, ch, lease);
  unlock_lane(lane);
  if (rv < 0) {
    swale__free(memory(layer), lease);
    return rv;
  }
  if (lease)
    swale__lease_start(layer, lease);
  layer->memberships++;
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
  struct swale__membership *m = swale__membership_find(g, channel);
  if (m) {
    if (lease_of(m))
      swale__lease_renew(layer, lease_of(m));
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

/* Takes the membership out of its channel's list; the last one moves there. */
static void forget_group(struct swale__channel *ch, struct swale__membership *m) {
  struct swale__membership *list = swale__channel_groups(ch);
  *m = list[--ch->n_groups];
  m->lane->places[m->index].membership = (uint32_t)(m - list);
}

void swale__membership_end(swale_layer *layer, struct swale__membership *m) {
  struct swale__lane *lane = m->lane;
  uint32_t index = m->index;
  struct swale__channel *ch = swale__place_channel(&lane->places[index]);
  struct swale__lease *lease = lease_of(m);
  forget_group(ch, m);
  if (lease) {
    swale__lease_end(&layer->leases, lease);
    swale__free(memory(layer), lease);
  }
  layer->memberships--;
  if (--lane->group->members == 0) {
    layer->groups_alive--;
    swale__outside_close_group(layer, lane->group->name);
  }

  lock_lane(lane);
  leave_lane(lane, index);
  unlock_lane(lane);
  lane_tidy(lane);
  swale__plain_tidy(layer, ch);
}

void swale__channel_leave_all(swale_layer *layer, struct swale__channel *channel) {
  for (uint32_t left = channel->n_groups; left > 0; left--)
    swale__membership_end(layer, &swale__channel_groups(channel)[left - 1]);
}

void swale__groups_clear(swale_layer *layer) {
  for (uint32_t i = 0; i < layer->slots.count; i++) {
    swale_consumer *c = swale__slot_at(layer, i);
    if (c)
      swale__channel_leave_all(layer, &c->channel);
  }
  for (struct swale__lease *l; (l = layer->leases.oldest);) {
    const struct swale__place *place = &l->lane->places[l->index];
    swale__membership_end(layer, &swale__channel_groups(swale__place_channel(place))[place->membership]);
  }
}

/* ---- the walk ---- */

struct swale__walk swale__lane_walk(struct swale__lane *lane) {
  struct swale__walking *w = &lane->port->loop->walking;
  lock_lane(lane);
  w->lane = lane;
  w->count = lane->count;
  struct swale__walk walk = {lane->places, lane->count, lane->youngest};
  unlock_lane(lane);
  return walk;
}

/* Fills the gaps, from the last place that was walked to the first: so what moves into one is none itself. */
static void end_walk(struct swale__lane *lane, uint64_t sequence) {
  struct swale__walking *w = &lane->port->loop->walking;
  for (uint32_t i = w->count; i-- > 0 && lane->live < lane->count;)
    if (!swale__place_channel(&lane->places[i]))
      remove_place(lane, i);
  if (w->kept)
    swale__free(memory(lane->group->layer), w->kept);
  *w = (struct swale__walking){.settled = sequence};
}

void swale__lane_settle(struct swale__lane *lane, uint64_t sequence) {
  lock_lane(lane);
  bool is_tidy = lane->live == lane->count && lane->live > 0;
  if (is_tidy)
    end_walk(lane, sequence);
  unlock_lane(lane);
  if (is_tidy)
    return;

  /* Who has the layer's lock looks at places. As long as this entry counts, the lane stays. */
  swale_layer *layer = lane->group->layer;
  swale__layer_lock(layer);
  lock_lane(lane);
  end_walk(lane, sequence);
  shrink_places(lane);
  unlock_lane(lane);
  lane_tidy(lane);
  swale__layer_unlock(layer);
}

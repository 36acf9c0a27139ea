/* SPDX-License-Identifier: MIT */
/*
 * swale_send, swale_group_send and what else moves messages or members: the layer's calls, from any thread.
 */
#include <string.h>

#include "core/completion.h"
#include "core/consumer.h"
#include "core/group.h"
#include "core/inbox.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/message.h"
#include "core/name.h"
#include "core/send.h"

/* ---- to one channel ---- */

static int send_to_consumer(swale_layer *layer, swale_consumer *c, swale_message *m,
                            struct swale__wakes *wakes) {
  int rv = swale__consumer_post(c, m, false, wakes);
  if (rv == 0) {
    layer->books.offered++;
    layer->books.posted++;
  }
  return rv;
}

static int send_to_name(swale_layer *layer, const char *channel, swale_message *m,
                        struct swale__wakes *wakes) {
  struct swale__plain *p;
  int rv = swale__plain_get(layer, channel, &p);
  if (rv < 0)
    return rv;
  rv = swale__plain_send(layer, p, m, wakes);
  swale__plain_tidy(layer, &p->channel);
  return rv;
}

int swale__send_here(swale_layer *layer, const char *channel, swale_message *m, struct swale__wakes *wakes) {
  swale_consumer *c;
  int rv = swale__channel_resolve(layer, channel, &c);
  if (rv < 0)
    return rv;
  return c ? send_to_consumer(layer, c, m, wakes) : send_to_name(layer, channel, m, wakes);
}

/* *pending is NULL afterwards if it has been given away. */
static int send_locked(swale_layer *layer, const char *channel, swale_message *m,
                       struct swale_pending **pending, struct swale__wakes *wakes) {
  swale_consumer *c;
  int rv = swale__channel_resolve(layer, channel, &c);
  if (rv < 0)
    return rv;
  if (c)
    return send_to_consumer(layer, c, m, wakes);
  if (!swale__outside_has(layer, channel))
    return send_to_name(layer, channel, m, wakes);
  rv = swale__outside_send(layer, channel, m, *pending);
  if (rv == 0)
    *pending = NULL;
  return rv;
}

/* At the end of a call: tells what is known already, or nobody after an error. */
static void finish(swale_layer *layer, struct swale__wakes *wakes, struct swale_pending *pending, int rv) {
  swale__layer_finish(layer, wakes);
  if (rv < 0)
    swale__pending_forget(pending);
  else
    swale_backend_complete(pending, 0);
}

int swale_send(swale_layer *layer, const char *channel, swale_message *message) {
  return swale_send_then(layer, channel, message, NULL);
}

int swale_send_then(swale_layer *layer, const char *channel, swale_message *message,
                    const struct swale_completion *then) {
  struct swale__wakes wakes = {0};
  struct swale_pending *pending;
  if (!swale__name_is_channel(channel))
    return SWALE_ENAME;
  int rv = swale_message_freeze(message);
  if (rv == 0)
    rv = swale__pending_new(then, &pending);
  if (rv < 0)
    return rv;
  swale__layer_lock(layer);
  swale__layer_expire(layer);
  rv = send_locked(layer, channel, message, &pending, &wakes);
  if (rv == 0)
    layer->books.sends++;
  else if (rv == SWALE_EFULL || rv == SWALE_ECLOSED)
    layer->books.refused++;
  finish(layer, &wakes, pending, rv);
  return rv;
}

/*
 * ---- to a group ---- A message goes into the inboxes of all loops that have members, or into none. Room is
 * reserved in all of them but the last, which may still refuse it, and filled then; the layer's lock is held throughout,
 * so the lanes and the number of their members stay what they were.
 */
static bool has_consumers(const struct swale__posting *p) { return p->lane->port && p->lane->live > 0; }

static void unreserve_before(const struct swale__group *g, const struct swale__posting *end, size_t cost) {
  for (const struct swale__posting *p = g->lanes; p < end; p++)
    if (has_consumers(p))
      swale__loop_unreserve(p->lane->port->loop, cost);
}

static int reserve_before(const struct swale__group *g, const struct swale__posting *end, size_t cost) {
  for (const struct swale__posting *p = g->lanes; p < end; p++) {
    int rv = has_consumers(p) ? swale__loop_reserve(p->lane->port->loop, cost) : 0;
    if (rv < 0) {
      unreserve_before(g, p, cost);
      return rv;
    }
  }
  return 0;
}

static struct swale__entry entry_for(const swale_layer *layer, struct swale__lane *lane, swale_message *m) {
  return (struct swale__entry){
      .lane = lane,
      .message = m,
      .members = lane->live,
      .epoch = atomic_load_explicit(&layer->epoch, memory_order_relaxed),
  };
}

static int post_to(const swale_layer *layer, struct swale__posting *p, swale_message *m,
                   struct swale__wakes *wakes) {
  int64_t rv = swale__loop_post(p->lane->port->loop, entry_for(layer, p->lane, m), false, wakes);
  if (rv < 0)
    return (int)rv;
  p->last = (uint64_t)rv;
  return 0;
}

static int post_to_all(const swale_layer *layer, const struct swale__group *g, struct swale__posting *last,
                       swale_message *m, struct swale__wakes *wakes) {
  size_t cost = swale__inbox_cost(m);
  int rv = reserve_before(g, last, cost);
  if (rv < 0)
    return rv;
  rv = post_to(layer, last, m, wakes);
  if (rv < 0) {
    unreserve_before(g, last, cost);
    return rv;
  }
  for (struct swale__posting *p = g->lanes; p < last; p++)
    if (has_consumers(p))
      p->last = swale__loop_fill(p->lane->port->loop, entry_for(layer, p->lane, m), wakes);
  return 0;
}

/* How many consumers it was offered to, or an error. */
static int64_t send_to_consumers(swale_layer *layer, const struct swale__group *g, swale_message *m,
                                 struct swale__wakes *wakes) {
  struct swale__posting *last = NULL;
  uint32_t loops = 0;
  int64_t members = 0;
  for (uint32_t i = 0; i < g->n_lanes; i++)
    if (has_consumers(&g->lanes[i])) {
      last = &g->lanes[i];
      loops++;
      members += last->lane->live;
    }
  if (!last)
    return 0;
  swale__message_add_refs(m, loops);
  int rv = post_to_all(layer, g, last, m, wakes);
  if (rv < 0) {
    while (loops-- > 0)
      swale_message_unref(m);
    return rv;
  }
  layer->books.posted += (uint64_t)members;
  layer->books.offered += (uint64_t)members;
  return members;
}

/* Plain channels get it at once: there is no handler to call. */
static int64_t send_to_plain(swale_layer *layer, struct swale__lane *lane, swale_message *m,
                             struct swale__wakes *wakes) {
  for (uint32_t i = 0; i < lane->count; i++) {
    struct swale__plain *p = swale__plain_of(swale__place_channel(&lane->places[i]));
    int rv = swale__plain_send(layer, p, m, wakes);
    if (rv < 0) {
      layer->books.offered++;
      swale__plain_drop(layer, p, rv == SWALE_ENOMEM ? SWALE_DROP_NOMEM : SWALE_DROP_FULL, m);
    }
  }
  return lane->count;
}

int64_t swale__group_send_here(swale_layer *layer, const char *group, swale_message *m,
                               struct swale__wakes *wakes) {
  struct swale__group *g = swale__group_find(layer, group);
  if (!g)
    return 0;
  int64_t offered = send_to_consumers(layer, g, m, wakes);
  if (offered < 0)
    return offered;
  for (uint32_t i = 0; i < g->n_lanes; i++)
    if (!g->lanes[i].lane->port)
      offered += send_to_plain(layer, g->lanes[i].lane, m, wakes);
  return offered;
}

/* What its members elsewhere get. Those here have it: that there is no room for it is told, but no error. */
static void group_send_outside(swale_layer *layer, const char *group, swale_message *m,
                               struct swale_pending **pending, int *result) {
  if (!layer->outside.class)
    return;
  *result = swale__outside_group_send(layer, group, m, *pending);
  if (*result == 0)
    *pending = NULL;
}

int swale_group_send(swale_layer *layer, const char *group, swale_message *message) {
  return swale_group_send_then(layer, group, message, NULL);
}

int swale_group_send_then(swale_layer *layer, const char *group, swale_message *message,
                          const struct swale_completion *then) {
  struct swale__wakes wakes = {0};
  struct swale_pending *pending;
  if (!swale__name_is_group(group))
    return SWALE_ENAME;
  int rv = swale_message_freeze(message), result = 0;
  if (rv == 0)
    rv = swale__pending_new(then, &pending);
  if (rv < 0)
    return rv;
  swale__layer_lock(layer);
  swale__layer_expire(layer);
  int64_t offered = swale__group_send_here(layer, group, message, &wakes);
  if (offered >= 0) {
    layer->books.group_sends++;
    group_send_outside(layer, group, message, &pending, &result);
  } else if (offered == SWALE_EFULL) {
    layer->books.refused++;
  }
  swale__layer_finish(layer, &wakes);
  if (offered < 0)
    swale__pending_forget(pending);
  else
    swale_backend_complete(pending, result);
  return offered > INT32_MAX ? INT32_MAX : (int)offered;
}

/* ---- groups ---- */

/* A channel that belongs to this process, or is kept here, joins. */
static int add_here(swale_layer *layer, const char *group, const char *channel, swale_consumer *c) {
  struct swale__plain *p;
  if (c)
    return swale__group_join(layer, group, swale__consumer_channel(c));
  int rv = swale__plain_get(layer, channel, &p);
  if (rv < 0)
    return rv;
  rv = swale__group_join(layer, group, &p->channel);
  swale__plain_tidy(layer, &p->channel);
  return rv;
}

static int add_locked(swale_layer *layer, const char *group, const char *channel,
                      struct swale_pending **pending) {
  swale_consumer *c;
  int rv = swale__channel_resolve(layer, channel, &c);
  if (rv < 0)
    return rv;
  bool given;
  if (!c && swale__outside_has_member(layer, channel)) {
    rv = swale__outside_group_add(layer, group, channel, *pending);
    given = rv == 0;
  } else {
    rv = add_here(layer, group, channel, c);
    given = rv == 0 && swale__outside_await(layer, swale__group_find(layer, group)->ticket, *pending);
  }
  if (given)
    *pending = NULL;
  return rv;
}

int swale_group_add(swale_layer *layer, const char *group, const char *channel) {
  return swale_group_add_then(layer, group, channel, NULL);
}

int swale_group_add_then(swale_layer *layer, const char *group, const char *channel,
                         const struct swale_completion *then) {
  struct swale__wakes wakes = {0};
  struct swale_pending *pending;
  if (!swale__name_is_group(group) || !swale__name_is_channel(channel))
    return SWALE_ENAME;
  int rv = swale__pending_new(then, &pending);
  if (rv < 0)
    return rv;
  swale__layer_lock(layer);
  swale__layer_expire(layer);
  rv = add_locked(layer, group, channel, &pending);
  finish(layer, &wakes, pending, rv);
  return rv;
}

static void leave_locked(swale_layer *layer, const char *group, const struct swale__channel *ch) {
  struct swale__group *g = swale__group_find(layer, group);
  struct swale__membership *m = g ? swale__membership_find(g, ch) : NULL;
  if (m)
    swale__membership_end(layer, m);
}

/* Takes a channel that no consumer here has out of the group: 0, or SWALE_EFULL, SWALE_ENOMEM. */
static int discard_name(swale_layer *layer, const char *group, const char *channel) {
  const struct swale__plain *p = swale__plain_find(layer, channel);
  if (p)
    leave_locked(layer, group, &p->channel);
  return swale__outside_has_member(layer, channel) ? swale__outside_group_discard(layer, group, channel) : 0;
}

int swale_group_discard(swale_layer *layer, const char *group, const char *channel) {
  swale_consumer *c;
  struct swale__wakes wakes = {0};
  int rv = 0;
  if (!swale__name_is_group(group) || !swale__name_is_channel(channel))
    return SWALE_ENAME;
  swale__layer_lock(layer);
  if (swale__channel_resolve(layer, channel, &c) == 0) {
    if (c)
      leave_locked(layer, group, swale__consumer_channel(c));
    else
      rv = discard_name(layer, group, channel);
  }
  swale__layer_finish(layer, &wakes);
  return rv;
}

/* Who is still to be connected waits for his groups. */
static void note_ticket(swale_consumer *c, const char *group) {
  struct swale__decision *d = c->decision;
  uint64_t ticket = swale__group_find(c->port->layer, group)->ticket;
  if (d && !c->connected && ticket > d->ticket)
    d->ticket = ticket;
}

int swale_join(swale_consumer *c, const char *group) {
  swale_layer *layer = c->port->layer;
  struct swale__wakes wakes = {0};
  if (!layer)
    return SWALE_ENOTFOUND;
  if (!swale__name_is_group(group))
    return SWALE_ENAME;
  if (c->stage == SWALE__ENDED)
    return SWALE_ECLOSED;
  swale__layer_lock(layer);
  int rv = swale__group_join(layer, group, swale__consumer_channel(c));
  if (rv == 0)
    note_ticket(c, group);
  swale__layer_finish(layer, &wakes);
  return rv;
}

int swale_leave(swale_consumer *c, const char *group) {
  swale_layer *layer = c->port->layer;
  struct swale__wakes wakes = {0};
  if (!layer)
    return SWALE_ENOTFOUND;
  if (!swale__name_is_group(group))
    return SWALE_ENAME;
  swale__layer_lock(layer);
  leave_locked(layer, group, swale__consumer_channel(c));
  swale__layer_finish(layer, &wakes);
  return 0;
}

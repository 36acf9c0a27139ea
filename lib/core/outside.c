/* SPDX-License-Identifier: MIT */
#include "core/outside.h"

#include <string.h>

#include "core/completion.h"
#include "core/consumer.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/name.h"
#include "core/send.h"

/* ---- what calls on a layer mean for others ---- */

bool swale__outside_has(const swale_layer *layer, const char *channel) {
  const struct swale__outside *o = &layer->outside;
  if (!o->class || swale__channel_is_own(layer, channel))
    return false;
  return !o->local || !swale__glob_match(o->local, channel);
}

bool swale__outside_has_member(const swale_layer *layer, const char *channel) {
  return layer->outside.has_members && swale__outside_has(layer, channel);
}

int swale__outside_open_group(swale_layer *layer, const char *group, uint64_t *ticket) {
  if (!layer->outside.class)
    return 0;
  return swale__outside_post(&layer->outside)->group_open(layer->outside.backend, group, ticket);
}

void swale__outside_close_group(swale_layer *layer, const char *group) {
  if (!layer->outside.class)
    return;
  swale__outside_post(&layer->outside)->group_close(layer->outside.backend, group);
}

bool swale__outside_await(swale_layer *layer, uint64_t ticket, struct swale_pending *pending) {
  if (!pending || swale__outside_settled(&layer->outside, ticket))
    return false;
  pending->ticket = ticket;
  pending->next = layer->outside.awaiting;
  layer->outside.awaiting = pending;
  return true;
}

int swale__outside_listen(swale_layer *layer, const char *channel) {
  if (!swale__outside_has(layer, channel))
    return 0;
  return swale__outside_post(&layer->outside)->listen(layer->outside.backend, channel);
}

int swale__outside_listen_own(swale_layer *layer, const char *channel) {
  char names[SWALE_NAME_SIZE];
  if (!layer->outside.class)
    return 0;
  size_t n = strcspn(channel, "!") + 1;
  memcpy(names, channel, n);
  names[n] = '\0';
  return swale__outside_post(&layer->outside)->listen(layer->outside.backend, names);
}

void swale__outside_unlisten(swale_layer *layer, const char *channel) {
  if (!swale__outside_has(layer, channel))
    return;
  swale__outside_post(&layer->outside)->unlisten(layer->outside.backend, channel);
}

int swale__outside_receive(swale_layer *layer, const char *channel, bool wanted) {
  if (!swale__outside_has(layer, channel))
    return 0;
  return swale__outside_post(&layer->outside)->receive(layer->outside.backend, channel, wanted);
}

/* ---- home ---- */

static bool posted(const struct swale__outside *o) {
  return atomic_load_explicit(&o->posted, memory_order_acquire);
}

void swale__outside_wake(swale_layer *layer, struct swale__wakes *wakes) {
  struct swale__outside *o = &layer->outside;
  if (!o->changed)
    return;
  o->changed = false;
  atomic_store_explicit(&o->posted, true, memory_order_release);
  if (o->home)
    swale__wakes_note(wakes, o->home);
}

bool swale__outside_waits(const swale_loop *loop) {
  for (const swale_layer *l = loop->at_home; l; l = l->outside.next_at_home)
    if (posted(&l->outside))
      return true;
  return false;
}

void swale__outside_run(swale_loop *loop) {
  for (swale_layer *l = loop->at_home; l; l = l->outside.next_at_home)
    if (posted(&l->outside)) {
      atomic_store_explicit(&l->outside.posted, false, memory_order_release);
      l->outside.class->run(l->outside.backend);
    }
}

static void set_home(swale_layer *layer, swale_loop *home) {
  swale__layer_lock(layer);
  layer->outside.home = home;
  swale__layer_unlock(layer);
}

static void leave_home(swale_layer *layer) {
  swale_loop *home = layer->outside.home;
  swale_layer **link = &home->at_home;
  while (*link != layer)
    link = &(*link)->outside.next_at_home;
  *link = layer->outside.next_at_home;
  set_home(layer, NULL);
  swale_loop_release(home);
}

int swale_layer_attach(swale_layer *layer, swale_loop *home, const struct swale_sockets *sockets) {
  struct swale__outside *o = &layer->outside;
  if (!o->class)
    return 0;
  if (o->home || swale_loop_hold(home) < 0)
    return SWALE_ESTATE;
  o->next_at_home = home->at_home;
  home->at_home = layer;
  set_home(layer, home);
  swale_loop_enter(home);
  int rv = o->class->attach(o->backend, home, sockets);
  if (rv < 0)
    leave_home(layer);
  swale_loop_leave(home);
  return rv;
}

void swale_layer_detach(swale_layer *layer) {
  swale_loop *home = layer->outside.home;
  if (!home)
    return;
  swale_loop_enter(home);
  layer->outside.class->detach(layer->outside.backend);
  leave_home(layer);
  swale_loop_leave(home);
}

void swale_layer_ready(swale_layer *layer, int fd, unsigned events) {
  swale_loop *home = layer->outside.home;
  if (!home)
    return;
  swale_loop_enter(home);
  layer->outside.class->ready(layer->outside.backend, fd, events);
  swale_loop_leave(home);
}

void *swale_backend_of(const swale_layer *layer, const struct swale_backend_class *backend) {
  return layer->outside.class == backend ? layer->outside.backend : NULL;
}

uint32_t swale_backend_capacity(const swale_layer *layer, const char *channel) {
  return swale__layer_capacity(layer, channel);
}

bool swale_backend_has_room(swale_layer *layer) {
  bool room = true;
  swale__layer_lock(layer);
  for (struct swale__port *p = layer->ports; p; p = p->next_in_layer) {
    swale__loop_lock(p->loop);
    p->loop->crowded = swale__loop_is_crowded(p->loop);
    room = room && !p->loop->crowded;
    swale__loop_unlock(p->loop);
  }
  swale__layer_unlock(layer);
  return room;
}

void swale__outside_relieve(swale_layer *layer) {
  struct swale__wakes wakes = {0};
  if (!layer || !layer->outside.class)
    return;
  swale__layer_lock(layer);
  swale__outside_post(&layer->outside);
  swale__layer_finish(layer, &wakes);
}

/* ---- what comes from outside ---- */

static void begin(swale_layer *layer) {
  swale__layer_lock(layer);
  swale__layer_expire(layer);
}

static enum swale_drop_reason reason_of(int error) {
  if (error == SWALE_ECLOSED)
    return SWALE_DROP_CLOSED;
  return error == SWALE_ENOMEM ? SWALE_DROP_NOMEM : SWALE_DROP_FULL;
}

/* Nobody can be told that there is no room: it is counted. */
static void miss(swale_layer *layer, int error, const char *channel, swale_message *m, uint64_t n) {
  enum swale_drop_reason reason = reason_of(error);
  layer->books.offered += n;
  layer->books.dropped[reason] += n;
  swale__drops_note(&layer->drops, &layer->env.allocator, reason, channel, m, n);
}

int swale_backend_deliver(swale_layer *layer, const char *channel, swale_message *m) {
  struct swale__wakes wakes = {0};
  begin(layer);
  int rv = swale__send_here(layer, channel, m, &wakes);
  const struct swale__plain *p = swale__plain_find(layer, channel);
  if (rv < 0)
    miss(layer, rv, channel, m, 1);
  else if (p && p->wanting)
    rv = 1;
  swale__layer_finish(layer, &wakes);
  return rv;
}

int swale_backend_deliver_group(swale_layer *layer, const char *group, swale_message *m) {
  struct swale__wakes wakes = {0};
  begin(layer);
  int64_t rv = swale__group_send_here(layer, group, m, &wakes);
  if (rv < 0) {
    uint64_t members = swale__group_find(layer, group)->members;
    miss(layer, (int)rv, "", m, members);
    rv = (int64_t)members;
  }
  swale__layer_finish(layer, &wakes);
  return rv > INT32_MAX ? INT32_MAX : (int)rv;
}

bool swale_backend_is_member(swale_layer *layer, const char *group, const char *channel) {
  swale_consumer *c;
  swale__layer_lock(layer);
  const struct swale__group *g = swale__group_find(layer, group);
  bool is = false;
  if (g && swale__channel_resolve(layer, channel, &c) == 0) {
    struct swale__plain *p = c ? NULL : swale__plain_find(layer, channel);
    struct swale__channel *ch = c ? swale__consumer_channel(c) : p ? &p->channel : NULL;
    is = ch && swale__membership_find(g, ch);
  }
  swale__layer_unlock(layer);
  return is;
}

/* Takes those out of the list whose ticket is settled. */
static struct swale_pending *take_awaited(struct swale__outside *o) {
  struct swale_pending *taken = NULL, **link = &o->awaiting, *p;
  while ((p = *link)) {
    if (p->ticket > o->settled) {
      link = &p->next;
      continue;
    }
    *link = p->next;
    p->next = taken;
    taken = p;
  }
  return taken;
}

static void complete_all(struct swale_pending *p, int result) {
  for (struct swale_pending *next; p; p = next) {
    next = p->next;
    swale_backend_complete(p, result);
  }
}

void swale__outside_forsake(swale_layer *layer) {
  complete_all(layer->outside.awaiting, SWALE_ECLOSED);
  layer->outside.awaiting = NULL;
}

void swale_backend_settled(swale_layer *layer, uint64_t ticket) {
  struct swale__wakes wakes = {0};
  swale__layer_lock(layer);
  if (!swale__outside_settled(&layer->outside, ticket))
    layer->outside.settled = ticket;
  for (struct swale__port *p = layer->ports; p; p = p->next_in_layer)
    if (p->joins > 0) /* read after `settled` is written, and written before that is read */
      swale__wakes_note(&wakes, p->loop);
  struct swale_pending *joined = take_awaited(&layer->outside);
  swale__layer_finish(layer, &wakes);
  complete_all(joined, 0);
}

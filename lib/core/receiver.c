/* SPDX-License-Identifier: MIT */
#include "core/receiver.h"

#include <stddef.h>

#include "core/layer.h"
#include "core/loop.h"
#include "core/name.h"
#include "core/plain.h"

#define OF(member, pointer) ((swale_receiver *)((char *)(pointer)-offsetof(struct swale_receiver, member)))

/* ---- under the layer's lock ---- */

/* Into the one or the other of its loop's lists. */
static void move_on_loop(swale_receiver *r, bool called, struct swale__wakes *wakes) {
  swale_loop *loop = r->how.loop;
  swale__loop_lock(loop);
  swale__ring_move(&r->on_loop, called ? &loop->called : &loop->receivers);
  if (called)
    swale__wakes_add(wakes, loop);
  swale__loop_unlock(loop);
}

static void set_called(swale_receiver *r, bool called, struct swale__wakes *wakes) {
  struct swale__plain *p = r->plain;
  swale__ring_move(&r->in_channel, called ? &p->served : p->waiting.next);
  r->called = called;
  p->called += called ? 1U : -1U;
  move_on_loop(r, called, wakes);
}

int swale__receivers_match(swale_layer *layer, struct swale__plain *p, struct swale__wakes *wakes) {
  while (p->called > swale__queue_depth(&p->queue))
    set_called(OF(in_channel, p->served.prev), false, wakes);
  while (p->called < swale__queue_depth(&p->queue) && !swale__ring_is_empty(&p->waiting))
    set_called(OF(in_channel, p->waiting.next), true, wakes);
  bool wanting = !swale__ring_is_empty(&p->waiting);
  int rv = wanting != p->wanting ? swale__outside_receive(layer, p->name, wanting) : 0;
  if (rv == 0)
    p->wanting = wanting;
  return rv;
}

/* It is none of the channel's any more. */
static void leave_channel(swale_receiver *r) {
  struct swale__plain *p = r->plain;
  swale__ring_leave(&r->in_channel);
  p->called -= r->called;
  p->receivers--;
  r->plain = NULL;
}

void swale__receivers_end(swale_layer *layer, struct swale__plain *p, int result,
                          struct swale__wakes *wakes) {
  while (p->receivers > 0) {
    swale_receiver *r = OF(in_channel, swale__ring_is_empty(&p->served) ? p->waiting.next : p->served.next);
    leave_channel(r);
    r->result = result;
    move_on_loop(r, true, wakes);
  }
  swale__receivers_match(layer, p, wakes);
}

/* ---- the loop's thread ---- */

static void forget(swale_receiver *r) {
  swale_loop *loop = r->how.loop;
  swale_timer_stop(loop, &r->timer);
  swale__loop_lock(loop);
  swale__ring_leave(&r->on_loop);
  swale__loop_unlock(loop);
  swale__free(&loop->env.allocator, r);
}

/*
 * Under the layer's lock. Result 0: it takes the message that it was called for, and goes on waiting if that
 * is gone meanwhile. Otherwise it ends so, and what it was called for is the next one's.
 */
static swale_message *leave(swale_receiver *r, int result, struct swale__wakes *wakes) {
  struct swale__plain *p = r->plain;
  swale_message *m = NULL;
  swale__receivers_match(r->layer, p, wakes);
  if (result == 0 && !r->called)
    return NULL;
  if (result == 0) {
    m = swale__plain_take(r->layer, p);
    r->layer->books.delivered++;
  }
  r->result = result;
  leave_channel(r);
  swale__receivers_match(r->layer, p, wakes);
  swale__plain_tidy(r->layer, &p->channel);
  return m;
}

/* Ends the wait as above, unless it has ended already, and tells how. */
static void conclude(swale_receiver *r, int result) {
  struct swale__wakes wakes = {0};
  swale_layer *layer = r->layer;
  swale__layer_lock(layer);
  swale__layer_expire(layer);
  swale_message *m = r->plain ? leave(r, result, &wakes) : NULL;
  bool goes_on = r->plain;
  layer->receivers -= !goes_on;
  swale__layer_finish(layer, &wakes);
  if (goes_on)
    return;
  struct swale_reception how = r->how;
  result = r->result;
  forget(r);
  how.done(result, m, how.user);
  swale_message_unref(m);
}

static void time_is_up(struct swale_timer *timer) { conclude(OF(timer, timer), SWALE_EAGAIN); }

static swale_receiver *first_of(swale_loop *loop, const struct swale__ring *head) {
  swale__loop_lock(loop);
  struct swale__ring *first = head->next;
  swale__loop_unlock(loop);
  return first == head ? NULL : OF(on_loop, first);
}

void swale__receivers_run(swale_loop *loop) {
  swale_receiver *r;
  for (uint32_t n = loop->inbox_batch; n > 0 && (r = first_of(loop, &loop->called)); n--)
    conclude(r, 0);
}

void swale__receivers_forsake(swale_loop *loop) {
  swale_receiver *r;
  while ((r = first_of(loop, &loop->called)) || (r = first_of(loop, &loop->receivers)))
    conclude(r, SWALE_ECLOSED);
}

static void tell_nobody(int result, swale_message *m, void *user) { (void)result, (void)m, (void)user; }

void swale_receive_cancel(swale_receiver *r) {
  if (!r)
    return;
  r->how.done = tell_nobody;
  conclude(r, SWALE_ECLOSED);
}

/* Under the layer's lock: it takes its place in the channel. */
static int queue_up(swale_receiver *r, const char *channel, struct swale__wakes *wakes) {
  struct swale__plain *p;
  int rv = swale__plain_find_unowned(r->layer, channel, &p);
  if (rv == 0)
    rv = swale__plain_get(r->layer, channel, &p);
  if (rv < 0)
    return rv;
  r->plain = p;
  p->receivers++;
  swale__ring_move(&r->in_channel, &p->waiting);
  move_on_loop(r, false, wakes);
  rv = swale__receivers_match(r->layer, p, wakes);
  if (rv == 0) {
    r->layer->receivers++;
    return 0;
  }
  leave_channel(r);
  swale__plain_tidy(r->layer, &p->channel);
  return rv;
}

int swale_receive_then(swale_layer *layer, const char *channel, const struct swale_reception *how,
                       swale_receiver **out) {
  struct swale__wakes wakes = {0};
  swale_receiver *unwanted, *r;
  out = out ? out : &unwanted;
  *out = NULL;
  if (!swale__name_is_channel(channel))
    return SWALE_ENAME;
  if (how->loop->ending)
    return SWALE_ESTATE;
  r = swale__zalloc(&how->loop->env.allocator, sizeof *r);
  if (!r)
    return SWALE_ENOMEM;
  r->how = *how;
  r->layer = layer;
  r->timer.fire = time_is_up;
  swale__ring_init(&r->in_channel);
  swale__ring_init(&r->on_loop);
  swale__layer_lock(layer);
  int rv = queue_up(r, channel, &wakes);
  swale__layer_finish(layer, &wakes);
  if (rv < 0) {
    forget(r);
    return rv;
  }
  if (how->timeout_ms > 0)
    swale_timer_start(how->loop, &r->timer, how->timeout_ms);
  *out = r;
  return 0;
}

/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <string.h>

/* What can happen, and how often. */

/* ---- picking ----------------------------------------------------------------------------------- */

static struct peer *any_peer(struct world *w) {
  if (w->n_peers == 0)
    return NULL;
  struct peer *p = w->peers[dice_below(&w->dice, (uint32_t)w->n_peers)];
  return p->ws && (!in_callback(w) || p->host == w->turn) ? p : NULL;
}

/* One whose feed and peek are allowed here. */
static struct peer *any_idle_peer(struct world *w) {
  struct peer *p = any_peer(w);
  return p && !p->busy && w->depth < CALLS / 2 ? p : NULL;
}

static struct actor *any_actor(struct world *w, struct actor *self) {
  if (self && dice_chance(&w->dice, 40))
    return self;
  return w->n_actors > 0 ? w->actors[dice_below(&w->dice, (uint32_t)w->n_actors)] : NULL;
}

/* ---- what consumers do ------------------------------------------------------------------------- */

/* This was a turn of the consumer's thread, unless that is in the middle of one. */
static void end_turn(const struct actor *a) {
  struct world *w = a->world;
  call_end(w);
  if (w->depth == 0 || a->host != w->turn)
    host_sleeps(w, a->host);
}

int try_accept(struct actor *a, const char *subprotocol) {
  struct world *w = a->world;
  call_begin(w, QUIET, a->peer, "swale_accept");
  int rv = swale_accept(a->consumer, subprotocol);
  end_turn(a);
  note(w, "accept consumer %u: %d", a->serial, rv);
  CHECK(w,
        ok_or_starved(w, rv) || rv == SWALE_ECLOSED || (rv == SWALE_ESTATE && a->stage == OPEN) ||
            (rv == SWALE_EINVAL && subprotocol),
        "swale_accept: %d", rv);
  if (rv == 0) {
    CHECK(w, a->stage == UNDECIDED || !a->peer, "accepted twice");
    a->stage = OPEN;
    if (a->peer)
      a->peer->promised = 101;
  }
  return rv;
}

int try_reject(struct actor *a, int status, const char *body) {
  struct world *w = a->world;
  call_begin(w, QUIET, a->peer, "swale_reject");
  int rv = swale_reject(a->consumer, status, body);
  end_turn(a);
  note(w, "reject consumer %u with %d: %d", a->serial, status, rv);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_ECLOSED || (rv == SWALE_ESTATE && a->stage == OPEN),
        "swale_reject: %d", rv);
  if (ok_or_starved(w, rv)) {
    a->stage = CLOSING;
    if (a->peer && a->peer->promised == 0)
      a->peer->promised = status;
  }
  return rv;
}

int try_close(struct actor *a, uint16_t code, const char *reason) {
  struct world *w = a->world;
  call_begin(w, QUIET, a->peer, "swale_close");
  int rv = swale_close(a->consumer, code, reason);
  end_turn(a);
  note(w, "close consumer %u with %u: %d", a->serial, code, rv);
  CHECK(w, rv == 0 || rv == SWALE_ECLOSED || (rv == SWALE_EINVAL && code == 999), "swale_close: %d", rv);
  if (rv == 0) {
    a->stage = CLOSING;
    a->closed_with = code;
  }
  return rv;
}

static void check_sent(const struct actor *a, int rv) {
  struct world *w = a->world;
  bool fine = rv == SWALE_ECLOSED || rv == SWALE_EFULL || ok_or_starved(w, rv) ||
              (rv == SWALE_ESTATE && a->stage == UNDECIDED) || (rv == SWALE_EUNSUPPORTED && !a->peer);
  CHECK(w, fine, "sending answers %d", rv);
  if (rv == 0)
    CHECK(w, a->stage == OPEN && (a->peer->ws || a->peer->opening), "sent to a connection that is not open");
}

static int send_payload(const struct actor *a, enum swale_kind kind, const void *bytes, size_t len) {
  swale_payload *payload;
  int rv = swale_payload_new(kind, bytes, len, &swale_testing_env_get(a->world->env)->allocator, &payload);
  if (rv < 0)
    return rv;
  rv = swale_send_payload(a->consumer, payload);
  swale_payload_unref(payload);
  return rv;
}

int try_send(struct actor *a, enum swale_kind kind, const void *bytes, size_t len) {
  struct world *w = a->world;
  int rv;
  call_begin(w, QUIET, a->peer, "swale_send_text");
  if (a->stage == OPEN && dice_chance(&w->dice, 20))
    rv = send_payload(a, kind, bytes, len);
  else
    rv = kind == SWALE_TEXT ? swale_send_text(a->consumer, bytes, len)
                            : swale_send_bytes(a->consumer, bytes, len);
  end_turn(a);
  check_sent(a, rv);
  if (rv == 0)
    notes_add(&a->peer->sent, kind, bytes, len, 0);
  return rv;
}

static int render(const swale_message *m, swale_buffer *out, void *prefix) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  swale_buffer_printf(out, "%s%lld ", (const char *)prefix, (long long)swale_message_get_int(m, "id", 0));
  return swale_buffer_append(out, text, len);
}

int try_send_rendered(struct actor *a, swale_message *m) {
  static char prefixes[2][8] = {"id ", "number "};
  struct world *w = a->world;
  void *prefix = prefixes[dice_below(&w->dice, 2)];
  call_begin(w, QUIET, a->peer, "swale_send_rendered");
  int rv = swale_send_rendered(a->consumer, m, SWALE_TEXT, render, prefix);
  end_turn(a);
  check_sent(a, rv);
  if (rv != 0)
    return rv;
  swale_payload *payload;
  size_t len;
  CHECK(w, swale_message_render(m, SWALE_TEXT, render, prefix, &payload) == 0,
        "what is rendered is not kept");
  const void *bytes = swale_payload_bytes(payload, &len);
  notes_add(&a->peer->sent, SWALE_TEXT, bytes, len, 0);
  return 0;
}

static void send_something(struct world *w, struct actor *self) {
  static char text[(1 << MESSAGE_BITS) + 1];
  struct actor *a = any_actor(w, self);
  if (!a)
    return;
  size_t len = write_text(text, dice_size(&w->dice, w->temper.big), dice_next(&w->dice));
  try_send(a, dice_chance(&w->dice, 50) ? SWALE_TEXT : SWALE_BINARY, text, len);
}

static void close_something(struct world *w, struct actor *self) {
  static const uint16_t codes[] = {1000, 1001, 1011, 3999, 4001, 999};
  struct actor *a = any_actor(w, self);
  if (a)
    try_close(a, codes[dice_below(&w->dice, 6)], dice_chance(&w->dice, 50) ? "why not" : NULL);
}

/* Somebody who has not been decided on yet, if it can be found. */
static void decide(struct world *w, struct actor *self) {
  struct actor *a = any_actor(w, self);
  for (int i = 0; i < 8 && a && a->stage != UNDECIDED; i++)
    a = any_actor(w, NULL);
  if (a && dice_chance(&w->dice, 80))
    try_accept(a, NULL);
  else if (a)
    try_reject(a, 404, NULL);
}

/* ---- groups and messages ----------------------------------------------------------------------- */

/* By the consumer itself, or by name as another thread would. */
void try_join(struct actor *a, unsigned g) {
  struct world *w = a->world;
  call_begin(w, QUIET, a->peer, "swale_join");
  int rv = dice_chance(&w->dice, 50) ? swale_join(a->consumer, group_name(g))
                                     : swale_group_add(w->layer, group_name(g), a->channel);
  call_end(w);
  note(w, "consumer %u joins %s: %d", a->serial, group_name(g), rv);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_EFULL, "swale_join: %d", rv);
  if (rv == 0)
    actor_joined(a, g);
}

static void join(struct world *w, struct actor *self) {
  struct actor *a = any_actor(w, self);
  if (a && a->peer)
    try_join(a, dice_below(&w->dice, GROUPS));
}

static void leave(struct world *w, struct actor *self) {
  struct actor *a = any_actor(w, self);
  if (!a || !a->peer)
    return;
  unsigned g = dice_below(&w->dice, GROUPS);
  call_begin(w, QUIET, a->peer, "swale_leave");
  int rv = dice_chance(&w->dice, 50) ? swale_leave(a->consumer, group_name(g))
                                     : swale_group_discard(w->layer, group_name(g), a->channel);
  call_end(w);
  note(w, "consumer %u leaves %s: %d", a->serial, group_name(g), rv);
  CHECK(w, rv == 0, "swale_leave: %d", rv);
  actor_left(a, g);
}

/* The last group may have plain channels as members, which the model does not count. */
int try_group_send(struct world *w, unsigned group) {
  swale_message *m = make_message(w, dice_chance(&w->dice, 50) ? "note" : "news", (int)group, 0);
  call_begin(w, QUIET, NULL, "swale_group_send");
  int64_t members = swale_group_count(w->layer, group_name(group));
  int rv = swale_group_send(w->layer, group_name(group), m);
  call_end(w);
  note(w, "message %llu to %s: %d", (unsigned long long)w->op - 1, group_name(group), rv);
  CHECK(w, rv >= 0 || rv == SWALE_EFULL || (rv == SWALE_ENOMEM && w->memory_fails), "swale_group_send: %d",
        rv);
  CHECK(w, rv < 0 || rv == members, "%d were offered a message of %lld", rv, (long long)members);
  CHECK(w, w->ghosts || group == GROUPS - 1 || members == w->members[group], "%s has %lld members, not %lld",
        group_name(group), (long long)members, (long long)w->members[group]);
  if (rv >= 0)
    group_owes(w, group);
  swale_message_unref(m);
  return rv;
}

static void group_send(struct world *w, struct actor *self) {
  (void)self;
  try_group_send(w, dice_below(&w->dice, GROUPS));
}

static void send_to(struct world *w, struct actor *self) {
  struct actor *a = any_actor(w, self);
  if (!a || !a->peer)
    return;
  swale_message *m = make_message(w, "note", -1, a->serial);
  call_begin(w, QUIET, NULL, "swale_send");
  int rv = swale_send(w->layer, a->channel, m);
  call_end(w);
  note(w, "message %llu to consumer %u: %d", (unsigned long long)w->op - 1, a->serial, rv);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_EFULL, "swale_send: %d", rv);
  a->owed += rv == 0;
  swale_message_unref(m);
}

static void send_to_the_dead(struct world *w, struct actor *self) {
  (void)self;
  if (w->n_dead == 0)
    return;
  size_t known = w->n_dead < DEAD_NAMES ? w->n_dead : DEAD_NAMES;
  const char *name = w->dead[dice_below(&w->dice, (uint32_t)known)];
  swale_message *m = make_message(w, "note", -1, 0);
  call_begin(w, QUIET, NULL, "swale_send");
  int rv = swale_send(w->layer, name, m);
  call_end(w);
  CHECK(w, rv == SWALE_ECLOSED || (rv == SWALE_ENOMEM && w->memory_fails) || in_callback(w),
        "a message to a consumer that has ended: %d", rv);
  swale_message_unref(m);
}

static void flush(struct world *w, struct actor *self) {
  (void)self;
  note(w, "flush");
  call_begin(w, QUIET, NULL, "swale_flush");
  int rv = swale_flush(w->layer);
  call_end(w);
  CHECK(w, rv == 0, "swale_flush: %d", rv);
  actors_flushed(w);
}

/* ---- plain channels ---------------------------------------------------------------------------- */

static void plain_send(struct world *w, struct actor *self) {
  const char *name = plain_names[dice_below(&w->dice, PLAINS)];
  (void)self;
  swale_message *m = make_message(w, "note", -1, 0);
  call_begin(w, QUIET, NULL, "swale_send");
  int rv = swale_send(w->layer, name, m);
  call_end(w);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_EFULL, "swale_send to %s: %d", name, rv);
  swale_message_unref(m);
}

static void plain_receive(struct world *w, struct actor *self) {
  uint32_t i = dice_below(&w->dice, PLAINS);
  (void)self;
  swale_message *m;
  call_begin(w, QUIET, NULL, "swale_receive");
  int rv = swale_receive(w->layer, plain_names[i], &m);
  call_end(w);
  CHECK(w, rv == 0 || rv == SWALE_EAGAIN || (rv == SWALE_ESTATE && i == 0), "swale_receive: %d", rv);
  if (rv != 0)
    return;
  uint64_t id = (uint64_t)swale_message_get_int(m, "id", 0);
  CHECK(w, id > w->plain_last[i] && id > w->flushed, "message %llu of %s comes after %llu",
        (unsigned long long)id, plain_names[i], (unsigned long long)w->plain_last[i]);
  w->plain_last[i] = id;
  swale_message_unref(m);
}

static void plain_change(struct world *w, struct actor *self) {
  const char *name = plain_names[dice_below(&w->dice, PLAINS)], *group = group_name(GROUPS - 1);
  (void)self;
  call_begin(w, QUIET, NULL, "a change of a plain channel");
  int rv = dice_chance(&w->dice, 60)   ? swale_group_add(w->layer, group, name)
           : dice_chance(&w->dice, 50) ? swale_group_discard(w->layer, group, name)
                                       : swale_channel_close(w->layer, name);
  call_end(w);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_EFULL || rv == SWALE_ESTATE, "a change of %s: %d", name, rv);
}

static void serve(struct world *w, struct actor *self) {
  struct host *h = in_callback(w) ? w->turn : any_host(w);
  (void)self;
  if (w->workers > 6 || h->ending)
    return;
  call_begin(w, QUIET, NULL, "swale_app_serve");
  int rv = swale_app_serve(w->app, h->loop);
  call_end(w);
  note(w, "workers on loop %u: %d", h->index, rv);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_EFULL, "swale_app_serve: %d", rv);
  if (w->depth == 0)
    host_sleeps(w, h);
}

/* ---- connections ------------------------------------------------------------------------------- */

static void open_one(struct world *w, struct actor *self) {
  (void)self;
  struct host *h = in_callback(w) ? w->turn : any_host(w);
  if (w->n_peers < w->temper.peers_max && w->depth <= CALLS / 2 && !h->ending)
    peer_new(w, h, dice_chance(&w->dice, 25));
}

/* Mostly as a proper host: only what wants to be read. */
static struct peer *any_speaker(struct world *w) {
  for (int i = 0; i < 4; i++) {
    struct peer *p = any_idle_peer(w);
    if (p && (!p->upgraded || p->in.upgraded) && (p->known & SWALE_WS_WANT_READ || dice_chance(&w->dice, 5)))
      return p;
  }
  return NULL;
}

static void feed(struct world *w, struct actor *self) {
  struct peer *p = any_speaker(w);
  struct dice *d = &w->dice;
  (void)self;
  if (!p)
    return;
  for (uint32_t n = dice_below(d, 4); n > 0 && p->out.len < 20000; n--)
    say_something(p);
  size_t n = dice_chance(d, 50) ? p->out.len : dice_size(d, 12);
  peer_feed(p, n < p->out.len ? n : p->out.len);
}

/* A feed from inside a callback of the very connection, which is refused. */
static void feed_recursively(struct world *w, struct actor *self) {
  (void)w;
  if (self && self->peer && self->peer->ws && self->peer->busy)
    peer_feed(self->peer, 0);
}

static void feed_eof(struct world *w, struct actor *self) {
  struct peer *p = any_idle_peer(w);
  (void)self;
  if (p && (!p->upgraded || p->in.upgraded))
    peer_eof(p);
}

static void drain(struct world *w, struct actor *self) {
  (void)self;
  for (int i = 0; i < 4; i++) {
    struct peer *p = any_idle_peer(w);
    if (p && !p->stalled && (p->known & SWALE_WS_WANT_WRITE || dice_chance(&w->dice, 5))) {
      peer_drain(p);
      return;
    }
  }
}

static void answer(struct world *w, struct actor *self) {
  struct peer *p = any_idle_peer(w);
  (void)self;
  if (p)
    peer_answer(p);
}

static void turn_slow_or_quick(struct world *w, struct actor *self) {
  struct peer *p = any_peer(w);
  (void)self;
  if (p)
    p->stalled = dice_chance(&w->dice, w->temper.stalling);
}

static void close_ws(struct world *w, struct actor *self) {
  struct peer *p = any_peer(w);
  (void)self;
  if (p)
    peer_close(p, dice_chance(&w->dice, 95) ? 1001 : 999, dice_chance(&w->dice, 50) ? "enough" : NULL);
}

static void free_ws(struct world *w, struct actor *self) {
  struct peer *p = self && self->peer && self->peer->ws && self->host == w->turn && dice_chance(&w->dice, 40)
                       ? self->peer
                       : any_peer(w);
  if (p)
    peer_free(p);
}

/* What a host does with a connection that is over. */
static void reap(struct world *w, struct actor *self) {
  (void)self;
  for (int i = 0; i < 4; i++) {
    struct peer *p = any_peer(w);
    if (p && (p->known & SWALE_WS_CLOSED))
      peer_free(p);
  }
}

/* ---- time, memory, loops ----------------------------------------------------------------------- */

void host_run(struct world *w, struct host *h) {
  note(w, "run loop %u", h->index);
  h->wakes = 0;
  h->ran_at = swale_testing_now_ms(w->env);
  w->turn = h;
  call_begin(w, LOUD, NULL, "swale_loop_run");
  int rv = swale_loop_run(h->loop);
  call_end(w);
  CHECK(w, rv == 0, "swale_loop_run: %d", rv);
  host_sleeps(w, h);
}

static bool is_due(const struct world *w, const struct host *h) {
  return h->wakes > 0 || h->sleeps_until <= swale_testing_now_ms(w->env);
}

static void run_one(struct world *w, struct actor *self) {
  struct host *h = any_host(w);
  (void)self;
  if (is_due(w, h) || dice_chance(&w->dice, 20))
    host_run(w, h);
}

/* From inside a callback, which is refused. */
static void run_recursively(struct world *w, struct actor *self) {
  (void)self;
  call_begin(w, QUIET, NULL, "swale_loop_run");
  CHECK(w, swale_loop_run(w->turn->loop) == SWALE_ESTATE, "a loop runs inside itself");
  CHECK(w, swale_loop_free(w->turn->loop) == SWALE_ESTATE, "a loop was freed inside itself");
  call_end(w);
}

void settle(struct world *w) {
  bool calm = w->calm, rest = false;
  int fuel = w->fuel;
  mend_memory(w);
  note(w, "settle");
  w->calm = true;
  w->fuel = 0;
  for (long i = 0; !rest; i++) {
    CHECK(w, i < 1000000, "the loops do not come to rest");
    rest = true;
    for (uint32_t k = 0; k < w->temper.loops; k++)
      if (is_due(w, &w->hosts[k])) {
        host_run(w, &w->hosts[k]);
        rest = false;
      }
  }
  w->calm = calm;
  w->fuel = fuel;
  w->ghosts = false;
  bury_peers(w);
}

static void settle_and_look(struct world *w, struct actor *self) {
  (void)self;
  settle(w);
  check_quiet(w);
}

static void close_all(struct world *w, struct actor *self) {
  struct host *h = in_callback(w) ? w->turn : any_host(w);
  (void)self;
  call_begin(w, QUIET, NULL, "swale_loop_close_all");
  int rv = swale_loop_close_all(h->loop, 1001, "a break");
  call_end(w);
  note(w, "close all on loop %u", h->index);
  CHECK(w, rv == 0, "swale_loop_close_all: %d", rv);
  for (size_t i = 0; i < w->n_actors; i++)
    if (w->actors[i]->host == h) {
      w->actors[i]->stage = CLOSING;
      w->actors[i]->closed_with = w->actors[i]->closed_with ? w->actors[i]->closed_with : 1001;
      if (w->actors[i]->peer && w->actors[i]->peer->promised == 0)
        w->actors[i]->peer->promised = -1;
    }
  if (w->depth == 0)
    host_sleeps(w, h);
}

static void pass_time(struct world *w, struct actor *self) {
  struct dice *d = &w->dice;
  uint32_t how = dice_below(d, 100);
  uint64_t ms = how < 80 ? dice_below(d, 3)
                : how < 99
                    ? dice_below(d, w->temper.pace)
                    : (w->temper.far_jumps ? dice_next(d) % (100ull * 86400 * 1000) : 20 * w->temper.pace);
  (void)self;
  note(w, "%llu ms pass", (unsigned long long)ms);
  swale_testing_advance(w->env, ms);
}

static void set_timer(struct world *w, struct actor *self) {
  struct host *h = in_callback(w) ? w->turn : any_host(w);
  (void)self;
  if (dice_chance(&w->dice, 20) || h->ending) {
    swale_timer_stop(h->loop, &h->timer);
    h->timer_due = 0;
  } else {
    uint64_t delay = dice_size(&w->dice, 20);
    swale_timer_start(h->loop, &h->timer, delay);
    h->timer_due = swale_testing_now_ms(w->env) + delay;
  }
  CHECK(w, swale_timer_armed(&h->timer) == (h->timer_due > 0), "a timer is not as it was set");
  if (w->depth == 0)
    host_sleeps(w, h);
}

static void renew_loop(struct world *w, struct actor *self) {
  struct host *h = any_host(w);
  (void)self;
  if (w->n_peers > 60)
    return;
  for (size_t i = w->n_peers; i-- > 0;)
    if (i < w->n_peers && w->peers[i]->host == h)
      peer_free(w->peers[i]);
  for (size_t i = 0; i < w->n_peers; i++)
    if (w->peers[i]->host == h)
      return; /* some came back */
  bury_peers(w);
  mend_memory(w);
  world_renew_loop(w, h);
}

void mend_memory(struct world *w) {
  if (!w->memory_fails)
    return;
  note(w, "there is memory again");
  swale_testing_fail_allocation(w->env, 0, 0);
  swale_testing_fail_random(w->env, 0);
  w->memory_fails = false;
}

static void exhaust_memory(struct world *w) {
  uint32_t n = dice_between(&w->dice, 1, 40), lasting = dice_chance(&w->dice, 30);
  note(w, "allocation %u will fail%s", n, lasting ? ", and all behind it" : "");
  swale_testing_fail_allocation(w->env, n, (int)lasting);
  swale_testing_fail_random(w->env, dice_chance(&w->dice, 10));
  w->memory_fails = w->memory_ever_fails = true;
  w->mend_memory_at = w->step + dice_between(&w->dice, 1, 200);
}

/* ---- the schedule ------------------------------------------------------------------------------ */

enum { OUTSIDE = 1, INSIDE = 2 };

static const struct action {
  void (*act)(struct world *w, struct actor *self);
  uint32_t weight;
  unsigned where;
} actions[] = {
    {open_one, 80, OUTSIDE | INSIDE},
    {feed, 300, OUTSIDE | INSIDE},
    {drain, 200, OUTSIDE | INSIDE},
    {run_one, 150, OUTSIDE},
    {pass_time, 60, OUTSIDE},
    {reap, 60, OUTSIDE},
    {send_something, 60, OUTSIDE | INSIDE},
    {group_send, 60, OUTSIDE | INSIDE},
    {send_to, 50, OUTSIDE | INSIDE},
    {join, 60, OUTSIDE | INSIDE},
    {leave, 30, OUTSIDE | INSIDE},
    {decide, 40, OUTSIDE | INSIDE},
    {close_something, 10, OUTSIDE | INSIDE},
    {close_ws, 8, OUTSIDE | INSIDE},
    {free_ws, 16, OUTSIDE | INSIDE},
    {feed_eof, 8, OUTSIDE | INSIDE},
    {answer, 10, OUTSIDE},
    {turn_slow_or_quick, 40, OUTSIDE},
    {send_to_the_dead, 10, OUTSIDE | INSIDE},
    {plain_send, 20, OUTSIDE | INSIDE},
    {plain_receive, 15, OUTSIDE | INSIDE},
    {plain_change, 10, OUTSIDE | INSIDE},
    {serve, 3, OUTSIDE | INSIDE},
    {flush, 2, OUTSIDE | INSIDE},
    {feed_recursively, 20, INSIDE},
    {run_recursively, 10, INSIDE},
    {set_timer, 10, OUTSIDE | INSIDE},
    {renew_loop, 1, OUTSIDE},
    {settle_and_look, 4, OUTSIDE},
    {close_all, 1, OUTSIDE | INSIDE},
};
enum { ACTIONS = sizeof actions / sizeof actions[0], INDISPENSABLE = 6 };
_Static_assert((int)ACTIONS <= (int)KINDS, "each has its odds");

static uint32_t weight_of(const struct world *w, size_t i, unsigned where) {
  uint32_t odds = w->temper.odds[i];
  if (i < INDISPENSABLE && odds == 0)
    odds = 1;
  return actions[i].where & where ? actions[i].weight * odds : 0;
}

static void act(struct world *w, struct actor *self, unsigned where) {
  uint32_t total = 0, at;
  for (size_t i = 0; i < ACTIONS; i++)
    total += weight_of(w, i, where);
  at = dice_below(&w->dice, total);
  for (size_t i = 0; i < ACTIONS; i++) {
    uint32_t weight = weight_of(w, i, where);
    if (at < weight) {
      actions[i].act(w, self);
      return;
    }
    at -= weight;
  }
}

void mischief(struct world *w, struct actor *self) {
  if (w->calm || !dice_chance(&w->dice, w->temper.mischief))
    return;
  for (uint32_t n = dice_between(&w->dice, 1, 3); n > 0 && w->fuel > 0; n--) {
    w->fuel--;
    act(w, self, INSIDE);
  }
}

void world_step(struct world *w) {
  w->fuel = 12;
  if (w->memory_fails && w->step >= w->mend_memory_at)
    mend_memory(w);
  if (!w->memory_fails && dice_below(&w->dice, 1000) < w->temper.failures)
    exhaust_memory(w);
  act(w, NULL, OUTSIDE);
  w->ghosts = false;
  check_step(w);
  bury_peers(w);
  w->step++;
}

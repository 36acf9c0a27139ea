/* SPDX-License-Identifier: MIT */
#include "acts.h"

/* What hosts and peers do, and what happens to them: connections, time, memory, loops. */

/* ---- connections ------------------------------------------------------------------------------- */

void act_open(struct world *w, struct actor *self) {
  (void)self;
  struct host *h = in_callback(w) ? w->turn : any_host(w);
  if (w->n_peers < w->temper.peers_max && w->depth <= CALLS / 2)
    peer_new(w, h, dice_chance(&w->dice, 25));
}

/* Mostly as a proper host: only what wants to be read. A peer may speak before he has the answer. */
static struct peer *any_speaker(struct world *w) {
  for (int i = 0; i < 4; i++) {
    struct peer *p = any_idle_peer(w);
    if (p && !(p->upgraded && p->in.refused) && (p->known & SWALE_WS_WANT_READ || dice_chance(&w->dice, 5)))
      return p;
  }
  return NULL;
}

void act_feed(struct world *w, struct actor *self) {
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
void act_feed_recursively(struct world *w, struct actor *self) {
  (void)w;
  if (self && self->peer && self->peer->ws && self->peer->busy)
    peer_feed(self->peer, 0);
}

void act_feed_eof(struct world *w, struct actor *self) {
  struct peer *p = any_idle_peer(w);
  (void)self;
  if (p && (!p->upgraded || p->in.upgraded))
    peer_eof(p);
}

void act_drain(struct world *w, struct actor *self) {
  (void)self;
  for (int i = 0; i < 4; i++) {
    struct peer *p = any_idle_peer(w);
    if (p && !p->stalled && (p->known & SWALE_WS_WANT_WRITE || dice_chance(&w->dice, 5))) {
      peer_drain(p);
      return;
    }
  }
}

void act_answer(struct world *w, struct actor *self) {
  struct peer *p = any_idle_peer(w);
  (void)self;
  if (p)
    peer_answer(p);
}

void act_turn_slow_or_quick(struct world *w, struct actor *self) {
  struct peer *p = any_peer(w);
  (void)self;
  if (p)
    p->stalled = dice_chance(&w->dice, w->temper.stalling);
}

void act_close_ws(struct world *w, struct actor *self) {
  struct peer *p = any_peer(w);
  (void)self;
  if (p)
    peer_close(p, dice_chance(&w->dice, 95) ? 1001 : 999, dice_chance(&w->dice, 50) ? "enough" : NULL);
}

void act_free_ws(struct world *w, struct actor *self) {
  struct peer *p = self && self->peer && self->peer->ws && self->host == w->turn && dice_chance(&w->dice, 40)
                       ? self->peer
                       : any_peer(w);
  if (p)
    peer_free(p);
}

/* What a host does with a connection that is over. */
void act_reap(struct world *w, struct actor *self) {
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
  check_graves(w, h);
  host_sleeps(w, h);
}

static bool is_due(const struct world *w, const struct host *h) {
  return h->wakes > 0 || h->sleeps_until <= swale_testing_now_ms(w->env);
}

void act_run(struct world *w, struct actor *self) {
  struct host *h = any_host(w);
  (void)self;
  if (is_due(w, h) || dice_chance(&w->dice, 20))
    host_run(w, h);
}

/* From inside a callback, which is refused. */
void act_run_recursively(struct world *w, struct actor *self) {
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

void act_settle(struct world *w, struct actor *self) {
  (void)self;
  settle(w);
  check_quiet(w);
}

void act_close_all(struct world *w, struct actor *self) {
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

void act_pass_time(struct world *w, struct actor *self) {
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

void act_set_timer(struct world *w, struct actor *self) {
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

void act_renew_loop(struct world *w, struct actor *self) {
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

void exhaust_memory(struct world *w) {
  uint32_t n = dice_between(&w->dice, 1, 40), lasting = dice_chance(&w->dice, 30);
  note(w, "allocation %u will fail%s", n, lasting ? ", and all behind it" : "");
  swale_testing_fail_allocation(w->env, n, (int)lasting);
  swale_testing_fail_random(w->env, dice_chance(&w->dice, 10));
  w->memory_fails = w->memory_ever_fails = true;
  w->mend_memory_at = w->step + dice_between(&w->dice, 1, 200);
}

/* SPDX-License-Identifier: MIT */
#include "world.h"

/*
 * The end by swale_loop_drain: peers answer as they should, or not at all, and by the deadline everybody has gone. Callbacks are calm,
 * since the model does not know when the library closes whom.
 */

enum { DEADLINE_MAX = 3000, STEP_MS = 50 };

struct drain {
  struct world *world;
  struct host *host;
  struct swale_drain_config config;
  bool done;
};

static void on_done(const struct swale_drain_report *r, void *user) {
  struct drain *d = user;
  struct world *w = d->world;
  callback_begin(w, NULL, false, "on_done");
  note(w, "loop %u is drained: %zu consumers, %zu refused, %zu closed, %zu cut, %llu ms", d->host->index,
       r->consumers, r->refused, r->closed, r->cut, (unsigned long long)r->took_ms);
  CHECK(w, w->calls[0].kind == LOUD, "on_done of loop %u outside of swale_loop_run", d->host->index);
  CHECK(w, !d->done, "loop %u is drained twice", d->host->index);
  CHECK(w, swale_loop_consumers(d->host->loop) == 0, "loop %u is drained and has consumers", d->host->index);
  CHECK(w, r->closed + r->cut <= r->consumers && r->consumers <= r->closed + r->cut + r->refused,
        "of %zu consumers %zu were refused, %zu closed, %zu cut", r->consumers, r->refused, r->closed,
        r->cut);
  CHECK(w, r->took_ms <= d->config.deadline_ms + STEP_MS, "a drain took %llu ms",
        (unsigned long long)r->took_ms);
  d->done = true;
  callback_end(w);
}

static void drain_begin(struct drain *d, struct world *w, struct host *h) {
  *d = (struct drain){.world = w, .host = h};
  swale_drain_config_default(&d->config);
  d->config.period_ms = dice_below(&w->dice, 2) ? dice_below(&w->dice, DEADLINE_MAX) : 0;
  d->config.deadline_ms = d->config.period_ms + 1 + dice_below(&w->dice, DEADLINE_MAX - d->config.period_ms);
  d->config.batch = 1 + dice_below(&w->dice, 5);
  d->config.reason = dice_chance(&w->dice, 50) ? "restart" : NULL;
  d->config.on_done = on_done;
  d->config.user = d;
  call_begin(w, QUIET, NULL, "swale_loop_drain");
  int rv = swale_loop_drain(h->loop, &d->config);
  call_end(w);
  CHECK(w, rv == 0, "swale_loop_drain: %d", rv);
  for (size_t i = 0; i < w->n_peers; i++)
    if (w->peers[i]->host == h && w->peers[i]->promised == 0)
      w->peers[i]->promised = -1;
  host_sleeps(w, h);
}

static void peers_answer(struct world *w) {
  for (size_t i = 0; i < w->n_peers; i++) {
    struct peer *p = w->peers[i];
    if (p->stalled)
      continue;
    peer_drain_all(p);
    if (p->ws && p->in.closed && !p->said_close)
      say_close(p);
    if (p->ws)
      peer_feed(p, p->out.len);
  }
  bury_peers(w);
}

static void nobody_gets_in(struct world *w, struct host *h) {
  swale_ws *ws;
  int rv = swale_ws_new(w->app, h->loop, &w->styles[0], NULL, NULL, NULL, &ws);
  CHECK(w, rv == SWALE_ESTATE && !ws, "a draining loop takes a connection: %d", rv);
}

void drain_all(struct world *w) {
  struct drain drains[LOOPS];
  w->calm = true;
  settle(w);
  for (size_t i = 0; i < w->n_peers; i++)
    w->peers[i]->stalled = dice_chance(&w->dice, 30);
  for (uint32_t i = 0; i < w->temper.loops; i++)
    drain_begin(&drains[i], w, &w->hosts[i]);
  for (uint32_t ms = 0; ms <= DEADLINE_MAX; ms += STEP_MS) {
    settle(w);
    peers_answer(w);
    swale_testing_advance(w->env, STEP_MS);
  }
  settle(w);
  for (uint32_t i = 0; i < w->temper.loops; i++) {
    CHECK(w, drains[i].done, "loop %u is not drained at its deadline", i);
    nobody_gets_in(w, &w->hosts[i]);
  }
  CHECK(w, w->n_actors == 0, "%zu consumers outlive the drain of their loops", w->n_actors);
}

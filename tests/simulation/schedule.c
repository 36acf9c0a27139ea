/* SPDX-License-Identifier: MIT */
#include "acts.h"

/* What can happen, how often, and to whom. */

struct peer *any_peer(struct world *w) {
  if (w->n_peers == 0)
    return NULL;
  struct peer *p = w->peers[dice_below(&w->dice, (uint32_t)w->n_peers)];
  return p->ws && (!in_callback(w) || p->host == w->turn) ? p : NULL;
}

struct peer *any_idle_peer(struct world *w) {
  struct peer *p = any_peer(w);
  return p && !p->busy && w->depth < CALLS / 2 ? p : NULL;
}

struct actor *any_actor(struct world *w, struct actor *self) {
  if (self && dice_chance(&w->dice, 40))
    return self;
  return w->n_actors > 0 ? w->actors[dice_below(&w->dice, (uint32_t)w->n_actors)] : NULL;
}

enum { OUTSIDE = 1, INSIDE = 2 };

static const struct action {
  void (*act)(struct world *w, struct actor *self);
  uint32_t weight;
  unsigned where;
} actions[] = {
    {act_open, 80, OUTSIDE | INSIDE},
    {act_feed, 300, OUTSIDE | INSIDE},
    {act_drain, 200, OUTSIDE | INSIDE},
    {act_run, 150, OUTSIDE},
    {act_pass_time, 60, OUTSIDE},
    {act_reap, 60, OUTSIDE},
    {act_send, 60, OUTSIDE | INSIDE},
    {act_group_send, 60, OUTSIDE | INSIDE},
    {act_send_to, 50, OUTSIDE | INSIDE},
    {act_join, 60, OUTSIDE | INSIDE},
    {act_leave, 30, OUTSIDE | INSIDE},
    {act_decide, 40, OUTSIDE | INSIDE},
    {act_close, 10, OUTSIDE | INSIDE},
    {act_close_ws, 8, OUTSIDE | INSIDE},
    {act_free_ws, 16, OUTSIDE | INSIDE},
    {act_feed_eof, 8, OUTSIDE | INSIDE},
    {act_answer, 10, OUTSIDE},
    {act_turn_slow_or_quick, 40, OUTSIDE},
    {act_send_to_the_dead, 10, OUTSIDE | INSIDE},
    {act_plain_send, 20, OUTSIDE | INSIDE},
    {act_plain_receive, 15, OUTSIDE | INSIDE},
    {act_plain_change, 10, OUTSIDE | INSIDE},
    {act_serve, 3, OUTSIDE | INSIDE},
    {act_flush, 2, OUTSIDE | INSIDE},
    {act_feed_recursively, 20, INSIDE},
    {act_run_recursively, 10, INSIDE},
    {act_set_timer, 10, OUTSIDE | INSIDE},
    {act_renew_loop, 1, OUTSIDE},
    {act_settle, 4, OUTSIDE},
    {act_close_all, 1, OUTSIDE | INSIDE},
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

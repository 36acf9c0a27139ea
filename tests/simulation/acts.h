/* SPDX-License-Identifier: MIT */
#ifndef SIMULATION_ACTS_H
#define SIMULATION_ACTS_H

#include "world.h"

/*
 * Everything that can happen in a step, or inside a callback; `self` is then the consumer whose callback it is, if there is one.
 * An act that is not possible at the moment does nothing.
 */
void act_send(struct world *w, struct actor *self);
void act_close(struct world *w, struct actor *self);
void act_decide(struct world *w, struct actor *self);
void act_join(struct world *w, struct actor *self);
void act_leave(struct world *w, struct actor *self);
void act_group_send(struct world *w, struct actor *self);
void act_send_to(struct world *w, struct actor *self);
void act_send_to_the_dead(struct world *w, struct actor *self);
void act_flush(struct world *w, struct actor *self);
void act_plain_send(struct world *w, struct actor *self);
void act_plain_receive(struct world *w, struct actor *self);
void act_plain_change(struct world *w, struct actor *self);
void act_serve(struct world *w, struct actor *self);
void act_open(struct world *w, struct actor *self);
void act_feed(struct world *w, struct actor *self);
void act_feed_recursively(struct world *w, struct actor *self);
void act_feed_eof(struct world *w, struct actor *self);
void act_drain(struct world *w, struct actor *self);
void act_answer(struct world *w, struct actor *self);
void act_turn_slow_or_quick(struct world *w, struct actor *self);
void act_close_ws(struct world *w, struct actor *self);
void act_free_ws(struct world *w, struct actor *self);
void act_reap(struct world *w, struct actor *self);
void act_run(struct world *w, struct actor *self);
void act_run_recursively(struct world *w, struct actor *self);
void act_settle(struct world *w, struct actor *self);
void act_close_all(struct world *w, struct actor *self);
void act_pass_time(struct world *w, struct actor *self);
void act_set_timer(struct world *w, struct actor *self);
void act_renew_loop(struct world *w, struct actor *self);

/* ---- picking whom it happens to ------------------------------------------------------------------ */

/* Inside callbacks only of the loop whose turn it is. */
struct peer *any_peer(struct world *w);
/* One whose feed and peek are allowed here. */
struct peer *any_idle_peer(struct world *w);
struct actor *any_actor(struct world *w, struct actor *self);

/* Ends a call by a consumer's thread, which was a turn of its loop unless that is in the middle of one. */
void end_turn(const struct actor *a);

void exhaust_memory(struct world *w);

#endif

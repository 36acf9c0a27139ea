/* SPDX-License-Identifier: MIT */
#include "acts.h"

/* What is done to the layer, by consumers and by anybody else: groups, messages, plain channels, workers. */

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

void act_join(struct world *w, struct actor *self) {
  struct actor *a = any_actor(w, self);
  if (a && a->peer)
    try_join(a, dice_below(&w->dice, GROUPS));
}

void act_leave(struct world *w, struct actor *self) {
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

void act_group_send(struct world *w, struct actor *self) {
  (void)self;
  try_group_send(w, dice_below(&w->dice, GROUPS));
}

void act_send_to(struct world *w, struct actor *self) {
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

void act_send_to_the_dead(struct world *w, struct actor *self) {
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

void act_flush(struct world *w, struct actor *self) {
  (void)self;
  note(w, "flush");
  call_begin(w, QUIET, NULL, "swale_flush");
  int rv = swale_flush(w->layer);
  call_end(w);
  CHECK(w, rv == 0, "swale_flush: %d", rv);
  actors_flushed(w);
}

/* ---- plain channels ---------------------------------------------------------------------------- */

void act_plain_send(struct world *w, struct actor *self) {
  const char *name = plain_names[dice_below(&w->dice, PLAINS)];
  (void)self;
  swale_message *m = make_message(w, "note", -1, 0);
  call_begin(w, QUIET, NULL, "swale_send");
  int rv = swale_send(w->layer, name, m);
  call_end(w);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_EFULL, "swale_send to %s: %d", name, rv);
  swale_message_unref(m);
}

void act_plain_receive(struct world *w, struct actor *self) {
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

void act_plain_change(struct world *w, struct actor *self) {
  const char *name = plain_names[dice_below(&w->dice, PLAINS)], *group = group_name(GROUPS - 1);
  (void)self;
  call_begin(w, QUIET, NULL, "a change of a plain channel");
  int rv = dice_chance(&w->dice, 60)   ? swale_group_add(w->layer, group, name)
           : dice_chance(&w->dice, 50) ? swale_group_discard(w->layer, group, name)
                                       : swale_channel_close(w->layer, name);
  call_end(w);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_EFULL || rv == SWALE_ESTATE, "a change of %s: %d", name, rv);
}

void act_serve(struct world *w, struct actor *self) {
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

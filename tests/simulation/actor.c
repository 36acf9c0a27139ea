/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What is promised to a consumer. Joins, leaves, sends and flushes are numbered in one row; a message carries the number
 * of its send. Whoever handles it must have joined its group before that number and not have left since, and the numbers that
 * one consumer handles only rise: that is order, and at most once.
 *
 * Whether somebody left in time is not always to be told from outside: what already waited in a consumer's own queue, because
 * it was slow or undecided, may come after it left the group. So leaving is `strict` when nothing waited there.
 */

/* Longer than the smallest window of those who compress. */
enum { TEXT_BITS = 12 };

const char *const plain_names[PLAINS] = {"jobs", "plain.box", "plain.heap"};

const char *group_name(unsigned group) {
  static const char *const names[GROUPS] = {"g.everybody", "g.1", "g.2", "g.3", "g.4", "g.5"};
  return names[group];
}

uint32_t depth_of(struct world *w, const char *channel) {
  struct swale_channel_stats s;
  call_begin(w, QUIET, NULL, "swale_channel_stats_get");
  int rv = swale_channel_stats_get(w->layer, channel, &s);
  call_end(w);
  CHECK(w, rv == 0 || rv == SWALE_ENOTFOUND, "the figures of channel %s: %d", channel, rv);
  CHECK(w, rv != 0 || s.depth <= s.capacity, "%u messages wait in a channel of %u", s.depth, s.capacity);
  return rv == 0 ? s.depth : 0;
}

/* ---- life -------------------------------------------------------------------------------------- */

struct actor *actor_new(struct world *w, swale_consumer *c, struct peer *p) {
  struct actor *a = sim_grow(NULL, sizeof *a);
  memset(a, 0, sizeof *a);
  a->world = w;
  a->consumer = c;
  a->peer = p;
  a->class = swale_consumer_class_of(c);
  a->serial = w->next_id++;
  w->census.consumers++;
  for (uint32_t i = 0; i < w->temper.loops; i++)
    if (swale_consumer_loop(c) == w->hosts[i].loop)
      a->host = &w->hosts[i];
  CHECK(w, a->host, "a consumer without a loop");
  swale_channel_name(c, a->channel);
  if (w->n_actors == w->actors_room) {
    w->actors_room = 2 * w->actors_room + 16;
    w->actors = sim_grow(w->actors, w->actors_room * sizeof(struct actor *));
  }
  a->place = w->n_actors;
  w->actors[w->n_actors++] = a;
  if (p)
    p->actor = a;
  else
    w->workers++;
  for (unsigned g = 0; g < GROUPS && p; g++)
    for (const char *const *name = a->class->groups; name && *name; name++)
      if (strcmp(*name, group_name(g)) == 0)
        actor_joined(a, g);
  return a;
}

void actor_free(struct actor *a) {
  struct world *w = a->world;
  struct actor *last = w->actors[--w->n_actors];
  w->actors[a->place] = last;
  last->place = a->place;
  for (unsigned g = 0; g < GROUPS; g++) {
    actor_left(a, g);
    free(a->spans[g].items);
  }
  if (a->peer) {
    a->peer->actor = NULL;
    strcpy(w->dead[w->n_dead++ % DEAD_NAMES], a->channel);
  } else {
    w->workers--;
  }
  free(a);
}

/* ---- groups ------------------------------------------------------------------------------------ */

bool actor_is_in(const struct actor *a, unsigned group) {
  const struct spans *s = &a->spans[group];
  return s->count > 0 && s->items[s->count - 1].left == UINT64_MAX;
}

void actor_joined(struct actor *a, unsigned group) {
  struct spans *s = &a->spans[group];
  if (actor_is_in(a, group))
    return;
  if (s->count == s->room) {
    s->room = 2 * s->room + 2;
    s->items = sim_grow(s->items, s->room * sizeof *s->items);
  }
  s->items[s->count++] = (struct span){.joined = a->world->op++, .left = UINT64_MAX};
  a->world->members[group]++;
}

static void leave(struct actor *a, unsigned group, bool strict) {
  struct spans *s = &a->spans[group];
  if (!actor_is_in(a, group))
    return;
  s->items[s->count - 1].left = a->world->op++;
  s->items[s->count - 1].strict = strict;
  a->unclear = true;
  a->world->members[group]--;
}

void actor_left(struct actor *a, unsigned group) { leave(a, group, depth_of(a->world, a->channel) == 0); }

void actors_flushed(struct world *w) {
  w->flushed = w->op++;
  w->ghosts = false;
  for (size_t i = 0; i < w->n_actors; i++) {
    w->actors[i]->unclear = true;
    for (unsigned g = 0; g < GROUPS; g++)
      leave(w->actors[i], g, true);
  }
}

void group_owes(struct world *w, unsigned group) {
  for (size_t i = 0; i < w->n_actors; i++)
    w->actors[i]->owed += actor_is_in(w->actors[i], group);
}

/* ---- messages ---------------------------------------------------------------------------------- */

/* NULL without memory. `group` -1: for the consumer of serial `to` alone, or for a plain channel. */
swale_message *make_message(struct world *w, const char *type, int group, unsigned to) {
  static char text[(1 << TEXT_BITS) + 1];
  struct dice *d = &w->dice;
  uint64_t seed = dice_next(d) >> 1;
  size_t len = write_text(text, dice_size(d, dice_chance(d, 20) ? TEXT_BITS : 9), seed);
  const struct swale_allocator *a = &swale_testing_env_get(w->env)->allocator;
  swale_message *m = swale_message_new_with(type, 0, a);
  CHECK(w, m || w->memory_fails, "no message");
  if (!m)
    return NULL;
  swale_message_add_int(m, "id", (int64_t)w->op++);
  swale_message_add_int(m, "group", group);
  swale_message_add_int(m, "to", to);
  swale_message_add_int(m, "seed", (int64_t)seed);
  swale_message_add_strn(m, "text", text, len);
  return m;
}

static void check_payload(struct world *w, const swale_message *m) {
  static char expected[(1 << TEXT_BITS) + 1];
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  size_t n = write_text(expected, len, (uint64_t)swale_message_get_int(m, "seed", 0));
  CHECK(w, text && n == len && memcmp(text, expected, len) == 0, "a message whose text has changed");
}

static void check_membership(const struct actor *a, unsigned group, uint64_t id) {
  struct world *w = a->world;
  const struct spans *s = &a->spans[group];
  for (size_t i = s->count; i-- > 0;) {
    const struct span *span = &s->items[i];
    if (span->joined > id || span->left < id)
      continue;
    CHECK(w, span->left == UINT64_MAX || !span->strict,
          "consumer %u gets message %llu of %s, which it has left", a->serial, (unsigned long long)id,
          group_name(group));
    return;
  }
  CHECK(w, false, "consumer %u gets message %llu of %s, and was no member", a->serial, (unsigned long long)id,
        group_name(group));
}

void actor_got(struct actor *a, const swale_message *m) {
  struct world *w = a->world;
  uint64_t id = (uint64_t)swale_message_get_int(m, "id", 0);
  int64_t group = swale_message_get_int(m, "group", -1);
  note(w, "consumer %u gets message %llu", a->serial, (unsigned long long)id);
  CHECK(w, a->stage == OPEN, "consumer %u gets a message in stage %d", a->serial, (int)a->stage);
  CHECK(w, id > a->last_id, "consumer %u gets message %llu after %llu", a->serial, (unsigned long long)id,
        (unsigned long long)a->last_id);
  CHECK(w, id > w->flushed, "consumer %u gets message %llu, which was flushed", a->serial,
        (unsigned long long)id);
  check_payload(w, m);
  if (a->peer && group >= 0)
    check_membership(a, (unsigned)group, id);
  else if (a->peer)
    CHECK(w, swale_message_get_int(m, "to", -1) == a->serial, "consumer %u gets a message for another",
          a->serial);
  a->last_id = id;
  a->got++;
  w->census.handled++;
}

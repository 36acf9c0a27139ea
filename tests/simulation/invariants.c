/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <string.h>

/* What must hold between steps, when all is quiet, and when peers fall silent. */

enum { REPORTS_MAX = 1024, SILENCE_MS = 120000 };

/* ---- the books --------------------------------------------------------------------------------- */

static uint64_t sum(const uint64_t reasons[SWALE_DROP_REASONS]) {
  uint64_t n = 0;
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    n += reasons[i];
  return n;
}

/* Reports are lost when more wait than the layer keeps, or without memory for them. */
static void check_reports(struct world *w, const struct swale_layer_stats *s) {
  struct tally *t = &w->tally;
  uint64_t dropped = sum(s->dropped), told = sum(t->told);
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    CHECK(w, t->told[i] <= s->dropped[i], "more drops for reason %d were told than there were", i);
  t->reports_lost |= dropped - t->told_before > REPORTS_MAX;
  t->told_before = told;
}

void check_books(struct world *w) {
  struct swale_layer_stats s;
  CHECK(w, swale_layer_stats_get(w->layer, &s) == 0, "no figures");
  CHECK(w, s.offered == s.delivered + s.queued + sum(s.dropped),
        "the books do not balance: %llu offered, %llu delivered, %llu queued, %llu dropped",
        (unsigned long long)s.offered, (unsigned long long)s.delivered, (unsigned long long)s.queued,
        (unsigned long long)sum(s.dropped));
  CHECK(w, s.unhandled <= s.delivered, "more was unhandled than delivered");
  CHECK(w, w->ghosts || s.consumers >= w->n_actors, "the layer knows %llu of %zu consumers",
        (unsigned long long)s.consumers, w->n_actors);
  check_reports(w, &s);
}

/* ---- between steps ----------------------------------------------------------------------------- */

static bool rests(const struct world *w, const struct host *h) {
  return h->wakes == 0 && h->sleeps_until > swale_testing_now_ms(w->env) &&
         swale_loop_timeout_ms(h->loop) != 0;
}

/*
 * A host that looks when it is told, and after its own calls, knows all there is to know. But when a closing connection
 * that was paused wants to read again, it is enough that he will look after his next write.
 */
static void check_told(struct world *w, const struct peer *p) {
  if (!w->styles[p->style].on_output || !rests(w, p->host))
    return;
  unsigned state = swale_ws_state(p->ws), expected = p->known & SWALE_WS_WANT_WRITE ? SWALE_WS_WANT_READ : 0;
  CHECK(w, (state & ~p->known & ~expected) == 0, "connection %u is in state %u, and its host was told of %u",
        p->id, state, p->known);
  bool is_decided = p->upgraded && p->promised > 0 && !w->memory_ever_fails;
  CHECK(w, !is_decided || p->answered || p->answer_told,
        "the host was not told of the answer to connection %u", p->id);
}

static void check_handshake_deadline(struct world *w, const struct peer *p) {
  uint32_t limit = w->styles[p->style].handshake_ms;
  if (limit == 0 || p->fed >= p->head_len || p->upgraded || p->host->ran_at <= p->born + limit)
    return;
  CHECK(w, !(swale_ws_state(p->ws) & SWALE_WS_WANT_READ), "connection %u still waits for its request", p->id);
}

void check_step(struct world *w) {
  CHECK(w, w->depth == 0, "calls are not balanced");
  check_books(w);
  if (w->step % 32 != 0)
    return;
  for (size_t i = 0; i < w->n_peers; i++) {
    check_told(w, w->peers[i]);
    check_handshake_deadline(w, w->peers[i]);
  }
}

/* ---- quiet ------------------------------------------------------------------------------------- */

/* What was offered to a consumer was handled, waits, or was reported as dropped. */
static void check_owed(struct world *w, const struct actor *a, uint32_t depth) {
  if (!a->peer || a->unclear || w->memory_ever_fails || w->tally.reports_lost)
    return;
  CHECK(w, a->owed == a->got + a->lost + depth,
        "consumer %u was offered %llu messages, handled %llu, missed %llu, %u wait", a->serial,
        (unsigned long long)a->owed, (unsigned long long)a->got, (unsigned long long)a->lost, depth);
}

/* Whatever a well-behaved peer has said has arrived, if its consumer still listens. */
static void check_heard(struct world *w, struct actor *a) {
  struct peer *p = a->peer;
  const struct note *said = p ? notes_first(&p->said) : NULL;
  if (!said || said->end > p->fed || a->stage != OPEN || p->wild || p->deaf || !pipe_is_empty(p))
    return;
  if (try_send(a, SWALE_TEXT, "?", 1) == SWALE_ECLOSED)
    return;
  CHECK(w, false, "connection %u has said %zu bytes that its consumer never got", p->id, said->len);
}

/* Nothing waits for a consumer whose peer is quick. */
static void check_not_stuck(struct world *w, struct actor *a, uint32_t depth) {
  struct peer *p = a->peer;
  if (depth == 0 || !p || !p->ws || a->stage != OPEN || !(swale_ws_state(p->ws) & SWALE_WS_WANT_READ))
    return;
  CHECK(w, try_send(a, SWALE_TEXT, "?", 1) == SWALE_ECLOSED,
        "%u messages wait for consumer %u, which is ready", depth, a->serial);
}

/* A member is met once, and knows the group as one of his. */
static void check_members(struct world *w, unsigned group) {
  char name[SWALE_NAME_SIZE];
  struct swale_cursor at = {0};
  int64_t met = 0, mine = 0;
  while (swale_group_next(w->layer, group_name(group), &at, name) == 1)
    met++;
  CHECK(w, met == swale_group_count(w->layer, group_name(group)), "a walk of %s meets %lld",
        group_name(group), (long long)met);
  for (size_t i = 0; i < w->n_actors && w->n_actors < 50; i++) {
    struct actor *a = w->actors[i];
    at = (struct swale_cursor){0};
    while (a->peer && swale_channel_next_group(w->layer, a->channel, &at, name) == 1)
      mine += strcmp(name, group_name(group)) == 0;
  }
  CHECK(w, w->n_actors >= 50 || group == GROUPS - 1 || mine == met,
        "%lld consumers know that they are in %s, not %lld", (long long)mine, group_name(group),
        (long long)met);
}

static void check_reports_told(struct world *w) {
  struct swale_layer_stats s;
  swale_layer_stats_get(w->layer, &s);
  if (w->memory_ever_fails || w->tally.reports_lost || w->n_actors == 0)
    return;
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    CHECK(w, w->tally.told[i] == s.dropped[i], "of %llu drops for reason %d, %llu were told",
          (unsigned long long)s.dropped[i], i, (unsigned long long)w->tally.told[i]);
}

void check_quiet(struct world *w) {
  struct swale_layer_stats s;
  uint64_t waiting = 0;
  check_books(w); /* may find that something has expired, and wake a loop to tell of it */
  settle(w);
  for (uint32_t i = 0; i < w->temper.loops; i++)
    CHECK(w, rests(w, &w->hosts[i]), "loop %u has work and sleeps: %u wakes, timeout %d", i,
          w->hosts[i].wakes, swale_loop_timeout_ms(w->hosts[i].loop));
  for (size_t i = 0; i < w->n_actors; i++) {
    struct actor *a = w->actors[i];
    uint32_t depth = a->peer ? depth_of(w, a->channel) : 0;
    waiting += depth;
    check_owed(w, a, depth);
    check_heard(w, a);
    check_not_stuck(w, a, depth);
    CHECK(w, !a->peer || swale_consumer_find(a->host->loop, w->layer, a->channel) == a->consumer,
          "consumer %u is not found by its name", a->serial);
  }
  for (unsigned g = 0; g < GROUPS; g++)
    check_members(w, g);
  for (int i = 0; i < PLAINS; i++)
    waiting += depth_of(w, plain_names[i]);
  swale_layer_stats_get(w->layer, &s);
  CHECK(w, s.queued == waiting, "%llu messages are queued, %llu wait in channels",
        (unsigned long long)s.queued, (unsigned long long)waiting);
  CHECK(w, s.consumers == w->n_actors, "the layer has %llu consumers, not %zu",
        (unsigned long long)s.consumers, w->n_actors);
  check_reports_told(w);
  for (size_t i = 0; i < w->n_peers; i++)
    check_told(w, w->peers[i]);
}

/* ---- silence ----------------------------------------------------------------------------------- */

static bool has_deadlines(const struct world *w, const struct peer *p) {
  return w->styles[p->style].ping_ms > 0;
}

static uint64_t next_deadline(const struct world *w) {
  uint64_t next = UINT64_MAX;
  for (uint32_t i = 0; i < w->temper.loops; i++)
    next = w->hosts[i].sleeps_until < next ? w->hosts[i].sleeps_until : next;
  return next;
}

void check_silence(struct world *w) {
  uint64_t end = swale_testing_now_ms(w->env) + SILENCE_MS;
  for (size_t i = 0; i < w->n_peers; i++)
    w->peers[i]->stalled = true;
  settle(w);
  for (uint64_t next; (next = next_deadline(w)) <= end;) {
    uint64_t now = swale_testing_now_ms(w->env);
    CHECK(w, next > now, "a loop is due and not run");
    swale_testing_advance(w->env, next - now);
    settle(w);
  }
  swale_testing_advance(w->env, end - swale_testing_now_ms(w->env));
  settle(w);
  for (size_t i = 0; i < w->n_actors; i++)
    CHECK(w, !w->actors[i]->peer || depth_of(w, w->actors[i]->channel) == 0,
          "messages wait for longer than they may");
  for (size_t i = 0; i < w->n_peers; i++) {
    const struct peer *p = w->peers[i];
    bool over = p->known & SWALE_WS_CLOSED ||
                (!w->styles[p->style].on_output && swale_ws_state(p->ws) & SWALE_WS_CLOSED);
    CHECK(w, over || !has_deadlines(w, p), "connection %u has a silent peer and does not end", p->id);
    CHECK(w, !over || !p->actor, "connection %u is over, but not its consumer", p->id);
  }
  check_quiet(w);
}

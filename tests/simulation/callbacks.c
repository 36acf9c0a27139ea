/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <string.h>

/* The user's side: six kinds of consumers, a worker, a guard, and the hooks. Each may get up to mischief. */

static struct world *world_of(const swale_consumer *c) { return swale_consumer_user(c); }

static struct actor *actor_of(swale_consumer *c) {
  struct actor *a;
  memcpy(&a, swale_state(c), sizeof(struct actor *));
  CHECK(world_of(c), a && a->consumer == c, "a callback of a consumer that was not connected");
  return a;
}

/* The connection whose feed is asking for a consumer. */
static struct peer *asking_peer(struct world *w) {
  const struct call *top = &w->calls[w->depth - 1];
  for (size_t i = 0; i < w->n_peers && top->kind == FEED; i++)
    if (w->peers[i] == top->peer)
      return w->peers[i];
  for (size_t i = 0; i < w->n_graves; i++)
    if (w->graves[i] == top->peer)
      return w->graves[i];
  return NULL;
}

/* What is always there, and what may be: in connect all, later what the app keeps. */
static void read_scope(const struct actor *a, bool all) {
  struct world *w = a->world;
  const swale_scope *scope = swale_consumer_scope(a->consumer);
  const char *host = swale_scope_header(scope, "Host"), *path = swale_scope_path(scope);
  char cookie[8];
  CHECK(w, path && (path[0] == '/' || !a->peer), "a scope without a path");
  CHECK(w, !a->peer || !all || (a->peer && a->peer->wild) || (host && strcmp(host, "sim") == 0),
        "the Host header is \"%s\"", host);
  CHECK(w, !host || strlen(host) > 0 || (a->peer && a->peer->wild), "an empty Host");
  swale_scope_cookie(scope, "a", cookie, sizeof cookie);
  for (size_t i = 0; swale_scope_subprotocol(scope, i); i++)
    CHECK(w, i < 2 || (a->peer && a->peer->wild), "more subprotocols than were offered");
}

/* ---- connect ----------------------------------------------------------------------------------- */

static struct actor *begin_connect(swale_consumer *c, struct peer *p) {
  struct world *w = world_of(c);
  CHECK(w, !p || !p->actor, "connection %u gets a second consumer", p ? p->id : 0);
  callback_begin(w, p, true, "connect");
  struct actor *a = actor_new(w, c, p);
  memcpy(swale_state(c), &a, sizeof(struct actor *));
  note(w, "connect consumer %u", a->serial);
  read_scope(a, true);
  return a;
}

static int end_connect(struct actor *a, int rv) {
  struct world *w = a->world;
  if (a->peer && dice_chance(&w->dice, 60))
    try_join(a, dice_below(&w->dice, GROUPS));
  mischief(w, a);
  callback_end(w);
  return rv;
}

static int connect_and_accept(swale_consumer *c) {
  struct world *w = world_of(c);
  struct actor *a = begin_connect(c, asking_peer(w));
  if (dice_chance(&w->dice, 20))
    mischief(w, a);
  if (dice_chance(&w->dice, 20)) {
    call_begin(w, QUIET, a->peer, "swale_add_header");
    int rv = swale_add_header(c, "X-Sim", "yes");
    call_end(w);
    CHECK(w, ok_or_starved(w, rv) || rv == SWALE_ECLOSED || a->stage == OPEN, "swale_add_header: %d", rv);
  }
  int rv = try_accept(a, NULL);
  return end_connect(a, rv == SWALE_ENOMEM ? rv : 0);
}

static int connect_and_wait(swale_consumer *c) {
  return end_connect(begin_connect(c, asking_peer(world_of(c))), 0);
}

static int connect_and_choose(swale_consumer *c) {
  struct world *w = world_of(c);
  struct actor *a = begin_connect(c, asking_peer(w));
  switch (dice_below(&w->dice, 6)) {
  case 0:
    try_reject(a, 400 + (int)dice_below(&w->dice, 200), dice_chance(&w->dice, 50) ? "not you" : NULL);
    break;
  case 1:
    return end_connect(a, -1);
  case 2:
    try_close(a, 4001, "no");
    break;
  case 3:
    try_accept(a, "v2");
    break;
  default:
    try_accept(a, NULL);
  }
  return end_connect(a, 0);
}

/* A worker that does not decide is accepted. */
static int connect_worker(swale_consumer *c) {
  struct actor *a = begin_connect(c, NULL);
  int rv = end_connect(a, 0);
  if (a->stage == UNDECIDED)
    a->stage = OPEN;
  return rv;
}

/* ---- receive, handlers, disconnect ------------------------------------------------------------- */

static int misbehave(struct world *w) { return dice_chance(&w->dice, 1) && !w->calm ? -1 : 0; }

static void check_received(struct actor *a, enum swale_kind kind, const void *data, size_t len) {
  struct world *w = a->world;
  struct peer *p = a->peer;
  const struct note *said = notes_first(&p->said);
  CHECK(w, a->stage == OPEN, "consumer %u receives in stage %d", a->serial, (int)a->stage);
  CHECK(w, p->ws && (!p->deaf || p->said_eof), "connection %u receives and is over", p->id);
  CHECK(w, kind != SWALE_TEXT || wire_is_utf8(data, len), "received text is not UTF-8");
  uint64_t end = said ? said->end : 0;
  bool match = notes_match(&p->said, kind, data, len);
  CHECK(w, match || p->wild, "connection %u receives what was not said", p->id);
  CHECK(w, !match || end <= p->fed || p->wild, "connection %u receives before it was said", p->id);
}

static int receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  struct world *w = world_of(c);
  struct actor *a = actor_of(c);
  callback_begin(w, a->peer, true, "receive");
  note(w, "consumer %u receives %zu bytes", a->serial, len);
  read_scope(a, false);
  check_received(a, kind, data, len);
  w->census.said++;
  bool was_busy = a->peer->busy;
  a->peer->busy = true;
  if (dice_chance(&w->dice, 50))
    try_send(a, kind, data, len);
  else if (dice_chance(&w->dice, 20) && w->fuel > 0)
    try_group_send(w, dice_below(&w->dice, GROUPS));
  mischief(w, a);
  a->peer->busy = was_busy;
  callback_end(w);
  return misbehave(w);
}

static int handle(swale_consumer *c, swale_message *m) {
  struct world *w = world_of(c);
  struct actor *a = actor_of(c);
  callback_begin(w, a->peer, false, "a handler");
  actor_got(a, m);
  bool was_busy = a->peer && a->peer->busy;
  if (a->peer)
    a->peer->busy = true;
  if (a->peer && dice_chance(&w->dice, 70))
    try_send_rendered(a, m);
  mischief(w, a);
  if (a->peer)
    a->peer->busy = was_busy;
  callback_end(w);
  return misbehave(w);
}

static int pressure(swale_consumer *c, int high, size_t waiting) {
  struct world *w = world_of(c);
  struct actor *a = actor_of(c);
  callback_begin(w, a->peer, false, "pressure");
  CHECK(w, a->stage == OPEN || try_send(a, SWALE_TEXT, "?", 1) < 0,
        "pressure on consumer %u, which is closing", a->serial);
  CHECK(w, high == !a->high, "consumer %u is told %d twice", a->serial, high);
  CHECK(w, waiting == swale_waiting(c), "%zu bytes wait, not %zu", swale_waiting(c), waiting);
  a->high = high;
  a->peer->busy = true;
  mischief(w, a);
  a->peer->busy = false;
  callback_end(w);
  return misbehave(w);
}

/* Whether a peer that keeps to the protocol can have brought about this code. */
static bool is_his(const struct peer *p, int code) {
  const struct swale_ws_options *o = &p->world->styles[p->style];
  switch (code) {
  case 1002: /* protocol */
  case 1003: /* kind of data */
  case 1007: /* not UTF-8 */
    return false;
  case 1009:
    return p->longest > o->message_max || p->partial.len > o->message_max;
  case 1008: /* too many fragments, or too much in a second */
    return o->fragments_max < 1000;
  case 1000:
  case 1005:
  case 3000:
  case 4999:
    return code == p->close_code;
  default:
    return code == 1001 || code == 1006 || code == 1011 || code == 1013;
  }
}

static void check_code(const struct actor *a, int code) {
  CHECK(a->world, code == a->closed_with || !a->peer || a->peer->wild || is_his(a->peer, code),
        "consumer %u is disconnected with code %d", a->serial, code);
}

/* A non-zero answer is reported while the consumer is still in its groups. */
static int disconnect(swale_consumer *c, int code) {
  struct world *w = world_of(c);
  struct actor *a = actor_of(c);
  callback_begin(w, a->peer, false, "disconnect");
  note(w, "disconnect consumer %u, code %d", a->serial, code);
  read_scope(a, false);
  check_code(a, code);
  a->stage = CLOSING;
  CHECK(w, try_send(a, SWALE_TEXT, "x", 1) == (a->peer ? SWALE_ECLOSED : SWALE_EUNSUPPORTED),
        "sent after the end");
  mischief(w, a);
  struct actor *none = NULL;
  memcpy(swale_state(c), &none, sizeof(struct actor *));
  actor_free(a);
  int rv = misbehave(w);
  w->ghosts |= rv != 0;
  callback_end(w);
  return rv;
}

static const struct swale_handler handlers[] = {{"note", handle}, {"news", handle}, {NULL, NULL}};
static const char *const everybody[] = {"g.everybody", NULL};
static const char *const two[] = {"g.1", "g.everybody", NULL};
static const char *const protocols[] = {"v2", "v1", NULL};

const char *const class_paths[CLASSES] = {"chat/<slug:room>/", "later/",  "picky/<int:number>",
                                          "strict/",           "oldest/", "latest/"};

#define COMMON                                                                                               \
  .state_size = sizeof(struct actor *), .receive = receive, .disconnect = disconnect, .handlers = handlers,  \
  .pressure = pressure
const struct swale_consumer_class classes[CLASSES] = {
    {.name = "chat", COMMON, .connect = connect_and_accept, .groups = everybody, .subprotocols = protocols},
    {.name = "later", COMMON, .connect = connect_and_wait, .groups = two},
    {.name = "picky", COMMON, .connect = connect_and_choose},
    {.name = "strict",
     COMMON,
     .connect = connect_and_accept,
     .overflow = SWALE_OVERFLOW_CLOSE,
     .groups = two},
    {.name = "oldest", COMMON, .connect = connect_and_accept, .overflow = SWALE_OVERFLOW_DROP_OLDEST},
    {.name = "latest", COMMON, .connect = connect_and_accept, .conflate_key = "group", .groups = two},
};
const struct swale_consumer_class worker_class = {.name = "worker", COMMON, .connect = connect_worker};

/* ---- hooks ------------------------------------------------------------------------------------- */

int some_guard(swale_scope *scope, void *world) {
  struct world *w = world;
  struct peer *p = asking_peer(w);
  callback_begin(w, p, true, "a guard");
  CHECK(w, swale_scope_path(scope) != NULL, "a scope without a path");
  int rv = dice_chance(&w->dice, 3) ? 401 : 0;
  mischief(w, NULL);
  callback_end(w);
  return rv;
}

/* Reported while a consumer without actor, or one that has just been disconnected, is in groups. */
static bool leaves_ghosts(const struct swale_report *report) {
  return report->kind == SWALE_REPORT_CALLBACK &&
         (strcmp(report->detail, "groups") == 0 || strcmp(report->detail, "disconnect") == 0);
}

/* The actor of a consumer that may have none yet, or none any more. */
static struct actor *actor_if_any(swale_consumer *c) {
  struct actor *a = NULL;
  if (c)
    memcpy(&a, swale_state(c), sizeof(struct actor *));
  return a;
}

/* Perhaps in the middle of what the connection is fed. */
void on_error(const struct swale_report *report, void *world) {
  struct world *w = world;
  struct actor *a = actor_if_any(report->consumer);
  struct peer *p = a ? a->peer : NULL;
  bool was_busy = p && p->busy;
  callback_begin(w, NULL, true, "on_error");
  note(w, "error %d: %s", report->error, report->detail);
  w->census.errors++;
  w->ghosts |= leaves_ghosts(report);
  if (p)
    p->busy = true;
  mischief(w, NULL);
  if (p)
    p->busy = was_busy;
  callback_end(w);
}

static void tell_actor(struct world *w, const struct swale_drop *drop) {
  swale_consumer *c = NULL;
  for (uint32_t i = 0; i < w->temper.loops && !c; i++)
    c = w->hosts[i].loop ? swale_consumer_find(w->hosts[i].loop, w->layer, drop->channel) : NULL;
  struct actor *a = actor_if_any(c);
  if (a && a->peer)
    a->lost++;
}

void on_drop(const struct swale_drop *drop, void *world) {
  struct world *w = world;
  callback_begin(w, NULL, false, "on_drop");
  CHECK(w, drop->count > 0 && (drop->channel[0] == '\0' || drop->count == 1),
        "a drop of %llu messages for \"%s\"", (unsigned long long)drop->count, drop->channel);
  CHECK(w, (unsigned)drop->reason < SWALE_DROP_REASONS, "a drop for no reason");
  CHECK(w, swale_message_get_int(drop->message, "id", 0) > 0, "a drop of an unknown message");
  w->tally.told[drop->reason] += drop->count;
  w->census.dropped += drop->count;
  if (drop->channel[0] != '\0')
    tell_actor(w, drop);
  mischief(w, NULL);
  callback_end(w);
}

void on_timer(struct swale_timer *timer) {
  struct host *h = (struct host *)((char *)timer - offsetof(struct host, timer));
  struct world *w = (struct world *)((char *)(h - h->index) - offsetof(struct world, hosts));
  callback_begin(w, NULL, false, "a timer");
  CHECK(w, h->timer_due > 0 && h->timer_due <= swale_testing_now_ms(w->env), "a timer fires early");
  CHECK(w, !swale_timer_armed(timer), "a timer that fires is still armed");
  h->timer_due = 0;
  mischief(w, NULL);
  callback_end(w);
}

/* Legal from anywhere, with no lock held; but it must only schedule. */
void on_wake(void *host) {
  struct host *h = host;
  struct world *w = (struct world *)((char *)(h - h->index) - offsetof(struct world, hosts));
  h->wakes++;
  CHECK(w, h->wakes == 1, "loop %u is woken twice between two runs", h->index);
}

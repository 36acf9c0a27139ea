/* SPDX-License-Identifier: MIT */
/*
 * Tens of thousands of random events against a model. Connections come and go on a few loops of one layer,
 * decide late, are slow, join and leave, send to each other from inside and outside of callbacks; loops are
 * freed, memory runs out. The model knows who is alive, who is in which group since when, and which timer is
 * due; whatever happens is held against it. The fake transport and its world add their own checks: no
 * callback inside another, the books balance.
 *
 * A failure names its seed and event; the same seed plays the same game again.
 */
#include "fake_transport.h"

#include <stdio.h>

#include "core/loop.h"

enum { SITES = 3, PEERS = 24, GROUPS = 3, PAST = 6, TIMERS = 8, EVENTS = 5000 };
enum { CONSUMERS_MAX = 16, CAPACITY = 5, EXPIRY = 400, DECISION = 250 };

static const char *const group_names[GROUPS] = {"class", "some", "more"};

/* From when to when somebody was in a group, by the game's own clock. */
struct stay {
  uint64_t from, to;
};

struct peer {
  struct fake f;
  uint64_t serial; /* its name */
  bool alive;      /* connect was called, disconnect has not returned */
  int site;
  uint64_t last; /* message */
  char channel[SWALE_NAME_SIZE];
  uint64_t member_since[GROUPS]; /* 0: is no member */
  struct stay past[GROUPS][PAST];
  unsigned n_past[GROUPS];
};

struct alarm {
  struct swale_timer timer;
  struct game *game;
  int site; /* where it is armed, or -1 */
  uint64_t due;
};

struct site {
  struct game *game;
  swale_loop *loop;
  unsigned wakes; /* since it last ran */
};

struct game {
  struct world w;
  uint64_t seed, random;
  int event;
  uint64_t tick; /* counts joins, leaves and messages */
  bool rough;    /* memory may run out */
  bool drought;  /* it has */
  bool over;     /* callbacks do nothing more */
  struct site sites[SITES];
  struct peer peers[PEERS];
  struct alarm alarms[TIMERS];
  struct swale_job job;
  uint64_t connects, disconnects, told_drops;
};

static struct game the_game;

static uint32_t roll(struct game *g, uint32_t n) {
  g->random ^= g->random << 13;
  g->random ^= g->random >> 7;
  g->random ^= g->random << 17;
  return (uint32_t)(g->random >> 32) % n;
}

/* ---- an allocator that dries up ---- */

static void *dry_malloc(size_t size, void *user) {
  struct game *g = user;
  return g->drought ? NULL : unit_env_malloc(size, &g->w.u);
}

static void *dry_realloc(void *block, size_t size, void *user) {
  struct game *g = user;
  return g->drought ? NULL : unit_env_realloc(block, size, &g->w.u);
}

static void dry_free(void *block, void *user) { unit_env_free(block, &((struct game *)user)->w.u); }

/* ---- the model ---- */

static struct peer *peer_of(swale_consumer *c) {
  const char *name = swale_scope_param_text(swale_consumer_scope(c), "name");
  if (!name)
    return NULL; /* a worker */
  uint64_t serial = strtoull(name, NULL, 10);
  struct peer *p = &the_game.peers[serial % PEERS];
  assert_int_equal(p->serial, serial);
  return p;
}

static bool is_usable(const struct peer *p) { return p->f.c && !p->f.gone; }

static void model_join(struct peer *p, int group) {
  if (p->member_since[group] == 0)
    p->member_since[group] = ++the_game.tick;
}

static void model_leave(struct peer *p, int group) {
  if (p->member_since[group] == 0)
    return;
  struct stay stay = {p->member_since[group], ++the_game.tick};
  p->past[group][p->n_past[group]++ % PAST] = stay;
  p->member_since[group] = 0;
}

static int64_t model_members(int group) {
  int64_t n = 0;
  for (int i = 0; i < PEERS; i++)
    n += the_game.peers[i].member_since[group] > 0;
  return n;
}

/* Was the peer a member when this message was sent? */
static bool model_was_member(const struct peer *p, int group, uint64_t message) {
  if (p->member_since[group] > 0 && p->member_since[group] < message)
    return true;
  if (p->n_past[group] > PAST)
    return true; /* too long ago to tell */
  for (unsigned i = 0; i < p->n_past[group]; i++)
    if (p->past[group][i].from < message && message < p->past[group][i].to)
      return true;
  return false;
}

/* ---- actions: in callbacks and outside ---- */

static struct peer *any_peer(struct game *g) { return &g->peers[roll(g, PEERS)]; }

static const char *any_type(struct game *g) {
  static const char *const types[] = {"note", "note", "note", "other", "disconnect"};
  return types[roll(g, 5)];
}

/* Every message carries its number, and its group or "-". */
static void send_to_group(struct game *g) {
  int group = (int)roll(g, GROUPS);
  char text[48];
  snprintf(text, sizeof text, "%llu %d", (unsigned long long)++g->tick, group);
  int64_t members = model_members(group);
  int rv = world_group_send(&g->w, group_names[group], any_type(g), text);
  if (rv >= 0)
    assert_int_equal(rv, members);
  else
    assert_true(rv == SWALE_EFULL || rv == SWALE_ENOMEM);
}

static void send_to_channel(struct game *g) {
  const struct peer *p = any_peer(g);
  const char *channel = roll(g, 4) == 0 ? "thumbs" : p->channel;
  char text[48];
  snprintf(text, sizeof text, "%llu -1", (unsigned long long)++g->tick);
  if (!*channel)
    return;
  int rv = world_send(&g->w, channel, any_type(g), text);
  if (rv == SWALE_ECLOSED)
    assert_false(p->alive);
  else
    assert_true(rv == 0 || rv == SWALE_EFULL || rv == SWALE_ENOMEM);
}

static void join_or_leave(struct game *g) {
  struct peer *p = any_peer(g);
  int group = 1 + (int)roll(g, GROUPS - 1);
  if (!is_usable(p) || !p->alive)
    return;
  bool by_name = roll(g, 3) == 0;
  if (roll(g, 2)) {
    int rv = by_name ? swale_group_add(g->w.layer, group_names[group], p->channel)
                     : swale_join(p->f.c, group_names[group]);
    if (rv == 0)
      model_join(p, group);
    else
      assert_int_equal(rv, SWALE_ENOMEM);
  } else {
    if (by_name)
      assert_int_equal(swale_group_discard(g->w.layer, group_names[group], p->channel), 0);
    else
      assert_int_equal(swale_leave(p->f.c, group_names[group]), 0);
    model_leave(p, group);
  }
}

static void decide(struct game *g, swale_consumer *c) {
  if (roll(g, 4) == 0)
    swale_add_header(c, "x-header", "value");
  if (roll(g, 4) == 0)
    swale_reject(c, 400 + (int)roll(g, 200), roll(g, 2) ? "no" : NULL);
  else
    swale_accept(c, NULL);
}

static void talk(struct game *g, swale_consumer *c) {
  switch (roll(g, 12)) {
  case 0:
    swale_send_text(c, "text", 4);
    break;
  case 1:
    swale_send_bytes(c, "bytes", 5);
    break;
  case 2:
    swale_close(c, (uint16_t)(4000 + roll(g, 10)), "over");
    break;
  default:
    decide(g, c);
  }
}

/*
 * What the transport does for one loop would call back inside a callback of another: that is the other
 * thread's business.
 */
static void poke(struct game *g) {
  struct peer *p = any_peer(g);
  if (!is_usable(p) || (g->w.inside && p->f.loop->depth == 0))
    return;
  switch (roll(g, 8)) {
  case 0:
    if (p->f.close_code || roll(g, 3) == 0)
      fake_lost(&p->f, p->f.close_code ? p->f.close_code : 1006);
    break;
  case 1:
  case 2:
    fake_pause(&p->f);
    break;
  case 3:
  case 4:
    fake_resume(&p->f);
    break;
  default:
    talk(g, p->f.c);
  }
}

static void set_alarm(struct game *g) {
  struct alarm *a = &g->alarms[roll(g, TIMERS)];
  if (a->site >= 0 && roll(g, 2)) {
    swale_timer_stop(g->sites[a->site].loop, &a->timer);
    a->site = -1;
    assert_false(swale_timer_armed(&a->timer));
    return;
  }
  if (a->site < 0)
    a->site = (int)roll(g, SITES);
  swale_loop *loop = g->sites[a->site].loop;
  uint64_t delay = roll(g, 3) == 0 ? 0 : roll(g, 200);
  swale_timer_start(loop, &a->timer, delay);
  a->due = swale_loop_now_ms(loop) + delay;
  assert_true(swale_timer_armed(&a->timer));
}

static void flush(struct game *g) {
  assert_int_equal(swale_flush(g->w.layer), 0);
  for (int i = 0; i < PEERS; i++)
    for (int group = 0; group < GROUPS; group++)
      model_leave(&g->peers[i], group);
}

static void find_somebody(struct game *g) {
  struct peer *p = any_peer(g);
  int site = (int)roll(g, SITES);
  if (!*p->channel)
    return;
  swale_consumer *c = swale_consumer_find(g->sites[site].loop, g->w.layer, p->channel);
  if (!p->alive || p->site != site)
    assert_null(c);
  else if (is_usable(p))
    assert_ptr_equal(c, p->f.c);
}

static void act(struct game *g) {
  if (g->over)
    return;
  switch (roll(g, 40)) {
  case 0:
    if (roll(g, 4) == 0)
      flush(g);
    break;
  case 1:
    if (roll(g, 10) == 0)
      swale_loop_close_all(g->sites[roll(g, SITES)].loop, 1001, NULL);
    break;
  case 2:
    swale_loop_defer(g->sites[0].loop, &g->job);
    break;
  case 3:
  case 4:
    set_alarm(g);
    break;
  case 5:
  case 6:
    find_somebody(g);
    break;
  case 7:
  case 8:
  case 9:
  case 10:
  case 11:
  case 12:
    join_or_leave(g);
    break;
  case 13:
  case 14:
  case 15:
  case 16:
  case 17:
    poke(g);
    break;
  case 18:
  case 19:
  case 20:
  case 21:
  case 22:
  case 23:
  case 24:
    send_to_channel(g);
    break;
  default:
    send_to_group(g);
  }
}

/* What a callback does, now and then. */
static void act_inside(struct game *g) {
  for (unsigned n = roll(g, 3); n > 0; n--)
    act(g);
  if (roll(g, 20) == 0)
    for (int i = 0; i < SITES; i++)
      if (!g->over && g->sites[i].loop->depth > 0)
        assert_int_equal(roll(g, 2) ? swale_loop_run(g->sites[i].loop) : swale_loop_free(g->sites[i].loop),
                         SWALE_ESTATE);
}

static int answer(struct game *g) { return roll(g, 60) == 0 ? -99 : 0; }

/* ---- callbacks ---- */

static int in_connect(swale_consumer *c) {
  struct game *g = &the_game;
  struct peer *p = peer_of(c);
  g->connects++;
  if (!p)
    return answer(g);
  p->alive = true;
  p->last = 0;
  swale_channel_name(c, p->channel);
  if (swale_consumer_class_of(c)->groups)
    model_join(p, 0);
  act_inside(g);
  if (roll(g, 3) && is_usable(p))
    decide(g, c);
  return answer(g);
}

static int in_receive(swale_consumer *c, const char *text) {
  (void)text;
  struct game *g = &the_game;
  act_inside(g);
  if (is_usable(peer_of(c)))
    talk(g, c);
  return answer(g);
}

static void read_text(const swale_message *m, unsigned long long *number, int *group) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  char copy[48] = "";
  assert_true(text && len < sizeof copy);
  memcpy(copy, text, len);
  assert_int_equal(sscanf(copy, "%llu %d", number, group), 2);
}

static int in_message(swale_consumer *c, swale_message *m) {
  struct game *g = &the_game;
  struct peer *p = peer_of(c);
  unsigned long long number;
  int group;
  read_text(m, &number, &group);
  if (p) {
    assert_true(p->alive && is_usable(p) && p->f.accepted && p->f.close_code == 0);
    assert_true(number > p->last);
    assert_true(group < 0 || model_was_member(p, group, number));
    p->last = number;
  }
  act_inside(g);
  if (p && is_usable(p) && roll(g, 10) == 0)
    talk(g, c);
  if (!p && roll(g, 30) == 0)
    swale_close(c, 1000, NULL);
  return answer(g);
}

static int in_disconnect(swale_consumer *c, int code) {
  (void)code;
  struct game *g = &the_game;
  struct peer *p = peer_of(c);
  g->disconnects++;
  if (p) {
    p->f.gone = true;
    p->f.c = NULL;
  }
  act_inside(g);
  if (p) {
    p->alive = false;
    for (int group = 0; group < GROUPS; group++)
      p->member_since[group] = 0;
  }
  return answer(g);
}

static void in_drop(struct world *w, const struct swale_drop *d) {
  (void)w;
  struct game *g = &the_game;
  g->told_drops += d->count;
  if (roll(g, 30) == 0)
    act(g);
}

static void in_job(struct swale_job *job) {
  struct game *g = (struct game *)((char *)job - offsetof(struct game, job));
  world_callback_begins(&g->w);
  act_inside(g);
  world_callback_ends(&g->w);
}

static void in_alarm(struct swale_timer *t) {
  struct alarm *a = (struct alarm *)t;
  struct game *g = a->game;
  world_callback_begins(&g->w);
  assert_true(a->site >= 0);
  assert_true(swale_loop_now_ms(g->sites[a->site].loop) >= a->due);
  a->site = -1;
  act_inside(g);
  world_callback_ends(&g->w);
}

static void on_wake(void *user) {
  struct site *s = user;
  assert_int_equal(++s->wakes, 1);
}

/* ---- events: outside of callbacks ---- */

static void check_wakes(struct game *g) {
  for (int i = 0; i < SITES; i++) {
    struct site *s = &g->sites[i];
    if (s->wakes == 0)
      assert_false(swale__inbox_waits(&s->loop->inbox) || s->loop->newest_job);
  }
}

static void run_site(struct game *g, int i) {
  struct site *s = &g->sites[i];
  s->wakes = 0;
  assert_int_equal(swale_loop_run(s->loop), 0);
  world_check_books(&g->w);
}

static void open_site(struct game *g, int i) {
  struct swale_loop_config config = g->w.loop_config;
  struct site *s = &g->sites[i];
  bool drought = g->drought;
  long fail_at = g->w.u.fail_at;
  g->drought = false;
  g->w.u.fail_at = 0;
  *s = (struct site){.game = g};
  config.user = s;
  assert_int_equal(swale_loop_new(&config, &s->loop), 0);
  g->drought = drought;
  g->w.u.fail_at = fail_at;
}

static void free_site(struct game *g, int i) {
  struct site *s = &g->sites[i];
  assert_int_equal(swale_loop_free(s->loop), 0);
  s->loop = NULL;
  for (int k = 0; k < PEERS; k++)
    assert_false(g->peers[k].alive && g->peers[k].site == i);
  for (int k = 0; k < TIMERS; k++)
    if (g->alarms[k].site == i) {
      assert_false(swale_timer_armed(&g->alarms[k].timer));
      g->alarms[k].site = -1;
    }
}

/* In the middle of the loop's end its disconnects may still arm timers, or put off the job. */
static void replace_site(struct game *g, int i) {
  if (g->job.next && i == 0)
    run_site(g, 0);
  free_site(g, i);
  open_site(g, i);
  world_check_books(&g->w);
}

static void open_peer(struct game *g) {
  static const char *const routes[] = {"newest", "oldest", "close", "grouped", "nowhere"};
  struct peer *p = any_peer(g);
  uint64_t serial = p->serial + PEERS;
  char target[64], name[24];
  if (p->alive || is_usable(p))
    return;
  *p = (struct peer){.serial = serial, .site = (int)roll(g, SITES)};
  snprintf(name, sizeof name, "%llu", (unsigned long long)serial);
  snprintf(target, sizeof target, "/%s/%s/?x=%s", routes[roll(g, 5)], name, name);
  bool full = swale_app_consumers(g->w.app) >= CONSUMERS_MAX;
  g->w.loop = g->sites[p->site].loop;
  struct swale_request request = {.size = sizeof request, .target = target};
  int rv = fake_open_request(&p->f, &g->w, name, &request);
  assert_true(rv == 0 || rv == 404 || rv == SWALE_ENOMEM || (rv == 503 && full));
  if (rv != 0)
    assert_null(p->f.c);
}

static void deliver_to_peer(struct game *g) {
  struct peer *p = any_peer(g);
  if (!is_usable(p))
    return;
  int rv = fake_deliver(&p->f, "text");
  assert_true(rv == 0 || rv == SWALE_ESTATE || rv == SWALE_ECLOSED);
}

static void run_until_settled(struct game *g) {
  bool drought = g->drought;
  g->drought = false;
  for (int rounds = 0;; rounds++) {
    bool busy = false;
    assert_true(rounds < 20000);
    for (int i = 0; i < SITES; i++)
      if (swale_loop_timeout_ms(g->sites[i].loop) == 0) {
        run_site(g, i);
        busy = true;
      }
    if (!busy)
      break;
  }
  g->drought = drought;
}

/* With nothing on its way, everything has to agree. */
static void check_everything(struct game *g) {
  world_stats(&g->w); /* notices what has expired in plain channels, which is told by a loop */
  run_until_settled(g);
  struct swale_layer_stats s = world_stats(&g->w);
  size_t on_loops = 0;
  uint64_t alive = 0, memberships = 0;
  for (int i = 0; i < SITES; i++)
    on_loops += swale_loop_consumers(g->sites[i].loop);
  for (int i = 0; i < PEERS; i++)
    alive += g->peers[i].alive;
  assert_int_equal(on_loops, g->connects - g->disconnects);
  assert_int_equal(on_loops, swale_app_consumers(g->w.app));
  assert_int_equal(on_loops, s.consumers);
  assert_true(alive <= on_loops); /* and workers */
  for (int group = 0; group < GROUPS; group++) {
    assert_int_equal(swale_group_count(g->w.layer, group_names[group]), model_members(group));
    memberships += (uint64_t)model_members(group);
  }
  assert_int_equal(s.memberships, memberships);
  assert_true(g->told_drops <= world_dropped(&g->w));
  if (!g->rough && s.loops > 0)
    assert_int_equal(g->told_drops, world_dropped(&g->w));
}

static void make_memory_scarce(struct game *g) {
  if (!g->rough)
    return;
  if (roll(g, 2))
    g->w.u.fail_at = 1 + roll(g, 12);
  else
    g->drought = !g->drought && roll(g, 2);
}

static void change_transports(struct game *g) {
  g->w.fail_accept = roll(g, 6) ? 0 : SWALE_ENOMEM;
  g->w.fail_reject = roll(g, 6) ? 0 : SWALE_ENOMEM;
  g->w.fail_close = roll(g, 6) ? 0 : SWALE_ENOMEM;
  g->w.fail_send = roll(g, 6) ? 0 : SWALE_EFULL;
}

static void play_event(struct game *g) {
  uint32_t n = roll(g, 100);
  if (n < 12)
    open_peer(g);
  else if (n < 22)
    deliver_to_peer(g);
  else if (n < 45)
    run_site(g, (int)roll(g, SITES));
  else if (n < 55)
    g->w.u.now_ms += roll(g, 3) ? roll(g, 20) : roll(g, 600);
  else if (n < 58)
    make_memory_scarce(g);
  else if (n < 60)
    change_transports(g);
  else if (n == 60)
    replace_site(g, (int)roll(g, SITES));
  else if (n == 61)
    swale_app_serve(g->w.app, g->sites[roll(g, SITES)].loop);
  else if (n == 62)
    run_until_settled(g);
  else
    act(g);
}

/* ---- the game ---- */

static const char *const in_class_group[] = {"class", NULL};
static struct swale_consumer_class newest, oldest, closes, grouped;

static void open_game(struct game *g, uint64_t seed, bool rough) {
  memset(g, 0, sizeof *g);
  g->seed = seed;
  g->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
  g->rough = rough;
  world_init(&g->w);
  g->w.u.env.allocator = (struct swale_allocator){dry_malloc, dry_realloc, dry_free, g};
  g->w.terse = true;
  g->w.layer_config.capacity = CAPACITY;
  g->w.layer_config.expiry_ms = EXPIRY;
  g->w.loop_config.inbox_bytes = 8000;
  g->w.loop_config.inbox_batch = 9;
  g->w.loop_config.wake = on_wake;
  g->w.app_config.consumers_max = CONSUMERS_MAX;
  g->w.app_config.connect_timeout_ms = DECISION;
  g->w.on_connect = in_connect;
  g->w.on_receive = in_receive;
  g->w.on_message = in_message;
  g->w.on_disconnect = in_disconnect;
  g->w.on_drop = in_drop;
  newest = oldest = closes = grouped = fake_class;
  oldest.overflow = SWALE_OVERFLOW_DROP_OLDEST;
  closes.overflow = SWALE_OVERFLOW_CLOSE;
  grouped.groups = in_class_group;
  g->sites[0].game = g;
  g->w.loop_config.user = &g->sites[0];
  assert_int_equal(world_open(&g->w, &fake_class), 0);
  g->sites[0].loop = g->w.loop;
  assert_int_equal(swale_app_route(g->w.app, "newest/<name>/", &newest), 0);
  assert_int_equal(swale_app_route(g->w.app, "oldest/<name>/", &oldest), 0);
  assert_int_equal(swale_app_route(g->w.app, "close/<name>/", &closes), 0);
  assert_int_equal(swale_app_route(g->w.app, "grouped/<name>/", &grouped), 0);
  assert_int_equal(swale_app_channel(g->w.app, "thumbs", &fake_class), 0);
  for (int i = 1; i < SITES; i++)
    open_site(g, i);
  for (int i = 0; i < PEERS; i++)
    g->peers[i].serial = (uint64_t)i;
  for (int i = 0; i < TIMERS; i++)
    g->alarms[i] = (struct alarm){.timer = {.fire = in_alarm}, .game = g, .site = -1};
  g->job.run = in_job;
}

static void close_game(struct game *g) {
  g->over = true;
  for (int i = SITES - 1; i >= 0; i--)
    free_site(g, i);
  g->w.loop = NULL;
  g->drought = false;
  world_check_books(&g->w);
  assert_int_equal(g->connects, g->disconnects);
  assert_int_equal(world_stats(&g->w).memberships, 0);
  world_close(&g->w);
}

static void play(uint64_t seed, bool rough) {
  struct game *g = &the_game;
  open_game(g, seed, rough);
  for (g->event = 1; g->event <= EVENTS; g->event++) {
    play_event(g);
    check_wakes(g);
    if (g->event % 50 == 0)
      check_everything(g);
  }
  close_game(g);
}

static const uint64_t seeds[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static void play_all(bool rough) {
  for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
    play(seeds[i], rough);
}

/* cmocka leaves a failed test by longjmp: what it says last is where that was. */
static int tell_where(void **state) {
  (void)state;
  if (the_game.w.layer)
    printf("seed %llu, event %d\n", (unsigned long long)the_game.seed, the_game.event);
  return 0;
}

static void whatever_happens_the_core_agrees_with_the_model(void **state) {
  (void)state;
  play_all(false);
}

static void it_does_so_while_memory_runs_out(void **state) {
  (void)state;
  play_all(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(whatever_happens_the_core_agrees_with_the_model, tell_where),
      cmocka_unit_test_teardown(it_does_so_while_memory_runs_out, tell_where),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- saying what happens ----------------------------------------------------------------------- */

static const struct world *current; /* for the epitaph */

void note(const struct world *w, const char *format, ...) {
  if (!w->trace)
    return;
  va_list arguments;
  va_start(arguments, format);
  printf("%6" PRIu64 " %8" PRIu64 " ms  %*s", w->step, swale_testing_now_ms(w->env), 2 * (int)w->depth, "");
  vprintf(format, arguments);
  putchar('\n');
  va_end(arguments);
}

void world_epitaph(void) {
  if (!current)
    return;
  fflush(stdout);
  fprintf(stderr,
          "simulation: seed %" PRIu64 ", step %" PRIu64 "; again: simulation --seed %" PRIu64
          " --steps %" PRIu64 " --trace\n",
          current->seed, current->step, current->seed, current->step + !current->ending);
}

void fail(const struct world *w, const char *file, int line, const char *format, ...) {
  va_list arguments;
  fflush(stdout);
  fprintf(stderr, "%s:%d: ", file, line);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  for (size_t i = 0; i < w->depth; i++)
    fprintf(stderr, "  inside %s\n", w->calls[i].what);
  world_epitaph();
  current = NULL;
  abort();
}

void *sim_grow(void *old, size_t size) {
  void *block = realloc(old, size);
  if (!block) {
    perror("simulation");
    exit(2);
  }
  return block;
}

/* ---- what may call what ------------------------------------------------------------------------ */

bool in_callback(const struct world *w) {
  for (size_t i = 0; i < w->depth; i++)
    if (w->calls[i].kind == CALLBACK)
      return true;
  return false;
}

static void push(struct world *w, enum call_kind kind, const struct peer *peer, const char *what) {
  CHECK(w, w->depth < CALLS, "calls are nested too deep");
  w->calls[w->depth++] = (struct call){.kind = kind, .peer = peer, .what = what};
}

void call_begin(struct world *w, enum call_kind kind, const struct peer *peer, const char *what) {
  if (w->depth == 0 && peer)
    w->turn = peer->host;
  push(w, kind == LOUD && in_callback(w) ? QUIET : kind, peer, what);
}

void call_end(struct world *w) { w->depth--; }

void callback_begin(struct world *w, const struct peer *peer, bool nests, const char *what) {
  CHECK(w, w->depth > 0, "%s is called back out of nothing", what);
  const struct call *top = &w->calls[w->depth - 1];
  CHECK(w, top->kind == FEED || top->kind == LOUD, "%s is called back inside %s", what, top->what);
  if (in_callback(w)) {
    CHECK(w, nests, "%s is called back inside another callback", what);
    CHECK(w, !peer || peer == top->peer, "%s of connection %u inside a feed of %u", what, peer ? peer->id : 0,
          top->peer ? top->peer->id : 0);
  }
  push(w, CALLBACK, peer, what);
}

void callback_end(struct world *w) { w->depth--; }

/* ---- hosts ------------------------------------------------------------------------------------- */

void host_sleeps(struct world *w, struct host *h) {
  int timeout = swale_loop_timeout_ms(h->loop);
  CHECK(w, timeout >= -1, "a timeout of %d ms", timeout);
  h->sleeps_until = timeout < 0 ? UINT64_MAX : swale_testing_now_ms(w->env) + (uint64_t)timeout;
}

struct host *any_host(struct world *w) {
  return &w->hosts[dice_below(&w->dice, w->temper.loops)];
}

bool ok_or_starved(const struct world *w, int rv) {
  return rv == 0 || ((rv == SWALE_ENOMEM || rv == SWALE_ERANDOM) && w->memory_fails);
}

/* ---- beginning --------------------------------------------------------------------------------- */

static void draw_temper(struct world *w) {
  static const uint32_t peers_max[] = {2, 8, 40, 200, 1500};
  static const uint32_t rarely[] = {0, 0, 2, 10}, odds[] = {0, 1, 1, 2, 6};
  static const uint32_t pace[] = {2, 20, 500, 5000};
  struct dice *d = &w->dice;
  w->temper = (struct temper){
      .loops = dice_between(d, 1, LOOPS),
      .peers_max = peers_max[dice_below(d, 5)],
      .mischief = dice_chance(d, 30) ? 0 : dice_between(d, 5, 60),
      .broken = dice_chance(d, 30) ? 0 : dice_between(d, 1, 30),
      .stalling = dice_chance(d, 30) ? 0 : dice_between(d, 1, 60),
      .failures = rarely[dice_below(d, 4)],
      .big = dice_chance(d, 10) ? MESSAGE_BITS : dice_between(d, 6, 14),
      .piped = dice_chance(d, 50) ? 0 : dice_between(d, 1, 50),
      .pace = pace[dice_below(d, 4)],
      .far_jumps = dice_chance(d, 20),
      .starved_end = dice_chance(d, 20),
  };
  for (int i = 0; i < KINDS; i++)
    w->temper.odds[i] = odds[dice_below(d, 5)];
}

static void make_layer(struct world *w) {
  static const uint32_t capacity[] = {1, 2, 7, 100}, expiry[] = {40, 2000, 60000}, bound[] = {3, 6, 100000};
  static const struct swale_capacity capacities[] = {{"plain.*", 3}, {"*[0-7]", 4}};
  struct dice *d = &w->dice;
  struct swale_layer_config config;
  char why[128];
  swale_layer_config_default(&config);
  config.env = swale_testing_env_get(w->env);
  config.capacity = capacity[dice_below(d, 4)];
  config.expiry_ms = expiry[dice_below(d, 3)];
  config.group_expiry_ms = 10 * config.expiry_ms;
  config.channels_max = bound[dice_below(d, 3)];
  config.groups_max = dice_chance(d, 80) ? 100000 : 4;
  config.capacities = capacities;
  config.n_capacities = dice_below(d, 3);
  config.on_drop = on_drop;
  config.user = w;
  int rv = swale_layer_open("memory://", &config, &w->layer, why, sizeof why);
  CHECK(w, rv == 0, "no layer: %s", why);
}

static void make_app(struct world *w) {
  struct dice *d = &w->dice;
  struct swale_app_config config;
  swale_app_config_default(&config);
  config.env = swale_testing_env_get(w->env);
  config.connect_timeout_ms = dice_chance(d, 50) ? 30 : 5000;
  config.keep = dice_below(d, SWALE_KEEP_ALL + 1);
  config.consumers_max = dice_chance(d, 90) ? 1000000 : 6;
  config.on_error = on_error;
  config.user = w;
  int rv = swale_app_new(&config, &w->app);
  CHECK(w, rv == 0, "no app: %d", rv);
  rv = swale_app_layer(w->app, NULL, w->layer);
  for (size_t i = 0; rv == 0 && i < CLASSES; i++)
    rv = swale_app_route(w->app, class_paths[i], &classes[i]);
  if (rv == 0)
    rv = swale_app_channel(w->app, "jobs", &worker_class);
  if (rv == 0)
    rv = swale_app_guard(w->app, some_guard, w);
  CHECK(w, rv == 0, "the app cannot be set up: %d", rv);
}

static void make_loop(struct world *w, struct host *h) {
  static const uint32_t bytes[] = {3000, 100000, 64u << 20}, batch[] = {1, 5, 1024};
  struct swale_loop_config config;
  swale_loop_config_default(&config);
  config.env = swale_testing_env_get(w->env);
  config.wake = on_wake;
  config.user = h;
  config.inbox_bytes = bytes[dice_below(&w->dice, 3)];
  config.inbox_batch = batch[dice_below(&w->dice, 3)];
  *h = (struct host){.index = (unsigned)(h - w->hosts)};
  int rv = swale_loop_new(&config, &h->loop);
  CHECK(w, rv == 0, "no loop: %d", rv);
  h->timer.fire = on_timer;
  host_sleeps(w, h);
}

static void make_terms(struct world *w) {
  struct dice *d = &w->dice;
  swale_ws_deflate_default(&w->large);
  w->small = w->large;
  w->small.threshold = 0, w->small.mem_level = 1, w->small.level = 1;
  w->small.server_window_bits = (int)dice_between(d, 9, 15),
  w->small.client_window_bits = (int)dice_between(d, 9, 15);
  w->small.server_context_takeover = dice_chance(d, 60),
  w->small.client_context_takeover = dice_chance(d, 60);
}

/*
 * 0: small limits, usual deadlines, compression of any kind. 1: tiny limits, short deadlines, the same compression. 2: the
 * defaults. 3: no deadlines, and a host that is told nothing. 4: wide open, with the default compression.
 */
static void make_styles(struct world *w) {
  for (int i = 0; i < STYLES; i++) {
    swale_ws_options_default(&w->styles[i]);
    w->styles[i].on_output = on_output;
    w->styles[i].on_answer = on_answer;
  }
  struct swale_ws_options *o = &w->styles[0];
  o->message_max = 4096, o->head_max = 2048, o->early_max = 512;
  o->output_max = 8192, o->output_high = 2048, o->output_low = 512;
  o = &w->styles[1];
  o->message_rate = 30, o->control_rate = 20, o->byte_rate = 4000, o->handshakes_max = 20,
  o->handshakes_per_peer = 5;
  o->message_max = 200, o->fragments_max = 4, o->empty_fragments_max = 1, o->head_max = 400,
  o->headers_max = 8;
  o->early_max = 0, o->output_max = 600, o->output_high = 300, o->output_low = 0;
  o->handshake_ms = 100, o->ping_ms = 50, o->pong_ms = 20, o->close_ms = 30, o->idle_ms = 400;
  o = &w->styles[3];
  o->on_output = o->on_answer = NULL;
  o->handshake_ms = o->ping_ms = o->pong_ms = o->close_ms = o->idle_ms = 0;
  o->output_max = 4000, o->output_high = 1, o->output_low = 0;
  w->styles[4].output_max = w->styles[4].output_high = (size_t)1 << 30;
  w->styles[0].deflate = w->styles[1].deflate = &w->small;
  w->styles[4].deflate = &w->large;
}

struct world *world_new(uint64_t seed, bool trace) {
  struct world *w = sim_grow(NULL, sizeof *w);
  memset(w, 0, sizeof *w);
  w->seed = w->dice.state = seed;
  w->trace = trace;
  w->env = swale_testing_env_new(dice_next(&w->dice));
  current = w;
  CHECK(w, w->env, "no environment");
  w->op = 1;
  draw_temper(w);
  make_layer(w);
  make_app(w);
  for (uint32_t i = 0; i < w->temper.loops; i++)
    make_loop(w, &w->hosts[i]);
  make_terms(w);
  make_styles(w);
  return w;
}

/* ---- ending ------------------------------------------------------------------------------------ */

static void free_loop(struct world *w, struct host *h) {
  note(w, "free loop %u", h->index);
  if (h->timer_due)
    swale_timer_stop(h->loop, &h->timer);
  h->timer_due = 0;
  h->ending = true;
  w->turn = h;
  call_begin(w, LOUD, NULL, "swale_loop_free");
  int rv = swale_loop_free(h->loop);
  call_end(w);
  CHECK(w, rv == 0, "swale_loop_free: %d", rv);
  check_graves(w, h);
  bury_peers(w);
  for (size_t i = 0; i < w->n_actors; i++)
    CHECK(w, w->actors[i]->host != h, "consumer %u outlives its loop", w->actors[i]->serial);
}

void world_renew_loop(struct world *w, struct host *h) {
  free_loop(w, h);
  make_loop(w, h);
}

static void free_peers(struct world *w) {
  while (w->n_peers > 0)
    peer_free(w->peers[dice_below(&w->dice, (uint32_t)w->n_peers)]);
}

/* The server goes away in order, and peers answer as they should. */
static void say_goodbye(struct world *w) {
  for (uint32_t i = 0; i < w->temper.loops; i++) {
    call_begin(w, QUIET, NULL, "swale_loop_close_all");
    int rv = swale_loop_close_all(w->hosts[i].loop, 1001, "going away");
    call_end(w);
    CHECK(w, rv == 0, "swale_loop_close_all: %d", rv);
    host_sleeps(w, &w->hosts[i]);
  }
  for (int round = 0; round < 3; round++) {
    settle(w);
    for (size_t i = 0; i < w->n_peers; i++) {
      struct peer *p = w->peers[i];
      p->stalled = false;
      peer_drain_all(p);
      if (p->ws && p->in.closed && !p->said_close)
        say_close(p);
      if (p->ws)
        peer_feed(p, p->out.len);
    }
    bury_peers(w);
  }
  check_quiet(w);
}

static void refuse_to_go(struct world *w) {
  if (w->n_peers > 0) {
    w->turn = w->peers[0]->host;
    w->turn->ending = true;
    call_begin(w, LOUD, NULL, "swale_loop_free");
    CHECK(w, swale_loop_free(w->turn->loop) == SWALE_ESTATE, "a loop went before its connections");
    call_end(w);
    w->turn->ending = false;
  }
  if (w->n_actors == 0)
    return;
  CHECK(w, swale_layer_free(w->layer) == SWALE_ESTATE, "a layer went before its consumers");
  CHECK(w, swale_app_free(w->app) == SWALE_ESTATE, "an app went before its consumers");
}

static void check_empty(struct world *w) {
  struct swale_layer_stats s;
  swale_layer_stats_get(w->layer, &s);
  CHECK(w, w->n_actors == 0, "%zu consumers were connected and never disconnected", w->n_actors);
  CHECK(w, s.consumers == 0 && s.loops == 0, "the layer still has consumers or loops");
  CHECK(w, swale_app_consumers(w->app) == 0, "the app still has consumers");
}

void world_end(struct world *w) {
  w->ending = true;
  mend_memory(w);
  uint32_t manner = dice_below(&w->dice, 5);
  note(w, "the end, manner %u", manner);
  w->fuel = 1000;
  w->calm = manner != 0 && dice_chance(&w->dice, 50);
  if (manner == 1)
    say_goodbye(w);
  else if (manner == 2)
    check_silence(w);
  else if (manner == 3)
    drain_all(w);
  refuse_to_go(w);
  w->memory_fails = w->temper.starved_end;
  swale_testing_fail_allocation(w->env, w->memory_fails ? 1 : 0, 1);
  w->memory_ever_fails |= w->memory_fails;
  w->fuel = 100;
  free_peers(w);
  for (uint32_t i = 0; i < w->temper.loops; i++)
    free_loop(w, &w->hosts[i]);
  check_empty(w);
  check_books(w);
  CHECK(w, swale_app_free(w->app) == 0, "the app does not go");
  CHECK(w, swale_layer_free(w->layer) == 0, "the layer does not go");
  size_t left = swale_testing_env_free(w->env);
  CHECK(w, left == 0, "%zu blocks of memory were never freed", left);
  current = NULL;
}

void world_free(struct world *w) {
  free(w->peers);
  free(w->graves);
  free(w->actors);
  free(w);
}

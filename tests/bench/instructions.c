/* SPDX-License-Identifier: MIT */
/*
 * A small scenario that always runs the same way, for counting instructions under callgrind (see instructions.py): what is inside
 * `measured` is counted. Prints how many deliveries that were.
 *
 *   instructions layer | send | websocket | batch | receive
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "counting.h"
#include "wire.h"

enum { MEMBERS = 1000, MESSAGES = 20, BATCH = 16, TEXT_SIZE = 128 };

struct scenario {
  const char *name;
  void (*run)(struct wire *w, swale_message *m);
  size_t deliveries;
};

/* ---- consumers without a peer ---- */

static int on_connect(swale_consumer *c) { return swale_accept(c, NULL); }

static int on_count(swale_consumer *c, swale_message *m) {
  (void)c, (void)m;
  return 0;
}

static int on_relay(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, world_render, NULL);
}

static const char *const everybody[] = {"all", NULL};
static const struct swale_handler handlers[] = {{"count", on_count}, {"relay", on_relay}, {NULL, NULL}};
static const struct swale_consumer_class member = {
    .groups = everybody, .connect = on_connect, .handlers = handlers};

/* ---- what is counted ---- */

static void broadcast(const struct world *w, swale_message *m, size_t times) {
  for (size_t i = 0; i < times; i++)
    must(swale_group_send(w->layer, "all", m), "swale_group_send");
  swale_loop_run(w->loop);
}

static void run_one_by_one(struct wire *w, swale_message *m) {
  for (size_t i = 0; i < MESSAGES; i++)
    broadcast(w->world, m, 1);
}

static void run_batch(struct wire *w, swale_message *m) { broadcast(w->world, m, BATCH); }

/* Each client says something, which is taken apart and thrown away. */
static void run_receive(struct wire *w, swale_message *m) {
  (void)m;
  for (size_t i = 0; i < w->count; i++)
    wire_say(w, i, SWALE_BINARY,
             "some eighty bytes, which is about as long as what people write when they chat");
}

/* Its name is what callgrind looks for. */
__attribute__((noinline)) void measured(const struct scenario *s, struct wire *w, swale_message *m);
void measured(const struct scenario *s, struct wire *w, swale_message *m) { s->run(w, m); }

/* Once before, so that pools are filled and memory is there. */
static void run(const struct scenario *s, struct wire *w, swale_message *m) {
  s->run(w, m);
  measured(s, w, m);
}

/* ---- the scenarios ---- */

static const struct scenario scenarios[] = {
    {"layer", run_one_by_one, MEMBERS *MESSAGES}, /* a trivial handler */
    {"send", run_one_by_one, MEMBERS *MESSAGES},  /* a handler that sends, to nowhere */
    {"websocket", run_one_by_one, MEMBERS *MESSAGES},
    {"batch", run_batch, MEMBERS *BATCH},
    {"receive", run_receive, MEMBERS},
};

static void run_bare(const struct scenario *s, struct world *world) {
  struct wire none = {.world = world};
  must(swale_app_default(world->app, &member), "swale_app_default");
  world_populate(world, world->loop, MEMBERS, NULL);
  swale_message *m = world_message(world, strcmp(s->name, "layer") == 0 ? "count" : "relay", TEXT_SIZE);
  run(s, &none, m);
  swale_message_unref(m);
}

static void run_wire(const struct scenario *s, struct world *world) {
  struct wire wire;
  wire_open(&wire, world, MEMBERS);
  while (wire.count < MEMBERS)
    wire_connect(&wire, 0);
  swale_loop_run(world->loop);
  swale_message *m = world_message(world, "relay", TEXT_SIZE);
  run(s, &wire, m);
  swale_message_unref(m);
  wire_close(&wire);
}

int main(int argc, char **argv) {
  struct counting counting;
  struct swale_env env;
  struct world world;
  const struct scenario *s = scenarios, *end = s + sizeof scenarios / sizeof *scenarios;
  while (argc == 2 && s < end && strcmp(s->name, argv[1]) != 0)
    s++;
  if (argc != 2 || s == end)
    die("usage: instructions layer | send | websocket | batch | receive");
  counting_env(&counting, &env);
  world_open(&world, &env, 0);
  if (s - scenarios < 2)
    run_bare(s, &world);
  else
    run_wire(s, &world);
  world_close(&world);
  printf("%zu\n", s->deliveries);
  return 0;
}

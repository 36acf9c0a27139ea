/* SPDX-License-Identifier: MIT */
/*
 * Heap of many WebSocket connections on an in-memory transport. Prints JSON.
 *
 *   memory 100000        bytes each: idle, after one message, after 16 at once;
 *                        with 1 KiB of headers more in the request, and with these kept
 *   memory million       a million connections at once, and one message to all of them
 *   memory bars          fails when a connection takes more than it may
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "counting.h"
#include "process.h"
#include "wire.h"

enum { HEADER_BYTES = 1024, IDLE_BAR = 512, BESIDE_HEADERS_BAR = 1024 };

static uint64_t resident(void) {
  struct processes self = {.pids = {(int)getpid()}, .count = 1};
  return processes_resident(&self);
}

struct figures {
  double requested, taken, blocks, after_message, after_burst, later;
};

/* Client 0 says this many things at once, and all get them. */
static void say(struct wire *w, size_t times) {
  uint64_t frames = w->frames;
  for (size_t i = 0; i < times; i++)
    wire_say(w, 0, SWALE_TEXT, "good news for everyone");
  while (swale_loop_timeout_ms(w->world->loop) == 0)
    swale_loop_run(w->world->loop);
  if (w->frames - frames != times * w->count)
    die("%llu frames were written", (unsigned long long)(w->frames - frames));
}

/* Nothing happens for some minutes. */
static void wait_minutes(struct counting *counting, struct world *w) {
  for (int i = 0; i < 30; i++) {
    counting->now_ms += 10000;
    swale_loop_run(w->loop);
  }
}

static struct figures measure(size_t count, size_t header_bytes, unsigned keep) {
  struct counting counting;
  struct swale_env env;
  struct world world;
  struct wire wire;
  counting_env(&counting, &env);
  world_open(&world, &env, keep);
  wire_open(&wire, &world, count);
  struct counting before = counting;
  while (wire.count < count)
    wire_connect(&wire, header_bytes);
  swale_loop_run(world.loop);
  double n = (double)count;
  struct figures f = {.requested = (double)(counting.requested - before.requested) / n,
                      .taken = (double)(counting.taken - before.taken) / n,
                      .blocks = (double)(counting.blocks - before.blocks) / n};
  say(&wire, 1);
  f.after_message = (double)(counting.taken - before.taken) / n;
  say(&wire, 16);
  f.after_burst = (double)(counting.taken - before.taken) / n;
  wire.options.ping_ms = 0; /* nobody would answer */
  wait_minutes(&counting, &world);
  f.later = (double)(counting.taken - before.taken) / n;
  wire_close(&wire);
  world_close(&world);
  if (counting.blocks > 0)
    die("%zu blocks were not freed", counting.blocks);
  return f;
}

static void print_figures(const char *name, struct figures f, const char *end) {
  printf("  \"%s\": {\"requested\": %.1f, \"heap\": %.1f, \"blocks\": %.2f, \"heap_after_message\": %.1f, "
         "\"heap_after_burst\": %.1f, \"heap_later\": %.1f}%s\n",
         name, f.requested, f.taken, f.blocks, f.after_message, f.after_burst, f.later, end);
}

static void print_each(size_t count) {
  printf("{\n  \"connections\": %zu,\n", count);
  print_figures("idle", measure(count, 0, 0), ",");
  print_figures("with_headers", measure(count, HEADER_BYTES, 0), ",");
  print_figures("headers_kept", measure(count, HEADER_BYTES, SWALE_KEEP_HEADERS), "");
  puts("}");
}

/* What is common to all connections grows by half now and then, so at several numbers of them. */
static void check_bars(void) {
  double idle = 0, kept = 0;
  for (size_t count = 20000; count < 50000; count += 5000) {
    double i = measure(count, 0, 0).taken, k = measure(count, HEADER_BYTES, SWALE_KEEP_HEADERS).taken;
    idle = i > idle ? i : idle;
    kept = k > kept ? k : kept;
  }
  double beside = kept - HEADER_BYTES;
  printf("%.0f bytes of heap per idle connection (bar %d), %.0f beside 1 KiB of headers (bar %d)\n", idle,
         IDLE_BAR, beside, BESIDE_HEADERS_BAR);
  if (idle > IDLE_BAR || beside > BESIDE_HEADERS_BAR)
    die("a connection takes too much");
}

static void print_million(size_t count) {
  struct world world;
  struct wire wire;
  uint64_t before = resident(), start = now_ns();
  world_open(&world, NULL, 0);
  wire_open(&wire, &world, count);
  while (wire.count < count)
    wire_connect(&wire, 0);
  swale_loop_run(world.loop);
  double connect_s = (double)(now_ns() - start) / 1e9;
  double best = 1e18, first = 0, bytes = (double)(resident() - before);
  for (int i = 0; i < 5; i++) {
    start = now_ns();
    say(&wire, 1);
    double ms = (double)(now_ns() - start) / 1e6;
    best = ms < best ? ms : best;
    first = i == 0 ? ms : first;
  }
  printf("{\"connections\": %zu, \"connect_seconds\": %.2f, \"resident_mib\": %.1f, \"resident_mib_after\": "
         "%.1f, "
         "\"first_message_ms\": %.1f, \"message_ms\": %.1f}\n",
         count, connect_s, bytes / (1 << 20), (double)(resident() - before) / (1 << 20), first, best);
  wire_close(&wire);
  world_close(&world);
}

int main(int argc, char **argv) {
  if (argc != 2)
    die("usage: memory COUNT | million | bars");
  if (strcmp(argv[1], "million") == 0)
    print_million(1000000);
  else if (strcmp(argv[1], "bars") == 0)
    check_bars();
  else
    print_each((size_t)parse_number(argv[1], 16, 1000000));
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Deterministic simulation of hosts, peers and threads around libswale and libswale-ws.
 *
 *     simulation [--seed N] [--runs N] [--lifetimes N] [--seconds N] [--steps N] [--trace]
 *
 * Runs worlds of consecutive seeds until so many runs, or so many connections that came and went, or so many seconds. What is
 * wrong is told with the seed and step that show it again.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

struct plan {
  uint64_t seed, runs, lifetimes, seconds, steps;
  bool trace;
};

enum { HANG_SECONDS = 120 };

/* Sanitizers end the program in their own way. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void die(int signal_number) {
  signal(signal_number, SIG_DFL);
  world_epitaph();
  raise(signal_number);
}

static void catch_death(void) {
  static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM};
  if (__sanitizer_set_death_callback) {
    __sanitizer_set_death_callback(world_epitaph);
    signal(SIGALRM, die);
    return;
  }
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
    signal(signals[i], die);
}

static uint64_t number(const char *text) {
  char *end;
  uint64_t n = strtoull(text, &end, 0);
  if (*text == '\0' || *end != '\0') {
    fprintf(stderr, "simulation: %s is no number\n", text);
    exit(2);
  }
  return n;
}

static struct plan read_plan(int argc, char **argv) {
  static const struct option options[] = {
      {"seed", required_argument, NULL, 's'},
      {"runs", required_argument, NULL, 'r'},
      {"steps", required_argument, NULL, 'n'},
      {"lifetimes", required_argument, NULL, 'l'},
      {"seconds", required_argument, NULL, 't'},
      {"trace", no_argument, NULL, 'v'},
      {NULL, 0, NULL, 0},
  };
  struct plan plan = {.seed = 1};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
    switch (c) {
    case 's':
      plan.seed = number(optarg);
      break;
    case 'r':
      plan.runs = number(optarg);
      break;
    case 'n':
      plan.steps = number(optarg);
      break;
    case 'l':
      plan.lifetimes = number(optarg);
      break;
    case 't':
      plan.seconds = number(optarg);
      break;
    case 'v':
      plan.trace = true;
      break;
    default:
      exit(2);
    }
  if (!plan.runs && !plan.lifetimes && !plan.seconds)
    plan.runs = 1;
  return plan;
}

/* A step more than `steps` is never taken; without it the world itself decides how long it lasts. */
static void run(const struct plan *plan, uint64_t seed, struct census *total) {
  struct world *w = world_new(seed, plan->trace);
  uint64_t steps = 200 + dice_below(&w->dice, 20000);
  if (plan->steps > 0 && plan->steps < steps)
    steps = plan->steps;
  alarm(HANG_SECONDS);
  while (w->step < steps)
    world_step(w);
  world_end(w);
  total->runs++;
  total->steps += w->step;
  total->connections += w->census.connections;
  total->consumers += w->census.consumers;
  total->said += w->census.said;
  total->handled += w->census.handled;
  total->read += w->census.read;
  total->dropped += w->census.dropped;
  total->errors += w->census.errors;
  total->compressing += w->census.compressing;
  total->inflated += w->census.inflated;
  world_free(w);
}

static bool is_done(const struct plan *plan, const struct census *total, time_t start) {
  return (plan->runs > 0 && total->runs >= plan->runs) ||
         (plan->lifetimes > 0 && total->connections >= plan->lifetimes) ||
         (plan->seconds > 0 && (uint64_t)(time(NULL) - start) >= plan->seconds);
}

static void print_census(const struct census *c) {
  printf("simulation: %" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64 " connections came and went, %" PRIu64
         " had a consumer, %" PRIu64 " compress; peers said %" PRIu64 " messages and read %" PRIu64
         ", %" PRIu64 " of them compressed; layer messages: %" PRIu64 " handled, %" PRIu64
         " reported as dropped; %" PRIu64 " errors reported\n",
         c->runs, c->steps, c->connections, c->consumers, c->compressing, c->said, c->read, c->inflated,
         c->handled, c->dropped, c->errors);
}

int main(int argc, char **argv) {
  struct plan plan = read_plan(argc, argv);
  struct census total = {0};
  time_t start = time(NULL);
  catch_death();
  for (uint64_t seed = plan.seed; !is_done(&plan, &total, start); seed++)
    run(&plan, seed, &total);
  print_census(&total);
  return 0;
}

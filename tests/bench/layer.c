/* SPDX-License-Identifier: MIT */
/*
 * The channel layer and consumers without any network. Prints JSON; times are nanoseconds of wall clock, the best of several tries.
 *
 *   layer [quick]
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "counting.h"
#include "world.h"

enum { TEXT_SIZE = 128, TRIES = 5 };

static bool quick;

/* ---- handlers ---- */

static __thread uint64_t handled;

static int on_connect(swale_consumer *c) { return swale_accept(c, NULL); }

static int on_count(swale_consumer *c, swale_message *m) {
  (void)c, (void)m;
  handled++;
  return 0;
}

static int on_state(swale_consumer *c, swale_message *m) {
  (void)m;
  ++*(uint64_t *)swale_state(c);
  return 0;
}

static int on_send(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, world_render, NULL);
}

static const char *const everybody[] = {"all", NULL};
static const struct swale_handler handlers[] = {
    {"count", on_count}, {"state", on_state}, {"send", on_send}, {NULL, NULL}};
static const struct swale_consumer_class member = {
    .state_size = sizeof(uint64_t), .groups = everybody, .connect = on_connect, .handlers = handlers};
static const struct swale_consumer_class loner = {
    .state_size = sizeof(uint64_t), .connect = on_connect, .handlers = handlers};

static void open_with(struct world *w, const struct swale_env *env, const struct swale_consumer_class *cls) {
  world_open(w, env, 0);
  must(swale_app_default(w->app, cls), "swale_app_default");
}

/* ---- deliveries by group size ---- */

static void broadcast(const struct world *w, swale_message *m, size_t times) {
  for (size_t i = 0; i < times; i++) {
    must(swale_group_send(w->layer, "all", m), "swale_group_send");
    swale_loop_run(w->loop);
  }
}

/* Nanoseconds per delivery. */
static double time_deliveries(const struct world *w, const char *type, size_t members) {
  size_t times = (quick ? 2000000 : 20000000) / members + 1;
  swale_message *m = world_message(w, type, TEXT_SIZE);
  double best = 1e18;
  broadcast(w, m, times / 10 + 1);
  for (int i = 0; i < TRIES; i++) {
    uint64_t start = now_ns();
    broadcast(w, m, times);
    double ns = (double)(now_ns() - start) / (double)times / (double)members;
    best = ns < best ? ns : best;
  }
  swale_message_unref(m);
  return best;
}

/* Members stand in the group in an order that has nothing to do with where they are in memory. */
static void join_shuffled(swale_consumer **consumers, size_t count) {
  uint64_t random = 1;
  for (size_t i = count; i > 1; i--) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    size_t other = (size_t)((random >> 32) * i >> 32);
    swale_consumer *c = consumers[i - 1];
    consumers[i - 1] = consumers[other];
    consumers[other] = c;
  }
  for (size_t i = 0; i < count; i++)
    must(swale_join(consumers[i], "all"), "swale_join");
}

static void print_deliveries(size_t members, bool shuffled) {
  struct world w;
  swale_consumer **consumers = must_alloc(members * sizeof(swale_consumer *));
  open_with(&w, NULL, shuffled ? &loner : &member);
  world_populate(&w, w.loop, members, consumers);
  if (shuffled)
    join_shuffled(consumers, members);
  double count = time_deliveries(&w, "count", members), state = time_deliveries(&w, "state", members),
         sent = time_deliveries(&w, "send", members);
  printf(
      "    {\"members\": %zu, \"shuffled\": %s, \"count_ns\": %.2f, \"state_ns\": %.2f, \"send_ns\": %.2f}",
      members, shuffled ? "true" : "false", count, state, sent);
  world_close(&w);
  free(consumers);
}

/* ---- calls ---- */

/* A group_send alone; the fan-out is not timed. */
static double time_group_send(size_t members) {
  enum { BATCH = 64 };
  struct world w;
  open_with(&w, NULL, &member);
  world_populate(&w, w.loop, members, NULL);
  swale_message *m = world_message(&w, "count", TEXT_SIZE);
  size_t batches = (quick ? 200000 : 2000000) / (members + 1000) + 10;
  double best = 1e18;
  for (int i = 0; i < TRIES; i++) {
    uint64_t ns = 0;
    for (size_t b = 0; b < batches; b++) {
      uint64_t start = now_ns();
      for (int n = 0; n < BATCH; n++)
        swale_group_send(w.layer, "all", m);
      ns += now_ns() - start;
      swale_loop_run(w.loop);
    }
    double each = (double)ns / (double)batches / BATCH;
    best = each < best ? each : best;
  }
  swale_message_unref(m);
  world_close(&w);
  return best;
}

static void print_membership(size_t members) {
  struct world w;
  open_with(&w, NULL, &loner);
  swale_consumer **consumers = must_alloc(members * sizeof(swale_consumer *));
  char(*names)[SWALE_NAME_SIZE] = must_alloc(members * sizeof *names);
  world_populate(&w, w.loop, members, consumers);
  for (size_t i = 0; i < members; i++)
    swale_channel_name(consumers[i], names[i]);
  double add = 1e18, discard = 1e18;
  for (int t = 0; t < TRIES; t++) {
    uint64_t start = now_ns();
    for (size_t i = 0; i < members; i++)
      must(swale_group_add(w.layer, "all", names[i]), "swale_group_add");
    uint64_t middle = now_ns();
    for (size_t i = 0; i < members; i++)
      must(swale_group_discard(w.layer, "all", names[i]), "swale_group_discard");
    double a = (double)(middle - start) / (double)members, d = (double)(now_ns() - middle) / (double)members;
    add = a < add ? a : add;
    discard = d < discard ? d : discard;
  }
  printf("  \"group_add_ns\": %.1f, \"group_discard_ns\": %.1f,\n", add, discard);
  world_close(&w);
  free(names);
  free(consumers);
}

static double time_send_receive(size_t times) {
  struct world w;
  open_with(&w, NULL, &loner);
  swale_message *m = world_message(&w, "job", TEXT_SIZE), *got;
  double best = 1e18;
  for (int t = 0; t < TRIES; t++) {
    uint64_t start = now_ns();
    for (size_t i = 0; i < times; i++) {
      must(swale_send(w.layer, "jobs", m), "swale_send");
      must(swale_receive(w.layer, "jobs", &got), "swale_receive");
      swale_message_unref(got);
    }
    double each = (double)(now_ns() - start) / (double)times;
    best = each < best ? each : best;
  }
  swale_message_unref(m);
  world_close(&w);
  return best;
}

/* From swale_send to the return of the handler. */
static double time_send_to_consumer(size_t times) {
  struct world w;
  swale_consumer *c;
  char name[SWALE_NAME_SIZE];
  open_with(&w, NULL, &loner);
  world_populate(&w, w.loop, 1, &c);
  swale_channel_name(c, name);
  swale_message *m = world_message(&w, "count", TEXT_SIZE);
  double best = 1e18;
  for (int t = 0; t < TRIES; t++) {
    uint64_t start = now_ns();
    for (size_t i = 0; i < times; i++) {
      must(swale_send(w.layer, name, m), "swale_send");
      if (i % 64 == 63)
        swale_loop_run(w.loop);
    }
    swale_loop_run(w.loop);
    double each = (double)(now_ns() - start) / (double)times;
    best = each < best ? each : best;
  }
  swale_message_unref(m);
  world_close(&w);
  return best;
}

/* ---- allocations ---- */

/* For each message that is built, sent and rendered, in the steady state; and how many of these come on top with each member. */
static double count_allocations(size_t members, size_t messages) {
  struct counting counting;
  struct swale_env env;
  struct world w;
  counting_env(&counting, &env);
  open_with(&w, &env, &member);
  world_populate(&w, w.loop, members, NULL);
  uint64_t before = 0;
  for (size_t i = 0; i < 2 * messages; i++) {
    if (i == messages)
      before = counting.allocations;
    swale_message *m = world_message(&w, "send", TEXT_SIZE);
    must(swale_group_send(w.layer, "all", m), "swale_group_send");
    swale_message_unref(m);
    swale_loop_run(w.loop);
  }
  double each = (double)(counting.allocations - before) / (double)messages;
  world_close(&w);
  if (counting.blocks > 0)
    die("%zu blocks were not freed", counting.blocks);
  return each;
}

static void print_allocations(void) {
  double few = count_allocations(10, 1000), many = count_allocations(1010, 1000);
  printf("  \"allocations_per_message\": %.3f, \"allocations_per_delivery\": %.6f,\n", few,
         (many - few) / 1000);
}

/* ---- two loops in two threads ---- */

/*
 * Two threads run a loop each, and each sends half of the messages to all members, with WINDOW of them under way so that neither
 * has to wait for the other. Many short tries, of which the best counts: with two threads on two cores whatever else runs takes
 * from one of them.
 */
enum { WINDOW = 1024, LOOP_TRIES = 40, LOOP_DELIVERIES = 10000000, BATCH = 64, APART = 128 };

struct side {
  struct race *race;
  swale_loop *loop;
  atomic_bool woken;
  uint64_t sent;
  atomic_ullong done; /* messages that have reached all members here */
  char apart[APART];
};

struct race {
  swale_layer *layer;
  swale_message *message;
  size_t members; /* on each side */
  int n_sides;
  struct side sides[2];
  atomic_ullong target; /* so many messages are to be sent by each side, since the beginning */
  atomic_bool stop;
};

/* Each thread on a processor of its own: two that yield to each other may stay on one for long. */
static void pin(int nth) {
  static cpu_set_t allowed;
  static bool known;
  if (!known && sched_getaffinity(0, sizeof allowed, &allowed) < 0)
    return;
  known = true;
  for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &allowed) && nth-- == 0) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      sched_setaffinity(0, sizeof one, &one);
      return;
    }
}

static void wake_side(void *user) {
  struct side *s = user;
  atomic_store_explicit(&s->woken, true, memory_order_release);
}

static uint64_t slowest(struct race *r) {
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < r->n_sides; i++) {
    uint64_t done = atomic_load_explicit(&r->sides[i].done, memory_order_acquire);
    least = done < least ? done : least;
  }
  return least;
}

/* Sends what it may. */
static void send_share(struct side *s, uint64_t target) {
  uint64_t n = (uint64_t)s->race->n_sides, limit = (slowest(s->race) + WINDOW) / n;
  for (; s->sent < target && s->sent < limit; s->sent++)
    must(swale_group_send(s->race->layer, "all", s->race->message), "swale_group_send");
}

/* Nobody sleeps here, but who has nothing to do lets others run. */
static void run_side(struct side *s) {
  send_share(s, atomic_load_explicit(&s->race->target, memory_order_relaxed));
  if (!atomic_exchange_explicit(&s->woken, false, memory_order_acquire)) {
    sched_yield();
    return;
  }
  swale_loop_run(s->loop);
  atomic_store_explicit(&s->done, handled / s->race->members, memory_order_release);
}

static void *second_thread(void *arg) {
  struct side *s = arg;
  pin(1);
  handled = 0;
  while (!atomic_load_explicit(&s->race->stop, memory_order_relaxed))
    run_side(s);
  return NULL;
}

/* Deliveries a second while so many messages more go to all members. */
static double time_race(struct race *r, size_t messages) {
  size_t n = (size_t)r->n_sides, members = r->members * n;
  uint64_t start = now_ns(), target = atomic_load(&r->target) + messages / n;
  atomic_store(&r->target, target);
  while (slowest(r) < target * n)
    run_side(&r->sides[0]);
  return (double)(messages / n * n) * (double)members * 1e9 / (double)(now_ns() - start);
}

/* The best of many tries, with `members` in all, standing evenly on this many loops. */
static double measure_loops(int n_sides, size_t members) {
  struct world w;
  struct race r = {.members = members / (size_t)n_sides, .n_sides = n_sides};
  pthread_t thread;
  open_with(&w, NULL, &member);
  r.layer = w.layer;
  r.message = world_message(&w, "count", TEXT_SIZE);
  for (int i = 0; i < n_sides; i++) {
    r.sides[i].race = &r;
    r.sides[i].loop = world_loop(&w, wake_side, &r.sides[i], BATCH); /* says often how far it is */
    world_populate(&w, r.sides[i].loop, r.members, NULL);
  }
  handled = 0;
  if (n_sides == 2 && pthread_create(&thread, NULL, second_thread, &r.sides[1]) != 0)
    die("pthread_create");
  pin(0);
  double best = 0;
  for (int t = 0; t <= (quick ? TRIES : LOOP_TRIES); t++) {
    double rate = time_race(&r, LOOP_DELIVERIES / members);
    best = t > 0 && rate > best ? rate : best;
  }
  atomic_store(&r.stop, true);
  if (n_sides == 2)
    pthread_join(thread, NULL);
  for (int i = 0; i < n_sides; i++)
    must(swale_loop_free(r.sides[i].loop), "swale_loop_free");
  swale_message_unref(r.message);
  world_close(&w);
  return best;
}

static void print_loops(size_t members) {
  double one = measure_loops(1, members), two = measure_loops(2, members);
  printf("    {\"members\": %zu, \"one_loop_per_second\": %.0f, \"two_loops_per_second\": %.0f, \"ratio\": "
         "%.2f}",
         members, one, two, two / one);
}

int main(int argc, char **argv) {
  quick = argc > 1 && strcmp(argv[1], "quick") == 0;
  static const size_t sizes[] = {10, 100, 1000, 10000, 100000, 1000000};
  printf("{\n  \"deliveries\": [\n");
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    print_deliveries(sizes[i], false);
    puts(",");
  }
  print_deliveries(1000000, true);
  printf("],\n  \"group_send_ns\": {\"1\": %.1f, \"1000\": %.1f, \"100000\": %.1f},\n", time_group_send(1),
         time_group_send(1000), time_group_send(100000));
  print_membership(quick ? 10000 : 100000);
  printf("  \"send_receive_ns\": %.1f, \"send_to_consumer_ns\": %.1f,\n",
         time_send_receive(quick ? 50000 : 500000), time_send_to_consumer(quick ? 50000 : 500000));
  print_allocations();
  puts("  \"loops\": [");
  print_loops(1000);
  puts(",");
  print_loops(20000);
  puts("]\n}");
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * One layer, loops in several threads, and threads without a loop. Everybody sends to everybody, joins and leaves,
 * opens and ends consumers; one loop is freed and made anew all the time.
 *
 * Every message says who sent it and carries three numbers of its sender: which message it is, which of those to the
 * group "all", and which of those to the channel "work". So each receiver can see for himself that
 * nothing of one sender overtakes, comes twice or is missing in between. In the end the counts must agree.
 *
 * cmocka's asserts belong to the main thread; the others note a failure by its line.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <swale/app.h>
#include <swale/layer.h>
#include <swale/message.h>
#include <swale/transport.h>

#include "unit.h"

enum {
  LOOPS = 3,
  OUTSIDERS = 2,
  PASSING = LOOPS + OUTSIDERS, /* the thread whose loop comes and goes */
  SENDERS = PASSING + 1,
  STAYING = 5, /* consumers of each loop that stay, in the group "all" */
  GUESTS = 4,  /* at most, that come and go */
  PLAINS = 2,
  ROUNDS = 250,
  WORK_MAX = 8192,
};

struct receiver {
  swale_consumer *consumer; /* NULL once it has ended; its own thread only */
  char channel[SWALE_NAME_SIZE];
  bool staying, paused;
  int64_t last[SENDERS], last_all[SENDERS]; /* numbers seen; -1: none yet */
  uint64_t from_all[SENDERS], direct[SENDERS];
};

/* A thread, and its loop if it has one. */
struct actor {
  struct town *town;
  int index;
  pthread_t thread;
  uint64_t random;
  bool may_send; /* in handlers */
  int64_t messages, to_all, to_work;
  uint64_t to_staying[LOOPS][STAYING];

  swale_loop *loop;
  atomic_bool woken; /* since the loop last ran */
  struct receiver staying[STAYING], guests[GUESTS], worker;
};

struct town {
  swale_layer *layer;
  swale_app *app;
  bool flushes;
  struct actor actors[SENDERS];
  pthread_barrier_t barrier;
  atomic_uchar work_done[SENDERS][WORK_MAX];
  atomic_int failed_line;
};

static void note_failure(struct town *t, int line) {
  int none = 0;
  atomic_compare_exchange_strong(&t->failed_line, &none, line);
}

#define CHECK(town, truth)                                                                                   \
  do {                                                                                                       \
    if (!(truth))                                                                                            \
      note_failure((town), __LINE__);                                                                        \
  } while (0)

static uint32_t below(struct actor *a, uint32_t n) {
  a->random = a->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((a->random >> 33) % n);
}

/* ---- sending ---------------------------------------------------------------------------------- */

static swale_message *new_message(struct actor *a, const char *to) {
  swale_message *m = swale_message_new("note");
  swale_message_add_int(m, "sender", a->index);
  swale_message_add_int(m, "number", a->messages);
  swale_message_add_int(m, "all", a->to_all);
  swale_message_add_int(m, "work", a->to_work);
  swale_message_add_str(m, "to", to);
  return m;
}

static bool deliver_to_group(struct actor *a, const char *group) {
  swale_message *m = new_message(a, group);
  int rv = swale_group_send(a->town->layer, group, m);
  swale_message_unref(m);
  CHECK(a->town, rv >= 0);
  a->messages++;
  return rv >= 0;
}

static int deliver_to_channel(struct actor *a, const char *channel, const char *to) {
  swale_message *m = new_message(a, to);
  int rv = swale_send(a->town->layer, channel, m);
  swale_message_unref(m);
  a->messages++;
  return rv;
}

static void send_to_all(struct actor *a) { a->to_all += deliver_to_group(a, "all"); }
static void send_to_some(struct actor *a) { deliver_to_group(a, "some"); }

static void send_to_one(struct actor *a) {
  uint32_t loop = below(a, LOOPS), i = below(a, STAYING);
  int rv = deliver_to_channel(a, a->town->actors[loop].staying[i].channel, "one");
  CHECK(a->town, rv == 0);
  a->to_staying[loop][i]++;
}

static void send_work(struct actor *a) {
  if (a->to_work >= WORK_MAX)
    return;
  int rv = deliver_to_channel(a, "work", "work");
  CHECK(a->town, rv == 0);
  a->to_work += rv == 0;
}

static void send_something(struct actor *a) {
  uint32_t choice = below(a, 10);
  if (choice < 3)
    send_to_all(a);
  else if (choice < 6)
    send_to_some(a);
  else if (choice < 8)
    send_to_one(a);
  else
    send_work(a);
}

/* ---- joining and leaving ---------------------------------------------------------------------- */

/* Some channel that lives long enough to be spoken of in every thread. */
static const char *some_channel(struct actor *a) {
  static const char *const plains[PLAINS] = {"p0", "p1"};
  if (below(a, 6) == 0)
    return plains[below(a, PLAINS)];
  return a->town->actors[below(a, LOOPS)].staying[below(a, STAYING)].channel;
}

static void join_or_leave(struct actor *a) {
  const char *channel = some_channel(a);
  if (below(a, 2))
    CHECK(a->town, swale_group_add(a->town->layer, "some", channel) == 0);
  else
    CHECK(a->town, swale_group_discard(a->town->layer, "some", channel) == 0);
}

static void look_around(struct actor *a) {
  struct swale_layer_stats stats;
  struct swale_cursor cursor = {0};
  char name[SWALE_NAME_SIZE];
  swale_layer *layer = a->town->layer;
  CHECK(a->town, swale_layer_stats_get(layer, &stats) == 0);
  CHECK(a->town, swale_group_count(layer, "all") >= (a->town->flushes ? 0 : LOOPS * STAYING));
  while (swale_group_next(layer, "some", &cursor, name) == 1)
    CHECK(a->town, strlen(name) > 1);
  cursor = (struct swale_cursor){0};
  while (swale_channel_next_group(layer, some_channel(a), &cursor, name) == 1)
    CHECK(a->town, strlen(name) >= 3);
}

/* ---- being told ------------------------------------------------------------------------------- */

/* What every receiver checks. `r` has been told `m`. */
static int check_order(struct town *t, struct receiver *r, const swale_message *m) {
  int sender = (int)swale_message_get_int(m, "sender", -1);
  int64_t number = swale_message_get_int(m, "number", -1);
  CHECK(t, number > r->last[sender]);
  r->last[sender] = number;
  return sender;
}

static void check_all(struct town *t, struct receiver *r, int sender, int64_t all) {
  bool first = r->last_all[sender] < 0;
  CHECK(t, t->flushes || first || all == r->last_all[sender] + 1);
  r->last_all[sender] = all;
  r->from_all[sender]++;
}

static struct actor *actor_of(const swale_consumer *c) {
  struct town *t = swale_consumer_user(c);
  for (int i = 0; i < SENDERS; i++)
    if (t->actors[i].loop == swale_consumer_loop(c))
      return &t->actors[i];
  return NULL;
}

static int be_told(swale_consumer *c, swale_message *m) {
  struct receiver *r = *(struct receiver **)swale_state(c);
  struct town *t = swale_consumer_user(c);
  CHECK(t, r->consumer == c && !r->paused);
  int sender = check_order(t, r, m);
  struct swale_value to;
  CHECK(t, swale_message_get(m, "to", &to) == 0);
  if (swale_value_is(&to, "all"))
    check_all(t, r, sender, swale_message_get_int(m, "all", -1));
  else if (swale_value_is(&to, "one"))
    r->direct[sender]++;
  else if (swale_value_is(&to, "work"))
    atomic_fetch_add(&t->work_done[sender][swale_message_get_int(m, "work", 0)], 1);
  struct actor *here = *((struct actor **)swale_state(c) + 1);
  if (here->may_send && below(here, 40) == 0)
    send_something(here);
  if (here->may_send && below(here, 20) == 0)
    join_or_leave(here);
  return 0;
}

static int say_goodbye(swale_consumer *c, int code) {
  (void)code;
  struct receiver *r = *(struct receiver **)swale_state(c);
  r->consumer = NULL;
  return 0;
}

/* ---- consumers -------------------------------------------------------------------------------- */

static int take_accept(void *transport, const char *subprotocol, const struct swale_header *headers,
                       size_t n) {
  (void)transport, (void)subprotocol, (void)headers, (void)n;
  return 0;
}

static int take_reject(void *transport, int status, const struct swale_header *headers, size_t n,
                       const char *body) {
  (void)transport, (void)status, (void)headers, (void)n, (void)body;
  return 0;
}

static int take_close(void *transport, uint16_t code, const char *reason) {
  (void)transport, (void)code, (void)reason;
  return 0;
}

static const struct swale_transport_class peers = {
    .type = "thread", .accept = take_accept, .reject = take_reject, .close = take_close};

static const struct swale_handler handlers[] = {{"note", be_told}, {NULL, NULL}};

static void sit_down(struct receiver *r, struct actor *here, swale_consumer *c) {
  *r = (struct receiver){.consumer = c};
  for (int i = 0; i < SENDERS; i++)
    r->last[i] = r->last_all[i] = -1;
  swale_channel_name(c, r->channel);
  struct receiver **state = swale_state(c);
  state[0] = r;
  *((struct actor **)(void *)state + 1) = here;
}

static int begin_work(swale_consumer *c) {
  struct actor *here = actor_of(c);
  sit_down(&here->worker, here, c);
  return 0;
}

static const struct swale_consumer_class visitor = {
    .state_size = 2 * sizeof(void *), .handlers = handlers, .disconnect = say_goodbye};
static const struct swale_consumer_class worker = {
    .state_size = 2 * sizeof(void *), .handlers = handlers, .disconnect = say_goodbye, .connect = begin_work};

static void open_consumer(struct actor *a, struct receiver *r) {
  struct swale_request request = {.size = sizeof request, .target = "/"};
  swale_consumer *c;
  swale_loop_enter(a->loop);
  int rv = swale_consumer_open(a->town->app, a->loop, &request, &peers, r, &c);
  CHECK(a->town, rv == 0);
  sit_down(r, a, c);
  swale_loop_leave(a->loop);
}

static void end_consumer(struct actor *a, struct receiver *r) {
  swale_loop_enter(a->loop);
  swale_consumer_lost(r->consumer, 1000);
  swale_loop_leave(a->loop);
  CHECK(a->town, r->consumer == NULL);
}

static void pause_or_resume(struct actor *a, struct receiver *r) {
  swale_loop_enter(a->loop);
  r->paused = !r->paused;
  (r->paused ? swale_consumer_pause : swale_consumer_resume)(r->consumer);
  swale_loop_leave(a->loop);
}

static void let_guests_come_and_go(struct actor *a) {
  struct receiver *r = &a->guests[below(a, GUESTS)];
  if (r->consumer) {
    end_consumer(a, r);
    return;
  }
  open_consumer(a, r);
  CHECK(a->town, swale_join(r->consumer, "all") == 0);
  if (below(a, 2))
    CHECK(a->town, swale_join(r->consumer, "some") == 0);
}

/* ---- the threads ------------------------------------------------------------------------------ */

static void wake(void *user) { atomic_store(&((struct actor *)user)->woken, true); }

static void new_loop(struct actor *a) {
  struct swale_loop_config config;
  swale_loop_config_default(&config);
  config.wake = wake;
  config.user = a;
  config.inbox_batch = 50;
  CHECK(a->town, swale_loop_new(&config, &a->loop) == 0);
}

static void run(struct actor *a) {
  atomic_store(&a->woken, false);
  CHECK(a->town, swale_loop_run(a->loop) == 0);
}

static void round_with_loop(struct actor *a) {
  uint32_t choice = below(a, 12);
  if (choice < 4)
    send_something(a);
  else if (choice < 6)
    join_or_leave(a);
  else if (choice < 8)
    let_guests_come_and_go(a);
  else if (choice < 9)
    pause_or_resume(a, &a->staying[below(a, STAYING)]);
  else if (choice < 10)
    look_around(a);
  run(a);
}

/* All sends are over, in every thread. What is left must come without further ado. */
static void finish(struct actor *a) {
  a->may_send = false;
  for (int i = 0; i < STAYING; i++)
    if (a->staying[i].paused)
      pause_or_resume(a, &a->staying[i]);
  pthread_barrier_wait(&a->town->barrier);
  bool has_work = swale_loop_timeout_ms(a->loop) == 0;
  CHECK(a->town, !has_work || atomic_load(&a->woken)); /* or the host would sleep for ever */
  while (swale_loop_timeout_ms(a->loop) == 0)
    run(a);
  pthread_barrier_wait(&a->town->barrier); /* the main thread looks at the books now */
  pthread_barrier_wait(&a->town->barrier);
  CHECK(a->town, swale_loop_free(a->loop) == 0);
}

static void *live_with_loop(void *user) {
  struct actor *a = user;
  pthread_barrier_wait(&a->town->barrier);
  a->may_send = true;
  for (int i = 0; i < ROUNDS; i++)
    round_with_loop(a);
  finish(a);
  return NULL;
}

static void *live_outside(void *user) {
  struct actor *a = user;
  struct town *t = a->town;
  struct receiver seen = {0};
  swale_message *m;
  for (int i = 0; i < SENDERS; i++)
    seen.last[i] = -1;
  pthread_barrier_wait(&t->barrier);
  for (int i = 0; i < 2 * ROUNDS; i++) {
    uint32_t choice = below(a, 10);
    if (choice < 4)
      send_something(a);
    else if (choice < 7)
      join_or_leave(a);
    else if (choice < 8)
      look_around(a);
    else if (t->flushes && below(a, 20) == 0)
      CHECK(t, swale_flush(t->layer) == 0);
    else if (a->index == LOOPS && swale_receive(t->layer, "p0", &m) == 0) {
      check_order(t, &seen, m); /* nobody else receives from this one */
      swale_message_unref(m);
    }
  }
  for (int i = 0; i < 3; i++)
    pthread_barrier_wait(&t->barrier);
  return NULL;
}

/* Loops that end with whatever is in their inbox. */
static void *live_briefly(void *user) {
  struct actor *a = user;
  struct town *t = a->town;
  pthread_barrier_wait(&t->barrier);
  for (int life = 0; life < ROUNDS / 10; life++) {
    new_loop(a);
    for (int i = 0; i < 10; i++) {
      let_guests_come_and_go(a);
      send_something(a);
      if (below(a, 2))
        run(a);
    }
    CHECK(t, swale_loop_free(a->loop) == 0);
    for (int i = 0; i < GUESTS; i++)
      CHECK(t, a->guests[i].consumer == NULL);
  }
  for (int i = 0; i < 3; i++)
    pthread_barrier_wait(&t->barrier);
  return NULL;
}

/* ---- the main thread -------------------------------------------------------------------------- */

static void open_town(struct town *t, bool flushes) {
  struct swale_layer_config layer;
  struct swale_app_config app;
  memset(t, 0, sizeof *t);
  t->flushes = flushes;
  swale_layer_config_default(&layer);
  layer.capacity = 1000000;
  layer.expiry_ms = UINT64_MAX;
  assert_int_equal(swale_layer_open("memory://", &layer, &t->layer, NULL, 0), 0);
  swale_app_config_default(&app);
  app.user = t;
  assert_int_equal(swale_app_new(&app, &t->app), 0);
  assert_int_equal(swale_app_layer(t->app, NULL, t->layer), 0);
  assert_int_equal(swale_app_default(t->app, &visitor), 0);
  assert_int_equal(swale_app_channel(t->app, "work", &worker), 0);
  pthread_barrier_init(&t->barrier, NULL, SENDERS + 1);
}

static void settle(struct actor *a, int index, uint64_t seed) {
  a->index = index;
  a->random = seed * 1000003 + (uint64_t)index;
}

static void open_loops(struct town *t, uint64_t seed) {
  for (int i = 0; i < SENDERS; i++) {
    t->actors[i].town = t;
    settle(&t->actors[i], i, seed);
  }
  for (int i = 0; i < LOOPS; i++) {
    struct actor *a = &t->actors[i];
    new_loop(a);
    for (int k = 0; k < STAYING; k++) {
      open_consumer(a, &a->staying[k]);
      a->staying[k].staying = true;
      assert_int_equal(swale_join(a->staying[k].consumer, "all"), 0);
    }
    assert_int_equal(swale_app_serve(t->app, a->loop), 0);
    run(a);
    assert_non_null(a->worker.consumer);
  }
}

static uint64_t sum_of_drops(const struct swale_layer_stats *s) {
  uint64_t sum = 0;
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    sum += s->dropped[i];
  return sum;
}

static void check_books(struct town *t, bool quiet) {
  struct swale_layer_stats s;
  struct swale_channel_stats plain[PLAINS] = {0};
  assert_int_equal(swale_layer_stats_get(t->layer, &s), 0);
  assert_int_equal(s.offered, s.delivered + s.queued + sum_of_drops(&s));
  if (swale_channel_stats_get(t->layer, "p0", &plain[0]) < 0)
    plain[0].depth = 0;
  if (swale_channel_stats_get(t->layer, "p1", &plain[1]) < 0)
    plain[1].depth = 0;
  if (quiet)
    assert_int_equal(s.queued, plain[0].depth + plain[1].depth);
  assert_int_equal(s.dropped[SWALE_DROP_FULL] + s.dropped[SWALE_DROP_EXPIRED] + s.dropped[SWALE_DROP_NOMEM],
                   0);
}

/* Everybody who stayed has got everything. */
static void check_counts(struct town *t) {
  for (int sender = 0; sender < SENDERS; sender++) {
    const struct actor *from = &t->actors[sender];
    for (int loop = 0; loop < LOOPS; loop++)
      for (int i = 0; i < STAYING; i++) {
        const struct receiver *r = &t->actors[loop].staying[i];
        assert_int_equal(r->from_all[sender], from->to_all);
        assert_int_equal(r->direct[sender], from->to_staying[loop][i]);
      }
    for (int64_t i = 0; i < WORK_MAX; i++)
      assert_int_equal(t->work_done[sender][i], i < from->to_work);
  }
}

static void live(uint64_t seed, bool flushes) {
  static struct town t;
  open_town(&t, flushes);
  open_loops(&t, seed);
  for (int i = 0; i < SENDERS; i++) {
    void *(*life)(void *) = i < LOOPS ? live_with_loop : i < PASSING ? live_outside : live_briefly;
    assert_int_equal(pthread_create(&t.actors[i].thread, NULL, life, &t.actors[i]), 0);
  }
  for (int i = 0; i < 3; i++)
    pthread_barrier_wait(&t.barrier);
  assert_int_equal(t.failed_line, 0);
  check_books(&t, true);
  if (!flushes)
    check_counts(&t);
  pthread_barrier_wait(&t.barrier);
  for (int i = 0; i < SENDERS; i++)
    pthread_join(t.actors[i].thread, NULL);
  assert_int_equal(t.failed_line, 0);
  check_books(&t, true);
  pthread_barrier_destroy(&t.barrier);
  assert_int_equal(swale_app_free(t.app), 0);
  assert_int_equal(swale_layer_free(t.layer), 0);
}

static void everybody_gets_everything_once_and_in_order(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 6; seed++)
    live(seed, false);
}

static void flushes_by_other_threads_do_no_harm(void **state) {
  (void)state;
  for (uint64_t seed = 11; seed <= 13; seed++)
    live(seed, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everybody_gets_everything_once_and_in_order),
      cmocka_unit_test(flushes_by_other_threads_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

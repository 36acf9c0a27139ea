/* SPDX-License-Identifier: MIT */
#include "core/receiver.h"

#include <pthread.h>
#include <stdatomic.h>

#include "crowd.h"

enum { CAPACITY = 3, WAIT_MS = 50 };

/* What became of a receiver. */
struct told {
  int times, result;
  int64_t n;
  int turn; /* the how-manieth it was to be told */
  struct crowd_world *w;
  swale_receiver *receiver;
  void (*then)(struct told *t);
};

static int turns;

static void note(int result, swale_message *message, void *user) {
  struct told *t = user;
  assert_true((message != NULL) == (result == 0));
  t->times++;
  t->result = result;
  t->n = message ? swale_message_get_int(message, "n", -1) : -1;
  t->turn = ++turns;
  t->receiver = NULL;
  if (t->then)
    t->then(t);
}

static void open_world(struct crowd_world *w) {
  struct swale_layer_config config;
  swale_layer_config_default(&config);
  config.capacity = CAPACITY;
  turns = 0;
  crowd_world_open(w, &config);
}

static int await_on(struct crowd_world *w, struct told *t, const char *channel, int loop,
                    uint64_t timeout_ms) {
  const struct swale_reception how = {w->crowd.at[loop].loop, note, t, timeout_ms};
  t->w = w;
  return swale_receive_then(w->layer, channel, &how, &t->receiver);
}

static void await(struct crowd_world *w, struct told *t, const char *channel) {
  assert_int_equal(await_on(w, t, channel, 0, 0), 0);
  assert_non_null(t->receiver);
}

static void send(struct crowd_world *w, int64_t n) { assert_int_equal(crowd_send(w->layer, "a", n), 0); }

static void await_all(struct crowd_world *w, struct told *t, int count) {
  for (int i = 0; i < count; i++)
    await(w, &t[i], "a");
}

static void send_each(struct crowd_world *w, int64_t first, int64_t last) {
  for (int64_t n = first; n <= last; n++)
    send(w, n);
}

static void assert_told(const struct told *t, int64_t n) {
  assert_int_equal(t->times, 1);
  assert_int_equal(t->result, 0);
  assert_int_equal(t->n, n);
}

static void assert_ended(const struct told *t, int result) {
  assert_int_equal(t->times, 1);
  assert_int_equal(t->result, result);
}

static void assert_waits(const struct told *t) { assert_int_equal(t->times, 0); }

static uint32_t depth(struct crowd_world *w) {
  struct swale_channel_stats s;
  assert_int_equal(swale_channel_stats_get(w->layer, "a", &s), 0);
  return s.depth;
}

static void what_waits_is_told_by_the_loop_at_once(void **state) {
  struct crowd_world w;
  struct told t = {0};
  (void)state;
  open_world(&w);
  send(&w, 1);
  await(&w, &t, "a");
  assert_waits(&t); /* never inside a call */
  assert_int_equal(w.crowd.at[0].wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(w.crowd.at[0].loop), 0);
  assert_int_equal(crowd_stats(w.layer).queued, 1);
  crowd_run(&w.crowd);
  assert_told(&t, 1);
  assert_int_equal(crowd_stats(w.layer).delivered, 1);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  crowd_world_close(&w);
}

static void a_layer_stays_until_everybody_has_been_told(void **state) {
  struct unit_env u;
  struct swale_layer_config config;
  struct swale_loop_config loop_config;
  swale_layer *layer;
  swale_loop *loop;
  struct told t = {0};
  (void)state;
  unit_env_init(&u);
  swale_layer_config_default(&config);
  swale_loop_config_default(&loop_config);
  config.env = loop_config.env = &u.env;
  assert_int_equal(swale_layer_open("memory://", &config, &layer, NULL, 0), 0);
  assert_int_equal(swale_loop_new(&loop_config, &loop), 0);
  const struct swale_reception how = {loop, note, &t, 0};
  assert_int_equal(swale_receive_then(layer, "a", &how, &t.receiver), 0);
  assert_int_equal(swale_channel_close(layer, "a"), 0);
  assert_waits(&t);
  assert_int_equal(swale_layer_free(layer), SWALE_ESTATE);
  assert_int_equal(swale_loop_run(loop), 0);
  assert_ended(&t, SWALE_ECLOSED);
  assert_int_equal(swale_layer_free(layer), 0);
  assert_int_equal(swale_loop_free(loop), 0);
  assert_int_equal(u.live, 0);
}

static void what_comes_is_told_once(void **state) {
  struct crowd_world w;
  struct told t = {0};
  (void)state;
  open_world(&w);
  await(&w, &t, "a");
  crowd_run(&w.crowd);
  assert_waits(&t);
  assert_int_equal(w.crowd.at[0].wakes, 0);
  send(&w, 1);
  send(&w, 2);
  assert_int_equal(w.crowd.at[0].wakes, 1);
  crowd_run(&w.crowd);
  assert_told(&t, 1);
  assert_int_equal(crowd_receive(w.layer, "a"), 2);
  crowd_world_close(&w);
}

static void a_group_reaches_receivers_too(void **state) {
  struct crowd_world w;
  struct told t = {0};
  (void)state;
  open_world(&w);
  assert_int_equal(swale_group_add(w.layer, "g", "a"), 0);
  await(&w, &t, "a");
  assert_int_equal(crowd_group_send(w.layer, "g", 4), 1);
  crowd_run(&w.crowd);
  assert_told(&t, 4);
  assert_int_equal(swale_group_count(w.layer, "g"), 1);
  crowd_world_close(&w);
}

static void receivers_are_served_in_the_order_in_which_they_came(void **state) {
  struct crowd_world w;
  struct told t[5] = {0};
  (void)state;
  open_world(&w);
  await_all(&w, t, 5);
  send_each(&w, 0, 3);
  crowd_run(&w.crowd);
  for (int i = 0; i < 4; i++) {
    assert_told(&t[i], i);
    assert_int_equal(t[i].turn, i + 1);
  }
  assert_waits(&t[4]);
  swale_receive_cancel(t[4].receiver);
  crowd_world_close(&w);
}

static void receivers_on_several_loops_share_a_channel(void **state) {
  struct crowd_world w;
  struct told t[4] = {0};
  (void)state;
  open_world(&w);
  for (int i = 0; i < 4; i++)
    assert_int_equal(await_on(&w, &t[i], "a", i % 2, 0), 0);
  send(&w, 0);
  assert_int_equal(w.crowd.at[0].wakes, 1);
  assert_int_equal(w.crowd.at[1].wakes, 0);
  crowd_run(&w.crowd);
  assert_told(&t[0], 0);
  send_each(&w, 1, 3);
  crowd_run(&w.crowd);
  int64_t sum = 0;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(t[i].times, 1);
    sum += t[i].n;
  }
  assert_int_equal(sum, 0 + 1 + 2 + 3);
  crowd_world_close(&w);
}

static void a_channel_holds_its_capacity_beside_what_is_for_receivers(void **state) {
  struct crowd_world w;
  struct told t[2] = {0};
  (void)state;
  open_world(&w);
  await_all(&w, t, 2);
  send_each(&w, 0, CAPACITY + 1);
  assert_int_equal(crowd_send(w.layer, "a", 9), SWALE_EFULL);
  crowd_run(&w.crowd);
  assert_told(&t[0], 0);
  assert_told(&t[1], 1);
  assert_int_equal(depth(&w), CAPACITY);
  assert_int_equal(crowd_send(w.layer, "a", 9), SWALE_EFULL);
  crowd_world_close(&w);
}

static void what_is_a_receivers_is_not_taken_by_others(void **state) {
  struct crowd_world w;
  struct told t = {0};
  (void)state;
  open_world(&w);
  await(&w, &t, "a");
  send(&w, 1);
  assert_int_equal(crowd_receive(w.layer, "a"), SWALE_EAGAIN);
  send(&w, 2);
  assert_int_equal(crowd_receive(w.layer, "a"), 1); /* one is left for him */
  crowd_run(&w.crowd);
  assert_told(&t, 2);
  crowd_world_close(&w);
}

/* ---- giving up ---- */

static void a_receiver_that_is_cancelled_hears_nothing(void **state) {
  struct crowd_world w;
  struct told t = {0};
  (void)state;
  open_world(&w);
  swale_receive_cancel(NULL);
  await(&w, &t, "a");
  swale_receive_cancel(t.receiver);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  send(&w, 1);
  crowd_run(&w.crowd);
  assert_waits(&t);
  assert_int_equal(crowd_receive(w.layer, "a"), 1);
  crowd_world_close(&w);
}

static void the_message_of_one_who_is_gone_is_the_next_ones_or_waits_again(void **state) {
  struct crowd_world w;
  struct told t[2] = {0};
  (void)state;
  open_world(&w);
  await_all(&w, t, 2);
  send(&w, 1);
  swale_receive_cancel(t[0].receiver);
  crowd_run(&w.crowd);
  assert_waits(&t[0]);
  assert_told(&t[1], 1);

  t[0] = t[1] = (struct told){0};
  await_all(&w, t, 2);
  for (int64_t i = 0; i < 2; i++)
    send(&w, 10 + i);
  for (int i = 0; i < 2; i++)
    swale_receive_cancel(t[i].receiver);
  crowd_run(&w.crowd);
  for (int64_t i = 0; i < 2; i++)
    assert_int_equal(crowd_receive(w.layer, "a"), 10 + i);
  crowd_world_close(&w);
}

static void a_receiver_waits_so_long_and_no_longer(void **state) {
  struct crowd_world w;
  struct told t = {0};
  (void)state;
  open_world(&w);
  assert_int_equal(await_on(&w, &t, "a", 0, WAIT_MS), 0);
  assert_in_range(swale_loop_timeout_ms(w.crowd.at[0].loop), 1, WAIT_MS);
  w.u.now_ms += WAIT_MS - 1;
  crowd_run(&w.crowd);
  assert_waits(&t);
  w.u.now_ms += 1;
  crowd_run(&w.crowd);
  assert_ended(&t, SWALE_EAGAIN);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  send(&w, 1);
  crowd_run(&w.crowd);
  assert_int_equal(t.times, 1);
  crowd_world_close(&w);
}

static void a_message_in_time_is_told_although_the_loop_is_late(void **state) {
  struct crowd_world w;
  struct told t = {0};
  (void)state;
  open_world(&w);
  assert_int_equal(await_on(&w, &t, "a", 0, WAIT_MS), 0);
  send(&w, 1);
  w.u.now_ms += 2 * WAIT_MS;
  crowd_run(&w.crowd);
  assert_told(&t, 1);
  crowd_world_close(&w);
}

static void a_message_that_expires_is_nobodys_and_its_receiver_waits_on(void **state) {
  struct crowd_world w;
  struct told t[3] = {0};
  (void)state;
  open_world(&w);
  await_all(&w, t, 3);
  send(&w, 1);
  w.u.now_ms += 30000;
  send(&w, 2);
  w.u.now_ms += 30000;
  crowd_run(&w.crowd);
  assert_told(&t[0], 2);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_EXPIRED), 1);
  send_each(&w, 3, 4);
  crowd_run(&w.crowd);
  assert_told(&t[1], 3);
  assert_told(&t[2], 4);
  crowd_world_close(&w);
}

static void a_flush_takes_the_messages_and_leaves_the_receivers(void **state) {
  struct crowd_world w;
  struct told t[3] = {0};
  (void)state;
  open_world(&w);
  for (int i = 0; i < 3; i++)
    assert_int_equal(await_on(&w, &t[i], "a", i % 2, 0), 0);
  send(&w, 1);
  send(&w, 2);
  assert_int_equal(swale_flush(w.layer), 0);
  crowd_run(&w.crowd);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FLUSHED), 2);
  for (int i = 0; i < 3; i++) {
    assert_waits(&t[i]);
    send(&w, 10 + i); /* the order is what it was */
    crowd_run(&w.crowd);
    assert_told(&t[i], 10 + i);
  }
  crowd_world_close(&w);
}

static void closing_the_channel_ends_its_receivers(void **state) {
  struct crowd_world w;
  struct told t[3] = {0};
  (void)state;
  open_world(&w);
  for (int i = 0; i < 3; i++)
    assert_int_equal(await_on(&w, &t[i], "a", i % 2, WAIT_MS), 0);
  send(&w, 1);
  assert_int_equal(swale_channel_close(w.layer, "a"), 0);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  swale_receive_cancel(t[2].receiver); /* it may not have been told yet */
  crowd_run(&w.crowd);
  assert_ended(&t[0], SWALE_ECLOSED);
  assert_ended(&t[1], SWALE_ECLOSED);
  assert_waits(&t[2]);
  crowd_world_close(&w);
}

static void workers_end_receivers(void **state) {
  struct crowd_world w;
  struct crowd_member worker = {.crowd = &w.crowd};
  struct told t[2] = {0};
  (void)state;
  open_world(&w);
  assert_int_equal(swale_app_channel(w.crowd.app, "a", &crowd_worker), 0);
  await_all(&w, t, 2);
  send(&w, 1);
  w.crowd.seat = &worker;
  assert_int_equal(swale_app_serve(w.crowd.app, w.crowd.at[1].loop), 0);
  assert_int_equal(await_on(&w, &t[1], "a", 0, 0), SWALE_ESTATE);
  crowd_run_loop(&w.crowd, 1);
  crowd_run(&w.crowd);
  for (int i = 0; i < 2; i++)
    assert_ended(&t[i], SWALE_ESTATE);
  crowd_assert_got(&worker, 1);
  crowd_world_close(&w);
}

static void a_loop_that_is_freed_ends_its_receivers(void **state) {
  struct crowd_world w;
  struct told t[4] = {0};
  (void)state;
  open_world(&w);
  for (int i = 0; i < 4; i++)
    assert_int_equal(await_on(&w, &t[i], "a", i % 2, 0), 0);
  send(&w, 1);
  assert_int_equal(swale_layer_free(w.layer), SWALE_ESTATE);
  crowd_end_loop(&w.crowd, 0);
  assert_ended(&t[0], SWALE_ECLOSED);
  assert_ended(&t[2], SWALE_ECLOSED);
  crowd_run(&w.crowd);
  assert_told(&t[1], 1); /* that it was another's is forgotten */
  swale_receive_cancel(t[3].receiver);
  crowd_world_close(&w);
}

/* ---- inside callbacks ---- */

static void ask_again(struct told *t) {
  if (t->times < 3)
    assert_int_equal(await_on(t->w, t, "a", 0, 0), 0);
}

static void a_receiver_may_ask_again_when_it_is_told(void **state) {
  struct crowd_world w;
  struct told t = {.then = ask_again};
  (void)state;
  open_world(&w);
  await(&w, &t, "a");
  send_each(&w, 0, 2);
  crowd_run(&w.crowd);
  assert_int_equal(t.times, 3);
  assert_int_equal(t.n, 2);
  crowd_world_close(&w);
}

static struct told *other;
static void cancel_the_other(struct told *t) {
  (void)t;
  swale_receive_cancel(other->receiver);
}

static void a_receiver_may_cancel_another_when_it_is_told(void **state) {
  struct crowd_world w;
  struct told t[2] = {{.then = cancel_the_other}};
  (void)state;
  open_world(&w);
  other = &t[1];
  await_all(&w, t, 2);
  send(&w, 1);
  send(&w, 2);
  crowd_run(&w.crowd);
  assert_told(&t[0], 1);
  assert_waits(&t[1]);
  assert_int_equal(crowd_receive(w.layer, "a"), 2);
  crowd_world_close(&w);
}

static void ask_a_loop_that_ends(struct told *t) {
  struct told *late = other;
  assert_int_equal(await_on(t->w, late, "a", 0, 0), SWALE_ESTATE);
  assert_null(late->receiver);
}

static void a_loop_that_is_freed_takes_no_more_receivers(void **state) {
  struct crowd_world w;
  struct told t = {.then = ask_a_loop_that_ends}, late = {0};
  (void)state;
  open_world(&w);
  other = &late;
  await(&w, &t, "a");
  crowd_end_loop(&w.crowd, 0);
  assert_ended(&t, SWALE_ECLOSED);
  assert_waits(&late);
  crowd_world_close(&w);
}

/* ---- refusing ---- */

static void refused_calls_tell_nobody(void **state) {
  struct swale_layer_config config;
  struct crowd_world w;
  struct crowd_member m;
  struct told t = {0};
  (void)state;
  swale_layer_config_default(&config);
  config.channels_max = 1;
  crowd_world_open(&w, &config);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(await_on(&w, &t, "a b", 0, 0), SWALE_ENAME);
  assert_int_equal(await_on(&w, &t, m.channel, 0, 0), SWALE_ESTATE);
  assert_int_equal(await_on(&w, &t, "a", 0, 0), 0);
  swale_receiver *first = t.receiver;
  crowd_lose(&m);
  assert_int_equal(await_on(&w, &t, m.channel, 0, 0), SWALE_ECLOSED);
  assert_int_equal(await_on(&w, &t, "b", 0, 0), SWALE_EFULL);
  assert_null(t.receiver);
  const struct swale_reception how = {w.crowd.at[0].loop, note, &t, 1};
  assert_int_equal(swale_receive_then(w.layer, "a", &how, NULL), 0);
  w.u.now_ms += 1;
  crowd_run(&w.crowd);
  assert_ended(&t, SWALE_EAGAIN);
  swale_receive_cancel(first);
  crowd_world_close(&w);
}

/* ---- threads ---- */

enum { MANY = 3000 };
static atomic_int arrived;
static void *send_many(void *arg) {
  for (int i = 0; i < MANY;)
    i += crowd_send(arg, "a", i) == 0;
  return NULL;
}

struct runner {
  swale_layer *layer;
  swale_loop *loop;
  swale_receiver *receiver;
  int times;
};

static void hear_many(int result, swale_message *message, void *user);

static int ask(struct runner *r) {
  const struct swale_reception how = {r->loop, hear_many, r, 1};
  return swale_receive_then(r->layer, "a", &how, &r->receiver);
}

/* Every seventh it gives up at once and asks again, called or not. */
static void hear_many(int result, swale_message *message, void *user) {
  struct runner *r = user;
  (void)message;
  if (result == 0)
    atomic_fetch_add(&arrived, 1);
  if (result == SWALE_ECLOSED)
    return;
  assert_int_equal(ask(r), 0);
  if (++r->times % 7 == 0) {
    swale_receive_cancel(r->receiver);
    assert_int_equal(ask(r), 0);
  }
}

static void *run_many(void *arg) {
  struct runner *r = arg;
  assert_int_equal(ask(r), 0);
  while (atomic_load(&arrived) < MANY)
    swale_loop_run(r->loop);
  return NULL;
}

static void threads_send_and_receive(void **state) {
  struct runner runners[2] = {0};
  pthread_t threads[3];
  swale_layer *layer;
  (void)state;
  assert_int_equal(swale_layer_open("memory://", NULL, &layer, NULL, 0), 0);
  atomic_store(&arrived, 0);
  for (int i = 0; i < 2; i++) {
    runners[i].layer = layer;
    assert_int_equal(swale_loop_new(NULL, &runners[i].loop), 0);
    assert_int_equal(pthread_create(&threads[i], NULL, run_many, &runners[i]), 0);
  }
  assert_int_equal(pthread_create(&threads[2], NULL, send_many, layer), 0);
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&arrived), MANY);
  assert_int_equal(crowd_stats(layer).delivered, MANY);
  for (int i = 0; i < 2; i++)
    assert_int_equal(swale_loop_free(runners[i].loop), 0);
  assert_int_equal(swale_layer_free(layer), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_waits_is_told_by_the_loop_at_once),
      cmocka_unit_test(a_layer_stays_until_everybody_has_been_told),
      cmocka_unit_test(what_comes_is_told_once),
      cmocka_unit_test(a_group_reaches_receivers_too),
      cmocka_unit_test(receivers_are_served_in_the_order_in_which_they_came),
      cmocka_unit_test(receivers_on_several_loops_share_a_channel),
      cmocka_unit_test(a_channel_holds_its_capacity_beside_what_is_for_receivers),
      cmocka_unit_test(what_is_a_receivers_is_not_taken_by_others),
      cmocka_unit_test(a_receiver_that_is_cancelled_hears_nothing),
      cmocka_unit_test(the_message_of_one_who_is_gone_is_the_next_ones_or_waits_again),
      cmocka_unit_test(a_receiver_waits_so_long_and_no_longer),
      cmocka_unit_test(a_message_in_time_is_told_although_the_loop_is_late),
      cmocka_unit_test(a_message_that_expires_is_nobodys_and_its_receiver_waits_on),
      cmocka_unit_test(a_flush_takes_the_messages_and_leaves_the_receivers),
      cmocka_unit_test(closing_the_channel_ends_its_receivers),
      cmocka_unit_test(workers_end_receivers),
      cmocka_unit_test(a_loop_that_is_freed_ends_its_receivers),
      cmocka_unit_test(a_receiver_may_ask_again_when_it_is_told),
      cmocka_unit_test(a_receiver_may_cancel_another_when_it_is_told),
      cmocka_unit_test(a_loop_that_is_freed_takes_no_more_receivers),
      cmocka_unit_test(refused_calls_tell_nobody),
      cmocka_unit_test(threads_send_and_receive),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

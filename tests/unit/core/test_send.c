/* SPDX-License-Identifier: MIT */
/* The calls of the layer when memory is short: told, with nothing changed, and then possible. */
#include "crowd.h"

#include <stdio.h>

#include "core/layer.h"

enum { MEMBERS = 16 };

struct scene {
  struct crowd_world w;
  struct crowd_member m[MEMBERS + 1], extra;
  int (*call)(struct scene *s);
  long fail_at; /* the allocation of the call that fails */
  bool failed;  /* it has */
  int rv;
  uint64_t seen[8]; /* see snapshot */
};

/* What a call that failed must not have changed, beside the statistics. */
static void snapshot(struct scene *s, uint64_t seen[8]) {
  static const char *const groups[] = {"g", "h", "class", "new"};
  static const char *const channels[] = {"plain", "other"};
  struct swale_channel_stats channel;
  for (int i = 0; i < 4; i++)
    seen[i] = (uint64_t)swale_group_count(s->w.layer, groups[i]);
  for (int i = 0; i < 2; i++) {
    int rv = swale_channel_stats_get(s->w.layer, channels[i], &channel);
    seen[4 + i] = rv < 0 ? UINT64_MAX : (uint64_t)channel.depth << 32 | channel.groups;
  }
  seen[6] = s->w.crowd.at[0].loop->inbox.bytes + s->w.crowd.at[1].loop->inbox.bytes;
  seen[7] = s->w.crowd.at[0].loop->inbox.reserved + s->w.crowd.at[1].loop->inbox.reserved;
}

/* The call with its n-th allocation failing; if it does fail, once more without. */
static void call_short_of_memory(struct scene *s) {
  uint64_t before[8], after[8];
  struct swale_layer_stats books = crowd_stats(s->w.layer);
  snapshot(s, before);
  s->w.u.fail_at = s->fail_at;
  s->rv = s->call(s);
  s->failed = s->w.u.fail_at == 0;
  s->w.u.fail_at = 0;
  if (s->rv >= 0)
    return;
  assert_true(s->failed);
  assert_int_equal(s->rv, SWALE_ENOMEM);
  struct swale_layer_stats now = crowd_stats(s->w.layer);
  assert_memory_equal(&now, &books, sizeof now);
  snapshot(s, after);
  assert_memory_equal(after, before, sizeof after);
  assert_true(s->call(s) >= 0);
}

static void open_scene(struct scene *s, int (*call)(struct scene *), long fail_at) {
  memset(s, 0, sizeof *s);
  s->call = call;
  s->fail_at = fail_at;
  crowd_world_open(&s->w, NULL);
}

static void close_scene(struct scene *s) {
  crowd_run(&s->w.crowd);
  crowd_stats(s->w.layer);
  crowd_world_close(&s->w);
}

/* Every allocation of the call fails once. `prepare` sets the scene; answers how many there were. */
static int fail_each(void (*prepare)(struct scene *s), int (*call)(struct scene *s)) {
  static struct scene s;
  int failures = 0;
  for (long n = 1;; n++) {
    open_scene(&s, call, n);
    if (prepare)
      prepare(&s);
    call_short_of_memory(&s);
    failures += s.failed;
    bool more = s.failed;
    close_scene(&s);
    if (!more)
      return failures;
  }
}

/* ---- scenes ----------------------------------------------------------------------------------- */

static void with_members(struct scene *s) {
  for (int i = 0; i < 4; i++) {
    crowd_enter(&s->w.crowd, &s->m[i], i % 2);
    assert_int_equal(swale_group_add(s->w.layer, "g", s->m[i].channel), 0);
  }
}

static void with_members_and_plain(struct scene *s) {
  with_members(s);
  assert_int_equal(swale_group_add(s->w.layer, "g", "plain"), 0);
}

static void with_many(struct scene *s) {
  for (int i = 0; i < MEMBERS; i++)
    crowd_enter(&s->w.crowd, &s->m[i], 0);
}

static void with_full_inbox_array(struct scene *s) {
  with_members(s);
  for (int64_t i = 0; i < 16; i++)
    assert_int_equal(crowd_send(s->w.layer, s->m[0].channel, i), 0);
}

static void with_groups(struct scene *s) {
  with_members(s);
  const char *const groups[] = {"h", "a", "b", "c"};
  for (int i = 0; i < 3; i++)
    assert_int_equal(swale_group_add(s->w.layer, groups[i], s->m[0].channel), 0);
}

static void with_worker(struct scene *s) {
  assert_int_equal(swale_app_channel(s->w.crowd.app, "plain", &crowd_worker), 0);
  for (int64_t i = 0; i < 20; i++)
    assert_int_equal(crowd_send(s->w.layer, "plain", i), 0);
}

/* ---- calls ------------------------------------------------------------------------------------ */

static int send_to_consumer(struct scene *s) { return crowd_send(s->w.layer, s->m[0].channel, 1); }
static int send_to_plain(struct scene *s) { return crowd_send(s->w.layer, "other", 1); }
static int group_send(struct scene *s) { return crowd_group_send(s->w.layer, "g", 1); }
static int add_consumer(struct scene *s) { return swale_group_add(s->w.layer, "new", s->m[0].channel); }
static int add_to_group(struct scene *s) { return swale_group_add(s->w.layer, "g", s->m[4].channel); }
static int add_plain(struct scene *s) { return swale_group_add(s->w.layer, "new", "other"); }
static int add_plain_to_group(struct scene *s) { return swale_group_add(s->w.layer, "g", "other"); }

static void sending_to_a_consumer(void **state) {
  (void)state;
  assert_true(fail_each(with_members, send_to_consumer) >= 1);
  assert_true(fail_each(with_full_inbox_array, send_to_consumer) >= 1);
}

static void sending_to_a_plain_channel(void **state) {
  (void)state;
  assert_true(fail_each(NULL, send_to_plain) >= 2);
}

static void sending_to_a_group_on_two_loops(void **state) {
  (void)state;
  assert_true(fail_each(with_members, group_send) >= 2);
  assert_true(fail_each(with_full_inbox_array, group_send) >= 2);
  assert_true(fail_each(with_members_and_plain, group_send) >= 3);
}

static void adding_a_consumer_to_a_group(void **state) {
  (void)state;
  assert_true(fail_each(with_members, add_consumer) >= 4);
  assert_true(fail_each(with_groups, add_consumer) >= 5);
}

static void prepare_newcomer(struct scene *s) {
  with_members(s);
  crowd_enter(&s->w.crowd, &s->m[4], 0);
}

static void prepare_newcomer_on_another_loop(struct scene *s) {
  for (int i = 0; i < 4; i++) {
    crowd_enter(&s->w.crowd, &s->m[i], 0);
    assert_int_equal(swale_group_add(s->w.layer, "g", s->m[i].channel), 0);
  }
  crowd_enter(&s->w.crowd, &s->m[4], 1);
}

static void adding_a_consumer_to_a_group_that_exists(void **state) {
  (void)state;
  assert_true(fail_each(prepare_newcomer, add_to_group) >= 1);
  assert_true(fail_each(prepare_newcomer_on_another_loop, add_to_group) >= 3);
}

static void adding_a_plain_channel_to_a_group(void **state) {
  (void)state;
  assert_true(fail_each(NULL, add_plain) >= 5);
  assert_true(fail_each(with_members, add_plain_to_group) >= 4);
}

static int open_consumer(struct scene *s) {
  s->extra.act = NULL;
  return crowd_try_enter(&s->w.crowd, &s->extra, 0, &crowd_newest);
}

static void opening_a_consumer_when_the_table_has_to_grow(void **state) {
  (void)state;
  assert_true(fail_each(with_many, open_consumer) >= 4);
}

/* A consumer whose class's groups cannot be joined is refused. */
static int open_in_group(struct scene *s) {
  s->extra.act = NULL;
  int rv = crowd_try_enter(&s->w.crowd, &s->extra, 0, &crowd_in_group);
  if (rv == 0 && !s->extra.consumer) {
    assert_int_equal(s->extra.code, 500);
    return SWALE_ENOMEM;
  }
  return rv;
}

static void opening_a_consumer_with_groups(void **state) {
  (void)state;
  assert_true(fail_each(with_many, open_in_group) >= 8);
}

/* From inside a handler, while the lane is walked: `extra` is brought in. */
static void bring_in(struct crowd_member *m, swale_message *message) {
  (void)message;
  struct scene *s = m->arg;
  m->act = NULL;
  call_short_of_memory(s);
}

static int add_extra(struct scene *s) { return swale_group_add(s->w.layer, "g", s->extra.channel); }

static void adding_a_member_while_the_group_is_walked(void **state) {
  (void)state;
  static struct scene s;
  int failures = 0;
  for (long n = 1;; n++) {
    open_scene(&s, add_extra, n);
    crowd_enter(&s.w.crowd, &s.extra, 0);
    for (int i = 0; i < 2; i++) { /* as many as there is room for at first */
      crowd_enter(&s.w.crowd, &s.m[i], 0);
      assert_int_equal(swale_group_add(s.w.layer, "g", s.m[i].channel), 0);
    }
    s.m[0].act = bring_in;
    s.m[0].arg = &s;
    assert_int_equal(crowd_group_send(s.w.layer, "g", 1), 2);
    crowd_run(&s.w.crowd);
    assert_int_equal(swale_group_count(s.w.layer, "g"), 3);
    assert_int_equal(crowd_group_send(s.w.layer, "g", 2), 3);
    crowd_run(&s.w.crowd);
    crowd_assert_got(&s.m[0], 1, 2);
    crowd_assert_got(&s.m[1], 1, 2);
    crowd_assert_got(&s.extra, 2);
    failures += s.failed;
    bool more = s.failed;
    close_scene(&s);
    if (!more)
      break;
  }
  assert_true(failures >= 1);
}

/* ---- workers ---------------------------------------------------------------------------------- */

static bool worker_listens(struct scene *s) { return s->extra.consumer != NULL; }

/* Starts a worker; what waits is his. Where there is no memory for it, it goes on waiting, or he does not start. */
static void starting_a_worker(void **state) {
  (void)state;
  static struct scene s;
  for (long n = 1;; n++) {
    open_scene(&s, NULL, n);
    with_worker(&s);
    s.extra = (struct crowd_member){.crowd = &s.w.crowd};
    s.w.crowd.seat = &s.extra;
    s.w.u.fail_at = n;
    int rv = swale_app_serve(s.w.crowd.app, s.w.crowd.at[0].loop);
    swale_loop_enter(s.w.crowd.at[0].loop);
    swale_loop_leave(s.w.crowd.at[0].loop);
    bool more = s.w.u.fail_at == 0;
    s.w.u.fail_at = 0;
    crowd_stats(s.w.layer);
    assert_true(rv == 0 || rv == SWALE_ENOMEM);
    bool listens = rv == 0 && worker_listens(&s);
    if (rv < 0)
      assert_int_equal(crowd_stats(s.w.layer).consumers, 0);
    if (!listens) {
      assert_int_equal(crowd_stats(s.w.layer).queued, 20);
    } else {
      assert_int_equal(crowd_send(s.w.layer, "plain", 20), 0);
      crowd_run(&s.w.crowd);
      assert_int_equal(s.extra.n_got, 21);
      for (int i = 0; i < 21; i++)
        assert_int_equal(s.extra.got[i], i);
    }
    close_scene(&s);
    if (!more)
      break;
  }
}

/* ---- delivery --------------------------------------------------------------------------------- */

/* Where there is no memory to queue a message for a slow consumer, it is dropped and counted. */
static void queueing_for_a_slow_consumer(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  crowd_world_open(&w, NULL);
  crowd_enter(&w.crowd, &m, 0);
  crowd_pause(&m);
  for (int64_t i = 0; i < 4; i++)
    assert_int_equal(crowd_send(w.layer, m.channel, i), 0);
  w.u.fail_at = 2;
  crowd_run(&w.crowd);
  assert_int_equal(w.u.fail_at, 0);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_NOMEM), 1);
  crowd_resume(&m);
  crowd_assert_got(&m, 0, 2, 3);
  crowd_world_close(&w);
}

/* ---- a whole life ----------------------------------------------------------------------------- */

static void ignore_drop(const struct swale_drop *drop, void *user) { (void)drop, (void)user; }

static void live_on(swale_layer *layer, struct crowd *crowd, struct crowd_member m[3]) {
  for (int i = 0; i < 3; i++) {
    m[i] = (struct crowd_member){0};
    (void)crowd_try_enter(crowd, &m[i], i % 2, i ? &crowd_in_group : &crowd_oldest);
    if (m[i].consumer)
      (void)swale_join(m[i].consumer, "g");
  }
  (void)swale_group_add(layer, "g", "plain");
  if (m[0].consumer)
    crowd_pause(&m[0]);
  for (int64_t n = 0; n < 8; n++) {
    (void)crowd_group_send(layer, n % 2 ? "g" : "class", n);
    if (m[0].consumer)
      (void)crowd_send(layer, m[0].channel, n);
    if (n == 4)
      crowd_run(crowd);
  }
  if (m[1].consumer)
    crowd_lose(&m[1]);
  crowd_run(crowd);
  if (m[0].consumer)
    crowd_resume(&m[0]);
  (void)crowd_group_send(layer, "g", 9);
  (void)swale_flush(layer);
  (void)crowd_send(layer, "plain", 10);
}

static int live_and_die(struct unit_env *u) {
  static const struct swale_capacity capacities[] = {{"specific.*", 2}};
  struct swale_layer_config config;
  swale_layer *layer;
  struct crowd crowd;
  struct crowd_member m[3];
  swale_layer_config_default(&config);
  config.env = &u->env;
  config.capacities = capacities;
  config.n_capacities = 1;
  config.on_drop = ignore_drop;
  int rv = swale_layer_open("memory://", &config, &layer, NULL, 0);
  if (rv < 0)
    return rv;
  rv = crowd_try_open(&crowd, layer, &u->env, 0, 0);
  if (rv == 0) {
    live_on(layer, &crowd, m);
    crowd_stats(layer);
    crowd_close(&crowd);
  }
  struct swale_layer_stats s = crowd_stats(layer);
  assert_int_equal(s.consumers + s.loops, 0);
  assert_int_equal(swale_layer_free(layer), 0);
  return rv;
}

static void a_whole_life(void **state) {
  (void)state;
  unit_fail_every_allocation(live_and_die);
}

/* ---- what counts ------------------------------------------------------------------------------ */

static void only_what_succeeded_is_counted_as_sent(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  crowd_world_open(&w, NULL);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(crowd_send(w.layer, m.channel, 1), 0);
  assert_int_equal(crowd_send(w.layer, "!", 1), SWALE_ENAME);
  w.u.fail_at = 1;
  assert_int_equal(crowd_send(w.layer, "plain", 1), SWALE_ENOMEM);
  w.u.fail_at = 0;
  assert_int_equal(crowd_group_send(w.layer, "nobody", 1), 0);
  crowd_lose(&m);
  assert_int_equal(crowd_send(w.layer, m.channel, 1), SWALE_ECLOSED);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.sends, 1);
  assert_int_equal(s.group_sends, 1);
  assert_int_equal(s.refused, 1);
  assert_int_equal(s.offered, 1);
  crowd_world_close(&w);
}

static void a_message_larger_than_an_inbox_cannot_be_sent_there(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  crowd_world_open(&w, NULL);
  crowd_enter(&w.crowd, &m, 0);
  w.crowd.at[0].loop->inbox.bytes_max = 10;
  assert_int_equal(crowd_send(w.layer, m.channel, 1), SWALE_EFULL);
  assert_int_equal(crowd_stats(w.layer).refused, 1);
  crowd_world_close(&w);
}

/* A message may be sent as often as one likes; references are given back. */
static void one_message_may_be_sent_many_times(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  struct unit_env u;
  unit_env_init(&u);
  swale_message *message = swale_message_new_with("note", 0, &u.env.allocator);
  crowd_world_open(&w, NULL);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(swale_group_add(w.layer, "g", m.channel), 0);
  assert_int_equal(swale_group_add(w.layer, "g", "plain"), 0);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(swale_send(w.layer, m.channel, message), 0);
    assert_int_equal(swale_group_send(w.layer, "g", message), 2);
  }
  swale_message_unref(message);
  assert_true(u.live > 0);
  crowd_run(&w.crowd);
  assert_int_equal(m.n_got, 10);
  m.n_got = 0;
  assert_int_equal(swale_flush(w.layer), 0);
  assert_int_equal(u.live, 0);
  crowd_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sending_to_a_consumer),
      cmocka_unit_test(sending_to_a_plain_channel),
      cmocka_unit_test(sending_to_a_group_on_two_loops),
      cmocka_unit_test(adding_a_consumer_to_a_group),
      cmocka_unit_test(adding_a_consumer_to_a_group_that_exists),
      cmocka_unit_test(adding_a_plain_channel_to_a_group),
      cmocka_unit_test(opening_a_consumer_when_the_table_has_to_grow),
      cmocka_unit_test(opening_a_consumer_with_groups),
      cmocka_unit_test(adding_a_member_while_the_group_is_walked),
      cmocka_unit_test(starting_a_worker),
      cmocka_unit_test(queueing_for_a_slow_consumer),
      cmocka_unit_test(a_whole_life),
      cmocka_unit_test(only_what_succeeded_is_counted_as_sent),
      cmocka_unit_test(a_message_larger_than_an_inbox_cannot_be_sent_there),
      cmocka_unit_test(one_message_may_be_sent_many_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "core/loop.h"

/* ---- making ---- */

static void a_config_has_the_documented_defaults(void **state) {
  (void)state;
  struct swale_loop_config config;
  memset(&config, 0xaa, sizeof config);
  swale_loop_config_default(&config);
  assert_int_equal(config.size, sizeof config);
  assert_null(config.env);
  assert_null((void *)(uintptr_t)config.wake);
  assert_null(config.user);
  assert_int_equal(config.inbox_bytes, 64 << 20);
  assert_int_equal(config.inbox_batch, 1024);
  assert_false(config.host_asks_timeout);
}

static void a_config_of_another_version_is_filled_as_far_as_it_goes(void **state) {
  (void)state;
  struct {
    struct swale_loop_config known;
    char newer[16];
  } large;
  memset(&large, 0xaa, sizeof large);
  swale_loop_config_init(&large.known, sizeof large);
  assert_int_equal(large.known.size, sizeof large);
  assert_int_equal(large.newer[15], 0);

  struct swale_loop_config small;
  memset(&small, 0xaa, sizeof small);
  swale_loop_config_init(&small, offsetof(struct swale_loop_config, inbox_bytes));
  assert_int_equal((unsigned char)((char *)&small.inbox_bytes)[0], 0xaa);
  swale_loop *loop;
  assert_int_equal(swale_loop_new(&small, &loop), 0);
  assert_int_equal(swale_loop_free(loop), 0);
}

static void a_config_that_cannot_be_is_refused(void **state) {
  (void)state;
  struct swale_loop_config config;
  swale_loop *loop = (swale_loop *)state;
  swale_loop_config_default(&config);
  config.size = 0;
  assert_int_equal(swale_loop_new(&config, &loop), SWALE_EINVAL);
  assert_null(loop);
  config.size = sizeof config + 1;
  assert_int_equal(swale_loop_new(&config, &loop), SWALE_EINVAL);
  swale_loop_config_default(&config);
  config.inbox_bytes = 0;
  assert_int_equal(swale_loop_new(&config, &loop), SWALE_EINVAL);
  swale_loop_config_default(&config);
  config.inbox_batch = 0;
  assert_int_equal(swale_loop_new(&config, &loop), SWALE_EINVAL);
}

static void a_loop_needs_no_config_and_may_be_null_when_freed(void **state) {
  (void)state;
  swale_loop *loop;
  assert_int_equal(swale_loop_new(NULL, &loop), 0);
  assert_int_equal(swale_loop_run(loop), 0);
  assert_int_equal(swale_loop_timeout_ms(loop), -1);
  assert_int_equal(swale_loop_consumers(loop), 0);
  assert_non_null((void *)(uintptr_t)swale_loop_env(loop)->now_ms);
  assert_null(swale_loop_user(loop));
  assert_int_equal(swale_loop_free(loop), 0);
  assert_int_equal(swale_loop_free(NULL), 0);
}

static int make_a_loop(struct unit_env *u) {
  struct swale_loop_config config;
  swale_loop *loop;
  swale_loop_config_default(&config);
  config.env = &u->env;
  int rv = swale_loop_new(&config, &loop);
  return rv == 0 ? swale_loop_free(loop) : rv;
}

static void a_loop_needs_memory(void **state) {
  (void)state;
  unit_fail_every_allocation(make_a_loop);
}

/* ---- from inside callbacks ---- */

static unsigned attempts;

/* What a callback may not do, and be told so. */
static void try_loop(swale_loop *loop) {
  assert_int_equal(swale_loop_run(loop), SWALE_ESTATE);
  assert_int_equal(swale_loop_free(loop), SWALE_ESTATE);
  attempts++;
}

static int try_in_connect(swale_consumer *c) {
  try_loop(swale_consumer_loop(c));
  return swale_accept(c, NULL);
}

static int try_in_receive(swale_consumer *c, const char *text) {
  (void)text;
  try_loop(swale_consumer_loop(c));
  return 0;
}

static int try_in_message(swale_consumer *c, swale_message *m) {
  (void)m;
  try_loop(swale_consumer_loop(c));
  return 0;
}

static int try_in_disconnect(swale_consumer *c, int code) {
  (void)code;
  try_loop(swale_consumer_loop(c));
  return 0;
}

static void try_in_error(struct world *w, const struct swale_report *report) {
  (void)report;
  try_loop(w->loop);
}

static void try_in_drop(struct world *w, const struct swale_drop *drop) {
  (void)drop;
  try_loop(w->loop);
}

static struct world *the_world; /* for callbacks that are told nothing */

static int try_in_guard(swale_scope *scope) {
  (void)scope;
  try_loop(the_world->loop);
  return 0;
}

static void try_in_release(void *value) {
  world_callback_begins(the_world);
  try_loop(value);
  world_callback_ends(the_world);
}

static void try_in_timer(struct swale_timer *t) {
  (void)t;
  try_loop(the_world->loop);
}

static void try_in_job(struct swale_job *job) {
  (void)job;
  try_loop(the_world->loop);
}

static int set_value(swale_scope *scope) {
  return swale_scope_set(scope, "loop", the_world->loop, try_in_release);
}

static void running_and_freeing_inside_callbacks_is_refused(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  the_world = &w;
  attempts = 0;
  w.on_guard = try_in_guard;
  w.on_connect = try_in_connect;
  w.on_receive = try_in_receive;
  w.on_message = try_in_message;
  w.on_disconnect = try_in_disconnect;
  w.on_error = try_in_error;
  w.on_drop = try_in_drop;
  assert_int_equal(world_open(&w, NULL), 0);

  fake_enter(&a, &w, "a");
  assert_int_equal(attempts, 2);
  fake_deliver(&a, "hi");
  assert_int_equal(attempts, 3);
  world_send(&w, fake_channel(a.c), "note", "x");
  world_send(&w, fake_channel(a.c), "strange", "x");
  world_run(&w);
  assert_int_equal(attempts, 5);

  struct swale_timer timer = {.fire = try_in_timer};
  swale_timer_start(w.loop, &timer, 0);
  w.u.now_ms++;
  struct swale_job job = {.run = try_in_job};
  swale_loop_defer(w.loop, &job);
  world_run(&w);
  assert_int_equal(attempts, 7);

  world_send(&w, fake_channel(a.c), "note", "x");
  fake_lost(&a, 1006);
  assert_int_equal(attempts, 8);
  world_run(&w); /* tells of the drop */
  assert_int_equal(attempts, 9);

  w.on_guard = set_value;
  fake_enter(&a, &w, "a");
  fake_lost(&a, 1006);
  assert_int_equal(attempts, 12);
  world_close(&w);
}

/* ---- timeouts ---- */

static void do_nothing(struct swale_job *job) { (void)job; }

static void the_timeout_is_0_as_long_as_a_message_waits(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.loop_config.inbox_batch = 2;
  assert_int_equal(world_open(&w, NULL), 0);
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  for (int i = 0; i < 5; i++)
    world_send(&w, fake_channel(a.c), "note", "x");
  world_expect(&w, "a.connect a>accept");
  for (int left = 5; left > 0; left -= 2) {
    assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
    w.wakes = 0;
    world_run(&w);
    world_expect(&w, left > 1 ? "a.note(x) a.note(x)" : "a.note(x)");
    assert_int_equal(w.wakes, left > 2); /* the rest needs another run */
  }
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

static int send_on(swale_consumer *c, swale_message *m) {
  return strcmp(swale_message_type(m), "note") == 0 ? world_send(world_of(c), fake_channel(c), "other", "y")
                                                    : 0;
}

static void what_a_handler_sends_is_for_the_next_run(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.on_message = send_on;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  world_send(&w, fake_channel(a.c), "note", "x");
  w.wakes = 0;
  world_run(&w);
  world_expect(&w, "a.connect a>accept a.note(x)");
  assert_int_equal(w.wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  world_run(&w);
  world_expect(&w, "a.other(y)");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  assert_int_equal(w.wakes, 1);
  world_close(&w);
}

static void the_timeout_is_0_for_a_job_that_was_put_off_outside(void **state) {
  (void)state;
  struct world w;
  struct swale_job job = {.run = do_nothing};
  world_start(&w);
  swale_loop_defer(w.loop, &job);
  assert_int_equal(w.wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  world_run(&w);
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

static void nothing(struct swale_timer *t) { (void)t; }

static void the_timeout_leads_to_the_next_timer(void **state) {
  (void)state;
  struct world w;
  struct swale_timer timer = {.fire = nothing};
  world_start(&w);
  swale_timer_start(w.loop, &timer, 20);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 20);
  w.u.now_ms += 15;
  assert_int_equal(swale_loop_timeout_ms(w.loop), 5);
  w.u.now_ms += 15;
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  world_run(&w);
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  swale_timer_start(w.loop, &timer, UINT64_C(1) << 40);
  assert_int_equal(swale_loop_timeout_ms(w.loop), INT_MAX);
  swale_timer_stop(w.loop, &timer);
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

static void the_timeout_is_0_while_drops_are_to_be_told(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.expiry_ms = 10;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  world_send(&w, "plain", "note", "x");
  w.u.now_ms += 10;
  w.wakes = 0;
  world_send(&w, "plain", "note", "y"); /* notices the expiry */
  assert_int_equal(w.wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  world_expect(&w, "a.connect a>accept");
  world_run(&w);
  world_expect(&w, "~expired(plain)");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

static void the_timeout_is_0_after_a_flush_until_the_loop_has_followed(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_send(&w, fake_channel(a.c), "note", "x");
  world_run(&w);
  assert_true(swale_loop_timeout_ms(w.loop) > 0);
  w.wakes = 0;
  assert_int_equal(swale_flush(w.layer), 0);
  assert_int_equal(w.wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  world_run(&w);
  world_expect(&w, "a.connect a>accept ~flushed(!)");
  assert_int_equal(world_stats(&w).queued, 0);
  world_pass(&w, 60000);
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

static void the_timeout_leads_to_the_expiry_of_what_waits(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.expiry_ms = 50;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  fake_pause(&a);
  world_send(&w, fake_channel(a.c), "note", "x");
  world_run(&w);
  assert_in_range(swale_loop_timeout_ms(w.loop), 1, 50);
  world_expect(&w, "a.connect a>accept");
  world_pass(&w, 49);
  world_expect(&w, "");
  world_pass(&w, 1);
  world_expect(&w, "~expired(!)");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

/* ---- the clock ---- */

static uint64_t seen_before, seen_after;

static int look_at_clock(swale_consumer *c, const char *text) {
  (void)text;
  struct world *w = world_of(c);
  seen_before = swale_loop_now_ms(w->loop);
  w->u.now_ms += 7;
  swale_send_text(c, "x", 1); /* another call, but no outermost one */
  seen_after = swale_loop_now_ms(w->loop);
  return 0;
}

static void the_clock_is_read_once_per_outermost_call(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.on_receive = look_at_clock;
  assert_int_equal(world_open(&w, NULL), 0);
  assert_int_equal(swale_loop_now_ms(w.loop), 1000);
  fake_enter(&a, &w, "a");
  w.u.now_ms = 2000;
  assert_int_equal(swale_loop_now_ms(w.loop), 1000);
  fake_deliver(&a, "x");
  assert_int_equal(seen_before, 2000);
  assert_int_equal(seen_after, 2000);
  world_run(&w);
  assert_int_equal(swale_loop_now_ms(w.loop), 2007);
  world_close(&w);
}

/* ---- waking ---- */

static void wake_is_called_once_between_two_runs(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  struct swale_job job = {.run = do_nothing};
  world_start(&w);
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  for (unsigned round = 1; round <= 3; round++) {
    w.wakes = 0;
    world_send(&w, fake_channel(a.c), "note", "x");
    assert_int_equal(w.wakes, 1);
    world_send(&w, fake_channel(b.c), "note", "x");
    swale_loop_defer(w.loop, &job);
    assert_int_equal(w.wakes, 1);
    world_run(&w);
    assert_int_equal(w.wakes, 1);
    assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  }
  world_close(&w);
}

static void a_wake_for_what_a_call_brings_about_waits_for_its_end(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  assert_int_equal(world_open(&w, NULL), 0);
  assert_int_equal(fake_open(&a, &w, "a"), 0);
  world_run(&w);
  w.wakes = 0;
  swale_loop_enter(w.loop);
  swale_loop_enter(w.loop);
  world_send(&w, fake_channel(a.c), "note", "x");
  swale_loop_leave(w.loop);
  assert_int_equal(w.wakes, 0);
  swale_loop_leave(w.loop);
  assert_int_equal(w.wakes, 1);
  world_run(&w);

  w.wakes = 0;
  swale_loop_enter(w.loop);
  world_send(&w, fake_channel(a.c), "note", "x");
  swale_loop_leave_quietly(w.loop);
  assert_int_equal(w.wakes, 1);
  world_close(&w);
}

static void a_host_that_asks_for_the_timeout_is_woken_by_others_alone(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.loop_config.host_asks_timeout = true;
  assert_int_equal(world_open(&w, NULL), 0);
  assert_int_equal(fake_open(&a, &w, "a"), 0);
  world_run(&w);
  w.wakes = 0;
  swale_loop_enter(w.loop);
  world_send(&w, fake_channel(a.c), "note", "x");
  swale_loop_leave(w.loop);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  assert_int_equal(w.wakes, 0);
  w.on_message = send_on;
  assert_int_equal(swale_loop_run(w.loop), 0);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  assert_int_equal(w.wakes, 0);
  world_run(&w);

  world_send(&w, fake_channel(a.c), "note", "x");
  assert_int_equal(w.wakes, 1);
  world_close(&w);
}

static void a_refused_message_wakes_nobody(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.loop_config.inbox_bytes = 1;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  assert_int_equal(world_send(&w, fake_channel(a.c), "note", "x"), SWALE_EFULL);
  assert_int_equal(w.wakes, 0);
  assert_int_equal(world_stats(&w).refused, 1);
  world_close(&w);
}

static void *look_into_layer(void *arg) {
  struct world *w = arg;
  assert_int_equal(swale_group_count(w->layer, "some"), 0);
  swale_message *m = swale_message_new("note");
  assert_int_equal(swale_send(w->layer, "plain", m), 0);
  swale_message_unref(m);
  swale_loop_run(w->more); /* a loop of this thread */
  return NULL;
}

static void use_the_layer_meanwhile(void *user) {
  struct world *w = user;
  pthread_t other;
  w->wakes++;
  assert_int_equal(pthread_create(&other, NULL, look_into_layer, w), 0);
  pthread_join(other, NULL);
}

static void no_lock_is_held_while_the_host_is_woken(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  struct swale_job job = {.run = do_nothing};
  swale_loop *other;
  world_init(&w);
  w.loop_config.wake = use_the_layer_meanwhile;
  assert_int_equal(world_open(&w, NULL), 0);
  w.loop_config.wake = NULL;
  assert_int_equal(swale_loop_new(&w.loop_config, &other), 0);
  w.more = other;
  fake_enter(&a, &w, "a");
  world_send(&w, fake_channel(a.c), "note", "x");
  world_run(&w);
  swale_loop_defer(w.loop, &job);
  world_run(&w);
  swale_flush(w.layer);
  world_run(&w);
  assert_true(w.wakes >= 3);
  assert_int_equal(swale_loop_free(other), 0);
  world_close(&w);
}

/* Several loops in the order in which one group_send wakes them. */
enum { LOOPS = 3 };

struct flock {
  struct world w;
  swale_loop *loops[LOOPS];
  struct fake members[LOOPS];
  int woken[LOOPS]; /* how often */
  bool meddled;
};

static struct flock *the_flock;

static void note_wake(int i) { the_flock->woken[i]++; }

static void *run_and_send(void *arg) {
  struct flock *f = arg;
  char name[SWALE_NAME_SIZE];
  assert_int_equal(swale_loop_run(f->loops[1]), 0);
  swale_message *m = swale_message_new("note");
  assert_int_equal(swale_send(f->w.layer, swale_channel_name(f->members[1].c, name), m), 0);
  swale_message_unref(m);
  return NULL;
}

/*
 * While the first loop is being woken, the second one runs of its own accord, and is sent to by another
 * thread, which therefore has to wake it, too. That must not cut it or the third one off from the wake calls
 * still to come.
 */
static void meddle(int i) {
  struct flock *f = the_flock;
  pthread_t other;
  note_wake(i);
  if (f->meddled)
    return;
  f->meddled = true;
  assert_int_equal(pthread_create(&other, NULL, run_and_send, f), 0);
  pthread_join(other, NULL);
}

static void wake_0(void *user) {
  (void)user;
  note_wake(0);
}
static void wake_1(void *user) {
  (void)user;
  note_wake(1);
}
static void wake_2(void *user) {
  (void)user;
  note_wake(2);
}
static void meddle_0(void *user) {
  (void)user;
  meddle(0);
}
static void meddle_2(void *user) {
  (void)user;
  meddle(2);
}

static void open_flock(struct flock *f, void (*const wakes[LOOPS])(void *)) {
  memset(f, 0, sizeof *f);
  the_flock = f;
  world_init(&f->w);
  f->w.layer_config.env = f->w.loop_config.env = f->w.app_config.env = NULL; /* threads */
  f->w.layer_config.on_drop = NULL;
  f->w.terse = true;
  assert_int_equal(world_open(&f->w, NULL), 0);
  swale_loop *first = f->w.loop;
  for (int i = 0; i < LOOPS; i++) {
    f->w.loop_config.wake = wakes[i];
    assert_int_equal(swale_loop_new(&f->w.loop_config, &f->loops[i]), 0);
    f->w.loop = f->loops[i];
    fake_enter(&f->members[i], &f->w, "a");
    assert_int_equal(swale_join(f->members[i].c, "all"), 0);
  }
  f->w.loop = first;
}

static void close_flock(struct flock *f) {
  for (int i = 0; i < LOOPS; i++) {
    swale_loop_run(f->loops[i]);
    assert_int_equal(swale_loop_free(f->loops[i]), 0);
  }
  world_check_books(&f->w);
  world_end(&f->w);
}

static void a_loop_that_runs_while_others_are_woken_cuts_nobody_off(void **state) {
  (void)state;
  /* Whichever end of the list is woken first meddles with the loop in the middle. */
  static void (*const wakes[LOOPS])(void *) = {meddle_0, wake_1, meddle_2};
  static struct flock f;
  open_flock(&f, wakes);
  swale_message *m = swale_message_new("note");
  assert_int_equal(swale_group_send(f.w.layer, "all", m), LOOPS);
  swale_message_unref(m);
  for (int i = 0; i < LOOPS; i++)
    assert_true(f.woken[i] >= 1);
  close_flock(&f);
}

static void each_loop_with_members_is_woken_once(void **state) {
  (void)state;
  static void (*const wakes[LOOPS])(void *) = {wake_0, wake_1, wake_2};
  static struct flock f;
  open_flock(&f, wakes);
  swale_message *m = swale_message_new("note");
  for (int i = 0; i < 10; i++)
    assert_int_equal(swale_group_send(f.w.layer, "all", m), LOOPS);
  swale_message_unref(m);
  for (int i = 0; i < LOOPS; i++)
    assert_int_equal(f.woken[i], 1);
  close_flock(&f);
}

/* ---- threads: senders against a loop that sleeps until it is woken ---- */

enum { SENDERS = 3, EACH = 2000 };

struct sleeper {
  pthread_mutex_t lock;
  pthread_cond_t change;
  bool woken;
  struct world w;
  char channel[SWALE_NAME_SIZE];
  unsigned got;
};

static void wake_sleeper(void *user) {
  struct sleeper *s = user;
  pthread_mutex_lock(&s->lock);
  s->woken = true;
  pthread_cond_signal(&s->change);
  pthread_mutex_unlock(&s->lock);
}

static int count_message(swale_consumer *c, swale_message *m) {
  (void)m;
  struct sleeper *s = world_of(c)->more;
  s->got++;
  return 0;
}

static void *send_many(void *arg) {
  struct sleeper *s = arg;
  swale_message *m = swale_message_new("note");
  swale_message_freeze(m);
  for (int i = 0; i < EACH; i++) {
    if (i % 2)
      assert_int_equal(swale_group_send(s->w.layer, "all", m), 1);
    else
      assert_int_equal(swale_send(s->w.layer, s->channel, m), 0);
  }
  swale_message_unref(m);
  return NULL;
}

static void no_wake_up_is_lost(void **state) {
  (void)state;
  static struct sleeper s;
  struct fake a;
  pthread_t senders[SENDERS];
  memset(&s, 0, sizeof s);
  pthread_mutex_init(&s.lock, NULL);
  pthread_cond_init(&s.change, NULL);
  world_init(&s.w);
  s.w.more = &s;
  s.w.terse = true;
  s.w.on_message = count_message;
  s.w.layer_config.env = s.w.loop_config.env = s.w.app_config.env = NULL;
  s.w.loop_config.wake = wake_sleeper;
  s.w.loop_config.user = &s;
  assert_int_equal(world_open(&s.w, NULL), 0);
  assert_ptr_equal(swale_loop_user(s.w.loop), &s);
  fake_enter(&a, &s.w, "a");
  assert_int_equal(swale_join(a.c, "all"), 0);
  swale_channel_name(a.c, s.channel);
  for (int i = 0; i < SENDERS; i++)
    assert_int_equal(pthread_create(&senders[i], NULL, send_many, &s), 0);
  while (s.got < SENDERS * EACH) {
    pthread_mutex_lock(&s.lock);
    while (!s.woken)
      pthread_cond_wait(&s.change, &s.lock);
    s.woken = false;
    pthread_mutex_unlock(&s.lock);
    assert_int_equal(swale_loop_run(s.w.loop), 0);
  }
  for (int i = 0; i < SENDERS; i++)
    pthread_join(senders[i], NULL);
  world_end(&s.w);
  pthread_cond_destroy(&s.change);
  pthread_mutex_destroy(&s.lock);
}

struct slow_wake {
  swale_loop *loop;
  atomic_bool inside, may_return;
};

static void wake_slowly(void *user) {
  struct slow_wake *s = user;
  atomic_store(&s->inside, true);
  while (!atomic_load(&s->may_return))
    sched_yield();
}

struct one_send {
  swale_layer *layer;
  char channel[SWALE_NAME_SIZE];
};

static void *send_one(void *arg) {
  struct one_send *o = arg;
  swale_message *m = swale_message_new("note");
  assert_int_equal(swale_send(o->layer, o->channel, m), 0);
  swale_message_unref(m);
  return NULL;
}

static void *let_wake_return(void *arg) {
  struct slow_wake *s = arg;
  for (int i = 0; i < 1000; i++)
    sched_yield();
  atomic_store(&s->may_return, true);
  return NULL;
}

static void freeing_waits_for_wake_calls_under_way(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  struct slow_wake slow = {0};
  struct one_send one;
  pthread_t sender, helper;
  world_init(&w);
  w.layer_config.env = w.loop_config.env = w.app_config.env = NULL;
  w.loop_config.wake = wake_slowly;
  w.loop_config.user = &slow;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  one.layer = w.layer;
  swale_channel_name(a.c, one.channel);
  assert_int_equal(pthread_create(&sender, NULL, send_one, &one), 0);
  while (!atomic_load(&slow.inside))
    sched_yield();
  assert_int_equal(pthread_create(&helper, NULL, let_wake_return, &slow), 0);
  assert_int_equal(swale_loop_free(w.loop), 0);
  assert_true(atomic_load(&slow.may_return));
  w.loop = NULL;
  pthread_join(sender, NULL);
  pthread_join(helper, NULL);
  world_end(&w);
}

/* ---- the inbox's bound ---- */

static void senders_are_told_when_the_inbox_is_full_and_it_empties_with_a_run(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_init(&w);
  w.loop_config.inbox_bytes = 400;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  swale_join(a.c, "all");
  swale_join(b.c, "all");
  w.terse = true;
  for (int round = 0; round < 3; round++) {
    int fit = 0;
    while (world_group_send(&w, "all", "note", "a text of some bytes") == 2)
      fit++;
    assert_in_range(fit, 2, 10);
    assert_int_equal(world_group_send(&w, "all", "note", "a text of some bytes"), SWALE_EFULL);
    assert_int_equal(world_send(&w, fake_channel(a.c), "note", "a text of some bytes"), SWALE_EFULL);
    uint64_t before = world_stats(&w).delivered;
    world_run(&w);
    assert_int_equal(world_stats(&w).delivered - before, 2 * fit);
  }
  assert_int_equal(w.loop->inbox.bytes, 0);
  world_close(&w);
}

/* ---- ending ---- */

static void freeing_a_loop_disconnects_its_consumers_and_drops_what_waits(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_start(&w);
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  swale_join(a.c, "all");
  swale_join(b.c, "all");
  assert_int_equal(swale_loop_consumers(w.loop), 2);
  fake_pause(&a);
  world_send(&w, fake_channel(a.c), "note", "1");
  world_run(&w);
  world_group_send(&w, "all", "note", "2");
  world_send(&w, fake_channel(b.c), "note", "3");
  world_expect(&w, "a.connect a>accept b.connect b>accept");
  assert_int_equal(swale_loop_free(w.loop), 0);
  w.loop = NULL;
  world_expect(&w, "b.disconnect(1001) a.disconnect(1001) ~closed(!) ~closed(2) ~closed(!)");
  struct swale_layer_stats s = world_stats(&w);
  assert_int_equal(s.offered, 4);
  assert_int_equal(s.dropped[SWALE_DROP_CLOSED], 4);
  assert_int_equal(s.loops + s.groups + s.memberships + s.consumers + s.queued, 0);
  world_close(&w);
}

static void a_loop_with_connections_is_not_freed(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  swale_loop_hold(w.loop);
  swale_loop_hold(w.loop);
  assert_int_equal(swale_loop_free(w.loop), SWALE_ESTATE);
  swale_loop_release(w.loop);
  assert_int_equal(swale_loop_free(w.loop), SWALE_ESTATE);
  assert_int_equal(swale_loop_run(w.loop), 0);
  swale_loop_release(w.loop);
  world_close(&w);
}

static void a_layer_is_not_freed_before_its_loops(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_layer_free(w.layer), SWALE_ESTATE);
  assert_int_equal(swale_app_free(w.app), SWALE_ESTATE);
  fake_lost(&a, 1006);
  assert_int_equal(swale_layer_free(w.layer), SWALE_ESTATE);
  world_close(&w);
}

static int open_another(swale_consumer *c, int code) {
  (void)code;
  struct world *w = world_of(c);
  swale_consumer *out = c;
  struct swale_request request = {.size = sizeof request, .target = "/b/"};
  struct fake *f = w->more;
  assert_int_equal(swale_consumer_open(w->app, w->loop, &request, &fake_transport_class, f, &out),
                   SWALE_ESTATE);
  assert_null(out);
  assert_int_equal(swale_app_serve(w->app, w->loop), SWALE_ESTATE);
  return 0;
}

static void nothing_begins_on_a_loop_that_ends(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_init(&w);
  w.more = &b;
  w.on_disconnect = open_another;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_loop_free(w.loop), 0);
  w.loop = NULL;
  world_expect(&w, "a.connect a>accept a.disconnect(1001)");
  world_close(&w);
}

static void fire_never(struct swale_timer *t) {
  (void)t;
  fail();
}

static void timers_of_a_loop_that_ended_can_be_used_with_another(void **state) {
  (void)state;
  struct world w;
  struct swale_timer near = {.fire = fire_never}, far = near, due = near;
  world_start(&w);
  swale_timer_start(w.loop, &due, 1);
  swale_timer_start(w.loop, &near, 10);
  swale_timer_start(w.loop, &far, UINT64_MAX);
  w.u.now_ms += 5;
  assert_int_equal(swale_loop_free(w.loop), 0);
  assert_false(swale_timer_armed(&due));
  assert_false(swale_timer_armed(&near));
  assert_false(swale_timer_armed(&far));
  assert_int_equal(swale_loop_new(&w.loop_config, &w.loop), 0);
  swale_timer_start(w.loop, &near, 10);
  swale_timer_stop(w.loop, &near);
  world_close(&w);
}

static int connect_later(swale_consumer *c) {
  (void)c;
  return 0;
}

static void close_all_asks_every_consumer(void **state) {
  (void)state;
  struct world w;
  struct fake a, b, c;
  world_start(&w);
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  w.on_connect = connect_later;
  fake_enter(&c, &w, "c");
  world_expect(&w, "a.connect a>accept b.connect b>accept c.connect");
  assert_int_equal(swale_close(b.c, 4000, "first"), 0);
  world_expect(&w, "b>close(4000 first)");
  assert_int_equal(swale_loop_close_all(w.loop, 1001, "bye"), 0);
  world_expect(&w, "c>reject(503 bye) a>close(1001 bye)");
  world_run(&w);
  world_expect(&w, "c.disconnect(1006)");
  assert_int_equal(swale_loop_consumers(w.loop), 2);
  fake_lost(&a, 1001);
  fake_lost(&b, 4000);
  assert_int_equal(swale_loop_consumers(w.loop), 0);
  world_expect(&w, "a.disconnect(1001) b.disconnect(4000)");
  world_close(&w);
}

static void close_all_checks_code_and_reason_even_with_nobody_there(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(swale_loop_close_all(w.loop, 1005, NULL), SWALE_EINVAL);
    assert_int_equal(swale_loop_close_all(w.loop, 1001, "\xff"), SWALE_EUTF8);
    if (i == 0)
      assert_int_equal(swale_loop_close_all(w.loop, 1001, NULL), 0);
    if (i == 0)
      fake_enter(&a, &w, "a");
  }
  world_expect(&w, "a.connect a>accept");
  world_close(&w);
}

/* ---- extensions ---- */

static unsigned extensions_freed;

static void free_extension(void *data, const struct swale_env *env) {
  void **block = data;
  env->allocator.free(*block, env->allocator.user);
  extensions_freed++;
}

static void an_extension_is_made_once_and_freed_with_the_loop(void **state) {
  (void)state;
  static const char one, two;
  struct world w;
  world_start(&w);
  void **a = swale_loop_extension(w.loop, &one, 4 * sizeof(void *), free_extension);
  assert_non_null(a);
  assert_int_equal((uintptr_t)a % _Alignof(max_align_t), 0);
  for (int i = 0; i < 4; i++)
    assert_null(a[i]);
  *a = w.u.env.allocator.malloc(10, w.u.env.allocator.user);
  void *b = swale_loop_extension(w.loop, &two, 1, NULL);
  assert_non_null(b);
  assert_ptr_equal(swale_loop_extension(w.loop, &one, 4 * sizeof(void *), free_extension), a);
  assert_ptr_equal(swale_loop_extension(w.loop, &two, 1, NULL), b);
  extensions_freed = 0;
  world_close(&w);
  assert_int_equal(extensions_freed, 1);
}

static void an_extension_needs_memory(void **state) {
  (void)state;
  static const char key;
  struct world w;
  world_start(&w);
  assert_null(swale_loop_extension(w.loop, &key, SIZE_MAX, NULL));
  assert_null(swale_loop_extension(w.loop, &key, SIZE_MAX - 8, NULL));
  w.u.fail_at = 1;
  assert_null(swale_loop_extension(w.loop, &key, 8, NULL));
  assert_non_null(swale_loop_extension(w.loop, &key, 8, NULL));
  world_close(&w);
}

static void a_loop_knows_its_environment(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  assert_ptr_equal(swale_loop_env(w.loop)->user, &w.u);
  assert_ptr_equal(swale_loop_env(w.loop)->allocator.user, &w.u);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_config_has_the_documented_defaults),
      cmocka_unit_test(a_config_of_another_version_is_filled_as_far_as_it_goes),
      cmocka_unit_test(a_config_that_cannot_be_is_refused),
      cmocka_unit_test(a_loop_needs_no_config_and_may_be_null_when_freed),
      cmocka_unit_test(a_loop_needs_memory),
      cmocka_unit_test(running_and_freeing_inside_callbacks_is_refused),
      cmocka_unit_test(the_timeout_is_0_as_long_as_a_message_waits),
      cmocka_unit_test(what_a_handler_sends_is_for_the_next_run),
      cmocka_unit_test(the_timeout_is_0_for_a_job_that_was_put_off_outside),
      cmocka_unit_test(the_timeout_leads_to_the_next_timer),
      cmocka_unit_test(the_timeout_is_0_while_drops_are_to_be_told),
      cmocka_unit_test(the_timeout_is_0_after_a_flush_until_the_loop_has_followed),
      cmocka_unit_test(the_timeout_leads_to_the_expiry_of_what_waits),
      cmocka_unit_test(the_clock_is_read_once_per_outermost_call),
      cmocka_unit_test(wake_is_called_once_between_two_runs),
      cmocka_unit_test(a_wake_for_what_a_call_brings_about_waits_for_its_end),
      cmocka_unit_test(a_host_that_asks_for_the_timeout_is_woken_by_others_alone),
      cmocka_unit_test(a_refused_message_wakes_nobody),
      cmocka_unit_test(no_lock_is_held_while_the_host_is_woken),
      cmocka_unit_test(each_loop_with_members_is_woken_once),
      cmocka_unit_test(a_loop_that_runs_while_others_are_woken_cuts_nobody_off),
      cmocka_unit_test(no_wake_up_is_lost),
      cmocka_unit_test(freeing_waits_for_wake_calls_under_way),
      cmocka_unit_test(senders_are_told_when_the_inbox_is_full_and_it_empties_with_a_run),
      cmocka_unit_test(freeing_a_loop_disconnects_its_consumers_and_drops_what_waits),
      cmocka_unit_test(a_loop_with_connections_is_not_freed),
      cmocka_unit_test(a_layer_is_not_freed_before_its_loops),
      cmocka_unit_test(nothing_begins_on_a_loop_that_ends),
      cmocka_unit_test(timers_of_a_loop_that_ended_can_be_used_with_another),
      cmocka_unit_test(close_all_asks_every_consumer),
      cmocka_unit_test(close_all_checks_code_and_reason_even_with_nobody_there),
      cmocka_unit_test(an_extension_is_made_once_and_freed_with_the_loop),
      cmocka_unit_test(an_extension_needs_memory),
      cmocka_unit_test(a_loop_knows_its_environment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

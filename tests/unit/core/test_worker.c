/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

#include <pthread.h>
#include <stdatomic.h>

static void open_world_with(struct world *w, const struct swale_consumer_class *worker) {
  assert_int_equal(world_open(w, NULL), 0);
  assert_int_equal(swale_app_channel(w->app, "thumbs", worker ? worker : &fake_class), 0);
}

static void open_world(struct world *w) {
  world_init(w);
  open_world_with(w, NULL);
}

static int64_t waiting_in(struct world *w, const char *channel) {
  struct swale_channel_stats s;
  int rv = swale_channel_stats_get(w->layer, channel, &s);
  return rv < 0 ? rv : (int64_t)s.depth;
}

/* The only consumer there is. */
static swale_consumer *the_worker;

static int remember_worker(swale_consumer *c) {
  the_worker = c;
  return 0;
}

/* ---- a life ---- */

static void a_worker_connects_with_the_next_run_and_gets_the_messages_of_its_channel(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_expect(&w, "");
  assert_int_equal(w.wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(w.loop), 0);
  world_run(&w);
  world_expect(&w, "thumbs.connect");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  assert_int_equal(swale_loop_consumers(w.loop), 1);
  assert_int_equal(swale_app_consumers(w.app), 1);
  world_send(&w, "thumbs", "note", "1");
  world_send(&w, "thumbs", "strange", "2");
  world_send(&w, "thumbs", "other", "3");
  world_expect(&w, "");
  world_run(&w);
  world_expect(&w, "thumbs.note(1) !unhandled(strange) thumbs.other(3)");
  assert_int_equal(world_stats(&w).delivered, 3);
  world_close(&w);
  world_expect(&w, "thumbs.disconnect(1001)");
}

static int look_at_worker(swale_consumer *c) {
  struct world *w = world_of(c);
  assert_string_equal(swale_scope_type(swale_consumer_scope(c)), "channel");
  assert_string_equal(swale_scope_path(swale_consumer_scope(c)), "thumbs");
  assert_null(swale_scope_query(swale_consumer_scope(c)));
  assert_string_equal(fake_channel(c), "thumbs");
  assert_ptr_equal(swale_consumer_loop(c), w->loop);
  assert_ptr_equal(swale_consumer_app(c), w->app);
  assert_ptr_equal(swale_consumer_layer(c), w->layer);
  assert_null(swale_consumer_find(w->loop, w->layer, "thumbs"));
  return 0;
}

static void a_worker_knows_what_it_is(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  w.on_connect = look_at_worker;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  world_expect(&w, "thumbs.connect");
  world_close(&w);
}

static void an_app_without_channels_has_nothing_to_serve(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  assert_int_equal(swale_app_channel(w.app, "late", &fake_class), SWALE_ESTATE);
  world_close(&w);
}

static void what_waited_before_the_worker_came_is_told_first(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  world_send(&w, "thumbs", "note", "1");
  world_send(&w, "thumbs", "note", "2");
  assert_int_equal(waiting_in(&w, "thumbs"), 2);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_send(&w, "thumbs", "note", "3");
  world_run(&w);
  world_expect(&w, "thumbs.connect");
  world_send(&w, "thumbs", "note", "4");
  world_run(&w);
  world_expect(&w, "thumbs.note(1) thumbs.note(2) thumbs.note(3) thumbs.note(4)");
  assert_int_equal(waiting_in(&w, "thumbs"), 0);
  world_close(&w);
}

static void what_expired_before_the_worker_came_is_not_told(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.layer_config.expiry_ms = 100;
  open_world_with(&w, NULL);
  world_send(&w, "thumbs", "note", "1");
  w.u.now_ms += 50;
  world_send(&w, "thumbs", "note", "2");
  w.u.now_ms += 50;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  swale_loop_run(w.loop);
  world_settle(&w);
  world_expect(&w, "thumbs.connect ~expired(thumbs) thumbs.note(2)");
  world_close(&w);
}

static void a_worker_has_no_peer(void **state) {
  (void)state;
  struct world w;
  swale_payload *p;
  open_world(&w);
  w.on_connect = remember_worker;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  assert_int_equal(swale_payload_new(SWALE_TEXT, "x", 1, NULL, &p), 0);
  assert_int_equal(swale_send_text(the_worker, "x", 1), SWALE_EUNSUPPORTED);
  assert_int_equal(swale_send_bytes(the_worker, "x", 1), SWALE_EUNSUPPORTED);
  assert_int_equal(swale_send_payload(the_worker, p), SWALE_EUNSUPPORTED);
  assert_int_equal(swale_accept(the_worker, NULL), SWALE_ESTATE);
  assert_int_equal(swale_reject(the_worker, 404, NULL), SWALE_ESTATE);
  swale_payload_unref(p);
  world_close(&w);
}

static void nobody_else_receives_from_a_workers_channel(void **state) {
  (void)state;
  struct world w;
  swale_message *m;
  open_world(&w);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  assert_int_equal(swale_receive(w.layer, "thumbs", &m), SWALE_ESTATE);
  assert_int_equal(swale_channel_close(w.layer, "thumbs"), SWALE_ESTATE);
  world_run(&w);
  assert_int_equal(swale_receive(w.layer, "thumbs", &m), SWALE_ESTATE);
  world_close(&w);
}

/* ---- the end ---- */

static int close_at_2(swale_consumer *c, swale_message *m) {
  size_t len;
  return *swale_message_get_str(m, "text", &len) == '2' ? swale_close(c, 4002, NULL) : 0;
}

static void a_worker_lives_until_it_is_closed(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  w.on_message = close_at_2;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  world_clear_log(&w);
  for (char text[2] = "1"; *text <= '4'; ++*text)
    world_send(&w, "thumbs", "note", text);
  world_run(&w);
  world_expect(&w, "thumbs.note(1) thumbs.note(2) thumbs.disconnect(4002) ~closed(thumbs) ~closed(thumbs)");
  assert_int_equal(swale_loop_consumers(w.loop), 0);
  assert_int_equal(waiting_in(&w, "thumbs"), SWALE_ENOTFOUND);
  world_close(&w);
}

static void messages_on_their_way_to_a_worker_that_ended_are_dropped(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  w.loop_config.inbox_batch = 1;
  open_world_with(&w, NULL);
  w.on_message = close_at_2;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  world_clear_log(&w);
  for (char text[2] = "2"; *text <= '4'; ++*text)
    world_send(&w, "thumbs", "note", text);
  world_run(&w);
  world_expect(&w, "thumbs.note(2) thumbs.disconnect(4002)");
  world_settle(&w);
  world_expect(&w, "~closed(1) ~closed(1)");
  assert_int_equal(world_stats(&w).dropped[SWALE_DROP_CLOSED], 2);
  world_close(&w);
}

static void what_a_worker_misses_counts_for_its_channel(void **state) {
  (void)state;
  struct world w;
  struct swale_channel_stats s;
  open_world(&w);
  assert_int_equal(swale_group_add(w.layer, "all", "thumbs"), 0); /* the channel stays */
  w.on_message = close_at_2;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  world_send(&w, "thumbs", "note", "2");
  world_send(&w, "thumbs", "note", "3");
  world_run(&w);
  assert_int_equal(swale_channel_stats_get(w.layer, "thumbs", &s), 0);
  assert_int_equal(s.dropped, 1);
  world_close(&w);
}

static int fail_message(swale_consumer *c, swale_message *m) {
  (void)c;
  (void)m;
  return -9;
}

static void a_handler_that_fails_ends_the_worker(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  w.on_message = fail_message;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  world_send(&w, "thumbs", "note", "1");
  world_run(&w);
  world_expect(&w, "thumbs.connect thumbs.note(1) !callback(handler -9) thumbs.disconnect(1011)");
  world_close(&w);
}

static int reject_connect(swale_consumer *c) { return swale_reject(c, 403, "no"); }
static int fail_connect(swale_consumer *c) {
  (void)c;
  return -8;
}
static int close_connect(swale_consumer *c) { return swale_close(c, 4000, NULL); }
static int accept_and_close(swale_consumer *c) {
  assert_int_equal(swale_accept(c, NULL), 0);
  return swale_close(c, 4000, NULL);
}

static void a_connect_may_refuse_to_work(void **state) {
  (void)state;
  struct {
    int (*connect)(swale_consumer *c);
    const char *expected;
  } ways[] = {
      {reject_connect, "thumbs.connect thumbs.disconnect(1006)"},
      {fail_connect, "thumbs.connect !callback(connect -8) thumbs.disconnect(1006)"},
      {close_connect, "thumbs.connect thumbs.disconnect(1006)"},
  };
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.groups = groups;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct world w;
    world_init(&w);
    open_world_with(&w, &cls);
    w.on_connect = ways[i].connect;
    world_send(&w, "thumbs", "note", "1");
    assert_int_equal(swale_app_serve(w.app, w.loop), 0);
    world_settle(&w);
    world_expect(&w, ways[i].expected);
    assert_int_equal(swale_loop_consumers(w.loop), 0);
    assert_int_equal(waiting_in(&w, "thumbs"), 1);
    assert_int_equal(swale_group_count(w.layer, "all"), 0);
    world_close(&w);
  }
}

static void a_worker_that_ends_as_it_begins_takes_what_waited_with_it(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  w.on_connect = accept_and_close;
  world_send(&w, "thumbs", "note", "1");
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_settle(&w);
  world_expect(&w, "thumbs.connect thumbs.disconnect(4000) ~closed(1)");
  world_close(&w);
}

static void a_worker_can_be_started_again(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  w.on_connect = remember_worker;
  for (int round = 0; round < 3; round++) {
    world_send(&w, "thumbs", "note", "between");
    assert_int_equal(swale_app_serve(w.app, w.loop), 0);
    world_settle(&w);
    world_expect(&w, "thumbs.connect thumbs.note(between)");
    assert_int_equal(swale_close(the_worker, 1000, NULL), 0);
    world_settle(&w);
    world_expect(&w, "thumbs.disconnect(1000)");
  }
  world_close(&w);
}

static void close_all_closes_workers(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0); /* not connected yet */
  assert_int_equal(swale_loop_close_all(w.loop, 1001, NULL), 0);
  world_run(&w);
  world_expect(&w, "thumbs.connect thumbs.disconnect(1001)");
  assert_int_equal(swale_loop_consumers(w.loop), 0);
  world_close(&w);
}

static void a_worker_that_never_connected_does_not_disconnect(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_close(&w);
  world_expect(&w, "");
}

/* ---- several ---- */

static void several_loops_share_a_channel(void **state) {
  (void)state;
  struct world w;
  swale_loop *second;
  open_world(&w);
  assert_int_equal(swale_loop_new(&w.loop_config, &second), 0);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  assert_int_equal(swale_app_serve(w.app, second), 0);
  world_run(&w);
  assert_int_equal(swale_loop_run(second), 0);
  world_clear_log(&w);
  for (char text[2] = "1"; *text <= '4'; ++*text)
    world_send(&w, "thumbs", "note", text);
  world_run(&w);
  world_expect(&w, "thumbs.note(2) thumbs.note(4)");
  assert_int_equal(swale_loop_run(second), 0);
  world_expect(&w, "thumbs.note(1) thumbs.note(3)");
  assert_int_equal(swale_loop_free(second), 0); /* the other one has it all now */
  world_clear_log(&w);
  for (char text[2] = "5"; *text <= '6'; ++*text)
    world_send(&w, "thumbs", "note", text);
  world_run(&w);
  world_expect(&w, "thumbs.note(5) thumbs.note(6)");
  world_close(&w);
}

/* ---- groups ---- */

static int64_t members;
static int count_members(swale_consumer *c) {
  members = swale_group_count(world_of(c)->layer, "all");
  the_worker = c;
  return 0;
}

static void the_groups_of_a_workers_class_are_its_channels(void **state) {
  (void)state;
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.groups = groups;
  struct world w;
  world_init(&w);
  open_world_with(&w, &cls);
  w.on_connect = count_members;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  assert_int_equal(members, 1);
  assert_int_equal(world_group_send(&w, "all", "note", "x"), 1);
  world_run(&w);
  world_expect(&w, "thumbs.connect thumbs.note(x)");
  assert_int_equal(swale_close(the_worker, 1000, NULL), 0);
  world_run(&w);
  assert_int_equal(swale_group_count(w.layer, "all"), 0);
  world_close(&w);
}

static int reject_second(swale_consumer *c) {
  return the_worker ? swale_reject(c, 403, NULL) : remember_worker(c);
}

static void the_groups_stay_while_one_worker_is_left(void **state) {
  (void)state;
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.groups = groups;
  struct world w;
  swale_loop *second;
  world_init(&w);
  open_world_with(&w, &cls);
  assert_int_equal(swale_loop_new(&w.loop_config, &second), 0);
  the_worker = NULL;
  w.on_connect = reject_second;
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_run(&w);
  assert_int_equal(swale_app_serve(w.app, second), 0);
  assert_int_equal(swale_loop_run(second), 0); /* rejects */
  assert_int_equal(swale_group_count(w.layer, "all"), 1);
  swale_close(the_worker, 1000, NULL);
  world_run(&w);
  assert_int_equal(swale_group_count(w.layer, "all"), 0);
  assert_int_equal(swale_loop_free(second), 0);
  world_close(&w);
}

/* The first worker ends while the second is inside its connect: it has joined, but does not listen yet. */
struct overlap {
  struct world w;
  swale_loop *second;
  swale_consumer *first;
};

static void *end_first(void *arg) {
  struct overlap *o = arg;
  assert_int_equal(swale_close(o->first, 1000, NULL), 0);
  assert_int_equal(swale_loop_run(o->w.loop), 0);
  return NULL;
}

static int connect_overlapping(swale_consumer *c) {
  struct world *w = world_of(c);
  struct overlap *o = w->more;
  pthread_t thread;
  if (!o->first) {
    o->first = c;
    return 0;
  }
  w->inside = false; /* for the disconnect, on another loop and thread */
  assert_int_equal(pthread_create(&thread, NULL, end_first, o), 0);
  pthread_join(thread, NULL);
  w->inside = true;
  return 0;
}

static void a_worker_that_begins_keeps_the_groups_of_one_that_ends(void **state) {
  (void)state;
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.groups = groups;
  static struct overlap o;
  memset(&o, 0, sizeof o);
  world_init(&o.w);
  o.w.more = &o;
  o.w.on_connect = connect_overlapping;
  open_world_with(&o.w, &cls);
  assert_int_equal(swale_loop_new(&o.w.loop_config, &o.second), 0);
  assert_int_equal(swale_app_serve(o.w.app, o.w.loop), 0);
  world_run(&o.w);
  assert_int_equal(swale_app_serve(o.w.app, o.second), 0);
  assert_int_equal(swale_loop_run(o.second), 0);
  world_expect(&o.w, "thumbs.connect thumbs.connect thumbs.disconnect(1000)");
  assert_int_equal(swale_group_count(o.w.layer, "all"), 1);
  assert_int_equal(world_group_send(&o.w, "all", "note", "x"), 1);
  assert_int_equal(swale_loop_run(o.second), 0);
  world_expect(&o.w, "thumbs.note(x)");
  assert_int_equal(swale_loop_free(o.second), 0);
  assert_int_equal(swale_group_count(o.w.layer, "all"), 0);
  world_close(&o.w);
}

/* ---- what cannot be served ---- */

static void a_channel_without_a_layer_cannot_be_served(void **state) {
  (void)state;
  struct swale_consumer_class cls = fake_class;
  cls.layer = "elsewhere";
  struct world w;
  open_world(&w);
  assert_int_equal(swale_app_channel(w.app, "more", &cls), 0);
  assert_int_equal(swale_app_serve(w.app, w.loop), SWALE_ENOTFOUND);
  world_settle(&w);
  world_expect(&w, ""); /* nor the one before it */
  assert_int_equal(swale_app_consumers(w.app), 0);
  assert_int_equal(world_stats(&w).channels, 0);
  world_close(&w);
}

static void serving_takes_all_channels_or_none(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.app_config.consumers_max = 3;
  open_world_with(&w, NULL);
  assert_int_equal(swale_app_channel(w.app, "more", &fake_class), 0);
  assert_int_equal(swale_app_channel(w.app, "most", &fake_class), 0);
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_app_serve(w.app, w.loop), SWALE_EFULL);
  world_clear_log(&w);
  world_settle(&w);
  world_expect(&w, "");
  assert_int_equal(swale_app_consumers(w.app), 1);
  assert_int_equal(swale_loop_consumers(w.loop), 1);
  assert_int_equal(world_stats(&w).channels, 0);
  fake_lost(&a, 1000);
  assert_int_equal(swale_app_serve(w.app, w.loop), 0);
  world_clear_log(&w);
  world_settle(&w);
  world_expect(&w, "thumbs.connect more.connect most.connect");
  world_close(&w);
}

/* ---- memory that runs out ---- */

static int errors;
static void count_error(struct world *w, const struct swale_report *r) {
  (void)w;
  (void)r;
  errors++;
}

static void work(struct world *w) {
  errors += world_send(w, "thumbs", "note", "1") < 0;
  errors += swale_app_serve(w->app, w->loop) < 0;
  world_settle(w);
  errors += world_send(w, "thumbs", "note", "2") < 0;
  errors += world_group_send(w, "all", "other", "3") < 0;
  world_settle(w);
  swale_loop_close_all(w->loop, 1000, NULL);
  world_settle(w);
}

static int working_life(struct unit_env *u) {
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  struct world w;
  cls.groups = groups;
  world_init(&w);
  w.u.fail_at = u->fail_at;
  w.on_error = count_error;
  w.on_connect = remember_worker;
  errors = 0;
  int rv = world_open(&w, NULL);
  if (rv == 0) {
    rv = swale_app_channel(w.app, "thumbs", &cls);
    if (rv == 0)
      work(&w);
    errors += rv < 0;
    bool whole =
        strcmp(w.log,
               "thumbs.connect thumbs.note(1) thumbs.note(2) thumbs.other(3) thumbs.disconnect(1000)") == 0;
    assert_true(whole || errors > 0 || world_stats(&w).dropped[SWALE_DROP_NOMEM] > 0);
    if (w.u.fail_at > 0)
      assert_true(whole);
    rv = whole ? 0 : SWALE_ENOMEM;
  }
  world_close(&w);
  u->fail_at = w.u.fail_at;
  return rv;
}

static void no_failing_allocation_breaks_a_working_life(void **state) {
  (void)state;
  unit_fail_every_allocation(working_life);
}

/* ---- threads: workers of several loops against a sender ---- */

enum { WORKERS = 2, JOBS = 5000 };

struct shop {
  struct world w;
  swale_loop *loops[WORKERS];
  atomic_uint done;
};

static int do_job(swale_consumer *c, swale_message *m) {
  (void)m;
  struct shop *s = swale_consumer_user(c);
  atomic_fetch_add(&s->done, 1);
  return 0;
}

static const struct swale_handler shop_handlers[] = {{"note", do_job}, {NULL, NULL}};
static const char *const shop_groups[] = {"all", NULL};
static const struct swale_consumer_class shop_worker = {.handlers = shop_handlers, .groups = shop_groups};

struct shop_thread {
  struct shop *shop;
  swale_loop *loop;
};

static void *run_loop(void *arg) {
  struct shop_thread *t = arg;
  assert_int_equal(swale_app_serve(t->shop->w.app, t->loop), 0);
  while (atomic_load(&t->shop->done) < JOBS) {
    assert_int_equal(swale_loop_run(t->loop), 0);
    sched_yield();
  }
  assert_int_equal(swale_loop_free(t->loop), 0);
  return NULL;
}

static void workers_of_several_threads_do_each_job_once(void **state) {
  (void)state;
  static struct shop s;
  struct shop_thread t[WORKERS];
  pthread_t threads[WORKERS];
  memset(&s, 0, sizeof s);
  world_init(&s.w);
  s.w.layer_config.env = s.w.loop_config.env = s.w.app_config.env = NULL;
  s.w.layer_config.on_drop = NULL;
  s.w.layer_config.capacity = JOBS;
  s.w.loop_config.wake = NULL;
  s.w.app_config.user = &s;
  s.w.app_config.on_error = NULL;
  open_world_with(&s.w, &shop_worker);
  for (int i = 0; i < WORKERS; i++) {
    assert_int_equal(swale_loop_new(&s.w.loop_config, &s.loops[i]), 0);
    t[i] = (struct shop_thread){&s, s.loops[i]};
    assert_int_equal(pthread_create(&threads[i], NULL, run_loop, &t[i]), 0);
  }
  swale_message *m = swale_message_new("note");
  for (int i = 0; i < JOBS; i++)
    assert_int_equal(swale_send(s.w.layer, "thumbs", m), 0);
  swale_message_unref(m);
  for (int i = 0; i < WORKERS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(world_stats(&s.w).delivered, JOBS);
  world_end(&s.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_worker_connects_with_the_next_run_and_gets_the_messages_of_its_channel),
      cmocka_unit_test(a_worker_knows_what_it_is),
      cmocka_unit_test(an_app_without_channels_has_nothing_to_serve),
      cmocka_unit_test(what_waited_before_the_worker_came_is_told_first),
      cmocka_unit_test(what_expired_before_the_worker_came_is_not_told),
      cmocka_unit_test(a_worker_has_no_peer),
      cmocka_unit_test(nobody_else_receives_from_a_workers_channel),
      cmocka_unit_test(a_worker_lives_until_it_is_closed),
      cmocka_unit_test(messages_on_their_way_to_a_worker_that_ended_are_dropped),
      cmocka_unit_test(what_a_worker_misses_counts_for_its_channel),
      cmocka_unit_test(a_handler_that_fails_ends_the_worker),
      cmocka_unit_test(a_connect_may_refuse_to_work),
      cmocka_unit_test(a_worker_that_ends_as_it_begins_takes_what_waited_with_it),
      cmocka_unit_test(a_worker_can_be_started_again),
      cmocka_unit_test(close_all_closes_workers),
      cmocka_unit_test(a_worker_that_never_connected_does_not_disconnect),
      cmocka_unit_test(several_loops_share_a_channel),
      cmocka_unit_test(the_groups_of_a_workers_class_are_its_channels),
      cmocka_unit_test(the_groups_stay_while_one_worker_is_left),
      cmocka_unit_test(a_worker_that_begins_keeps_the_groups_of_one_that_ends),
      cmocka_unit_test(a_channel_without_a_layer_cannot_be_served),
      cmocka_unit_test(serving_takes_all_channels_or_none),
      cmocka_unit_test(no_failing_allocation_breaks_a_working_life),
      cmocka_unit_test(workers_of_several_threads_do_each_job_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

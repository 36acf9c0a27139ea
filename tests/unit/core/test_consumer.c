/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

/* ---- a life ---- */

static void a_consumer_connects_receives_and_disconnects(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  assert_non_null(a.c);
  assert_int_equal(swale_loop_consumers(w.loop), 1);
  assert_int_equal(swale_app_consumers(w.app), 1);
  assert_int_equal(world_stats(&w).consumers, 1);
  assert_int_equal(fake_deliver(&a, "hi"), 0);
  swale_loop_enter(w.loop);
  assert_int_equal(swale_consumer_deliver(a.c, SWALE_BINARY, "bytes", 3), 0);
  assert_int_equal(swale_consumer_deliver(a.c, SWALE_TEXT, "", 0), 0);
  swale_loop_leave(w.loop);
  assert_int_equal(world_send(&w, fake_channel(a.c), "note", "x"), 0);
  world_run(&w);
  fake_lost(&a, 1005);
  world_expect(&w, "a.connect a>accept a.receive(hi) a.bytes(byt) a.receive() a.note(x) a.disconnect(1005)");
  assert_int_equal(swale_loop_consumers(w.loop), 0);
  assert_int_equal(swale_app_consumers(w.app), 0);
  assert_int_equal(world_stats(&w).consumers, 0);
  world_close(&w);
}

static void a_class_without_functions_accepts_and_ignores(void **state) {
  (void)state;
  static const struct swale_consumer_class plain = {.name = "plain"};
  struct world w;
  struct fake a;
  world_start_with(&w, &plain);
  fake_enter(&a, &w, "a");
  assert_null(swale_state(a.c));
  assert_int_equal(fake_deliver(&a, "hi"), 0);
  world_send(&w, fake_channel(a.c), "note", "x");
  world_run(&w);
  fake_lost(&a, 1000);
  world_expect(&w, "a>accept !unhandled(note)");
  assert_int_equal(world_stats(&w).delivered, 1);
  assert_int_equal(world_stats(&w).unhandled, 1);
  world_close(&w);
}

static void the_getters_tell_where_a_consumer_belongs(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  assert_ptr_equal(swale_consumer_class_of(a.c), &fake_class);
  assert_ptr_equal(swale_consumer_app(a.c), w.app);
  assert_ptr_equal(swale_consumer_loop(a.c), w.loop);
  assert_ptr_equal(swale_consumer_layer(a.c), w.layer);
  assert_ptr_equal(swale_consumer_user(a.c), &w);
  assert_ptr_equal(swale_consumer_transport(a.c, &fake_transport_class), &a);
  assert_null(swale_consumer_transport(a.c, &(const struct swale_transport_class){0}));
  assert_string_equal(swale_scope_path(swale_consumer_scope(a.c)), "/a/");
  assert_string_equal(swale_scope_type(swale_consumer_scope(a.c)), "websocket");
  char name[SWALE_NAME_SIZE];
  assert_ptr_equal(swale_channel_name(a.c, name), name);
  assert_ptr_equal(strstr(name, "specific."), name);
  assert_non_null(strchr(name, '!'));
  world_close(&w);
}

/* ---- state ---- */

static void the_state_is_zeroed_and_aligned(void **state) {
  (void)state;
  for (size_t size = 1; size <= 64; size += 9) {
    struct swale_consumer_class cls = {.state_size = size};
    struct world w;
    struct fake a, b;
    world_start_with(&w, &cls);
    for (int i = 0; i < 3; i++) {
      fake_enter(&a, &w, "a");
      fake_enter(&b, &w, "b");
      unsigned char *mine = swale_state(a.c), *other = swale_state(b.c);
      assert_int_equal((uintptr_t)mine % _Alignof(max_align_t), 0);
      for (size_t k = 0; k < size; k++)
        assert_int_equal(mine[k], 0);
      memset(mine, 0xff, size);
      for (size_t k = 0; k < size; k++)
        assert_int_equal(other[k], 0);
      fake_lost(&a, 1000);
      fake_lost(&b, 1000);
    }
    world_close(&w);
  }
}

static void the_state_may_be_large(void **state) {
  (void)state;
  struct swale_consumer_class cls = {.state_size = 1 << 20};
  struct world w;
  struct fake a;
  world_start_with(&w, &cls);
  fake_enter(&a, &w, "a");
  unsigned char *bytes = swale_state(a.c);
  assert_int_equal(bytes[(1 << 20) - 1], 0);
  world_close(&w);
}

/* ---- disconnect, exactly once, whatever ended it ---- */

static int fail_connect(swale_consumer *c) {
  (void)c;
  return -77;
}

static int accept_and_fail(swale_consumer *c) {
  assert_int_equal(swale_accept(c, NULL), 0);
  return 5;
}

static int reject_connect(swale_consumer *c) { return swale_reject(c, 404, "nobody"); }
static int reject_and_fail(swale_consumer *c) {
  assert_int_equal(swale_reject(c, 410, NULL), 0);
  return 6;
}
static int close_connect(swale_consumer *c) { return swale_close(c, 4000, "no"); }

static int accept_and_close(swale_consumer *c) {
  assert_int_equal(swale_accept(c, NULL), 0);
  return swale_close(c, 4001, "bye");
}

static int fail_message(swale_consumer *c, swale_message *m) {
  (void)c;
  (void)m;
  return 7;
}

static int fail_receive(swale_consumer *c, const char *text) {
  (void)c;
  (void)text;
  return SWALE_EFORMAT;
}

static int fail_disconnect(swale_consumer *c, int code) {
  (void)c;
  (void)code;
  return 9;
}

static void a_connect_that_fails_rejects_with_500(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = fail_connect;
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.connect !callback(connect -77) a>reject(500) a.disconnect(1006)");
  world_close(&w);
}

static void a_connect_that_fails_after_accepting_closes_with_1011(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = accept_and_fail;
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.connect a>accept !callback(connect 5) a>close(1011)");
  fake_lost(&a, 1011);
  world_expect(&w, "a.disconnect(1011)");
  world_close(&w);
}

static void a_connect_may_reject(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = reject_connect;
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.connect a>reject(404 nobody) a.disconnect(1006)");
  w.on_connect = reject_and_fail;
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.connect a>reject(410) !callback(connect 6) a.disconnect(1006)");
  w.on_connect = close_connect;
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.connect a>reject(403 no) a.disconnect(1006)");
  w.on_connect = accept_and_close;
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.connect a>accept a>close(4001 bye)");
  fake_lost(&a, 4001);
  world_expect(&w, "a.disconnect(4001)");
  assert_int_equal(swale_loop_consumers(w.loop), 0);
  world_close(&w);
}

static void a_handler_that_fails_closes_with_1011(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  w.on_message = fail_message;
  world_send(&w, fake_channel(a.c), "note", "1");
  world_send(&w, fake_channel(a.c), "note", "2");
  world_run(&w);
  world_expect(&w, "a.connect a>accept a.note(1) !callback(handler 7) a>close(1011) ~closed(!)");
  assert_int_equal(swale_loop_consumers(w.loop), 1);
  fake_lost(&a, 1011);
  world_expect(&w, "a.disconnect(1011)");
  world_close(&w);
}

static void a_receive_that_fails_closes_with_1011(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  w.on_receive = fail_receive;
  assert_int_equal(fake_deliver(&a, "hi"), 0);
  world_expect(&w, "a.connect a>accept a.receive(hi) !callback(receive -11) a>close(1011)");
  assert_int_equal(fake_deliver(&a, "more"), SWALE_ECLOSED);
  fake_lost(&a, 1006);
  world_expect(&w, "a.disconnect(1006)");
  world_close(&w);
}

static void a_disconnect_that_fails_is_reported(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_disconnect = fail_disconnect;
  fake_enter(&a, &w, "a");
  fake_lost(&a, 1006);
  world_expect(&w, "a.connect a>accept a.disconnect(1006) !callback(disconnect 9)");
  world_close(&w);
}

static void a_close_without_memory_cuts_the_connection(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  w.fail_close = SWALE_ENOMEM;
  swale_loop_enter(w.loop);
  assert_int_equal(swale_close(a.c, 1000, NULL), 0);
  swale_loop_leave(w.loop);
  world_expect(&w, "a.connect a>accept a.disconnect(1006)");
  world_close(&w);
}

static void a_refusal_without_memory_cuts_the_connection(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = reject_connect;
  w.fail_reject = SWALE_ENOMEM;
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.connect a>reject(404 nobody) !callback(connect -1) a.disconnect(1006)");
  w.on_connect = fake_undecided;
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_close(a.c, 1000, NULL), 0); /* here, too */
  world_run(&w);
  world_expect(&w, "a.connect a>reject(403) a.disconnect(1006)");
  world_close(&w);
}

static void many_ends_at_once_are_one(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  swale_consumer *c = a.c;
  swale_loop_enter(w.loop);
  assert_int_equal(swale_close(c, 4000, NULL), 0);
  assert_int_equal(swale_close(c, 4001, NULL), SWALE_ECLOSED);
  swale_consumer_lost(c, 1002);
  swale_consumer_lost(c, 1006);
  a.gone = true;
  assert_int_equal(swale_close(c, 4002, NULL), SWALE_ECLOSED);
  assert_int_equal(swale_reject(c, 404, NULL), SWALE_ECLOSED);
  assert_int_equal(swale_accept(c, NULL), SWALE_ECLOSED);
  swale_loop_leave(w.loop);
  world_expect(&w, "a.connect a>accept a>close(4000) a.disconnect(1002)");
  world_close(&w);
}

static void a_loss_while_undecided_disconnects_and_ends_the_deadline(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = fake_undecided;
  fake_enter(&a, &w, "a");
  fake_lost(&a, 1006);
  world_expect(&w, "a.connect a.disconnect(1006)");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

static void a_loss_outside_of_calls_disconnects_in_the_next_run(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  a.gone = true;
  swale_consumer_lost(a.c, 1006);
  world_expect(&w, "a.connect a>accept");
  assert_int_equal(w.wakes, 1);
  world_run(&w);
  world_expect(&w, "a.disconnect(1006)");
  world_close(&w);
}

static void a_loss_is_no_reason_to_disconnect_where_connect_never_ran(void **state) {
  (void)state;
  static const char *const groups[] = {"all", "more", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.groups = groups;
  struct world w;
  struct fake a;
  world_init(&w);
  w.layer_config.groups_max = 1;
  assert_int_equal(world_open(&w, &cls), 0);
  fake_enter(&a, &w, "a");
  world_expect(&w, "!callback(groups -4) a>reject(500)");
  assert_int_equal(world_stats(&w).groups, 0);
  assert_int_equal(world_stats(&w).consumers, 0);
  world_close(&w);
}

/* ---- every call in every callback ---- */

/*
 * What callbacks may do. The consumer at hand is `c`, its connection `f`; there is another one, too. The answers
 * do not matter here, but that everything stays in order does: the checks of the fake transport, the books, one
 * disconnect each.
 */
struct matrix {
  struct world w;
  struct fake a, b;
  int action, where;
  bool acting, acted;
};

static struct matrix *the_matrix;

static void fire_nothing(struct swale_timer *t) { (void)t; }

static struct swale_timer a_timer;

static void lose(struct fake *f) {
  if (f->c && !f->gone)
    fake_lost(f, 1006);
}

static int render(const swale_message *m, swale_buffer *out, void *arg) {
  (void)arg;
  return swale_buffer_puts(out, swale_message_type(m));
}

enum {
  ACCEPT,
  REJECT,
  CLOSE,
  HEADER,
  SEND,
  SEND_RENDERED,
  JOIN,
  LEAVE,
  GROUP_SEND,
  SEND_SELF,
  LOSE,
  LOSE_OTHER,
  CLOSE_OTHER,
  CLOSE_ALL,
  RUN,
  FREE,
  PAUSE,
  RESUME,
  FLUSH,
  TIMER,
  NAME,
  SERVE,
  FREE_APP,
  FREE_LAYER,
  ACTIONS
};

static void act_on(struct matrix *x, swale_consumer *c, struct fake *f, struct fake *other) {
  char name[SWALE_NAME_SIZE];
  switch (x->action) {
  case ACCEPT:
    swale_accept(c, NULL);
    break;
  case REJECT:
    swale_reject(c, 418, "teapot");
    break;
  case CLOSE:
    swale_close(c, 4444, NULL);
    break;
  case HEADER:
    swale_add_header(c, "x", "y");
    break;
  case SEND:
    swale_send_text(c, "t", 1);
    swale_send_bytes(c, "b", 1);
    break;
  case SEND_RENDERED: {
    swale_message *m = swale_message_new_with("r", 0, &x->w.u.env.allocator);
    swale_message_freeze(m);
    swale_send_rendered(c, m, SWALE_TEXT, render, NULL);
    swale_message_unref(m);
    break;
  }
  case JOIN:
    swale_join(c, "new");
    world_group_send(&x->w, "new", "note", "joined");
    break;
  case LEAVE:
    swale_leave(c, "all");
    world_group_send(&x->w, "all", "note", "left");
    break;
  case GROUP_SEND:
    world_group_send(&x->w, "all", "note", "again");
    break;
  case SEND_SELF:
    world_send(&x->w, swale_channel_name(c, name), "other", "self");
    break;
  case LOSE:
    lose(f);
    break;
  case LOSE_OTHER:
    lose(other);
    break;
  case CLOSE_OTHER:
    if (other->c)
      swale_close(other->c, 4001, NULL);
    break;
  case CLOSE_ALL:
    swale_loop_close_all(x->w.loop, 1001, NULL);
    break;
  case RUN:
    assert_int_equal(swale_loop_run(x->w.loop), SWALE_ESTATE);
    break;
  case FREE:
    assert_int_equal(swale_loop_free(x->w.loop), SWALE_ESTATE);
    break;
  case PAUSE:
    if (f->c && !f->gone)
      fake_pause(f);
    break;
  case RESUME:
    if (f->c && !f->gone)
      fake_resume(f);
    break;
  case FLUSH:
    swale_flush(x->w.layer);
    break;
  case TIMER:
    swale_timer_start(x->w.loop, &a_timer, 3);
    break;
  case NAME:
    assert_ptr_equal(swale_consumer_find(x->w.loop, x->w.layer, swale_channel_name(c, name)), c);
    break;
  case SERVE:
    assert_int_equal(swale_app_serve(x->w.app, x->w.loop), 0);
    break;
  case FREE_APP:
    assert_int_equal(swale_app_free(x->w.app), SWALE_ESTATE);
    break;
  case FREE_LAYER:
    assert_int_equal(swale_layer_free(x->w.layer), SWALE_ESTATE);
    break;
  }
}

enum {
  IN_CONNECT,
  IN_RECEIVE,
  IN_MESSAGE,
  IN_WAITING,
  IN_DISCONNECT,
  IN_ERROR,
  IN_DROP,
  IN_TIMER,
  IN_JOB,
  PLACES
};

static void act(int where, swale_consumer *c) {
  struct matrix *x = the_matrix;
  if (x->where != where || !x->acting || x->acted)
    return;
  x->acted = true;
  bool is_a = !c || strcmp(swale_scope_param_text(swale_consumer_scope(c), "name"), "a") == 0;
  struct fake *f = is_a ? &x->a : &x->b, *other = is_a ? &x->b : &x->a;
  if (!c)
    c = f->c;
  if (c)
    act_on(x, c, f, other);
}

static int act_in_connect(swale_consumer *c) {
  if (the_matrix->where != IN_CONNECT || the_matrix->acted)
    return swale_accept(c, NULL);
  act(IN_CONNECT, c);
  return 0;
}

static int act_in_receive(swale_consumer *c, const char *text) {
  (void)text;
  act(IN_RECEIVE, c);
  return 0;
}

static int act_in_message(swale_consumer *c, swale_message *m) {
  act(strcmp(swale_message_type(m), "other") == 0 ? IN_WAITING : IN_MESSAGE, c);
  return 0;
}

static int act_in_disconnect(swale_consumer *c, int code) {
  (void)code;
  act(IN_DISCONNECT, c);
  return 0;
}

static void act_in_error(struct world *w, const struct swale_report *r) {
  (void)w;
  act(IN_ERROR, r->consumer);
}

static void act_in_drop(struct world *w, const struct swale_drop *d) {
  (void)w;
  (void)d;
  act(IN_DROP, NULL);
}

static void act_in_timer(struct swale_timer *t) {
  (void)t;
  act(IN_TIMER, NULL);
}

static void act_in_job(struct swale_job *job) {
  (void)job;
  act(IN_JOB, NULL);
}

static void live(struct matrix *x) {
  struct world *w = &x->w;
  struct swale_timer timer = {.fire = act_in_timer};
  struct swale_job job = {.run = act_in_job};
  x->acting = true;
  fake_enter(&x->a, w, "a");
  fake_enter(&x->b, w, "b");
  if (x->a.c)
    fake_deliver(&x->a, "hi");
  if (x->a.c)
    fake_pause(&x->a);
  world_group_send(w, "all", "other", "1");
  world_settle(w);
  if (x->a.c)
    fake_resume(&x->a);
  world_group_send(w, "all", "note", "2");
  world_settle(w);
  swale_timer_start(w->loop, &timer, 1);
  world_pass(w, 5);
  swale_loop_defer(w->loop, &job);
  world_group_send(w, "all", "strange", "3"); /* reported */
  world_settle(w);
  world_group_send(w, "all", "note", "4");
  if (x->a.c)
    fake_lost(&x->a, 1006); /* the message is dropped */
  world_settle(w);
  if (x->b.c)
    fake_lost(&x->b, 1006);
  world_pass(w, 6000); /* whoever is still undecided */
}

static void every_call_is_legal_in_every_callback(void **state) {
  (void)state;
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.groups = groups;
  for (int where = 0; where < PLACES; where++) {
    for (int action = 0; action < ACTIONS; action++) {
      static struct matrix x;
      memset(&x, 0, sizeof x);
      the_matrix = &x;
      x.where = where;
      x.action = action;
      a_timer = (struct swale_timer){.fire = fire_nothing};
      world_init(&x.w);
      x.w.terse = true;
      x.w.on_connect = act_in_connect;
      x.w.on_receive = act_in_receive;
      x.w.on_message = act_in_message;
      x.w.on_disconnect = act_in_disconnect;
      x.w.on_error = act_in_error;
      x.w.on_drop = act_in_drop;
      assert_int_equal(world_open(&x.w, &cls), 0);
      live(&x);
      assert_true(x.acted);
      assert_int_equal(swale_loop_consumers(x.w.loop), (x.a.c != NULL) + (x.b.c != NULL));
      world_close(&x.w);
    }
  }
}

/* ---- groups ---- */

static char seen_in_connect[SWALE_NAME_SIZE];
static int64_t members_in_connect, members_in_disconnect;

static int count_in_connect(swale_consumer *c) {
  swale_channel_name(c, seen_in_connect);
  members_in_connect = swale_group_count(world_of(c)->layer, "all");
  return swale_accept(c, NULL);
}

static int count_in_disconnect(swale_consumer *c, int code) {
  (void)code;
  members_in_disconnect = swale_group_count(world_of(c)->layer, "all");
  return 0;
}

static void the_groups_of_the_class_are_joined_before_connect_and_left_after_disconnect(void **state) {
  (void)state;
  static const char *const groups[] = {"all", "more", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.groups = groups;
  struct world w;
  struct fake a, b;
  world_start_with(&w, &cls);
  w.on_connect = count_in_connect;
  w.on_disconnect = count_in_disconnect;
  fake_enter(&a, &w, "a");
  assert_int_equal(members_in_connect, 1);
  assert_string_equal(seen_in_connect, fake_channel(a.c));
  fake_enter(&b, &w, "b");
  assert_int_equal(members_in_connect, 2);
  assert_int_equal(swale_group_count(w.layer, "more"), 2);
  assert_int_equal(world_group_send(&w, "more", "note", "x"), 2);
  world_run(&w);
  world_expect(&w, "a.connect a>accept b.connect b>accept a.note(x) b.note(x)");
  fake_lost(&a, 1000);
  assert_int_equal(members_in_disconnect, 2);
  assert_int_equal(swale_group_count(w.layer, "all"), 1);
  fake_lost(&b, 1000);
  assert_int_equal(members_in_disconnect, 1);
  assert_int_equal(world_stats(&w).groups, 0);
  world_close(&w);
}

static void the_groups_are_left_when_connect_rejects(void **state) {
  (void)state;
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.groups = groups;
  struct world w;
  struct fake a;
  world_start_with(&w, &cls);
  w.on_connect = reject_connect;
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_group_count(w.layer, "all"), 0);
  world_close(&w);
}

static void a_consumer_joins_and_leaves_by_itself(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = fake_undecided;
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_join(a.c, "all"), 0); /* before it is decided */
  assert_int_equal(swale_join(a.c, "all"), 0);
  assert_int_equal(swale_group_count(w.layer, "all"), 1);
  assert_int_equal(swale_accept(a.c, NULL), 0);
  assert_int_equal(swale_join(a.c, "no group"), SWALE_ENAME);
  assert_int_equal(swale_leave(a.c, "no group"), SWALE_ENAME);
  assert_int_equal(swale_leave(a.c, "other"), 0);
  assert_int_equal(swale_leave(a.c, "all"), 0);
  assert_int_equal(swale_leave(a.c, "all"), 0);
  assert_int_equal(world_group_send(&w, "all", "note", "x"), 0);
  assert_int_equal(swale_join(a.c, "again"), 0);
  assert_int_equal(swale_close(a.c, 1000, NULL), 0);
  assert_int_equal(swale_join(a.c, "closing"), 0);
  assert_int_equal(world_stats(&w).memberships, 2);
  fake_lost(&a, 1000);
  assert_int_equal(world_stats(&w).memberships, 0);
  world_close(&w);
}

static int join_in_disconnect(swale_consumer *c, int code) {
  (void)code;
  assert_int_equal(swale_join(c, "last"), 0);
  assert_int_equal(world_group_send(world_of(c), "last", "note", "x"), 1);
  return 0;
}

static void a_group_joined_in_disconnect_is_left_at_once(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_disconnect = join_in_disconnect;
  fake_enter(&a, &w, "a");
  fake_lost(&a, 1000);
  assert_int_equal(world_stats(&w).memberships, 0);
  world_run(&w);
  world_expect(&w, "a.connect a>accept a.disconnect(1000) ~closed(1)");
  world_close(&w);
}

/* ---- layers ---- */

static void a_consumer_without_a_layer_has_neither_channel_nor_groups(void **state) {
  (void)state;
  struct swale_consumer_class cls = fake_class;
  cls.layer = "elsewhere";
  struct world w;
  struct fake a;
  world_start_with(&w, &cls);
  fake_enter(&a, &w, "a");
  assert_null(swale_consumer_layer(a.c));
  assert_string_equal(fake_channel(a.c), "");
  assert_int_equal(swale_join(a.c, "all"), SWALE_ENOTFOUND);
  assert_int_equal(swale_leave(a.c, "all"), SWALE_ENOTFOUND);
  assert_int_equal(fake_deliver(&a, "hi"), 0);
  fake_pause(&a);
  fake_resume(&a);
  assert_int_equal(swale_send_text(a.c, "ho", 2), 0);
  world_run(&w);
  assert_int_equal(world_stats(&w).consumers, 0);
  world_close(&w);
  world_expect(&w, "a.connect a>accept a.receive(hi) a>text(ho) a.disconnect(1001)");
}

static void groups_without_a_layer_refuse_the_connection(void **state) {
  (void)state;
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.layer = "elsewhere";
  cls.groups = groups;
  struct world w;
  struct fake a;
  world_start_with(&w, &cls);
  fake_enter(&a, &w, "a");
  world_expect(&w, "!callback(groups -6) a>reject(500)");
  world_close(&w);
}

static void a_class_names_its_layer(void **state) {
  (void)state;
  struct swale_consumer_class cls = fake_class;
  cls.layer = "second";
  struct world w;
  struct fake a, b;
  swale_layer *second;
  world_start(&w);
  struct swale_layer_config config = w.layer_config;
  assert_int_equal(swale_layer_open("memory://", &config, &second, NULL, 0), 0);
  assert_int_equal(swale_app_layer(w.app, "second", second), 0);
  assert_int_equal(swale_app_route(w.app, "second/<name>/", &cls), 0);
  fake_enter(&a, &w, "a");
  struct swale_request request = {.size = sizeof request, .target = "/second/b/"};
  assert_int_equal(fake_open_request(&b, &w, "b", &request), 0);
  assert_ptr_equal(swale_consumer_layer(a.c), w.layer);
  assert_ptr_equal(swale_consumer_layer(b.c), second);
  swale_join(a.c, "all");
  swale_join(b.c, "all");
  assert_int_equal(world_group_send(&w, "all", "note", "x"), 1);
  world_run(&w);
  world_expect(&w, "a.connect a>accept b.connect b>accept a.note(x)");
  assert_null(swale_consumer_find(w.loop, w.layer, fake_channel(b.c)));
  assert_ptr_equal(swale_consumer_find(w.loop, second, fake_channel(b.c)), b.c);
  world_end(&w);
  assert_int_equal(swale_layer_free(second), 0);
  assert_int_equal(w.u.live, 0);
}

/* ---- finding ---- */

static void a_consumer_is_found_by_its_channel_until_it_ends(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  char name[SWALE_NAME_SIZE];
  swale_loop *other;
  world_start(&w);
  assert_int_equal(swale_loop_new(&w.loop_config, &other), 0);
  fake_enter(&a, &w, "a");
  swale_channel_name(a.c, name);
  assert_ptr_equal(swale_consumer_find(w.loop, w.layer, name), a.c);
  assert_null(swale_consumer_find(other, w.layer, name));
  assert_null(swale_consumer_find(w.loop, w.layer, "plain"));
  assert_null(swale_consumer_find(w.loop, w.layer, "no name"));
  assert_null(swale_consumer_find(w.loop, w.layer, ""));
  char fresh[SWALE_NAME_SIZE];
  assert_int_equal(swale_new_channel(w.layer, NULL, fresh), 0);
  assert_null(swale_consumer_find(w.loop, w.layer, fresh));

  fake_lost(&a, 1000);
  assert_null(swale_consumer_find(w.loop, w.layer, name));
  assert_int_equal(world_send(&w, name, "note", "x"), SWALE_ECLOSED);
  assert_int_equal(swale_group_add(w.layer, "all", name), SWALE_ECLOSED);
  fake_enter(&b, &w, "b"); /* in its place */
  assert_null(swale_consumer_find(w.loop, w.layer, name));
  assert_int_equal(world_send(&w, name, "note", "x"), SWALE_ECLOSED);
  assert_ptr_equal(swale_consumer_find(w.loop, w.layer, fake_channel(b.c)), b.c);
  assert_int_equal(swale_loop_free(other), 0);
  world_close(&w);
}

/* ---- what the peer sends ---- */

static void a_message_of_the_peer_needs_an_open_consumer(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = fake_undecided;
  fake_enter(&a, &w, "a");
  assert_int_equal(fake_deliver(&a, "early"), SWALE_ESTATE);
  assert_int_equal(swale_accept(a.c, NULL), 0);
  assert_int_equal(fake_deliver(&a, "now"), 0);
  fake_pause(&a);
  assert_int_equal(fake_deliver(&a, "paused"), 0);
  assert_int_equal(swale_close(a.c, 1000, NULL), 0);
  assert_int_equal(fake_deliver(&a, "late"), SWALE_ECLOSED);
  swale_loop_enter(w.loop);
  swale_consumer *c = a.c;
  fake_lost(&a, 1000);
  assert_int_equal(swale_consumer_deliver(c, SWALE_TEXT, "too late", 8), SWALE_ECLOSED);
  swale_loop_leave(w.loop);
  world_expect(&w, "a.connect a>accept a.receive(now) a.receive(paused) a>close(1000) a.disconnect(1000)");
  world_close(&w);
}

static int try_to_nest(swale_consumer *c) {
  assert_int_equal(swale_consumer_is_busy(c), 1);
  assert_int_equal(swale_consumer_deliver(c, SWALE_TEXT, "nested", 6), SWALE_ESTATE);
  return 0;
}

static int nest_in_connect(swale_consumer *c) {
  int rv = swale_accept(c, NULL);
  return rv < 0 ? rv : try_to_nest(c);
}

static int nest_in_receive(swale_consumer *c, const char *text) {
  (void)text;
  return try_to_nest(c);
}

static int nest_in_handler(swale_consumer *c, swale_message *m) {
  (void)m;
  return try_to_nest(c);
}

static void a_consumer_is_never_called_inside_itself(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = nest_in_connect;
  w.on_receive = nest_in_receive;
  w.on_message = nest_in_handler;
  fake_enter(&a, &w, "a");
  assert_int_equal(fake_deliver(&a, "hi"), 0);
  world_send(&w, fake_channel(a.c), "note", "x");
  world_run(&w);
  fake_pause(&a);
  world_send(&w, fake_channel(a.c), "note", "later");
  world_run(&w);
  fake_resume(&a);
  assert_int_equal(swale_consumer_is_busy(a.c), 0);
  world_expect(&w, "a.connect a>accept a.receive(hi) a.note(x) a.note(later)");
  fake_lost(&a, 1000);
  world_end(&w);
}

/* ---- memory that runs out ---- */

struct rough_life {
  int errors;        /* answers that were errors */
  int reports, sent; /* told by on_error; expected messages */
};

static void count_report(struct world *w, const struct swale_report *r) {
  (void)r;
  ((struct rough_life *)w->more)->reports++;
}

static int connect_with_header(swale_consumer *c) {
  int rv = swale_add_header(c, "x-a", "1");
  if (rv == 0)
    rv = swale_add_header(c, "x-b", "2");
  return rv == 0 ? swale_accept(c, NULL) : rv;
}

static int answer_rendered(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render, NULL);
}

static int answer_text(swale_consumer *c, const char *text) { return swale_send_text(c, text, strlen(text)); }

static int note_error(struct rough_life *l, int rv) {
  if (rv < 0)
    l->errors++;
  return rv;
}

static void live_roughly(struct world *w, struct rough_life *l) {
  struct fake a, b;
  note_error(l, fake_open(&a, w, "a"));
  note_error(l, fake_open(&b, w, "b"));
  if (a.c)
    note_error(l, swale_join(a.c, "some"));
  if (a.c)
    note_error(l, fake_deliver(&a, "hi"));
  if (a.c)
    fake_pause(&a);
  note_error(l, world_group_send(w, "all", "note", "1"));
  world_settle(w);
  if (a.c)
    fake_resume(&a);
  note_error(l, world_group_send(w, "some", "note", "2"));
  if (b.c)
    note_error(l, world_send(w, fake_channel(b.c), "other", "3"));
  world_settle(w);
  if (a.c)
    note_error(l, swale_close(a.c, 1000, NULL));
  if (a.c)
    fake_lost(&a, 1000);
  if (b.c)
    fake_lost(&b, 1006);
  world_settle(w);
}

/* Either all went as with plenty of memory, or something told of the failure. */
static int rough_life(struct unit_env *u) {
  static const char *const groups[] = {"all", NULL};
  struct swale_consumer_class cls = fake_class;
  struct world w;
  struct rough_life l = {0};
  cls.groups = groups;
  world_init(&w);
  w.u.fail_at = u->fail_at;
  w.more = &l;
  w.app_config.keep = SWALE_KEEP_QUERY;
  w.on_connect = connect_with_header;
  w.on_receive = answer_text;
  w.on_message = answer_rendered;
  w.on_error = count_report;
  int rv = world_open(&w, &cls);
  if (rv == 0) {
    live_roughly(&w, &l);
    bool whole =
        strcmp(w.log, "a.connect a>accept a>header(x-a: 1) a>header(x-b: 2) "
                      "b.connect b>accept b>header(x-a: 1) b>header(x-b: 2) a.receive(hi) a>text(hi) "
                      "b.note(1) b>payload(note) a.note(1) a>payload(note) a.note(2) a>payload(note) "
                      "b.other(3) b>payload(other) a>close(1000) a.disconnect(1000) b.disconnect(1006)") == 0;
    struct swale_layer_stats s = world_stats(&w);
    assert_true(whole || l.errors + l.reports > 0 || s.dropped[SWALE_DROP_NOMEM] > 0);
    if (w.u.fail_at > 0)
      assert_true(whole);
    rv = whole ? 0 : SWALE_ENOMEM;
  }
  world_close(&w);
  u->fail_at = w.u.fail_at;
  return rv;
}

static void no_failing_allocation_breaks_a_life(void **state) {
  (void)state;
  unit_fail_every_allocation(rough_life);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_consumer_connects_receives_and_disconnects),
      cmocka_unit_test(a_class_without_functions_accepts_and_ignores),
      cmocka_unit_test(the_getters_tell_where_a_consumer_belongs),
      cmocka_unit_test(the_state_is_zeroed_and_aligned),
      cmocka_unit_test(the_state_may_be_large),
      cmocka_unit_test(a_connect_that_fails_rejects_with_500),
      cmocka_unit_test(a_connect_that_fails_after_accepting_closes_with_1011),
      cmocka_unit_test(a_connect_may_reject),
      cmocka_unit_test(a_handler_that_fails_closes_with_1011),
      cmocka_unit_test(a_receive_that_fails_closes_with_1011),
      cmocka_unit_test(a_disconnect_that_fails_is_reported),
      cmocka_unit_test(a_close_without_memory_cuts_the_connection),
      cmocka_unit_test(a_refusal_without_memory_cuts_the_connection),
      cmocka_unit_test(many_ends_at_once_are_one),
      cmocka_unit_test(a_loss_while_undecided_disconnects_and_ends_the_deadline),
      cmocka_unit_test(a_loss_outside_of_calls_disconnects_in_the_next_run),
      cmocka_unit_test(a_loss_is_no_reason_to_disconnect_where_connect_never_ran),
      cmocka_unit_test(every_call_is_legal_in_every_callback),
      cmocka_unit_test(the_groups_of_the_class_are_joined_before_connect_and_left_after_disconnect),
      cmocka_unit_test(the_groups_are_left_when_connect_rejects),
      cmocka_unit_test(a_consumer_joins_and_leaves_by_itself),
      cmocka_unit_test(a_group_joined_in_disconnect_is_left_at_once),
      cmocka_unit_test(a_consumer_without_a_layer_has_neither_channel_nor_groups),
      cmocka_unit_test(groups_without_a_layer_refuse_the_connection),
      cmocka_unit_test(a_class_names_its_layer),
      cmocka_unit_test(a_consumer_is_found_by_its_channel_until_it_ends),
      cmocka_unit_test(a_message_of_the_peer_needs_an_open_consumer),
      cmocka_unit_test(a_consumer_is_never_called_inside_itself),
      cmocka_unit_test(no_failing_allocation_breaks_a_life),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

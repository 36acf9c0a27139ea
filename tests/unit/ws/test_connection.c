/* SPDX-License-Identifier: MIT */
#include "world.h"

#include "ws/pool.h"

/* ---- beginning and end ------------------------------------------------------------------ */

static void options_are_checked(void **state) {
  struct world *w = *state;
  w->options.message_max = 0;
  w->ws = (swale_ws *)w;
  assert_int_equal(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &w->ws), SWALE_EINVAL);
  assert_null(w->ws);
}

static void without_options_the_defaults_hold(void **state) {
  struct world *w = *state;
  assert_int_equal(swale_ws_new(w->app, w->loop, NULL, NULL, NULL, w, &w->ws), 0);
  world_feed_text(w, REQUEST);
  expect_status(w, 101, "");
  world_run(w);
  world_group_send(w, "message");
  world_run(w);
  expect_text(w, "message");
}

static void host_data_is_the_hosts(void **state) {
  struct world *w = *state;
  world_new(w);
  assert_ptr_equal(swale_ws_host_data(w->ws), w);
  swale_ws_set_host_data(w->ws, NULL);
  assert_null(swale_ws_host_data(w->ws));
}

static void a_loop_with_connections_cannot_be_freed(void **state) {
  struct world *w = *state;
  world_new(w);
  assert_int_equal(swale_loop_free(w->loop), SWALE_ESTATE);
}

static void a_loop_has_room_for_a_million(void **state) {
  struct world *w = *state;
  struct swale__ws_pool *pool = swale__ws_pool_of(w->loop);
  pool->connections = SWALE__CONNECTIONS_MAX;
  assert_int_equal(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &w->ws), SWALE_EFULL);
  assert_null(w->ws);
  pool->connections = 0;
}

static void freeing_nothing_is_fine(void **state) {
  (void)state;
  swale_ws_free(NULL);
}

static void a_freed_connection_is_1006_for_its_consumer(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_send_text(w->consumer, "never written", 13);
  bytes_header(&w->in, TEXT, true, 100, 7);
  bytes_puts(&w->in, "half");
  world_feed(w);
  swale_ws_free(w->ws);
  w->ws = NULL;
  expect_log(w, "");
  world_run(w);
  expect_log(w, "disconnect:1006");
}

static void a_freed_connection_that_has_closed_is_not_1006(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_close_frame(w, 1000, NULL);
  swale_ws_free(w->ws);
  w->ws = NULL;
  expect_log(w, "disconnect:1000");
}

static void the_consumer_is_known_while_it_lives(void **state) {
  struct world *w = *state;
  world_connect(w);
  assert_ptr_equal(swale_ws_consumer(w->ws), w->consumer);
  swale_ws_feed_eof(w->ws);
  assert_null(swale_ws_consumer(w->ws));
}

static void feeding_nothing_does_nothing(void **state) {
  struct world *w = *state;
  world_connect(w);
  assert_int_equal(swale_ws_feed(w->ws, NULL, 0), 0);
  expect_state(w, SWALE_WS_WANT_READ);
}

static void more_than_was_shown_cannot_be_acked(void **state) {
  struct world *w = *state;
  world_connect(w);
  assert_int_equal(swale_ws_ack(w->ws, 0), 0);
  assert_int_equal(swale_ws_ack(w->ws, 1), SWALE_EINVAL);
  swale_send_text(w->consumer, "x", 1);
  assert_int_equal(swale_ws_ack(w->ws, 4), SWALE_EINVAL);
  expect_text(w, "x");
  swale_ws_feed_eof(w->ws);
  assert_int_equal(swale_ws_ack(w->ws, 1), SWALE_EINVAL);
  assert_int_equal(swale_ws_ack(w->ws, 0), 0);
}

/* ---- calls from inside callbacks ---------------------------------------------------------- */

/* What a callback does to the connection; each is tried in each callback. */
static void free_it(struct world *w) {
  swale_ws_free(w->ws);
  w->ws = NULL;
}

static void close_it(struct world *w) { swale_ws_close(w->ws, 4000, "from inside"); }

static void end_it(struct world *w) { swale_ws_feed_eof(w->ws); }

static void feed_it(struct world *w) {
  int rv = swale_ws_feed(w->ws, "\x8a\x80\0\0\0\0", 6);
  assert_true(rv == SWALE_ESTATE || rv == SWALE_ECLOSED || rv == 0);
}

static void write_it(struct world *w) {
  world_drain(w);
  swale_ws_state(w->ws);
}

static void send_it(struct world *w) {
  if (w->consumer)
    swale_send_text(w->consumer, "x", 1);
  world_group_send(w, "y");
}

static void accept_it(struct world *w) {
  if (w->consumer)
    swale_accept(w->consumer, NULL);
}

static void reject_it(struct world *w) {
  if (w->consumer)
    swale_reject(w->consumer, 403, NULL);
}

static void run_it(struct world *w) { assert_int_equal(swale_loop_run(w->loop), SWALE_ESTATE); }

typedef void (*deed)(struct world *w);
static const deed deeds[] = {free_it, close_it,  end_it,    feed_it, write_it,
                             send_it, accept_it, reject_it, run_it};
enum { DEEDS = sizeof deeds / sizeof *deeds };

/* Where it is done; `deed_of` is that of the test that runs. */
enum place {
  IN_GUARD,
  IN_CONNECT_BEFORE,
  IN_CONNECT_AFTER,
  IN_RECEIVE,
  IN_EVENT,
  IN_DISCONNECT,
  IN_OUTPUT,
  IN_REPORT,
  PLACES
};

struct trial {
  struct world w; /* first */
  enum place place;
  deed deed;
  int done;
};

static void act(struct world *w, enum place place) {
  struct trial *t = (struct trial *)w;
  if (t->place == place && w->ws && t->done++ < 3)
    t->deed(w);
}

static int trial_guard(struct world *w, swale_scope *scope) {
  (void)scope;
  act(w, IN_GUARD);
  return 0;
}

static int trial_connect(struct world *w, swale_consumer *c) {
  act(w, IN_CONNECT_BEFORE);
  int rv = swale_accept(c, NULL);
  act(w, IN_CONNECT_AFTER);
  return rv == SWALE_ECLOSED || rv == SWALE_ESTATE ? 0 : rv;
}

static int trial_receive(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                         size_t len) {
  (void)c, (void)kind, (void)data, (void)len;
  act(w, IN_RECEIVE);
  return 0;
}

static int trial_event(struct world *w, swale_consumer *c, swale_message *m) {
  (void)c, (void)m;
  act(w, IN_EVENT);
  return 0;
}

static void trial_disconnect(struct world *w, swale_consumer *c, int code) {
  (void)c, (void)code;
  act(w, IN_DISCONNECT);
}

static void trial_output(struct world *w, swale_ws *ws) {
  (void)ws;
  act(w, IN_OUTPUT);
}

static void trial_report(struct world *w, const struct swale_report *report) {
  (void)report;
  act(w, IN_REPORT);
}

static void feed_if_alive(struct world *w) {
  const unsigned char *at = w->in.at;
  size_t chunk = w->chunk ? w->chunk : w->in.len;
  for (size_t i = 0; i < w->in.len && w->ws; i += chunk)
    if (swale_ws_feed(w->ws, at + i, w->in.len - i < chunk ? w->in.len - i : chunk) < 0)
      break;
  bytes_clear(&w->in);
}

/* A life with everything in it, broken off wherever the deed has ended it. */
static void live(struct world *w) {
  world_new(w);
  bytes_puts(&w->in, REQUEST);
  bytes_frame(&w->in, FIN | TEXT, "one", 3);
  feed_if_alive(w);
  world_group_send(w, "two");
  world_run(w);
  bytes_frame(&w->in, TEXT, "thr", 3);
  bytes_frame(&w->in, FIN | PING, "ping", 4);
  bytes_frame(&w->in, FIN | CONT, "ee", 2);
  bytes_frame(&w->in, FIN | TEXT, "\xff", 1);
  bytes_close(&w->in, 1000, NULL);
  feed_if_alive(w);
  world_run(w);
  if (w->ws)
    world_drain(w);
  world_pass(w, 60000);
  swale_ws_free(w->ws);
  w->ws = NULL;
}

/* Two that end early: refused, and given up before the request is there. */
static void live_shortly(struct world *w) {
  world_new(w);
  bytes_puts(&w->in, "GET /ws/chat/ HTTP/1.0\r\n\r\n");
  feed_if_alive(w);
  world_run(w);
  swale_ws_free(w->ws);
  world_new(w);
  world_pass(w, 60000);
}

static void anything_may_be_done_in_any_callback(void **state) {
  size_t chunk = (size_t)(uintptr_t)*state;
  for (int place = 0; place < PLACES; place++)
    for (size_t i = 0; i < DEEDS; i++) {
      struct trial t = {.place = (enum place)place, .deed = deeds[i]};
      struct world *w = &t.w;
      world_init(w);
      w->chunk = chunk;
      w->guard = trial_guard;
      w->on_connect = trial_connect;
      w->on_receive = trial_receive;
      w->on_event = trial_event;
      w->on_disconnect = trial_disconnect;
      w->on_output = trial_output;
      w->on_report = trial_report;
      assert_int_equal(world_open(w), 0);
      live(w);
      t.done = t.done ? 1 : 0;
      live_shortly(w);
      assert_true(t.done > 0 || place == IN_OUTPUT);
      world_close(w);
      assert_int_equal(w->u.live, 0);
    }
}

static int guard_that_frees(struct world *w, swale_scope *scope) {
  (void)scope;
  free_it(w);
  return 0;
}

static int guard_that_closes(struct world *w, swale_scope *scope) {
  (void)scope;
  assert_int_equal(swale_ws_close(w->ws, 1001, NULL), 0);
  return 0;
}

static int try_to_decide(struct world *w, swale_consumer *c) {
  (void)w;
  assert_int_equal(swale_accept(c, NULL), SWALE_ECLOSED);
  assert_int_equal(swale_reject(c, 403, NULL), 0);
  return 0;
}

static int decide_later(struct world *w, swale_consumer *c) {
  (void)w, (void)c;
  return 0;
}

/* Its consumer is made all the same, and learns at once that nobody is there, whatever it decides. */
static void a_guard_may_free_the_connection(void **state) {
  struct world *w = *state;
  int (*const connects[])(struct world *, swale_consumer *) = {NULL, try_to_decide, decide_later};
  w->guard = guard_that_frees;
  for (int i = 0; i < 3; i++) {
    w->on_connect = connects[i];
    world_new(w);
    assert_int_equal(swale_ws_feed(w->ws, REQUEST, strlen(REQUEST)), 0);
    expect_log(w, "connect disconnect:1006");
  }
}

static void a_guard_may_close_the_connection(void **state) {
  struct world *w = *state;
  int (*const connects[])(struct world *, swale_consumer *) = {NULL, try_to_decide, decide_later};
  w->guard = guard_that_closes;
  for (int i = 0; i < 3; i++) {
    w->on_connect = connects[i];
    world_new(w);
    world_feed_text(w, REQUEST);
    expect_log(w, "connect disconnect:1006");
    expect_status(w, 503, "Service Unavailable");
    bytes_clear(&w->out);
    expect_closed(w);
    swale_ws_free(w->ws);
    w->ws = NULL;
  }
}

static int free_on_receive(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                           size_t len) {
  (void)c, (void)kind, (void)data, (void)len;
  free_it(w);
  return 0;
}

static void it_may_be_freed_for_an_early_message(void **state) {
  struct world *w = *state;
  w->on_connect = decide_later;
  w->on_receive = free_on_receive;
  world_new(w);
  world_feed_text(w, REQUEST);
  bytes_frame(&w->in, FIN | TEXT, "1", 1);
  bytes_frame(&w->in, FIN | TEXT, "2", 1);
  world_feed(w);
  swale_accept(w->consumer, NULL);
  world_run(w);
  assert_null(w->ws);
  assert_int_equal(w->outputs, 0);
  expect_log(w, "connect text:1 disconnect:1006");
}

static int feed_inside_early(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                             size_t len) {
  (void)c, (void)kind, (void)data, (void)len;
  assert_int_equal(swale_ws_feed(w->ws, "x", 1), SWALE_ESTATE);
  return 0;
}

static void an_early_message_is_no_time_to_feed_either(void **state) {
  struct world *w = *state;
  w->on_connect = decide_later;
  w->on_receive = feed_inside_early;
  world_new(w);
  world_feed_text(w, REQUEST);
  world_text(w, "1");
  swale_accept(w->consumer, NULL);
  world_run(w);
  expect_log(w, "connect text:1");
  world_text(w, "2");
  expect_log(w, "text:2");
}

static int feed_inside(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                       size_t len) {
  (void)c, (void)kind, (void)data, (void)len;
  assert_int_equal(swale_ws_feed(w->ws, "x", 1), SWALE_ESTATE);
  assert_int_equal(swale_ws_feed_eof(w->ws), SWALE_ESTATE);
  return 0;
}

static void feeding_from_inside_a_feed_is_an_error(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_receive = feed_inside;
  bytes_frame(&w->in, FIN | TEXT, "1", 1);
  bytes_frame(&w->in, FIN | TEXT, "2", 1);
  world_feed(w);
  expect_log(w, "text:1 text:2");
}

static int free_and_see(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                        size_t len) {
  (void)kind;
  free_it(w);
  assert_int_equal(len, 5);
  assert_memory_equal(data, "still", 5);
  assert_int_equal(swale_send_text(c, "x", 1), SWALE_ECLOSED);
  return 0;
}

static void what_is_freed_inside_a_feed_lasts_until_its_end(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_receive = free_and_see;
  bytes_frame(&w->in, FIN | TEXT, "still", 5);
  bytes_frame(&w->in, FIN | TEXT, "never", 5);
  feed_if_alive(w);
  assert_null(w->ws);
  expect_log(w, "text:still disconnect:1006");
}

/* ---- one connection inside the callback of another ------------------------------------------ */

static int feed_the_other(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                          size_t len) {
  swale_ws *other = swale_ws_host_data(w->ws) == w ? NULL : swale_ws_host_data(w->ws);
  struct bytes in = {0};
  (void)c, (void)kind, (void)len;
  if (((const char *)data)[0] != 'a' || !other)
    return 0;
  bytes_frame(&in, TEXT, "b", 1);
  bytes_frame(&in, FIN | CONT, "c", 1);
  assert_int_equal(swale_ws_feed(other, in.at, in.len), 0);
  bytes_free(&in);
  assert_memory_equal(data, "aaaa", len);
  return 0;
}

static void connections_may_be_fed_inside_each_others_callbacks(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_ws *other = w->ws;
  world_connect(w);
  swale_ws_set_host_data(w->ws, other);
  w->on_receive = feed_the_other;
  bytes_frame(&w->in, TEXT, "aa", 2);
  bytes_frame(&w->in, FIN | CONT, "aa", 2);
  bytes_frame(&w->in, FIN | TEXT, "aaaa", 4);
  world_feed(w);
  expect_log(w, "text:aaaa text:bc text:aaaa text:bc");
  swale_ws_free(other);
}

/* From a handler, which runs in no feed. */
static int feed_from_a_handler(struct world *w, swale_consumer *c, swale_message *m) {
  struct bytes in = {0};
  (void)c, (void)m;
  bytes_frame(&in, FIN | TEXT, "x", 1);
  assert_int_equal(swale_ws_feed(w->ws, in.at, in.len), SWALE_ESTATE);
  assert_int_equal(swale_ws_feed_eof(w->ws), SWALE_ESTATE);
  bytes_free(&in);
  return 0;
}

static void feeding_from_a_handler_of_its_consumer_is_an_error(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->on_event = feed_from_a_handler;
  world_group_send(w, "hi");
  world_run(w);
  world_text(w, "afterwards");
  expect_log(w, "text:afterwards");
}

/* ---- outside of all calls ------------------------------------------------------------------ */

static int log_event(struct world *w, swale_consumer *c, swale_message *m) {
  (void)c, (void)m;
  strcat(w->log, "event");
  return 0;
}

/* A consumer that waits to be resumed is what such a call could call back. */
static void no_call_but_feeding_and_running_calls_back(void **state) {
  static const char large[200];
  struct world *w = *state;
  w->options.output_high = sizeof large;
  w->options.output_low = 0;
  w->on_event = log_event;
  world_connect(w);
  swale_send_bytes(w->consumer, large, sizeof large);
  world_group_send(w, "waits");
  world_run(w);
  world_drain(w);
  swale_ws *first = w->ws;
  world_new(w);
  swale_ws_close(first, 1001, NULL);
  swale_ws_flush_fd(first, -1);
  swale_ws_free(first);
  swale_ws_free(w->ws);
  w->ws = NULL;
  expect_log(w, "");
  world_run(w);
  expect_log(w, "disconnect:1006");
}

static int connect_in_disconnect(swale_consumer *c, int code) {
  struct world *w = swale_consumer_user(c);
  (void)code;
  assert_int_equal(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &w->ws), SWALE_ESTATE);
  assert_null(w->ws);
  strcpy(w->log, "refused");
  return 0;
}

static void a_loop_that_is_being_freed_takes_no_connection(void **state) {
  static const struct swale_consumer_class worker = {.disconnect = connect_in_disconnect};
  struct world *w = *state;
  assert_int_equal(swale_app_channel(w->app, "jobs", &worker), 0);
  assert_int_equal(swale_app_serve(w->app, w->loop), 0);
  world_run(w);
  assert_int_equal(swale_loop_free(w->loop), 0);
  w->loop = NULL;
  expect_log(w, "refused");
}

static void connections_freed_outside_of_all_calls_do_not_hold_the_loop(void **state) {
  struct world *w = *state;
  world_connect(w);
  swale_ws_free(w->ws);
  w->ws = NULL;
  assert_int_equal(swale_loop_free(w->loop), 0);
  w->loop = NULL;
  expect_log(w, "disconnect:1006");
}

/* ---- running out of memory -------------------------------------------------------------- */

/*
 * A life in which memory may run out at any point, for one allocation or from then on; the connection then
 * ends, and nothing else. Bits of `how`: in single bytes, for good, and the decision comes later.
 */
enum { BYTEWISE = 1, FOR_GOOD = 2, LATER = 4 };

static void *no_malloc_any_more(size_t size, void *user) {
  void *block = unit_env_malloc(size, user);
  if (!block)
    ((struct unit_env *)user)->fail_at = 1;
  return block;
}

static void *no_realloc_any_more(void *block, size_t size, void *user) {
  void *moved = unit_env_realloc(block, size, user);
  if (!moved)
    ((struct unit_env *)user)->fail_at = 1;
  return moved;
}

static void live_on(struct world *w) {
  static const char text[9000];
  bytes_puts(&w->in, REQUEST_LINE REQUEST_HEADERS "Sec-WebSocket-Protocol: chat.v1\r\n\r\n");
  bytes_frame(&w->in, FIN | TEXT, "one", 3);
  feed_if_alive(w);
  bytes_frame(&w->in, FIN | TEXT, "early", 5);
  feed_if_alive(w);
  if (w->consumer && w->on_connect)
    swale_accept(w->consumer, NULL);
  world_run(w);
  bytes_frame(&w->in, BIN, text, 9000);
  bytes_frame(&w->in, FIN | PING, "ping", 4);
  bytes_frame(&w->in, FIN | CONT, text, 9000);
  feed_if_alive(w);
  for (int i = 0; i < 20; i++)
    world_group_send(w, "two");
  world_run(w);
  swale_ws_peek(w->ws, &(struct iovec){0}, 1);
  if (w->consumer)
    swale_send_text(w->consumer, "three", 5);
  bytes_frame(&w->in, FIN | PING, "ping", 4);
  feed_if_alive(w);
  swale_ws_peek(w->ws, &(struct iovec){0}, 1);
  if (w->consumer)
    swale_send_text(w->consumer, "four", 4);
  world_pass(w, 25000);
  world_drain(w);
  if (w->consumer)
    swale_close(w->consumer, 4000, "enough");
  bytes_close(&w->in, 1000, NULL);
  feed_if_alive(w);
  world_drain(w);
  world_pass(w, 20000);
  expect_state(w, SWALE_WS_CLOSED);
}

static int live_short_of_memory(struct unit_env *u, unsigned how) {
  struct world *w = calloc(1, sizeof *w);
  world_init(w);
  if (how & FOR_GOOD) {
    w->u.env.allocator.malloc = no_malloc_any_more;
    w->u.env.allocator.realloc = no_realloc_any_more;
  }
  w->chunk = how & BYTEWISE;
  w->on_connect = how & LATER ? decide_later : NULL;
  assert_int_equal(world_open(w), 0);
  long before = w->u.allocated;
  w->u.fail_at = u->fail_at;
  int rv = swale_ws_new(w->app, w->loop, &w->options, "a", "b", w, &w->ws);
  if (rv == 0)
    live_on(w);
  /* Told to the caller: whether the failure has come. */
  u->fail_at = w->u.allocated - before >= u->fail_at ? 0 : w->u.fail_at;
  world_close(w);
  assert_int_equal(w->u.live, 0);
  free(w);
  return rv;
}

#define SHORT_OF_MEMORY(how)                                                                                 \
  static int live_short_of_memory_##how(struct unit_env *u) { return live_short_of_memory(u, how); }         \
  static void no_memory_ends_the_connection_and_nothing_else_##how(void **state) {                           \
    (void)state;                                                                                             \
    unit_fail_every_allocation(live_short_of_memory_##how);                                                  \
  }
SHORT_OF_MEMORY(0)
SHORT_OF_MEMORY(1)
SHORT_OF_MEMORY(2)
SHORT_OF_MEMORY(3)
SHORT_OF_MEMORY(4)
SHORT_OF_MEMORY(5)
SHORT_OF_MEMORY(6)
SHORT_OF_MEMORY(7)

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TEST(options_are_checked),
      WORLD_TEST(without_options_the_defaults_hold),
      WORLD_TEST(host_data_is_the_hosts),
      WORLD_TEST(a_loop_with_connections_cannot_be_freed),
      WORLD_TEST(a_loop_has_room_for_a_million),
      WORLD_TEST(freeing_nothing_is_fine),
      WORLD_TESTS(a_freed_connection_is_1006_for_its_consumer),
      WORLD_TEST(a_freed_connection_that_has_closed_is_not_1006),
      WORLD_TEST(the_consumer_is_known_while_it_lives),
      WORLD_TEST(feeding_nothing_does_nothing),
      WORLD_TEST(more_than_was_shown_cannot_be_acked),
      {"anything_may_be_done_in_any_callback/0", anything_may_be_done_in_any_callback, NULL, NULL, NULL},
      {"anything_may_be_done_in_any_callback/1", anything_may_be_done_in_any_callback, NULL, NULL, (void *)1},
      WORLD_TEST(a_guard_may_free_the_connection),
      WORLD_TEST(a_guard_may_close_the_connection),
      WORLD_TESTS(it_may_be_freed_for_an_early_message),
      WORLD_TESTS(an_early_message_is_no_time_to_feed_either),
      WORLD_TESTS(feeding_from_inside_a_feed_is_an_error),
      WORLD_TESTS(what_is_freed_inside_a_feed_lasts_until_its_end),
      WORLD_TESTS(connections_may_be_fed_inside_each_others_callbacks),
      WORLD_TEST(feeding_from_a_handler_of_its_consumer_is_an_error),
      WORLD_TEST(no_call_but_feeding_and_running_calls_back),
      WORLD_TEST(a_loop_that_is_being_freed_takes_no_connection),
      WORLD_TEST(connections_freed_outside_of_all_calls_do_not_hold_the_loop),
      cmocka_unit_test(no_memory_ends_the_connection_and_nothing_else_0),
      cmocka_unit_test(no_memory_ends_the_connection_and_nothing_else_1),
      cmocka_unit_test(no_memory_ends_the_connection_and_nothing_else_2),
      cmocka_unit_test(no_memory_ends_the_connection_and_nothing_else_3),
      cmocka_unit_test(no_memory_ends_the_connection_and_nothing_else_4),
      cmocka_unit_test(no_memory_ends_the_connection_and_nothing_else_5),
      cmocka_unit_test(no_memory_ends_the_connection_and_nothing_else_6),
      cmocka_unit_test(no_memory_ends_the_connection_and_nothing_else_7),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

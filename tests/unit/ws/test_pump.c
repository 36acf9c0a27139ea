/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <swale/transport.h>

struct pair {
  struct world w; /* first */
  int host, peer;
};

static int setup(void **state) {
  struct pair *p = calloc(1, sizeof *p);
  int fds[2];
  world_init(&p->w);
  *state = p;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
    return -1;
  p->host = fds[0];
  p->peer = fds[1];
  return world_open(&p->w);
}

static int teardown(void **state) {
  struct pair *p = *state;
  world_close(&p->w);
  close(p->host);
  if (p->peer >= 0)
    close(p->peer);
  long live = p->w.u.live;
  free(p);
  return live == 0 ? 0 : -1;
}

static void peer_sends(struct pair *p, const void *bytes, size_t len) {
  assert_int_equal(write(p->peer, bytes, len), (ssize_t)len);
}

static void peer_sends_in(struct pair *p) {
  peer_sends(p, p->w.in.at, p->w.in.len);
  bytes_clear(&p->w.in);
}

/* What the peer can read now goes to w.out. */
static size_t peer_reads(struct pair *p) {
  unsigned char buffer[65536];
  size_t total = 0;
  ssize_t n;
  while ((n = read(p->peer, buffer, sizeof buffer)) > 0) {
    bytes_add(&p->w.out, buffer, (size_t)n);
    total += (size_t)n;
  }
  return total;
}

static void connect_pair(struct pair *p) {
  world_new(&p->w);
  peer_sends(p, REQUEST, strlen(REQUEST));
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, NULL), SWALE_WS_WANT_READ);
  peer_reads(p);
  expect_status(&p->w, 101, "");
  expect_log(&p->w, "connect");
  p->w.outputs = 0;
}

static void a_pump_reads_feeds_and_writes(void **state) {
  struct pair *p = *state;
  int more = 1;
  connect_pair(p);
  bytes_frame(&p->w.in, FIN | TEXT, "hello", 5);
  bytes_frame(&p->w.in, FIN | PING, "p", 1);
  peer_sends_in(p);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, &more), SWALE_WS_WANT_READ);
  assert_int_equal(more, 0);
  expect_log(&p->w, "text:hello");
  assert_int_equal(peer_reads(p), 3);
  assert_int_equal(p->w.outputs, 0);
}

static void with_nothing_to_do_it_does_nothing(void **state) {
  struct pair *p = *state;
  int more = 1;
  connect_pair(p);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, &more), SWALE_WS_WANT_READ);
  assert_int_equal(more, 0);
  assert_int_equal(swale_ws_flush_fd(p->w.ws, p->host), SWALE_WS_WANT_READ);
}

static void a_busy_peer_does_not_own_the_loop(void **state) {
  struct pair *p = *state;
  static const char zeros[60000];
  int more = 0;
  connect_pair(p);
  bytes_frame(&p->w.in, FIN | BIN, zeros, sizeof zeros);
  bytes_frame(&p->w.in, FIN | BIN, zeros, sizeof zeros);
  peer_sends_in(p);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, &more), SWALE_WS_WANT_READ);
  assert_int_equal(more, 1);
  assert_int_equal(p->w.delivered, 60000);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, &more), SWALE_WS_WANT_READ);
  assert_int_equal(p->w.delivered, 120000);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, &more), SWALE_WS_WANT_READ);
  assert_int_equal(more, 0);
}

static void what_the_socket_does_not_take_waits(void **state) {
  struct pair *p = *state;
  static const char zeros[900000];
  int small = 10000;
  setsockopt(p->host, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  p->w.options.output_low = 1;
  connect_pair(p);
  assert_int_equal(swale_send_bytes(p->w.consumer, zeros, sizeof zeros), 0);
  assert_int_equal(swale_ws_flush_fd(p->w.ws, p->host), SWALE_WS_WANT_WRITE);
  size_t got = 0, part;
  while ((part = peer_reads(p)) > 0) {
    got += part;
    swale_ws_flush_fd(p->w.ws, p->host);
  }
  assert_int_equal(got, sizeof zeros + 10);
  expect_state(&p->w, SWALE_WS_WANT_READ);
}

/* With edge-triggered polling nobody else would say that there is something to read. */
static void a_pump_that_may_read_again_says_so(void **state) {
  struct pair *p = *state;
  static const char zeros[300000];
  int more = 0;
  connect_pair(p);
  assert_int_equal(swale_send_bytes(p->w.consumer, zeros, sizeof zeros), 0);
  expect_state(&p->w, SWALE_WS_WANT_WRITE);
  bytes_frame(&p->w.in, FIN | TEXT, "waits", 5);
  peer_sends_in(p);
  unsigned got;
  do {
    got = swale_ws_pump_fd(p->w.ws, p->host, &more);
    peer_reads(p);
  } while (!(got & SWALE_WS_WANT_READ));
  expect_log(&p->w, "");
  assert_int_equal(more, 1);
  swale_ws_pump_fd(p->w.ws, p->host, &more);
  expect_log(&p->w, "text:waits");
}

static int echo(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  (void)w, (void)kind;
  return swale_send_bytes(c, data, len);
}

static void what_a_read_brings_about_is_written_before_the_next(void **state) {
  struct pair *p = *state;
  static const char zeros[1000];
  p->w.options.output_max = 20000;
  connect_pair(p);
  p->w.on_receive = echo;
  for (int i = 0; i < 60; i++)
    bytes_frame(&p->w.in, FIN | BIN, zeros, sizeof zeros);
  peer_sends_in(p);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, NULL), SWALE_WS_WANT_READ);
  assert_int_equal(peer_reads(p), 60 * (4 + sizeof zeros));
}

static void many_frames_are_one_write(void **state) {
  struct pair *p = *state;
  connect_pair(p);
  for (int i = 0; i < 200; i++)
    swale_send_text(p->w.consumer, "x", 1);
  assert_int_equal(swale_ws_flush_fd(p->w.ws, p->host), SWALE_WS_WANT_READ);
  assert_int_equal(peer_reads(p), 600);
}

static void the_end_of_the_stream_is_1006(void **state) {
  struct pair *p = *state;
  connect_pair(p);
  shutdown(p->peer, SHUT_WR);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, NULL), SWALE_WS_CLOSED);
  expect_log(&p->w, "disconnect:1006");
}

static void with_edge_triggers_the_end_right_behind_the_last_bytes_is_seen(void **state) {
  struct pair *p = *state;
  int more = 1;
  connect_pair(p);
  bytes_frame(&p->w.in, FIN | TEXT, "last", 4);
  peer_sends_in(p);
  shutdown(p->peer, SHUT_WR);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, &more), SWALE_WS_CLOSED);
  assert_int_equal(more, 0);
  expect_log(&p->w, "text:last disconnect:1006");
}

static void a_broken_socket_is_1006(void **state) {
  struct pair *p = *state;
  int more = 1;
  connect_pair(p);
  swale_send_text(p->w.consumer, "x", 1);
  close(p->peer);
  p->peer = -1;
  assert_int_equal(swale_ws_flush_fd(p->w.ws, p->host), SWALE_WS_CLOSED);
  expect_log(&p->w, "");
  world_run(&p->w);
  expect_log(&p->w, "disconnect:1006");
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, &more), SWALE_WS_CLOSED);
  assert_int_equal(more, 0);
  assert_int_equal(p->w.reports, 0);
}

static void what_is_no_descriptor_is_1006(void **state) {
  struct pair *p = *state;
  connect_pair(p);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, -1, NULL), SWALE_WS_CLOSED);
  expect_log(&p->w, "disconnect:1006");
}

static void a_close_goes_through(void **state) {
  struct pair *p = *state;
  connect_pair(p);
  bytes_close(&p->w.in, 1000, NULL);
  peer_sends_in(p);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, NULL), SWALE_WS_CLOSED);
  assert_int_equal(peer_reads(p), 4);
  expect_log(&p->w, "disconnect:1000");
}

static int free_on_receive(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data,
                           size_t len) {
  (void)c, (void)kind, (void)data, (void)len;
  swale_ws_free(w->ws);
  w->ws = NULL;
  return 0;
}

static void a_connection_freed_inside_a_pump_is_closed(void **state) {
  struct pair *p = *state;
  swale_ws *ws;
  int more = 1;
  connect_pair(p);
  p->w.on_receive = free_on_receive;
  bytes_frame(&p->w.in, FIN | TEXT, "1", 1);
  bytes_frame(&p->w.in, FIN | TEXT, "2", 1);
  peer_sends_in(p);
  ws = p->w.ws;
  assert_int_equal(swale_ws_pump_fd(ws, p->host, &more), SWALE_WS_CLOSED);
  assert_int_equal(more, 0);
  expect_log(&p->w, "text:1 disconnect:1006");
}

static void inside_another_call_it_is_closed_too(void **state) {
  struct pair *p = *state;
  swale_loop *loop = p->w.loop;
  connect_pair(p);
  p->w.on_receive = free_on_receive;
  bytes_frame(&p->w.in, FIN | TEXT, "1", 1);
  peer_sends_in(p);
  swale_loop_enter(loop);
  assert_int_equal(swale_ws_pump_fd(p->w.ws, p->host, NULL), SWALE_WS_CLOSED);
  swale_loop_leave(loop);
  expect_log(&p->w, "text:1 disconnect:1006");
}

static int pump_in_handler(struct world *w, swale_consumer *c, swale_message *m) {
  struct pair *p = (struct pair *)w;
  int more = 0;
  (void)c, (void)m;
  assert_int_equal(swale_ws_pump_fd(w->ws, p->host, &more), SWALE_WS_WANT_READ);
  assert_int_equal(more, 1);
  return 0;
}

static void a_pump_in_a_handler_of_its_own_leaves_what_the_peer_sent(void **state) {
  struct pair *p = *state;
  connect_pair(p);
  p->w.on_event = pump_in_handler;
  bytes_frame(&p->w.in, FIN | TEXT, "kept", 4);
  peer_sends_in(p);
  world_group_send(&p->w, "now");
  world_run(&p->w);
  expect_log(&p->w, "");
  swale_ws_pump_fd(p->w.ws, p->host, NULL);
  expect_log(&p->w, "text:kept");
}

static void flush_in_output(struct world *w, swale_ws *ws) {
  struct pair *p = (struct pair *)w;
  if (swale_ws_flush_fd(ws, p->host) & SWALE_WS_CLOSED) {
    swale_ws_free(ws);
    w->ws = NULL;
  }
}

static void a_host_flushes_and_frees_in_on_output(void **state) {
  struct pair *p = *state;
  connect_pair(p);
  p->w.on_output = flush_in_output;
  world_group_send(&p->w, "message");
  world_run(&p->w);
  assert_int_equal(peer_reads(p), 9);
  close(p->peer);
  p->peer = -1;
  world_group_send(&p->w, "message");
  world_run(&p->w);
  assert_null(p->w.ws);
  expect_log(&p->w, "disconnect:1006");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_pump_reads_feeds_and_writes),
      TEST(with_nothing_to_do_it_does_nothing),
      TEST(a_busy_peer_does_not_own_the_loop),
      TEST(what_the_socket_does_not_take_waits),
      TEST(a_pump_that_may_read_again_says_so),
      TEST(what_a_read_brings_about_is_written_before_the_next),
      TEST(many_frames_are_one_write),
      TEST(the_end_of_the_stream_is_1006),
      TEST(with_edge_triggers_the_end_right_behind_the_last_bytes_is_seen),
      TEST(a_broken_socket_is_1006),
      TEST(what_is_no_descriptor_is_1006),
      TEST(a_close_goes_through),
      TEST(a_connection_freed_inside_a_pump_is_closed),
      TEST(inside_another_call_it_is_closed_too),
      TEST(a_pump_in_a_handler_of_its_own_leaves_what_the_peer_sent),
      TEST(a_host_flushes_and_frees_in_on_output),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

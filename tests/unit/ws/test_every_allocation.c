/* SPDX-License-Identifier: MIT */
/*
 * Every public function of libswale-ws, called while memory is short: with the first allocation failing, the second, ..., once
 * and for good. tests/check/allocations.py sees to it that none is missing here.
 */
#include "world.h"

#include <sys/socket.h>
#include <unistd.h>

#define TRY(call) UNIT_TRY(&error, call)

static int echo(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  (void)w, (void)kind;
  swale_send_bytes(c, data, len);
  return 0;
}

/* Whatever became of the connection, it answers. */
static void look_at(struct world *w) {
  swale_ws_state(w->ws);
  assert_ptr_equal(swale_ws_host_data(w->ws), w);
  swale_ws_set_host_data(w->ws, w);
  swale_consumer *c = swale_ws_consumer(w->ws);
  assert_true(!c || c == w->consumer);
}

static void talk(struct world *w) {
  struct iovec iov[4];
  bytes_frame(&w->in, TEXT, "one", 3);
  bytes_frame(&w->in, FIN | PING, "ping", 4);
  bytes_frame(&w->in, FIN | CONT, "two", 3);
  swale_ws_feed(w->ws, w->in.at, w->in.len);
  bytes_clear(&w->in);
  world_group_send(w, "to all");
  world_run(w);
  for (int n; (n = swale_ws_peek(w->ws, iov, 4)) > 0;)
    swale_ws_ack(w->ws, iov[0].iov_len);
  look_at(w);
}

static void free_connection(struct world *w) {
  swale_ws_free(w->ws);
  w->ws = NULL;
  world_run(w);
}

static int raw(struct world *w) {
  int error = 0;
  TRY(swale_ws_new(w->app, w->loop, &w->options, "192.0.2.1:1", "198.51.100.1:80", w, &w->ws));
  if (!w->ws)
    return error;
  swale_ws_feed(w->ws, REQUEST, strlen(REQUEST));
  talk(w);
  swale_ws_close(w->ws, 1000, "bye");
  swale_ws_feed_eof(w->ws);
  look_at(w);
  free_connection(w);
  return error;
}

static int upgraded(struct world *w) {
  struct swale_ws_answer answer;
  int error = 0;
  TRY(swale_ws_new_upgraded(w->app, w->loop, &w->options, &world_upgrade, w, &w->ws));
  if (!w->ws)
    return error;
  TRY(swale_ws_get_answer(w->ws, &answer));
  talk(w);
  free_connection(w);
  return error;
}

static int pumped(struct world *w) {
  int fds[2], error = 0;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  TRY(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &w->ws));
  if (w->ws) {
    assert_int_equal(write(fds[1], REQUEST, strlen(REQUEST)), strlen(REQUEST));
    swale_ws_pump_fd(w->ws, fds[0], NULL);
    world_group_send(w, "to all");
    world_run(w);
    swale_ws_flush_fd(w->ws, fds[0]);
    free_connection(w);
  }
  close(fds[0]);
  close(fds[1]);
  return error;
}

/* In connect. */
static int want_compression(struct world *w, swale_consumer *c) {
  struct swale_ws_deflate deflate;
  (void)w;
  swale_ws_deflate_default(&deflate);
  deflate.threshold = 0;
  int rv = swale_ws_set_deflate(c, &deflate);
  assert_true(rv == 0 || rv == SWALE_EUNSUPPORTED);
  return swale_accept(c, NULL);
}

static int compressed(struct world *w) {
  int error = 0;
  w->on_connect = want_compression;
  TRY(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &w->ws));
  if (w->ws) {
    static const char request[] =
        REQUEST_LINE REQUEST_HEADERS "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    swale_ws_feed(w->ws, request, strlen(request));
    talk(w);
    free_connection(w);
  }
  w->on_connect = NULL;
  return error;
}

static int connections(struct unit_env *u) {
  struct world w;
  int error = 0;
  world_init(&w);
  swale_ws_options_default(&w.options);
  unit_env_hand_over(&w.u, u);
  w.on_receive = echo;
  TRY(world_open(&w));
  if (error == 0) {
    TRY(raw(&w));
    TRY(upgraded(&w));
    TRY(pumped(&w));
    TRY(compressed(&w));
  }
  world_close(&w);
  unit_env_hand_over(u, &w.u);
  return error;
}

static void of_connections(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(connections);
}

static int origins(struct unit_env *u) {
  static const char *const patterns[] = {"https://example.com", ".example.org", "[::1]:80", NULL};
  swale_origins *set;
  int error = 0;
  TRY(swale_origins_new(patterns, &u->env.allocator, &set));
  if (set) {
    swale_origins_require(set, 1);
    assert_int_equal(swale_origins_allow(set, "https://example.com"), 1);
    assert_int_equal(swale_origins_allow(set, NULL), 0);
  }
  swale_origins_free(set);
  return error;
}

static void of_origins(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(origins);
}

static int guarded(struct unit_env *u) {
  struct world w;
  int error = 0;
  world_init(&w);
  unit_env_hand_over(&w.u, u);
  TRY(world_open(&w));
  if (error == 0) {
    TRY(swale_app_guard(w.app, swale_origin_guard, NULL));
    TRY(raw(&w));
  }
  world_close(&w);
  unit_env_hand_over(u, &w.u);
  return error;
}

static void of_the_guard(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(guarded);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_connections),
      cmocka_unit_test(of_origins),
      cmocka_unit_test(of_the_guard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

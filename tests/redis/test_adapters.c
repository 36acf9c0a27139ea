/* SPDX-License-Identifier: MIT */
/* The same layer at home in loops of different kinds: epoll, and libevent and libuv where they are installed. */
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include <swale/adapters/epoll.h>
#ifdef HAVE_LIBEVENT
#include <swale/adapters/libevent.h>
#endif
#ifdef HAVE_LIBUV
#include <swale/adapters/libuv.h>
#endif

#include "core/crowd.h"

#include "nodes.h"

static struct server server;

/* A kind of loop: attaches the layer to it, lets it run for a moment, ends. */
struct kind {
  void (*attach)(swale_layer *layer, swale_loop *loop);
  void (*turn)(void);
  void (*detach)(void);
};

static swale_layer *open_layer(const char *mode) {
  static const struct swale_backend_class *const backends[] = {&swale_redis_backend, NULL};
  struct swale_layer_config config;
  swale_layer *layer;
  char url[100];
  swale_layer_config_default(&config);
  config.backends = backends;
  snprintf(url, sizeof url, "%s?mode=%s", server.url, mode);
  assert_int_equal(swale_layer_open(url, &config, &layer, NULL, 0), 0);
  return layer;
}

static void run_until(const struct kind *k, swale_loop *loop, swale_layer *layer,
                      enum swale_redis_state state, uint64_t arrived) {
  struct swale_redis_stats s;
  for (int i = 0; i < 5000; i++) {
    assert_int_equal(swale_redis_stats_get(layer, &s), 0);
    if (s.state == state && s.arrived >= arrived)
      return;
    k->turn();
    swale_loop_run(loop);
  }
  fail_msg("state %d, %lu arrived: %s", s.state, (unsigned long)s.arrived, s.error);
}

/* Up, something is sent, the server restarts under it, something is sent again. */
static void live(const struct kind *k, const char *mode) {
  swale_layer *layer = open_layer(mode);
  swale_loop *loop;
  assert_int_equal(swale_loop_new(NULL, &loop), 0);
  k->attach(layer, loop);
  run_until(k, loop, layer, SWALE_REDIS_UP, 0);
  crowd_group_send(layer, "g", 1);
  run_until(k, loop, layer, SWALE_REDIS_UP, 1);
  server_kill(&server);
  run_until(k, loop, layer, SWALE_REDIS_DOWN, 1);
  server_restart(&server);
  run_until(k, loop, layer, SWALE_REDIS_UP, 1);
  crowd_group_send(layer, "g", 2);
  run_until(k, loop, layer, SWALE_REDIS_UP, 2);
  k->detach();
  assert_int_equal(swale_loop_free(loop), 0);
  assert_int_equal(swale_layer_free(layer), 0);
}

static void live_in_both_modes(const struct kind *k) {
  live(k, "core");
  live(k, "pubsub");
}

/* ---- epoll ---- */

static struct swale_epoll in_epoll;

static void epoll_attach(swale_layer *layer, swale_loop *loop) {
  assert_int_equal(swale_epoll_attach(&in_epoll, layer, loop), 0);
}

static void epoll_turn(void) {
  struct pollfd fd = {.fd = in_epoll.fd, .events = POLLIN};
  if (poll(&fd, 1, 5) > 0)
    swale_epoll_ready(&in_epoll);
}

static void epoll_detach(void) { swale_epoll_detach(&in_epoll); }

static void a_layer_is_at_home_in_epoll(void **state) {
  (void)state;
  live_in_both_modes(&(struct kind){epoll_attach, epoll_turn, epoll_detach});
}

/* ---- the host's own epoll ---- */

#define MARK 0x80000001u

static int host_epoll, ticks; /* the host's one descriptor is always ready */
static uint64_t hosts_own;
static unsigned seen;

static void host_epoll_attach(swale_layer *layer, swale_loop *loop) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &hosts_own};
  host_epoll = epoll_create1(EPOLL_CLOEXEC);
  ticks = eventfd(1, EFD_CLOEXEC);
  assert_int_equal(epoll_ctl(host_epoll, EPOLL_CTL_ADD, ticks, &event), 0);
  assert_int_equal(swale_epoll_attach_to(&in_epoll, layer, loop, host_epoll, 0), SWALE_EINVAL);
  assert_int_equal(swale_epoll_attach_to(&in_epoll, layer, loop, host_epoll, MARK), 0);
}

static void host_epoll_turn(void) {
  struct epoll_event events[4];
  int n = epoll_wait(host_epoll, events, 4, 5);
  for (int i = 0; i < n; i++) {
    if (swale_epoll_take(&in_epoll, &events[i]))
      continue;
    assert_ptr_equal(events[i].data.ptr, &hosts_own);
    seen++;
  }
  if (n == 1)
    usleep(1000); /* nothing but the host's own */
}

static void host_epoll_detach(void) {
  swale_epoll_detach(&in_epoll);
  host_epoll_turn(); /* it is still the host's */
  assert_true(seen > 0);
  assert_int_equal(close(ticks), 0);
  assert_int_equal(close(host_epoll), 0);
}

static void a_layer_is_at_home_in_the_hosts_own_epoll(void **state) {
  (void)state;
  live_in_both_modes(&(struct kind){host_epoll_attach, host_epoll_turn, host_epoll_detach});
}

/* ---- libevent ---- */

#ifdef HAVE_LIBEVENT
static struct swale_libevent in_libevent;

static void libevent_attach(swale_layer *layer, swale_loop *loop) {
  assert_int_equal(swale_libevent_attach(&in_libevent, layer, loop, event_base_new()), 0);
}

static void libevent_turn(void) {
  const struct timeval moment = {.tv_usec = 5000};
  event_base_loopexit(in_libevent.base, &moment);
  event_base_loop(in_libevent.base, EVLOOP_ONCE);
}

static void libevent_detach(void) {
  swale_libevent_detach(&in_libevent);
  event_base_free(in_libevent.base);
}

static void a_layer_is_at_home_in_libevent(void **state) {
  (void)state;
  live_in_both_modes(&(struct kind){libevent_attach, libevent_turn, libevent_detach});
}
#endif

/* ---- libuv ---- */

#ifdef HAVE_LIBUV
static struct swale_libuv in_libuv;
static uv_loop_t uv;
static uv_timer_t moment;

static void nothing(uv_timer_t *timer) { (void)timer; }

static void libuv_attach(swale_layer *layer, swale_loop *loop) {
  assert_int_equal(uv_loop_init(&uv), 0);
  uv_timer_init(&uv, &moment);
  assert_int_equal(swale_libuv_attach(&in_libuv, layer, loop, &uv), 0);
}

static void libuv_turn(void) {
  uv_timer_start(&moment, nothing, 5, 0);
  uv_run(&uv, UV_RUN_ONCE);
}

static void libuv_detach(void) {
  swale_libuv_detach(&in_libuv);
  uv_close((uv_handle_t *)&moment, NULL);
  uv_run(&uv, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&uv), 0);
}

static void a_layer_is_at_home_in_libuv(void **state) {
  (void)state;
  live_in_both_modes(&(struct kind){libuv_attach, libuv_turn, libuv_detach});
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_layer_is_at_home_in_epoll),
      cmocka_unit_test(a_layer_is_at_home_in_the_hosts_own_epoll),
#ifdef HAVE_LIBEVENT
      cmocka_unit_test(a_layer_is_at_home_in_libevent),
#endif
#ifdef HAVE_LIBUV
      cmocka_unit_test(a_layer_is_at_home_in_libuv),
#endif
  };
  server_start(&server);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  server_stop(&server);
  return failed;
}

/* SPDX-License-Identifier: MIT */
/*
 * The WebSockets of a Django site. The site sends to groups as it would with Channels alone; this program and the site
 * meet in Redis. Settings come from the environment:
 *
 *     PORT=8001                                    0: any free port
 *     SWALE_LAYER=redis://localhost/0?mode=pubsub  as CHANNEL_LAYERS in board/settings.py
 *     ORIGIN=http://127.0.0.1:8000                 where the site's pages come from
 */
#include "edge.h"

#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAYER_MARK 0x80000000u

static const char *setting(const char *name, const char *fallback) {
  const char *text = getenv(name);
  return text && *text ? text : fallback;
}

/* ---- what swale needs of the loop ---- */

/* From any thread: swale_loop_run has work. */
static void wake(void *edge) { eventfd_write(((struct edge *)edge)->waker, 1); }

static void redis_state(swale_layer *layer, enum swale_redis_state state, const char *why, void *user) {
  (void)layer, (void)user;
  if (state == SWALE_REDIS_DOWN)
    warnx("Redis: %s", why);
}

/* ---- setting up ---- */

static void demand(int rv, const char *what) {
  if (rv < 0)
    errx(1, "%s: %s", what, swale_strerror(rv));
}

static void open_layer(struct edge *e) {
  struct swale_redis_config redis;
  char why[200];
  swale_redis_config_default(&redis);
  redis.url = setting("SWALE_LAYER", "redis://localhost/0?mode=pubsub");
  redis.on_state = redis_state;
  if (swale_redis_open(&redis, NULL, &e->layer, why, sizeof why) < 0)
    errx(1, "SWALE_LAYER: %s", why);
}

static void set_up_swale(struct edge *e) {
  const char *const origins[] = {setting("ORIGIN", "http://127.0.0.1:8000"), NULL};
  struct swale_loop_config config;
  swale_loop_config_default(&config);
  config.wake = wake;
  config.user = e;
  config.host_asks_timeout = true;
  open_layer(e);
  demand(swale_origins_new(origins, NULL, &e->origins), "ORIGIN");
  swale_ws_options_default(&e->options);
  e->options.on_output = connection_output;
  e->options.origins = e->origins;
  demand(swale_loop_new(&config, &e->loop), "swale_loop_new");
  demand(swale_app_new(NULL, &e->app), "swale_app_new");
  demand(swale_app_layer(e->app, NULL, e->layer), "swale_app_layer");
  demand(swale_app_route(e->app, "ws/board/", &board), "swale_app_route");
  demand(swale_epoll_attach_to(&e->redis, e->layer, e->loop, e->epoll, LAYER_MARK), "swale_epoll_attach_to");
}

static int listen_on(const char *port) {
  struct sockaddr_in address = {AF_INET, htons((uint16_t)atoi(port)), {htonl(INADDR_LOOPBACK)}, {0}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SOMAXCONN) < 0 ||
      getsockname(fd, (struct sockaddr *)&address, &(socklen_t){sizeof address}) < 0)
    err(1, "port %s", port);
  dprintf(STDOUT_FILENO, "ws://127.0.0.1:%u/ws/board/\n", ntohs(address.sin_port));
  return fd;
}

static int open_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* epoll knows the edge's own descriptors by where they stand, the layer's by a mark that no pointer has. */
static void watch(struct edge *e, int *fd) {
  if (*fd < 0 || epoll_ctl(e->epoll, EPOLL_CTL_ADD, *fd, &(struct epoll_event){EPOLLIN, {fd}}) < 0)
    err(1, "epoll");
}

/* ---- running ---- */

static void stop(struct edge *e) {
  e->stopping = true;
  epoll_ctl(e->epoll, EPOLL_CTL_DEL, e->signals, NULL);
  epoll_ctl(e->epoll, EPOLL_CTL_DEL, e->listener, NULL);
  connections_close(e);
}

static void handle(struct edge *e, const struct epoll_event *event) {
  void *what = event->data.ptr;
  if (swale_epoll_take(&e->redis, event))
    return;
  if (what == &e->waker)
    eventfd_read(e->waker, &(eventfd_t){0});
  else if (what == &e->listener)
    connections_accept(e);
  else if (what != &e->signals)
    connection_event(what, event->events);
}

/* Signals come last, so that nobody is let in after them. */
static void turn(struct edge *e) {
  struct epoll_event events[64];
  bool signalled = false;
  int n = epoll_wait(e->epoll, events, 64, swale_loop_timeout_ms(e->loop));
  for (int i = 0; i < n; i++) {
    signalled |= events[i].data.ptr == &e->signals;
    handle(e, &events[i]);
  }
  swale_loop_run(e->loop);
  if (signalled)
    stop(e);
}

static void tear_down(struct edge *e) {
  swale_epoll_detach(&e->redis);
  demand(swale_loop_free(e->loop), "swale_loop_free");
  demand(swale_app_free(e->app), "swale_app_free");
  demand(swale_layer_free(e->layer), "swale_layer_free");
  swale_origins_free(e->origins);
}

int main(void) {
  struct edge e = {.epoll = epoll_create1(EPOLL_CLOEXEC),
                   .waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                   .signals = open_signals()};
  watch(&e, &e.waker);
  watch(&e, &e.signals);
  set_up_swale(&e);
  e.listener = listen_on(setting("PORT", "8001"));
  watch(&e, &e.listener);
  while (!e.stopping || !LIST_EMPTY(&e.connections))
    turn(&e);
  tear_down(&e);
  return 0;
}

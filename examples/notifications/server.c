/* SPDX-License-Identifier: MIT */
#include "notifications.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
  CLIENT_MESSAGE_MAX = 4096, /* browsers have little to say */
  CLOSE_MS = 3000,
  DRAIN_MS = 1000
};

#define LAYER_MARK 0x80000000u /* tells the layer's descriptors from our pointers */

/* ---- setting up ---- */

/* From any thread: there is a message for somebody on this loop. */
static void wake(void *server) { eventfd_write(((struct server *)server)->waker, 1); }

static int set_up_swale(struct server *s) {
  struct swale_app_config app;
  swale_app_config_default(&app);
  app.user = s;
  struct swale_loop_config loop;
  swale_loop_config_default(&loop);
  loop.wake = wake;
  loop.user = s;
  loop.host_asks_timeout = true;
  swale_ws_options_default(&s->options);
  s->options.on_output = upgrade_on_output;
  s->options.on_answer = upgrade_on_answer;
  s->options.message_max = CLIENT_MESSAGE_MAX;
  s->options.close_ms = CLOSE_MS;
  s->options.deflate = &s->deflate;
  swale_ws_deflate_default(&s->deflate);
  s->census.fire = consumer_count_browsers;
  int error = swale_loop_new(&loop, &s->loop);
  if (error == 0)
    error = swale_app_new(&app, &s->app);
  if (error == 0)
    error = swale_app_layer(s->app, NULL, s->settings->layer);
  if (error == 0)
    error = swale_app_route(s->app, "ws/notifications/", &notification_consumer);
  return error;
}

static int watch(struct server *s, int *fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
  return epoll_ctl(s->epoll, EPOLL_CTL_ADD, *fd, &event);
}

/* libmicrohttpd's own epoll descriptor can be waited for like a socket. */
static int set_up_http(struct server *s) {
  int listener = fcntl(s->settings->listener, F_DUPFD_CLOEXEC, 0);
  if (listener < 0)
    return -1;
  s->http = http_start(s, listener);
  if (!s->http) {
    close(listener);
    return -1;
  }
  s->http_epoll = MHD_get_daemon_info(s->http, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  return watch(s, &s->http_epoll);
}

bool server_start(struct server *s, const struct settings *settings) {
  *s = (struct server){.settings = settings, .signals = settings->signals};
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  s->waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (s->epoll < 0 || s->waker < 0 || watch(s, &s->waker) < 0 || watch(s, &s->signals) < 0) {
    perror("cannot start a server");
    return false;
  }
  int error = set_up_swale(s);
  if (error < 0) {
    fprintf(stderr, "cannot start swale: %s\n", swale_strerror(error));
    return false;
  }
  if (set_up_http(s) < 0) {
    perror("cannot start libmicrohttpd");
    return false;
  }
  return true;
}

bool server_host_layer(struct server *s) {
  int error = swale_epoll_attach_to(&s->layer_io, s->settings->layer, s->loop, s->epoll, LAYER_MARK);
  s->hosts_layer = error == 0;
  if (error < 0)
    fprintf(stderr, "cannot host the layer: %s\n", swale_strerror(error));
  return s->hosts_layer;
}

/* ---- running ---- */

/* How long epoll may wait: until swale or libmicrohttpd wants to be called without an event. */
static int timeout(struct server *s) {
  MHD_UNSIGNED_LONG_LONG http_ms;
  int ms = swale_loop_timeout_ms(s->loop);
  if (MHD_get_timeout(s->http, &http_ms) == MHD_YES) {
    s->http_due =
        true; /* whatever happens before that time, libmicrohttpd wants to be called after the wait */
    if (ms < 0 || http_ms < (unsigned)ms)
      ms = http_ms < INT_MAX ? (int)http_ms : INT_MAX;
  }
  return ms;
}

static void handle(struct server *s, const struct epoll_event *event, bool *signalled) {
  void *what = event->data.ptr;
  eventfd_t count;
  if (s->hosts_layer && swale_epoll_take(&s->layer_io, event))
    return;
  if (what == &s->waker)
    eventfd_read(s->waker, &count);
  else if (what == &s->signals)
    *signalled = true;
  else if (what == &s->http_epoll)
    s->http_due = true;
  else
    upgrade_on_event(what, event->events);
}

/*
 * What connections that ended still hold is given back when all events were seen. libmicrohttpd comes last:
 * it must be called once more after a connection was resumed or closed, and nothing else would remind it.
 */
static void settle(struct server *s) {
  swale_loop_run(s->loop);
  do {
    upgrade_bury_ended(s);
    if (s->http_due) {
      s->http_due = false;
      MHD_run(s->http);
    }
  } while (s->http_due || !LIST_EMPTY(&s->ended));
}

/* Nobody new, and everybody here is told, not all at once. */
static void stop(struct server *s) {
  struct swale_drain_config drain;
  swale_drain_config_default(&drain);
  drain.reason = "the server is going away";
  drain.period_ms = DRAIN_MS;
  s->stopping = true;
  epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->signals, NULL); /* unread, so that every thread sees it */
  int listener = MHD_quiesce_daemon(s->http);
  if (listener >= 0)
    close(listener);
  if (swale_loop_drain(s->loop, &drain) < 0)
    errx(1, "cannot drain the loop");
}

/* All connections have been given back to libmicrohttpd, which could not close them later than this. */
static void tear_down(struct server *s) {
  swale_timer_stop(s->loop, &s->census);
  MHD_stop_daemon(s->http);
  upgrade_bury_ended(s);
  if (s->hosts_layer)
    swale_epoll_detach(&s->layer_io);
  swale_loop_free(s->loop);
  swale_app_free(s->app);
  close(s->waker);
  close(s->epoll);
}

void server_run(struct server *s) {
  bool signalled = false;
  while (!s->stopping || !LIST_EMPTY(&s->open)) {
    struct epoll_event events[64];
    int n = epoll_wait(s->epoll, events, 64, timeout(s));
    for (int i = 0; i < n; i++)
      handle(s, &events[i], &signalled);
    if (signalled && !s->stopping)
      stop(s);
    settle(s);
  }
  tear_down(s);
}

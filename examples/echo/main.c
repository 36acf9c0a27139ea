/* SPDX-License-Identifier: MIT */
/*
 * An echo server on plain epoll: text and binary messages come back as they were. Small enough to read in one go, strict
 * enough to point a conformance suite at: path "/", messages up to 64 MiB, compressed for clients that offer it.
 *
 *     build/examples/echo 9001
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <swale/swale.h>
#include <swale/ws.h>

#define MESSAGE_MAX ((size_t)64 << 20)
#define GRACE_MS 3000
#define RATIO_MAX 1032 /* what deflate can do at most, so any */

struct server {
  swale_layer *layer;
  swale_app *app;
  swale_loop *loop;
  struct swale_ws_options options;
  struct swale_ws_deflate deflate;
  int epoll, listener, waker, signals;
};

struct peer {
  struct server *server;
  swale_ws *ws;
  int fd;
};

static int on_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  return kind == SWALE_TEXT ? swale_send_text(c, data, len) : swale_send_bytes(c, data, len);
}

static const struct swale_consumer_class echo = {.name = "echo", .receive = on_receive};

/* ---- connections ---- */

static void watch(const struct peer *peer, unsigned state) {
  struct epoll_event event = {.data.ptr = (void *)peer};
  event.events = (state & SWALE_WS_WANT_READ ? EPOLLIN : 0u) | (state & SWALE_WS_WANT_WRITE ? EPOLLOUT : 0u);
  epoll_ctl(peer->server->epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

static void end(struct peer *peer) {
  swale_ws_free(peer->ws);
  close(peer->fd);
  free(peer);
}

static void pump(struct peer *peer) {
  unsigned state = swale_ws_pump_fd(peer->ws, peer->fd, NULL);
  if (state & SWALE_WS_CLOSED)
    end(peer);
  else
    watch(peer, state);
}

/* Output that no feed of ours caused: a ping, a close. */
static void on_output(swale_ws *ws, void *host_data) {
  struct peer *peer = host_data;
  unsigned state = swale_ws_flush_fd(ws, peer->fd);
  if (state & SWALE_WS_CLOSED)
    end(peer);
  else
    watch(peer, state);
}

static int welcome(struct server *s, int fd) {
  struct peer *peer = calloc(1, sizeof *peer);
  if (!peer)
    return -1;
  peer->server = s;
  peer->fd = fd;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
  if (swale_ws_new(s->app, s->loop, &s->options, NULL, NULL, peer, &peer->ws) < 0) {
    free(peer);
    return -1;
  }
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
    swale_ws_free(peer->ws);
    free(peer);
    return -1;
  }
  return 0;
}

static void accept_all(struct server *s) {
  int fd;
  while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    if (welcome(s, fd) < 0)
      close(fd);
}

/* ---- the server ---- */

static void wake(void *user) {
  struct server *s = user;
  uint64_t one = 1;
  ssize_t n = write(s->waker, &one, sizeof one);
  (void)n; /* a full eventfd is readable too */
}

static int set_up_swale(struct server *s) {
  struct swale_loop_config loop;
  swale_loop_config_default(&loop);
  loop.wake = wake;
  loop.user = s;
  swale_ws_options_default(&s->options);
  s->options.on_output = on_output;
  s->options.message_max = MESSAGE_MAX;
  s->options.output_max = 2 * MESSAGE_MAX;
  s->options.deflate = &s->deflate;
  swale_ws_deflate_default(&s->deflate);
  s->deflate.threshold = 0;
  s->deflate.ratio_max = RATIO_MAX;
  s->deflate.server_context_takeover = s->deflate.client_context_takeover = 1;
  s->options.message_rate = s->options.byte_rate = UINT32_MAX; /* test suites are in a hurry */
  s->options.control_rate = UINT16_MAX;
  int rv = swale_layer_open("memory://", NULL, &s->layer, NULL, 0);
  if (rv == 0)
    rv = swale_app_new(NULL, &s->app);
  if (rv == 0)
    rv = swale_app_layer(s->app, NULL, s->layer);
  if (rv == 0)
    rv = swale_app_route(s->app, "", &echo);
  return rv < 0 ? rv : swale_loop_new(&loop, &s->loop);
}

static int add(const struct server *s, int *fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
  return epoll_ctl(s->epoll, EPOLL_CTL_ADD, *fd, &event);
}

static int set_up_sockets(struct server *s, uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int one = 1;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  signal(SIGPIPE, SIG_IGN);
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  s->waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  s->signals = signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC);
  s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s->epoll < 0 || s->waker < 0 || s->signals < 0 || s->listener < 0)
    return -1;
  setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(s->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
      listen(s->listener, SOMAXCONN) < 0 || getsockname(s->listener, (struct sockaddr *)&address, &size) < 0)
    return -1;
  printf("ws://127.0.0.1:%u/\n", (unsigned)ntohs(address.sin_port));
  fflush(stdout);
  return add(s, &s->listener) | add(s, &s->waker) | add(s, &s->signals);
}

/* Returns 1 when a signal asks to stop. */
static int turn(struct server *s) {
  struct epoll_event events[64];
  int n = epoll_wait(s->epoll, events, 64, swale_loop_timeout_ms(s->loop)), stop = 0;
  for (int i = 0; i < n; i++) {
    void *who = events[i].data.ptr;
    uint64_t count;
    if (who == &s->listener)
      accept_all(s);
    else if (who == &s->waker)
      stop |= read(s->waker, &count, sizeof count) < 0 && errno != EAGAIN;
    else if (who == &s->signals)
      stop = 1;
    else
      pump(who);
  }
  swale_loop_run(s->loop);
  return stop;
}

static void say_goodbye(struct server *s) {
  close(s->listener);
  swale_loop_close_all(s->loop, 1001, "the server is going away");
  uint64_t patience = swale_loop_now_ms(s->loop) + GRACE_MS;
  while (swale_loop_consumers(s->loop) > 0 && swale_loop_now_ms(s->loop) < patience)
    turn(s);
}

int main(int argc, char **argv) {
  static struct server server;
  unsigned long port = argc > 1 ? strtoul(argv[1], NULL, 10) : 9001;
  int rv = set_up_swale(&server);
  if (rv < 0) {
    fprintf(stderr, "echo: %s\n", swale_strerror(rv));
    return 1;
  }
  if (port > UINT16_MAX || set_up_sockets(&server, (uint16_t)port) < 0) {
    perror("echo");
    return 1;
  }
  while (!turn(&server)) {
  }
  say_goodbye(&server);
  return 0;
}

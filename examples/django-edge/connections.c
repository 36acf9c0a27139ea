/* SPDX-License-Identifier: MIT */
#include "edge.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
  struct edge *edge;
  swale_ws *ws;
  int fd;
  uint32_t events; /* that epoll waits for */
  LIST_ENTRY(connection) entry;
};

static void end(struct connection *c) {
  LIST_REMOVE(c, entry);
  swale_ws_free(c->ws);
  close(c->fd);
  free(c);
}

/* Waits for what the connection wants now, or ends it. */
static void update(struct connection *c, unsigned state) {
  struct epoll_event event = {.data.ptr = c};
  event.events |= state & SWALE_WS_WANT_READ ? EPOLLIN | EPOLLRDHUP : 0u;
  event.events |= state & SWALE_WS_WANT_WRITE ? EPOLLOUT : 0u;
  if (event.events != c->events && epoll_ctl(c->edge->epoll, EPOLL_CTL_MOD, c->fd, &event) < 0)
    state = SWALE_WS_CLOSED;
  c->events = event.events;
  if (state & SWALE_WS_CLOSED)
    end(c);
}

void connection_event(struct connection *c, unsigned events) {
  unsigned state = swale_ws_pump_fd(c->ws, c->fd, NULL);
  update(c, events & (EPOLLERR | EPOLLHUP) ? SWALE_WS_CLOSED : state);
}

void connection_output(swale_ws *ws, void *connection) {
  struct connection *c = connection;
  update(c, swale_ws_flush_fd(ws, c->fd));
}

static void welcome(struct edge *e, int fd) {
  struct connection *c = calloc(1, sizeof *c);
  struct epoll_event event = {EPOLLIN | EPOLLRDHUP, {c}};
  swale_ws *ws = NULL;
  if (c && swale_ws_new(e->app, e->loop, &e->options, NULL, NULL, c, &ws) == 0 &&
      epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &event) == 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    *c = (struct connection){.edge = e, .ws = ws, .fd = fd, .events = event.events};
    LIST_INSERT_HEAD(&e->connections, c, entry);
    return;
  }
  swale_ws_free(ws);
  free(c);
  close(fd);
}

void connections_accept(struct edge *e) {
  int fd;
  while ((fd = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    welcome(e, fd);
}

void connections_close(struct edge *e) {
  struct connection *c;
  LIST_FOREACH(c, &e->connections, entry) { swale_ws_close(c->ws, 1001, "the server is going away"); }
}

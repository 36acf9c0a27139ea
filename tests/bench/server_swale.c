/* SPDX-License-Identifier: MIT */
/*
 * The server under test: swale on plain epoll. Every text a client sends is group_sent, unchanged, to all clients.
 *
 *   server_swale 9001
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <swale/swale.h>
#include <swale/ws.h>

#include "bare.h"
#include "bench.h"

enum { TURN_EVENTS = 512 };

/* ---- the consumer ---- */

static int on_connect(swale_consumer *c) { return swale_accept(c, NULL); }

static int on_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  if (kind != SWALE_TEXT)
    return 0;
  swale_message *m = swale_message_new("relay");
  if (!m)
    return SWALE_ENOMEM;
  swale_message_add_strn(m, "text", data, len);
  int rv = swale_group_send(swale_consumer_layer(c), "all", m);
  swale_message_unref(m);
  return rv < 0 ? rv : 0;
}

static int render_text(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  (void)arg;
  return swale_buffer_append(out, text, len);
}

static int on_relay(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render_text, NULL);
}

static const char *const groups[] = {"all", NULL};
static const struct swale_handler handlers[] = {{"relay", on_relay}, {NULL, NULL}};
static const struct swale_consumer_class member = {
    .groups = groups,
    .connect = on_connect,
    .receive = on_receive,
    .handlers = handlers,
};

/* ---- the host ---- */

struct host {
  int epoll, listener;
  swale_app *app;
  swale_loop *loop;
  struct swale_ws_options options;
  struct connection *dead; /* closed in this turn: events for them may still come */
};

struct connection {
  swale_ws *ws; /* NULL: dead */
  struct host *host;
  int fd;
  uint32_t waits_for; /* events */
  struct connection *next_dead;
};

static void close_connection(struct connection *c) {
  swale_ws_free(c->ws);
  close(c->fd);
  c->ws = NULL;
  c->next_dead = c->host->dead;
  c->host->dead = c;
}

/* Has the kernel wait for what the connection waits for. */
static void follow(struct connection *c, unsigned state) {
  uint32_t events =
      (state & SWALE_WS_WANT_READ ? EPOLLIN : 0U) | (state & SWALE_WS_WANT_WRITE ? EPOLLOUT : 0U);
  if (state & SWALE_WS_CLOSED) {
    close_connection(c);
    return;
  }
  if (events == c->waits_for)
    return;
  struct epoll_event event = {.events = events, .data.ptr = c};
  c->waits_for = events;
  if (epoll_ctl(c->host->epoll, EPOLL_CTL_MOD, c->fd, &event) < 0)
    die("epoll_ctl");
}

/* Takes in what a client has sent in a burst, up to 1 MiB, so that its messages go out together. */
static void pump(struct connection *c) {
  unsigned state;
  int more, rounds = 16;
  do
    state = swale_ws_pump_fd(c->ws, c->fd, &more);
  while (more && --rounds > 0);
  follow(c, state);
}

static void on_output(swale_ws *ws, void *host_data) {
  struct connection *c = host_data;
  follow(c, swale_ws_flush_fd(ws, c->fd));
}

static void accept_all(struct host *h) {
  int fd, yes = 1;
  while ((fd = accept4(h->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct connection *c = must_alloc(sizeof *c);
    *c = (struct connection){.host = h, .fd = fd, .waits_for = EPOLLIN};
    must(swale_ws_new(h->app, h->loop, &h->options, NULL, NULL, c, &c->ws), "swale_ws_new");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0 ||
        epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
      die("a new connection");
  }
}

static void bury(struct host *h) {
  for (struct connection *c = h->dead, *next; c; c = next) {
    next = c->next_dead;
    free(c);
  }
  h->dead = NULL;
}

_Noreturn static void serve(struct host *h) {
  struct epoll_event events[TURN_EVENTS];
  for (;;) {
    int n = epoll_wait(h->epoll, events, TURN_EVENTS, swale_loop_timeout_ms(h->loop));
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      if (!c)
        accept_all(h);
      else if (c->ws)
        pump(c);
    }
    swale_loop_run(h->loop);
    bury(h);
  }
}

int main(int argc, char **argv) {
  if (argc != 2)
    die("usage: server_swale PORT");
  struct host h = {.listener = bare_listen((uint16_t)parse_number(argv[1], 1, UINT16_MAX))};
  struct epoll_event listening = {.events = EPOLLIN};
  swale_layer *layer;
  must(swale_layer_open("memory://", NULL, &layer, NULL, 0), "swale_layer_open");
  must(swale_loop_new(NULL, &h.loop), "swale_loop_new");
  must(swale_app_new(NULL, &h.app), "swale_app_new");
  must(swale_app_layer(h.app, NULL, layer), "swale_app_layer");
  must(swale_app_default(h.app, &member), "swale_app_default");
  swale_ws_options_default(&h.options);
  h.options.on_output = on_output;
  h.options.handshakes_max = UINT32_MAX; /* all connections at once, from one host */
  h.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (h.epoll < 0 || epoll_ctl(h.epoll, EPOLL_CTL_ADD, h.listener, &listening) < 0)
    die("epoll");
  serve(&h);
}

/* SPDX-License-Identifier: MIT */
/*
 * A chat with rooms on plain epoll: ws://127.0.0.1:8000/ws/chat/<room>/. Whoever is in a room gets every line
 * written there, as "a3f9: hello". First the consumer, then what a server does for its connections.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <swale/adapters/epoll.h>
#include <swale/redis.h>
#include <swale/swale.h>
#include <swale/ws.h>

/* ---- the consumer ------------------------------------------------------------------------------ */

struct visitor {
  char room[SWALE_NAME_SIZE]; /* the group's name */
  char name[5];
};

/* Joins the room by the request. The browser's `open` comes when the whole layer knows of it, other processes too. */
static int chat_prepare(swale_consumer *c) {
  struct visitor *visitor = swale_state(c);
  char channel[SWALE_NAME_SIZE];
  const char *room = swale_scope_param_text(swale_consumer_scope(c), "room");
  if (strlen(room) > 64)
    return swale_reject(c, 404, "No room has such a long name.\n");
  sprintf(visitor->room, "chat.%s", room);
  swale_channel_name(c, channel); /* its end is random */
  strcpy(visitor->name, channel + strlen(channel) - 4);
  return swale_join(c, visitor->room);
}

/* Somebody writes a line. When the room is too busy to listen the line is lost, but not the connection. */
static int chat_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  const struct visitor *visitor = swale_state(c);
  if (kind != SWALE_TEXT)
    return swale_close(c, 1003, "text only");
  swale_message *m = swale_message_new("chat.line"); /* errors, of the adds too, show at the send */
  swale_message_add_str(m, "from", visitor->name);
  swale_message_add_strn(m, "text", data, len);
  int offered = swale_group_send(swale_consumer_layer(c), visitor->room, m);
  swale_message_unref(m);
  return offered < 0 && offered != SWALE_EFULL ? offered : 0;
}

/* What visitors see of a line, made once however many they are. */
static int render(const swale_message *m, swale_buffer *out, void *arg) {
  size_t name_len, len;
  const char *name = swale_message_get_str(m, "from", &name_len);
  const char *text = swale_message_get_str(m, "text", &len);
  (void)arg;
  swale_buffer_append(out, name, name_len);
  swale_buffer_puts(out, ": ");
  return swale_buffer_append(out, text, len);
}

static int chat_line(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render, NULL);
}

static const struct swale_handler handlers[] = {{"chat.line", chat_line}, {NULL, NULL}};
static const struct swale_consumer_class chat = {
    .name = "chat",
    .state_size = sizeof(struct visitor),
    .prepare = chat_prepare, /* without .connect: whoever is prepared is accepted */
    .receive = chat_receive,
    .handlers = handlers,
};

/* ---- connections ------------------------------------------------------------------------------- */

/* The event loop of one thread. */
struct server {
  swale_app *app;
  swale_loop *loop;
  struct swale_ws_options options;
  int epoll, waker;
  int listener, signals; /* shared by all threads */
  bool stopping, hosts_layer;
  struct swale_epoll layer_io; /* the layer's own sockets, if it lives here and has any */
  LIST_HEAD(, connection) connections;
  pthread_t thread;
};

struct connection {
  struct server *server;
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
  if (event.events != c->events && epoll_ctl(c->server->epoll, EPOLL_CTL_MOD, c->fd, &event) < 0)
    state = SWALE_WS_CLOSED;
  c->events = event.events;
  if (state & SWALE_WS_CLOSED)
    end(c);
}

static void on_event(struct connection *c, uint32_t events) {
  unsigned state = swale_ws_pump_fd(c->ws, c->fd, NULL);
  update(c, events & (EPOLLERR | EPOLLHUP) ? SWALE_WS_CLOSED : state);
}

/* There is something to write that no event has brought: a line, a ping, a close. */
static void on_output(swale_ws *ws, void *connection) {
  struct connection *c = connection;
  update(c, swale_ws_flush_fd(ws, c->fd));
}

/* Who it is from matters for the limit of handshakes per peer. */
static void welcome(struct server *s, int fd, const struct sockaddr_in *from) {
  struct connection *c = calloc(1, sizeof *c);
  struct epoll_event event = {EPOLLIN | EPOLLRDHUP, {c}};
  char client[INET_ADDRSTRLEN];
  swale_ws *ws = NULL;
  inet_ntop(AF_INET, &from->sin_addr, client, sizeof client);
  if (c && swale_ws_new(s->app, s->loop, &s->options, client, NULL, c, &ws) == 0 &&
      epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    *c = (struct connection){.server = s, .ws = ws, .fd = fd, .events = event.events};
    LIST_INSERT_HEAD(&s->connections, c, entry);
    return;
  }
  swale_ws_free(ws);
  free(c);
  close(fd);
}

/* ---- the server -------------------------------------------------------------------------------- */

/* From any thread: there is a message for somebody on this loop. */
static void wake(void *server) { eventfd_write(((struct server *)server)->waker, 1); }

/* Nobody new, and everybody here is told, not all at once; whoever does not answer is cut off. */
static void stop(struct server *s) {
  struct swale_drain_config drain;
  swale_drain_config_default(&drain);
  drain.reason = "the server is going away";
  drain.period_ms = 1000;
  drain.deadline_ms = 6000;
  s->stopping = true;
  epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->signals, NULL); /* unread, so that every thread sees it */
  epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->listener, NULL);
  if (swale_loop_drain(s->loop, &drain) < 0)
    errx(1, "cannot drain the loop");
}

/*
 * epoll tells connections by their addresses and the other descriptors by theirs. While it goes through its
 * events a connection is ended by its own event only (on_output is called in swale_loop_run), so none can be
 * met after its end.
 */
static void *serve(void *server) {
  struct server *s = server;
  bool signalled = false;
  while (!s->stopping || !LIST_EMPTY(&s->connections)) {
    struct epoll_event events[64];
    struct sockaddr_in from;
    int n = epoll_wait(s->epoll, events, 64, swale_loop_timeout_ms(s->loop)), fd;
    for (int i = 0; i < n; i++) {
      void *what = events[i].data.ptr;
      if (what == &s->waker)
        eventfd_read(s->waker, &(eventfd_t){0});
      else if (what == &s->signals)
        signalled = true;
      else if (what == &s->layer_io.fd)
        swale_epoll_ready(&s->layer_io);
      else if (what != &s->listener)
        on_event(what, events[i].events);
      else
        while ((fd = accept4(s->listener, (struct sockaddr *)&from, &(socklen_t){sizeof from},
                             SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
          welcome(s, fd, &from);
    }
    swale_loop_run(s->loop);
    if (signalled && !s->stopping)
      stop(s);
  }
  if (s->hosts_layer)
    swale_epoll_detach(&s->layer_io);
  swale_loop_free(s->loop);
  return NULL;
}

static int watch(struct server *s, int *fd, uint32_t events) {
  return epoll_ctl(s->epoll, EPOLL_CTL_ADD, *fd, &(struct epoll_event){events, {fd}});
}

/* What talks to other processes does so in one thread's loop. A layer in memory has nothing to say, and may live there too. */
static void host_layer(struct server *s, swale_layer *layer) {
  if (swale_epoll_attach(&s->layer_io, layer, s->loop) < 0 || watch(s, &s->layer_io.fd, EPOLLIN) < 0)
    errx(1, "cannot host the layer");
  s->hosts_layer = true;
}

static void set_up_loop(struct server *s, swale_app *app, int listener, int signals) {
  struct swale_loop_config config;
  *s = (struct server){.app = app, .listener = listener, .signals = signals};
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  s->waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  swale_loop_config_default(&config);
  config.wake = wake;
  config.user = s;
  swale_ws_options_default(&s->options);
  s->options.on_output = on_output;
  if (watch(s, &s->waker, EPOLLIN) < 0 || watch(s, &s->signals, EPOLLIN) < 0 ||
      watch(s, &s->listener, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE) < 0 || swale_loop_new(&config, &s->loop) < 0)
    errx(1, "cannot set up a loop");
}

static int listen_on(const char *port) {
  struct sockaddr_in address = {AF_INET, htons((uint16_t)atoi(port)), {htonl(INADDR_LOOPBACK)}, {0}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SOMAXCONN) < 0 ||
      getsockname(fd, (struct sockaddr *)&address, &(socklen_t){sizeof address}) < 0)
    err(1, "port %s", port);
  dprintf(STDOUT_FILENO, "ws://127.0.0.1:%u/ws/chat/lobby/\n", ntohs(address.sin_port));
  return fd;
}

/* memory:// for this process alone; redis:// for all that are given the same, see docs/guide/redis.md. */
static swale_layer *open_layer(const char *url) {
  static const struct swale_backend_class *const backends[] = {&swale_redis_backend, NULL};
  struct swale_layer_config config;
  swale_layer *layer;
  char why[200];
  swale_layer_config_default(&config);
  config.backends = backends;
  if (swale_layer_open(url, &config, &layer, why, sizeof why) < 0)
    errx(1, "SWALE_LAYER: %s", why);
  return layer;
}

int main(void) {
  static struct server servers[64];
  const char *port = getenv("PORT"), *threads = getenv("THREADS"), *url = getenv("SWALE_LAYER");
  int n = threads ? atoi(threads) : 1;
  swale_layer *layer = open_layer(url ? url : "memory://");
  swale_app *app;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL); /* in the threads to come as well */
  int signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), listener = listen_on(port ? port : "8000");
  if (swale_app_new(NULL, &app) < 0 || swale_app_layer(app, NULL, layer) < 0 ||
      swale_app_route(app, "ws/chat/<slug:room>/", &chat) < 0)
    errx(1, "cannot set up swale");
  if (n < 1 || n > 64)
    errx(2, "THREADS is a number from 1 to 64");
  for (int i = 0; i < n; i++)
    set_up_loop(&servers[i], app, listener, signals);
  host_layer(&servers[0], layer);
  for (int i = 0; i < n; i++)
    if (pthread_create(&servers[i].thread, NULL, serve, &servers[i]) != 0)
      errx(1, "cannot start a thread");
  for (int i = 0; i < n; i++)
    pthread_join(servers[i].thread, NULL);
  return swale_app_free(app) < 0 || swale_layer_free(layer) < 0;
}

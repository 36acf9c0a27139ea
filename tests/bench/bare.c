/* SPDX-License-Identifier: MIT */
#include "bare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nettle/base64.h>
#include <nettle/sha1.h>

#include "bench.h"

enum { HEAD_MAX = 4096, TURN_EVENTS = 512 };

/* ---- sockets and the handshake ---- */

int bare_listen(uint16_t port) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
      bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, SOMAXCONN) < 0)
    die("listening on port %u", port);
  return fd;
}

size_t bare_answer(const char *request, char answer[256]) {
  static const char name[] = "\r\nSec-WebSocket-Key:", guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const char *key = strcasestr(request, name);
  if (!key)
    return 0;
  key += sizeof name - 1;
  key += strspn(key, " \t");
  uint8_t digest[SHA1_DIGEST_SIZE];
  char accept[BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE) + 1] = {0};
  struct sha1_ctx sha1;
  sha1_init(&sha1);
  sha1_update(&sha1, strcspn(key, " \t\r"), (const uint8_t *)key);
  sha1_update(&sha1, sizeof guid - 1, (const uint8_t *)guid);
  sha1_digest(&sha1, sizeof digest, digest);
  base64_encode_raw(accept, sizeof digest, digest);
  return (size_t)snprintf(answer, 256,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n",
                          accept);
}

/* ---- connections ---- */

static void add_member(struct bare_server *s, struct bare_connection *c) {
  if (s->count == s->room) {
    s->room = s->room ? 2 * s->room : 64;
    s->members = realloc(s->members, s->room * sizeof(struct bare_connection *));
    if (!s->members)
      die("no memory");
  }
  c->open = true;
  c->place = (uint32_t)s->count;
  s->members[s->count++] = c;
}

static void remove_member(struct bare_server *s, const struct bare_connection *c) {
  struct bare_connection *last = s->members[--s->count];
  last->place = c->place;
  s->members[c->place] = last;
}

void bare_close(struct bare_server *s, struct bare_connection *c) {
  if (c->dead)
    return;
  if (c->open) {
    remove_member(s, c);
    s->class->closed(s, c);
  }
  close(c->fd);
  c->dead = true;
  c->next_dead = s->dead;
  s->dead = c;
}

static void bury(struct bare_server *s) {
  for (struct bare_connection *c = s->dead, *next; c; c = next) {
    next = c->next_dead;
    free(c->head);
    free(c);
  }
  s->dead = NULL;
}

static void accept_all(struct bare_server *s) {
  int fd, yes = 1;
  while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct bare_connection *c = must_zalloc(1, s->class->connection_size);
    c->fd = fd;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0 ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
      die("a new connection");
  }
}

/* A client that sends no frame before it has the answer: whatever comes is the head. */
static void read_head(struct bare_server *s, struct bare_connection *c) {
  char answer[256];
  if (!c->head)
    c->head = must_alloc(HEAD_MAX);
  ssize_t n = recv(c->fd, c->head + c->head_len, HEAD_MAX - 1 - c->head_len, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0) {
    bare_close(s, c);
    return;
  }
  c->head_len += (size_t)n;
  c->head[c->head_len] = '\0';
  if (!strstr(c->head, "\r\n\r\n"))
    return;
  size_t len = bare_answer(c->head, answer);
  if (len == 0 || send(c->fd, answer, len, MSG_NOSIGNAL) != (ssize_t)len) {
    bare_close(s, c);
    return;
  }
  free(c->head);
  c->head = NULL;
  add_member(s, c);
  if (s->class->opened)
    s->class->opened(s, c);
}

static void serve_event(struct bare_server *s, struct bare_connection *c, uint32_t events) {
  if (c->dead)
    return;
  if (!c->open) {
    read_head(s, c);
    return;
  }
  if (events & EPOLLOUT)
    s->class->writable(s, c);
  if (!c->dead && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
    s->class->readable(s, c);
}

void bare_serve(const struct bare_class *cls, uint16_t port, void *user) {
  struct bare_server s = {.class = cls, .listener = bare_listen(port), .user = user};
  struct epoll_event events[TURN_EVENTS], listening = {.events = EPOLLIN};
  s.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (s.epoll < 0 || epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.listener, &listening) < 0)
    die("epoll");
  for (;;) {
    int n = epoll_wait(s.epoll, events, TURN_EVENTS, -1);
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr)
        serve_event(&s, events[i].data.ptr, events[i].events);
      else
        accept_all(&s);
    }
    if (cls->turn_ended)
      cls->turn_ended(&s);
    bury(&s);
  }
}

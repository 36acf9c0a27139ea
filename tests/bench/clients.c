/* SPDX-License-Identifier: MIT */
#include "clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

/* A source address has ports for about 28,000 connections to one server. */
enum { CLIENTS_PER_ADDRESS = 20000, TURN_EVENTS = 256, ANSWER_MAX = 4096 };

static const char answer_begin[] = "HTTP/1.1 101";
static const int patience_ms = 20000;

void clients_init(struct clients *c, uint16_t port, const char *path, size_t count) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < count + 16)
    die("%zu clients need as many open files, the limit is %llu", count, (unsigned long long)files.rlim_max);
  *c = (struct clients){.port = port, .path = path, .count = count};
  c->at = must_zalloc(count, sizeof *c->at);
  c->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (c->epoll < 0)
    die("epoll_create1");
}

static void set(int fd, int level, int option, int value) {
  if (setsockopt(fd, level, option, &value, sizeof value) < 0)
    die("setsockopt");
}

static struct sockaddr_in loopback(uint32_t last_byte, uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(0x7f000000U + last_byte);
  return a;
}

static void start(struct clients *c, size_t i) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    die("socket");
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (c->count > CLIENTS_PER_ADDRESS) {
    struct sockaddr_in source = loopback(1 + (uint32_t)(i / CLIENTS_PER_ADDRESS), 0);
    set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0)
      die("bind");
  }
  struct sockaddr_in server = loopback(1, c->port);
  if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
    die("connect");
  c->at[i] = (struct client){.fd = fd};
  struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data.u64 = i};
  if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
    die("epoll_ctl");
}

static void send_request(const struct clients *c, size_t i) {
  char request[512];
  int n = snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                   c->path, c->port);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->at[i].fd, SOL_SOCKET, SO_ERROR, &error, &size);
  errno = error;
  if (error || send(c->at[i].fd, request, (size_t)n, MSG_NOSIGNAL) != n)
    die("client %zu cannot send its request", i);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
  epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->at[i].fd, &event);
}

/* Looks for the blank line; returns how many bytes belong to the answer. */
static size_t match_end(struct client *client, const char *bytes, size_t n) {
  static const char blank_line[] = "\r\n\r\n";
  for (size_t i = 0; i < n; i++) {
    client->matched =
        bytes[i] == blank_line[client->matched] ? (uint8_t)(client->matched + 1) : bytes[i] == '\r';
    if (client->matched == 4)
      return i + 1;
  }
  return n;
}

/* Whether that was the last of it. */
static bool read_answer(struct clients *c, size_t i) {
  struct client *client = &c->at[i];
  char answer[ANSWER_MAX];
  errno = 0;
  ssize_t n = recv(client->fd, answer, sizeof answer, 0);
  if (n < 0 && errno == EAGAIN)
    return false;
  if (n <= 0)
    die("client %zu: the server closed the connection", i);
  if (!client->started &&
      ((size_t)n < sizeof answer_begin || memcmp(answer, answer_begin, sizeof answer_begin - 1)))
    die("client %zu: the server answered '%.*s'", i, (int)(n < 80 ? n : 80), answer);
  client->started = true;
  if (match_end(client, answer, (size_t)n) < (size_t)n)
    die("client %zu: bytes behind the answer", i);
  client->open = client->matched == 4;
  return client->open;
}

void clients_connect(struct clients *c, size_t window) {
  struct epoll_event events[TURN_EVENTS];
  size_t started = 0, open = 0;
  while (open < c->count) {
    while (started < c->count && started - open < window)
      start(c, started++);
    int n = epoll_wait(c->epoll, events, TURN_EVENTS, patience_ms);
    if (n == 0)
      die("no handshake within %d s: %zu of %zu are done", patience_ms / 1000, open, c->count);
    for (int e = 0; e < n; e++) {
      size_t i = (size_t)events[e].data.u64;
      if (events[e].events & EPOLLOUT)
        send_request(c, i);
      else if (!c->at[i].open)
        open += read_answer(c, i);
    }
  }
}

void clients_close(struct clients *c) {
  for (size_t i = 0; i < c->count; i++) {
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->at[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(c->at[i].fd);
  }
}

void clients_free(struct clients *c) {
  close(c->epoll);
  free(c->at);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the servers that swale is compared with have in common: one thread, plain epoll, the WebSocket handshake. What happens on an
 * open connection is the server's own affair. No deadlines, no limits, no checks: as little work as possible.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bare_server;

struct bare_connection {
  int fd;
  bool open, dead;
  uint32_t place; /* among the members */
  char *head;     /* of a request that has not come whole */
  size_t head_len;
  struct bare_connection *next_dead;
};

struct bare_class {
  size_t connection_size; /* of a struct that begins with struct bare_connection */
  void (*opened)(struct bare_server *server, struct bare_connection *c);
  void (*readable)(struct bare_server *server,
                   struct bare_connection *c); /* edge-triggered: read until EAGAIN */
  void (*writable)(struct bare_server *server, struct bare_connection *c);
  void (*closed)(struct bare_server *server, struct bare_connection *c);
  void (*turn_ended)(struct bare_server *server);
};

struct bare_server {
  const struct bare_class *class;
  int epoll, listener;
  struct bare_connection **members; /* the open ones */
  size_t count, room;
  struct bare_connection *dead; /* closed in this turn */
  void *user;
};

/* A listening socket on this port of the loopback address; also raises the limit of open files. */
int bare_listen(uint16_t port);

/* The headers of the answer 101 to a whole request; ends in NUL, its length is returned; 0: not a WebSocket request. */
size_t bare_answer(const char *request, char answer[256]);

/* Ends a connection; its memory goes when the turn ends. */
void bare_close(struct bare_server *server, struct bare_connection *c);

/* Serves for ever. */
_Noreturn void bare_serve(const struct bare_class *cls, uint16_t port, void *user);

#endif

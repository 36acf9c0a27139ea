/* SPDX-License-Identifier: MIT */
/* A redis-server of the test's own: on a free port of loopback, in a temporary folder, nothing is kept on disk. */
#ifndef SWALE_TESTS_REDIS_SERVER_H
#define SWALE_TESTS_REDIS_SERVER_H

#include <sys/types.h>

struct server {
  pid_t pid;
  int port;
  char folder[64];
  const char *const *more;
  char url[64]; /* redis://127.0.0.1:port */
};

/* Returns when it answers. Ends the program where that is not possible, as skipped where none is installed. */
void server_start(struct server *s);
/* Likewise with more arguments, up to a NULL. A file of configuration comes first among them, if any. */
void server_start_with(struct server *s, const char *const *more);
/* Again, on the same port. */
void server_restart(struct server *s);
/* Without a farewell. */
void server_kill(struct server *s);
/* Ends it and removes its folder. */
void server_stop(struct server *s);

/* What redis-cli says to a command of these words; valid until the next call. */
const char *server_ask(const struct server *s, const char *command);

#endif

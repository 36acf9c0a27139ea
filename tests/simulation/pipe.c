/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Connections over a real socket, for swale_ws_pump_fd and swale_ws_flush_fd: a pair of which both ends are ours, with small
 * buffers. Nothing blocks and nobody else is there, so that runs can be had again as well as others.
 */

enum { BUFFER = 2048 };

bool pipe_open(struct peer *p) {
  int ends[2], size = BUFFER;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
    return false;
  p->piped = true;
  p->ours = ends[0];
  p->theirs = ends[1];
  for (int i = 0; i < 2; i++)
    setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  return true;
}

void pipe_close(struct peer *p) {
  if (!p->piped)
    return;
  close(p->ours);
  if (p->theirs >= 0)
    close(p->theirs);
  p->ours = p->theirs = -1;
}

bool pipe_is_empty(const struct peer *p) {
  int waiting = 0;
  return !p->piped || (ioctl(p->ours, FIONREAD, &waiting) == 0 && waiting == 0);
}

/* The peer reads what has come, unless he is slow. */
static void hear(struct peer *p) {
  unsigned char buffer[BUFFER];
  ssize_t n;
  while (p->theirs >= 0 && !p->stalled && (n = recv(p->theirs, buffer, sizeof buffer, 0)) > 0)
    bytes_add(&p->in.pending, buffer, (size_t)n);
  peer_reads(p);
}

void pipe_say(struct peer *p, size_t n) {
  if (p->theirs < 0 || n == 0)
    return;
  ssize_t said = send(p->theirs, p->out.at, n, MSG_NOSIGNAL);
  if (said <= 0)
    return;
  p->fed += (uint64_t)said;
  bytes_drop_front(&p->out, (size_t)said);
}

/* After a call that may have ended the connection: what it answered is its state. */
static void finish(struct peer *p, unsigned state) {
  struct world *w = p->world;
  CHECK(w, !p->ws || state == swale_ws_state(p->ws), "connection %u is in state %u, a pump says %u", p->id,
        p->ws ? swale_ws_state(p->ws) : 0, state);
  CHECK(w, p->ws || state == SWALE_WS_CLOSED, "a pump of connection %u, which was freed, says %u", p->id,
        state);
  p->told = false;
  hear(p);
  peer_look(p);
}

void pipe_pump(struct peer *p) {
  struct world *w = p->world;
  int more = 0;
  note(w, "pump connection %u", p->id);
  p->busy = true;
  call_begin(w, FEED, p, "swale_ws_pump_fd");
  unsigned state = swale_ws_pump_fd(p->ws, p->ours, dice_chance(&w->dice, 50) ? &more : NULL);
  call_end(w);
  p->busy = false;
  CHECK(w, !more || state & SWALE_WS_WANT_READ, "there is more to read, and nothing is wanted");
  finish(p, state);
}

void pipe_flush(struct peer *p) {
  struct world *w = p->world;
  note(w, "flush connection %u", p->id);
  call_begin(w, QUIET, p, "swale_ws_flush_fd");
  unsigned state = swale_ws_flush_fd(p->ws, p->ours);
  call_end(w);
  finish(p, state);
}

/* The peer shuts down his side, or vanishes with what he has not read, which resets the connection. */
void pipe_end(struct peer *p) {
  if (p->theirs >= 0 && dice_chance(&p->world->dice, 50)) {
    shutdown(p->theirs, SHUT_WR);
  } else if (p->theirs >= 0) {
    close(p->theirs);
    p->theirs = -1;
  }
  pipe_pump(p);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/socket.h>

#include "ws/connection.h"

/*
 * For hosts with a bare non-blocking socket. Made of what any host can call, but for telling that the
 * connection is broken.
 */

enum { READ_SIZE = 16384, READS = 4, IOVECS = 64 };

static void broken(swale_ws *ws) { swale__ws_break(ws, NULL); }

/*
 * Reads once and feeds it. Answers whether to read again. A short read says that nothing more is there, but
 * not whether the peer has finished as well: with edge-triggered polling nobody would tell again, so there
 * one reads `to_the_end`.
 */
static bool read_once(swale_ws *ws, int fd, bool to_the_end) {
  unsigned char buffer[READ_SIZE];
  ssize_t n;
  do
    n = recv(fd, buffer, sizeof buffer, 0);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    swale_ws_feed(ws, buffer, (size_t)n);
  else if (n == 0)
    swale_ws_feed_eof(ws);
  else if (errno != EAGAIN && errno != EWOULDBLOCK)
    broken(ws);
  return n == sizeof buffer || (n > 0 && to_the_end);
}

/* The bytes written, or -1 with errno. */
static ssize_t write_some(int fd, struct iovec *iov, int n) {
  struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)n};
  ssize_t written;
  do
    written =
        n == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL) : sendmsg(fd, &message, MSG_NOSIGNAL);
  while (written < 0 && errno == EINTR);
  return written;
}

static size_t total(const struct iovec *iov, int n) {
  size_t bytes = 0;
  for (int i = 0; i < n; i++)
    bytes += iov[i].iov_len;
  return bytes;
}

/* Writes until nothing is left or the socket is full: a short write says so without another call. */
static void write_all(swale_ws *ws, int fd) {
  struct iovec iov[IOVECS];
  int n;
  while (ws->output.bytes > 0 && (n = swale_ws_peek(ws, iov, IOVECS)) > 0) {
    size_t shown = total(iov, n);
    ssize_t written = write_some(fd, iov, n);
    if (written < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK)
        broken(ws);
      return;
    }
    swale_ws_ack(ws, (size_t)written);
    if ((size_t)written < shown)
      return;
  }
}

static bool wants_read(const swale_ws *ws) { return (swale_ws_state(ws) & SWALE_WS_WANT_READ) != 0; }

/* From inside a callback of this very connection nothing is read: it could not be fed. */
unsigned swale_ws_pump_fd(swale_ws *ws, int fd, int *more) {
  struct swale__ws_visit visit;
  bool full = true, busy = swale__ws_is_busy(ws);
  swale__ws_visit_begin(&visit, ws);
  for (int reads = 0; reads < READS && full && !busy && wants_read(ws); reads++) {
    full = read_once(ws, fd, more != NULL);
    write_all(ws, fd);
  }
  write_all(ws, fd);
  bool alive = swale__ws_visit_end(&visit);
  if (more)
    *more = alive && full && wants_read(ws);
  return alive ? swale_ws_state(ws) : SWALE_WS_CLOSED;
}

unsigned swale_ws_flush_fd(swale_ws *ws, int fd) {
  struct swale__ws_visit visit;
  swale__ws_visit_begin(&visit, ws);
  write_all(ws, fd);
  swale__ws_visit_end_quietly(&visit);
  return swale_ws_state(ws);
}

/* SPDX-License-Identifier: MIT */
#include "fanout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench.h"

enum { INPUT_SIZE = 256 << 10, TURN_EVENTS = 512, FIN = 0x80, MASKED = 0x80, LEN16 = 126, LEN64 = 127 };
enum { OPCODE_TEXT = 1, OPCODE_BINARY = 2, OPCODE_CLOSE = 8 };

static const int patience_ms = 20000;
static const unsigned char mask[4] = {0x5a, 0x1f, 0xc3, 0x28};

void fanout_init(struct fanout *f, struct clients *clients, size_t size, uint32_t window, bool spin) {
  memset(f, 0, sizeof *f);
  f->clients = clients;
  f->size = size;
  f->window = window;
  f->spin = spin;
  f->input = must_alloc(INPUT_SIZE);
  f->output = must_alloc(window * (size + CLIENT_HEADER_MAX + sizeof mask));
}

void fanout_free(struct fanout *f) {
  free(f->input);
  free(f->output);
}

/* ---- publishing ---- */

static size_t put_header(unsigned char *at, size_t len) {
  at[0] = FIN | OPCODE_TEXT;
  if (len < LEN16) {
    at[1] = (unsigned char)(MASKED | len);
    return 2;
  }
  size_t bytes = len <= UINT16_MAX ? 2 : 8;
  at[1] = MASKED | (bytes == 2 ? LEN16 : LEN64);
  for (size_t i = 0; i < bytes; i++)
    at[2 + i] = (unsigned char)(len >> 8 * (bytes - 1 - i));
  return 2 + bytes;
}

static void publish(struct fanout *f) {
  uint32_t number = f->published++;
  struct publication *p = &f->under_way[number % FANOUT_WINDOW_MAX];
  p->published_ns = now_ns();
  p->arrived = 0;
  snprintf(p->stamp, sizeof p->stamp, "%08x%016llx", number, (unsigned long long)p->published_ns);

  unsigned char *at = f->output + f->output_len;
  at += put_header(at, f->size);
  memcpy(at, mask, sizeof mask);
  at += sizeof mask;
  memset(at, 'x', f->size);
  memcpy(at, p->stamp, CLIENT_STAMP);
  for (size_t i = 0; i < f->size; i++)
    at[i] ^= mask[i % 4];
  f->output_len = (size_t)(at + f->size - f->output);
}

static void send_output(struct fanout *f) {
  if (f->output_len == 0)
    return;
  ssize_t n = send(f->clients->at[0].fd, f->output, f->output_len, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN)
    die("publishing");
  if (n <= 0)
    return;
  f->output_len -= (size_t)n;
  memmove(f->output, f->output + n, f->output_len);
}

/* ---- receiving ---- */

static void arrived(struct fanout *f, struct client *c, uint64_t now) {
  struct publication *p = &f->under_way[c->next % FANOUT_WINDOW_MAX];
  histogram_add(&f->latency, now - p->published_ns);
  c->next++;
  if (++p->arrived == f->clients->count)
    f->completed++;
}

static void check_stamp(const struct fanout *f, const struct client *c, const unsigned char *stamp) {
  const struct publication *p = &f->under_way[c->next % FANOUT_WINDOW_MAX];
  errno = 0;
  if (c->next == f->published || memcmp(stamp, p->stamp, CLIENT_STAMP) != 0)
    die("client %td got '%.*s' where message %08x should come", c - f->clients->at, CLIENT_STAMP,
        (const char *)stamp, c->next);
}

/* How long the frame's header is, with the stamp if it is a message; 2 while that is not known yet. */
static size_t head_length(const unsigned char *head, size_t have) {
  if (have < 2)
    return 2;
  size_t header = head[1] == LEN16 ? 4 : head[1] == LEN64 ? 10 : 2;
  return (head[0] & 0xf) < OPCODE_CLOSE ? header + CLIENT_STAMP : header;
}

static uint64_t payload_length(const unsigned char *head) {
  if (head[1] < LEN16)
    return head[1];
  size_t bytes = head[1] == LEN16 ? 2 : 8;
  uint64_t len = 0;
  for (size_t i = 0; i < bytes; i++)
    len = len << 8 | head[2 + i];
  return len;
}

/* The head is complete: a message of ours, or a ping to be passed over. */
static void begin_frame(const struct fanout *f, struct client *c, const unsigned char *head, size_t len) {
  uint64_t payload = payload_length(head);
  unsigned opcode = head[0] & 0xf;
  c->counts = opcode < OPCODE_CLOSE;
  errno = 0;
  if (!(head[0] & FIN) || opcode == OPCODE_CLOSE || (c->counts && payload != f->size))
    die("client %td got a frame of another kind (%02x) or length (%llu)", c - f->clients->at, head[0],
        (unsigned long long)payload);
  c->left = payload;
  if (c->counts) {
    check_stamp(f, c, head + len - CLIENT_STAMP);
    c->left -= CLIENT_STAMP;
  }
}

/* Takes what of the head has come; returns how many bytes that were. */
static size_t take_head(const struct fanout *f, struct client *c, const unsigned char *bytes, size_t n) {
  if (c->have == 0 && n >= sizeof c->head) {
    size_t len = head_length(bytes, n);
    begin_frame(f, c, bytes, len);
    return len;
  }
  size_t taken = 0, len = head_length(c->head, c->have);
  while (taken < n && c->have < len) {
    c->head[c->have++] = bytes[taken++];
    len = head_length(c->head, c->have);
  }
  if (c->have == len) {
    begin_frame(f, c, c->head, len);
    c->have = 0;
  }
  return taken;
}

static void take_bytes(struct fanout *f, struct client *c, const unsigned char *bytes, size_t n,
                       uint64_t now) {
  bool in_frame = c->left > 0;
  while (n > 0) {
    if (!in_frame) {
      size_t taken = take_head(f, c, bytes, n);
      bytes += taken;
      n -= taken;
      if (c->have > 0)
        return;
    }
    size_t part = n < c->left ? n : (size_t)c->left;
    bytes += part;
    n -= part;
    c->left -= part;
    in_frame = c->left > 0;
    if (!in_frame && c->counts)
      arrived(f, c, now);
  }
}

static void receive(struct fanout *f, struct client *c) {
  errno = 0;
  ssize_t n = recv(c->fd, f->input, INPUT_SIZE, 0);
  if (n > 0)
    take_bytes(f, c, f->input, (size_t)n, now_ns());
  else if (n == 0 || errno != EAGAIN)
    die("client %td: the server closed the connection", c - f->clients->at);
}

/* ---- the run ---- */

/* Waits for input and takes it; the clock decides how long nothing may come. */
static uint64_t turn(struct fanout *f, uint64_t quiet_since) {
  struct epoll_event events[TURN_EVENTS];
  bool sleep = !f->spin && f->output_len == 0;
  int n = epoll_wait(f->clients->epoll, events, TURN_EVENTS, sleep ? 1000 : 0);
  for (int i = 0; i < n; i++)
    receive(f, &f->clients->at[events[i].data.u64]);
  uint64_t now = now_ns();
  if (n > 0)
    return now;
  errno = 0;
  if (now - quiet_since > (uint64_t)patience_ms * 1000000)
    die("%u of %u messages have not reached all clients within %d s", f->published - f->completed,
        f->published, patience_ms / 1000);
  return quiet_since;
}

uint32_t fanout_run(struct fanout *f, uint64_t duration_ns) {
  uint32_t first = f->published;
  uint64_t now = now_ns(), end = now + duration_ns, quiet_since = now;
  memset(&f->latency, 0, sizeof f->latency);
  do {
    while (f->published - f->completed < f->window && now < end)
      publish(f);
    send_output(f);
    quiet_since = turn(f, quiet_since);
    now = now_ns();
  } while (now < end || f->published != f->completed || f->output_len > 0);
  return f->published - first;
}

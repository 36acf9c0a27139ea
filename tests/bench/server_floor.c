/* SPDX-License-Identifier: MIT */
/*
 * The floor: what a server at least has to do to send every text that comes to all. The frame is made once; each member costs one
 * send(), or with `batched` one writev() of all the frames that came in one turn of the loop.
 *
 *   server_floor 9001 [batched]
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "bare.h"
#include "bench.h"

enum { INPUT_SIZE = 1 << 20, TURN_FRAMES = 256, WRITE_FRAMES = 64, CLIENT_HEADER = 14, LEN16 = 126 };

struct frame {
  uint32_t refs;
  size_t len;
  unsigned char bytes[];
};

struct connection {
  struct bare_connection bare;
  unsigned char *rest; /* of a frame that has not come whole */
  size_t rest_len;
  struct frame **waiting; /* what the socket could not take */
  size_t n_waiting, room, offset;
};

struct floor {
  bool batched;
  struct frame *frames[TURN_FRAMES]; /* of this turn, when batched */
  struct iovec iov[TURN_FRAMES];
  int n_frames;
  size_t bytes;
  unsigned char *input;
};

static void unref(struct frame *f) {
  if (--f->refs == 0)
    free(f);
}

/* ---- writing ---- */

static void wait_with(struct connection *c, struct frame *f) {
  if (c->n_waiting == c->room) {
    c->room = c->room ? 2 * c->room : 16;
    c->waiting = realloc(c->waiting, c->room * sizeof(struct frame *));
    if (!c->waiting)
      die("no memory");
  }
  f->refs++;
  c->waiting[c->n_waiting++] = f;
}

static void drop_written(struct connection *c, size_t n) {
  size_t done = 0;
  n += c->offset;
  while (done < c->n_waiting && n >= c->waiting[done]->len) {
    n -= c->waiting[done]->len;
    unref(c->waiting[done++]);
  }
  c->offset = n;
  c->n_waiting -= done;
  memmove(c->waiting, c->waiting + done, c->n_waiting * sizeof(struct frame *));
}

static void writable(struct bare_server *s, struct bare_connection *bare) {
  struct connection *c = (struct connection *)bare;
  while (c->n_waiting > 0) {
    struct iovec iov[WRITE_FRAMES];
    int count = 0;
    for (; count < WRITE_FRAMES && (size_t)count < c->n_waiting; count++)
      iov[count] = (struct iovec){c->waiting[count]->bytes, c->waiting[count]->len};
    iov[0].iov_base = (unsigned char *)iov[0].iov_base + c->offset;
    iov[0].iov_len -= c->offset;
    ssize_t n = writev(bare->fd, iov, count);
    if (n < 0 && errno == EAGAIN)
      return;
    if (n < 0) {
      bare_close(s, bare);
      return;
    }
    drop_written(c, (size_t)n);
  }
}

/* What is left of `count` frames, of which n bytes have been written, waits for the socket. */
static void keep_rest(struct connection *c, struct frame *const *frames, int count, size_t n) {
  for (int i = 0; i < count; i++)
    wait_with(c, frames[i]);
  drop_written(c, n);
}

static void send_one(struct bare_server *s, struct connection *c, struct frame *f) {
  if (c->n_waiting > 0) {
    wait_with(c, f);
    return;
  }
  ssize_t n = send(c->bare.fd, f->bytes, f->len, MSG_NOSIGNAL);
  if (n == (ssize_t)f->len)
    return;
  if (n < 0 && errno != EAGAIN)
    bare_close(s, &c->bare);
  else
    keep_rest(c, &f, 1, n < 0 ? 0 : (size_t)n);
}

static void send_turn(struct bare_server *s, struct connection *c, struct floor *floor) {
  if (c->n_waiting > 0) {
    for (int i = 0; i < floor->n_frames; i++)
      wait_with(c, floor->frames[i]);
    return;
  }
  ssize_t n = writev(c->bare.fd, floor->iov, floor->n_frames);
  if (n == (ssize_t)floor->bytes)
    return;
  if (n < 0 && errno != EAGAIN)
    bare_close(s, &c->bare);
  else
    keep_rest(c, floor->frames, floor->n_frames, n < 0 ? 0 : (size_t)n);
}

/* A member that is closed makes room for the last one, so go from the last to the first. */
static void turn_ended(struct bare_server *s) {
  struct floor *floor = s->user;
  if (floor->n_frames == 0)
    return;
  for (size_t i = s->count; i-- > 0;)
    send_turn(s, (struct connection *)s->members[i], floor);
  for (int i = 0; i < floor->n_frames; i++)
    unref(floor->frames[i]);
  floor->n_frames = 0;
  floor->bytes = 0;
}

static void broadcast(struct bare_server *s, struct frame *f) {
  struct floor *floor = s->user;
  if (!floor->batched) {
    for (size_t i = s->count; i-- > 0;)
      send_one(s, (struct connection *)s->members[i], f);
    unref(f);
    return;
  }
  if (floor->n_frames == TURN_FRAMES)
    turn_ended(s);
  floor->iov[floor->n_frames] = (struct iovec){f->bytes, f->len};
  floor->frames[floor->n_frames++] = f;
  floor->bytes += f->len;
}

/* ---- reading ---- */

/* Length of a client's frame with its header, and of the header; 0: more is needed to tell. */
static size_t frame_length(const unsigned char *at, size_t n, size_t *header) {
  if (n < CLIENT_HEADER)
    return 0;
  size_t len = at[1] & 0x7f, bytes = len < LEN16 ? 0 : len == LEN16 ? 2 : 8;
  if (bytes > 0)
    len = 0;
  for (size_t i = 0; i < bytes; i++)
    len = len << 8 | at[2 + i];
  *header = 2 + bytes + 4;
  return *header + len;
}

/* The same payload in a frame from the server: the header without its mask. */
static struct frame *answer_frame(const unsigned char *at, size_t header, size_t len) {
  struct frame *f = must_alloc(sizeof *f + len - 4);
  const unsigned char *mask = at + header - 4;
  *f = (struct frame){.refs = 1, .len = len - 4};
  memcpy(f->bytes, at, header - 4);
  f->bytes[1] &= 0x7f;
  for (size_t i = 0; i < len - header; i++)
    f->bytes[header - 4 + i] = at[header + i] ^ mask[i % 4];
  return f;
}

/* Returns how many bytes were whole frames. */
static size_t take_frames(struct bare_server *s, struct connection *c, const unsigned char *at, size_t n) {
  size_t done = 0, header, len;
  while (!c->bare.dead && (len = frame_length(at + done, n - done, &header)) > 0 && len <= n - done) {
    if (at[done] == 0x81)
      broadcast(s, answer_frame(at + done, header, len));
    done += len;
  }
  return done;
}

static void readable(struct bare_server *s, struct bare_connection *bare) {
  struct connection *c = (struct connection *)bare;
  struct floor *floor = s->user;
  while (!bare->dead) {
    if (c->rest_len > 0)
      memcpy(floor->input, c->rest, c->rest_len);
    ssize_t n = recv(bare->fd, floor->input + c->rest_len, INPUT_SIZE - c->rest_len, 0);
    if (n < 0 && errno == EAGAIN)
      return;
    if (n <= 0) {
      bare_close(s, bare);
      return;
    }
    size_t len = c->rest_len + (size_t)n, done = take_frames(s, c, floor->input, len);
    c->rest_len = bare->dead ? 0 : len - done;
    free(c->rest);
    c->rest = NULL;
    if (c->rest_len > 0)
      c->rest = memcpy(must_alloc(c->rest_len), floor->input + done, c->rest_len);
  }
}

static void closed(struct bare_server *s, struct bare_connection *bare) {
  struct connection *c = (struct connection *)bare;
  (void)s;
  for (size_t i = 0; i < c->n_waiting; i++)
    unref(c->waiting[i]);
  free(c->waiting);
  free(c->rest);
  c->waiting = NULL;
  c->rest = NULL;
  c->n_waiting = 0;
}

static const struct bare_class class = {
    .connection_size = sizeof(struct connection),
    .readable = readable,
    .writable = writable,
    .closed = closed,
    .turn_ended = turn_ended,
};

int main(int argc, char **argv) {
  if (argc < 2)
    die("usage: server_floor PORT [batched]");
  struct floor floor = {.batched = argc > 2, .input = must_alloc(INPUT_SIZE)};
  bare_serve(&class, (uint16_t)parse_number(argv[1], 1, UINT16_MAX), &floor);
}

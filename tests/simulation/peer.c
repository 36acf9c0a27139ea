/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One connection from both its ends: what its host does with it, and what its peer makes of the bytes. */

enum { PIPES_MAX = 200 };

/* ---- beginning and end ------------------------------------------------------------------------- */

static struct peer *peer_make(struct world *w, struct host *h) {
  struct peer *p = sim_grow(NULL, sizeof *p);
  memset(p, 0, sizeof *p);
  p->world = w;
  p->host = h;
  p->id = w->next_id++;
  p->style = dice_below(&w->dice, STYLES);
  p->born = swale_testing_now_ms(w->env);
  p->stalled = dice_chance(&w->dice, w->temper.stalling);
  if (w->n_peers == w->peers_room) {
    w->peers_room = 2 * w->peers_room + 16;
    w->peers = sim_grow(w->peers, w->peers_room * sizeof(struct peer *));
  }
  p->place = w->n_peers;
  w->peers[w->n_peers++] = p;
  return p;
}

/* Out of the world; the memory stays until its last callbacks must have run. */
static void peer_leaves(struct peer *p) {
  struct world *w = p->world;
  struct peer *last = w->peers[--w->n_peers];
  w->peers[p->place] = last;
  last->place = p->place;
  if (w->n_graves == w->graves_room) {
    w->graves_room = 2 * w->graves_room + 16;
    w->graves = sim_grow(w->graves, w->graves_room * sizeof(struct peer *));
  }
  w->graves[w->n_graves++] = p;
}

static void bury(struct peer *p) {
  pipe_close(p);
  squeeze_free(&p->squeeze);
  bytes_free(&p->out);
  bytes_free(&p->partial);
  bytes_free(&p->in.pending);
  notes_free(&p->said);
  notes_free(&p->pings);
  notes_free(&p->sent);
  free(p);
}

/* Those freed outside of all calls are disconnected in the next run of their loop. */
void bury_peers(struct world *w) {
  size_t kept = 0;
  for (size_t i = 0; i < w->n_graves; i++)
    if (w->graves[i]->actor)
      w->graves[kept++] = w->graves[i];
    else
      bury(w->graves[i]);
  w->n_graves = kept;
}

void check_graves(const struct world *w, const struct host *h) {
  for (size_t i = 0; i < w->n_graves; i++)
    CHECK(w, w->graves[i]->host != h || !w->graves[i]->actor,
          "connection %u was freed, its consumer not disconnected", w->graves[i]->id);
}

/* Handshakes are only limited where the limits are low enough for a crowd like ours. */
static bool may_be_refused(const struct peer *p, int rv) {
  return ok_or_starved(p->world, rv) || (rv == SWALE_ESTATE && p->host->ending) ||
         (rv == SWALE_EFULL && p->world->styles[p->style].handshakes_max < 100);
}

static void make_raw(struct peer *p) {
  struct world *w = p->world;
  const char *client = dice_chance(&w->dice, 50) ? "192.0.2.1:5" : NULL;
  swale_ws *ws;
  call_begin(w, QUIET, p, "swale_ws_new");
  int rv = swale_ws_new(w->app, p->host->loop, &w->styles[p->style], client, NULL, p, &ws);
  call_end(w);
  p->ws = ws;
  CHECK(w, may_be_refused(p, rv), "swale_ws_new: %d", rv);
  CHECK(w, (rv == 0) == (p->ws != NULL), "swale_ws_new answers %d and %p", rv, (void *)p->ws);
  if (dice_chance(&w->dice, w->temper.piped) && w->n_peers < PIPES_MAX)
    pipe_open(p);
  say_hello(p);
}

static void make_upgraded(struct peer *p) {
  struct world *w = p->world;
  struct request r;
  swale_ws *ws;
  p->squeeze.offer = make_request(w, &r);
  p->upgraded = p->opening = p->busy = true;
  call_begin(w, FEED, p, "swale_ws_new_upgraded");
  int rv = swale_ws_new_upgraded(w->app, p->host->loop, &w->styles[p->style], &r.upgrade, p, &ws);
  call_end(w);
  p->opening = p->busy = false;
  p->ws = ws;
  CHECK(w, may_be_refused(p, rv), "swale_ws_new_upgraded: %d", rv);
  CHECK(w, (rv == 0) == (ws != NULL), "swale_ws_new_upgraded answers %d and %p", rv, (void *)ws);
  CHECK(w, rv == 0 || !p->actor, "swale_ws_new_upgraded fails and leaves a consumer");
}

struct peer *peer_new(struct world *w, struct host *h, bool upgraded) {
  struct peer *p = peer_make(w, h);
  note(w, "new %s connection %u on loop %u, style %u", upgraded ? "upgraded" : "raw", p->id, h->index,
       p->style);
  if (upgraded)
    make_upgraded(p);
  else
    make_raw(p);
  if (!p->ws) {
    peer_leaves(p);
    return NULL;
  }
  w->census.connections++;
  peer_look(p);
  if (p->upgraded)
    peer_answer(p);
  return p;
}

void peer_free(struct peer *p) {
  struct world *w = p->world;
  swale_ws *ws = p->ws;
  note(w, "free connection %u", p->id);
  p->ws = NULL;
  peer_leaves(p);
  call_begin(w, QUIET, p, "swale_ws_free");
  swale_ws_free(ws);
  call_end(w);
  if (!in_callback(w))
    host_sleeps(w, p->host);
}

/* ---- the host's view --------------------------------------------------------------------------- */

void peer_look(struct peer *p) {
  if (p->ws)
    p->known = swale_ws_state(p->ws);
  if (!in_callback(p->world))
    host_sleeps(p->world, p->host);
}

static void feed_pipe(struct peer *p, size_t n) {
  note(p->world, "connection %u says %zu of %zu bytes", p->id, n, p->out.len);
  pipe_say(p, n);
  pipe_pump(p);
}

void peer_feed(struct peer *p, size_t n) {
  struct world *w = p->world;
  if (p->piped && !p->busy) {
    feed_pipe(p, n);
    return;
  }
  note(w, "feed connection %u: %zu of %zu bytes", p->id, n, p->out.len);
  unsigned char *block = sim_grow(NULL, n + 1), *bytes = block + 1; /* so that its end is the block's */
  memcpy(bytes, p->out.at ? p->out.at : block, n);
  bool was_busy = p->busy;
  if (!was_busy) {
    p->fed += n;
    bytes_drop_front(&p->out, n);
  }
  p->busy = true;
  call_begin(w, FEED, p, "swale_ws_feed");
  int rv = swale_ws_feed(p->ws, bytes, n);
  call_end(w);
  p->busy = was_busy;
  free(block);
  CHECK(w, rv == 0 || rv == SWALE_ECLOSED || (rv == SWALE_ESTATE && was_busy), "swale_ws_feed: %d", rv);
  p->deaf |= rv == SWALE_ECLOSED;
  peer_look(p);
}

void peer_eof(struct peer *p) {
  struct world *w = p->world;
  note(w, "end of what connection %u says", p->id);
  p->said_eof = true;
  if (p->piped) {
    pipe_end(p);
    return;
  }
  p->busy = true;
  call_begin(w, FEED, p, "swale_ws_feed_eof");
  int rv = swale_ws_feed_eof(p->ws);
  call_end(w);
  p->busy = false;
  CHECK(w, rv == 0 || rv == SWALE_ECLOSED, "swale_ws_feed_eof: %d", rv);
  p->deaf = true;
  peer_look(p);
}

void peer_close(struct peer *p, uint16_t code, const char *reason) {
  struct world *w = p->world;
  call_begin(w, QUIET, p, "swale_ws_close");
  int rv = swale_ws_close(p->ws, code, reason);
  call_end(w);
  note(w, "close connection %u with %u: %d", p->id, code, rv);
  CHECK(w, rv == 0 || rv == SWALE_ECLOSED || (rv == SWALE_EINVAL && code == 999), "swale_ws_close: %d", rv);
  if (rv == 0 && p->promised == 0)
    p->promised = -1;
  if (rv == 0 && p->actor && p->actor->stage == OPEN) {
    p->actor->stage = CLOSING;
    p->actor->closed_with = code;
  }
  if (!in_callback(w))
    host_sleeps(w, p->host);
}

void on_output(swale_ws *ws, void *host_data) {
  struct peer *p = host_data;
  struct world *w = p->world;
  callback_begin(w, p, false, "on_output");
  CHECK(w, p->ws == ws, "on_output of connection %u after it was freed", p->id);
  CHECK(w, w->calls[0].kind == LOUD, "on_output of connection %u outside of swale_loop_run", p->id);
  CHECK(w, !p->busy, "on_output of connection %u in a feed", p->id);
  p->known = swale_ws_state(ws);
  CHECK(w, p->known & (SWALE_WS_WANT_WRITE | SWALE_WS_CLOSED), "on_output and there is none");
  note(w, "on_output of connection %u", p->id);
  CHECK(w, !p->told || (p->known & SWALE_WS_CLOSED), "on_output twice, and nothing done in between");
  p->told = true;
  if (dice_chance(&w->dice, 50) && !p->stalled)
    peer_drain(p);
  mischief(w, NULL);
  callback_end(w);
}

/* ---- answers to upgraded requests -------------------------------------------------------------- */

void on_answer(swale_ws *ws, void *host_data) {
  struct peer *p = host_data;
  struct world *w = p->world;
  callback_begin(w, p, false, "on_answer");
  CHECK(w,
        w->calls[0].kind == LOUD && p->ws == ws && p->upgraded && !p->opening && !p->answered &&
            !p->answer_told,
        "on_answer out of place");
  p->answer_told = true;
  peer_answer(p);
  mischief(w, NULL);
  callback_end(w);
}

static void check_promise(struct peer *p, int status) {
  struct world *w = p->world;
  note(w, "connection %u is answered %d", p->id, status);
  CHECK(w, (status == 101) == (p->promised == 101), "status %d where the consumer chose %d", status,
        p->promised);
  CHECK(w, p->promised <= 0 || status == p->promised, "status %d where the consumer chose %d", status,
        p->promised);
}

/* `value`: of the answer's Sec-WebSocket-Extensions. */
static void agree(struct peer *p, const char *value) {
  const char *fault = squeeze_agree(&p->squeeze, value);
  CHECK(p->world, !fault, "connection %u is answered %s: %s", p->id, fault, value);
  p->in.inflates = true;
  p->world->census.compressing++;
}

void peer_answer(struct peer *p) {
  struct world *w = p->world;
  struct swale_ws_answer answer;
  if (!p->upgraded || p->answered || !p->ws)
    return;
  call_begin(w, QUIET, p, "swale_ws_answer");
  int rv = swale_ws_get_answer(p->ws, &answer);
  call_end(w);
  note(w, "connection %u asks for its answer: %d", p->id, rv);
  if (rv == SWALE_EAGAIN || ((rv == SWALE_ECLOSED || rv == SWALE_ESTATE) && w->memory_ever_fails))
    return;
  CHECK(w, rv == 0, "swale_ws_answer: %d", rv);
  p->answered = true;
  check_promise(p, answer.status);
  const char *accept = "";
  for (size_t i = 0; i < answer.n_headers; i++) {
    if (strcmp(answer.headers[i].name, "Sec-WebSocket-Accept") == 0)
      accept = answer.headers[i].value;
    if (strcmp(answer.headers[i].name, "Sec-WebSocket-Extensions") == 0)
      agree(p, answer.headers[i].value);
  }
  CHECK(w, (answer.status == 101) == accepts_key(accept), "status %d with the accept key \"%s\"",
        answer.status, accept);
  p->in.upgraded = answer.status == 101;
  p->in.refused = !p->in.upgraded;
  peer_look(p);
}

/* ---- what the peer reads ----------------------------------------------------------------------- */

static void read_head(struct peer *p, const struct wire_event *e) {
  check_promise(p, e->status);
  if (e->status != 101)
    return;
  const char *accept = strstr(e->head, "\r\nSec-WebSocket-Accept: "),
             *extension = strstr(e->head, "\r\nSec-WebSocket-Extensions: ");
  char key[64] = "", value[160] = "";
  if (extension && sscanf(extension + 28, "%159[^\r]", value) == 1)
    agree(p, value);
  if (p->head_len == 0)
    return; /* a spoilt request may be a valid one with another key */
  if (accept)
    sscanf(accept + 24, "%63s", key);
  CHECK(p->world, accepts_key(key), "the accept key \"%s\"", key);
}

static void read_message(struct peer *p, unsigned opcode, const unsigned char *bytes, size_t len) {
  CHECK(p->world, notes_match(&p->sent, opcode, bytes, len),
        "connection %u reads a message of %zu bytes that is not the next one sent", p->id, len);
  p->world->census.read++;
}

/* That it is the one sent also says that text is UTF-8. */
static void read_compressed(struct peer *p, const struct wire_event *e) {
  struct bytes plain = {0};
  CHECK(p->world, squeeze_inflate(&p->squeeze, e->payload, e->len, &plain),
        "connection %u reads a compressed message of %zu bytes that is malformed", p->id, e->len);
  read_message(p, e->opcode, plain.at, plain.len);
  p->world->census.inflated++;
  bytes_free(&plain);
}

static void read_frame(struct peer *p, const struct wire_event *e) {
  struct world *w = p->world;
  switch (e->opcode) {
  case WIRE_CLOSE:
    note(w, "connection %u reads a close frame", p->id);
    CHECK(w, p->sent.count == 0, "connection %u is closed with %zu messages missing", p->id, p->sent.count);
    break;
  case WIRE_PING:
    say_pong(p, e->payload, e->len);
    break;
  case WIRE_PONG:
    while (!notes_match(&p->pings, WIRE_PONG, e->payload, e->len)) {
      CHECK(w, p->pings.count > 0 || p->wild, "a pong nobody asked for");
      if (p->pings.count == 0)
        break;
      notes_drop(&p->pings);
    }
    break;
  default:
    if (e->compressed)
      read_compressed(p, e);
    else
      read_message(p, e->opcode, e->payload, e->len);
  }
}

void peer_reads(struct peer *p) {
  struct wire_event event;
  enum wire_event_kind kind;
  while ((kind = wire_next(&p->in, &event)) != WIRE_NOTHING) {
    CHECK(p->world, kind != WIRE_WRONG, "connection %u reads %s", p->id, p->in.wrong);
    if (kind == WIRE_HEAD)
      read_head(p, &event);
    else
      read_frame(p, &event);
    wire_took(&p->in, &event);
  }
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* The first `n` of the bytes shown reach the peer. */
static void transmit(struct peer *p, const struct iovec *iov, size_t n) {
  for (; n > 0; iov++) {
    size_t part = n < iov->iov_len ? n : iov->iov_len;
    bytes_add(&p->in.pending, iov->iov_base, part);
    n -= part;
  }
}

static size_t show(struct peer *p, struct iovec *iov, int max) {
  struct world *w = p->world;
  bool wants = (swale_ws_state(p->ws) & SWALE_WS_WANT_WRITE) != 0;
  call_begin(w, QUIET, p, "swale_ws_peek");
  int n = swale_ws_peek(p->ws, iov, max);
  call_end(w);
  p->told = false;
  CHECK(w, n >= 0 && n <= max && (n > 0 || !wants), "swale_ws_peek shows %d of %d, wants to write: %d", n,
        max, wants);
  size_t shown = 0;
  for (int i = 0; i < n; i++) {
    CHECK(w, iov[i].iov_len > 0, "swale_ws_peek shows nothing");
    shown += iov[i].iov_len;
  }
  return shown;
}

static void ack(struct peer *p, size_t n) {
  struct world *w = p->world;
  p->unacked = 0;
  p->told = false;
  call_begin(w, QUIET, p, "swale_ws_ack");
  int rv = swale_ws_ack(p->ws, n);
  call_end(w);
  bool over = p->ws && swale_ws_state(p->ws) & SWALE_WS_CLOSED;
  CHECK(w, rv == 0 || (rv == SWALE_EINVAL && over), "swale_ws_ack: %d", rv);
  peer_look(p);
}

/* Hosts whose writes are asynchronous ack them later, when much else may have happened. Answers whether anything was done. */
static bool write_some(struct peer *p, size_t most) {
  enum { IOVECS = 16 };
  struct world *w = p->world;
  struct iovec iov[IOVECS];
  if (p->unacked > 0) {
    ack(p, p->unacked);
    return true;
  }
  size_t shown = show(p, iov, (int)dice_between(&w->dice, 1, IOVECS)), n = shown < most ? shown : most;
  note(w, "connection %u writes %zu of %zu bytes", p->id, n, shown);
  transmit(p, iov, n);
  if (n > 0 && dice_chance(&w->dice, 15))
    p->unacked = n;
  else
    ack(p, n);
  peer_reads(p);
  peer_look(p);
  return n > 0;
}

void peer_drain(struct peer *p) {
  struct dice *d = &p->world->dice;
  if (p->piped)
    pipe_flush(p);
  else
    write_some(p, dice_chance(d, 60) ? SIZE_MAX : dice_size(d, 12));
}

void peer_drain_all(struct peer *p) {
  if (p->piped)
    pipe_flush(p);
  else
    while (p->ws && write_some(p, SIZE_MAX)) {
    }
}

/* SPDX-License-Identifier: MIT */
#include "redis/link.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "redis/dial.h"
#include "redis/greeting.h"
#include "redis/memory.h"

/* So much is read in one turn, in pieces of this size. */
enum { READ_SIZE = 16 << 10, READS_MAX = 16 };
/* An output buffer of more than this is given back when it is empty. */
#define OUT_KEEP ((size_t)1 << 20)

static const struct swale_allocator *memory(const struct swale__redis_link *link) {
  return &link->settings->env.allocator;
}

static void time_is_up(struct swale_timer *timer);
static void read_more(struct swale_timer *timer);

void swale__redis_link_init(struct swale__redis_link *link, const struct swale__redis_link_class *class,
                            void *owner, const struct swale__redis_settings *settings,
                            const struct swale__redis_place *place) {
  *link = (struct swale__redis_link){
      .class = class, .owner = owner, .settings = settings, .place = place, .fd = -1};
  link->out.allocator = settings->env.allocator;
  link->timer.fire = time_is_up;
  link->more.fire = read_more;
}

/* ---- the descriptor ---- */

static void watch(struct swale__redis_link *link) {
  unsigned events = link->held ? 0 : SWALE_READABLE;
  if (link->state == SWALE__REDIS_CONNECTING || swale__redis_link_waiting(link) > 0)
    events |= SWALE_WRITABLE;
  if (events == link->watched)
    return;
  link->watched = events;
  link->io->sockets.watch(link->fd, events, link->io->sockets.user);
}

static void close_socket(struct swale__redis_link *link) {
  if (link->fd < 0)
    return;
  if (link->watched)
    link->io->sockets.watch(link->fd, 0, link->io->sockets.user);
  link->watched = 0;
  close(link->fd);
  link->fd = -1;
  if (link->reader)
    redisReaderFree(link->reader);
  link->reader = NULL;
  swale__redis_bytes_wipe(&link->out);
  link->out.len = link->sent = 0;
  link->held = false;
  swale_timer_stop(link->io->loop, &link->more);
}

/* The first of them may have been half answered. */
static void answer_pendings(struct swale__redis_link *link) {
  struct swale__redis_pending p;
  while (swale__redis_pendings_pop(&link->pendings, &p)) {
    p.done(link, NULL, p.data);
    link->budget.items = 0;
  }
}

/* ---- giving up and trying again ---- */

/* Twice as long after each failure, up to the most; the later half of it at random, so that not all come at once. */
static uint64_t pause_ms(const struct swale__redis_link *link) {
  const struct swale_redis_config *c = &link->settings->config;
  uint32_t random = 0;
  uint64_t ms = c->reconnect_min_ms;
  for (uint32_t i = 1; i < link->failures && ms < c->reconnect_max_ms; i++)
    ms *= 2;
  ms = ms < c->reconnect_max_ms ? ms : c->reconnect_max_ms;
  if (link->settings->env.random(&random, sizeof random, link->settings->env.user) != 0)
    return ms;
  return ms / 2 + random % (ms / 2 + 1);
}

static void give_up(struct swale__redis_link *link) {
  if (link->broken != link->error)
    snprintf(link->error, sizeof link->error, "%s", link->broken);
  link->state = SWALE__REDIS_PAUSE;
  link->failures++;
  close_socket(link);
  answer_pendings(link);
  link->broken = NULL;
  link->class->down(link);
  swale_timer_start(link->io->loop, &link->timer, pause_ms(link));
}

/* Wherever callbacks have returned. */
static void settle(struct swale__redis_link *link) {
  if (link->broken)
    give_up(link);
  else if (link->fd >= 0)
    watch(link);
}

void swale__redis_link_resolved(struct swale__redis_link *link, const struct addrinfo *found) {
  struct swale__redis_lookup *lookup = swale__redis_link_lookup(link);
  swale__redis_lookup_end(lookup, found);
  if (lookup->inside)
    return;
  swale__redis_dial_found(link);
  settle(link);
}

static void try(struct swale__redis_link *link) {
  swale__redis_dial(link);
  settle(link);
}

static void forget_lookups(struct swale__redis_link *link) {
  swale__redis_lookup_forget(&link->lookup);
  swale__redis_lookup_forget(&link->master);
}

/* From the sentinel to the server that it named. */
static void go_to_master(struct swale__redis_link *link) {
  close_socket(link);
  answer_pendings(link);
  swale__redis_dial_master(link);
}

void swale__redis_link_start(struct swale__redis_link *link, const struct swale__redis_io *io) {
  link->io = io;
  try(link);
}

void swale__redis_link_stop(struct swale__redis_link *link) {
  if (link->state == SWALE__REDIS_OFF)
    return;
  swale__redis_link_flush(link);
  link->state = SWALE__REDIS_OFF;
  forget_lookups(link);
  close_socket(link);
  answer_pendings(link);
  link->broken = NULL;
  swale_timer_stop(link->io->loop, &link->timer);
  swale__redis_pendings_free(&link->pendings, memory(link));
  swale__redis_bytes_free(&link->out);
}

void swale__redis_link_break(struct swale__redis_link *link, const char *why) {
  if (!link->broken && link->fd >= 0)
    link->broken = why;
}

/* ---- commands ---- */

int swale__redis_link_command(struct swale__redis_link *link, size_t n, const struct swale__redis_word *words,
                              swale__redis_done *done, void *data) {
  if ((link->state != SWALE__REDIS_UP && link->state != SWALE__REDIS_GREETING) || link->broken)
    return SWALE_ESTATE;
  if (done && swale__redis_pendings_reserve(&link->pendings, memory(link)) < 0)
    return SWALE_ENOMEM;
  int rv = swale__redis_command_put(&link->out, n, words);
  if (rv == 0 && done)
    swale__redis_pendings_push(&link->pendings, (struct swale__redis_pending){done, data});
  return rv;
}

static void ignore(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  (void)link, (void)reply, (void)data;
}

/* ---- writing ---- */

/* A password, which is not to be moved about, is wiped as soon as it is written. */
static void forget_sent(struct swale__redis_link *link) {
  struct swale__redis_bytes *out = &link->out;
  if (link->sent < out->secret)
    return;
  swale__redis_bytes_wipe(out);
  if (link->sent == out->len) {
    out->len = link->sent = 0;
    if (out->capacity > OUT_KEEP)
      swale__redis_bytes_free(out);
  } else if (link->sent > OUT_KEEP) {
    out->len -= link->sent;
    memmove(out->at, out->at + link->sent, out->len);
    link->sent = 0;
  }
}

static void write_out(struct swale__redis_link *link) {
  while (swale__redis_link_waiting(link) > 0) {
    ssize_t n = send(link->fd, link->out.at + link->sent, swale__redis_link_waiting(link), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK)
        swale__redis_link_break(link, strerror(errno));
      break;
    }
    link->sent += (size_t)n;
  }
  forget_sent(link);
}

void swale__redis_link_flush(struct swale__redis_link *link) {
  if (link->fd < 0 || link->state == SWALE__REDIS_CONNECTING)
    return;
  write_out(link);
  settle(link);
}

/* ---- reading ---- */

static const char *fatal(const struct swale__redis_reply *r) {
  static const char *const words[] = {"READONLY", "LOADING", "MASTERDOWN", "NOAUTH", NULL};
  for (const char *const *w = words; *w; w++)
    if (swale__redis_error_is(r, *w))
      return *w;
  return NULL;
}

bool swale__redis_link_is_fatal(const struct swale__redis_reply *r) { return fatal(r) != NULL; }

static void take_reply(struct swale__redis_link *link, const struct swale__redis_reply *r) {
  struct swale__redis_pending p;
  if (link->class->push && link->state == SWALE__REDIS_UP) {
    link->class->push(link, r);
    return;
  }
  if (!swale__redis_pendings_pop(&link->pendings, &p)) {
    swale__redis_link_break(link, "a reply that nobody asked for");
    return;
  }
  const char *why = fatal(r);
  p.done(link, r, p.data);
  if (why)
    swale__redis_link_break(link, why);
}

static const char too_large[] = "a reply that is too large";

static void take_replies(struct swale__redis_link *link) {
  while (!link->broken && !link->found) {
    void *r = NULL;
    if (redisReaderGetReply(link->reader, &r) != REDIS_OK) {
      swale__redis_link_break(link, link->budget.exceeded ? too_large : link->reader->errstr);
      return;
    }
    if (!r)
      break;
    link->budget.used = link->budget.items = 0;
    link->kept = false;
    take_reply(link, r);
    if (!link->kept)
      swale__redis_reply_free(r);
  }
  if (link->reader->len - link->reader->pos > link->settings->string_most)
    swale__redis_link_break(link, too_large);
}

/* One piece; answers whether there may be more. */
static bool read_piece(struct swale__redis_link *link) {
  char piece[READ_SIZE];
  link->held = link->class->may_read && !link->class->may_read(link);
  if (link->held)
    return false;
  ssize_t n = recv(link->fd, piece, sizeof piece, 0);
  if (n < 0 && errno == EINTR)
    return true;
  if (n <= 0) {
    if (n == 0)
      swale__redis_link_break(link, "Redis closed the connection");
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
      swale__redis_link_break(link, strerror(errno));
    return false;
  }
  link->heard_ms = swale_loop_now_ms(link->io->loop);
  if (redisReaderFeed(link->reader, piece, (size_t)n) != REDIS_OK)
    swale__redis_link_break(link, link->reader->errstr);
  else
    take_replies(link);
  return !link->broken && !link->found && n == READ_SIZE;
}

static void read_in(struct swale__redis_link *link) {
  for (int i = 0; i < READS_MAX; i++)
    if (!read_piece(link))
      return;
  swale_timer_start(link->io->loop, &link->more, 0);
}

/* ---- events ---- */

static void connected(struct swale__redis_link *link) {
  int error = 0;
  if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}) < 0 || error) {
    swale__redis_link_break(link, strerror(error ? error : errno));
    return;
  }
  link->state = SWALE__REDIS_GREETING;
  if (swale__redis_greet(link) < 0)
    swale__redis_link_break(link, swale_strerror(SWALE_ENOMEM));
}

static void exchange(struct swale__redis_link *link) {
  read_in(link);
  if (link->found && !link->broken)
    go_to_master(link);
  else if (!link->broken)
    write_out(link);
}

void swale__redis_link_ready(struct swale__redis_link *link, unsigned events) {
  if (link->state == SWALE__REDIS_CONNECTING && (events & SWALE_WRITABLE))
    connected(link);
  if (link->state >= SWALE__REDIS_GREETING && link->fd >= 0 && !link->broken)
    exchange(link);
  settle(link);
}

void swale__redis_link_resume(struct swale__redis_link *link) {
  if (link->held)
    swale__redis_link_ready(link, SWALE_READABLE);
}

static void read_more(struct swale_timer *timer) {
  struct swale__redis_link *link =
      (struct swale__redis_link *)((char *)timer - offsetof(struct swale__redis_link, more));
  swale__redis_link_ready(link, SWALE_READABLE);
  link->class->turned(link);
}

/* ---- looking after a connection that is up ---- */

void swale__redis_link_greeted(struct swale__redis_link *link) {
  link->state = SWALE__REDIS_UP;
  forget_lookups(link);
  link->failures = 0;
  link->heard_ms = swale_loop_now_ms(link->io->loop);
  swale_timer_start(link->io->loop, &link->timer, link->settings->config.command_timeout_ms / 2);
  link->class->up(link);
}

static const struct swale__redis_word ping = {"PING", 4};

/*
 * A server that has not been heard for half the time is asked for a sign of life, and given up after all of it; but not while
 * nobody listens.
 */
static void look_after(struct swale__redis_link *link) {
  if (link->held)
    link->heard_ms = swale_loop_now_ms(link->io->loop);
  uint64_t most = (uint64_t)link->settings->config.command_timeout_ms + link->class->quiet_ms;
  uint64_t silent = swale_loop_now_ms(link->io->loop) - link->heard_ms;
  if (silent >= most)
    swale__redis_link_break(link, "Redis does not answer");
  else if (silent >= most / 2 && link->pendings.count == 0 &&
           swale__redis_link_command(link, 1, &ping, link->class->push ? NULL : ignore, NULL) < 0)
    swale__redis_link_break(link, swale_strerror(SWALE_ENOMEM));
  else
    write_out(link);
  swale_timer_start(link->io->loop, &link->timer, link->settings->config.command_timeout_ms / 2);
}

static void time_is_up(struct swale_timer *timer) {
  struct swale__redis_link *link =
      (struct swale__redis_link *)((char *)timer - offsetof(struct swale__redis_link, timer));
  if (link->state == SWALE__REDIS_PAUSE) {
    try(link);
  } else if (link->state == SWALE__REDIS_UP) {
    look_after(link);
    settle(link);
  } else if (link->state == SWALE__REDIS_RESOLVING) {
    swale__redis_lookup_forget(swale__redis_link_lookup(link));
    link->broken = "the name of the host is not resolved in time";
    settle(link);
  } else {
    swale__redis_link_break(link, "Redis does not answer");
    settle(link);
  }
  link->class->turned(link);
}

/* SPDX-License-Identifier: MIT */
/*
 * A connection whose peer is the fuzzer: what it delivered and what it wrote are kept, to be compared with
 * another's.
 */
#ifndef SWALE_TESTS_FUZZ_WS_H
#define SWALE_TESTS_FUZZ_WS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <swale/swale.h>
#include <swale/ws.h>

#define REQUIRE(condition)                                                                                   \
  do                                                                                                         \
    if (!(condition))                                                                                        \
      abort();                                                                                               \
  while (0)

/* Bytes in the order they came. */
struct record {
  unsigned char *at;
  size_t len, room;
};

static inline void record_add(struct record *r, const void *bytes, size_t len) {
  if (len == 0)
    return;
  if (r->room - r->len < len) {
    r->room = 2 * (r->len + len);
    r->at = realloc(r->at, r->room);
  }
  memcpy(r->at + r->len, bytes, len);
  r->len += len;
}

static inline void record_puts(struct record *r, const char *text) {
  record_add(r, text ? text : "-", text ? strlen(text) + 1 : 2);
}

static inline bool record_equal(const struct record *a, const struct record *b) {
  return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
}

struct subject {
  uint64_t now_ms;
  struct swale_env env;
  swale_layer *layer;
  swale_loop *loop;
  swale_app *app;
  struct swale_ws_options options;
  swale_ws *ws;
  struct record events, output;
  bool undecided; /* connect leaves the decision to later */
  swale_consumer *consumer;
  int connects, disconnects;
};

static uint64_t subject_now(void *user) { return ((struct subject *)user)->now_ms; }

static int subject_random(void *bytes, size_t n, void *user) {
  (void)user;
  memset(bytes, 7, n);
  return 0;
}

static int subject_connect(swale_consumer *c) {
  struct subject *s = swale_consumer_user(c);
  const swale_scope *scope = swale_consumer_scope(c);
  const struct swale_header *header;
  s->connects++;
  s->consumer = c;
  record_puts(&s->events, swale_scope_path(scope));
  record_puts(&s->events, swale_scope_query(scope));
  for (size_t i = 0; (header = swale_scope_header_at(scope, i)); i++) {
    record_puts(&s->events, header->name);
    record_puts(&s->events, header->value);
  }
  for (size_t i = 0; swale_scope_subprotocol(scope, i); i++)
    record_puts(&s->events, swale_scope_subprotocol(scope, i));
  return s->undecided ? 0 : swale_accept(c, NULL);
}

static int subject_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  struct subject *s = swale_consumer_user(c);
  record_add(&s->events, &kind, sizeof kind);
  record_add(&s->events, &len, sizeof len);
  record_add(&s->events, data, len);
  swale_send_bytes(c, data, len);
  if (len == 4 && memcmp(data, "exit", 4) == 0)
    swale_close(c, 4000, "asked to");
  return len == 4 && memcmp(data, "fail", 4) == 0 ? -1 : 0;
}

static int subject_disconnect(swale_consumer *c, int code) {
  struct subject *s = swale_consumer_user(c);
  s->disconnects++;
  s->consumer = NULL;
  record_add(&s->events, &code, sizeof code);
  return 0;
}

/* So long that few of them are too many, for the output and for the queue of a consumer that is paused. */
static int subject_event(swale_consumer *c, swale_message *m) {
  static const char text[300] = {0};
  (void)m;
  swale_send_text(c, text, sizeof text);
  return 0;
}

static const char *const subject_groups[] = {"all", NULL};
static const struct swale_handler subject_handlers[] = {{"event", subject_event}, {NULL, NULL}};
static const struct swale_consumer_class subject_class = {
    .groups = subject_groups,
    .connect = subject_connect,
    .receive = subject_receive,
    .disconnect = subject_disconnect,
    .handlers = subject_handlers,
};

static inline void subject_init(struct subject *s) {
  struct swale_layer_config layer;
  struct swale_loop_config loop;
  struct swale_app_config app;
  memset(s, 0, sizeof *s);
  swale_env_default(&s->env);
  s->env.now_ms = subject_now;
  s->env.random = subject_random;
  s->env.user = s;
  swale_layer_config_default(&layer);
  swale_loop_config_default(&loop);
  swale_app_config_default(&app);
  layer.env = loop.env = app.env = &s->env;
  layer.capacity = 10;
  app.user = s;
  REQUIRE(swale_layer_open("memory://", &layer, &s->layer, NULL, 0) == 0);
  REQUIRE(swale_loop_new(&loop, &s->loop) == 0);
  REQUIRE(swale_app_new(&app, &s->app) == 0);
  REQUIRE(swale_app_layer(s->app, NULL, s->layer) == 0);
  REQUIRE(swale_app_route(s->app, "ws/", &subject_class) == 0);
  swale_ws_options_default(&s->options);
  s->options.head_max = 2048;
  s->options.message_max = 5000;
  s->options.message_rate = 500;
  s->options.byte_rate = 100000;
  s->options.fragments_max = 10;
  s->options.empty_fragments_max = 3;
  s->options.output_max = 8192;
  s->options.output_high = 4096;
  s->options.output_low = 1024;
  s->options.early_max = 512;
}

static inline void subject_open(struct subject *s) {
  REQUIRE(swale_ws_new(s->app, s->loop, &s->options, "client", "server", s, &s->ws) == 0);
}

static inline void subject_free(struct subject *s) {
  swale_ws_free(s->ws);
  REQUIRE(swale_loop_free(s->loop) == 0);
  REQUIRE(swale_app_free(s->app) == 0);
  REQUIRE(swale_layer_free(s->layer) == 0);
  REQUIRE(s->connects == s->disconnects);
  free(s->events.at);
  free(s->output.at);
}

/* Numbers that follow from a seed. */
static inline uint32_t next_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*seed >> 33);
}

/* Feeds bytes, each chunk in a block of its own so that reading beyond it is found out. `seed` 0: whole. */
static inline void subject_feed(struct subject *s, const unsigned char *bytes, size_t len, uint64_t seed) {
  while (len > 0) {
    size_t n = seed ? 1 + next_random(&seed) % (next_random(&seed) % 4 ? 8 : 400) : len;
    n = n < len ? n : len;
    unsigned char *copy = malloc(n);
    memcpy(copy, bytes, n);
    int rv = swale_ws_feed(s->ws, copy, n);
    free(copy);
    REQUIRE(rv == 0 || rv == SWALE_ECLOSED);
    bytes += n;
    len -= n;
  }
}

/* Writes up to n bytes. */
static inline void subject_write(struct subject *s, size_t n) {
  struct iovec iov[3];
  int count;
  while (n > 0 && (count = swale_ws_peek(s->ws, iov, 3)) > 0)
    for (int i = 0; i < count && n > 0; i++) {
      size_t part = iov[i].iov_len < n ? iov[i].iov_len : n;
      record_add(&s->output, iov[i].iov_base, part);
      REQUIRE(swale_ws_ack(s->ws, part) == 0);
      n -= part;
      if (part < iov[i].iov_len)
        break;
    }
}

/* What was written, from `at` on, is whole frames, and nothing comes behind a close. */
static inline void require_frames(const struct record *output, size_t at) {
  bool closed = false;
  while (at < output->len) {
    const unsigned char *p = output->at + at;
    size_t left = output->len - at, header = 2;
    REQUIRE(!closed && left >= 2 && (p[1] & 0x80) == 0);
    size_t len = p[1];
    if (len >= 126) {
      size_t size = len == 126 ? 2 : 8;
      REQUIRE(left >= 2 + size);
      len = 0;
      for (size_t i = 0; i < size; i++)
        len = len << 8 | p[2 + i];
      header += size;
    }
    REQUIRE(left - header >= len);
    REQUIRE(p[0] == 0x81 || p[0] == 0x82 || ((p[0] == 0x88 || p[0] == 0x89 || p[0] == 0x8a) && len <= 125));
    closed = p[0] == 0x88;
    at += header + len;
  }
}

#endif

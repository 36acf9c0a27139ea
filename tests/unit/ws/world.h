/* SPDX-License-Identifier: MIT */
/*
 * A layer, a loop, an app with one consumer class, and one connection of it whose peer is the test. What the
 * consumer lives through is written into a log of words: "connect", "text:hello", "disconnect:1000".
 */
#ifndef SWALE_TESTS_WS_WORLD_H
#define SWALE_TESTS_WS_WORLD_H

#include <unit.h>

#include <swale/swale.h>
#include <swale/ws.h>

#include "bytes.h"

struct world {
  struct unit_env u;
  swale_layer *layer;
  swale_loop *loop;
  swale_app *app;
  struct swale_ws_options options;
  struct swale_consumer_class cls; /* may be changed before world_open, as may the next */
  uint32_t capacity;               /* of the layer; 0: its default */
  swale_ws *ws;
  swale_consumer *consumer; /* between connect and disconnect */
  size_t chunk;             /* of feeding: 0 whole, n bytes at once */
  struct bytes in;          /* put together by the test, for world_feed */
  struct bytes out;         /* what the connection wrote */
  char log[8192];
  int outputs;  /* calls of on_output */
  int answers;  /* calls of on_answer */
  int reports;  /* calls of on_error with SWALE_REPORT_TRANSPORT */
  int reported; /* the error of the last one */
  int connects, disconnects;
  long delivered; /* bytes of messages received */

  /* What the consumer and the host do beside logging; each may be NULL. */
  int (*on_connect)(struct world *w, swale_consumer *c); /* NULL: accept */
  int (*on_receive)(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data, size_t len);
  void (*on_disconnect)(struct world *w, swale_consumer *c, int code);
  int (*on_event)(struct world *w, swale_consumer *c, swale_message *m); /* NULL: send its "text" */
  void (*on_output)(struct world *w, swale_ws *ws);
  void (*on_answer)(struct world *w, swale_ws *ws);
  void (*on_report)(struct world *w, const struct swale_report *report);
  int (*guard)(struct world *w, swale_scope *scope);
};

/* The environment and the options; then layer, loop and app. Errors: those of making them. */
void world_init(struct world *w);
int world_open(struct world *w);
/* Frees the connection outside of any call, and lets the loop tell its consumer. */
void world_free(struct world *w);
/* The same, and nothing of what was seen of it is left: a test's next connection begins. */
void world_end(struct world *w);
/* Frees the connection and the rest, and checks that nothing is left. */
void world_close(struct world *w);

/* For cmocka. The initial state, if there is one, is a size_t: the chunk for feeding. */
int world_setup(void **state);
int world_teardown(void **state);
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
#define WORLD_TEST_IN(size, test)                                                                            \
  { #test "/" #size, test, world_setup, world_teardown, (void *)(uintptr_t)size }
/* With input whole, byte by byte, and in threes. */
#define WORLD_TESTS(test) WORLD_TEST_IN(0, test), WORLD_TEST_IN(1, test), WORLD_TEST_IN(3, test)

/* "GET /ws/<lines>", each line ended by "\r\n", with what a handshake needs. */
#define REQUEST_LINE "GET /ws/chat/ HTTP/1.1\r\n"
#define REQUEST_HEADERS                                                                                      \
  "Host: example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"                           \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define REQUEST REQUEST_LINE REQUEST_HEADERS "\r\n"

/* The same as a host's HTTP server has read it. */
extern const struct swale_ws_upgrade world_upgrade;

/* A new connection in w->ws. */
void world_new(struct world *w);
/* A new connection that is open; its answer has been written and is not in w->out. */
void world_connect(struct world *w);
/* The same with more header lines in the request, each ended by "\r\n". */
void world_connect_with(struct world *w, const char *headers);

/* Feeds bytes in chunks as w->chunk says, stopping when they are refused; the last answer of feed. */
int world_feed_bytes(struct world *w, const void *bytes, size_t len);
int world_feed_text(struct world *w, const char *text);
/* Feeds and clears w->in. */
int world_feed(struct world *w);

/* The peer sends one frame. */
int world_frame(struct world *w, unsigned first, const void *payload, size_t len);
int world_text(struct world *w, const char *text);
int world_close_frame(struct world *w, unsigned code, const char *reason);

/* Writes all there is, into w->out. */
void world_drain(struct world *w);
/* Writes the next n bytes, less if there are no more. */
void world_drain_some(struct world *w, size_t n);

void world_run(struct world *w);
/* Lets time pass in steps of the loop's deadlines. */
void world_pass(struct world *w, uint64_t ms);

/* Sends a message of type "event" with this text to the group all consumers are in. */
int world_group_send(struct world *w, const char *text);

/* Drains, and fails the test if what was written is something else. Clears w->out. */
void expect_nothing(struct world *w);
void expect_frame(struct world *w, unsigned first, const void *payload, size_t len);
void expect_text(struct world *w, const char *text);
void expect_close(struct world *w, unsigned code, const char *reason);
/* It failed by itself: closed with this code, this error reported once, the consumer disconnected. */
void expect_failed(struct world *w, unsigned code, int error);
/* The first line has this status; what is written ends with the head and this body (NULL: whatever it is). */
void expect_status(struct world *w, int status, const char *body);
/* A header line of the answer, without its end, stands in w->out. */
void expect_header(struct world *w, const char *line);
/* As long as frames are left in w->out, takes the next one. */
void expect_next(struct world *w, size_t *at, unsigned first, const void *payload, size_t len);

/* The log is this. Clears it. */
void expect_log(struct world *w, const char *log);
void expect_state(struct world *w, unsigned state);
/* Everything is written and it has ended. */
void expect_closed(struct world *w);

#endif

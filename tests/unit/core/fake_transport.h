/* SPDX-License-Identifier: MIT */
/*
 * A world for tests of loops and consumers, and connections without bytes.
 *
 * Whatever happens is written down in a log of words, which a test compares with what it expects:
 *
 *     a.connect a.receive(hi) a.note(x) a.disconnect(1006)     callbacks of the consumer named "a"
 *     a>accept a>accept(chat) a>header(k: v) a>reject(403)     what its transport is asked to do
 *     a>text(hi) a>binary(hi) a>payload(hi) a>close(1000 bye) a>cut
 *     !unhandled(type) !callback(which -5) !refused(404 path)  reports to on_error
 *     ~full(!) ~full(thumbnails) ~full(3)                      reports to on_drop of what was missed by a
 *                                                              consumer, a plain channel, three who are gone
 *
 * Each callback checks that it runs inside no other one and inside no send; each function of the transport
 * that it is called inside a call on the loop, and never after the loss of the connection.
 */
#ifndef SWALE_TESTS_FAKE_TRANSPORT_H
#define SWALE_TESTS_FAKE_TRANSPORT_H

#include "unit.h"

#include <stdbool.h>
#include <swale/backend.h>
#include <swale/swale.h>
#include <swale/transport.h>

struct world {
  struct unit_env u;
  struct swale_layer_config layer_config;
  struct swale_loop_config loop_config;
  struct swale_app_config app_config;
  const struct swale_backend_class
      *backend; /* of the layer, opened with the world as its options; NULL: memory:// */
  swale_layer *layer;
  swale_app *app;
  swale_loop *loop;

  unsigned wakes;
  bool inside, sending; /* a callback; a send */
  char log[8192];
  size_t log_len;
  bool terse; /* keep no log */

  /* What callbacks do besides writing the log. NULL: connect accepts, the rest does nothing. */
  int (*on_prepare)(swale_consumer *c); /* logged only if set */
  int (*on_connect)(swale_consumer *c);
  int (*on_receive)(swale_consumer *c, const char *text);
  int (*on_message)(swale_consumer *c, swale_message *m);
  int (*on_disconnect)(swale_consumer *c, int code);
  void (*on_error)(struct world *w, const struct swale_report *report);
  void (*on_drop)(struct world *w, const struct swale_drop *drop);
  int (*on_guard)(swale_scope *scope);
  void *more; /* the test's */

  int fail_accept, fail_reject, fail_send, fail_close; /* errors that transports answer with */
};

struct fake_state {
  unsigned connects, disconnects;
  max_align_t user;
};

/* The class of "/<name>/": handles "note" and "other", in no group. */
extern const struct swale_consumer_class fake_class;

/* For on_connect: leaves the decision open. */
int fake_undecided(swale_consumer *c);

/* Default configs with the world's environment; change them before world_open. */
void world_init(struct world *w);

/*
 * Opens layer, app and loop, with a guard (w->on_guard) and `cls` (NULL: fake_class) at "<name>/". 0, or an error,
 * and then nothing is open.
 */
int world_open(struct world *w, const struct swale_consumer_class *cls);

/* Both, for tests that change nothing in between: it works. */
void world_start(struct world *w);
void world_start_with(struct world *w, const struct swale_consumer_class *cls);

/* Frees everything, in order; checks that the books balance, and that nothing is leaked. */
void world_close(struct world *w);
/* The same without the check for leaks. */
void world_end(struct world *w);

struct world *world_of(const swale_consumer *c);

void world_log(struct world *w, const char *format, ...) SWALE_PRINTF(2, 3);
/* Compares the log with what is expected and clears it. */
#define world_expect(w, expected) world_expect_at((w), (expected), __FILE__, __LINE__)
void world_expect_at(struct world *w, const char *expected, const char *file, int line);
void world_clear_log(struct world *w);

/* Brackets of every callback: for those that a test brings along itself. */
void world_callback_begins(struct world *w);
void world_callback_ends(struct world *w);

/* A message with a "text" field (NULL: without), to a channel or group; answers what the send did. */
int world_send(struct world *w, const char *channel, const char *type, const char *text);
int world_group_send(struct world *w, const char *group, const char *type, const char *text);

/* Runs the loop once; until it has nothing left to do at this moment; moves the clock on, and runs it so. */
void world_run(struct world *w);
void world_settle(struct world *w);
void world_pass(struct world *w, uint64_t ms);

struct swale_layer_stats world_stats(struct world *w);
/* offered = delivered + queued + dropped */
void world_check_books(struct world *w);
uint64_t world_dropped(struct world *w);

/* ---- connections ---- */

struct fake {
  struct world *w;
  swale_loop *loop;
  swale_consumer *c; /* NULL before, and after the loss */
  char name[32];
  bool accepted, gone;
  int close_code;
  size_t waiting; /* what the transport says that waits */
};

extern const struct swale_transport_class fake_transport_class;

/* Opens a connection to "/<name>/", or to a request of one's own; answers what swale_consumer_open did. */
int fake_open(struct fake *f, struct world *w, const char *name);
int fake_open_request(struct fake *f, struct world *w, const char *name, const struct swale_request *request);
/* The first of these works. */
void fake_enter(struct fake *f, struct world *w, const char *name);

/* What a transport tells its consumer, each as a call of its own. */
int fake_deliver(struct fake *f, const char *text);
void fake_lost(struct fake *f, int code);
void fake_pause(struct fake *f);
void fake_resume(struct fake *f);

struct fake_state *fake_state(swale_consumer *c);
/* The name of the consumer's channel, in a static buffer. */
const char *fake_channel(swale_consumer *c);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/swale.h>
#include <swale/testing.h>
#include <swale/ws.h>

#include "dice.h"
#include "squeeze.h"
#include "wire.h"

/*
 * A world: one layer, one app, one or two loops in one thread, and any number of peers. A seed decides everything. Each step does
 * one thing that a host, a peer or another thread might do; callbacks do things on their own (mischief). Beside the library runs
 * a model of what it has promised, and what differs from the model ends the program with the seed.
 *
 *   world.c      making and ending all of it; which callbacks may run when
 *   wire.c       HTTP and frames, independent of the library
 *   squeeze.c    compression, likewise
 *   script.c     what peers say
 *   peer.c       one connection: its peer and its host
 *   pipe.c       the same over a socket, for swale_ws_pump_fd
 *   actor.c      what is promised to a consumer: members, order, nothing twice
 *   callbacks.c  the consumer classes, on_output, on_drop, ...
 *   act_*.c      what can happen
 *   schedule.c   how often it does
 *   drain.c      the end by swale_loop_drain
 *   invariants.c what must hold between steps, and when all is quiet
 */

enum { LOOPS = 2, GROUPS = 6, CLASSES = 6, STYLES = 5, PLAINS = 3, DEAD_NAMES = 16, CALLS = 32, KINDS = 32 };

/* No message is longer than 1 << MESSAGE_BITS. */
enum { MESSAGE_BITS = 17 };

/* What the whole run is like. Drawn once, so that runs differ more than their steps do. */
struct temper {
  uint32_t loops, peers_max;
  uint32_t mischief;    /* percent of callbacks that do something */
  uint32_t broken;      /* percent of peers that break the protocol */
  uint32_t stalling;    /* percent of peers that do not read for a while */
  uint32_t failures;    /* per mille of steps that arm a failing allocation */
  uint32_t big;         /* bits of large messages */
  uint32_t piped;       /* percent of connections over a socket */
  uint32_t pace;        /* milliseconds that often pass */
  bool far_jumps;       /* the clock may jump by days */
  bool starved_end;     /* no memory while all is taken down */
  uint32_t odds[KINDS]; /* of each kind of action, beside its weight */
};

struct host {
  swale_loop *loop;
  unsigned index;
  unsigned wakes;        /* since the last run began */
  uint64_t sleeps_until; /* what the host thinks after his last turn */
  uint64_t ran_at;       /* the clock at the last run */
  bool ending;           /* in swale_loop_free: what is opened on it is refused */
  struct swale_timer timer;
  uint64_t timer_due; /* 0: not armed */
};

/* One connection. */
struct peer {
  struct world *world;
  struct host *host;
  swale_ws *ws; /* NULL: freed */
  unsigned id, style;
  size_t place; /* among the world's peers */
  struct actor *actor;
  uint64_t born;

  /* what the peer says */
  struct bytes out;
  uint64_t fed;          /* bytes of the stream given to the connection; `out` comes behind them */
  uint64_t head_len;     /* of a valid request at the stream's beginning */
  bool wild;             /* has said something that breaks the protocol: nothing is expected any more */
  struct bytes partial;  /* what was said of a fragmented message */
  unsigned partial_kind; /* 0: there is none */
  bool said_close, said_eof;
  int close_code; /* what the consumer of a well-behaved peer will be told of its close frame */
  size_t longest; /* message said */
  bool deaf;      /* the connection has said that it reads no more */
  struct notes said, pings;
  struct squeeze squeeze;

  /* what the peer reads */
  struct wire_reader in;
  struct notes sent; /* by the consumer, and not yet read */
  int promised;      /* the status that the consumer chose; 0: none yet; -1: none, the host has closed */
  bool stalled;
  size_t unacked; /* bytes that the peer has and the connection does not know of */

  /* as its host knows it */
  bool piped;
  int ours, theirs; /* of a socket pair */
  bool upgraded, answered, answer_told, opening;
  bool busy; /* in a feed */
  unsigned known;
  bool told, peeked; /* on_output was called; and peek since */
};

/* A time of being in a group: message ids between the two. */
struct span {
  uint64_t joined, left;
  bool strict; /* nothing was queued when it left, so nothing may come any more */
};

struct spans {
  struct span *items;
  size_t count, room;
};

enum stage { UNDECIDED, OPEN, CLOSING };

/* A consumer from connect to disconnect. */
struct actor {
  struct world *world;
  struct host *host;
  struct peer *peer; /* NULL: a worker */
  swale_consumer *consumer;
  const struct swale_consumer_class *class;
  size_t place;
  unsigned serial;
  enum stage stage;
  uint16_t closed_with;
  char channel[SWALE_NAME_SIZE];
  struct spans spans[GROUPS];
  uint64_t last_id;
  uint64_t owed, got, lost; /* messages: offered to it; handled; reported as dropped */
  bool high;                /* as pressure has told */
  bool unclear;             /* `owed` cannot be told exactly */
};

enum call_kind { QUIET, FEED, LOUD, CALLBACK };

/* What the library is doing for us, innermost last. */
struct call {
  enum call_kind kind;
  const struct peer *peer;
  const char *what;
};

/* What a world has seen. */
struct census {
  uint64_t runs, steps, connections, consumers, said, handled, read, dropped, errors, compressing, inflated;
};

struct tally {
  uint64_t told[SWALE_DROP_REASONS];
  uint64_t dropped_before, told_before;
  bool reports_lost;
};

struct world {
  struct dice dice;
  struct temper temper;
  bool trace, ending;
  uint64_t seed, step;
  struct census census;

  swale_testing_env *env;
  swale_layer *layer;
  swale_app *app;
  struct swale_ws_options styles[STYLES];
  struct swale_ws_deflate small, large; /* compression, of some of these */
  struct host hosts[LOOPS];

  struct peer **peers, **graves;
  size_t n_peers, peers_room, n_graves, graves_room;
  struct actor **actors;
  size_t n_actors, actors_room, workers;
  unsigned next_id;
  char dead[DEAD_NAMES][SWALE_NAME_SIZE];
  size_t n_dead;

  struct call calls[CALLS];
  size_t depth;
  struct host *turn; /* whose thread it is: the loop of the outermost call */
  int fuel;          /* what callbacks may still do in this step */
  bool calm;         /* callbacks do nothing */

  uint64_t op;      /* counts joins, leaves, sends, flushes: their order */
  uint64_t flushed; /* the last flush */
  int64_t members[GROUPS];
  bool ghosts; /* somebody is in a group who has no actor */
  uint64_t plain_last[PLAINS];
  bool memory_fails; /* a failing allocation is armed */
  bool memory_ever_fails;
  uint64_t mend_memory_at;
  struct tally tally;
};

/* ---- world.c ----------------------------------------------------------------------------------- */

struct world *world_new(uint64_t seed, bool trace);
/* Ends everything in a manner that the seed chooses, checking on the way. */
void world_end(struct world *w);
void world_free(struct world *w);
/* Lets the library's objects of a loop go and come again. It must have no connections. */
void world_renew_loop(struct world *w, struct host *h);

/* Prints a line in a trace. */
void note(const struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the program, telling seed and step. */
_Noreturn void fail(const struct world *w, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define CHECK(w, truth, ...)                                                                                 \
  do {                                                                                                       \
    if (!(truth))                                                                                            \
      fail((w), __FILE__, __LINE__, __VA_ARGS__);                                                            \
  } while (0)

/* For crashes and hangs that end the program by themselves: says where, as `fail` does. */
void world_epitaph(void);

/*
 * Brackets calls of the library. A QUIET one may call nothing back. A LOUD one may while nothing else is under way; a
 * FEED also inside a callback, but then only callbacks of this very connection.
 */
void call_begin(struct world *w, enum call_kind kind, const struct peer *peer, const char *what);
void call_end(struct world *w);
/* `nests`: whether this callback may run in a feed that another callback has begun. */
void callback_begin(struct world *w, const struct peer *peer, bool nests, const char *what);
void callback_end(struct world *w);
bool in_callback(const struct world *w);

/* After a turn of the loop's own thread: how long may it sleep now? */
void host_sleeps(struct world *w, struct host *h);
struct host *any_host(struct world *w);
bool ok_or_starved(const struct world *w, int rv);
void *sim_grow(void *old, size_t size);

/* ---- script.c ---------------------------------------------------------------------------------- */

/* The request; most are fine. */
void say_hello(struct peer *p);
/* One more frame or part of a message, or worse. */
void say_something(struct peer *p);
void say_pong(struct peer *p, const void *bytes, size_t len);
void say_close(struct peer *p);
/* Text of `len` bytes or a few less that follows from `seed`, ended by NUL. */
size_t write_text(char *to, size_t len, uint64_t seed);

/* Requests for swale_ws_new_upgraded. */
struct request {
  struct swale_header headers[12];
  struct swale_ws_upgrade upgrade;
  char target[64];
};
/* Answers the compression it offers, or NULL. */
const char *make_request(struct world *w, struct request *r);
/* Whether the answer's headers fit the key that requests carry. */
bool accepts_key(const char *accept);

/* ---- peer.c ------------------------------------------------------------------------------------ */

struct peer *peer_new(struct world *w, struct host *h, bool upgraded);
void peer_feed(struct peer *p, size_t n);
void peer_eof(struct peer *p);
/* Shows, writes and acks some of the output, and reads it as the peer. */
void peer_drain(struct peer *p);
void peer_drain_all(struct peer *p);
/* Writes the answer to an upgraded request, if there is one. */
void peer_answer(struct peer *p);
void peer_close(struct peer *p, uint16_t code, const char *reason);
void peer_free(struct peer *p);
/* The host looks at the state. */
void peer_look(struct peer *p);
void bury_peers(struct world *w);
/* The loop has run, or gone: whoever was freed on it has been told. */
void check_graves(const struct world *w, const struct host *h);
void on_output(swale_ws *ws, void *host_data);
void on_answer(swale_ws *ws, void *host_data);

/* Takes in what has reached the peer. */
void peer_reads(struct peer *p);

/* ---- pipe.c ------------------------------------------------------------------------------------ */

bool pipe_open(struct peer *p);
void pipe_close(struct peer *p);
/* Whether nothing is on its way to the connection. */
bool pipe_is_empty(const struct peer *p);
/* Up to `n` bytes of what the peer says go into the socket. */
void pipe_say(struct peer *p, size_t n);
void pipe_pump(struct peer *p);
void pipe_flush(struct peer *p);
void pipe_end(struct peer *p);

/* ---- actor.c ----------------------------------------------------------------------------------- */

struct actor *actor_new(struct world *w, swale_consumer *c, struct peer *p);
void actor_free(struct actor *a);
void actor_joined(struct actor *a, unsigned group);
void actor_left(struct actor *a, unsigned group);
bool actor_is_in(const struct actor *a, unsigned group);
void actors_flushed(struct world *w);
/* A handler got this message. */
void actor_got(struct actor *a, const swale_message *m);
/* What was offered to the group is owed to each member. */
void group_owes(struct world *w, unsigned group);
swale_message *make_message(struct world *w, const char *type, int group, unsigned to);
const char *group_name(unsigned group);
extern const char *const plain_names[PLAINS];
uint32_t depth_of(struct world *w, const char *channel);

/* ---- callbacks.c ------------------------------------------------------------------------------- */

extern const struct swale_consumer_class classes[CLASSES];
extern const struct swale_consumer_class worker_class;
extern const char *const class_paths[CLASSES];
int some_guard(swale_scope *scope, void *world);
void on_error(const struct swale_report *report, void *world);
void on_drop(const struct swale_drop *drop, void *world);
void on_timer(struct swale_timer *timer);
void on_wake(void *host);

/* ---- schedule.c -------------------------------------------------------------------------------- */

/* One step. */
void world_step(struct world *w);
/* Something that a callback does; `self` may be NULL. */
void mischief(struct world *w, struct actor *self);

/* ---- act_host.c -------------------------------------------------------------------------------- */

void host_run(struct world *w, struct host *h);
/* Runs loops as a host would, when woken or when their time has come, until all rest. */
void settle(struct world *w);
void mend_memory(struct world *w);

/* ---- act_consumer.c, act_layer.c --------------------------------------------------------------- */

/* Calls of the library's, with what the model makes of their answer. */
int try_accept(struct actor *a, const char *subprotocol);
int try_reject(struct actor *a, int status, const char *body);
int try_close(struct actor *a, uint16_t code, const char *reason);
int try_send(struct actor *a, enum swale_kind kind, const void *bytes, size_t len);
int try_send_rendered(struct actor *a, swale_message *m);
void try_join(struct actor *a, unsigned group);
int try_group_send(struct world *w, unsigned group);

/* ---- drain.c ----------------------------------------------------------------------------------- */

void drain_all(struct world *w);

/* ---- invariants.c ------------------------------------------------------------------------------ */

void check_step(struct world *w);
/* All loops rest. */
void check_quiet(struct world *w);
void check_books(struct world *w);
/* All peers are silent, the clock moves on: every connection ends by itself. */
void check_silence(struct world *w);

#endif

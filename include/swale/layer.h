/* SPDX-License-Identifier: MIT */
#ifndef SWALE_LAYER_H
#define SWALE_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/env.h>
#include <swale/error.h>
#include <swale/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A channel layer: named channels, groups of channels, and messages to either, as Django Channels has
 * them. Every function here may be called from any thread, inside callbacks too. None of them calls
 * user code: handlers run later, in swale_loop_run of the loop that owns the consumer.
 *
 * Promises
 * - At most once. What one thread sends to one channel arrives in the order it was sent, whether it was
 *   sent to the channel or to a group the channel is in.
 * - A group message reaches exactly those who were members when it was sent and still are when their loop
 *   takes it up. (What then has to wait for a slow member is his, even if he leaves the group meanwhile.)
 * - Nothing vanishes silently: offered = delivered + queued + dropped, by reason, at any quiet moment.
 *
 * Names are ASCII letters, digits, "-", "_" and ".", 1 to 99 of them; a channel's name may have one "!",
 * not at its start. Anything else is SWALE_ENAME, before anything has happened.
 */
typedef struct swale_layer swale_layer;
struct swale_backend_class;
struct swale_loop;

/* Room for any name and its NUL. */
#define SWALE_NAME_SIZE 100

/* Whether a channel or group may have this name; NULL may not. Any thread. */
SWALE_API bool swale_channel_name_valid(const char *name);
SWALE_API bool swale_group_name_valid(const char *name);

enum swale_drop_reason {
  SWALE_DROP_FULL,     /* the channel's queue was at its capacity */
  SWALE_DROP_EXPIRED,  /* waited longer than the layer's expiry */
  SWALE_DROP_CLOSED,   /* the consumer ended, or left the group, before its turn */
  SWALE_DROP_NOMEM,    /* no memory to queue it */
  SWALE_DROP_FLUSHED,  /* swale_flush */
  SWALE_DROP_CONFLATED /* a newer one of the same key took its place; see swale_consumer_class */
};
#define SWALE_DROP_REASONS 6

/* A message that some channel will not get. The pointers are valid during the call. */
struct swale_drop {
  enum swale_drop_reason reason;
  const char *channel; /* "" when the members that missed it are gone */
  swale_message *message;
  uint64_t count; /* how many channels missed it: 1 when `channel` is known */
};

/* The first entry whose glob (as in the shell: * ? [a-z] [!a-z]) matches the whole channel name counts. */
struct swale_capacity {
  const char *pattern;
  uint32_t capacity;
};

struct swale_layer_config {
  size_t size;                 /* set by swale_layer_config_default */
  const struct swale_env *env; /* NULL: the C library; copied */

  uint32_t capacity;        /* messages that may wait in one channel; default 100 */
  uint64_t expiry_ms;       /* how long a message may wait; default 60 s */
  uint64_t group_expiry_ms; /* how long a channel without a live consumer stays in a group; default 24 h */
  const struct swale_capacity *capacities; /* copied; NULL: none */
  size_t n_capacities;                     /* at most 256 */
  uint32_t channels_max;                   /* plain channels that may exist at once; default 100,000 */
  uint32_t groups_max;                     /* groups that may exist at once; default 10,000,000 */

  /*
   * Told of every dropped message, at the end of a swale_loop_run or feed call on a loop that serves this
   * layer, never inside a send. At most 1,024 reports wait; what exceeds that is counted, not reported.
   */
  void (*on_drop)(const struct swale_drop *drop, void *user);
  void *user;

  /* Kinds of layer beside memory:// that URLs may name, such as &swale_redis_backend, and a NULL. NULL: none. */
  const struct swale_backend_class *const *backends;
};

#define swale_layer_config_default(config) swale_layer_config_init((config), sizeof *(config))
SWALE_API void swale_layer_config_init(struct swale_layer_config *config, size_t size);

/*
 * Opens the layer that `url` names: "memory://" keeps everything in this process, other schemes are those of
 * the config's backends, which document their URLs. For memory:// the query may set capacity
 * (messages), expiry and group_expiry (seconds), as in "memory://?capacity=500&expiry=10", and wins over
 * `config`, which may be NULL. On an error a sentence about it is put in `why` (of `why_size` bytes; NULL
 * when not wanted). Errors: SWALE_EFORMAT (not a URL, unknown key or value), SWALE_ESIZE (a URL of more than
 * 4096 bytes), SWALE_EUNSUPPORTED (unknown scheme), SWALE_EINVAL (a limit of 0, bad config), SWALE_ENOMEM,
 * SWALE_ERANDOM, or the backend's own.
 */
SWALE_API int swale_layer_open(const char *url, const struct swale_layer_config *config, swale_layer **out,
                               char *why, size_t why_size);

/*
 * What a layer that talks to a server needs of its host, who has the loop: to be told when sockets are ready.
 * `watch` says what to wait for on a descriptor of the layer's from now on: SWALE_READABLE, SWALE_WRITABLE,
 * both, or 0 to forget it, always before it is closed. Level- and edge-triggered polling will both do. It
 * must not call swale. include/swale/adapters has it ready-made for usual loops.
 */
#define SWALE_READABLE 1u
#define SWALE_WRITABLE 2u
struct swale_sockets {
  void (*watch)(int fd, unsigned events, void *user);
  void *user;
};

/*
 * Gives the layer a home: the loop on whose thread it talks to its server, timers included. Until then it is like
 * memory://, and what is meant for others waits. A layer of memory:// needs none and ignores it. The loop cannot be freed
 * before swale_layer_detach. Errors: SWALE_ESTATE (it has one, or the loop is being freed), SWALE_ENOMEM, the backend's
 * own. The home loop's thread, as the next two.
 */
SWALE_API int swale_layer_attach(swale_layer *layer, struct swale_loop *home,
                                 const struct swale_sockets *sockets);

/* A descriptor that was to be watched is ready: SWALE_READABLE, SWALE_WRITABLE (errors are both). */
SWALE_API void swale_layer_ready(swale_layer *layer, int fd, unsigned events);

/* Ends all connections to the server, once what can be written at once has been. swale_layer_free does it, too. */
SWALE_API void swale_layer_detach(swale_layer *layer);

/*
 * Ends the layer; queued messages are gone. SWALE_ESTATE, and nothing happens, while a loop still has
 * consumers on it or was not freed, or receivers wait. Not while any other thread may use the layer. NULL is fine.
 */
SWALE_API int swale_layer_free(swale_layer *layer);

/* ---- sending ------------------------------------------------------------------------------ */

/*
 * Sends one message to one channel. The message is frozen by it; the layer takes a reference of its own.
 * To a consumer's channel it goes into the inbox of the consumer's loop; on a plain channel ("thumbnails") a
 * worker gets it, or it waits, up to the channel's capacity, for a worker or swale_receive.
 * Errors: SWALE_ENAME; the message's own sticky error, SWALE_ESTATE if it has something open; SWALE_EFULL the
 * channel or inbox is full, or channels_max reached; SWALE_ECLOSED the consumer of this name has ended;
 * SWALE_ENOMEM. After an error nothing was sent and the refusal is counted.
 */
SWALE_API int swale_send(swale_layer *layer, const char *channel, swale_message *message);

/*
 * Sends one message to every member of the group: a hand-over per loop that has members, whatever their
 * number. A member that cannot take it misses it, and that is counted. Returns how many members in this
 * process it was offered to (0 for an empty or unknown group), or an error as above; SWALE_EFULL when a
 * loop's inbox has no room, and then no member gets it, so that the caller may try again.
 */
SWALE_API int swale_group_send(swale_layer *layer, const char *group, swale_message *message);

/*
 * The same, and `then` says whom to tell what became of it; it is copied, NULL: nobody. Where nothing leaves
 * the process that is known at once. With a backend `result` is 0 when its server has taken the message, or
 * SWALE_EFULL the queue at the server was full, SWALE_ECLOSED the connection failed before there was an
 * answer, or none came up in time, or swale_flush, SWALE_EPROTOCOL the server answered with an error,
 * SWALE_ENOMEM a group's message could not be kept for it. `done` runs on the loop's thread, in
 * swale_loop_run, once, and not at all when the call itself answers an error. The loop cannot be freed
 * before.
 */
struct swale_completion {
  struct swale_loop *loop;
  void (*done)(int result, void *user);
  void *user;
};
SWALE_API int swale_send_then(swale_layer *layer, const char *channel, swale_message *message,
                              const struct swale_completion *then);
SWALE_API int swale_group_send_then(swale_layer *layer, const char *group, swale_message *message,
                                    const struct swale_completion *then);

/* ---- groups ------------------------------------------------------------------------------- */

/*
 * Adds the channel to the group, or, when it is a member already, renews its membership (see
 * group_expiry_ms; a live consumer's never expires). Errors: SWALE_ENAME, SWALE_ECLOSED the consumer
 * of this name has ended, SWALE_EFULL groups_max or channels_max, or too much waits for a layer's server, SWALE_ENOMEM.
 */
SWALE_API int swale_group_add(swale_layer *layer, const char *group, const char *channel);

/* The same; `done` is called when messages from everywhere arrive, or will not for the time being. */
SWALE_API int swale_group_add_then(swale_layer *layer, const char *group, const char *channel,
                                   const struct swale_completion *then);

/*
 * Takes the channel out of the group; 0 too when it was not in. Errors: SWALE_ENAME; of a channel elsewhere, SWALE_EFULL (too
 * much waits for the server) and SWALE_ENOMEM.
 */
SWALE_API int swale_group_discard(swale_layer *layer, const char *group, const char *channel);

/* ---- channels without a consumer ---------------------------------------------------------- */

/*
 * A fresh name that nobody can guess, for one receiver: "<prefix>.<process>!<random>". Costs nothing until it
 * is used. `prefix` NULL means "specific"; at most 32 characters of a group name's alphabet.
 * Errors: SWALE_ENAME, SWALE_ERANDOM; with another prefix where a layer's server has to be told, SWALE_EFULL, SWALE_ENOMEM.
 */
SWALE_API int swale_new_channel(swale_layer *layer, const char *prefix, char name[SWALE_NAME_SIZE]);

/*
 * Takes the oldest waiting message off a channel that has no consumer. *out is the caller's reference.
 * Errors: SWALE_EAGAIN nothing waits; SWALE_ENAME; SWALE_ESTATE the channel belongs to a consumer; SWALE_ECLOSED its
 * consumer has ended.
 */
SWALE_API int swale_receive(swale_layer *layer, const char *channel, swale_message **out);

/*
 * The same, waiting: `done` gets the next message that is there for it, in swale_loop_run, once. Several that
 * wait for one channel get theirs in the order in which they asked. The message is valid during the call:
 * take a reference to keep it. Without one `result` says why: SWALE_EAGAIN timeout_ms are over, SWALE_ECLOSED
 * swale_channel_close, or the loop is being freed, SWALE_ESTATE workers listen to the channel now. A flush
 * changes nothing. The layer cannot be freed meanwhile. `how` is copied. *receiver (NULL when not wanted) is
 * valid until `done` is called. Errors, with nobody told: SWALE_ENAME, SWALE_ESTATE the channel belongs to a
 * consumer, or the loop is being freed, SWALE_ECLOSED its consumer has ended, SWALE_EUNSUPPORTED it is
 * another process's, SWALE_EFULL channels_max, SWALE_ENOMEM. The loop's thread.
 */
struct swale_reception {
  struct swale_loop *loop;
  void (*done)(int result, swale_message *message, void *user);
  void *user;
  uint64_t timeout_ms; /* 0: waits as long as it takes */
};
typedef struct swale_receiver swale_receiver;
SWALE_API int swale_receive_then(swale_layer *layer, const char *channel, const struct swale_reception *how,
                                 swale_receiver **receiver);

/*
 * Waits no more: `done` will not be called. Nothing is lost by it: a message that was to be told is the next receiver's, or
 * waits again. The loop's thread. NULL is fine.
 */
SWALE_API void swale_receive_cancel(swale_receiver *receiver);

/*
 * Forgets a channel without a consumer: what waits in it is dropped (closed), its memberships end.
 * 0 too when there is none. Errors: SWALE_ENAME, SWALE_ESTATE the channel belongs to a consumer.
 */
SWALE_API int swale_channel_close(swale_layer *layer, const char *channel);

/* Drops every waiting message and empties every group. Live consumers stay connected, in no group. */
SWALE_API int swale_flush(swale_layer *layer);

/* ---- looking in ---------------------------------------------------------------------------- */

struct swale_layer_stats {
  size_t size; /* set by swale_layer_stats_get */

  /* Since the layer was opened. One message to a group of 10 is offered 10 times. */
  uint64_t offered;
  uint64_t delivered;                   /* a handler ran for it, or swale_receive took it */
  uint64_t queued;                      /* now: in an inbox or waiting in a channel */
  uint64_t dropped[SWALE_DROP_REASONS]; /* by enum swale_drop_reason */
  uint64_t refused;                     /* sends that answered SWALE_EFULL or SWALE_ECLOSED */
  uint64_t unhandled;                   /* of the delivered: the class has no handler of this type */
  uint64_t sends, group_sends;          /* calls that succeeded */

  /* Now. */
  uint64_t consumers, channels, groups, memberships, loops;
};

/* Exact when no thread is inside swale; each figure is right for some moment of the call otherwise. */
#define swale_layer_stats_get(layer, stats) swale_layer_stats_read((layer), (stats), sizeof *(stats))
SWALE_API int swale_layer_stats_read(swale_layer *layer, struct swale_layer_stats *stats, size_t size);

struct swale_channel_stats {
  size_t size;
  uint64_t dropped; /* since the channel exists, all reasons */
  uint32_t depth;   /* messages waiting in its queue */
  uint32_t capacity;
  uint32_t groups;
};

/* Errors: SWALE_ENAME, SWALE_ENOTFOUND. */
#define swale_channel_stats_get(layer, channel, stats)                                                       \
  swale_channel_stats_read((layer), (channel), (stats), sizeof *(stats))
SWALE_API int swale_channel_stats_read(swale_layer *layer, const char *channel,
                                       struct swale_channel_stats *stats, size_t size);

/* Members of a group now, O(1); 0 when there is no such group, SWALE_ENAME. */
SWALE_API int64_t swale_group_count(swale_layer *layer, const char *group);

/*
 * Walks the members of a group, or the groups of a channel, one per call. Zero the cursor first. Returns 1
 * with the next name, 0 at the end, SWALE_ENAME. O(1) a step. Whoever joins or leaves meanwhile may be
 * missed. Nobody else is, but when others leave he may be met twice.
 */
struct swale_cursor {
  uint32_t lane, index;
};
SWALE_API int swale_group_next(swale_layer *layer, const char *group, struct swale_cursor *cursor,
                               char channel[SWALE_NAME_SIZE]);
SWALE_API int swale_channel_next_group(swale_layer *layer, const char *channel, struct swale_cursor *cursor,
                                       char group[SWALE_NAME_SIZE]);

#ifdef __cplusplus
}
#endif

#endif

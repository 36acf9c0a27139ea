/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_H
#define SWALE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/backend.h>
#include <swale/env.h>
#include <swale/error.h>
#include <swale/layer.h>
#include <swale/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Channel layers on Redis, libswale-redis: swale and Django processes share channels and groups. Keys, commands
 * and payloads are those of channels_redis 3.0 to 4.3, of its RedisChannelLayer in core mode and of its
 * RedisPubSubChannelLayer in pubsub mode; all processes of a layer must agree on the mode, prefix, hosts and
 * their order, serializer and encryption keys, since nothing on the wire tells them apart.
 */

enum swale_redis_mode {
  SWALE_REDIS_CORE = 1, /* sorted sets: messages wait in Redis, up to capacity and expiry */
  /* PUBLISH: who is not connected misses it. A channel without a consumer that was received from stays subscribed until swale_channel_close. */
  SWALE_REDIS_PUBSUB
};

enum swale_redis_serializer {
  SWALE_REDIS_MSGPACK = 1, /* channels_redis' default, and all that it knows before 4.2.1 */
  SWALE_REDIS_JSON         /* needs json_write and json_parse */
};

enum swale_redis_state {
  SWALE_REDIS_CONNECTING, /* for the first time, or not attached yet */
  SWALE_REDIS_UP,
  SWALE_REDIS_DOWN /* at least one server is not to be reached; it goes on trying */
};

#define SWALE_REDIS_HOSTS_MAX 256
#define SWALE_REDIS_SENTINELS_MAX 16
#define SWALE_REDIS_KEYS_MAX 16
#define SWALE_REDIS_PREFIX_MAX 64
#define SWALE_REDIS_RANDOM_PREFIX_MAX 64

/* Where a sentinel listens. */
struct swale_redis_address {
  const char *host; /* NULL: "localhost" */
  uint16_t port;    /* 0: 26379 */
};

/* One Redis: a shard, where there are several. Zero what is not needed. */
struct swale_redis_host {
  const char *path; /* of a Unix socket; NULL: TCP */
  const char *host; /* NULL: "localhost" */
  uint16_t port;    /* 0: 6379 */
  uint32_t db;
  const char *username, *password; /* NULL: none */

  /* With a master's name its sentinels are asked where it is, and path, host and port are not used. */
  const char *master;
  const struct swale_redis_address *sentinels;
  size_t n_sentinels;
  const char *sentinel_username, *sentinel_password;
};

/* A key for symmetric encryption: any bytes, as in symmetric_encryption_keys. */
struct swale_redis_key {
  const void *bytes;
  size_t len;
};

struct swale_json_error;

struct swale_redis_config {
  size_t size; /* set by swale_redis_config_default */

  /* A URL, as swale_redis_backend takes them: what it says wins over all that follows. NULL: none. */
  const char *url;

  enum swale_redis_mode mode;             /* default core */
  enum swale_redis_serializer serializer; /* default msgpack */
  const char *prefix;                     /* of keys in Redis; 1 to 64 bytes; default "asgi" */

  /* Default: one, localhost:6379. With several, names are spread over them as channels_redis does. */
  const struct swale_redis_host *hosts;
  size_t n_hosts; /* at most SWALE_REDIS_HOSTS_MAX */

  /* The first encrypts, each is tried to decrypt. Default: none, nothing is encrypted. */
  const struct swale_redis_key *keys;
  size_t n_keys; /* at most SWALE_REDIS_KEYS_MAX */

  /* Random bytes before each queued message in core mode, at most 64; 12 unless the peers' setting differs. */
  uint32_t random_prefix_length;

  /* libswale-json's swale_json_message and swale_json_parse, which this library does not link itself. */
  int (*json_write)(swale_buffer *out, const swale_message *m);
  int (*json_parse)(const char *text, size_t len, const char *type, const struct swale_parse_limits *limits,
                    const struct swale_allocator *allocator, swale_message **out,
                    struct swale_json_error *why);

  /*
   * Bounds of one message that comes from Redis: its own encoded bytes and depth (0:
   * SWALE_MESSAGE_SIZE_DEFAULT and SWALE_MESSAGE_DEPTH_MAX), and the bytes in Redis with the names of its
   * receivers, default 64 MiB. A reply of Redis, a batch of messages say, may take up four times that and 64
   * MiB for names; a server that says more is given up for a while, and the batch is lost, and counted (`torn`).
   */
  struct swale_parse_limits limits;
  size_t payload_bytes;

  /*
   * What may wait for Redis, in bytes: messages, and in core mode changes of the memberships of others'
   * channels. What does not fit is refused, or of a group's messages dropped and counted. Messages wait for
   * the layer's expiry_ms, changes for its group_expiry_ms. As much again may wait for the home loop to take
   * it up: groups' first members, workers, receivers; what does not fit is SWALE_EFULL. Default 64 MiB.
   *
   * swale_flush loses what waits, and empties Redis in core mode: each host at once, or when it is back, before
   * what came after the call and before anything is fetched from it. That takes no room here. It is said again until
   * Redis has answered, for the layer's expiry_ms at most (an old flush would empty what others rely on), and not once the
   * layer has been detached.
   */
  size_t queue_bytes;

  uint32_t connect_timeout_ms;                 /* default 5,000 */
  uint32_t command_timeout_ms;                 /* without any answer for so long: reconnect; default 10,000 */
  uint32_t reconnect_min_ms, reconnect_max_ms; /* pause between attempts, with jitter; default 50 and 5,000 */

  /*
   * While an inbox of the program's loops is more than half full nothing is fetched, so that messages wait in
   * Redis: in core mode in the process's queue, in pubsub mode in Redis' output buffer for it. Not longer
   * than this, since a loop that is stuck must not stop the others: then fetching goes on, and what does not
   * fit is dropped and counted. Looked at every second. Default 5,000.
   */
  uint32_t stall_ms;

  /*
   * A glob: channels whose names match it are never looked for in Redis; what is sent to them waits in this process,
   * as with memory://. NULL: none; only those of this process's own making.
   */
  const char *local;

  /* How long a group in Redis keeps a process that has died; of swale's processes only, core mode. Default 10 min. */
  uint32_t lease_ms;

  /*
   * Told on the home loop's thread, outside of other callbacks, when the layer goes up or down. `why` is a sentence
   * about what went wrong last, valid during the call. It must not detach or free the layer.
   */
  void (*on_state)(swale_layer *layer, enum swale_redis_state state, const char *why, void *user);

  /*
   * The host's resolver, for names whose address changes: a managed Redis, Kubernetes. Called on the home
   * loop's thread whenever an attempt to connect to `name` begins, each connection's own; must not block,
   * detach or free. What it finds is given to swale_redis_resolved with this `query`, from inside or later.
   * Addresses in figures and sockets' paths need none. NULL: the names are looked up once, by getaddrinfo,
   * when the layer is opened. The addresses of a name are tried in turn, four of them at most.
   *
   * Also called for a master that a sentinel announces by name ("announce-hostnames yes"): of printable ASCII
   * characters, 253 at most. Without a resolver that is a failed attempt, and told as such, since nobody may wait for
   * getaddrinfo then.
   */
  void (*resolve)(swale_layer *layer, uint64_t query, const char *name, void *user);

  /* Microseconds of UNIX time, which scores and tokens carry. Default: clock_gettime(CLOCK_REALTIME). */
  int64_t (*wall_us)(void *user);

  void *user; /* for wall_us, on_state and resolve */
};

#define swale_redis_config_default(config) swale_redis_config_init((config), sizeof *(config))
SWALE_API void swale_redis_config_init(struct swale_redis_config *config, size_t size);

/*
 * The kind of layer, for swale_layer_config.backends: swale_layer_open then takes
 *
 *   redis://[[user]:password@][host][:port][,...][/db]
 *   redis+unix://[[user]:password@]/path/of/socket[,/path/of/another...]
 *   redis+sentinel://[[user]:password@]sentinel[:port][,sentinel[:port]...]/master[/db]
 *
 * with
 * ?mode=core|pubsub&serializer=msgpack|json&prefix=...&db=...&local=...&random_prefix_length=...&capacity=...
 * &expiry=...&group_expiry=...&key=...&key=... behind it, and nothing else of swale_redis_config but its
 * defaults. Several hosts or sockets are shards; credentials before sockets are those of all. Each `key` is
 * one of swale_redis_config.keys, percent-encoded (so one without zero bytes). A URL with passwords or keys
 * is a secret: it stands in the environment of the process, say, but in no sentence about it, and what was
 * copied of it is wiped: with the layer, and what a connection says to Redis when it has been written or the
 * connection ends. rediss:// is SWALE_EUNSUPPORTED: hiredis 0.14 has no TLS.
 */
SWALE_API extern const struct swale_backend_class swale_redis_backend;

/*
 * Opens a layer with what a URL cannot say; `redis` and `layer_config` may be NULL. Without `resolve` opening
 * looks up the names of hosts, and waits for the answer; nothing later waits for anything. Redis need not be
 * there yet. Give the layer a home with swale_layer_attach. Errors: as swale_layer_open; SWALE_ENOTFOUND a
 * host that is not known.
 */
SWALE_API int swale_redis_open(const struct swale_redis_config *redis,
                               const struct swale_layer_config *layer_config, swale_layer **out, char *why,
                               size_t why_size);

struct addrinfo;

/*
 * The answer to `resolve`: IPv4 and IPv6 addresses, whose ports and socket types do not matter, as
 * getaddrinfo and the resolvers of libevent and libuv hand them out. It stays the caller's. NULL: there is no
 * such host; it is asked for again when the next attempt begins. No answer within connect_timeout_ms is a
 * failed attempt. The home loop's thread. Errors: SWALE_ENOTFOUND nobody waits for this answer any more;
 * SWALE_EUNSUPPORTED no layer of this kind.
 */
SWALE_API int swale_redis_resolved(swale_layer *layer, uint64_t query, const struct addrinfo *found);

/* Why a message, or a change of memberships, did not get from this process into Redis, as far as is known. */
enum swale_redis_loss {
  SWALE_REDIS_LOST_FULL, /* queue_bytes were waiting already; all but a swale_group_send are refused instead */
  SWALE_REDIS_LOST_CAPACITY, /* the channel's queue in Redis was full; of a group's queues see over_capacity */
  SWALE_REDIS_LOST_EXPIRED,  /* Redis could not be reached for so long; see queue_bytes */
  SWALE_REDIS_LOST_DOWN,     /* the connection failed before Redis had answered: it may have arrived */
  SWALE_REDIS_LOST_ERROR,  /* Redis answered with an error, it could not be encoded, or there was no memory */
  SWALE_REDIS_LOST_FLUSHED /* swale_flush */
};
#define SWALE_REDIS_LOSSES 6

/*
 * The figures of a layer since it was opened. What was given to it for others is in the books: offered = arrived +
 * queued + lost, each swale_send to a channel of another process and each swale_group_send counting once, and so does
 * swale_group_add or _discard of such a channel, in core mode. Of what it got from Redis `torn` is as many as Redis said, but
 * no more than were asked for; nobody knows of a reply of which nothing came.
 */
struct swale_redis_stats {
  size_t size; /* set by swale_redis_stats_get */
  uint64_t offered, arrived, queued, lost[SWALE_REDIS_LOSSES];
  uint64_t queued_bytes; /* of queue_bytes */
  uint64_t
      over_capacity;    /* queues in Redis that were full and did not get a message that arrived elsewhere */
  uint64_t received;    /* payloads that came */
  uint64_t echoes;      /* of these: this process's own, come back; pubsub mode */
  uint64_t strays;      /* of these: for nobody here, or to a name that is none */
  uint64_t undecodable; /* of these: malformed, too large, encrypted otherwise */
  uint64_t expired;     /* of these: older than the layer's expiry when they came; core mode */
  uint64_t torn;        /* besides: lost in a reply that did not come to its end; core mode */
  uint64_t stalls;      /* times that fetching stopped, see stall_ms */
  uint64_t errors;      /* that Redis answered */
  uint64_t connects, failures; /* of connections; there are two for each host */
  uint64_t flushes; /* of Redis, by whomever, that were noticed, and memberships restored; core mode */
  uint64_t groups;  /* that have members in this process, as Redis is told */
  enum swale_redis_state state;
  char error[128]; /* what went wrong last, or "" */
};

/* Any thread. SWALE_EUNSUPPORTED: no layer of this kind; SWALE_EINVAL: a size this library does not know. */
#define swale_redis_stats_get(layer, stats) swale_redis_stats_read((layer), (stats), sizeof *(stats))
SWALE_API int swale_redis_stats_read(const swale_layer *layer, struct swale_redis_stats *stats, size_t size);

/* ---- payloads alone ------------------------------------------------------------------------ */

/*
 * For programs without a layer: what they PUBLISH to "asgi__group__<group>" (any prefix for "asgi"; pubsub) or ZADD to a
 * queue (core), and what they find there.
 */
typedef struct swale_redis_codec swale_redis_codec;

/*
 * Of `config`, which may be NULL, what concerns payloads is used, and all of it checked and copied. `env` has
 * all its functions set; NULL: the C library. Errors, with a sentence in `why` (NULL when not wanted):
 * SWALE_EINVAL, SWALE_ENOMEM, and of a URL's.
 */
SWALE_API int swale_redis_codec_new(const struct swale_redis_config *config, const struct swale_env *env,
                                    swale_redis_codec **out, char *why, size_t why_size);
SWALE_API void swale_redis_codec_free(swale_redis_codec *codec);

/*
 * The payload of a message, which is frozen by it. In core mode `channels` are the receivers that share a queue: none for a
 * plain channel's own message; one, and `group` false, for a process-specific channel; all members with `group`
 * true for a group's message. In pubsub mode there are none. *out is the caller's reference. Any thread.
 * Errors, with *out NULL: SWALE_ENAME, SWALE_EINVAL (several channels, but no group), the message's own, SWALE_ENOMEM,
 * SWALE_ERANDOM, SWALE_ESIZE (over Redis' 512 MiB), SWALE_EDUPLICATE (it has an "__asgi_channel__"), what json_write answers.
 */
SWALE_API int swale_redis_encode(const swale_redis_codec *codec, swale_message *m,
                                 const char *const *channels, size_t n_channels, bool group,
                                 swale_payload **out);

/*
 * The message in a payload. *channels is whom it names: SWALE_NIL, a SWALE_STR or a SWALE_LIST whose elements need not
 * be text; a view that is valid until the codec's next use and while `payload` is. An encrypted one may be `age_max_s`
 * seconds old, 0: of any age. One thread at a time for each codec. Errors, with *out NULL: those of swale_message_parse,
 * over the config's limits too; SWALE_EPROTOCOL (no key fits), SWALE_ESTATE (too old, or over a minute in the future).
 */
SWALE_API int swale_redis_decode(swale_redis_codec *codec, const void *payload, size_t len,
                                 uint64_t age_max_s, swale_message **out, struct swale_value *channels);

#ifdef __cplusplus
}
#endif

#endif

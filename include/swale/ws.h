/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_H
#define SWALE_WS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <swale/api.h>
#include <swale/app.h>
#include <swale/error.h>
#include <swale/loop.h>
#include <swale/scope.h>
#include <swale/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * WebSocket connections (RFC 6455), libswale-ws. A swale_ws never touches a socket: the host feeds it the
 * bytes it read, and writes the bytes that swale_ws_peek shows. TLS, HTTP/2 streams and test buffers are
 * then all the same.
 *
 *     swale_ws_feed(ws, bytes, n);                       what the peer sent, split anywhere
 *     while ((n = swale_ws_peek(ws, iov, 16)) > 0)       what to write
 *       swale_ws_ack(ws, writev(fd, iov, n));            so much was written
 *     swale_ws_state(ws)                                 what to wait for; SWALE_WS_CLOSED: close the socket, swale_ws_free
 *
 * Everything here belongs to the thread of the connection's loop and is legal inside callbacks, except
 * feeding a connection from inside a callback of its own, which is SWALE_ESTATE. Callbacks run in the feeding calls
 * (_feed, _feed_eof, _pump_fd, _new_upgraded) and in swale_loop_run; no other call of this header runs any by itself.
 *
 * How a connection ends. Whoever closes first, what was sent before still goes out in front of the close
 * frame; it is closed when both close frames are there and everything is written, or close_ms later. A peer
 * that breaks the protocol gets a close frame with 1002, 1007, 1008 or 1009 behind what was sent before, the
 * consumer gets disconnect with that code at once, and the app a report; what comes in is then skipped up to
 * the peer's close frame, so that ours is not lost to a reset. Without memory for what comes in it is 1011.
 * A request that is refused gets its answer and nothing behind it is looked at.
 */
typedef struct swale_ws swale_ws;
typedef struct swale_origins swale_origins;

/*
 * Compression of messages (permessage-deflate, RFC 7692), where the client offers it and the server wants it: by
 * swale_ws_options for all connections, or by swale_ws_set_deflate for one, or the routes of one. By default it is not
 * wanted: it costs both sides time, and who can have text of his own compressed together with a secret may guess the
 * secret from the sizes.
 *
 * Context takeover is compressing a message with the help of those before, which pays for many short and similar ones. It
 * costs memory for each connection, from its first message on:
 *   server_context_takeover   2^(server_window_bits + 2) + 2^(mem_level + 9) bytes and 6 KiB; by default 262 KiB
 *   client_context_takeover   2^client_window_bits bytes and 7 KiB; by default 39 KiB
 * and each message sent is compressed for each member of a group by itself. Without it an idle connection
 * needs no more memory than one that is not compressed, what is sent to a group is compressed once for all
 * members that agreed on the same window, and the loop keeps at most four contexts. A connection in the
 * middle of a fragmented message holds 39 KiB.
 *
 * A message that would not become smaller is sent as it is, and so are all when there is no memory to
 * compress. What comes in and does not inflate is closed with 1007. Of several offers the first that can be
 * accepted is: one with a parameter that is unknown, there twice or cannot have its value is declined, and
 * one for a server window of 8 bits, which zlib does not do. A header that does not follow the grammar of RFC
 * 6455, 9.1 is answered with 400, whether compression is wanted or not.
 */
struct swale_ws_deflate {
  size_t size;      /* set by swale_ws_deflate_default */
  size_t threshold; /* shorter messages are sent as they are; bytes. Default 256 */
  /* A message of more than 64 KiB may be so many times as large as what came in for it; more: close 1008. No honest
   * one is more than 1,032 times as large. Default 256 */
  uint32_t ratio_max;
  int level;                   /* from 1, fast, to 9, small. Default 6 */
  int mem_level;               /* 1 to 9, memory for speed while compressing. Default 8 */
  int server_window_bits;      /* 9 to 15: how far back we look, as a power of two. Default 15 */
  int client_window_bits;      /* the same for clients that let themselves be told. Default 15 */
  int server_context_takeover; /* 0 or 1, unless the client forbids it. Default 0 */
  int client_context_takeover; /* 0 or 1: allowed. Default 0 */
};

#define swale_ws_deflate_default(deflate) swale_ws_deflate_init((deflate), sizeof *(deflate))
SWALE_API void swale_ws_deflate_init(struct swale_ws_deflate *deflate, size_t size);

struct swale_ws_options {
  size_t size; /* set by swale_ws_options_default */

  /*
   * Called when there was nothing to write and now there is (a group message, a ping, a deadline), or when
   * the state has turned to closed: write now, or arm for writing. Only ever inside swale_loop_run (at its
   * end; in a large group, for one message alone, also between two members) and swale_loop_free, once however
   * much there is: a host that runs the loop after a batch of events may free connections here, without
   * looking whether an event of theirs is still to come. What comes while some is still waiting is not told,
   * nor what happens inside of swale_ws_feed, _feed_eof, _ack, _pump_fd or _flush_fd of this connection: ask
   * the state when they return; only the end that an _ack brings is told all the same. Everything may be called
   * in it. NULL: the host asks swale_ws_state often enough.
   */
  void (*on_output)(swale_ws *ws, void *host_data);

  /*
   * For swale_ws_new_upgraded: the decision was made after that call returned, and has not been taken yet; see
   * swale_ws_get_answer. Inside swale_loop_run and swale_loop_free, as on_output. Everything may be called in it.
   */
  void (*on_answer)(swale_ws *ws, void *host_data);

  /*
   * Which origins may connect. NULL: pages of the same origin as the Host header, and clients that send no
   * Origin (which are no browsers); unless the app has swale_origin_guard as a guard, which then decides
   * alone. Must outlive the connections.
   */
  const swale_origins *origins;
  /* What the host's socket is, for the scope and the origin check: "ws" (default) or "wss". */
  const char *scheme;

  /*
   * Compression, for clients that offer it. NULL: none (default). Must outlive the connections. Where the
   * library was built without zlib there is none either way.
   */
  const struct swale_ws_deflate *deflate;

  size_t message_max;           /* bytes of one message, inflated; larger: close 1009. Default 1 MiB */
  uint32_t fragments_max;       /* frames of one message; more: close 1008. Default 1,024 */
  uint32_t empty_fragments_max; /* of these without payload; more: close 1008. Default 64 */
  /*
   * What the peer may send in a second; more: close 1008. Each is a bucket that holds as much as that, so
   * that much may come at once, and fills again in a second. Not 0.
   */
  uint32_t message_rate; /* messages. Default 10,000 */
  uint32_t
      byte_rate; /* bytes of frames, their headers included; message_max always fits in. Default 64 MiB */
  uint32_t control_rate; /* pings and pongs; at most 65,535. Default 100 */
  size_t head_max;       /* bytes of the request head; larger: 431. Default 16 KiB */
  uint32_t headers_max;  /* header lines; more: 431. Default 100 */
  /* Bytes kept that arrive before the connection is accepted; then reading stops. With 64 KiB more, fed all the
   * same: 400. Default 16 KiB */
  size_t early_max;
  /*
   * Handshakes on the loop that are not decided yet, and of these from one address: `client` without its
   * port, of IPv6 the first 64 bits; without `client` they are not told apart. At the limit a new connection
   * is SWALE_EFULL: close the socket, or answer 503 (429). Of connections with other options the same are
   * counted. Defaults 10,000 and 1,000
   */
  uint32_t handshakes_max;
  uint32_t handshakes_per_peer;
  /* Bytes of data frames waiting to be written; beyond: SWALE_EFULL to who sends. Default 1 MiB */
  size_t output_max;
  /* The consumer is paused, and reading stops, at so many waiting bytes ... Default 256 KiB */
  size_t output_high;
  size_t output_low; /* ... and they go on at so few. Less than output_high. Default 64 KiB */

  /* Deadlines in milliseconds, 0: none. */
  uint32_t handshake_ms; /* for the whole request head: 408. Default 10,000 */
  uint32_t ping_ms;      /* of silence until a ping is sent. Default 25,000 */
  uint32_t pong_ms;  /* for any byte after that ping: 1006 for the consumer. While reading is stopped, bytes
                                * written count instead. Default 10,000 */
  uint32_t close_ms; /* for the peer's close frame and the last bytes written, together. Default 5,000 */
  uint32_t idle_ms;  /* without any message either way: close 1001. Default 24 h */
};

#define swale_ws_options_default(options) swale_ws_options_init((options), sizeof *(options))
SWALE_API void swale_ws_options_init(struct swale_ws_options *options, size_t size);

/*
 * A connection whose bytes begin with the HTTP request. `options` (NULL: defaults) is not copied and must
 * outlive the connection; the same struct serves all. client and server ("host:port", may be NULL) are
 * copied for the scope. Memory comes from the loop's environment, but for what wslay asks of the C library:
 * 4 KiB per connection in the middle of a frame, and up to 64 KiB kept by the loop. Errors: SWALE_ENOMEM,
 * SWALE_EINVAL (options of another size, a limit that cannot be), SWALE_EFULL (handshakes_max,
 * handshakes_per_peer, or the loop has 1,000,000 connections), SWALE_ESTATE (the loop is draining or being freed).
 */
SWALE_API int swale_ws_new(swale_app *app, swale_loop *loop, const struct swale_ws_options *options,
                           const char *client, const char *server, void *host_data, swale_ws **out);

/*
 * A connection whose request the host's own HTTP server has read. Everything RFC 6455 section 4 asks is
 * checked here; the host sends the answer (swale_ws_get_answer) and, after a 101, feeds what follows. 0 also
 * when the answer is a refusal; frees like any other. Header names may be in any letter case, every header
 * of the request must be given, once per line received. Of request, scheme (the options have it) and
 * subprotocols (the headers have them) are ignored. No frame is shown before the answer has been taken.
 * Errors: those of swale_ws_new, and SWALE_ECLOSED when a callback freed the connection meanwhile.
 */
struct swale_ws_upgrade {
  size_t size;         /* sizeof(struct swale_ws_upgrade) */
  const char *method;  /* "GET" */
  const char *version; /* "HTTP/1.1" */
  struct swale_request request;
};
SWALE_API int swale_ws_new_upgraded(swale_app *app, swale_loop *loop, const struct swale_ws_options *options,
                                    const struct swale_ws_upgrade *upgrade, void *host_data, swale_ws **out);

/*
 * The answer to an upgraded request: 101 with the headers to add (Upgrade, Connection, Sec-WebSocket-Accept,
 * ...), or a refusal, after which the host closes the connection or at least never takes what follows for
 * frames.
 */
struct swale_ws_answer {
  int status;
  const struct swale_header *headers;
  size_t n_headers;
  const char *body; /* of a refusal, text/plain */
  size_t body_len;
};
/*
 * 0, or SWALE_EAGAIN while connect is undecided (on_answer will tell), SWALE_ECLOSED when it ended without
 * an answer, SWALE_ESTATE for a connection that was not upgraded. Valid until the next call on this
 * connection other than swale_ws_state.
 */
SWALE_API int swale_ws_get_answer(swale_ws *ws, struct swale_ws_answer *answer);

/*
 * Bytes from the peer, borrowed for the call; always all of them are taken. Callbacks of this connection's
 * consumer run inside. 0, or SWALE_ECLOSED when the connection reads no more (the bytes are ignored),
 * SWALE_ESTATE from inside a callback of this connection or its consumer. Feeding while SWALE_WS_WANT_READ is
 * clear is safe but defeats back-pressure: what the consumer then sends is refused at output_max.
 */
SWALE_API int swale_ws_feed(swale_ws *ws, const void *bytes, size_t len);

/*
 * The peer has finished sending: disconnect follows, with 1006 unless a close frame came before. What waits
 * can still be written. Errors as swale_ws_feed. After a socket error there is nothing to write:
 * swale_ws_free.
 */
SWALE_API int swale_ws_feed_eof(swale_ws *ws);

/*
 * Points up to `max` iovecs at the bytes to write next and returns how many; 0: nothing now. Views of shared
 * frames, valid and unchanged until they are acked or the connection is freed, so that a write may be under
 * way meanwhile. The next peek may show another order of what is not acked yet: do not peek while a write is
 * under way.
 */
SWALE_API int swale_ws_peek(swale_ws *ws, struct iovec *iov, int max);

/* So many of the bytes shown were written. SWALE_EINVAL, and nothing happens, for more than there are. */
SWALE_API int swale_ws_ack(swale_ws *ws, size_t n);

enum swale_ws_state {
  SWALE_WS_WANT_READ = 1,
  SWALE_WS_WANT_WRITE = 2, /* there is output to write */
  SWALE_WS_CLOSED = 4      /* nothing more will come: close the socket and free */
};

/*
 * What to wait for: a level, free of side effects. 0 is nothing for now: while connect is undecided and
 * enough has been read, or the answer of an upgraded one was not taken; on_output or on_answer tells when
 * that changes.
 */
SWALE_API unsigned swale_ws_state(const swale_ws *ws);

/*
 * Closes as swale_close does, whatever state it is in; after a shutdown of the host, say. Errors:
 * SWALE_EINVAL, SWALE_EUTF8, SWALE_ECLOSED.
 */
SWALE_API int swale_ws_close(swale_ws *ws, uint16_t code, const char *reason);

/*
 * Ends the connection at once: the consumer gets disconnect (1006 unless it had ended) when the outermost call on the
 * loop returns, outside of any call in the next swale_loop_run or swale_loop_free, by the end of which the memory goes,
 * too. The pointer is invalid right away. NULL is fine.
 */
SWALE_API void swale_ws_free(swale_ws *ws);

SWALE_API void *swale_ws_host_data(const swale_ws *ws);
SWALE_API void swale_ws_set_host_data(swale_ws *ws, void *host_data);
/* NULL before the handshake and after the end. */
SWALE_API swale_consumer *swale_ws_consumer(const swale_ws *ws);

/*
 * Compression for the connection of this consumer, instead of what its options say: in connect, before swale_accept.
 * `deflate` is copied; NULL: none. Errors: SWALE_EINVAL, SWALE_ESTATE decided already, SWALE_EUNSUPPORTED the consumer has no
 * WebSocket (any more), or something is wanted and the library was built without zlib.
 */
SWALE_API int swale_ws_set_deflate(swale_consumer *c, const struct swale_ws_deflate *deflate);

/*
 * For hosts with a bare non-blocking socket: reads (at most 64 KiB a call, so that one busy peer does not
 * own the loop), feeds, peeks, writes (MSG_NOSIGNAL), acks, until it would block. Returns swale_ws_state
 * bits; SWALE_WS_CLOSED also after a socket error, and when a callback freed the connection. Does not close
 * the descriptor. Call it when the socket is ready, and from on_output. With level-triggered polling `more`
 * may be NULL. With edge-triggered polling it may not: the socket is then read until it would block or has
 * ended, and `more` is set to 1 when there may be more all the same (call again), else to 0. From inside a callback of
 * this connection it only writes.
 */
SWALE_API unsigned swale_ws_pump_fd(swale_ws *ws, int fd, int *more);

/* Only writes what there is: for on_output. */
SWALE_API unsigned swale_ws_flush_fd(swale_ws *ws, int fd);

/* ---- origins ------------------------------------------------------------------------------- */

/*
 * A set of allowed origins, for the Origin header that browsers send.
 *   "https://example.com"        scheme, host and port (the scheme's own if none) must be equal
 *   "https://.example.com:8443"  the host itself or any subdomain
 *   "example.com", ".example.com" any scheme and port
 *   "example.com:3000", "[::1]:8000" any scheme, this port
 *   "*"                          everything, requests without Origin too
 * Hosts compare without letter case; "null" and malformed origins match only "*". A request without Origin
 * does not come from a browser and is allowed unless `require` was set. `patterns` ends with NULL. Errors:
 * SWALE_EFORMAT a pattern of another form (nothing is silently never matched), SWALE_ENOMEM. `allocator`
 * NULL: C library.
 */
SWALE_API int swale_origins_new(const char *const *patterns, const struct swale_allocator *allocator,
                                swale_origins **out);
SWALE_API void swale_origins_free(swale_origins *origins);
/* With 1, requests without Origin are refused too. */
SWALE_API void swale_origins_require(swale_origins *origins, int require);

/* 1 when a page of this origin (NULL: no Origin header) may connect, else 0. Any thread. */
SWALE_API int swale_origins_allow(const swale_origins *origins, const char *origin);

/*
 * A guard for swale_app_guard; `arg` is the swale_origins, or NULL for "same origin as the Host header".
 * Refuses with 403.
 */
SWALE_API int swale_origin_guard(swale_scope *scope, void *arg);

#ifdef __cplusplus
}
#endif

#endif

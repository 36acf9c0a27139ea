/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CONSUMER_H
#define SWALE_CONSUMER_H

#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/error.h>
#include <swale/layer.h>
#include <swale/loop.h>
#include <swale/message.h>
#include <swale/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A consumer: one live connection (or worker) with its channel, its scope and its state. All functions here
 * belong to the thread of the consumer's loop and are legal inside any callback. To reach a consumer from
 * another thread, send a message to its channel.
 *
 * Life: connect -> (accepted) receive and handlers, one at a time -> disconnect, exactly once if connect
 * ran, whatever ended it. The pointer is valid until disconnect has returned.
 */
typedef struct swale_consumer swale_consumer;
typedef struct swale_app swale_app;

/*
 * What handles messages of one type. Only types in this table can be reached by messages. The message is
 * valid during the call; swale_message_ref to keep it. A non-zero return closes the connection with 1011.
 */
struct swale_handler {
  const char *type;
  int (*handle)(swale_consumer *consumer, swale_message *message);
};

/*
 * A consumer whose peer is slow is paused: no handler runs, nothing is read from the peer, and messages wait
 * in its queue until the peer has caught up. This says what happens once the queue is at the layer's
 * capacity.
 */
enum swale_overflow {
  SWALE_OVERFLOW_DROP_NEWEST = 0, /* as Channels does */
  SWALE_OVERFLOW_DROP_OLDEST,
  SWALE_OVERFLOW_CLOSE /* close with 1013 (try again later); while undecided reject with 503 */
};

/*
 * A kind of consumer. Usually `static const`; it must outlive the app. NULL functions are fine: no connect
 * means "accept", no receive "ignore", no disconnect "nothing to do".
 */
struct swale_consumer_class {
  const char *name;                /* for reports; may be NULL */
  size_t state_size;               /* zeroed bytes for swale_state; at most 1 MiB */
  const char *layer;               /* alias of its layer in the app; NULL: "default" */
  const char *const *groups;       /* joined before connect, left after disconnect; ended by NULL */
  const char *const *subprotocols; /* what it speaks, best first; ended by NULL; see swale_accept */

  /*
   * The peer asks to connect. Call swale_accept or swale_reject, now or later (the app's connect_timeout_ms
   * rejects for it). A non-zero return rejects with 500.
   */
  int (*connect)(swale_consumer *consumer);

  /* One whole message of the peer; `data` is valid during the call and not ended by NUL. Text is UTF-8.
   * A non-zero return closes with 1011. */
  int (*receive)(swale_consumer *consumer, enum swale_kind kind, const void *data, size_t len);

  /* The connection is over: sending is SWALE_ECLOSED. `code` is the peer's close code, 1005 when it sent none, 1006 when
   * the connection broke, or the code it was closed with from here. The return value is reported, no more. */
  int (*disconnect)(swale_consumer *consumer, int code);

  const struct swale_handler *handlers; /* ended by { NULL, NULL }; may be NULL */
  enum swale_overflow overflow;

  /*
   * The name of a field: of messages of the same type that have the same text, bytes, integer or truth in it,
   * only the newest waits. It goes to the end of the queue, the older one is dropped (SWALE_DROP_CONFLATED).
   * Messages without such a field wait as ever. NULL: none is replaced.
   */
  const char *conflate_key;

  /*
   * The peer is slow (`high` 1: so many bytes wait to be written that the consumer is paused), or has caught
   * up (0: it goes on). In turns, beginning with 1; a change that did not last until the end of the call on
   * the loop is not told. A non-zero return closes with 1011.
   */
  int (*pressure)(swale_consumer *consumer, int high, size_t waiting);

  /*
   * Before connect: swale_join here the groups that depend on the request, a room's or a user's. connect is called when
   * other processes' messages to these and to `groups` arrive, too. swale_reject may be called, swale_accept is
   * SWALE_ESTATE yet. A non-zero return rejects with 500.
   */
  int (*prepare)(swale_consumer *consumer);
  void *reserved[2]; /* zero */
};

/*
 * Accepts the connection. `subprotocol` NULL picks the first of the class's subprotocols that the client
 * offered, or none. Headers added with swale_add_header go along. Errors: SWALE_ESTATE already decided, or in prepare,
 * SWALE_EINVAL the client did not offer this subprotocol, SWALE_ECLOSED the peer has gone, SWALE_ENOMEM.
 */
SWALE_API int swale_accept(swale_consumer *c, const char *subprotocol);

/*
 * Refuses the connection with an HTTP status (400..599) and a short text (UTF-8, NULL: none). disconnect
 * follows with code 1006. Errors: SWALE_ESTATE, SWALE_EINVAL, SWALE_EUTF8, SWALE_ECLOSED; SWALE_ENOMEM when
 * there is no memory for the answer: the connection is then cut instead.
 */
SWALE_API int swale_reject(swale_consumer *c, int status, const char *body);

/*
 * A header for the answer, before swale_accept or swale_reject; both strings are copied. Errors:
 * SWALE_ESTATE, SWALE_EINVAL (not a token, a control character in the value, a header that the handshake
 * sets itself), SWALE_EFULL (32), SWALE_ENOMEM.
 */
SWALE_API int swale_add_header(swale_consumer *c, const char *name, const char *value);

/*
 * Closes an accepted connection: what was sent before still goes out first. code 1000, 1001, 1003,
 * 1007..1014 or 3000..4999; reason UTF-8, at most 123 bytes, NULL: none. No handler runs afterwards but
 * disconnect. Before the connection was accepted this rejects it with 403. Errors: SWALE_EINVAL,
 * SWALE_EUTF8, SWALE_ECLOSED (closing already). When there is no memory for a close frame the connection is
 * cut instead.
 */
SWALE_API int swale_close(swale_consumer *c, uint16_t code, const char *reason);

/*
 * Send to the peer: text (UTF-8), bytes, or a payload shared with others. The bytes are copied, of a payload
 * a reference is taken. Errors: SWALE_ESTATE not accepted yet, SWALE_ECLOSED, SWALE_EUTF8, SWALE_ENOMEM,
 * SWALE_EFULL the connection's output bound is reached (nothing was sent), SWALE_EUNSUPPORTED a worker has
 * no peer.
 */
SWALE_API int swale_send_text(swale_consumer *c, const char *text, size_t len);
SWALE_API int swale_send_bytes(swale_consumer *c, const void *bytes, size_t len);
SWALE_API int swale_send_payload(swale_consumer *c, swale_payload *payload);

/* swale_message_render and swale_send_payload in one. Errors of both. */
SWALE_API int swale_send_rendered(swale_consumer *c, swale_message *m, enum swale_kind kind,
                                  swale_render_fn render, void *arg);

/* Bytes that wait to be written to the peer; 0 where the transport does not say, and for a worker. */
SWALE_API size_t swale_waiting(const swale_consumer *c);

/* The class's state_size zeroed bytes of this consumer, aligned for any type; NULL if that is 0. */
SWALE_API void *swale_state(swale_consumer *c);

SWALE_API const struct swale_consumer_class *swale_consumer_class_of(const swale_consumer *c);
SWALE_API swale_scope *swale_consumer_scope(swale_consumer *c);
SWALE_API swale_app *swale_consumer_app(const swale_consumer *c);
SWALE_API swale_loop *swale_consumer_loop(const swale_consumer *c);
/* NULL when the app has no layer of the class's alias. */
SWALE_API swale_layer *swale_consumer_layer(const swale_consumer *c);
/* The `user` of the app's config. */
SWALE_API void *swale_consumer_user(const swale_consumer *c);

/* Writes the name of the consumer's own channel into `name` and returns it; "" without a layer. */
SWALE_API const char *swale_channel_name(const swale_consumer *c, char name[SWALE_NAME_SIZE]);

/*
 * group_add and group_discard of the consumer's own channel, without its name. Errors: those, and
 * SWALE_ENOTFOUND: no layer.
 */
SWALE_API int swale_join(swale_consumer *c, const char *group);
SWALE_API int swale_leave(swale_consumer *c, const char *group);

/* The live consumer on this loop whose channel has this name, or NULL: the safe way back to a consumer
 * whose pointer may be stale. */
SWALE_API swale_consumer *swale_consumer_find(swale_loop *loop, swale_layer *layer, const char *channel);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * For authors of transports (libswale-ws, libswale-testing, your own): how a connection brings its consumer
 * to life. Programs that only use swale do not need this header. Everything here: the loop's thread only,
 * unless said otherwise.
 */
#ifndef SWALE_TRANSPORT_H
#define SWALE_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/app.h>
#include <swale/consumer.h>
#include <swale/loop.h>
#include <swale/message.h>
#include <swale/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How the core reaches a connection. The functions never call back into the consumer synchronously; what
 * they cause is reported later (swale_consumer_lost). All are called on the loop's thread, from inside a
 * call entered with swale_loop_enter. After swale_consumer_lost none is called any more.
 */
struct swale_transport_class {
  const char *type; /* the scope's type: "websocket" */

  /* The consumer accepts. `subprotocol` is NULL or one of the request's. 0, or an error (the consumer stays undecided). */
  int (*accept)(void *transport, const char *subprotocol, const struct swale_header *headers,
                size_t n_headers);

  /* The consumer refuses. `body` may be NULL. The core takes the connection for lost, whatever this answers: after an error cut it. */
  int (*reject)(void *transport, int status, const struct swale_header *headers, size_t n_headers,
                const char *body);

  /* A payload shared with others: take a reference. SWALE_EFULL when output is at its bound, SWALE_ENOMEM. */
  int (*send)(void *transport, swale_payload *payload);

  /* Bytes of this consumer's alone: copy. Text is valid UTF-8 already. Errors as send. */
  int (*send_bytes)(void *transport, enum swale_kind kind, const void *bytes, size_t len);

  /*
   * Close in order, code and reason ("" if none) checked already. The transport calls swale_consumer_lost
   * when it is over, soon or late. After an error the core takes the connection for lost: cut it.
   */
  int (*close)(void *transport, uint16_t code, const char *reason);

  /* Bytes that wait to be written. NULL: unknown. */
  size_t (*waiting)(const void *transport);

  /* End at once, without a word to the peer; the core takes the connection for lost. NULL: nothing is told. */
  void (*cut)(void *transport);
  void *reserved[2]; /* zero */
};

/*
 * A request, parsed and checked for its form by the transport. Strings end in NUL and are copied by
 * swale_consumer_open.
 */
struct swale_request {
  size_t size;                        /* sizeof(struct swale_request) */
  const char *target;                 /* path and query as sent: "/ws/chat/lobby/?x=1" */
  const char *scheme;                 /* "ws" or "wss" */
  const char *client, *server;        /* "host:port" or NULL */
  const struct swale_header *headers; /* names in any letter case */
  size_t n_headers;
  const char *const *subprotocols;
  size_t n_subprotocols;
};

/*
 * Opens a consumer for a request: finds the route, asks the guards, joins the class's groups, calls connect.
 * Returns
 *   0            *out is the consumer: undecided, accepted or already lost; the transport's accept/reject may have been
 *                called inside, and *out was set before any of these;
 *   400..599     refused with this HTTP status (503 while the loop is draining), no consumer;
 *   an error     SWALE_ENOMEM, SWALE_EINVAL, SWALE_ERANDOM, SWALE_ESTATE (the loop is being freed): answer 500, no consumer.
 * Bracket it (swale_loop_enter): a consumer that is already lost is gone when the outermost call has
 * returned.
 */
SWALE_API int swale_consumer_open(swale_app *app, swale_loop *loop, const struct swale_request *request,
                                  const struct swale_transport_class *transport_class, void *transport,
                                  swale_consumer **out);

/*
 * One whole message of the peer, text checked to be UTF-8. 0, or SWALE_ECLOSED/SWALE_ESTATE when the
 * consumer takes none: undecided, at its end, or busy.
 */
SWALE_API int swale_consumer_deliver(swale_consumer *c, enum swale_kind kind, const void *data, size_t len);

/*
 * 1 while connect, receive, pressure or a handler of this consumer is running, else 0. Then it can be told
 * nothing more, and whoever feeds its connection from in there has to be refused (SWALE_ESTATE), or what he
 * feeds would be lost.
 */
SWALE_API int swale_consumer_is_busy(const swale_consumer *c);

/*
 * The connection is over; disconnect(code) runs before the outermost call on the loop returns. Forget the
 * consumer.
 */
SWALE_API void swale_consumer_lost(swale_consumer *c, int code);

/*
 * The connection behind a consumer, for functions of a transport's own that take a consumer; NULL when it is of another
 * class, or lost.
 */
SWALE_API void *swale_consumer_transport(const swale_consumer *c,
                                         const struct swale_transport_class *transport_class);

/* The peer is slow: messages for this consumer wait in its queue until swale_consumer_resume. Idempotent. */
SWALE_API void swale_consumer_pause(swale_consumer *c);
SWALE_API void swale_consumer_resume(swale_consumer *c);

/*
 * Tells the app's on_error (SWALE_REPORT_TRANSPORT). `detail` a constant or valid during the call. `c` may
 * be NULL.
 */
SWALE_API void swale_app_report(swale_app *app, swale_consumer *c, int error, const char *detail);

/* ---- what a transport needs of its loop ------------------------------------------------- */

/*
 * Brackets every call into a transport (feed, ack, ...): the clock is read at the outermost enter, and
 * put-off work is done at the outermost leave. They nest.
 */
SWALE_API void swale_loop_enter(swale_loop *loop);
SWALE_API void swale_loop_leave(swale_loop *loop);

/*
 * Ends what swale_loop_enter began, for calls that the user may make outside of all others and that must not
 * call him back, swale_close for one: work put off meanwhile is left to the next run.
 */
SWALE_API void swale_loop_leave_quietly(swale_loop *loop);

/*
 * Work put off until the outermost call on the loop returns or, while a large group is gone through, until
 * between two handlers: telling the host of output, freeing oneself. Run in the order put off, outside of all
 * other callbacks, each once; `next` is NULL unless it is waiting. Zero it and set `run` first. Outside of
 * any call (depth 0) it is run at the end of the next one: bracket the call.
 */
struct swale_job {
  struct swale_job *next;
  void (*run)(struct swale_job *job);
};
SWALE_API void swale_loop_defer(swale_loop *loop, struct swale_job *job);

/*
 * For a job that is being run and has to call the host: outside of swale_loop_run and swale_loop_free it is put off
 * until one of them, and the answer is 1. Inside of them it is 0, and the job may call.
 */
SWALE_API int swale_loop_put_off(swale_loop *loop, struct swale_job *job);

/*
 * Connections that exist on the loop, so that swale_loop_free can refuse. One more is SWALE_ESTATE once it has begun to end:
 * a disconnect that opens a connection then would leave it without a loop.
 */
SWALE_API int swale_loop_hold(swale_loop *loop);
SWALE_API void swale_loop_release(swale_loop *loop);

/*
 * Told when the loop begins to drain: `refuse` turns away whoever has no consumer yet (503), without calling
 * user code, and answers how many that were. New ones are to be turned away as long as swale_loop_draining.
 * The struct is the transport's and must live as long as the loop.
 */
struct swale_drain_hook {
  struct swale_drain_hook *next;
  size_t (*refuse)(struct swale_drain_hook *hook);
};
SWALE_API void swale_loop_on_drain(swale_loop *loop, struct swale_drain_hook *hook);

/*
 * A library's own data on this loop (pools, ...): made zeroed at the first call with this key, `free` is
 * called with it when the loop ends. NULL when there is no memory. `key` is any address that belongs to the
 * library.
 */
SWALE_API void *swale_loop_extension(swale_loop *loop, const void *key, size_t size,
                                     void (*free)(void *data, const struct swale_env *env));

/* ---- payloads as the wire wants them ---------------------------------------------------- */

/* Appends the encoded form of `bytes` to `out`; depends on its arguments only. */
typedef int (*swale_encode_fn)(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out,
                               const void *arg);

/*
 * The payload that `encode` makes of `p` (one WebSocket frame, say): made once per payload, function and
 * `arg`, kept by `p`; *out is borrowed and lives while a reference to `p` does. Any thread. Errors:
 * SWALE_ENOMEM or encode's.
 */
SWALE_API int swale_payload_encode(swale_payload *p, swale_encode_fn encode, const void *arg,
                                   swale_payload **out);

/*
 * As swale_payload_encode, but what is made is kept under `name`, which is compared and nothing else: for an encoder
 * whose `arg` also brings tools along (a pool, say) that differ from caller to caller, while the bytes depend on
 * what is named alone.
 */
SWALE_API int swale_payload_encode_as(swale_payload *p, swale_encode_fn encode, const void *name,
                                      const void *arg, swale_payload **out);

/*
 * Encodes bytes straight into a new payload with one reference: for what goes to one peer. Text is not
 * checked again.
 */
SWALE_API int swale_payload_wrap(enum swale_kind kind, const void *bytes, size_t len, swale_encode_fn encode,
                                 const void *arg, const struct swale_allocator *allocator,
                                 swale_payload **out);

#ifdef __cplusplus
}
#endif

#endif

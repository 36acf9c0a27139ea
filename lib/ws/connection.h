/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_CONNECTION_H
#define SWALE_WS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/transport.h>
#include <swale/ws.h>

#include "ws/close_code.h"
#include "ws/output.h"
#include "ws/pool.h"

struct swale__ws_opening;
struct swale__ws_deflate;

/*
 * The life of a connection.
 *
 *     HEAD ----> DECIDING ----> OPEN ----> CLOSING ----> DRAINING ----> CLOSED
 *      |            |             |                         ^
 *      +------------+-------------+-------------------------+
 *
 *   HEAD      the request is coming in (not where the host has read it)
 *   DECIDING  the consumer has been asked and has not answered; what the peer sends meanwhile is kept
 *   OPEN      frames both ways
 *   CLOSING   our close frame is in the queue, because we began or the peer broke the protocol; what comes in
 *             is only looked through for the peer's
 *   DRAINING  nothing is read any more; what is queued is still written
 *   CLOSED    nothing is shown any more
 *
 * Phases only go to the right. The consumer is told of the end (swale__ws_lose) once the peer's close frame
 * is there or will never be, at once when the peer broke the protocol; `consumer` is NULL from then on.
 */
enum swale__ws_phase {
  SWALE__WS_HEAD,
  SWALE__WS_DECIDING,
  SWALE__WS_OPEN,
  SWALE__WS_CLOSING,
  SWALE__WS_DRAINING,
  SWALE__WS_CLOSED
};

/*
 * One connection. All there is of an idle one, so every field is weighed: times are the low 32 bits of the
 * loop's clock, which is enough for differences of up to 49 days. What sending takes comes first, within the
 * two cache lines that the core asks for ahead.
 */
struct swale_ws {
  struct swale_job job;
  struct swale__ws_pool *pool;
  const struct swale_ws_options *options;
  struct swale__ws_output output;
  swale_payload *pong;               /* to be sent ahead of what waits; the latest ping's */
  struct swale__ws_opening *opening; /* until it is open */
  void *host_data;
  struct swale__ws_deflate *deflate; /* what has been agreed, until we close; NULL: messages go as they are */
  uint32_t message_ms;               /* the last message either way */
  union {
    uint16_t controls_missing; /* from the peer's bucket of control frames, until we close */
    uint16_t close_code;       /* the one we began to close with */
  };
  uint8_t phase;
  bool visited : 1; /* by the host; see swale__ws_visit */
  bool busy : 1;    /* in a feed: callbacks of the consumer may be running */
  bool paused : 1;  /* output is over its mark: the consumer is paused, and nothing shall be read */
  bool pinged : 1;  /* and not heard of since */
  bool ping_due : 1;
  bool tell : 1;                            /* on_output is due */
  bool freed : 1;                           /* by the host; only the job still knows it */
  uint32_t since_ms;                        /* of the beginning, the last ping of ours, the close */
  uint32_t heard_ms;                        /* the peer was last alive */
  uint32_t messages_missing, bytes_missing; /* from the peer's buckets, see rate.c */
  swale_consumer *consumer;
  struct swale__ws_reader *reader; /* while a frame or message is incomplete */
  swale_app *app;
  struct swale_timer timer;
};

_Static_assert(sizeof(struct swale_ws) <= 184 || sizeof(void *) != 8, "an idle connection is small");

/* ---- connection.c: life ---------------------------------------------------------------------- */

extern const struct swale_transport_class swale__ws_transport;

/* A connection in its first phase. *out is NULL on errors: SWALE_ENOMEM, SWALE_EINVAL, SWALE_EFULL, SWALE_ESTATE. */
int swale__ws_make(swale_app *app, swale_loop *loop, const struct swale_ws_options *options, void *host_data,
                   swale_ws **out);

/* Frees what the host has freed. */
void swale__ws_destroy(swale_ws *ws);

/* ---- flow.c: bytes in, bytes out --------------------------------------------------------------- */

/*
 * A call of the host's on a connection. While it lasts, on_output is not called: the host looks at the state
 * when it is back. The connection may be gone when the call ends.
 */
struct swale__ws_visit {
  swale_ws *ws;
  struct swale__ws_pool *pool;
  bool outermost;
};

void swale__ws_visit_begin(struct swale__ws_visit *visit, swale_ws *ws);
/* Whether the connection still exists. */
bool swale__ws_visit_end(struct swale__ws_visit *visit);
/* Likewise where nobody may be called back, so it does exist. */
void swale__ws_visit_end_quietly(struct swale__ws_visit *visit);

static inline bool swale__ws_is_reading(const swale_ws *ws) {
  return ws->phase <= SWALE__WS_CLOSING && !ws->freed;
}

/* Whether callbacks are running for this connection: in a feed, or its consumer's, for a message. */
static inline bool swale__ws_is_busy(const swale_ws *ws) {
  return ws->busy || (ws->consumer && swale_consumer_is_busy(ws->consumer));
}

static inline uint32_t swale__ws_now(const swale_ws *ws) {
  return (uint32_t)swale_loop_now_ms(ws->pool->loop);
}

/* ---- options.c --------------------------------------------------------------------------------- */

/* 0, or SWALE_EINVAL for a size this library does not know or a limit that cannot be. */
int swale__ws_options_check(const struct swale_ws_options *options);

/* ---- notify.c ---------------------------------------------------------------------------------- */

void swale__ws_run_job(struct swale_job *job);

/* The host has something to look at, which he does not know of. */
void swale__ws_tell(swale_ws *ws);

/* The consumer has decided: the host may ask for the answer, early bytes can be taken. */
void swale__ws_decided(swale_ws *ws);

/* ---- opening.c --------------------------------------------------------------------------------- */

/* The handshake is over, one way or the other: it is not counted as undecided any more. */
void swale__ws_opening_decided(swale_ws *ws);

/* ---- sending.c --------------------------------------------------------------------------------- */

/* Queues a frame, taking over the reference, also on the error, SWALE_ENOMEM. Tells the host. */
int swale__ws_queue(swale_ws *ws, swale_payload *frame);

int swale__ws_send(void *transport, swale_payload *payload);
size_t swale__ws_waiting(const void *transport);
int swale__ws_send_bytes(void *transport, enum swale_kind kind, const void *bytes, size_t len);

/* ---- ping.c ------------------------------------------------------------------------------------ */

/* A ping or pong, ahead of data that waits. SWALE_ENOMEM. */
int swale__ws_pong(swale_ws *ws, const void *bytes, size_t len);
int swale__ws_ping(swale_ws *ws);

/* Whether a ping or pong is due; gives such their place in the queue, if it is time. */
static inline bool swale__ws_has_urgent(const swale_ws *ws) { return ws->pong || ws->ping_due; }
void swale__ws_place_urgent(swale_ws *ws);

/* Pauses or resumes the consumer as the marks say. */
void swale__ws_watch_marks(swale_ws *ws);

/* ---- incoming.c -------------------------------------------------------------------------------- */

/* Frames of the peer, in OPEN and CLOSING. */
void swale__ws_take_frames(swale_ws *ws, const void *bytes, size_t len);

/* Gives back the message that is incomplete, if there is one. */
void swale__ws_drop_message(swale_ws *ws);

/* Gives back what incomplete frames and messages hold. Not from inside swale__ws_take_frames. */
void swale__ws_release_input(swale_ws *ws);

/* ---- closing.c --------------------------------------------------------------------------------- */

/* Goes on to a later phase. */
void swale__ws_enter_phase(swale_ws *ws, enum swale__ws_phase phase);

/* Tells the consumer of the end and forgets it. */
void swale__ws_lose(swale_ws *ws, int code);

/* The peer is at fault, or memory is out: close frame with `code`, disconnect with it, report. */
void swale__ws_fail(swale_ws *ws, uint16_t code, int error, const char *detail);

/* Likewise when what comes in cannot be told apart as frames any more. */
void swale__ws_fail_framing(swale_ws *ws);

/* The connection has ended without close frames. `detail` is reported; NULL: nothing is. */
void swale__ws_break(swale_ws *ws, const char *detail);

void swale__ws_peer_closed(swale_ws *ws, const unsigned char *payload, size_t len);

int swale__ws_close_transport(void *transport, uint16_t code, const char *reason);
void swale__ws_cut(void *transport);

/* ---- deadline.c -------------------------------------------------------------------------------- */

/* (Re)arms the timer for what the phase waits for. */
void swale__ws_watch_deadline(swale_ws *ws);
void swale__ws_deadline(struct swale_timer *timer);

#endif

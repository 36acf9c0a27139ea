/* SPDX-License-Identifier: MIT */
#ifndef SWALE_TESTING_H
#define SWALE_TESTING_H

#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/app.h>
#include <swale/env.h>
#include <swale/error.h>
#include <swale/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For tests of programs that use swale, libswale-testing: consumers without sockets or waiting. One thread.
 */

/* ---- a world under control -------------------------------------------------------------- */

/*
 * An environment whose clock stands still until it is moved, whose random numbers follow from a seed, and
 * whose memory can be told to run out. Memory comes from the C library, so sanitizers see every block.
 */
typedef struct swale_testing_env swale_testing_env;

SWALE_API swale_testing_env *swale_testing_env_new(uint64_t seed);
/* Returns the number of blocks that were never freed: 0 in a good test. */
SWALE_API size_t swale_testing_env_free(swale_testing_env *t);
/* To put into configs; valid as long as `t`. */
SWALE_API const struct swale_env *swale_testing_env_get(const swale_testing_env *t);

SWALE_API uint64_t swale_testing_now_ms(const swale_testing_env *t);
/* Moves the clock on. Loops do not notice by themselves: run them, or use swale_testing_pass. */
SWALE_API void swale_testing_advance(swale_testing_env *t, uint64_t ms);
/*
 * Moves the clock on in steps from one deadline of the loop to the next, running it at each until it rests.
 * Errors: SWALE_EFULL when it does not (10,000 runs), SWALE_ESTATE from inside a callback.
 */
SWALE_API int swale_testing_pass(swale_testing_env *t, swale_loop *loop, uint64_t ms);

/* The n-th allocation from now fails (1: the next), 0: none. With `for_good` all later ones too. */
SWALE_API void swale_testing_fail_allocation(swale_testing_env *t, uint64_t n, int for_good);
/* Whether the failure has been met; allocations made so far; blocks and bytes alive now. */
SWALE_API int swale_testing_failed(const swale_testing_env *t);
SWALE_API uint64_t swale_testing_allocations(const swale_testing_env *t);
SWALE_API size_t swale_testing_blocks(const swale_testing_env *t);
SWALE_API size_t swale_testing_bytes(const swale_testing_env *t);
/* The random source answers with an error from now on (1) or not (0). */
SWALE_API void swale_testing_fail_random(swale_testing_env *t, int fails);

/* ---- a communicator --------------------------------------------------------------------- */

/*
 * The peer of one consumer, in the manner of Channels' WebsocketCommunicator: a connection without bytes or
 * sockets. Each call that asks or does something (connect to stall) runs the loop before and after, until it
 * has nothing left to do at this moment of the clock: what was sent to a group before has arrived, and what
 * follows from the call has happened when it returns. Such a call is SWALE_EFULL when the consumers keep each
 * other busy without end, and from inside a callback SWALE_ESTATE; there only swale_communicator_free does
 * anything.
 */
typedef struct swale_communicator swale_communicator;

/*
 * `path` with query: "/ws/chat/lobby/?x=1". `env` NULL: C library; otherwise the communicator's memory comes
 * from there. Errors: SWALE_ENOMEM, SWALE_EINVAL (a path that no request could hold). Free it before its
 * loop.
 */
SWALE_API int swale_communicator_new(swale_app *app, swale_loop *loop, const char *path,
                                     const struct swale_env *env, swale_communicator **out);
/* Ends the connection (1006) if it is still there. NULL is fine. */
SWALE_API void swale_communicator_free(swale_communicator *p);

/*
 * Before connecting. Copied. Errors: SWALE_ENOMEM, SWALE_ESTATE, SWALE_EINVAL (not a token, a control
 * character). Either address may be NULL.
 */
SWALE_API int swale_communicator_header(swale_communicator *p, const char *name, const char *value);
SWALE_API int swale_communicator_subprotocol(swale_communicator *p, const char *name);
SWALE_API int swale_communicator_address(swale_communicator *p, const char *client, const char *server);

/*
 * Connects. Returns 0 accepted; SWALE_EAGAIN undecided; 400..599 refused with this status; or an error: of
 * swale_consumer_open (it may be tried again), SWALE_ESTATE connected before, SWALE_ECLOSED over without a
 * decision.
 */
SWALE_API int swale_communicator_connect(swale_communicator *p);
/* The same answer again, for a decision that came later. */
SWALE_API int swale_communicator_answer(swale_communicator *p);
/*
 * What the consumer accepted with, or NULL; a header of its answer, or NULL; the body of a refusal, or NULL.
 */
SWALE_API const char *swale_communicator_accepted_subprotocol(const swale_communicator *p);
SWALE_API const char *swale_communicator_answer_header(const swale_communicator *p, const char *name);
SWALE_API const char *swale_communicator_body(const swale_communicator *p);

/*
 * The peer sends. The consumer gets a copy whose block ends with the message, so that a sanitizer notices one
 * that reads on. Errors: SWALE_ECLOSED, SWALE_ESTATE (not accepted yet), SWALE_EUTF8, SWALE_EINVAL,
 * SWALE_ENOMEM.
 */
SWALE_API int swale_communicator_send_text(swale_communicator *p, const char *text);
SWALE_API int swale_communicator_send(swale_communicator *p, enum swale_kind kind, const void *bytes,
                                      size_t len);

/*
 * The oldest message that the consumer sent: 0, and a view (ended by an extra NUL) valid until the next
 * receive on `p`; SWALE_EAGAIN when there is none; SWALE_ECLOSED when there is none and the connection is
 * over; SWALE_ENOMEM (it stays).
 */
struct swale_received {
  enum swale_kind kind;
  const char *data;
  size_t len;
};
SWALE_API int swale_communicator_receive(swale_communicator *p, struct swale_received *out);
/* 1 when the next message is this text (it is taken), else 0 (it stays). */
SWALE_API int swale_communicator_expect_text(swale_communicator *p, const char *text);
/* 1 when the consumer has sent nothing that was not received and has not closed, else 0. */
SWALE_API int swale_communicator_expect_nothing(swale_communicator *p);

/*
 * The peer closes with this code, or vanishes (1006). Errors: SWALE_ESTATE, SWALE_ECLOSED, SWALE_EINVAL (not
 * 1000..4999).
 */
SWALE_API int swale_communicator_disconnect(swale_communicator *p, int code);

/* The consumer's close: its code (0 while open) and reason ("" if none). */
SWALE_API int swale_communicator_close_code(const swale_communicator *p);
SWALE_API const char *swale_communicator_close_reason(const swale_communicator *p);

/* A peer that stops reading (1) pauses its consumer; 0 resumes it. Before connecting: from the start. */
SWALE_API int swale_communicator_stall(swale_communicator *p, int stalled);

/* What the consumer may send unread before it gets SWALE_EFULL; default 1,000 messages. */
SWALE_API void swale_communicator_capacity(swale_communicator *p, size_t messages);

/* The consumer, from connect until the connection is over; else NULL. */
SWALE_API swale_consumer *swale_communicator_consumer(const swale_communicator *p);

#ifdef __cplusplus
}
#endif

#endif

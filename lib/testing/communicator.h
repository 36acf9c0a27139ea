/* SPDX-License-Identifier: MIT */
#ifndef SWALE_TESTING_COMMUNICATOR_H
#define SWALE_TESTING_COMMUNICATOR_H

#include <stdbool.h>

#include <swale/testing.h>
#include <swale/transport.h>

#include "testing/mailbox.h"
#include "testing/strings.h"

/*
 * The life of a communicator's connection.
 *
 *   FRESH --connect--> UNDECIDED --accept--> OPEN --it closes--> CLOSING --end of the call--> GONE
 *                          |                  |                                              ^
 *                          +---- refused -----+---- disconnect, free ------------------------+
 *
 * `consumer` is there from UNDECIDED to CLOSING. A consumer's close is answered by the job `closing`, as by a
 * peer who answers at once. Freeing is a job too, and waits besides until no call on the communicator is
 * under way, so that one may be freed by the very consumer it talks to.
 */
enum swale__communicator_stage {
  SWALE__PEER_FRESH,
  SWALE__PEER_UNDECIDED,
  SWALE__PEER_OPEN,
  SWALE__PEER_CLOSING,
  SWALE__PEER_GONE
};

struct swale_communicator {
  struct swale_allocator allocator;
  swale_app *app;
  swale_loop *loop;
  swale_consumer *consumer;
  enum swale__communicator_stage stage;
  unsigned calls; /* under way */
  bool doomed;    /* to be freed at their end */
  bool stalled;
  struct swale_job closing;
  struct swale_job freeing;

  /* The request. */
  char *target;
  char *client;
  char *server;
  struct swale__testing_headers headers;
  struct swale__testing_names subprotocols;

  /* The answer. */
  bool accepted;
  int status; /* of a refusal, else 0 */
  char *subprotocol;
  char *body;
  struct swale__testing_headers answer_headers;

  struct swale__mailbox mail;
  int close_code;
  char close_reason[124];
};

extern const struct swale_transport_class swale__communicator_class;

/* The connection is over, for whatever reason. Inside swale_loop_enter. */
void swale__communicator_lose(swale_communicator *p, int code);

/* Forgets an answer, after a connect that failed. */
void swale__communicator_forget_answer(swale_communicator *p);

/*
 * Around each public call that may run the loop. The first lets what was under way come to rest; a call goes
 * on only if it answers 0. The last ends the call with its result.
 */
int swale__communicator_begin(swale_communicator *p);
int swale__communicator_end(swale_communicator *p, int rv);

#endif

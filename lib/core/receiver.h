/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_RECEIVER_H
#define SWALE_CORE_RECEIVER_H

#include <swale/layer.h>
#include <swale/loop.h>

#include "core/ring.h"

struct swale__plain;
struct swale__wakes;

/*
 * Who waits for one message of a plain channel: swale_receive_then. Receivers stand in their channel in the order in
 * which they came. A message goes into the channel's queue as ever, and the first of them is *called*: his loop is
 * woken, and takes it there. As many are called as messages wait, so one who gives up leaves what he was called for
 * to the next, and when messages expire or are flushed those called last wait again, before all others.
 */
struct swale_receiver {
  struct swale_reception how;
  swale_layer *layer;
  /* NULL: it has ended, with `result`. Under the layer's lock, as the next three. */
  struct swale__plain *plain;
  struct swale__ring in_channel;
  int result;
  bool called;
  struct swale__ring on_loop; /* under the loop's lock */
  struct swale_timer timer;   /* the loop's thread */
};

/* ---- under the layer's lock ---- */

/*
 * Calls as many as there are messages. Whoever changes the one or the other does it, but when messages go it can wait.
 * An error: the backend could not be told that some wait now.
 */
int swale__receivers_match(swale_layer *layer, struct swale__plain *p, struct swale__wakes *wakes);
/* The channel is not for receiving any more: all are told so. */
void swale__receivers_end(swale_layer *layer, struct swale__plain *p, int result, struct swale__wakes *wakes);

/* ---- the loop's thread ---- */

/* Gives those that were called by now their messages. */
void swale__receivers_run(swale_loop *loop);
/* The loop ends. */
void swale__receivers_forsake(swale_loop *loop);

#endif

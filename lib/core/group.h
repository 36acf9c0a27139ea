/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_GROUP_H
#define SWALE_CORE_GROUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <swale/layer.h>

#include "core/channel.h"
#include "core/lease.h"
#include "core/table.h"

struct swale__port;

/*
 * Groups. The members of a group stand in lanes: one for each port (a loop's presence in the layer) that has
 * members, and one, without a port, for plain channels. A lane is a contiguous array, because a broadcast
 * walks it.
 *
 * Who may touch a lane. Adding and removing is done by any thread under the layer's lock and the loop's lock for
 * its lanes. The walk is done by the loop's thread under no lock, since it calls handlers. The two meet in the
 * loop's `walking`, which changes under the latter: so many places at the front of this lane are being walked.
 * These stay where they are. A member who leaves one is blanked there, and when the walk is over the loop
 * fills the gaps. Whoever comes stands behind them, where the walk does not look. If there is no room a
 * larger array takes the place of the one that is walked, which is kept for the walk until it is over. So
 * settling needs no memory.
 *
 * A lane lives while it has members or entries in its loop's inbox. The group remembers the number of the last entry
 * that was posted for the lane, the loop that of the last one it has settled; so neither writes where the other reads.
 *
 * A membership is two halves which know each other: a place in the lane, and an element in the channel's
 * list (channel.h). When either moves, the other is told. There is no table to find the membership of a
 * channel in a group by: the shorter of the two, the channel's list or the lane, is looked through.
 *
 * A place carries the sequence number its loop's inbox had when it was taken, so that a message already in
 * the inbox then does not reach it. `youngest` is the largest of them in the lane: a walk for a later message
 * skips the comparison.
 */
struct swale__group {
  struct swale__link link; /* by name */
  swale_layer *layer;
  uint64_t members;
  uint64_t ticket; /* of the backend; see swale_backend_settled */
  struct swale__posting *lanes;
  uint32_t n_lanes, room;
  char name[];
};

/* One of a group's lanes, and the number of the last entry in its loop's inbox that is for it; 0: none yet. */
struct swale__posting {
  struct swale__lane *lane;
  uint64_t last;
};

struct swale__place {
  _Atomic(struct swale__channel *) channel; /* NULL: has left while the place was walked */
  union {
    uint64_t joined;
    struct swale__lease *lease; /* in the lane of plain channels */
  };
  uint32_t membership; /* its index in the channel's list; the layer's lock is enough for it */
};

static inline struct swale__channel *swale__place_channel(const struct swale__place *place) {
  return atomic_load_explicit(&place->channel, memory_order_relaxed);
}

struct swale__lane {
  struct swale__group *group;
  struct swale__port *port; /* NULL: plain channels */
  struct swale__place *places;
  uint32_t count, room;
  uint32_t live; /* places that are not blank */
  uint64_t youngest;
};

/* The walk that a loop is at: one at most, since handlers are not called from handlers. */
struct swale__walking {
  const struct swale__lane *lane; /* NULL: none */
  uint32_t count;                 /* places being walked */
  struct swale__place *kept;      /* the array they are walked in, when the lane has got a new one */
  uint64_t settled;               /* the number of the last entry whose walk is over */
};

/* Everything below: under the layer's lock. */

struct swale__group *swale__group_find(swale_layer *layer, const char *name);

/* The membership of `channel` in `group`, or NULL. It is valid until one of the channel's is made or ended. */
struct swale__membership *swale__membership_find(const struct swale__group *group,
                                                 const struct swale__channel *channel);

/* Makes the channel a member (creating the group); renews it if it is one. SWALE_ENOMEM, SWALE_EFULL. */
int swale__group_join(swale_layer *layer, const char *name, struct swale__channel *channel);

/* Ends a membership, and its lane and group when they are empty. */
void swale__membership_end(swale_layer *layer, struct swale__membership *m);

/* Ends all memberships of a channel. */
void swale__channel_leave_all(swale_layer *layer, struct swale__channel *channel);

/* Ends every membership of the layer. */
void swale__groups_clear(swale_layer *layer);

/* ---- the walk: the loop's thread, without the layer's lock ---- */

struct swale__walk {
  struct swale__place *places;
  uint32_t count;
  uint64_t youngest;
};

/* Begins a walk: what it answers stays put until swale__lane_settle. */
struct swale__walk swale__lane_walk(struct swale__lane *lane);

/* Ends the walk for the inbox entry of this number; the lane may be gone afterwards. */
void swale__lane_settle(struct swale__lane *lane, uint64_t sequence);

#endif

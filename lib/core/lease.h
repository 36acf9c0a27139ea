/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_LEASE_H
#define SWALE_CORE_LEASE_H

#include <stdint.h>

#include <swale/layer.h>

struct swale__lane;

/*
 * What the membership of a channel without a live consumer has besides: it expires, a layer's group_expiry_ms
 * after it was made or renewed. A list in the order of renewal is one in the order of expiry. All under the
 * layer's lock.
 */
struct swale__lease {
  struct swale__lane *lane;
  uint32_t index; /* in the lane */
  struct swale__lease *older, *newer;
  uint64_t expires;
};

struct swale__leases {
  struct swale__lease *oldest, *newest;
};

/* Begins a lease that now runs for the layer's group_expiry_ms, or lets it run anew. */
void swale__lease_start(swale_layer *layer, struct swale__lease *l);
void swale__lease_renew(swale_layer *layer, struct swale__lease *l);

/* Takes it out of the list. */
void swale__lease_end(struct swale__leases *all, struct swale__lease *l);

/* Ends memberships whose lease has run out; a worker's channel is renewed instead. */
void swale__leases_expire(swale_layer *layer, uint64_t now);

#endif

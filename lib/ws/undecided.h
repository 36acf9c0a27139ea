/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_UNDECIDED_H
#define SWALE_WS_UNDECIDED_H

#include <stddef.h>
#include <stdint.h>

#include <swale/transport.h>

struct swale__ws_opening;

/*
 * The handshakes of a loop that are not decided yet, in all and by peer. Most of the time there are none, and
 * then this holds no memory. A peer is known by the hash of its address alone.
 */
struct swale__ws_undecided {
  struct swale__ws_opening *first;
  size_t count;
  uint64_t seed;
  struct swale__ws_peer *peers; /* open addressing, `room` is a power of two or 0 */
  uint32_t room, n_peers;
};

/* What a peer is known by: its address without the port, of IPv6 the network. 0 for NULL. */
uint64_t swale__ws_peer_key(uint64_t seed, const char *client);

/* Counts one more from this peer: 0, SWALE_EFULL at `max`, SWALE_ENOMEM. */
int swale__ws_peer_join(struct swale__ws_undecided *u, const struct swale_allocator *a, uint64_t key,
                        uint32_t max);
void swale__ws_peer_leave(struct swale__ws_undecided *u, const struct swale_allocator *a, uint64_t key);

/* Counts a connection's opening in: 0, SWALE_EFULL, SWALE_ENOMEM. Counts it out, once. */
int swale__ws_undecided_join(struct swale__ws_opening *opening, const char *client);
void swale__ws_undecided_leave(struct swale__ws_opening *opening);

/* The loop begins to drain: refuses the requests that are coming in. */
size_t swale__ws_undecided_drain(struct swale_drain_hook *hook);

#endif

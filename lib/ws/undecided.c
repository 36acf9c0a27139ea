/* SPDX-License-Identifier: MIT */
#include "ws/undecided.h"

#include <arpa/inet.h>
#include <string.h>

#include "ws/memory.h"
#include "ws/opening.h"

struct swale__ws_peer {
  uint64_t key; /* 0: free */
  uint32_t count;
};

enum { FIRST_ROOM = 4, IPV4_IN_IPV6 = 12, NETWORK_SIZE = 8 };

/* ---- who a peer is ---------------------------------------------------------------------- */

/* Nobody who does not know the seed can tell which addresses meet. */
static uint64_t hash(uint64_t seed, const void *bytes, size_t len) {
  uint64_t h = seed;
  for (const unsigned char *at = bytes; len > 0; len--) {
    h = (h ^ *at++) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
  }
  return h ? h : 1;
}

/* The host of "host:port", "[host]:port", or without a port. */
static const char *host_of(const char *client, size_t *len) {
  const char *colon = strchr(client, ':');
  const char *end = *client == '[' ? strchr(client, ']') : NULL;
  if (end) {
    *len = (size_t)(end - client - 1);
    return client + 1;
  }
  *len = colon && !strchr(colon + 1, ':') ? (size_t)(colon - client) : strlen(client);
  return client;
}

uint64_t swale__ws_peer_key(uint64_t seed, const char *client) {
  char text[INET6_ADDRSTRLEN];
  unsigned char address[16];
  static const unsigned char mapped[IPV4_IN_IPV6] = {[10] = 0xff, [11] = 0xff};
  size_t len;
  if (!client)
    return 0;
  const char *host = host_of(client, &len);
  if (len >= sizeof text)
    return hash(seed, host, len);
  memcpy(text, host, len);
  text[len] = '\0';
  if (inet_pton(AF_INET6, text, address) != 1)
    return hash(seed, host, len);
  bool is_ipv4 = memcmp(address, mapped, sizeof mapped) == 0;
  return hash(seed, address, is_ipv4 ? sizeof address : NETWORK_SIZE);
}

/* ---- the table -------------------------------------------------------------------------- */

/* The peer's place, or the free one where it belongs. There is always a free one. */
static struct swale__ws_peer *find(const struct swale__ws_undecided *u, uint64_t key) {
  uint32_t at = (uint32_t)key & (u->room - 1);
  while (u->peers[at].key && u->peers[at].key != key)
    at = (at + 1) & (u->room - 1);
  return &u->peers[at];
}

static int grow(struct swale__ws_undecided *u, const struct swale_allocator *a) {
  struct swale__ws_undecided old = *u;
  uint32_t room = old.room ? old.room * 2 : FIRST_ROOM;
  struct swale__ws_peer *peers = swale__ws_malloc(a, room * sizeof *peers);
  if (!peers)
    return SWALE_ENOMEM;
  memset(peers, 0, room * sizeof *peers);
  u->peers = peers;
  u->room = room;
  for (uint32_t i = 0; i < old.room; i++)
    if (old.peers[i].key)
      *find(u, old.peers[i].key) = old.peers[i];
  swale__ws_release(a, old.peers);
  return 0;
}

int swale__ws_peer_join(struct swale__ws_undecided *u, const struct swale_allocator *a, uint64_t key,
                        uint32_t max) {
  if (u->n_peers >= u->room / 2 && grow(u, a) < 0)
    return SWALE_ENOMEM;
  struct swale__ws_peer *peer = find(u, key);
  if (peer->count >= max)
    return SWALE_EFULL;
  u->n_peers += peer->count == 0;
  peer->key = key;
  peer->count++;
  return 0;
}

/* Those behind a place that becomes free are put in again, lest they be looked for in vain. */
static void close_gap(struct swale__ws_undecided *u, struct swale__ws_peer *gap) {
  uint32_t at = (uint32_t)(gap - u->peers);
  for (;;) {
    at = (at + 1) & (u->room - 1);
    struct swale__ws_peer moved = u->peers[at];
    if (!moved.key)
      return;
    u->peers[at].key = 0;
    u->peers[at].count = 0;
    *find(u, moved.key) = moved;
  }
}

void swale__ws_peer_leave(struct swale__ws_undecided *u, const struct swale_allocator *a, uint64_t key) {
  struct swale__ws_peer *peer = find(u, key);
  if (--peer->count > 0)
    return;
  peer->key = 0;
  if (--u->n_peers > 0) {
    close_gap(u, peer);
    return;
  }
  swale__ws_release(a, u->peers);
  u->peers = NULL;
  u->room = 0;
}

/* ---- openings --------------------------------------------------------------------------- */

int swale__ws_undecided_join(struct swale__ws_opening *opening, const char *client) {
  struct swale__ws_pool *pool = opening->ws->pool;
  struct swale__ws_undecided *u = &pool->undecided;
  const struct swale_ws_options *o = opening->ws->options;
  if (u->count >= o->handshakes_max)
    return SWALE_EFULL;
  opening->peer = swale__ws_peer_key(u->seed, client);
  int rv = opening->peer ? swale__ws_peer_join(u, pool->allocator, opening->peer, o->handshakes_per_peer) : 0;
  if (rv < 0)
    return rv;
  u->count++;
  opening->next = u->first;
  opening->link = &u->first;
  if (u->first)
    u->first->link = &opening->next;
  u->first = opening;
  return 0;
}

void swale__ws_undecided_leave(struct swale__ws_opening *opening) {
  struct swale__ws_pool *pool = opening->ws->pool;
  if (!opening->link)
    return;
  *opening->link = opening->next;
  if (opening->next)
    opening->next->link = opening->link;
  opening->link = NULL;
  pool->undecided.count--;
  if (opening->peer)
    swale__ws_peer_leave(&pool->undecided, pool->allocator, opening->peer);
}

size_t swale__ws_undecided_drain(struct swale_drain_hook *hook) {
  struct swale__ws_pool *pool =
      (struct swale__ws_pool *)((char *)hook - offsetof(struct swale__ws_pool, drain_hook));
  size_t n = 0;
  for (struct swale__ws_opening *o = pool->undecided.first, *next; o; o = next) {
    next = o->next;
    if (o->ws->phase != SWALE__WS_HEAD)
      continue; /* has a consumer, or is about to */
    swale__ws_opening_refuse(o->ws, 503, NULL);
    n++;
  }
  return n;
}

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_POOL_H
#define SWALE_WS_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <swale/message.h>
#include <swale/ws.h>

#include "ws/burst.h"
#include "ws/chunks.h"
#include "ws/codec.h"
#include "ws/frame_in.h"
#include "ws/message_in.h"
#include "ws/undecided.h"

enum { SWALE__CONNECTIONS_MAX = 1000000 };

/*
 * What the connections of one loop share, so that an idle one holds next to nothing and a busy one asks the
 * allocator for next to nothing: frame readers, chunks of output queues, a block to put messages together in,
 * codecs. The loop's thread only.
 */
struct swale__ws_pool {
  swale_loop *loop;
  const struct swale_allocator *allocator;
  struct swale_ws_options defaults; /* of connections that were given none */
  size_t connections;
  struct swale__ws_reader *readers;
  size_t n_readers;
  struct swale__ws_chunk *chunks;
  size_t n_chunks, n_spare; /* spare: the fewest there were since `trim` was armed */
  struct swale_timer trim;
  struct swale__ws_burst *burst; /* that grows */
  struct swale__ws_assembly *assembly;
  struct swale__ws_codec *codecs;     /* the last one given first */
  struct swale__ws_deflate *deflates; /* what connections share that have agreed on the same */
  swale_payload *ping, *pong;         /* without payload */
  swale_ws *left; /* whose visit is about to end, until it is freed; see swale__ws_visit_end */
  struct swale__ws_undecided undecided;
  struct swale_drain_hook drain_hook;
};

/* The loop's pool, made when first asked for; NULL when there is no memory. */
struct swale__ws_pool *swale__ws_pool_of(swale_loop *loop);

/* Counts a connection in or out. SWALE_EFULL at SWALE__CONNECTIONS_MAX. */
int swale__ws_pool_join(struct swale__ws_pool *pool);
void swale__ws_pool_leave(struct swale__ws_pool *pool);

/* The take functions answer NULL when there is no memory. */
struct swale__ws_reader *swale__ws_pool_take_reader(struct swale__ws_pool *pool);
void swale__ws_pool_give_reader(struct swale__ws_pool *pool, struct swale__ws_reader *reader);

struct swale__ws_chunk *swale__ws_pool_take_chunk(struct swale__ws_pool *pool);
void swale__ws_pool_give_chunk(struct swale__ws_pool *pool, struct swale__ws_chunk *chunk);

struct swale__ws_assembly *swale__ws_pool_take_assembly(struct swale__ws_pool *pool, enum swale_kind kind);
void swale__ws_pool_give_assembly(struct swale__ws_pool *pool, struct swale__ws_assembly *message);

/* A codec of this shape that remembers nothing. */
struct swale__ws_codec *swale__ws_pool_take_codec(struct swale__ws_pool *pool, struct swale__ws_shape shape);
void swale__ws_pool_give_codec(struct swale__ws_pool *pool, struct swale__ws_codec *codec);
/* Likewise the one that a message has borrowed, if it has. */
void swale__ws_pool_give_codec_of(struct swale__ws_pool *pool, struct swale__ws_assembly *message);

/* A ping or pong (opcode) with this payload, with a reference of the caller's. */
swale_payload *swale__ws_pool_take_control(struct swale__ws_pool *pool, unsigned char opcode,
                                           const void *bytes, size_t len);

#endif

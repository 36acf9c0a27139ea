/* SPDX-License-Identifier: MIT */
#include "ws/pool.h"

#include <swale/transport.h>

#include "ws/frame_out.h"
#include "ws/memory.h"

/*
 * What is kept for later use: READERS_KEPT readers (4 KiB each), which are only needed at the same time by
 * connections in the middle of a frame; one assembly of at most ASSEMBLY_KEPT bytes, since messages seldom
 * arrive in pieces; and as many chunks as there are connections, because messages to a group that its members do not
 * send alike, or that outgrow a burst, fill a chunk for each of them at once, and the next shall not ask the allocator
 * again; if none come, half of those that nobody has needed go every TRIM_MS. Of codecs (up to 270 KiB each) those
 * CODECS_KEPT that were used last.
 */
enum { READERS_KEPT = 16, ASSEMBLY_KEPT = 65536, TRIM_MS = 10000, CODECS_KEPT = 4 };

static const char key;

static void drop_codec(struct swale__ws_codec **link) {
  struct swale__ws_codec *codec = *link;
  *link = codec->next;
  swale__ws_codec_free(codec);
}

/* The last chunk has gone with the last connection. */
static void free_pool(void *data, const struct swale_env *env) {
  struct swale__ws_pool *pool = data;
  for (struct swale__ws_reader *r = pool->readers, *next; r; r = next) {
    next = r->next;
    swale__ws_reader_free(r, &env->allocator);
  }
  while (pool->codecs)
    drop_codec(&pool->codecs);
  swale__ws_release(&env->allocator, pool->assembly);
  swale__ws_release(&env->allocator, pool->burst);
  swale_payload_unref(pool->ping);
  swale_payload_unref(pool->pong);
}

static void watch_spare(struct swale__ws_pool *pool) {
  pool->n_spare = pool->n_chunks;
  if (pool->n_chunks > 0)
    swale_timer_start(pool->loop, &pool->trim, TRIM_MS);
}

static void trim(struct swale_timer *timer) {
  struct swale__ws_pool *pool =
      (struct swale__ws_pool *)((char *)timer - offsetof(struct swale__ws_pool, trim));
  for (size_t n = (pool->n_spare + 1) / 2; n > 0; n--)
    swale__ws_release(pool->allocator, swale__ws_pool_take_chunk(pool));
  watch_spare(pool);
}

/* Without randomness it is the pool's address, which is hard enough to guess. */
static void draw_seed(struct swale__ws_pool *pool) {
  const struct swale_env *env = swale_loop_env(pool->loop);
  uint64_t *seed = &pool->undecided.seed;
  if (env->random(seed, sizeof *seed, env->user) != 0)
    *seed = (uintptr_t)pool;
}

struct swale__ws_pool *swale__ws_pool_of(swale_loop *loop) {
  struct swale__ws_pool *pool = swale_loop_extension(loop, &key, sizeof *pool, free_pool);
  if (pool && !pool->loop) {
    pool->loop = loop;
    pool->allocator = &swale_loop_env(loop)->allocator;
    swale_ws_options_default(&pool->defaults);
    pool->trim.fire = trim;
    draw_seed(pool);
    pool->drain_hook.refuse = swale__ws_undecided_drain;
    swale_loop_on_drain(loop, &pool->drain_hook);
  }
  return pool;
}

int swale__ws_pool_join(struct swale__ws_pool *pool) {
  if (pool->connections == SWALE__CONNECTIONS_MAX)
    return SWALE_EFULL;
  int rv = swale_loop_hold(pool->loop);
  if (rv == 0)
    pool->connections++;
  return rv;
}

void swale__ws_pool_leave(struct swale__ws_pool *pool) {
  pool->connections--;
  swale_loop_release(pool->loop);
  if (pool->n_chunks > pool->connections)
    swale__ws_release(pool->allocator, swale__ws_pool_take_chunk(pool));
}

struct swale__ws_reader *swale__ws_pool_take_reader(struct swale__ws_pool *pool) {
  struct swale__ws_reader *reader = pool->readers;
  if (reader) {
    pool->readers = reader->next;
    pool->n_readers--;
  } else {
    swale__ws_reader_new(pool->allocator, &reader);
  }
  return reader;
}

void swale__ws_pool_give_reader(struct swale__ws_pool *pool, struct swale__ws_reader *reader) {
  if (!swale__ws_reader_idle(reader) || pool->n_readers == READERS_KEPT) {
    swale__ws_reader_free(reader, pool->allocator);
    return;
  }
  reader->next = pool->readers;
  pool->readers = reader;
  pool->n_readers++;
}

struct swale__ws_chunk *swale__ws_pool_take_chunk(struct swale__ws_pool *pool) {
  struct swale__ws_chunk *chunk = pool->chunks;
  if (chunk) {
    pool->chunks = chunk->next;
    if (--pool->n_chunks < pool->n_spare)
      pool->n_spare = pool->n_chunks;
  } else {
    chunk = swale__ws_malloc(pool->allocator, sizeof *chunk);
  }
  if (chunk) {
    chunk->next = NULL;
    chunk->first = chunk->end = 0;
  }
  return chunk;
}

void swale__ws_pool_give_chunk(struct swale__ws_pool *pool, struct swale__ws_chunk *chunk) {
  if (pool->n_chunks >= pool->connections) {
    swale__ws_release(pool->allocator, chunk);
    return;
  }
  chunk->next = pool->chunks;
  pool->chunks = chunk;
  pool->n_chunks++;
  if (!swale_timer_armed(&pool->trim))
    watch_spare(pool);
}

struct swale__ws_assembly *swale__ws_pool_take_assembly(struct swale__ws_pool *pool, enum swale_kind kind) {
  struct swale__ws_assembly *message = pool->assembly;
  pool->assembly = NULL;
  if (!message && swale__ws_assembly_new(pool->allocator, &message) < 0)
    return NULL;
  swale__ws_assembly_reset(message, kind);
  return message;
}

void swale__ws_pool_give_assembly(struct swale__ws_pool *pool, struct swale__ws_assembly *message) {
  swale__ws_pool_give_codec_of(pool, message);
  if (pool->assembly || message->capacity > ASSEMBLY_KEPT)
    swale__ws_release(pool->allocator, message);
  else
    pool->assembly = message;
}

static bool same_shape(struct swale__ws_shape a, struct swale__ws_shape b) {
  return a.level == b.level && a.window_bits == b.window_bits && a.mem_level == b.mem_level;
}

struct swale__ws_codec *swale__ws_pool_take_codec(struct swale__ws_pool *pool, struct swale__ws_shape shape) {
  struct swale__ws_codec **link = &pool->codecs;
  while (*link && !same_shape((*link)->shape, shape))
    link = &(*link)->next;
  struct swale__ws_codec *codec = *link;
  if (!codec)
    return swale__ws_codec_new(shape, pool->allocator);
  *link = codec->next;
  swale__ws_codec_reset(codec);
  return codec;
}

void swale__ws_pool_give_codec(struct swale__ws_pool *pool, struct swale__ws_codec *codec) {
  struct swale__ws_codec **link = &pool->codecs;
  codec->next = pool->codecs;
  pool->codecs = codec;
  for (int i = 0; i < CODECS_KEPT && *link; i++)
    link = &(*link)->next;
  if (*link)
    drop_codec(link);
}

void swale__ws_pool_give_codec_of(struct swale__ws_pool *pool, struct swale__ws_assembly *message) {
  if (message->codec && !message->codec->owned)
    swale__ws_pool_give_codec(pool, message->codec);
  message->codec = NULL;
}

swale_payload *swale__ws_pool_take_control(struct swale__ws_pool *pool, unsigned char opcode,
                                           const void *bytes, size_t len) {
  swale_payload **empty = opcode == SWALE__FRAME_PING ? &pool->ping : &pool->pong;
  swale_payload *frame = NULL;
  if (len > 0) {
    swale__ws_frame_control(opcode, bytes, len, pool->allocator, &frame);
    return frame;
  }
  if (!*empty)
    swale__ws_frame_control(opcode, "", 0, pool->allocator, empty);
  return *empty ? swale_payload_ref(*empty) : NULL;
}

/* SPDX-License-Identifier: MIT */
/* What connections cost in bytes and allocations: the numbers of the design. */
#include "world.h"

#include <stdio.h>

/* ---- an allocator that counts bytes --------------------------------------------------------- */

/* Each block is preceded by its size. `heap`: as glibc gives it out on 64 bits, 8 bytes for itself and rounded. */
struct scale {
  size_t bytes, blocks, heap;
  long calls;
};

enum { FRONT = 16 };

static size_t in_heap(size_t size) { return size + 8 < 32 ? 32 : (size + 8 + 15) / 16 * 16; }

static void *scale_realloc(void *block, size_t size, void *user) {
  struct scale *s = user;
  unsigned char *at = block ? (unsigned char *)block - FRONT : NULL;
  size_t old = 0;
  if (at)
    memcpy(&old, at, sizeof old);
  at = realloc(at, FRONT + size);
  memcpy(at, &size, sizeof size);
  s->bytes += size - old;
  s->heap += in_heap(size) - (block ? in_heap(old) : 0);
  s->blocks += block == NULL;
  s->calls++;
  return at + FRONT;
}

static void *scale_malloc(size_t size, void *user) { return scale_realloc(NULL, size, user); }

static void scale_free(void *block, void *user) {
  struct scale *s = user;
  size_t size;
  if (!block)
    return;
  unsigned char *at = (unsigned char *)block - FRONT;
  memcpy(&size, at, sizeof size);
  s->bytes -= size;
  s->heap -= in_heap(size);
  s->blocks--;
  free(at);
}

struct fixture {
  struct world w; /* first */
  struct scale scale;
  swale_ws **crowd;
};

enum { CROWD = 10000 };

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  world_init(&f->w);
  f->w.u.env.allocator = (struct swale_allocator){scale_malloc, scale_realloc, scale_free, &f->scale};
  f->crowd = calloc(CROWD, sizeof *f->crowd);
  *state = f;
  return world_open(&f->w);
}

static void free_crowd(struct fixture *f) {
  for (int i = 0; i < CROWD; i++) {
    swale_ws_free(f->crowd[i]);
    f->crowd[i] = NULL;
  }
  f->w.ws = NULL;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  free_crowd(f);
  world_close(&f->w);
  size_t blocks = f->scale.blocks;
  free(f->crowd);
  free(f);
  return blocks == 0 ? 0 : -1;
}

static void open_crowd_with(struct fixture *f, const char *headers, int from, int n) {
  for (int i = from; i < from + n; i++) {
    f->w.log[0] = '\0';
    world_connect_with(&f->w, headers);
    f->crowd[i] = f->w.ws;
  }
}

static void open_crowd(struct fixture *f, int from, int n) { open_crowd_with(f, "", from, n); }

/* ---- bytes -------------------------------------------------------------------------------- */

static int decide_later(struct world *w, swale_consumer *c) {
  (void)w, (void)c;
  return 0;
}

static void an_idle_connection_is_one_block_of_at_most_184_bytes(void **state) {
  struct fixture *f = *state;
  open_crowd(f, 0, 1);
  /* Without its consumer. */
  struct scale open = f->scale;
  world_close_frame(&f->w, 1000, NULL);
  expect_close(&f->w, 1000, NULL);
  struct scale closed = f->scale;
  world_free(&f->w);
  f->crowd[0] = NULL;
  printf("a connection: %zu bytes in %zu block, with its consumer %zu bytes in %zu blocks\n",
         closed.bytes - f->scale.bytes, closed.blocks - f->scale.blocks, open.bytes - f->scale.bytes,
         open.blocks - f->scale.blocks);
  assert_int_equal(closed.blocks - f->scale.blocks, 1);
  assert_true(closed.bytes - f->scale.bytes <= 184);
}

/*
 * The connection, its consumer, the path that is kept, a group, and their shares of what is common, which grows
 * by half now and then: so at any number of them. With malloc's own overhead. The bar of the design is 512; what
 * is left is for route parameters, of which the one of the memory benchmark takes 48.
 */
static void with_consumer_path_and_group_it_takes_less_than_512_bytes_of_heap(void **state) {
  struct fixture *f = *state;
  double most = 0;
  open_crowd(f, 0, 1);
  struct scale before = f->scale;
  for (int n = 100; n < CROWD; n += 100) {
    open_crowd(f, n - 99, 100);
    double each = (double)(f->scale.heap - before.heap) / n;
    if (n >= 1000 && each > most)
      most = each;
  }
  printf("all of swale's: at most %.0f bytes of heap\n", most);
  assert_true(most <= 512 - 48);
}

/* What the i-th connection takes that offers this, or the least so far: now and then something common grows. */
static size_t least_bytes(struct fixture *f, int i, const char *headers, size_t least) {
  size_t before = f->scale.bytes;
  open_crowd_with(f, headers, i, 1);
  size_t bytes = f->scale.bytes - before;
  return bytes < least ? bytes : least;
}

static void compression_without_takeover_costs_an_idle_connection_nothing(void **state) {
  struct fixture *f = *state;
  static const char offer[] = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  struct swale_ws_deflate deflate;
  size_t plain = SIZE_MAX, compressed = SIZE_MAX;
  swale_ws_deflate_default(&deflate);
  f->w.options.deflate = &deflate;
  for (int i = 0; i < 200; i += 2) {
    plain = least_bytes(f, i, "", plain);
    compressed = least_bytes(f, i + 1, offer, compressed);
  }
  printf("a connection takes %zu bytes, with compression %zu\n", plain, compressed);
  assert_int_equal(compressed, plain);
}

static void a_connection_goes_back_to_that_after_being_busy(void **state) {
  struct fixture *f = *state;
  static const char data[60000];
  open_crowd(f, 0, 1);
  world_frame(&f->w, FIN | BIN, data, 10);
  struct scale before = f->scale;
  for (int i = 0; i < 100; i++) {
    bytes_frame(&f->w.in, BIN, data, 30000);
    bytes_frame(&f->w.in, FIN | PING, data, 125);
    bytes_frame(&f->w.in, FIN | CONT, data, 30000);
    world_feed(&f->w);
    for (int n = 0; n < 50; n++)
      swale_send_text(f->w.consumer, "message", 7);
    world_drain(&f->w);
    bytes_clear(&f->w.out);
  }
  /* What the pool keeps: an assembly and a chunk. */
  assert_true(f->scale.bytes - before.bytes <= 65536 + 4096 + 256);
  assert_true(f->scale.blocks - before.blocks <= 2);
}

static void what_the_handshake_needs_is_given_back(void **state) {
  struct fixture *f = *state;
  char cookie[5001];
  memset(cookie, 'x', 5000);
  cookie[5000] = '\0';
  f->w.on_connect = decide_later;
  world_new(&f->w);
  f->crowd[0] = f->w.ws;
  size_t before = f->scale.bytes;
  world_feed_text(&f->w, REQUEST_LINE REQUEST_HEADERS "Cookie: ");
  world_feed_text(&f->w, cookie);
  world_feed_text(&f->w, "\r\n\r\n");
  /* A copy of the request in the scope, and none beside it. */
  assert_true(f->scale.bytes - before <= 8000);
  world_frame(&f->w, FIN | BIN, "early", 5);
  struct scale undecided = f->scale;
  swale_accept(f->w.consumer, NULL);
  world_run(&f->w);
  world_drain(&f->w);
  assert_true(f->scale.blocks < undecided.blocks);
  world_frame(&f->w, FIN | BIN, "late", 4);
  assert_true(f->scale.bytes < undecided.bytes + 300);
}

static void a_connection_that_has_sent_nothing_yet_is_small_too(void **state) {
  struct fixture *f = *state;
  open_crowd(f, 0, 1);
  struct scale before = f->scale;
  world_new(&f->w);
  f->crowd[1] = f->w.ws;
  assert_in_range(f->scale.bytes - before.bytes, 1, 640);
  world_feed_text(&f->w, "GET ");
  assert_in_range(f->scale.bytes - before.bytes, 1, 1152);
}

/* ---- allocations -------------------------------------------------------------------------- */

static void receiving_small_messages_takes_no_memory(void **state) {
  struct fixture *f = *state;
  open_crowd(f, 0, 1);
  for (int round = 0; round < 2; round++) {
    long before = f->scale.calls;
    for (int i = 0; i < 1000; i++)
      world_frame(&f->w, FIN | TEXT, "message", 7);
    if (round > 0)
      assert_int_equal(f->scale.calls, before);
  }
}

static void receiving_messages_in_pieces_takes_no_memory(void **state) {
  struct fixture *f = *state;
  static const char data[20000];
  open_crowd(f, 0, 1);
  for (int round = 0; round < 2; round++) {
    long before = f->scale.calls;
    for (int i = 0; i < 100; i++) {
      bytes_frame(&f->w.in, BIN, data, 10000);
      bytes_frame(&f->w.in, FIN | CONT, data, 20000);
      world_feed(&f->w);
    }
    if (round > 0)
      assert_int_equal(f->scale.calls, before);
  }
}

static void write_out(struct world *w, swale_ws *ws) {
  struct iovec iov[32];
  int n;
  while ((n = swale_ws_peek(ws, iov, 32)) > 0)
    for (int i = 0; i < n; i++) {
      w->delivered += (long)iov[i].iov_len;
      swale_ws_ack(ws, iov[i].iov_len);
    }
}

/*
 * All 10,000 members get each message; the layer, the loop and the message itself may take a few blocks, the
 * members none.
 */
static void a_group_of_10000_takes_no_memory_per_member(void **state) {
  struct fixture *f = *state;
  open_crowd(f, 0, CROWD);
  assert_int_equal(swale_group_count(f->w.layer, "all"), CROWD);
  f->w.on_output = write_out;
  for (int burst = 1; burst <= 16; burst *= 4)
    for (int round = 0; round < 3; round++) {
      long before = f->scale.calls;
      f->w.delivered = 0;
      f->w.outputs = 0;
      for (int i = 0; i < burst; i++)
        assert_int_equal(world_group_send(&f->w, "a message"), CROWD);
      world_run(&f->w);
      assert_int_equal(f->w.delivered, (long)burst * CROWD * 11);
      assert_int_equal(f->w.outputs, CROWD);
      if (round > 0)
        assert_in_range(f->scale.calls - before, 0, 20 * (unsigned)burst);
    }
}

static void keepalive_of_10000_takes_no_memory(void **state) {
  struct fixture *f = *state;
  open_crowd(f, 0, CROWD);
  f->w.on_output = write_out;
  f->w.outputs = 0;
  long before = f->scale.calls;
  world_pass(&f->w, 25000);
  assert_int_equal(f->w.outputs, CROWD);
  assert_true(f->scale.calls - before <= 2);
  world_pass(&f->w, 10000);
  assert_int_equal(f->w.disconnects, CROWD);
}

/* One member that reads nothing keeps the others from nothing. */
static void one_stalled_member_of_10000(void **state) {
  struct fixture *f = *state;
  struct swale_layer_stats stats;
  static const char data[300000];
  open_crowd(f, 0, CROWD);
  assert_int_equal(swale_send_bytes(swale_ws_consumer(f->crowd[5000]), data, sizeof data), 0);
  world_run(&f->w);
  f->w.on_output = write_out;
  f->w.delivered = 0;
  for (int i = 0; i < 150; i++) {
    world_group_send(&f->w, "a message");
    world_run(&f->w);
  }
  assert_int_equal(f->w.delivered, 150L * (CROWD - 1) * 11);
  swale_layer_stats_get(f->w.layer, &stats);
  assert_int_equal(stats.queued, 100);
  assert_int_equal(stats.dropped[SWALE_DROP_FULL], 50);
  assert_int_equal(stats.offered, stats.delivered + stats.queued + stats.dropped[SWALE_DROP_FULL]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_idle_connection_is_one_block_of_at_most_184_bytes),
      TEST(with_consumer_path_and_group_it_takes_less_than_512_bytes_of_heap),
      TEST(compression_without_takeover_costs_an_idle_connection_nothing),
      TEST(a_connection_goes_back_to_that_after_being_busy),
      TEST(what_the_handshake_needs_is_given_back),
      TEST(a_connection_that_has_sent_nothing_yet_is_small_too),
      TEST(receiving_small_messages_takes_no_memory),
      TEST(receiving_messages_in_pieces_takes_no_memory),
      TEST(a_group_of_10000_takes_no_memory_per_member),
      TEST(keepalive_of_10000_takes_no_memory),
      TEST(one_stalled_member_of_10000),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

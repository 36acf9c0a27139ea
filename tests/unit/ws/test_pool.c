/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include <swale/transport.h>

#include "ws/pool.h"

struct fixture {
  struct unit_env u;
  swale_loop *loop;
  struct swale__ws_pool *pool;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  struct swale_loop_config config;
  unit_env_init(&f->u);
  swale_loop_config_default(&config);
  config.env = &f->u.env;
  *state = f;
  if (swale_loop_new(&config, &f->loop) < 0)
    return -1;
  f->pool = swale__ws_pool_of(f->loop);
  return f->pool ? 0 : -1;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  int rv = swale_loop_free(f->loop);
  long live = f->u.live;
  free(f);
  return rv == 0 && live == 0 ? 0 : -1;
}

static void a_loop_has_one_pool(void **state) {
  struct fixture *f = *state;
  assert_ptr_equal(swale__ws_pool_of(f->loop), f->pool);
  assert_ptr_equal(f->pool->loop, f->loop);
  assert_int_equal(f->pool->defaults.message_max, 1048576);
}

static void a_pool_counts_connections_and_holds_its_loop(void **state) {
  struct fixture *f = *state;
  assert_int_equal(swale__ws_pool_join(f->pool), 0);
  assert_int_equal(swale_loop_free(f->loop), SWALE_ESTATE);
  f->pool->connections = SWALE__CONNECTIONS_MAX - 1;
  assert_int_equal(swale__ws_pool_join(f->pool), 0);
  assert_int_equal(swale__ws_pool_join(f->pool), SWALE_EFULL);
  swale__ws_pool_leave(f->pool);
  swale__ws_pool_leave(f->pool);
}

static void readers_are_used_again(void **state) {
  struct fixture *f = *state;
  struct swale__ws_reader *many[20];
  struct swale__ws_reader *first = swale__ws_pool_take_reader(f->pool);
  swale__ws_pool_give_reader(f->pool, first);
  assert_ptr_equal(swale__ws_pool_take_reader(f->pool), first);
  swale__ws_pool_give_reader(f->pool, first);
  for (int i = 0; i < 20; i++)
    many[i] = swale__ws_pool_take_reader(f->pool);
  for (int i = 0; i < 20; i++)
    swale__ws_pool_give_reader(f->pool, many[i]);
  assert_int_equal(f->pool->n_readers, 16);
}

static void a_reader_in_the_middle_of_a_frame_is_not_used_again(void **state) {
  struct fixture *f = *state;
  struct swale__ws_piece piece;
  struct swale__ws_reader *reader = swale__ws_pool_take_reader(f->pool);
  swale__ws_reader_feed(reader, "\x81", 1);
  assert_int_equal(swale__ws_reader_next(reader, &piece), 0);
  swale__ws_pool_give_reader(f->pool, reader);
  assert_int_equal(f->pool->n_readers, 0);
}

static void chunks_are_kept_up_to_the_number_of_connections(void **state) {
  struct fixture *f = *state;
  struct swale__ws_chunk *chunks[5];
  for (int i = 0; i < 3; i++)
    swale__ws_pool_join(f->pool);
  for (int i = 0; i < 5; i++)
    chunks[i] = swale__ws_pool_take_chunk(f->pool);
  for (int i = 0; i < 5; i++)
    swale__ws_pool_give_chunk(f->pool, chunks[i]);
  assert_int_equal(f->pool->n_chunks, 3);
  for (size_t left = 3; left-- > 0;) {
    swale__ws_pool_leave(f->pool);
    assert_int_equal(f->pool->n_chunks, left);
  }
}

static void chunks_that_nobody_needs_are_given_back_by_and_by(void **state) {
  struct fixture *f = *state;
  enum { MANY = 100 };
  struct swale__ws_chunk *chunks[MANY];
  for (int i = 0; i < MANY; i++)
    swale__ws_pool_join(f->pool);
  for (int round = 0; round < 3; round++) { /* bursts that come often cost nothing */
    long before = f->u.allocated;
    for (int i = 0; i < MANY; i++)
      chunks[i] = swale__ws_pool_take_chunk(f->pool);
    for (int i = 0; i < MANY; i++)
      swale__ws_pool_give_chunk(f->pool, chunks[i]);
    if (round > 0)
      assert_int_equal(f->u.allocated, before);
    f->u.now_ms += 6000;
    swale_loop_run(f->loop);
  }
  size_t before = f->pool->n_chunks;
  assert_int_equal(before, MANY);
  for (int round = 0; f->pool->n_chunks > 0; round++) {
    assert_true(round < 10 && swale_loop_timeout_ms(f->loop) >= 0);
    f->u.now_ms += 10000;
    swale_loop_run(f->loop);
    assert_true(f->pool->n_chunks < before || round == 0); /* the last burst was not that long ago */
    before = f->pool->n_chunks;
  }
  assert_int_equal(swale_loop_timeout_ms(f->loop), -1);
  for (int i = 0; i < MANY; i++)
    swale__ws_pool_leave(f->pool);
}

static void one_assembly_of_moderate_size_is_kept(void **state) {
  struct fixture *f = *state;
  struct swale__ws_assembly *a = swale__ws_pool_take_assembly(f->pool, SWALE_TEXT);
  struct swale__ws_assembly *b = swale__ws_pool_take_assembly(f->pool, SWALE_BINARY);
  assert_int_equal(a->kind, SWALE_TEXT);
  swale__ws_pool_give_assembly(f->pool, a);
  swale__ws_pool_give_assembly(f->pool, b);
  b = swale__ws_pool_take_assembly(f->pool, SWALE_BINARY);
  assert_ptr_equal(b, a);
  assert_int_equal(b->kind, SWALE_BINARY);
  unsigned char *large = calloc(1, 100000);
  assert_int_equal(swale__ws_assembly_append(&b, large, 100000, 1 << 20, f->pool->allocator), 0);
  free(large);
  swale__ws_pool_give_assembly(f->pool, b);
  assert_null(f->pool->assembly);
}

static void empty_pings_and_pongs_are_made_once(void **state) {
  struct fixture *f = *state;
  for (int opcode = SWALE__FRAME_PING; opcode <= SWALE__FRAME_PONG; opcode++) {
    swale_payload *a = swale__ws_pool_take_control(f->pool, (unsigned char)opcode, "", 0);
    long before = f->u.allocated;
    swale_payload *b = swale__ws_pool_take_control(f->pool, (unsigned char)opcode, "", 0);
    assert_ptr_equal(a, b);
    assert_int_equal(f->u.allocated, before);
    swale_payload_unref(a);
    swale_payload_unref(b);
  }
  swale_payload *c = swale__ws_pool_take_control(f->pool, SWALE__FRAME_PONG, "x", 1);
  assert_ptr_not_equal(c, f->pool->pong);
  swale_payload_unref(c);
}

static void without_memory_there_is_nothing_to_take(void **state) {
  struct fixture *f = *state;
  f->u.fail_at = 1;
  assert_null(swale__ws_pool_take_reader(f->pool));
  f->u.fail_at = 1;
  assert_null(swale__ws_pool_take_chunk(f->pool));
  f->u.fail_at = 1;
  assert_null(swale__ws_pool_take_assembly(f->pool, SWALE_TEXT));
  f->u.fail_at = 1;
  assert_null(swale__ws_pool_take_control(f->pool, SWALE__FRAME_PING, "", 0));
  f->u.fail_at = 1;
  assert_null(swale__ws_pool_take_control(f->pool, SWALE__FRAME_PING, "x", 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_loop_has_one_pool),
      TEST(a_pool_counts_connections_and_holds_its_loop),
      TEST(readers_are_used_again),
      TEST(a_reader_in_the_middle_of_a_frame_is_not_used_again),
      TEST(chunks_are_kept_up_to_the_number_of_connections),
      TEST(chunks_that_nobody_needs_are_given_back_by_and_by),
      TEST(one_assembly_of_moderate_size_is_kept),
      TEST(empty_pings_and_pongs_are_made_once),
      TEST(without_memory_there_is_nothing_to_take),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

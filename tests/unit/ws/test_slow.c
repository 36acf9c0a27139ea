/* SPDX-License-Identifier: MIT */
/* Peers that do not read: what they miss, what it costs, and that nobody else notices. */
#include "world.h"

#include <stdio.h>

enum { CAPACITY = 4, HIGH = 1000, LOW = 300, FRAME = 102 };

struct fixture {
  struct world w; /* first */
  int highs, lows;
  size_t waiting; /* as told last */
};

static int pressure(swale_consumer *c, int high, size_t waiting) {
  struct fixture *f = swale_consumer_user(c);
  assert_int_equal(high, f->highs == f->lows);
  f->highs += high;
  f->lows += !high;
  f->waiting = waiting;
  assert_int_equal(swale_waiting(c), waiting);
  return 0;
}

static int open_fixture(void **state, enum swale_overflow overflow, const char *conflate_key) {
  struct fixture *f = calloc(1, sizeof *f);
  world_init(&f->w);
  f->w.capacity = CAPACITY;
  f->w.cls.overflow = overflow;
  f->w.cls.conflate_key = conflate_key;
  f->w.cls.pressure = pressure;
  f->w.options.output_high = HIGH;
  f->w.options.output_low = LOW;
  *state = f;
  return world_open(&f->w);
}

static int drop_newest(void **state) { return open_fixture(state, SWALE_OVERFLOW_DROP_NEWEST, NULL); }
static int drop_oldest(void **state) { return open_fixture(state, SWALE_OVERFLOW_DROP_OLDEST, NULL); }
static int conflate(void **state) { return open_fixture(state, SWALE_OVERFLOW_DROP_NEWEST, "text"); }
static int close_them(void **state) { return open_fixture(state, SWALE_OVERFLOW_CLOSE, NULL); }

/* Frames of FRAME bytes that begin with a letter. */
static void broadcast(struct fixture *f, const char *letters) {
  char text[FRAME - 1];
  memset(text, '.', sizeof text);
  text[FRAME - 2] = '\0';
  for (; *letters; letters++) {
    text[0] = *letters;
    assert_int_equal(world_group_send(&f->w, text), 1);
    world_run(&f->w);
  }
}

/* What the peer reads, by first letters. */
static void expect_letters(struct fixture *f, const char *letters) {
  char got[256] = "";
  size_t at = 0;
  struct frame frame;
  for (int rounds = 0; rounds < 10; rounds++) {
    world_drain(&f->w);
    world_run(&f->w);
  }
  for (size_t n = 0; next_frame(&f->w.out, &at, &frame) && n < 255; n++)
    got[n] = frame.first == (FIN | TEXT) ? (char)frame.payload[0] : '#';
  assert_string_equal(got, letters);
  bytes_clear(&f->w.out);
}

static struct swale_channel_stats channel_stats(struct fixture *f) {
  char name[SWALE_NAME_SIZE];
  struct swale_channel_stats s;
  assert_int_equal(swale_channel_stats_get(f->w.layer, swale_channel_name(f->w.consumer, name), &s), 0);
  return s;
}

static void expect_drops(struct fixture *f, enum swale_drop_reason reason, uint64_t n) {
  struct swale_layer_stats s;
  uint64_t all = 0;
  assert_int_equal(swale_layer_stats_get(f->w.layer, &s), 0);
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    all += s.dropped[i];
  assert_int_equal(s.dropped[reason], n);
  assert_int_equal(all, n);
  assert_int_equal(s.offered, s.delivered + s.queued + all);
}

/* Ten frames reach the high mark; four wait. */
static void the_first_step_is_to_pause(void **state) {
  struct fixture *f = *state;
  world_connect(&f->w);
  broadcast(f, "0123456789");
  assert_int_equal(f->highs, 1);
  assert_int_equal(f->waiting, 10 * FRAME);
  expect_state(&f->w, SWALE_WS_WANT_WRITE); /* nothing is read meanwhile */
  broadcast(f, "abcd");
  assert_int_equal(channel_stats(f).depth, CAPACITY);
  expect_drops(f, SWALE_DROP_FULL, 0);
  world_drain_some(&f->w, 10 * FRAME - LOW - 1);
  world_run(&f->w);
  assert_int_equal(f->lows, 0);
  world_drain_some(&f->w, 1);
  world_run(&f->w);
  assert_int_equal(f->lows, 1);
  assert_int_equal(f->waiting, LOW);
  expect_letters(f, "0123456789abcd");
  expect_state(&f->w, SWALE_WS_WANT_READ);
  assert_int_equal(f->highs, 1);
}

static void then_the_newest_are_dropped(void **state) {
  struct fixture *f = *state;
  world_connect(&f->w);
  broadcast(f, "0123456789abcdefgh");
  expect_drops(f, SWALE_DROP_FULL, 4);
  assert_int_equal(channel_stats(f).dropped, 4);
  expect_letters(f, "0123456789abcd");
}

static void or_the_oldest(void **state) {
  struct fixture *f = *state;
  world_connect(&f->w);
  broadcast(f, "0123456789abcdefgh");
  expect_drops(f, SWALE_DROP_FULL, 4);
  assert_int_equal(channel_stats(f).dropped, 4);
  expect_letters(f, "0123456789efgh");
}

static void or_the_older_of_those_with_the_same_key(void **state) {
  struct fixture *f = *state;
  world_connect(&f->w);
  broadcast(f, "0123456789abcabac");
  expect_drops(f, SWALE_DROP_CONFLATED, 4);
  assert_int_equal(channel_stats(f).dropped, 4);
  assert_int_equal(channel_stats(f).depth, 3);
  expect_letters(f, "0123456789bac");
}

static void or_the_connection_is_closed_with_1013(void **state) {
  struct fixture *f = *state;
  world_connect(&f->w);
  broadcast(f, "0123456789abcd");
  expect_drops(f, SWALE_DROP_FULL, 0);
  broadcast(f, "e");
  expect_drops(f, SWALE_DROP_FULL, 1);
  expect_letters(f, "0123456789#"); /* what was sent goes out before the close frame */
  world_close_frame(&f->w, 1013, NULL);
  expect_log(&f->w, "disconnect:1013");
  struct swale_layer_stats s;
  assert_int_equal(swale_layer_stats_get(f->w.layer, &s), 0);
  assert_int_equal(s.dropped[SWALE_DROP_FULL], 1);
  assert_int_equal(s.dropped[SWALE_DROP_CLOSED], CAPACITY); /* what waited */
  assert_int_equal(s.offered, s.delivered + 1 + CAPACITY);
}

static void control_frames_have_their_own_bound(void **state) {
  struct fixture *f = *state;
  world_connect(&f->w);
  f->w.options.control_rate = UINT16_MAX;
  broadcast(f, "0123456789");
  size_t before = f->waiting;
  for (int i = 0; i < 1000; i++)
    world_frame(&f->w, FIN | PING, "ping", 4);
  assert_int_equal(swale_waiting(f->w.consumer), before);
  assert_int_equal(f->w.reports, 0);
  expect_letters(f, "#0123456789"); /* one pong, of the last ping */
}

/* ---- one of many ------------------------------------------------------------------------ */

enum { CROWD = 5000, ROUNDS = 200 };

/*
 * All but one read at once. Each message is with each of them when the loop has run once, which is as soon as
 * it can be; so it stays for as long as the one does not read. What he costs does not grow.
 */
static void one_stalled_reader_of_5000_delays_nobody(void **state) {
  struct fixture *f = *state;
  struct world *w = &f->w;
  swale_ws **crowd = calloc(CROWD, sizeof *crowd);
  for (int i = 0; i < CROWD; i++) {
    world_connect(w);
    crowd[i] = w->ws;
  }
  swale_ws *stalled = crowd[CROWD / 2];
  long blocks = 0;
  for (int round = 0; round < ROUNDS; round++) {
    char text[FRAME - 1];
    snprintf(text, sizeof text, "%0100d", round);
    assert_int_equal(world_group_send(w, text), CROWD);
    assert_int_equal(swale_loop_run(w->loop), 0);
    for (int i = 0; i < CROWD; i++) {
      struct iovec iov[2];
      if (crowd[i] == stalled)
        continue;
      assert_int_equal(swale_ws_peek(crowd[i], iov, 2), 1);
      assert_int_equal(iov->iov_len, FRAME);
      assert_memory_equal((char *)iov->iov_base + 2, text, FRAME - 2);
      assert_int_equal(swale_ws_ack(crowd[i], FRAME), 0);
    }
    if (round == 2 * CAPACITY + HIGH / FRAME)
      blocks = w->u.live;
  }
  assert_int_equal(f->highs, 1);
  assert_true(w->u.live <= blocks);
  expect_drops(f, SWALE_DROP_FULL, ROUNDS - HIGH / FRAME - 1 - CAPACITY);
  for (int i = 0; i < CROWD; i++)
    swale_ws_free(crowd[i]);
  free(crowd);
  w->ws = NULL;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  world_close(&f->w);
  long live = f->w.u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_first_step_is_to_pause, drop_newest, teardown),
      cmocka_unit_test_setup_teardown(then_the_newest_are_dropped, drop_newest, teardown),
      cmocka_unit_test_setup_teardown(or_the_oldest, drop_oldest, teardown),
      cmocka_unit_test_setup_teardown(or_the_older_of_those_with_the_same_key, conflate, teardown),
      cmocka_unit_test_setup_teardown(or_the_connection_is_closed_with_1013, close_them, teardown),
      cmocka_unit_test_setup_teardown(control_frames_have_their_own_bound, drop_newest, teardown),
      cmocka_unit_test_setup_teardown(one_stalled_reader_of_5000_delays_nobody, drop_newest, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "bytes.h"
#include "pooled.h"
#include "ws/burst.h"
#include "ws/frame_out.h"
#include "ws/output.h"

/* The queues of some members of a group, and payloads to send to them: "a", "b" and so on, and one that is long. */
enum { QUEUES = 4, PAYLOADS = 26, LONG = 0, LONG_SIZE = 9000 };

struct fixture {
  struct pooled p;
  struct swale__ws_output queues[QUEUES];
  struct bytes out[QUEUES], expected[QUEUES];
  swale_payload *payloads[PAYLOADS];
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  char text[LONG_SIZE];
  *state = f;
  if (pooled_open(&f->p) < 0)
    return -1;
  for (int i = 0; i < PAYLOADS; i++) {
    memset(text, 'a' + i, sizeof text);
    if (swale_payload_new(SWALE_TEXT, text, i == LONG ? LONG_SIZE : 1, &f->p.u.env.allocator,
                          &f->payloads[i]) < 0)
      return -1;
  }
  return 0;
}

static void forget_payload(struct fixture *f, int i) {
  swale_payload_unref(f->payloads[i]);
  f->payloads[i] = NULL;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  for (int q = 0; q < QUEUES; q++) {
    swale__ws_output_clear(&f->queues[q], f->p.pool);
    bytes_free(&f->out[q]);
    bytes_free(&f->expected[q]);
  }
  for (int i = 0; i < PAYLOADS; i++)
    forget_payload(f, i);
  int rv = pooled_close(&f->p);
  free(f);
  return rv;
}

static swale_payload *frame_of(swale_payload *payload) {
  swale_payload *frame;
  assert_int_equal(swale_payload_encode(payload, swale__ws_frame_encode, NULL, &frame), 0);
  return frame;
}

static void expect_bytes(struct fixture *f, int q, const swale_payload *frame) {
  size_t len;
  const void *bytes = swale_payload_bytes(frame, &len);
  bytes_add(&f->expected[q], bytes, len);
}

/* As swale__ws_send does. Answers whether it was enough to follow others. */
static bool send(struct fixture *f, int q, int i) {
  struct swale__ws_output *o = &f->queues[q];
  swale_payload *frame = frame_of(f->payloads[i]);
  size_t len = swale__ws_output_ahead(o, f->payloads[i]);
  expect_bytes(f, q, frame);
  if (len > 0)
    swale__ws_output_follow(o, len);
  else
    assert_int_equal(swale__ws_output_push_shared(o, f->p.pool, f->payloads[i], frame), 0);
  return len > 0;
}

static void send_own(struct fixture *f, int q, int i) {
  swale_payload *frame = frame_of(f->payloads[i]);
  expect_bytes(f, q, frame);
  assert_int_equal(swale__ws_output_push(&f->queues[q], f->p.pool, swale_payload_ref(frame)), 0);
}

/* A message to everybody. */
static void send_to_all(struct fixture *f, int i) {
  for (int q = 0; q < QUEUES; q++)
    send(f, q, i);
}

static void write_some(struct fixture *f, int q, size_t n, int max) {
  struct iovec iov[80];
  int count;
  while (n > 0 && (count = swale__ws_output_peek(&f->queues[q], iov, max)) > 0) {
    size_t written = 0;
    for (int i = 0; i < count && written < n; i++) {
      size_t part = iov[i].iov_len < n - written ? iov[i].iov_len : n - written;
      bytes_add(&f->out[q], iov[i].iov_base, part);
      written += part;
    }
    assert_int_equal(swale__ws_output_ack(&f->queues[q], f->p.pool, written), 0);
    n -= written;
  }
}

static void expect_written(struct fixture *f, int q) {
  write_some(f, q, SIZE_MAX, 64);
  assert_int_equal(f->out[q].len, f->expected[q].len);
  assert_memory_equal(f->out[q].at, f->expected[q].at, f->out[q].len);
  assert_int_equal(f->queues[q].bytes, 0);
  assert_int_equal(f->queues[q].end, 0);
  bytes_clear(&f->out[q]);
  bytes_clear(&f->expected[q]);
}

static void expect_all_written(struct fixture *f) {
  for (int q = 0; q < QUEUES; q++)
    expect_written(f, q);
}

/* ---- views ------------------------------------------------------------------------------------- */

static void what_all_send_in_the_same_order_stands_there_once(void **state) {
  struct fixture *f = *state;
  for (int burst = 0; burst < 3; burst++) {
    for (int i = 1; i < 20; i++) {
      assert_false(send(f, 0, i));
      for (int q = 1; q < QUEUES; q++)
        assert_int_equal(send(f, q, i), i > 2); /* the first stands alone, the second is joined */
    }
    assert_int_equal(f->p.pool->burst->views, QUEUES);
    assert_int_equal(f->p.pool->burst->count, 18);
    expect_all_written(f);
    assert_null(f->p.pool->chunks);
    assert_int_equal(f->p.pool->burst->count, 0);
  }
}

static void only_the_first_burst_takes_memory(void **state) {
  struct fixture *f = *state;
  long before = 0;
  for (int burst = 0; burst < 10; burst++) {
    for (int i = 1; i < 20; i++)
      send_to_all(f, i);
    expect_all_written(f);
    if (burst > 0)
      assert_int_equal(f->p.u.allocated, before);
    before = f->p.u.allocated;
  }
}

static void a_burst_keeps_its_payloads_until_the_last_view_is_gone(void **state) {
  struct fixture *f = *state;
  send_to_all(f, 1);
  send_to_all(f, 2);
  send_to_all(f, 3);
  long live = f->p.u.live;
  forget_payload(f, 2);
  forget_payload(f, 3);
  for (int q = 0; q < QUEUES; q++) {
    assert_int_equal(f->p.u.live, live);
    expect_written(f, q);
  }
  assert_true(f->p.u.live < live);
}

static void one_who_starts_later_joins_at_the_end(void **state) {
  struct fixture *f = *state;
  send(f, 0, 1);
  send(f, 0, 2);
  send(f, 0, 3);
  send(f, 1, 2);
  send(f, 1, 3);
  assert_false(send(f, 1, 4));
  assert_int_equal(f->queues[1].first, 1);
  assert_true(send(f, 0, 4));
  assert_int_equal(f->p.pool->burst->count, 3);
  expect_all_written(f);
}

static void another_order_is_queued_apart(void **state) {
  struct fixture *f = *state;
  for (int i = 1; i < 20; i++) {
    send(f, 0, i);
    send(f, 1, 20 - i);
    send(f, 2, i);
    send(f, 3, i % 3 ? i : 1);
  }
  expect_all_written(f);
}

static void own_frames_behind_a_view_are_queued_apart(void **state) {
  struct fixture *f = *state;
  for (int round = 0; round < 3; round++) {
    for (int i = 1; i < 20; i++)
      send_to_all(f, i);
    send_own(f, 1, 20);
    assert_int_equal(f->queues[1].end, 0);
    send_to_all(f, 21);
  }
  expect_all_written(f);
}

static void a_full_burst_stays_until_it_was_written_and_another_begins(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 3 * SWALE__BURST_FRAMES; i++)
    send(f, 0, 1 + i % 20);
  for (int q = 1; q < QUEUES; q++)
    for (int i = 0; i < SWALE__BURST_FRAMES; i++)
      send(f, q, 1 + i % 20);
  expect_all_written(f);
}

static void long_frames_are_kept_together_up_to_a_limit(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 10; i++) {
    send_to_all(f, 1);
    send_to_all(f, LONG);
    assert_true(!f->p.pool->burst || f->p.pool->burst->bytes <= SWALE__BURST_BYTES);
  }
  expect_all_written(f);
}

static void any_write_may_be_short(void **state) {
  struct fixture *f = *state;
  for (size_t step = 1; step < 12; step++)
    for (int max = 1; max < 5; max++) {
      for (int i = 1; i < 20; i++)
        send_to_all(f, i);
      while (f->queues[0].bytes > 0)
        for (int q = 0; q < QUEUES; q++)
          write_some(f, q, step, max);
      expect_all_written(f);
    }
}

/* ---- urgent frames ----------------------------------------------------------------------------- */

/* The urgent frame goes ahead of what is not begun; `begun` bytes are written before. */
static void put_urgent_behind(struct fixture *f, size_t begun) {
  swale_payload *pong;
  for (int i = 1; i < 20; i++)
    send_to_all(f, i);
  write_some(f, 0, begun, 64);
  assert_int_equal(swale__ws_frame_control(FIN | PONG, "!", 1, &f->p.u.env.allocator, &pong), 0);
  assert_int_equal(swale__ws_output_push_urgent(&f->queues[0], f->p.pool, pong), 0);
  size_t whole = (begun + 2) / 3 * 3;
  struct bytes expected = {0};
  bytes_add(&expected, f->expected[0].at, whole);
  bytes_add(&expected, "\x8a\x01!", 3);
  bytes_add(&expected, f->expected[0].at + whole, f->expected[0].len - whole);
  bytes_free(&f->expected[0]);
  f->expected[0] = expected;
  expect_all_written(f);
}

static void an_urgent_frame_goes_between_those_of_a_view(void **state) {
  struct fixture *f = *state;
  for (size_t begun = 0; begun < 57; begun++)
    put_urgent_behind(f, begun);
}

/* ---- without memory ---------------------------------------------------------------------------- */

static void without_memory_for_a_burst_there_are_chunks(void **state) {
  struct fixture *f = *state;
  for (int i = 1; i < 20; i++) {
    frame_of(f->payloads[i]);
    send_own(f, 1, i);
  }
  expect_written(f, 1); /* which leaves a chunk behind */
  send(f, 0, 1);
  f->p.u.fail_at = 1;
  send(f, 0, 2);
  assert_int_equal(f->queues[0].end, 0);
  expect_written(f, 0);
}

static void without_memory_for_chunks_the_view_stays(void **state) {
  struct fixture *f = *state;
  swale_payload *frame = frame_of(f->payloads[1]), *pong;
  assert_int_equal(swale__ws_frame_control(FIN | PONG, "!", 1, &f->p.u.env.allocator, &pong), 0);
  for (int i = 0; i < 40; i++)
    send_to_all(f, 1 + i % 20);
  for (int n = 1; n <= 2; n++) { /* of the three chunks it takes */
    f->p.u.fail_at = n;
    assert_int_equal(swale__ws_output_push(&f->queues[0], f->p.pool, frame), SWALE_ENOMEM);
    f->p.u.fail_at = n;
    assert_int_equal(swale__ws_output_push_urgent(&f->queues[0], f->p.pool, pong), SWALE_ENOMEM);
    assert_int_equal(f->queues[0].end, 39);
  }
  swale_payload_unref(pong);
  expect_all_written(f);
}

/* ---- all of it --------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return *seed >> 33;
}

static void step_at_random(struct fixture *f, uint64_t *seed, int *latest) {
  int q = (int)(next_random(seed) % QUEUES);
  switch (next_random(seed) % 8) {
  case 0:
    *latest = (int)(next_random(seed) % PAYLOADS);
    break;
  case 1:
  case 2:
  case 3:
    send_to_all(f, *latest);
    break;
  case 4:
    send(f, q, (int)(next_random(seed) % PAYLOADS));
    break;
  case 5:
    send_own(f, q, *latest);
    break;
  default:
    write_some(f, q, next_random(seed) % (next_random(seed) % 4 ? 40 : 40000),
               1 + (int)(next_random(seed) % 70));
  }
}

static void random_operations_agree_with_a_model(void **state) {
  struct fixture *f = *state;
  uint64_t seed = 11;
  int latest = 1;
  for (int i = 0; i < 30000; i++) {
    step_at_random(f, &seed, &latest);
    if (i % 500 == 0)
      expect_all_written(f);
  }
  expect_all_written(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_all_send_in_the_same_order_stands_there_once),
      TEST(only_the_first_burst_takes_memory),
      TEST(a_burst_keeps_its_payloads_until_the_last_view_is_gone),
      TEST(one_who_starts_later_joins_at_the_end),
      TEST(another_order_is_queued_apart),
      TEST(own_frames_behind_a_view_are_queued_apart),
      TEST(a_full_burst_stays_until_it_was_written_and_another_begins),
      TEST(long_frames_are_kept_together_up_to_a_limit),
      TEST(any_write_may_be_short),
      TEST(an_urgent_frame_goes_between_those_of_a_view),
      TEST(without_memory_for_a_burst_there_are_chunks),
      TEST(without_memory_for_chunks_the_view_stays),
      TEST(random_operations_agree_with_a_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

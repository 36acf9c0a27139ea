/* SPDX-License-Identifier: MIT */
#include "bytes.h"
#include "pooled.h"
#include "ws/frame_out.h"
#include "ws/output.h"

/* A queue beside a model of it: the bytes that have to come out. */
struct fixture {
  struct pooled p;
  struct swale__ws_output o;
  struct bytes out;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  *state = f;
  return pooled_open(&f->p);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  swale__ws_output_clear(&f->o, f->p.pool);
  int rv = pooled_close(&f->p);
  bytes_free(&f->out);
  free(f);
  return rv;
}

static swale_payload *frame_of(struct fixture *f, const char *text, unsigned opcode) {
  swale_payload *frame;
  assert_int_equal(
      swale__ws_frame_control((unsigned char)opcode, text, strlen(text), &f->p.u.env.allocator, &frame), 0);
  return frame;
}

static void push(struct fixture *f, const char *text) {
  assert_int_equal(swale__ws_output_push(&f->o, f->p.pool, frame_of(f, text, TEXT)), 0);
}

static int urgent(struct fixture *f, const char *text) {
  swale_payload *frame = frame_of(f, text, PONG);
  int rv = swale__ws_output_push_urgent(&f->o, f->p.pool, frame);
  if (rv < 0)
    swale_payload_unref(frame);
  return rv;
}

/* Writes up to n bytes, `max` iovecs at a time. */
static void write_some(struct fixture *f, size_t n, int max) {
  struct iovec iov[64];
  int count;
  while (n > 0 && (count = swale__ws_output_peek(&f->o, iov, max)) > 0) {
    size_t written = 0;
    for (int i = 0; i < count && written < n; i++) {
      size_t part = iov[i].iov_len < n - written ? iov[i].iov_len : n - written;
      bytes_add(&f->out, iov[i].iov_base, part);
      written += part;
    }
    assert_int_equal(swale__ws_output_ack(&f->o, f->p.pool, written), 0);
    n -= written;
  }
}

/* The texts of all frames, one behind the other, an urgent one in brackets. */
static void expect_texts(struct fixture *f, const char *texts) {
  struct bytes got = {0};
  struct frame frame;
  size_t at = 0;
  write_some(f, SIZE_MAX, 64);
  while (next_frame(&f->out, &at, &frame)) {
    bool is_control = (frame.first & 8) != 0;
    bytes_puts(&got, is_control ? "[" : "");
    bytes_add(&got, frame.payload, frame.len);
    bytes_puts(&got, is_control ? "]" : "");
  }
  bytes_add(&got, "", 1);
  assert_string_equal((char *)got.at, texts);
  bytes_free(&got);
  bytes_clear(&f->out);
  assert_int_equal(f->o.bytes, 0);
  assert_int_equal(f->o.control_bytes, 0);
  assert_null(f->o.last);
}

static void frames_leave_in_the_order_of_pushing(void **state) {
  struct fixture *f = *state;
  char all[1000] = "";
  for (int n = 1; n < 100; n++) {
    char text[2] = {(char)('a' + n % 26), 0};
    for (int i = 0; i < n; i++)
      push(f, text);
    memset(all, text[0], (size_t)n);
    all[n] = '\0';
    expect_texts(f, all);
  }
}

static void any_write_may_be_short(void **state) {
  struct fixture *f = *state;
  for (size_t step = 1; step < 12; step++)
    for (int max = 1; max < 5; max++) {
      for (int i = 0; i < 20; i++)
        push(f, "abc");
      while (f->o.bytes > 0)
        write_some(f, step, max);
      expect_texts(f, "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc");
    }
}

static void a_queue_that_never_empties_keeps_its_order(void **state) {
  struct fixture *f = *state;
  char text[4] = "aaa";
  size_t at = 0;
  struct frame frame;
  push(f, text);
  for (int i = 1; i < 1000; i++) {
    text[0] = (char)('a' + i % 26);
    push(f, text);
    write_some(f, 5, 2);
  }
  write_some(f, 5, 2);
  for (int i = 0; i < 1000; i++) {
    assert_true(next_frame(&f->out, &at, &frame));
    assert_int_equal(frame.payload[0], 'a' + i % 26);
  }
  assert_int_equal(f->o.bytes, 0);
}

static void more_than_there_is_cannot_be_acked(void **state) {
  struct fixture *f = *state;
  assert_int_equal(swale__ws_output_ack(&f->o, f->p.pool, 1), SWALE_EINVAL);
  assert_int_equal(swale__ws_output_ack(&f->o, f->p.pool, 0), 0);
  push(f, "abc");
  assert_int_equal(swale__ws_output_ack(&f->o, f->p.pool, 6), SWALE_EINVAL);
  expect_texts(f, "abc");
}

static void an_urgent_frame_goes_first(void **state) {
  struct fixture *f = *state;
  assert_int_equal(urgent(f, "1"), 0);
  expect_texts(f, "[1]");
  push(f, "a");
  assert_int_equal(urgent(f, "2"), 0);
  expect_texts(f, "[2]a");
  for (int n = 2; n < 40; n++) {
    char texts[64] = "[3]";
    for (int i = 0; i < n; i++) {
      push(f, "x");
      strcat(texts, "x");
    }
    assert_int_equal(urgent(f, "3"), 0);
    expect_texts(f, texts);
  }
}

static void an_urgent_frame_does_not_cut_another_in_two(void **state) {
  struct fixture *f = *state;
  for (int before = 0; before < 20; before++)
    for (size_t begun = 1; begun < 5; begun++) {
      char texts[128] = "";
      for (int i = 0; i < before + 3; i++)
        push(f, "abc");
      write_some(f, (size_t)before * 5 + begun, 4);
      assert_int_equal(urgent(f, "!"), 0);
      for (int i = 0; i < before + 1; i++)
        strcat(texts, "abc");
      strcat(texts, "[!]abcabc");
      expect_texts(f, texts);
    }
}

static void urgent_frames_do_not_pile_up(void **state) {
  struct fixture *f = *state;
  push(f, "a");
  assert_int_equal(urgent(f, "1"), 0);
  assert_int_equal(urgent(f, "2"), SWALE_EAGAIN);
  write_some(f, 2, 1);
  assert_int_equal(urgent(f, "2"), SWALE_EAGAIN);
  write_some(f, 1, 1);
  assert_int_equal(urgent(f, "3"), 0);
  expect_texts(f, "[1][3]a");
}

static void data_and_the_rest_are_counted_apart(void **state) {
  struct fixture *f = *state;
  push(f, "12345");
  assert_int_equal(swale__ws_output_data_bytes(&f->o), 7);
  assert_int_equal(urgent(f, "123"), 0);
  assert_int_equal(swale__ws_output_data_bytes(&f->o), 7);
  assert_int_equal(f->o.bytes, 12);
  write_some(f, 3, 1);
  assert_int_equal(f->o.control_bytes, 2);
  write_some(f, 3, 1);
  assert_int_equal(f->o.control_bytes, 0);
  assert_int_equal(swale__ws_output_data_bytes(&f->o), 6);
  write_some(f, 6, 1);
  assert_int_equal(f->o.bytes, 0);
  bytes_clear(&f->out);
}

/* Every order of pushing, urgency and writing, against a plain string. */
static void random_operations_agree_with_a_model(void **state) {
  struct fixture *f = *state;
  uint64_t seed = 7;
  size_t pushed = 0, written = 0, urgents = 0;
  for (int i = 0; i < 20000; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    unsigned dice = (unsigned)(seed >> 60);
    char text[2] = {(char)('a' + pushed % 26), 0};
    if (dice < 6) {
      push(f, text);
      pushed++;
    } else if (dice < 8) {
      urgents += urgent(f, "!") == 0;
    } else {
      write_some(f, (seed >> 40) % 20, 1 + (int)(seed >> 50) % 5);
    }
  }
  write_some(f, SIZE_MAX, 7);
  struct frame frame;
  size_t at = 0;
  while (next_frame(&f->out, &at, &frame)) {
    if (frame.first == (FIN | PONG)) {
      urgents--;
      continue;
    }
    assert_int_equal(frame.payload[0], 'a' + written % 26);
    written++;
  }
  assert_int_equal(written, pushed);
  assert_int_equal(urgents, 0);
  bytes_clear(&f->out);
}

static void one_frame_at_a_time_needs_no_chunk(void **state) {
  struct fixture *f = *state;
  swale_payload *frame = frame_of(f, "shared", TEXT);
  long before = f->p.u.allocated;
  for (int i = 0; i < 100; i++) {
    assert_int_equal(swale__ws_output_push(&f->o, f->p.pool, swale_payload_ref(frame)), 0);
    write_some(f, SIZE_MAX, 4);
  }
  assert_int_equal(f->p.u.allocated, before);
  swale_payload_unref(frame);
}

static void bursts_need_no_memory_after_the_first(void **state) {
  struct fixture *f = *state;
  swale_payload *frame = frame_of(f, "shared", TEXT);
  long before = 0;
  for (int i = 0; i < 100; i++) {
    for (int n = 0; n < 1 + SWALE__CHUNK_FRAMES; n++)
      assert_int_equal(swale__ws_output_push(&f->o, f->p.pool, swale_payload_ref(frame)), 0);
    write_some(f, SIZE_MAX, 4);
    if (i > 0)
      assert_int_equal(f->p.u.allocated, before);
    before = f->p.u.allocated;
  }
  swale_payload_unref(frame);
}

static void no_memory_is_an_error_and_changes_nothing(void **state) {
  struct fixture *f = *state;
  swale_payload *frame = frame_of(f, "x", TEXT), *pong = frame_of(f, "!", PONG);
  push(f, "a");
  f->p.u.fail_at = 1;
  assert_int_equal(swale__ws_output_push(&f->o, f->p.pool, frame), SWALE_ENOMEM);
  f->p.u.fail_at = 1;
  assert_int_equal(swale__ws_output_push_urgent(&f->o, f->p.pool, pong), SWALE_ENOMEM);
  write_some(f, 1, 1);
  f->p.u.fail_at = 1;
  assert_int_equal(swale__ws_output_push_urgent(&f->o, f->p.pool, pong), SWALE_ENOMEM);
  f->p.u.fail_at = 0;
  assert_int_equal(f->o.bytes, 2);
  assert_int_equal(f->o.control_bytes, 0);
  swale_payload_unref(frame);
  swale_payload_unref(pong);
  expect_texts(f, "a");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(frames_leave_in_the_order_of_pushing),
      TEST(any_write_may_be_short),
      TEST(a_queue_that_never_empties_keeps_its_order),
      TEST(more_than_there_is_cannot_be_acked),
      TEST(an_urgent_frame_goes_first),
      TEST(an_urgent_frame_does_not_cut_another_in_two),
      TEST(urgent_frames_do_not_pile_up),
      TEST(data_and_the_rest_are_counted_apart),
      TEST(random_operations_agree_with_a_model),
      TEST(one_frame_at_a_time_needs_no_chunk),
      TEST(bursts_need_no_memory_after_the_first),
      TEST(no_memory_is_an_error_and_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

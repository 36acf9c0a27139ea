/* SPDX-License-Identifier: MIT */
/*
 * Frames by means of wslay. The tests in the second half hold down what wslay does that an adapter has to
 * know.
 */
#include <unit.h>

#include <dlfcn.h>

#include "bytes.h"
#include "ws/frame_in.h"

/* wslay takes its memory from the C library; here is how it runs out. */
static int wslay_has_no_memory;

int wslay_frame_context_init(wslay_frame_context_ptr *ctx, const struct wslay_frame_callbacks *callbacks,
                             void *user_data) {
  int (*real)(wslay_frame_context_ptr *, const struct wslay_frame_callbacks *, void *);
  if (wslay_has_no_memory)
    return -1;
  *(void **)&real = dlsym(RTLD_NEXT, "wslay_frame_context_init");
  return real(ctx, callbacks, user_data);
}

struct fixture {
  struct unit_env u;
  struct swale__ws_reader *reader;
  struct bytes in;
  size_t chunk;
  /* What was read: all payload, and the last piece. */
  struct bytes payload;
  struct swale__ws_piece last;
  int pieces, frames;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  unit_env_init(&f->u);
  f->chunk = (size_t)(uintptr_t)*state;
  *state = f;
  return swale__ws_reader_new(&f->u.env.allocator, &f->reader);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  swale__ws_reader_free(f->reader, &f->u.env.allocator);
  bytes_free(&f->in);
  bytes_free(&f->payload);
  long live = f->u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

/* Reads f->in in chunks; the last answer of the reader. */
static int read_all(struct fixture *f) {
  int rv = 0;
  for (size_t at = 0; at < f->in.len && rv >= 0;) {
    size_t n = f->chunk && f->chunk < f->in.len - at ? f->chunk : f->in.len - at;
    swale__ws_reader_feed(f->reader, f->in.at + at, n);
    while ((rv = swale__ws_reader_next(f->reader, &f->last)) == 1) {
      f->pieces++;
      f->frames += f->last.first;
      bytes_add(&f->payload, f->last.data, f->last.len);
    }
    at += n;
  }
  bytes_clear(&f->in);
  return rv;
}

static void expect_payload(struct fixture *f, const void *payload, size_t len) {
  assert_int_equal(f->payload.len, len);
  if (len > 0)
    assert_memory_equal(f->payload.at, payload, len);
  bytes_clear(&f->payload);
}

static void frames_are_told_apart(void **state) {
  struct fixture *f = *state;
  bytes_frame(&f->in, TEXT, "hello", 5);
  bytes_frame(&f->in, FIN | CONT, "", 0);
  bytes_frame(&f->in, 0x70 | FIN | BIN, "world", 5);
  assert_int_equal(read_all(f), 0);
  expect_payload(f, "helloworld", 10);
  assert_int_equal(f->frames, 3);
  assert_true(f->last.last && f->last.fin && f->last.masked);
  assert_int_equal(f->last.rsv, 7);
  assert_int_equal(f->last.opcode, BIN);
  assert_int_equal(f->last.frame_len, 5);
  assert_true(swale__ws_reader_idle(f->reader));
}

static void it_is_idle_exactly_between_frames(void **state) {
  struct fixture *f = *state;
  static const size_t lens[] = {0, 1, 125, 126, 65535, 65536};
  unsigned char *zeros = calloc(1, 65536);
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    bytes_frame(&f->in, FIN | BIN, zeros, lens[i]);
    size_t len = f->in.len;
    unsigned char *all = malloc(len);
    memcpy(all, f->in.at, len);
    bytes_clear(&f->in);
    size_t step = len > 1000 ? 997 : 1;
    for (size_t at = 0; at < len; at += step) {
      assert_true(swale__ws_reader_idle(f->reader) == (at == 0));
      bytes_add(&f->in, all + at, len - at < step ? len - at : step);
      assert_int_equal(read_all(f), 0);
    }
    assert_true(swale__ws_reader_idle(f->reader));
    free(all);
  }
  free(zeros);
}

static void control_frames_come_whole(void **state) {
  struct fixture *f = *state;
  unsigned char payload[125];
  memset(payload, 'p', sizeof payload);
  for (size_t len = 0; len <= 125; len++) {
    f->pieces = 0;
    bytes_frame(&f->in, FIN | PING, payload, len);
    assert_int_equal(read_all(f), 0);
    assert_int_equal(f->pieces, 1);
    assert_true(f->last.first && f->last.last);
    expect_payload(f, payload, len);
  }
}

/* The key at every alignment against the pieces wslay shows. */
static void masks_are_taken_off_at_every_length_and_offset(void **state) {
  struct fixture *f = *state;
  unsigned char data[300];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (unsigned char)(i * 7);
  for (size_t len = 0; len <= sizeof data; len++) {
    bytes_frame(&f->in, FIN | BIN, data, len % 5);
    bytes_frame(&f->in, FIN | BIN, data, len);
    assert_int_equal(read_all(f), 0);
    assert_int_equal(f->payload.len, len % 5 + len);
    if (len > 0)
      assert_memory_equal(f->payload.at + len % 5, data, len);
    bytes_clear(&f->payload);
  }
}

static void no_memory_is_an_error(void **state) {
  struct fixture *f = *state;
  struct swale__ws_reader *reader;
  f->u.fail_at = 1;
  assert_int_equal(swale__ws_reader_new(&f->u.env.allocator, &reader), SWALE_ENOMEM);
  assert_null(reader);
  wslay_has_no_memory = 1;
  assert_int_equal(swale__ws_reader_new(&f->u.env.allocator, &reader), SWALE_ENOMEM);
  wslay_has_no_memory = 0;
  assert_null(reader);
  assert_int_equal(f->u.live, 1);
}

/* ---- wslay ------------------------------------------------------------------------------ */

static void wslay_shows_a_header_only_with_the_first_byte_of_payload(void **state) {
  struct fixture *f = *state;
  bytes_header(&f->in, FIN | 7, true, 1000000, 64);
  assert_int_equal(read_all(f), 0);
  assert_int_equal(f->pieces, 0);
  assert_false(swale__ws_reader_idle(f->reader));
  bytes_puts(&f->in, "x");
  assert_int_equal(read_all(f), 0);
  assert_int_equal(f->pieces, 1);
  assert_int_equal(f->last.opcode, 7);
  assert_int_equal(f->last.frame_len, 1000000);
  assert_true(f->last.first && !f->last.last);
}

static void wslay_tells_an_empty_frame_from_the_end_of_the_input(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 10; i++)
    bytes_frame(&f->in, FIN | TEXT, "", 0);
  assert_int_equal(read_all(f), 0);
  assert_int_equal(f->frames, 10);
}

static void wslay_lets_pass_missing_masks_rsv_bits_and_any_opcode(void **state) {
  struct fixture *f = *state;
  bytes_header(&f->in, 0x40 | FIN | 0xf, false, 0, 7);
  assert_int_equal(read_all(f), 0);
  assert_false(f->last.masked);
  assert_int_equal(f->last.rsv, 4);
  assert_int_equal(f->last.opcode, 0xf);
}

static void breaks(void **state, unsigned first, uint64_t len, int form) {
  struct fixture *f = *state;
  bytes_header(&f->in, first, true, len, form);
  assert_int_equal(read_all(f), SWALE_EPROTOCOL);
  assert_false(swale__ws_reader_idle(f->reader));
  bytes_frame(&f->in, FIN | TEXT, "fine", 4);
  assert_int_equal(read_all(f), SWALE_EPROTOCOL);
  assert_int_equal(f->frames, 0);
}

static void wslay_refuses_long_control_frames(void **state) { breaks(state, FIN | CLOSE, 126, 16); }
static void wslay_refuses_fragmented_control_frames(void **state) { breaks(state, PING, 0, 7); }
static void wslay_refuses_16_bits_for_7(void **state) { breaks(state, FIN | TEXT, 125, 16); }
static void wslay_refuses_64_bits_for_16(void **state) { breaks(state, FIN | TEXT, 65535, 64); }
static void wslay_refuses_the_top_bit(void **state) { breaks(state, FIN | TEXT, UINT64_MAX, 64); }

static void wslay_lets_pass_a_length_of_63_bits(void **state) {
  struct fixture *f = *state;
  bytes_header(&f->in, FIN | TEXT, true, INT64_MAX, 64);
  bytes_puts(&f->in, "xyz");
  assert_int_equal(read_all(f), 0);
  assert_true(f->last.frame_len == INT64_MAX);
  assert_false(f->last.last);
}

#define TEST(name)                                                                                           \
  {#name "/0", name, setup, teardown, NULL}, {#name "/1", name, setup, teardown, (void *)1}, {               \
#name "/7", name, setup, teardown, (void *)7                                                             \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(frames_are_told_apart),
      TEST(it_is_idle_exactly_between_frames),
      TEST(control_frames_come_whole),
      TEST(masks_are_taken_off_at_every_length_and_offset),
      TEST(no_memory_is_an_error),
      TEST(wslay_shows_a_header_only_with_the_first_byte_of_payload),
      TEST(wslay_tells_an_empty_frame_from_the_end_of_the_input),
      TEST(wslay_lets_pass_missing_masks_rsv_bits_and_any_opcode),
      TEST(wslay_refuses_long_control_frames),
      TEST(wslay_refuses_fragmented_control_frames),
      TEST(wslay_refuses_16_bits_for_7),
      TEST(wslay_refuses_64_bits_for_16),
      TEST(wslay_refuses_the_top_bit),
      TEST(wslay_lets_pass_a_length_of_63_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include "ws/codec.h"
#include "zpeer.h"

struct fixture {
  struct unit_env u;
  struct zpeer peer;
  struct swale__ws_codec *codec; /* inflates, with a window of 15 bits */
  struct swale__ws_assembly *m;
  struct swale__ws_growth growth;
  struct bytes bytes;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  unit_env_init(&f->u);
  zpeer_init(&f->peer, 15, 15);
  f->growth = (struct swale__ws_growth){1 << 20, 2000};
  f->codec = swale__ws_codec_new((struct swale__ws_shape){.window_bits = 15}, &f->u.env.allocator);
  *state = f;
  return f->codec ? swale__ws_assembly_new(&f->u.env.allocator, &f->m) : -1;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  swale__ws_codec_free(f->codec);
  f->u.env.allocator.free(f->m, &f->u);
  zpeer_free(&f->peer);
  bytes_free(&f->bytes);
  long live = f->u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

/* ---- inflating -------------------------------------------------------------------------- */

static int inflate_part(struct fixture *f, const void *bytes, size_t len, bool last) {
  return swale__ws_codec_inflate(f->codec, &f->m, bytes, len, last, f->growth);
}

/* The whole message in parts of `step` bytes. */
static int inflate_message(struct fixture *f, enum swale_kind kind, const void *bytes, size_t len,
                           size_t step) {
  const unsigned char *at = bytes;
  int rv = 0;
  swale__ws_assembly_reset(f->m, kind);
  swale__ws_codec_reset(f->codec);
  for (; rv == 0 && len > step; at += step, len -= step)
    rv = inflate_part(f, at, step, false);
  return rv == 0 ? inflate_part(f, at, len, true) : rv;
}

static void expect_inflated(struct fixture *f, const void *deflated, size_t len, const char *text) {
  const size_t steps[] = {1, 2, 3, 1000000};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    assert_int_equal(inflate_message(f, SWALE_TEXT, deflated, len, steps[i]), 0);
    assert_int_equal(f->m->len, strlen(text));
    assert_memory_equal(f->m->bytes, text, strlen(text));
    assert_int_equal(swale__ws_assembly_finish(f->m), 0);
  }
}

#define EXPECT_INFLATED(f, deflated, text) expect_inflated(f, deflated, sizeof deflated - 1, text)

static void expect_fault(struct fixture *f, const void *deflated, size_t len, int error) {
  const size_t steps[] = {1, 2, 3, 1000000};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
    assert_int_equal(inflate_message(f, SWALE_TEXT, deflated, len, steps[i]), error);
}

#define EXPECT_FAULT(f, deflated, error) expect_fault(f, deflated, sizeof deflated - 1, error)

/* RFC 7692, 7.2.3. */
static void the_examples_of_the_rfc_inflate(void **state) {
  struct fixture *f = *state;
  EXPECT_INFLATED(f, "\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello");
  EXPECT_INFLATED(f, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "Hello");
  EXPECT_INFLATED(f, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello");
  EXPECT_INFLATED(f, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello");
}

static void a_message_may_refer_to_the_one_before(void **state) {
  struct fixture *f = *state;
  EXPECT_INFLATED(f, "\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello");
  swale__ws_assembly_reset(f->m, SWALE_TEXT);
  assert_int_equal(inflate_part(f, "\xf2\x00\x11\x00\x00", 5, true), 0);
  assert_int_equal(f->m->len, 5);
  assert_memory_equal(f->m->bytes, "Hello", 5);
  EXPECT_FAULT(f, "\xf2\x00\x11\x00\x00", SWALE_EFORMAT);
}

static void an_empty_message_is_one_byte_or_none(void **state) {
  struct fixture *f = *state;
  EXPECT_INFLATED(f, "\x00", "");
  EXPECT_INFLATED(f, "", "");
  EXPECT_INFLATED(f, "\x02\x00", "");
  EXPECT_INFLATED(f, "\x03\x00\x00", "");
}

/* Encoders that end the stream and leave out what should follow; others that go on with a new one. */
static void final_blocks_are_taken_as_others_send_them(void **state) {
  struct fixture *f = *state;
  EXPECT_INFLATED(f, "\xf3\x48\xcd\xc9\xc9\x07\x00", "Hello");
  EXPECT_INFLATED(f, "\x03\x00", "");
  EXPECT_INFLATED(f, "\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00", "HelloHello");
  EXPECT_INFLATED(f, "\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "HelloHello");
  EXPECT_INFLATED(f, "\x01\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "Hello");
  EXPECT_FAULT(f, "\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00", SWALE_EFORMAT);
}

static void what_is_not_deflated_is_refused(void **state) {
  struct fixture *f = *state;
  EXPECT_FAULT(f, "\x06", SWALE_EFORMAT);                      /* a type of block that there is not */
  EXPECT_FAULT(f, "\x00\x05\x00\x00\x00Hello", SWALE_EFORMAT); /* a length and its complement differ */
  EXPECT_FAULT(f, "Hello, this is no stream", SWALE_EFORMAT);  /* text */
  EXPECT_FAULT(f, "\x78\x9c\xf2\x48\xcd\xc9\xc9\x07\x00", SWALE_EFORMAT); /* zlib's own header */
}

static void a_message_that_ends_too_early_or_too_late_is_refused(void **state) {
  struct fixture *f = *state;
  EXPECT_FAULT(f, "\xf2\x48\xcd\xc9\xc9", SWALE_EFORMAT);
  EXPECT_FAULT(f, "\xf2\x48\xcd\xc9\xc9\x07", SWALE_EFORMAT);
  assert_int_equal(inflate_message(f, SWALE_BINARY, "\x00\x05\x00\xfa\xff\x48\x65", 7, 1), SWALE_EFORMAT);
  EXPECT_FAULT(f, "\x00\x05\x00", SWALE_EFORMAT);
  EXPECT_FAULT(f, "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", SWALE_EFORMAT);
}

static void text_is_checked_as_it_inflates(void **state) {
  struct fixture *f = *state;
  unsigned char text[3000];
  memset(text, 'a', sizeof text);
  text[1000] = 0xff;
  zpeer_deflate(&f->peer, text, sizeof text, &f->bytes);
  EXPECT_INFLATED(f, "\x00\x05\x00\xfa\xff\xe2\x82\xac\xc3\xa4\x00", "\xe2\x82\xac\xc3\xa4");
  expect_fault(f, f->bytes.at, f->bytes.len, SWALE_EUTF8);
  assert_true(f->m->len < 3000);
  assert_int_equal(inflate_message(f, SWALE_BINARY, f->bytes.at, f->bytes.len, 7), 0);
}

static void a_message_grows_up_to_the_limit_and_no_further(void **state) {
  struct fixture *f = *state;
  unsigned char *many = calloc(1, 20001);
  const size_t limits[] = {1, 100, 4095, 4096, 5000, 20000};
  memset(many, 'x', 20001);
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    f->growth.max = limits[i];
    for (size_t more = 0; more < 2; more++) {
      bytes_clear(&f->bytes);
      zpeer_reset(&f->peer);
      zpeer_deflate(&f->peer, many, limits[i] + more, &f->bytes);
      for (size_t step = 1; step < 100; step += 49)
        assert_int_equal(inflate_message(f, SWALE_TEXT, f->bytes.at, f->bytes.len, step),
                         more ? SWALE_ESIZE : 0);
      assert_int_equal(f->m->len, limits[i] + more);
      assert_true(f->m->capacity <= 4096 || f->m->capacity <= limits[i] + 1);
    }
  }
  free(many);
}

static void a_bomb_stops_at_the_limit(void **state) {
  struct fixture *f = *state;
  size_t size = (size_t)64 << 20;
  unsigned char *zeros = calloc(1, size);
  zpeer_deflate(&f->peer, zeros, size, &f->bytes);
  free(zeros);
  assert_true(f->bytes.len < 70000);
  assert_int_equal(inflate_message(f, SWALE_BINARY, f->bytes.at, f->bytes.len, 1 << 20), SWALE_ESIZE);
  assert_int_equal(f->m->capacity, (1 << 20) + 1);
}

static void the_ratio_counts_beyond_what_is_free(void **state) {
  struct fixture *f = *state;
  unsigned char *zeros = calloc(1, 300000);
  f->growth.ratio = 256;
  zpeer_deflate(&f->peer, zeros, SWALE__RATIO_FREE, &f->bytes);
  assert_int_equal(inflate_message(f, SWALE_BINARY, f->bytes.at, f->bytes.len, 10), 0);
  bytes_clear(&f->bytes);
  zpeer_reset(&f->peer);
  zpeer_deflate(&f->peer, zeros, 300000, &f->bytes);
  assert_int_equal(inflate_message(f, SWALE_BINARY, f->bytes.at, f->bytes.len, 10), SWALE_EFULL);
  f->growth.ratio = (uint32_t)((300000 + f->bytes.len - 1) / f->bytes.len);
  assert_int_equal(inflate_message(f, SWALE_BINARY, f->bytes.at, f->bytes.len, f->bytes.len), 0);
  f->growth.ratio -= 10;
  assert_int_equal(inflate_message(f, SWALE_BINARY, f->bytes.at, f->bytes.len, f->bytes.len), SWALE_EFULL);
  f->growth.ratio = 1032;
  assert_int_equal(inflate_message(f, SWALE_BINARY, f->bytes.at, f->bytes.len, 10), 0);
  free(zeros);
}

/* ---- deflating -------------------------------------------------------------------------- */

static struct swale__ws_codec *deflater(struct fixture *f, uint8_t bits) {
  struct swale__ws_codec *codec =
      swale__ws_codec_new((struct swale__ws_shape){6, bits, 8}, &f->u.env.allocator);
  assert_non_null(codec);
  return codec;
}

static void expect_deflated(struct fixture *f, struct swale__ws_codec *codec, const void *bytes, size_t len,
                            bool smaller) {
  size_t n;
  unsigned char *deflated = swale__ws_codec_deflate(codec, bytes, len, smaller, &n);
  assert_non_null(deflated);
  assert_true(!smaller || n < len);
  bytes_clear(&f->bytes);
  zpeer_inflate(&f->peer, deflated, n, &f->bytes);
  assert_int_equal(f->bytes.len, len);
  assert_memory_equal(f->bytes.at, bytes, len);
  f->u.env.allocator.free(deflated, &f->u);
}

static void what_is_deflated_inflates_again(void **state) {
  struct fixture *f = *state;
  unsigned char text[10000];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (unsigned char)((size_t) "abcdefgh"[i % 8] + i / 1000);
  for (uint8_t bits = 9; bits <= 15; bits++) {
    struct swale__ws_codec *codec = deflater(f, bits);
    for (size_t len = 20; len <= sizeof text; len += 499)
      expect_deflated(f, codec, text, len, false);
    swale__ws_codec_reset(codec);
    expect_deflated(f, codec, text, sizeof text, true);
    swale__ws_codec_free(codec);
  }
}

static void what_does_not_become_smaller_is_told(void **state) {
  struct fixture *f = *state;
  unsigned char noise[2000];
  size_t n;
  unit_env_random(noise, sizeof noise, &f->u);
  struct swale__ws_codec *codec = deflater(f, 15);
  for (size_t len = 1; len <= sizeof noise; len += len) {
    assert_null(swale__ws_codec_deflate(codec, noise, len, true, &n));
    swale__ws_codec_reset(codec);
  }
  expect_deflated(f, codec, noise, 1, false);
  expect_deflated(f, codec, noise, sizeof noise, false);
  expect_deflated(f, codec, noise, sizeof noise, true); /* it has been there before */
  swale__ws_codec_free(codec);
}

static int all_the_memory_is_the_callers(struct unit_env *u) {
  struct swale__ws_codec *in =
      swale__ws_codec_new((struct swale__ws_shape){.window_bits = 15}, &u->env.allocator);
  struct swale__ws_codec *out = swale__ws_codec_new((struct swale__ws_shape){6, 15, 8}, &u->env.allocator);
  struct swale__ws_assembly *m = NULL;
  size_t n;
  int rv = SWALE_ENOMEM;
  unsigned char *deflated = out ? swale__ws_codec_deflate(out, "hello hello hello", 17, true, &n) : NULL;
  if (in && deflated && swale__ws_assembly_new(&u->env.allocator, &m) == 0) {
    swale__ws_assembly_reset(m, SWALE_TEXT);
    rv = swale__ws_codec_inflate(in, &m, deflated, n, true, (struct swale__ws_growth){100, 100});
    assert_true(rv == SWALE_ENOMEM || (rv == 0 && m->len == 17));
  }
  u->env.allocator.free(deflated, u);
  u->env.allocator.free(m, u);
  swale__ws_codec_free(in);
  swale__ws_codec_free(out);
  return rv;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  unit_fail_every_allocation(all_the_memory_is_the_callers);
}

static void nothing_is_freed_for_no_codec(void **state) {
  (void)state;
  swale__ws_codec_free(NULL);
}

#define CODEC_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CODEC_TEST(the_examples_of_the_rfc_inflate),
      CODEC_TEST(a_message_may_refer_to_the_one_before),
      CODEC_TEST(an_empty_message_is_one_byte_or_none),
      CODEC_TEST(final_blocks_are_taken_as_others_send_them),
      CODEC_TEST(what_is_not_deflated_is_refused),
      CODEC_TEST(a_message_that_ends_too_early_or_too_late_is_refused),
      CODEC_TEST(text_is_checked_as_it_inflates),
      CODEC_TEST(a_message_grows_up_to_the_limit_and_no_further),
      CODEC_TEST(a_bomb_stops_at_the_limit),
      CODEC_TEST(the_ratio_counts_beyond_what_is_free),
      CODEC_TEST(what_is_deflated_inflates_again),
      CODEC_TEST(what_does_not_become_smaller_is_told),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(nothing_is_freed_for_no_codec),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

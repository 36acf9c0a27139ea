/* SPDX-License-Identifier: MIT */
#include "pooled.h"
#include "ws/chunks.h"
#include "ws/frame_out.h"

struct fixture {
  struct pooled p;
  struct swale__ws_chunk *last;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  *state = f;
  return pooled_open(&f->p);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  swale__ws_chunks_clear(&f->last, f->p.pool);
  int rv = pooled_close(&f->p);
  free(f);
  return rv;
}

/* A frame with this letter in it. */
static swale_payload *frame_of(struct fixture *f, int letter) {
  char text = (char)letter;
  swale_payload *frame;
  assert_int_equal(swale__ws_frame_control(SWALE__FRAME_PONG, &text, 1, &f->p.u.env.allocator, &frame), 0);
  return frame;
}

static int append(struct fixture *f, int letter) {
  swale_payload *frame = frame_of(f, letter);
  int rv = swale__ws_chunks_append(&f->last, f->p.pool, frame);
  if (rv < 0)
    swale_payload_unref(frame);
  return rv;
}

static int prepend(struct fixture *f, int letter) {
  swale_payload *frame = frame_of(f, letter);
  int rv = swale__ws_chunks_prepend(&f->last, f->p.pool, frame);
  if (rv < 0)
    swale_payload_unref(frame);
  return rv;
}

static int letter_of(struct iovec shown) { return ((char *)shown.iov_base)[shown.iov_len - 1]; }

/* The letters in order, which then are gone. */
static void expect(struct fixture *f, const char *letters) {
  struct iovec iov[200];
  size_t n = strlen(letters);
  assert_int_equal(swale__ws_chunks_show(f->last, iov, 200), n);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(letter_of(iov[i]), letters[i]);
    assert_int_equal(letter_of(swale__ws_frame_shown(*swale__ws_chunks_first(f->last))), letters[i]);
    swale__ws_chunks_drop_first(&f->last, f->p.pool);
  }
  assert_null(f->last);
}

static void what_was_appended_first_is_first(void **state) {
  struct fixture *f = *state;
  char letters[101] = "";
  for (int n = 1; n <= 100; n++) {
    for (int i = 0; i < n; i++) {
      letters[i] = (char)('a' + i % 26);
      assert_int_equal(append(f, letters[i]), 0);
    }
    letters[n] = '\0';
    expect(f, letters);
  }
}

static void what_is_prepended_goes_before_all(void **state) {
  struct fixture *f = *state;
  assert_int_equal(prepend(f, 'b'), 0);
  assert_int_equal(append(f, 'c'), 0);
  assert_int_equal(prepend(f, 'a'), 0);
  expect(f, "abc");
  for (int i = 0; i < 40; i++)
    assert_int_equal(prepend(f, 'z' - i % 20), 0);
  expect(f, "ghijklmnopqrstuvwxyzghijklmnopqrstuvwxyz");
}

static void no_more_is_shown_than_asked_for(void **state) {
  struct fixture *f = *state;
  struct iovec iov[50];
  for (int i = 0; i < 40; i++)
    append(f, 'a' + i % 26);
  for (int max = 0; max <= 50; max++)
    assert_int_equal(swale__ws_chunks_show(f->last, iov, max), max < 40 ? max : 40);
}

static void clearing_gives_everything_back(void **state) {
  struct fixture *f = *state;
  long live = f->p.u.live;
  for (int i = 0; i < 40; i++)
    append(f, 'a');
  swale__ws_chunks_clear(&f->last, f->p.pool);
  swale__ws_chunks_clear(&f->last, f->p.pool);
  assert_null(f->last);
  assert_int_equal(f->p.u.live, live + 1); /* the pool keeps one chunk for its connection */
}

static void without_memory_nothing_changes(void **state) {
  struct fixture *f = *state;
  swale_payload *frame = frame_of(f, 'x');
  f->p.u.fail_at = 1;
  assert_int_equal(swale__ws_chunks_append(&f->last, f->p.pool, frame), SWALE_ENOMEM);
  assert_null(f->last);
  for (int i = 0; i < SWALE__CHUNK_FRAMES; i++)
    append(f, 'a' + i);
  f->p.u.fail_at = 1;
  assert_int_equal(swale__ws_chunks_append(&f->last, f->p.pool, frame), SWALE_ENOMEM);
  f->p.u.fail_at = 1;
  assert_int_equal(swale__ws_chunks_prepend(&f->last, f->p.pool, frame), SWALE_ENOMEM);
  swale_payload_unref(frame);
  expect(f, "abcdefghijklmnop");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_was_appended_first_is_first), TEST(what_is_prepended_goes_before_all),
      TEST(no_more_is_shown_than_asked_for),  TEST(clearing_gives_everything_back),
      TEST(without_memory_nothing_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

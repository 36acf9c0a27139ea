/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/msgpack.h"
#include "core/msgpack_check.h"

static int check_with(struct unit_env *u, const void *bytes, size_t len, size_t depth) {
  return swale__msgpack_check(bytes, len, depth, &u->env.allocator);
}

/* On a block of exactly this size, so that reading beyond it shows; nothing may be left over. */
static int check_to(const void *bytes, size_t len, size_t depth) {
  struct unit_env u;
  unit_env_init(&u);
  unsigned char *copy = malloc(len + 1);
  memcpy(copy + 1, bytes, len);
  int rv = check_with(&u, copy + 1, len, depth);
  free(copy);
  assert_int_equal(u.live, 0);
  return rv;
}

static int check(const void *bytes, size_t len) { return check_to(bytes, len, SWALE_MESSAGE_DEPTH_MAX); }

#define CHECK(literal) check(literal, sizeof(literal) - 1)

/* ---- what may stand in a message ------------------------------------------------------ */

static const char everything[] = "\x8b"
                                 "\xa0\xc0"
                                 "\xa1"
                                 "a\xc3"
                                 "\xa1"
                                 "b\x05"
                                 "\xd9\x01"
                                 "c\xd3\x80\x00\x00\x00\x00\x00\x00\x00"
                                 "\xda\x00\x01"
                                 "d\xca\x3f\x80\x00\x00"
                                 "\xdb\x00\x00\x00\x01"
                                 "e\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"
                                 "\xa1"
                                 "f\xa2\xc3\xa4"
                                 "\xa1"
                                 "g\xc4\x02\xff\x00"
                                 "\xa1"
                                 "h\x92\x90\x91\x80"
                                 "\xa1"
                                 "i\x81\xa1"
                                 "a\x81\xa1"
                                 "a\xc0"
                                 "\xa2\xc3\xb6\xdc\x00\x01\xde\x00\x00";

static void everything_that_is_allowed_is_accepted(void **state) {
  (void)state;
  assert_int_equal(CHECK("\x80"), 0);
  assert_int_equal(CHECK(everything), 0);
}

static void every_prefix_is_truncated(void **state) {
  (void)state;
  for (size_t n = 0; n < sizeof everything - 1; n++)
    assert_int_equal(check(everything, n), SWALE_EFORMAT);
}

static void nothing_may_follow_the_map(void **state) {
  (void)state;
  assert_int_equal(CHECK("\x80\x80"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\x80\x00"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\x80\xc1"), SWALE_EFORMAT);
}

static void what_is_not_a_map_is_malformed(void **state) {
  (void)state;
  assert_int_equal(CHECK(""), SWALE_EFORMAT);
  assert_int_equal(CHECK("\x90"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\xc0"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\x2a"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\xa1x"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), SWALE_EFORMAT);
}

static void the_reserved_tag_is_malformed_anywhere(void **state) {
  (void)state;
  assert_int_equal(CHECK("\xc1"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\x81\xc1\xc0"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\x81\xa1k\xc1"), SWALE_EFORMAT);
  assert_int_equal(CHECK("\x81\xa1k\x91\xc1"), SWALE_EFORMAT);
}

static void keys_are_text(void **state) {
  (void)state;
  assert_int_equal(CHECK("\x81\xc0\xc0"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\x01\xc0"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\xc4\x01k\xc0"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\x90\xc0"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\x80\xc0"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\xa1k\x81\xc2\xc0"), SWALE_ETYPE);
}

static void extension_types_are_refused_anywhere(void **state) {
  (void)state;
  assert_int_equal(CHECK("\x81\xa1k\xd4\x01\x02"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\xa1k\x91\xd6\xff\x00\x00\x00\x00"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\xc7\x01\x01\x01\xc0"), SWALE_ETYPE);
}

static void numbers_out_of_range_are_refused(void **state) {
  (void)state;
  assert_int_equal(CHECK("\x81\xa1k\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\xa1k\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), SWALE_ETYPE);
  assert_int_equal(CHECK("\x81\xa1k\xca\xff\x80\x00\x00"), SWALE_ETYPE);
}

static void text_and_keys_are_utf8(void **state) {
  (void)state;
  assert_int_equal(CHECK("\x81\xa1\xff\xc0"), SWALE_EUTF8);
  assert_int_equal(CHECK("\x81\xa1k\xa3\xed\xa0\x80"), SWALE_EUTF8);
  assert_int_equal(CHECK("\x81\xa1k\x91\xa1\xc3"), SWALE_EUTF8);
  assert_int_equal(CHECK("\x81\xa1k\xc4\x01\xff"), 0);
}

/* ---- depth ---------------------------------------------------------------------------- */

/* {"k": {"k": ... }} or {"k": [[...]]}, so many levels deep. */
static size_t nested(unsigned char *at, size_t levels, bool maps) {
  size_t n = 0;
  for (size_t level = 1; level < levels; level++) {
    at[n++] = maps || level == 1 ? 0x81 : 0x91;
    if (maps || level == 1) {
      at[n++] = 0xa1;
      at[n++] = 'k';
    }
  }
  at[n++] = maps || levels == 1 ? 0x80 : 0x90;
  return n;
}

static void the_depth_is_bounded_exactly(void **state) {
  (void)state;
  unsigned char bytes[4 * SWALE_MESSAGE_DEPTH_MAX];
  for (size_t limit = 1; limit <= SWALE_MESSAGE_DEPTH_MAX; limit++) {
    for (int maps = 0; maps <= 1; maps++) {
      assert_int_equal(check_to(bytes, nested(bytes, limit, maps), limit), 0);
      assert_int_equal(check_to(bytes, nested(bytes, limit + 1, maps), limit), SWALE_EDEPTH);
    }
  }
}

static void depth_is_not_spent_by_what_has_ended(void **state) {
  (void)state;
  static const unsigned char bytes[] = {0x83, 0xa1, 'a', 0x80, 0xa1, 'b', 0x92, 0xc0, 0xc0, 0xa1, 'c', 0x80};
  assert_int_equal(check_to(bytes, sizeof bytes, 2), 0);
}

static void a_million_levels_end_at_the_limit(void **state) {
  (void)state;
  size_t n = 1000000;
  unsigned char *bytes = malloc(n);
  memset(bytes, 0x91, n);
  memcpy(bytes, "\x81\xa1k", 3);
  assert_int_equal(check(bytes, n), SWALE_EDEPTH);
  free(bytes);
}

/* ---- duplicates and sizes ------------------------------------------------------------- */

static void a_key_may_not_come_twice_in_one_map(void **state) {
  (void)state;
  assert_int_equal(CHECK("\x82\xa1k\xc0\xa1k\xc0"), SWALE_EDUPLICATE);
  assert_int_equal(CHECK("\x82\xa1k\xc0\xd9\x01k\xc0"), SWALE_EDUPLICATE);
  assert_int_equal(CHECK("\x81\xa1k\x91\x82\xa1x\xc0\xa1x\xc0"), SWALE_EDUPLICATE);
  assert_int_equal(CHECK("\x82\xa0\xc0\xa0\xc0"), SWALE_EDUPLICATE);
}

static void a_key_may_come_again_in_another_map(void **state) {
  (void)state;
  assert_int_equal(CHECK("\x82\xa1k\x81\xa1k\x81\xa1k\xc0\xa1l\x92\x81\xa1k\xc0\x81\xa1k\xc0"), 0);
}

/* A map of `count` keys of six letters, each with a list of one map as its value. */
static size_t large_map(unsigned char *at, uint32_t count) {
  unsigned char *start = at;
  at += swale__msgpack_put_map(at, count);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t scattered = i * 2654435761u;
    at += swale__msgpack_put_str(at, 6);
    for (int bit = 0; bit < 30; bit += 5)
      *at++ = (unsigned char)('A' + (scattered >> bit & 31));
    memcpy(at, "\x91\x81\xa1k\xc0", 5);
    at += 5;
  }
  return (size_t)(at - start);
}

enum { LARGE = 50000 };

static void a_duplicate_is_found_in_a_large_map(void **state) {
  (void)state;
  unsigned char *bytes = malloc(LARGE * 12 + 16);
  size_t len = large_map(bytes, LARGE);
  assert_int_equal(check(bytes, len), 0);
  memcpy(bytes + len - 11, bytes + 4, 6);
  assert_int_equal(check(bytes, len), SWALE_EDUPLICATE);
  free(bytes);
}

static void counts_that_the_bytes_do_not_bear_out_cost_nothing(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  assert_int_equal(check_with(&u, "\xdf\xff\xff\xff\xff", 5, 32), SWALE_EFORMAT);
  assert_int_equal(check_with(&u, "\x81\xa1k\xdd\xff\xff\xff\xff\xc0", 9, 32), SWALE_EFORMAT);
  assert_int_equal(check_with(&u, "\x81\xdb\xff\xff\xff\xff", 6, 32), SWALE_EFORMAT);
  assert_int_equal(u.allocated, 0);
}

static void small_maps_take_no_memory(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  assert_int_equal(check_with(&u, everything, sizeof everything - 1, 32), 0);
  assert_int_equal(u.allocated, 0);
}

static int check_a_large_map(struct unit_env *u) {
  unsigned char bytes[300 * 12 + 16];
  return check_with(u, bytes, large_map(bytes, 300), 32);
}

static void running_out_of_memory_is_reported(void **state) {
  (void)state;
  unit_fail_every_allocation(check_a_large_map);
  struct unit_env u;
  unit_env_init(&u);
  u.fail_at = 1;
  assert_int_equal(check_a_large_map(&u), SWALE_ENOMEM);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_that_is_allowed_is_accepted),
      cmocka_unit_test(every_prefix_is_truncated),
      cmocka_unit_test(nothing_may_follow_the_map),
      cmocka_unit_test(what_is_not_a_map_is_malformed),
      cmocka_unit_test(the_reserved_tag_is_malformed_anywhere),
      cmocka_unit_test(keys_are_text),
      cmocka_unit_test(extension_types_are_refused_anywhere),
      cmocka_unit_test(numbers_out_of_range_are_refused),
      cmocka_unit_test(text_and_keys_are_utf8),
      cmocka_unit_test(the_depth_is_bounded_exactly),
      cmocka_unit_test(depth_is_not_spent_by_what_has_ended),
      cmocka_unit_test(a_million_levels_end_at_the_limit),
      cmocka_unit_test(a_key_may_not_come_twice_in_one_map),
      cmocka_unit_test(a_key_may_come_again_in_another_map),
      cmocka_unit_test(a_duplicate_is_found_in_a_large_map),
      cmocka_unit_test(counts_that_the_bytes_do_not_bear_out_cost_nothing),
      cmocka_unit_test(small_maps_take_no_memory),
      cmocka_unit_test(running_out_of_memory_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/inbox.h"

static struct swale__entry entry(uint32_t n) { return (struct swale__entry){.members = n}; }

static void open_inbox(struct unit_env *u, struct swale__inbox *in, size_t bytes) {
  unit_env_init(u);
  *in = (struct swale__inbox){.bytes_max = bytes};
}

static int put(struct unit_env *u, struct swale__inbox *in, uint32_t n) {
  int rv = swale__inbox_reserve(in, &u->env.allocator, 1, false);
  if (rv == 0)
    swale__inbox_fill(in, entry(n));
  return rv;
}

static void close_inbox(struct unit_env *u, struct swale__inbox *in) {
  swale__inbox_free(in, &u->env.allocator);
  assert_int_equal(u->live, 0);
}

static void entries_come_out_in_order_and_numbered(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__inbox in;
  open_inbox(&u, &in, 1000);
  uint32_t put_in = 0, taken = 0;
  for (uint32_t round = 1; round <= 40; round++) {
    for (uint32_t i = 0; i < round; i++)
      assert_int_equal(put(&u, &in, put_in++), 0);
    assert_true(swale__inbox_waits(&in));
    swale__inbox_take(&in, &u.env.allocator);
    put(&u, &in, put_in++); /* comes while others are worked through */
    swale__inbox_take(&in, &u.env.allocator);
    const struct swale__entry *e;
    while ((e = swale__inbox_next(&in))) {
      assert_int_equal(e->members, taken++);
      assert_int_equal(e->sequence, taken);
    }
    assert_int_equal(taken, put_in - 1);
  }
  swale__inbox_take(&in, &u.env.allocator);
  assert_non_null(swale__inbox_next(&in));
  assert_false(swale__inbox_waits(&in));
  close_inbox(&u, &in);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__inbox in;
  const struct swale_allocator *a = &u.env.allocator;
  open_inbox(&u, &in, 100);
  assert_int_equal(swale__inbox_reserve(&in, a, 101, false), SWALE_EFULL);
  assert_int_equal(swale__inbox_reserve(&in, a, SIZE_MAX, false), SWALE_EFULL);
  assert_int_equal(swale__inbox_reserve(&in, a, 60, false), 0);
  assert_int_equal(swale__inbox_reserve(&in, a, 41, false), SWALE_EFULL);
  assert_int_equal(swale__inbox_reserve(&in, a, 40, false), 0);
  assert_int_equal(swale__inbox_reserve(&in, a, 1, false), SWALE_EFULL);
  swale__inbox_unreserve(&in, 60);
  assert_int_equal(swale__inbox_reserve(&in, a, 61, false), SWALE_EFULL);
  assert_int_equal(swale__inbox_reserve(&in, a, 60, false), 0);
  swale__inbox_unreserve(&in, 60);
  swale__inbox_unreserve(&in, 40);
  assert_int_equal(in.bytes, 0);
  assert_int_equal(in.reserved, 0);
  close_inbox(&u, &in);
}

static void what_was_taken_already_fits_always(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__inbox in;
  const struct swale_allocator *a = &u.env.allocator;
  open_inbox(&u, &in, 100);
  assert_int_equal(swale__inbox_reserve(&in, a, 80, true), 0);
  assert_int_equal(swale__inbox_reserve(&in, a, 80, true), 0);
  assert_int_equal(in.bytes, 160);
  assert_int_equal(swale__inbox_reserve(&in, a, 1, false), SWALE_EFULL);
  swale__inbox_unreserve(&in, 80);
  assert_int_equal(swale__inbox_reserve(&in, a, 20, false), 0);
  swale__inbox_unreserve(&in, 20);
  swale__inbox_unreserve(&in, 80);
  close_inbox(&u, &in);
}

/* Any number of promises and entries, interleaved: a promise never needs memory to be kept. */
static void promises_are_kept(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__inbox in;
  const struct swale_allocator *a = &u.env.allocator;
  open_inbox(&u, &in, SIZE_MAX);
  for (size_t promised = 1; promised < 70; promised++) {
    for (size_t i = 0; i < promised; i++) {
      assert_int_equal(swale__inbox_reserve(&in, a, 1, false), 0);
      if (i % 3 == 0)
        assert_int_equal(put(&u, &in, 1), 0);
    }
    long allocated = u.allocated;
    for (size_t i = 0; i < promised; i++)
      swale__inbox_fill(&in, entry(1));
    assert_int_equal(u.allocated, allocated);
    assert_true(in.filling.count <= in.filling.room);
    assert_int_equal(in.reserved, 0);
    swale__inbox_take(&in, a);
    while (swale__inbox_next(&in))
      ;
  }
  close_inbox(&u, &in);
}

static void the_array_stays_while_there_are_promises_for_it(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__inbox in;
  const struct swale_allocator *a = &u.env.allocator;
  open_inbox(&u, &in, 1000);
  assert_int_equal(put(&u, &in, 1), 0);
  assert_int_equal(swale__inbox_reserve(&in, a, 1, false), 0);
  swale__inbox_take(&in, a);
  assert_null(swale__inbox_next(&in));
  assert_true(swale__inbox_waits(&in));
  swale__inbox_fill(&in, entry(2));
  swale__inbox_take(&in, a);
  assert_int_equal(swale__inbox_next(&in)->members, 1);
  assert_int_equal(swale__inbox_next(&in)->members, 2);
  assert_null(swale__inbox_next(&in));
  close_inbox(&u, &in);
}

static void in_the_steady_state_nothing_is_allocated(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__inbox in;
  open_inbox(&u, &in, 1000000);
  long allocated = 0;
  for (int round = 0; round < 100; round++) {
    if (round == 2)
      allocated = u.allocated;
    for (uint32_t i = 0; i < 100; i++)
      assert_int_equal(put(&u, &in, i), 0);
    swale__inbox_take(&in, &u.env.allocator);
    while (swale__inbox_next(&in))
      ;
  }
  assert_int_equal(u.allocated, allocated);
  close_inbox(&u, &in);
}

static void the_array_of_a_burst_is_given_back(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__inbox in;
  open_inbox(&u, &in, SIZE_MAX);
  for (uint32_t i = 0; i < 10000; i++)
    assert_int_equal(put(&u, &in, i), 0);
  for (int round = 0; round < 3; round++) {
    swale__inbox_take(&in, &u.env.allocator);
    while (swale__inbox_next(&in))
      ;
    put(&u, &in, 0);
  }
  assert_true(in.filling.room < 10000 && in.taken.room < 10000);
  close_inbox(&u, &in);
}

static void without_memory_nothing_changes(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__inbox in;
  open_inbox(&u, &in, 1000);
  for (uint32_t i = 0; i < 40; i++) {
    u.fail_at = 1;
    size_t bytes = in.bytes, reserved = in.reserved;
    if (put(&u, &in, i) < 0) {
      assert_int_equal(in.bytes, bytes);
      assert_int_equal(in.reserved, reserved);
      assert_int_equal(in.filling.count, i);
      assert_int_equal(put(&u, &in, i), 0);
    }
    u.fail_at = 0;
  }
  swale__inbox_take(&in, &u.env.allocator);
  for (uint32_t i = 0; i < 40; i++)
    assert_int_equal(swale__inbox_next(&in)->members, i);
  close_inbox(&u, &in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_come_out_in_order_and_numbered),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(what_was_taken_already_fits_always),
      cmocka_unit_test(promises_are_kept),
      cmocka_unit_test(the_array_stays_while_there_are_promises_for_it),
      cmocka_unit_test(in_the_steady_state_nothing_is_allocated),
      cmocka_unit_test(the_array_of_a_burst_is_given_back),
      cmocka_unit_test(without_memory_nothing_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

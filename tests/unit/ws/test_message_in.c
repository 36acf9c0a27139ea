/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include "ws/message_in.h"

struct fixture {
  struct unit_env u;
  struct swale__ws_assembly *m;
};

static int setup(void **state) {
  struct fixture *f = malloc(sizeof *f);
  unit_env_init(&f->u);
  *state = f;
  return swale__ws_assembly_new(&f->u.env.allocator, &f->m);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  f->u.env.allocator.free(f->m, &f->u);
  long live = f->u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

static int append(struct fixture *f, const void *bytes, size_t len, size_t max) {
  return swale__ws_assembly_append(&f->m, bytes, len, max, &f->u.env.allocator);
}

static void parts_stand_behind_each_other(void **state) {
  struct fixture *f = *state;
  swale__ws_assembly_reset(f->m, SWALE_TEXT);
  assert_int_equal(append(f, "one ", 4, 100), 0);
  assert_int_equal(append(f, NULL, 0, 100), 0);
  assert_int_equal(append(f, "two", 3, 100), 0);
  assert_int_equal(f->m->len, 7);
  assert_memory_equal(f->m->bytes, "one two", 7);
  assert_int_equal(swale__ws_assembly_finish(f->m), 0);
  swale__ws_assembly_reset(f->m, SWALE_BINARY);
  assert_int_equal(f->m->len, 0);
}

static void the_block_grows_with_what_comes_and_up_to_the_limit(void **state) {
  struct fixture *f = *state;
  enum { MAX = 100000 };
  unsigned char part[100];
  swale__ws_assembly_reset(f->m, SWALE_BINARY);
  for (size_t i = 0; i < MAX / sizeof part; i++) {
    memset(part, (int)i, sizeof part);
    assert_int_equal(append(f, part, sizeof part, MAX), 0);
    assert_true(f->m->capacity <= MAX && f->m->capacity <= 4096 + 2 * f->m->len);
  }
  assert_int_equal(f->m->len, MAX);
  for (size_t i = 0; i < MAX; i++)
    assert_int_equal(f->m->bytes[i], (unsigned char)(i / sizeof part));
  assert_true(f->u.allocated < 10);
}

static void text_is_checked_as_it_comes(void **state) {
  struct fixture *f = *state;
  swale__ws_assembly_reset(f->m, SWALE_TEXT);
  assert_int_equal(append(f, "\xe2\x82", 2, 100), 0);
  assert_int_equal(swale__ws_assembly_finish(f->m), SWALE_EUTF8);
  assert_int_equal(append(f, "\xac", 1, 100), 0);
  assert_int_equal(swale__ws_assembly_finish(f->m), 0);
  assert_int_equal(append(f, "\xff", 1, 100), SWALE_EUTF8);
  assert_int_equal(f->m->len, 3);
  swale__ws_assembly_reset(f->m, SWALE_BINARY);
  assert_int_equal(append(f, "\xff", 1, 100), 0);
  assert_int_equal(swale__ws_assembly_finish(f->m), 0);
}

static int assemble(struct unit_env *u) {
  struct swale__ws_assembly *m;
  unsigned char part[3000] = {0};
  int rv = swale__ws_assembly_new(&u->env.allocator, &m);
  if (rv < 0)
    return rv;
  swale__ws_assembly_reset(m, SWALE_BINARY);
  for (int i = 0; rv == 0 && i < 10; i++)
    rv = swale__ws_assembly_append(&m, part, sizeof part, 1 << 20, &u->env.allocator);
  u->env.allocator.free(m, u);
  return rv;
}

static void no_memory_is_an_error(void **state) {
  (void)state;
  unit_fail_every_allocation(assemble);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(parts_stand_behind_each_other),
      TEST(the_block_grows_with_what_comes_and_up_to_the_limit),
      TEST(text_is_checked_as_it_comes),
      cmocka_unit_test(no_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

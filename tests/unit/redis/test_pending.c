/* SPDX-License-Identifier: MIT */
#include "redis/pending.h"

#include "unit.h"

static void they_come_out_as_they_went_in(void **state) {
  struct unit_env u;
  struct swale__redis_pendings p = {0};
  struct swale__redis_pending out;
  static char data[1000];
  size_t in = 0, met = 0;
  (void)state;
  unit_env_init(&u);
  assert_false(swale__redis_pendings_pop(&p, &out));
  while (in < sizeof data) {
    for (int i = 0; i < 7 && in < sizeof data; i++, in++) {
      assert_int_equal(swale__redis_pendings_reserve(&p, &u.env.allocator), 0);
      swale__redis_pendings_push(&p, (struct swale__redis_pending){.data = &data[in]});
    }
    for (int i = 0; i < 5; i++) {
      assert_true(swale__redis_pendings_pop(&p, &out));
      assert_ptr_equal(out.data, &data[met++]);
    }
  }
  while (swale__redis_pendings_pop(&p, &out))
    assert_ptr_equal(out.data, &data[met++]);
  assert_int_equal(met, sizeof data);
  swale__redis_pendings_free(&p, &u.env.allocator);
  u.fail_at = 1;
  assert_int_equal(swale__redis_pendings_reserve(&p, &u.env.allocator), SWALE_ENOMEM);
  swale__redis_pendings_free(&p, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(they_come_out_as_they_went_in)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

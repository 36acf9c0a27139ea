/* SPDX-License-Identifier: MIT */
#include "redis/request.h"

#include "unit.h"

static void assert_order(struct swale__redis_requests *q, struct swale__redis_request *const *order, int n) {
  for (int i = 0; i < n; i++)
    assert_ptr_equal(swale__redis_requests_pop(q), order[i]);
  assert_null(swale__redis_requests_pop(q));
}

static void requests_come_out_as_they_went_in(void **state) {
  struct swale__redis_request r[3], *const order[] = {&r[0], &r[1], &r[2]};
  struct swale__redis_requests q = {0};
  (void)state;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 3; i++)
      swale__redis_requests_push(&q, &r[i]);
    assert_order(&q, order, 3);
  }
}

static void those_put_before_others_stay_in_front_and_what_comes_then_behind(void **state) {
  struct swale__redis_request r[5], *const order[] = {&r[0], &r[1], &r[2], &r[3], &r[4]};
  (void)state;
  for (int first = 0; first <= 4; first++) {
    struct swale__redis_requests q = {0}, before = {0};
    for (int i = 0; i < 4; i++)
      swale__redis_requests_push(i < first ? &before : &q, &r[i]);
    swale__redis_requests_put_before(&q, &before);
    swale__redis_requests_push(&q, &r[4]);
    assert_order(&q, order, 5);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests_come_out_as_they_went_in),
      cmocka_unit_test(those_put_before_others_stay_in_front_and_what_comes_then_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/queue.h"

struct queues {
  struct unit_env u;
  struct swale__expiry expiry;
  struct swale__queue a, b;
};

static void open_queues(struct queues *t) {
  memset(t, 0, sizeof *t);
  unit_env_init(&t->u);
}

static int push(struct queues *t, struct swale__queue *q, const char *type, uint64_t expires) {
  swale_message *m = swale_message_new(type);
  int rv = swale__queue_push(q, &t->expiry, &t->u.env.allocator, m, expires);
  swale_message_unref(m);
  return rv;
}

static void assert_pops(struct queues *t, struct swale__queue *q, const char *type) {
  swale_message *m = swale__queue_pop(q, &t->expiry, &t->u.env.allocator);
  assert_non_null(m);
  assert_string_equal(swale_message_type(m), type);
  swale_message_unref(m);
}

static void messages_come_out_in_the_order_they_went_in(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  assert_int_equal(push(&t, &t.a, "1", 10), 0);
  assert_int_equal(push(&t, &t.b, "2", 10), 0);
  assert_int_equal(push(&t, &t.a, "3", 11), 0);
  assert_int_equal(t.a.depth, 2);
  assert_int_equal(t.b.depth, 1);
  assert_pops(&t, &t.a, "1");
  assert_pops(&t, &t.a, "3");
  assert_null(swale__queue_pop(&t.a, &t.expiry, &t.u.env.allocator));
  assert_int_equal(t.a.depth, 0);
  assert_int_equal(push(&t, &t.a, "4", 12), 0);
  assert_pops(&t, &t.b, "2");
  assert_pops(&t, &t.a, "4");
  assert_null(t.expiry.oldest);
  assert_null(t.expiry.newest);
  assert_int_equal(t.u.live, 0);
}

static void what_is_due_is_found_across_queues(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  assert_null(swale__expiry_due(&t.expiry, UINT64_MAX));
  push(&t, &t.a, "1", 10);
  push(&t, &t.b, "2", 20);
  push(&t, &t.a, "3", 20);
  push(&t, &t.b, "4", 30);
  assert_null(swale__expiry_due(&t.expiry, 9));
  assert_ptr_equal(swale__expiry_due(&t.expiry, 10), &t.a);
  assert_pops(&t, &t.b, "2"); /* from the middle of the list */
  assert_pops(&t, &t.a, "1");
  assert_null(swale__expiry_due(&t.expiry, 19));
  assert_ptr_equal(swale__expiry_due(&t.expiry, 20), &t.a);
  assert_pops(&t, &t.a, "3");
  assert_null(swale__expiry_due(&t.expiry, 29));
  assert_ptr_equal(swale__expiry_due(&t.expiry, 1000), &t.b);
  assert_pops(&t, &t.b, "4");
  assert_null(swale__expiry_due(&t.expiry, UINT64_MAX));
  assert_int_equal(t.u.live, 0);
}

static void the_newest_may_leave_first(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  push(&t, &t.a, "1", 10);
  push(&t, &t.b, "2", 20);
  assert_pops(&t, &t.b, "2");
  push(&t, &t.b, "3", 30);
  assert_pops(&t, &t.a, "1");
  assert_ptr_equal(swale__expiry_due(&t.expiry, 30), &t.b);
  assert_pops(&t, &t.b, "3");
  assert_null(t.expiry.newest);
  assert_int_equal(t.u.live, 0);
}

static void without_memory_nothing_changes(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  push(&t, &t.a, "1", 10);
  t.u.fail_at = 1;
  assert_int_equal(push(&t, &t.a, "2", 11), SWALE_ENOMEM);
  assert_int_equal(t.a.depth, 1);
  assert_ptr_equal(t.expiry.oldest, t.expiry.newest);
  assert_pops(&t, &t.a, "1");
  assert_null(swale__queue_pop(&t.a, &t.expiry, &t.u.env.allocator));
  assert_int_equal(t.u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_come_out_in_the_order_they_went_in),
      cmocka_unit_test(what_is_due_is_found_across_queues),
      cmocka_unit_test(the_newest_may_leave_first),
      cmocka_unit_test(without_memory_nothing_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/drop.h"

enum { REPORTS_MAX = 1024 };

struct told {
  struct unit_env u;
  struct swale__drops drops;
  int n;
  struct swale_drop last;
  char channel[SWALE_NAME_SIZE];
  int again; /* to note from inside the report */
  uint64_t sum;
};

static void be_told(const struct swale_drop *drop, void *user) {
  struct told *t = user;
  t->n++;
  t->last = *drop;
  t->sum += drop->count;
  strcpy(t->channel, drop->channel);
  if (t->again > 0) {
    t->again--;
    swale__drops_note(&t->drops, &t->u.env.allocator, drop->reason, "again", drop->message, 1);
  }
}

static void note(struct told *t, const char *channel, uint64_t count) {
  swale_message *m = swale_message_new("note");
  swale__drops_note(&t->drops, &t->u.env.allocator, SWALE_DROP_EXPIRED, channel, m, count);
  swale_message_unref(m);
}

static void open_drops(struct told *t) {
  memset(t, 0, sizeof *t);
  unit_env_init(&t->u);
  assert_int_equal(swale__drops_init(&t->drops, be_told, t), 0);
}

static void close_drops(struct told *t) {
  swale__drops_free(&t->drops, &t->u.env.allocator);
  assert_int_equal(t->u.live, 0);
}

static void what_is_noted_is_told_once(void **state) {
  (void)state;
  struct told t;
  open_drops(&t);
  swale__drops_tell(&t.drops, &t.u.env.allocator);
  assert_int_equal(t.n, 0);
  note(&t, "here", 3);
  note(&t, "there", 5);
  assert_int_equal(t.n, 0);
  assert_true(atomic_load(&t.drops.any));
  swale__drops_tell(&t.drops, &t.u.env.allocator);
  assert_int_equal(t.n, 2);
  assert_string_equal(t.channel, "there");
  assert_int_equal(t.last.reason, SWALE_DROP_EXPIRED);
  assert_int_equal(t.last.count, 5);
  assert_false(atomic_load(&t.drops.any));
  swale__drops_tell(&t.drops, &t.u.env.allocator);
  assert_int_equal(t.n, 2);
  close_drops(&t);
}

static void what_is_not_told_is_freed(void **state) {
  (void)state;
  struct told t;
  open_drops(&t);
  note(&t, "here", 1);
  close_drops(&t);
  assert_int_equal(t.n, 0);
}

static void nobody_to_tell_costs_nothing(void **state) {
  (void)state;
  struct told t;
  open_drops(&t);
  t.drops.on_drop = NULL;
  note(&t, "here", 1);
  assert_int_equal(t.u.allocated, 0);
  assert_false(atomic_load(&t.drops.any));
  close_drops(&t);
}

static void the_waiting_reports_are_bounded(void **state) {
  (void)state;
  struct told t;
  open_drops(&t);
  for (int i = 0; i < REPORTS_MAX + 10; i++)
    note(&t, "here", 1);
  assert_int_equal(t.u.live, REPORTS_MAX);
  swale__drops_tell(&t.drops, &t.u.env.allocator);
  assert_int_equal(t.n, REPORTS_MAX);
  note(&t, "here", 1);
  swale__drops_tell(&t.drops, &t.u.env.allocator);
  assert_int_equal(t.n, REPORTS_MAX + 1);
  close_drops(&t);
}

static void a_report_may_cause_another(void **state) {
  (void)state;
  struct told t;
  open_drops(&t);
  t.again = 3;
  note(&t, "here", 1);
  for (int i = 1; i <= 4; i++) {
    swale__drops_tell(&t.drops, &t.u.env.allocator);
    assert_int_equal(t.n, i);
  }
  assert_false(atomic_load(&t.drops.any));
  close_drops(&t);
}

static void without_memory_a_drop_is_not_reported(void **state) {
  (void)state;
  struct told t;
  open_drops(&t);
  t.u.fail_at = 1;
  note(&t, "here", 1);
  assert_false(atomic_load(&t.drops.any));
  close_drops(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_noted_is_told_once),   cmocka_unit_test(what_is_not_told_is_freed),
      cmocka_unit_test(nobody_to_tell_costs_nothing), cmocka_unit_test(the_waiting_reports_are_bounded),
      cmocka_unit_test(a_report_may_cause_another),   cmocka_unit_test(without_memory_a_drop_is_not_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

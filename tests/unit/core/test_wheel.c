/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/wheel.h"

#define RING (UINT64_C(1) << 36)

static void assert_idle(const struct swale_timer *t) {
  assert_null(t->link);
  assert_null(t->next);
}

static void assert_pops(struct swale__wheel *w, struct swale_timer *expected) {
  struct swale_timer *t = swale__wheel_pop(w);
  assert_ptr_equal(t, expected);
  if (t)
    assert_idle(t);
}

static void an_empty_wheel_has_nothing_to_do(void **state) {
  (void)state;
  struct swale__wheel w;
  swale__wheel_init(&w, 12345);
  assert_true(swale__wheel_next(&w) == UINT64_MAX);
  assert_pops(&w, NULL);
  swale__wheel_advance(&w, 999999);
  assert_true(swale__wheel_next(&w) == UINT64_MAX);
  assert_pops(&w, NULL);
}

static void a_deadline_that_is_reached_is_due_at_once(void **state) {
  (void)state;
  struct swale__wheel w;
  struct swale_timer a = {0}, b = {0}, c = {0};
  swale__wheel_init(&w, 1000);
  swale__wheel_add(&w, &a, 1000);
  swale__wheel_add(&w, &b, 0);
  swale__wheel_add(&w, &c, 999);
  assert_true(swale__wheel_next(&w) == 0);
  assert_pops(&w, &a);
  assert_pops(&w, &b);
  assert_pops(&w, &c);
  assert_pops(&w, NULL);
  assert_true(swale__wheel_next(&w) == UINT64_MAX);
}

static void removing_what_is_not_armed_does_nothing(void **state) {
  (void)state;
  struct swale__wheel w;
  struct swale_timer a = {0};
  swale__wheel_init(&w, 0);
  swale__wheel_remove(&w, &a);
  swale__wheel_add(&w, &a, 10);
  swale__wheel_remove(&w, &a);
  swale__wheel_remove(&w, &a);
  assert_idle(&a);
  swale__wheel_advance(&w, 100);
  assert_pops(&w, NULL);
}

static void a_clock_that_goes_backwards_is_ignored(void **state) {
  (void)state;
  struct swale__wheel w;
  struct swale_timer a = {0};
  swale__wheel_init(&w, 1000);
  swale__wheel_add(&w, &a, 1005);
  swale__wheel_advance(&w, 10);
  assert_pops(&w, NULL);
  swale__wheel_advance(&w, 1004);
  assert_pops(&w, NULL);
  swale__wheel_advance(&w, 1005);
  assert_pops(&w, &a);
}

static void timers_come_in_order_of_deadlines_equal_ones_as_they_were_armed(void **state) {
  (void)state;
  static const uint64_t deadlines[] = {70000, 5, 64, 5, 70000, 4096, 64, 300000, 70000, 63, 4096};
  static const int order[] = {1, 3, 9, 2, 6, 5, 10, 0, 4, 8, 7};
  enum { N = sizeof order / sizeof order[0] };
  struct swale__wheel w;
  struct swale_timer t[N] = {{0}};
  swale__wheel_init(&w, 0);
  for (int i = 0; i < N; i++)
    swale__wheel_add(&w, &t[i], deadlines[i]);
  swale__wheel_advance(&w, 1000000);
  for (int i = 0; i < N; i++)
    assert_pops(&w, &t[order[i]]);
  assert_pops(&w, NULL);
}

static void equal_deadlines_keep_their_order_when_armed_at_different_times(void **state) {
  (void)state;
  struct swale__wheel w;
  struct swale_timer t[6] = {{0}};
  static const uint64_t moments[] = {0, 1, 260000, 299000, 299970, 299999};
  swale__wheel_init(&w, 0);
  for (int i = 0; i < 6; i++) {
    swale__wheel_advance(&w, moments[i]);
    swale__wheel_add(&w, &t[i], 300000);
  }
  swale__wheel_advance(&w, 300000);
  for (int i = 0; i < 6; i++)
    assert_pops(&w, &t[i]);
}

/* First, middle and last of a list: whatever stays comes out, in order. */
static void a_timer_may_be_removed_from_any_place(void **state) {
  (void)state;
  for (int due = 0; due < 2; due++) {
    for (int gone = 0; gone < 8; gone++) {
      struct swale__wheel w;
      struct swale_timer t[3] = {{0}}, late = {0};
      swale__wheel_init(&w, 0);
      for (int i = 0; i < 3; i++)
        swale__wheel_add(&w, &t[i], 77);
      if (due)
        swale__wheel_advance(&w, 77);
      for (int i = 0; i < 3; i++)
        if (gone >> i & 1)
          swale__wheel_remove(&w, &t[i]);
      assert_true(gone != 7 || swale__wheel_next(&w) == UINT64_MAX);
      swale__wheel_add(&w, &late, 77);
      swale__wheel_advance(&w, 80);
      for (int i = 0; i < 3; i++)
        if (!(gone >> i & 1))
          assert_pops(&w, &t[i]);
      assert_pops(&w, &late);
      assert_pops(&w, NULL);
    }
  }
}

static void a_slot_that_was_emptied_is_no_reason_to_wake_up(void **state) {
  (void)state;
  struct swale__wheel w;
  struct swale_timer t[64] = {{0}};
  swale__wheel_init(&w, 7);
  for (unsigned i = 0; i < 64; i++)
    swale__wheel_add(&w, &t[i], (UINT64_C(1) << i) + 7);
  for (unsigned i = 0; i < 64; i++)
    swale__wheel_remove(&w, &t[i]);
  assert_true(swale__wheel_next(&w) == UINT64_MAX);
}

/* Deadlines on both sides of every boundary of the wheel, as seen from `now`. */
static size_t boundaries(uint64_t now, uint64_t *deadlines) {
  size_t n = 0;
  for (unsigned bits = 0; bits <= 42; bits += 6) {
    uint64_t unit = UINT64_C(1) << bits;
    static const uint64_t counts[] = {1, 2, 31, 32, 62, 63, 64, 65};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
      uint64_t relative = now + counts[i] * unit, aligned = relative - relative % unit;
      uint64_t around[] = {relative - 1, relative, relative + 1, aligned - 1, aligned, aligned + 1};
      for (size_t k = 0; k < sizeof around / sizeof around[0]; k++)
        if (around[k] > now)
          deadlines[n++] = around[k];
    }
  }
  return n;
}

static const uint64_t starts[] = {
    0,        1,          62,         63,       64,   65,       4095,          4096,          262143,
    16777215, 1073741823, 1073741824, RING - 1, RING, RING + 1, 3 * RING - 64, 1795351698506, UINT64_MAX / 2,
};

static void no_boundary_makes_a_timer_early_or_late(void **state) {
  (void)state;
  for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
    uint64_t deadlines[512];
    size_t n = boundaries(starts[s], deadlines);
    for (size_t i = 0; i < n; i++) {
      struct swale__wheel w;
      struct swale_timer t = {0};
      swale__wheel_init(&w, starts[s]);
      swale__wheel_add(&w, &t, deadlines[i]);
      assert_true(swale__wheel_next(&w) <= deadlines[i] && swale__wheel_next(&w) > starts[s]);
      swale__wheel_advance(&w, deadlines[i] - 1);
      assert_pops(&w, NULL);
      swale__wheel_advance(&w, deadlines[i]);
      assert_pops(&w, &t);
    }
  }
}

/* A host that always sleeps until swale__wheel_next gets there in few steps, and exactly. */
static void following_next_leads_to_the_deadline(void **state) {
  (void)state;
  for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
    uint64_t deadlines[512];
    size_t n = boundaries(starts[s], deadlines);
    for (size_t i = 0; i < n; i++) {
      struct swale__wheel w;
      struct swale_timer t = {0};
      uint64_t now = starts[s], steps = 0;
      swale__wheel_init(&w, now);
      swale__wheel_add(&w, &t, deadlines[i]);
      for (; swale__wheel_next(&w) != 0; steps++) {
        assert_true(swale__wheel_next(&w) > now);
        now = swale__wheel_next(&w);
        swale__wheel_advance(&w, now);
      }
      assert_true(now == deadlines[i]);
      assert_true(steps <= SWALE__WHEEL_LEVELS + (deadlines[i] - starts[s]) / (RING / 64 * 63));
      assert_pops(&w, &t);
    }
  }
}

static void time_may_end(void **state) {
  (void)state;
  struct swale__wheel w;
  struct swale_timer never = {0}, nearly = {0};
  swale__wheel_init(&w, UINT64_MAX - 100);
  swale__wheel_add(&w, &never, UINT64_MAX);
  swale__wheel_add(&w, &nearly, UINT64_MAX - 1);
  swale__wheel_advance(&w, UINT64_MAX - 2);
  assert_pops(&w, NULL);
  swale__wheel_advance(&w, UINT64_MAX - 1);
  assert_pops(&w, &nearly);
  assert_pops(&w, NULL);
  swale__wheel_advance(&w, UINT64_MAX);
  assert_pops(&w, &never);
}

static void a_leap_over_ages_makes_due_what_it_passes(void **state) {
  (void)state;
  struct swale__wheel w;
  struct swale_timer soon = {0}, ages = {0}, never = {0};
  swale__wheel_init(&w, 0);
  swale__wheel_add(&w, &never, UINT64_MAX);
  swale__wheel_add(&w, &ages, UINT64_MAX / 2);
  swale__wheel_add(&w, &soon, 10);
  swale__wheel_advance(&w, UINT64_MAX / 2 - 1);
  assert_pops(&w, &soon);
  assert_pops(&w, NULL);
  swale__wheel_advance(&w, UINT64_MAX - 1);
  assert_pops(&w, &ages);
  assert_pops(&w, NULL);
  swale__wheel_advance(&w, UINT64_MAX);
  assert_pops(&w, &never);
}

/* Opening one slot after the other, this test would take hours. */
static void a_leap_takes_up_each_timer_once_however_far_it_goes(void **state) {
  (void)state;
  enum { N = 2000 };
  struct swale__wheel w;
  static struct swale_timer t[N];
  swale__wheel_init(&w, 0);
  for (int i = 0; i < N; i++)
    swale__wheel_add(&w, &t[i], i % 2 ? UINT64_MAX : UINT64_MAX / 2);
  swale__wheel_advance(&w, UINT64_MAX / 2);
  for (int i = 0; i < N; i += 2)
    assert_pops(&w, &t[i]);
  assert_pops(&w, NULL);
}

/*
 * The model: an array of timers that is looked through each time. `rank` orders what is due.
 */
enum { TIMERS = 200 };

struct model {
  struct unit_env u;
  struct swale__wheel wheel;
  uint64_t now, armed_so_far, due_so_far;
  int in_order; /* whether nothing was so far away that the order is given up */
  struct entry {
    struct swale_timer timer;
    enum { IDLE, ARMED, DUE } is;
    uint64_t deadline, armed, rank;
  } entries[TIMERS];
};

static uint64_t next_random(struct model *m) {
  uint64_t value = 0;
  unit_env_random(&value, sizeof value, &m->u);
  return value;
}

/* Any magnitude up to that many bits is as likely as any other. */
static uint64_t random_span(struct model *m, unsigned most_bits) {
  unsigned bits = (unsigned)(next_random(m) % (most_bits + 1));
  return next_random(m) & ((UINT64_C(1) << bits) - 1);
}

static int comes_before(const struct entry *a, const struct entry *b) {
  return a->deadline != b->deadline ? a->deadline < b->deadline : a->armed < b->armed;
}

static void model_advance(struct model *m, uint64_t now) {
  swale__wheel_advance(&m->wheel, now);
  if (now < m->now)
    return;
  m->now = now;
  for (;;) {
    struct entry *first = NULL;
    for (struct entry *e = m->entries; e < m->entries + TIMERS; e++)
      if (e->is == ARMED && e->deadline <= now && (!first || comes_before(e, first)))
        first = e;
    if (!first)
      return;
    first->is = DUE;
    first->rank = m->due_so_far++;
  }
}

static void model_add(struct model *m, struct entry *e, uint64_t deadline) {
  swale__wheel_add(&m->wheel, &e->timer, deadline);
  e->deadline = deadline;
  e->armed = m->armed_so_far++;
  e->is = deadline <= m->now ? DUE : ARMED;
  if (e->is == DUE)
    e->rank = m->due_so_far++;
}

static void model_remove(struct model *m, struct entry *e) {
  swale__wheel_remove(&m->wheel, &e->timer);
  assert_idle(&e->timer);
  e->is = IDLE;
}

static void model_pop(struct model *m) {
  struct entry *first = NULL;
  for (struct entry *e = m->entries; e < m->entries + TIMERS; e++)
    if (e->is == DUE && (!first || e->rank < first->rank))
      first = e;
  struct swale_timer *t = swale__wheel_pop(&m->wheel);
  assert_int_equal(t != NULL, first != NULL);
  if (!t)
    return;
  assert_idle(t);
  struct entry *popped = (struct entry *)t; /* the timer comes first */
  assert_int_equal(popped->is, DUE);
  if (m->in_order)
    assert_ptr_equal(popped, first);
  popped->is = IDLE;
}

static void model_check_next(const struct model *m) {
  uint64_t next = swale__wheel_next(&m->wheel), earliest = UINT64_MAX;
  int due = 0;
  for (const struct entry *e = m->entries; e < m->entries + TIMERS; e++) {
    due += e->is == DUE;
    if (e->is == ARMED && e->deadline < earliest)
      earliest = e->deadline;
  }
  if (due > 0)
    assert_true(next == 0);
  else if (earliest == UINT64_MAX)
    assert_true(next == UINT64_MAX);
  else
    assert_true(next > m->now && next <= earliest);
}

static void model_advance_somehow(struct model *m, unsigned most_bits) {
  uint64_t next = swale__wheel_next(&m->wheel);
  switch (next_random(m) % 4) {
  case 0:
    model_advance(m, m->now - (next_random(m) & 1 ? 0 : m->now / 2));
    break;
  case 1:
    model_advance(m, next != UINT64_MAX && next > m->now ? next : m->now + 1);
    break;
  case 2:
    model_advance(m, next != UINT64_MAX && next > m->now ? next - 1 : m->now);
    break;
  default:
    model_advance(m, m->now + random_span(m, most_bits));
  }
}

static void model_operate(struct model *m, unsigned timer_bits, unsigned jump_bits) {
  struct entry *e = &m->entries[next_random(m) % TIMERS];
  switch (next_random(m) % 8) {
  case 0:
    model_advance_somehow(m, jump_bits);
    break;
  case 1:
    model_pop(m);
    break;
  case 2:
    model_remove(m, e);
    break;
  default:
    if (e->is != IDLE)
      model_remove(m, e);
    else if (next_random(m) % 50 == 0)
      model_add(m, e, m->now - m->now / (1 + next_random(m) % 1000));
    else
      model_add(m, e, m->now + random_span(m, timer_bits));
  }
}

static void compare_with_model(uint64_t seed, uint64_t start, unsigned timer_bits, unsigned jump_bits,
                               int operations) {
  static struct model m;
  memset(&m, 0, sizeof m);
  unit_env_init(&m.u);
  m.u.seed = seed;
  m.now = start;
  m.in_order = timer_bits < 36 && jump_bits <= 36;
  swale__wheel_init(&m.wheel, start);
  for (int i = 0; i < operations; i++) {
    model_operate(&m, timer_bits, jump_bits);
    model_check_next(&m);
    if (next_random(&m) % 300 == 0)
      while (m.wheel.due)
        model_pop(&m);
  }
  model_advance(&m, UINT64_MAX);
  m.in_order = 0;
  for (int i = 0; i <= TIMERS; i++)
    model_pop(&m);
  model_check_next(&m);
}

static void near_timers_behave_as_a_sorted_list(void **state) {
  (void)state;
  compare_with_model(1, 0, 8, 5, 60000);
  compare_with_model(2, 4000, 13, 8, 60000);
}

static void timers_of_all_ranges_behave_as_a_sorted_list(void **state) {
  (void)state;
  compare_with_model(3, 0, 20, 14, 80000);
  compare_with_model(4, 1795351698506, 35, 24, 80000);
  compare_with_model(5, RING - 100000, 35, 35, 80000);
}

static void timers_beyond_the_wheel_fire_neither_early_nor_late(void **state) {
  (void)state;
  compare_with_model(6, 0, 44, 34, 80000);
  compare_with_model(7, 0, 44, 40, 80000);
  compare_with_model(8, 12345, 52, 46, 80000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_wheel_has_nothing_to_do),
      cmocka_unit_test(a_deadline_that_is_reached_is_due_at_once),
      cmocka_unit_test(removing_what_is_not_armed_does_nothing),
      cmocka_unit_test(a_clock_that_goes_backwards_is_ignored),
      cmocka_unit_test(timers_come_in_order_of_deadlines_equal_ones_as_they_were_armed),
      cmocka_unit_test(equal_deadlines_keep_their_order_when_armed_at_different_times),
      cmocka_unit_test(a_timer_may_be_removed_from_any_place),
      cmocka_unit_test(a_slot_that_was_emptied_is_no_reason_to_wake_up),
      cmocka_unit_test(no_boundary_makes_a_timer_early_or_late),
      cmocka_unit_test(following_next_leads_to_the_deadline),
      cmocka_unit_test(time_may_end),
      cmocka_unit_test(a_leap_over_ages_makes_due_what_it_passes),
      cmocka_unit_test(a_leap_takes_up_each_timer_once_however_far_it_goes),
      cmocka_unit_test(near_timers_behave_as_a_sorted_list),
      cmocka_unit_test(timers_of_all_ranges_behave_as_a_sorted_list),
      cmocka_unit_test(timers_beyond_the_wheel_fire_neither_early_nor_late),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

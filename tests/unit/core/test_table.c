/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/table.h"

enum { ITEMS = 3000 };

struct item {
  struct swale__link link;
  int in_table, seen;
};

static uint64_t next_random(struct unit_env *u) {
  uint64_t value = 0;
  unit_env_random(&value, sizeof value, u);
  return value;
}

static size_t buckets(const struct swale__table *t) { return t->mask + 1; }

/* Walking the links of the item's hash meets the item exactly as often as it is in the table. */
static void assert_found_if_in(const struct swale__table *t, const struct item *item, uint64_t hash) {
  int found = 0;
  for (struct swale__link *l = swale__table_first(t, hash); l; l = swale__link_next(l)) {
    assert_true(l->hash == hash);
    found += l == &item->link;
  }
  assert_int_equal(found, item->in_table);
}

static void an_empty_table_has_nothing(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__table t;
  unit_env_init(&u);
  assert_int_equal(swale__table_init(&t, &u.env.allocator), 0);
  assert_null(swale__table_first(&t, 0));
  assert_null(swale__table_first(&t, UINT64_MAX));
  assert_null(swale__table_any(&t));
  assert_int_equal(t.count, 0);
  swale__table_free(&t);
  assert_int_equal(u.live, 0);
}

static void a_table_without_memory_is_refused(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__table t;
  unit_env_init(&u);
  u.fail_at = 1;
  assert_int_equal(swale__table_init(&t, &u.env.allocator), SWALE_ENOMEM);
}

static void freeing_a_zeroed_or_freed_table_does_nothing(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__table t = {0};
  swale__table_free(&t);
  unit_env_init(&u);
  assert_int_equal(swale__table_init(&t, &u.env.allocator), 0);
  swale__table_free(&t);
  swale__table_free(&t);
  assert_int_equal(u.live, 0);
}

static void links_of_one_hash_are_all_met(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__table t;
  struct item same[40], others[40];
  memset(same, 0, sizeof same);
  unit_env_init(&u);
  assert_int_equal(swale__table_init(&t, &u.env.allocator), 0);
  for (uint64_t i = 0; i < 40; i++) {
    swale__table_insert(&t, &same[i].link, 77);
    swale__table_insert(&t, &others[i].link, 77 + (i + 1) * 64); /* mostly the same bucket */
  }
  for (struct swale__link *l = swale__table_first(&t, 77); l; l = swale__link_next(l))
    ((struct item *)l)->seen++;
  for (int i = 0; i < 40; i++)
    assert_int_equal(same[i].seen, 1);
  swale__table_free(&t);
  assert_int_equal(u.live, 0);
}

/*
 * Random inserts and removes, at first mostly the one, then mostly the other. Every so many operations
 * everything is looked up. `mask` keeps few bits of the hashes, so that they collide.
 */
static void churn(struct unit_env *u, uint64_t mask, int shrinks) {
  static struct item items[ITEMS];
  static uint64_t hashes[ITEMS];
  struct swale__table t;
  size_t count = 0, most = 0;
  memset(items, 0, sizeof items);
  for (int i = 0; i < ITEMS; i++)
    hashes[i] = next_random(u) & mask;
  assert_int_equal(swale__table_init(&t, &u->env.allocator), 0);
  for (int op = 0; op < 60000; op++) {
    size_t i = next_random(u) % ITEMS;
    int mostly_insert = op / 15000 % 2 == 0;
    int insert = (next_random(u) % 10 != 0) == mostly_insert;
    if (insert && !items[i].in_table) {
      swale__table_insert(&t, &items[i].link, hashes[i]);
      items[i].in_table = 1;
      count++;
    } else if (!insert && items[i].in_table) {
      swale__table_remove(&t, &items[i].link);
      items[i].in_table = 0;
      count--;
    }
    most = buckets(&t) > most ? buckets(&t) : most;
    assert_true(buckets(&t) >= 16);
    assert_int_equal(t.count, count);
    assert_found_if_in(&t, &items[i], hashes[i]);
    for (int k = 0; op % 997 == 0 && k < ITEMS; k++)
      assert_found_if_in(&t, &items[k], hashes[k]);
  }
  assert_true(!shrinks || (most >= 2048 && buckets(&t) < most / 2));
  for (struct swale__link *l; (l = swale__table_any(&t));) {
    assert_true(((struct item *)l)->in_table);
    swale__table_remove(&t, l);
    count--;
  }
  assert_int_equal(count, 0);
  assert_true(!shrinks || buckets(&t) <= 64);
  swale__table_free(&t);
}

static void whatever_is_inserted_is_found_until_it_is_removed(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  churn(&u, UINT64_MAX, 1);
  assert_int_equal(u.live, 0);
}

static void colliding_hashes_are_kept_apart(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  churn(&u, 0x3f, 1);
  churn(&u, UINT64_C(0xff) << 40, 1);
  assert_int_equal(u.live, 0);
}

/* Refuses every new array but each n-th, or every one. */
struct stingy {
  struct unit_env u;
  int generous_every;
  long asked;
};

static void *stingy_realloc(void *block, size_t size, void *user) {
  struct stingy *s = user;
  if (s->generous_every == 0 || s->asked++ % s->generous_every != 0)
    return NULL;
  return unit_env_realloc(block, size, &s->u);
}

static void *stingy_malloc(size_t size, void *user) {
  struct stingy *s = user;
  return unit_env_malloc(size, &s->u);
}

static void stingy_free(void *block, void *user) {
  struct stingy *s = user;
  unit_env_free(block, &s->u);
}

static void a_table_that_cannot_resize_goes_on_as_it_is(void **state) {
  (void)state;
  struct stingy s = {0};
  unit_env_init(&s.u);
  s.u.env.allocator = (struct swale_allocator){stingy_malloc, stingy_realloc, stingy_free, &s};
  churn(&s.u, UINT64_MAX, 0);
  s.generous_every = 2;
  churn(&s.u, UINT64_MAX, 1);
  assert_int_equal(s.u.live, 0);
}

static void a_new_array_is_filled_little_by_little_and_in_time(void **state) {
  (void)state;
  enum { N = 1 << 18 };
  struct unit_env u;
  struct swale__table t;
  struct item *items = calloc(N, sizeof *items);
  size_t during_resize = 0;
  assert_non_null(items);
  unit_env_init(&u);
  assert_int_equal(swale__table_init(&t, &u.env.allocator), 0);
  for (size_t i = 0; i < N; i++) {
    size_t moved = t.moved;
    int resizing = t.old != NULL;
    swale__table_insert(&t, &items[i].link, next_random(&u));
    during_resize += t.old != NULL;
    assert_true(!resizing || !t.old || t.moved - moved <= 4);
    assert_true(t.count <= buckets(&t) + 1);
  }
  assert_true(during_resize > N / 8);
  while (t.count > 0) {
    swale__table_remove(&t, swale__table_any(&t));
    assert_true(buckets(&t) <= 16 || t.count + 1 >= buckets(&t) / 16);
  }
  swale__table_free(&t);
  free(items);
  assert_int_equal(u.live, 0);
}

static void few_links_need_no_second_array(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__table t;
  struct item items[16];
  unit_env_init(&u);
  assert_int_equal(swale__table_init(&t, &u.env.allocator), 0);
  for (int round = 0; round < 100; round++) {
    for (size_t i = 0; i < 16; i++)
      swale__table_insert(&t, &items[i].link, next_random(&u));
    for (size_t i = 0; i < 16; i++)
      swale__table_remove(&t, &items[i].link);
  }
  assert_int_equal(u.allocated, 1);
  swale__table_free(&t);
}

static void a_table_may_be_freed_while_it_resizes(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__table t;
  struct item items[64];
  size_t n = 0;
  unit_env_init(&u);
  assert_int_equal(swale__table_init(&t, &u.env.allocator), 0);
  while (!t.old)
    swale__table_insert(&t, &items[n++].link, next_random(&u));
  assert_int_equal(u.live, 2);
  swale__table_free(&t);
  assert_int_equal(u.live, 0);
}

static void any_meets_everything_also_while_it_resizes(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  for (size_t n = 1; n < 300; n++) {
    struct item items[300];
    struct swale__table t;
    assert_int_equal(swale__table_init(&t, &u.env.allocator), 0);
    for (size_t i = 0; i < n; i++)
      swale__table_insert(&t, &items[i].link, next_random(&u));
    size_t met = 0;
    for (struct swale__link *l; (l = swale__table_any(&t)); met++)
      swale__table_remove(&t, l);
    assert_int_equal(met, n);
    assert_true(buckets(&t) >= 16);
    swale__table_free(&t);
  }
  assert_int_equal(u.live, 0);
}

static int filled_and_emptied(struct unit_env *u) {
  struct swale__table t;
  struct item items[200];
  int rv = swale__table_init(&t, &u->env.allocator);
  if (rv < 0)
    return rv;
  for (size_t i = 0; i < 200; i++)
    swale__table_insert(&t, &items[i].link, i * UINT64_C(0x9e3779b97f4a7c15));
  for (size_t i = 0; i < 200; i++)
    assert_ptr_equal(swale__table_first(&t, i * UINT64_C(0x9e3779b97f4a7c15)), &items[i].link);
  for (size_t i = 0; i < 200; i++)
    swale__table_remove(&t, &items[i].link);
  assert_int_equal(t.count, 0);
  swale__table_free(&t);
  return 0;
}

static void any_failing_allocation_is_survived(void **state) {
  (void)state;
  unit_fail_every_allocation(filled_and_emptied);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_table_has_nothing),
      cmocka_unit_test(a_table_without_memory_is_refused),
      cmocka_unit_test(freeing_a_zeroed_or_freed_table_does_nothing),
      cmocka_unit_test(links_of_one_hash_are_all_met),
      cmocka_unit_test(whatever_is_inserted_is_found_until_it_is_removed),
      cmocka_unit_test(colliding_hashes_are_kept_apart),
      cmocka_unit_test(a_table_that_cannot_resize_goes_on_as_it_is),
      cmocka_unit_test(a_new_array_is_filled_little_by_little_and_in_time),
      cmocka_unit_test(few_links_need_no_second_array),
      cmocka_unit_test(a_table_may_be_freed_while_it_resizes),
      cmocka_unit_test(any_meets_everything_also_while_it_resizes),
      cmocka_unit_test(any_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>

#include "core/memo.h"

static void one(void) {}
static void other(void) {}

/* Kept things are counters of how often they were dropped. */
static void count_drop(void *kept) { ++*(int *)kept; }

static const int args[2];

static void *keep(struct swale__memos *memos, const struct swale__memo_key *key, void *made,
                  struct unit_env *u) {
  void *kept = NULL;
  assert_int_equal(swale__memo_keep(memos, key, made, &u->env.allocator, &kept), 0);
  return kept;
}

static void what_was_kept_is_found_under_its_key_alone(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__memos memos = {NULL};
  const struct swale__memo_key keys[] = {
      {one, &args[0], 0}, {one, &args[1], 0}, {other, &args[0], 0},
      {one, &args[0], 1}, {one, NULL, 0},     {other, NULL, 1},
  };
  enum { KEYS = sizeof keys / sizeof *keys };
  int dropped[KEYS] = {0};
  for (size_t i = 0; i < KEYS; i++) {
    for (size_t j = 0; j < KEYS; j++)
      assert_ptr_equal(swale__memo_find(&memos, &keys[j]), j < i ? &dropped[j] : NULL);
    assert_ptr_equal(keep(&memos, &keys[i], &dropped[i], &u), &dropped[i]);
  }
  swale__memo_clear(&memos, &u.env.allocator, count_drop);
  for (size_t i = 0; i < KEYS; i++) {
    assert_int_equal(dropped[i], 1);
    assert_null(swale__memo_find(&memos, &keys[i]));
  }
  assert_int_equal(u.live, 0);
}

static void the_first_to_keep_wins(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__memos memos = {NULL};
  const struct swale__memo_key key = {one, NULL, 0};
  int first = 0, late = 0;
  assert_ptr_equal(keep(&memos, &key, &first, &u), &first);
  assert_ptr_equal(keep(&memos, &key, &late, &u), &first);
  assert_int_equal(u.live, 1);
  swale__memo_clear(&memos, &u.env.allocator, count_drop);
  assert_int_equal(first, 1);
  assert_int_equal(late, 0);
  assert_int_equal(u.live, 0);
}

static void without_memory_nothing_is_kept(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__memos memos = {NULL};
  const struct swale__memo_key key = {one, NULL, 0};
  int made = 0;
  void *kept = NULL;
  u.fail_at = 1;
  assert_int_equal(swale__memo_keep(&memos, &key, &made, &u.env.allocator, &kept), SWALE_ENOMEM);
  assert_null(kept);
  assert_null(swale__memo_find(&memos, &key));
  swale__memo_clear(&memos, &u.env.allocator, count_drop);
  assert_int_equal(made, 0);
}

/* ---- many threads, few keys ----------------------------------------------------------- */

enum { THREADS = 4, SHARED_KEYS = 8, ROUNDS = 200 };

struct racer {
  pthread_t thread;
  struct swale__memos *memos;
  pthread_barrier_t *start;
  const struct swale_allocator *allocator;
  int made[SHARED_KEYS];
  void *kept[SHARED_KEYS];
};

static void *race(void *user) {
  struct racer *r = user;
  pthread_barrier_wait(r->start);
  for (int i = 0; i < SHARED_KEYS; i++) {
    struct swale__memo_key key = {one, NULL, i};
    r->kept[i] = swale__memo_find(r->memos, &key);
    if (!r->kept[i])
      swale__memo_keep(r->memos, &key, &r->made[i], r->allocator, &r->kept[i]);
  }
  return NULL;
}

static void assert_one_winner_each(struct racer *racers) {
  for (int i = 0; i < SHARED_KEYS; i++) {
    int dropped = 0;
    for (int t = 0; t < THREADS; t++) {
      assert_non_null(racers[t].kept[i]);
      assert_ptr_equal(racers[t].kept[i], racers[0].kept[i]);
      dropped += racers[t].made[i];
    }
    assert_int_equal(dropped, 1);
  }
}

static void threads_that_race_all_get_the_same(void **state) {
  (void)state;
  struct swale_env env;
  swale_env_default(&env);
  pthread_barrier_t start;
  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  for (int round = 0; round < ROUNDS; round++) {
    struct swale__memos memos = {NULL};
    struct racer racers[THREADS];
    for (int t = 0; t < THREADS; t++) {
      racers[t] = (struct racer){.memos = &memos, .start = &start, .allocator = &env.allocator};
      assert_int_equal(pthread_create(&racers[t].thread, NULL, race, &racers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
      assert_int_equal(pthread_join(racers[t].thread, NULL), 0);
    swale__memo_clear(&memos, &env.allocator, count_drop);
    assert_one_winner_each(racers);
  }
  pthread_barrier_destroy(&start);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_kept_is_found_under_its_key_alone),
      cmocka_unit_test(the_first_to_keep_wins),
      cmocka_unit_test(without_memory_nothing_is_kept),
      cmocka_unit_test(threads_that_race_all_get_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

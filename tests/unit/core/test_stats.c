/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include "core/consumer.h"

static void statistics_of_other_versions_are_understood_or_refused(void **state) {
  (void)state;
  struct crowd_world w;
  struct {
    struct swale_layer_stats known;
    uint64_t more;
  } larger;
  struct {
    struct swale_channel_stats known;
    uint64_t more;
  } larger_channel;
  union {
    struct swale_layer_stats stats;
    unsigned char bytes[sizeof(struct swale_layer_stats)];
  } older;
  crowd_world_open(&w, NULL);
  assert_int_equal(crowd_send(w.layer, "a", 1), 0);
  assert_int_equal(swale_layer_stats_read(w.layer, &larger.known, sizeof larger), SWALE_EINVAL);
  assert_int_equal(swale_layer_stats_read(w.layer, &larger.known, 0), SWALE_EINVAL);
  assert_int_equal(swale_channel_stats_read(w.layer, "a", &larger_channel.known, sizeof larger_channel),
                   SWALE_EINVAL);
  assert_int_equal(swale_channel_stats_read(w.layer, "a", &larger_channel.known, 0), SWALE_EINVAL);

  size_t size = offsetof(struct swale_layer_stats, queued);
  memset(&older, 0xaa, sizeof older);
  assert_int_equal(swale_layer_stats_read(w.layer, &older.stats, size), 0);
  assert_int_equal(older.stats.size, size);
  assert_int_equal(older.stats.offered, 1);
  for (size_t i = size; i < sizeof older; i++)
    assert_int_equal(older.bytes[i], 0xaa);
  crowd_world_close(&w);
}

static void a_channel_that_is_unknown_is_not_found(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  struct swale_channel_stats s = {.depth = 77};
  crowd_world_open(&w, NULL);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(swale_channel_stats_get(w.layer, "nobody", &s), SWALE_ENOTFOUND);
  assert_int_equal(swale_channel_stats_get(w.layer, m.channel, &s), 0);
  assert_int_equal(s.depth, 0);
  crowd_lose(&m);
  assert_int_equal(swale_channel_stats_get(w.layer, m.channel, &s), SWALE_ENOTFOUND);
  crowd_world_close(&w);
}

static void a_consumer_is_found_on_its_own_loop_alone(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a, b;
  char name[SWALE_NAME_SIZE];
  crowd_world_open(&w, NULL);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  swale_loop *here = w.crowd.at[0].loop, *there = w.crowd.at[1].loop;
  assert_ptr_equal(swale_consumer_find(here, w.layer, a.channel), a.consumer);
  assert_ptr_equal(swale_consumer_find(there, w.layer, b.channel), b.consumer);
  assert_null(swale_consumer_find(here, w.layer, b.channel));
  assert_null(swale_consumer_find(here, w.layer, "plain"));
  assert_null(swale_consumer_find(here, w.layer, "not a name"));
  assert_int_equal(swale_new_channel(w.layer, NULL, name), 0);
  assert_null(swale_consumer_find(here, w.layer, name));
  crowd_lose(&a);
  assert_null(swale_consumer_find(here, w.layer, a.channel));
  crowd_world_close(&w);
}

static void a_cursor_at_the_end_stays_there(void **state) {
  (void)state;
  struct crowd_world w;
  struct swale_cursor members = {0}, groups = {0};
  char name[SWALE_NAME_SIZE];
  crowd_world_open(&w, NULL);
  assert_int_equal(swale_group_next(w.layer, "g", &members, name), 0);
  assert_int_equal(swale_group_add(w.layer, "g", "a"), 0);
  assert_int_equal(swale_group_next(w.layer, "g", &members, name), 1);
  assert_string_equal(name, "a");
  assert_int_equal(swale_channel_next_group(w.layer, "a", &groups, name), 1);
  assert_string_equal(name, "g");
  assert_int_equal(swale_group_add(w.layer, "g", "b"), 0);
  assert_int_equal(swale_group_add(w.layer, "h", "a"), 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(swale_group_next(w.layer, "g", &members, name), 0);
    assert_int_equal(swale_channel_next_group(w.layer, "a", &groups, name), 0);
  }
  crowd_world_close(&w);
}

/* Cursors are the caller's: any values must do no harm. */
static void a_cursor_that_was_never_given_does_no_harm(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  static const uint32_t odd[] = {0, 1, 2, 3, 1000, UINT32_MAX - 1, UINT32_MAX};
  char name[SWALE_NAME_SIZE];
  crowd_world_open(&w, NULL);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(swale_group_add(w.layer, "g", m.channel), 0);
  assert_int_equal(swale_group_add(w.layer, "g", "plain"), 0);
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    for (size_t j = 0; j < sizeof odd / sizeof *odd; j++) {
      struct swale_cursor a = {odd[i], odd[j]}, b = a;
      int steps = 0;
      while (swale_group_next(w.layer, "g", &a, name) == 1)
        assert_true(steps++ < 4);
      while (swale_channel_next_group(w.layer, "plain", &b, name) == 1)
        assert_true(steps++ < 8);
    }
  crowd_world_close(&w);
}

static void figures_of_a_channel_follow_it(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  struct swale_channel_stats s;
  crowd_world_open(&w, NULL);
  crowd_enter(&w.crowd, &m, 0);
  crowd_pause(&m);
  for (int64_t i = 0; i < 103; i++)
    assert_int_equal(crowd_send(w.layer, m.channel, i), 0);
  assert_int_equal(swale_channel_stats_get(w.layer, m.channel, &s), 0);
  assert_int_equal(s.depth, 0); /* what is in the inbox does not wait in the channel */
  crowd_run(&w.crowd);
  assert_int_equal(swale_channel_stats_get(w.layer, m.channel, &s), 0);
  assert_int_equal(s.depth, 100);
  assert_int_equal(s.dropped, 3);
  assert_int_equal(s.capacity, 100);
  m.n_got = 0;
  crowd_resume(&m);
  assert_int_equal(swale_channel_stats_get(w.layer, m.channel, &s), 0);
  assert_int_equal(s.depth, 0);
  crowd_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statistics_of_other_versions_are_understood_or_refused),
      cmocka_unit_test(a_channel_that_is_unknown_is_not_found),
      cmocka_unit_test(a_consumer_is_found_on_its_own_loop_alone),
      cmocka_unit_test(a_cursor_at_the_end_stays_there),
      cmocka_unit_test(a_cursor_that_was_never_given_does_no_harm),
      cmocka_unit_test(figures_of_a_channel_follow_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

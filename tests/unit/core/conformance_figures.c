/* SPDX-License-Identifier: MIT */
/* What a layer tells about itself. */
#include "conformance_world.h"

/* ---- telling ---------------------------------------------------------------------------------- */

static void assert_drop(const struct world *w, int i, enum swale_drop_reason reason, const char *channel,
                        int64_t n, uint64_t count) {
  assert_true(i < w->n_drops);
  assert_int_equal(w->drops[i].reason, reason);
  assert_string_equal(w->drops[i].channel, channel);
  assert_int_equal(w->drops[i].n, n);
  assert_int_equal(w->drops[i].count, count);
}

static void drops_are_reported(void **state) {
  struct world w;
  struct crowd_member m, gone[2];
  char own[SWALE_NAME_SIZE];
  open_world(&w, state);
  crowd_enter(&w.crowd, &m, 0);
  crowd_pause(&m);
  for (int64_t i = 0; i <= CAPACITY; i++)
    send(&w, m.channel, i);
  run(&w);
  assert_int_equal(w.n_drops, 1);
  assert_drop(&w, 0, SWALE_DROP_FULL, m.channel, CAPACITY, 1);

  for (int i = 0; i < 2; i++) {
    crowd_enter(&w.crowd, &gone[i], 0);
    group_add(&w, "g", gone[i].channel);
  }
  group_send(&w, "g", 7, 2);
  group_discard(&w, "g", gone[0].channel);
  group_discard(&w, "g", gone[1].channel);
  run(&w);
  assert_int_equal(w.n_drops, 2);
  assert_drop(&w, 1, SWALE_DROP_CLOSED, "", 7, 2);

  send(&w, own_channel(&w, own), 8);
  assert_int_equal(swale_channel_close(w.layer, own), 0);
  assert_int_equal(w.n_drops, 2); /* never inside a call of the layer */
  run(&w);
  assert_int_equal(w.n_drops, 3);
  assert_drop(&w, 2, SWALE_DROP_CLOSED, own, 8, 1);
  close_world(&w);
}

static void the_layer_knows_its_figures(void **state) {
  struct world w;
  struct crowd_member a, b;
  char own[SWALE_NAME_SIZE], waits[SWALE_NAME_SIZE];
  open_world(&w, state);
  assert_int_equal(crowd_stats(w.layer).loops, 0);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 0);
  group_add(&w, "g", a.channel);
  group_add(&w, "h", a.channel);
  group_add(&w, "h", own_channel(&w, own));
  send(&w, own_channel(&w, waits), 1);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.consumers, 2);
  assert_int_equal(s.channels, 2);
  assert_int_equal(s.groups, 2);
  assert_int_equal(s.memberships, 3);
  assert_int_equal(s.loops, 1);
  assert_int_equal(channel_stats(&w, a.channel).groups, 2);
  assert_int_equal(channel_stats(&w, b.channel).groups, 0);
  assert_int_equal(channel_stats(&w, own).groups, 1);
  assert_int_equal(channel_stats(&w, waits).depth, 1);
  assert_int_equal(channel_stats(&w, waits).capacity, CAPACITY);
  close_world(&w);
}

static void members_and_groups_are_listed(void **state) {
  struct world w;
  struct crowd_member m[5];
  char name[SWALE_NAME_SIZE], own[SWALE_NAME_SIZE];
  int all;
  open_world(&w, state);
  own_channel(&w, own);
  for (int i = 0; i < 5; i++) {
    char group[] = {'g', (char)('0' + i), '\0'};
    crowd_enter(&w.crowd, &m[i], i % 2);
    group_add(&w, "g", m[i].channel);
    group_add(&w, group, m[0].channel);
    group_add(&w, group, own);
  }
  group_add(&w, "g", own);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(crowd_group_lists(w.layer, "g", m[i].channel, &all), 1);
    assert_int_equal(all, 6);
  }
  assert_int_equal(crowd_group_lists(w.layer, "g", own, &all), 1);
  assert_int_equal(crowd_group_lists(w.layer, "nobody", own, &all), 0);
  assert_int_equal(all, 0);

  const char *const channels[] = {m[0].channel, own};
  for (int i = 0; i < 2; i++) {
    struct swale_cursor cursor = {0};
    int met = 0;
    while (swale_channel_next_group(w.layer, channels[i], &cursor, name) == 1)
      met += 1 << (name[1] ? name[1] - '0' + 1 : 0);
    assert_int_equal(met, 0x3f);
    assert_int_equal(swale_channel_next_group(w.layer, channels[i], &cursor, name), 0);
  }
  close_world(&w);
}

/* Whoever leaves during the walk must not make it miss anybody else. */
static void members_who_leave_hide_nobody_from_a_walk(void **state) {
  struct world w;
  struct crowd_member m[8];
  open_world(&w, state);
  for (int leaves = 0; leaves < 8; leaves++)
    for (int after = 0; after < 8; after++) {
      struct swale_cursor cursor = {0};
      char name[SWALE_NAME_SIZE];
      int met[8] = {0}, steps = 0;
      for (int i = 0; i < 8; i++) {
        crowd_enter(&w.crowd, &m[i], i < 3 ? 0 : 1);
        group_add(&w, "g", m[i].channel);
      }
      while (swale_group_next(w.layer, "g", &cursor, name) == 1) {
        for (int i = 0; i < 8; i++)
          met[i] += strcmp(name, m[i].channel) == 0;
        if (steps++ == after)
          group_discard(&w, "g", m[leaves].channel);
      }
      for (int i = 0; i < 8; i++) {
        assert_true(met[i] >= (i != leaves));
        crowd_lose(&m[i]);
      }
    }
  close_world(&w);
}

static void groups_that_are_left_hide_no_other_from_a_walk(void **state) {
  struct world w;
  char own[SWALE_NAME_SIZE];
  open_world(&w, state);
  own_channel(&w, own);
  for (int leaves = 0; leaves < 5; leaves++)
    for (int after = 0; after < 5; after++) {
      struct swale_cursor cursor = {0};
      char name[SWALE_NAME_SIZE];
      int met[5] = {0}, steps = 0;
      for (int i = 0; i < 5; i++)
        group_add(&w, (char[]){(char)('a' + i), '\0'}, own);
      while (swale_channel_next_group(w.layer, own, &cursor, name) == 1) {
        met[name[0] - 'a']++;
        if (steps++ == after)
          group_discard(&w, (char[]){(char)('a' + leaves), '\0'}, own);
      }
      for (int i = 0; i < 5; i++)
        assert_true(met[i] >= (i != leaves));
      assert_int_equal(swale_channel_close(w.layer, own), 0);
    }
  close_world(&w);
}

const struct CMUnitTest *conformance_figures(size_t *n) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(drops_are_reported),
      cmocka_unit_test(the_layer_knows_its_figures),
      cmocka_unit_test(members_and_groups_are_listed),
      cmocka_unit_test(members_who_leave_hide_nobody_from_a_walk),
      cmocka_unit_test(groups_that_are_left_hide_no_other_from_a_walk),
  };
  *n = sizeof tests / sizeof *tests;
  return tests;
}

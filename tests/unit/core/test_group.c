/* SPDX-License-Identifier: MIT */
/* What happens to lanes while they are walked, and around it. See group.h. */
#include "crowd.h"

#include <stdio.h>

#include "core/consumer.h"
#include "core/group.h"
#include "core/layer.h"
#include "core/loop.h"

enum { MANY = 40 };

/* Members on one loop, and a lane with an entry on its way to it, as swale__deliver_entry finds it. */
struct lane_world {
  struct crowd_world w;
  struct crowd_member m[MANY];
};

static void open_world(struct lane_world *t) {
  crowd_world_open(&t->w, NULL);
  for (int i = 0; i < MANY; i++)
    crowd_enter(&t->w.crowd, &t->m[i], 0);
}

static int join(struct lane_world *t, int i) { return swale_group_add(t->w.layer, "g", t->m[i].channel); }

static void leave(struct lane_world *t, int i) {
  assert_int_equal(swale_group_discard(t->w.layer, "g", t->m[i].channel), 0);
}

static struct swale__lane *lane_of(struct lane_world *t, int i) {
  struct swale__group *g = swale__group_find(t->w.layer, "g");
  assert_non_null(g);
  struct swale__membership *m = swale__membership_find(g, &t->m[i].consumer->channel);
  assert_non_null(m);
  return m->lane;
}

/* The same when the first members have joined. */
static struct swale__lane *open_lane(struct lane_world *t, int members) {
  open_world(t);
  for (int i = 0; i < members; i++)
    assert_int_equal(join(t, i), 0);
  return lane_of(t, 0);
}

static bool is_member(struct lane_world *t, int i) {
  struct swale__group *g = swale__group_find(t->w.layer, "g");
  return g && swale__membership_find(g, &t->m[i].consumer->channel);
}

static struct swale__posting *posting_of(const struct swale__lane *lane) {
  struct swale__posting *p = lane->group->lanes;
  while (p->lane != lane)
    p++;
  return p;
}

/* As the loop begins with an entry for the lane, and ends with it. */
static struct swale__walk start_walk(struct swale__lane *lane) {
  posting_of(lane)->last = ++lane->port->loop->inbox.sequence;
  return swale__lane_walk(lane);
}

static void end_walk(struct swale__lane *lane) { swale__lane_settle(lane, posting_of(lane)->last); }

static const struct swale__walking *walking(const struct swale__lane *lane) {
  return &lane->port->loop->walking;
}

static uint32_t walked(const struct swale__lane *lane) {
  return walking(lane)->lane == lane ? walking(lane)->count : 0;
}

static swale_consumer *at(const struct swale__walk *walk, uint32_t i) {
  return (swale_consumer *)atomic_load(&walk->places[i].channel);
}

/* Every place that is not blank and an element of its channel's list know each other, and so on. */
static void check_lane(const struct swale__lane *lane) {
  uint32_t live = 0;
  for (uint32_t i = 0; i < lane->count; i++) {
    const struct swale__place *p = &lane->places[i];
    const struct swale__channel *ch = swale__place_channel(p);
    if (!ch) {
      assert_true(i < walked(lane));
      continue;
    }
    assert_true(p->membership < ch->n_groups);
    assert_int_equal(swale__channel_groups(ch)[p->membership].index, i);
    assert_ptr_equal(swale__channel_groups(ch)[p->membership].lane, lane);
    live++;
  }
  assert_int_equal(lane->live, live);
  assert_true(lane->count <= lane->room);
  assert_true(walked(lane) <= lane->count);
}

static void who_comes_during_a_walk_is_behind_it(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 3);
  struct swale__walk walk = start_walk(lane);
  assert_int_equal(walk.count, 3);
  for (int i = 3; i < MANY; i++) {
    assert_int_equal(join(&t, i), 0);
    check_lane(lane);
    for (int old = 0; old < 3; old++)
      assert_ptr_equal(at(&walk, (uint32_t)old), t.m[old].consumer);
  }
  assert_ptr_equal(walking(lane)->kept, walk.places); /* outgrown, but still there */
  assert_int_equal(swale_group_count(t.w.layer, "g"), MANY);
  end_walk(lane);
  check_lane(lane);
  assert_null(walking(lane)->kept);
  walk = start_walk(lane);
  assert_int_equal(walk.count, MANY);
  end_walk(lane);
  crowd_world_close(&t.w);
}

static void who_leaves_during_a_walk_is_blanked_also_where_it_is_walked(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 6);
  struct swale__walk walk = start_walk(lane);
  leave(&t, 1); /* before the array is outgrown, */
  for (int i = 6; i < MANY; i++)
    assert_int_equal(join(&t, i), 0);
  assert_ptr_not_equal(lane->places, walk.places);
  leave(&t, 4); /* and after it */
  check_lane(lane);
  for (uint32_t i = 0; i < 6; i++)
    assert_ptr_equal(at(&walk, i), i == 1 || i == 4 ? NULL : t.m[i].consumer);
  end_walk(lane);
  check_lane(lane);
  assert_int_equal(lane->count, MANY - 2);
  assert_false(is_member(&t, 1));
  crowd_world_close(&t.w);
}

/* Handlers that join and leave all the time do not make the lane grow. */
static void who_comes_and_leaves_during_a_walk_leaves_no_trace(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 1);
  start_walk(lane);
  assert_int_equal(join(&t, 1), 0);
  assert_int_equal(join(&t, 2), 0);
  leave(&t, 2);
  long live = t.w.u.live;
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(join(&t, 2), 0);
    leave(&t, 2);
  }
  assert_int_equal(t.w.u.live, live);
  assert_int_equal(lane->count, lane->live);
  check_lane(lane);
  end_walk(lane);
  crowd_world_close(&t.w);
}

static void who_leaves_and_returns_during_a_walk_stands_behind_it(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 2);
  struct swale__walk walk = start_walk(lane);
  for (int i = 0; i < 3; i++) {
    leave(&t, 1);
    assert_int_equal(join(&t, 1), 0);
  }
  assert_null(at(&walk, 1));
  assert_true(is_member(&t, 1));
  check_lane(lane);
  end_walk(lane);
  check_lane(lane);
  assert_int_equal(lane->count, 2);
  crowd_world_close(&t.w);
}

static void a_lane_that_is_emptied_lives_until_the_walk_is_over(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 3);
  struct swale__walk walk = start_walk(lane);
  assert_int_equal(swale_flush(t.w.layer), 0);
  for (uint32_t i = 0; i < 3; i++)
    assert_null(at(&walk, i));
  assert_int_equal(crowd_stats(t.w.layer).groups, 0);
  assert_int_equal(swale_group_count(t.w.layer, "g"), 0);
  assert_non_null(swale__group_find(t.w.layer, "g"));
  end_walk(lane);
  assert_null(swale__group_find(t.w.layer, "g"));
  crowd_world_close(&t.w);
}

static void a_group_that_is_emptied_and_filled_during_a_walk_is_the_same(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 1);
  start_walk(lane);
  leave(&t, 0);
  assert_int_equal(join(&t, 1), 0);
  assert_ptr_equal(lane_of(&t, 1), lane);
  assert_int_equal(crowd_stats(t.w.layer).groups, 1);
  end_walk(lane);
  check_lane(lane);
  assert_int_equal(lane->count, 1);
  crowd_world_close(&t.w);
}

static void an_empty_lane_stays_as_long_as_something_is_on_its_way_to_it(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 1);
  for (int64_t n = 0; n < 3; n++)
    assert_int_equal(crowd_group_send(t.w.layer, "g", n), 1);
  assert_int_equal(posting_of(lane)->last, 3);
  leave(&t, 0);
  assert_int_equal(lane->live, 0);
  assert_int_equal(crowd_group_send(t.w.layer, "g", 9), 0); /* no entry for nobody */
  assert_int_equal(posting_of(lane)->last, 3);
  crowd_run(&t.w.crowd);
  assert_null(swale__group_find(t.w.layer, "g"));
  assert_int_equal(crowd_dropped(t.w.layer, SWALE_DROP_CLOSED), 3);
  crowd_assert_got_nothing(&t.m[0]);
  crowd_world_close(&t.w);
}

/* Comings, goings and walks in any order; `in` is what a walk may show. */
static void a_walk_shows_who_was_there_and_has_not_left(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 1); /* stays, so that the lane does */
  struct swale__walk walk = {0};
  bool walking = false, shown[MANY] = {false};
  for (int step = 0; step < 20000; step++) {
    uint64_t random;
    unit_env_random(&random, sizeof random, &t.w.u);
    int i = 1 + (int)(random % (MANY - 1)), what = (int)(random >> 32) % 40;
    if (what == 0 && !walking) {
      walk = start_walk(lane);
      for (int k = 0; k < MANY; k++)
        shown[k] = is_member(&t, k);
      walking = true;
    } else if (what == 1 && walking) {
      end_walk(lane);
      assert_int_equal(lane->count, lane->live);
      walking = false;
    } else if (what % 2) {
      assert_int_equal(join(&t, i), 0);
    } else {
      leave(&t, i);
      shown[i] = false;
    }
    check_lane(lane);
    if (!walking)
      continue;
    bool met[MANY] = {false};
    for (uint32_t k = 0; k < walk.count; k++)
      for (int j = 0; at(&walk, k) && j < MANY; j++)
        met[j] |= at(&walk, k) == t.m[j].consumer;
    assert_memory_equal(met, shown, sizeof met);
  }
  if (walking)
    end_walk(lane);
  crowd_world_close(&t.w);
}

/* In as many groups as there are members in one of them, in several orders, so that either side is the shorter. */
static void a_membership_is_found_from_either_side(void **state) {
  (void)state;
  struct lane_world t;
  open_world(&t);
  char name[8];
  const struct swale__channel *ch = &t.m[0].consumer->channel;
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "g%d", i);
    assert_int_equal(swale_group_add(t.w.layer, name, t.m[0].channel), 0);
    assert_int_equal(swale_group_add(t.w.layer, "g7", t.m[i].channel), 0);
  }
  assert_int_equal(ch->n_groups, MANY);
  for (int step = 0, i = 0; step < MANY; step++, i = (i + 17) % MANY) {
    snprintf(name, sizeof name, "g%d", i);
    struct swale__group *g = swale__group_find(t.w.layer, name), *other = swale__group_find(t.w.layer, "g7");
    const struct swale__membership *m = swale__membership_find(g, ch);
    assert_ptr_equal(swale__place_channel(&m->lane->places[m->index]), ch);
    check_lane(m->lane);
    if (other && i != 7)
      assert_non_null(swale__membership_find(other, &t.m[i].consumer->channel));
    for (int k = 0; k < 2; k++) /* the second time there is nothing to leave */
      assert_int_equal(swale_group_discard(t.w.layer, name, t.m[0].channel), 0);
    g = swale__group_find(t.w.layer, name);
    assert_true(!g || (i == 7 && !swale__membership_find(g, ch)));
  }
  assert_int_equal(ch->n_groups, 0);
  assert_int_equal(swale_group_count(t.w.layer, "g7"), MANY - 1);
  crowd_world_close(&t.w);
}

static void a_walk_without_gaps_leaves_the_array_to_whoever_has_the_layer(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 1);
  start_walk(lane);
  for (int i = 1; i < MANY; i++)
    assert_int_equal(join(&t, i), 0);
  for (int i = 1; i < MANY; i++)
    leave(&t, i);
  assert_int_equal(lane->count, lane->live);
  const struct swale__place *places = lane->places;
  uint32_t room = lane->room;
  swale__layer_lock(
      t.w.layer); /* as another thread that looks at the places: the walk ends without waiting for it */
  end_walk(lane);
  assert_ptr_equal(lane->places, places);
  swale__layer_unlock(t.w.layer);
  assert_int_equal(join(&t, 1), 0);
  leave(&t, 1);
  assert_true(lane->room < room);
  crowd_world_close(&t.w);
}

static void a_lane_that_has_emptied_gives_memory_back(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, MANY);
  uint32_t room = lane->room;
  assert_true(room >= MANY);
  start_walk(lane);
  for (int i = 1; i < MANY; i++)
    leave(&t, i);
  assert_int_equal(lane->room, room); /* not while it is walked */
  end_walk(lane);
  assert_true(lane->room < room);
  for (int i = 1; i < MANY; i++)
    assert_int_equal(join(&t, i), 0);
  t.w.u.fail_at = 1; /* no memory, no harm */
  for (int i = 1; i < MANY; i++)
    leave(&t, i);
  check_lane(lane);
  t.w.u.fail_at = 0;
  crowd_world_close(&t.w);
}

static void a_member_who_finds_no_room_is_told_so(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 1);
  for (int is_walked = 0; is_walked < 2; is_walked++) {
    int failures = 0;
    if (is_walked)
      start_walk(lane);
    for (int i = 1; i < MANY; i++)
      for (long n = 1;; n++) {
        struct swale_layer_stats before = crowd_stats(t.w.layer), after;
        t.w.u.fail_at = n;
        int rv = join(&t, i);
        bool failed = t.w.u.fail_at == 0;
        t.w.u.fail_at = 0;
        check_lane(lane);
        if (rv == 0) {
          if (!failed)
            break;
          leave(&t, i);
          continue; /* that one was not needed */
        }
        failures++;
        assert_int_equal(rv, SWALE_ENOMEM);
        assert_false(is_member(&t, i));
        after = crowd_stats(t.w.layer);
        assert_memory_equal(&before, &after, sizeof before);
      }
    assert_true(failures > 0);
    assert_int_equal(swale_group_count(t.w.layer, "g"), MANY);
    if (is_walked)
      end_walk(lane);
    check_lane(lane);
    for (int i = 1; i < MANY; i++)
      leave(&t, i);
  }
  crowd_world_close(&t.w);
}

/* ---- who is meant by a message ---------------------------------------------------------------- */

static void the_youngest_tells_whether_everybody_is_meant(void **state) {
  (void)state;
  struct lane_world t;
  struct swale__lane *lane = open_lane(&t, 1);
  assert_int_equal(crowd_group_send(t.w.layer, "g", 1), 1);
  assert_int_equal(join(&t, 1), 0);
  assert_int_equal(lane->youngest, 1);
  assert_int_equal(crowd_send(t.w.layer, t.m[2].channel, 2), 0); /* any entry counts */
  assert_int_equal(join(&t, 3), 0);
  assert_int_equal(lane->youngest, 2);
  assert_int_equal(crowd_group_send(t.w.layer, "g", 3), 3);
  leave(&t, 3);
  assert_int_equal(lane->youngest, 2); /* a bound, not the exact value */
  crowd_run(&t.w.crowd);
  crowd_assert_got(&t.m[0], 1, 3);
  crowd_assert_got(&t.m[1], 3);
  crowd_assert_got_nothing(&t.m[3]);
  crowd_world_close(&t.w);
}

/* Joins and leaves between sends, many times over, against a plain list of who is due what. */
static void everybody_gets_what_was_sent_while_he_was_a_member(void **state) {
  (void)state;
  struct lane_world t;
  open_world(&t);
  bool in[MANY] = {false};
  int due[MANY] = {0}, lost = 0, expected = 0;
  for (int round = 0; round < 300; round++) {
    uint64_t random;
    for (int i = 0; i < MANY; i++)
      due[i] = 0;
    for (int step = 0; step < 30; step++) {
      unit_env_random(&random, sizeof random, &t.w.u);
      int i = (int)(random % MANY), members = 0;
      if ((random >> 40) % 8 == 0) {
        for (int k = 0; k < MANY; k++) {
          members += in[k];
          due[k] += in[k];
        }
        assert_int_equal(crowd_group_send(t.w.layer, "g", round), members);
        expected += members;
      } else if (in[i]) {
        leave(&t, i);
        lost += due[i];
        due[i] = 0;
      } else {
        assert_int_equal(join(&t, i), 0);
      }
      if ((random >> 40) % 8 != 0)
        in[i] = !in[i];
    }
    crowd_run(&t.w.crowd);
    for (int i = 0; i < MANY; i++) {
      assert_int_equal(t.m[i].n_got, due[i]);
      t.m[i].n_got = 0;
    }
  }
  struct swale_layer_stats s = crowd_stats(t.w.layer);
  assert_int_equal(s.offered, expected);
  assert_int_equal(s.dropped[SWALE_DROP_CLOSED], lost);
  assert_true(lost > 100);
  crowd_world_close(&t.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_comes_during_a_walk_is_behind_it),
      cmocka_unit_test(who_leaves_during_a_walk_is_blanked_also_where_it_is_walked),
      cmocka_unit_test(who_comes_and_leaves_during_a_walk_leaves_no_trace),
      cmocka_unit_test(who_leaves_and_returns_during_a_walk_stands_behind_it),
      cmocka_unit_test(a_lane_that_is_emptied_lives_until_the_walk_is_over),
      cmocka_unit_test(a_group_that_is_emptied_and_filled_during_a_walk_is_the_same),
      cmocka_unit_test(an_empty_lane_stays_as_long_as_something_is_on_its_way_to_it),
      cmocka_unit_test(a_walk_shows_who_was_there_and_has_not_left),
      cmocka_unit_test(a_membership_is_found_from_either_side),
      cmocka_unit_test(a_walk_without_gaps_leaves_the_array_to_whoever_has_the_layer),
      cmocka_unit_test(a_lane_that_has_emptied_gives_memory_back),
      cmocka_unit_test(a_member_who_finds_no_room_is_told_so),
      cmocka_unit_test(the_youngest_tells_whether_everybody_is_meant),
      cmocka_unit_test(everybody_gets_what_was_sent_while_he_was_a_member),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

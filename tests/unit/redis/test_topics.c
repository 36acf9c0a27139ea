/* SPDX-License-Identifier: MIT */
#include "redis/topics.h"

#include <stdio.h>

#include "unit.h"

enum { MANY = 1000 };

static struct swale__redis_topic *enter(struct swale__redis_topics *t, enum swale__redis_topic_kind kind,
                                        const char *name) {
  struct swale__redis_topic *topic = swale__redis_topic_new(t->allocator, kind, name);
  assert_non_null(topic);
  topic->wanted = true;
  assert_ptr_equal(swale__redis_topic_enter(t, topic), topic);
  return topic;
}

static void count(struct swale__redis_topic *topic, void *n) {
  assert_non_null(topic);
  ++*(int *)n;
}

static void topics_are_found_by_kind_and_name(void **state) {
  struct unit_env u;
  struct swale__redis_topics t;
  char name[16];
  (void)state;
  unit_env_init(&u);
  assert_int_equal(swale__redis_topics_init(&t, &u.env.allocator, 7), 0);
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "t%d", i);
    enter(&t, i % 2 ? SWALE__REDIS_GROUP : SWALE__REDIS_CHANNEL, name);
  }
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "t%d", i);
    struct swale__redis_topic *group = swale__redis_topic_find(&t, SWALE__REDIS_GROUP, name),
                              *channel = swale__redis_topic_find(&t, SWALE__REDIS_CHANNEL, name);
    assert_true(!group != !channel);
    assert_true((i % 2 == 0) == (channel != NULL));
    assert_string_equal((group ? group : channel)->name, name);
    if (group)
      assert_ptr_equal(swale__redis_topic_of_hash(&t, group->hash), group);
    else
      assert_null(swale__redis_topic_of_hash(&t, channel->hash)); /* hashes are names of groups */
  }
  int n = 0;
  swale__redis_topics_each(&t, count, &n);
  assert_int_equal(n, MANY);
  swale__redis_topics_free(&t);
  assert_int_equal(u.live, 0);
}

static void one_that_is_there_takes_the_place_of_another(void **state) {
  struct unit_env u;
  struct swale__redis_topics t;
  (void)state;
  unit_env_init(&u);
  assert_int_equal(swale__redis_topics_init(&t, &u.env.allocator, 7), 0);
  struct swale__redis_topic *first = enter(&t, SWALE__REDIS_GROUP, "g"),
                            *second = swale__redis_topic_new(t.allocator, SWALE__REDIS_GROUP, "g");
  assert_ptr_equal(swale__redis_topic_enter(&t, second), first);
  swale__redis_topic_free(t.allocator, second);
  swale__redis_topic_free(t.allocator, NULL);
  swale__redis_topics_free(&t);
  assert_int_equal(u.live, 0);
}

static void a_topic_stays_while_somebody_wants_it_or_something_is_awaited(void **state) {
  struct unit_env u;
  struct swale__redis_topics t;
  (void)state;
  unit_env_init(&u);
  assert_int_equal(swale__redis_topics_init(&t, &u.env.allocator, 7), 0);
  struct swale__redis_topic *topic = enter(&t, SWALE__REDIS_GROUP, "g");
  topic->awaited = 1;
  assert_false(swale__redis_topic_tidy(&t, topic));
  topic->wanted = false;
  assert_false(swale__redis_topic_tidy(&t, topic));
  topic->awaited = 0;
  topic->wished = true;
  assert_false(swale__redis_topic_tidy(&t, topic));
  topic->wished = false;
  assert_true(swale__redis_topic_tidy(&t, topic));
  assert_null(swale__redis_topic_find(&t, SWALE__REDIS_GROUP, "g"));
  swale__redis_topics_free(&t);
  assert_int_equal(u.live, 0);
}

static void lists_keep_their_order(void **state) {
  struct unit_env u;
  struct swale__redis_topics t;
  (void)state;
  unit_env_init(&u);
  assert_int_equal(swale__redis_topics_init(&t, &u.env.allocator, 7), 0);
  struct swale__redis_topic *a = enter(&t, SWALE__REDIS_GROUP, "a"), *b = enter(&t, SWALE__REDIS_GROUP, "b"),
                            *c = enter(&t, SWALE__REDIS_GROUP, "c");
  swale__redis_topic_move(a, &t.joining);
  swale__redis_topic_move(b, &t.joining);
  swale__redis_topic_move(c, &t.joining);
  swale__redis_topic_move(a, &t.joining); /* to the end */
  assert_ptr_equal(t.joining.first, b);
  assert_ptr_equal(b->after, c);
  assert_ptr_equal(c->after, a);
  assert_ptr_equal(t.joining.last, a);
  swale__redis_topic_move(c, &t.joined);
  assert_ptr_equal(b->after, a);
  assert_ptr_equal(t.joined.first, c);
  swale__redis_topic_move(b, NULL);
  swale__redis_topic_move(b, NULL);
  assert_ptr_equal(t.joining.first, a);
  a->wanted = false;
  assert_true(swale__redis_topic_tidy(&t, a)); /* leaves its list, too */
  assert_null(t.joining.first);
  assert_null(t.joining.last);
  swale__redis_topics_free(&t);
  assert_int_equal(u.live, 0);
}

static void without_memory_the_table_does_not_grow(void **state) {
  struct unit_env u;
  struct swale__redis_topics t;
  char name[16];
  (void)state;
  unit_env_init(&u);
  u.fail_at = 1;
  assert_int_equal(swale__redis_topics_init(&t, &u.env.allocator, 7), SWALE_ENOMEM);
  swale__redis_topics_free(&t);
  assert_int_equal(swale__redis_topics_init(&t, &u.env.allocator, 7), 0);
  u.fail_at = 1;
  assert_null(swale__redis_topic_new(t.allocator, SWALE__REDIS_GROUP, "g"));
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "t%d", i);
    struct swale__redis_topic *topic = swale__redis_topic_new(t.allocator, SWALE__REDIS_GROUP, name);
    u.fail_at = i < 50 ? 1 : 0;
    swale__redis_topic_enter(&t, topic);
    u.fail_at = 0;
  }
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "t%d", i);
    assert_non_null(swale__redis_topic_find(&t, SWALE__REDIS_GROUP, name));
  }
  swale__redis_topics_free(&t);
  assert_int_equal(u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(topics_are_found_by_kind_and_name),
      cmocka_unit_test(one_that_is_there_takes_the_place_of_another),
      cmocka_unit_test(a_topic_stays_while_somebody_wants_it_or_something_is_awaited),
      cmocka_unit_test(lists_keep_their_order),
      cmocka_unit_test(without_memory_the_table_does_not_grow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* A large group is gone through in slices, with jobs done in between. See walk_members in deliver.c. */
#include "crowd.h"

enum { MANY = 300, EARLY = 0, LATE = MANY - 1, GOES = MANY - 10 };

struct large_world {
  struct crowd_world w;
  struct crowd_member m[MANY];
  int disconnects_seen[4], n_seen; /* by the last member, of the one who goes, at each message */
};

static struct large_world *open_large(void) {
  struct large_world *t = calloc(1, sizeof *t);
  crowd_world_open(&t->w, NULL);
  for (int i = 0; i < MANY; i++) {
    crowd_enter(&t->w.crowd, &t->m[i], 0);
    assert_int_equal(swale_group_add(t->w.layer, "g", t->m[i].channel), 0);
    t->m[i].arg = t;
  }
  return t;
}

static void close_large(struct large_world *t) {
  crowd_world_close(&t->w);
  free(t);
}

static void send_away(struct crowd_member *m, swale_message *message) {
  struct large_world *t = m->arg;
  (void)message;
  m->act = NULL;
  if (t->m[GOES].consumer)
    crowd_lose(&t->m[GOES]);
}

static void look(struct crowd_member *m, swale_message *message) {
  struct large_world *t = m->arg;
  (void)message;
  t->disconnects_seen[t->n_seen++] = t->m[GOES].disconnects;
}

static void jobs_are_done_while_one_message_goes_through_a_large_group(void **state) {
  (void)state;
  struct large_world *t = open_large();
  t->m[EARLY].act = send_away;
  t->m[LATE].act = look;
  assert_int_equal(crowd_group_send(t->w.layer, "g", 1), MANY);
  crowd_run(&t->w.crowd);
  assert_int_equal(t->n_seen, 1);
  assert_int_equal(t->disconnects_seen[0], 1);
  for (int i = 0; i < MANY; i++)
    if (i == GOES)
      crowd_assert_got_nothing(&t->m[i]);
    else
      crowd_assert_got(&t->m[i], 1);
  assert_int_equal(crowd_dropped(t->w.layer, SWALE_DROP_CLOSED), 1);
  assert_int_equal(swale_group_count(t->w.layer, "g"), MANY - 1);
  close_large(t);
}

static void several_messages_come_before_jobs(void **state) {
  (void)state;
  struct large_world *t = open_large();
  t->m[EARLY].act = send_away;
  t->m[LATE].act = look;
  for (int n = 1; n <= 3; n++)
    assert_int_equal(crowd_group_send(t->w.layer, "g", n), MANY);
  crowd_run(&t->w.crowd);
  assert_int_equal(t->n_seen, 3);
  for (int n = 0; n < 3; n++)
    assert_int_equal(t->disconnects_seen[n], 0);
  crowd_assert_got(&t->m[LATE], 1, 2, 3);
  assert_int_equal(t->m[GOES].disconnects, 1);
  close_large(t);
}

/* Whoever is sent away by a job, and what takes his place, does not upset those who have yet to get the message. */
static void members_go_and_come_between_slices(void **state) {
  (void)state;
  struct large_world *t = open_large();
  for (int i = 0; i < MANY; i++)
    if (i % 2 == 0 && i != GOES)
      t->m[i].act = send_away;
  for (int n = 1; n <= 20; n++) {
    assert_true(crowd_group_send(t->w.layer, "g", n) > 0);
    crowd_run(&t->w.crowd);
    crowd_assert_got(&t->m[1], n);
    crowd_assert_got(&t->m[LATE], n);
    if (!t->m[GOES].consumer) {
      crowd_enter(&t->w.crowd, &t->m[GOES], 0);
      t->m[GOES].arg = t;
      assert_int_equal(swale_group_add(t->w.layer, "g", t->m[GOES].channel), 0);
    }
  }
  close_large(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(jobs_are_done_while_one_message_goes_through_a_large_group),
      cmocka_unit_test(several_messages_come_before_jobs),
      cmocka_unit_test(members_go_and_come_between_slices),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

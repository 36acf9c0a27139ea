/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

#include <stdio.h>

#include "core/loop.h"

enum { CROWD = 10 };

struct drained {
  struct world w;
  struct fake crowd[CROWD];
  struct swale_drain_config config;
  struct swale_drain_report report;
  int dones;
  void (*at_the_end)(struct drained *d);
};

static void on_done(const struct swale_drain_report *report, void *user) {
  struct drained *d = user;
  world_callback_begins(&d->w);
  d->report = *report;
  d->dones++;
  assert_int_equal(swale_loop_consumers(d->w.loop), 0);
  if (d->at_the_end)
    d->at_the_end(d);
  world_callback_ends(&d->w);
}

static int setup(void **state) {
  struct drained *d = calloc(1, sizeof *d);
  world_init(&d->w);
  swale_drain_config_default(&d->config);
  d->config.on_done = on_done;
  d->config.user = d;
  d->config.reason = "restart";
  *state = d;
  return world_open(&d->w, NULL);
}

static int teardown(void **state) {
  struct drained *d = *state;
  world_close(&d->w);
  free(d);
  return 0;
}

static void open_crowd(struct drained *d, int n) {
  for (int i = 0; i < n; i++) {
    char name[8];
    snprintf(name, sizeof name, "%c", 'a' + i);
    fake_enter(&d->crowd[i], &d->w, name);
  }
  d->w.log_len = 0;
  d->w.log[0] = '\0';
}

static int asked_to_close(const struct drained *d) {
  int n = 0;
  for (int i = 0; i < CROWD; i++)
    n += d->crowd[i].close_code != 0;
  return n;
}

/* The peers that were asked to close do so, which the next run of the loop finds. */
static void peers_close(struct drained *d) {
  for (int i = 0; i < CROWD; i++)
    if (d->crowd[i].c && d->crowd[i].close_code)
      fake_lost(&d->crowd[i], d->crowd[i].close_code);
  assert_int_equal(d->dones, 0);
  world_settle(&d->w);
}

static void start(struct drained *d) { assert_int_equal(swale_loop_drain(d->w.loop, &d->config), 0); }

static void assert_report(const struct drained *d, size_t consumers, size_t refused, size_t closed,
                          size_t cut) {
  assert_int_equal(d->dones, 1);
  assert_int_equal(d->report.size, sizeof d->report);
  assert_int_equal(d->report.consumers, consumers);
  assert_int_equal(d->report.refused, refused);
  assert_int_equal(d->report.closed, closed);
  assert_int_equal(d->report.cut, cut);
}

static void defaults_are_those_of_the_header(void **state) {
  struct swale_drain_config config;
  (void)state;
  memset(&config, 0xff, sizeof config);
  swale_drain_config_default(&config);
  assert_int_equal(config.size, sizeof config);
  assert_int_equal(config.code, 1001);
  assert_null(config.reason);
  assert_int_equal(config.period_ms, 10000);
  assert_int_equal(config.batch, 64);
  assert_int_equal(config.deadline_ms, 20000);
  assert_null(config.on_done);
  assert_null(config.user);
}

static void a_config_that_cannot_be_is_refused_before_anything_happens(void **state) {
  struct drained *d = *state;
#define REFUSED(field, value, error)                                                                         \
  do {                                                                                                       \
    struct swale_drain_config config = d->config;                                                            \
    config.field = value;                                                                                    \
    assert_int_equal(swale_loop_drain(d->w.loop, &config), error);                                           \
  } while (0)
  REFUSED(size, 0, SWALE_EINVAL);
  REFUSED(size, sizeof d->config + 8, SWALE_EINVAL);
  REFUSED(code, 1005, SWALE_EINVAL);
  REFUSED(reason, "\xff", SWALE_EUTF8);
  REFUSED(batch, 0, SWALE_EINVAL);
  REFUSED(deadline_ms, 0, SWALE_EINVAL);
  REFUSED(deadline_ms, 9999, SWALE_EINVAL);
  d->w.u.fail_at = 1;
  assert_int_equal(swale_loop_drain(d->w.loop, &d->config), SWALE_ENOMEM);
  assert_int_equal(swale_loop_draining(d->w.loop), 0);
  start(d);
  assert_int_equal(swale_loop_draining(d->w.loop), 1);
  assert_int_equal(swale_loop_drain(d->w.loop, &d->config), SWALE_ESTATE);
}

static void an_empty_loop_is_drained_by_its_next_run(void **state) {
  struct drained *d = *state;
  start(d);
  assert_int_equal(d->dones, 0);
  world_settle(&d->w);
  assert_report(d, 0, 0, 0, 0);
  assert_int_equal(swale_loop_timeout_ms(d->w.loop), -1);
  world_pass(&d->w, 30000);
  assert_int_equal(d->dones, 1);
}

/* The host frees the loop then, which a feed does not allow. */
static void the_end_is_told_by_a_run_and_not_where_the_last_one_leaves(void **state) {
  struct drained *d = *state;
  open_crowd(d, 1);
  start(d);
  fake_lost(&d->crowd[0], 1006);
  assert_int_equal(d->dones, 0);
  assert_int_equal(swale_loop_timeout_ms(d->w.loop), 0);
  world_run(&d->w);
  assert_report(d, 1, 0, 1, 0);
}

static void consumers_are_closed_in_batches_over_the_period(void **state) {
  struct drained *d = *state;
  open_crowd(d, CROWD);
  d->config.batch = 3;
  d->config.period_ms = 4000;
  d->config.code = 1012;
  start(d);
  for (int second = 0; second < 4; second++) {
    assert_int_equal(asked_to_close(d), second < 3 ? 3 * (second + 1) : CROWD);
    assert_int_equal(d->dones, 0);
    world_pass(&d->w, 999);
    assert_int_equal(asked_to_close(d), second < 3 ? 3 * (second + 1) : CROWD);
    world_pass(&d->w, 1);
  }
  for (int i = 0; i < CROWD; i++)
    assert_int_equal(d->crowd[i].close_code, 1012);
  peers_close(d);
  assert_report(d, CROWD, 0, CROWD, 0);
  assert_int_equal(d->report.took_ms, 4000);
}

/* More batches than milliseconds would be needed: they become larger. */
static void a_short_period_makes_large_batches(void **state) {
  struct drained *d = *state;
  open_crowd(d, CROWD);
  d->config.batch = 1;
  d->config.period_ms = 4;
  d->config.deadline_ms = 4;
  start(d);
  assert_int_equal(asked_to_close(d), 3);
  world_pass(&d->w, 3);
  assert_int_equal(asked_to_close(d), CROWD);
}

static void without_a_period_all_are_closed_at_once(void **state) {
  struct drained *d = *state;
  open_crowd(d, CROWD);
  d->config.batch = 1;
  d->config.period_ms = 0;
  start(d);
  assert_int_equal(asked_to_close(d), CROWD);
  world_expect(&d->w,
               "j>close(1001 restart) i>close(1001 restart) h>close(1001 restart) g>close(1001 restart) "
               "f>close(1001 restart) e>close(1001 restart) d>close(1001 restart) c>close(1001 restart) "
               "b>close(1001 restart) a>close(1001 restart)");
  peers_close(d);
  assert_report(d, CROWD, 0, CROWD, 0);
}

static void who_is_closing_or_leaves_by_himself_takes_no_place_in_a_batch(void **state) {
  struct drained *d = *state;
  open_crowd(d, 6);
  swale_close(d->crowd[5].c, 4000, NULL); /* first in the list */
  d->config.batch = 2;
  d->config.period_ms = 3000;
  start(d);
  assert_int_equal(asked_to_close(d), 3);
  fake_lost(&d->crowd[2], 1006); /* the next one, and the one behind */
  fake_lost(&d->crowd[1], 1006);
  world_pass(&d->w, 1000);
  assert_int_equal(d->crowd[0].close_code, 1001);
  peers_close(d);
  assert_report(d, 6, 0, 6, 0);
}

static void the_undecided_and_the_newcomers_are_refused_with_503(void **state) {
  struct drained *d = *state;
  struct fake late;
  d->w.on_connect = fake_undecided;
  open_crowd(d, 2);
  d->w.on_connect = NULL;
  fake_enter(&d->crowd[2], &d->w, "c");
  world_expect(&d->w, "c.connect c>accept");
  start(d);
  world_expect(&d->w, "b>reject(503 restart) a>reject(503 restart) c>close(1001 restart)");
  assert_int_equal(fake_open(&late, &d->w, "late"), 503);
  world_expect(&d->w, "b.disconnect(1006) a.disconnect(1006)");
  assert_int_equal(swale_app_serve(d->w.app, d->w.loop), SWALE_ESTATE);
  peers_close(d);
  assert_report(d, 3, 3, 1, 0);
}

static void who_is_left_at_the_deadline_is_cut_and_reported(void **state) {
  struct drained *d = *state;
  open_crowd(d, 3);
  d->config.batch = 1;
  start(d);
  fake_lost(&d->crowd[2], 1001); /* the first to be asked */
  world_expect(&d->w, "c>close(1001 restart) c.disconnect(1001)");
  world_pass(&d->w, 10000);
  world_expect(&d->w, "b>close(1001 restart) a>close(1001 restart)");
  world_pass(&d->w, 9999);
  assert_int_equal(d->dones, 0);
  world_pass(&d->w, 1);
  world_expect(&d->w, "!transport(-9 cut off by a drain) b>cut !transport(-9 cut off by a drain) a>cut "
                      "b.disconnect(1006) a.disconnect(1006)");
  assert_report(d, 3, 0, 1, 2);
  assert_int_equal(d->report.took_ms, 20000);
}

/* A guard begins the drain: the consumer it lets pass would come too late. */
static struct drained *the_drained;

static int guard_that_drains(swale_scope *scope) {
  (void)scope;
  start(the_drained);
  return 0;
}

static void a_drain_that_begins_in_a_guard_refuses_that_request(void **state) {
  struct drained *d = *state;
  the_drained = d;
  d->w.on_guard = guard_that_drains;
  assert_int_equal(fake_open(&d->crowd[0], &d->w, "a"), 503);
  world_settle(&d->w);
  assert_report(d, 0, 1, 0, 0);
}

static int drain_in_connect(swale_consumer *c) {
  (void)c;
  start(the_drained);
  return 0;
}

static void a_drain_that_begins_in_connect_rejects_that_consumer(void **state) {
  struct drained *d = *state;
  the_drained = d;
  d->w.on_connect = drain_in_connect;
  fake_enter(&d->crowd[0], &d->w, "a");
  world_expect(&d->w, "a.connect a>reject(503 restart) a.disconnect(1006)");
  world_settle(&d->w);
  assert_report(d, 1, 1, 0, 0);
}

static void freeing_the_loop_ends_the_drain_at_once(void **state) {
  struct drained *d = *state;
  open_crowd(d, 2);
  d->config.batch = 1;
  start(d);
  assert_int_equal(swale_loop_free(d->w.loop), 0);
  world_expect(&d->w, "b>close(1001 restart) b.disconnect(1001) a.disconnect(1001)");
  assert_report(d, 2, 0, 2, 0);
  assert_int_equal(swale_loop_new(&d->w.loop_config, &d->w.loop), 0);
}

static void workers_are_drained_too(void **state) {
  struct drained *d = *state;
  assert_int_equal(swale_app_channel(d->w.app, "thumbs", &fake_class), 0);
  assert_int_equal(swale_app_serve(d->w.app, d->w.loop), 0);
  world_settle(&d->w);
  start(d);
  world_settle(&d->w);
  world_expect(&d->w, "thumbs.connect thumbs.disconnect(1001)");
  assert_report(d, 1, 0, 1, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(defaults_are_those_of_the_header),
      TEST(a_config_that_cannot_be_is_refused_before_anything_happens),
      TEST(an_empty_loop_is_drained_by_its_next_run),
      TEST(the_end_is_told_by_a_run_and_not_where_the_last_one_leaves),
      TEST(consumers_are_closed_in_batches_over_the_period),
      TEST(a_short_period_makes_large_batches),
      TEST(without_a_period_all_are_closed_at_once),
      TEST(who_is_closing_or_leaves_by_himself_takes_no_place_in_a_batch),
      TEST(the_undecided_and_the_newcomers_are_refused_with_503),
      TEST(who_is_left_at_the_deadline_is_cut_and_reported),
      TEST(a_drain_that_begins_in_a_guard_refuses_that_request),
      TEST(a_drain_that_begins_in_connect_rejects_that_consumer),
      TEST(freeing_the_loop_ends_the_drain_at_once),
      TEST(workers_are_drained_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What happens before connect: groups that depend on the request, and waiting for a server to know them. */
#include "fake_transport.h"

/* A backend that gives a ticket to each group and settles them when the test says so. */
static uint64_t tickets;

static int open_backend(struct swale_backend_setup *setup, void **backend, char *why, size_t why_size) {
  (void)setup, (void)why, (void)why_size;
  *backend = &tickets;
  tickets = 0;
  return 0;
}

static void free_backend(void *backend) { (void)backend; }

static int open_group(void *backend, const char *group, uint64_t *ticket) {
  (void)backend, (void)group;
  *ticket = ++tickets;
  return 0;
}

static void close_group(void *backend, const char *group) { (void)backend, (void)group; }

static int group_send(void *backend, const char *group, swale_message *m, struct swale_pending *pending) {
  (void)backend, (void)group, (void)m, (void)pending;
  return 0;
}

static const struct swale_backend_class slow_backend = {.open = open_backend,
                                                        .free = free_backend,
                                                        .group_open = open_group,
                                                        .group_close = close_group,
                                                        .group_send = group_send};

static int join_room(swale_consumer *c) { return swale_join(c, "room"); }

static void open_world(struct world *w, const struct swale_backend_class *backend) {
  world_init(w);
  w->backend = backend;
  w->on_prepare = join_room;
  assert_int_equal(world_open(w, NULL), 0);
}

static void groups_are_joined_when_connect_is_called(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_world(&w, NULL);
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.prepare a.connect a>accept");
  assert_int_equal(world_group_send(&w, "room", "note", "hi"), 1);
  world_settle(&w);
  world_expect(&w, "a.note(hi)");
  world_close(&w);
}

static void connect_waits_until_a_server_knows_them(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  open_world(&w, &slow_backend);
  fake_enter(&a, &w, "a");
  world_settle(&w);
  world_expect(&w, "a.prepare");
  swale_backend_settled(w.layer, tickets);
  world_settle(&w);
  world_expect(&w, "a.connect a>accept");
  fake_enter(&b, &w, "b");
  world_expect(&w, "b.prepare b.connect b>accept"); /* the server knows them already */
  world_close(&w);
}

static void what_is_sent_meanwhile_is_not_missed(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_world(&w, &slow_backend);
  fake_enter(&a, &w, "a");
  assert_int_equal(world_group_send(&w, "room", "note", "early"), 1);
  world_settle(&w);
  world_expect(&w, "a.prepare");
  swale_backend_settled(w.layer, tickets);
  world_settle(&w);
  world_expect(&w, "a.connect a>accept a.note(early)");
  world_close(&w);
}

static void who_goes_while_he_waits_is_not_connected(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_world(&w, &slow_backend);
  fake_enter(&a, &w, "a");
  fake_lost(&a, 1006);
  swale_backend_settled(w.layer, tickets);
  world_settle(&w);
  world_expect(&w, "a.prepare");
  assert_int_equal(swale_group_count(w.layer, "room"), 0);
  world_close(&w);
}

static void waiting_ends_with_the_time_for_deciding(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_world(&w, &slow_backend);
  fake_enter(&a, &w, "a");
  world_pass(&w, 5000);
  world_expect(&w, "a.prepare a>reject(503)");
  world_close(&w);
}

static int refuse(swale_consumer *c) { return swale_reject(c, 403, NULL); }

static void it_may_refuse(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_world(&w, NULL);
  w.on_prepare = refuse;
  fake_open(&a, &w, "a");
  world_settle(&w);
  world_expect(&w, "a.prepare a>reject(403)");
  world_close(&w);
}

static int fail_to_prepare(swale_consumer *c) {
  assert_int_equal(swale_join(c, "room"), 0);
  return swale_join(c, "no group");
}

static void an_error_is_reported_and_refused_with_500(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_world(&w, NULL);
  w.on_prepare = fail_to_prepare;
  fake_open(&a, &w, "a");
  world_settle(&w);
  world_expect(&w, "a.prepare !callback(prepare -3) a>reject(500)");
  assert_int_equal(swale_group_count(w.layer, "room"), 0);
  world_close(&w);
}

static int accept_too_soon(swale_consumer *c) {
  assert_int_equal(swale_accept(c, NULL), SWALE_ESTATE);
  return 0;
}

static void it_is_too_soon_to_accept(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_world(&w, NULL);
  w.on_prepare = accept_too_soon;
  fake_enter(&a, &w, "a");
  world_expect(&w, "a.prepare a.connect a>accept");
  world_close(&w);
}

static int join_later(swale_consumer *c) {
  assert_int_equal(swale_accept(c, NULL), 0);
  return swale_join(c, "another");
}

static void who_is_connected_waits_no_more(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  open_world(&w, &slow_backend);
  w.on_connect = join_later;
  fake_enter(&a, &w, "a");
  swale_backend_settled(w.layer, 1);
  world_settle(&w);
  world_expect(&w, "a.prepare a.connect a>accept");
  assert_int_equal(tickets, 2);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(groups_are_joined_when_connect_is_called),
      cmocka_unit_test(connect_waits_until_a_server_knows_them),
      cmocka_unit_test(what_is_sent_meanwhile_is_not_missed),
      cmocka_unit_test(who_goes_while_he_waits_is_not_connected),
      cmocka_unit_test(waiting_ends_with_the_time_for_deciding),
      cmocka_unit_test(it_may_refuse),
      cmocka_unit_test(an_error_is_reported_and_refused_with_500),
      cmocka_unit_test(it_is_too_soon_to_accept),
      cmocka_unit_test(who_is_connected_waits_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

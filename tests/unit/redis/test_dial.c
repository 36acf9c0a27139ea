/* SPDX-License-Identifier: MIT */
#include "redis/dial.h"

#include "redis/world.h"
#include "unit.h"

#include <netdb.h>
#include <stdio.h>

static void an_address_that_cannot_be_connected_to_is_tried_again(void **state) {
  struct world w;
  (void)state;
  world_open(&w, &world_asks, fake_healthy, NULL);
  world_settle(&w);
  w.addresses[0].to.any.sa_family = 255;
  fake_cut(&w.fake);
  world_settle(&w);
  assert_int_equal(w.downs, 1);
  world_pass(&w, 60);
  assert_int_equal(w.downs, 2);
  w.addresses[0].to.any.sa_family = AF_INET;
  for (int i = 0; i < 4 && w.ups < 2; i++)
    world_pass(&w, 100);
  assert_int_equal(w.ups, 2);
  world_close(&w);
}

/* ---- names ---- */

enum { AT_ONCE, LATER, UNKNOWN };
static int answer_how, queries;
static char asked_name[64];

/* The fake server's address, where the port is another's. */
static struct addrinfo *loopback(void) {
  static struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = 1};
  static struct addrinfo found = {
      .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&at, .ai_addrlen = sizeof at};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return &found;
}

static void resolve(struct swale__redis_link *link, const char *name) {
  link->lookup.query = (uint64_t)++queries;
  snprintf(asked_name, sizeof asked_name, "%s", name);
  if (answer_how == AT_ONCE)
    swale__redis_link_resolved(link, loopback());
  else if (answer_how == UNKNOWN)
    swale__redis_link_resolved(link, NULL);
}

static const struct swale__redis_link_class looks_up = {
    .up = world_up, .down = world_down, .resolve = resolve, .turned = world_turned};

static void open_named(struct world *w, int how) {
  answer_how = how;
  queries = 0;
  world_open(w, &world_asks, fake_healthy, NULL);
  swale_loop_enter(w->home.loop);
  swale__redis_link_stop(&w->link);
  w->host.host = "redis.example";
  w->place = (struct swale__redis_place){.host = &w->host};
  swale__redis_link_init(&w->link, &looks_up, w, w->settings, &w->place);
  swale__redis_link_start(&w->link, &w->io);
  swale_loop_leave(w->home.loop);
}

static void resolved(struct world *w) {
  swale_loop_enter(w->home.loop);
  swale__redis_link_resolved(&w->link, loopback());
  swale_loop_leave(w->home.loop);
  world_settle(w);
}

static void a_name_is_resolved_anew_for_each_connection(void **state) {
  struct world w;
  (void)state;
  open_named(&w, AT_ONCE);
  world_settle(&w);
  assert_int_equal(w.ups, 1);
  assert_int_equal(queries, 1);
  assert_string_equal(asked_name, "redis.example");
  fake_cut(&w.fake);
  world_settle(&w);
  world_pass(&w, 60);
  assert_int_equal(w.ups, 2);
  assert_int_equal(queries, 2);
  world_close(&w);
}

static void an_answer_may_come_later(void **state) {
  struct world w;
  (void)state;
  open_named(&w, LATER);
  world_settle(&w);
  assert_int_equal(w.ups, 0);
  assert_int_equal(world_command(&w, "GET"), SWALE_ESTATE);
  swale__redis_link_flush(&w.link);
  resolved(&w);
  assert_int_equal(w.ups, 1);
  world_close(&w);
}

static void no_answer_in_time_is_a_failure(void **state) {
  struct world w;
  (void)state;
  open_named(&w, LATER);
  world_pass(&w, 600);
  assert_int_equal(w.downs, 1);
  assert_non_null(strstr(w.link.error, "not resolved"));
  assert_int_equal(w.link.lookup.query, 0);
  world_pass(&w, 60);
  assert_int_equal(queries, 2);
  resolved(&w);
  assert_int_equal(w.ups, 1);
  world_close(&w);
}

static void an_unknown_name_is_asked_for_again(void **state) {
  struct world w;
  (void)state;
  open_named(&w, UNKNOWN);
  assert_int_equal(w.downs, 1);
  assert_string_equal(w.link.error, "there is no host of the name redis.example");
  answer_how = AT_ONCE;
  world_pass(&w, 60);
  assert_int_equal(w.ups, 1);
  world_close(&w);
}

static void a_link_may_be_stopped_while_its_name_is_resolved(void **state) {
  struct world w;
  (void)state;
  open_named(&w, LATER);
  world_close(&w);
  assert_int_equal(w.link.lookup.query, 0);
  assert_int_equal(w.downs, 0);
}

/* ---- sentinels ---- */

static void a_sentinel_tells_where_the_master_is(void **state) {
  static const struct swale_redis_address sentinel = {"127.0.0.1", 1};
  struct world w;
  struct fake master;
  const struct swale_redis_host host = {
      .master = "m", .sentinels = &sentinel, .n_sentinels = 1, .sentinel_password = "p"};
  char where[64];
  (void)state;
  fake_open(&master, (const struct fake_answer[]){{"ROLE", "*1\r\n$6\r\nmaster\r\n"}, {NULL, "+OK\r\n"}});
  snprintf(where, sizeof where, "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%d\r\n", master.port > 9999 ? 5 : 4,
           master.port);
  const struct fake_answer answers[] = {{"AUTH", "+OK\r\n"}, {NULL, where}};
  world_open(&w, &world_asks, answers, &host);
  for (int i = 0; i < 20 && w.ups == 0; i++) {
    world_settle(&w);
    fake_turn(&master);
  }
  assert_int_equal(w.ups, 1);
  assert_string_equal(w.fake.log[0], "AUTH");
  assert_string_equal(w.fake.log[1], "SENTINEL");
  assert_string_equal(master.log[0], "ROLE");
  world_close(&w);
  fake_close(&master);
}

static void a_sentinel_may_be_of_no_help(void **state) {
  static const struct swale_redis_address sentinel = {"127.0.0.1", 1};
  static const char *const useless[] = {"*-1\r\n", "-ERR no\r\n", "*2\r\n$4\r\nhost\r\n$1\r\n1\r\n", ":1\r\n",
                                        NULL};
  const struct swale_redis_host host = {.master = "m", .sentinels = &sentinel, .n_sentinels = 1};
  (void)state;
  for (const char *const *u = useless; *u; u++) {
    struct world w;
    world_open(&w, &world_asks, (const struct fake_answer[]){{NULL, *u}}, &host);
    world_settle(&w);
    assert_int_equal(w.downs, 1);
    world_close(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_address_that_cannot_be_connected_to_is_tried_again),
      cmocka_unit_test(a_name_is_resolved_anew_for_each_connection),
      cmocka_unit_test(an_answer_may_come_later),
      cmocka_unit_test(no_answer_in_time_is_a_failure),
      cmocka_unit_test(an_unknown_name_is_asked_for_again),
      cmocka_unit_test(a_link_may_be_stopped_while_its_name_is_resolved),
      cmocka_unit_test(a_sentinel_tells_where_the_master_is),
      cmocka_unit_test(a_sentinel_may_be_of_no_help),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

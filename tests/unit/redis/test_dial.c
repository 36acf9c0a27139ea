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
  swale__redis_link_lookup(link)->query = (uint64_t)++queries;
  snprintf(asked_name, sizeof asked_name, "%s", name);
  if (answer_how == AT_ONCE)
    swale__redis_link_resolved(link, loopback());
  else if (answer_how == UNKNOWN)
    swale__redis_link_resolved(link, NULL);
}

static const struct swale__redis_link_class looks_up = {
    .up = world_up, .down = world_down, .resolve = resolve, .turned = world_turned};

/* The link begins anew, where w->host is, and the host resolves names. */
static void begin_named(struct world *w, int how) {
  answer_how = how;
  queries = 0;
  swale_loop_enter(w->home.loop);
  swale__redis_link_stop(&w->link);
  w->place = (struct swale__redis_place){.host = &w->host};
  swale__redis_link_init(&w->link, &looks_up, w, w->settings, &w->place);
  swale__redis_link_start(&w->link, &w->io);
  swale_loop_leave(w->home.loop);
}

static void open_named(struct world *w, int how) {
  world_open(w, &world_asks, fake_healthy, NULL);
  w->host.host = "redis.example";
  begin_named(w, how);
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

/* ---- masters that sentinels announce by name ---- */

/* The world's server is the sentinel. */
struct named_master {
  struct world w;
  struct fake master;
  struct swale_redis_address sentinel;
  char where[400];
};

static const struct fake_answer is_master[] = {{"ROLE", "*1\r\n$6\r\nmaster\r\n"}, {NULL, "+OK\r\n"}};

static void announce(struct named_master *n, const char *name, const char *port) {
  snprintf(n->where, sizeof n->where, "*2\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(name), name, strlen(port),
           port);
}

static void open_announced(struct named_master *n, int how, const char *name) {
  static struct fake_answer answer;
  char port[8];
  answer.answer = n->where;
  fake_open(&n->master, is_master);
  snprintf(port, sizeof port, "%d", n->master.port);
  announce(n, name, port);
  world_open(&n->w, &world_asks, &answer, NULL);
  n->sentinel = (struct swale_redis_address){"127.0.0.1", (uint16_t)n->w.fake.port};
  n->w.host = (struct swale_redis_host){.master = "m", .sentinels = &n->sentinel, .n_sentinels = 1};
  begin_named(&n->w, how);
}

static void settle_announced(struct named_master *n) {
  for (int quiet = 0; quiet < 3; quiet++) {
    world_settle(&n->w);
    if (fake_turn(&n->master))
      quiet = 0;
  }
}

static void close_announced(struct named_master *n) {
  world_close(&n->w);
  fake_close(&n->master);
}

static void a_masters_name_is_resolved(void **state) {
  static struct named_master n;
  (void)state;
  for (int how = AT_ONCE; how <= LATER; how++) {
    open_announced(&n, how, "master.example");
    settle_announced(&n);
    assert_int_equal(queries, 1);
    assert_string_equal(asked_name, "master.example");
    if (how == LATER) {
      assert_int_equal(n.w.link.state, SWALE__REDIS_RESOLVING);
      resolved(&n.w);
      settle_announced(&n);
    }
    assert_int_equal(n.w.ups, 1);
    assert_int_equal(n.w.downs, 0);
    assert_string_equal(n.master.log[0], "ROLE");
    fake_cut(&n.master); /* the sentinel is asked again, and then the host */
    settle_announced(&n);
    world_pass(&n.w, 60);
    settle_announced(&n);
    assert_int_equal(queries, 2);
    assert_int_equal(fake_heard(&n.w.fake, "SENTINEL"), 2);
    close_announced(&n);
  }
}

static void a_masters_name_may_be_unknown_or_not_resolved_in_time(void **state) {
  static struct named_master n;
  (void)state;
  open_announced(&n, UNKNOWN, "master.example");
  settle_announced(&n);
  assert_int_equal(n.w.downs, 1);
  assert_string_equal(n.w.link.error, "there is no host of the name master.example");
  answer_how = LATER;
  world_pass(&n.w, 60);
  world_pass(&n.w, 600);
  assert_int_equal(n.w.downs, 2);
  assert_non_null(strstr(n.w.link.error, "not resolved"));
  assert_int_equal(n.w.link.master.query, 0);
  answer_how = AT_ONCE;
  world_pass(&n.w, 120);
  settle_announced(&n);
  assert_int_equal(n.w.ups, 1);
  close_announced(&n);
}

/* The first of them leads nowhere; the sentinel is asked in between, the host is not. */
static void all_addresses_of_a_masters_name_are_tried(void **state) {
  static struct named_master n;
  struct sockaddr_in nowhere = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 77)};
  struct addrinfo first = {.ai_family = AF_INET,
                           .ai_addr = (struct sockaddr *)&nowhere,
                           .ai_addrlen = sizeof nowhere,
                           .ai_next = loopback()};
  (void)state;
  open_announced(&n, LATER, "master.example");
  settle_announced(&n);
  swale_loop_enter(n.w.home.loop);
  swale__redis_link_resolved(&n.w.link, &first);
  swale_loop_leave(n.w.home.loop);
  settle_announced(&n);
  assert_int_equal(n.w.downs, 1);
  world_pass(&n.w, 60);
  settle_announced(&n);
  assert_int_equal(n.w.ups, 1);
  assert_int_equal(queries, 1);
  assert_int_equal(fake_heard(&n.w.fake, "SENTINEL"), 2);
  close_announced(&n);
}

/* After a failover, say: what was found for the old one is of no use. */
static void another_master_is_asked_for_anew(void **state) {
  static struct named_master n;
  (void)state;
  open_announced(&n, UNKNOWN, "old.example");
  settle_announced(&n);
  assert_string_equal(asked_name, "old.example");
  char port[8];
  snprintf(port, sizeof port, "%d", n.master.port);
  announce(&n, "new.example", port);
  answer_how = AT_ONCE;
  world_pass(&n.w, 60);
  settle_announced(&n);
  assert_string_equal(asked_name, "new.example");
  assert_int_equal(n.w.ups, 1);
  close_announced(&n);
}

static void a_link_may_be_stopped_while_its_masters_name_is_resolved(void **state) {
  static struct named_master n;
  (void)state;
  open_announced(&n, LATER, "master.example");
  settle_announced(&n);
  assert_int_not_equal(n.w.link.master.query, 0);
  close_announced(&n);
  assert_int_equal(n.w.link.master.query, 0);
  assert_int_equal(n.w.downs, 0);
}

/* They come from the network: nobody is asked for them. */
static void what_is_no_name_and_no_port_is_refused(void **state) {
  static struct named_master n;
  static char longest[255];
  static const char *const odd[][2] = {{"", "1"},      {"a b", "1"},      {"a\nb", "1"},
                                       {"a\x80", "1"}, {longest, "1"},    {"host", ""},
                                       {"host", "0"},  {"host", "65536"}, {"host", "6379x"},
                                       {"host", "no"}, {"host", "-1"},    {"127.0.0.1", "99999"}};
  (void)state;
  memset(longest, 'a', sizeof longest - 1);
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    open_announced(&n, AT_ONCE, "host");
    announce(&n, odd[i][0], odd[i][1]);
    settle_announced(&n);
    assert_int_equal(queries, 0);
    assert_int_equal(n.w.downs, 1);
    assert_string_equal(n.w.link.error, "the sentinel names the master by no address");
    close_announced(&n);
  }
}

static void without_a_resolver_a_masters_name_is_an_error(void **state) {
  static const struct swale_redis_address sentinel = {"127.0.0.1", 1};
  const struct swale_redis_host host = {.master = "m", .sentinels = &sentinel, .n_sentinels = 1};
  const struct fake_answer answers[] = {{NULL, "*2\r\n$9\r\nlocalhost\r\n$1\r\n1\r\n"}};
  struct world w;
  (void)state;
  world_open(&w, &world_asks, answers, &host);
  world_settle(&w);
  assert_int_equal(w.downs, 1);
  assert_string_equal(w.link.error, "the sentinel names the master by a host name, and there is no resolver");
  world_close(&w);
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
      cmocka_unit_test(a_masters_name_is_resolved),
      cmocka_unit_test(a_masters_name_may_be_unknown_or_not_resolved_in_time),
      cmocka_unit_test(all_addresses_of_a_masters_name_are_tried),
      cmocka_unit_test(another_master_is_asked_for_anew),
      cmocka_unit_test(a_link_may_be_stopped_while_its_masters_name_is_resolved),
      cmocka_unit_test(what_is_no_name_and_no_port_is_refused),
      cmocka_unit_test(without_a_resolver_a_masters_name_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

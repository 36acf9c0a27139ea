/* SPDX-License-Identifier: MIT */
#include "world.h"

#include "ws/connection.h"
#include "ws/undecided.h"

/* ---- who is who ---- */

static bool same(const char *a, const char *b) {
  return swale__ws_peer_key(1, a) == swale__ws_peer_key(1, b);
}

static void a_peer_is_its_address_without_the_port(void **state) {
  (void)state;
  assert_int_equal(swale__ws_peer_key(1, NULL), 0);
  assert_true(same("192.0.2.1:1", "192.0.2.1:65535"));
  assert_true(same("192.0.2.1:1", "192.0.2.1"));
  assert_false(same("192.0.2.1:1", "192.0.2.2:1"));
  assert_true(same("example.com:80", "example.com"));
  assert_true(same("[2001:db8::1]:80", "2001:db8::1"));
  assert_true(same("[not an address]:80", "not an address"));
  assert_false(same("", "x"));
  assert_true(same("[", "["));
  char a[] = "a-name-that-is-longer-than-any-address-can-be-written.example:1";
  char b[] = "a-name-that-is-longer-than-any-address-can-be-written.example:2";
  assert_true(same(a, b));
  b[0] = 'b';
  assert_false(same(a, b));
  assert_false(swale__ws_peer_key(1, "192.0.2.1") == swale__ws_peer_key(2, "192.0.2.1"));
}

/* Whoever has one address of a network has them all. */
static void an_ipv6_peer_is_its_network(void **state) {
  (void)state;
  assert_true(same("[2001:db8::1]:80", "[2001:db8:0:0:ffff:ffff:ffff:ffff]:80"));
  assert_false(same("[2001:db8::1]:80", "[2001:db8:0:1::1]:80"));
  assert_false(same("[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.2]:80"));
  assert_false(same("[::1]:80", "[::ffff:192.0.2.2]:80"));
}

/* ---- the table ---- */

/* Against counts in an array, with keys that meet in the table's few places. */
static void counts_are_kept_through_growing_and_gaps(void **state) {
  struct unit_env u;
  struct swale__ws_undecided table = {0};
  enum { KEYS = 64, STEPS = 20000 };
  uint32_t counts[KEYS] = {0}, sum = 0;
  (void)state;
  unit_env_init(&u);
  for (int i = 0; i < STEPS; i++) {
    unsigned char dice[2];
    u.env.random(dice, sizeof dice, &u);
    uint32_t n = dice[0] % KEYS;
    uint64_t key = 1 + (n % 5) * 1024 + n; /* low bits collide */
    bool fill = i < STEPS / 2 ? dice[1] % 3 > 0 : dice[1] % 3 == 0;
    if (fill) {
      int rv = swale__ws_peer_join(&table, &u.env.allocator, key, 3);
      assert_int_equal(rv, counts[n] < 3 ? 0 : SWALE_EFULL);
      counts[n] += rv == 0;
      sum += rv == 0;
    } else if (counts[n] > 0) {
      swale__ws_peer_leave(&table, &u.env.allocator, key);
      counts[n]--;
      sum--;
    }
  }
  for (uint32_t n = 0; n < KEYS; n++)
    for (; counts[n] > 0; counts[n]--, sum--)
      swale__ws_peer_leave(&table, &u.env.allocator, 1 + (n % 5) * 1024 + n);
  assert_int_equal(sum, 0);
  assert_int_equal(table.n_peers, 0);
  assert_null(table.peers);
  assert_int_equal(u.live, 0);
}

/* ---- connections ---- */

enum { MANY = 12 };

struct fixture {
  struct world w; /* first */
  swale_ws *ws[MANY];
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  world_init(&f->w);
  f->w.options.handshakes_max = 5;
  f->w.options.handshakes_per_peer = 3;
  *state = f;
  return world_open(&f->w);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < MANY; i++)
    swale_ws_free(f->ws[i]);
  f->w.ws = NULL;
  world_close(&f->w);
  long live = f->w.u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

static int open_from(struct fixture *f, int i, const char *client) {
  int rv = swale_ws_new(f->w.app, f->w.loop, &f->w.options, client, NULL, &f->w, &f->ws[i]);
  assert_true((rv == 0) == (f->ws[i] != NULL));
  return rv;
}

static void feed(struct fixture *f, int i, const char *text) {
  assert_int_equal(swale_ws_feed(f->ws[i], text, strlen(text)), 0);
  f->w.log[0] = '\0';
}

static struct swale__ws_undecided *of_loop(struct fixture *f) {
  return &swale__ws_pool_of(f->w.loop)->undecided;
}

static void a_peer_may_have_so_many_handshakes_and_not_one_more(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 3; i++)
    assert_int_equal(open_from(f, i, "192.0.2.1:1"), 0);
  assert_int_equal(open_from(f, 3, "192.0.2.1:2"), SWALE_EFULL);
  assert_int_equal(open_from(f, 3, "192.0.2.2:1"), 0);
}

static void a_loop_may_have_so_many_handshakes_and_not_one_more(void **state) {
  struct fixture *f = *state;
  static const char *const clients[] = {"192.0.2.1:1", "192.0.2.2:1", NULL, NULL, NULL};
  for (int i = 0; i < 5; i++)
    assert_int_equal(open_from(f, i, clients[i]), 0);
  assert_int_equal(open_from(f, 5, NULL), SWALE_EFULL);
  assert_int_equal(open_from(f, 5, "192.0.2.3:1"), SWALE_EFULL);
  swale_ws_free(f->ws[4]);
  f->ws[4] = NULL;
  assert_int_equal(open_from(f, 5, "192.0.2.3:1"), 0);
}

static int decide_later(struct world *w, swale_consumer *c) {
  (void)w, (void)c;
  return 0;
}

/* However a handshake ends it makes room; as long as it is undecided it does not. */
static void a_handshake_counts_until_it_is_decided(void **state) {
  struct fixture *f = *state;
  f->w.on_connect = decide_later;
  for (int i = 0; i < 3; i++)
    assert_int_equal(open_from(f, i, "192.0.2.1:1"), 0);
  feed(f, 0, REQUEST);
  swale_consumer *first = f->w.consumer;
  feed(f, 1, REQUEST);
  swale_consumer *second = f->w.consumer;
  assert_int_equal(open_from(f, 3, "192.0.2.1:1"), SWALE_EFULL);
  assert_int_equal(swale_accept(first, NULL), 0);
  assert_int_equal(open_from(f, 3, "192.0.2.1:1"), 0);
  assert_int_equal(swale_reject(second, 403, NULL), 0);
  assert_int_equal(open_from(f, 4, "192.0.2.1:1"), 0);
  feed(f, 2, "nonsense\r\n");
  assert_int_equal(open_from(f, 5, "192.0.2.1:1"), 0);
  assert_int_equal(swale_ws_feed_eof(f->ws[3]), 0);
  assert_int_equal(open_from(f, 6, "192.0.2.1:1"), 0);
  assert_int_equal(swale_ws_close(f->ws[4], 1001, NULL), 0);
  assert_int_equal(open_from(f, 7, "192.0.2.1:1"), 0);
  world_pass(&f->w, 10001); /* 5, 6 and 7 are late */
  for (int i = 8; i < 11; i++)
    assert_int_equal(open_from(f, i, "192.0.2.1:1"), 0);
  assert_int_equal(open_from(f, 11, "192.0.2.1:1"), SWALE_EFULL);
}

static void without_handshakes_there_is_no_table(void **state) {
  struct fixture *f = *state;
  assert_int_equal(open_from(f, 0, "192.0.2.1:1"), 0);
  assert_int_equal(open_from(f, 1, "192.0.2.2:1"), 0);
  assert_int_equal(of_loop(f)->count, 2);
  assert_non_null(of_loop(f)->peers);
  feed(f, 0, REQUEST);
  feed(f, 1, REQUEST);
  assert_int_equal(of_loop(f)->count, 0);
  assert_null(of_loop(f)->peers);
}

static int free_yourself(struct world *w, swale_scope *scope) {
  (void)scope;
  struct fixture *f = (struct fixture *)w;
  swale_ws_free(f->ws[0]);
  f->ws[0] = NULL;
  for (int i = 1; i < 4; i++)
    assert_int_equal(open_from(f, i, "192.0.2.1:1"), 0);
  return 0;
}

static void who_is_freed_in_his_handshake_makes_room_at_once(void **state) {
  struct fixture *f = *state;
  assert_int_equal(open_from(f, 0, "192.0.2.1:1"), 0);
  f->w.guard = free_yourself;
  assert_int_equal(swale_ws_feed(f->ws[0], REQUEST, strlen(REQUEST)), 0);
  assert_int_equal(open_from(f, 4, "192.0.2.1:1"), SWALE_EFULL);
}

static void a_handshake_of_an_upgraded_connection_counts_too(void **state) {
  struct fixture *f = *state;
  f->w.on_connect = decide_later;
  for (int i = 0; i < 3; i++)
    assert_int_equal(
        swale_ws_new_upgraded(f->w.app, f->w.loop, &f->w.options, &world_upgrade, &f->w, &f->ws[i]), 0);
  assert_int_equal(
      swale_ws_new_upgraded(f->w.app, f->w.loop, &f->w.options, &world_upgrade, &f->w, &f->ws[3]),
      SWALE_EFULL);
  assert_null(f->ws[3]);
  assert_int_equal(open_from(f, 3, "192.0.2.1:1"), SWALE_EFULL);
}

static int open_two(struct unit_env *u) {
  struct world w;
  swale_ws *other = NULL;
  world_init(&w);
  w.u.fail_at = u->fail_at;
  int rv = world_open(&w);
  if (rv == 0)
    rv = swale_ws_new(w.app, w.loop, &w.options, "192.0.2.1:1", NULL, &w, &w.ws);
  if (rv == 0)
    rv = swale_ws_new(w.app, w.loop, &w.options, "192.0.2.2:1", NULL, &w, &other);
  swale_ws_free(other);
  swale_ws_free(w.ws);
  swale_loop_free(w.loop);
  swale_app_free(w.app);
  swale_layer_free(w.layer);
  u->fail_at = w.u.fail_at;
  u->live = w.u.live;
  return rv;
}

static void no_failing_allocation_leaves_a_count_behind(void **state) {
  (void)state;
  unit_fail_every_allocation(open_two);
}

/* ---- draining ---- */

static void a_drain_refuses_the_requests_that_are_coming_in(void **state) {
  struct fixture *f = *state;
  assert_int_equal(open_from(f, 0, NULL), 0);
  assert_int_equal(open_from(f, 1, NULL), 0);
  feed(f, 1, "GET /ws/chat/ HT");
  f->w.on_connect = decide_later;
  assert_int_equal(open_from(f, 2, NULL), 0);
  feed(f, 2, REQUEST);
  assert_int_equal(swale_loop_drain(f->w.loop, NULL), 0);
  for (int i = 0; i < 3; i++) {
    f->w.ws = f->ws[i];
    expect_status(&f->w, 503, "Service Unavailable");
    bytes_clear(&f->w.out);
    expect_closed(&f->w);
  }
  assert_int_equal(of_loop(f)->count, 0);
  assert_int_equal(open_from(f, 3, NULL), SWALE_ESTATE);
  world_run(&f->w);
  expect_log(&f->w, "disconnect:1006");
}

static void a_drain_closes_connections_and_cuts_those_that_do_not_answer(void **state) {
  struct fixture *f = *state;
  struct swale_drain_config config;
  swale_drain_config_default(&config);
  config.code = 1012;
  config.reason = "restart";
  config.period_ms = 0;
  config.deadline_ms = 100;
  assert_int_equal(open_from(f, 0, NULL), 0);
  assert_int_equal(open_from(f, 1, NULL), 0);
  for (int i = 0; i < 2; i++) {
    f->w.ws = f->ws[i];
    feed(f, i, REQUEST);
    expect_status(&f->w, 101, "");
  }
  assert_int_equal(swale_loop_drain(f->w.loop, &config), 0);
  for (int i = 0; i < 2; i++) {
    f->w.ws = f->ws[i];
    expect_close(&f->w, 1012, "restart");
  }
  world_close_frame(&f->w, 1012, NULL);
  expect_log(&f->w, "disconnect:1012");
  expect_closed(&f->w);
  f->w.ws = f->ws[0];
  expect_state(&f->w, SWALE_WS_WANT_READ);
  world_pass(&f->w, 100);
  expect_log(&f->w, "disconnect:1006");
  expect_closed(&f->w);
  assert_int_equal(f->w.reports, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_peer_is_its_address_without_the_port),
      cmocka_unit_test(an_ipv6_peer_is_its_network),
      cmocka_unit_test(counts_are_kept_through_growing_and_gaps),
      TEST(a_peer_may_have_so_many_handshakes_and_not_one_more),
      TEST(a_loop_may_have_so_many_handshakes_and_not_one_more),
      TEST(a_handshake_counts_until_it_is_decided),
      TEST(without_handshakes_there_is_no_table),
      TEST(who_is_freed_in_his_handshake_makes_room_at_once),
      TEST(a_handshake_of_an_upgraded_connection_counts_too),
      cmocka_unit_test(no_failing_allocation_leaves_a_count_behind),
      TEST(a_drain_refuses_the_requests_that_are_coming_in),
      TEST(a_drain_closes_connections_and_cuts_those_that_do_not_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* A Redis that is ill: afterwards everything flows, nothing leaks, the books balance, and no consumer has noticed. */
#include "nodes.h"

#include <signal.h>
#include <stdio.h>

static struct server server;

/* A member of "g" in each process. */
struct pair {
  struct nodes n;
  struct crowd_member m[NODES];
};

static struct swale_redis_host host;
static char prefix[16];

static void configure(struct swale_redis_config *c, const char *mode) {
  static int opened;
  snprintf(prefix, sizeof prefix, "f%d", opened++);
  swale_redis_config_default(c);
  host = (struct swale_redis_host){.host = "127.0.0.1", .port = (uint16_t)server.port};
  c->mode = strcmp(mode, "core") == 0 ? SWALE_REDIS_CORE : SWALE_REDIS_PUBSUB;
  c->hosts = &host;
  c->prefix = prefix;
  c->reconnect_max_ms = 200;
}

static void open_pair(struct pair *p, struct swale_redis_config *c) {
  nodes_open_with(&p->n, c, NULL);
  for (int i = 0; i < NODES; i++) {
    crowd_enter(&p->n.at[i].crowd, &p->m[i], 0);
    assert_int_equal(swale_group_add(p->n.at[i].layer, "g", p->m[i].channel), 0);
  }
  nodes_settle(&p->n);
}

static void open_pair_as(struct pair *p, void **state) {
  struct swale_redis_config c;
  configure(&c, *state);
  open_pair(p, &c);
}

/* With room for some messages only. */
static void open_narrow_pair(struct pair *p, void **state) {
  struct swale_redis_config c;
  configure(&c, *state);
  c.queue_bytes = 2000;
  open_pair(p, &c);
}

/* What either sends to the group arrives at both, once. */
static void assert_flows(struct pair *p, int64_t first) {
  for (int i = 0; i < NODES; i++)
    p->m[i].n_got = 0;
  for (int i = 0; i < NODES; i++)
    assert_int_equal(crowd_group_send(p->n.at[i].layer, "g", first + i), 1);
  nodes_settle(&p->n);
  for (int i = 0; i < NODES; i++) {
    assert_int_equal(p->m[i].n_got, 2);
    assert_int_equal(p->m[i].got[0] + p->m[i].got[1], 2 * first + 1);
    p->m[i].n_got = 0;
  }
}

static void go_away(struct pair *p) {
  server_kill(&server);
  nodes_await(&p->n, SWALE_REDIS_DOWN);
}

static void come_back(struct pair *p) {
  server_restart(&server);
  nodes_await(&p->n, SWALE_REDIS_UP);
  nodes_settle(&p->n);
}

static void close_pair(struct pair *p) {
  for (int i = 0; i < NODES; i++)
    assert_int_equal(p->m[i].disconnects, 0);
  nodes_close(&p->n);
}

static void a_restart_is_survived(void **state) {
  struct pair p;
  open_pair_as(&p, state);
  go_away(&p);
  assert_int_equal(crowd_group_send(p.n.at[0].layer, "g", 1), 1); /* within the process it goes on */
  nodes_run(&p.n, 20);
  crowd_assert_got(&p.m[0], 1);
  come_back(&p);
  p.m[1].n_got = 0; /* what waited for Redis may come, or may have been too early for the other one */
  assert_flows(&p, 10);
  assert_int_equal(p.n.at[0].states[0], SWALE_REDIS_UP);
  assert_int_equal(p.n.at[0].states[1], SWALE_REDIS_DOWN);
  assert_int_equal(p.n.at[0].states[2], SWALE_REDIS_UP);
  close_pair(&p);
}

static void connections_may_be_cut_again_and_again(void **state) {
  struct pair p;
  int64_t sent = 0;
  open_pair_as(&p, state);
  for (int i = 0; i < 20; i++) {
    for (int k = 0; k < 5; k++)
      crowd_group_send(p.n.at[0].layer, "g", sent++);
    server_ask(&server, i % 2 ? "CLIENT KILL TYPE normal SKIPME yes" : "CLIENT KILL TYPE pubsub");
    nodes_run(&p.n, 20);
  }
  nodes_await(&p.n, SWALE_REDIS_UP);
  nodes_settle(&p.n);
  assert_int_equal(p.m[0].n_got, sent);
  for (int i = 0; i < sent; i++)
    assert_int_equal(p.m[0].got[i], i);
  for (int i = 1; i < p.m[1].n_got; i++) /* some are lost, none comes twice or late */
    assert_true(p.m[1].got[i] > p.m[1].got[i - 1]);
  assert_flows(&p, 1000);
  close_pair(&p);
}

static void a_server_that_hangs_is_noticed(void **state) {
  struct pair p;
  struct swale_redis_config c;
  configure(&c, *state);
  c.command_timeout_ms = 600;
  c.connect_timeout_ms = 300;
  open_pair(&p, &c);
  kill(server.pid, SIGSTOP);
  nodes_await(&p.n, SWALE_REDIS_DOWN);
  crowd_group_send(p.n.at[0].layer, "g", 1);
  kill(server.pid, SIGCONT);
  nodes_await(&p.n, SWALE_REDIS_UP);
  nodes_settle(&p.n);
  assert_flows(&p, 10);
  close_pair(&p);
}

static void a_server_that_hangs_for_a_moment_is_waited_for(void **state) {
  struct pair p;
  open_pair_as(&p, state);
  kill(server.pid, SIGSTOP);
  crowd_group_send(p.n.at[0].layer, "g", 1);
  nodes_run(&p.n, 3000);
  crowd_assert_got(&p.m[0], 1);
  crowd_assert_got_nothing(&p.m[1]);
  kill(server.pid, SIGCONT);
  nodes_settle(&p.n);
  crowd_assert_got(&p.m[1], 1);
  assert_int_equal(home_stats(&p.n.at[0].home).failures, 0);
  close_pair(&p);
}

static void hostile_payloads_are_counted(void **state) {
  struct pair p;
  char command[300];
  open_pair_as(&p, state);
  if (strcmp(p.n.mode, "pubsub") == 0) {
    snprintf(command, sizeof command, "PUBLISH %s__group__g garbage", prefix);
    server_ask(&server, command);
  } else { /* in every queue: the consumers' names tell which */
    for (int i = 0; i < NODES; i++) {
      snprintf(command, sizeof command, "ZADD '%s%.42s' +inf garbage +inf '' 1e15 0123456789ab\\x80", prefix,
               p.m[i].channel);
      server_ask(&server, command);
    }
  }
  nodes_settle(&p.n);
  for (int i = 0; i < NODES; i++)
    assert_int_equal(nodes_books(&p.n.at[i]).undecodable, strcmp(p.n.mode, "core") == 0 ? 3 : 1);
  assert_flows(&p, 10);
  close_pair(&p);
}

static void a_key_of_another_type_is_reported(void **state) {
  struct pair p;
  char command[300];
  open_pair_as(&p, state);
  snprintf(command, sizeof command, "SET %s:group:odd x", prefix);
  server_ask(&server, command);
  assert_int_equal(swale_group_add(p.n.at[0].layer, "odd", p.m[0].channel), 0);
  crowd_group_send(p.n.at[0].layer, "odd", 1);
  nodes_settle(&p.n);
  crowd_assert_got(&p.m[0], 1);
  struct swale_redis_stats s = nodes_books(&p.n.at[0]);
  if (strcmp(p.n.mode, "core") == 0) {
    assert_true(s.errors >= 2);
    assert_int_equal(s.lost[SWALE_REDIS_LOST_ERROR], 1);
    assert_non_null(strstr(s.error, "WRONGTYPE"));
  }
  assert_flows(&p, 10);
  close_pair(&p);
}

/* Commands that only publish go on without memory. */
static void a_server_without_memory_is_counted_and_got_over(void **state) {
  struct pair p;
  open_pair_as(&p, state);
  server_ask(&server, "CONFIG SET maxmemory 1");
  assert_int_equal(crowd_group_send(p.n.at[0].layer, "g", 1), 1);
  nodes_settle(&p.n);
  server_ask(&server, "CONFIG SET maxmemory 0");
  crowd_assert_got(&p.m[0], 1);
  struct swale_redis_stats s = nodes_books(&p.n.at[0]);
  if (strcmp(p.n.mode, "core") == 0) {
    assert_int_equal(s.lost[SWALE_REDIS_LOST_ERROR], 1);
    assert_non_null(strstr(s.error, "OOM"));
    crowd_assert_got_nothing(&p.m[1]);
  }
  assert_flows(&p, 10);
  close_pair(&p);
}

/* A master that has become a replica, as after a failover: what it refuses is said again once there is a master. */
static void a_server_that_may_only_be_read_is_left_until_it_is_a_master(void **state) {
  struct pair p;
  open_pair_as(&p, state);
  server_ask(&server, "REPLICAOF 127.0.0.1 1");
  assert_int_equal(crowd_group_send(p.n.at[0].layer, "g", 1), 1);
  if (strcmp(p.n.mode, "core") == 0)
    nodes_await(&p.n, SWALE_REDIS_DOWN);
  nodes_run(&p.n, 20);
  crowd_assert_got(&p.m[0], 1);
  server_ask(&server, "REPLICAOF NO ONE");
  nodes_await(&p.n, SWALE_REDIS_UP);
  nodes_settle(&p.n);
  p.m[1].n_got = 0;
  assert_flows(&p, 10);
  close_pair(&p);
}

static void what_does_not_fit_is_refused_and_counted(void **state) {
  struct pair p;
  open_narrow_pair(&p, state);
  go_away(&p);
  for (int64_t i = 0; i < 50; i++)
    assert_int_equal(crowd_group_send(p.n.at[0].layer, "g", i), 1);
  assert_int_equal(crowd_send(p.n.at[0].layer, p.m[1].channel, 1), SWALE_EFULL);
  struct swale_redis_stats s = nodes_books(&p.n.at[0]);
  assert_true(s.lost[SWALE_REDIS_LOST_FULL] > 0);
  assert_true(s.queued_bytes <= 2000);
  come_back(&p);
  assert_flows(&p, 100);
  close_pair(&p);
}

/* Messages wait for a second, and nobody is in the group. */
static void open_impatient(struct pair *p, void **state) {
  struct swale_redis_config c;
  struct swale_layer_config layer;
  configure(&c, *state);
  swale_layer_config_default(&layer);
  layer.expiry_ms = 1000;
  nodes_open_with(&p->n, &c, &layer);
}

static void what_waits_too_long_for_redis_expires(void **state) {
  struct pair p;
  open_impatient(&p, state);
  go_away(&p);
  crowd_group_send(p.n.at[0].layer, "g", 1);
  nodes_run(&p.n, 2500);
  assert_int_equal(nodes_books(&p.n.at[0]).lost[SWALE_REDIS_LOST_EXPIRED], 1);
  come_back(&p);
  nodes_close(&p.n);
}

static void note_result(int result, void *results) {
  int *r = results;
  r[++r[0]] = result;
}

static void memberships_change_while_redis_is_away(void **state) {
  struct pair p;
  int results[4] = {0};
  open_pair_as(&p, state);
  swale_layer *layer = p.n.at[0].layer;
  const struct swale_completion then = {p.n.at[0].crowd.at[0].loop, note_result, results};
  go_away(&p);
  crowd_group_send(layer, "other", 1);
  assert_int_equal(swale_group_add_then(layer, "other", p.m[1].channel, &then), 0);
  crowd_group_send(layer, "other", 2);
  assert_int_equal(swale_group_discard(layer, "other", p.m[1].channel), 0);
  crowd_group_send(layer, "other", 3);
  nodes_run(&p.n, 20);
  assert_int_equal(results[0], 0);
  assert_int_equal(nodes_books(&p.n.at[0]).queued, 5);
  come_back(&p);
  crowd_assert_got(&p.m[1], 2);
  assert_int_equal(results[0], 1);
  assert_int_equal(results[1], 0);
  assert_flows(&p, 10);
  close_pair(&p);
}

static void changes_of_memberships_wait_within_bounds(void **state) {
  struct pair p;
  int results[4] = {0}, rv = 0;
  open_narrow_pair(&p, state);
  swale_layer *layer = p.n.at[0].layer;
  const struct swale_completion then = {p.n.at[0].crowd.at[0].loop, note_result, results};
  go_away(&p);
  assert_int_equal(swale_group_add_then(layer, "other", p.m[1].channel, &then), 0);
  for (int i = 0; i < 50 && rv == 0; i++)
    rv = swale_group_discard(layer, "other", p.m[1].channel);
  assert_int_equal(rv, SWALE_EFULL);
  assert_int_equal(swale_group_add(layer, "other", p.m[1].channel), SWALE_EFULL);
  assert_true(nodes_books(&p.n.at[0]).queued_bytes <= 2000);
  swale_layer_detach(layer);
  crowd_run(&p.n.at[0].crowd);
  assert_int_equal(results[0], 1);
  assert_int_equal(results[1], SWALE_ECLOSED);
  assert_true(nodes_books(&p.n.at[0]).lost[SWALE_REDIS_LOST_DOWN] > 1);
  home_take(&p.n.at[0].home, layer);
  come_back(&p);
  assert_flows(&p, 10);
  close_pair(&p);
}

static void changes_of_memberships_wait_longer_than_messages(void **state) {
  struct pair p;
  open_impatient(&p, state);
  go_away(&p);
  assert_int_equal(swale_group_add(p.n.at[0].layer, "g", "plain"), 0);
  crowd_group_send(p.n.at[0].layer, "g", 1);
  nodes_run(&p.n, 2500);
  assert_int_equal(nodes_books(&p.n.at[0]).lost[SWALE_REDIS_LOST_EXPIRED], 1);
  assert_int_equal(nodes_books(&p.n.at[0]).queued, 1);
  come_back(&p);
  assert_int_equal(nodes_books(&p.n.at[0]).arrived, 1);
  nodes_close(&p.n);
}

int main(void) {
#define IN_CORE_MODE(test)                                                                                   \
  { #test ", core", test, NULL, NULL, (void *)"core" }
  static const struct CMUnitTest tests[] = {
      IN_BOTH_MODES(a_restart_is_survived),
      IN_BOTH_MODES(connections_may_be_cut_again_and_again),
      IN_BOTH_MODES(a_server_that_hangs_is_noticed),
      IN_BOTH_MODES(a_server_that_hangs_for_a_moment_is_waited_for),
      IN_BOTH_MODES(hostile_payloads_are_counted),
      IN_BOTH_MODES(a_key_of_another_type_is_reported),
      IN_BOTH_MODES(a_server_without_memory_is_counted_and_got_over),
      IN_BOTH_MODES(a_server_that_may_only_be_read_is_left_until_it_is_a_master),
      IN_BOTH_MODES(what_does_not_fit_is_refused_and_counted),
      IN_BOTH_MODES(what_waits_too_long_for_redis_expires),
      IN_CORE_MODE(memberships_change_while_redis_is_away),
      IN_CORE_MODE(changes_of_memberships_wait_within_bounds),
      IN_CORE_MODE(changes_of_memberships_wait_longer_than_messages),
  };
  server_start(&server);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  server_stop(&server);
  return failed;
}

/* SPDX-License-Identifier: MIT */
/* What stands in Redis: shards, encryption, capacity, names put into groups by others, leases, flushing. */
#include "nodes.h"

#include <stdio.h>

static struct server servers[2];
static struct swale_redis_host hosts[2];
static char prefix[16];

static void configure(struct swale_redis_config *c, const char *mode, size_t n_hosts) {
  static int opened;
  snprintf(prefix, sizeof prefix, "k%d", opened++);
  swale_redis_config_default(c);
  for (int i = 0; i < 2; i++)
    hosts[i] = (struct swale_redis_host){.host = "127.0.0.1", .port = (uint16_t)servers[i].port};
  c->mode = strcmp(mode, "core") == 0 ? SWALE_REDIS_CORE : SWALE_REDIS_PUBSUB;
  c->hosts = hosts;
  c->n_hosts = n_hosts;
  c->prefix = prefix;
}

static const char *ask(const char *format, const char *a, const char *b) {
  char command[400];
  snprintf(command, sizeof command, format, prefix, a, b);
  return server_ask(&servers[0], command);
}

/* Many groups and channels between two processes: whatever shard they are on, everything arrives. */
static void exchange(struct nodes *n) {
  enum { GROUPS = 24 };
  struct crowd_member a, b;
  char group[8];
  crowd_enter(&n->at[0].crowd, &a, 0);
  crowd_enter(&n->at[1].crowd, &b, 0);
  for (int i = 0; i < GROUPS; i++) {
    snprintf(group, sizeof group, "g%d", i);
    assert_int_equal(swale_group_add(n->at[0].layer, group, a.channel), 0);
    assert_int_equal(swale_group_add(n->at[1].layer, group, b.channel), 0);
  }
  nodes_settle(n);
  for (int i = 0; i < GROUPS; i++) {
    snprintf(group, sizeof group, "g%d", i);
    assert_int_equal(crowd_group_send(n->at[i % 2].layer, group, i), 1);
  }
  crowd_send(n->at[0].layer, b.channel, 100);
  crowd_send(n->at[1].layer, a.channel, 100);
  nodes_settle(n);
  int64_t sum[2] = {0};
  for (int i = 0; i < GROUPS + 1; i++) {
    sum[0] += a.got[i];
    sum[1] += b.got[i];
  }
  assert_int_equal(a.n_got, GROUPS + 1);
  assert_int_equal(b.n_got, GROUPS + 1);
  assert_int_equal(sum[0], 100 + GROUPS * (GROUPS - 1) / 2);
  assert_int_equal(sum[1], sum[0]);
}

static void names_are_spread_over_several_hosts(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  configure(&c, *state, 2);
  nodes_open_with(&n, &c, NULL);
  exchange(&n);
  for (int i = 0; i < 2; i++) /* both have had something to do */
    assert_null(
        strstr(server_ask(&servers[i], c.mode == SWALE_REDIS_CORE ? "DBSIZE" : "PUBSUB CHANNELS"), "(empty"));
  nodes_close(&n);
}

static void messages_may_be_encrypted(void **state) {
  static const struct swale_redis_key keys[] = {{"new", 3}, {"old", 3}};
  struct nodes n;
  struct swale_redis_config c;
  configure(&c, *state, 1);
  c.keys = keys;
  c.n_keys = 2;
  nodes_open_with(&n, &c, NULL);
  exchange(&n);
  nodes_close(&n);
}

static void without_the_key_nothing_is_read(void **state) {
  static const struct swale_redis_key key = {"secret", 6}, other = {"guess", 5};
  struct nodes n;
  struct swale_redis_config c;
  struct crowd_member b;
  char why[200];
  configure(&c, *state, 1);
  c.keys = &key;
  c.n_keys = 1;
  nodes_open_with(&n, &c, NULL);
  crowd_enter(&n.at[1].crowd, &b, 0);
  assert_int_equal(swale_group_add(n.at[1].layer, "g", b.channel), 0);
  nodes_settle(&n);
  struct home home;
  swale_layer *stranger;
  c.keys = &other;
  assert_int_equal(swale_redis_open(&c, NULL, &stranger, why, sizeof why), 0);
  home_open(&home);
  home_take(&home, stranger);
  home_await(&home, SWALE_REDIS_UP, 5000);
  crowd_group_send(stranger, "g", 1);
  home_settle(&home);
  nodes_settle(&n);
  crowd_assert_got_nothing(&b);
  assert_int_equal(nodes_books(&n.at[1]).undecodable, 1);
  assert_int_equal(swale_layer_free(stranger), 0);
  home_close(&home);
  nodes_close(&n);
}

static void names_with_a_prefix_of_their_own_are_heard(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  char name[SWALE_NAME_SIZE];
  configure(&c, *state, 2);
  nodes_open_with(&n, &c, NULL);
  assert_int_equal(swale_new_channel(n.at[1].layer, "reply", name), 0);
  nodes_settle(&n);
  assert_int_equal(crowd_send(n.at[0].layer, name, 3), 0);
  nodes_settle(&n);
  assert_int_equal(crowd_receive(n.at[1].layer, name), 3);
  nodes_close(&n);
}

/* ---- core mode ---- */

static void a_process_has_one_name_in_a_group(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  struct crowd_member m[3];
  configure(&c, *state, 1);
  nodes_open_with(&n, &c, NULL);
  for (int i = 0; i < 3; i++) {
    crowd_enter(&n.at[0].crowd, &m[i], i % 2);
    assert_int_equal(swale_group_add(n.at[0].layer, "g", m[i].channel), 0);
  }
  nodes_settle(&n);
  assert_int_equal(atoi(ask("ZCARD %s:group:g", "", "")), 1);
  assert_in_range(atoi(ask("TTL %s:group:g", "", "")), 86390, 86400);
  for (int i = 0; i < 3; i++)
    crowd_lose(&m[i]);
  nodes_settle(&n);
  assert_int_equal(atoi(ask("EXISTS %s:group:g", "", "")), 0);
  nodes_close(&n);
}

static void others_may_add_our_names_to_groups(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  struct crowd_member member, added, gone;
  configure(&c, *state, 1);
  nodes_open_with(&n, &c, NULL);
  crowd_enter(&n.at[0].crowd, &member, 0);
  crowd_enter(&n.at[0].crowd, &added, 0);
  crowd_enter(&n.at[0].crowd, &gone, 0);
  assert_int_equal(swale_group_add(n.at[0].layer, "g", member.channel), 0);
  nodes_settle(&n);
  struct crowd_member *all[] = {&member, &added, &gone};
  for (int i = 0; i < 3; i++) /* as a view would, that was told a name */
    assert_int_equal(swale_group_add(n.at[1].layer, "g", all[i]->channel), 0);
  nodes_settle(&n);
  assert_int_equal(atoi(ask("ZCARD %s:group:g", "", "")), 4);
  assert_int_equal(crowd_group_send(n.at[1].layer, "g", 1), 0);
  nodes_settle(&n);
  crowd_assert_got(&member, 1); /* once */
  crowd_assert_got(&added, 1);
  crowd_assert_got(&gone, 1);
  crowd_lose(&gone);
  assert_int_equal(crowd_group_send(n.at[0].layer, "g", 2), 1);
  nodes_settle(&n);
  crowd_assert_got(&member, 2);
  crowd_assert_got(&added, 2);
  assert_int_equal(atoi(ask("ZCARD %s:group:g", "", "")), 3); /* the dead name has gone */
  assert_int_equal(swale_group_discard(n.at[1].layer, "g", added.channel), 0);
  nodes_settle(&n);
  crowd_group_send(n.at[1].layer, "g", 3);
  nodes_settle(&n);
  crowd_assert_got(&member, 3);
  crowd_assert_got_nothing(&added);
  nodes_close(&n);
}

static void a_full_queue_is_counted(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  struct swale_layer_config layer;
  configure(&c, *state, 1);
  swale_layer_config_default(&layer);
  layer.capacity = 3;
  nodes_open_with(&n, &c, &layer);
  for (int64_t i = 0; i < 5; i++) /* of a process that is not there */
    assert_int_equal(crowd_send(n.at[0].layer, "specific.00000000000000000000000000000000!x", i), 0);
  assert_int_equal(swale_group_add(n.at[0].layer, "g", "specific.00000000000000000000000000000000!x"), 0);
  nodes_settle(&n);
  crowd_group_send(n.at[0].layer, "g", 9);
  nodes_settle(&n);
  struct swale_redis_stats s = nodes_books(&n.at[0]);
  assert_int_equal(s.lost[SWALE_REDIS_LOST_CAPACITY], 2);
  assert_int_equal(s.over_capacity, 3);
  assert_int_equal(s.arrived, 5); /* the membership, too */
  assert_int_equal(atoi(ask("ZCARD %sspecific.00000000000000000000000000000000!", "", "")), 3);
  nodes_close(&n);
}

static void processes_that_died_lose_their_places(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  configure(&c, *state, 1);
  nodes_open_with(&n, &c, NULL);
  ask("ZADD %s:group:g 1 'specific.00000000000000000000000000000000!.0123456789abcdef' 2 plain", "", "");
  ask("ZADD %s:group:g $(date +%%s) 'specific.11111111111111111111111111111111!.0123456789abcdef'", "", "");
  crowd_group_send(n.at[0].layer, "g", 1);
  nodes_settle(&n);
  assert_int_equal(atoi(ask("ZCARD %s:group:g", "", "")), 1);
  nodes_close(&n);
}

/* The first node has a member in the group. */
static void open_with_member(struct nodes *n, struct swale_redis_config *c, struct crowd_member *m) {
  nodes_open_with(n, c, NULL);
  crowd_enter(&n->at[0].crowd, m, 0);
  assert_int_equal(swale_group_add(n->at[0].layer, "g", m->channel), 0);
  nodes_settle(n);
}

static void memberships_are_renewed(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  struct crowd_member m;
  configure(&c, *state, 1);
  c.lease_ms = 3000;
  open_with_member(&n, &c, &m);
  double joined = atof(strchr(ask("ZRANGE %s:group:g 0 -1 WITHSCORES", "", ""), '\n') + 1);
  nodes_run(&n, 2500);
  double renewed = atof(strchr(ask("ZRANGE %s:group:g 0 -1 WITHSCORES", "", ""), '\n') + 1);
  assert_true(renewed > joined + 0.9);
  nodes_close(&n);
}

static void a_flush_empties_redis(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  struct crowd_member m;
  configure(&c, *state, 1);
  open_with_member(&n, &c, &m);
  assert_int_equal(crowd_send(n.at[0].layer, "waits", 1), 0);
  nodes_settle(&n);
  assert_int_equal(atoi(ask("EXISTS %swaits", "", "")), 1);
  assert_int_equal(swale_flush(n.at[0].layer), 0);
  nodes_settle(&n);
  assert_int_equal(atoi(ask("EXISTS %swaits", "", "")), 0);
  assert_int_equal(atoi(ask("EXISTS %s:group:g", "", "")), 0);
  assert_int_equal(swale_group_add(n.at[0].layer, "g", m.channel), 0);
  nodes_settle(&n);
  crowd_group_send(n.at[1].layer, "g", 2);
  nodes_settle(&n);
  crowd_assert_got(&m, 2);
  nodes_close(&n);
}

static void memberships_come_back_after_a_flush(void **state) {
  struct nodes n;
  struct swale_redis_config c;
  struct crowd_member m;
  configure(&c, *state, 1);
  open_with_member(&n, &c, &m);
  assert_int_equal(swale_flush(n.at[1].layer), 0); /* another process */
  nodes_settle(&n);
  for (long long end = nodes_now_ms() + 5000; nodes_books(&n.at[0]).flushes == 0 && nodes_now_ms() < end;)
    nodes_run(&n, 20);
  nodes_settle(&n);
  assert_int_equal(atoi(ask("ZCARD %s:group:g", "", "")), 1);
  assert_int_equal(crowd_group_send(n.at[1].layer, "g", 1), 0);
  nodes_settle(&n);
  crowd_assert_got(&m, 1);
  nodes_run(&n, 1500);
  assert_int_equal(nodes_books(&n.at[0]).flushes, 1); /* and not again */
  nodes_close(&n);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      IN_BOTH_MODES(names_are_spread_over_several_hosts),
      IN_BOTH_MODES(messages_may_be_encrypted),
      IN_BOTH_MODES(without_the_key_nothing_is_read),
      IN_BOTH_MODES(names_with_a_prefix_of_their_own_are_heard),
      IN_CORE_MODE(a_process_has_one_name_in_a_group),
      IN_CORE_MODE(others_may_add_our_names_to_groups),
      IN_CORE_MODE(a_full_queue_is_counted),
      IN_CORE_MODE(processes_that_died_lose_their_places),
      IN_CORE_MODE(memberships_are_renewed),
      IN_CORE_MODE(a_flush_empties_redis),
      IN_CORE_MODE(memberships_come_back_after_a_flush),
  };
  for (int i = 0; i < 2; i++)
    server_start(&servers[i]);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  for (int i = 0; i < 2; i++)
    server_stop(&servers[i]);
  return failed;
}

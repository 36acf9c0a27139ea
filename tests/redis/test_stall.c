/* SPDX-License-Identifier: MIT */
/* Loops that do not keep up with what comes from Redis: it waits there, but not for ever. */
#include "nodes.h"

#include <stdio.h>

enum { MANY = 250, INBOX = 60000 };

static struct server server;

static void open_nodes(struct nodes *n, const char *mode, uint32_t stall_ms) {
  static int opened;
  static char prefix[16];
  struct swale_redis_config c;
  struct swale_layer_config layer;
  const struct swale_redis_host host = {.host = "127.0.0.1", .port = (uint16_t)server.port};
  snprintf(prefix, sizeof prefix, "s%d", opened++);
  swale_redis_config_default(&c);
  c.mode = strcmp(mode, "core") == 0 ? SWALE_REDIS_CORE : SWALE_REDIS_PUBSUB;
  c.hosts = &host;
  c.prefix = prefix;
  c.stall_ms = stall_ms;
  swale_layer_config_default(&layer);
  layer.capacity = 10 * MANY;
  nodes_open_with(n, &c, &layer);
  crowd_close(&n->at[1].crowd);
  assert_int_equal(crowd_try_open(&n->at[1].crowd, n->at[1].layer, &n->at[1].env, INBOX, 0), 0);
}

/* More than fits into the inbox of this member's loop. */
static void flood(struct nodes *n, const struct crowd_member *m) {
  char text[256];
  memset(text, 'x', sizeof text);
  for (int64_t i = 0; i < MANY; i++) {
    swale_message *note = crowd_note(i);
    swale_message_add_strn(note, "text", text, sizeof text);
    assert_int_equal(swale_send(n->at[0].layer, m->channel, note), 0);
    swale_message_unref(note);
  }
}

/* Homes turn, the second node's first loop does not. */
static void turn_homes(struct nodes *n, int ms) {
  for (long long end = nodes_now_ms() + ms; nodes_now_ms() < end;) {
    for (int i = 0; i < NODES; i++)
      home_turn(&n->at[i].home, 2);
    crowd_run_loop(&n->at[1].crowd, 1);
  }
}

static void what_does_not_fit_waits_in_redis(void **state) {
  struct nodes n;
  struct crowd_member m;
  open_nodes(&n, *state, 60000);
  crowd_enter(&n.at[1].crowd, &m, 0);
  nodes_settle(&n);
  for (int round = 0; round < 2; round++) {
    uint64_t stalls = nodes_books(&n.at[1]).stalls;
    flood(&n, &m);
    turn_homes(&n, 100);
    assert_int_equal(nodes_books(&n.at[1]).stalls, stalls + 1);
    assert_true(crowd_stats(n.at[1].layer).queued < MANY);
    nodes_settle(&n);
    assert_int_equal(m.n_got, MANY);
    for (int64_t i = 0; i < MANY; i++)
      assert_int_equal(m.got[i], i);
    m.n_got = 0;
  }
  assert_int_equal(crowd_dropped(n.at[1].layer, SWALE_DROP_FULL), 0);
  assert_int_equal(nodes_books(&n.at[1]).failures, 0);
  nodes_close(&n);
}

static void a_loop_that_is_stuck_does_not_stop_the_others_for_ever(void **state) {
  struct nodes n;
  struct crowd_member stuck, well;
  open_nodes(&n, *state, 200);
  crowd_enter(&n.at[1].crowd, &stuck, 0);
  crowd_enter(&n.at[1].crowd, &well, 1);
  nodes_settle(&n);
  flood(&n, &stuck);
  assert_int_equal(crowd_send(n.at[0].layer, well.channel, 7), 0);
  turn_homes(&n, 100);
  crowd_assert_got_nothing(&well);
  turn_homes(&n, 1500);
  crowd_assert_got(&well, 7);
  struct swale_layer_stats s = crowd_stats(n.at[1].layer);
  assert_int_equal(s.offered, MANY + 1);
  assert_true(s.dropped[SWALE_DROP_FULL] > 0);
  nodes_settle(&n);
  assert_int_equal(stuck.n_got + (int)s.dropped[SWALE_DROP_FULL], MANY);
  assert_int_equal(crowd_send(n.at[0].layer, stuck.channel, 9), 0);
  nodes_settle(&n);
  assert_int_equal(stuck.got[stuck.n_got - 1], 9);
  nodes_close(&n);
}

static void a_connection_that_is_not_read_may_fail(void **state) {
  struct nodes n;
  struct crowd_member m;
  open_nodes(&n, *state, 60000);
  crowd_enter(&n.at[1].crowd, &m, 0);
  nodes_settle(&n);
  flood(&n, &m);
  turn_homes(&n, 100);
  server_restart(&server);
  turn_homes(&n, 100);
  nodes_settle(&n);
  nodes_await(&n, SWALE_REDIS_UP);
  m.n_got = 0;
  assert_int_equal(crowd_send(n.at[0].layer, m.channel, 9), 0);
  nodes_settle(&n);
  crowd_assert_got(&m, 9);
  nodes_close(&n);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      IN_BOTH_MODES(what_does_not_fit_waits_in_redis),
      IN_BOTH_MODES(a_loop_that_is_stuck_does_not_stop_the_others_for_ever),
      IN_BOTH_MODES(a_connection_that_is_not_read_may_fail),
  };
  server_start(&server);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  server_stop(&server);
  return failed;
}

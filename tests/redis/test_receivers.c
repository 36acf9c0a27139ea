/* SPDX-License-Identifier: MIT */
/* swale_receive_then where another process sends, in both modes. */
#include "nodes.h"

#include <stdio.h>
#include <stdlib.h>

static struct server server;
static char prefix[16];

static void open_nodes(struct nodes *n, void **state) {
  static int opened;
  char query[32];
  snprintf(prefix, sizeof prefix, "r%d", opened++);
  snprintf(query, sizeof query, "&prefix=%s", prefix);
  nodes_open(n, server.url, *state, query);
}

static bool is_core(const struct nodes *n) { return strcmp(n->mode, "core") == 0; }

struct told {
  int times, result;
  int64_t n;
  swale_receiver *receiver;
};

static void note(int result, swale_message *message, void *user) {
  struct told *t = user;
  t->times++;
  t->result = result;
  t->n = message ? swale_message_get_int(message, "n", -1) : -1;
  t->receiver = NULL;
}

/* On a loop that is not the layer's home. */
static void await(struct node *node, const char *channel, struct told *t, uint64_t timeout_ms) {
  const struct swale_reception how = {node->crowd.at[1].loop, note, t, timeout_ms};
  *t = (struct told){0};
  assert_int_equal(swale_receive_then(node->layer, channel, &how, &t->receiver), 0);
}

static void assert_told(const struct told *t, int64_t n) {
  assert_int_equal(t->times, 1);
  assert_int_equal(t->result, 0);
  assert_int_equal(t->n, n);
}

static int in_redis(const char *channel) {
  char command[160];
  snprintf(command, sizeof command, "ZCARD '%s%s'", prefix, channel);
  return atoi(server_ask(&server, command));
}

static void send(struct nodes *n, const char *channel, int64_t number) {
  assert_int_equal(crowd_send(n->at[0].layer, channel, number), 0);
}

static void a_plain_channel_is_received_from(void **state) {
  struct nodes n;
  struct told t;
  open_nodes(&n, state);
  await(&n.at[1], "plain", &t, 0);
  nodes_settle(&n);
  assert_int_equal(t.times, 0);
  send(&n, "plain", 1);
  nodes_settle(&n);
  assert_told(&t, 1);
  send(&n, "plain", 2); /* core: waits in Redis; pubsub: here, as the channel goes on being listened to */
  nodes_settle(&n);
  assert_int_equal(in_redis("plain"), is_core(&n));
  await(&n.at[1], "plain", &t, 0);
  nodes_settle(&n);
  assert_told(&t, 2);
  nodes_close(&n);
}

static void several_receivers_get_a_message_each_in_their_order(void **state) {
  enum { MANY = 20 };
  struct nodes n;
  struct told t[MANY];
  open_nodes(&n, state);
  for (int i = 0; i < MANY; i++)
    await(&n.at[1], "plain", &t[i], 0);
  nodes_settle(&n);
  for (int i = 0; i < MANY + 3; i++)
    send(&n, "plain", i);
  nodes_settle(&n);
  for (int i = 0; i < MANY; i++)
    assert_told(&t[i], i);
  if (is_core(&n))
    assert_int_equal(in_redis("plain"), 3); /* nothing is fetched that nobody wants */
  await(&n.at[1], "plain", &t[0], 0);
  nodes_settle(&n);
  assert_told(&t[0], MANY);
  nodes_close(&n);
}

static void who_gives_up_leaves_messages_to_others(void **state) {
  struct nodes n;
  struct told gone, late, other;
  open_nodes(&n, state);
  await(&n.at[1], "plain", &gone, 0);
  await(&n.at[1], "plain", &late, 30);
  nodes_settle(&n);
  swale_receive_cancel(gone.receiver);
  nodes_run(&n, 60);
  nodes_settle(&n);
  assert_int_equal(gone.times, 0);
  assert_int_equal(late.times, 1);
  assert_int_equal(late.result, SWALE_EAGAIN);
  send(&n, "plain", 1);
  nodes_settle(&n);
  if (is_core(&n)) {
    assert_int_equal(in_redis("plain"), 1);
    await(&n.at[0], "plain", &other, 0); /* another process */
  } else {
    await(&n.at[1], "plain", &other, 0);
  }
  nodes_settle(&n);
  assert_told(&other, 1);
  nodes_close(&n);
}

static void a_channel_of_ones_own_making_is_received_from(void **state) {
  static const char *const prefixes[] = {NULL, "reply"};
  struct nodes n;
  struct told t[2];
  char name[2][SWALE_NAME_SIZE];
  open_nodes(&n, state);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(swale_new_channel(n.at[1].layer, prefixes[i], name[i]), 0);
    await(&n.at[1], name[i], &t[i], 0);
  }
  nodes_settle(&n);
  for (int i = 0; i < 2; i++)
    send(&n, name[i], 10 + i);
  nodes_settle(&n);
  for (int i = 0; i < 2; i++)
    assert_told(&t[i], 10 + i);
  for (int i = 0; i < 2; i++) /* what comes before somebody asks waits for him */
    send(&n, name[i], 20 + i);
  nodes_settle(&n);
  for (int i = 0; i < 2; i++)
    await(&n.at[1], name[i], &t[i], 0);
  nodes_settle(&n);
  for (int i = 0; i < 2; i++)
    assert_told(&t[i], 20 + i);
  nodes_close(&n);
}

static void a_group_reaches_a_receiver(void **state) {
  struct nodes n;
  struct told t;
  char name[SWALE_NAME_SIZE];
  open_nodes(&n, state);
  assert_int_equal(swale_new_channel(n.at[1].layer, NULL, name), 0);
  assert_int_equal(swale_group_add(n.at[1].layer, "g", name), 0);
  await(&n.at[1], name, &t, 0);
  nodes_settle(&n);
  crowd_group_send(n.at[0].layer, "g", 3);
  nodes_settle(&n);
  assert_told(&t, 3);
  assert_int_equal(swale_channel_close(n.at[1].layer, name), 0);
  nodes_close(&n);
}

static void receivers_outlive_their_connections(void **state) {
  struct nodes n;
  struct told t;
  open_nodes(&n, state);
  await(&n.at[1], "plain", &t, 0);
  nodes_settle(&n);
  server_restart(&server);
  nodes_run(&n, 50);
  nodes_await(&n, SWALE_REDIS_UP);
  nodes_settle(&n);
  assert_int_equal(t.times, 0);
  send(&n, "plain", 1);
  nodes_settle(&n);
  assert_told(&t, 1);
  nodes_close(&n);
}

static void a_message_that_cannot_be_read_is_nobodys(void **state) {
  struct nodes n;
  struct told t;
  char command[160];
  open_nodes(&n, state);
  await(&n.at[1], "plain", &t, 0);
  nodes_settle(&n);
  snprintf(command, sizeof command, is_core(&n) ? "ZADD %splain +inf rubbish" : "PUBLISH plain rubbish%.0s",
           prefix);
  server_ask(&server, command);
  nodes_settle(&n);
  assert_int_equal(nodes_books(&n.at[1]).undecodable, 1);
  assert_int_equal(t.times, 0);
  send(&n, "plain", 2);
  nodes_settle(&n);
  assert_told(&t, 2);
  nodes_close(&n);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      IN_BOTH_MODES(a_plain_channel_is_received_from),
      IN_BOTH_MODES(several_receivers_get_a_message_each_in_their_order),
      IN_BOTH_MODES(who_gives_up_leaves_messages_to_others),
      IN_BOTH_MODES(a_channel_of_ones_own_making_is_received_from),
      IN_BOTH_MODES(a_group_reaches_a_receiver),
      IN_BOTH_MODES(receivers_outlive_their_connections),
      IN_BOTH_MODES(a_message_that_cannot_be_read_is_nobodys),
  };
  server_start(&server);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  server_stop(&server);
  return failed;
}

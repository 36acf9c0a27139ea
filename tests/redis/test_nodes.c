/* SPDX-License-Identifier: MIT */
/* Two processes on one Redis, in both modes: what one sends the other gets, once and in order. */
#include "nodes.h"

#include <stdio.h>

static struct server server;

static void open_nodes(struct nodes *n, void **state) {
  static int opened;
  char query[32];
  snprintf(query, sizeof query, "&prefix=n%d", opened++);
  nodes_open(n, server.url, *state, query);
}

static bool is_core(const struct nodes *n) { return strcmp(n->mode, "core") == 0; }

static void a_group_spans_processes(void **state) {
  struct nodes n;
  struct crowd_member a[2], b[3], outsider;
  open_nodes(&n, state);
  for (int i = 0; i < 2; i++)
    crowd_enter(&n.at[0].crowd, &a[i], i);
  for (int i = 0; i < 3; i++)
    crowd_enter(&n.at[1].crowd, &b[i], i % 2);
  crowd_enter(&n.at[1].crowd, &outsider, 0);
  for (int i = 0; i < 2; i++)
    assert_int_equal(swale_group_add(n.at[0].layer, "g", a[i].channel), 0);
  for (int i = 0; i < 3; i++)
    assert_int_equal(swale_group_add(n.at[1].layer, "g", b[i].channel), 0);
  nodes_settle(&n);
  assert_int_equal(crowd_group_send(n.at[0].layer, "g", 1), 2);
  assert_int_equal(crowd_group_send(n.at[1].layer, "g", 2), 3);
  nodes_settle(&n);
  for (int i = 0; i < 2; i++)
    crowd_assert_got(&a[i], 1, 2);
  for (int i = 0; i < 3; i++)
    crowd_check_got(&b[i], b[i].got[0] == 1 ? (int64_t[]){1, 2} : (int64_t[]){2, 1}, 2, __FILE__, __LINE__);
  crowd_assert_got_nothing(&outsider);
  struct swale_redis_stats s = nodes_books(&n.at[0]);
  assert_int_equal(s.arrived, 1);
  assert_int_equal(s.received, is_core(&n) ? 1 : 2);
  assert_int_equal(s.echoes, is_core(&n) ? 0 : 1);
  assert_int_equal(s.strays + s.undecodable + s.errors, 0);
  nodes_close(&n);
}

static void a_channel_of_another_process_is_sent_to_by_its_name(void **state) {
  struct nodes n;
  struct crowd_member b;
  char fresh[SWALE_NAME_SIZE];
  open_nodes(&n, state);
  crowd_enter(&n.at[1].crowd, &b, 0);
  for (int64_t i = 0; i < 10; i++)
    assert_int_equal(crowd_send(n.at[0].layer, b.channel, i), 0);
  nodes_settle(&n);
  crowd_assert_got(&b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  assert_int_equal(swale_new_channel(n.at[1].layer, NULL, fresh), 0);
  assert_int_equal(crowd_send(n.at[0].layer, fresh, 7), 0);
  nodes_settle(&n);
  assert_int_equal(crowd_receive(n.at[1].layer, fresh), 7);
  crowd_lose(&b);
  assert_int_equal(crowd_send(n.at[0].layer, b.channel, 11), 0);
  nodes_settle(&n);
  assert_int_equal(crowd_dropped(n.at[1].layer, SWALE_DROP_CLOSED), 1);
  nodes_close(&n);
}

static void what_one_process_sends_arrives_in_order(void **state) {
  struct nodes n;
  struct crowd_member a, b;
  open_nodes(&n, state);
  crowd_enter(&n.at[0].crowd, &a, 0);
  crowd_enter(&n.at[1].crowd, &b, 0);
  assert_int_equal(swale_group_add(n.at[0].layer, "g", a.channel), 0);
  assert_int_equal(swale_group_add(n.at[1].layer, "g", b.channel), 0);
  assert_int_equal(swale_group_add(n.at[1].layer, "h", b.channel), 0);
  nodes_settle(&n);
  for (int64_t i = 0; i < 60; i += 3) {
    crowd_group_send(n.at[0].layer, "g", i);
    crowd_send(n.at[0].layer, b.channel, i + 1);
    crowd_group_send(n.at[0].layer, "h", i + 2);
  }
  nodes_settle(&n);
  assert_int_equal(b.n_got, 60);
  assert_int_equal(a.n_got, 20);
  for (int i = 0; is_core(&n) && i < 60; i++)
    assert_int_equal(b.got[i], i);
  nodes_close(&n);
}

static void who_has_left_gets_no_more(void **state) {
  struct nodes n;
  struct crowd_member a, b;
  open_nodes(&n, state);
  crowd_enter(&n.at[0].crowd, &a, 0);
  crowd_enter(&n.at[1].crowd, &b, 0);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(swale_group_add(n.at[1].layer, "g", b.channel), 0);
    assert_int_equal(swale_group_discard(n.at[1].layer, "g", b.channel), 0);
  }
  nodes_settle(&n);
  crowd_group_send(n.at[0].layer, "g", 1);
  nodes_settle(&n);
  crowd_assert_got_nothing(&b);
  assert_int_equal(swale_group_add(n.at[1].layer, "g", b.channel), 0);
  assert_int_equal(swale_group_discard(n.at[1].layer, "g", b.channel), 0);
  assert_int_equal(swale_group_add(n.at[1].layer, "g", b.channel), 0);
  nodes_settle(&n);
  crowd_group_send(n.at[0].layer, "g", 2);
  nodes_settle(&n);
  crowd_assert_got(&b, 2);
  assert_int_equal(nodes_books(&n.at[1]).groups, 1);
  nodes_close(&n);
}

static void workers_get_what_others_send(void **state) {
  struct nodes n;
  struct crowd_member worker = {0};
  open_nodes(&n, state);
  assert_int_equal(swale_app_channel(n.at[1].crowd.app, "work", &crowd_worker), 0);
  worker = (struct crowd_member){.crowd = &n.at[1].crowd};
  n.at[1].crowd.seat = &worker;
  assert_int_equal(swale_app_serve(n.at[1].crowd.app, n.at[1].crowd.at[0].loop), 0);
  nodes_settle(&n);
  assert_non_null(worker.consumer);
  for (int64_t i = 0; i < 20; i++)
    assert_int_equal(crowd_send(n.at[i % 2].layer, "work", i), 0);
  for (long long end = nodes_now_ms() + 5000; worker.n_got < 20 && nodes_now_ms() < end;)
    nodes_settle(&n); /* each takes a round trip, between which the server may be slow */
  assert_int_equal(worker.n_got, 20);
  nodes_close(&n);
}

static void a_message_of_a_plain_channel_is_received(void **state) {
  struct nodes n;
  int64_t got;
  open_nodes(&n, state);
  assert_int_equal(crowd_receive(n.at[1].layer, "plain"), SWALE_EAGAIN); /* now it is listened for */
  nodes_settle(&n);
  assert_int_equal(crowd_send(n.at[0].layer, "plain", 5), 0);
  nodes_settle(&n);
  assert_int_equal(crowd_receive(n.at[1].layer, "plain"), 5);
  if (is_core(&n)) { /* where it waits in Redis for whoever comes */
    assert_int_equal(crowd_send(n.at[0].layer, "plain", 6), 0);
    nodes_settle(&n);
    while ((got = crowd_receive(n.at[1].layer, "plain")) == SWALE_EAGAIN)
      nodes_settle(&n);
    assert_int_equal(got, 6);
  }
  nodes_close(&n);
}

static void a_consumer_connects_when_redis_knows_its_groups(void **state) {
  struct nodes n;
  struct crowd_member first, second;
  open_nodes(&n, state);
  crowd_enter_as(&n.at[0].crowd, &first, 0, &crowd_in_group);
  assert_int_equal(swale_send_text(first.consumer, "x", 1), SWALE_ESTATE); /* undecided */
  nodes_settle(&n);
  assert_int_not_equal(swale_send_text(first.consumer, "x", 1), SWALE_ESTATE);
  crowd_enter_as(&n.at[0].crowd, &second, 0, &crowd_in_group);
  assert_int_not_equal(swale_send_text(second.consumer, "x", 1), SWALE_ESTATE); /* it knows them already */
  crowd_group_send(n.at[1].layer, "class", 1);
  nodes_settle(&n);
  crowd_assert_got(&first, 1);
  crowd_assert_got(&second, 1);
  nodes_close(&n);
}

static void note_result(int result, void *user) {
  int *results = user;
  results[results[0] + 1] = result;
  results[0]++;
}

static void whoever_asks_is_told_what_became_of_a_call(void **state) {
  struct nodes n;
  struct crowd_member a;
  int joined[8] = {0}, sent[8] = {0};
  open_nodes(&n, state);
  crowd_enter(&n.at[0].crowd, &a, 0);
  swale_message *m = crowd_note(1);
  swale_loop *loop = n.at[0].crowd.at[1].loop;
  const struct swale_completion on_join = {loop, note_result, joined}, on_send = {loop, note_result, sent};
  assert_int_equal(swale_group_add_then(n.at[0].layer, "g", a.channel, &on_join), 0);
  crowd_run(&n.at[0].crowd);
  assert_int_equal(joined[0], 0); /* not before Redis knows */
  nodes_settle(&n);
  assert_int_equal(joined[0], 1);
  assert_int_equal(joined[1], 0);
  assert_int_equal(swale_group_add_then(n.at[0].layer, "g", a.channel, &on_join), 0);
  crowd_run(&n.at[0].crowd);
  assert_int_equal(joined[0], 2); /* which it does now */
  assert_int_equal(swale_group_send_then(n.at[0].layer, "g", m, &on_send), 1);
  assert_int_equal(swale_send_then(n.at[0].layer, "plain", m, &on_send), 0);
  crowd_run(&n.at[0].crowd);
  assert_int_equal(sent[0], 0);
  nodes_settle(&n);
  assert_int_equal(sent[0], 2);
  assert_int_equal(sent[1] + sent[2], 0);
  if (is_core(&n)) {
    assert_int_equal(swale_group_add_then(n.at[0].layer, "g", "plain", &on_join), 0);
    nodes_settle(&n);
    assert_int_equal(joined[0], 3);
    assert_int_equal(joined[3], 0);
  }
  swale_layer_detach(n.at[0].layer);
  assert_int_equal(swale_send_then(n.at[0].layer, "plain", m, &on_send), 0);
  assert_int_equal(swale_group_add_then(n.at[0].layer, "new", a.channel, &on_join), 0);
  home_take(&n.at[0].home, n.at[0].layer);
  swale_layer_detach(n.at[0].layer); /* before it has come up */
  crowd_run(&n.at[0].crowd);
  assert_int_equal(sent[0], 3);
  assert_int_equal(sent[3], SWALE_ECLOSED);
  assert_int_equal(joined[joined[0]], 0);
  swale_message_unref(m);
  home_take(&n.at[0].home, n.at[0].layer);
  nodes_close(&n);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      IN_BOTH_MODES(a_group_spans_processes),
      IN_BOTH_MODES(a_channel_of_another_process_is_sent_to_by_its_name),
      IN_BOTH_MODES(what_one_process_sends_arrives_in_order),
      IN_BOTH_MODES(who_has_left_gets_no_more),
      IN_BOTH_MODES(workers_get_what_others_send),
      IN_BOTH_MODES(a_message_of_a_plain_channel_is_received),
      IN_BOTH_MODES(a_consumer_connects_when_redis_knows_its_groups),
      IN_BOTH_MODES(whoever_asks_is_told_what_became_of_a_call),
  };
  server_start(&server);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  server_stop(&server);
  return failed;
}

/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include "core/consumer.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/port.h"

enum { EXPIRY_MS = 1000 };

static void open_world(struct crowd_world *w) {
  struct swale_layer_config config;
  swale_layer_config_default(&config);
  config.expiry_ms = EXPIRY_MS;
  crowd_world_open(w, &config);
}

static int count_ports(const swale_loop *loop) {
  int n = 0;
  for (const struct swale__port *p = loop->ports; p; p = p->next_in_loop)
    n++;
  return n;
}

static void consumers_of_one_app_share_a_port(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a, b, c;
  open_world(&w);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 0);
  crowd_enter(&w.crowd, &c, 1);
  assert_ptr_equal(a.consumer->port, b.consumer->port);
  assert_ptr_not_equal(a.consumer->port, c.consumer->port);
  assert_int_equal(count_ports(w.crowd.at[0].loop), 1);
  assert_int_equal(crowd_stats(w.layer).loops, 2);
  crowd_lose(&a);
  crowd_lose(&b);
  assert_int_equal(count_ports(w.crowd.at[0].loop), 1);
  crowd_world_close(&w);
}

static void two_apps_on_one_loop_are_told_once_each(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd beside;
  struct crowd_member m[4];
  open_world(&w);
  crowd_open_beside(&beside, &w.crowd);
  for (int i = 0; i < 4; i++) {
    crowd_enter(i % 2 ? &beside : &w.crowd, &m[i], 0);
    assert_int_equal(swale_group_add(w.layer, "g", m[i].channel), 0);
  }
  assert_ptr_not_equal(m[0].consumer->port, m[1].consumer->port);
  assert_int_equal(count_ports(w.crowd.at[0].loop), 2);
  assert_int_equal(crowd_stats(w.layer).loops, 1);
  assert_int_equal(crowd_group_send(w.layer, "g", 1), 4);
  assert_int_equal(crowd_send(w.layer, m[1].channel, 2), 0);
  assert_int_equal(crowd_group_send(w.layer, "g", 3), 4);
  crowd_run(&w.crowd);
  for (int i = 0; i < 4; i++) {
    if (i == 1)
      crowd_assert_got(&m[i], 1, 2, 3);
    else
      crowd_assert_got(&m[i], 1, 3);
    crowd_lose(&m[i]);
  }
  /* An app may end before the loop it had consumers on. */
  assert_int_equal(crowd_group_send(w.layer, "g", 4), 0);
  crowd_close_beside(&beside);
  assert_int_equal(crowd_stats(w.layer).delivered, 9);
  crowd_world_close(&w);
}

static void what_is_on_its_way_to_two_apps_is_all_or_nothing(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd beside;
  struct crowd_member a, b;
  open_world(&w);
  crowd_open_beside(&beside, &w.crowd);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&beside, &b, 0);
  assert_int_equal(swale_group_add(w.layer, "g", a.channel), 0);
  assert_int_equal(swale_group_add(w.layer, "g", b.channel), 0);
  swale_loop *loop = w.crowd.at[0].loop;
  swale_message *m = crowd_note(1);
  assert_int_equal(swale_message_freeze(m), 0);
  loop->inbox.bytes_max = swale__inbox_cost(m) * 2 - 1; /* room for one of the two entries */
  assert_int_equal(swale_group_send(w.layer, "g", m), SWALE_EFULL);
  assert_int_equal(loop->inbox.bytes, 0);
  assert_int_equal(loop->inbox.reserved, 0);
  loop->inbox.bytes_max++;
  assert_int_equal(swale_group_send(w.layer, "g", m), 2);
  swale_message_unref(m);
  crowd_run(&w.crowd);
  crowd_assert_got(&a, 1);
  crowd_assert_got(&b, 1);
  crowd_lose(&b);
  crowd_close_beside(&beside);
  crowd_world_close(&w);
}

static void counts_outlive_their_port(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a;
  swale_message *odd = swale_message_new("odd");
  open_world(&w);
  crowd_enter(&w.crowd, &a, 0);
  assert_int_equal(swale_send(w.layer, a.channel, odd), 0);
  swale_message_unref(odd);
  crowd_run(&w.crowd);
  crowd_pause(&a);
  for (int64_t i = 0; i < 102; i++)
    assert_int_equal(crowd_send(w.layer, a.channel, i), 0);
  crowd_run(&w.crowd);
  assert_int_equal(crowd_send(w.layer, a.channel, 200), 0);
  crowd_end_loop(&w.crowd, 0);
  struct swale_layer_stats s = crowd_stats(w.layer);
  assert_int_equal(s.loops, 0);
  assert_int_equal(s.offered, 104);
  assert_int_equal(s.delivered, 1);
  assert_int_equal(s.unhandled, 1);
  assert_int_equal(s.dropped[SWALE_DROP_FULL], 2);
  assert_int_equal(s.dropped[SWALE_DROP_CLOSED], 101);
  assert_int_equal(crowd_try_renew_loop(&w.crowd, 0), 0);
  crowd_enter(&w.crowd, &a, 0);
  assert_int_equal(crowd_send(w.layer, a.channel, 1), 0);
  crowd_run(&w.crowd);
  assert_int_equal(crowd_stats(w.layer).delivered, 2);
  crowd_world_close(&w);
}

static void put_in_queue(struct crowd_world *w, struct crowd_member *m, int64_t n) {
  assert_int_equal(crowd_send(w->layer, m->channel, n), 0);
  crowd_run(&w->crowd);
}

static void the_loop_wakes_up_for_what_expires(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a, b;
  open_world(&w);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 0);
  swale_loop *loop = w.crowd.at[0].loop;
  crowd_pause(&a);
  crowd_pause(&b);
  assert_int_equal(swale_loop_timeout_ms(loop), -1);
  put_in_queue(&w, &a, 1);
  w.u.now_ms += 300;
  put_in_queue(&w, &b, 2);
  assert_true(swale_loop_timeout_ms(loop) > 0 && swale_loop_timeout_ms(loop) <= EXPIRY_MS - 300);
  crowd_resume(&a); /* the timer is still armed for a's */
  crowd_assert_got(&a, 1);
  int wakes = 0;
  while (crowd_stats(w.layer).queued > 0) {
    int timeout = swale_loop_timeout_ms(loop);
    assert_true(timeout > 0);
    assert_true(wakes++ < 20);
    w.u.now_ms += (uint64_t)timeout;
    crowd_run_loop(&w.crowd, 0);
  }
  assert_int_equal(w.u.now_ms, 1000 + 300 + EXPIRY_MS);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_EXPIRED), 1);
  assert_int_equal(swale_loop_timeout_ms(loop), -1);
  crowd_world_close(&w);
}

static void a_flush_concerns_what_was_there(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a, b;
  open_world(&w);
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  crowd_pause(&a);
  put_in_queue(&w, &a, 1);
  assert_int_equal(swale_flush(w.layer), 0);
  assert_int_equal(w.crowd.at[0].wakes, 1);
  assert_int_equal(w.crowd.at[1].wakes, 1);
  put_in_queue(&w, &a, 2); /* a later one */
  assert_int_equal(swale_flush(w.layer), 0);
  assert_int_equal(swale_flush(w.layer), 0);
  crowd_resume(&a); /* before the loop ran: follows the flush by itself */
  crowd_assert_got_nothing(&a);
  crowd_pause(&a);
  put_in_queue(&w, &a, 3);
  crowd_resume(&a);
  crowd_assert_got(&a, 3);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FLUSHED), 2);
  crowd_world_close(&w);
}

static void flush_in_handler(struct crowd_member *m, swale_message *message) {
  (void)message;
  m->act = NULL;
  assert_int_equal(swale_flush(m->crowd->layer), 0);
}

static void a_handler_that_flushes_catches_what_waits_behind_it(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member a;
  open_world(&w);
  crowd_enter(&w.crowd, &a, 0);
  a.act = flush_in_handler;
  for (int64_t i = 0; i < 3; i++) /* taken from the inbox */
    assert_int_equal(crowd_send(w.layer, a.channel, i), 0);
  crowd_run(&w.crowd);
  crowd_assert_got(&a, 0);
  crowd_pause(&a);
  for (int64_t i = 0; i < 3; i++)
    put_in_queue(&w, &a, i);
  a.act = flush_in_handler;
  crowd_resume(&a); /* taken from its queue */
  crowd_assert_got(&a, 0);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FLUSHED), 4);
  crowd_world_close(&w);
}

static void without_memory_for_a_port_there_is_no_consumer(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m = {0};
  open_world(&w);
  int rv = -1;
  for (long n = 1; rv < 0; n++) {
    w.u.fail_at = n;
    rv = crowd_try_enter(&w.crowd, &m, 0, &crowd_newest);
    assert_true(rv == 0 || rv == SWALE_ENOMEM);
    assert_int_equal(crowd_stats(w.layer).consumers, rv == 0);
  }
  w.u.fail_at = 0;
  assert_int_equal(count_ports(w.crowd.at[0].loop), 1);
  crowd_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(consumers_of_one_app_share_a_port),
      cmocka_unit_test(two_apps_on_one_loop_are_told_once_each),
      cmocka_unit_test(what_is_on_its_way_to_two_apps_is_all_or_nothing),
      cmocka_unit_test(counts_outlive_their_port),
      cmocka_unit_test(the_loop_wakes_up_for_what_expires),
      cmocka_unit_test(a_flush_concerns_what_was_there),
      cmocka_unit_test(a_handler_that_flushes_catches_what_waits_behind_it),
      cmocka_unit_test(without_memory_for_a_port_there_is_no_consumer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

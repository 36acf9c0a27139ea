/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/queue.h"

struct queues {
  struct unit_env u;
  struct swale__expiry expiry;
  struct swale__queue a, b;
};

static void open_queues(struct queues *t) {
  memset(t, 0, sizeof *t);
  unit_env_init(&t->u);
}

static int push(struct queues *t, struct swale__queue *q, const char *type, uint64_t expires) {
  swale_message *m = swale_message_new(type);
  int rv = swale__queue_push(q, &t->expiry, &t->u.env.allocator, m, expires, 0);
  swale_message_unref(m);
  return rv;
}

static void assert_pops(struct queues *t, struct swale__queue *q, const char *type) {
  swale_message *m = swale__queue_pop(q, &t->expiry, &t->u.env.allocator);
  assert_non_null(m);
  assert_string_equal(swale_message_type(m), type);
  swale_message_unref(m);
}

static void messages_come_out_in_the_order_they_went_in(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  assert_int_equal(push(&t, &t.a, "1", 10), 0);
  assert_int_equal(push(&t, &t.b, "2", 10), 0);
  assert_int_equal(push(&t, &t.a, "3", 11), 0);
  assert_int_equal(t.a.depth, 2);
  assert_int_equal(t.b.depth, 1);
  assert_pops(&t, &t.a, "1");
  assert_pops(&t, &t.a, "3");
  assert_null(swale__queue_pop(&t.a, &t.expiry, &t.u.env.allocator));
  assert_int_equal(t.a.depth, 0);
  assert_int_equal(push(&t, &t.a, "4", 12), 0);
  assert_pops(&t, &t.b, "2");
  assert_pops(&t, &t.a, "4");
  assert_null(t.expiry.oldest);
  assert_null(t.expiry.newest);
  assert_int_equal(t.u.live, 0);
}

static void what_is_due_is_found_across_queues(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  assert_null(swale__expiry_due(&t.expiry, UINT64_MAX));
  push(&t, &t.a, "1", 10);
  push(&t, &t.b, "2", 20);
  push(&t, &t.a, "3", 20);
  push(&t, &t.b, "4", 30);
  assert_null(swale__expiry_due(&t.expiry, 9));
  assert_ptr_equal(swale__expiry_due(&t.expiry, 10), &t.a);
  assert_pops(&t, &t.b, "2"); /* from the middle of the list */
  assert_pops(&t, &t.a, "1");
  assert_null(swale__expiry_due(&t.expiry, 19));
  assert_ptr_equal(swale__expiry_due(&t.expiry, 20), &t.a);
  assert_pops(&t, &t.a, "3");
  assert_null(swale__expiry_due(&t.expiry, 29));
  assert_ptr_equal(swale__expiry_due(&t.expiry, 1000), &t.b);
  assert_pops(&t, &t.b, "4");
  assert_null(swale__expiry_due(&t.expiry, UINT64_MAX));
  assert_int_equal(t.u.live, 0);
}

static void the_newest_may_leave_first(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  push(&t, &t.a, "1", 10);
  push(&t, &t.b, "2", 20);
  assert_pops(&t, &t.b, "2");
  push(&t, &t.b, "3", 30);
  assert_pops(&t, &t.a, "1");
  assert_ptr_equal(swale__expiry_due(&t.expiry, 30), &t.b);
  assert_pops(&t, &t.b, "3");
  assert_null(t.expiry.newest);
  assert_int_equal(t.u.live, 0);
}

static void without_memory_nothing_changes(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  push(&t, &t.a, "1", 10);
  t.u.fail_at = 1;
  assert_int_equal(push(&t, &t.a, "2", 11), SWALE_ENOMEM);
  assert_int_equal(t.a.depth, 1);
  assert_ptr_equal(t.expiry.oldest, t.expiry.newest);
  assert_pops(&t, &t.a, "1");
  assert_null(swale__queue_pop(&t.a, &t.expiry, &t.u.env.allocator));
  assert_int_equal(t.u.live, 0);
}

/* ---- topics ---- */

static swale_message *priced(const char *type, const char *symbol, int64_t price) {
  swale_message *m = swale_message_new(type);
  swale_message_add_str(m, "symbol", symbol);
  swale_message_add_int(m, "price", price);
  assert_int_equal(swale_message_freeze(m), 0);
  return m;
}

/* Puts the message in place of one about the same, or behind the others; the price it replaced, or 0. */
static int64_t put(struct queues *t, const char *type, const char *symbol, int64_t price, uint64_t expires) {
  swale_message *m = priced(type, symbol, price);
  struct swale__topic topic = swale__topic_of(m, "symbol");
  swale_message *old = swale__queue_replace(&t->a, &t->expiry, m, expires, &topic);
  int64_t was = old ? swale_message_get_int(old, "price", -1) : 0;
  if (!old)
    assert_int_equal(swale__queue_push(&t->a, &t->expiry, &t->u.env.allocator, m, expires, topic.tag), 0);
  swale_message_unref(old);
  swale_message_unref(m);
  return was;
}

static void assert_pops_price(struct queues *t, int64_t price) {
  swale_message *m = swale__queue_pop(&t->a, &t->expiry, &t->u.env.allocator);
  assert_non_null(m);
  assert_int_equal(swale_message_get_int(m, "price", -1), price);
  swale_message_unref(m);
}

static void a_newer_message_about_the_same_goes_to_the_end(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  assert_int_equal(put(&t, "price", "A", 1, 10), 0);
  assert_int_equal(put(&t, "price", "B", 2, 11), 0);
  assert_int_equal(put(&t, "price", "C", 3, 12), 0);
  assert_int_equal(put(&t, "price", "A", 4, 13), 1); /* the oldest */
  assert_int_equal(put(&t, "price", "C", 5, 14), 3); /* one in the middle */
  assert_int_equal(put(&t, "price", "C", 6, 15), 5); /* the newest */
  assert_int_equal(put(&t, "volume", "A", 7, 16), 0);
  assert_int_equal(t.a.depth, 4);
  assert_ptr_equal(swale__expiry_due(&t.expiry, 11), &t.a);
  for (const int64_t *price = (int64_t[]){2, 4, 6, 7, 0}; *price; price++)
    assert_pops_price(&t, *price);
  assert_null(t.expiry.oldest);
  assert_null(t.expiry.newest);
  assert_int_equal(t.u.live, 0);
}

static void the_only_one_can_be_replaced_without_memory(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  assert_int_equal(put(&t, "price", "A", 1, 10), 0);
  t.u.fail_at = 1;
  assert_int_equal(put(&t, "price", "A", 2, 11), 1);
  assert_int_equal(t.u.fail_at, 1);
  assert_int_equal(t.a.depth, 1);
  assert_null(swale__expiry_due(&t.expiry, 10));
  assert_pops_price(&t, 2);
  assert_int_equal(t.u.live, 0);
}

static uint32_t tag_of(swale_message *m) {
  assert_int_equal(swale_message_freeze(m), 0);
  uint32_t tag = swale__topic_of(m, "key").tag;
  swale_message_unref(m);
  return tag;
}

static void texts_bytes_integers_and_truths_are_topics_and_nothing_else(void **state) {
  (void)state;
  swale_message *m = swale_message_new("t");
  assert_int_equal(swale__topic_of(m, NULL).tag, 0);
  assert_int_equal(tag_of(m), 0);
  m = swale_message_new("t");
  swale_message_add_nil(m, "key");
  assert_int_equal(tag_of(m), 0);
  m = swale_message_new("t");
  swale_message_add_double(m, "key", 1.5);
  assert_int_equal(tag_of(m), 0);
  m = swale_message_new("t");
  swale_message_begin_list(m, "key");
  swale_message_end(m);
  assert_int_equal(tag_of(m), 0);
  m = swale_message_new("t");
  swale_message_add_str(m, "key", "");
  assert_int_not_equal(tag_of(m), 0);
  m = swale_message_new("t");
  swale_message_add_bytes(m, "key", "x", 1);
  assert_int_not_equal(tag_of(m), 0);
  m = swale_message_new("t");
  swale_message_add_bool(m, "key", false);
  assert_int_not_equal(tag_of(m), 0);
  m = swale_message_new("t");
  swale_message_add_int(m, "key", 0);
  assert_int_not_equal(tag_of(m), 0);
}

/* The same tag does not make the same topic: what is compared in the end is the value. */
static void equal_tags_of_different_values_are_told_apart(void **state) {
  (void)state;
  struct queues t;
  open_queues(&t);
  swale_message *text = swale_message_new("t"), *bytes = swale_message_new("t"),
                *other = swale_message_new("u");
  swale_message_add_str(text, "key", "same");
  swale_message_add_bytes(bytes, "key", "same", 4);
  swale_message_add_str(other, "key", "same");
  swale_message *all[] = {text, bytes, other};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(swale_message_freeze(all[i]), 0);
    struct swale__topic topic = swale__topic_of(all[i], "key");
    topic.tag = 7;
    assert_null(swale__queue_replace(&t.a, &t.expiry, all[i], 10, &topic));
    assert_int_equal(swale__queue_push(&t.a, &t.expiry, &t.u.env.allocator, all[i], 10, topic.tag), 0);
    swale_message_unref(all[i]);
  }
  assert_int_equal(t.a.depth, 3);
  for (int i = 0; i < 3; i++)
    swale_message_unref(swale__queue_pop(&t.a, &t.expiry, &t.u.env.allocator));
  assert_int_equal(t.u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_come_out_in_the_order_they_went_in),
      cmocka_unit_test(what_is_due_is_found_across_queues),
      cmocka_unit_test(the_newest_may_leave_first),
      cmocka_unit_test(without_memory_nothing_changes),
      cmocka_unit_test(a_newer_message_about_the_same_goes_to_the_end),
      cmocka_unit_test(the_only_one_can_be_replaced_without_memory),
      cmocka_unit_test(texts_bytes_integers_and_truths_are_topics_and_nothing_else),
      cmocka_unit_test(equal_tags_of_different_values_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

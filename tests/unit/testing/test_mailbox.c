/* SPDX-License-Identifier: MIT */
#include "testing/mailbox.h"

#include <unit.h>

static int put(struct swale__mailbox *box, enum swale_kind kind, const void *bytes, size_t len) {
  swale_payload *payload;
  int rv = swale_payload_new(kind, bytes, len, box->allocator, &payload);
  if (rv)
    return rv;
  rv = swale__mailbox_put(box, payload);
  swale_payload_unref(payload);
  return rv;
}

static int put_text(struct swale__mailbox *box, const char *text) {
  return put(box, SWALE_TEXT, text, strlen(text));
}

static int setup(void **state) {
  struct unit_env *u = malloc(sizeof *u);
  unit_env_init(u);
  *state = u;
  return 0;
}

static int teardown(void **state) {
  struct unit_env *u = *state;
  long live = u->live;
  free(u);
  return live == 0 ? 0 : -1;
}

static void what_was_put_first_is_taken_first(void **state) {
  struct unit_env *u = *state;
  struct swale__mailbox box;
  struct swale_received got;
  swale__mailbox_init(&box, &u->env.allocator);
  assert_int_equal(put_text(&box, "one"), 0);
  assert_int_equal(put(&box, SWALE_BINARY, "\0\1", 2), 0);
  assert_int_equal(swale__mailbox_take(&box, &got), 0);
  assert_int_equal(got.kind, SWALE_TEXT);
  assert_string_equal(got.data, "one");
  assert_int_equal(swale__mailbox_take(&box, &got), 0);
  assert_int_equal(got.kind, SWALE_BINARY);
  assert_int_equal(got.len, 2);
  assert_memory_equal(got.data, "\0\1\0", 3);
  assert_int_equal(swale__mailbox_take(&box, &got), SWALE_EAGAIN);
  assert_int_equal(put_text(&box, ""), 0);
  assert_int_equal(swale__mailbox_take(&box, &got), 0);
  assert_string_equal(got.data, "");
  swale__mailbox_clear(&box);
}

static void one_payload_can_lie_in_many_boxes(void **state) {
  struct unit_env *u = *state;
  struct swale__mailbox boxes[3];
  swale_payload *payload;
  assert_int_equal(swale_payload_new(SWALE_TEXT, "x", 1, &u->env.allocator, &payload), 0);
  for (int i = 0; i < 3; i++) {
    swale__mailbox_init(&boxes[i], &u->env.allocator);
    assert_int_equal(swale__mailbox_put(&boxes[i], payload), 0);
  }
  assert_int_equal(u->live, 1 + 3);
  swale_payload_unref(payload);
  for (int i = 0; i < 3; i++) {
    assert_true(swale__mailbox_starts_with(&boxes[i], "x"));
    swale__mailbox_clear(&boxes[i]);
  }
}

static void a_full_box_takes_no_more(void **state) {
  struct unit_env *u = *state;
  struct swale__mailbox box;
  swale__mailbox_init(&box, &u->env.allocator);
  box.capacity = 2;
  assert_int_equal(put_text(&box, "one"), 0);
  assert_int_equal(put_text(&box, "two"), 0);
  assert_int_equal(put_text(&box, "three"), SWALE_EFULL);
  swale__mailbox_drop(&box);
  assert_int_equal(put_text(&box, "four"), 0);
  assert_true(swale__mailbox_starts_with(&box, "two"));
  swale__mailbox_clear(&box);
}

static void only_the_very_text_is_recognised(void **state) {
  struct unit_env *u = *state;
  struct swale__mailbox box;
  swale__mailbox_init(&box, &u->env.allocator);
  assert_false(swale__mailbox_starts_with(&box, ""));
  assert_int_equal(put_text(&box, "text"), 0);
  assert_true(swale__mailbox_starts_with(&box, "text"));
  assert_false(swale__mailbox_starts_with(&box, "tex"));
  assert_false(swale__mailbox_starts_with(&box, "texts"));
  swale__mailbox_drop(&box);
  assert_int_equal(put(&box, SWALE_BINARY, "text", 4), 0);
  assert_false(swale__mailbox_starts_with(&box, "text"));
  swale__mailbox_clear(&box);
}

static void a_message_stays_when_there_is_no_memory_to_show_it(void **state) {
  struct unit_env *u = *state;
  struct swale__mailbox box;
  struct swale_received got;
  swale__mailbox_init(&box, &u->env.allocator);
  assert_int_equal(put_text(&box, "one"), 0);
  u->fail_at = 1;
  assert_int_equal(swale__mailbox_take(&box, &got), SWALE_ENOMEM);
  assert_int_equal(swale__mailbox_take(&box, &got), 0);
  assert_string_equal(got.data, "one");
  swale__mailbox_clear(&box);
}

static int pass_through(struct unit_env *u) {
  struct swale__mailbox box;
  struct swale_received got;
  swale__mailbox_init(&box, &u->env.allocator);
  int rv = put_text(&box, "one");
  if (rv == 0)
    rv = put_text(&box, "two");
  if (rv == 0)
    rv = swale__mailbox_take(&box, &got);
  swale__mailbox_clear(&box);
  return rv;
}

static void a_box_survives_every_failing_allocation(void **state) {
  (void)state;
  unit_fail_every_allocation(pass_through);
}

#define with_memory(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      with_memory(what_was_put_first_is_taken_first),
      with_memory(one_payload_can_lie_in_many_boxes),
      with_memory(a_full_box_takes_no_more),
      with_memory(only_the_very_text_is_recognised),
      with_memory(a_message_stays_when_there_is_no_memory_to_show_it),
      cmocka_unit_test(a_box_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

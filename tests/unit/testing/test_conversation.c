/* SPDX-License-Identifier: MIT */
#include "world.h"

/* ---- a consumer that does as it is told ------------------------------------------------------- */

/* The app's user: what it has seen outlives it. */
struct stage {
  struct world world;
  int disconnects;
  int code;
  int answer; /* of what it did last */
  swale_communicator *peer;
};

static struct stage *stage_of(swale_consumer *c) { return swale_consumer_user(c); }

static int hear(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  if (kind == SWALE_BINARY)
    return swale_send_bytes(c, data, len);
  char text[64] = "";
  memcpy(text, data, len < sizeof text ? len : sizeof text - 1);
  if (strcmp(text, "close") == 0) {
    swale_send_text(c, "bye", 3);
    return swale_close(c, 4001, "as you wish");
  }
  if (strcmp(text, "fail") == 0)
    return -1;
  if (strcmp(text, "flood") == 0)
    while ((stage_of(c)->answer = swale_send_text(c, "drop", 4)) == 0)
      continue;
  else if (strcmp(text, "call") == 0)
    stage_of(c)->answer = swale_communicator_send_text(stage_of(c)->peer, "from inside");
  else if (strcmp(text, "free") == 0)
    swale_communicator_free(stage_of(c)->peer);
  else
    return swale_send_text(c, data, len);
  return 0;
}

static int leave(swale_consumer *c, int code) {
  stage_of(c)->disconnects++;
  stage_of(c)->code = code;
  return 0;
}

static int render_text(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  (void)arg;
  return swale_buffer_append(out, text, len);
}

static int pass_on(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render_text, NULL);
}

static const char *const everybody[] = {"everybody", NULL};
static const struct swale_handler handlers[] = {{"news", pass_on}, {NULL, NULL}};
static const struct swale_consumer_class obedient = {
    .groups = everybody, .receive = hear, .disconnect = leave, .handlers = handlers};

static int open_stage(void **state) {
  struct stage *s = calloc(1, sizeof *s);
  *state = s;
  s->world.t = swale_testing_env_new(1);
  s->world.user = s;
  int rv = world_open(&s->world);
  return rv ? rv : swale_app_route(s->world.app, "", &obedient);
}

static void tell_everybody(struct world *w, const char *text) {
  swale_message *m = swale_message_new("news");
  swale_message_add_str(m, "text", text);
  assert_true(swale_group_send(w->layer, "everybody", m) >= 0);
  swale_message_unref(m);
}

/* ---- talking ------------------------------------------------------------------------------------ */

static void what_is_said_is_answered(void **state) {
  struct stage *s = *state;
  struct swale_received got;
  swale_communicator *p = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_send_text(p, "hello"), 0);
  assert_int_equal(swale_communicator_receive(p, &got), 0);
  assert_int_equal(got.kind, SWALE_TEXT);
  assert_int_equal(got.len, 5);
  assert_string_equal(got.data, "hello");
  assert_int_equal(swale_communicator_send(p, SWALE_BINARY, "\0\1\2", 3), 0);
  assert_int_equal(swale_communicator_receive(p, &got), 0);
  assert_int_equal(got.kind, SWALE_BINARY);
  assert_int_equal(got.len, 3);
  assert_memory_equal(got.data, "\0\1\2\0", 4);
  swale_communicator_free(p);
}

static void what_was_received_can_be_sent_back(void **state) {
  struct stage *s = *state;
  struct swale_received got;
  swale_communicator *p = connected_at(&s->world, "/");
  swale_communicator_send_text(p, "once");
  assert_int_equal(swale_communicator_receive(p, &got), 0);
  assert_int_equal(swale_communicator_send(p, got.kind, got.data, got.len), 0);
  assert_int_equal(swale_communicator_expect_text(p, "once"), 1);
  swale_communicator_free(p);
}

static void a_message_may_be_empty(void **state) {
  struct stage *s = *state;
  struct swale_received got;
  swale_communicator *p = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_send_text(p, ""), 0);
  assert_int_equal(swale_communicator_send(p, SWALE_BINARY, NULL, 0), 0);
  assert_int_equal(swale_communicator_expect_text(p, ""), 1);
  assert_int_equal(swale_communicator_receive(p, &got), 0);
  assert_int_equal(got.kind, SWALE_BINARY);
  assert_int_equal(got.len, 0);
  swale_communicator_free(p);
}

static void text_must_be_utf8_and_bytes_need_not(void **state) {
  struct stage *s = *state;
  swale_communicator *p = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_send_text(p, "\xFF"), SWALE_EUTF8);
  assert_int_equal(swale_communicator_send(p, SWALE_BINARY, "\xFF", 1), 0);
  assert_int_equal(swale_communicator_send(p, (enum swale_kind)3, "x", 1), SWALE_EINVAL);
  assert_int_equal(swale_communicator_send(p, SWALE_TEXT, NULL, 1), SWALE_EINVAL);
  swale_communicator_free(p);
}

static void an_expected_text_is_taken_and_any_other_stays(void **state) {
  struct stage *s = *state;
  swale_communicator *p = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_expect_nothing(p), 1);
  assert_int_equal(swale_communicator_expect_text(p, "one"), 0);
  swale_communicator_send_text(p, "one");
  assert_int_equal(swale_communicator_expect_nothing(p), 0);
  assert_int_equal(swale_communicator_expect_text(p, "two"), 0);
  assert_int_equal(swale_communicator_expect_text(p, "one"), 1);
  assert_int_equal(swale_communicator_expect_nothing(p), 1);
  swale_communicator_free(p);
}

static void what_a_group_is_sent_arrives_by_looking(void **state) {
  struct stage *s = *state;
  struct swale_received got;
  swale_communicator *p = connected_at(&s->world, "/"), *q = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_receive(p, &got), SWALE_EAGAIN);
  tell_everybody(&s->world, "news");
  assert_int_equal(swale_communicator_receive(p, &got), 0);
  assert_string_equal(got.data, "news");
  assert_int_equal(swale_communicator_expect_text(q, "news"), 1);
  swale_communicator_free(p);
  swale_communicator_free(q);
}

static void what_was_sent_to_a_group_before_is_handled_before(void **state) {
  struct stage *s = *state;
  swale_communicator *p = connected_at(&s->world, "/");
  tell_everybody(&s->world, "first");
  swale_communicator_send_text(p, "second");
  assert_int_equal(swale_communicator_expect_text(p, "first"), 1);
  assert_int_equal(swale_communicator_expect_text(p, "second"), 1);
  swale_communicator_free(p);
}

/* ---- the end --------------------------------------------------------------------------------------- */

static void a_consumer_may_close(void **state) {
  struct stage *s = *state;
  struct swale_received got;
  swale_communicator *p = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_close_code(p), 0);
  assert_string_equal(swale_communicator_close_reason(p), "");
  assert_int_equal(swale_communicator_send_text(p, "close"), 0);
  assert_int_equal(swale_communicator_close_code(p), 4001);
  assert_string_equal(swale_communicator_close_reason(p), "as you wish");
  assert_int_equal(s->disconnects, 1);
  assert_int_equal(s->code, 4001);
  assert_int_equal(swale_communicator_expect_nothing(p), 0);
  assert_int_equal(swale_communicator_expect_text(p, "bye"), 1);
  assert_int_equal(swale_communicator_expect_nothing(p), 0);
  assert_int_equal(swale_communicator_receive(p, &got), SWALE_ECLOSED);
  assert_int_equal(swale_communicator_send_text(p, "hello?"), SWALE_ECLOSED);
  assert_int_equal(swale_communicator_disconnect(p, 1000), SWALE_ECLOSED);
  swale_communicator_free(p);
  assert_int_equal(s->disconnects, 1);
}

static void a_handler_that_fails_closes_with_1011(void **state) {
  struct stage *s = *state;
  swale_communicator *p = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_send_text(p, "fail"), 0);
  assert_int_equal(swale_communicator_close_code(p), 1011);
  assert_int_equal(s->code, 1011);
  swale_communicator_free(p);
}

static void a_peer_may_leave_with_a_code_or_vanish(void **state) {
  struct stage *s = *state;
  static const int codes[] = {1000, 1005, 1006, 4999};
  for (int i = 0; i < 4; i++) {
    swale_communicator *p = connected_at(&s->world, "/");
    assert_int_equal(swale_communicator_disconnect(p, codes[i]), 0);
    assert_int_equal(s->disconnects, i + 1);
    assert_int_equal(s->code, codes[i]);
    assert_int_equal(swale_communicator_close_code(p), 0);
    assert_int_equal(swale_communicator_send_text(p, "x"), SWALE_ECLOSED);
    swale_communicator_free(p);
  }
}

static void a_peer_cannot_leave_with_what_is_no_code(void **state) {
  struct stage *s = *state;
  swale_communicator *p = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_disconnect(p, 999), SWALE_EINVAL);
  assert_int_equal(swale_communicator_disconnect(p, 5000), SWALE_EINVAL);
  assert_int_equal(s->disconnects, 0);
  swale_communicator_free(p);
}

static void before_connecting_there_is_nobody_to_talk_to(void **state) {
  struct stage *s = *state;
  struct swale_received got;
  swale_communicator *p = peer_at(&s->world, "/");
  assert_int_equal(swale_communicator_send_text(p, "x"), SWALE_ESTATE);
  assert_int_equal(swale_communicator_disconnect(p, 1000), SWALE_ESTATE);
  assert_int_equal(swale_communicator_receive(p, &got), SWALE_EAGAIN);
  swale_communicator_free(p);
}

/* ---- slow peers ---------------------------------------------------------------------------------------- */

static void messages_wait_for_a_peer_that_stalls(void **state) {
  struct stage *s = *state;
  swale_communicator *p = connected_at(&s->world, "/"), *q = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_stall(p, 1), 0);
  tell_everybody(&s->world, "one");
  tell_everybody(&s->world, "two");
  assert_int_equal(swale_communicator_expect_nothing(p), 1);
  assert_int_equal(swale_communicator_expect_text(q, "one"), 1);
  assert_int_equal(swale_communicator_stall(p, 0), 0);
  assert_int_equal(swale_communicator_expect_text(p, "one"), 1);
  assert_int_equal(swale_communicator_expect_text(p, "two"), 1);
  swale_communicator_free(p);
  swale_communicator_free(q);
}

static void what_exceeds_the_capacity_of_a_stalled_consumer_is_dropped(void **state) {
  struct stage *s = *state;
  struct swale_layer_stats stats;
  static const char *const texts[] = {"one", "two", "three", "four"};
  swale_communicator *p = connected_at(&s->world, "/");
  swale_communicator_stall(p, 1);
  for (int i = 0; i < 4; i++)
    tell_everybody(&s->world, texts[i]);
  swale_communicator_stall(p, 0);
  for (int i = 0; i < 3; i++)
    assert_int_equal(swale_communicator_expect_text(p, texts[i]), 1);
  assert_int_equal(swale_communicator_expect_nothing(p), 1);
  swale_layer_stats_get(s->world.layer, &stats);
  assert_int_equal(stats.dropped[SWALE_DROP_FULL], 1);
  swale_communicator_free(p);
}

static void a_peer_may_stall_from_the_start(void **state) {
  struct stage *s = *state;
  swale_communicator *p = peer_at(&s->world, "/");
  assert_int_equal(swale_communicator_stall(p, 1), 0);
  assert_int_equal(swale_communicator_connect(p), 0);
  tell_everybody(&s->world, "news");
  assert_int_equal(swale_communicator_expect_nothing(p), 1);
  swale_communicator_stall(p, 0);
  assert_int_equal(swale_communicator_expect_text(p, "news"), 1);
  swale_communicator_free(p);
}

static void a_consumer_cannot_send_without_end(void **state) {
  struct stage *s = *state;
  swale_communicator *p = connected_at(&s->world, "/");
  swale_communicator_capacity(p, 2);
  assert_int_equal(swale_communicator_send_text(p, "flood"), 0);
  assert_int_equal(s->answer, SWALE_EFULL);
  assert_int_equal(swale_communicator_expect_text(p, "drop"), 1);
  assert_int_equal(swale_communicator_expect_text(p, "drop"), 1);
  assert_int_equal(swale_communicator_expect_nothing(p), 1);
  swale_communicator_free(p);
}

/*
 * ---- from inside callbacks -------------------------------------------------------------------------------
 */

static void inside_a_callback_a_communicator_does_nothing(void **state) {
  struct stage *s = *state;
  s->peer = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_send_text(s->peer, "call"), 0);
  assert_int_equal(s->answer, SWALE_ESTATE);
  assert_int_equal(swale_communicator_expect_nothing(s->peer), 1);
  swale_communicator_free(s->peer);
}

static void but_it_may_be_freed_there(void **state) {
  struct stage *s = *state;
  s->peer = connected_at(&s->world, "/");
  assert_int_equal(swale_communicator_send_text(s->peer, "free"), 0);
  assert_int_equal(s->disconnects, 1);
  assert_int_equal(s->code, 1006);
}

/*
 * ---- memory
 * ------------------------------------------------------------------------------------------------
 */

static int talk(struct world *w) {
  struct swale_received got;
  swale_communicator *p;
  int rv = swale_app_route(w->app, "", &obedient);
  if (rv == 0)
    rv = swale_communicator_new(w->app, w->loop, "/", swale_testing_env_get(w->t), &p);
  if (rv)
    return rv;
  rv = swale_communicator_connect(p);
  if (rv == 0)
    rv = swale_communicator_send(p, SWALE_BINARY, "hello", 5);
  if (rv == 0)
    rv = swale_communicator_receive(p, &got);
  if (rv == 0)
    rv = swale_communicator_send_text(p, "hello");
  if (rv == 0 && swale_communicator_expect_text(p, "hello") == 0)
    rv = SWALE_ENOMEM;
  if (rv == 0)
    rv = swale_communicator_stall(p, 1);
  if (rv == 0)
    rv = swale_communicator_send_text(p, "close");
  swale_communicator_free(p);
  return rv;
}

static void talking_survives_every_failing_allocation(void **state) {
  struct stage s = {.disconnects = 0};
  (void)state;
  fail_every_allocation_in_a_world(talk, &s);
}

#define on_stage(test) cmocka_unit_test_setup_teardown(test, open_stage, world_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      on_stage(what_is_said_is_answered),
      on_stage(what_was_received_can_be_sent_back),
      on_stage(a_message_may_be_empty),
      on_stage(text_must_be_utf8_and_bytes_need_not),
      on_stage(an_expected_text_is_taken_and_any_other_stays),
      on_stage(what_a_group_is_sent_arrives_by_looking),
      on_stage(what_was_sent_to_a_group_before_is_handled_before),
      on_stage(a_consumer_may_close),
      on_stage(a_handler_that_fails_closes_with_1011),
      on_stage(a_peer_may_leave_with_a_code_or_vanish),
      on_stage(a_peer_cannot_leave_with_what_is_no_code),
      on_stage(before_connecting_there_is_nobody_to_talk_to),
      on_stage(messages_wait_for_a_peer_that_stalls),
      on_stage(what_exceeds_the_capacity_of_a_stalled_consumer_is_dropped),
      on_stage(a_peer_may_stall_from_the_start),
      on_stage(a_consumer_cannot_send_without_end),
      on_stage(inside_a_callback_a_communicator_does_nothing),
      on_stage(but_it_may_be_freed_there),
      cmocka_unit_test(talking_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

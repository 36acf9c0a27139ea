/* SPDX-License-Identifier: MIT */
/*
 * Every public function of libswale-testing, called while memory is short: with the first allocation failing, the second, ...,
 * once and for good (world.h sees to that). tests/check/allocations.py sees to it that none is missing here.
 */
#include "world.h"

#define TRY(call) UNIT_TRY(&error, call)

static int echo(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  return kind == SWALE_TEXT ? swale_send_text(c, data, len) : swale_send_bytes(c, data, len);
}

static int greet(swale_consumer *c) {
  swale_add_header(c, "X-A", "b");
  return swale_accept(c, NULL);
}

static const char *const protocols[] = {"p", NULL};
static const struct swale_consumer_class class = {
    .connect = greet, .receive = echo, .subprotocols = protocols};

static void talk(swale_communicator *p) {
  struct swale_received received;
  swale_communicator_accepted_subprotocol(p);
  swale_communicator_answer_header(p, "X-A");
  swale_communicator_body(p);
  swale_communicator_consumer(p);
  swale_communicator_send_text(p, "text");
  swale_communicator_expect_text(p, "text");
  swale_communicator_send(p, SWALE_BINARY, "bytes", 5);
  swale_communicator_receive(p, &received);
  swale_communicator_expect_nothing(p);
  swale_communicator_stall(p, 1);
  swale_communicator_stall(p, 0);
}

static int communicate(struct world *w) {
  swale_communicator *p;
  int error = 0;
  TRY(swale_app_route(w->app, "", &class));
  TRY(swale_communicator_new(w->app, w->loop, "/?x=1", swale_testing_env_get(w->t), &p));
  if (!p)
    return error;
  swale_communicator_capacity(p, 10);
  TRY(swale_communicator_header(p, "Cookie", "a=b"));
  TRY(swale_communicator_subprotocol(p, "p"));
  TRY(swale_communicator_address(p, "client:1", "server:1"));
  TRY(swale_communicator_connect(p));
  if (swale_communicator_answer(p) == 0)
    talk(p);
  swale_communicator_disconnect(p, 1000);
  swale_communicator_close_code(p);
  swale_communicator_close_reason(p);
  swale_communicator_free(p);
  return error;
}

static void of_communicators(void **state) {
  (void)state;
  fail_every_allocation_in_a_world(communicate, NULL);
}

static int look_around(struct world *w) {
  uint64_t before = swale_testing_now_ms(w->t), random;
  swale_testing_advance(w->t, 5);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 5), 0);
  assert_int_equal(swale_testing_now_ms(w->t), before + 10);
  assert_true(swale_testing_allocations(w->t) >= swale_testing_blocks(w->t));
  assert_true(swale_testing_bytes(w->t) >= swale_testing_blocks(w->t));
  swale_testing_fail_random(w->t, 1);
  const struct swale_env *env = swale_testing_env_get(w->t);
  assert_int_not_equal(env->random(&random, sizeof random, env->user), 0);
  swale_testing_fail_random(w->t, 0);
  return 0;
}

static void of_environments(void **state) {
  (void)state;
  fail_every_allocation_in_a_world(look_around, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_communicators),
      cmocka_unit_test(of_environments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

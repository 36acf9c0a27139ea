/* SPDX-License-Identifier: MIT */
#include "testing/communicator.h"

#include "world.h"

/* The class is called as the core calls it, for the errors that the core cannot be brought to cause. */
static const struct swale_transport_class *const calls = &swale__communicator_class;

static void memory_ends_after(struct world *w, uint64_t n) { swale_testing_fail_allocation(w->t, n, 1); }

static const struct swale_header headers[] = {{"x-first", "1"}, {"x-second", "2"}};

static void an_acceptance_is_kept_whole_or_not_at_all(void **state) {
  struct world *w = *state;
  swale_communicator *p = peer_at(w, "/");
  int rv = SWALE_ENOMEM;
  for (uint64_t n = 1; rv != 0; n++) {
    memory_ends_after(w, n);
    rv = calls->accept(p, "chat", headers, 2);
    assert_true(rv == 0 || rv == SWALE_ENOMEM);
    assert_int_equal(p->accepted, rv == 0);
    assert_int_equal(swale_communicator_accepted_subprotocol(p) != NULL, rv == 0);
    assert_int_equal(swale_communicator_answer_header(p, "X-First") != NULL, rv == 0);
  }
  swale_testing_fail_allocation(w->t, 0, 0);
  assert_string_equal(swale_communicator_accepted_subprotocol(p), "chat");
  assert_string_equal(swale_communicator_answer_header(p, "X-Second"), "2");
  swale_communicator_free(p);
}

static void a_refusal_without_memory_is_one_by_its_status(void **state) {
  struct world *w = *state;
  for (uint64_t n = 1; n <= 4; n++) {
    swale_communicator *p = peer_at(w, "/");
    memory_ends_after(w, n);
    assert_int_equal(calls->reject(p, 403, headers, 2, "no"), 0);
    swale_testing_fail_allocation(w->t, 0, 0);
    assert_null(swale_communicator_body(p));
    assert_null(swale_communicator_answer_header(p, "x-first"));
    assert_int_equal(swale_communicator_answer(p), 403);
    swale_communicator_free(p);
  }
}

static void what_cannot_be_kept_is_not_sent(void **state) {
  struct world *w = *state;
  swale_communicator *p = peer_at(w, "/");
  swale_payload *payload;
  assert_int_equal(swale_payload_new(SWALE_TEXT, "hi", 2, NULL, &payload), 0);
  memory_ends_after(w, 1);
  assert_int_equal(calls->send(p, payload), SWALE_ENOMEM);
  assert_int_equal(calls->send_bytes(p, SWALE_BINARY, "hi", 2), SWALE_ENOMEM);
  memory_ends_after(w, 2);
  assert_int_equal(calls->send_bytes(p, SWALE_BINARY, "hi", 2), SWALE_ENOMEM);
  swale_testing_fail_allocation(w->t, 0, 0);
  assert_int_equal(p->mail.count, 0);
  assert_int_equal(calls->send(p, payload), 0);
  swale_payload_unref(payload);
  assert_int_equal(swale_communicator_expect_text(p, "hi"), 1);
  swale_communicator_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_a_world(an_acceptance_is_kept_whole_or_not_at_all),
      in_a_world(a_refusal_without_memory_is_one_by_its_status),
      in_a_world(what_cannot_be_kept_is_not_sent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

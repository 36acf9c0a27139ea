/* SPDX-License-Identifier: MIT */
#include "world.h"

/* What the consumers of a test have seen. */
struct seen {
  int connects, disconnects;
  int code;
  swale_communicator *peer;
};

static struct seen *seen_by(swale_consumer *c) { return swale_scope_get(swale_consumer_scope(c), "seen"); }

/* A guard that gives every consumer of the app the test's struct. */
static int show(swale_scope *scope, void *seen) {
  return swale_scope_set(scope, "seen", seen, NULL) == 0 ? 0 : 500;
}

static int count_disconnect(swale_consumer *c, int code) {
  seen_by(c)->disconnects++;
  seen_by(c)->code = code;
  return 0;
}

/* ---- classes ---------------------------------------------------------------------------------- */

static int count_connect(swale_consumer *c) {
  seen_by(c)->connects++;
  return swale_accept(c, NULL);
}

static const struct swale_consumer_class open_house = {.connect = count_connect,
                                                       .disconnect = count_disconnect};

static int greet_with_headers(swale_consumer *c) {
  swale_add_header(c, "X-Greeting", "hello");
  return swale_accept(c, NULL);
}

static const char *const languages[] = {"german", "latin", NULL};
static const struct swale_consumer_class polite = {.connect = greet_with_headers, .subprotocols = languages};

static int turn_away(swale_consumer *c) {
  swale_add_header(c, "Retry-After", "60");
  return swale_reject(c, 429, "too many");
}

static const struct swale_consumer_class crowded = {.connect = turn_away};

static int fail_to_connect(swale_consumer *c) {
  (void)c;
  return -1;
}

static const struct swale_consumer_class broken = {.connect = fail_to_connect};

static int say_nothing(swale_consumer *c) {
  (void)c;
  return 0;
}

static const struct swale_consumer_class hesitant = {.connect = say_nothing};

/* Decides when a timer of its own fires. */
struct patience {
  struct swale_timer timer;
  swale_consumer *consumer;
};

static void accept_late(struct swale_timer *timer) {
  swale_accept(((struct patience *)timer)->consumer, NULL);
}

static int accept_in_a_second(swale_consumer *c) {
  struct patience *p = swale_state(c);
  *p = (struct patience){.timer = {.fire = accept_late}, .consumer = c};
  swale_timer_start(swale_consumer_loop(c), &p->timer, 1000);
  return 0;
}

static int give_up(swale_consumer *c, int code) {
  (void)code;
  swale_timer_stop(swale_consumer_loop(c), &((struct patience *)swale_state(c))->timer);
  return 0;
}

static const struct swale_consumer_class patient = {
    .state_size = sizeof(struct patience), .connect = accept_in_a_second, .disconnect = give_up};

static int slam_the_door(swale_consumer *c) {
  int rv = swale_accept(c, NULL);
  return rv ? rv : swale_close(c, 4000, "changed my mind");
}

static const struct swale_consumer_class fickle = {.connect = slam_the_door};

static int free_the_peer(swale_consumer *c) {
  swale_communicator_free(seen_by(c)->peer);
  return swale_accept(c, NULL);
}

static const struct swale_consumer_class hostile = {.connect = free_the_peer, .disconnect = count_disconnect};

static int tell_the_request(swale_consumer *c) {
  const swale_scope *s = swale_consumer_scope(c);
  assert_string_equal(swale_scope_type(s), "websocket");
  assert_string_equal(swale_scope_scheme(s), "ws");
  assert_string_equal(swale_scope_path(s), "/asked/a room/");
  assert_string_equal(swale_scope_query(s), "x=1&y=2");
  assert_string_equal(swale_scope_header(s, "Origin"), "http://example.org");
  assert_string_equal(swale_scope_client(s), "192.0.2.1:4711");
  assert_string_equal(swale_scope_server(s), "192.0.2.2:80");
  assert_string_equal(swale_scope_subprotocol(s, 1), "latin");
  return swale_accept(c, NULL);
}

static const struct swale_consumer_class curious = {.connect = tell_the_request};

/* ---- connecting ------------------------------------------------------------------------------- */

static void a_consumer_may_accept(void **state) {
  struct world *w = *state;
  struct seen seen = {0};
  assert_int_equal(swale_app_guard(w->app, show, &seen), 0);
  swale_app_route(w->app, "open/", &open_house);
  swale_communicator *p = peer_at(w, "/open/");
  assert_null(swale_communicator_consumer(p));
  assert_int_equal(swale_communicator_connect(p), 0);
  assert_non_null(swale_communicator_consumer(p));
  assert_null(swale_communicator_accepted_subprotocol(p));
  assert_null(swale_communicator_answer_header(p, "x-greeting"));
  assert_int_equal(seen.connects, 1);
  assert_int_equal(swale_communicator_answer(p), 0);
  swale_communicator_free(p);
}

static void an_acceptance_brings_subprotocol_and_headers(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "polite/", &polite);
  swale_communicator *p = peer_at(w, "/polite/");
  assert_int_equal(swale_communicator_subprotocol(p, "english"), 0);
  assert_int_equal(swale_communicator_subprotocol(p, "latin"), 0);
  assert_int_equal(swale_communicator_connect(p), 0);
  assert_string_equal(swale_communicator_accepted_subprotocol(p), "latin");
  assert_string_equal(swale_communicator_answer_header(p, "x-greeting"), "hello");
  swale_communicator_free(p);
}

static void a_refusal_brings_status_headers_and_body(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "crowded/", &crowded);
  swale_communicator *p = peer_at(w, "/crowded/");
  assert_int_equal(swale_communicator_connect(p), 429);
  assert_int_equal(swale_communicator_answer(p), 429);
  assert_string_equal(swale_communicator_body(p), "too many");
  assert_string_equal(swale_communicator_answer_header(p, "retry-after"), "60");
  assert_null(swale_communicator_consumer(p));
  swale_communicator_free(p);
}

static void a_connect_that_fails_is_a_500(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "broken/", &broken);
  swale_communicator *p = peer_at(w, "/broken/");
  assert_int_equal(swale_communicator_connect(p), 500);
  swale_communicator_free(p);
}

static int nobody_passes(swale_scope *scope, void *arg) {
  (void)scope, (void)arg;
  return 401;
}

static void routes_and_guards_refuse_before_there_is_a_consumer(void **state) {
  struct world *w = *state;
  swale_routes *members;
  swale_app_route(w->app, "open/", &polite);
  assert_int_equal(swale_routes_nest(swale_app_routes(w->app), "members/", &members), 0);
  swale_routes_add(members, "club/", &polite);
  swale_routes_guard(members, nobody_passes, NULL);
  swale_communicator *p = peer_at(w, "/nowhere/"), *q = peer_at(w, "/members/club/");
  assert_int_equal(swale_communicator_connect(p), 404);
  assert_int_equal(swale_communicator_connect(q), 401);
  assert_int_equal(swale_loop_consumers(w->loop), 0);
  swale_communicator_free(p);
  swale_communicator_free(q);
}

static void a_decision_may_come_later(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "patient/", &patient);
  swale_communicator *p = peer_at(w, "/patient/");
  assert_int_equal(swale_communicator_connect(p), SWALE_EAGAIN);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 999), 0);
  assert_int_equal(swale_communicator_answer(p), SWALE_EAGAIN);
  assert_int_equal(swale_communicator_send_text(p, "hurry"), SWALE_ESTATE);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 1), 0);
  assert_int_equal(swale_communicator_answer(p), 0);
  swale_communicator_free(p);
}

static void who_never_decides_refuses(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "hesitant/", &hesitant);
  swale_communicator *p = peer_at(w, "/hesitant/");
  assert_int_equal(swale_communicator_connect(p), SWALE_EAGAIN);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 5000), 0);
  assert_int_equal(swale_communicator_answer(p), 503);
  swale_communicator_free(p);
}

static void a_peer_may_leave_before_the_decision(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "patient/", &patient);
  swale_communicator *p = peer_at(w, "/patient/");
  assert_int_equal(swale_communicator_connect(p), SWALE_EAGAIN);
  assert_int_equal(swale_communicator_disconnect(p, 1006), 0);
  assert_int_equal(swale_testing_pass(w->t, w->loop, 2000), 0);
  assert_int_equal(swale_communicator_answer(p), SWALE_ECLOSED);
  swale_communicator_free(p);
}

static void an_acceptance_counts_even_if_a_close_follows_at_once(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "fickle/", &fickle);
  swale_communicator *p = peer_at(w, "/fickle/");
  assert_int_equal(swale_communicator_connect(p), 0);
  assert_int_equal(swale_communicator_close_code(p), 4000);
  assert_string_equal(swale_communicator_close_reason(p), "changed my mind");
  assert_null(swale_communicator_consumer(p));
  swale_communicator_free(p);
}

/* ---- the request ------------------------------------------------------------------------------ */

static void the_consumer_sees_the_request(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "asked/<room>/", &curious);
  swale_communicator *p = peer_at(w, "/asked/a%20room/?x=1&y=2");
  char name[] = "Origin", value[] = "http://example.org";
  assert_int_equal(swale_communicator_header(p, name, value), 0);
  name[0] = value[0] = '?';
  swale_communicator_subprotocol(p, "greek");
  swale_communicator_subprotocol(p, "latin");
  assert_int_equal(swale_communicator_address(p, "198.51.100.1:1", "198.51.100.2:2"), 0);
  assert_int_equal(swale_communicator_address(p, "192.0.2.1:4711", "192.0.2.2:80"), 0);
  assert_int_equal(swale_communicator_connect(p), 0);
  swale_communicator_free(p);
}

static void a_request_is_made_before_connecting_and_sent_once(void **state) {
  struct world *w = *state;
  swale_app_route(w->app, "polite/", &polite);
  swale_communicator *p = peer_at(w, "/polite/");
  assert_int_equal(swale_communicator_answer(p), SWALE_ESTATE);
  assert_int_equal(swale_communicator_connect(p), 0);
  assert_int_equal(swale_communicator_connect(p), SWALE_ESTATE);
  assert_int_equal(swale_communicator_header(p, "a", "b"), SWALE_ESTATE);
  assert_int_equal(swale_communicator_subprotocol(p, "a"), SWALE_ESTATE);
  assert_int_equal(swale_communicator_address(p, NULL, NULL), SWALE_ESTATE);
  swale_communicator_free(p);
}

static void what_no_request_could_hold_is_refused(void **state) {
  struct world *w = *state;
  swale_communicator *p = NULL;
  static const char *const paths[] = {"", "ws/", "/a b", "/\n", "/\x7f"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    assert_int_equal(swale_communicator_new(w->app, w->loop, paths[i], NULL, &p), SWALE_EINVAL);
    assert_null(p);
  }
  p = peer_at(w, "/");
  assert_int_equal(swale_communicator_header(p, "", "x"), SWALE_EINVAL);
  assert_int_equal(swale_communicator_header(p, "a b", "x"), SWALE_EINVAL);
  assert_int_equal(swale_communicator_header(p, "a", "x\r\ny: z"), SWALE_EINVAL);
  assert_int_equal(swale_communicator_header(p, "a", "x\ty \xC3\xBC"), 0);
  assert_int_equal(swale_communicator_subprotocol(p, "a,b"), SWALE_EINVAL);
  swale_communicator_free(p);
}

/* ---- the end -------------------------------------------------------------------------------------- */

static void freeing_breaks_the_connection(void **state) {
  struct world *w = *state;
  struct seen seen = {0};
  assert_int_equal(swale_app_guard(w->app, show, &seen), 0);
  swale_app_route(w->app, "open/", &open_house);
  swale_communicator_free(connected_at(w, "/open/"));
  assert_int_equal(seen.disconnects, 1);
  assert_int_equal(seen.code, 1006);
  swale_communicator_free(NULL);
}

static void a_communicator_may_be_freed_by_its_own_consumer(void **state) {
  struct world *w = *state;
  struct seen seen = {0};
  assert_int_equal(swale_app_guard(w->app, show, &seen), 0);
  swale_app_route(w->app, "hostile/", &hostile);
  seen.peer = peer_at(w, "/hostile/");
  assert_int_equal(swale_communicator_connect(seen.peer), SWALE_ECLOSED);
  assert_int_equal(seen.disconnects, 1);
  assert_int_equal(swale_loop_consumers(w->loop), 0);
}

static void a_loop_outlives_its_communicators(void **state) {
  struct world *w = *state;
  swale_communicator *p = peer_at(w, "/");
  assert_int_equal(swale_loop_free(w->loop), SWALE_ESTATE);
  swale_communicator_free(p);
}

static void without_an_environment_the_c_library_serves(void **state) {
  struct world *w = *state;
  struct swale_env clock_only = {.now_ms = swale_testing_env_get(w->t)->now_ms};
  const struct swale_env *const envs[] = {NULL, &clock_only};
  for (int i = 0; i < 2; i++) {
    swale_communicator *p;
    size_t blocks = swale_testing_blocks(w->t);
    assert_int_equal(swale_communicator_new(w->app, w->loop, "/", envs[i], &p), 0);
    assert_int_equal(swale_testing_blocks(w->t), blocks);
    swale_communicator_free(p);
  }
}

static int connect_and_leave(struct world *w) {
  swale_communicator *p;
  int rv = swale_app_route(w->app, "polite/", &polite);
  if (rv == 0)
    rv = swale_communicator_new(w->app, w->loop, "/polite/", swale_testing_env_get(w->t), &p);
  if (rv)
    return rv;
  rv = swale_communicator_header(p, "Cookie", "a=1");
  if (rv == 0)
    rv = swale_communicator_subprotocol(p, "latin");
  if (rv == 0)
    rv = swale_communicator_address(p, "192.0.2.1:4711", "192.0.2.2:80");
  if (rv == 0)
    rv = swale_communicator_connect(p);
  if (rv == 0)
    rv = swale_communicator_disconnect(p, 1000);
  swale_communicator_free(p);
  return rv;
}

static void connecting_survives_every_failing_allocation(void **state) {
  (void)state;
  fail_every_allocation_in_a_world(connect_and_leave, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_a_world(a_consumer_may_accept),
      in_a_world(an_acceptance_brings_subprotocol_and_headers),
      in_a_world(a_refusal_brings_status_headers_and_body),
      in_a_world(a_connect_that_fails_is_a_500),
      in_a_world(routes_and_guards_refuse_before_there_is_a_consumer),
      in_a_world(a_decision_may_come_later),
      in_a_world(who_never_decides_refuses),
      in_a_world(a_peer_may_leave_before_the_decision),
      in_a_world(an_acceptance_counts_even_if_a_close_follows_at_once),
      in_a_world(the_consumer_sees_the_request),
      in_a_world(a_request_is_made_before_connecting_and_sent_once),
      in_a_world(what_no_request_could_hold_is_refused),
      in_a_world(freeing_breaks_the_connection),
      in_a_world(a_communicator_may_be_freed_by_its_own_consumer),
      in_a_world(a_loop_outlives_its_communicators),
      in_a_world(without_an_environment_the_c_library_serves),
      cmocka_unit_test(connecting_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

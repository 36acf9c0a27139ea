/* SPDX-License-Identifier: MIT */
/* swale_consumer_open, and the decision that follows. */
#include "fake_transport.h"

#include <stdio.h>

static int open_target(struct fake *f, struct world *w, const char *target) {
  return fake_open_request(f, w, "a",
                           &(struct swale_request){.size = sizeof(struct swale_request), .target = target});
}

/* ---- refusals before there is a consumer ---- */

static void a_path_without_a_route_is_refused_with_404(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  assert_int_equal(open_target(&a, &w, "/a/b/"), 404);
  assert_null(a.c);
  assert_int_equal(open_target(&a, &w, "/"), 404);
  world_expect(&w, "!refused(404 /a/b/) !refused(404 /)");
  assert_int_equal(swale_app_consumers(w.app), 0);
  world_close(&w);
}

static void a_default_class_serves_what_has_no_route(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  assert_int_equal(swale_app_default(w.app, &fake_class), 0);
  assert_int_equal(open_target(&a, &w, "/a/b/"), 0);
  world_expect(&w, "/a/b/.connect a>accept");
  world_close(&w);
}

static int guard_status;
static int answer_status(swale_scope *scope) {
  assert_string_equal(swale_scope_param_text(scope, "name"), "a");
  return guard_status;
}

static void a_guard_refuses_with_its_status(void **state) {
  (void)state;
  static const int as_they_are[] = {400, 401, 403, 404, 429, 503, 599};
  static const int as_500[] = {1, -1, 200, 302, 399, 600};
  struct world w;
  struct fake a;
  char expected[128];
  world_start(&w);
  w.on_guard = answer_status;
  for (size_t i = 0; i < sizeof as_they_are / sizeof *as_they_are; i++) {
    guard_status = as_they_are[i];
    assert_int_equal(fake_open(&a, &w, "a"), guard_status);
    snprintf(expected, sizeof expected, "!refused(%d /a/)", guard_status);
    world_expect(&w, expected);
  }
  for (size_t i = 0; i < sizeof as_500 / sizeof *as_500; i++) {
    guard_status = as_500[i];
    assert_int_equal(fake_open(&a, &w, "a"), 500);
    assert_null(a.c);
    snprintf(expected, sizeof expected, "!callback(guard %d) !refused(500 /a/)", guard_status);
    world_expect(&w, expected);
  }
  assert_int_equal(swale_app_consumers(w.app), 0);
  guard_status = 0;
  fake_enter(&a, &w, "a");
  world_close(&w);
}

static void a_malformed_target_is_refused_with_400(void **state) {
  (void)state;
  static const char *const targets[] = {"",       "a/",    "/a%/", "/a%zz/",     "/%ff/",
                                        "/a%00/", "/a/#x", "*",    "http://h/a/"};
  struct world w;
  struct fake a;
  world_start(&w);
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    assert_int_equal(open_target(&a, &w, targets[i]), 400);
    assert_null(a.c);
  }
  world_close(&w);
}

static void a_request_of_an_unknown_size_is_our_own_fault(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  struct swale_request request = {.target = "/a/"};
  assert_int_equal(fake_open_request(&a, &w, "a", &request), SWALE_EINVAL);
  request.size = sizeof request + 1;
  assert_int_equal(fake_open_request(&a, &w, "a", &request), SWALE_EINVAL);
  assert_null(a.c);
  request.size = offsetof(struct swale_request, scheme); /* an older transport */
  assert_int_equal(fake_open_request(&a, &w, "a", &request), 0);
  world_close(&w);
}

static void more_consumers_than_the_app_allows_get_503(void **state) {
  (void)state;
  struct world w;
  struct fake a, b, c;
  world_init(&w);
  w.app_config.consumers_max = 2;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  for (int i = 0; i < 3; i++)
    assert_int_equal(fake_open(&c, &w, "c"), 503);
  assert_null(c.c);
  assert_int_equal(swale_app_consumers(w.app), 2);
  fake_lost(&a, 1000);
  fake_enter(&c, &w, "c");
  assert_int_equal(fake_open(&a, &w, "a"), 503);
  world_close(&w);
}

static void an_app_is_frozen_by_its_first_connection(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  assert_int_equal(swale_app_route(w.app, "more/", &fake_class), 0);
  assert_int_equal(open_target(&a, &w, "/nowhere/at/all"), 404);
  assert_int_equal(swale_app_route(w.app, "even/more/", &fake_class), SWALE_ESTATE);
  assert_int_equal(swale_app_layer(w.app, "second", w.layer), SWALE_ESTATE);
  world_close(&w);
}

/* ---- the consumer is known before its transport is called ---- */

static swale_consumer *known_in_connect;
static struct fake *opening;

static int look_at_out(swale_consumer *c) {
  known_in_connect = opening->c;
  return swale_accept(c, NULL);
}

static void the_consumer_is_known_before_connect_runs(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_connect = look_at_out;
  opening = &a;
  fake_enter(&a, &w, "a");
  assert_non_null(a.c);
  assert_ptr_equal(known_in_connect, a.c);
  world_close(&w);
}

/* ---- later ---- */

static void a_decision_may_come_later(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_start(&w);
  w.on_connect = fake_undecided;
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  world_expect(&w, "a.connect b.connect");
  world_pass(&w, 4000);
  w.wakes = 0;
  w.u.now_ms += 3;
  assert_int_equal(swale_accept(a.c, NULL), 0);
  assert_int_equal(swale_loop_now_ms(w.loop), w.u.now_ms); /* what its transport goes by */
  assert_int_equal(swale_reject(b.c, 402, "pay"), 0);
  world_expect(&w, "a>accept b>reject(402 pay)"); /* no callback outside of a run */
  assert_int_equal(w.wakes, 1);
  world_run(&w);
  world_expect(&w, "b.disconnect(1006)");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_pass(&w, 10000);
  world_expect(&w, "");
  assert_int_equal(fake_deliver(&a, "hi"), 0);
  world_expect(&w, "a.receive(hi)");
  world_close(&w);
}

static void without_a_decision_the_deadline_rejects_with_503(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.app_config.connect_timeout_ms = 300;
  w.on_connect = fake_undecided;
  assert_int_equal(world_open(&w, NULL), 0);
  fake_enter(&a, &w, "a");
  assert_in_range(swale_loop_timeout_ms(w.loop), 1, 300);
  world_pass(&w, 299);
  world_expect(&w, "a.connect");
  world_pass(&w, 1);
  world_expect(&w, "a>reject(503) a.disconnect(1006)");
  assert_int_equal(swale_loop_timeout_ms(w.loop), -1);
  world_close(&w);
}

static int accept_undecided(swale_consumer *c, swale_message *m) {
  (void)c;
  struct world *w = world_of(c);
  struct fake *f = w->more;
  (void)m;
  return f->c && !f->accepted ? swale_accept(f->c, NULL) : 0;
}

static void another_consumer_may_decide(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_start(&w);
  w.on_message = accept_undecided;
  w.more = &b;
  fake_enter(&a, &w, "a");
  w.on_connect = fake_undecided;
  fake_enter(&b, &w, "b");
  world_send(&w, fake_channel(b.c), "other", "waits");
  world_send(&w, fake_channel(a.c), "note", "decide");
  world_send(&w, fake_channel(b.c), "other", "waits, too");
  world_run(&w);
  world_expect(&w, "a.connect a>accept b.connect a.note(decide) b>accept b.other(waits) b.other(waits, too)");
  world_close(&w);
}

static int connect_accept_fails(swale_consumer *c) {
  assert_int_equal(swale_accept(c, NULL), SWALE_ENOMEM);
  return 0;
}

static void an_accept_that_fails_leaves_the_decision_open(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_start(&w);
  w.fail_accept = SWALE_ENOMEM;
  w.on_connect = connect_accept_fails;
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  w.fail_accept = 0;
  assert_int_equal(swale_accept(a.c, NULL), 0);
  world_expect(&w, "a.connect b.connect a>accept");
  world_pass(&w, 5000);
  world_expect(&w, "b>reject(503) b.disconnect(1006)");
  w.fail_accept = SWALE_ENOMEM;
  w.on_connect = NULL; /* returns what swale_accept answered */
  fake_enter(&b, &w, "b");
  world_expect(&w, "b.connect !callback(connect -1) b>reject(500) b.disconnect(1006)");
  world_close(&w);
}

static void a_class_without_connect_that_cannot_accept_rejects(void **state) {
  (void)state;
  static const struct swale_consumer_class plain = {.name = "plain"};
  struct world w;
  struct fake a;
  world_init(&w);
  w.fail_accept = SWALE_ENOMEM;
  assert_int_equal(world_open(&w, &plain), 0);
  fake_enter(&a, &w, "a");
  world_expect(&w, "!callback(connect -1) a>reject(500)");
  world_close(&w);
}

/* ---- the scope ---- */

static const struct swale_header request_headers[] = {{"Host", "example.org"}, {"Cookie", "k=v; l=w"}};
static const char *const request_subprotocols[] = {"chat", "news"};

static const struct swale_request full_request = {
    .size = sizeof full_request,
    .target = "/a/?x=1&y=two%20words",
    .scheme = "wss",
    .client = "10.0.0.1:5000",
    .server = "10.0.0.2:80",
    .headers = request_headers,
    .n_headers = 2,
    .subprotocols = request_subprotocols,
    .n_subprotocols = 2,
};

static void check_whole_scope(const swale_scope *s) {
  char text[32];
  assert_string_equal(swale_scope_type(s), "websocket");
  assert_string_equal(swale_scope_path(s), "/a/");
  assert_string_equal(swale_scope_raw_path(s), "/a/");
  assert_string_equal(swale_scope_query(s), "x=1&y=two%20words");
  assert_string_equal(swale_scope_scheme(s), "wss");
  assert_string_equal(swale_scope_client(s), "10.0.0.1:5000");
  assert_string_equal(swale_scope_server(s), "10.0.0.2:80");
  assert_string_equal(swale_scope_header(s, "HOST"), "example.org");
  assert_int_equal(swale_scope_cookie(s, "l", text, sizeof text), 0);
  assert_string_equal(text, "w");
  assert_int_equal(swale_scope_query_param(s, "y", text, sizeof text), 0);
  assert_string_equal(text, "two words");
  assert_string_equal(swale_scope_subprotocol(s, 1), "news");
  assert_string_equal(swale_scope_param_text(s, "name"), "a");
  assert_ptr_equal(swale_scope_get(s, "user"), "somebody");
}

static unsigned released;
static void release(void *value) {
  assert_string_equal(value, "somebody");
  released++;
}

static int set_user(swale_scope *scope) {
  return swale_scope_set(scope, "user", (void *)(uintptr_t) "somebody", release);
}

/* Strings taken at the start of connect are still good at its end, whatever was decided in between. */
static int hold_strings(swale_consumer *c) {
  const swale_scope *s = swale_consumer_scope(c);
  const char *query = swale_scope_query(s), *host = swale_scope_header(s, "host"),
             *sub = swale_scope_subprotocol(s, 0);
  const struct swale_param *param = swale_scope_param(s, "name");
  assert_int_equal(swale_accept(c, NULL), 0);
  assert_ptr_equal(swale_consumer_scope(c), s);
  assert_string_equal(query, "x=1&y=two%20words");
  assert_string_equal(host, "example.org");
  assert_string_equal(sub, "chat");
  assert_string_equal(param->text, "a");
  check_whole_scope(s);
  return 0;
}

static void the_scope_is_whole_until_the_callback_that_accepted_has_returned(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_guard = set_user;
  w.on_connect = hold_strings;
  released = 0;
  assert_int_equal(fake_open_request(&a, &w, "a", &full_request), 0);
  const swale_scope *s = swale_consumer_scope(a.c);
  assert_string_equal(swale_scope_type(s), "websocket");
  assert_string_equal(swale_scope_path(s), "/a/");
  assert_string_equal(swale_scope_param_text(s, "name"), "a");
  assert_ptr_equal(swale_scope_get(s, "user"), "somebody");
  assert_null(swale_scope_query(s));
  assert_null(swale_scope_raw_path(s));
  assert_null(swale_scope_header(s, "host"));
  assert_null(swale_scope_scheme(s));
  assert_null(swale_scope_client(s));
  assert_null(swale_scope_server(s));
  assert_null(swale_scope_subprotocol(s, 0));
  assert_int_equal(released, 0);
  fake_lost(&a, 1000);
  assert_int_equal(released, 1);
  world_close(&w);
}

static void the_scope_moves_only_once(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  assert_int_equal(fake_open_request(&a, &w, "a", &full_request), 0);
  const swale_scope *s = swale_consumer_scope(a.c);
  const char *path = swale_scope_path(s);
  for (int i = 0; i < 5; i++) {
    fake_pause(&a);
    world_send(&w, fake_channel(a.c), "note", "x");
    world_run(&w);
    fake_resume(&a);
    assert_ptr_equal(swale_consumer_scope(a.c), s);
    assert_ptr_equal(swale_scope_path(s), path);
  }
  world_close(&w);
}

static int add_a_header(swale_consumer *c) {
  assert_int_equal(swale_add_header(c, "x", "y"), 0);
  return swale_accept(c, NULL);
}

static void what_was_needed_to_decide_is_freed_then(void **state) {
  (void)state;
  struct world w;
  struct fake a, b, c;
  world_start(&w);
  fake_enter(&a, &w, "a");
  long before = w.u.live;
  fake_enter(&b, &w, "b");
  assert_int_equal(w.u.live, before + 2); /* the consumer and its scope */
  w.on_connect = add_a_header;
  fake_enter(&c, &w, "c");
  assert_int_equal(w.u.live, before + 4);
  world_close(&w);
}

static void the_scope_keeps_what_the_app_says(void **state) {
  (void)state;
  for (unsigned keep = 0; keep <= SWALE_KEEP_ALL; keep++) {
    struct world w;
    struct fake a;
    world_init(&w);
    w.app_config.keep = keep;
    w.on_guard = set_user;
    assert_int_equal(world_open(&w, NULL), 0);
    assert_int_equal(fake_open_request(&a, &w, "a", &full_request), 0);
    const swale_scope *s = swale_consumer_scope(a.c);
    assert_int_equal(swale_scope_header(s, "host") != NULL, (keep & SWALE_KEEP_HEADERS) != 0);
    assert_int_equal(swale_scope_client(s) != NULL, (keep & SWALE_KEEP_HEADERS) != 0);
    assert_int_equal(swale_scope_query(s) != NULL, (keep & SWALE_KEEP_QUERY) != 0);
    assert_int_equal(swale_scope_subprotocol(s, 0) != NULL, (keep & SWALE_KEEP_SUBPROTOCOLS) != 0);
    if (keep == SWALE_KEEP_ALL)
      check_whole_scope(s);
    world_close(&w);
  }
}

static void an_undecided_consumer_has_its_whole_scope(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_guard = set_user;
  w.on_connect = fake_undecided;
  assert_int_equal(fake_open_request(&a, &w, "a", &full_request), 0);
  world_pass(&w, 1000);
  check_whole_scope(swale_consumer_scope(a.c));
  assert_int_equal(swale_accept(a.c, NULL), 0);
  check_whole_scope(swale_consumer_scope(a.c)); /* until the loop runs */
  world_run(&w);
  assert_null(swale_scope_query(swale_consumer_scope(a.c)));
  world_close(&w);
}

static int check_in_disconnect(swale_consumer *c, int code) {
  (void)code;
  check_whole_scope(swale_consumer_scope(c));
  return 0;
}

static int reject_all(swale_consumer *c) { return swale_reject(c, 403, NULL); }

static void a_rejected_consumer_has_its_whole_scope_in_disconnect(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_guard = set_user;
  w.on_connect = reject_all;
  w.on_disconnect = check_in_disconnect;
  released = 0;
  assert_int_equal(fake_open_request(&a, &w, "a", &full_request), 0);
  world_expect(&w, "a.connect a>reject(403) a.disconnect(1006)");
  assert_int_equal(released, 1);
  world_close(&w);
}

static void what_guards_left_is_released_when_the_request_is_refused(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_init(&w);
  w.app_config.consumers_max = 1;
  w.on_guard = set_user;
  assert_int_equal(world_open(&w, NULL), 0);
  released = 0;
  fake_enter(&a, &w, "a");
  struct fake b;
  assert_int_equal(fake_open(&b, &w, "b"), 503);
  assert_int_equal(released, 1);
  world_close(&w);
  assert_int_equal(released, 2);
}

static void without_memory_the_scope_stays_as_it_was(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_guard = set_user;
  w.on_connect = fake_undecided;
  assert_int_equal(fake_open_request(&a, &w, "a", &full_request), 0);
  assert_int_equal(swale_accept(a.c, NULL), 0);
  w.u.fail_at = 1;
  assert_int_equal(swale_loop_run(w.loop), 0);
  assert_int_equal(w.u.fail_at, 0);
  check_whole_scope(swale_consumer_scope(a.c));
  world_close(&w);
}

/* ---- memory that runs out ---- */

static int defer_with_headers(swale_consumer *c) {
  int rv = 0;
  for (int i = 0; rv == 0 && i < 5; i++) {
    char value[2] = {(char)('0' + i), '\0'};
    rv = swale_add_header(c, "x-header", value);
  }
  return rv;
}

static const char whole_deferred[] =
    "a.connect a>accept(news) a>header(x-header: 0) a>header(x-header: 1) a>header(x-header: 2) "
    "a>header(x-header: 3) "
    "a>header(x-header: 4) a.note(waited) b.connect b>reject(402 pay) b>header(x-header: 0) "
    "b>header(x-header: 1) "
    "b>header(x-header: 2) b>header(x-header: 3) b>header(x-header: 4) b.disconnect(1006) a.disconnect(1000)";

static int errors;
static void count_error(struct world *w, const struct swale_report *r) {
  (void)w;
  (void)r;
  errors++;
}

static int note_error(int rv) {
  if (rv < 0)
    errors++;
  return rv;
}

static void decide_later(struct world *w) {
  struct fake a, b;
  note_error(fake_open_request(&a, w, "a", &full_request));
  if (a.c) {
    note_error(world_send(w, fake_channel(a.c), "note", "waited"));
    world_settle(w);
    note_error(swale_accept(a.c, "news"));
    world_settle(w);
  }
  note_error(fake_open(&b, w, "b"));
  if (b.c) {
    note_error(swale_reject(b.c, 402, "pay"));
    world_settle(w);
  }
  if (a.c)
    fake_lost(&a, 1000);
  world_settle(w);
}

static int deferred_life(struct unit_env *u) {
  struct world w;
  world_init(&w);
  w.u.fail_at = u->fail_at;
  w.on_connect = defer_with_headers;
  w.on_error = count_error;
  w.on_guard = set_user;
  errors = 0;
  int rv = world_open(&w, NULL);
  if (rv == 0) {
    decide_later(&w);
    bool whole = strcmp(w.log, whole_deferred) == 0;
    assert_true(whole || errors > 0 || world_stats(&w).dropped[SWALE_DROP_NOMEM] > 0);
    if (w.u.fail_at > 0)
      assert_true(whole);
    rv = whole ? 0 : SWALE_ENOMEM;
  }
  world_close(&w);
  u->fail_at = w.u.fail_at;
  return rv;
}

static void no_failing_allocation_breaks_a_deferred_decision(void **state) {
  (void)state;
  unit_fail_every_allocation(deferred_life);
}

static void without_random_bytes_there_is_no_consumer(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.u.random_fails = 1;
  assert_int_equal(fake_open(&a, &w, "a"), SWALE_ERANDOM);
  assert_null(a.c);
  assert_int_equal(swale_app_consumers(w.app), 0);
  w.u.random_fails = 0;
  fake_enter(&a, &w, "a");
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_path_without_a_route_is_refused_with_404),
      cmocka_unit_test(a_default_class_serves_what_has_no_route),
      cmocka_unit_test(a_guard_refuses_with_its_status),
      cmocka_unit_test(a_malformed_target_is_refused_with_400),
      cmocka_unit_test(a_request_of_an_unknown_size_is_our_own_fault),
      cmocka_unit_test(more_consumers_than_the_app_allows_get_503),
      cmocka_unit_test(an_app_is_frozen_by_its_first_connection),
      cmocka_unit_test(the_consumer_is_known_before_connect_runs),
      cmocka_unit_test(a_decision_may_come_later),
      cmocka_unit_test(without_a_decision_the_deadline_rejects_with_503),
      cmocka_unit_test(another_consumer_may_decide),
      cmocka_unit_test(an_accept_that_fails_leaves_the_decision_open),
      cmocka_unit_test(a_class_without_connect_that_cannot_accept_rejects),
      cmocka_unit_test(the_scope_is_whole_until_the_callback_that_accepted_has_returned),
      cmocka_unit_test(the_scope_moves_only_once),
      cmocka_unit_test(what_was_needed_to_decide_is_freed_then),
      cmocka_unit_test(the_scope_keeps_what_the_app_says),
      cmocka_unit_test(an_undecided_consumer_has_its_whole_scope),
      cmocka_unit_test(a_rejected_consumer_has_its_whole_scope_in_disconnect),
      cmocka_unit_test(what_guards_left_is_released_when_the_request_is_refused),
      cmocka_unit_test(without_memory_the_scope_stays_as_it_was),
      cmocka_unit_test(no_failing_allocation_breaks_a_deferred_decision),
      cmocka_unit_test(without_random_bytes_there_is_no_consumer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

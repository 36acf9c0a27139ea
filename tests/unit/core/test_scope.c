/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "core/scope.h"

static const struct swale_header headers[] = {
    {"Host", "example.com"}, {"X-Tag", "one"}, {"x-tag", "two"}, {"Empty", ""}};
static const char *const subprotocols[] = {"chat.v2", "chat.v1"};

static struct swale_request full_request(void) {
  return (struct swale_request){
      .size = sizeof(struct swale_request),
      .target = "/ws/caf%C3%A9/?x=1&y=%20",
      .scheme = "wss",
      .client = "192.0.2.1:4711",
      .server = "192.0.2.2:443",
      .headers = headers,
      .n_headers = 4,
      .subprotocols = subprotocols,
      .n_subprotocols = 2,
  };
}

static struct swale_request bare_request(const char *target) {
  return (struct swale_request){.size = sizeof(struct swale_request), .target = target};
}

static int try_target(const char *target) {
  struct unit_env u;
  unit_env_init(&u);
  struct swale_request request = bare_request(target);
  swale_scope *scope = NULL;
  int rv = swale__scope_new(&u.env.allocator, "websocket", &request, &scope);
  swale__scope_free(scope, &u.env.allocator);
  assert_int_equal(u.live, 0);
  return rv;
}

static swale_scope *new_scope(struct unit_env *u, struct swale_request request) {
  swale_scope *scope = NULL;
  assert_int_equal(swale__scope_new(&u->env.allocator, "websocket", &request, &scope), 0);
  return scope;
}

static struct swale__capture capture(const char *name, const char *text, size_t len) {
  return (struct swale__capture){.param = {.name = name, .text = text}, .len = len};
}

static void assert_header(const swale_scope *scope, size_t i, const char *name, const char *value) {
  const struct swale_header *header = swale_scope_header_at(scope, i);
  assert_non_null(header);
  assert_string_equal(header->name, name);
  assert_string_equal(header->value, value);
}

static void assert_headers(const swale_scope *scope) {
  assert_header(scope, 3, "empty", "");
  assert_header(scope, 0, "host", "example.com");
  assert_header(scope, 1, "x-tag", "one");
  assert_header(scope, 1, "x-tag", "one");
  assert_header(scope, 2, "x-tag", "two");
  assert_null(swale_scope_header_at(scope, 4));
  assert_string_equal(swale_scope_header(scope, "X-TAG"), "one");
  assert_string_equal(swale_scope_header(scope, "empty"), "");
  assert_null(swale_scope_header(scope, "x-ta"));
  assert_null(swale_scope_header(scope, "x-tags"));
}

static void a_request_is_taken_apart(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = new_scope(&u, full_request());
  assert_int_equal(u.live, 1);
  assert_string_equal(swale_scope_type(scope), "websocket");
  assert_string_equal(swale_scope_path(scope), "/ws/caf\xc3\xa9/");
  assert_string_equal(swale_scope_raw_path(scope), "/ws/caf%C3%A9/");
  assert_string_equal(swale_scope_query(scope), "x=1&y=%20");
  assert_string_equal(swale_scope_scheme(scope), "wss");
  assert_string_equal(swale_scope_client(scope), "192.0.2.1:4711");
  assert_string_equal(swale_scope_server(scope), "192.0.2.2:443");
  assert_string_equal(swale_scope_subprotocol(scope, 0), "chat.v2");
  assert_string_equal(swale_scope_subprotocol(scope, 1), "chat.v1");
  assert_null(swale_scope_subprotocol(scope, 2));
  assert_headers(scope);
  swale__scope_free(scope, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

static void what_a_request_lacks_is_null_but_the_query(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = new_scope(&u, bare_request("/"));
  assert_string_equal(swale_scope_path(scope), "/");
  assert_string_equal(swale_scope_query(scope), "");
  assert_null(swale_scope_scheme(scope));
  assert_null(swale_scope_client(scope));
  assert_null(swale_scope_server(scope));
  assert_null(swale_scope_subprotocol(scope, 0));
  assert_null(swale_scope_header(scope, "host"));
  assert_null(swale_scope_header_at(scope, 0));
  assert_null(swale_scope_param_at(scope, 0));
  assert_null(swale_scope_param(scope, "x"));
  assert_null(swale_scope_param_text(scope, "x"));
  assert_null(swale_scope_get(scope, "user"));
  swale__scope_free(scope, &u.env.allocator);
}

static void a_server_without_a_client_is_still_the_server(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale_request request = full_request();
  request.client = NULL;
  swale_scope *scope = new_scope(&u, request);
  assert_null(swale_scope_client(scope));
  assert_string_equal(swale_scope_server(scope), "192.0.2.2:443");
  assert_headers(scope);
  swale__scope_free(scope, &u.env.allocator);
}

static void a_target_is_split_at_the_first_question_mark(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = new_scope(&u, bare_request("/a+b%2Fc%3Fd?e?f"));
  assert_string_equal(swale_scope_path(scope), "/a+b/c?d");
  assert_string_equal(swale_scope_query(scope), "e?f");
  swale__scope_free(scope, &u.env.allocator);
}

static void bad_targets_are_refused(void **state) {
  (void)state;
  assert_int_equal(try_target(NULL), SWALE_EFORMAT);
  assert_int_equal(try_target(""), SWALE_EFORMAT);
  assert_int_equal(try_target("ws/"), SWALE_EFORMAT);
  assert_int_equal(try_target("?x"), SWALE_EFORMAT);
  assert_int_equal(try_target("*"), SWALE_EFORMAT);
  assert_int_equal(try_target("/a#b"), SWALE_EFORMAT);
  assert_int_equal(try_target("/a?b#"), SWALE_EFORMAT);
  assert_int_equal(try_target("/%"), SWALE_EFORMAT);
  assert_int_equal(try_target("/%4"), SWALE_EFORMAT);
  assert_int_equal(try_target("/%4?1"), SWALE_EFORMAT);
  assert_int_equal(try_target("/%g1"), SWALE_EFORMAT);
  assert_int_equal(try_target("/%00"), SWALE_EFORMAT);
  assert_int_equal(try_target("/%ff"), SWALE_EUTF8);
  assert_int_equal(try_target("/\xc3"), SWALE_EUTF8);
  assert_int_equal(try_target("/%c3%28"), SWALE_EUTF8);
  assert_int_equal(try_target("/%ff%4"), SWALE_EFORMAT);
  assert_int_equal(try_target("/\xc3%a9?%ff%00%"), 0); /* the query is nobody's business yet */
}

static void a_request_of_another_size_is_refused_or_read_as_far_as_it_goes(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = NULL;
  struct swale_request request = full_request();
  request.size = 0;
  assert_int_equal(swale__scope_new(&u.env.allocator, "websocket", &request, &scope), SWALE_EINVAL);
  request.size = sizeof request + 1;
  assert_int_equal(swale__scope_new(&u.env.allocator, "websocket", &request, &scope), SWALE_EINVAL);
  request.size = offsetof(struct swale_request, headers);
  scope = new_scope(&u, request);
  assert_string_equal(swale_scope_server(scope), "192.0.2.2:443");
  assert_null(swale_scope_header_at(scope, 0));
  assert_null(swale_scope_subprotocol(scope, 0));
  swale__scope_free(scope, &u.env.allocator);
}

static void too_many_headers_or_subprotocols_are_refused(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = NULL;
  struct swale_request request = full_request();
  request.n_headers = 65536;
  assert_int_equal(swale__scope_new(&u.env.allocator, "websocket", &request, &scope), SWALE_ESIZE);
  request = full_request();
  request.n_subprotocols = 65536;
  assert_int_equal(swale__scope_new(&u.env.allocator, "websocket", &request, &scope), SWALE_ESIZE);
  assert_int_equal(u.allocated, 0);
}

static void a_worker_has_its_channel_for_a_path(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = NULL;
  assert_int_equal(swale__scope_new_channel(&u.env.allocator, "thumbnails", &scope), 0);
  scope = swale__scope_settle(scope, SWALE_KEEP_ALL);
  assert_string_equal(swale_scope_type(scope), "channel");
  assert_string_equal(swale_scope_path(scope), "thumbnails");
  assert_null(swale_scope_raw_path(scope));
  assert_null(swale_scope_query(scope));
  assert_null(swale_scope_header_at(scope, 0));
  swale__scope_free(scope, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

static void assert_params(const swale_scope *scope) {
  assert_string_equal(swale_scope_param_text(scope, "room"), "lobby");
  assert_int_equal(swale_scope_param_int(scope, "id", -1), 42);
  assert_int_equal(swale_scope_param_int(scope, "room", -1), -1);
  assert_int_equal(swale_scope_param_int(scope, "none", -1), -1);
  assert_string_equal(swale_scope_param_at(scope, 0)->name, "id");
  assert_string_equal(swale_scope_param_at(scope, 1)->name, "room");
  assert_null(swale_scope_param_at(scope, 2));
}

static int give_params(swale_scope **scope) {
  struct swale__capture captures[] = {capture("room", "outer/", 5), capture("id", "42/", 2),
                                      capture("room", "lobby/", 5)};
  captures[1].param.type = SWALE_PARAM_INT;
  captures[1].param.as.integer = 42;
  return swale__scope_set_params(scope, captures, 3);
}

static void of_parameters_with_one_name_the_later_wins(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = new_scope(&u, full_request());
  assert_int_equal(swale__scope_set_params(&scope, NULL, 0), 0);
  assert_int_equal(give_params(&scope), 0);
  assert_params(scope);
  swale__scope_free(scope, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

static void a_settled_scope_keeps_path_and_parameters_only(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = new_scope(&u, full_request());
  assert_int_equal(give_params(&scope), 0);
  scope = swale__scope_settle(scope, 0);
  assert_int_equal(u.live, 1);
  assert_string_equal(swale_scope_type(scope), "websocket");
  assert_string_equal(swale_scope_path(scope), "/ws/caf\xc3\xa9/");
  assert_params(scope);
  assert_null(swale_scope_raw_path(scope));
  assert_null(swale_scope_query(scope));
  assert_null(swale_scope_scheme(scope));
  assert_null(swale_scope_client(scope));
  assert_null(swale_scope_server(scope));
  assert_null(swale_scope_header(scope, "host"));
  assert_null(swale_scope_header_at(scope, 0));
  assert_null(swale_scope_subprotocol(scope, 0));
  char out[8];
  assert_int_equal(swale_scope_query_param(scope, "x", out, sizeof out), SWALE_ENOTFOUND);
  assert_int_equal(swale_scope_cookie(scope, "x", out, sizeof out), SWALE_ENOTFOUND);
  swale__scope_free(scope, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

static void a_settled_scope_keeps_what_it_is_told_to(void **state) {
  (void)state;
  for (unsigned keep = 0; keep <= SWALE_KEEP_ALL; keep++) {
    struct unit_env u;
    unit_env_init(&u);
    swale_scope *scope = new_scope(&u, full_request());
    assert_int_equal(give_params(&scope), 0);
    scope = swale__scope_settle(scope, keep);
    scope = swale__scope_settle(scope, keep); /* once more changes nothing */
    assert_int_equal(u.live, 1);
    assert_params(scope);
    assert_int_equal(swale_scope_client(scope) != NULL, (keep & SWALE_KEEP_HEADERS) != 0);
    assert_int_equal(swale_scope_query(scope) != NULL, (keep & SWALE_KEEP_QUERY) != 0);
    assert_int_equal(swale_scope_subprotocol(scope, 1) != NULL, (keep & SWALE_KEEP_SUBPROTOCOLS) != 0);
    if (keep & SWALE_KEEP_HEADERS) {
      assert_headers(scope);
      assert_string_equal(swale_scope_scheme(scope), "wss");
      assert_string_equal(swale_scope_server(scope), "192.0.2.2:443");
    }
    if (keep & SWALE_KEEP_QUERY) {
      assert_string_equal(swale_scope_query(scope), "x=1&y=%20");
      assert_string_equal(swale_scope_raw_path(scope), "/ws/caf%C3%A9/");
    }
    if (keep & SWALE_KEEP_SUBPROTOCOLS)
      assert_string_equal(swale_scope_subprotocol(scope, 1), "chat.v1");
    swale__scope_free(scope, &u.env.allocator);
    assert_int_equal(u.live, 0);
  }
}

static void without_memory_to_settle_the_scope_stays_as_it_is(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_scope *scope = new_scope(&u, full_request());
  assert_int_equal(give_params(&scope), 0);
  u.fail_at = 1;
  assert_ptr_equal(swale__scope_settle(scope, 0), scope);
  assert_params(scope);
  assert_headers(scope);
  assert_string_equal(swale_scope_query(scope), "x=1&y=%20");
  swale__scope_free(scope, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

/* ---- guard values --------------------------------------------------------------------------- */

struct released {
  int times;
  int *count;
};

static void release(void *value) {
  struct released *r = value;
  r->times = ++*r->count;
}

static void guard_values_are_released_once_the_last_one_first(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  int count = 0;
  struct released a = {0, &count}, b = {0, &count}, c = {0, &count};
  swale_scope *scope = new_scope(&u, full_request());
  assert_int_equal(swale_scope_set(scope, "user", &a, release), 0);
  assert_int_equal(swale_scope_set(scope, "session", &b, release), 0);
  assert_int_equal(swale_scope_set(scope, "plain", &count, NULL), 0);
  assert_ptr_equal(swale_scope_get(scope, "user"), &a);
  assert_int_equal(swale_scope_set(scope, "user", &c, release), 0);
  assert_int_equal(a.times, 1);
  assert_ptr_equal(swale_scope_get(scope, "user"), &c);
  scope = swale__scope_settle(scope, 0);
  assert_int_equal(count, 1);
  assert_ptr_equal(swale_scope_get(scope, "user"), &c);
  assert_ptr_equal(swale_scope_get(scope, "plain"), &count);
  assert_null(swale_scope_get(scope, "other"));
  assert_int_equal(swale_scope_set(scope, "late", &a, NULL), 0);
  swale__scope_free(scope, &u.env.allocator);
  assert_int_equal(b.times, 2);
  assert_int_equal(c.times, 3);
  assert_int_equal(a.times, 1);
  assert_int_equal(u.live, 0);
}

static void there_is_room_for_32_guard_values(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  char keys[33][4];
  int values[33];
  swale_scope *scope = new_scope(&u, full_request());
  for (int i = 0; i < 33; i++) {
    keys[i][0] = 'k', keys[i][1] = (char)('0' + i / 10), keys[i][2] = (char)('0' + i % 10), keys[i][3] = '\0';
    assert_int_equal(swale_scope_set(scope, keys[i], &values[i], NULL), i < 32 ? 0 : SWALE_EFULL);
  }
  assert_int_equal(swale_scope_set(scope, keys[0], &values[32], NULL), 0);
  assert_ptr_equal(swale_scope_get(scope, "k00"), &values[32]);
  assert_ptr_equal(swale_scope_get(scope, "k31"), &values[31]);
  swale__scope_free(scope, &u.env.allocator);
}

static void a_value_that_could_not_be_set_stays_the_callers(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  int count = 0;
  struct released a = {0, &count};
  swale_scope *scope = new_scope(&u, full_request());
  u.fail_at = 1;
  assert_int_equal(swale_scope_set(scope, "user", &a, release), SWALE_ENOMEM);
  assert_null(swale_scope_get(scope, "user"));
  swale__scope_free(scope, &u.env.allocator);
  assert_int_equal(count, 0);
  assert_int_equal(u.live, 0);
}

static void freeing_no_scope_is_fine(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale__scope_free(NULL, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

/* ---- memory --------------------------------------------------------------------------------- */

static int whole_life(struct unit_env *u) {
  struct swale_request request = full_request();
  swale_scope *scope = NULL;
  int rv = swale__scope_new(&u->env.allocator, "websocket", &request, &scope);
  if (rv < 0)
    return rv;
  rv = give_params(&scope);
  for (int i = 0; i < 3 && rv == 0; i++)
    rv = swale_scope_set(scope, i == 0 ? "a" : i == 1 ? "b" : "c", u, NULL);
  long refusing = u->fail_at;
  swale_scope *settled = swale__scope_settle(scope, SWALE_KEEP_ALL);
  if (rv == 0)
    rv = settled == scope && refusing > 0 ? SWALE_ENOMEM : 0;
  swale__scope_free(settled, &u->env.allocator);
  return rv;
}

static int worker_life(struct unit_env *u) {
  swale_scope *scope = NULL;
  int rv = swale__scope_new_channel(&u->env.allocator, "thumbnails", &scope);
  if (rv == 0)
    swale__scope_free(scope, &u->env.allocator);
  return rv;
}

static void every_failed_allocation_is_an_error_and_no_leak(void **state) {
  (void)state;
  unit_fail_every_allocation(whole_life);
  unit_fail_every_allocation(worker_life);
}

/* An allocator that remembers the last size asked for. */
static void *measuring_malloc(size_t size, void *user) {
  *(size_t *)user = size;
  return malloc(size);
}

static void *measuring_realloc(void *block, size_t size, void *user) {
  *(size_t *)user = size;
  return realloc(block, size);
}

static void measuring_free(void *block, void *user) {
  (void)user;
  free(block);
}

static size_t settled_size(const struct swale_request *request, unsigned keep) {
  size_t last = 0;
  struct swale_allocator a = {measuring_malloc, measuring_realloc, measuring_free, &last};
  swale_scope *scope = NULL;
  assert_int_equal(swale__scope_new(&a, "websocket", request, &scope), 0);
  last = 0;
  scope = swale__scope_settle(scope, keep);
  swale__scope_free(scope, &a);
  return last;
}

static void a_settled_scope_is_small(void **state) {
  (void)state;
  struct swale_request request = full_request();
  request.target = "/ws/notifications/";
  size_t bare = settled_size(&request, 0);
  print_message("note: a settled scope takes %zu bytes\n", bare);
  assert_in_range(bare, 1, 96);
}

/* 14 headers that take 1,024 bytes on the wire, each with ": " and an end of line. */
static void headers_of_1_kib_take_little_more_than_1_kib(void **state) {
  (void)state;
  static char values[14][128];
  struct swale_header many[14];
  size_t wire = 0;
  for (size_t i = 0; i < 14; i++) {
    size_t name = strlen("x-some-header"), value = i < 13 ? 56 : 1024 - wire - name - 4;
    memset(values[i], 'v', value);
    many[i] = (struct swale_header){"x-some-header", values[i]};
    wire += name + value + 4;
  }
  assert_int_equal(wire, 1024);
  struct swale_request request = bare_request("/ws/notifications/");
  request.headers = many;
  request.n_headers = 14;
  size_t without = settled_size(&request, 0), with = settled_size(&request, SWALE_KEEP_HEADERS);
  print_message("note: with 1 KiB of headers a settled scope takes %zu bytes\n", with);
  assert_in_range(with, 900, 1126);
  assert_in_range(with - without, 900, 1126);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_is_taken_apart),
      cmocka_unit_test(what_a_request_lacks_is_null_but_the_query),
      cmocka_unit_test(a_server_without_a_client_is_still_the_server),
      cmocka_unit_test(a_target_is_split_at_the_first_question_mark),
      cmocka_unit_test(bad_targets_are_refused),
      cmocka_unit_test(a_request_of_another_size_is_refused_or_read_as_far_as_it_goes),
      cmocka_unit_test(too_many_headers_or_subprotocols_are_refused),
      cmocka_unit_test(a_worker_has_its_channel_for_a_path),
      cmocka_unit_test(of_parameters_with_one_name_the_later_wins),
      cmocka_unit_test(a_settled_scope_keeps_path_and_parameters_only),
      cmocka_unit_test(a_settled_scope_keeps_what_it_is_told_to),
      cmocka_unit_test(without_memory_to_settle_the_scope_stays_as_it_is),
      cmocka_unit_test(guard_values_are_released_once_the_last_one_first),
      cmocka_unit_test(there_is_room_for_32_guard_values),
      cmocka_unit_test(a_value_that_could_not_be_set_stays_the_callers),
      cmocka_unit_test(freeing_no_scope_is_fine),
      cmocka_unit_test(every_failed_allocation_is_an_error_and_no_leak),
      cmocka_unit_test(a_settled_scope_is_small),
      cmocka_unit_test(headers_of_1_kib_take_little_more_than_1_kib),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

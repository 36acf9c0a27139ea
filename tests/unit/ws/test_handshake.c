/* SPDX-License-Identifier: MIT */
#include <unit.h>

#include <stdio.h>

#include "ws/handshake.h"

static const struct swale_header good[] = {
    {"Host", "example.com"},
    {"Upgrade", "websocket"},
    {"Connection", "keep-alive, Upgrade"},
    {"Sec-WebSocket-Version", "13"},
    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
};
enum { GOOD = sizeof good / sizeof good[0], HOST = 0, UPGRADE, CONNECTION, VERSION, KEY };

/* A request that is right, to be made wrong. */
struct fixture {
  struct unit_env u;
  struct swale_header headers[GOOD + 100];
  struct swale__ws_request request;
  struct swale__ws_handshake out;
};

static int setup(void **state) {
  struct fixture *f = malloc(sizeof *f);
  unit_env_init(&f->u);
  memcpy(f->headers, good, sizeof good);
  f->request = (struct swale__ws_request){"GET", "/", f->headers, GOOD};
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  long live = f->u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

static void add(struct fixture *f, const char *name, const char *value) {
  f->headers[f->request.n_headers++] = (struct swale_header){name, value};
}

static void drop(struct fixture *f, size_t i) {
  f->request.n_headers--;
  memmove(f->headers + i, f->headers + i + 1, (f->request.n_headers - i) * sizeof *f->headers);
}

static void forget(struct fixture *f) { f->u.env.allocator.free(f->out.subprotocols, &f->u); }

static void expect(struct fixture *f, int status) {
  assert_int_equal(swale__ws_handshake_check(&f->request, &f->u.env.allocator, &f->out), 0);
  assert_int_equal(f->out.status, status);
  assert_int_equal(f->out.why == NULL, status == 101);
  forget(f);
}

/* With header i replaced. */
static void expect_with(struct fixture *f, size_t i, const char *value, int status) {
  f->headers[i].value = value;
  expect(f, status);
  f->headers[i].value = good[i].value;
}

static void expect_extra(struct fixture *f, const char *name, const char *value, int status) {
  add(f, name, value);
  expect(f, status);
  f->request.n_headers--;
}

static void the_key_of_the_rfc_gets_the_answer_of_the_rfc(void **state) {
  struct fixture *f = *state;
  expect(f, 101);
  assert_string_equal(f->out.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert_string_equal(f->out.target, "/");
  assert_string_equal(f->out.host, "example.com");
  assert_null(f->out.origin);
}

static void another_method_is_405(void **state) {
  struct fixture *f = *state;
  f->request.method = "POST";
  expect(f, 405);
  f->request.method = "get";
  expect(f, 405);
}

static void there_is_one_host(void **state) {
  struct fixture *f = *state;
  expect_extra(f, "host", "example.com", 400);
  drop(f, HOST);
  expect(f, 400);
}

static void a_host_has_the_form_of_one(void **state) {
  static const char *const fine[] = {
      "a",     "EXAMPLE.com", "example.com:1", "example.com:65535", "127.0.0.1:80",
      "[::1]", "[::1]:8000",  "a_b-c.d"};
  static const char *const bad[] = {"",    "a b", "a:",  "a:0",      "a:65536", "a:123456",
                                    "a:x", "a/b", "a@b", "[::1",     "[]",      "[::1]x",
                                    ":80", "a,b", ".a",  "http://a", "\xc3\xa4"};
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
    expect_with(f, HOST, fine[i], 101);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_with(f, HOST, bad[i], 400);
}

static void an_upgrade_request_has_no_body(void **state) {
  struct fixture *f = *state;
  expect_extra(f, "Content-Length", "0", 101);
  expect_extra(f, "Content-Length", "1", 400);
  expect_extra(f, "content-length", "00", 400);
  expect_extra(f, "Content-Length", "", 400);
  expect_extra(f, "Content-Length", "-0", 400);
  expect_extra(f, "Transfer-Encoding", "chunked", 400);
  expect_extra(f, "Transfer-Encoding", "identity", 400);
  add(f, "Content-Length", "0");
  expect_extra(f, "Content-Length", "5", 400);
}

static void what_is_no_upgrade_to_websocket_is_426(void **state) {
  struct fixture *f = *state;
  expect_with(f, UPGRADE, "h2c", 426);
  expect_with(f, UPGRADE, "websockets", 426);
  expect_with(f, UPGRADE, "web socket", 426);
  expect_with(f, UPGRADE, "", 426);
  expect_with(f, CONNECTION, "keep-alive", 426);
  expect_with(f, CONNECTION, "upgraded", 426);
  expect_with(f, CONNECTION, "", 426);
  drop(f, CONNECTION);
  expect(f, 426);
}

static void a_request_without_upgrade_is_426(void **state) {
  struct fixture *f = *state;
  drop(f, UPGRADE);
  expect(f, 426);
}

static void token_lists_have_any_case_and_any_number_of_headers(void **state) {
  struct fixture *f = *state;
  expect_with(f, UPGRADE, "WebSocket", 101);
  expect_with(f, UPGRADE, "h2c , \tWEBSOCKET", 101);
  expect_with(f, CONNECTION, ",, upgrade ,,", 101);
  f->headers[CONNECTION].value = "keep-alive";
  f->headers[UPGRADE].value = "h2c";
  add(f, "CONNECTION", "UPGRADE");
  expect_extra(f, "upgrade", "websocket", 101);
}

static void the_version_is_13(void **state) {
  struct fixture *f = *state;
  expect_with(f, VERSION, "8", 426);
  expect_with(f, VERSION, "13, 8", 426);
  expect_with(f, VERSION, "013", 426);
  expect_with(f, VERSION, "", 426);
  expect_extra(f, "Sec-WebSocket-Version", "13", 400);
  drop(f, VERSION);
  expect(f, 426);
}

static void the_key_is_16_bytes_in_base64(void **state) {
  static const char *const bad[] = {"",
                                    "dGhlIHNhbXBsZSBub25jZQ=",
                                    "dGhlIHNhbXBsZSBub25jZQ",
                                    "dGhlIHNhbXBsZSBub25jZQ===",
                                    "dGhlIHNhbXBsZSBub25j",
                                    "dGhlIHNhbXBsZSBub25jZ===",
                                    "dGhlIHNhbXBs SBub25jZQ==",
                                    "dGhlIHNhbXBsZSBub25jZQ-=",
                                    "-GhlIHNhbXBsZSBub25jZQ==",
                                    "dGhlIHNhbXBsZSBub25jZSE=",
                                    "dGhlIHNhbXBsZSBub25jZQ==, x"};
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_with(f, KEY, bad[i], 400);
  expect_with(f, KEY, "+/+/+/+/+/+/+/+/+/+/+w==", 101);
  expect_extra(f, "Sec-WebSocket-Key", good[KEY].value, 400);
  drop(f, KEY);
  expect(f, 400);
}

static void there_is_at_most_one_origin(void **state) {
  struct fixture *f = *state;
  add(f, "Origin", "https://example.com");
  expect(f, 101);
  assert_string_equal(f->out.origin, "https://example.com");
  expect_extra(f, "origin", "https://example.com", 400);
}

static void expect_target(struct fixture *f, const char *target, const char *path) {
  f->request.target = target;
  expect(f, path ? 101 : 400);
  if (path)
    assert_string_equal(f->out.target, path);
}

static void the_target_is_a_path_or_a_url_of_this_host(void **state) {
  struct fixture *f = *state;
  expect_target(f, "/a/b?c=://d", "/a/b?c=://d");
  expect_target(f, "//a", "//a");
  expect_target(f, "http://example.com/a?b", "/a?b");
  expect_target(f, "WSS://EXAMPLE.com/a", "/a");
  expect_target(f, "ws://example.com", "/");
  expect_target(f, "ws://example.com?x", NULL);
  expect_target(f, "ftp://example.com/", NULL);
  expect_target(f, "http://other.example/", NULL);
  expect_target(f, "http://example.com:81/", NULL);
  expect_target(f, "http://user@example.com/", NULL);
  expect_target(f, "://example.com/", NULL);
  expect_target(f, "example.com:80", NULL);
  expect_target(f, "*", NULL);
  expect_target(f, "", NULL);
  expect_target(f, "/a#b", NULL);
  expect_target(f, "/a b", NULL);
  expect_target(f, "/\x7f", NULL);
  expect_target(f, "/\xc3\xa4", NULL);
}

static void expect_subprotocols(struct fixture *f, const char *const *names, size_t n) {
  assert_int_equal(swale__ws_handshake_check(&f->request, &f->u.env.allocator, &f->out), 0);
  assert_int_equal(f->out.status, 101);
  assert_int_equal(f->out.n_subprotocols, n);
  for (size_t i = 0; i < n; i++)
    assert_string_equal(f->out.subprotocols[i], names[i]);
  forget(f);
}

static void subprotocols_come_in_the_order_of_several_headers(void **state) {
  static const char *const names[] = {"chat.v2", "chat", "CHAT", "x"};
  struct fixture *f = *state;
  add(f, "Sec-WebSocket-Protocol", "chat.v2 ,\tchat,");
  add(f, "sec-websocket-protocol", ", CHAT, , x ");
  expect_subprotocols(f, names, 4);
}

static void an_empty_list_of_subprotocols_is_none(void **state) {
  struct fixture *f = *state;
  add(f, "Sec-WebSocket-Protocol", " , ");
  expect_subprotocols(f, NULL, 0);
}

static void subprotocols_are_tokens_and_unique(void **state) {
  struct fixture *f = *state;
  expect_extra(f, "Sec-WebSocket-Protocol", "a b", 400);
  expect_extra(f, "Sec-WebSocket-Protocol", "a;b", 400);
  expect_extra(f, "Sec-WebSocket-Protocol", "\xc3\xa4", 400);
  expect_extra(f, "Sec-WebSocket-Protocol", "a, b, a", 400);
  expect_extra(f, "Sec-WebSocket-Protocol", "a, b, b", 400);
  add(f, "Sec-WebSocket-Protocol", "a");
  expect_extra(f, "Sec-WebSocket-Protocol", "a", 400);
}

static void there_may_be_64_subprotocols(void **state) {
  struct fixture *f = *state;
  for (int n = 63; n <= 65; n++) {
    char list[1000] = "";
    for (int i = 0; i < n; i++)
      sprintf(list + strlen(list), "p%d, ", i);
    expect_extra(f, "Sec-WebSocket-Protocol", list, n <= 64 ? 101 : 400);
  }
}

/* RFC 6455, 9.1. Whether compression is wanted is not asked here. */
static void a_malformed_list_of_extensions_is_400(void **state) {
  struct fixture *f = *state;
  static const char *const malformed[] = {
      "", " , ", ";", "a;", "a; b=", "a; b=\"\"", "a; b=\"c d\"", "a b", "a, b;"};
  for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
    expect_extra(f, "Sec-WebSocket-Extensions", malformed[i], 400);
  expect_extra(f, "Sec-WebSocket-Extensions", "nobody-knows; a=1; b=\"c\\d\", another", 101);
  assert_false(f->out.offer.made);
  expect_extra(f, "Sec-WebSocket-Extensions", "permessage-deflate; unknown", 101);
  assert_false(f->out.offer.made);
  expect_extra(f, "Sec-WebSocket-Extensions", "permessage-deflate", 101);
  assert_true(f->out.offer.made);
}

static void the_lines_of_extensions_are_one_list(void **state) {
  struct fixture *f = *state;
  add(f, "Sec-WebSocket-Extensions", "");
  add(f, "sec-websocket-extensions", "permessage-deflate; server_max_window_bits=11, x");
  add(f, "Sec-WebSocket-Extensions", "permessage-deflate");
  expect(f, 101);
  assert_true(f->out.offer.made);
  assert_int_equal(f->out.offer.server_bits, 11);
  expect_extra(f, "Sec-WebSocket-Extensions", "", 101);
  expect_extra(f, "Sec-WebSocket-Extensions", "=", 400);
}

static int check_with_subprotocols(struct unit_env *u) {
  struct swale__ws_handshake out;
  struct swale_header headers[GOOD + 1];
  memcpy(headers, good, sizeof good);
  headers[GOOD] = (struct swale_header){"Sec-WebSocket-Protocol", "a, b"};
  struct swale__ws_request request = {"GET", "/", headers, GOOD + 1};
  int rv = swale__ws_handshake_check(&request, &u->env.allocator, &out);
  u->env.allocator.free(out.subprotocols, u);
  return rv;
}

static void no_memory_is_an_error(void **state) {
  (void)state;
  unit_fail_every_allocation(check_with_subprotocols);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_key_of_the_rfc_gets_the_answer_of_the_rfc),
      TEST(another_method_is_405),
      TEST(there_is_one_host),
      TEST(a_host_has_the_form_of_one),
      TEST(an_upgrade_request_has_no_body),
      TEST(what_is_no_upgrade_to_websocket_is_426),
      TEST(a_request_without_upgrade_is_426),
      TEST(token_lists_have_any_case_and_any_number_of_headers),
      TEST(the_version_is_13),
      TEST(the_key_is_16_bytes_in_base64),
      TEST(there_is_at_most_one_origin),
      TEST(the_target_is_a_path_or_a_url_of_this_host),
      TEST(subprotocols_come_in_the_order_of_several_headers),
      TEST(an_empty_list_of_subprotocols_is_none),
      TEST(subprotocols_are_tokens_and_unique),
      TEST(there_may_be_64_subprotocols),
      TEST(a_malformed_list_of_extensions_is_400),
      TEST(the_lines_of_extensions_are_one_list),
      cmocka_unit_test(no_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

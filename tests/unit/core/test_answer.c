/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

#include <stdio.h>

static void open_undecided(struct world *w, struct fake *f) {
  w->on_connect = fake_undecided;
  fake_enter(f, w, "a");
  world_expect(w, "a.connect");
}

/* ---- subprotocols ---- */

static const char *to_accept;
static int accept_with(swale_consumer *c) { return swale_accept(c, to_accept); }

static int open_offering(struct fake *f, struct world *w, const char *const *offered, size_t n) {
  struct swale_request request = {
      .size = sizeof request, .target = "/a/", .subprotocols = offered, .n_subprotocols = n};
  return fake_open_request(f, w, "a", &request);
}

static void the_first_subprotocol_of_the_class_that_was_offered_is_chosen(void **state) {
  (void)state;
  static const char *const speaks[] = {"best", "good", "fair", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.subprotocols = speaks;
  struct world w;
  struct fake a;
  world_start_with(&w, &cls);
  assert_int_equal(open_offering(&a, &w, (const char *const[]){"fair", "other", "good"}, 3), 0);
  world_expect(&w, "a.connect a>accept(good)");
  assert_int_equal(open_offering(&a, &w, (const char *const[]){"BEST", "goo", "goods"}, 3), 0);
  world_expect(&w, "a.connect a>accept");
  assert_int_equal(open_offering(&a, &w, NULL, 0), 0);
  world_expect(&w, "a.connect a>accept");
  world_close(&w);
}

static void a_subprotocol_may_be_picked_if_the_client_offered_it(void **state) {
  (void)state;
  static const char *const speaks[] = {"best", NULL};
  struct swale_consumer_class cls = fake_class;
  cls.subprotocols = speaks;
  struct world w;
  struct fake a;
  world_init(&w);
  w.on_connect = accept_with;
  assert_int_equal(world_open(&w, &cls), 0);
  to_accept = "other"; /* the class need not name it */
  assert_int_equal(open_offering(&a, &w, (const char *const[]){"best", "other"}, 2), 0);
  world_expect(&w, "a.connect a>accept(other)");
  to_accept = "third";
  assert_int_equal(open_offering(&a, &w, (const char *const[]){"best", "other"}, 2), 0);
  world_expect(&w, "a.connect !callback(connect -2) a>reject(500) a.disconnect(1006)");
  world_close(&w);
}

static void a_wrong_subprotocol_leaves_the_decision_open(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  assert_int_equal(swale_accept(a.c, "none"), SWALE_EINVAL);
  assert_int_equal(swale_accept(a.c, ""), SWALE_EINVAL);
  assert_int_equal(swale_accept(a.c, NULL), 0);
  world_expect(&w, "a>accept");
  world_close(&w);
}

/* ---- deciding twice ---- */

static void a_decision_is_made_once(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_accept(a.c, NULL), SWALE_ESTATE);
  assert_int_equal(swale_reject(a.c, 404, NULL), SWALE_ESTATE);
  assert_int_equal(swale_add_header(a.c, "x", "y"), SWALE_ESTATE);
  assert_int_equal(swale_close(a.c, 1000, NULL), 0);
  assert_int_equal(swale_accept(a.c, NULL), SWALE_ECLOSED);
  assert_int_equal(swale_reject(a.c, 404, NULL), SWALE_ECLOSED);
  assert_int_equal(swale_add_header(a.c, "x", "y"), SWALE_ECLOSED);
  world_expect(&w, "a.connect a>accept a>close(1000)");
  world_close(&w);
}

static int decide_too_late(swale_consumer *c, int code) {
  (void)code;
  assert_int_equal(swale_accept(c, NULL), SWALE_ECLOSED);
  assert_int_equal(swale_reject(c, 404, NULL), SWALE_ECLOSED);
  assert_int_equal(swale_add_header(c, "x", "y"), SWALE_ECLOSED);
  assert_int_equal(swale_close(c, 1000, NULL), SWALE_ECLOSED);
  assert_int_equal(swale_send_text(c, "x", 1), SWALE_ECLOSED);
  world_log(world_of(c), "late");
  return 0;
}

static void nothing_can_be_decided_once_the_peer_has_gone(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_disconnect = decide_too_late;
  open_undecided(&w, &a);
  fake_lost(&a, 1006);
  world_expect(&w, "a.disconnect(1006) late");
  world_close(&w);
}

/* ---- refusing ---- */

static void a_refusal_has_a_status_and_a_text(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  static const int wrong[] = {0, -1, 101, 200, 302, 399, 600, 1000};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(swale_reject(a.c, wrong[i], NULL), SWALE_EINVAL);
  assert_int_equal(swale_reject(a.c, 404, "\xc3\x28"), SWALE_EUTF8);
  world_expect(&w, "");
  assert_int_equal(swale_reject(a.c, 599, "\xc3\xa4"), 0);
  world_expect(&w, "a>reject(599 \xc3\xa4)");
  world_close(&w);
}

/* ---- headers ---- */

static void headers_go_along_in_order(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  char name[] = "X-One", value[] = "first";
  world_start(&w);
  for (int accept = 0; accept < 2; accept++) {
    open_undecided(&w, &a);
    assert_int_equal(swale_add_header(a.c, name, value), 0);
    memset(name, '?', 5); /* copied */
    memset(value, '?', 5);
    assert_int_equal(swale_add_header(a.c, "Set-Cookie", "a=b; Path=/"), 0);
    assert_int_equal(swale_add_header(a.c, "Set-Cookie", "c=d"), 0);
    assert_int_equal(swale_add_header(a.c, "x-empty", ""), 0);
    assert_int_equal(swale_add_header(a.c, "x-tab", "a\tb \xc3\xa4"), 0);
    if (accept)
      assert_int_equal(swale_accept(a.c, NULL), 0);
    else
      assert_int_equal(swale_reject(a.c, 404, NULL), 0);
    char expected[256];
    snprintf(expected, sizeof expected,
             "a>%s a>header(X-One: first) a>header(Set-Cookie: a=b; Path=/) a>header(Set-Cookie: c=d) "
             "a>header(x-empty: ) a>header(x-tab: a\tb \xc3\xa4)",
             accept ? "accept" : "reject(404)");
    world_expect(&w, expected);
    world_run(&w);
    world_clear_log(&w);
    memcpy(name, "X-One", 5);
    memcpy(value, "first", 5);
  }
  world_close(&w);
}

static void a_header_has_a_token_for_a_name(void **state) {
  (void)state;
  static const char *const bad[] = {"",    "a b",  "a:",  "a\r\n", "\xc3\xa4", "a(b)",
                                    "a/b", "a[b]", "a@b", "a\"b",  "a\x7f",    "\x01"};
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(swale_add_header(a.c, bad[i], "v"), SWALE_EINVAL);
  assert_int_equal(swale_add_header(a.c, "azAZ09!#$%&'*+-.^_`|~", "v"), 0);
  world_close(&w);
}

static void a_header_cannot_smuggle_another(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  for (int byte = 1; byte < 256; byte++) {
    char value[] = {'a', (char)byte, 'b', '\0'};
    bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
    int rv = swale_add_header(a.c, control ? "bad" : "good", value);
    assert_int_equal(rv, control ? SWALE_EINVAL : rv == SWALE_EFULL ? SWALE_EFULL : 0);
  }
  world_close(&w);
}

static void headers_of_the_handshake_are_reserved(void **state) {
  (void)state;
  static const char *const reserved[] = {
      "Connection",
      "Upgrade",
      "Sec-WebSocket-Accept",
      "Sec-WebSocket-Protocol",
      "Sec-WebSocket-Extensions",
      "Content-Length",
      "Content-Type",
      "Transfer-Encoding",
      "CONNECTION",
      "upgrade",
  };
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    assert_int_equal(swale_add_header(a.c, reserved[i], "v"), SWALE_EINVAL);
  assert_int_equal(swale_add_header(a.c, "Connections", "v"), 0);
  assert_int_equal(swale_add_header(a.c, "Upgrad", "v"), 0);
  world_close(&w);
}

static void there_may_be_32_headers(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  for (int i = 0; i < 32; i++)
    assert_int_equal(swale_add_header(a.c, "x", "y"), 0);
  assert_int_equal(swale_add_header(a.c, "x", "y"), SWALE_EFULL);
  assert_int_equal(swale_add_header(a.c, "not a token", "y"), SWALE_EINVAL);
  world_close(&w);
}

static void headers_that_were_never_sent_are_freed(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  assert_int_equal(swale_add_header(a.c, "x", "y"), 0);
  fake_lost(&a, 1006);
  world_close(&w);
}

static void a_header_needs_memory(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  for (long n = 1; n <= 2; n++) {
    w.u.fail_at = n;
    assert_int_equal(swale_add_header(a.c, "lost", "y"), SWALE_ENOMEM);
    assert_int_equal(w.u.fail_at, 0);
  }
  assert_int_equal(swale_add_header(a.c, "kept", "y"), 0);
  assert_int_equal(swale_accept(a.c, NULL), 0);
  world_expect(&w, "a>accept a>header(kept: y)");
  world_close(&w);
}

/* ---- closing ---- */

static void a_close_has_a_code_that_may_be_sent(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  for (unsigned code = 0; code < 5200; code++) {
    bool good = code == 1000 || code == 1001 || code == 1003 || (code >= 1007 && code <= 1014) ||
                (code >= 3000 && code <= 4999);
    if (!good)
      assert_int_equal(swale_close(a.c, (uint16_t)code, NULL), SWALE_EINVAL);
  }
  assert_int_equal(swale_close(a.c, UINT16_MAX, NULL), SWALE_EINVAL);
  world_expect(&w, "a.connect a>accept");
  static const uint16_t good[] = {1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct fake b;
    fake_enter(&b, &w, "b");
    assert_int_equal(swale_close(b.c, good[i], NULL), 0);
    assert_int_equal(b.close_code, good[i]);
    world_clear_log(&w);
  }
  world_close(&w);
}

static void a_reason_is_short_text(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  char reason[125];
  memset(reason, 'r', 124);
  reason[124] = '\0';
  world_start(&w);
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_close(a.c, 1000, reason), SWALE_EINVAL);
  assert_int_equal(swale_close(a.c, 1000, "\xe4"), SWALE_EUTF8);
  reason[123] = '\0';
  assert_int_equal(swale_close(a.c, 1000, reason), 0);
  char expected[200];
  snprintf(expected, sizeof expected, "a.connect a>accept a>close(1000 %s)", reason);
  world_expect(&w, expected);
  world_close(&w);
}

static void a_close_before_the_decision_is_a_refusal(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  open_undecided(&w, &a);
  swale_consumer *c = a.c;
  assert_int_equal(swale_close(c, 1005, NULL), SWALE_EINVAL);
  assert_int_equal(swale_close(c, 4000, "go away"), 0);
  assert_int_equal(swale_close(c, 4000, "go away"), SWALE_ECLOSED);
  world_expect(&w, "a>reject(403 go away)");
  world_run(&w);
  world_expect(&w, "a.disconnect(1006)");
  world_close(&w);
}

static int close_in_message(swale_consumer *c, swale_message *m) {
  return strcmp(swale_message_type(m), "other") == 0 ? swale_close(c, 4000, NULL) : 0;
}

static void no_handler_runs_after_a_close(void **state) {
  (void)state;
  struct world w;
  struct fake a, b;
  world_start(&w);
  w.on_message = close_in_message;
  fake_enter(&a, &w, "a");
  fake_enter(&b, &w, "b");
  swale_join(a.c, "all");
  swale_join(b.c, "all");
  world_group_send(&w, "all", "note", "1");
  world_send(&w, fake_channel(a.c), "other", "2");
  world_group_send(&w, "all", "note", "3");
  world_send(&w, fake_channel(a.c), "note", "4");
  world_run(&w);
  world_expect(&w,
               "a.connect a>accept b.connect b>accept a.note(1) b.note(1) a.other(2) a>close(4000) b.note(3) "
               "~closed(!) ~closed(!)");
  world_close(&w);
}

/* ---- sending ---- */

static int render_upper(const swale_message *m, swale_buffer *out, void *arg) {
  return swale_buffer_printf(out, "%s:%s", (const char *)arg, swale_message_type(m));
}

static int render_badly(const swale_message *m, swale_buffer *out, void *arg) {
  (void)m;
  (void)out;
  (void)arg;
  return SWALE_EFORMAT;
}

/* All four ways to send answer the same. */
static void expect_sends(struct world *w, swale_consumer *c, int answer) {
  char prefix[] = "r";
  swale_payload *p;
  swale_message *m = swale_message_new_with("type", 0, &w->u.env.allocator);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale_payload_new(SWALE_TEXT, "shared", 6, &w->u.env.allocator, &p), 0);
  assert_int_equal(swale_send_text(c, "text", 4), answer);
  assert_int_equal(swale_send_bytes(c, "bytes", 5), answer);
  assert_int_equal(swale_send_payload(c, p), answer);
  assert_int_equal(swale_send_rendered(c, m, SWALE_TEXT, render_upper, prefix), answer);
  swale_payload_unref(p);
  swale_message_unref(m);
}

static int send_in_disconnect(swale_consumer *c, int code) {
  (void)code;
  expect_sends(world_of(c), c, SWALE_ECLOSED);
  return 0;
}

static void sending_needs_an_open_connection(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  w.on_disconnect = send_in_disconnect;
  open_undecided(&w, &a);
  expect_sends(&w, a.c, SWALE_ESTATE);
  assert_int_equal(swale_accept(a.c, NULL), 0);
  expect_sends(&w, a.c, 0);
  fake_pause(&a);
  expect_sends(&w, a.c, 0);
  world_clear_log(&w);
  fake_resume(&a);
  w.fail_send = SWALE_EFULL;
  expect_sends(&w, a.c, SWALE_EFULL);
  w.fail_send = SWALE_ENOMEM;
  expect_sends(&w, a.c, SWALE_ENOMEM);
  w.fail_send = 0;
  assert_int_equal(swale_close(a.c, 1000, NULL), 0);
  expect_sends(&w, a.c, SWALE_ECLOSED);
  fake_lost(&a, 1000);
  world_expect(&w, "a>close(1000) a.disconnect(1000)");
  world_close(&w);
}

static void what_is_sent_arrives_as_it_was(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  expect_sends(&w, a.c, 0);
  assert_int_equal(swale_send_text(a.c, "", 0), 0);
  assert_int_equal(swale_send_text(a.c, "text", 2), 0);
  world_expect(&w, "a.connect a>accept a>text(text) a>binary(bytes) a>payload(shared) a>payload(r:type) "
                   "a>text() a>text(te)");
  world_close(&w);
}

static void text_is_utf8(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  assert_int_equal(swale_send_text(a.c, "\xff", 1), SWALE_EUTF8);
  assert_int_equal(swale_send_text(a.c, "\xc3\xa4", 1), SWALE_EUTF8);
  assert_int_equal(swale_send_bytes(a.c, "\xff", 1), 0);
  world_expect(&w, "a.connect a>accept a>binary(\xff)");
  world_close(&w);
}

static void what_a_renderer_answers_is_the_answer(void **state) {
  (void)state;
  struct world w;
  struct fake a;
  world_start(&w);
  fake_enter(&a, &w, "a");
  swale_message *m = swale_message_new_with("type", 0, &w.u.env.allocator);
  assert_int_equal(swale_send_rendered(a.c, m, SWALE_TEXT, render_badly, NULL),
                   SWALE_ESTATE); /* not frozen */
  swale_message_freeze(m);
  assert_int_equal(swale_send_rendered(a.c, m, SWALE_TEXT, render_badly, NULL), SWALE_EFORMAT);
  swale_message_unref(m);
  world_expect(&w, "a.connect a>accept");
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_subprotocol_of_the_class_that_was_offered_is_chosen),
      cmocka_unit_test(a_subprotocol_may_be_picked_if_the_client_offered_it),
      cmocka_unit_test(a_wrong_subprotocol_leaves_the_decision_open),
      cmocka_unit_test(a_decision_is_made_once),
      cmocka_unit_test(nothing_can_be_decided_once_the_peer_has_gone),
      cmocka_unit_test(a_refusal_has_a_status_and_a_text),
      cmocka_unit_test(headers_go_along_in_order),
      cmocka_unit_test(a_header_has_a_token_for_a_name),
      cmocka_unit_test(a_header_cannot_smuggle_another),
      cmocka_unit_test(headers_of_the_handshake_are_reserved),
      cmocka_unit_test(there_may_be_32_headers),
      cmocka_unit_test(headers_that_were_never_sent_are_freed),
      cmocka_unit_test(a_header_needs_memory),
      cmocka_unit_test(a_close_has_a_code_that_may_be_sent),
      cmocka_unit_test(a_reason_is_short_text),
      cmocka_unit_test(a_close_before_the_decision_is_a_refusal),
      cmocka_unit_test(no_handler_runs_after_a_close),
      cmocka_unit_test(sending_needs_an_open_connection),
      cmocka_unit_test(what_is_sent_arrives_as_it_was),
      cmocka_unit_test(text_is_utf8),
      cmocka_unit_test(what_a_renderer_answers_is_the_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

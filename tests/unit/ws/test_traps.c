/* SPDX-License-Identifier: MIT */
/*
 * What wslay does or leaves to its users, trap by trap in the order of docs/reliability.md, and that it does
 * not show. Other tests go deeper into most of it; these say that nothing was overlooked.
 */
#include "world.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static char data[1 << 20];

static void echo_into(struct world *w, swale_consumer *c, enum swale_kind kind, const void *bytes,
                      size_t len) {
  (void)w;
  assert_int_equal(kind == SWALE_TEXT ? swale_send_text(c, bytes, len) : swale_send_bytes(c, bytes, len), 0);
}

static int echo(struct world *w, swale_consumer *c, enum swale_kind kind, const void *bytes, size_t len) {
  echo_into(w, c, kind, bytes, len);
  return 0;
}

/* ---- 1 to 7: closing -------------------------------------------------------------------- */

static void trap_01_close_reason_split_across_reads_is_checked_whole(void **state) {
  struct world *w = *state;
  static const char *const good[] = {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "caf\xc3\xa9", ""};
  static const char *const bad[] = {"\xc3", "caf\xc3(", "\xf0\x9f\x98", "\xff"};
  for (size_t i = 0; i < 3; i++) {
    world_connect(w);
    world_close_frame(w, 1000, good[i]);
    expect_close(w, 1000, NULL);
    expect_log(w, "disconnect:1000");
    expect_closed(w);
    swale_ws_free(w->ws);
  }
  assert_int_equal(w->reports, 0);
  for (size_t i = 0; i < 4; i++) {
    world_connect(w);
    world_close_frame(w, 1000, bad[i]);
    expect_failed(w, 1007, SWALE_EPROTOCOL);
    world_end(w);
  }
}

static void trap_02_a_close_does_not_overtake_what_was_sent(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  for (int i = 0; i < 3; i++)
    swale_send_text(w->consumer, "queued", 6);
  swale_close(w->consumer, 1000, "done");
  world_drain(w);
  for (int i = 0; i < 3; i++)
    expect_next(w, &at, FIN | TEXT, "queued", 6);
  expect_next(w, &at, FIN | CLOSE,
              "\x03\xe8"
              "done",
              6);
  assert_int_equal(at, w->out.len);
}

static void trap_03_the_reply_to_a_close_does_not_overtake_what_was_sent(void **state) {
  struct world *w = *state;
  size_t at = 0;
  w->on_receive = echo;
  world_connect(w);
  for (int i = 0; i < 3; i++)
    bytes_frame(&w->in, FIN | TEXT, "echo", 4);
  bytes_frame(&w->in, FIN | PING, "ping", 4);
  bytes_close(&w->in, 1000, NULL);
  world_feed(w);
  world_drain(w);
  for (int i = 0; i < 3; i++)
    expect_next(w, &at, FIN | TEXT, "echo", 4);
  expect_next(w, &at, FIN | CLOSE, "\x03\xe8", 2);
  assert_int_equal(at, w->out.len);
  expect_log(w, "text:echo text:echo text:echo disconnect:1000");
}

static void trap_04_violations_of_the_frame_layer_get_a_code_and_a_report(void **state) {
  struct world *w = *state;
  static const struct {
    unsigned first;
    uint64_t len;
    int form;
  } bad[] = {
      {FIN | PING, 126, 16},              /* an oversized control frame */
      {PING, 1, 7},                       /* a fragmented one */
      {FIN | BIN, UINT64_C(1) << 63, 64}, /* the top bit of the length */
      {FIN | BIN, 125, 16},               /* longer forms than needed */
      {FIN | BIN, 65535, 64},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    world_connect(w);
    bytes_header(&w->in, bad[i].first, true, bad[i].len, bad[i].form);
    bytes_add(&w->in, "x", 1);
    world_feed(w);
    expect_failed(w, 1002, SWALE_EPROTOCOL);
    world_end(w);
  }
}

static void trap_05_after_a_failure_nothing_hangs(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | 0x3, "x", 1);
  expect_failed(w, 1002, SWALE_EPROTOCOL); /* told at once */
  expect_state(w, SWALE_WS_WANT_READ);     /* the peer's close frame, or the deadline */
  world_pass(w, w->options.close_ms);
  expect_closed(w);
  expect_log(w, "");
}

static void trap_06_a_close_of_one_byte_is_1002(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | CLOSE, "\x03", 1);
  expect_failed(w, 1002, SWALE_EPROTOCOL);
}

static void trap_07_only_codes_and_reasons_that_can_be_sent_are(void **state) {
  struct world *w = *state;
  static const uint16_t never[] = {0, 999, 1002, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
  char reason[125];
  memset(reason, 'x', 124);
  reason[124] = '\0';
  world_connect(w);
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
    assert_int_equal(swale_close(w->consumer, never[i], NULL), SWALE_EINVAL);
    assert_int_equal(swale_ws_close(w->ws, never[i], NULL), SWALE_EINVAL);
  }
  assert_int_equal(swale_close(w->consumer, 1000, reason), SWALE_EINVAL);
  assert_int_equal(swale_close(w->consumer, 1000, "\xff"), SWALE_EUTF8);
  expect_nothing(w);
  assert_int_equal(swale_close(w->consumer, 1000, reason + 1), 0);
  expect_close(w, 1000, reason + 1);
}

/* ---- 8 to 11: memory -------------------------------------------------------------------- */

static void trap_08_a_header_that_claims_2_gib_costs_nothing(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | TEXT, "warm", 4);
  expect_log(w, "text:warm");
  long before = w->u.live;
  bytes_header(&w->in, FIN | BIN, true, INT32_MAX, 64);
  bytes_add(&w->in, "x", 1);
  world_feed(w);
  expect_failed(w, 1009, SWALE_ESIZE);
  assert_true(w->u.live <= before + 1); /* the reader, until the end */
}

static void trap_09_the_limit_is_on_messages_not_on_frames(void **state) {
  struct world *w = *state;
  w->options.message_max = 100;
  world_connect(w);
  world_frame(w, BIN, data, 60);
  world_frame(w, CONT, data, 40);
  expect_nothing(w);
  world_frame(w, CONT, data, 1);
  expect_failed(w, 1009, SWALE_ESIZE);
}

static void trap_10_fragments_of_one_byte_cost_one_byte(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, BIN, data, 1);
  long before = w->u.live, allocated = w->u.allocated;
  for (int i = 1; i < 1024; i++)
    world_frame(w, CONT, data, 1);
  assert_true(w->u.live <= before + 1);
  assert_true(w->u.allocated <= allocated + 1);
  expect_nothing(w);
  world_frame(w, FIN | CONT, data, 1);
  expect_failed(w, 1008, SWALE_EFULL);
}

static void trap_11_pings_of_a_peer_that_never_reads_pile_up_nowhere(void **state) {
  struct world *w = *state;
  w->options.control_rate = UINT16_MAX;
  world_connect(w);
  for (int i = 0; i < 100; i++)
    world_frame(w, FIN | PING, data, 125);
  long before = w->u.live;
  for (int i = 0; i < 10000; i++)
    world_frame(w, FIN | PING, data, 125);
  assert_true(w->u.live <= before);
  world_drain(w);
  assert_true(w->out.len <= 4096);
}

/* ---- 12 to 15: allocation and arithmetic ------------------------------------------------ */

static int talk(struct unit_env *u) {
  struct world w;
  world_init(&w);
  w.u.fail_at = u->fail_at;
  int rv = world_open(&w);
  if (rv == 0)
    rv = swale_ws_new(w.app, w.loop, &w.options, "192.0.2.1:1", NULL, &w, &w.ws);
  if (rv == 0) {
    bytes_puts(&w.in, REQUEST);
    bytes_frame(&w.in, TEXT, "frag", 4);
    bytes_frame(&w.in, FIN | PING, "ping", 4);
    bytes_frame(&w.in, FIN | CONT, data, 100);
    world_feed(&w);
    for (int i = 0; i < 20 && w.consumer; i++)
      swale_send_bytes(w.consumer, data, 5000);
    if (w.consumer)
      swale_close(w.consumer, 1000, "done");
    world_drain(&w);
    bytes_close(&w.in, 1000, NULL);
    world_feed(&w);
  }
  swale_ws_free(w.ws);
  if (w.loop)
    world_run(&w);
  swale_loop_free(w.loop);
  swale_app_free(w.app);
  swale_layer_free(w.layer);
  assert_int_equal(w.connects, w.disconnects);
  bytes_free(&w.in);
  bytes_free(&w.out);
  u->fail_at = w.u.fail_at;
  u->live = w.u.live;
  return rv;
}

static void trap_12_no_failing_allocation_leaks(void **state) {
  (void)state;
  unit_fail_every_allocation(talk);
}

static void trap_13_a_reader_that_cannot_be_made_is_an_end_not_a_crash(void **state) {
  struct world *w = *state;
  world_connect(w);
  w->u.fail_at = 1;
  world_text(w, "x");
  expect_close(w, 1011, NULL);
  expect_log(w, "disconnect:1011");
  expect_closed(w);
}

/* For the sanitizer: nothing is added to NULL. */
static void trap_14_nothing_is_a_message_too(void **state) {
  struct world *w = *state;
  w->on_receive = echo;
  world_connect(w);
  world_frame(w, FIN | TEXT, NULL, 0);
  expect_text(w, "");
  assert_int_equal(swale_send_bytes(w->consumer, NULL, 0), 0);
  expect_frame(w, FIN | BIN, NULL, 0);
  world_frame(w, FIN | PING, NULL, 0);
  expect_frame(w, FIN | PONG, NULL, 0);
}

static void trap_15_no_limit_is_beyond_what_32_bits_hold(void **state) {
  struct world *w = *state;
  static const uint64_t lengths[] = {(UINT64_C(1) << 32) + 5, UINT32_MAX, (uint64_t)INT32_MAX + 1,
                                     (uint64_t)INT64_MAX};
  swale_ws *ws;
  w->options.message_max = (size_t)INT32_MAX + 1;
  assert_int_equal(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &ws), SWALE_EINVAL);
  w->options.message_max = INT32_MAX;
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    world_connect(w);
    bytes_header(&w->in, FIN | BIN, true, lengths[i], 64);
    bytes_add(&w->in, "x", 1);
    world_feed(w);
    expect_failed(w, 1009, SWALE_ESIZE);
    world_end(w);
  }
}

/* ---- 16 to 19 --------------------------------------------------------------------------- */

static void free_it(struct world *w) {
  swale_ws_free(w->ws);
  w->ws = NULL;
}

static int free_in_connect(struct world *w, swale_consumer *c) {
  swale_accept(c, NULL);
  free_it(w);
  return 0;
}

static int free_in_receive(struct world *w, swale_consumer *c, enum swale_kind kind, const void *bytes,
                           size_t len) {
  echo_into(w, c, kind, bytes, len);
  free_it(w);
  return 0;
}

static void free_in_disconnect(struct world *w, swale_consumer *c, int code) {
  (void)c, (void)code;
  free_it(w);
}

static int free_in_handler(struct world *w, swale_consumer *c, swale_message *m) {
  (void)c, (void)m;
  free_it(w);
  return 0;
}

static void free_in_on_output(struct world *w, swale_ws *ws) {
  assert_ptr_equal(ws, w->ws);
  free_it(w);
}

static void free_in_on_report(struct world *w, const struct swale_report *report) {
  (void)report;
  free_it(w);
}

static void trap_16_a_connection_may_be_freed_in_any_callback(void **state) {
  struct world *w = *state;
  for (int where = 0; where < 6; where++) {
    w->on_connect = where == 0 ? free_in_connect : NULL;
    world_new(w);
    world_feed_text(w, REQUEST);
    if (where > 0)
      expect_status(w, 101, "");
    w->on_receive = where == 1 ? free_in_receive : NULL;
    w->on_disconnect = where == 2 ? free_in_disconnect : NULL;
    w->on_event = where == 3 ? free_in_handler : NULL;
    w->on_output = where == 4 ? free_in_on_output : NULL;
    w->on_report = where == 5 ? free_in_on_report : NULL;
    bytes_frame(&w->in, FIN | TEXT, "one", 3);
    bytes_frame(&w->in, FIN | TEXT, "two", 3);
    if (where == 1)
      swale_ws_feed(w->ws, w->in.at, w->in.len);
    bytes_clear(&w->in);
    if (where == 2)
      world_close_frame(w, 1000, NULL);
    if (where == 3 || where == 4)
      world_group_send(w, "event");
    if (where == 5) {
      bytes_frame(&w->in, FIN | 0x7, "bad", 3);
      swale_ws_feed(w->ws, w->in.at, w->in.len);
      bytes_clear(&w->in);
    }
    world_run(w);
    assert_null(w->ws);
    assert_int_equal(w->connects, w->disconnects);
    w->log[0] = '\0';
    bytes_clear(&w->out);
  }
}

static void trap_17_a_busy_peer_does_not_own_the_loop(void **state) {
  struct world *w = *state;
  int fds[2], size = 1 << 20;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  world_connect(w);
  bytes_frame(&w->in, FIN | BIN, data, 1000);
  ssize_t sent = 0;
  while (write(fds[1], w->in.at, w->in.len) == (ssize_t)w->in.len)
    sent += (ssize_t)w->in.len;
  assert_true(sent > 100000);
  w->delivered = 0;
  swale_ws_pump_fd(w->ws, fds[0], NULL);
  assert_in_range(w->delivered, 1, 65536);
  close(fds[0]);
  close(fds[1]);
}

static void trap_18_codes_that_iana_has_registered_since_are_taken_and_sent(void **state) {
  struct world *w = *state;
  for (unsigned code = 1012; code <= 1014; code++) {
    char log[32];
    snprintf(log, sizeof log, "disconnect:%u", code);
    world_connect(w);
    world_close_frame(w, code, "why");
    expect_close(w, code, NULL);
    expect_log(w, log);
    swale_ws_free(w->ws);
    world_connect(w);
    assert_int_equal(swale_close(w->consumer, (uint16_t)code, "why"), 0);
    expect_close(w, code, "why");
    swale_ws_free(w->ws);
    world_run(w);
    w->log[0] = '\0';
  }
  w->ws = NULL;
}

/* A compressed message would not be checked for UTF-8: without the extension there is none. */
static void trap_19_the_bit_of_compressed_messages_is_1002_where_it_was_not_agreed_on(void **state) {
  struct world *w = *state;
  for (unsigned rsv = 0x10; rsv <= 0x70; rsv += 0x10) {
    world_connect(w);
    world_frame(w, FIN | rsv | TEXT, "\xff", 1);
    expect_failed(w, 1002, SWALE_EPROTOCOL);
    world_end(w);
  }
}

/* ---- further facts ---------------------------------------------------------------------- */

static void fact_a_control_frame_in_a_message_is_not_its_end(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  world_frame(w, TEXT, "one", 3);
  world_frame(w, FIN | PING, "ping", 4);
  world_frame(w, FIN | PONG, "pong", 4);
  expect_log(w, "");
  world_drain(w);
  expect_next(w, &at, FIN | PONG, "ping", 4);
  world_frame(w, FIN | CONT, "two", 3);
  expect_log(w, "text:onetwo"); /* and its length is the message's, not the last frame's */
}

static void fact_a_control_frame_reaches_no_consumer(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, FIN | PONG, "unasked", 7);
  world_frame(w, FIN | PING, "", 0);
  expect_log(w, "");
}

static void fact_output_may_be_taken_in_pieces_of_any_size(void **state) {
  struct world *w = *state;
  size_t at = 0;
  world_connect(w);
  swale_send_bytes(w->consumer, data, 300);
  while (swale_ws_state(w->ws) & SWALE_WS_WANT_WRITE)
    world_drain_some(w, 1);
  expect_next(w, &at, FIN | BIN, data, 300);
}

static void fact_a_message_is_one_frame_in_one_piece(void **state) {
  struct world *w = *state;
  struct iovec iov[4];
  world_connect(w);
  swale_send_bytes(w->consumer, data, 100000);
  assert_int_equal(swale_ws_peek(w->ws, iov, 4), 1); /* header and payload: one write, one packet */
  assert_int_equal(iov[0].iov_len, 100010);
  expect_frame(w, FIN | BIN, data, 100000);
}

static void fact_the_end_of_input_is_an_end(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, TEXT, "half", 4);
  assert_int_equal(swale_ws_feed(w->ws, "", 0), 0); /* nothing is no end */
  expect_state(w, SWALE_WS_WANT_READ);
  assert_int_equal(swale_ws_feed_eof(w->ws), 0);
  expect_log(w, "disconnect:1006");
  expect_closed(w);
}

static void fact_an_idle_connection_holds_no_reader(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_text(w, "x");
  long before = w->u.live;
  world_frame(w, TEXT, "half", 4);
  assert_true(w->u.live > before || w->chunk == 0);
  world_frame(w, FIN | CONT, "half", 4);
  swale_ws *first = w->ws;
  w->log[0] = '\0';
  world_connect(w);
  long with_second = w->u.live;
  world_text(w, "y");
  assert_int_equal(w->u.live, with_second); /* the first one's reader and block serve again */
  swale_ws_free(first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TESTS(trap_01_close_reason_split_across_reads_is_checked_whole),
      WORLD_TESTS(trap_02_a_close_does_not_overtake_what_was_sent),
      WORLD_TESTS(trap_03_the_reply_to_a_close_does_not_overtake_what_was_sent),
      WORLD_TESTS(trap_04_violations_of_the_frame_layer_get_a_code_and_a_report),
      WORLD_TESTS(trap_05_after_a_failure_nothing_hangs),
      WORLD_TESTS(trap_06_a_close_of_one_byte_is_1002),
      WORLD_TEST(trap_07_only_codes_and_reasons_that_can_be_sent_are),
      WORLD_TESTS(trap_08_a_header_that_claims_2_gib_costs_nothing),
      WORLD_TESTS(trap_09_the_limit_is_on_messages_not_on_frames),
      WORLD_TESTS(trap_10_fragments_of_one_byte_cost_one_byte),
      WORLD_TESTS(trap_11_pings_of_a_peer_that_never_reads_pile_up_nowhere),
      cmocka_unit_test(trap_12_no_failing_allocation_leaks),
      WORLD_TEST(trap_13_a_reader_that_cannot_be_made_is_an_end_not_a_crash),
      WORLD_TESTS(trap_14_nothing_is_a_message_too),
      WORLD_TESTS(trap_15_no_limit_is_beyond_what_32_bits_hold),
      WORLD_TEST(trap_16_a_connection_may_be_freed_in_any_callback),
      WORLD_TEST(trap_17_a_busy_peer_does_not_own_the_loop),
      WORLD_TESTS(trap_18_codes_that_iana_has_registered_since_are_taken_and_sent),
      WORLD_TESTS(trap_19_the_bit_of_compressed_messages_is_1002_where_it_was_not_agreed_on),
      WORLD_TESTS(fact_a_control_frame_in_a_message_is_not_its_end),
      WORLD_TESTS(fact_a_control_frame_reaches_no_consumer),
      WORLD_TEST(fact_output_may_be_taken_in_pieces_of_any_size),
      WORLD_TEST(fact_a_message_is_one_frame_in_one_piece),
      WORLD_TESTS(fact_the_end_of_input_is_an_end),
      WORLD_TESTS(fact_an_idle_connection_holds_no_reader),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Vulnerabilities that other WebSocket servers had, by class, each named after where it was found first.
 * docs/reliability.md has the list. That nothing is read or written out of bounds is for the sanitizers to say,
 * under which these run.
 */
#include "world.h"

#include <stdio.h>
#include <time.h>

static char data[1 << 17];

/* A frame that announces so many bytes, and the first of them. */
static void announce(struct world *w, unsigned first, uint64_t len) {
  bytes_header(&w->in, first, true, len, len < 126 ? 7 : len < 65536 ? 16 : 64);
  bytes_add(&w->in, "x", 1);
  world_feed(w);
}

/* The request is refused, no consumer was asked, and nothing behind it is looked at. */
static void refused(struct world *w, const char *request, int status) {
  world_new(w);
  world_feed_text(w, request);
  expect_log(w, "");
  assert_int_equal(swale_ws_feed(w->ws, "more", 4), SWALE_ECLOSED);
  expect_status(w, status, NULL);
  bytes_clear(&w->out);
  expect_closed(w);
  world_end(w);
}

/* ---- a limit at the wrong layer --------------------------------------------------------- */

static void cve_2026_48779_tiny_fragments_are_bounded_besides_their_bytes(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, TEXT, "x", 1);
  long before = w->u.live;
  for (int i = 1; i < 1024; i++)
    world_frame(w, CONT, "x", 1);
  assert_true(w->u.live <= before + 1);
  world_frame(w, CONT, "x", 1);
  expect_failed(w, 1008, SWALE_EFULL);
}

static void cve_2026_42786_a_fragmented_message_is_bounded_in_all(void **state) {
  struct world *w = *state;
  world_connect(w);
  for (int i = 0; i < 8; i++)
    world_frame(w, i ? CONT : BIN, data, 131072);
  expect_nothing(w); /* 1 MiB */
  announce(w, CONT, 1);
  expect_failed(w, 1009, SWALE_ESIZE);
}

static void cve_2014_0193_continuations_without_end_are_bounded_even_if_empty(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, TEXT, "x", 1);
  for (int i = 0; i < 64; i++)
    world_frame(w, CONT, NULL, 0);
  expect_nothing(w);
  world_frame(w, CONT, NULL, 0);
  expect_failed(w, 1008, SWALE_EFULL);
}

/* ---- arithmetic before the limit -------------------------------------------------------- */

static void cve_2020_27813_lengths_are_compared_by_subtraction(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, BIN, data, 1000);
  announce(w, FIN | CONT, INT64_MAX);
  expect_failed(w, 1009, SWALE_ESIZE);
}

static void cve_2020_13935_a_length_with_its_top_bit_set_is_no_length(void **state) {
  struct world *w = *state;
  static const uint64_t lengths[] = {UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 3};
  for (size_t i = 0; i < 3; i++) {
    world_connect(w);
    announce(w, FIN | BIN, lengths[i]);
    expect_failed(w, 1002, SWALE_EPROTOCOL);
    world_end(w);
  }
}

static void cve_2026_0716_there_is_no_limit_that_means_none(void **state) {
  struct world *w = *state;
  swale_ws *ws;
  size_t *const limits[] = {&w->options.message_max, &w->options.head_max, &w->options.output_max};
  uint32_t *const counts[] = {&w->options.fragments_max,      &w->options.headers_max,
                              &w->options.message_rate,       &w->options.byte_rate,
                              &w->options.control_rate,       &w->options.handshakes_max,
                              &w->options.handshakes_per_peer};
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    size_t usual = *limits[i];
    *limits[i] = 0;
    assert_int_equal(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &ws), SWALE_EINVAL);
    *limits[i] = usual;
  }
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    uint32_t usual = *counts[i];
    *counts[i] = 0;
    assert_int_equal(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &ws), SWALE_EINVAL);
    *counts[i] = usual;
  }
  w->options.message_max = SIZE_MAX;
  assert_int_equal(swale_ws_new(w->app, w->loop, &w->options, NULL, NULL, w, &ws), SWALE_EINVAL);
}

static int free_in_receive(struct world *w, swale_consumer *c, enum swale_kind kind, const void *bytes,
                           size_t len) {
  (void)c, (void)kind;
  swale_ws_free(w->ws);
  w->ws = NULL;
  assert_memory_equal(bytes, "onetwo", len); /* still there */
  return 0;
}

static void cve_2017_2922_the_assembled_message_outlives_its_connection(void **state) {
  struct world *w = *state;
  world_connect(w);
  world_frame(w, TEXT, "one", 3);
  w->on_receive = free_in_receive;
  bytes_frame(&w->in, FIN | CONT, "two", 3);
  bytes_frame(&w->in, FIN | TEXT, "three", 5);
  swale_ws_feed(w->ws, w->in.at, w->in.len);
  bytes_clear(&w->in);
  assert_null(w->ws);
  expect_log(w, "text:onetwo disconnect:1006");
}

/* nopoll 84, gpac 3860, baresip re 1584, ios-webkit-debug-proxy 435: 4 + length, length + 1 and shifts that wrap. */
static void nopoll_84_lengths_near_the_ends_of_their_types_are_refused(void **state) {
  struct world *w = *state;
  static const uint64_t lengths[] = {INT32_MAX,      (uint64_t)INT32_MAX + 1,      UINT32_MAX - 4, UINT32_MAX,
                                     INT64_MAX - 14, (UINT64_C(1) << 32) - 14 + 1, INT64_MAX};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    world_connect(w);
    announce(w, FIN | TEXT, lengths[i]);
    expect_failed(w, 1009, SWALE_ESIZE);
    world_end(w);
  }
}

static void cve_2026_54466_a_length_over_the_limit_is_refused_as_soon_as_it_is_known(void **state) {
  struct world *w = *state;
  struct bytes header = {0};
  world_connect(w);
  bytes_header(&header, FIN | BIN, true, (1 << 20) + 1, 64);
  world_feed_bytes(w, header.at, header.len);
  expect_nothing(w);
  world_feed_bytes(w, "x", 1); /* the frame layer shows a header with the first byte behind it */
  expect_failed(w, 1009, SWALE_ESIZE);
  bytes_free(&header);
}

static void cve_2026_19204_nothing_of_a_frame_with_an_unknown_opcode_is_kept(void **state) {
  struct world *w = *state;
  static const unsigned opcodes[] = {0x3, 0x7, 0xb, 0xf};
  for (size_t i = 0; i < 4; i++) {
    world_connect(w);
    world_text(w, "warm");
    expect_log(w, "text:warm");
    long before = w->u.live;
    announce(w, FIN | opcodes[i], opcodes[i] < 8 ? 1 << 20 : 1);
    assert_true(w->u.live <= before + 2); /* the close frame, the reader */
    expect_failed(w, 1002, SWALE_EPROTOCOL);
    world_end(w);
  }
}

/* ---- what is sent ----------------------------------------------------------------------- */

static void cve_2026_45736_a_close_frame_holds_its_code_and_reason_and_nothing_else(void **state) {
  struct world *w = *state;
  char reason[124];
  for (size_t len = 0; len <= 123; len++) {
    memset(reason, 'r', len);
    reason[len] = '\0';
    world_connect(w);
    assert_int_equal(swale_close(w->consumer, 1000, reason), 0);
    expect_close(w, 1000, reason);
    world_end(w);
  }
}

static void cve_2016_10518_a_pong_holds_what_the_ping_held_and_nothing_else(void **state) {
  struct world *w = *state;
  char payload[125];
  w->options.control_rate = 1000;
  world_connect(w);
  for (size_t i = 0; i < sizeof payload; i++)
    payload[i] = (char)i;
  for (size_t len = 0; len <= sizeof payload; len++) {
    world_frame(w, FIN | PING, payload, len);
    expect_frame(w, FIN | PONG, payload, len);
  }
}

/* ---- handshakes ------------------------------------------------------------------------- */

/* `Upgrade` among the headers that come too late must not be overlooked. */
static void cve_2024_37890_too_many_headers_are_refused_as_a_whole(void **state) {
  struct world *w = *state;
  struct bytes request = {0};
  bytes_puts(&request, REQUEST_LINE "Host: example.com\r\n");
  for (int i = 0; i < 100; i++)
    bytes_puts(&request, "X: y\r\n");
  bytes_puts(&request, REQUEST_HEADERS "\r\n");
  bytes_add(&request, "", 1);
  refused(w, (const char *)request.at, 431);
  bytes_free(&request);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Hundreds of times as long as any of them takes. */
static void cve_2021_32640_long_lists_take_no_longer_than_their_length(void **state) {
  struct world *w = *state;
  static const char *const repeated[] = {",", " ", ", ", "a,", "a, ", "a ", "\t,", "a;b,"};
  double start = seconds();
  for (size_t i = 0; i < sizeof repeated / sizeof repeated[0]; i++) {
    struct bytes request = {0};
    bytes_puts(&request, REQUEST_LINE REQUEST_HEADERS "Sec-WebSocket-Protocol: x");
    while (request.len < 15000)
      bytes_puts(&request, repeated[i]);
    bytes_puts(&request, "y\r\n\r\n");
    world_new(w);
    world_feed_bytes(w, request.at, request.len);
    world_drain(w);
    bytes_free(&request);
    world_end(w);
  }
  assert_true(seconds() - start < 5);
}

static void cve_2016_10542_every_limit_has_a_finite_default(void **state) {
  struct world *w = *state;
  const struct swale_ws_options *o = &w->options;
  assert_in_range(o->message_max, 1, 1 << 30);
  assert_in_range(o->output_max, 1, 1 << 30);
  assert_in_range(o->head_max, 1, 1 << 20);
  assert_in_range(o->early_max, 1, 1 << 20);
  const uint32_t counts[] = {o->fragments_max,  o->empty_fragments_max,
                             o->headers_max,    o->message_rate,
                             o->byte_rate,      o->control_rate,
                             o->handshakes_max, o->handshakes_per_peer,
                             o->handshake_ms,   o->ping_ms,
                             o->pong_ms,        o->close_ms,
                             o->idle_ms};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
    assert_in_range(counts[i], 1, 1 << 30);
}

static void cve_2023_43669_a_head_is_bounded_and_read_once(void **state) {
  struct world *w = *state;
  double start = seconds();
  world_new(w);
  world_feed_text(w, REQUEST_LINE "X: ");
  long blocks = w->u.live;
  for (int i = 0; i < 16000; i++)
    world_feed_text(w, "y");
  assert_true(w->u.live <= blocks + 1);
  expect_state(w, SWALE_WS_WANT_READ);
  for (int i = 0; i < 1000 && (swale_ws_state(w->ws) & SWALE_WS_WANT_READ); i++)
    world_feed_text(w, "y");
  expect_status(w, 431, NULL);
  assert_true(seconds() - start < 5);
}

static int upgrade_with(struct world *w, const char *method, const char *version, size_t n_headers) {
  struct swale_ws_answer answer = {0};
  struct swale_ws_upgrade upgrade = world_upgrade;
  upgrade.method = method;
  upgrade.version = version;
  upgrade.request.n_headers = n_headers;
  assert_int_equal(swale_ws_new_upgraded(w->app, w->loop, &w->options, &upgrade, w, &w->ws), 0);
  assert_int_equal(swale_ws_get_answer(w->ws, &answer), 0);
  int status = answer.status;
  world_end(w);
  return status;
}

static void cve_2024_36387_an_upgrade_over_another_version_of_http_is_answered(void **state) {
  struct world *w = *state;
  assert_int_equal(upgrade_with(w, "GET", "HTTP/1.1", 5), 101);
  assert_int_equal(upgrade_with(w, "GET", "HTTP/2", 5), 505);
  assert_int_equal(upgrade_with(w, "CONNECT", "HTTP/2.0", 0), 505);
  assert_int_equal(upgrade_with(w, "GET", "", 0), 505);
  assert_int_equal(upgrade_with(w, "CONNECT", "HTTP/1.1", 5), 405);
  assert_int_equal(upgrade_with(w, "GET", "HTTP/1.1", 0), 400);
}

static void cve_2018_12541_a_request_with_a_body_is_refused(void **state) {
  struct world *w = *state;
  refused(w, REQUEST_LINE REQUEST_HEADERS "Content-Length: 5\r\n\r\nhello", 400);
  refused(w, REQUEST_LINE REQUEST_HEADERS "Content-Length: 99999999999999999999\r\n\r\n", 400);
}

static void websocket_smuggling_nothing_behind_a_refused_request_is_looked_at(void **state) {
  struct world *w = *state;
  static const char *const refusals[] = {
      "Sec-WebSocket-Version: 12\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
      "Sec-WebSocket-Version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
      "Sec-WebSocket-Version: 13\r\nConnection: close\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
  };
  static const int statuses[] = {426, 400, 426};
  for (size_t i = 0; i < 3; i++) {
    char request[1024];
    snprintf(request, sizeof request, REQUEST_LINE "Host: example.com\r\n%s\r\n%s", refusals[i], REQUEST);
    refused(w, request, statuses[i]);
  }
}

static void h2c_smuggling_two_lengths_or_a_transfer_encoding_are_400(void **state) {
  struct world *w = *state;
  static const char *const lines[] = {
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: identity\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: x\r\n",
      "Content-Length: -1\r\n",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    char request[1024];
    snprintf(request, sizeof request, REQUEST_LINE REQUEST_HEADERS "%s\r\n5\r\nhello\r\n0\r\n\r\n", lines[i]);
    refused(w, request, 400);
  }
}

static int nobody(struct world *w, swale_scope *scope) {
  (void)w, (void)scope;
  return 401;
}

static void ghsa_c4j6_fc7j_m34r_guards_see_every_request(void **state) {
  struct world *w = *state;
  w->guard = nobody;
  refused(w, REQUEST, 401);
  assert_int_equal(upgrade_with(w, "GET", "HTTP/1.1", 5), 401);
  assert_int_equal(w->connects, 0);
}

/* ---- origins ---------------------------------------------------------------------------- */

static void from_origin(struct world *w, const char *origin, int status) {
  char request[1024];
  snprintf(request, sizeof request, REQUEST_LINE REQUEST_HEADERS "Cookie: session=1\r\nOrigin: %s\r\n\r\n",
           origin);
  if (status != 101) {
    refused(w, request, status);
    return;
  }
  world_new(w);
  world_feed_text(w, request);
  expect_status(w, 101, "");
  world_end(w);
}

/* python-engineio, webpack-dev-server, code-server, Jenkins, Vite, Cisco, Rancher: the origin was not looked at. */
static void cve_2019_13611_pages_of_other_origins_may_not_connect_unless_told_otherwise(void **state) {
  struct world *w = *state;
  static const char *const others[] = {
      "https://example.com",
      "http://example.com:8080",
      "http://evil.com",
      "http://example.com.evil.com",
      "http://evil.com/example.com",
      "null",
      "http://evilexample.com",
      "file://",
      "",
      "http://example.com/",
      "http://user@example.com",
      "example.com",
  };
  from_origin(w, "http://example.com", 101);
  from_origin(w, "HTTP://EXAMPLE.COM:80", 101);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    from_origin(w, others[i], 403);
}

static void cve_2022_42975_a_wildcard_needs_its_dot(void **state) {
  struct world *w = *state;
  static const char *const patterns[] = {"https://.example.com", NULL};
  swale_origins *origins;
  assert_int_equal(swale_origins_new(patterns, NULL, &origins), 0);
  w->options.origins = origins;
  from_origin(w, "https://example.com", 101);
  from_origin(w, "https://www.example.com", 101);
  from_origin(w, "https://badexample.com", 403);
  from_origin(w, "https://example.com.bad.com", 403);
  from_origin(w, "https://.example.com", 403);
  swale_origins_free(origins);
}

/* ---- what belongs to whom --------------------------------------------------------------- */

static int sessions[3], n_sessions;

static int set_session(struct world *w, swale_scope *scope) {
  (void)w;
  assert_int_equal(swale_scope_set(scope, "session", &sessions[n_sessions++], NULL), 0);
  return 0;
}

static void cve_2020_35681_nothing_of_one_connection_is_seen_by_another(void **state) {
  struct world *w = *state;
  swale_ws *ws[3];
  swale_consumer *consumers[3];
  n_sessions = 0;
  w->guard = set_session;
  w->cls.state_size = 16;
  for (int i = 0; i < 3; i++) {
    world_connect(w);
    ws[i] = w->ws;
    consumers[i] = w->consumer;
    assert_memory_equal(swale_state(consumers[i]), (char[16]){0}, 16);
    memset(swale_state(consumers[i]), 'a' + i, 16);
  }
  for (int i = 0; i < 3; i++) {
    assert_ptr_equal(swale_scope_get(swale_consumer_scope(consumers[i]), "session"), &sessions[i]);
    assert_int_equal(*(char *)swale_state(consumers[i]), 'a' + i);
    swale_ws_free(ws[i]);
  }
  w->ws = NULL;
}

static int decide_later(struct world *w, swale_consumer *c) {
  (void)w, (void)c;
  return 0;
}

static void cve_2025_21605_a_peer_is_bounded_before_it_is_accepted_too(void **state) {
  struct world *w = *state;
  w->on_connect = decide_later;
  world_new(w);
  world_feed_text(w, REQUEST);
  assert_int_equal(swale_send_text(w->consumer, "x", 1), SWALE_ESTATE);
  long before = w->u.live;
  for (int i = 0; i < 1000; i++)
    world_group_send(w, "event");
  world_run(w);
  assert_true(w->u.live <= before + 3 * 100 + 10); /* the layer's capacity of messages */
  while (swale_ws_state(w->ws) & SWALE_WS_WANT_READ)
    world_frame(w, FIN | PING, data, 125);
  assert_int_equal(w->reports, 0);
  for (int i = 0; i < 1000 && swale_ws_feed(w->ws, data, 1000) == 0; i++)
    ;
  assert_int_equal(w->reports, 1); /* fed on all the same: 400 */
  expect_status(w, 400, NULL);
}

/* ---- iterating while changing ----------------------------------------------------------- */

enum { CROWD = 20 };

static swale_ws *crowd[CROWD];
static int turn;

static int change_the_crowd(struct world *w, swale_consumer *c, swale_message *m) {
  (void)m;
  int i = turn++;
  swale_leave(c, "all");
  swale_join(c, "all");
  if (i % 3 == 0) {
    swale_ws_free(crowd[(i + 7) % CROWD]);
    crowd[(i + 7) % CROWD] = NULL;
  }
  if (i % 4 == 0)
    swale_close(c, 4000, NULL);
  if (turn < 200)
    world_group_send(w, "again");
  return 0;
}

static void cve_2020_36406_members_may_come_and_go_while_a_message_goes_round(void **state) {
  struct world *w = *state;
  struct swale_layer_stats s;
  uint64_t dropped = 0;
  turn = 0;
  for (int i = 0; i < CROWD; i++) {
    world_connect(w);
    crowd[i] = w->ws;
  }
  w->on_event = change_the_crowd;
  world_group_send(w, "event");
  world_run(w);
  assert_true(turn > 3);
  assert_int_equal(swale_layer_stats_get(w->layer, &s), 0);
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    dropped += s.dropped[i];
  assert_int_equal(s.offered, s.delivered + s.queued + dropped);
  for (int i = 0; i < CROWD; i++)
    swale_ws_free(crowd[i]);
  w->ws = NULL;
}

/* ---- lifetimes -------------------------------------------------------------------------- */

static void cve_2025_11677_a_connection_may_be_freed_in_every_state(void **state) {
  struct world *w = *state;
  for (int stage = 0; stage < 8; stage++) {
    w->on_connect = stage == 2 ? decide_later : NULL;
    world_new(w);
    if (stage >= 1)
      world_feed_text(w, stage == 1 ? "GET / HTTP/1.1\r\nHos" : stage == 7 ? "PUT /\r\n\r\n" : REQUEST);
    if (stage == 2)
      world_frame(w, FIN | TEXT, "early", 5);
    if (stage == 4)
      world_frame(w, TEXT, "half", 4);
    if (stage == 5)
      swale_close(w->consumer, 1000, NULL);
    if (stage == 6)
      world_close_frame(w, 1000, NULL);
    world_end(w);
    assert_int_equal(w->connects, w->disconnects);
  }
}

static int close_in_handler(struct world *w, swale_consumer *c, swale_message *m) {
  (void)m;
  swale_ws_free(w->ws);
  w->ws = NULL;
  swale_send_bytes(c, data, 100);
  return 0;
}

/* A client freed in the middle of what had waited for it. */
static void cve_2026_23479_a_consumer_that_ends_while_its_queue_is_handled_gets_no_more(void **state) {
  struct world *w = *state;
  w->on_connect = decide_later;
  world_new(w);
  world_feed_text(w, REQUEST);
  for (int i = 0; i < 5; i++)
    world_group_send(w, "event");
  world_run(w);
  w->on_event = close_in_handler;
  assert_int_equal(swale_accept(w->consumer, NULL), 0);
  world_run(w);
  assert_null(w->ws);
  expect_log(w, "connect disconnect:1006");
}

/* HTTP/2 servers: floods of frames that are each legal (SETTINGS, RST_STREAM, CONTINUATION). */
static void cve_2023_44487_legal_frames_have_a_rate(void **state) {
  struct world *w = *state;
  static const unsigned kinds[] = {FIN | PING, FIN | PONG, FIN | TEXT};
  w->options.message_rate = 100;
  for (size_t i = 0; i < 3; i++) {
    world_connect(w);
    for (int n = 0; n < 100; n++)
      world_frame(w, kinds[i], NULL, 0);
    w->log[0] = '\0';
    world_drain(w);
    bytes_clear(&w->out);
    world_frame(w, kinds[i], NULL, 0);
    expect_failed(w, 1008, SWALE_EFULL);
    world_end(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TESTS(cve_2026_48779_tiny_fragments_are_bounded_besides_their_bytes),
      WORLD_TEST(cve_2026_42786_a_fragmented_message_is_bounded_in_all),
      WORLD_TESTS(cve_2014_0193_continuations_without_end_are_bounded_even_if_empty),
      WORLD_TESTS(cve_2020_27813_lengths_are_compared_by_subtraction),
      WORLD_TESTS(cve_2020_13935_a_length_with_its_top_bit_set_is_no_length),
      WORLD_TEST(cve_2026_0716_there_is_no_limit_that_means_none),
      WORLD_TEST(cve_2017_2922_the_assembled_message_outlives_its_connection),
      WORLD_TESTS(nopoll_84_lengths_near_the_ends_of_their_types_are_refused),
      WORLD_TESTS(cve_2026_54466_a_length_over_the_limit_is_refused_as_soon_as_it_is_known),
      WORLD_TESTS(cve_2026_19204_nothing_of_a_frame_with_an_unknown_opcode_is_kept),
      WORLD_TEST(cve_2026_45736_a_close_frame_holds_its_code_and_reason_and_nothing_else),
      WORLD_TESTS(cve_2016_10518_a_pong_holds_what_the_ping_held_and_nothing_else),
      WORLD_TESTS(cve_2024_37890_too_many_headers_are_refused_as_a_whole),
      WORLD_TEST(cve_2021_32640_long_lists_take_no_longer_than_their_length),
      WORLD_TEST(cve_2016_10542_every_limit_has_a_finite_default),
      WORLD_TEST(cve_2023_43669_a_head_is_bounded_and_read_once),
      WORLD_TEST(cve_2024_36387_an_upgrade_over_another_version_of_http_is_answered),
      WORLD_TESTS(cve_2018_12541_a_request_with_a_body_is_refused),
      WORLD_TESTS(websocket_smuggling_nothing_behind_a_refused_request_is_looked_at),
      WORLD_TESTS(h2c_smuggling_two_lengths_or_a_transfer_encoding_are_400),
      WORLD_TEST(ghsa_c4j6_fc7j_m34r_guards_see_every_request),
      WORLD_TEST(cve_2019_13611_pages_of_other_origins_may_not_connect_unless_told_otherwise),
      WORLD_TEST(cve_2022_42975_a_wildcard_needs_its_dot),
      WORLD_TEST(cve_2020_35681_nothing_of_one_connection_is_seen_by_another),
      WORLD_TEST(cve_2025_21605_a_peer_is_bounded_before_it_is_accepted_too),
      WORLD_TEST(cve_2020_36406_members_may_come_and_go_while_a_message_goes_round),
      WORLD_TEST(cve_2025_11677_a_connection_may_be_freed_in_every_state),
      WORLD_TEST(cve_2026_23479_a_consumer_that_ends_while_its_queue_is_handled_gets_no_more),
      WORLD_TESTS(cve_2023_44487_legal_frames_have_a_rate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

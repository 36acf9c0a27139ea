/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>

#include "ws/deflate.h"
#include "zpeer.h"

/* A world whose connections want compression, and a peer that speaks it. */
struct fixture {
  struct world w; /* first */
  struct swale_ws_deflate deflate;
  struct zpeer peer;
  struct bytes bytes;
};

static int setup(void **state) {
  struct fixture *f = malloc(sizeof *f);
  size_t chunk = (size_t)(uintptr_t)*state;
  memset(f, 0, sizeof *f);
  world_init(&f->w);
  f->w.chunk = chunk;
  swale_ws_deflate_default(&f->deflate);
  f->deflate.threshold = 10;
  f->w.options.deflate = &f->deflate;
  zpeer_init(&f->peer, 15, 15);
  *state = f;
  return world_open(&f->w);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  zpeer_free(&f->peer);
  bytes_free(&f->bytes);
  world_close(&f->w);
  long live = f->w.u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

#define OFFER(offer) "Sec-WebSocket-Extensions: " offer "\r\n"

/* Connects, offering; the answer has this extension, or none. */
static void expect_agreed(struct world *w, const char *headers, const char *extension) {
  char request[1024], wanted[512];
  snprintf(request, sizeof request, "%s%s\r\n", REQUEST_LINE REQUEST_HEADERS, headers);
  snprintf(wanted, sizeof wanted, "\r\nSec-WebSocket-Extensions: %s\r\n", extension);
  world_new(w);
  assert_int_equal(world_feed_text(w, request), 0);
  world_drain(w);
  bytes_add(&w->out, "", 1);
  const char *answer = (const char *)w->out.at;
  assert_memory_equal(answer, "HTTP/1.1 101 ", 13);
  const char *found = strstr(answer, "Sec-WebSocket-Extensions:");
  assert_true(extension[0] ? strstr(answer, wanted) != NULL : found == NULL);
  assert_null(found ? strstr(found + 1, "Sec-WebSocket-Extensions:") : NULL);
  bytes_clear(&w->out);
  w->log[0] = '\0';
}

#define NO_TAKEOVER "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

static void connect_without_takeover(struct fixture *f) {
  expect_agreed(&f->w, OFFER("permessage-deflate"), NO_TAKEOVER);
}

static void connect_with_takeover(struct fixture *f) {
  f->deflate.server_context_takeover = f->deflate.client_context_takeover = 1;
  expect_agreed(&f->w, OFFER("permessage-deflate"), "permessage-deflate");
}

static void forget(struct fixture *f, swale_ws *ws) {
  swale_ws_free(ws);
  world_run(&f->w);
  f->w.log[0] = '\0';
  f->w.consumer = NULL;
  f->w.ws = NULL;
}

/* The peer sends a message, deflated, in one frame. */
static int peer_sends(struct fixture *f, unsigned opcode, const void *bytes, size_t len) {
  bytes_clear(&f->bytes);
  zpeer_deflate(&f->peer, bytes, len, &f->bytes);
  return world_frame(&f->w, FIN | RSV1 | opcode, f->bytes.at, f->bytes.len);
}

static int peer_says(struct fixture *f, const char *text) { return peer_sends(f, TEXT, text, strlen(text)); }

/* The next frame written is this text, deflated. Its length on the wire. */
static size_t expect_next_deflated(struct fixture *f, size_t *at, const char *text) {
  struct frame frame;
  assert_true(next_frame(&f->w.out, at, &frame));
  assert_int_equal(frame.first, FIN | RSV1 | TEXT);
  bytes_clear(&f->bytes);
  zpeer_inflate(&f->peer, frame.payload, frame.len, &f->bytes);
  assert_int_equal(f->bytes.len, strlen(text));
  assert_memory_equal(f->bytes.at, text, strlen(text));
  return frame.len;
}

static size_t expect_deflated(struct fixture *f, const char *text) {
  size_t at = 0;
  world_drain(&f->w);
  size_t len = expect_next_deflated(f, &at, text);
  assert_int_equal(at, f->w.out.len);
  bytes_clear(&f->w.out);
  return len;
}

static const char lines[] = "one line, two lines, three lines, four lines, and many more lines, line by line";

static int send_text(struct fixture *f, const char *text) {
  return swale_send_text(f->w.consumer, text, strlen(text));
}

/* ---- agreeing --------------------------------------------------------------------------- */

static void it_is_agreed_where_both_sides_want_it(void **state) {
  struct fixture *f = *state;
  expect_agreed(&f->w, OFFER("permessage-deflate; client_max_window_bits"), NO_TAKEOVER);
}

static void it_is_not_agreed_where_one_side_does_not(void **state) {
  struct fixture *f = *state;
  expect_agreed(&f->w, "", "");
  forget(f, f->w.ws);
  expect_agreed(&f->w, OFFER("permessage-deflate; unknown"), "");
  forget(f, f->w.ws);
  f->w.options.deflate = NULL;
  expect_agreed(&f->w, OFFER("permessage-deflate"), "");
}

static void offers_may_stand_in_several_lines(void **state) {
  struct fixture *f = *state;
  expect_agreed(
      &f->w,
      OFFER("mux") "sec-websocket-extensions: permessage-deflate; server_max_window_bits=10\r\n" OFFER(
          "permessage-deflate"),
      NO_TAKEOVER "; server_max_window_bits=10");
}

static int set_for_route(struct world *w, swale_consumer *c) {
  struct fixture *f = (struct fixture *)w;
  struct swale_ws_deflate own = f->deflate;
  own.server_context_takeover = 1;
  own.server_window_bits = 9;
  assert_int_equal(swale_ws_set_deflate(c, &own), 0);
  memset(&own, 0xff, sizeof own);
  return swale_accept(c, NULL);
}

static int set_none(struct world *w, swale_consumer *c) {
  (void)w;
  assert_int_equal(swale_ws_set_deflate(c, NULL), 0);
  return swale_accept(c, NULL);
}

static void a_route_may_want_something_else(void **state) {
  struct fixture *f = *state;
  f->w.on_connect = set_for_route;
  expect_agreed(&f->w, OFFER("permessage-deflate"),
                "permessage-deflate; client_no_context_takeover; server_max_window_bits=9");
  forget(f, f->w.ws);
  f->w.on_connect = set_none;
  expect_agreed(&f->w, OFFER("permessage-deflate"), "");
  forget(f, f->w.ws);
  f->w.options.deflate = NULL;
  f->w.on_connect = set_for_route;
  expect_agreed(&f->w, OFFER("permessage-deflate"),
                "permessage-deflate; client_no_context_takeover; server_max_window_bits=9");
}

static int set_too_late(struct world *w, swale_consumer *c) {
  struct fixture *f = (struct fixture *)w;
  int rv = swale_accept(c, NULL);
  assert_int_equal(swale_ws_set_deflate(c, &f->deflate), SWALE_ESTATE);
  return rv;
}

static int set_wrong(struct world *w, swale_consumer *c) {
  struct swale_ws_deflate wrong = ((struct fixture *)w)->deflate;
  wrong.level = 10;
  assert_int_equal(swale_ws_set_deflate(c, &wrong), SWALE_EINVAL);
  return swale_accept(c, NULL);
}

static void setting_it_wrong_or_late_changes_nothing(void **state) {
  struct fixture *f = *state;
  f->w.on_connect = set_too_late;
  expect_agreed(&f->w, OFFER("permessage-deflate"), NO_TAKEOVER);
  forget(f, f->w.ws);
  f->w.on_connect = set_wrong;
  expect_agreed(&f->w, OFFER("permessage-deflate"), NO_TAKEOVER);
}

static void set_when_over(struct world *w, swale_consumer *c, int code) {
  (void)code;
  assert_int_equal(swale_ws_set_deflate(c, &((struct fixture *)w)->deflate), SWALE_EUNSUPPORTED);
}

static void there_is_nothing_to_set_when_it_is_over(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  f->w.on_disconnect = set_when_over;
  world_close_frame(&f->w, 1000, NULL);
  assert_int_equal(f->w.disconnects, 1);
}

static void every_value_has_a_range(void **state) {
  (void)state;
  struct swale_ws_deflate d;
  swale_ws_deflate_default(&d);
  assert_int_equal(swale__ws_deflate_check(&d), 0);
#define REFUSED(field, value)                                                                                \
  do {                                                                                                       \
    struct swale_ws_deflate wrong = d;                                                                       \
    wrong.field = value;                                                                                     \
    assert_int_equal(swale__ws_deflate_check(&wrong), SWALE_EINVAL);                                         \
  } while (0)
  REFUSED(size, sizeof d - 1);
  REFUSED(ratio_max, 0);
  REFUSED(level, 0);
  REFUSED(level, 10);
  REFUSED(mem_level, 0);
  REFUSED(mem_level, 10);
  REFUSED(server_window_bits, 8);
  REFUSED(server_window_bits, 16);
  REFUSED(client_window_bits, 8);
  REFUSED(client_window_bits, -1);
  REFUSED(client_window_bits, 16);
}

/* ---- receiving -------------------------------------------------------------------------- */

static void messages_are_inflated(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  for (int i = 0; i < 2; i++) {
    zpeer_reset(&f->peer);
    peer_says(f, "hello");
    expect_log(&f->w, "text:hello");
    zpeer_reset(&f->peer);
    peer_sends(f, BIN, "\xff", 1);
    expect_log(&f->w, "bytes:\xff");
    world_text(&f->w, "plain");
    expect_log(&f->w, "text:plain");
  }
  world_frame(&f->w, FIN | RSV1 | TEXT, "\0", 1);
  world_frame(&f->w, FIN | RSV1 | TEXT, "", 0);
  expect_log(&f->w, "text: text:");
  expect_nothing(&f->w);
}

static void a_client_with_takeover_refers_to_what_it_sent_before(void **state) {
  struct fixture *f = *state;
  connect_with_takeover(f);
  peer_says(f, "hello hello hello hello");
  size_t first = f->bytes.len;
  peer_says(f, "hello hello hello hello");
  assert_true(f->bytes.len < first);
  expect_log(&f->w, "text:hello hello hello hello text:hello hello hello hello");
}

static void a_client_without_takeover_may_not(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  peer_says(f, "hello hello hello hello");
  peer_says(f, "hello hello hello hello");
  expect_log(&f->w, "text:hello hello hello hello disconnect:1007");
  expect_close(&f->w, 1007, NULL);
}

static void fragments_are_inflated_as_they_come(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  zpeer_deflate(&f->peer, lines, strlen(lines), &f->bytes);
  const unsigned char *at = f->bytes.at;
  bytes_frame(&f->w.in, RSV1 | TEXT, at, 10);
  bytes_frame(&f->w.in, CONT, at + 10, 0);
  bytes_frame(&f->w.in, FIN | PING, "between", 7);
  bytes_frame(&f->w.in, CONT, at + 10, 1);
  bytes_frame(&f->w.in, FIN | CONT, at + 11, f->bytes.len - 11);
  world_feed(&f->w);
  char wanted[32];
  snprintf(wanted, sizeof wanted, "text#%zu", strlen(lines));
  expect_log(&f->w, wanted);
  expect_frame(&f->w, FIN | PONG, "between", 7);
}

static void two_peers_may_be_at_a_message_at_the_same_time(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  swale_ws *first = f->w.ws, *second;
  connect_without_takeover(f);
  second = f->w.ws;
  zpeer_deflate(&f->peer, "hello", 5, &f->bytes);
  for (size_t i = 0; i < f->bytes.len; i++)
    for (int n = 0; n < 2; n++) {
      f->w.ws = n ? first : second;
      unsigned head = (i == 0 ? (unsigned)RSV1 | TEXT : CONT) | (i == f->bytes.len - 1 ? (unsigned)FIN : 0);
      world_frame(&f->w, head, f->bytes.at + i, 1);
    }
  expect_log(&f->w, "text:hello text:hello");
  forget(f, first);
  f->w.ws = second;
}

static void expect_failure(struct fixture *f, unsigned first, const char *payload, size_t len,
                           unsigned code) {
  char wanted[32];
  connect_without_takeover(f);
  world_frame(&f->w, first, payload, len);
  snprintf(wanted, sizeof wanted, "disconnect:%u", code);
  expect_log(&f->w, wanted);
  expect_close(&f->w, code, NULL);
  forget(f, f->w.ws);
}

static void reserved_bits_mean_what_was_agreed_and_nothing_else(void **state) {
  struct fixture *f = *state;
  const unsigned rsv1 = RSV1;
  expect_failure(f, FIN | rsv1 | PING, "", 0, 1002);
  expect_failure(f, FIN | rsv1 | PONG, "", 0, 1002);
  expect_failure(f, FIN | rsv1 | CLOSE, "", 0, 1002);
  expect_failure(f, FIN | rsv1 | CONT, "", 0, 1002);
  expect_failure(f, FIN | rsv1 | 3, "", 0, 1002);
  expect_failure(f, FIN | 0x20 | TEXT, "", 0, 1002);
  expect_failure(f, FIN | 0x10 | TEXT, "", 0, 1002);
  expect_failure(f, FIN | 0x70 | TEXT, "", 0, 1002);
  connect_without_takeover(f);
  world_frame(&f->w, rsv1 | TEXT, "\0", 1);
  world_frame(&f->w, FIN | rsv1 | CONT, "", 0);
  expect_log(&f->w, "disconnect:1002");
  expect_close(&f->w, 1002, NULL);
  forget(f, f->w.ws);
  expect_agreed(&f->w, "", "");
  world_frame(&f->w, FIN | rsv1 | TEXT, "\0", 1);
  expect_log(&f->w, "disconnect:1002");
}

static void what_is_malformed_ends_the_connection(void **state) {
  struct fixture *f = *state;
  expect_failure(f, FIN | RSV1 | TEXT, "\x06", 1, 1007);
  assert_int_equal(f->w.reported, SWALE_EFORMAT);
  expect_failure(f, FIN | RSV1 | BIN, "no stream", 9, 1007);
  expect_failure(f, FIN | RSV1 | TEXT, "\x00\x01\x00\xfe\xff\xff\x00", 7, 1007);
  assert_int_equal(f->w.reported, SWALE_EUTF8);
  expect_failure(f, RSV1 | TEXT, "\x00\x01\x00\xfe\xff\xff\x00", 7,
                 1007); /* before the message is complete */
}

static void limits_are_of_what_it_inflates_to(void **state) {
  struct fixture *f = *state;
  static char zeros[200000];
  f->w.options.message_max = 150000;
  connect_without_takeover(f);
  peer_sends(f, BIN, zeros, 150001);
  expect_log(&f->w, "disconnect:1008");
  expect_close(&f->w, 1008, NULL);
  assert_int_equal(f->w.reported, SWALE_EFULL);
  forget(f, f->w.ws);
  f->deflate.ratio_max = 1032;
  connect_without_takeover(f);
  zpeer_reset(&f->peer);
  peer_sends(f, BIN, zeros, 150000);
  expect_log(&f->w, "bytes#150000");
  zpeer_reset(&f->peer);
  peer_sends(f, BIN, zeros, 150001);
  expect_log(&f->w, "disconnect:1009");
  expect_close(&f->w, 1009, NULL);
  assert_int_equal(f->w.reported, SWALE_ESIZE);
}

/* 32 MiB in 32 KiB, in one frame and in many: what is held stays below the limit on messages. */
static void bomb(struct fixture *f, size_t piece) {
  static char zeros[32 << 20];
  struct bytes in = {0};
  f->deflate.ratio_max = 1032;
  connect_without_takeover(f);
  zpeer_deflate(&f->peer, zeros, sizeof zeros, &in);
  assert_true(in.len < 40000);
  for (size_t at = 0; at < in.len; at += piece) {
    size_t left = in.len - at, len = piece < left ? piece : left;
    bytes_frame(&f->w.in, (at ? CONT : RSV1 | BIN) | (len == left ? FIN : 0), in.at + at, len);
  }
  world_feed(&f->w);
  expect_log(&f->w, "disconnect:1009");
  expect_close(&f->w, 1009, NULL);
  assert_int_equal(f->w.reported, SWALE_ESIZE);
  bytes_free(&in);
}

static void cve_2026_39804_an_inflate_bomb_is_stopped_in_its_middle(void **state) { bomb(*state, SIZE_MAX); }
static void cve_2018_1000518_a_bomb_in_fragments_is_one_too(void **state) { bomb(*state, 1000); }

/* A message of the largest size is not refused because it would not deflate. */
static void what_is_on_the_wire_may_be_a_little_more(void **state) {
  struct fixture *f = *state;
  unsigned char noise[4000];
  f->w.options.message_max = sizeof noise;
  unit_env_random(noise, sizeof noise, &f->w.u);
  connect_without_takeover(f);
  deflateParams(&f->peer.deflater, 0, Z_DEFAULT_STRATEGY);
  peer_sends(f, BIN, noise, sizeof noise);
  assert_true(f->bytes.len > sizeof noise);
  expect_log(&f->w, "bytes#4000");
  bytes_header(&f->w.in, FIN | RSV1 | BIN, true, 4000 + 500 + 4096, 16);
  bytes_add(&f->w.in, "\x06", 1);
  world_feed(&f->w);
  expect_log(&f->w, "disconnect:1007");
  expect_close(&f->w, 1007, NULL);
  forget(f, f->w.ws);
  connect_without_takeover(f);
  bytes_header(&f->w.in, FIN | RSV1 | BIN, true, 4000 + 500 + 4096 + 1, 16);
  bytes_add(&f->w.in, "\x06", 1);
  world_feed(&f->w);
  expect_log(&f->w, "disconnect:1009");
}

/* Blocks without content cost nothing but their bytes, of which a message may only have so many. */
static void fragments_count_together_on_the_wire(void **state) {
  struct fixture *f = *state;
  struct bytes blocks = {0};
  f->w.options.message_max = 4000;
  for (int i = 0; i < 200; i++)
    bytes_add(&blocks, "\0\0\0\xff\xff", 5);
  connect_without_takeover(f);
  for (int i = 0; i < 8; i++)
    world_frame(&f->w, i ? CONT : (unsigned)RSV1 | BIN, blocks.at, blocks.len);
  expect_log(&f->w, "");
  world_frame(&f->w, CONT, blocks.at, blocks.len);
  expect_log(&f->w, "disconnect:1009");
  bytes_free(&blocks);
}

/* zlib takes 9 when it is told 8. */
static void a_client_with_the_smallest_window_may_use_a_little_more(void **state) {
  struct fixture *f = *state;
  unsigned char text[300];
  f->deflate.client_context_takeover = 1;
  expect_agreed(&f->w, OFFER("permessage-deflate; client_max_window_bits=8"),
                "permessage-deflate; server_no_context_takeover");
  unit_env_random(text, sizeof text, &f->w.u);
  for (int i = 0; i < 3; i++)
    peer_sends(f, BIN, text, sizeof text); /* which refers to what was 300 bytes before */
  assert_true(f->bytes.len < 20);
  expect_log(&f->w, "bytes#300 bytes#300 bytes#300");
}

static int close_it(struct world *w, swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  (void)w, (void)kind, (void)data, (void)len;
  return swale_close(c, 4000, NULL);
}

static void a_message_may_close_the_connection_it_came_on(void **state) {
  struct fixture *f = *state;
  f->w.on_receive = close_it;
  for (int takeover = 0; takeover < 2; takeover++) {
    if (takeover)
      connect_with_takeover(f);
    else
      connect_without_takeover(f);
    zpeer_reset(&f->peer);
    peer_says(f, lines);
    expect_close(&f->w, 4000, "");
    forget(f, f->w.ws);
  }
}

static void codecs_of_its_own_go_when_the_connection_closes(void **state) {
  struct fixture *f = *state;
  connect_with_takeover(f);
  send_text(f, lines);
  peer_says(f, lines);
  expect_deflated(f, lines);
  long before = f->w.u.live;
  world_close_frame(&f->w, 1000, NULL);
  expect_close(&f->w, 1000, NULL);
  assert_true(before - f->w.u.live >= 10); /* zlib alone: seven blocks */
}

static void a_message_cut_short_gives_everything_back(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  world_frame(&f->w, RSV1 | TEXT, "\xf2\x48", 2);
  swale_ws_feed_eof(f->w.ws);
  expect_log(&f->w, "disconnect:1006");
  forget(f, f->w.ws);
  connect_with_takeover(f);
  world_frame(&f->w, RSV1 | TEXT, "\xf2\x48", 2);
}

/* ---- sending ---------------------------------------------------------------------------- */

static void messages_are_deflated_each_by_itself(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(send_text(f, lines), 0);
    zpeer_reset(&f->peer);
    assert_true(expect_deflated(f, lines) < strlen(lines));
  }
}

static void with_takeover_they_refer_to_those_before(void **state) {
  struct fixture *f = *state;
  connect_with_takeover(f);
  send_text(f, lines);
  size_t first = expect_deflated(f, lines);
  send_text(f, lines);
  assert_true(expect_deflated(f, lines) < first / 2);
  world_group_send(&f->w, lines);
  world_run(&f->w);
  assert_true(expect_deflated(f, lines) < first / 2);
  send_text(f, "unlike 0123456789 \x7f #");
  expect_deflated(f, "unlike 0123456789 \x7f #");
}

static void what_is_short_or_does_not_shrink_is_sent_as_it_is(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  send_text(f, "too short");
  expect_text(&f->w, "too short");
  send_text(f, "0123456789");
  expect_text(&f->w, "0123456789");
  send_text(f, "");
  expect_text(&f->w, "");
  forget(f, f->w.ws);
  f->deflate.threshold = 0;
  connect_with_takeover(f);
  for (int i = 0; i < 2; i++) {
    send_text(f, "");
    expect_text(&f->w, "");
    send_text(f, "a");
    expect_deflated(f, "a");
  }
}

static void the_clients_window_is_kept_to(void **state) {
  struct fixture *f = *state;
  char text[2001], part[101];
  f->deflate.server_context_takeover = 1;
  expect_agreed(&f->w, OFFER("permessage-deflate; server_max_window_bits=9"),
                "permessage-deflate; client_no_context_takeover; server_max_window_bits=9");
  zpeer_free(&f->peer);
  zpeer_init(&f->peer, 15, 9);
  for (size_t i = 0; i < 100; i++)
    part[i] = (char)('!' + i % 90);
  for (size_t i = 0; i < 2000; i++)
    text[i] = part[i % 100 * (i / 700 + 1) % 100];
  text[2000] = '\0';
  for (int i = 0; i < 5; i++) {
    send_text(f, text);
    expect_deflated(f, text);
  }
}

static void group_messages_are_deflated_once_for_all(void **state) {
  struct fixture *f = *state;
  enum { MEMBERS = 20 };
  swale_ws *members[MEMBERS];
  struct iovec iov, first = {0};
  for (int i = 0; i < MEMBERS; i++) {
    connect_without_takeover(f);
    members[i] = f->w.ws;
  }
  world_group_send(&f->w, lines);
  long before = f->w.u.allocated;
  world_run(&f->w);
  assert_in_range(f->w.u.allocated - before, 1,
                  20); /* zlib's own five blocks, the frame, what was rendered */
  for (int i = 0; i < MEMBERS; i++) {
    assert_int_equal(swale_ws_peek(members[i], &iov, 1), 1);
    first = first.iov_base ? first : iov;
    assert_ptr_equal(iov.iov_base, first.iov_base);
  }
  f->w.ws = members[0];
  expect_deflated(f, lines);
  before = f->w.u.allocated;
  world_group_send(&f->w, lines);
  world_run(&f->w);
  assert_in_range(f->w.u.allocated - before, 1, 20 + MEMBERS);
  for (int i = 0; i < MEMBERS; i++)
    forget(f, members[i]);
  f->w.ws = NULL;
}

static int set_level(struct world *w, swale_consumer *c) {
  struct swale_ws_deflate own = ((struct fixture *)w)->deflate;
  if (w->connects % 2 == 0)
    own.level = 1;
  if (w->connects > 2)
    own.threshold = 1000;
  swale_ws_set_deflate(c, &own);
  return swale_accept(c, NULL);
}

static void routes_that_want_something_else_get_frames_of_their_own(void **state) {
  struct fixture *f = *state;
  swale_ws *members[3];
  struct iovec iov[3];
  f->w.on_connect = set_level;
  for (int i = 0; i < 3; i++) {
    connect_without_takeover(f);
    members[i] = f->w.ws;
  }
  world_group_send(&f->w, lines);
  world_run(&f->w);
  for (int i = 0; i < 3; i++)
    assert_int_equal(swale_ws_peek(members[i], &iov[i], 1), 1);
  assert_ptr_not_equal(iov[0].iov_base, iov[1].iov_base);
  assert_int_equal(((const unsigned char *)iov[0].iov_base)[0], FIN | RSV1 | TEXT);
  assert_int_equal(((const unsigned char *)iov[2].iov_base)[0], FIN | TEXT);
  for (int i = 0; i < 3; i++)
    forget(f, members[i]);
}

static void members_who_agreed_on_something_else_get_frames_of_their_own(void **state) {
  struct fixture *f = *state;
  swale_ws *members[4];
  const void *frames[4];
  const char *const offers[] = {
      "", OFFER("permessage-deflate"), OFFER("permessage-deflate; server_max_window_bits=9"),
      OFFER("permessage-deflate; server_max_window_bits=9; client_max_window_bits=10")};
  for (int i = 0; i < 4; i++) {
    world_connect_with(&f->w, offers[i]);
    members[i] = f->w.ws;
  }
  world_group_send(&f->w, lines);
  world_run(&f->w);
  for (int i = 0; i < 4; i++) {
    struct iovec iov;
    assert_int_equal(swale_ws_peek(members[i], &iov, 1), 1);
    frames[i] = iov.iov_base;
    f->w.ws = members[i];
    if (i == 0) {
      expect_text(&f->w, lines);
    } else {
      zpeer_reset(&f->peer);
      expect_deflated(f, lines);
    }
    forget(f, members[i]);
  }
  assert_ptr_not_equal(frames[0], frames[1]);
  assert_ptr_not_equal(frames[1], frames[2]);
  assert_ptr_equal(frames[2], frames[3]);
  f->w.ws = NULL;
}

static void the_bound_of_output_counts_what_goes_over_the_wire(void **state) {
  struct fixture *f = *state;
  static char zeros[100000];
  f->w.options.output_max = 1000;
  f->w.options.output_high = 900;
  f->w.options.output_low = 100;
  connect_without_takeover(f);
  for (int i = 0; i < 4; i++)
    assert_int_equal(swale_send_bytes(f->w.consumer, zeros, sizeof zeros), 0);
  int rv = 0;
  for (int i = 0; i < 20 && rv == 0; i++)
    rv = swale_send_bytes(f->w.consumer, zeros, sizeof zeros);
  assert_int_equal(rv, SWALE_EFULL);
  struct iovec iov[64];
  size_t waiting = 0;
  int n = swale_ws_peek(f->w.ws, iov, 64);
  assert_true(n >= 4);
  for (int i = 0; i < n; i++)
    waiting += iov[i].iov_len;
  assert_in_range(waiting, 800, 1000);
}

static void where_there_is_no_room_nothing_is_deflated(void **state) {
  struct fixture *f = *state;
  struct iovec iov;
  f->w.options.output_low = 1;
  f->w.options.output_high = 10;
  connect_without_takeover(f);
  send_text(f, lines);
  assert_int_equal(swale_ws_peek(f->w.ws, &iov, 1), 1);
  f->w.options.output_max = iov.iov_len;
  long before = f->w.u.allocated;
  assert_int_equal(send_text(f, lines), SWALE_EFULL);
  assert_int_equal(f->w.u.allocated, before);
}

/* What was refused never reached the peer, so nothing may refer to it. */
static void after_a_refusal_nothing_refers_to_what_was_refused(void **state) {
  struct fixture *f = *state;
  char noise[601];
  f->w.options.output_max = 300;
  f->w.options.output_high = 200;
  f->w.options.output_low = 100;
  connect_with_takeover(f);
  unit_env_random(noise, sizeof noise, &f->w.u);
  for (size_t i = 0; i < sizeof noise; i++)
    noise[i] = (char)('!' + (unsigned char)noise[i] % 89);
  noise[sizeof noise - 1] = '\0';
  send_text(f, lines);
  assert_int_equal(send_text(f, noise), SWALE_EFULL);
  send_text(f, lines + 1);
  size_t at = 0;
  world_drain(&f->w);
  expect_next_deflated(f, &at, lines);
  expect_next_deflated(f, &at, lines + 1);
  bytes_clear(&f->w.out);
  noise[150] = '\0';
  send_text(f, noise);
  expect_deflated(f, noise);
}

/* ---- memory ----------------------------------------------------------------------------- */

static void without_takeover_nothing_is_held_between_messages(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  peer_says(f, lines);
  send_text(f, lines);
  world_drain(&f->w);
  bytes_clear(&f->w.out);
  long before = f->w.u.live, allocated;
  swale_ws *first = f->w.ws;
  connect_without_takeover(f);
  long each = f->w.u.live - before;
  forget(f, f->w.ws);
  f->w.ws = first;
  assert_int_equal(f->w.u.live, before);
  expect_agreed(&f->w, "", "");
  assert_true(f->w.u.live - before >= each); /* no less without compression */
  forget(f, f->w.ws);
  f->w.ws = first;
  allocated = f->w.u.allocated;
  for (int i = 0; i < 100; i++) {
    zpeer_reset(&f->peer);
    peer_says(f, lines);
    f->w.log[0] = '\0';
  }
  assert_int_equal(f->w.u.allocated, allocated);
}

static void few_codecs_are_kept_and_the_last_used_are_those(void **state) {
  struct fixture *f = *state;
  static const char *const offers[] = {OFFER("permessage-deflate; server_max_window_bits=9"),
                                       OFFER("permessage-deflate; server_max_window_bits=10"),
                                       OFFER("permessage-deflate; server_max_window_bits=11"),
                                       OFFER("permessage-deflate; server_max_window_bits=12"),
                                       OFFER("permessage-deflate; server_max_window_bits=13"),
                                       OFFER("permessage-deflate; server_max_window_bits=14")};
  for (int i = 0; i < 6; i++) {
    world_connect_with(&f->w, offers[i]);
    send_text(f, lines);
    zpeer_reset(&f->peer);
    expect_deflated(f, lines);
    const struct swale__ws_codec *codec = f->w.ws->pool->codecs;
    assert_int_equal(codec->shape.window_bits, 9 + i);
    int kept = 0;
    for (; codec; codec = codec->next)
      kept++;
    assert_int_equal(kept, i < 4 ? i + 1 : 4);
    forget(f, f->w.ws);
  }
  f->w.ws = NULL;
}

/* Both ways, with and without takeover, to one and to a group. */
static int scenario(struct unit_env *u, bool takeover) {
  struct fixture f = {0};
  world_init(&f.w);
  f.w.u.env.allocator.user = u;
  swale_ws_deflate_default(&f.deflate);
  f.deflate.threshold = 10;
  f.deflate.server_context_takeover = f.deflate.client_context_takeover = takeover;
  f.w.options.deflate = &f.deflate;
  zpeer_init(&f.peer, 15, 15);
  int rv = world_open(&f.w);
  if (rv == 0)
    rv = swale_ws_new(f.w.app, f.w.loop, &f.w.options, NULL, NULL, &f.w, &f.w.ws);
  if (rv == 0) {
    world_feed_text(&f.w, REQUEST_LINE REQUEST_HEADERS OFFER("permessage-deflate") "\r\n");
    for (int i = 0; i < 2 && f.w.consumer; i++) {
      send_text(&f, lines);
      if (!takeover)
        zpeer_reset(&f.peer);
      peer_says(&f, lines);
      world_group_send(&f.w, lines);
      world_run(&f.w);
    }
    rv = f.w.disconnects > 0 || !f.w.consumer ? SWALE_ENOMEM : 0;
  }
  swale_ws_free(f.w.ws);
  if (f.w.loop)
    assert_int_equal(swale_loop_free(f.w.loop), 0);
  if (f.w.app)
    assert_int_equal(swale_app_free(f.w.app), 0);
  if (f.w.layer)
    assert_int_equal(swale_layer_free(f.w.layer), 0);
  assert_int_equal(f.w.connects, f.w.disconnects);
  zpeer_free(&f.peer);
  bytes_free(&f.bytes);
  bytes_free(&f.w.in);
  bytes_free(&f.w.out);
  return rv;
}

static int scenario_without_takeover(struct unit_env *u) { return scenario(u, false); }
static int scenario_with_takeover(struct unit_env *u) { return scenario(u, true); }

static void every_allocation_may_fail(void **state) {
  (void)state;
  unit_fail_every_allocation(scenario_without_takeover);
  unit_fail_every_allocation(scenario_with_takeover);
}

static void without_memory_to_compress_messages_are_sent_as_they_are(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  f->w.u.fail_at = 1;
  assert_int_equal(send_text(f, lines), 0);
  expect_text(&f->w, lines);
  assert_int_equal(send_text(f, lines), 0);
  expect_deflated(f, lines);
  forget(f, f->w.ws);
  connect_with_takeover(f);
  zpeer_reset(&f->peer);
  f->w.u.fail_at = 1;
  assert_int_equal(send_text(f, lines), 0);
  expect_text(&f->w, lines);
  for (int i = 0; i < 3; i++) {
    f->w.u.fail_at = i; /* 1: the block to deflate into, 2: the frame */
    int rv = send_text(f, lines);
    assert_int_equal(rv, i == 2 ? SWALE_ENOMEM : 0);
    if (i == 0)
      expect_deflated(f, lines);
    if (i == 1)
      expect_text(&f->w, lines);
  }
  assert_int_equal(send_text(f, lines + 1), 0);
  expect_deflated(f, lines + 1);
}

static void without_memory_to_inflate_it_ends_with_1011(void **state) {
  struct fixture *f = *state;
  connect_without_takeover(f);
  bytes_clear(&f->bytes);
  zpeer_deflate(&f->peer, lines, strlen(lines), &f->bytes);
  bytes_frame(&f->w.in, FIN | RSV1 | TEXT, f->bytes.at, f->bytes.len);
  f->w.u.fail_at = 5; /* a reader, an assembly, and of the codec the second block */
  world_feed(&f->w);
  expect_log(&f->w, "disconnect:1011");
  expect_close(&f->w, 1011, NULL);
}

static int accept_again(struct world *w, swale_consumer *c) {
  w->u.fail_at = 2; /* behind what has been agreed, the answer */
  assert_int_equal(swale_accept(c, NULL), SWALE_ENOMEM);
  return swale_accept(c, NULL);
}

static void what_was_agreed_is_forgotten_when_the_answer_fails(void **state) {
  struct fixture *f = *state;
  f->w.on_connect = accept_again;
  connect_with_takeover(f);
  send_text(f, lines);
  expect_deflated(f, lines);
}

static void without_memory_to_agree_it_is_not_agreed(void **state) {
  struct fixture *f = *state;
  bool seen = false;
  for (long n = 1; !seen; n++) {
    world_new(&f->w);
    f->w.u.fail_at = n;
    world_feed_text(&f->w, REQUEST_LINE REQUEST_HEADERS OFFER("permessage-deflate") "\r\n");
    world_drain(&f->w);
    bytes_add(&f->w.out, "", 1);
    const char *answer = (const char *)f->w.out.at;
    seen = strncmp(answer, "HTTP/1.1 101", 12) == 0 && !strstr(answer, "Extensions");
    bool through = f->w.u.fail_at > 0;
    f->w.u.fail_at = 0;
    bytes_clear(&f->w.out);
    forget(f, f->w.ws);
    f->w.ws = NULL;
    assert_true(seen || !through);
  }
}

#define TEST_IN(size, test)                                                                                  \
  { #test "/" #size, test, setup, teardown, (void *)(uintptr_t)size }
#define TESTS(test) TEST_IN(0, test), TEST_IN(1, test), TEST_IN(3, test)

int main(void) {
  const struct CMUnitTest tests[] = {
      TESTS(it_is_agreed_where_both_sides_want_it),
      TEST_IN(0, it_is_not_agreed_where_one_side_does_not),
      TESTS(offers_may_stand_in_several_lines),
      TEST_IN(0, a_route_may_want_something_else),
      TEST_IN(0, setting_it_wrong_or_late_changes_nothing),
      TEST_IN(0, there_is_nothing_to_set_when_it_is_over),
      cmocka_unit_test(every_value_has_a_range),
      TESTS(messages_are_inflated),
      TESTS(a_client_with_takeover_refers_to_what_it_sent_before),
      TESTS(a_client_without_takeover_may_not),
      TESTS(fragments_are_inflated_as_they_come),
      TESTS(two_peers_may_be_at_a_message_at_the_same_time),
      TESTS(reserved_bits_mean_what_was_agreed_and_nothing_else),
      TESTS(what_is_malformed_ends_the_connection),
      TESTS(limits_are_of_what_it_inflates_to),
      TEST_IN(0, cve_2026_39804_an_inflate_bomb_is_stopped_in_its_middle),
      TEST_IN(0, cve_2018_1000518_a_bomb_in_fragments_is_one_too),
      TESTS(what_is_on_the_wire_may_be_a_little_more),
      TESTS(fragments_count_together_on_the_wire),
      TESTS(a_client_with_the_smallest_window_may_use_a_little_more),
      TESTS(a_message_may_close_the_connection_it_came_on),
      TEST_IN(0, codecs_of_its_own_go_when_the_connection_closes),
      TESTS(a_message_cut_short_gives_everything_back),
      TEST_IN(0, messages_are_deflated_each_by_itself),
      TEST_IN(0, with_takeover_they_refer_to_those_before),
      TEST_IN(0, what_is_short_or_does_not_shrink_is_sent_as_it_is),
      TEST_IN(0, the_clients_window_is_kept_to),
      TEST_IN(0, group_messages_are_deflated_once_for_all),
      TEST_IN(0, routes_that_want_something_else_get_frames_of_their_own),
      TEST_IN(0, members_who_agreed_on_something_else_get_frames_of_their_own),
      TEST_IN(0, the_bound_of_output_counts_what_goes_over_the_wire),
      TEST_IN(0, where_there_is_no_room_nothing_is_deflated),
      TEST_IN(0, after_a_refusal_nothing_refers_to_what_was_refused),
      TEST_IN(0, without_takeover_nothing_is_held_between_messages),
      TEST_IN(0, few_codecs_are_kept_and_the_last_used_are_those),
      cmocka_unit_test(every_allocation_may_fail),
      TEST_IN(0, without_memory_to_compress_messages_are_sent_as_they_are),
      TESTS(without_memory_to_inflate_it_ends_with_1011),
      TEST_IN(0, what_was_agreed_is_forgotten_when_the_answer_fails),
      TEST_IN(0, without_memory_to_agree_it_is_not_agreed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <swale/json.h>

#include "peer.h"

/* ---- consumers ---------------------------------------------------------------------------------- */

static int send_back(swale_consumer *c, const struct swale_value *value) {
  return swale_send_json_value(c, value);
}

static int fail_on_value(swale_consumer *c, const struct swale_value *value) {
  (void)c, (void)value;
  return -1;
}

/* Tells the peer what was wrong, as a string. */
static int complain(swale_consumer *c, const struct swale_json_error *error) {
  struct swale_value text = {.type = SWALE_STR, .len = (uint32_t)strlen(error->text), .as.str = error->text};
  return swale_send_json_value(c, &text);
}

static const struct swale_json_receiver strict = {.on_value = send_back, .limits = {.size = 100, .depth = 4}};
static const struct swale_json_receiver patient = {.on_value = send_back, .on_error = complain};
static const struct swale_json_receiver failing = {.on_value = fail_on_value};
static const struct swale_json_receiver deaf = {.on_value = NULL};

#define RECEIVES_WITH(name, receiver)                                                                        \
  static int receive_##name(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {         \
    return swale_receive_json(c, kind, data, len, &receiver);                                                \
  }                                                                                                          \
  static const struct swale_consumer_class name##_class = {.receive = receive_##name}

RECEIVES_WITH(strict, strict);
RECEIVES_WITH(patient, patient);
RECEIVES_WITH(failing, failing);
RECEIVES_WITH(deaf, deaf);

static const char *const everybody[] = {"everybody", NULL};
static const struct swale_handler handlers[] = {{"news", swale_send_json}, {NULL, NULL}};
static const struct swale_consumer_class listener = {.groups = everybody, .handlers = handlers};

static void open_peer(struct peer *p, const struct swale_consumer_class *served) {
  assert_int_equal(peer_open(p, NULL, served), 0);
}

static void say(struct peer *p, const char *text) {
  assert_int_equal(peer_says(p, SWALE_TEXT, text, strlen(text)), 0);
}

/* ---- sending ------------------------------------------------------------------------------------- */

static void a_message_goes_out_as_an_object(void **state) {
  (void)state;
  struct peer p;
  open_peer(&p, &listener);
  swale_message *m = swale_message_new("news");
  swale_message_add_str(m, "text", "it \"rains\"");
  assert_int_equal(swale_group_send(p.layer, "everybody", m), 1);
  swale_message_unref(m);
  assert_int_equal(swale_loop_run(p.loop), 0);
  assert_heard(&p, "{\"type\":\"news\",\"text\":\"it \\\"rains\\\"\"}");
  peer_end(&p);
}

static void a_message_is_rendered_once_however_many_send_it(void **state) {
  (void)state;
  struct peer p, q;
  open_peer(&p, &listener);
  open_peer(&q, &listener);
  swale_message *m = swale_message_new("news");
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale_send_json(p.consumer, m), 0);
  assert_int_equal(swale_send_json(q.consumer, m), 0);
  assert_ptr_equal(p.payload, q.payload);
  swale_message_unref(m);
  peer_end(&p);
  peer_end(&q);
}

static void a_message_with_bytes_is_not_sent(void **state) {
  (void)state;
  struct peer p;
  open_peer(&p, &listener);
  swale_message *m = swale_message_new("news");
  swale_message_add_bytes(m, "picture", "x", 1);
  assert_int_equal(swale_send_json(p.consumer, m), SWALE_ESTATE);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale_send_json(p.consumer, m), SWALE_ETYPE);
  assert_null(p.payload);
  swale_message_unref(m);
  peer_end(&p);
}

static void a_value_goes_out_alone(void **state) {
  (void)state;
  struct peer p;
  struct swale_value value = {.type = SWALE_DOUBLE, .as.number = 0.5};
  open_peer(&p, &listener);
  assert_int_equal(swale_send_json_value(p.consumer, &value), 0);
  assert_heard(&p, "0.5");
  value = (struct swale_value){.type = SWALE_BYTES};
  assert_int_equal(swale_send_json_value(p.consumer, &value), SWALE_ETYPE);
  value = (struct swale_value){.type = SWALE_STR, .as.str = "\xFF", .len = 1};
  assert_int_equal(swale_send_json_value(p.consumer, &value), SWALE_EUTF8);
  peer_end(&p);
}

/* ---- receiving ------------------------------------------------------------------------------------- */

static void a_received_value_is_handed_over(void **state) {
  (void)state;
  struct peer p;
  open_peer(&p, &strict_class);
  say(&p, " {\"a\": [1, 2.50, null]} ");
  assert_heard(&p, "{\"a\":[1,2.5,null]}");
  say(&p, "\"text\"");
  assert_heard(&p, "\"text\"");
  peer_end(&p);
}

static void assert_closes(const struct swale_consumer_class *served, enum swale_kind kind, const char *data,
                          int code, const char *reason) {
  struct peer p;
  open_peer(&p, served);
  assert_int_equal(peer_says(&p, kind, data, strlen(data)), 0);
  assert_int_equal(p.close_code, code);
  assert_string_equal(p.close_reason, reason);
  assert_null(p.payload);
  peer_end(&p);
}

static void what_is_not_json_closes_the_connection(void **state) {
  (void)state;
  assert_closes(&strict_class, SWALE_TEXT, "{\"a\":}", 1007, "unexpected token (line 1, column 6)");
  assert_closes(&strict_class, SWALE_TEXT, "{\"a\":1,\"a\":2}", 1007,
                "duplicate object key (line 1, column 10)");
  assert_closes(&strict_class, SWALE_TEXT, "[[[[[]]]]]", 1007, "lists and objects are nested too deeply");
}

static void a_text_too_long_closes_with_its_own_code(void **state) {
  (void)state;
  char text[102] = "";
  memset(text, ' ', 101);
  assert_closes(&strict_class, SWALE_TEXT, text, 1009, "the text is too long");
}

static void a_binary_message_closes_with_its_own_code(void **state) {
  (void)state;
  assert_closes(&strict_class, SWALE_BINARY, "[]", 1003, "a binary message instead of JSON text");
}

static void an_error_handler_may_keep_the_connection(void **state) {
  (void)state;
  struct peer p;
  open_peer(&p, &patient_class);
  say(&p, "[1,");
  assert_heard(&p, "\"']' expected near end of file (line 1, column 3)\"");
  assert_int_equal(peer_says(&p, SWALE_BINARY, "[]", 2), 0);
  assert_heard(&p, "\"a binary message instead of JSON text\"");
  say(&p, "[1]");
  assert_heard(&p, "[1]");
  assert_int_equal(p.close_code, 0);
  peer_end(&p);
}

static void what_on_value_answers_is_answered(void **state) {
  (void)state;
  struct peer p;
  open_peer(&p, &failing_class);
  say(&p, "[]");
  assert_int_equal(p.close_code, 1011);
  peer_end(&p);
}

static void nobody_has_to_take_the_value(void **state) {
  (void)state;
  struct peer p;
  open_peer(&p, &deaf_class);
  say(&p, "[]");
  assert_int_equal(p.close_code, 0);
  peer_end(&p);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

static int talk(struct unit_env *u) {
  struct peer p;
  swale_message *m = NULL;
  int rv = peer_open(&p, &u->env, &strict_class);
  if (rv == 0)
    rv = peer_says(&p, SWALE_TEXT, "[1,[2,[3]]]", 11);
  if (rv == 0)
    rv = p.close_code ? SWALE_ENOMEM : 0;
  if (rv == 0)
    assert_heard(&p, "[1,[2,[3]]]");
  if (rv == 0)
    m = swale_message_new_with("news", 0, &u->env.allocator);
  if (rv == 0)
    rv = m ? swale_message_freeze(m) : SWALE_ENOMEM;
  if (rv == 0)
    rv = swale_send_json(p.consumer, m);
  assert_true(p.close_code == 0 || p.close_code == 1011);
  swale_message_unref(m);
  peer_end(&p);
  return rv;
}

static void talking_survives_every_failing_allocation(void **state) {
  (void)state;
  unit_fail_every_allocation(talk);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_message_goes_out_as_an_object),
      cmocka_unit_test(a_message_is_rendered_once_however_many_send_it),
      cmocka_unit_test(a_message_with_bytes_is_not_sent),
      cmocka_unit_test(a_value_goes_out_alone),
      cmocka_unit_test(a_received_value_is_handed_over),
      cmocka_unit_test(what_is_not_json_closes_the_connection),
      cmocka_unit_test(a_text_too_long_closes_with_its_own_code),
      cmocka_unit_test(a_binary_message_closes_with_its_own_code),
      cmocka_unit_test(an_error_handler_may_keep_the_connection),
      cmocka_unit_test(what_on_value_answers_is_answered),
      cmocka_unit_test(nobody_has_to_take_the_value),
      cmocka_unit_test(talking_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

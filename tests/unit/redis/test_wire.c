/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include <swale/json.h>

#include "redis/wire.h"

/*
 * The payloads are those of channels_redis 4.0 and 4.3 but for the random bytes in front, which are counted off.
 */

#define NOW_S 1700000000

static int64_t now_us(void *user) {
  int64_t *after = user;
  return INT64_C(1000000) * NOW_S + (after ? *after : 0);
}

static int count_up(void *bytes, size_t n, void *user) {
  (void)user;
  for (size_t i = 0; i < n; i++)
    ((unsigned char *)bytes)[i] = (unsigned char)i;
  return 0;
}

struct fixture {
  struct unit_env u;
  struct swale_redis_config config;
  struct swale__redis_settings *s;
  struct swale__redis_bytes out, work;
  struct swale__redis_received in;
  int64_t later_us;
};

static int start(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  if (!f)
    return -1;
  unit_env_init(&f->u);
  f->out.allocator = f->work.allocator = f->u.env.allocator;
  swale_redis_config_default(&f->config);
  f->config.wall_us = now_us;
  f->config.user = &f->later_us;
  f->config.json_write = swale_json_message;
  f->config.json_parse = swale_json_parse;
  *state = f;
  return 0;
}

static int finish(void **state) {
  struct fixture *f = *state;
  swale__redis_received_clear(&f->in);
  swale__redis_bytes_free(&f->out);
  swale__redis_bytes_free(&f->work);
  swale__redis_settings_free(f->s);
  long live = f->u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

static const struct swale__redis_settings *settle(struct fixture *f) {
  swale__redis_settings_free(f->s);
  f->s = NULL;
  assert_int_equal(
      swale__redis_settings_new(&f->config, &f->u.env, &(struct swale__redis_why){NULL, 0}, &f->s), 0);
  return f->s;
}

static swale_message *chat(void) {
  swale_message *m = swale_message_new("chat.message");
  swale_message_add_str(m, "text", "hi");
  assert_int_equal(swale_message_freeze(m), 0);
  return m;
}

static const char *const one_name[] = {"specific.aa!bb"};
static const char *const two_names[] = {"specific.aa!bb", "specific.aa!cc"};
static const struct swale__redis_to nobody = {SWALE__REDIS_NOBODY, NULL, 0},
                                    one = {SWALE__REDIS_ONE, one_name, 1},
                                    list_of_one = {SWALE__REDIS_LIST, one_name, 1},
                                    list_of_two = {SWALE__REDIS_LIST, two_names, 2};

static void assert_encoded(struct fixture *f, const struct swale__redis_to *to, const char *bytes,
                           size_t len) {
  const struct swale__redis_settings *s = settle(f);
  swale_message *m = chat();
  f->out.len = 0;
  assert_int_equal(swale__redis_encode(s, m, to, &f->out), 0);
  size_t prefix = f->config.mode == SWALE_REDIS_CORE ? f->config.random_prefix_length : 0;
  assert_int_equal(f->out.len, prefix + len);
  assert_memory_equal(f->out.at + prefix, bytes, len);
  swale_message_unref(m);
}

#define ASSERT_ENCODED(f, to, literal) assert_encoded((f), (to), "" literal, sizeof(literal) - 1)

static int decode(struct fixture *f, const void *bytes, size_t len) {
  swale__redis_received_clear(&f->in);
  return swale__redis_decode(f->s, bytes, len, 70, &f->work, &f->in);
}

/* What was encoded last is what chat() makes; the names are in f->in.to. */
static void assert_chat_comes_back(struct fixture *f) {
  swale_message *m = chat();
  size_t len, in_len;
  assert_int_equal(decode(f, f->out.at, f->out.len), 0);
  const void *bytes = swale_message_bytes(m, &len), *in = swale_message_bytes(f->in.message, &in_len);
  assert_int_equal(in_len, len);
  assert_memory_equal(in, bytes, len);
  swale_message_unref(m);
}

static void assert_refused(struct fixture *f, const void *bytes, size_t len, int error) {
  assert_int_equal(decode(f, bytes, len), error);
  assert_null(f->in.message);
  assert_null(f->in.original);
  assert_int_equal(f->in.to.type, SWALE_NIL);
}

#define CHAT                                                                                                 \
  "\xa4type\xac"                                                                                             \
  "chat.message\xa4text\xa2hi"
#define KEY "\xb0__asgi_channel__"
#define NAME "\xaespecific.aa!bb"
#define PREFIX "0123456789ab"

/* ---- MessagePack ---- */

static void a_message_for_nobody_is_itself(void **state) {
  struct fixture *f = *state;
  ASSERT_ENCODED(f, &nobody, "\x82" CHAT);
  assert_chat_comes_back(f);
  assert_int_equal(f->in.to.type, SWALE_NIL);
}

static void a_direct_message_has_its_channel_as_text(void **state) {
  struct fixture *f = *state;
  ASSERT_ENCODED(f, &one, "\x83" CHAT KEY NAME);
  assert_chat_comes_back(f);
  assert_true(swale_value_is(&f->in.to, one_name[0]));
}

static void a_groups_message_has_a_list(void **state) {
  struct fixture *f = *state;
  struct swale_iter it;
  struct swale_value name;
  ASSERT_ENCODED(f, &list_of_one, "\x83" CHAT KEY "\x91" NAME);
  ASSERT_ENCODED(f, &list_of_two, "\x83" CHAT KEY "\x92" NAME "\xaespecific.aa!cc");
  assert_chat_comes_back(f);
  assert_int_equal(f->in.to.type, SWALE_LIST);
  assert_int_equal(f->in.to.len, 2);
  swale_iter_start(&it, &f->in.to);
  assert_true(swale_iter_next(&it, NULL, &name));
  assert_true(swale_value_is(&name, two_names[0]));
  assert_true(swale_iter_next(&it, NULL, &name));
  assert_true(swale_value_is(&name, two_names[1]));
}

static void random_bytes_stand_in_front_in_core_mode_alone(void **state) {
  struct fixture *f = *state;
  static const unsigned char counted[64] = {0};
  ASSERT_ENCODED(f, &nobody, "\x82" CHAT);
  assert_memory_not_equal(f->out.at, counted, 12);
  f->config.random_prefix_length = 0;
  ASSERT_ENCODED(f, &nobody, "\x82" CHAT);
  f->config.random_prefix_length = 64;
  ASSERT_ENCODED(f, &nobody, "\x82" CHAT);
  assert_chat_comes_back(f);
  f->config.mode = SWALE_REDIS_PUBSUB;
  ASSERT_ENCODED(f, &nobody, "\x82" CHAT);
  assert_int_equal(f->out.len, sizeof("\x82" CHAT) - 1);
  assert_chat_comes_back(f);
}

static void payloads_follow_one_another(void **state) {
  struct fixture *f = *state;
  f->config.mode = SWALE_REDIS_PUBSUB;
  const struct swale__redis_settings *s = settle(f);
  swale_message *m = chat();
  assert_int_equal(swale__redis_encode(s, m, &nobody, &f->out), 0);
  assert_int_equal(swale__redis_encode(s, m, &nobody, &f->out), 0);
  assert_int_equal(f->out.len, 2 * (sizeof("\x82" CHAT) - 1));
  assert_memory_equal(f->out.at, f->out.at + f->out.len / 2, f->out.len / 2);
  swale_message_unref(m);
}

/* The field makes the map of 15 one of 16, whose head is longer; names of 99 letters; lists of all sizes. */
static void long_heads_are_written_right(void **state) {
  struct fixture *f = *state;
  const struct swale__redis_settings *s = settle(f);
  char key[8], name[SWALE_NAME_SIZE] = {0};
  memset(name, 'n', sizeof name - 1);
  swale_message *m = swale_message_new("t");
  for (int i = 1; i < 15; i++) {
    snprintf(key, sizeof key, "k%d", i);
    swale_message_add_int(m, key, i);
  }
  assert_int_equal(swale_message_freeze(m), 0);
  static const size_t counts[] = {0, 15, 16, 65535, 65536};
  const char **names = calloc(65536, sizeof *names);
  for (size_t i = 0; i < 65536; i++)
    names[i] = name;
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    const struct swale__redis_to to = {SWALE__REDIS_LIST, names, counts[i]};
    struct swale_iter it;
    struct swale_value value;
    f->out.len = 0;
    assert_int_equal(swale__redis_encode(s, m, &to, &f->out), 0);
    assert_int_equal(decode(f, f->out.at, f->out.len), 0);
    assert_int_equal(swale_message_get_int(f->in.message, "k14", 0), 14);
    assert_int_equal(swale_message_root(f->in.message).len, 15);
    assert_int_equal(f->in.to.len, counts[i]);
    swale_iter_start(&it, &f->in.to);
    while (swale_iter_next(&it, NULL, &value))
      assert_true(swale_value_is(&value, name));
  }
  free(names);
  swale_message_unref(m);
}

static void the_field_is_found_wherever_it_is(void **state) {
  struct fixture *f = *state;
  settle(f);
  static const char first[] = PREFIX "\x83" KEY NAME CHAT,
                    middle[] = PREFIX "\x83\xa4type\xa1t" KEY NAME "\xa1x\x01";
  assert_int_equal(decode(f, first, sizeof first - 1), 0);
  assert_true(swale_value_is(&f->in.to, one_name[0]));
  assert_int_equal(swale_message_root(f->in.message).len, 2);
  assert_int_equal(decode(f, middle, sizeof middle - 1), 0);
  assert_true(swale_value_is(&f->in.to, one_name[0]));
  assert_int_equal(swale_message_get_int(f->in.message, "x", 0), 1);
  assert_string_equal(swale_message_type(f->in.message), "t");
}

static void a_message_may_not_bring_such_a_field(void **state) {
  struct fixture *f = *state;
  const struct swale__redis_settings *s = settle(f);
  swale_message *m = swale_message_new("t");
  swale_message_add_str(m, "__asgi_channel__", "x");
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale__redis_encode(s, m, &one, &f->out), SWALE_EDUPLICATE);
  assert_int_equal(f->out.len, 0);
  swale_message_unref(m);
}

static void what_is_no_message_is_refused(void **state) {
  struct fixture *f = *state;
  settle(f);
#define ASSERT_REFUSED(literal, error) assert_refused(f, literal, sizeof(literal) - 1, error)
  ASSERT_REFUSED("", SWALE_EFORMAT);
  ASSERT_REFUSED("0123456789a", SWALE_EFORMAT);
  ASSERT_REFUSED(PREFIX, SWALE_EFORMAT);
  ASSERT_REFUSED(PREFIX "\x82", SWALE_EFORMAT);
  ASSERT_REFUSED(PREFIX "\x80", SWALE_ETYPE);
  ASSERT_REFUSED(PREFIX "\x81\xa4type\x01", SWALE_ETYPE);
  ASSERT_REFUSED(PREFIX "\x82\xa4type\xa1t\x01\x02", SWALE_ETYPE);
  ASSERT_REFUSED(PREFIX "\x81\xa4type\xa1t!", SWALE_EFORMAT);
  ASSERT_REFUSED(PREFIX "\x82\xa4type\xa1t" KEY "\x01", SWALE_ETYPE);
  ASSERT_REFUSED(PREFIX "\x82\xa4type\xa1t" KEY "\x81\xa1n\xa1m", SWALE_ETYPE);
  ASSERT_REFUSED(PREFIX "\x83\xa4type\xa1t" KEY NAME KEY NAME, SWALE_EDUPLICATE);
  ASSERT_REFUSED(PREFIX "\x82\xa4type\xa1t" KEY "\xa1\xff", SWALE_EUTF8);
}

static void a_payload_that_was_cut_off_is_refused(void **state) {
  struct fixture *f = *state;
  swale_message *m = chat();
  const struct swale__redis_settings *s = settle(f);
  assert_int_equal(swale__redis_encode(s, m, &list_of_two, &f->out), 0);
  for (size_t len = 0; len < f->out.len; len++) {
    void *exact = malloc(len + (len == 0));
    memcpy(exact, f->out.at, len);
    int rv = decode(f, exact, len);
    free(exact);
    assert_true(rv == SWALE_EFORMAT || rv == SWALE_ETYPE);
  }
  swale_message_unref(m);
}

static void limits_are_those_of_the_config(void **state) {
  struct fixture *f = *state;
  f->config.limits.size = sizeof("\x82" CHAT) - 1;
  f->config.payload_bytes = 12 + sizeof("\x83" CHAT KEY "\x92" NAME NAME) - 1;
  ASSERT_ENCODED(f, &list_of_two, "\x83" CHAT KEY "\x92" NAME "\xaespecific.aa!cc");
  assert_chat_comes_back(f);
  f->config.limits.size--;
  settle(f);
  assert_refused(f, f->out.at, f->out.len, SWALE_ESIZE);
  f->config.limits.size++;
  f->config.payload_bytes--;
  settle(f);
  assert_refused(f, f->out.at, f->out.len, SWALE_ESIZE);
  f->config.payload_bytes = 1000;
  f->config.limits.depth = 2;
  settle(f);
  ASSERT_REFUSED(PREFIX "\x82\xa4type\xa1t\xa1x\x91\x91\x01", SWALE_EDEPTH);
}

static void what_redis_could_not_hold_is_refused(void **state) {
  struct fixture *f = *state;
  const struct swale__redis_settings *s = settle(f);
  const struct swale__redis_to too_many = {SWALE__REDIS_LIST, two_names, SIZE_MAX / 100},
                               many = {SWALE__REDIS_LIST, two_names, ((size_t)512 << 20) / 104};
  swale_message *m = chat();
  assert_int_equal(swale__redis_encode(s, m, &too_many, &f->out), SWALE_ESIZE);
  assert_int_equal(swale__redis_encode(s, m, &many, &f->out), SWALE_ESIZE);
  assert_int_equal(f->out.len, 0);
  swale_message_unref(m);
}

static void without_random_bytes_nothing_is_written(void **state) {
  struct fixture *f = *state;
  const struct swale__redis_settings *s = settle(f);
  swale_message *m = chat();
  f->u.random_fails = 1;
  assert_int_equal(swale__redis_encode(s, m, &one, &f->out), SWALE_ERANDOM);
  assert_int_equal(f->out.len, 0);
  swale_message_unref(m);
}

/* ---- JSON ---- */

static void json_is_that_of_python_but_for_its_blanks(void **state) {
  struct fixture *f = *state;
  f->config.serializer = SWALE_REDIS_JSON;
  ASSERT_ENCODED(f, &nobody, "{\"type\":\"chat.message\",\"text\":\"hi\"}");
  assert_chat_comes_back(f);
  ASSERT_ENCODED(f, &one,
                 "{\"type\":\"chat.message\",\"text\":\"hi\", \"__asgi_channel__\": \"specific.aa!bb\"}");
  assert_chat_comes_back(f);
  assert_true(swale_value_is(&f->in.to, one_name[0]));
  ASSERT_ENCODED(f, &list_of_two,
                 "{\"type\":\"chat.message\",\"text\":\"hi\", \"__asgi_channel__\": [\"specific.aa!bb\", "
                 "\"specific.aa!cc\"]}");
  assert_chat_comes_back(f);
  assert_int_equal(f->in.to.len, 2);
}

static void json_of_python_is_read(void **state) {
  struct fixture *f = *state;
  f->config.serializer = SWALE_REDIS_JSON;
  settle(f);
  static const char text[] = PREFIX "{\"type\": \"t\", \"x\": \"\\u00fc\", \"__asgi_channel__\": [\"a!b\"]}";
  size_t len;
  assert_int_equal(decode(f, text, sizeof text - 1), 0);
  assert_memory_equal(swale_message_get_str(f->in.message, "x", &len), "\xc3\xbc", 2);
  assert_int_equal(f->in.to.len, 1);
  ASSERT_REFUSED(PREFIX "{\"type\": \"t\"", SWALE_EFORMAT);
  ASSERT_REFUSED(PREFIX "[]", SWALE_EFORMAT);
  ASSERT_REFUSED(PREFIX "{\"type\": \"t\", \"__asgi_channel__\": {}}", SWALE_ETYPE);
}

static void bytes_have_no_json(void **state) {
  struct fixture *f = *state;
  f->config.serializer = SWALE_REDIS_JSON;
  const struct swale__redis_settings *s = settle(f);
  swale_message *m = swale_message_new("t");
  swale_message_add_bytes(m, "b", "x", 1);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale__redis_encode(s, m, &one, &f->out), SWALE_ETYPE);
  assert_int_equal(f->out.len, 0);
  swale_message_unref(m);
}

/* ---- encrypted ---- */

static const struct swale_redis_key ours[] = {{"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 32}, {"old", 3}};

static const char token[] =
    "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD7PEqGXlTpSd3W1NbipcId7o6K-mNzrFSf0fojuyFMonh9xjKYonv-w223z0AmYwCIz70fv"
    "hwBuwuLCZ-hcz4LD6tMlr-ipXnYzRwTpaHWZ3LUAIWkt_6Y67s3kqxLzd-A==";

static void a_token_is_that_of_python(void **state) {
  struct fixture *f = *state;
  f->config.keys = ours;
  f->config.n_keys = 2;
  f->u.env.random = count_up;
  f->config.random_prefix_length = 0;
  assert_encoded(f, &list_of_one, token, sizeof token - 1);
  f->config.random_prefix_length = 12;
  settle(f);
  char payload[12 + sizeof token];
  memcpy(payload, PREFIX, 12);
  memcpy(payload + 12, token, sizeof token);
  f->out.len = 0;
  assert_int_equal(swale__redis_bytes_reserve(&f->out, sizeof payload), 0);
  swale__redis_bytes_put(&f->out, payload, sizeof payload - 1);
  assert_chat_comes_back(f);
  assert_int_equal(f->in.to.len, 1);
}

static void json_can_be_encrypted_and_so_can_pubsub(void **state) {
  struct fixture *f = *state;
  swale_message *m = chat();
  f->config.keys = ours;
  f->config.n_keys = 1;
  for (int i = 0; i < 4; i++) {
    f->config.mode = i & 1 ? SWALE_REDIS_PUBSUB : SWALE_REDIS_CORE;
    f->config.serializer = i & 2 ? SWALE_REDIS_JSON : SWALE_REDIS_MSGPACK;
    f->out.len = 0;
    assert_int_equal(swale__redis_encode(settle(f), m, &list_of_two, &f->out), 0);
    assert_memory_equal(f->out.at + (i & 1 ? 0 : 12), "gAAAAA", 6);
    assert_chat_comes_back(f);
    assert_int_equal(f->in.to.len, 2);
  }
  swale_message_unref(m);
}

static void keys_are_rotated(void **state) {
  struct fixture *f = *state;
  swale_message *m = chat();
  f->config.keys = ours + 1;
  f->config.n_keys = 1;
  assert_int_equal(swale__redis_encode(settle(f), m, &one, &f->out), 0);
  f->config.keys = ours;
  settle(f);
  assert_refused(f, f->out.at, f->out.len, SWALE_EPROTOCOL);
  f->config.n_keys = 2;
  settle(f);
  assert_chat_comes_back(f);
  swale_message_unref(m);
}

static void an_old_message_is_refused(void **state) {
  struct fixture *f = *state;
  swale_message *m = chat();
  f->config.keys = ours;
  f->config.n_keys = 1;
  assert_int_equal(swale__redis_encode(settle(f), m, &one, &f->out), 0);
  f->later_us = INT64_C(70999999);
  assert_chat_comes_back(f);
  f->later_us++;
  assert_refused(f, f->out.at, f->out.len, SWALE_ESTATE);
  assert_int_equal(swale__redis_decode(f->s, f->out.at, f->out.len, 0, &f->work, &f->in), 0);
  swale_message_unref(m);
}

static void what_is_not_encrypted_is_refused_where_keys_are(void **state) {
  struct fixture *f = *state;
  f->config.keys = ours;
  f->config.n_keys = 1;
  settle(f);
  ASSERT_REFUSED(PREFIX "\x82" CHAT, SWALE_EFORMAT);
  ASSERT_REFUSED(PREFIX, SWALE_EFORMAT);
}

/* ---- memory ---- */

static int there_and_back(struct unit_env *u) {
  struct swale_redis_config c;
  struct swale__redis_settings *s;
  struct swale__redis_bytes out = {.allocator = u->env.allocator}, work = out;
  struct swale__redis_received in;
  swale_message *m = chat();
  swale_redis_config_default(&c);
  c.keys = ours;
  c.n_keys = 1;
  c.serializer = SWALE_REDIS_JSON;
  c.json_write = swale_json_message;
  c.json_parse = swale_json_parse;
  int rv = swale__redis_settings_new(&c, &u->env, &(struct swale__redis_why){NULL, 0}, &s);
  if (rv == 0) {
    rv = swale__redis_encode(s, m, &list_of_two, &out);
    if (rv == 0)
      rv = swale__redis_decode(s, out.at, out.len, 70, &work, &in);
    if (rv == 0)
      swale__redis_received_clear(&in);
    swale__redis_settings_free(s);
  }
  swale__redis_bytes_free(&out);
  swale__redis_bytes_free(&work);
  swale_message_unref(m);
  return rv;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  unit_fail_every_allocation(there_and_back);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
  const struct CMUnitTest tests[] = {
      TEST(a_message_for_nobody_is_itself),
      TEST(a_direct_message_has_its_channel_as_text),
      TEST(a_groups_message_has_a_list),
      TEST(random_bytes_stand_in_front_in_core_mode_alone),
      TEST(payloads_follow_one_another),
      TEST(long_heads_are_written_right),
      TEST(the_field_is_found_wherever_it_is),
      TEST(a_message_may_not_bring_such_a_field),
      TEST(what_is_no_message_is_refused),
      TEST(a_payload_that_was_cut_off_is_refused),
      TEST(limits_are_those_of_the_config),
      TEST(what_redis_could_not_hold_is_refused),
      TEST(without_random_bytes_nothing_is_written),
      TEST(json_is_that_of_python_but_for_its_blanks),
      TEST(json_of_python_is_read),
      TEST(bytes_have_no_json),
      TEST(a_token_is_that_of_python),
      TEST(json_can_be_encrypted_and_so_can_pubsub),
      TEST(keys_are_rotated),
      TEST(an_old_message_is_refused),
      TEST(what_is_not_encrypted_is_refused_where_keys_are),
      TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

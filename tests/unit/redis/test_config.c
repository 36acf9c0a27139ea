/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "redis/config.h"

static char sentence[200];
static const struct swale__redis_why why = {sentence, sizeof sentence};

static void assert_fine(const struct swale_redis_config *c) {
  sentence[0] = '\0';
  assert_int_equal(swale__redis_config_check(c, &why), 0);
  assert_string_equal(sentence, "");
}

static void assert_wrong(const struct swale_redis_config *c, const char *in_sentence) {
  sentence[0] = '\0';
  assert_int_equal(swale__redis_config_check(c, &why), SWALE_EINVAL);
  if (!strstr(sentence, in_sentence))
    fail_msg("\"%s\" does not say \"%s\"", sentence, in_sentence);
}

static struct swale_redis_config with_host(const struct swale_redis_host *host) {
  struct swale_redis_config c;
  swale_redis_config_default(&c);
  c.hosts = host;
  return c;
}

static void the_defaults_are_those_of_channels_redis(void **state) {
  (void)state;
  struct swale_redis_config c;
  swale_redis_config_default(&c);
  assert_int_equal(c.size, sizeof c);
  assert_int_equal(c.mode, SWALE_REDIS_CORE);
  assert_int_equal(c.serializer, SWALE_REDIS_MSGPACK);
  assert_string_equal(c.prefix, "asgi");
  assert_int_equal(c.n_hosts, 1);
  assert_string_equal(c.hosts[0].host, "localhost");
  assert_int_equal(c.random_prefix_length, 12);
  assert_fine(&c);
}

static void an_older_program_gets_what_it_knows(void **state) {
  (void)state;
  struct swale_redis_config c, mine;
  memset(&c, 0xee, sizeof c);
  size_t old = offsetof(struct swale_redis_config, limits);
  swale_redis_config_init(&c, old);
  assert_int_equal(c.size, old);
  assert_int_equal(((unsigned char *)&c)[old], 0xee);
  c.prefix = "old";
  assert_int_equal(swale__redis_config_read(&mine, &c, &why), 0);
  assert_string_equal(mine.prefix, "old");
  assert_true(mine.queue_bytes > 0);
  assert_non_null(mine.wall_us);
}

static void a_newer_program_gets_zeros_for_what_this_library_does_not_know(void **state) {
  (void)state;
  struct {
    struct swale_redis_config c;
    char more[16];
  } newer;
  memset(&newer, 0xee, sizeof newer);
  swale_redis_config_init(&newer.c, sizeof newer);
  for (size_t i = 0; i < sizeof newer.more; i++)
    assert_int_equal(newer.more[i], 0);
  struct swale_redis_config mine;
  assert_int_equal(swale__redis_config_read(&mine, &newer.c, &why), SWALE_EINVAL);
  newer.c.size = 0;
  assert_int_equal(swale__redis_config_read(&mine, &newer.c, &why), SWALE_EINVAL);
}

static void without_a_config_the_defaults_hold(void **state) {
  (void)state;
  struct swale_redis_config mine;
  assert_int_equal(swale__redis_config_read(&mine, NULL, &why), 0);
  assert_string_equal(mine.prefix, "asgi");
}

static void the_time_is_that_of_the_wall(void **state) {
  (void)state;
  struct swale_redis_config c, mine;
  swale_redis_config_default(&c);
  assert_true(c.wall_us(c.user) > INT64_C(1700000000000000));
  c.wall_us = NULL;
  assert_int_equal(swale__redis_config_read(&mine, &c, &why), 0);
  assert_non_null(mine.wall_us);
}

static void unknown_forms_are_refused(void **state) {
  (void)state;
  struct swale_redis_config c;
  swale_redis_config_default(&c);
  c.mode = (enum swale_redis_mode)7;
  assert_wrong(&c, "core or pubsub");
  swale_redis_config_default(&c);
  c.serializer = (enum swale_redis_serializer)0;
  assert_wrong(&c, "msgpack or json");
  c.serializer = SWALE_REDIS_JSON;
  assert_wrong(&c, "json_parse");
}

static void a_prefix_has_a_length(void **state) {
  (void)state;
  struct swale_redis_config c;
  char text[SWALE_REDIS_PREFIX_MAX + 2] = {0};
  swale_redis_config_default(&c);
  memset(text, 'p', SWALE_REDIS_PREFIX_MAX);
  c.prefix = text;
  assert_fine(&c);
  text[SWALE_REDIS_PREFIX_MAX] = 'p';
  assert_wrong(&c, "prefix");
  c.prefix = "";
  assert_wrong(&c, "prefix");
  c.prefix = NULL;
  assert_wrong(&c, "prefix");
  swale_redis_config_default(&c);
  c.random_prefix_length = SWALE_REDIS_RANDOM_PREFIX_MAX + 1;
  assert_wrong(&c, "random bytes");
}

static void there_are_some_hosts_and_not_too_many(void **state) {
  (void)state;
  static struct swale_redis_host hosts[SWALE_REDIS_HOSTS_MAX + 1];
  struct swale_redis_config c = with_host(hosts);
  c.n_hosts = SWALE_REDIS_HOSTS_MAX;
  assert_fine(&c);
  c.n_hosts++;
  assert_wrong(&c, "1 to 256 hosts");
  c.n_hosts = 0;
  assert_wrong(&c, "1 to 256 hosts");
  c.n_hosts = 1;
  c.hosts = NULL;
  assert_wrong(&c, "1 to 256 hosts");
}

static void a_host_must_be_possible(void **state) {
  (void)state;
  static const char long_path[] = "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  static const struct swale_redis_host fine = {.path = long_path + 1}, cases[] = {{.path = ""},
                                                                                  {.path = long_path},
                                                                                  {.host = ""},
                                                                                  {.username = "u"},
                                                                                  {.sentinel_username = "u"}};
  static const char *const sentences[] = {"path of a socket", "path of a socket", "empty name",
                                          "without a password", "without a password"};
  struct swale_redis_config c = with_host(&fine);
  assert_int_equal(strlen(long_path), 108);
  assert_fine(&c);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    c = with_host(&cases[i]);
    assert_wrong(&c, sentences[i]);
  }
}

static void sentinels_and_a_master_come_together(void **state) {
  (void)state;
  static const struct swale_redis_address nameless = {.host = ""};
  static struct swale_redis_address some[SWALE_REDIS_SENTINELS_MAX + 1];
  struct swale_redis_host h = {.master = "m", .sentinels = some, .n_sentinels = SWALE_REDIS_SENTINELS_MAX};
  struct swale_redis_config c = with_host(&h);
  assert_fine(&c);
  h.n_sentinels++;
  assert_wrong(&c, "1 to 16 sentinels");
  h.n_sentinels = 0;
  assert_wrong(&c, "1 to 16 sentinels");
  h = (struct swale_redis_host){.master = "m", .n_sentinels = 1};
  assert_wrong(&c, "1 to 16 sentinels");
  h = (struct swale_redis_host){.master = "", .sentinels = some, .n_sentinels = 1};
  assert_wrong(&c, "empty name of a master");
  h = (struct swale_redis_host){.sentinels = some, .n_sentinels = 1};
  assert_wrong(&c, "no name of a master");
  h = (struct swale_redis_host){.master = "m", .sentinels = &nameless, .n_sentinels = 1};
  assert_wrong(&c, "sentinel without a name");
}

static void keys_are_not_empty(void **state) {
  (void)state;
  struct swale_redis_key keys[SWALE_REDIS_KEYS_MAX + 1];
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
    keys[i] = (struct swale_redis_key){"k", 1};
  struct swale_redis_config c;
  swale_redis_config_default(&c);
  c.keys = keys;
  c.n_keys = SWALE_REDIS_KEYS_MAX;
  assert_fine(&c);
  c.n_keys++;
  assert_wrong(&c, "at most 16");
  c.n_keys = 2;
  keys[1].len = 0;
  assert_wrong(&c, "key 1 is empty");
  keys[1] = (struct swale_redis_key){NULL, 1};
  assert_wrong(&c, "key 1 is empty");
  c.keys = NULL;
  assert_wrong(&c, "at most 16");
}

static void no_limit_is_0(void **state) {
  (void)state;
  struct swale_redis_config c;
#define ASSERT_NOT_0(field)                                                                                  \
  swale_redis_config_default(&c);                                                                            \
  c.field = 0;                                                                                               \
  assert_wrong(&c, "may be 0")
  ASSERT_NOT_0(payload_bytes);
  ASSERT_NOT_0(queue_bytes);
  ASSERT_NOT_0(connect_timeout_ms);
  ASSERT_NOT_0(command_timeout_ms);
  ASSERT_NOT_0(reconnect_min_ms);
  ASSERT_NOT_0(reconnect_max_ms);
  swale_redis_config_default(&c);
  c.reconnect_min_ms = c.reconnect_max_ms + 1;
  assert_wrong(&c, "reconnect_max_ms");
  swale_redis_config_default(&c);
  c.limits.depth = 1;
  assert_wrong(&c, "depth");
}

static void the_sentence_is_cut_to_its_room_or_left_out(void **state) {
  (void)state;
  char four[5] = "....";
  assert_int_equal(swale__redis_fail(&(struct swale__redis_why){four, 4}, SWALE_EINVAL, "%s", "abcdef"),
                   SWALE_EINVAL);
  assert_memory_equal(four, "abc\0", 5);
  assert_int_equal(swale__redis_fail(&(struct swale__redis_why){NULL, 4}, SWALE_EFULL, "x"), SWALE_EFULL);
  assert_int_equal(swale__redis_fail(&(struct swale__redis_why){four, 0}, SWALE_EFULL, "x"), SWALE_EFULL);
  assert_string_equal(four, "abc");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_defaults_are_those_of_channels_redis),
      cmocka_unit_test(an_older_program_gets_what_it_knows),
      cmocka_unit_test(a_newer_program_gets_zeros_for_what_this_library_does_not_know),
      cmocka_unit_test(without_a_config_the_defaults_hold),
      cmocka_unit_test(the_time_is_that_of_the_wall),
      cmocka_unit_test(unknown_forms_are_refused),
      cmocka_unit_test(a_prefix_has_a_length),
      cmocka_unit_test(there_are_some_hosts_and_not_too_many),
      cmocka_unit_test(a_host_must_be_possible),
      cmocka_unit_test(sentinels_and_a_master_come_together),
      cmocka_unit_test(keys_are_not_empty),
      cmocka_unit_test(no_limit_is_0),
      cmocka_unit_test(the_sentence_is_cut_to_its_room_or_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "redis/settings.h"

static char sentence[200];
static const struct swale__redis_why why = {sentence, sizeof sentence};

static struct swale__redis_settings *made(struct unit_env *u, const struct swale_redis_config *c) {
  struct swale__redis_settings *s = NULL;
  assert_int_equal(swale__redis_settings_new(c, &u->env, &why, &s), 0);
  return s;
}

static void ports_and_names_are_filled_in(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  const struct swale_redis_address sentinels[] = {{0}, {.host = "s", .port = 7}};
  const struct swale_redis_host hosts[] = {
      {0},
      {.host = "h", .port = 9, .db = 3, .username = "u", .password = "p"},
      {.path = "/s"},
      {.master = "m",
       .sentinels = sentinels,
       .n_sentinels = 2,
       .sentinel_username = "su",
       .sentinel_password = "sp"}};
  struct swale_redis_config c;
  swale_redis_config_default(&c);
  c.hosts = hosts;
  c.n_hosts = 4;
  struct swale__redis_settings *s = made(&u, &c);
  const struct swale_redis_host *h = s->config.hosts;
  assert_string_equal(h[0].host, "localhost");
  assert_int_equal(h[0].port, 6379);
  assert_null(h[0].path);
  assert_null(h[0].password);
  assert_null(h[0].master);
  assert_string_equal(h[1].host, "h");
  assert_int_equal(h[1].port, 9);
  assert_int_equal(h[1].db, 3);
  assert_string_equal(h[1].username, "u");
  assert_string_equal(h[1].password, "p");
  assert_string_equal(h[2].path, "/s");
  assert_string_equal(h[3].master, "m");
  assert_string_equal(h[3].sentinel_username, "su");
  assert_string_equal(h[3].sentinel_password, "sp");
  assert_string_equal(h[3].sentinels[0].host, "localhost");
  assert_int_equal(h[3].sentinels[0].port, 26379);
  assert_string_equal(h[3].sentinels[1].host, "s");
  assert_int_equal(h[3].sentinels[1].port, 7);
  swale__redis_settings_free(s);
  assert_int_equal(u.live, 0);
}

static void nothing_of_the_callers_is_kept(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  char prefix[] = "prefix", name[] = "name", secret[] = "secret";
  struct swale_redis_host host = {.host = name};
  struct swale_redis_key key = {secret, strlen(secret)};
  struct swale__fernet_key derived;
  struct swale_redis_config c;
  swale_redis_config_default(&c);
  c.prefix = prefix;
  c.hosts = &host;
  c.keys = &key;
  c.n_keys = 1;
  swale__fernet_derive(&derived, secret, strlen(secret));
  struct swale__redis_settings *s = made(&u, &c);
  memset(prefix, 'x', sizeof prefix);
  memset(name, 'x', sizeof name);
  memset(secret, 'x', sizeof secret);
  memset(&host, 'x', sizeof host);
  assert_string_equal(s->config.prefix, "prefix");
  assert_string_equal(s->config.hosts[0].host, "name");
  assert_null(s->config.keys);
  assert_int_equal(s->n_keys, 1);
  assert_memory_equal(&s->keys[0], &derived, sizeof derived);
  swale__redis_settings_free(s);
  assert_int_equal(u.live, 0);
}

/* Memory that is looked through when it is given back. */
static void *sized_malloc(size_t size, void *user) {
  *(size_t *)user = size;
  return calloc(1, size);
}

static int secrets_found;

static void watched_free(void *at, void *user) {
  secrets_found += memmem(at, *(size_t *)user, "hush", 4) != NULL;
  free(at);
}

static void what_is_secret_is_wiped(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  size_t size = 0;
  u.env.allocator = (struct swale_allocator){.malloc = sized_malloc, .free = watched_free, .user = &size};
  const struct swale_redis_address sentinel = {0};
  const struct swale_redis_host hosts[] = {
      {.password = "hush"},
      {.master = "m", .sentinels = &sentinel, .n_sentinels = 1, .sentinel_password = "hush"}};
  struct swale_redis_config c;
  swale_redis_config_default(&c);
  c.hosts = hosts;
  c.n_hosts = 2;
  swale__redis_settings_free(made(&u, &c));
  assert_int_equal(secrets_found, 0);
}

static void the_defaults_will_do(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__redis_settings *s = made(&u, NULL);
  assert_string_equal(s->config.hosts[0].host, "localhost");
  assert_int_equal(s->n_keys, 0);
  swale__redis_settings_free(s);
  swale__redis_settings_free(NULL);
  assert_int_equal(u.live, 0);
}

static void a_url_has_the_last_word(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale_redis_config c;
  struct swale_layer_config layer;
  struct swale__redis_settings *s = NULL;
  swale_redis_config_default(&c);
  swale_layer_config_default(&layer);
  c.prefix = "config";
  c.queue_bytes = 77;
  c.url = "redis://of.config:1/?mode=pubsub&prefix=url&capacity=5";
  assert_int_equal(swale__redis_settings_open(&c, NULL, &layer, &u.env, &why, &s), 0);
  assert_string_equal(s->config.prefix, "url");
  assert_string_equal(s->config.hosts[0].host, "of.config");
  assert_int_equal(s->config.mode, SWALE_REDIS_PUBSUB);
  assert_int_equal(s->config.queue_bytes, 77);
  assert_null(s->config.url);
  assert_int_equal(layer.capacity, 5);
  swale__redis_settings_free(s);
  assert_int_equal(swale__redis_settings_open(&c, "redis://another", &layer, &u.env, &why, &s), 0);
  assert_string_equal(s->config.hosts[0].host, "another");
  assert_string_equal(s->config.prefix, "config");
  swale__redis_settings_free(s);
  s = NULL;
  c.url = "redis://h:x";
  assert_int_equal(swale__redis_settings_open(&c, NULL, &layer, &u.env, &why, &s), SWALE_EFORMAT);
  assert_non_null(strstr(sentence, "port"));
  assert_null(s);
  assert_int_equal(u.live, 0);
}

static void what_cannot_work_is_refused_with_a_sentence(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct swale__redis_settings *s = NULL;
  struct swale_redis_config c;
  swale_redis_config_default(&c);
  c.prefix = "";
  assert_int_equal(swale__redis_settings_new(&c, &u.env, &why, &s), SWALE_EINVAL);
  assert_non_null(strstr(sentence, "prefix"));
  c.size = 1000;
  assert_int_equal(swale__redis_settings_new(&c, &u.env, &why, &s), SWALE_EINVAL);
  assert_non_null(strstr(sentence, "size"));
  u.fail_at = 1;
  assert_int_equal(swale__redis_settings_new(NULL, &u.env, &why, &s), SWALE_ENOMEM);
  assert_non_null(strstr(sentence, "memory"));
  assert_null(s);
  assert_int_equal(u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ports_and_names_are_filled_in),
      cmocka_unit_test(nothing_of_the_callers_is_kept),
      cmocka_unit_test(what_is_secret_is_wiped),
      cmocka_unit_test(the_defaults_will_do),
      cmocka_unit_test(a_url_has_the_last_word),
      cmocka_unit_test(what_cannot_work_is_refused_with_a_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include <swale/url.h>

#include "redis/url.h"

struct fixture {
  struct unit_env u;
  struct swale_redis_config redis;
  struct swale_layer_config layer;
  struct swale__redis_url *hold;
  char sentence[300];
};

static int start(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  if (!f)
    return -1;
  unit_env_init(&f->u);
  *state = f;
  return 0;
}

static int finish(void **state) {
  struct fixture *f = *state;
  swale__redis_url_free(f->hold);
  long live = f->u.live;
  free(f);
  return live == 0 ? 0 : -1;
}

static int apply(struct fixture *f, const char *url) {
  struct swale__redis_why why = {f->sentence, sizeof f->sentence};
  swale__redis_url_free(f->hold);
  f->hold = NULL;
  f->sentence[0] = '\0';
  swale_redis_config_default(&f->redis);
  swale_layer_config_default(&f->layer);
  return swale__redis_url_apply(url, &f->u.env.allocator, &f->redis, &f->layer, &why, &f->hold);
}

/* The hosts that the URL names; they have passed the check that comes behind. */
static const struct swale_redis_host *hosts_of(struct fixture *f, const char *url) {
  struct swale__redis_why why = {f->sentence, sizeof f->sentence};
  int rv = apply(f, url);
  if (rv != 0)
    fail_msg("%s: %d, %s", url, rv, f->sentence);
  assert_int_equal(swale__redis_config_check(&f->redis, &why), 0);
  return f->redis.hosts;
}

static void assert_refused(struct fixture *f, const char *url, int error, const char *in_sentence) {
  int rv = apply(f, url);
  assert_null(f->hold);
  if (rv != error || !strstr(f->sentence, in_sentence))
    fail_msg("%s: %d, \"%s\", not %d, \"..%s..\"", url, rv, f->sentence, error, in_sentence);
}

static void assert_text(const char *is, const char *should) {
  if (should)
    assert_string_equal(is, should);
  else
    assert_null(is);
}

static void assert_host(const struct swale_redis_host *h, const char *host, uint16_t port, uint32_t db,
                        const char *username, const char *password) {
  assert_text(h->host, host);
  assert_int_equal(h->port, port);
  assert_int_equal(h->db, db);
  assert_text(h->username, username);
  assert_text(h->password, password);
  assert_null(h->path);
  assert_null(h->master);
}

static void a_host_may_have_everything_or_nothing(void **state) {
  assert_host(hosts_of(*state, "redis://"), NULL, 0, 0, NULL, NULL);
  assert_host(hosts_of(*state, "redis://localhost"), "localhost", 0, 0, NULL, NULL);
  assert_host(hosts_of(*state, "redis://localhost:6380/"), "localhost", 6380, 0, NULL, NULL);
  assert_host(hosts_of(*state, "REDIS://localhost:6380/15"), "localhost", 6380, 15, NULL, NULL);
  assert_host(hosts_of(*state, "redis://:6380"), NULL, 6380, 0, NULL, NULL);
  assert_host(hosts_of(*state, "redis://h?db=4"), "h", 0, 4, NULL, NULL);
  assert_host(hosts_of(*state, "redis://:secret@h:1/2"), "h", 1, 2, NULL, "secret");
  assert_host(hosts_of(*state, "redis://user:secret@h"), "h", 0, 0, "user", "secret");
  assert_host(hosts_of(*state, "redis://:@h"), "h", 0, 0, NULL, NULL);
}

static void escapes_are_undone(void **state) {
  assert_host(hosts_of(*state, "redis://u%40x:p%2c%3A%2F%40%25@h%2d1"), "h-1", 0, 0, "u@x", "p,:/@%");
}

static void addresses_of_ipv6_have_brackets(void **state) {
  assert_host(hosts_of(*state, "redis://[::1]:7/1"), "::1", 7, 1, NULL, NULL);
  assert_host(hosts_of(*state, "redis://:p@[fe80::1]"), "fe80::1", 0, 0, NULL, "p");
  assert_refused(*state, "redis://[::1", SWALE_EFORMAT, "brackets");
  assert_refused(*state, "redis://[::1]7", SWALE_EFORMAT, "brackets");
  assert_refused(*state, "redis://::1", SWALE_EFORMAT, "port");
}

static void several_hosts_share_the_database(void **state) {
  struct fixture *f = *state;
  const struct swale_redis_host *h = hosts_of(f, "redis://a:1,:p@b,u:q@[::1]:3/5");
  assert_int_equal(f->redis.n_hosts, 3);
  assert_host(&h[0], "a", 1, 5, NULL, NULL);
  assert_host(&h[1], "b", 0, 5, NULL, "p");
  assert_host(&h[2], "::1", 3, 5, "u", "q");
  h = hosts_of(f, "redis://a,b?db=2");
  assert_int_equal(h[0].db, 2);
  assert_int_equal(h[1].db, 2);
}

static void a_socket_has_a_path(void **state) {
  struct fixture *f = *state;
  const struct swale_redis_host *h = hosts_of(f, "redis+unix:///run/redis.sock?db=3");
  assert_int_equal(f->redis.n_hosts, 1);
  assert_string_equal(h->path, "/run/redis.sock");
  assert_int_equal(h->db, 3);
  assert_null(h->password);
  h = hosts_of(f, "redis+unix://u:p@/run/a%20b.sock");
  assert_string_equal(h->path, "/run/a b.sock");
  assert_string_equal(h->username, "u");
  assert_string_equal(h->password, "p");
  assert_refused(f, "redis+unix://", SWALE_EFORMAT, "path");
  assert_refused(f, "redis+unix://host/run/redis.sock", SWALE_EFORMAT, "no host");
  assert_refused(f, "redis+unix://:1/run/redis.sock", SWALE_EFORMAT, "no host");
}

static void several_sockets_are_shards(void **state) {
  struct fixture *f = *state;
  const struct swale_redis_host *h =
      hosts_of(f, "redis+unix://:pw@/run/a,b.sock,/run/2.sock,/run/3.sock?db=4");
  static const char *const paths[] = {"/run/a,b.sock", "/run/2.sock", "/run/3.sock"};
  assert_int_equal(f->redis.n_hosts, 3);
  for (int i = 0; i < 3; i++) {
    assert_string_equal(h[i].path, paths[i]);
    assert_string_equal(h[i].password, "pw");
    assert_int_equal(h[i].db, 4);
  }
}

static void sentinels_lead_to_a_master(void **state) {
  struct fixture *f = *state;
  const struct swale_redis_host *h =
      hosts_of(f, "redis+sentinel://:pw@s1:7,s2,[::1]:8/mymaster/2?mode=pubsub");
  assert_int_equal(f->redis.n_hosts, 1);
  assert_string_equal(h->master, "mymaster");
  assert_int_equal(h->db, 2);
  assert_string_equal(h->password, "pw");
  assert_int_equal(h->n_sentinels, 3);
  assert_string_equal(h->sentinels[0].host, "s1");
  assert_int_equal(h->sentinels[0].port, 7);
  assert_string_equal(h->sentinels[1].host, "s2");
  assert_int_equal(h->sentinels[1].port, 0);
  assert_string_equal(h->sentinels[2].host, "::1");
  assert_int_equal(h->sentinels[2].port, 8);
  assert_int_equal(hosts_of(f, "redis+sentinel://s/m")->db, 0);
  assert_int_equal(hosts_of(f, "redis+sentinel://s/m/")->db, 0);
  assert_int_equal(hosts_of(f, "redis+sentinel://s/m?db=6")->db, 6);
  assert_refused(f, "redis+sentinel://s1", SWALE_EFORMAT, "master");
  assert_refused(f, "redis+sentinel://s1/", SWALE_EFORMAT, "master");
  assert_refused(f, "redis+sentinel://s1/m/x", SWALE_EFORMAT, "database");
  assert_refused(f, "redis+sentinel://s1,:p@s2/m", SWALE_EFORMAT, "before the first sentinel");
}

static void parameters_set_the_rest(void **state) {
  struct fixture *f = *state;
  hosts_of(f,
           "redis://"
           "h?mode=pubsub&prefix=a%3Ab&random_prefix_length=7&local=a*&capacity=5&expiry=6&group_expiry=7");
  assert_int_equal(f->redis.mode, SWALE_REDIS_PUBSUB);
  assert_string_equal(f->redis.prefix, "a:b");
  assert_int_equal(f->redis.random_prefix_length, 7);
  assert_string_equal(f->redis.local, "a*");
  assert_int_equal(f->layer.capacity, 5);
  assert_int_equal(f->layer.expiry_ms, 6000);
  assert_int_equal(f->layer.group_expiry_ms, 7000);
  hosts_of(f, "redis://h?mode=core&serializer=msgpack");
  assert_int_equal(f->redis.mode, SWALE_REDIS_CORE);
  assert_int_equal(f->redis.serializer, SWALE_REDIS_MSGPACK);
  assert_int_equal(apply(f, "redis://h?serializer=json"), 0);
  assert_int_equal(f->redis.serializer, SWALE_REDIS_JSON);
}

static void keys_take_the_place_of_the_configs(void **state) {
  struct fixture *f = *state;
  hosts_of(f, "redis://h?key=new%26%ff&mode=core&key=old");
  assert_int_equal(f->redis.n_keys, 2);
  assert_int_equal(f->redis.keys[0].len, 5);
  assert_memory_equal(f->redis.keys[0].bytes, "new&\xff", 5);
  assert_memory_equal(f->redis.keys[1].bytes, "old", f->redis.keys[1].len);

  const struct swale_redis_key configs[] = {{"a", 1}, {"b", 1}};
  const struct swale__redis_why why = {NULL, 0};
  f->redis.keys = configs;
  f->redis.n_keys = 2;
  swale__redis_url_free(f->hold);
  assert_int_equal(
      swale__redis_url_apply("redis://?key=c", &f->u.env.allocator, &f->redis, &f->layer, &why, &f->hold), 0);
  assert_int_equal(f->redis.n_keys, 1);
  assert_memory_equal(f->redis.keys[0].bytes, "c", 1);

  char many[300] = "redis://?key=hush";
  for (int i = 1; i <= SWALE_REDIS_KEYS_MAX; i++)
    strcat(many, "&key=hush");
  assert_refused(f, many, SWALE_EINVAL, "at most 16");
  assert_int_equal(apply(f, "redis://?key="), 0);
  assert_int_equal(swale__redis_config_check(&f->redis, &why), SWALE_EINVAL);
}

/* Memory whose blocks are looked through when they are given back. */
static struct {
  char *at;
  size_t size;
} blocks[8];
static int secrets_found;

static void *watched_malloc(size_t size, void *user) {
  (void)user;
  for (int i = 0; i < 8; i++)
    if (!blocks[i].at) {
      blocks[i].size = size;
      return blocks[i].at = calloc(1, size);
    }
  return NULL;
}

static void watched_free(void *at, void *user) {
  (void)user;
  for (int i = 0; at && i < 8; i++)
    if (blocks[i].at == at) {
      secrets_found += memmem(at, blocks[i].size, "hush", 4) != NULL;
      blocks[i].at = NULL;
    }
  free(at);
}

static void what_is_secret_is_wiped(void **state) {
  static const char *const urls[] = {"redis://:hush@h?key=%41%42hush&key=hush",
                                     "redis+unix://u:hush@/a,/b?key=hush", "redis://:hush@h?key=hush&none=1"};
  const struct swale_allocator a = {.malloc = watched_malloc, .free = watched_free};
  const struct swale__redis_why why = {NULL, 0};
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    swale_redis_config_default(&f->redis);
    if (swale__redis_url_apply(urls[i], &a, &f->redis, &f->layer, &why, &f->hold) == 0)
      swale__redis_url_free(f->hold);
    f->hold = NULL;
  }
  assert_int_equal(secrets_found, 0);
}

static void what_is_wrong_has_a_sentence(void **state) {
  struct fixture *f = *state;
  assert_refused(f, "redis:/h", SWALE_EFORMAT, "not a URL of Redis");
  assert_refused(f, NULL, SWALE_EFORMAT, "not a URL of Redis");
  assert_refused(f, "rediss://h", SWALE_EUNSUPPORTED, "TLS");
  assert_refused(f, "memory://", SWALE_EUNSUPPORTED, "memory://");
  assert_refused(f, "redis://h:0", SWALE_EINVAL, "port");
  assert_refused(f, "redis://h:65536", SWALE_EINVAL, "port");
  assert_refused(f, "redis://h:", SWALE_EFORMAT, "port");
  assert_refused(f, "redis://h:6379x", SWALE_EFORMAT, "port");
  assert_refused(f, "redis://name@h", SWALE_EFORMAT, ":password");
  assert_refused(f, "redis://h/one", SWALE_EFORMAT, "database");
  assert_refused(f, "redis://h/1/2", SWALE_EFORMAT, "database");
  assert_refused(f, "redis://h/2147483648", SWALE_EFORMAT, "database");
  assert_refused(f, "redis://h/1?db=2", SWALE_EFORMAT, "twice");
  assert_refused(f, "redis://h?db=x", SWALE_EFORMAT, "database");
  assert_refused(f, "redis://h?mode=fast", SWALE_EFORMAT, "core or pubsub, not fast");
  assert_refused(f, "redis://h?serializer=xml", SWALE_EFORMAT, "msgpack or json, not xml");
  assert_refused(f, "redis://h?random_prefix_length=x", SWALE_EFORMAT, "number");
  assert_refused(f, "redis://h?capacity=x", SWALE_EFORMAT, "number");
  assert_refused(f, "redis://h?capacity=4294967296", SWALE_EINVAL, "number");
  assert_refused(f, "redis://h?expiry=-1", SWALE_EFORMAT, "number");
  assert_refused(f, "redis://h?group_expiry=", SWALE_EFORMAT, "number");
  assert_refused(f, "redis://h?mode=core&capacity=1&mode=core", SWALE_EFORMAT, "twice: mode");
  assert_refused(f, "redis://h?ttl=1", SWALE_EFORMAT, "no such parameter: ttl");
}

static void a_password_does_not_get_into_a_sentence(void **state) {
  static const char *const urls[] = {"redis://:hush,hush@h", "redis://:hush/hush@h",
                                     "redis://hush@h:1",     "redis://:hush@h:x",
                                     "redis://u:hush@h/x",   "redis+unix://u:hush@h/x"};
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    assert_true(apply(f, urls[i]) < 0);
    assert_null(strstr(f->sentence, "hush"));
  }
}

static void a_url_has_a_length(void **state) {
  char url[SWALE_URL_MAX + 2] = "redis://";
  memset(url + 8, ',', sizeof url - 9);
  url[sizeof url - 1] = '\0';
  assert_refused(*state, url, SWALE_ESIZE, "too large");
  url[sizeof url - 2] = '\0';
  struct fixture *f = *state;
  assert_int_equal(apply(f, url), 0);
  assert_int_equal(f->redis.n_hosts, SWALE_URL_MAX - 8 + 1);
}

static int open_and_close(struct unit_env *u) {
  struct swale_redis_config redis;
  struct swale_layer_config layer;
  struct swale__redis_url *hold;
  swale_redis_config_default(&redis);
  swale_layer_config_default(&layer);
  int rv = swale__redis_url_apply("redis://a,b?mode=core", &u->env.allocator, &redis, &layer,
                                  &(struct swale__redis_why){NULL, 0}, &hold);
  if (rv == 0)
    swale__redis_url_free(hold);
  return rv;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  unit_fail_every_allocation(open_and_close);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
  const struct CMUnitTest tests[] = {
      TEST(a_host_may_have_everything_or_nothing),
      TEST(escapes_are_undone),
      TEST(addresses_of_ipv6_have_brackets),
      TEST(several_hosts_share_the_database),
      TEST(a_socket_has_a_path),
      TEST(several_sockets_are_shards),
      TEST(sentinels_lead_to_a_master),
      TEST(parameters_set_the_rest),
      TEST(keys_take_the_place_of_the_configs),
      TEST(what_is_secret_is_wiped),
      TEST(what_is_wrong_has_a_sentence),
      TEST(a_password_does_not_get_into_a_sentence),
      TEST(a_url_has_a_length),
      TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <swale/redis.h>

static const char *const names[] = {"a!b", "a!c", "bad name"};

static swale_redis_codec *coder(struct unit_env *u, const struct swale_redis_config *config) {
  swale_redis_codec *codec;
  assert_int_equal(swale_redis_codec_new(config, u ? &u->env : NULL, &codec, NULL, 0), 0);
  return codec;
}

static swale_payload *encoded(const swale_redis_codec *codec, size_t n_channels, bool group) {
  swale_payload *p;
  swale_message *m = swale_message_new("t");
  assert_int_equal(swale_redis_encode(codec, m, names, n_channels, group, &p), 0);
  swale_message_unref(m);
  return p;
}

/* What a payload's message is for; the payload must live as long. */
static struct swale_value receivers(swale_redis_codec *codec, swale_payload *p) {
  size_t len;
  swale_message *m;
  struct swale_value to;
  const void *bytes = swale_payload_bytes(p, &len);
  assert_int_equal(swale_redis_decode(codec, bytes, len, 0, &m, &to), 0);
  assert_string_equal(swale_message_type(m), "t");
  swale_message_unref(m);
  return to;
}

static void a_message_names_its_receivers(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_redis_codec *codec = coder(&u, NULL);
  static const struct {
    size_t n;
    bool group;
    enum swale_type type;
  } cases[] = {{0, false, SWALE_NIL}, {1, false, SWALE_STR}, {1, true, SWALE_LIST}, {2, true, SWALE_LIST}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    swale_payload *p = encoded(codec, cases[i].n, cases[i].group);
    assert_int_equal(swale_payload_kind(p), SWALE_BINARY);
    struct swale_value to = receivers(codec, p);
    assert_int_equal(to.type, cases[i].type);
    if (to.type == SWALE_LIST)
      assert_int_equal(to.len, cases[i].n);
    if (to.type == SWALE_STR)
      assert_true(swale_value_is(&to, "a!b"));
    swale_payload_unref(p);
  }
  swale_redis_codec_free(codec);
  assert_int_equal(u.live, 0);
}

static void receivers_must_make_sense(void **state) {
  (void)state;
  swale_redis_codec *codec = coder(NULL, NULL);
  swale_message *m = swale_message_new("t"), *open = swale_message_new("t");
  swale_payload *p = (swale_payload *)&p;
  assert_int_equal(swale_redis_encode(codec, m, names, 2, false, &p), SWALE_EINVAL);
  assert_null(p);
  assert_int_equal(swale_redis_encode(codec, m, names, 3, true, &p), SWALE_ENAME);
  swale_message_begin_list(open, "l");
  assert_int_equal(swale_redis_encode(codec, open, names, 1, true, &p), SWALE_ESTATE);
  assert_int_equal(swale_redis_encode(codec, NULL, names, 1, true, &p), SWALE_ENOMEM);
  assert_null(p);
  swale_message_unref(m);
  swale_message_unref(open);
  swale_redis_codec_free(codec);
}

static void a_payload_that_is_none_leaves_nothing(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_redis_codec *codec = coder(&u, NULL);
  swale_message *m = (swale_message *)&m;
  struct swale_value to;
  assert_int_equal(swale_redis_decode(codec, "short", 5, 0, &m, &to), SWALE_EFORMAT);
  assert_null(m);
  assert_int_equal(to.type, SWALE_NIL);
  swale_redis_codec_free(codec);
  swale_redis_codec_free(NULL);
  assert_int_equal(u.live, 0);
}

static void a_config_that_cannot_work_has_a_sentence(void **state) {
  (void)state;
  char why[100] = "before";
  swale_redis_codec *codec;
  struct swale_redis_config c;
  assert_int_equal(swale_redis_codec_new(NULL, NULL, &codec, why, sizeof why), 0);
  assert_string_equal(why, "");
  swale_redis_codec_free(codec);
  swale_redis_config_default(&c);
  c.prefix = "";
  assert_int_equal(swale_redis_codec_new(&c, NULL, &codec, why, sizeof why), SWALE_EINVAL);
  assert_null(codec);
  assert_non_null(strstr(why, "prefix"));
}

static int there_and_back(struct unit_env *u) {
  static const struct swale_redis_key key = {"secret", 6};
  struct swale_redis_config c;
  swale_redis_codec *codec;
  swale_payload *p;
  swale_message *out = NULL, *m = swale_message_new("t");
  struct swale_value to;
  size_t len;
  swale_redis_config_default(&c);
  c.keys = &key;
  c.n_keys = 1;
  int rv = swale_redis_codec_new(&c, &u->env, &codec, NULL, 0);
  if (rv == 0) {
    rv = swale_redis_encode(codec, m, names, 2, true, &p);
    if (rv == 0) {
      const void *bytes = swale_payload_bytes(p, &len);
      rv = swale_redis_decode(codec, bytes, len, 0, &out, &to);
    }
    swale_message_unref(out);
    swale_payload_unref(p);
    swale_redis_codec_free(codec);
  }
  swale_message_unref(m);
  return rv;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  unit_fail_every_allocation(there_and_back);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_message_names_its_receivers),
      cmocka_unit_test(receivers_must_make_sense),
      cmocka_unit_test(a_payload_that_is_none_leaves_nothing),
      cmocka_unit_test(a_config_that_cannot_work_has_a_sentence),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include "core/layer.h"

/* ---- opening ---------------------------------------------------------------------------------- */

static int open_url(const char *url, const struct swale_layer_config *config, swale_layer **out) {
  char why[200] = "?";
  int rv = swale_layer_open(url, config, out, why, sizeof why);
  if (rv < 0) {
    assert_null(*out);
    assert_true(strlen(why) > 10);
  } else {
    assert_string_equal(why, "");
  }
  return rv;
}

static int refusal_of(const char *url) {
  swale_layer *layer;
  int rv = open_url(url, NULL, &layer);
  if (rv == 0)
    swale_layer_free(layer);
  return rv;
}

static void a_layer_is_named_by_a_url(void **state) {
  (void)state;
  static const char *const good[] = {"memory://",
                                     "MEMORY://",
                                     "memory:///",
                                     "memory://?",
                                     "memory://?capacity=1&expiry=1&group_expiry=1",
                                     "memory:///?capacity=4294967295",
                                     NULL};
  static const char *const malformed[] = {"",
                                          "memory",
                                          "memory:",
                                          "://",
                                          "memory://?capacity",
                                          "memory://?capacity=",
                                          "memory://?capacity=x",
                                          "memory://?capacity=-1",
                                          "memory://?capacity=4294967296",
                                          "memory://?capacity=5&capacity=6",
                                          "memory://?size=3",
                                          "memory://?expiry=1.5",
                                          "memory://host",
                                          "memory://user@host/",
                                          "memory:///path",
                                          "memory://?prefix=a",
                                          NULL};
  for (const char *const *url = good; *url; url++)
    assert_int_equal(refusal_of(*url), 0);
  for (const char *const *url = malformed; *url; url++)
    assert_int_equal(refusal_of(*url), SWALE_EFORMAT);
  assert_int_equal(refusal_of(NULL), SWALE_EFORMAT);
  assert_int_equal(refusal_of("redis://localhost"), SWALE_EUNSUPPORTED);
  assert_int_equal(refusal_of("memories://"), SWALE_EUNSUPPORTED);
  assert_int_equal(refusal_of("memory://?capacity=0"), SWALE_EINVAL);
  assert_int_equal(refusal_of("memory://?expiry=0"), SWALE_EINVAL);
  assert_int_equal(refusal_of("memory://?group_expiry=0"), SWALE_EINVAL);
}

static void the_url_wins_over_the_config(void **state) {
  (void)state;
  struct swale_layer_config config;
  swale_layer *layer;
  swale_layer_config_default(&config);
  config.capacity = 7;
  config.expiry_ms = 7;
  config.group_expiry_ms = 7;
  assert_int_equal(open_url("memory://?capacity=50&expiry=10", &config, &layer), 0);
  assert_int_equal(layer->capacity, 50);
  assert_int_equal(layer->expiry_ms, 10000);
  assert_int_equal(layer->group_expiry_ms, 7);
  swale_layer_free(layer);
  assert_int_equal(open_url("memory://?group_expiry=3", &config, &layer), 0);
  assert_int_equal(layer->capacity, 7);
  assert_int_equal(layer->group_expiry_ms, 3000);
  swale_layer_free(layer);
}

static void the_defaults_are_those_of_the_header(void **state) {
  (void)state;
  swale_layer *layer;
  assert_int_equal(open_url("memory://", NULL, &layer), 0);
  assert_int_equal(layer->capacity, 100);
  assert_int_equal(layer->expiry_ms, 60000);
  assert_int_equal(layer->group_expiry_ms, 86400000);
  assert_int_equal(layer->channels_max, 100000);
  assert_int_equal(layer->groups_max, 10000000);
  swale_layer_free(layer);
}

static int refusal_of_config(const struct swale_layer_config *config) {
  swale_layer *layer;
  int rv = open_url("memory://", config, &layer);
  if (rv == 0)
    swale_layer_free(layer);
  return rv;
}

static void limits_of_a_layer_may_not_be_0(void **state) {
  (void)state;
  struct swale_layer_config config;
  for (int i = 0; i < 6; i++) {
    swale_layer_config_default(&config);
    config.capacity = i == 0 ? 0 : 1;
    config.expiry_ms = i == 1 ? 0 : 1;
    config.group_expiry_ms = i == 2 ? 0 : 1;
    config.channels_max = i == 3 ? 0 : 1;
    config.groups_max = i == 4 ? 0 : 1;
    assert_int_equal(refusal_of_config(&config), i < 5 ? SWALE_EINVAL : 0);
  }
}

static void configs_of_other_versions_are_understood_or_refused(void **state) {
  (void)state;
  struct {
    struct swale_layer_config known;
    long more;
  } larger;
  struct swale_layer_config config;
  swale_layer_config_init(&larger.known, sizeof larger);
  assert_int_equal(refusal_of_config(&larger.known), SWALE_EINVAL);
  config.size = 0;
  assert_int_equal(refusal_of_config(&config), SWALE_EINVAL);

  size_t older = offsetof(struct swale_layer_config, expiry_ms);
  memset(&config, 0xff, sizeof config);
  swale_layer_config_init(&config, older);
  config.capacity = 3;
  swale_layer *layer;
  assert_int_equal(open_url("memory://", &config, &layer), 0);
  assert_int_equal(layer->capacity, 3);
  assert_int_equal(layer->expiry_ms, 60000);
  swale_layer_free(layer);
}

static void channel_capacities_are_copied_and_bounded(void **state) {
  (void)state;
  static struct swale_capacity many[257];
  char pattern[] = "a*";
  struct swale_layer_config config;
  swale_layer *layer;
  swale_layer_config_default(&config);
  for (int i = 0; i < 257; i++)
    many[i] = (struct swale_capacity){pattern, 9};
  config.capacities = many;
  config.n_capacities = 257;
  assert_int_equal(refusal_of_config(&config), SWALE_EINVAL);
  config.n_capacities = 256;
  assert_int_equal(open_url("memory://", &config, &layer), 0);
  pattern[0] = 'b';
  many[0].capacity = 1;
  assert_int_equal(swale__layer_capacity(layer, "abc"), 9);
  assert_int_equal(swale__layer_capacity(layer, "bcd"), 100);
  swale_layer_free(layer);
  many[255].capacity = 0;
  assert_int_equal(refusal_of_config(&config), SWALE_EINVAL);
  many[255] = (struct swale_capacity){NULL, 1};
  assert_int_equal(refusal_of_config(&config), SWALE_EINVAL);
  config.capacities = NULL;
  assert_int_equal(refusal_of_config(&config), SWALE_EINVAL);
}

static void the_reason_fits_where_it_is_wanted(void **state) {
  (void)state;
  swale_layer *layer;
  char why[8] = "12345678";
  assert_int_equal(swale_layer_open("redis://", NULL, &layer, why, 4), SWALE_EUNSUPPORTED);
  assert_int_equal(strlen(why), 3);
  assert_int_equal(why[4], '5');
  assert_int_equal(swale_layer_open("redis://", NULL, &layer, why, 0), SWALE_EUNSUPPORTED);
  assert_int_equal(swale_layer_open("redis://", NULL, &layer, NULL, 8), SWALE_EUNSUPPORTED);
}

static int open_and_free(struct unit_env *u) {
  static const struct swale_capacity capacities[] = {{"a*", 1}, {"b*", 2}};
  struct swale_layer_config config;
  swale_layer *layer;
  swale_layer_config_default(&config);
  config.env = &u->env;
  config.capacities = capacities;
  config.n_capacities = 2;
  int rv = open_url("memory://?capacity=5", &config, &layer);
  return rv < 0 ? rv : swale_layer_free(layer);
}

static void opening_without_memory_fails_cleanly(void **state) {
  (void)state;
  unit_fail_every_allocation(open_and_free);
  struct unit_env u;
  unit_env_init(&u);
  u.fail_at = 1;
  assert_int_equal(open_and_free(&u), SWALE_ENOMEM);
}

static void opening_without_randomness_fails_cleanly(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  u.random_fails = 1;
  assert_int_equal(open_and_free(&u), SWALE_ERANDOM);
  assert_int_equal(u.live, 0);
}

/* ---- freeing ---------------------------------------------------------------------------------- */

static void a_layer_in_use_is_not_freed(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  crowd_world_open(&w, NULL);
  assert_int_equal(swale_layer_free(NULL), 0);
  crowd_enter(&w.crowd, &m, 0);
  assert_int_equal(swale_group_add(w.layer, "g", m.channel), 0);
  assert_int_equal(swale_group_add(w.layer, "g", "plain"), 0);
  assert_int_equal(swale_layer_free(w.layer), SWALE_ESTATE);
  assert_int_equal(swale_group_count(w.layer, "g"), 2); /* nothing has happened */
  crowd_lose(&m);
  assert_int_equal(swale_layer_free(w.layer), SWALE_ESTATE);
  assert_int_equal(swale_group_count(w.layer, "g"), 1);
  crowd_world_close(&w);
}

/* ---- drops noted where there is no loop ------------------------------------------------------- */

static void count_drop(const struct swale_drop *drop, void *user) { *(uint64_t *)user += drop->count; }

static void any_call_that_notices_a_drop_wakes_a_loop(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  struct swale_layer_config config;
  struct swale_channel_stats channel;
  uint64_t told = 0;
  swale_layer_config_default(&config);
  config.on_drop = count_drop;
  config.user = &told;
  config.expiry_ms = 1000;
  crowd_world_open(&w, &config);
  crowd_enter(&w.crowd, &m, 0);
  crowd_run(&w.crowd);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(crowd_send(w.layer, "plain", 1), 0);
    assert_int_equal(w.crowd.at[0].wakes, 0);
    w.u.now_ms += 1000;
    if (i == 0)
      crowd_stats(w.layer);
    else if (i == 1)
      swale_group_count(w.layer, "g");
    else if (i == 2)
      swale_channel_stats_get(w.layer, "other", &channel);
    else if (i == 3)
      swale_group_add(w.layer, "g", m.channel);
    else
      swale_flush(w.layer);
    assert_int_equal(w.crowd.at[0].wakes, 1);
    assert_int_equal(told, i);
    crowd_run(&w.crowd);
    assert_int_equal(told, i + 1);
  }
  crowd_world_close(&w);
}

static void drops_that_nobody_can_tell_are_kept_for_a_loop_that_comes(void **state) {
  (void)state;
  struct crowd_world w;
  struct crowd_member m;
  struct swale_layer_config config;
  uint64_t told = 0;
  swale_layer_config_default(&config);
  config.on_drop = count_drop;
  config.user = &told;
  crowd_world_open(&w, &config);
  assert_int_equal(crowd_send(w.layer, "plain", 1), 0);
  assert_int_equal(swale_channel_close(w.layer, "plain"), 0);
  crowd_run(&w.crowd);
  assert_int_equal(told, 0);
  crowd_enter(&w.crowd, &m, 0);
  crowd_run(&w.crowd);
  assert_int_equal(told, 1);
  crowd_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_layer_is_named_by_a_url),
      cmocka_unit_test(the_url_wins_over_the_config),
      cmocka_unit_test(the_defaults_are_those_of_the_header),
      cmocka_unit_test(limits_of_a_layer_may_not_be_0),
      cmocka_unit_test(configs_of_other_versions_are_understood_or_refused),
      cmocka_unit_test(channel_capacities_are_copied_and_bounded),
      cmocka_unit_test(the_reason_fits_where_it_is_wanted),
      cmocka_unit_test(opening_without_memory_fails_cleanly),
      cmocka_unit_test(opening_without_randomness_fails_cleanly),
      cmocka_unit_test(a_layer_in_use_is_not_freed),
      cmocka_unit_test(any_call_that_notices_a_drop_wakes_a_loop),
      cmocka_unit_test(drops_that_nobody_can_tell_are_kept_for_a_loop_that_comes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

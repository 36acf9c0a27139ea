/* SPDX-License-Identifier: MIT */
/*
 * Every public function of the library, and those of the core that concern backends, called while memory is short, as in
 * tests/unit/core/test_every_allocation.c. There is no server: what happens with one is in test_client.c.
 */
#include "unit.h"

#include <swale/backend.h>
#include <swale/redis.h>
#include <swale/swale.h>

#define TRY(call) UNIT_TRY(&error, call)

/* ---- payloads ---- */

static const char *const names[] = {"a!b", "a!c"};
static const struct swale_redis_key key = {"secret", 6};

static int there_and_back(swale_redis_codec *codec, swale_message *m) {
  int error = 0;
  swale_payload *p;
  swale_message *out = NULL;
  struct swale_value to;
  size_t len;
  TRY(swale_redis_encode(codec, m, names, 2, true, &p));
  if (p) {
    const void *bytes = swale_payload_bytes(p, &len);
    TRY(swale_redis_decode(codec, bytes, len, 60, &out, &to));
    assert_true((out != NULL) == (error == 0));
  }
  swale_message_unref(out);
  swale_payload_unref(p);
  return error;
}

static int codecs(struct unit_env *u) {
  int error = 0;
  struct swale_redis_config config;
  swale_redis_codec *codec;
  swale_message *m = swale_message_new_with("type", 0, &u->env.allocator);
  swale_redis_config_default(&config);
  config.keys = &key;
  config.n_keys = 1;
  TRY(m ? 0 : SWALE_ENOMEM);
  TRY(swale_redis_codec_new(&config, &u->env, &codec, NULL, 0));
  if (codec && m)
    TRY(there_and_back(codec, m));
  swale_redis_codec_free(codec);
  swale_message_unref(m);
  return error;
}

static void payloads_alone(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(codecs);
}

/* ---- layers ---- */

static void watch(int fd, unsigned events, void *user) { (void)fd, (void)events, (void)user; }

static unsigned called_back, completed;

static void done(int result, void *user) {
  (void)user;
  assert_true(result <= 0);
  completed++;
}

/* What a backend says; the layer is at home in `loop`. */
static void hear(swale_layer *layer, swale_message *m) {
  assert_non_null(swale_backend_of(layer, &swale_redis_backend));
  assert_int_equal(swale_backend_capacity(layer, "plain"), 100);
  swale_backend_deliver(layer, "plain", m);
  swale_backend_deliver_group(layer, "group", m);
  swale_backend_has_room(layer);
  assert_false(swale_backend_is_member(layer, "group", "nobody!here"));
  swale_backend_settled(layer, 0);
  swale_backend_complete(NULL, 0);
}

static void received(int result, swale_message *message, void *user) {
  (void)result, (void)message, (void)user;
  fail_msg("there is nothing to receive");
}

static int receive(swale_layer *layer, swale_loop *loop) {
  int error = 0;
  const struct swale_reception how = {.loop = loop, .done = received};
  swale_receiver *receiver;
  TRY(swale_receive_then(layer, "elsewhere", &how, &receiver));
  TRY(swale_loop_run(loop));
  swale_receive_cancel(receiver);
  return error;
}

static int count(int rv) {
  called_back += rv >= 0;
  return rv;
}

static int use_layer(swale_layer *layer, swale_loop *loop, swale_message *m) {
  int error = 0;
  const struct swale_completion then = {.loop = loop, .done = done};
  struct swale_redis_stats stats;
  completed = called_back = 0;
  TRY(count(swale_send_then(layer, "elsewhere!x", m, &then)));
  TRY(count(swale_group_send_then(layer, "group", m, &then)));
  TRY(count(swale_group_add_then(layer, "group", "elsewhere!x", &then)));
  TRY(receive(layer, loop));
  swale_layer_ready(layer, -1, SWALE_READABLE);
  assert_int_equal(swale_redis_resolved(layer, 1, NULL), SWALE_ENOTFOUND); /* nobody has asked */
  TRY(swale_loop_run(loop));
  hear(layer, m);
  TRY(swale_loop_run(loop));
  assert_int_equal(swale_redis_stats_get(layer, &stats), 0);
  assert_int_equal(stats.state, SWALE_REDIS_DOWN);
  return error;
}

static int at_home(swale_layer *layer, swale_loop *loop, swale_message *m) {
  int error = 0;
  struct swale_sockets sockets = {.watch = watch};
  TRY(swale_layer_attach(layer, loop, &sockets));
  if (error == 0 && swale_message_freeze(m) == 0)
    TRY(use_layer(layer, loop, m));
  swale_layer_detach(layer);
  swale_loop_run(loop);
  assert_int_equal(completed, called_back);
  return error;
}

static int layers(struct unit_env *u) {
  static const struct swale_redis_host nowhere = {.path = "/nonexistent/redis.sock"};
  struct swale_redis_config redis;
  struct swale_layer_config config;
  struct swale_loop_config loop_config;
  swale_layer *layer;
  swale_loop *loop = NULL;
  int error = 0;
  swale_redis_config_default(&redis);
  redis.hosts = &nowhere;
  swale_layer_config_default(&config);
  swale_loop_config_default(&loop_config);
  config.env = loop_config.env = &u->env;
  completed = called_back = 0;
  swale_message *m = swale_message_new_with("type", 0, &u->env.allocator);
  TRY(m ? 0 : SWALE_ENOMEM);
  TRY(swale_redis_open(&redis, &config, &layer, NULL, 0));
  TRY(swale_loop_new(&loop_config, &loop));
  if (error == 0)
    TRY(at_home(layer, loop, m));
  assert_int_equal(swale_loop_free(loop), 0);
  assert_int_equal(swale_layer_free(layer), 0);
  swale_message_unref(m);
  return error;
}

static void layers_on_redis(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(layers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(payloads_alone),
      cmocka_unit_test(layers_on_redis),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

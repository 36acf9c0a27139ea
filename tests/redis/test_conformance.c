/* SPDX-License-Identifier: MIT */
/* The conformance suite of the core against both modes: everything that concerns others goes through Redis. */
#include "core/conformance.h"

#include <stdio.h>
#include <stdlib.h>

#include "redis/home.h"
#include "server.h"

static struct server server;
static struct home home;
static char prefix[16];

/* Redis' scores have the injected time. */
static int64_t wall_us(void *user) { return (int64_t)((struct unit_env *)user)->now_ms * 1000; }

static int open_layer(enum swale_redis_mode mode, const struct swale_layer_config *config,
                      swale_layer **out) {
  static int opened;
  struct swale_redis_config redis;
  char why[200];
  home_close(&home);
  home_open(&home);
  snprintf(prefix, sizeof prefix, "t%d", opened++);
  swale_redis_config_default(&redis);
  redis.url = server.url;
  redis.mode = mode;
  redis.prefix = prefix;
  redis.wall_us = wall_us;
  redis.user = config->env->user;
  int rv = swale_redis_open(&redis, config, out, why, sizeof why);
  if (rv < 0)
    return rv;
  home_take(&home, *out);
  assert_true(home_await(&home, SWALE_REDIS_UP, 5000));
  return 0;
}

static int open_core(const struct swale_layer_config *config, swale_layer **out) {
  return open_layer(SWALE_REDIS_CORE, config, out);
}

static int open_pubsub(const struct swale_layer_config *config, swale_layer **out) {
  return open_layer(SWALE_REDIS_PUBSUB, config, out);
}

/* Nothing moves any more, even where the server is slow because the machine is busy. */
static void settle_down(void) {
  for (int quiet = 0; quiet < 4; quiet++)
    while (home_turn(&home, 4) || home_stats(&home).queued > 0)
      quiet = 0;
}

static void settle(swale_layer *layer) {
  (void)layer;
  settle_down();
}

static void note_result(int result, void *user) { *(int *)user = result; }

static int send(swale_layer *layer, const char *channel, swale_message *m) {
  int result = 1;
  const struct swale_completion then = {home.loop, note_result, &result};
  int rv = swale_send_then(layer, channel, m, &then);
  settle_down();
  if (rv == 0)
    assert_true(result <= 0);
  return rv < 0 ? rv : result;
}

struct receipt {
  swale_message *message;
  int times;
};

static void note_receipt(int result, swale_message *m, void *user) {
  struct receipt *r = user;
  assert_int_equal(result, 0);
  r->message = swale_message_ref(m);
  r->times++;
}

static int receive(swale_layer *layer, const char *channel, swale_message **out) {
  struct receipt r = {0};
  const struct swale_reception how = {.loop = home.loop, .done = note_receipt, .user = &r};
  swale_receiver *receiver;
  int rv = swale_receive_then(layer, channel, &how, &receiver);
  settle_down();
  *out = r.message;
  if (rv == 0 && r.times == 0)
    swale_receive_cancel(receiver);
  settle_down();
  return rv < 0 ? rv : r.times == 1 ? 0 : SWALE_EAGAIN;
}

static int count(const char *format, const char *name) {
  char command[200];
  snprintf(command, sizeof command, format, prefix, name);
  return atoi(server_ask(&server, command));
}

static int waiting(swale_layer *layer, const char *channel) {
  (void)layer;
  return count("ZCARD '%s%s'", channel);
}

static int members(swale_layer *layer, const char *group) {
  (void)layer;
  return count("ZCARD '%s:group:%s'", group);
}

static uint64_t expired(swale_layer *layer) {
  (void)layer;
  return home_stats(&home).expired;
}

int main(void) {
  static const struct conformance core = {.name = "redis, core",
                                          .kept = CONFORMANCE_AT_SERVER,
                                          .open = open_core,
                                          .settle = settle,
                                          .send = send,
                                          .receive = receive,
                                          .waiting = waiting,
                                          .members = members,
                                          .expired = expired},
                                  pubsub = {.name = "redis, pubsub",
                                            .kept = CONFORMANCE_BY_HEARERS,
                                            .open = open_pubsub,
                                            .settle = settle,
                                            .send = send,
                                            .receive = receive};
  server_start(&server);
  int failed = conformance_run(&core) + conformance_run(&pubsub);
  home_close(&home);
  server_stop(&server);
  return failed;
}

/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite of the core against both modes. Channels without a consumer are kept in the process (local=*),
 * since the suite looks into their queues, whose time is injected; what goes through Redis here is groups.
 */
#include "core/conformance.h"

#include <stdio.h>

#include "redis/home.h"
#include "server.h"

static struct server server;
static struct home home;

static int open_layer(const char *mode, const struct swale_layer_config *config, swale_layer **out) {
  static int opened;
  static const struct swale_backend_class *const backends[] = {&swale_redis_backend, NULL};
  struct swale_layer_config mine = *config;
  char url[128], why[200];
  home_close(&home);
  home_open(&home);
  mine.backends = backends;
  snprintf(url, sizeof url, "%s?mode=%s&local=*&prefix=t%d", server.url, mode, opened++);
  int rv = swale_layer_open(url, &mine, out, why, sizeof why);
  if (rv < 0)
    return rv;
  home_take(&home, *out);
  assert_true(home_await(&home, SWALE_REDIS_UP, 5000));
  return 0;
}

static int open_core(const struct swale_layer_config *config, swale_layer **out) {
  return open_layer("core", config, out);
}

static int open_pubsub(const struct swale_layer_config *config, swale_layer **out) {
  return open_layer("pubsub", config, out);
}

static void settle(swale_layer *layer) {
  (void)layer;
  home_settle(&home);
}

int main(void) {
  static const struct conformance core = {.name = "redis, core", .open = open_core, .settle = settle},
                                  pubsub = {.name = "redis, pubsub", .open = open_pubsub, .settle = settle};
  server_start(&server);
  int failed = conformance_run(&core) + conformance_run(&pubsub);
  home_close(&home);
  server_stop(&server);
  return failed;
}

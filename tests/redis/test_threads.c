/* SPDX-License-Identifier: MIT */
/* Several threads on one layer while one of them talks to Redis; meant for ThreadSanitizer. */
#include "nodes.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SENDERS = 3, EACH = 60 };

static struct server server;

struct sender {
  pthread_t thread;
  swale_layer *layer;
  const char *foreign; /* a consumer of another process */
  int i;
};

static void *run_sender(void *arg) {
  struct sender *s = arg;
  char name[SWALE_NAME_SIZE], group[] = {'g', (char)('0' + s->i), '\0'};
  assert_int_equal(swale_new_channel(s->layer, NULL, name), 0);
  for (int k = 0; k < EACH; k++) {
    crowd_group_send(s->layer, "g", s->i * EACH + k);
    if (k % 10 == 0) {
      crowd_send(s->layer, s->foreign, -1);
      swale_group_add(s->layer, group, name);
      swale_group_discard(s->layer, group, name);
    }
  }
  swale_channel_close(s->layer, name);
  return NULL;
}

static void threads_share_a_layer(void **state) {
  struct nodes n;
  struct sender senders[SENDERS];
  static struct crowd_member a, b;
  struct swale_layer_config layer;
  struct swale_redis_config c;
  const struct swale_redis_host host = {.host = "127.0.0.1", .port = (uint16_t)server.port};
  swale_layer_config_default(&layer);
  layer.capacity = 100000;
  swale_redis_config_default(&c);
  c.mode = strcmp(*state, "core") == 0 ? SWALE_REDIS_CORE : SWALE_REDIS_PUBSUB;
  c.hosts = &host;
  nodes_open_with(&n, &c, &layer);
  crowd_enter(&n.at[0].crowd, &a, 0);
  crowd_enter(&n.at[1].crowd, &b, 0);
  assert_int_equal(swale_group_add(n.at[0].layer, "g", a.channel), 0);
  assert_int_equal(swale_group_add(n.at[1].layer, "g", b.channel), 0);
  nodes_settle(&n);
  for (int i = 0; i < SENDERS; i++) {
    senders[i] = (struct sender){.layer = n.at[0].layer, .foreign = b.channel, .i = i};
    assert_int_equal(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
  }
  nodes_run(&n, 100);
  for (int i = 0; i < SENDERS; i++)
    pthread_join(senders[i].thread, NULL);
  nodes_settle(&n);
  assert_int_equal(swale_group_count(n.at[0].layer, "g"), 1);
  struct swale_layer_stats here = crowd_stats(n.at[0].layer), there = crowd_stats(n.at[1].layer);
  assert_int_equal(here.delivered, SENDERS * EACH);
  assert_int_equal(there.delivered, SENDERS * EACH + SENDERS * EACH / 10);
  nodes_close(&n);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      {"threads_share_a_layer, core", threads_share_a_layer, NULL, NULL, (void *)"core"},
      {"threads_share_a_layer, pubsub", threads_share_a_layer, NULL, NULL, (void *)"pubsub"},
  };
  server_start(&server);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  server_stop(&server);
  return failed;
}

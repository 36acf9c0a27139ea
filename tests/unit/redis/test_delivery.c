/* SPDX-License-Identifier: MIT */
#include "redis/delivery.h"

#include <inttypes.h>
#include <stdio.h>

#include "redis/client.h"
#include "redis/fake.h"
#include "redis/home.h"
#include "redis/wire.h"
#include "unit.h"

/* A layer whose server says nothing; payloads are handed in by the test. */
struct place {
  struct unit_env u;
  struct fake fake;
  struct home home;
  swale_layer *layer;
  struct swale__redis_client *client;
  char member[SWALE_NAME_SIZE], other[SWALE_NAME_SIZE]; /* of the group "g", of none */
  char token[SWALE_NAME_SIZE];                          /* of the group */
};

static struct swale__redis_topic *group(struct place *p) {
  return swale__redis_topic_find(&p->client->topics, SWALE__REDIS_GROUP, "g");
}

static void open_place(struct place *p) {
  struct swale_redis_host host = {.host = "127.0.0.1"};
  struct swale_layer_config layer;
  struct swale_redis_config c;
  unit_env_init(&p->u);
  fake_open(&p->fake, fake_healthy);
  host.port = (uint16_t)p->fake.port;
  swale_layer_config_default(&layer);
  layer.env = &p->u.env;
  swale_redis_config_default(&c);
  c.hosts = &host;
  assert_int_equal(swale_redis_open(&c, &layer, &p->layer, NULL, 0), 0);
  p->client = swale_backend_of(p->layer, &swale_redis_backend);
  home_open(&p->home);
  home_take(&p->home, p->layer);
  assert_int_equal(swale_new_channel(p->layer, NULL, p->member), 0);
  assert_int_equal(swale_new_channel(p->layer, NULL, p->other), 0);
  assert_int_equal(swale_group_add(p->layer, "g", p->member), 0);
  home_turn(&p->home, 0);
  assert_non_null(group(p));
  snprintf(p->token, sizeof p->token, "specific.%s!.%016" PRIx64, p->client->process, group(p)->hash);
}

static void close_place(struct place *p) {
  swale_layer_detach(p->layer);
  assert_int_equal(swale_layer_free(p->layer), 0);
  home_close(&p->home);
  fake_close(&p->fake);
  assert_int_equal(p->u.live, 0);
}

static int take(struct place *p, char *text, size_t len, struct swale__redis_topic *topic,
                const char *channel) {
  const struct swale__redis_reply payload = {.type = REDIS_REPLY_STRING, .text = text, .len = len};
  swale_loop_enter(p->home.loop);
  int rv = swale__redis_take_payload(p->client, &payload, topic, channel);
  swale_loop_leave(p->home.loop);
  return rv;
}

/* A message comes that names these. */
static int come_to(struct place *p, const struct swale__redis_to *to, struct swale__redis_topic *topic,
                   const char *channel) {
  struct swale__redis_bytes bytes = {.allocator = p->u.env.allocator};
  swale_message *m = swale_message_new("note");
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale__redis_encode(p->client->settings, m, to, &bytes), 0);
  swale_message_unref(m);
  int rv = take(p, (char *)bytes.at, bytes.len, topic, channel);
  swale__redis_bytes_free(&bytes);
  return rv;
}

static void come_to_one(struct place *p, const char *name) {
  const struct swale__redis_to to = {SWALE__REDIS_ONE, &name, 1};
  assert_int_equal(come_to(p, &to, NULL, NULL), 0);
}

static void come_to_list(struct place *p, size_t n, const char *const *names) {
  const struct swale__redis_to to = {SWALE__REDIS_LIST, names, n};
  assert_int_equal(come_to(p, &to, NULL, NULL), 0);
}

static const struct swale__redis_to nobody = {SWALE__REDIS_NOBODY, NULL, 0};

/* How many messages wait in the channel; they are gone then. */
static int got(struct place *p, const char *channel) {
  swale_message *m;
  int n = 0;
  while (swale_receive(p->layer, channel, &m) == 0) {
    swale_message_unref(m);
    n++;
  }
  return n;
}

static void assert_strays(const struct place *p, uint64_t n) {
  assert_int_equal(home_stats(&p->home).strays, n);
}

/* ---- names ---- */

static void a_name_with_the_mark_of_this_process_is_its_own(void **state) {
  static struct place p;
  char name[SWALE_NAME_SIZE];
  (void)state;
  open_place(&p);
  assert_true(swale__redis_is_own(p.client, p.member));
  assert_true(swale__redis_is_own(p.client, p.token));
  assert_false(swale__redis_is_own(p.client, "plain"));
  assert_false(swale__redis_is_own(p.client, "!x"));
  assert_false(swale__redis_is_own(p.client, "specific.00000000000000000000000000000000!x"));
  snprintf(name, sizeof name, "%s!x", p.client->process); /* without a prefix */
  assert_false(swale__redis_is_own(p.client, name));
  close_place(&p);
}

static void a_token_stands_for_its_group(void **state) {
  static struct place p;
  (void)state;
  open_place(&p);
  assert_ptr_equal(swale__redis_topic_of_token(p.client, p.token), group(&p));
  assert_null(swale__redis_topic_of_token(p.client, p.member));
  char *last = &p.token[strlen(p.token) - 1];
  *last = 'x'; /* no digit */
  assert_null(swale__redis_topic_of_token(p.client, p.token));
  *last = '\0'; /* one too few */
  assert_null(swale__redis_topic_of_token(p.client, p.token));
  close_place(&p);
}

/* ---- what came ---- */

static void a_message_gets_to_the_channel_that_it_names(void **state) {
  static struct place p;
  (void)state;
  open_place(&p);
  come_to_one(&p, p.other);
  assert_int_equal(got(&p, p.other), 1);
  assert_int_equal(got(&p, p.member), 0);
  assert_int_equal(home_stats(&p.home).received, 1);
  assert_strays(&p, 0);
  close_place(&p);
}

static void what_names_another_process_or_nobody_is_a_stray(void **state) {
  static struct place p;
  (void)state;
  open_place(&p);
  come_to_one(&p, "specific.00000000000000000000000000000000!x");
  assert_strays(&p, 1);
  assert_int_equal(come_to(&p, &nobody, NULL, NULL), 0);
  assert_strays(&p, 2);
  assert_int_equal(home_stats(&p.home).received, 2);
  close_place(&p);
}

static void members_are_told_once_by_token_and_name(void **state) {
  static struct place p;
  (void)state;
  open_place(&p);
  come_to_list(&p, 3, (const char *[]){p.member, p.token, p.other});
  assert_int_equal(got(&p, p.member), 1);
  assert_int_equal(got(&p, p.other), 1); /* a stranger has added it */
  assert_strays(&p, 0);
  come_to_list(&p, 1, (const char *[]){p.member});
  assert_int_equal(got(&p, p.member), 1);
  close_place(&p);
}

static void the_topic_or_channel_of_its_place_comes_before_its_names(void **state) {
  static struct place p;
  (void)state;
  open_place(&p);
  assert_int_equal(come_to(&p, &nobody, group(&p), NULL), 0);
  assert_int_equal(got(&p, p.member), 1);
  const struct swale__redis_to to = {SWALE__REDIS_ONE, (const char *[]){p.member}, 1};
  assert_int_equal(come_to(&p, &to, NULL, p.other), 0);
  assert_int_equal(got(&p, p.member), 0);
  assert_int_equal(got(&p, p.other), 1);
  assert_strays(&p, 0);
  close_place(&p);
}

static void a_group_that_nobody_is_in_any_more_gets_strays(void **state) {
  static struct place p;
  (void)state;
  open_place(&p);
  group(&p)->wanted = false;
  assert_int_equal(come_to(&p, &nobody, group(&p), NULL), 0);
  assert_int_equal(got(&p, p.member), 0);
  assert_strays(&p, 1);
  group(&p)->wanted = true;
  close_place(&p);
}

static void what_cannot_be_read_is_counted_and_told(void **state) {
  static struct place p;
  char garbage[] = "no payload at all";
  (void)state;
  open_place(&p);
  int rv = take(&p, garbage, sizeof garbage, NULL, p.member);
  assert_true(rv < 0);
  struct swale_redis_stats s = home_stats(&p.home);
  assert_int_equal(s.received, 1);
  assert_int_equal(s.undecodable, 1);
  assert_string_equal(s.error, swale_strerror(rv));
  assert_int_equal(got(&p, p.member), 0);
  close_place(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_with_the_mark_of_this_process_is_its_own),
      cmocka_unit_test(a_token_stands_for_its_group),
      cmocka_unit_test(a_message_gets_to_the_channel_that_it_names),
      cmocka_unit_test(what_names_another_process_or_nobody_is_a_stray),
      cmocka_unit_test(members_are_told_once_by_token_and_name),
      cmocka_unit_test(the_topic_or_channel_of_its_place_comes_before_its_names),
      cmocka_unit_test(a_group_that_nobody_is_in_any_more_gets_strays),
      cmocka_unit_test(what_cannot_be_read_is_counted_and_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

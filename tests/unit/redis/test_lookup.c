/* SPDX-License-Identifier: MIT */
#include "redis/lookup.h"

#include "unit.h"

#include <arpa/inet.h>
#include <netdb.h>

static struct addrinfo info(struct sockaddr *at, int family, socklen_t len, struct addrinfo *next) {
  return (struct addrinfo){.ai_family = family, .ai_addr = at, .ai_addrlen = len, .ai_next = next};
}

static struct sockaddr_in v4(const char *text) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = 7};
  assert_int_equal(inet_pton(AF_INET, text, &at.sin_addr), 1);
  return at;
}

static void assert_v4(const struct swale__redis_address *a, const char *text, uint16_t port) {
  char is[INET_ADDRSTRLEN];
  assert_non_null(a);
  assert_int_equal(a->to.any.sa_family, AF_INET);
  assert_string_equal(inet_ntop(AF_INET, &a->to.v4.sin_addr, is, sizeof is), text);
  assert_int_equal(a->to.v4.sin_port, htons(port));
}

static void addresses_need_nobody_to_be_asked(void **state) {
  const struct swale_redis_host by_v4 = {.host = "192.0.2.1", .port = 1}, by_v6 = {.host = "::1", .port = 2};
  struct swale__redis_lookup l = {0};
  (void)state;
  assert_null(swale__redis_lookup_next(&l));
  assert_true(swale__redis_lookup_begin(&l, &by_v4));
  assert_v4(swale__redis_lookup_next(&l), "192.0.2.1", 1);
  assert_null(swale__redis_lookup_next(&l));
  assert_true(swale__redis_lookup_begin(&l, &by_v6));
  assert_int_equal(swale__redis_lookup_next(&l)->to.v6.sin6_port, htons(2));
}

static void all_addresses_of_a_name_are_tried_with_its_port(void **state) {
  const struct swale_redis_host host = {.host = "redis.example", .port = 6380};
  struct sockaddr_in a = v4("192.0.2.1"), b = v4("192.0.2.2");
  struct sockaddr_in6 c = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  struct addrinfo last = info((struct sockaddr *)&b, AF_INET, sizeof b, NULL),
                  third = info((struct sockaddr *)&a, AF_INET, sizeof a, &last), /* for datagrams */
      second = info((struct sockaddr *)&a, AF_INET, sizeof a, &third),
                  first = info((struct sockaddr *)&c, AF_INET6, sizeof c, &second);
  struct swale__redis_lookup l = {0};
  (void)state;
  assert_false(swale__redis_lookup_begin(&l, &host));
  assert_string_equal(l.name, "redis.example");
  l.query = 1;
  swale__redis_lookup_end(&l, &first);
  assert_int_equal(l.query, 0);
  const struct swale__redis_address *at = swale__redis_lookup_next(&l);
  assert_int_equal(at->to.any.sa_family, AF_INET6);
  assert_int_equal(at->to.v6.sin6_port, htons(6380));
  assert_v4(swale__redis_lookup_next(&l), "192.0.2.1", 6380);
  assert_v4(swale__redis_lookup_next(&l), "192.0.2.2", 6380);
  assert_null(swale__redis_lookup_next(&l));
}

static void what_is_no_address_is_passed_over(void **state) {
  const struct swale_redis_host host = {.host = "redis.example", .port = 6380};
  struct sockaddr_in a = v4("192.0.2.1");
  struct addrinfo good = info((struct sockaddr *)&a, AF_INET, sizeof a, NULL),
                  odd = info((struct sockaddr *)&a, AF_UNIX, sizeof a, &good),
                  cut = info((struct sockaddr *)&a, AF_INET6, sizeof a, &odd);
  struct swale__redis_lookup l = {0};
  (void)state;
  swale__redis_lookup_begin(&l, &host);
  swale__redis_lookup_end(&l, &cut);
  assert_v4(swale__redis_lookup_next(&l), "192.0.2.1", 6380);
  assert_null(swale__redis_lookup_next(&l));
  swale__redis_lookup_end(&l, NULL);
  assert_null(swale__redis_lookup_next(&l));
}

static void more_addresses_than_there_is_room_for_are_left_out(void **state) {
  const struct swale_redis_host host = {.host = "redis.example", .port = 6380};
  struct sockaddr_in at[6];
  struct addrinfo infos[6];
  struct swale__redis_lookup l = {0};
  (void)state;
  for (int i = 5; i >= 0; i--) {
    at[i] = v4("192.0.2.0");
    at[i].sin_addr.s_addr += htonl((uint32_t)i);
    infos[i] = info((struct sockaddr *)&at[i], AF_INET, sizeof at[i], i < 5 ? &infos[i + 1] : NULL);
  }
  swale__redis_lookup_begin(&l, &host);
  swale__redis_lookup_end(&l, infos);
  for (int i = 0; i < SWALE__REDIS_ADDRESSES_MAX; i++)
    assert_non_null(swale__redis_lookup_next(&l));
  assert_null(swale__redis_lookup_next(&l));
}

static void sentinels_are_asked_for_in_turn(void **state) {
  const struct swale_redis_address sentinels[] = {{"one.example", 1}, {"192.0.2.9", 2}};
  const struct swale_redis_host host = {.master = "m", .sentinels = sentinels, .n_sentinels = 2};
  struct swale__redis_lookup l = {0};
  (void)state;
  assert_false(swale__redis_lookup_begin(&l, &host));
  assert_string_equal(l.name, "one.example");
  assert_int_equal(l.port, 1);
  assert_true(swale__redis_lookup_begin(&l, &host));
  assert_v4(swale__redis_lookup_next(&l), "192.0.2.9", 2);
  assert_false(swale__redis_lookup_begin(&l, &host));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_need_nobody_to_be_asked),
      cmocka_unit_test(all_addresses_of_a_name_are_tried_with_its_port),
      cmocka_unit_test(what_is_no_address_is_passed_over),
      cmocka_unit_test(more_addresses_than_there_is_room_for_are_left_out),
      cmocka_unit_test(sentinels_are_asked_for_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

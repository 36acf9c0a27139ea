/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include "redis/names.h"

static const char process[] = "specific.2bc3226f2bc3226f2bc3226f2bc3226f!";

static void a_specific_channel_is_its_process_up_to_the_mark(void **state) {
  (void)state;
  char channel[SWALE_NAME_SIZE];
  snprintf(channel, sizeof channel, "%sea45", process);
  assert_int_equal(swale__redis_non_local(channel), strlen(process));
  assert_int_equal(swale__redis_non_local("plain.chan"), strlen("plain.chan"));
  assert_int_equal(swale__redis_non_local("a!"), 2);
}

static void a_queue_is_the_prefix_and_the_process_without_anything_between(void **state) {
  (void)state;
  char key[SWALE__REDIS_NAME_SIZE], channel[SWALE_NAME_SIZE], expected[SWALE__REDIS_NAME_SIZE];
  assert_int_equal(swale__redis_queue_key(key, "asgi", "plain.chan"), strlen("asgiplain.chan"));
  assert_string_equal(key, "asgiplain.chan");
  snprintf(channel, sizeof channel, "%sea45", process);
  snprintf(expected, sizeof expected, "asgi%s", process);
  assert_int_equal(swale__redis_queue_key(key, "asgi", channel), strlen(expected));
  assert_string_equal(key, expected);
}

static void a_backup_is_beside_its_queue(void **state) {
  (void)state;
  char key[SWALE__REDIS_NAME_SIZE];
  assert_int_equal(swale__redis_backup_key(key, "asgi", "a!b"), strlen("asgia!$inflight"));
  assert_string_equal(key, "asgia!$inflight");
}

static void a_group_has_a_key_or_a_channel(void **state) {
  (void)state;
  char name[SWALE__REDIS_NAME_SIZE];
  assert_int_equal(swale__redis_group_key(name, "asgi", "g1"), strlen("asgi:group:g1"));
  assert_string_equal(name, "asgi:group:g1");
  assert_int_equal(swale__redis_pubsub_group(name, "asgi", "g1"), strlen("asgi__group__g1"));
  assert_string_equal(name, "asgi__group__g1");
}

static void the_longest_names_have_room(void **state) {
  (void)state;
  char prefix[SWALE_REDIS_PREFIX_MAX + 1] = {0}, name[SWALE_NAME_SIZE] = {0}, key[SWALE__REDIS_NAME_SIZE];
  memset(prefix, 'p', sizeof prefix - 1);
  memset(name, 'n', sizeof name - 1);
  assert_int_equal(swale__redis_backup_key(key, prefix, name),
                   sizeof prefix + sizeof name - 2 + strlen("$inflight"));
  size_t len = swale__redis_group_key(key, prefix, name);
  assert_int_equal(len, strlen(key));
  len = swale__redis_pubsub_group(key, prefix, name);
  assert_int_equal(len, strlen(key));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_specific_channel_is_its_process_up_to_the_mark),
      cmocka_unit_test(a_queue_is_the_prefix_and_the_process_without_anything_between),
      cmocka_unit_test(a_backup_is_beside_its_queue),
      cmocka_unit_test(a_group_has_a_key_or_a_channel),
      cmocka_unit_test(the_longest_names_have_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

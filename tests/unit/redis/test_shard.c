/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "redis/shard.h"

static size_t shard(const char *name, size_t hosts) { return swale__redis_shard(name, strlen(name), hosts); }

static void the_sum_is_that_of_zlib(void **state) {
  (void)state;
  assert_int_equal(swale__redis_crc32("", 0), 0);
  assert_int_equal(swale__redis_crc32("a", 1), 0xe8b7be43);
  assert_int_equal(swale__redis_crc32("123456789", 9), 0xcbf43926);
  assert_int_equal(swale__redis_crc32("test-group", 10), 0x20f44e04);
}

/* From channels_redis' consistent_hash. */
static void names_go_where_channels_redis_sends_them(void **state) {
  (void)state;
  static const size_t hosts[] = {1, 2, 3, 4, 5, 7, 10, 256};
  static const struct {
    const char *name;
    size_t shards[8];
  } known[] = {
      {"a", {0, 1, 2, 3, 4, 6, 8, 228}},
      {"chat", {0, 0, 0, 0, 0, 1, 1, 42}},
      {"test-group", {0, 1, 2, 3, 4, 6, 8, 224}},
      {"specific.0123456789abcdef0123456789abcdef!", {0, 0, 1, 1, 1, 2, 3, 87}},
      {"group.17", {0, 1, 2, 3, 3, 5, 7, 195}},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    for (size_t k = 0; k < sizeof hosts / sizeof hosts[0]; k++)
      assert_int_equal(shard(known[i].name, hosts[k]), known[i].shards[k]);
}

/* Whole numbers would make it 93. */
static void the_division_rounds_as_in_python(void **state) {
  (void)state;
  assert_int_equal(swale__redis_crc32("g5622", 5) & 0xfff, 2048);
  assert_int_equal(shard("g5622", 186), 92);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_sum_is_that_of_zlib),
      cmocka_unit_test(names_go_where_channels_redis_sends_them),
      cmocka_unit_test(the_division_rounds_as_in_python),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

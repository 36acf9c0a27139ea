/* SPDX-License-Identifier: MIT */
#include "redis/reply.h"

#include "unit.h"

static size_t most = SIZE_MAX; /* bytes that a reply may take up */

/* The reply in this text, fed whole or byte by byte; NULL when it is none. */
static struct swale__redis_reply *read_reply(struct unit_env *u, const char *text, bool whole) {
  void *r = NULL;
  struct swale__redis_budget budget = {.allocator = &u->env.allocator, .most = most};
  redisReader *reader = swale__redis_reader_new(&budget);
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i += whole ? len : 1)
    redisReaderFeed(reader, text + i, whole ? len : 1);
  int rv = redisReaderGetReply(reader, &r);
  redisReaderFree(reader);
  return rv == REDIS_OK ? r : NULL;
}

static void replies_of_all_kinds_are_read(void **state) {
  struct unit_env u;
  (void)state;
  unit_env_init(&u);
  for (int whole = 0; whole < 2; whole++) {
    struct swale__redis_reply *r =
        read_reply(&u, "*5\r\n$3\r\na\r\n\r\n:-7\r\n$-1\r\n*1\r\n+OK\r\n-ERR no\r\n", whole);
    assert_non_null(r);
    assert_int_equal(r->count, 5);
    assert_int_equal(r->items[0]->len, 3);
    assert_string_equal(swale__redis_string_at(r, 0)->text, "a\r\n");
    assert_int_equal(r->items[1]->integer, -7);
    assert_null(swale__redis_string_at(r, 1));
    assert_int_equal(r->items[2]->type, REDIS_REPLY_NIL);
    assert_string_equal(r->items[3]->items[0]->text, "OK");
    assert_null(swale__redis_string_at(r, 5));
    assert_null(swale__redis_string_at(r->items[0], 0));
    assert_true(swale__redis_error_is(r->items[4], "ERR"));
    assert_false(swale__redis_error_is(r->items[4], "ER"));
    assert_false(swale__redis_error_is(r->items[4], "ERR no more"));
    assert_false(swale__redis_error_is(r->items[3], "OK"));
    swale__redis_reply_free(r);
  }
  swale__redis_reply_free(NULL);
  assert_int_equal(u.live, 0);
}

static void lists_of_absurd_length_are_refused(void **state) {
  static const char *const absurd[] = {"*2000000000\r\n", "*4194305\r\n", "*-2\r\n", NULL};
  struct unit_env u;
  (void)state;
  unit_env_init(&u);
  for (const char *const *a = absurd; *a; a++)
    assert_null(read_reply(&u, *a, true));
  assert_int_equal(u.live, 0);
}

static void a_reply_takes_up_no_more_than_it_may(void **state) {
  static const char *const replies[] = {"*2\r\n*2\r\n:1\r\n:2\r\n$10\r\n0123456789\r\n",
                                        "*3\r\n:1\r\n$-1\r\n+OK\r\n"};
  struct unit_env u;
  (void)state;
  unit_env_init(&u);
  for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
    struct swale__redis_reply *r = NULL;
    size_t each = sizeof *r;
    for (most = 0; !r; most++)
      r = read_reply(&u, replies[i], most % 2);
    assert_int_equal(most - 1, i == 0 ? 5 * each + 4 * sizeof r + 11 : 4 * each + 3 * sizeof r + 3);
    swale__redis_reply_free(r);
    assert_int_equal(u.live, 0);
  }
  most = SIZE_MAX;
}

static int scenario(struct unit_env *u) {
  struct swale__redis_reply *r =
      read_reply(u, "*3\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n:1\r\n*2\r\n$-1\r\n+OK\r\n", true);
  int rv = r ? 0 : SWALE_ENOMEM;
  swale__redis_reply_free(r);
  return rv;
}

static void each_allocation_may_fail(void **state) {
  (void)state;
  unit_fail_every_allocation(scenario);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(replies_of_all_kinds_are_read),
      cmocka_unit_test(lists_of_absurd_length_are_refused),
      cmocka_unit_test(a_reply_takes_up_no_more_than_it_may),
      cmocka_unit_test(each_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

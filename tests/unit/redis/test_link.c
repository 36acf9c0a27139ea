/* SPDX-License-Identifier: MIT */
#include "redis/link.h"

#include "redis/world.h"
#include "unit.h"

#include <unistd.h>

/* ---- coming up ---- */

static void a_link_comes_up_when_it_has_been_greeted(void **state) {
  struct world w;
  (void)state;
  world_open(&w, &world_asks, fake_healthy, NULL);
  assert_int_equal(world_command(&w, "GET"), SWALE_ESTATE);
  world_settle(&w);
  assert_int_equal(w.ups, 1);
  assert_int_equal(w.downs, 0);
  assert_true(swale__redis_link_is_up(&w.link));
  assert_int_equal(w.fake.n_log, 1);
  world_run_command(&w, "GET");
  assert_int_equal(w.replies, 1);
  assert_int_equal(w.last, 1);
  assert_int_equal(w.link.budget.used, 0); /* the next one has it all again */
  world_close(&w);
}

static void it_authenticates_and_selects_first(void **state) {
  struct world w;
  const struct swale_redis_host host = {.username = "me", .password = "secret", .db = 3};
  (void)state;
  world_open(&w, &world_asks, fake_healthy, &host);
  world_settle(&w);
  assert_int_equal(w.ups, 1);
  assert_string_equal(w.fake.log[0], "AUTH");
  assert_string_equal(w.fake.log[1], "SELECT");
  assert_string_equal(w.fake.log[2], "PING");
  world_close(&w);
}

/* ---- passwords ---- */

/* Nothing of the command that had it: the memory is there, and was that command's. */
static void assert_wiped(const struct world *w, const char *command) {
  size_t n = strlen(command);
  assert_true(w->link.out.capacity >= n);
  for (size_t i = 0; i < n; i++)
    assert_int_equal(w->link.out.at[i], 0);
}

static void a_password_is_wiped_when_it_is_written(void **state) {
  struct world w;
  const struct swale_redis_host host = {.username = "me", .password = "secret", .db = 3};
  (void)state;
  world_open(&w, &world_asks, fake_healthy, &host);
  for (int i = 0; i < 2; i++) {
    world_settle(&w);
    assert_int_equal(w.ups, i + 1);
    assert_wiped(&w, "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$6\r\nsecret\r\n");
    world_run_command(&w, "GET");
    fake_cut(&w.fake);
    world_settle(&w);
    world_pass(&w, 60);
  }
  assert_int_equal(w.replies, 2);
  world_close(&w);
}

/* More than the socket takes, and the server hangs up meanwhile. */
static void a_password_is_wiped_when_it_could_not_be_written(void **state) {
  enum { LONG = 8 << 20 };
  struct world w;
  char *password = malloc(LONG + 1);
  const struct swale_redis_host host = {.password = password};
  (void)state;
  assert_non_null(password);
  memset(password, 'x', LONG);
  password[LONG] = '\0';
  world_open(&w, &world_asks, fake_healthy, &host);
  while (w.downs == 0)
    world_settle(&w);
  assert_int_equal(w.link.out.secret, 0);
  assert_wiped(&w, password);
  world_close(&w);
  free(password);
}

/* Redis says again what it did not understand. */
static void a_password_stands_in_no_error(void **state) {
  struct world w;
  const struct swale_redis_host host = {.password = "secret"};
  const struct fake_answer answers[] = {
      {"AUTH", "-ERR unknown command 'AUTH', with args beginning with: 'secret' \r\n"}, {NULL, "+OK\r\n"}};
  (void)state;
  world_open(&w, &world_asks, answers, &host);
  world_settle(&w);
  assert_true(w.downs >= 1);
  assert_string_equal(w.link.error, "ERR unknown command 'AUTH'");
  world_close(&w);
}

static void replies_may_come_in_pieces(void **state) {
  struct world w;
  (void)state;
  world_open(&w, &world_asks, fake_healthy, NULL);
  w.fake.byte_by_byte = true;
  world_settle(&w);
  for (int i = 0; i < 20; i++)
    world_run_command(&w, "GET");
  assert_int_equal(w.replies, 20);
  world_close(&w);
}

/* ---- what goes wrong ---- */

static void assert_fails(const struct fake_answer *answers, const char *error) {
  struct world w;
  const struct swale_redis_host host = {.password = "secret", .db = 1};
  world_open(&w, &world_asks, answers, &host);
  world_settle(&w);
  assert_int_equal(w.ups, 0);
  assert_true(w.downs >= 1);
  assert_non_null(strstr(w.link.error, error));
  world_pass(&w, 60); /* tries again */
  assert_true(w.downs >= 2);
  world_close(&w);
}

static void what_the_server_refuses_is_told(void **state) {
  (void)state;
  assert_fails((const struct fake_answer[]){{"AUTH", "-WRONGPASS invalid\r\n"}, {NULL, "+OK\r\n"}},
               "WRONGPASS");
  assert_fails(
      (const struct fake_answer[]){{"SELECT", "-ERR DB index is out of range\r\n"}, {NULL, "+OK\r\n"}},
      "DB index");
  assert_fails((const struct fake_answer[]){{"PING", "-LOADING Redis is loading\r\n"}, {NULL, "+OK\r\n"}},
               "LOADING");
  assert_fails((const struct fake_answer[]){{NULL, "hello\r\n"}}, "rotocol");
  assert_fails((const struct fake_answer[]){{NULL, "*2000000000\r\n"}}, "");
  assert_fails((const struct fake_answer[]){{NULL, "$-5\r\n"}}, "");
}

static void a_fatal_answer_ends_the_connection(void **state) {
  static const char *const errors[] = {"-READONLY You can't write\r\n", "-LOADING\r\n", "-NOAUTH x\r\n",
                                       "-MASTERDOWN x\r\n", NULL};
  (void)state;
  for (const char *const *e = errors; *e; e++) {
    struct world w;
    const struct fake_answer answers[] = {{"PING", "+PONG\r\n"}, {NULL, *e}};
    world_open(&w, &world_asks, answers, NULL);
    world_settle(&w);
    world_run_command(&w, "SET");
    assert_int_equal(w.replies, 1); /* it is told, and then */
    assert_int_equal(w.downs, 1);
    world_close(&w);
  }
}

static void an_ordinary_error_does_not(void **state) {
  struct world w;
  const struct fake_answer answers[] = {{"PING", "+PONG\r\n"}, {NULL, "-ERR no\r\n"}};
  (void)state;
  world_open(&w, &world_asks, answers, NULL);
  world_settle(&w);
  world_run_command(&w, "SET");
  assert_int_equal(w.replies, 1);
  assert_int_equal(w.downs, 0);
  world_close(&w);
}

static void what_was_not_answered_is_told_so(void **state) {
  struct world w;
  const struct fake_answer answers[] = {{"PING", "+PONG\r\n"}, {NULL, NULL}};
  (void)state;
  world_open(&w, &world_asks, answers, NULL);
  world_settle(&w);
  world_run_command(&w, "A");
  world_run_command(&w, "B");
  fake_cut(&w.fake);
  world_settle(&w);
  assert_int_equal(w.nothings, 2);
  assert_int_equal(w.downs, 1);
  assert_non_null(strstr(w.link.error, "closed"));
  world_close(&w);
}

static void a_reply_that_nobody_asked_for_ends_the_connection(void **state) {
  struct world w;
  (void)state;
  world_open(&w, &world_asks, fake_healthy, NULL);
  world_settle(&w);
  fake_say(&w.fake, "+WHAT\r\n", 7);
  world_settle(&w);
  assert_int_equal(w.downs, 1);
  world_close(&w);
}

static void a_reply_without_end_ends_the_connection(void **state) {
  struct world w;
  static char flood[1 << 16];
  (void)state;
  world_open(&w, &world_hears, fake_healthy, NULL);
  world_settle(&w);
  fake_say(&w.fake, "$500000000\r\n", 12);
  for (int i = 0; i < 20 && w.downs == 0; i++) {
    fake_say(&w.fake, flood, sizeof flood);
    world_settle(&w);
  }
  assert_int_equal(w.downs, 1);
  assert_non_null(strstr(w.link.error, "too large"));
  world_close(&w);
}

/* Strings and lists that are none too long, but without end. */
static void a_reply_of_very_many_ends_the_connection(void **state) {
  static const char *const begins[] = {"*4000000\r\n", "*4000000\r\n*4000000\r\n", "*2\r\n*4000000\r\n",
                                       NULL};
  static char flood[1 << 16];
  (void)state;
  for (size_t at = 0; at < sizeof flood; at += 4)
    memcpy(flood + at, "*0\r\n", 4);
  for (const char *const *b = begins; *b; b++) {
    struct world w;
    world_open(&w, &world_hears, fake_healthy, NULL);
    world_settle(&w);
    fake_say(&w.fake, *b, strlen(*b));
    world_settle(&w);
    for (int i = 0; i < 60 && w.downs == 0; i++) {
      fake_say(&w.fake, flood, sizeof flood);
      world_settle(&w);
    }
    assert_int_equal(w.downs, 1);
    assert_non_null(strstr(w.link.error, "too large"));
    assert_true(w.link.budget.used <= w.link.budget.most);
    assert_true(w.link.budget.most < (size_t)65 << 20);
    world_close(&w);
  }
}

static void nobody_there_is_tried_again_less_and_less_often(void **state) {
  struct world w;
  uint64_t last = 0;
  (void)state;
  world_open(&w, &world_asks, fake_healthy, NULL);
  fake_cut(&w.fake);
  close(w.fake.listener);
  for (int i = 0; i < 12; i++) {
    uint64_t before = w.u.now_ms;
    int downs = w.downs;
    while (w.downs == downs && w.u.now_ms < before + 10000)
      world_pass(&w, 5);
    last = w.u.now_ms - before;
    assert_true(last <= 5000 + 5);
  }
  assert_true(last >= 2500);
  assert_true(w.turns > 0);
  world_close(&w);
}

static void a_server_that_does_not_greet_is_given_up(void **state) {
  struct world w;
  (void)state;
  world_open(&w, &world_asks, (const struct fake_answer[]){{NULL, NULL}}, NULL);
  world_settle(&w);
  assert_int_equal(w.link.state, SWALE__REDIS_GREETING);
  world_pass(&w, 499);
  assert_int_equal(w.downs, 0);
  world_pass(&w, 2);
  assert_int_equal(w.downs, 1);
  world_close(&w);
}

static void a_silent_server_is_asked_for_a_sign_of_life(void **state) {
  struct world w;
  (void)state;
  world_open(&w, &world_asks, fake_healthy, NULL);
  world_settle(&w);
  for (int i = 0; i < 10; i++)
    world_pass(&w, 500);
  assert_int_equal(w.downs, 0);
  assert_true(fake_heard(&w.fake, "PING") > 4);
  w.fake.answers = (const struct fake_answer[]){{NULL, NULL}};
  for (int i = 0; i < 4 && w.downs == 0; i++)
    world_pass(&w, 500);
  assert_int_equal(w.downs, 1);
  assert_non_null(strstr(w.link.error, "does not answer"));
  world_close(&w);
}

static void pushes_are_told_once_it_is_up(void **state) {
  struct world w;
  (void)state;
  world_open(&w, &world_hears, fake_healthy, NULL);
  world_settle(&w);
  fake_say(&w.fake, "*1\r\n+a\r\n+b\r\n", 12);
  world_settle(&w);
  assert_int_equal(w.pushes, 2);
  for (int i = 0; i < 4; i++)
    world_pass(&w, 500);
  assert_int_equal(w.downs, 0); /* the answers to its PINGs are pushes, too */
  assert_true(w.pushes > 2);
  world_close(&w);
}

/* ---- more than fits ---- */

static void what_the_socket_does_not_take_is_written_later(void **state) {
  struct world w;
  enum { MANY = 600, LONG = 10000 };
  static char text[LONG];
  (void)state;
  world_open(&w, &world_asks, fake_healthy, NULL);
  world_settle(&w);
  memset(text, 'x', sizeof text);
  const struct swale__redis_word words[] = {{"SET", 3}, {text, LONG}};
  swale_loop_enter(w.home.loop);
  for (int i = 0; i < MANY; i++)
    assert_int_equal(swale__redis_link_command(&w.link, 2, words, world_done, &w), 0);
  swale__redis_link_flush(&w.link);
  swale_loop_leave(w.home.loop);
  assert_true(swale__redis_link_waiting(&w.link) > 0);
  world_settle(&w);
  assert_int_equal(swale__redis_link_waiting(&w.link), 0);
  assert_int_equal(w.replies, MANY);
  world_close(&w);
}

static void what_one_turn_does_not_take_is_read_in_the_next(void **state) {
  struct world w;
  static char many[1 << 19];
  (void)state;
  world_open(&w, &world_hears, fake_healthy, NULL);
  world_settle(&w);
  for (size_t i = 0; i < sizeof many; i += 4)
    memcpy(many + i, "+x\r\n", 4);
  fake_say(&w.fake, many, sizeof many);
  swale_loop_enter(w.home.loop);
  swale__redis_link_ready(&w.link, SWALE_READABLE);
  swale_loop_leave(w.home.loop);
  assert_in_range(w.pushes, 1, (1 << 18) / 4 + 1);
  for (int i = 0; i < 100 && w.pushes < (int)sizeof many / 4; i++)
    world_pass(&w, 1);
  assert_int_equal(w.pushes, sizeof many / 4);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_link_comes_up_when_it_has_been_greeted),
      cmocka_unit_test(it_authenticates_and_selects_first),
      cmocka_unit_test(a_password_is_wiped_when_it_is_written),
      cmocka_unit_test(a_password_is_wiped_when_it_could_not_be_written),
      cmocka_unit_test(a_password_stands_in_no_error),
      cmocka_unit_test(replies_may_come_in_pieces),
      cmocka_unit_test(what_the_server_refuses_is_told),
      cmocka_unit_test(a_fatal_answer_ends_the_connection),
      cmocka_unit_test(an_ordinary_error_does_not),
      cmocka_unit_test(what_was_not_answered_is_told_so),
      cmocka_unit_test(a_reply_that_nobody_asked_for_ends_the_connection),
      cmocka_unit_test(a_reply_without_end_ends_the_connection),
      cmocka_unit_test(a_reply_of_very_many_ends_the_connection),
      cmocka_unit_test(nobody_there_is_tried_again_less_and_less_often),
      cmocka_unit_test(a_server_that_does_not_greet_is_given_up),
      cmocka_unit_test(a_silent_server_is_asked_for_a_sign_of_life),
      cmocka_unit_test(pushes_are_told_once_it_is_up),
      cmocka_unit_test(what_the_socket_does_not_take_is_written_later),
      cmocka_unit_test(what_one_turn_does_not_take_is_read_in_the_next),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "redis/link.h"

#include "redis/fake.h"
#include "redis/home.h"
#include "unit.h"

#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

/* One link, on a loop whose clock is turned by hand. */
struct world {
  struct unit_env u;
  struct home home;
  struct fake fake;
  struct swale__redis_settings *settings;
  struct swale_redis_host host;
  struct swale__redis_address addresses[SWALE__REDIS_ADDRESSES_MAX];
  struct swale__redis_place place;
  struct swale__redis_io io;
  struct swale__redis_link link;
  int ups, downs, pushes, turns;
  int replies, nothings; /* that callbacks got */
  long long last;        /* integer of a reply */
};

static struct world *world_of(struct swale__redis_link *link) { return link->owner; }
static void up(struct swale__redis_link *link) { world_of(link)->ups++; }
static void down(struct swale__redis_link *link) { world_of(link)->downs++; }
static void turned(struct swale__redis_link *link) { world_of(link)->turns++; }
static void push(struct swale__redis_link *link, const struct swale__redis_reply *r) {
  (void)r;
  world_of(link)->pushes++;
}

static const struct swale__redis_link_class asks = {.up = up, .down = down, .turned = turned},
                                            hears = {.up = up, .down = down, .turned = turned, .push = push};

static void watch(int fd, unsigned events, void *user) {
  struct home *h = user;
  h->n_fds = events ? 1 : 0;
  h->fds[0] = (struct pollfd){
      .fd = fd,
      .events = (short)((events & SWALE_READABLE ? POLLIN : 0) | (events & SWALE_WRITABLE ? POLLOUT : 0))};
}

static void open_world(struct world *w, const struct swale__redis_link_class *class,
                       const struct fake_answer *answers, const struct swale_redis_host *host) {
  struct swale_redis_config c;
  struct swale_loop_config loop;
  memset(w, 0, sizeof *w);
  unit_env_init(&w->u);
  fake_open(&w->fake, answers);
  if (host)
    w->host = *host;
  w->host.host = "127.0.0.1";
  w->host.port = (uint16_t)w->fake.port;
  swale_redis_config_default(&c);
  c.hosts = &w->host;
  c.command_timeout_ms = 1000;
  c.connect_timeout_ms = 500;
  c.payload_bytes = 1000;
  const struct swale__redis_why why = {NULL, 0};
  assert_int_equal(swale__redis_settings_new(&c, &w->u.env, &why, &w->settings), 0);
  swale_loop_config_default(&loop);
  loop.env = &w->u.env;
  assert_int_equal(swale_loop_new(&loop, &w->home.loop), 0);
  assert_int_equal(swale__redis_resolve_numeric("127.0.0.1", "0", w->addresses), 1);
  w->addresses[0].to.v4.sin_port = htons((uint16_t)w->fake.port);
  w->place = (struct swale__redis_place){&w->settings->config.hosts[0], w->addresses, 1};
  w->io = (struct swale__redis_io){w->home.loop, {watch, &w->home}};
  swale__redis_link_init(&w->link, class, w, w->settings, &w->place);
  swale_loop_enter(w->home.loop);
  swale__redis_link_start(&w->link, &w->io);
  swale_loop_leave(w->home.loop);
}

/* Both sides have said what they have to say. */
static void settle(struct world *w) {
  for (int quiet = 0; quiet < 3; quiet++) {
    struct pollfd fd = w->home.fds[0];
    bool did = fake_turn(&w->fake);
    if (w->home.n_fds > 0 && poll(&fd, 1, 1) > 0) {
      swale_loop_enter(w->home.loop);
      swale__redis_link_ready(&w->link, (fd.revents & ~POLLOUT ? SWALE_READABLE : 0U) |
                                            (fd.revents & ~POLLIN ? SWALE_WRITABLE : 0U));
      swale_loop_leave(w->home.loop);
      did = true;
    }
    if (did)
      quiet = 0;
  }
}

static void pass(struct world *w, uint64_t ms) {
  w->u.now_ms += ms;
  swale_loop_run(w->home.loop);
  settle(w);
}

static void close_world(struct world *w) {
  swale_loop_enter(w->home.loop);
  swale__redis_link_stop(&w->link);
  swale_loop_leave(w->home.loop);
  swale__redis_link_stop(&w->link); /* once is enough */
  assert_int_equal(w->home.n_fds, 0);
  assert_int_equal(swale_loop_free(w->home.loop), 0);
  swale__redis_settings_free(w->settings);
  fake_close(&w->fake);
  assert_int_equal(w->u.live, 0);
}

static void done(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct world *w = world_of(link);
  assert_ptr_equal(data, w);
  if (reply) {
    w->replies++;
    w->last = reply->integer;
  } else {
    w->nothings++;
  }
}

static int command(struct world *w, const char *word) {
  struct swale__redis_word words[] = {swale__redis_text(word)};
  return swale__redis_link_command(&w->link, 1, words, done, w);
}

static void run_command(struct world *w, const char *word) {
  swale_loop_enter(w->home.loop);
  assert_int_equal(command(w, word), 0);
  swale__redis_link_flush(&w->link);
  swale_loop_leave(w->home.loop);
  settle(w);
}

/* ---- coming up ---- */

static void a_link_comes_up_when_it_has_been_greeted(void **state) {
  struct world w;
  (void)state;
  open_world(&w, &asks, fake_healthy, NULL);
  assert_int_equal(command(&w, "GET"), SWALE_ESTATE);
  settle(&w);
  assert_int_equal(w.ups, 1);
  assert_int_equal(w.downs, 0);
  assert_true(swale__redis_link_is_up(&w.link));
  assert_int_equal(w.fake.n_log, 1);
  run_command(&w, "GET");
  assert_int_equal(w.replies, 1);
  assert_int_equal(w.last, 1);
  assert_int_equal(w.link.budget.used, 0); /* the next one has it all again */
  close_world(&w);
}

static void it_authenticates_and_selects_first(void **state) {
  struct world w;
  const struct swale_redis_host host = {.username = "me", .password = "secret", .db = 3};
  (void)state;
  open_world(&w, &asks, fake_healthy, &host);
  settle(&w);
  assert_int_equal(w.ups, 1);
  assert_string_equal(w.fake.log[0], "AUTH");
  assert_string_equal(w.fake.log[1], "SELECT");
  assert_string_equal(w.fake.log[2], "PING");
  close_world(&w);
}

static void replies_may_come_in_pieces(void **state) {
  struct world w;
  (void)state;
  open_world(&w, &asks, fake_healthy, NULL);
  w.fake.byte_by_byte = true;
  settle(&w);
  for (int i = 0; i < 20; i++)
    run_command(&w, "GET");
  assert_int_equal(w.replies, 20);
  close_world(&w);
}

/* ---- what goes wrong ---- */

static void assert_fails(const struct fake_answer *answers, const char *error) {
  struct world w;
  const struct swale_redis_host host = {.password = "secret", .db = 1};
  open_world(&w, &asks, answers, &host);
  settle(&w);
  assert_int_equal(w.ups, 0);
  assert_true(w.downs >= 1);
  assert_non_null(strstr(w.link.error, error));
  pass(&w, 60); /* tries again */
  assert_true(w.downs >= 2);
  close_world(&w);
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
    open_world(&w, &asks, answers, NULL);
    settle(&w);
    run_command(&w, "SET");
    assert_int_equal(w.replies, 1); /* it is told, and then */
    assert_int_equal(w.downs, 1);
    close_world(&w);
  }
}

static void an_ordinary_error_does_not(void **state) {
  struct world w;
  const struct fake_answer answers[] = {{"PING", "+PONG\r\n"}, {NULL, "-ERR no\r\n"}};
  (void)state;
  open_world(&w, &asks, answers, NULL);
  settle(&w);
  run_command(&w, "SET");
  assert_int_equal(w.replies, 1);
  assert_int_equal(w.downs, 0);
  close_world(&w);
}

static void what_was_not_answered_is_told_so(void **state) {
  struct world w;
  const struct fake_answer answers[] = {{"PING", "+PONG\r\n"}, {NULL, NULL}};
  (void)state;
  open_world(&w, &asks, answers, NULL);
  settle(&w);
  run_command(&w, "A");
  run_command(&w, "B");
  fake_cut(&w.fake);
  settle(&w);
  assert_int_equal(w.nothings, 2);
  assert_int_equal(w.downs, 1);
  assert_non_null(strstr(w.link.error, "closed"));
  close_world(&w);
}

static void a_reply_that_nobody_asked_for_ends_the_connection(void **state) {
  struct world w;
  (void)state;
  open_world(&w, &asks, fake_healthy, NULL);
  settle(&w);
  fake_say(&w.fake, "+WHAT\r\n", 7);
  settle(&w);
  assert_int_equal(w.downs, 1);
  close_world(&w);
}

static void a_reply_without_end_ends_the_connection(void **state) {
  struct world w;
  static char flood[1 << 16];
  (void)state;
  open_world(&w, &hears, fake_healthy, NULL);
  settle(&w);
  fake_say(&w.fake, "$500000000\r\n", 12);
  for (int i = 0; i < 20 && w.downs == 0; i++) {
    fake_say(&w.fake, flood, sizeof flood);
    settle(&w);
  }
  assert_int_equal(w.downs, 1);
  assert_non_null(strstr(w.link.error, "too large"));
  close_world(&w);
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
    open_world(&w, &hears, fake_healthy, NULL);
    settle(&w);
    fake_say(&w.fake, *b, strlen(*b));
    settle(&w);
    for (int i = 0; i < 60 && w.downs == 0; i++) {
      fake_say(&w.fake, flood, sizeof flood);
      settle(&w);
    }
    assert_int_equal(w.downs, 1);
    assert_non_null(strstr(w.link.error, "too large"));
    assert_true(w.link.budget.used <= w.link.budget.most);
    assert_true(w.link.budget.most < (size_t)65 << 20);
    close_world(&w);
  }
}

static void nobody_there_is_tried_again_less_and_less_often(void **state) {
  struct world w;
  uint64_t last = 0;
  (void)state;
  open_world(&w, &asks, fake_healthy, NULL);
  fake_cut(&w.fake);
  close(w.fake.listener);
  for (int i = 0; i < 12; i++) {
    uint64_t before = w.u.now_ms;
    int downs = w.downs;
    while (w.downs == downs && w.u.now_ms < before + 10000)
      pass(&w, 5);
    last = w.u.now_ms - before;
    assert_true(last <= 5000 + 5);
  }
  assert_true(last >= 2500);
  assert_true(w.turns > 0);
  close_world(&w);
}

static void a_server_that_does_not_greet_is_given_up(void **state) {
  struct world w;
  (void)state;
  open_world(&w, &asks, (const struct fake_answer[]){{NULL, NULL}}, NULL);
  settle(&w);
  assert_int_equal(w.link.state, SWALE__REDIS_GREETING);
  pass(&w, 499);
  assert_int_equal(w.downs, 0);
  pass(&w, 2);
  assert_int_equal(w.downs, 1);
  close_world(&w);
}

static void a_silent_server_is_asked_for_a_sign_of_life(void **state) {
  struct world w;
  (void)state;
  open_world(&w, &asks, fake_healthy, NULL);
  settle(&w);
  for (int i = 0; i < 10; i++)
    pass(&w, 500);
  assert_int_equal(w.downs, 0);
  assert_true(fake_heard(&w.fake, "PING") > 4);
  w.fake.answers = (const struct fake_answer[]){{NULL, NULL}};
  for (int i = 0; i < 4 && w.downs == 0; i++)
    pass(&w, 500);
  assert_int_equal(w.downs, 1);
  assert_non_null(strstr(w.link.error, "does not answer"));
  close_world(&w);
}

static void pushes_are_told_once_it_is_up(void **state) {
  struct world w;
  (void)state;
  open_world(&w, &hears, fake_healthy, NULL);
  settle(&w);
  fake_say(&w.fake, "*1\r\n+a\r\n+b\r\n", 12);
  settle(&w);
  assert_int_equal(w.pushes, 2);
  for (int i = 0; i < 4; i++)
    pass(&w, 500);
  assert_int_equal(w.downs, 0); /* the answers to its PINGs are pushes, too */
  assert_true(w.pushes > 2);
  close_world(&w);
}

/* ---- more than fits ---- */

static void what_the_socket_does_not_take_is_written_later(void **state) {
  struct world w;
  enum { MANY = 600, LONG = 10000 };
  static char text[LONG];
  (void)state;
  open_world(&w, &asks, fake_healthy, NULL);
  settle(&w);
  memset(text, 'x', sizeof text);
  const struct swale__redis_word words[] = {{"SET", 3}, {text, LONG}};
  swale_loop_enter(w.home.loop);
  for (int i = 0; i < MANY; i++)
    assert_int_equal(swale__redis_link_command(&w.link, 2, words, done, &w), 0);
  swale__redis_link_flush(&w.link);
  swale_loop_leave(w.home.loop);
  assert_true(swale__redis_link_waiting(&w.link) > 0);
  settle(&w);
  assert_int_equal(swale__redis_link_waiting(&w.link), 0);
  assert_int_equal(w.replies, MANY);
  close_world(&w);
}

static void what_one_turn_does_not_take_is_read_in_the_next(void **state) {
  struct world w;
  static char many[1 << 19];
  (void)state;
  open_world(&w, &hears, fake_healthy, NULL);
  settle(&w);
  for (size_t i = 0; i < sizeof many; i += 4)
    memcpy(many + i, "+x\r\n", 4);
  fake_say(&w.fake, many, sizeof many);
  swale_loop_enter(w.home.loop);
  swale__redis_link_ready(&w.link, SWALE_READABLE);
  swale_loop_leave(w.home.loop);
  assert_in_range(w.pushes, 1, (1 << 18) / 4 + 1);
  for (int i = 0; i < 100 && w.pushes < (int)sizeof many / 4; i++)
    pass(&w, 1);
  assert_int_equal(w.pushes, sizeof many / 4);
  close_world(&w);
}

static void an_address_that_cannot_be_connected_to_is_tried_again(void **state) {
  struct world w;
  (void)state;
  open_world(&w, &asks, fake_healthy, NULL);
  settle(&w);
  w.addresses[0].to.any.sa_family = 255;
  fake_cut(&w.fake);
  settle(&w);
  assert_int_equal(w.downs, 1);
  pass(&w, 60);
  assert_int_equal(w.downs, 2);
  w.addresses[0].to.any.sa_family = AF_INET;
  for (int i = 0; i < 4 && w.ups < 2; i++)
    pass(&w, 100);
  assert_int_equal(w.ups, 2);
  close_world(&w);
}

/* ---- names ---- */

enum { AT_ONCE, LATER, UNKNOWN };
static int answer_how, queries;
static char asked_name[64];

/* The fake server's address, where the port is another's. */
static struct addrinfo *loopback(void) {
  static struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = 1};
  static struct addrinfo found = {
      .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&at, .ai_addrlen = sizeof at};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return &found;
}

static void resolve(struct swale__redis_link *link, const char *name) {
  link->lookup.query = (uint64_t)++queries;
  snprintf(asked_name, sizeof asked_name, "%s", name);
  if (answer_how == AT_ONCE)
    swale__redis_link_resolved(link, loopback());
  else if (answer_how == UNKNOWN)
    swale__redis_link_resolved(link, NULL);
}

static const struct swale__redis_link_class looks_up = {
    .up = up, .down = down, .resolve = resolve, .turned = turned};

static void open_named(struct world *w, int how) {
  answer_how = how;
  queries = 0;
  open_world(w, &asks, fake_healthy, NULL);
  swale_loop_enter(w->home.loop);
  swale__redis_link_stop(&w->link);
  w->host.host = "redis.example";
  w->place = (struct swale__redis_place){.host = &w->host};
  swale__redis_link_init(&w->link, &looks_up, w, w->settings, &w->place);
  swale__redis_link_start(&w->link, &w->io);
  swale_loop_leave(w->home.loop);
}

static void resolved(struct world *w) {
  swale_loop_enter(w->home.loop);
  swale__redis_link_resolved(&w->link, loopback());
  swale_loop_leave(w->home.loop);
  settle(w);
}

static void a_name_is_resolved_anew_for_each_connection(void **state) {
  struct world w;
  (void)state;
  open_named(&w, AT_ONCE);
  settle(&w);
  assert_int_equal(w.ups, 1);
  assert_int_equal(queries, 1);
  assert_string_equal(asked_name, "redis.example");
  fake_cut(&w.fake);
  settle(&w);
  pass(&w, 60);
  assert_int_equal(w.ups, 2);
  assert_int_equal(queries, 2);
  close_world(&w);
}

static void an_answer_may_come_later(void **state) {
  struct world w;
  (void)state;
  open_named(&w, LATER);
  settle(&w);
  assert_int_equal(w.ups, 0);
  assert_int_equal(command(&w, "GET"), SWALE_ESTATE);
  swale__redis_link_flush(&w.link);
  resolved(&w);
  assert_int_equal(w.ups, 1);
  close_world(&w);
}

static void no_answer_in_time_is_a_failure(void **state) {
  struct world w;
  (void)state;
  open_named(&w, LATER);
  pass(&w, 600);
  assert_int_equal(w.downs, 1);
  assert_non_null(strstr(w.link.error, "not resolved"));
  assert_int_equal(w.link.lookup.query, 0);
  pass(&w, 60);
  assert_int_equal(queries, 2);
  resolved(&w);
  assert_int_equal(w.ups, 1);
  close_world(&w);
}

static void an_unknown_name_is_asked_for_again(void **state) {
  struct world w;
  (void)state;
  open_named(&w, UNKNOWN);
  assert_int_equal(w.downs, 1);
  assert_string_equal(w.link.error, "there is no host of the name redis.example");
  answer_how = AT_ONCE;
  pass(&w, 60);
  assert_int_equal(w.ups, 1);
  close_world(&w);
}

static void a_link_may_be_stopped_while_its_name_is_resolved(void **state) {
  struct world w;
  (void)state;
  open_named(&w, LATER);
  close_world(&w);
  assert_int_equal(w.link.lookup.query, 0);
  assert_int_equal(w.downs, 0);
}

/* ---- sentinels ---- */

static void a_sentinel_tells_where_the_master_is(void **state) {
  static const struct swale_redis_address sentinel = {"127.0.0.1", 1};
  struct world w;
  struct fake master;
  const struct swale_redis_host host = {
      .master = "m", .sentinels = &sentinel, .n_sentinels = 1, .sentinel_password = "p"};
  char where[64];
  (void)state;
  fake_open(&master, (const struct fake_answer[]){{"ROLE", "*1\r\n$6\r\nmaster\r\n"}, {NULL, "+OK\r\n"}});
  snprintf(where, sizeof where, "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%d\r\n", master.port > 9999 ? 5 : 4,
           master.port);
  const struct fake_answer answers[] = {{"AUTH", "+OK\r\n"}, {NULL, where}};
  open_world(&w, &asks, answers, &host);
  for (int i = 0; i < 20 && w.ups == 0; i++) {
    settle(&w);
    fake_turn(&master);
  }
  assert_int_equal(w.ups, 1);
  assert_string_equal(w.fake.log[0], "AUTH");
  assert_string_equal(w.fake.log[1], "SENTINEL");
  assert_string_equal(master.log[0], "ROLE");
  close_world(&w);
  fake_close(&master);
}

static void a_sentinel_may_be_of_no_help(void **state) {
  static const struct swale_redis_address sentinel = {"127.0.0.1", 1};
  static const char *const useless[] = {"*-1\r\n", "-ERR no\r\n", "*2\r\n$4\r\nhost\r\n$1\r\n1\r\n", ":1\r\n",
                                        NULL};
  const struct swale_redis_host host = {.master = "m", .sentinels = &sentinel, .n_sentinels = 1};
  (void)state;
  for (const char *const *u = useless; *u; u++) {
    struct world w;
    open_world(&w, &asks, (const struct fake_answer[]){{NULL, *u}}, &host);
    settle(&w);
    assert_int_equal(w.downs, 1);
    close_world(&w);
  }
}

int main(void) {

  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_link_comes_up_when_it_has_been_greeted),
      cmocka_unit_test(it_authenticates_and_selects_first),
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
      cmocka_unit_test(an_address_that_cannot_be_connected_to_is_tried_again),
      cmocka_unit_test(a_name_is_resolved_anew_for_each_connection),
      cmocka_unit_test(an_answer_may_come_later),
      cmocka_unit_test(no_answer_in_time_is_a_failure),
      cmocka_unit_test(an_unknown_name_is_asked_for_again),
      cmocka_unit_test(a_link_may_be_stopped_while_its_name_is_resolved),
      cmocka_unit_test(a_sentinel_tells_where_the_master_is),
      cmocka_unit_test(a_sentinel_may_be_of_no_help),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

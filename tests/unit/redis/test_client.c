/* SPDX-License-Identifier: MIT */
/* A layer on a server that says what we like: whatever that is, nothing breaks, leaks or goes uncounted. */
#include "redis/client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

#include "redis/fake.h"
#include "redis/home.h"
#include "unit.h"

struct world {
  struct home home;
  struct fake fake;
  swale_layer *layer;
};

static void watch(int fd, unsigned events, void *user) { (void)fd, (void)events, (void)user; }

static uint32_t expiry_ms; /* of layers; 0: the default */

static int open_layer(struct unit_env *u, int port, enum swale_redis_mode mode, swale_layer **out) {
  const struct swale_redis_host host = {.host = "127.0.0.1", .port = (uint16_t)port};
  struct swale_layer_config layer;
  struct swale_redis_config c;
  swale_layer_config_default(&layer);
  layer.env = &u->env;
  if (expiry_ms > 0)
    layer.expiry_ms = expiry_ms;
  swale_redis_config_default(&c);
  c.mode = mode;
  c.hosts = &host;
  c.reconnect_min_ms = c.reconnect_max_ms = 1;
  return swale_redis_open(&c, &layer, out, NULL, 0);
}

static void settle(struct world *w) {
  for (int quiet = 0, turns = 0; quiet < 2 && turns < 60; quiet++, turns++) {
    bool home_moved = home_turn(&w->home, quiet), fake_moved = fake_turn(&w->fake);
    if (home_moved || fake_moved)
      quiet = 0;
  }
}

static int group_send(swale_layer *layer, const char *group) {
  swale_message *m = swale_message_new("note");
  int rv = swale_group_send(layer, group, m);
  swale_message_unref(m);
  return rv;
}

static int send_to(swale_layer *layer, const char *channel) {
  swale_message *m = swale_message_new("note");
  int rv = swale_send(layer, channel, m);
  swale_message_unref(m);
  return rv;
}

/* Something of everything; the first error. */
static int use(struct world *w) {
  swale_layer *layer = w->layer;
  swale_message *m;
  char name[SWALE_NAME_SIZE] = "none"; /* where there is no randomness for one */
  int rv = swale_new_channel(layer, "reply", name);
  if (rv == 0)
    rv = swale_group_add(layer, "g", name);
  settle(w);
  if (rv == 0)
    rv = group_send(layer, "g");
  if (rv >= 0)
    rv = send_to(layer, "specific.00000000000000000000000000000000!x");
  if (rv == 0)
    rv = send_to(layer, "plain");
  settle(w);
  if (rv == 0)
    rv = swale_group_add(layer, "g", "work");
  if (rv == 0)
    rv = swale_group_discard(layer, "g", "work");
  swale_receive(layer, "plain", &m);
  swale_message_unref(m);
  settle(w);
  swale_receive(layer, name, &m);
  swale_message_unref(m);
  if (rv == 0)
    rv = swale_flush(layer);
  settle(w);
  return rv;
}

static void assert_balanced(const struct world *w) {
  struct swale_redis_stats s = home_stats(&w->home);
  uint64_t sum = s.arrived + s.queued;
  for (int i = 0; i < SWALE_REDIS_LOSSES; i++)
    sum += s.lost[i];
  assert_int_equal(s.offered, sum);
}

static int live_through(struct unit_env *u, enum swale_redis_mode mode, const struct fake_answer *answers) {
  static struct world w;
  fake_open(&w.fake, answers);
  int rv = open_layer(u, w.fake.port, mode, &w.layer);
  if (rv == 0) {
    home_open(&w.home);
    home_take(&w.home, w.layer);
    settle(&w);
    rv = use(&w);
    swale_layer_detach(w.layer);
    assert_balanced(&w);
    assert_int_equal(swale_layer_free(w.layer), 0);
    home_close(&w.home);
  }
  fake_close(&w.fake);
  return rv;
}

/* ---- memory ---- */

static int live_in_core_mode(struct unit_env *u) { return live_through(u, SWALE_REDIS_CORE, fake_healthy); }
static int live_in_pubsub_mode(struct unit_env *u) {
  return live_through(u, SWALE_REDIS_PUBSUB, fake_healthy);
}

static void each_allocation_may_fail_in_core_mode(void **state) {
  (void)state;
  unit_fail_every_allocation(live_in_core_mode);
}

static void each_allocation_may_fail_in_pubsub_mode(void **state) {
  (void)state;
  unit_fail_every_allocation(live_in_pubsub_mode);
}

/* ---- servers that are none ---- */

/* Answers of any shape, to each command in turn. */
static void answers_of_any_shape_are_survived(void **state) {
  static const char *const shapes[] = {"+OK\r\n",
                                       "-ERR no\r\n",
                                       ":0\r\n",
                                       ":-9223372036854775808\r\n",
                                       "$-1\r\n",
                                       "*-1\r\n",
                                       "*0\r\n",
                                       "$0\r\n\r\n",
                                       "*3\r\n:1\r\n:1\r\n$2\r\nno\r\n",
                                       "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
                                       "*3\r\n$1\r\na\r\n$20\r\nrandom bytes\x81\xa4type\xa1x\r\n$1\r\n9\r\n",
                                       "*2\r\n*0\r\n$-1\r\n",
                                       "*3\r\n$-1\r\n$-1\r\n$-1\r\n",
                                       "*4\r\n$8\r\npmessage\r\n$1\r\na\r\n$-1\r\n$-1\r\n",
                                       "*3\r\n$7\r\nmessage\r\n$-1\r\n$-1\r\n",
                                       "*4\r\n$8\r\npmessage\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
                                       "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n",
                                       "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
                                       "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
                                       "garbage\r\n",
                                       NULL};
  static const char *const commands[] = {"EVAL", "CLIENT",     "BZPOPMIN",  "ZPOPMIN", "ZADD",
                                         "ZREM", "PSUBSCRIBE", "SUBSCRIBE", "PUBLISH", NULL};
  (void)state;
  for (const char *const *shape = shapes; *shape; shape++)
    for (const char *const *command = commands; *command; command++) {
      const struct fake_answer answers[] = {{*command, *shape}, {"PING", "+PONG\r\n"}, {"BZPOPMIN", NULL},
                                            {"EVAL", "*0\r\n"}, {"PSUBSCRIBE", NULL},  {"SUBSCRIBE", NULL},
                                            {NULL, ":1\r\n"}};
      for (int mode = SWALE_REDIS_CORE; mode <= SWALE_REDIS_PUBSUB; mode++) {
        struct unit_env u;
        unit_env_init(&u);
        live_through(&u, (enum swale_redis_mode)mode, answers);
        assert_int_equal(u.live, 0);
      }
    }
}

/* ---- without a server ---- */

static void a_layer_without_a_home_works_within_the_process(void **state) {
  struct unit_env u;
  swale_layer *layer;
  swale_message *m;
  char name[SWALE_NAME_SIZE];
  (void)state;
  unit_env_init(&u);
  assert_int_equal(open_layer(&u, 1, SWALE_REDIS_PUBSUB, &layer), 0);
  assert_int_equal(swale_new_channel(layer, NULL, name), 0);
  assert_int_equal(swale_group_add(layer, "g", name), 0);
  assert_int_equal(group_send(layer, "g"), 1);
  assert_int_equal(swale_receive(layer, name, &m), 0);
  swale_message_unref(m);
  struct swale_redis_stats s;
  assert_int_equal(swale_redis_stats_get(layer, &s), 0);
  assert_int_equal(s.state, SWALE_REDIS_CONNECTING);
  assert_int_equal(s.queued, 1);
  assert_int_equal(swale_redis_stats_read(layer, &s, 0), SWALE_EINVAL);
  assert_int_equal(swale_redis_stats_read(layer, &s, sizeof s + 1), SWALE_EINVAL);
  assert_int_equal(swale_layer_free(layer), 0);
  assert_int_equal(u.live, 0);
}

/* As long as nobody takes it up. */
static void what_waits_for_the_home_loop_is_bounded(void **state) {
  struct unit_env u;
  struct swale_layer_config config;
  struct swale_redis_config redis;
  swale_layer *layer;
  swale_message *m;
  char channel[SWALE_NAME_SIZE], group[8];
  (void)state;
  unit_env_init(&u);
  swale_layer_config_default(&config);
  config.env = &u.env;
  swale_redis_config_default(&redis);
  redis.url = "redis://127.0.0.1:1";
  redis.queue_bytes = 10000;
  assert_int_equal(swale_redis_open(&redis, &config, &layer, NULL, 0), 0);
  const struct swale__redis_client *c = swale_backend_of(layer, &swale_redis_backend);
  assert_int_equal(swale_new_channel(layer, NULL, channel), 0);

  int rv = 0, joined = 0;
  while (rv == 0 && joined < 1000) {
    snprintf(group, sizeof group, "g%d", joined);
    rv = swale_group_add(layer, group, channel);
    joined += rv == 0;
  }
  assert_int_equal(rv, SWALE_EFULL);
  assert_in_range(joined, 10, 100);
  long live = u.live;
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(swale_receive(layer, "jobs", &m), SWALE_EAGAIN);
    assert_int_equal(swale_group_add(layer, "another", channel), SWALE_EFULL);
  }
  assert_int_equal(u.live, live);
  assert_true(c->asked_bytes <= redis.queue_bytes);
  assert_int_equal(swale_group_discard(layer, "g0", channel), 0); /* there is always room to end something */
  assert_int_equal(swale_layer_free(layer), 0);
  assert_int_equal(u.live, 0);
}

static void a_home_can_be_changed(void **state) {
  static struct world w;
  struct unit_env u;
  (void)state;
  unit_env_init(&u);
  fake_open(&w.fake, fake_healthy);
  assert_int_equal(open_layer(&u, w.fake.port, SWALE_REDIS_CORE, &w.layer), 0);
  for (int i = 0; i < 3; i++) {
    home_open(&w.home);
    home_take(&w.home, w.layer);
    assert_int_equal(swale_layer_attach(w.layer, w.home.loop, &(struct swale_sockets){watch, NULL}),
                     SWALE_ESTATE);
    for (int turn = 0; turn < 100 && home_stats(&w.home).state != SWALE_REDIS_UP; turn++)
      settle(&w);
    assert_int_equal(home_stats(&w.home).state, SWALE_REDIS_UP);
    assert_int_equal(swale_loop_free(w.home.loop), SWALE_ESTATE);
    swale_layer_detach(w.layer);
    swale_layer_detach(w.layer);
    swale_layer_ready(w.layer, 0, SWALE_READABLE);
    home_close(&w.home);
  }
  home_open(&w.home);
  assert_int_equal(swale_layer_attach(w.layer, w.home.loop, &(struct swale_sockets){NULL, NULL}),
                   SWALE_EINVAL);
  assert_int_equal(swale_layer_free(w.layer), 0);
  home_close(&w.home);
  fake_close(&w.fake);
  assert_int_equal(u.live, 0);
}

/* ---- flushing ---- */

/* A layer that is up; scripts that empty Redis are counted. */
static void open_flushed(struct world *w, struct unit_env *u, enum swale_redis_mode mode,
                         const struct fake_answer *answers) {
  unit_env_init(u);
  fake_open(&w->fake, fake_healthy);
  w->fake.watched = "redis.call('KEYS'";
  assert_int_equal(open_layer(u, w->fake.port, mode, &w->layer), 0);
  home_open(&w->home);
  home_take(&w->home, w->layer);
  while (home_stats(&w->home).state != SWALE_REDIS_UP)
    settle(w);
  w->fake.answers = answers;
}

static void close_flushed(struct world *w, const struct unit_env *u) {
  swale_layer_detach(w->layer);
  assert_balanced(w);
  assert_int_equal(swale_layer_free(w->layer), 0);
  home_close(&w->home);
  fake_close(&w->fake);
  assert_int_equal(u->live, 0);
}

static void come_up_anew(struct world *w, const struct fake_answer *answers) {
  uint64_t connects = home_stats(&w->home).connects;
  w->fake.answers = answers;
  fake_cut(&w->fake);
  while (home_stats(&w->home).connects < connects + 2)
    settle(w);
  settle(w);
}

static const struct fake_answer deaf_to_scripts[] = {
    {"PING", "+PONG\r\n"}, {"CLIENT", ":7\r\n"}, {"BZPOPMIN", NULL}, {"EVAL", NULL}, {NULL, ":1\r\n"}};

/* The home loop flushes Redis in core mode, which answers so. */
static void flush_core(struct world *w, struct unit_env *u, const struct fake_answer *answers) {
  open_flushed(w, u, SWALE_REDIS_CORE, answers);
  assert_int_equal(swale_flush(w->layer), 0);
  settle(w);
}

/* Whether the home loop has taken it up or not. */
static void what_was_sent_before_a_flush_is_void_and_what_is_sent_after_it_stands(void **state) {
  static struct world w;
  struct unit_env u;
  (void)state;
  for (int mode = SWALE_REDIS_CORE; mode <= SWALE_REDIS_PUBSUB; mode++) {
    open_flushed(&w, &u, (enum swale_redis_mode)mode, fake_healthy);
    assert_int_equal(group_send(w.layer, "g"), 0);
    u.fail_at = u.for_good = 1; /* it needs no memory */
    assert_int_equal(swale_flush(w.layer), 0);
    u.fail_at = u.failing = u.for_good = 0;
    assert_int_equal(group_send(w.layer, "g"), 0);
    settle(&w);
    struct swale_redis_stats s = home_stats(&w.home);
    assert_int_equal(s.lost[SWALE_REDIS_LOST_FLUSHED], 1);
    assert_int_equal(s.arrived, 1);
    assert_int_equal(w.fake.n_watched, mode == SWALE_REDIS_CORE);
    close_flushed(&w, &u);
  }
}

/* In core mode the members of a group are asked for first, and it is not there yet. */
static void a_message_to_a_group_that_is_under_way_is_void(void **state) {
  static struct world w;
  struct unit_env u;
  (void)state;
  open_flushed(&w, &u, SWALE_REDIS_CORE, fake_healthy);
  assert_int_equal(group_send(w.layer, "g"), 0);
  home_turn(&w.home, 0);
  assert_int_equal(swale_flush(w.layer), 0);
  settle(&w);
  assert_int_equal(home_stats(&w.home).lost[SWALE_REDIS_LOST_FLUSHED], 1);
  close_flushed(&w, &u);
}

static void a_flush_is_repeated_until_redis_has_answered(void **state) {
  static const struct fake_answer replica[] = {{"PING", "+PONG\r\n"},
                                               {"CLIENT", ":7\r\n"},
                                               {"BZPOPMIN", NULL},
                                               {"EVAL", "-READONLY You can't write\r\n"},
                                               {NULL, ":1\r\n"}};
  static struct world w;
  struct unit_env u;
  (void)state;
  flush_core(&w, &u, deaf_to_scripts);
  assert_int_equal(w.fake.n_watched, 1);
  come_up_anew(&w, deaf_to_scripts);
  assert_int_equal(w.fake.n_watched, 2);
  w.fake.answers = replica;
  fake_cut(&w.fake);
  while (w.fake.n_watched < 3)
    settle(&w);
  int asked = w.fake.n_watched;
  come_up_anew(&w, fake_healthy);
  assert_true(w.fake.n_watched > asked);
  asked = w.fake.n_watched;
  come_up_anew(&w, fake_healthy);
  assert_int_equal(w.fake.n_watched, asked);
  close_flushed(&w, &u);
}

static void a_flush_waits_no_longer_than_messages_live(void **state) {
  static struct world w;
  struct unit_env u;
  (void)state;
  expiry_ms = 1;
  flush_core(&w, &u, deaf_to_scripts);
  assert_int_equal(w.fake.n_watched, 1);
  home_turn(&w.home, 2);
  come_up_anew(&w, fake_healthy);
  assert_int_equal(w.fake.n_watched, 1);
  close_flushed(&w, &u);
  expiry_ms = 0;
}

static void a_flush_that_redis_refuses_is_over(void **state) {
  static const struct fake_answer refuses[] = {{"PING", "+PONG\r\n"},
                                               {"CLIENT", ":7\r\n"},
                                               {"BZPOPMIN", NULL},
                                               {"EVAL", "-NOPERM no\r\n"},
                                               {NULL, ":1\r\n"}};
  static struct world w;
  struct unit_env u;
  (void)state;
  flush_core(&w, &u, refuses);
  assert_non_null(strstr(home_stats(&w.home).error, "NOPERM"));
  come_up_anew(&w, fake_healthy);
  assert_int_equal(w.fake.n_watched, 1);
  close_flushed(&w, &u);
}

static void nothing_is_fetched_before_a_flush_is_answered(void **state) {
  static struct world w;
  struct unit_env u;
  (void)state;
  flush_core(&w, &u, deaf_to_scripts);
  int fetches = fake_heard(&w.fake, "BZPOPMIN");
  come_up_anew(&w, deaf_to_scripts);
  assert_int_equal(fake_heard(&w.fake, "BZPOPMIN"), fetches);
  come_up_anew(&w, fake_healthy);
  assert_int_equal(fake_heard(&w.fake, "BZPOPMIN"), fetches + 1);
  close_flushed(&w, &u);
}

static void a_flush_that_waits_ends_with_the_home(void **state) {
  static struct world w;
  struct unit_env u;
  (void)state;
  flush_core(&w, &u, deaf_to_scripts);
  swale_layer_detach(w.layer);
  w.fake.answers = fake_healthy;
  home_take(&w.home, w.layer);
  while (home_stats(&w.home).state != SWALE_REDIS_UP)
    settle(&w);
  settle(&w);
  assert_int_equal(w.fake.n_watched, 1);
  close_flushed(&w, &u);
}

/* ---- replies without an end ---- */

/* A layer whose queue has a message; what stands behind it is handed out so. */
static void open_torn(struct world *w, struct unit_env *u, char first[200], const char *rest) {
  static struct fake_answer answers[] = {{"PING", "+PONG\r\n"}, {"CLIENT", ":7\r\n"}, {"BZPOPMIN", NULL},
                                         {"ZPOPMIN", NULL},     {"EVAL", "*0\r\n"},   {NULL, ":1\r\n"}};
  open_flushed(w, u, SWALE_REDIS_CORE, fake_healthy);
  const struct swale__redis_client *c = swale_backend_of(w->layer, &swale_redis_backend);
  snprintf(first, 200, "*3\r\n$46\r\nasgispecific.%s!\r\n$1\r\nx\r\n$1\r\n1\r\n", c->process);
  answers[2].answer = first;
  answers[3].answer = rest;
  w->fake.answers = answers;
  fake_cut(&w->fake);
  while (fake_heard(&w->fake, "ZPOPMIN") == 0) {
    home_turn(&w->home, 1);
    answers[2].answer = fake_heard(&w->fake, "BZPOPMIN") > 1 ? NULL : first; /* once */
    fake_turn(&w->fake);
  }
  assert_int_equal(home_stats(&w->home).torn, 0);
}

static void what_was_handed_out_in_a_reply_without_end_is_counted(void **state) {
  static const struct {
    const char *rest;
    uint64_t torn;
  } cases[] = {{"", 0},
               {"*2", 0},
               {"*2\r\n", 1},
               {"*20\r\n$2\r\nab\r\n$1", 10},
               {"*20\r\n$2\r\nab\r\n?what\r\n", 10},
               {"*128\r\n*2\r\n", 64},
               {"*4000000\r\n$2\r\n", 64}}; /* so many were not asked for */
  static struct world w;
  struct unit_env u;
  char first[200];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    open_torn(&w, &u, first, cases[i].rest);
    uint64_t failures = home_stats(&w.home).failures;
    w.fake.answers = fake_healthy;
    while (home_turn(&w.home, 2))
      ;
    fake_cut(&w.fake);
    while (home_stats(&w.home).failures < failures + 2)
      home_turn(&w.home, 1);
    settle(&w);
    assert_int_equal(home_stats(&w.home).torn, cases[i].torn);
    close_flushed(&w, &u);
  }
}

static void what_is_lost_with_a_reply_that_is_too_large_is_counted(void **state) {
  static char flood[1 << 16];
  static struct world w;
  struct unit_env u;
  char first[200];
  (void)state;
  open_torn(&w, &u, first, "*6\r\n$500000000\r\n");
  while (home_stats(&w.home).torn == 0) {
    fake_say(&w.fake, flood, sizeof flood);
    home_turn(&w.home, 1);
    fake_turn(&w.fake);
  }
  assert_int_equal(home_stats(&w.home).torn, 3);
  close_flushed(&w, &u);
}

/* ---- names ---- */

static struct {
  uint64_t queries[8];
  int n, states;
  bool at_once;
} asked;

static int answer(swale_layer *layer, uint64_t query) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct addrinfo found = {
      .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&at, .ai_addrlen = sizeof at};
  return swale_redis_resolved(layer, query, &found);
}

static void note_state(swale_layer *layer, enum swale_redis_state state, const char *why, void *user) {
  (void)layer, (void)state, (void)why, (void)user;
  asked.states++;
}

static void resolve(swale_layer *layer, uint64_t query, const char *name, void *user) {
  assert_ptr_equal(user, &asked);
  assert_string_equal(name, "redis.example");
  asked.queries[asked.n++] = query;
  int states = asked.states;
  if (asked.at_once)
    for (int i = 0; i < asked.n; i++) /* those before, too */
      answer(layer, asked.queries[i]);
  assert_int_equal(asked.states, states); /* nobody is called back from inside */
}

static void open_named(struct world *w, struct unit_env *u) {
  struct swale_layer_config layer;
  struct swale_redis_config c;
  memset(&asked, 0, sizeof asked);
  unit_env_init(u);
  fake_open(&w->fake, fake_healthy);
  const struct swale_redis_host host = {.host = "redis.example", .port = (uint16_t)w->fake.port};
  swale_layer_config_default(&layer);
  layer.env = &u->env;
  swale_redis_config_default(&c);
  c.hosts = &host;
  c.resolve = resolve;
  c.on_state = note_state;
  c.user = &asked;
  assert_int_equal(swale_redis_open(&c, &layer, &w->layer, NULL, 0), 0);
  assert_int_equal(asked.n, 0); /* opening waits for nobody */
  home_open(&w->home);
}

static void close_named(struct world *w, const struct unit_env *u) {
  assert_int_equal(swale_layer_free(w->layer), 0);
  home_close(&w->home);
  fake_close(&w->fake);
  assert_int_equal(u->live, 0);
}

static void the_host_may_resolve_names(void **state) {
  static struct world w;
  struct unit_env u;
  (void)state;
  open_named(&w, &u);
  home_take(&w.home, w.layer);
  assert_int_equal(asked.n, 2); /* for each connection */
  settle(&w);
  assert_int_equal(home_stats(&w.home).state, SWALE_REDIS_CONNECTING);
  assert_int_equal(answer(w.layer, asked.queries[1]), 0);
  assert_int_equal(answer(w.layer, asked.queries[1]), SWALE_ENOTFOUND); /* once */
  assert_int_equal(answer(w.layer, 0), SWALE_ENOTFOUND);
  assert_int_equal(answer(w.layer, asked.queries[0]), 0);
  settle(&w);
  assert_int_equal(home_stats(&w.home).state, SWALE_REDIS_UP);
  close_named(&w, &u);
}

static void the_host_may_know_at_once(void **state) {
  static struct world w;
  struct unit_env u;
  (void)state;
  open_named(&w, &u);
  asked.at_once = true;
  home_take(&w.home, w.layer);
  settle(&w);
  assert_int_equal(home_stats(&w.home).state, SWALE_REDIS_UP);
  close_named(&w, &u);
}

static void an_answer_that_comes_too_late_is_nobodys(void **state) {
  static struct world w;
  struct unit_env u;
  swale_layer *memory;
  (void)state;
  open_named(&w, &u);
  home_take(&w.home, w.layer);
  swale_layer_detach(w.layer);
  assert_int_equal(answer(w.layer, asked.queries[0]), SWALE_ENOTFOUND);
  assert_int_equal(swale_layer_open("memory://", NULL, &memory, NULL, 0), 0);
  assert_int_equal(answer(memory, 1), SWALE_EUNSUPPORTED);
  assert_int_equal(swale_layer_free(memory), 0);
  close_named(&w, &u);
}

static void what_cannot_be_opened_is_told(void **state) {
  static const struct swale_backend_class *const backends[] = {&swale_redis_backend, NULL};
  static const struct {
    const char *url, *word;
    int error;
  } cases[] = {{"rediss://host", "TLS", SWALE_EUNSUPPORTED},
               {"redis://no.such.host.invalid", "no.such.host.invalid", SWALE_ENOTFOUND},
               {"redis://127.0.0.1/0?colour=red", "colour", SWALE_EFORMAT},
               {"redis://127.0.0.1?expiry=0", "limit", SWALE_EINVAL},
               {"redis+sentinel://127.0.0.1", "", SWALE_EFORMAT},
               {"redis+unix:///tmp/x?serializer=json", "json", SWALE_EINVAL}};
  struct swale_layer_config config;
  struct unit_env u;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    swale_layer *layer = (void *)&u;
    char why[200];
    unit_env_init(&u);
    swale_layer_config_default(&config);
    config.env = &u.env;
    config.backends = backends;
    assert_int_equal(swale_layer_open(cases[i].url, &config, &layer, why, sizeof why), cases[i].error);
    assert_null(layer);
    assert_non_null(strstr(why, cases[i].word));
    assert_int_equal(u.live, 0);
  }
}

static void figures_are_those_of_layers_on_redis(void **state) {
  swale_layer *layer;
  struct swale_redis_stats s;
  (void)state;
  assert_int_equal(swale_layer_open("memory://", NULL, &layer, NULL, 0), 0);
  assert_int_equal(swale_redis_stats_get(layer, &s), SWALE_EUNSUPPORTED);
  assert_int_equal(swale_layer_attach(layer, NULL, NULL), 0); /* needs none */
  swale_layer_detach(layer);
  swale_layer_free(layer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_allocation_may_fail_in_core_mode),
      cmocka_unit_test(each_allocation_may_fail_in_pubsub_mode),
      cmocka_unit_test(answers_of_any_shape_are_survived),
      cmocka_unit_test(a_layer_without_a_home_works_within_the_process),
      cmocka_unit_test(what_waits_for_the_home_loop_is_bounded),
      cmocka_unit_test(a_home_can_be_changed),
      cmocka_unit_test(what_was_sent_before_a_flush_is_void_and_what_is_sent_after_it_stands),
      cmocka_unit_test(a_message_to_a_group_that_is_under_way_is_void),
      cmocka_unit_test(a_flush_is_repeated_until_redis_has_answered),
      cmocka_unit_test(a_flush_waits_no_longer_than_messages_live),
      cmocka_unit_test(a_flush_that_redis_refuses_is_over),
      cmocka_unit_test(nothing_is_fetched_before_a_flush_is_answered),
      cmocka_unit_test(a_flush_that_waits_ends_with_the_home),
      cmocka_unit_test(what_was_handed_out_in_a_reply_without_end_is_counted),
      cmocka_unit_test(what_is_lost_with_a_reply_that_is_too_large_is_counted),
      cmocka_unit_test(the_host_may_resolve_names),
      cmocka_unit_test(the_host_may_know_at_once),
      cmocka_unit_test(an_answer_that_comes_too_late_is_nobodys),
      cmocka_unit_test(what_cannot_be_opened_is_told),
      cmocka_unit_test(figures_are_those_of_layers_on_redis),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * A process with a channel layer, told by lines on its input what to do, for tests in which Python has the other
 * half of the layer:
 *
 *     peer URL [--json] [--key=SECRET]... [--worker=CHANNEL]...
 *
 * Messages are their MessagePack in hexadecimal. Each line is answered by "ok", perhaps with a number or a name, or
 * "error" and what swale calls it. By themselves come "up" and "down WHY" from the layer, "ready CONSUMER" once its
 * groups are joined, "got CONSUMER MESSAGE", and "got CHANNEL MESSAGE" after "receive CHANNEL".
 */
#include <err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <swale/adapters/epoll.h>
#include <swale/json.h>
#include <swale/redis.h>
#include <swale/swale.h>
#include <swale/transport.h>

enum { CONSUMERS_MAX = 64, GROUPS_MAX = 8, KEYS_MAX = 8, MESSAGE_MAX = 8 << 20 };

static swale_layer *layer;
static swale_loop *loop;
static swale_app *app;
static int waker;
static bool stopping;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
}

static void answer(int rv) {
  if (rv < 0)
    say("error %s", swale_strerror(rv));
  else
    say("ok %d", rv);
}

/* ---- messages ---- */

static int hex_digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static swale_message *message_from(char *hex) {
  static const struct swale_parse_limits limits = {.size = MESSAGE_MAX};
  size_t len = strlen(hex) / 2;
  unsigned char *bytes = (unsigned char *)hex; /* in its own place */
  swale_message *m;
  for (size_t i = 0; i < len; i++)
    bytes[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
  int rv = swale_message_parse(bytes, len, &limits, NULL, &m);
  if (rv < 0)
    errx(1, "the test's message: %s", swale_strerror(rv));
  return m;
}

static void say_message(const char *what, const swale_message *m) {
  size_t len;
  const unsigned char *bytes = swale_message_bytes(m, &len);
  printf("%s ", what);
  for (size_t i = 0; i < len; i++)
    printf("%02x", bytes[i]);
  say("%s", "");
}

/* ---- consumers: a connection to nobody, which tells what it gets ---- */

struct member {
  char name[32];
  swale_consumer *consumer;
};

static struct member members[CONSUMERS_MAX];
static const char *groups[GROUPS_MAX + 1]; /* of the consumer that is opened next */

static struct member *find_member(const char *name) {
  for (size_t i = 0; i < CONSUMERS_MAX; i++)
    if (members[i].consumer && strcmp(members[i].name, name) == 0)
      return &members[i];
  return NULL;
}

static struct member *member_of(const swale_consumer *c) {
  for (size_t i = 0; i < CONSUMERS_MAX; i++)
    if (members[i].consumer == c)
      return &members[i];
  return NULL;
}

static int on_connect(swale_consumer *c) { return swale_accept(c, NULL); }

static int on_test(swale_consumer *c, swale_message *m) {
  char what[48];
  const struct member *member = member_of(c);
  snprintf(what, sizeof what, "got %s", member ? member->name : "worker");
  say_message(what, m);
  return 0;
}

static int on_leave(swale_consumer *c, swale_message *m) {
  char group[SWALE_NAME_SIZE];
  size_t len;
  const char *text = swale_message_get_str(m, "group", &len);
  snprintf(group, sizeof group, "%.*s", (int)len, text ? text : "");
  return swale_leave(c, group);
}

static const struct swale_handler handlers[] = {{"test", on_test}, {"leave", on_leave}, {NULL, NULL}};
static const struct swale_consumer_class member_class = {
    .groups = groups, .connect = on_connect, .handlers = handlers};
static const struct swale_consumer_class worker_class = {.handlers = handlers};

static int accept_member(void *transport, const char *subprotocol, const struct swale_header *headers,
                         size_t n) {
  const struct member *member = transport;
  (void)subprotocol, (void)headers, (void)n;
  say("ready %s", member->name);
  return 0;
}

static int reject_member(void *transport, int status, const struct swale_header *headers, size_t n,
                         const char *body) {
  struct member *member = transport;
  (void)headers, (void)n, (void)body;
  say("refused %s %d", member->name, status);
  member->consumer = NULL;
  return 0;
}

static int send_nothing(void *transport, swale_payload *payload) {
  (void)transport, (void)payload;
  return 0;
}

static int send_no_bytes(void *transport, enum swale_kind kind, const void *bytes, size_t len) {
  (void)transport, (void)kind, (void)bytes, (void)len;
  return 0;
}

static int close_member(void *transport, uint16_t code, const char *reason) {
  (void)transport, (void)code, (void)reason;
  return SWALE_ECLOSED; /* lost at once */
}

static const struct swale_transport_class tells = {.type = "test",
                                                   .accept = accept_member,
                                                   .reject = reject_member,
                                                   .send = send_nothing,
                                                   .send_bytes = send_no_bytes,
                                                   .close = close_member};

static struct member *free_member(void) {
  for (size_t i = 0; i < CONSUMERS_MAX; i++)
    if (!members[i].consumer)
      return &members[i];
  errx(1, "too many consumers");
}

/* consumer NAME [GROUP...]: answered with the name of its channel. */
static void open_consumer(const char *name, char *names) {
  const struct swale_request request = {.size = sizeof request, .target = "/", .scheme = "ws"};
  char channel[SWALE_NAME_SIZE];
  struct member *member = free_member();
  size_t n = 0;
  while (names && n < GROUPS_MAX)
    groups[n++] = strsep(&names, " ");
  groups[n] = NULL;
  snprintf(member->name, sizeof member->name, "%s", name);
  swale_loop_enter(loop);
  int rv = swale_consumer_open(app, loop, &request, &tells, member, &member->consumer);
  if (rv == 0 && member->consumer)
    say("ok %s", swale_channel_name(member->consumer, channel));
  else
    say("error %d", rv);
  swale_loop_leave(loop);
}

static void say_name(const char *name) {
  char channel[SWALE_NAME_SIZE];
  say("ok %s", swale_channel_name(find_member(name)->consumer, channel));
}

static void close_consumer(const char *name) {
  struct member *member = find_member(name);
  swale_loop_enter(loop);
  swale_consumer_lost(member->consumer, 1000);
  member->consumer = NULL;
  swale_loop_leave(loop);
  answer(0);
}

/* ---- commands ---- */

static void say_stats(void) {
  struct swale_redis_stats s;
  uint64_t lost = 0;
  int rv = swale_redis_stats_get(layer, &s);
  if (rv < 0) {
    answer(rv);
    return;
  }
  for (int i = 0; i < SWALE_REDIS_LOSSES; i++)
    lost += s.lost[i];
  say("ok {\"offered\": %ju, \"arrived\": %ju, \"queued\": %ju, \"lost\": %ju, \"received\": %ju, "
      "\"echoes\": %ju, "
      "\"strays\": %ju, \"undecodable\": %ju, \"over_capacity\": %ju, \"groups\": %ju}",
      (uintmax_t)s.offered, (uintmax_t)s.arrived, (uintmax_t)s.queued, (uintmax_t)lost, (uintmax_t)s.received,
      (uintmax_t)s.echoes, (uintmax_t)s.strays, (uintmax_t)s.undecodable, (uintmax_t)s.over_capacity,
      (uintmax_t)s.groups);
}

static void send_to(bool group, const char *name, char *hex) {
  swale_message *m = message_from(hex);
  answer(group ? swale_group_send(layer, name, m) : swale_send(layer, name, m));
  swale_message_unref(m);
}

/* The channel's name, which is what it gets it under. */
static void on_receipt(int result, swale_message *m, void *user) {
  char what[SWALE_NAME_SIZE + 8];
  char *channel = user;
  snprintf(what, sizeof what, "got %s", channel);
  if (result == 0)
    say_message(what, m);
  free(channel);
}

static void receive(const char *channel) {
  const struct swale_reception how = {.loop = loop, .done = on_receipt, .user = strdup(channel)};
  int rv = swale_receive_then(layer, channel, &how, NULL);
  if (rv < 0)
    free(how.user);
  answer(rv);
}

static void new_channel(const char *prefix) {
  char name[SWALE_NAME_SIZE];
  int rv = swale_new_channel(layer, prefix, name);
  if (rv < 0)
    answer(rv);
  else
    say("ok %s", name);
}

static bool is(const char *word, const char *command) { return strcmp(word, command) == 0; }

static void obey(char *line) {
  char *word = strsep(&line, " "), *first = line ? strsep(&line, " ") : NULL, *rest = line;
  if (is(word, "send") || is(word, "group_send"))
    send_to(is(word, "group_send"), first, rest);
  else if (is(word, "consumer"))
    open_consumer(first, rest);
  else if (is(word, "name"))
    say_name(first);
  else if (is(word, "close"))
    close_consumer(first);
  else if (is(word, "join"))
    answer(swale_join(find_member(first)->consumer, rest));
  else if (is(word, "leave"))
    answer(swale_leave(find_member(first)->consumer, rest));
  else if (is(word, "group_add"))
    answer(swale_group_add(layer, first, rest));
  else if (is(word, "group_discard"))
    answer(swale_group_discard(layer, first, rest));
  else if (is(word, "new_channel"))
    new_channel(first);
  else if (is(word, "receive"))
    receive(first);
  else if (is(word, "flush"))
    answer(swale_flush(layer));
  else if (is(word, "stats"))
    say_stats();
  else
    errx(1, "no such command: %s", word);
}

/* Whole lines of what has come so far; the input is not to be waited for. */
static void read_commands(void) {
  static char *text;
  static size_t len, size;
  if (size - len < 65536) {
    size = size * 2 + 65536;
    text = realloc(text, size);
    if (!text)
      err(1, "no memory");
  }
  ssize_t got = read(STDIN_FILENO, text + len, size - len);
  if (got <= 0) {
    stopping = true;
    free(text);
    return;
  }
  char *from = text, *end;
  size_t left = len + (size_t)got;
  while ((end = memchr(from, '\n', left))) {
    *end = '\0';
    left -= (size_t)(end + 1 - from);
    obey(from);
    from = end + 1;
  }
  memmove(text, from, left);
  len = left;
}

static struct swale_epoll redis_io;

static void run(void) {
  struct pollfd ready[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = waker, .events = POLLIN},
                           {.fd = redis_io.fd, .events = POLLIN}};
  if (poll(ready, 3, swale_loop_timeout_ms(loop)) < 0)
    err(1, "poll");
  if (ready[1].revents)
    eventfd_read(waker, &(eventfd_t){0});
  if (ready[2].revents)
    swale_epoll_ready(&redis_io);
  if (ready[0].revents)
    read_commands();
  swale_loop_run(loop);
}

/* ---- setting up ---- */

static void wake(void *user) {
  (void)user;
  eventfd_write(waker, 1);
}

static void on_state(swale_layer *which, enum swale_redis_state state, const char *why, void *user) {
  (void)which, (void)user;
  if (state == SWALE_REDIS_UP)
    say("up");
  else
    say("down %s", why);
}

static void demand(int rv, const char *what) {
  if (rv < 0)
    errx(1, "%s: %s", what, swale_strerror(rv));
}

static void open_layer(const char *url, struct swale_redis_config *redis) {
  char why[200];
  redis->url = url;
  redis->on_state = on_state;
  if (swale_redis_open(redis, NULL, &layer, why, sizeof why) < 0)
    errx(2, "%s", why);
}

static void set_up(int argc, char **argv) {
  static struct swale_redis_key keys[KEYS_MAX];
  struct swale_redis_config redis;
  struct swale_loop_config config;
  swale_redis_config_default(&redis);
  redis.json_write = swale_json_message;
  redis.json_parse = swale_json_parse;
  redis.keys = keys;
  demand(swale_app_new(NULL, &app), "swale_app_new");
  for (int i = 2; i < argc; i++) {
    if (strncmp(argv[i], "--key=", 6) == 0)
      keys[redis.n_keys++] = (struct swale_redis_key){argv[i] + 6, strlen(argv[i] + 6)};
    else if (strncmp(argv[i], "--worker=", 9) == 0)
      demand(swale_app_channel(app, argv[i] + 9, &worker_class), "swale_app_channel");
    else
      errx(2, "what is %s?", argv[i]);
  }
  open_layer(argv[1], &redis);
  waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  swale_loop_config_default(&config);
  config.wake = wake;
  demand(swale_loop_new(&config, &loop), "swale_loop_new");
  demand(swale_app_layer(app, NULL, layer), "swale_app_layer");
  demand(swale_app_default(app, &member_class), "swale_app_default");
  demand(swale_app_serve(app, loop), "swale_app_serve");
  demand(swale_epoll_attach(&redis_io, layer, loop), "swale_epoll_attach");
}

int main(int argc, char **argv) {
  if (argc < 2)
    errx(2, "which URL?");
  set_up(argc, argv);
  while (!stopping)
    run();
  swale_epoll_detach(&redis_io);
  swale_loop_enter(loop);
  for (size_t i = 0; i < CONSUMERS_MAX; i++)
    if (members[i].consumer)
      swale_consumer_lost(members[i].consumer, 1001);
  swale_loop_leave(loop);
  demand(swale_loop_free(loop), "swale_loop_free");
  demand(swale_app_free(app), "swale_app_free");
  demand(swale_layer_free(layer), "swale_layer_free");
  close(waker);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* Servers that change places: a master that dies under Sentinel, and a connection that breaks anywhere. */
#include "nodes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Sentinel ---- */

struct trio {
  struct server master, replica, sentinel;
  char port[8], conf[96];
  const char *replica_more[6], *sentinel_more[3];
};

/* By this name the sentinel knows its servers. */
static void write_conf(const struct trio *t, const char *name) {
  FILE *f = fopen(t->conf, "w");
  assert_non_null(f);
  fprintf(f,
          "sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\n"
          "sentinel monitor m %s %d 1\nsentinel down-after-milliseconds m 500\n"
          "sentinel failover-timeout m 2000\n",
          name, t->master.port);
  fclose(f);
}

static void start_trio(struct trio *t, const char *name) {
  *t = (struct trio){0};
  server_start(&t->master);
  snprintf(t->port, sizeof t->port, "%d", t->master.port);
  t->replica_more[0] = "--replicaof";
  t->replica_more[1] = "127.0.0.1";
  t->replica_more[2] = t->port;
  t->replica_more[3] = "--replica-announce-ip";
  t->replica_more[4] = name;
  server_start_with(&t->replica, t->replica_more);
  snprintf(t->conf, sizeof t->conf, "%s/sentinel.conf", t->master.folder);
  write_conf(t, name);
  t->sentinel_more[0] = t->conf;
  t->sentinel_more[1] = "--sentinel";
  server_start_with(&t->sentinel, t->sentinel_more);
}

static void await_replica(const struct trio *t, const char *name) {
  for (int i = 0; i < 500 && !strstr(server_ask(&t->sentinel, "SENTINEL replicas m"), name); i++)
    usleep(20000);
  for (int i = 0; i < 500 && !strstr(server_ask(&t->replica, "INFO replication"), "master_link_status:up");
       i++)
    usleep(20000);
}

static int localhosts; /* that were asked for */

static void resolve(swale_layer *layer, uint64_t query, const char *name, void *user) {
  const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  (void)user;
  assert_string_equal(name, "localhost");
  localhosts++;
  assert_int_equal(getaddrinfo(name, NULL, &hints, &found), 0);
  assert_int_equal(swale_redis_resolved(layer, query, found), 0);
  freeaddrinfo(found);
}

/* Servers that the sentinel announces by this name. */
static void follow_a_failover(const char *mode, const char *name) {
  struct trio t = {0};
  struct nodes n;
  struct crowd_member a, b;
  struct swale_redis_config c;
  char url[100];
  start_trio(&t, name);
  await_replica(&t, name);
  snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/m", t.sentinel.port);
  swale_redis_config_default(&c);
  c.mode = strcmp(mode, "core") == 0 ? SWALE_REDIS_CORE : SWALE_REDIS_PUBSUB;
  c.url = url;
  c.resolve = resolve;
  nodes_open_with(&n, &c, NULL);
  crowd_enter(&n.at[0].crowd, &a, 0);
  crowd_enter(&n.at[1].crowd, &b, 0);
  assert_int_equal(swale_group_add(n.at[0].layer, "g", a.channel), 0);
  assert_int_equal(swale_group_add(n.at[1].layer, "g", b.channel), 0);
  nodes_settle(&n);
  crowd_group_send(n.at[0].layer, "g", 1);
  nodes_settle(&n);
  crowd_assert_got(&b, 1);
  server_kill(&t.master);
  nodes_await(&n, SWALE_REDIS_DOWN);
  nodes_await_within(&n, SWALE_REDIS_UP, 30000);
  nodes_settle(&n);
  a.n_got = b.n_got = 0;
  crowd_group_send(n.at[0].layer, "g", 2);
  crowd_group_send(n.at[1].layer, "g", 3);
  nodes_settle(&n);
  assert_int_equal(a.n_got, 2);
  assert_int_equal(b.n_got, 2);
  assert_non_null(strstr(server_ask(&t.replica, "INFO clients"), "connected_clients"));
  nodes_close(&n);
  server_stop(&t.sentinel);
  server_stop(&t.replica);
  server_stop(&t.master);
}

static void a_failover_is_followed(void **state) {
  localhosts = 0;
  follow_a_failover(*state, "127.0.0.1");
  assert_int_equal(localhosts, 0);
}

static void a_failover_is_followed_by_name(void **state) {
  localhosts = 0;
  follow_a_failover(*state, "localhost");
  assert_true(localhosts >= 8); /* two connections each of two processes, to either master */
}

/* ---- a proxy that cuts after so many bytes ---- */

enum { PIPES = 16 };

struct proxy {
  int listener, port, to;
  int ends[PIPES][2]; /* -1: none */
  long left;          /* bytes until the next cut */
  uint64_t seed;
};

static void proxy_open(struct proxy *p, int to) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  *p = (struct proxy){.to = to, .left = 3000, .seed = 7};
  memset(p->ends, -1, sizeof p->ends);
  p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(p->listener, (struct sockaddr *)&at, len), 0);
  assert_int_equal(listen(p->listener, 16), 0);
  getsockname(p->listener, (struct sockaddr *)&at, &len);
  p->port = ntohs(at.sin_port);
}

static void cut(struct proxy *p, int i) {
  close(p->ends[i][0]);
  close(p->ends[i][1]);
  p->ends[i][0] = p->ends[i][1] = -1;
}

static void let_in(struct proxy *p, int i) {
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)p->to), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  p->ends[i][0] = accept(p->listener, NULL, NULL);
  if (p->ends[i][0] < 0)
    return;
  p->ends[i][1] = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(p->ends[i][1], (struct sockaddr *)&at, sizeof at) < 0)
    cut(p, i);
  else
    for (int k = 0; k < 2; k++)
      setsockopt(p->ends[i][k], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* Some bytes from one end to the other; the last ones before a cut may be half of anything. */
static void pass_on(struct proxy *p, int i, int from) {
  char bytes[512];
  size_t most = p->left > 0 && p->left < 512 ? (size_t)p->left : sizeof bytes;
  ssize_t n = recv(p->ends[i][from], bytes, most, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return;
  if (n <= 0 || send(p->ends[i][!from], bytes, (size_t)n, MSG_NOSIGNAL) != n) {
    cut(p, i);
    return;
  }
  if (p->left > 0 && (p->left -= n) <= 0) {
    cut(p, i);
    p->seed = p->seed * 6364136223846793005u + 1442695040888963407u;
    p->left = 1 + (long)(p->seed >> 52);
  }
}

static void proxy_turn(struct proxy *p) {
  for (int i = 0; i < PIPES; i++) {
    if (p->ends[i][0] < 0)
      let_in(p, i);
    for (int from = 0; from < 2; from++)
      for (int k = 0; k < 8 && p->ends[i][0] >= 0; k++)
        pass_on(p, i, from);
  }
}

static void cut_all(struct proxy *p) {
  for (int i = 0; i < PIPES; i++)
    if (p->ends[i][0] >= 0)
      cut(p, i);
}

static void proxy_close(struct proxy *p) {
  cut_all(p);
  close(p->listener);
}

static struct proxy proxy;
static void turn_proxy(void) { proxy_turn(&proxy); }

/* Both nodes behind it, which cuts nothing yet. */
static void open_behind_proxy(struct nodes *n, struct server *server, const char *mode,
                              const struct swale_layer_config *layer) {
  struct swale_redis_config c;
  server_start(server);
  proxy_open(&proxy, server->port);
  proxy.left = 0;
  const struct swale_redis_host host = {.host = "127.0.0.1", .port = (uint16_t)proxy.port};
  swale_redis_config_default(&c);
  c.mode = strcmp(mode, "core") == 0 ? SWALE_REDIS_CORE : SWALE_REDIS_PUBSUB;
  c.hosts = &host;
  c.reconnect_min_ms = c.reconnect_max_ms = 5;
  nodes_meanwhile(turn_proxy);
  nodes_open_with(n, &c, layer);
}

static void close_behind_proxy(struct nodes *n, struct server *server) {
  nodes_close(n);
  nodes_meanwhile(NULL);
  proxy_close(&proxy);
  server_stop(server);
}

static void connections_may_break_anywhere(void **state) {
  struct server server;
  struct nodes n;
  struct crowd_member a, b;
  int64_t sent = 0;
  open_behind_proxy(&n, &server, *state, NULL);
  crowd_enter(&n.at[0].crowd, &a, 0);
  crowd_enter(&n.at[1].crowd, &b, 0);
  assert_int_equal(swale_group_add(n.at[0].layer, "g", a.channel), 0);
  assert_int_equal(swale_group_add(n.at[1].layer, "g", b.channel), 0);
  nodes_settle(&n);
  proxy.left = 500;
  for (int i = 0; i < 60; i++) {
    for (int k = 0; k < 3; k++)
      crowd_group_send(n.at[0].layer, "g", sent++);
    nodes_run(&n, 10);
  }
  proxy.left = 0;
  nodes_await(&n, SWALE_REDIS_UP);
  nodes_settle(&n);
  assert_int_equal(a.n_got, sent);
  for (int i = 0; i < sent; i++) /* at home nobody has noticed */
    assert_int_equal(a.got[i], i);
  for (int i = 1; i < b.n_got; i++)
    assert_true(b.got[i] > b.got[i - 1]);
  assert_true(home_stats(&n.at[0].home).failures > 2);
  a.n_got = b.n_got = 0;
  crowd_group_send(n.at[1].layer, "g", 1000);
  nodes_settle(&n);
  crowd_assert_got(&a, 1000);
  crowd_assert_got(&b, 1000);
  close_behind_proxy(&n, &server);
}

/* ---- flushing what is out of reach ---- */

/* The server is well, and out of the nodes' reach; what is in it is of before. */
static void out_of_reach(struct nodes *n, const struct server *server, const char *own_channel) {
  char command[200];
  nodes_meanwhile(NULL);
  cut_all(&proxy);
  nodes_await(n, SWALE_REDIS_DOWN);
  server_ask(server, "ZADD asgi:group:stale 1 old!member");
  server_ask(server, "SET other x");
  snprintf(command, sizeof command, "ZADD 'asgi%.42s' 1e15 garbage", own_channel);
  server_ask(server, command);
}

static void within_reach(struct nodes *n) {
  nodes_meanwhile(turn_proxy);
  nodes_await(n, SWALE_REDIS_UP);
  nodes_settle(n);
}

static void note_result(int result, void *results) {
  int *r = results;
  r[++r[0]] = result;
}

static void a_flush_waits_for_redis(void **state) {
  struct server server;
  struct nodes n;
  struct crowd_member a, b;
  int results[8] = {0};
  open_behind_proxy(&n, &server, *state, NULL);
  swale_layer *layer = n.at[0].layer;
  crowd_enter(&n.at[0].crowd, &a, 0);
  crowd_enter(&n.at[1].crowd, &b, 0);
  const struct swale_completion then = {n.at[0].crowd.at[0].loop, note_result, results};
  nodes_settle(&n);
  out_of_reach(&n, &server, a.channel);
  assert_int_equal(swale_group_add(layer, "g", a.channel), 0);
  assert_int_equal(swale_group_add_then(layer, "g", b.channel, &then), 0);
  nodes_run(&n, 20);
  assert_int_equal(swale_group_add_then(layer, "h", b.channel, &then), 0);
  crowd_group_send(layer, "h", 1);

  assert_int_equal(swale_flush(layer), 0);
  assert_int_equal(swale_group_add_then(layer, "h", b.channel, &then), 0);
  assert_int_equal(swale_group_add(layer, "h", a.channel), 0);
  crowd_group_send(layer, "h", 2);
  nodes_run(&n, 20);
  assert_int_equal(results[0], 2);
  assert_int_equal(results[1], SWALE_ECLOSED);
  assert_int_equal(results[2], SWALE_ECLOSED);
  assert_int_equal(nodes_books(&n.at[0]).lost[SWALE_REDIS_LOST_FLUSHED], 3);
  assert_int_equal(nodes_books(&n.at[0]).queued, 2);

  within_reach(&n);
  assert_int_equal(results[0], 3);
  assert_int_equal(results[3], 0);
  crowd_assert_got(&a, 2);
  crowd_assert_got(&b, 2);
  assert_int_equal(nodes_books(&n.at[0]).received, 0); /* the garbage was gone before */
  assert_string_equal(server_ask(&server, "EXISTS asgi:group:stale asgi:group:g"), "0\n");
  assert_string_equal(server_ask(&server, "EXISTS other"), "1\n");
  a.n_got = b.n_got = 0;
  crowd_group_send(n.at[1].layer, "h", 3);
  nodes_settle(&n);
  crowd_assert_got(&a, 3);
  crowd_assert_got(&b, 3);
  close_behind_proxy(&n, &server);
}

/* By then what it was to remove has expired, and what is there may be dear to others. */
static void a_flush_waits_no_longer_than_messages_live(void **state) {
  struct server server;
  struct nodes n;
  struct crowd_member a;
  struct swale_layer_config config;
  swale_layer_config_default(&config);
  config.expiry_ms = 1000;
  open_behind_proxy(&n, &server, *state, &config);
  crowd_enter(&n.at[0].crowd, &a, 0);
  nodes_settle(&n);
  out_of_reach(&n, &server, a.channel);
  assert_int_equal(swale_flush(n.at[0].layer), 0);
  nodes_run(&n, 2500);
  within_reach(&n);
  assert_string_equal(server_ask(&server, "EXISTS asgi:group:stale"), "1\n");
  assert_int_equal(nodes_books(&n.at[0]).undecodable, 1); /* it fetches */
  close_behind_proxy(&n, &server);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      IN_BOTH_MODES(a_failover_is_followed),
      IN_BOTH_MODES(a_failover_is_followed_by_name),
      IN_BOTH_MODES(connections_may_break_anywhere),
      IN_CORE_MODE(a_flush_waits_for_redis),
      IN_CORE_MODE(a_flush_waits_no_longer_than_messages_live),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * A layer on Redis between two processes. Prints JSON.
 *
 *   redis fan URL PROCESSES MEMBERS WINDOW MS    one process sends to a group, others have MEMBERS of it each; WINDOW
 *                                                messages are under way at a time, told through a pipe
 *   redis echo URL MS                            from a group of one member in this process to one in another, and back
 *   redis join URL CONSUMERS                     consumers that join a group of their own each
 *
 * Latencies are those of each delivery, from the call of swale_group_send to the handler.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <swale/adapters/epoll.h>
#include <swale/redis.h>

#include "bench.h"
#include "histogram.h"
#include "process.h"
#include "world.h"

enum { TEXT_SIZE = 64, WARM_MS = 300, RETRY_MS = 100 };

#define LAYER_MARK                                                                                           \
  0xffff0000u /* of the layer's sockets in the epoll; the others have their descriptors alone */

/* A process's half of the layer, with one more descriptor that its loop waits for. */
struct half {
  struct world world;
  struct swale_epoll io;
  int epoll, waker, extra;
};

static void wake(void *half) { eventfd_write(((struct half *)half)->waker, 1); }

static void watch(struct half *h, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint32_t)fd};
  if (fd >= 0 && epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
    die("epoll_ctl");
}

static void open_half(struct half *h, const char *url, const struct swale_consumer_class *members, size_t n,
                      int extra) {
  struct swale_redis_config config;
  swale_layer *layer;
  char why[200];
  swale_redis_config_default(&config);
  config.url = url;
  if (swale_redis_open(&config, NULL, &layer, why, sizeof why) < 0)
    die("%s", why);
  h->extra = extra;
  h->waker = eventfd(0, EFD_NONBLOCK);
  h->epoll = epoll_create1(0);
  watch(h, h->waker);
  watch(h, extra);
  world_open_on(&h->world, layer, NULL, 0, wake, h);
  must(swale_app_default(h->world.app, members), "swale_app_default");
  must(swale_epoll_attach_to(&h->io, layer, h->world.loop, h->epoll, LAYER_MARK), "swale_epoll_attach_to");
  world_populate(&h->world, h->world.loop, n, NULL);
}

static void close_half(struct half *h) {
  swale_epoll_detach(&h->io);
  world_close(&h->world);
  close(h->waker);
  close(h->epoll);
}

/* Whether something happened to the extra descriptor; waits for so long at most. */
static bool turn(struct half *h, int most_ms) {
  struct epoll_event events[8];
  bool extra = false;
  int ms = swale_loop_timeout_ms(h->world.loop);
  int n = epoll_wait(h->epoll, events, 8, ms >= 0 && ms < most_ms ? ms : most_ms);
  if (n < 0)
    die("epoll_wait");
  for (int i = 0; i < n; i++) {
    if (swale_epoll_take(&h->io, &events[i]))
      continue;
    if (events[i].data.u64 == (uint64_t)h->waker)
      eventfd_read(h->waker, &(eventfd_t){0});
    else
      extra = true;
  }
  swale_loop_run(h->world.loop);
  return extra;
}

static void send(struct half *h, const char *group, uint64_t number) {
  swale_message *m = world_message(&h->world, "note", TEXT_SIZE);
  swale_message_add_int(m, "number", (int64_t)number);
  swale_message_add_int(m, "sent", (int64_t)now_ns());
  must(swale_group_send(h->world.layer, group, m), "swale_group_send");
  swale_message_unref(m);
}

static int on_connect(swale_consumer *c) { return swale_accept(c, NULL); }

/* ---- fan: the members ---- */

/* Messages are numbered; those from MEASURED on count. */
enum { MEASURED = 1000000 };

static struct {
  const swale_message *current;
  uint64_t number, sent_ns, first_ns, last_ns;
  size_t seen, members;
  int acks;
  struct histogram latency;
} fan;

static int on_note(swale_consumer *c, swale_message *m) {
  (void)c;
  uint64_t now = now_ns();
  if (m != fan.current) {
    fan.current = m;
    fan.number = (uint64_t)swale_message_get_int(m, "number", 0);
    fan.sent_ns = (uint64_t)swale_message_get_int(m, "sent", 0);
    fan.seen = 0;
    if (fan.number == MEASURED)
      fan.first_ns = fan.sent_ns;
  }
  if (fan.number >= MEASURED)
    histogram_add(&fan.latency, now - fan.sent_ns);
  if (++fan.seen == fan.members) {
    fan.current = NULL; /* the next message may have its address */
    fan.last_ns = now;
    if (write(fan.acks, &fan.number, sizeof fan.number) != sizeof fan.number)
      die("write");
  }
  return 0;
}

static const char *const fan_groups[] = {"fan", NULL};
static const struct swale_handler fan_handlers[] = {{"note", on_note}, {NULL, NULL}};
static const struct swale_consumer_class fan_member = {
    .groups = fan_groups, .connect = on_connect, .handlers = fan_handlers};
static const struct swale_consumer_class nobody = {.connect = on_connect};

static void print_fan(size_t processes) {
  double seconds = (double)(fan.last_ns - fan.first_ns) / 1e9, deliveries = (double)fan.latency.count;
  printf(
      "{\"deliveries_per_second\": %.0f, \"messages_per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
      "\"max_us\": %.1f}\n",
      deliveries * (double)processes / seconds, deliveries / (double)fan.members / seconds,
      (double)histogram_percentile(&fan.latency, 50) / 1e3,
      (double)histogram_percentile(&fan.latency, 99) / 1e3, (double)fan.latency.max / 1e3);
}

static void receive_fan(const char *url, size_t members, int acks, int stop) {
  struct half h;
  fan.members = members;
  fan.acks = acks;
  open_half(&h, url, &fan_member, members, stop);
  while (!turn(&h, 1000)) {
  }
  close_half(&h);
}

/* ---- fan: the sender ---- */

/* Numbers of messages that all members have got; answers how many there are from `from` on. */
static size_t read_acks(int acks, uint64_t from) {
  uint64_t numbers[64];
  size_t n = 0; /* a pipe writes whole numbers */
  ssize_t got = read(acks, numbers, sizeof numbers);
  if (got <= 0)
    die("the members are gone");
  for (size_t i = 0; i < (size_t)got / sizeof *numbers; i++)
    n += numbers[i] >= from;
  return n;
}

/* Until all members hear what is sent, and some time more. */
static void warm_up(struct half *h, size_t processes) {
  uint64_t number = 1, end = 0;
  for (; end == 0 || now_ns() < end; number++) {
    uint64_t retry = now_ns() + RETRY_MS * UINT64_C(1000000);
    size_t acks = 0;
    send(h, "fan", number);
    while (acks < processes && now_ns() < retry)
      if (turn(h, 10))
        acks += read_acks(h->extra, number);
    if (acks == processes && end == 0)
      end = now_ns() + WARM_MS * UINT64_C(1000000);
  }
}

static void send_fan(const char *url, size_t processes, size_t window, uint64_t ms, int acks) {
  struct half h;
  open_half(&h, url, &nobody, 0, acks);
  warm_up(&h, processes);
  uint64_t end = now_ns() + ms * 1000000, number = MEASURED;
  size_t missing = 0; /* acks */
  while (missing > 0 || now_ns() < end) {
    for (; missing <= (window - 1) * processes && now_ns() < end; missing += processes)
      send(&h, "fan", number++);
    if (turn(&h, 1000))
      missing -= read_acks(acks, MEASURED);
  }
  close_half(&h);
}

static void run_fan(const char *url, size_t processes, size_t members, size_t window, uint64_t ms) {
  int acks[2], stop[2], status;
  if (pipe(acks) < 0 || pipe(stop) < 0)
    die("pipe");
  for (size_t i = 0; i < processes; i++) {
    pid_t child = fork();
    if (child < 0)
      die("fork");
    if (child > 0)
      continue;
    close(acks[0]);
    close(stop[1]);
    receive_fan(url, members, acks[1], stop[0]);
    if (i == 0)
      print_fan(processes);
    exit(0);
  }
  close(acks[1]);
  close(stop[0]);
  send_fan(url, processes, window, ms, acks[0]);
  close(stop[1]);
  while (wait(&status) > 0)
    if (status != 0)
      die("a process with members ended with %d", status);
}

/* ---- echo ---- */

static struct half *echoing;
static struct histogram round_trip;
static uint64_t echo_number, echo_warm;

static int on_ping(swale_consumer *c, swale_message *m) {
  (void)c, (void)m;
  send(echoing, "pong", (uint64_t)swale_message_get_int(m, "number", 0));
  return 0;
}

static uint64_t pinged_ns;

static void ping(void) {
  pinged_ns = now_ns();
  send(echoing, "ping", ++echo_number);
}

/* An answer that was given up is nobody's. */
static int on_pong(swale_consumer *c, swale_message *m) {
  (void)c;
  if ((uint64_t)swale_message_get_int(m, "number", 0) != echo_number)
    return 0;
  if (echo_number > echo_warm)
    histogram_add(&round_trip, now_ns() - pinged_ns);
  ping();
  return 0;
}

static const char *const ping_groups[] = {"ping", NULL}, *const pong_groups[] = {"pong", NULL};
static const struct swale_handler ping_handlers[] = {{"note", on_ping}, {NULL, NULL}},
                                  pong_handlers[] = {{"note", on_pong}, {NULL, NULL}};
static const struct swale_consumer_class ping_member = {.groups = ping_groups,
                                                        .connect = on_connect,
                                                        .handlers = ping_handlers},
                                         pong_member = {.groups = pong_groups,
                                                        .connect = on_connect,
                                                        .handlers = pong_handlers};

static void answer_pings(const char *url, int stop) {
  struct half h;
  echoing = &h;
  open_half(&h, url, &ping_member, 1, stop);
  while (!turn(&h, 1000)) {
  }
  close_half(&h);
}

/* Pings again while nobody answers, which is before the other side is there. */
static void measure_echo(const char *url, uint64_t ms) {
  struct half h;
  echoing = &h;
  echo_warm = UINT64_MAX;
  open_half(&h, url, &pong_member, 1, -1);
  ping();
  while (echo_number < 500) {
    turn(&h, RETRY_MS);
    if (now_ns() - pinged_ns > RETRY_MS * UINT64_C(1000000))
      ping();
  }
  echo_warm = echo_number;
  for (uint64_t end = now_ns() + ms * 1000000; now_ns() < end;)
    turn(&h, RETRY_MS);
  close_half(&h);
}

static void run_echo(const char *url, uint64_t ms) {
  int stop[2], status;
  if (pipe(stop) < 0)
    die("pipe");
  pid_t child = fork();
  if (child < 0)
    die("fork");
  if (child == 0) {
    close(stop[1]);
    answer_pings(url, stop[0]);
    exit(0);
  }
  close(stop[0]);
  measure_echo(url, ms);
  close(stop[1]);
  if (waitpid(child, &status, 0) < 0 || status != 0)
    die("the other side ended with %d", status);
  printf("{\"round_trips\": %ju, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", (uintmax_t)round_trip.count,
         (double)histogram_percentile(&round_trip, 50) / 1e3,
         (double)histogram_percentile(&round_trip, 99) / 1e3);
}

/* ---- join ---- */

static int on_connect_alone(swale_consumer *c) {
  static unsigned users;
  char group[32];
  snprintf(group, sizeof group, "user.%u", users++);
  must(swale_join(c, group), "swale_join");
  return swale_accept(c, NULL);
}

static const struct swale_consumer_class lonely = {.connect = on_connect_alone};

/* They are accepted once Redis has their groups. */
static void run_join(const char *url, size_t consumers) {
  struct processes self = {.count = 1, .pids = {getpid()}};
  struct half h;
  open_half(&h, url, &lonely, 0, -1);
  for (uint64_t start = now_ns(); now_ns() - start < WARM_MS * UINT64_C(1000000);)
    turn(&h, RETRY_MS); /* to be connected */
  uint64_t resident = processes_resident(&self), start = now_ns();
  world_populate(&h.world, h.world.loop, consumers, NULL);
  while (h.world.accepted < consumers)
    turn(&h, RETRY_MS);
  printf("{\"joins_per_second\": %.0f, \"resident_each\": %.0f}\n",
         (double)consumers * 1e9 / (double)(now_ns() - start),
         (double)(processes_resident(&self) - resident) / (double)consumers);
  fflush(stdout);
  getchar(); /* until somebody has looked at Redis */
  close_half(&h);
}

int main(int argc, char **argv) {
  if (argc == 7 && strcmp(argv[1], "fan") == 0)
    run_fan(argv[2], parse_number(argv[3], 1, 1000), parse_number(argv[4], 1, 1000000),
            parse_number(argv[5], 1, 1000), parse_number(argv[6], 1, 60000));
  else if (argc == 4 && strcmp(argv[1], "echo") == 0)
    run_echo(argv[2], parse_number(argv[3], 1, 60000));
  else if (argc == 4 && strcmp(argv[1], "join") == 0)
    run_join(argv[2], parse_number(argv[3], 1, 10000000));
  else
    die("redis fan URL PROCESSES MEMBERS WINDOW MS, redis echo URL MS, or redis join URL CONSUMERS");
  return 0;
}

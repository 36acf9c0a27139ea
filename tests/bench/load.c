/* SPDX-License-Identifier: MIT */
/*
 * The load generator: many clients of a server that sends every text it gets to all, unchanged. Prints what it measured as JSON.
 *
 *   load --port 9001 --pid 4711 --members 1000 --size 128 --window 16 --seconds 3
 *   load --port 9001 --pid 4711 --members 4000 --connect 256     handshakes only, so many at a time
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "clients.h"
#include "fanout.h"
#include "process.h"

struct options {
  uint16_t port;
  const char *path;
  struct processes server;
  size_t members, size, connect;
  uint32_t window, seconds_ms;
  bool sleep;
};

static const struct option long_options[] = {
    {"port", required_argument, NULL, 'p'},
    {"pid", required_argument, NULL, 'i'},
    {"path", required_argument, NULL, 'u'},
    {"members", required_argument, NULL, 'n'},
    {"size", required_argument, NULL, 's'},
    {"window", required_argument, NULL, 'w'},
    {"seconds", required_argument, NULL, 't'},
    {"ms", required_argument, NULL, 'm'},
    {"connect", required_argument, NULL, 'c'},
    {"sleep", no_argument, NULL, 'z'},
    {NULL, 0, NULL, 0},
};

static void set_option(struct options *o, int option) {
  switch (option) {
  case 'p':
    o->port = (uint16_t)parse_number(optarg, 1, UINT16_MAX);
    return;
  case 'i':
    processes_parse(&o->server, optarg);
    return;
  case 'u':
    o->path = optarg;
    return;
  case 'n':
    o->members = (size_t)parse_number(optarg, 1, 1000000);
    return;
  case 's':
    o->size = (size_t)parse_number(optarg, CLIENT_STAMP, 1 << 20);
    return;
  case 'w':
    o->window = (uint32_t)parse_number(optarg, 1, FANOUT_WINDOW_MAX);
    return;
  case 't':
    o->seconds_ms = (uint32_t)parse_number(optarg, 1, 3600) * 1000;
    return;
  case 'm':
    o->seconds_ms = (uint32_t)parse_number(optarg, 1, 3600000);
    return;
  case 'c':
    o->connect = (size_t)parse_number(optarg, 1, 1000000);
    return;
  case 'z':
    o->sleep = true;
    return;
  default:
    fputs("usage: load --port N --pid N[,N] [--path /] [--members N] [--size BYTES] [--window MESSAGES]\n"
          "            [--seconds N | --ms N] [--sleep] [--connect HANDSHAKES_AT_A_TIME]\n",
          stderr);
    exit(2);
  }
}

static struct options parse_options(int argc, char **argv) {
  struct options o = {.path = "/", .members = 1000, .size = 128, .window = 1, .seconds_ms = 3000};
  int option;
  while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
    set_option(&o, option);
  if (o.port == 0 || o.server.count == 0 || optind < argc)
    set_option(&o, '?');
  return o;
}

struct measurement {
  uint64_t began_ns, server_ns, own_ns;
};

static struct measurement measure(const struct options *o) {
  return (struct measurement){now_ns(), processes_cpu_ns(&o->server), cpu_ns()};
}

static struct measurement since(const struct options *o, const struct measurement *start) {
  struct measurement now = measure(o);
  return (struct measurement){now.began_ns - start->began_ns, now.server_ns - start->server_ns,
                              now.own_ns - start->own_ns};
}

static void run_connect(const struct options *o) {
  struct clients clients;
  clients_init(&clients, o->port, o->path, o->members);
  struct measurement start = measure(o);
  clients_connect(&clients, o->connect);
  struct measurement took = since(o, &start);
  double n = (double)o->members;
  printf("{\"handshakes\": %zu, \"window\": %zu, \"handshakes_per_second\": %.0f, \"server_ns\": %.1f}\n",
         o->members, o->connect, n * 1e9 / (double)took.began_ns, (double)took.server_ns / n);
  clients_close(&clients);
  clients_free(&clients);
}

/* Resident bytes of the server for each client, once it has had time to settle. */
static double connect_members(const struct options *o, struct clients *clients) {
  uint64_t before = processes_resident(&o->server);
  clients_connect(clients, 64);
  usleep(100000);
  return ((double)processes_resident(&o->server) - (double)before) / (double)o->members;
}

static void run_fanout(const struct options *o) {
  struct clients clients;
  struct fanout fanout;
  clients_init(&clients, o->port, o->path, o->members);
  fanout_init(&fanout, &clients, o->size, o->window, !o->sleep);
  double resident = connect_members(o, &clients);
  fanout_run(&fanout, (uint64_t)o->seconds_ms * 1000000 / 5);
  struct measurement start = measure(o);
  uint32_t messages = fanout_run(&fanout, (uint64_t)o->seconds_ms * 1000000);
  struct measurement took = since(o, &start);
  double n = (double)messages * (double)o->members;
  printf("{\"members\": %zu, \"size\": %zu, \"window\": %u, \"messages\": %u, \"seconds\": %.3f, "
         "\"deliveries_per_second\": %.0f, \"server_ns\": %.1f, \"load_ns\": %.1f, \"wall_ns\": %.1f, "
         "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"resident\": %.0f}\n",
         o->members, o->size, o->window, messages, (double)took.began_ns / 1e9,
         n * 1e9 / (double)took.began_ns, (double)took.server_ns / n, (double)took.own_ns / n,
         (double)took.began_ns / n, (double)histogram_percentile(&fanout.latency, 50) / 1e3,
         (double)histogram_percentile(&fanout.latency, 99) / 1e3, (double)fanout.latency.max / 1e3, resident);
  clients_close(&clients);
  clients_free(&clients);
  fanout_free(&fanout);
}

int main(int argc, char **argv) {
  struct options o = parse_options(argc, argv);
  if (o.connect > 0)
    run_connect(&o);
  else
    run_fanout(&o);
  return 0;
}

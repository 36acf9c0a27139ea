/* SPDX-License-Identifier: MIT */
/*
 * Notifications for every browser that has the page open. HTTP is libmicrohttpd's, the epoll loop and the
 * sockets are this program's, and swale is plugged in: what the README calls a host. Settings come from the
 * environment:
 *
 *     PORT=8000                 0: any free port
 *     HOST=127.0.0.1            the address to listen on
 *     SWALE_LAYER=memory://     where groups live; redis://host/0?mode=pubsub shares them with other processes
 *     THREADS=1                 event loops
 *     CONNECT_DELAY_MS=0        how long a WebSocket waits for its acceptance, as if somebody had to be asked
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <swale/redis.h>

#include "notifications.h"

enum { THREADS_MAX = 64 };

static const char *text_setting(const char *name, const char *fallback) {
  const char *text = getenv(name);
  return text && *text ? text : fallback;
}

static unsigned number_setting(const char *name, unsigned fallback, unsigned min, unsigned max) {
  const char *text = text_setting(name, NULL);
  if (!text)
    return fallback;
  char *end;
  errno = 0;
  unsigned long number = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || errno || number < min || number > max)
    errx(2, "%s must be a number from %u to %u, not '%s'", name, min, max, text);
  return (unsigned)number;
}

/* Blocks the signals for all threads to come, so that they arrive here only. */
static int open_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN); /* libmicrohttpd wants that of hosts with a loop of their own */
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0)
    err(1, "signalfd");
  return fd;
}

static int open_listener(const char *host, const char *port) {
  const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  struct addrinfo *address;
  int error = getaddrinfo(host, port, &hints, &address);
  if (error)
    errx(1, "%s: %s", host, gai_strerror(error));
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
      bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
    err(1, "cannot listen on %s, port %s", host, port);
  freeaddrinfo(address);
  return fd;
}

static void print_url(int listener) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getsockname(listener, (struct sockaddr *)&address, &len) < 0 ||
      getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    err(1, "getsockname");
  printf(address.ss_family == AF_INET6 ? "http://[%s]:%s/\n" : "http://%s:%s/\n", host, port);
  fflush(stdout);
}

static swale_layer *open_layer(const char *url) {
  static const struct swale_backend_class *const backends[] = {&swale_redis_backend, NULL};
  struct swale_layer_config config;
  swale_layer *layer;
  char why[200];
  swale_layer_config_default(&config);
  config.backends = backends;
  if (swale_layer_open(url, &config, &layer, why, sizeof why) < 0)
    errx(1, "SWALE_LAYER: %s", why);
  return layer;
}

static void *run(void *server) {
  server_run(server);
  return NULL;
}

static void run_all(struct server *servers, unsigned n) {
  pthread_t threads[THREADS_MAX];
  uint64_t connects = 0, disconnects = 0;
  for (unsigned i = 0; i < n; i++) {
    errno = pthread_create(&threads[i], NULL, run, &servers[i]);
    if (errno)
      err(1, "pthread_create");
  }
  for (unsigned i = 0; i < n; i++) {
    pthread_join(threads[i], NULL);
    connects += servers[i].connects;
    disconnects += servers[i].disconnects;
  }
  printf("%" PRIu64 " connected, %" PRIu64 " disconnected\n", connects, disconnects);
}

int main(void) {
  static struct server servers[THREADS_MAX];
  unsigned port = number_setting("PORT", 8000, 0, UINT16_MAX),
           n = number_setting("THREADS", 1, 1, THREADS_MAX);
  char port_text[6];
  snprintf(port_text, sizeof port_text, "%u", port);
  struct settings settings = {
      .layer = open_layer(text_setting("SWALE_LAYER", "memory://")),
      .listener = open_listener(text_setting("HOST", "127.0.0.1"), port_text),
      .signals = open_signals(),
      .connect_delay_ms = number_setting("CONNECT_DELAY_MS", 0, 0, 4000),
  };
  for (unsigned i = 0; i < n; i++)
    if (!server_start(&servers[i], &settings))
      return 1;
  if (!server_host_layer(&servers[0]))
    return 1;
  print_url(settings.listener);
  run_all(servers, n);
  close(settings.listener);
  close(settings.signals);
  int error = swale_layer_free(settings.layer);
  if (error < 0)
    errx(1, "swale_layer_free: %s", swale_strerror(error));
  return 0;
}

/* SPDX-License-Identifier: MIT */
#include "home.h"

#include <err.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static void watch(int fd, unsigned events, void *user) {
  struct home *h = user;
  int i = 0;
  while (i < h->n_fds && h->fds[i].fd != fd)
    i++;
  if (events == 0) {
    if (i < h->n_fds)
      h->fds[i] = h->fds[--h->n_fds];
    return;
  }
  if (i == HOME_FDS)
    errx(1, "too many descriptors");
  if (i == h->n_fds)
    h->n_fds++;
  h->fds[i].fd = fd;
  h->fds[i].revents = 0;
  h->fds[i].events =
      (short)((events & SWALE_READABLE ? POLLIN : 0) | (events & SWALE_WRITABLE ? POLLOUT : 0));
}

static void wake(void *user) { eventfd_write(((struct home *)user)->waker, 1); }

void home_open(struct home *h) {
  struct swale_loop_config config;
  *h = (struct home){.waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  swale_loop_config_default(&config);
  config.wake = wake;
  config.user = h;
  if (swale_loop_new(&config, &h->loop) < 0)
    errx(1, "swale_loop_new");
}

void home_take(struct home *h, swale_layer *layer) {
  h->layer = layer;
  int rv = swale_layer_attach(layer, h->loop, &(struct swale_sockets){watch, h});
  if (rv < 0)
    errx(1, "swale_layer_attach: %s", swale_strerror(rv));
}

void home_close(struct home *h) {
  if (h->loop && swale_loop_free(h->loop) < 0)
    errx(1, "swale_loop_free");
  if (h->loop)
    close(h->waker);
  h->loop = NULL;
}

bool home_turn(struct home *h, int most_ms) {
  struct pollfd ready[HOME_FDS + 1];
  eventfd_t wakes;
  int ms = swale_loop_timeout_ms(h->loop), n = h->n_fds;
  if (ms >= 0 && ms < most_ms)
    most_ms = ms;
  for (int i = 0; i < n; i++)
    ready[i] = h->fds[i];
  ready[n] = (struct pollfd){.fd = h->waker, .events = POLLIN};
  bool did = poll(ready, (nfds_t)n + 1, most_ms) > 0;
  for (int i = 0; i < n; i++)
    if (ready[i].revents)
      swale_layer_ready(h->layer, ready[i].fd,
                        (ready[i].revents & ~POLLOUT ? SWALE_READABLE : 0U) |
                            (ready[i].revents & ~POLLIN ? SWALE_WRITABLE : 0U));
  eventfd_read(h->waker, &wakes);
  swale_loop_run(h->loop);
  return did;
}

struct swale_redis_stats home_stats(const struct home *h) {
  struct swale_redis_stats s;
  if (swale_redis_stats_get(h->layer, &s) < 0)
    errx(1, "swale_redis_stats_get");
  return s;
}

void home_settle(struct home *h) {
  while (home_turn(h, 4) || home_stats(h).queued > 0)
    ;
}

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

bool home_await(struct home *h, enum swale_redis_state state, int most_ms) {
  long long end = now_ms() + most_ms;
  while (home_stats(h).state != state && now_ms() < end)
    home_turn(h, 10);
  return home_stats(h).state == state;
}

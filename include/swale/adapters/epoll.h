/* SPDX-License-Identifier: MIT */
/*
 * A home for a layer in a loop of epoll, poll, or whatever can wait for a descriptor (Linux). The layer's sockets are
 * in an epoll of their own, whose descriptor is readable when one of them is ready: wait for that, level-triggered,
 * like for a socket.
 *
 *     struct swale_epoll io;
 *     swale_epoll_attach(&io, layer, loop);
 *     ... wait for io.fd to be readable: swale_epoll_ready(&io) ...
 *     swale_epoll_detach(&io);
 *
 * Everything here: the loop's thread.
 */
#ifndef SWALE_ADAPTERS_EPOLL_H
#define SWALE_ADAPTERS_EPOLL_H

#include <sys/epoll.h>
#include <unistd.h>

#include <swale/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

struct swale_epoll {
  int fd; /* to wait for */
  swale_layer *layer;
};

static inline void swale_epoll_watch(int fd, unsigned events, void *user) {
  struct swale_epoll *io = (struct swale_epoll *)user;
  struct epoll_event event;
  event.events = (events & SWALE_READABLE ? (unsigned)EPOLLIN : 0U) |
                 (events & SWALE_WRITABLE ? (unsigned)EPOLLOUT : 0U);
  event.data.fd = fd;
  if (events == 0)
    epoll_ctl(io->fd, EPOLL_CTL_DEL, fd, &event);
  else if (epoll_ctl(io->fd, EPOLL_CTL_MOD, fd, &event) < 0)
    epoll_ctl(io->fd, EPOLL_CTL_ADD, fd, &event);
}

/* Gives the layer a home; `io` must stay where it is until it is detached. 0, or an error as swale_layer_attach's. */
static inline int swale_epoll_attach(struct swale_epoll *io, swale_layer *layer, struct swale_loop *loop) {
  struct swale_sockets sockets;
  io->layer = layer;
  io->fd = epoll_create1(EPOLL_CLOEXEC);
  if (io->fd < 0)
    return SWALE_ENOMEM;
  sockets.watch = swale_epoll_watch;
  sockets.user = io;
  int rv = swale_layer_attach(layer, loop, &sockets);
  if (rv < 0)
    close(io->fd);
  return rv;
}

/* The descriptor is readable, or may be. */
static inline void swale_epoll_ready(struct swale_epoll *io) {
  struct epoll_event events[16];
  int n = epoll_wait(io->fd, events, 16, 0);
  for (int i = 0; i < n; i++)
    swale_layer_ready(io->layer, events[i].data.fd,
                      (events[i].events & ~(unsigned)EPOLLOUT ? SWALE_READABLE : 0U) |
                          (events[i].events & ~(unsigned)EPOLLIN ? SWALE_WRITABLE : 0U));
}

static inline void swale_epoll_detach(struct swale_epoll *io) {
  swale_layer_detach(io->layer);
  close(io->fd);
}

#ifdef __cplusplus
}
#endif

#endif

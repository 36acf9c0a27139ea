/* SPDX-License-Identifier: MIT */
/*
 * A home for a layer in a loop of epoll, poll, or whatever can wait for a descriptor (Linux).
 * Everything here: the loop's thread.
 *
 * The layer's sockets are in an epoll of their own, whose descriptor is readable when one of them is ready: wait for
 * that, level-triggered, like for a socket.
 *
 *     struct swale_epoll io;
 *     swale_epoll_attach(&io, layer, loop);
 *     ... wait for io.fd to be readable: swale_epoll_ready(&io) ...
 *     swale_epoll_detach(&io);
 *
 * Or they are in the host's own epoll, which saves asking a second one after each wait:
 *
 *     swale_epoll_attach_to(&io, layer, loop, epoll, mark);
 *     n = epoll_wait(epoll, events, max, swale_loop_timeout_ms(loop));
 *     for (i = 0; i < n; i++)
 *       if (!swale_epoll_take(&io, &events[i]))
 *         ... it is the host's ...
 *     swale_loop_run(loop);
 *
 * The layer's events have `mark` in the upper half of data.u64 and the descriptor in the lower. Where the host's have
 * pointers, in programs of 64 bits, any mark from 0x80000000 on is none of a pointer's; otherwise let the host write to
 * data.u64, too, and take a mark it has not.
 */
#ifndef SWALE_ADAPTERS_EPOLL_H
#define SWALE_ADAPTERS_EPOLL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <swale/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

struct swale_epoll {
  int fd; /* to wait for */
  swale_layer *layer;
  uint64_t mark; /* in the upper half; 0: the epoll is its own */
};

static inline void swale_epoll_watch(int fd, unsigned events, void *user) {
  struct swale_epoll *io = (struct swale_epoll *)user;
  struct epoll_event event;
  event.events = (events & SWALE_READABLE ? (unsigned)EPOLLIN : 0U) |
                 (events & SWALE_WRITABLE ? (unsigned)EPOLLOUT : 0U);
  event.data.u64 = io->mark | (uint32_t)fd;
  if (events == 0)
    epoll_ctl(io->fd, EPOLL_CTL_DEL, fd, &event);
  else if (epoll_ctl(io->fd, EPOLL_CTL_MOD, fd, &event) < 0)
    epoll_ctl(io->fd, EPOLL_CTL_ADD, fd, &event);
}

static inline int swale_epoll_begin(struct swale_epoll *io, swale_layer *layer, struct swale_loop *loop) {
  struct swale_sockets sockets;
  io->layer = layer;
  sockets.watch = swale_epoll_watch;
  sockets.user = io;
  return swale_layer_attach(layer, loop, &sockets);
}

/* Gives the layer a home; `io` must stay where it is until it is detached. 0, or an error as swale_layer_attach's. */
static inline int swale_epoll_attach(struct swale_epoll *io, swale_layer *layer, struct swale_loop *loop) {
  io->mark = 0;
  io->fd = epoll_create1(EPOLL_CLOEXEC);
  if (io->fd < 0)
    return SWALE_ENOMEM;
  int rv = swale_epoll_begin(io, layer, loop);
  if (rv < 0)
    close(io->fd);
  return rv;
}

/* Likewise in the host's `epoll`, which stays the host's. SWALE_EINVAL: a mark of 0. */
static inline int swale_epoll_attach_to(struct swale_epoll *io, swale_layer *layer, struct swale_loop *loop,
                                        int epoll, uint32_t mark) {
  if (mark == 0)
    return SWALE_EINVAL;
  io->mark = (uint64_t)mark << 32;
  io->fd = epoll;
  return swale_epoll_begin(io, layer, loop);
}

/* An event of the host's epoll: answers whether it was the layer's, and then it has been seen to. */
static inline bool swale_epoll_take(struct swale_epoll *io, const struct epoll_event *event) {
  if ((event->data.u64 & ~(uint64_t)UINT32_MAX) != io->mark)
    return false;
  swale_layer_ready(io->layer, (int)(uint32_t)event->data.u64,
                    (event->events & ~(unsigned)EPOLLOUT ? SWALE_READABLE : 0U) |
                        (event->events & ~(unsigned)EPOLLIN ? SWALE_WRITABLE : 0U));
  return true;
}

/* The epoll of its own is readable, or may be. */
static inline void swale_epoll_ready(struct swale_epoll *io) {
  struct epoll_event events[16];
  int n = epoll_wait(io->fd, events, 16, 0);
  for (int i = 0; i < n; i++)
    swale_epoll_take(io, &events[i]);
}

static inline void swale_epoll_detach(struct swale_epoll *io) {
  swale_layer_detach(io->layer);
  if (io->mark == 0)
    close(io->fd);
}

#ifdef __cplusplus
}
#endif

#endif

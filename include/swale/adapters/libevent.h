/* SPDX-License-Identifier: MIT */
/*
 * A home for a layer in a loop of libevent. How to run the swale_loop itself is the host's business as ever.
 * Everything here: the thread of the event base.
 *
 *     struct swale_libevent io;
 *     swale_libevent_attach(&io, layer, loop, base);
 *     ...
 *     swale_libevent_detach(&io);
 */
#ifndef SWALE_ADAPTERS_LIBEVENT_H
#define SWALE_ADAPTERS_LIBEVENT_H

#include <event2/event.h>
#include <stdlib.h>

#include <swale/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

struct swale_libevent_socket {
  struct swale_libevent_socket *next;
  struct swale_libevent *io;
  struct event *event;
  int fd;
};

struct swale_libevent {
  struct event_base *base;
  swale_layer *layer;
  struct swale_libevent_socket *sockets;
};

static inline void swale_libevent_ready(evutil_socket_t fd, short what, void *user) {
  struct swale_libevent_socket *s = (struct swale_libevent_socket *)user;
  swale_layer_ready(s->io->layer, (int)fd,
                    (what & EV_READ ? SWALE_READABLE : 0U) | (what & EV_WRITE ? SWALE_WRITABLE : 0U));
}

static inline void swale_libevent_forget(struct swale_libevent_socket **link) {
  struct swale_libevent_socket *s = *link;
  *link = s->next;
  if (s->event)
    event_free(s->event);
  free(s);
}

/* Without memory the socket is deaf, and the layer gives it up when nothing comes. */
static inline void swale_libevent_watch(int fd, unsigned events, void *user) {
  struct swale_libevent *io = (struct swale_libevent *)user;
  struct swale_libevent_socket **link = &io->sockets, *s;
  while (*link && (*link)->fd != fd)
    link = &(*link)->next;
  if (*link)
    swale_libevent_forget(link);
  if (events == 0 || !(s = (struct swale_libevent_socket *)calloc(1, sizeof *s)))
    return;
  s->io = io;
  s->fd = fd;
  s->next = io->sockets;
  io->sockets = s;
  s->event = event_new(io->base, fd,
                       (short)(EV_PERSIST | (events & SWALE_READABLE ? EV_READ : 0) |
                               (events & SWALE_WRITABLE ? EV_WRITE : 0)),
                       swale_libevent_ready, s);
  if (s->event)
    event_add(s->event, NULL);
}

/* Gives the layer a home; `io` must stay where it is until it is detached. 0, or an error as swale_layer_attach's. */
static inline int swale_libevent_attach(struct swale_libevent *io, swale_layer *layer,
                                        struct swale_loop *loop, struct event_base *base) {
  struct swale_sockets sockets;
  io->base = base;
  io->layer = layer;
  io->sockets = NULL;
  sockets.watch = swale_libevent_watch;
  sockets.user = io;
  return swale_layer_attach(layer, loop, &sockets);
}

static inline void swale_libevent_detach(struct swale_libevent *io) {
  swale_layer_detach(io->layer);
  while (io->sockets)
    swale_libevent_forget(&io->sockets);
}

#ifdef __cplusplus
}
#endif

#endif

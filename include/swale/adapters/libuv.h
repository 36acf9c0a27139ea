/* SPDX-License-Identifier: MIT */
/*
 * A home for a layer in a loop of libuv. How to run the swale_loop itself is the host's business as ever.
 * Everything here: the thread of the uv_loop_t.
 *
 *     struct swale_libuv io;
 *     swale_libuv_attach(&io, layer, loop, uv_default_loop());
 *     ...
 *     swale_libuv_detach(&io);          and let the uv loop run once more, as it wants for closing handles
 */
#ifndef SWALE_ADAPTERS_LIBUV_H
#define SWALE_ADAPTERS_LIBUV_H

#include <stdlib.h>
#include <uv.h>

#include <swale/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

struct swale_libuv_socket {
  uv_poll_t poll;
  struct swale_libuv_socket *next;
  struct swale_libuv *io;
  int fd;
};

struct swale_libuv {
  uv_loop_t *loop;
  swale_layer *layer;
  struct swale_libuv_socket *sockets;
};

static inline void swale_libuv_ready(uv_poll_t *handle, int status, int events) {
  struct swale_libuv_socket *s = (struct swale_libuv_socket *)handle->data;
  unsigned ready = SWALE_READABLE | SWALE_WRITABLE; /* an error is both */
  if (status == 0)
    ready = (events & UV_READABLE ? SWALE_READABLE : 0U) | (events & UV_WRITABLE ? SWALE_WRITABLE : 0U);
  swale_layer_ready(s->io->layer, s->fd, ready);
}

static inline void swale_libuv_closed(uv_handle_t *handle) { free(handle->data); }

static inline void swale_libuv_forget(struct swale_libuv_socket **link) {
  struct swale_libuv_socket *s = *link;
  *link = s->next;
  uv_poll_stop(&s->poll);
  uv_close((uv_handle_t *)&s->poll, swale_libuv_closed);
}

static inline struct swale_libuv_socket *swale_libuv_socket_new(struct swale_libuv *io, int fd) {
  struct swale_libuv_socket *s = (struct swale_libuv_socket *)calloc(1, sizeof *s);
  if (!s)
    return NULL;
  if (uv_poll_init(io->loop, &s->poll, fd) < 0) {
    free(s);
    return NULL;
  }
  s->poll.data = s;
  s->io = io;
  s->fd = fd;
  s->next = io->sockets;
  io->sockets = s;
  return s;
}

/* Without memory the socket is deaf, and the layer gives it up when nothing comes. */
static inline void swale_libuv_watch(int fd, unsigned events, void *user) {
  struct swale_libuv *io = (struct swale_libuv *)user;
  struct swale_libuv_socket **link = &io->sockets, *s;
  while (*link && (*link)->fd != fd)
    link = &(*link)->next;
  if (events == 0) {
    if (*link)
      swale_libuv_forget(link);
    return;
  }
  s = *link ? *link : swale_libuv_socket_new(io, fd);
  if (s)
    uv_poll_start(&s->poll,
                  (events & SWALE_READABLE ? UV_READABLE : 0) | (events & SWALE_WRITABLE ? UV_WRITABLE : 0),
                  swale_libuv_ready);
}

/* Gives the layer a home; `io` must stay where it is until it is detached. 0, or an error as swale_layer_attach's. */
static inline int swale_libuv_attach(struct swale_libuv *io, swale_layer *layer, struct swale_loop *loop,
                                     uv_loop_t *uv) {
  struct swale_sockets sockets;
  io->loop = uv;
  io->layer = layer;
  io->sockets = NULL;
  sockets.watch = swale_libuv_watch;
  sockets.user = io;
  return swale_layer_attach(layer, loop, &sockets);
}

static inline void swale_libuv_detach(struct swale_libuv *io) {
  swale_layer_detach(io->layer);
  while (io->sockets)
    swale_libuv_forget(&io->sockets);
}

#ifdef __cplusplus
}
#endif

#endif

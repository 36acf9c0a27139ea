/* SPDX-License-Identifier: MIT */
/*
 * A broadcast as people write it with wslay: wslay_event_queue_msg for each member, then wslay_event_send.
 *
 *   server_wslay 9001
 */
#include <errno.h>
#include <sys/socket.h>

#include <wslay/wslay.h>

#include "bare.h"
#include "bench.h"

struct connection {
  struct bare_connection bare;
  struct bare_server *server;
  wslay_event_context_ptr context;
};

static ssize_t on_recv(wslay_event_context_ptr context, uint8_t *data, size_t len, int flags, void *user) {
  const struct connection *c = user;
  (void)flags;
  ssize_t n = recv(c->bare.fd, data, len, 0);
  if (n > 0)
    return n;
  wslay_event_set_error(context,
                        n < 0 && errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *data, size_t len, int flags,
                       void *user) {
  const struct connection *c = user;
  ssize_t n = send(c->bare.fd, data, len, MSG_NOSIGNAL | (flags & WSLAY_MSG_MORE ? MSG_MORE : 0));
  if (n >= 0)
    return n;
  wslay_event_set_error(context, errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

static void on_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *arg,
                       void *user) {
  struct connection *from = user;
  struct bare_server *s = from->server;
  struct wslay_event_msg message = {arg->opcode, arg->msg, arg->msg_length};
  (void)context;
  if (arg->opcode != WSLAY_TEXT_FRAME)
    return;
  for (size_t i = s->count; i-- > 0;) {
    struct connection *c = (struct connection *)s->members[i];
    wslay_event_queue_msg(c->context, &message);
    if (wslay_event_send(c->context) != 0 && c != from)
      bare_close(s, &c->bare);
  }
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .on_msg_recv_callback = on_message,
};

static void opened(struct bare_server *s, struct bare_connection *bare) {
  struct connection *c = (struct connection *)bare;
  c->server = s;
  if (wslay_event_context_server_init(&c->context, &callbacks, c) != 0)
    die("wslay_event_context_server_init");
}

static void closed(struct bare_server *s, struct bare_connection *bare) {
  (void)s;
  wslay_event_context_free(((struct connection *)bare)->context);
}

/* wslay_event_recv reads until EAGAIN. */
static void readable(struct bare_server *s, struct bare_connection *bare) {
  wslay_event_context_ptr context = ((struct connection *)bare)->context;
  if (wslay_event_recv(context) != 0 || (!wslay_event_want_read(context) && !wslay_event_want_write(context)))
    bare_close(s, bare);
}

static void writable(struct bare_server *s, struct bare_connection *bare) {
  wslay_event_context_ptr context = ((struct connection *)bare)->context;
  if (wslay_event_want_write(context) && wslay_event_send(context) != 0)
    bare_close(s, bare);
}

static const struct bare_class class = {
    .connection_size = sizeof(struct connection),
    .opened = opened,
    .readable = readable,
    .writable = writable,
    .closed = closed,
};

int main(int argc, char **argv) {
  if (argc != 2)
    die("usage: server_wslay PORT");
  bare_serve(&class, (uint16_t)parse_number(argv[1], 1, UINT16_MAX), NULL);
}

/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <swale/ws.h>

/*
 * A host on io_uring. One system call a turn hands the kernel all that is to be sent, and brings what has come in.
 *
 * Sends never wait inside the kernel (MSG_DONTWAIT): each has its result when the call that submitted it returns, so what
 * swale_ws_peek showed need not be remembered for long. A full socket is polled, and what is left tried again.
 *
 * Members of a group are sent the same frames, so the same list of iovecs does for all of them: it is written down once, and
 * a connection whose list differs from the last one's takes the next of a few places.
 */
enum {
  ENTRIES = 1024,
  BUFFERS = 256, /* a power of two */
  BUFFER_SIZE = 16384,
  LISTS = 64,
  LIST_MAX = 64
};

enum operation { ACCEPT, RECEIVE, SEND, POLL, CANCEL, OPERATION_MASK = 7 };

struct list {
  struct msghdr header;
  struct iovec iov[LIST_MAX];
};

struct host {
  struct io_uring ring;
  struct io_uring_buf_ring *buffers;
  unsigned char *memory; /* of the buffers */
  int listener;
  swale_app *app;
  swale_loop *loop;
  struct swale_ws_options options;
  struct list lists[LISTS];
  unsigned n_lists; /* in use since the last submit */
};

struct connection {
  struct host *host;
  swale_ws *ws; /* NULL: closed, operations are still under way */
  int fd;
  unsigned under_way; /* operations the kernel has */
  bool receiving, sending, cancelling;
};

/* ---- submitting ---- */

static void submit(struct host *h) {
  io_uring_submit(&h->ring);
  h->n_lists = 0;
}

/* So that the next operation, and a list for it, have a place. */
static void make_room(struct host *h) {
  if (io_uring_sq_space_left(&h->ring) == 0 || h->n_lists == LISTS)
    submit(h);
}

static struct io_uring_sqe *place(struct host *h) {
  make_room(h);
  return io_uring_get_sqe(&h->ring);
}

/* How its result will be told from others: by what it is and whose, a connection's or the host's. */
static uint64_t name_of(const void *subject, enum operation what) {
  return (uint64_t)(uintptr_t)subject | what;
}

static void start(struct connection *c, enum operation what, struct io_uring_sqe *sqe) {
  sqe->user_data = name_of(c, what);
  c->under_way++;
}

static void accept_all(struct host *h) {
  struct io_uring_sqe *sqe = place(h);
  io_uring_prep_multishot_accept(sqe, h->listener, NULL, NULL, SOCK_CLOEXEC);
  sqe->user_data = name_of(h, ACCEPT);
}

static void receive(struct connection *c) {
  struct io_uring_sqe *sqe = place(c->host);
  io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = 0;
  start(c, RECEIVE, sqe);
  c->receiving = true;
}

/* Ends the receiving; what has come until then is still fed. */
static void stop_receiving(struct connection *c) {
  struct io_uring_sqe *sqe = place(c->host);
  io_uring_prep_cancel64(sqe, name_of(c, RECEIVE), 0);
  start(c, CANCEL, sqe);
  c->cancelling = true;
}

static void wait_until_writable(struct connection *c) {
  struct io_uring_sqe *sqe = place(c->host);
  io_uring_prep_poll_add(sqe, c->fd, POLLOUT);
  start(c, POLL, sqe);
  c->sending = true;
}

/* ---- sending ---- */

static struct msghdr *remember(struct host *h, const struct iovec *iov, size_t n) {
  struct list *last = h->n_lists > 0 ? &h->lists[h->n_lists - 1] : NULL;
  if (last && last->header.msg_iovlen == n && memcmp(last->iov, iov, n * sizeof *iov) == 0)
    return &last->header;
  struct list *list = &h->lists[h->n_lists++];
  memcpy(list->iov, iov, n * sizeof *iov);
  list->header = (struct msghdr){.msg_iov = list->iov, .msg_iovlen = n};
  return &list->header;
}

static void send_output(struct connection *c) {
  struct iovec iov[LIST_MAX];
  int n = c->sending ? 0 : swale_ws_peek(c->ws, iov, LIST_MAX);
  if (n <= 0)
    return;
  make_room(c->host);
  struct msghdr *list = n > 1 ? remember(c->host, iov, (size_t)n) : NULL;
  struct io_uring_sqe *sqe = io_uring_get_sqe(&c->host->ring);
  if (list)
    io_uring_prep_sendmsg(sqe, c->fd, list, MSG_NOSIGNAL | MSG_DONTWAIT);
  else
    io_uring_prep_send(sqe, c->fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
  start(c, SEND, sqe);
  c->sending = true;
}

/* ---- connections ---- */

static void finish(struct connection *c) {
  if (c->ws || c->under_way > 0)
    return;
  close(c->fd);
  free(c);
}

/* The kernel ends what it is doing for a socket that was shut down. */
static void close_connection(struct connection *c) {
  if (!c->ws)
    return;
  swale_ws_free(c->ws);
  c->ws = NULL;
  shutdown(c->fd, SHUT_RDWR);
}

/* Does what the connection waits for. */
static void follow(struct connection *c) {
  if (!c->ws)
    return;
  unsigned state = swale_ws_state(c->ws);
  if (state & SWALE_WS_CLOSED) {
    close_connection(c);
    return;
  }
  if (state & SWALE_WS_WANT_WRITE)
    send_output(c);
  if ((state & SWALE_WS_WANT_READ) && !c->receiving)
    receive(c);
  else if (!(state & SWALE_WS_WANT_READ) && c->receiving && !c->cancelling)
    stop_receiving(c);
}

static void on_output(swale_ws *ws, void *host_data) {
  (void)ws;
  follow(host_data);
}

static void open_connection(struct host *h, int fd) {
  struct connection *c = calloc(1, sizeof *c);
  if (!c || swale_ws_new(h->app, h->loop, &h->options, NULL, NULL, c, &c->ws) < 0) {
    free(c);
    close(fd);
    return;
  }
  c->host = h;
  c->fd = fd;
  receive(c);
}

/* ---- what the kernel has done ---- */

static void give_buffer_back(struct host *h, unsigned id) {
  io_uring_buf_ring_add(h->buffers, h->memory + (size_t)id * BUFFER_SIZE, BUFFER_SIZE, (unsigned short)id,
                        io_uring_buf_ring_mask(BUFFERS), 0);
  io_uring_buf_ring_advance(h->buffers, 1);
}

static void received(struct connection *c, int result, unsigned flags) {
  if (!(flags & IORING_CQE_F_MORE)) {
    c->receiving = c->cancelling = false;
    c->under_way--;
  }
  if (flags & IORING_CQE_F_BUFFER) {
    unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
    if (c->ws && result > 0)
      swale_ws_feed(c->ws, c->host->memory + (size_t)id * BUFFER_SIZE, (size_t)result);
    give_buffer_back(c->host, id);
  }
  if (c->ws && result == 0)
    swale_ws_feed_eof(c->ws);
  else if (result < 0 && result != -ENOBUFS && result != -ECANCELED)
    close_connection(c);
}

static void sent(struct connection *c, int result) {
  c->under_way--;
  c->sending = false;
  if (!c->ws)
    return;
  if (result >= 0)
    swale_ws_ack(c->ws, (size_t)result);
  else if (result == -EAGAIN)
    wait_until_writable(c);
  else
    close_connection(c);
}

static void polled(struct connection *c) {
  c->under_way--;
  c->sending = false;
}

static void accepted(struct host *h, int result, unsigned flags) {
  if (result >= 0)
    open_connection(h, result);
  if (!(flags & IORING_CQE_F_MORE))
    accept_all(h);
}

static void take(struct host *h, uint64_t data, int result, unsigned flags) {
  struct connection *c = (struct connection *)(uintptr_t)(data & ~(uint64_t)OPERATION_MASK);
  switch ((enum operation)(data & OPERATION_MASK)) {
  case ACCEPT:
    accepted(h, result, flags);
    return;
  case RECEIVE:
    received(c, result, flags);
    break;
  case SEND:
    sent(c, result);
    break;
  case POLL:
    polled(c);
    break;
  case CANCEL:
  case OPERATION_MASK:
    c->under_way--;
    break;
  }
  follow(c);
  finish(c);
}

/* ---- the loop ---- */

static int wait_and_take(struct host *h) {
  struct io_uring_cqe *cqe;
  int ms = swale_loop_timeout_ms(h->loop);
  struct __kernel_timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000LL};
  int rv = io_uring_submit_and_wait_timeout(&h->ring, &cqe, 1, ms < 0 ? NULL : &time, NULL);
  h->n_lists = 0;
  if (rv < 0 && rv != -ETIME && rv != -EINTR)
    return rv;
  while (io_uring_peek_cqe(&h->ring, &cqe) == 0) {
    struct io_uring_cqe done = *cqe;
    io_uring_cqe_seen(&h->ring, cqe);
    take(h, done.user_data, done.res, done.flags);
  }
  return 0;
}

static int open_ring(struct host *h) {
  struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                            IORING_SETUP_CQSIZE,
                                   .cq_entries = 16 * ENTRIES};
  int rv = io_uring_queue_init_params(ENTRIES, &h->ring, &params);
  if (rv < 0)
    return rv;
  size_t size = BUFFERS * sizeof(struct io_uring_buf);
  h->buffers = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  h->memory = malloc((size_t)BUFFERS * BUFFER_SIZE);
  if (h->buffers == MAP_FAILED || !h->memory)
    return -ENOMEM;
  struct io_uring_buf_reg reg = {
      .ring_addr = (uint64_t)(uintptr_t)h->buffers, .ring_entries = BUFFERS, .bgid = 0};
  rv = io_uring_register_buf_ring(&h->ring, &reg, 0);
  io_uring_buf_ring_init(h->buffers);
  for (unsigned id = 0; rv == 0 && id < BUFFERS; id++)
    give_buffer_back(h, id);
  return rv;
}

/* Connections inherit TCP_NODELAY from the socket they come from. */
static int listen_on(uint16_t port) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0 ||
      bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, SOMAXCONN) < 0)
    return -errno;
  return fd;
}

int host_serve(swale_app *app, uint16_t port) {
  static struct host h;
  h.app = app;
  h.listener = listen_on(port);
  if (h.listener < 0)
    return h.listener;
  int rv = open_ring(&h);
  if (rv == 0 && swale_loop_new(NULL, &h.loop) < 0)
    rv = -ENOMEM;
  if (rv < 0)
    return rv;
  swale_ws_options_default(&h.options);
  h.options.on_output = on_output;
  accept_all(&h);
  while ((rv = wait_and_take(&h)) == 0)
    swale_loop_run(h.loop);
  return rv;
}

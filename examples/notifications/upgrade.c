/* SPDX-License-Identifier: MIT */
#include "notifications.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/*
 * A WebSocket request and what becomes of it:
 *
 *   request complete ---> undecided ---> 101 sent ---> a socket of ours ---> ended ---> given back
 *                   \               \--> refused ---------------------------/
 *
 * Two sides hold a struct upgrade: libmicrohttpd, through the request, until upgrade_forget; and this file,
 * through one of the server's lists, until upgrade_bury_ended. Whoever is last frees it. Ending is put off
 * because an event of this turn may still mean the connection, and because libmicrohttpd calls upgrade_forget
 * under a lock of its own.
 */
struct upgrade {
  struct server *server;
  swale_ws *ws;                             /* NULL once it was buried */
  struct MHD_Connection *suspended;         /* while the consumer is undecided */
  struct MHD_UpgradeResponseHandle *handle; /* while there is a socket of ours */
  int fd;
  uint32_t events;   /* that epoll waits for */
  bool is_requested; /* libmicrohttpd holds it */
  bool has_ended;
  LIST_ENTRY(upgrade) entry;
};

static void end(struct upgrade *u) {
  if (u->has_ended)
    return;
  u->has_ended = true;
  LIST_REMOVE(u, entry);
  LIST_INSERT_HEAD(&u->server->ended, u, entry);
}

void upgrade_forget(struct upgrade *u) {
  u->is_requested = false;
  if (u->ws)
    end(u);
  else
    free(u);
}

/* The socket is libmicrohttpd's to close. */
static void give_back(struct upgrade *u) {
  epoll_ctl(u->server->epoll, EPOLL_CTL_DEL, u->fd, NULL);
  MHD_upgrade_action(u->handle, MHD_UPGRADE_ACTION_CLOSE);
  u->handle = NULL;
  u->server->http_due = true;
}

void upgrade_bury_ended(struct server *s) {
  for (struct upgrade *u; (u = LIST_FIRST(&s->ended)) != NULL;) {
    LIST_REMOVE(u, entry);
    swale_ws_free(u->ws);
    u->ws = NULL;
    if (u->handle)
      give_back(u);
    if (!u->is_requested)
      free(u);
  }
}

/* ---- the request ---- */

struct headers {
  struct swale_header *at;
  size_t n;
};

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value) {
  struct headers *headers = cls;
  (void)kind;
  headers->at[headers->n++] = (struct swale_header){name, value ? value : ""};
  return MHD_YES;
}

/* "host:port", or "" if it cannot be told. */
static void describe_client(struct MHD_Connection *connection, char *out, size_t size) {
  const struct sockaddr *address =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
  socklen_t len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  char host[64], port[8];
  *out = '\0';
  if (getnameinfo(address, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
    snprintf(out, size, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int open_ws(struct upgrade *u, struct MHD_Connection *connection, const char *method,
                   const char *version, const char *target) {
  int n = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);
  struct headers headers = {calloc((size_t)n + 1, sizeof *headers.at), 0};
  char client[80];
  if (!headers.at)
    return SWALE_ENOMEM;
  MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, &headers);
  describe_client(connection, client, sizeof client);
  const struct swale_ws_upgrade request = {
      .size = sizeof request,
      .method = method,
      .version = version,
      .request = {.size = sizeof request.request,
                  .target = target,
                  .client = client,
                  .headers = headers.at,
                  .n_headers = headers.n},
  };
  const struct server *s = u->server;
  int error = swale_ws_new_upgraded(s->app, s->loop, &s->options, &request, u, &u->ws);
  free(headers.at);
  return error;
}

struct upgrade *upgrade_new(struct server *s, struct MHD_Connection *connection, const char *method,
                            const char *version, const char *target) {
  struct upgrade *u = calloc(1, sizeof *u);
  if (!u)
    return NULL;
  *u = (struct upgrade){.server = s, .fd = -1, .is_requested = true};
  if (open_ws(u, connection, method, version, target) < 0) {
    free(u);
    return NULL;
  }
  LIST_INSERT_HEAD(&s->open, u, entry);
  return u;
}

/* ---- the socket ---- */

/* Waits for what the connection wants now, or ends it. */
static void update(struct upgrade *u, unsigned state) {
  struct epoll_event event = {.data.ptr = u};
  event.events |= state & SWALE_WS_WANT_READ ? EPOLLIN | EPOLLRDHUP : 0u;
  event.events |= state & SWALE_WS_WANT_WRITE ? EPOLLOUT : 0u;
  if (state & SWALE_WS_CLOSED)
    end(u);
  else if (event.events != u->events && epoll_ctl(u->server->epoll, EPOLL_CTL_MOD, u->fd, &event) < 0)
    end(u);
  u->events = event.events;
}

void upgrade_on_event(struct upgrade *u, uint32_t events) {
  if (u->has_ended)
    return;
  update(u, swale_ws_pump_fd(u->ws, u->fd, NULL));
  if (events & (EPOLLERR | EPOLLHUP)) /* nobody is there any more */
    end(u);
}

/* Before there is a socket, output waits for it. */
void upgrade_on_output(swale_ws *ws, void *upgrade) {
  struct upgrade *u = upgrade;
  if (u->handle && !u->has_ended)
    update(u, swale_ws_flush_fd(ws, u->fd));
}

/* The answer was sent. `early` is what the client did not wait for it with. */
static void on_upgraded(void *upgrade, struct MHD_Connection *connection, void *request, const char *early,
                        size_t early_len, int fd, struct MHD_UpgradeResponseHandle *handle) {
  struct upgrade *u = upgrade;
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = u};
  (void)connection, (void)request;
  u->fd = fd;
  u->handle = handle;
  u->events = event.events;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (epoll_ctl(u->server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
    end(u);
    return;
  }
  if (early_len > 0)
    swale_ws_feed(u->ws, early, early_len);
  update(u, swale_ws_flush_fd(u->ws, fd));
}

/* ---- the answer ---- */

static enum MHD_Result queue_answer(struct MHD_Connection *connection, const struct swale_ws_answer *answer,
                                    struct MHD_Response *response) {
  if (!response)
    return MHD_NO;
  for (size_t i = 0; i < answer->n_headers; i++)
    if (strcasecmp(answer->headers[i].name, "Connection") != 0) /* libmicrohttpd says that itself */
      MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
  enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
  MHD_destroy_response(response);
  return result;
}

enum MHD_Result upgrade_answer(struct upgrade *u, struct MHD_Connection *connection) {
  struct swale_ws_answer answer;
  int error = swale_ws_get_answer(u->ws, &answer);
  if (error == SWALE_EAGAIN) {
    u->suspended = connection;
    MHD_suspend_connection(connection);
    return MHD_YES;
  }
  if (error < 0)
    return MHD_NO;
  if (answer.status == MHD_HTTP_SWITCHING_PROTOCOLS)
    return queue_answer(connection, &answer, MHD_create_response_for_upgrade(on_upgraded, u));
  struct MHD_Response *refusal =
      MHD_create_response_from_buffer(answer.body_len, (void *)answer.body, MHD_RESPMEM_MUST_COPY);
  if (refusal)
    MHD_add_response_header(refusal, "Content-Type", "text/plain; charset=utf-8");
  enum MHD_Result result = queue_answer(connection, &answer, refusal);
  end(u);
  return result;
}

void upgrade_on_answer(swale_ws *ws, void *upgrade) {
  struct upgrade *u = upgrade;
  (void)ws;
  if (!u->suspended)
    return;
  MHD_resume_connection(u->suspended);
  u->suspended = NULL;
  u->server->http_due = true;
}

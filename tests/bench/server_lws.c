/* SPDX-License-Identifier: MIT */
/*
 * A broadcast as libwebsockets' own examples do it: a message goes into a ring, every connection asks to be called when it can
 * write, and writes what it has not had. At its best: as many messages a call as the socket takes.
 *
 *   server_lws 9001
 */
#include <string.h>

#include <libwebsockets.h>

#include "bench.h"

/* Members may be this many messages behind; more is more than the load generator ever has under way. */
enum { RING = 1024, RECEIVE_BUFFER = 1 << 16, MESSAGE_MAX = 1 << 20 };

struct message {
  unsigned char *bytes; /* behind LWS_PRE bytes of room for the header */
  size_t len;
};

struct member {
  uint64_t next; /* number of the message to be sent next */
};

static struct message ring[RING];
static uint64_t published;
static unsigned char incoming[LWS_PRE + MESSAGE_MAX];
static size_t incoming_len;

static void publish(const struct lws *wsi) {
  struct message *m = &ring[published++ % RING];
  free(m->bytes);
  m->len = incoming_len;
  m->bytes = must_alloc(LWS_PRE + m->len);
  memcpy(m->bytes + LWS_PRE, incoming + LWS_PRE, m->len);
  lws_callback_on_writable_all_protocol(lws_get_context(wsi), lws_get_protocol((struct lws *)(uintptr_t)wsi));
}

static int receive(struct lws *wsi, const void *bytes, size_t len) {
  if (lws_is_first_fragment(wsi))
    incoming_len = 0;
  if (len > MESSAGE_MAX - incoming_len)
    return -1;
  memcpy(incoming + LWS_PRE + incoming_len, bytes, len);
  incoming_len += len;
  if (lws_is_final_fragment(wsi))
    publish(wsi);
  return 0;
}

static int send_waiting(struct lws *wsi, struct member *member) {
  while (member->next < published) {
    const struct message *m = &ring[member->next % RING];
    if (lws_write(wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_TEXT) < (int)m->len)
      return -1;
    member->next++;
    if (member->next < published && lws_send_pipe_choked(wsi)) {
      lws_callback_on_writable(wsi);
      return 0;
    }
  }
  return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
  struct member *member = user;
  switch ((int)reason) {
  case LWS_CALLBACK_ESTABLISHED:
    member->next = published;
    return 0;
  case LWS_CALLBACK_RECEIVE:
    return receive(wsi, in, len);
  case LWS_CALLBACK_SERVER_WRITEABLE:
    return send_waiting(wsi, member);
  default:
    return 0;
  }
}

int main(int argc, char **argv) {
  if (argc != 2)
    die("usage: server_lws PORT");
  static const struct lws_protocols protocols[] = {
      {.name = "bench",
       .callback = callback,
       .per_session_data_size = sizeof(struct member),
       .rx_buffer_size = RECEIVE_BUFFER},
      {.name = NULL},
  };
  struct lws_context_creation_info info = {
      .port = (int)parse_number(argv[1], 1, UINT16_MAX),
      .protocols = protocols,
      .iface = "127.0.0.1",
      .gid = -1,
      .uid = -1,
      .pt_serv_buf_size = RECEIVE_BUFFER,
  };
  lws_set_log_level(LLL_ERR, NULL);
  struct lws_context *context = lws_create_context(&info);
  if (!context)
    die("lws_create_context");
  while (lws_service(context, 0) >= 0)
    ;
  return 1;
}

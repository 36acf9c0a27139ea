/* SPDX-License-Identifier: MIT */
#include "testing/communicator.h"

#include <string.h>

#include "testing/settle.h"

/* ---- calls ---------------------------------------------------------------------------------- */

static void destroy(swale_communicator *p) {
  struct swale_allocator a = p->allocator;
  swale__communicator_forget_answer(p);
  swale__mailbox_clear(&p->mail);
  swale__testing_headers_clear(&p->headers, &a);
  swale__testing_names_clear(&p->subprotocols, &a);
  a.free(p->target, a.user);
  a.free(p->client, a.user);
  a.free(p->server, a.user);
  swale_loop_release(p->loop);
  a.free(p, a.user);
}

int swale__communicator_begin(swale_communicator *p) {
  p->calls++;
  return swale__testing_settle(p->loop);
}

int swale__communicator_end(swale_communicator *p, int rv) {
  if (--p->calls == 0 && p->doomed)
    destroy(p);
  return rv;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* What a request line can hold: a path, no spaces or control characters. */
static bool is_target(const char *path) {
  if (*path != '/')
    return false;
  for (; *path; path++)
    if ((unsigned char)*path <= ' ' || *path == 0x7F)
      return false;
  return true;
}

int swale_communicator_new(swale_app *app, swale_loop *loop, const char *path, const struct swale_env *env,
                           swale_communicator **out) {
  struct swale_env surroundings;
  *out = NULL;
  if (!is_target(path))
    return SWALE_EINVAL;
  swale_env_default(&surroundings);
  if (env && env->allocator.malloc)
    surroundings.allocator = env->allocator;
  struct swale_allocator a = surroundings.allocator;
  swale_communicator *p = a.malloc(sizeof *p, a.user);
  if (!p)
    return SWALE_ENOMEM;
  *p = (swale_communicator){.allocator = a, .app = app, .loop = loop};
  p->target = swale__testing_copy(&a, path);
  int rv = p->target ? swale_loop_hold(loop) : SWALE_ENOMEM;
  if (rv < 0) {
    a.free(p->target, a.user);
    a.free(p, a.user);
    return rv;
  }
  swale__mailbox_init(&p->mail, &p->allocator);
  *out = p;
  return 0;
}

static void free_later(struct swale_job *job) {
  swale_communicator *p = (swale_communicator *)((char *)job - offsetof(swale_communicator, freeing));
  p->doomed = true;
  if (p->calls == 0)
    destroy(p);
}

void swale_communicator_free(swale_communicator *p) {
  if (!p)
    return;
  swale_loop *loop = p->loop;
  swale_loop_enter(loop);
  swale__communicator_lose(p, 1006);
  p->freeing.run = free_later;
  swale_loop_defer(loop, &p->freeing);
  swale_loop_leave(loop);
}

/* ---- the request -------------------------------------------------------------------------------- */

static bool is_token(const char *text) {
  for (const char *at = text; *at; at++) {
    bool alphanumeric =
        (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z');
    if (!alphanumeric && !strchr("!#$%&'*+-.^_`|~", *at))
      return false;
  }
  return *text != '\0';
}

static bool is_field_value(const char *text) {
  for (; *text; text++)
    if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7F)
      return false;
  return true;
}

int swale_communicator_header(swale_communicator *p, const char *name, const char *value) {
  if (!is_token(name) || !is_field_value(value))
    return SWALE_EINVAL;
  if (p->stage != SWALE__PEER_FRESH)
    return SWALE_ESTATE;
  return swale__testing_headers_add(&p->headers, &p->allocator, name, value);
}

int swale_communicator_subprotocol(swale_communicator *p, const char *name) {
  if (!is_token(name))
    return SWALE_EINVAL;
  if (p->stage != SWALE__PEER_FRESH)
    return SWALE_ESTATE;
  return swale__testing_names_add(&p->subprotocols, &p->allocator, name);
}

static int replace(swale_communicator *p, char **text, const char *by) {
  char *copy = by ? swale__testing_copy(&p->allocator, by) : NULL;
  if (by && !copy)
    return SWALE_ENOMEM;
  p->allocator.free(*text, p->allocator.user);
  *text = copy;
  return 0;
}

int swale_communicator_address(swale_communicator *p, const char *client, const char *server) {
  if (p->stage != SWALE__PEER_FRESH)
    return SWALE_ESTATE;
  int rv = replace(p, &p->client, client);
  return rv ? rv : replace(p, &p->server, server);
}

/* ---- connecting ------------------------------------------------------------------------------------ */

static int answer(const swale_communicator *p) {
  if (p->accepted)
    return 0;
  if (p->status)
    return p->status;
  switch (p->stage) {
  case SWALE__PEER_FRESH:
    return SWALE_ESTATE;
  case SWALE__PEER_GONE:
    return SWALE_ECLOSED;
  default:
    return SWALE_EAGAIN;
  }
}

/* No consumer came to be. */
static void note_refusal(swale_communicator *p, int rv) {
  swale__communicator_forget_answer(p);
  p->consumer = NULL;
  p->status = rv > 0 ? rv : 0;
  p->stage = rv > 0 ? SWALE__PEER_GONE : SWALE__PEER_FRESH;
}

static int open_consumer(swale_communicator *p) {
  struct swale_request request = {
      .size = sizeof request,
      .target = p->target,
      .scheme = "ws",
      .client = p->client,
      .server = p->server,
      .headers = p->headers.items,
      .n_headers = p->headers.n,
      .subprotocols = p->subprotocols.items,
      .n_subprotocols = p->subprotocols.n,
  };
  p->stage = SWALE__PEER_UNDECIDED;
  swale_loop_enter(p->loop);
  int rv = swale_consumer_open(p->app, p->loop, &request, &swale__communicator_class, p, &p->consumer);
  if (rv)
    note_refusal(p, rv);
  else if (p->stage == SWALE__PEER_GONE)
    p->consumer = NULL;
  else if (p->stalled)
    swale_consumer_pause(p->consumer);
  swale_loop_leave(p->loop);
  return rv < 0 ? rv : 0;
}

int swale_communicator_connect(swale_communicator *p) {
  int rv = swale__communicator_begin(p);
  if (rv == 0)
    rv = p->stage == SWALE__PEER_FRESH ? open_consumer(p) : SWALE_ESTATE;
  if (rv == 0)
    rv = swale__testing_settle(p->loop);
  return swale__communicator_end(p, rv ? rv : answer(p));
}

int swale_communicator_answer(swale_communicator *p) {
  int rv = swale__communicator_begin(p);
  return swale__communicator_end(p, rv ? rv : answer(p));
}

const char *swale_communicator_accepted_subprotocol(const swale_communicator *p) { return p->subprotocol; }
const char *swale_communicator_body(const swale_communicator *p) { return p->body; }

const char *swale_communicator_answer_header(const swale_communicator *p, const char *name) {
  return swale__testing_headers_find(&p->answer_headers, name);
}

swale_consumer *swale_communicator_consumer(const swale_communicator *p) { return p->consumer; }

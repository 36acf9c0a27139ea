/* SPDX-License-Identifier: MIT */
/* What a consumer says to its peer once: the decision, the close. */
#include <string.h>
#include <strings.h>

#include <swale/utf8.h>

#include "core/app.h"
#include "core/consumer.h"
#include "core/layer.h"
#include "core/loop.h"

#define HEADERS_MAX 32
#define REASON_MAX 123

static const struct swale_allocator *memory(const swale_consumer *c) { return &c->port->loop->env.allocator; }

/*
 * What is said may be said outside of all calls on the loop, by a host that has its answer from a database
 * at last. A transport is told it inside of one, and user code runs only later: hence the quiet end.
 */
static void begin(const swale_consumer *c) { swale_loop_enter(c->port->loop); }

static int end(const swale_consumer *c, int rv) {
  swale_loop_leave_quietly(c->port->loop);
  return rv;
}

/* 0 while the decision is open. */
static int decided(const swale_consumer *c) {
  if (c->stage == SWALE__UNDECIDED)
    return 0;
  return c->stage == SWALE__OPEN ? SWALE_ESTATE : SWALE_ECLOSED;
}

/* ---- the decision's deadline and headers ---- */

static void time_is_up(struct swale_timer *timer) {
  struct swale__decision *d =
      (struct swale__decision *)((char *)timer - offsetof(struct swale__decision, timer));
  swale_reject(d->consumer, 503, NULL);
}

void swale__decision_watch(swale_consumer *c) {
  struct swale__decision *d = c->decision;
  d->timer.fire = time_is_up;
  swale_timer_start(c->port->loop, &d->timer, c->port->app->connect_timeout_ms);
}

void swale__decision_stop_waiting(struct swale__decision *d) {
  if (!d->link)
    return;
  *d->link = d->next;
  if (d->next)
    d->next->link = d->link;
  d->link = NULL;
  d->consumer->port->joins--;
}

void swale__decision_free(swale_consumer *c) {
  struct swale__decision *d = c->decision;
  if (!d)
    return;
  swale__decision_stop_waiting(d);
  swale_timer_stop(c->port->loop, &d->timer);
  for (size_t i = 0; i < d->n_headers; i++)
    swale__free(memory(c), (void *)d->headers[i].name);
  swale__free(memory(c), d->headers);
  swale__free(memory(c), d);
  c->decision = NULL;
}

static bool is_token(const char *text) {
  static const char also[] = "!#$%&'*+-.^_`|~";
  if (!*text)
    return false;
  for (; *text; text++) {
    char c = *text;
    bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter_or_digit && !strchr(also, c))
      return false;
  }
  return true;
}

static bool is_field_value(const char *text) {
  for (; *text; text++)
    if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
      return false;
  return true;
}

/* Headers that make the handshake what it is, or say where a message ends. */
static bool is_reserved(const char *name) {
  static const char reserved[][25] = {"connection",
                                      "upgrade",
                                      "content-length",
                                      "content-type",
                                      "transfer-encoding",
                                      "sec-websocket-accept",
                                      "sec-websocket-protocol",
                                      "sec-websocket-extensions"};
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (strcasecmp(reserved[i], name) == 0)
      return true;
  return false;
}

int swale_add_header(swale_consumer *c, const char *name, const char *value) {
  int rv = decided(c);
  if (rv < 0)
    return rv;
  if (!is_token(name) || !is_field_value(value) || is_reserved(name))
    return SWALE_EINVAL;
  struct swale__decision *d = c->decision;
  if (d->n_headers == HEADERS_MAX)
    return SWALE_EFULL;
  size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
  struct swale_header *headers =
      swale__realloc_array(memory(c), d->headers, d->n_headers + 1, sizeof *headers);
  if (!headers)
    return SWALE_ENOMEM;
  d->headers = headers;
  char *text = swale__malloc(memory(c), name_size + value_size);
  if (!text)
    return SWALE_ENOMEM;
  memcpy(text, name, name_size);
  memcpy(text + name_size, value, value_size);
  d->headers[d->n_headers++] = (struct swale_header){text, text + name_size};
  return 0;
}

/* ---- accept and reject ---- */

static bool offered(const swale_consumer *c, const char *subprotocol) {
  const char *have;
  for (size_t i = 0; (have = swale_scope_subprotocol(c->scope, i)); i++)
    if (strcmp(have, subprotocol) == 0)
      return true;
  return false;
}

static const char *choose_subprotocol(const swale_consumer *c) {
  for (const char *const *p = c->class->subprotocols; p && *p; p++)
    if (offered(c, *p))
      return *p;
  return NULL;
}

static int tell_accepted(swale_consumer *c, const char *subprotocol) {
  if (swale__consumer_is_worker(c))
    return swale__worker_listen(c);
  const struct swale__decision *d = c->decision;
  if (!subprotocol)
    subprotocol = choose_subprotocol(c);
  return c->port->kind->accept(c->transport, subprotocol, d->headers, d->n_headers);
}

int swale_accept(swale_consumer *c, const char *subprotocol) {
  int rv = decided(c);
  if (rv < 0)
    return rv;
  if (!c->connected)
    return SWALE_ESTATE;
  if (subprotocol && !offered(c, subprotocol))
    return SWALE_EINVAL;
  begin(c);
  rv = tell_accepted(c, subprotocol);
  if (rv == 0) {
    c->stage = SWALE__OPEN;
    swale__consumer_schedule(c, SWALE__JOB_SETTLE);
    swale__consumer_update(c);
  }
  return end(c, rv);
}

int swale_reject(swale_consumer *c, int status, const char *body) {
  int rv = decided(c);
  if (rv < 0)
    return rv;
  if (status < 400 || status > 599)
    return SWALE_EINVAL;
  if (body && !swale_utf8_valid(body, strlen(body)))
    return SWALE_EUTF8;
  begin(c);
  if (!swale__consumer_is_worker(c)) {
    const struct swale__decision *d = c->decision;
    rv = c->port->kind->reject(c->transport, status, d->headers, d->n_headers, body);
  }
  swale_consumer_lost(c, 1006);
  return end(c, rv);
}

/* ---- close ---- */

static bool may_send_code(uint16_t code) {
  return code == 1000 || code == 1001 || code == 1003 || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

int swale__close_check(uint16_t code, const char *reason) {
  if (!may_send_code(code))
    return SWALE_EINVAL;
  if (!reason)
    return 0;
  size_t len = strlen(reason);
  if (len > REASON_MAX)
    return SWALE_EINVAL;
  return swale_utf8_valid(reason, len) ? 0 : SWALE_EUTF8;
}

int swale_close(swale_consumer *c, uint16_t code, const char *reason) {
  int rv = swale__close_check(code, reason);
  if (rv < 0)
    return rv;
  if (c->stage == SWALE__UNDECIDED) {
    swale_reject(c, 403, reason);
    return 0;
  }
  if (c->stage != SWALE__OPEN)
    return SWALE_ECLOSED;
  begin(c);
  c->stage = SWALE__CLOSING;
  swale__consumer_update(c);
  if (swale__consumer_is_worker(c))
    swale_consumer_lost(c, code);
  else if (c->port->kind->close(c->transport, code, reason ? reason : "") < 0)
    swale_consumer_lost(c, 1006);
  return end(c, 0);
}

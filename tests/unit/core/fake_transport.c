/* SPDX-License-Identifier: MIT */
#include "fake_transport.h"

#include <stdio.h>

#include "core/loop.h"

/* ---- the log ---- */

void world_log(struct world *w, const char *format, ...) {
  if (w->terse)
    return;
  va_list args;
  va_start(args, format);
  size_t room = sizeof w->log - w->log_len;
  int n = snprintf(w->log + w->log_len, room, "%s", w->log_len > 0 ? " " : "");
  n += vsnprintf(w->log + w->log_len + n, room - (size_t)n, format, args);
  va_end(args);
  assert_true((size_t)n < room);
  w->log_len += (size_t)n;
}

void world_expect_at(struct world *w, const char *expected, const char *file, int line) {
  char was[sizeof w->log];
  memcpy(was, w->log, w->log_len + 1);
  world_clear_log(w);
  _assert_string_equal(was, expected, file, line);
}

void world_clear_log(struct world *w) { w->log[w->log_len = 0] = '\0'; }

/* ---- callbacks ---- */

void world_callback_begins(struct world *w) {
  assert_false(w->inside);
  assert_false(w->sending);
  w->inside = true;
}

void world_callback_ends(struct world *w) {
  assert_true(w->inside);
  w->inside = false;
}

struct world *world_of(const swale_consumer *c) {
  return swale_consumer_user(c);
}

struct fake_state *fake_state(swale_consumer *c) {
  return swale_state(c);
}

/* The name in the route, or of a worker the channel. */
static const char *name_of(swale_consumer *c) {
  const swale_scope *scope = swale_consumer_scope(c);
  const char *name = swale_scope_param_text(scope, "name");
  return name ? name : swale_scope_path(scope);
}

static void check_alive(swale_consumer *c) {
  assert_int_equal(fake_state(c)->connects, 1);
  assert_int_equal(fake_state(c)->disconnects, 0);
}

static int on_connect(swale_consumer *c) {
  struct world *w = world_of(c);
  world_callback_begins(w);
  assert_int_equal(fake_state(c)->connects, 0);
  fake_state(c)->connects++;
  world_log(w, "%s.connect", name_of(c));
  int rv = w->on_connect ? w->on_connect(c) : swale_accept(c, NULL);
  world_callback_ends(w);
  return rv;
}

static int on_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  struct world *w = world_of(c);
  char text[256];
  snprintf(text, sizeof text, "%.*s", (int)len, (const char *)data);
  world_callback_begins(w);
  check_alive(c);
  world_log(w, "%s.%s(%s)", name_of(c), kind == SWALE_TEXT ? "receive" : "bytes", text);
  int rv = w->on_receive ? w->on_receive(c, text) : 0;
  world_callback_ends(w);
  return rv;
}

static int on_disconnect(swale_consumer *c, int code) {
  struct world *w = world_of(c);
  world_callback_begins(w);
  check_alive(c);
  fake_state(c)->disconnects++;
  world_log(w, "%s.disconnect(%d)", name_of(c), code);
  int rv = w->on_disconnect ? w->on_disconnect(c, code) : 0;
  world_callback_ends(w);
  return rv;
}

static int on_message(swale_consumer *c, swale_message *m) {
  struct world *w = world_of(c);
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  world_callback_begins(w);
  check_alive(c);
  world_log(w, "%s.%s(%.*s)", name_of(c), swale_message_type(m), (int)len, text ? text : "");
  int rv = w->on_message ? w->on_message(c, m) : 0;
  world_callback_ends(w);
  return rv;
}

static const struct swale_handler handlers[] = {{"note", on_message}, {"other", on_message}, {NULL, NULL}};

static int on_prepare(swale_consumer *c) {
  struct world *w = world_of(c);
  if (!w->on_prepare)
    return 0;
  world_callback_begins(w);
  world_log(w, "%s.prepare", name_of(c));
  int rv = w->on_prepare(c);
  world_callback_ends(w);
  return rv;
}

int fake_undecided(swale_consumer *c) {
  (void)c;
  return 0;
}

const struct swale_consumer_class fake_class = {
    .name = "fake",
    .state_size = sizeof(struct fake_state),
    .connect = on_connect,
    .receive = on_receive,
    .disconnect = on_disconnect,
    .handlers = handlers,
    .prepare = on_prepare,
};

static void on_error(const struct swale_report *r, void *user) {
  struct world *w = user;
  world_callback_begins(w);
  switch (r->kind) {
  case SWALE_REPORT_UNHANDLED:
    world_log(w, "!unhandled(%s)", r->detail);
    break;
  case SWALE_REPORT_CALLBACK:
    world_log(w, "!callback(%s %d)", r->detail, r->error);
    break;
  case SWALE_REPORT_REFUSED:
    world_log(w, "!refused(%d %s)", r->error, r->detail);
    break;
  case SWALE_REPORT_TRANSPORT:
    world_log(w, "!transport(%d %s)", r->error, r->detail);
    break;
  }
  if (w->on_error)
    w->on_error(w, r);
  world_callback_ends(w);
}

static void on_drop(const struct swale_drop *d, void *user) {
  static const char *const reasons[] = {"full", "expired", "closed", "nomem", "flushed", "conflated"};
  struct world *w = user;
  world_callback_begins(w);
  if (*d->channel)
    world_log(w, "~%s(%s)", reasons[d->reason], strchr(d->channel, '!') ? "!" : d->channel);
  else
    world_log(w, "~%s(%u)", reasons[d->reason], (unsigned)d->count);
  assert_true(d->count == 1 || !*d->channel);
  if (w->on_drop)
    w->on_drop(w, d);
  world_callback_ends(w);
}

static int guard(swale_scope *scope, void *arg) {
  struct world *w = arg;
  if (!w->on_guard)
    return 0;
  world_callback_begins(w);
  int rv = w->on_guard(scope);
  world_callback_ends(w);
  return rv;
}

/* ---- the world ---- */

static void count_wake(void *user) {
  struct world *w = user;
  w->wakes++;
}

void world_init(struct world *w) {
  memset(w, 0, sizeof *w);
  unit_env_init(&w->u);
  swale_layer_config_default(&w->layer_config);
  w->layer_config.env = &w->u.env;
  w->layer_config.on_drop = on_drop;
  w->layer_config.user = w;
  swale_loop_config_default(&w->loop_config);
  w->loop_config.env = &w->u.env;
  w->loop_config.wake = count_wake;
  w->loop_config.user = w;
  swale_app_config_default(&w->app_config);
  w->app_config.env = &w->u.env;
  w->app_config.on_error = on_error;
  w->app_config.user = w;
}

int world_open(struct world *w, const struct swale_consumer_class *cls) {
  int rv = w->backend ? swale_layer_open_with(w->backend, w, &w->layer_config, &w->layer, NULL, 0)
                      : swale_layer_open("memory://", &w->layer_config, &w->layer, NULL, 0);
  if (rv == 0)
    rv = swale_loop_new(&w->loop_config, &w->loop);
  if (rv == 0)
    rv = swale_app_new(&w->app_config, &w->app);
  if (rv == 0)
    rv = swale_app_layer(w->app, NULL, w->layer);
  if (rv == 0)
    rv = swale_app_guard(w->app, guard, w);
  if (rv == 0)
    rv = swale_app_route(w->app, "<name>/", cls ? cls : &fake_class);
  if (rv < 0)
    world_end(w);
  return rv;
}

void world_start_with(struct world *w, const struct swale_consumer_class *cls) {
  world_init(w);
  assert_int_equal(world_open(w, cls), 0);
}

void world_start(struct world *w) { world_start_with(w, NULL); }

void world_end(struct world *w) {
  if (w->layer && w->loop)
    world_check_books(w);
  assert_int_equal(swale_loop_free(w->loop), 0);
  w->loop = NULL;
  if (w->layer) {
    world_check_books(w);
    assert_int_equal(world_stats(w).consumers, 0);
  }
  assert_int_equal(swale_app_free(w->app), 0);
  assert_int_equal(swale_layer_free(w->layer), 0);
  w->app = NULL;
  w->layer = NULL;
}

void world_close(struct world *w) {
  world_end(w);
  assert_int_equal(w->u.live, 0);
}

static swale_message *new_message(struct world *w, const char *type, const char *text) {
  swale_message *m = swale_message_new_with(type, 0, &w->u.env.allocator);
  if (m && text)
    swale_message_add_str(m, "text", text);
  return m;
}

int world_send(struct world *w, const char *channel, const char *type, const char *text) {
  swale_message *m = new_message(w, type, text);
  if (!m)
    return SWALE_ENOMEM;
  w->sending = true;
  int rv = swale_send(w->layer, channel, m);
  w->sending = false;
  swale_message_unref(m);
  return rv;
}

int world_group_send(struct world *w, const char *group, const char *type, const char *text) {
  swale_message *m = new_message(w, type, text);
  if (!m)
    return SWALE_ENOMEM;
  w->sending = true;
  int rv = swale_group_send(w->layer, group, m);
  w->sending = false;
  swale_message_unref(m);
  return rv;
}

void world_run(struct world *w) {
  assert_int_equal(swale_loop_run(w->loop), 0);
  world_check_books(w);
}

void world_settle(struct world *w) {
  for (int runs = 0; swale_loop_timeout_ms(w->loop) == 0; runs++) {
    assert_true(runs < 1000);
    world_run(w);
  }
}

/* From one deadline to the next, as a host does. */
void world_pass(struct world *w, uint64_t ms) {
  uint64_t end = w->u.now_ms + ms;
  for (world_settle(w); w->u.now_ms < end; world_settle(w)) {
    int timeout = swale_loop_timeout_ms(w->loop);
    uint64_t left = end - w->u.now_ms;
    w->u.now_ms += timeout < 0 || (uint64_t)timeout > left ? left : (uint64_t)timeout;
  }
}

struct swale_layer_stats world_stats(struct world *w) {
  struct swale_layer_stats s;
  assert_int_equal(swale_layer_stats_get(w->layer, &s), 0);
  return s;
}

uint64_t world_dropped(struct world *w) {
  struct swale_layer_stats s = world_stats(w);
  uint64_t sum = 0;
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    sum += s.dropped[i];
  return sum;
}

void world_check_books(struct world *w) {
  struct swale_layer_stats s = world_stats(w);
  assert_int_equal(s.offered, s.delivered + s.queued + world_dropped(w));
}

/* ---- the transport ---- */

static void check_call(const struct fake *f) {
  assert_false(f->gone);
  assert_true(f->loop->depth > 0);
}

static void forget_consumer(struct fake *f) {
  f->gone = true;
  f->c = NULL;
}

static void log_headers(struct fake *f, const struct swale_header *headers, size_t n) {
  for (size_t i = 0; i < n; i++)
    world_log(f->w, "%s>header(%s: %s)", f->name, headers[i].name, headers[i].value);
}

static int fake_accept(void *transport, const char *subprotocol, const struct swale_header *headers,
                       size_t n) {
  struct fake *f = transport;
  check_call(f);
  assert_false(f->accepted);
  if (f->w->fail_accept)
    return f->w->fail_accept;
  f->accepted = true;
  world_log(f->w, subprotocol ? "%s>accept(%s)" : "%s>accept", f->name, subprotocol);
  log_headers(f, headers, n);
  return 0;
}

static int fake_reject(void *transport, int status, const struct swale_header *headers, size_t n,
                       const char *body) {
  struct fake *f = transport;
  check_call(f);
  assert_false(f->accepted);
  world_log(f->w, "%s>reject(%d%s%s)", f->name, status, body ? " " : "", body ? body : "");
  log_headers(f, headers, n);
  forget_consumer(f);
  return f->w->fail_reject;
}

static int fake_send(void *transport, swale_payload *payload) {
  struct fake *f = transport;
  check_call(f);
  assert_true(f->accepted);
  if (f->w->fail_send)
    return f->w->fail_send;
  size_t len;
  const char *bytes = swale_payload_bytes(payload, &len);
  world_log(f->w, "%s>payload(%.*s)", f->name, (int)len, bytes);
  return 0;
}

static int fake_send_bytes(void *transport, enum swale_kind kind, const void *bytes, size_t len) {
  struct fake *f = transport;
  check_call(f);
  assert_true(f->accepted);
  if (f->w->fail_send)
    return f->w->fail_send;
  world_log(f->w, "%s>%s(%.*s)", f->name, kind == SWALE_TEXT ? "text" : "binary", (int)len,
            (const char *)bytes);
  return 0;
}

static int fake_close(void *transport, uint16_t code, const char *reason) {
  struct fake *f = transport;
  check_call(f);
  assert_true(f->accepted);
  assert_int_equal(f->close_code, 0);
  f->close_code = code;
  if (f->w->fail_close) {
    forget_consumer(f);
    return f->w->fail_close;
  }
  world_log(f->w, *reason ? "%s>close(%d %s)" : "%s>close(%d)", f->name, code, reason);
  return 0;
}

static size_t fake_waiting(const void *transport) {
  const struct fake *f = transport;
  assert_false(f->gone);
  return f->waiting;
}

static void fake_cut(void *transport) {
  struct fake *f = transport;
  check_call(f);
  world_log(f->w, "%s>cut", f->name);
  forget_consumer(f);
}

const struct swale_transport_class fake_transport_class = {
    .type = "websocket",
    .accept = fake_accept,
    .reject = fake_reject,
    .send = fake_send,
    .send_bytes = fake_send_bytes,
    .close = fake_close,
    .waiting = fake_waiting,
    .cut = fake_cut,
};

int fake_open_request(struct fake *f, struct world *w, const char *name,
                      const struct swale_request *request) {
  memset(f, 0, sizeof *f);
  f->w = w;
  f->loop = w->loop;
  snprintf(f->name, sizeof f->name, "%s", name);
  swale_loop_enter(w->loop);
  int rv = swale_consumer_open(w->app, w->loop, request, &fake_transport_class, f, &f->c);
  if (f->gone)
    f->c = NULL;
  swale_loop_leave(w->loop);
  return rv;
}

int fake_open(struct fake *f, struct world *w, const char *name) {
  char target[64];
  snprintf(target, sizeof target, "/%s/", name);
  return fake_open_request(f, w, name,
                           &(struct swale_request){.size = sizeof(struct swale_request), .target = target});
}

void fake_enter(struct fake *f, struct world *w, const char *name) {
  assert_int_equal(fake_open(f, w, name), 0);
}

int fake_deliver(struct fake *f, const char *text) {
  swale_loop_enter(f->loop);
  int rv = swale_consumer_deliver(f->c, SWALE_TEXT, text, strlen(text));
  swale_loop_leave(f->loop);
  return rv;
}

void fake_lost(struct fake *f, int code) {
  swale_consumer *c = f->c;
  swale_loop_enter(f->loop);
  forget_consumer(f);
  swale_consumer_lost(c, code);
  swale_loop_leave(f->loop);
}

void fake_pause(struct fake *f) {
  swale_loop_enter(f->loop);
  swale_consumer_pause(f->c);
  swale_loop_leave(f->loop);
}

void fake_resume(struct fake *f) {
  swale_loop_enter(f->loop);
  swale_consumer_resume(f->c);
  swale_loop_leave(f->loop);
}

const char *fake_channel(swale_consumer *c) {
  static char name[SWALE_NAME_SIZE];
  return swale_channel_name(c, name);
}

/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>

/* ---- the consumer ----------------------------------------------------------------------- */

static struct world *world_of(swale_consumer *c) { return swale_consumer_user(c); }

static void note(struct world *w, const char *format, ...) {
  size_t len = strlen(w->log);
  va_list arguments;
  va_start(arguments, format);
  if (len > 0 && len < sizeof w->log - 1)
    w->log[len++] = ' ';
  vsnprintf(w->log + len, sizeof w->log - len, format, arguments);
  va_end(arguments);
}

static int connect(swale_consumer *c) {
  struct world *w = world_of(c);
  w->connects++;
  w->consumer = c;
  note(w, "connect");
  return w->on_connect ? w->on_connect(w, c) : swale_accept(c, NULL);
}

static int receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  struct world *w = world_of(c);
  w->delivered += (long)len;
  if (len <= 40)
    note(w, "%s:%.*s", kind == SWALE_TEXT ? "text" : "bytes", (int)len, (const char *)data);
  else
    note(w, "%s#%zu", kind == SWALE_TEXT ? "text" : "bytes", len);
  return w->on_receive ? w->on_receive(w, c, kind, data, len) : 0;
}

static int disconnect(swale_consumer *c, int code) {
  struct world *w = world_of(c);
  w->disconnects++;
  note(w, "disconnect:%d", code);
  if (w->on_disconnect)
    w->on_disconnect(w, c, code);
  w->consumer = NULL;
  return 0;
}

static int render(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len = 0;
  const char *text = swale_message_get_str(m, "text", &len);
  (void)arg;
  return text ? swale_buffer_append(out, text, len) : SWALE_ENOTFOUND;
}

static int event(swale_consumer *c, swale_message *m) {
  struct world *w = world_of(c);
  if (w->on_event)
    return w->on_event(w, c, m);
  swale_send_rendered(c, m, SWALE_TEXT, render, NULL);
  return 0;
}

static const char *const groups[] = {"all", NULL};
static const char *const subprotocols[] = {"chat.v2", "chat.v1", NULL};
static const struct swale_handler handlers[] = {{"event", event}, {NULL, NULL}};
static const struct swale_consumer_class class = {
    .name = "test",
    .groups = groups,
    .subprotocols = subprotocols,
    .connect = connect,
    .receive = receive,
    .disconnect = disconnect,
    .handlers = handlers,
};

/* ---- the host --------------------------------------------------------------------------- */

static void on_output(swale_ws *ws, void *host_data) {
  struct world *w = host_data;
  w->outputs++;
  if (w->on_output)
    w->on_output(w, ws);
}

static void on_answer(swale_ws *ws, void *host_data) {
  struct world *w = host_data;
  w->answers++;
  if (w->on_answer)
    w->on_answer(w, ws);
}

static void on_error(const struct swale_report *report, void *user) {
  struct world *w = user;
  if (report->kind != SWALE_REPORT_TRANSPORT)
    return;
  w->reports++;
  w->reported = report->error;
  if (w->on_report)
    w->on_report(w, report);
}

static int guard(swale_scope *scope, void *arg) {
  struct world *w = arg;
  return w->guard ? w->guard(w, scope) : 0;
}

/* ---- making and ending ------------------------------------------------------------------ */

void world_init(struct world *w) {
  memset(w, 0, sizeof *w);
  unit_env_init(&w->u);
  w->cls = class;
  swale_ws_options_default(&w->options);
  w->options.on_output = on_output;
  w->options.on_answer = on_answer;
}

int world_open(struct world *w) {
  struct swale_layer_config layer;
  struct swale_loop_config loop;
  struct swale_app_config app;
  swale_layer_config_default(&layer);
  swale_loop_config_default(&loop);
  swale_app_config_default(&app);
  if (w->capacity)
    layer.capacity = w->capacity;
  layer.env = loop.env = app.env = &w->u.env;
  app.user = w;
  app.on_error = on_error;
  int rv = swale_layer_open("memory://", &layer, &w->layer, NULL, 0);
  if (rv == 0)
    rv = swale_loop_new(&loop, &w->loop);
  if (rv == 0)
    rv = swale_app_new(&app, &w->app);
  if (rv == 0)
    rv = swale_app_layer(w->app, NULL, w->layer);
  if (rv == 0)
    rv = swale_app_route(w->app, "ws/chat/", &w->cls);
  if (rv == 0)
    rv = swale_app_guard(w->app, guard, w);
  return rv;
}

void world_free(struct world *w) {
  swale_ws_free(w->ws);
  w->ws = NULL;
  world_run(w);
}

void world_end(struct world *w) {
  world_free(w);
  assert_int_equal(w->connects, w->disconnects);
  w->log[0] = '\0';
  w->reports = w->connects = w->disconnects = 0;
  w->delivered = 0;
  bytes_clear(&w->out);
}

void world_close(struct world *w) {
  swale_ws_free(w->ws);
  assert_int_equal(swale_loop_free(w->loop), 0);
  assert_int_equal(swale_app_free(w->app), 0);
  assert_int_equal(swale_layer_free(w->layer), 0);
  assert_int_equal(w->connects, w->disconnects);
  bytes_free(&w->in);
  bytes_free(&w->out);
}

int world_setup(void **state) {
  struct world *w = malloc(sizeof *w);
  world_init(w);
  w->chunk = (size_t)(uintptr_t)*state;
  *state = w;
  return world_open(w);
}

int world_teardown(void **state) {
  struct world *w = *state;
  world_close(w);
  long live = w->u.live;
  free(w);
  return live == 0 ? 0 : -1;
}

static const struct swale_header upgrade_headers[] = {
    {"Host", "example.com"},
    {"Upgrade", "websocket"},
    {"Connection", "Upgrade"},
    {"Sec-WebSocket-Version", "13"},
    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
};

const struct swale_ws_upgrade world_upgrade = {
    .size = sizeof world_upgrade,
    .method = "GET",
    .version = "HTTP/1.1",
    .request = {.size = sizeof world_upgrade.request,
                .target = "/ws/chat/",
                .client = "192.0.2.1:7",
                .headers = upgrade_headers,
                .n_headers = 5},
};

void world_new(struct world *w) {
  assert_int_equal(
      swale_ws_new(w->app, w->loop, &w->options, "192.0.2.10:4000", "198.51.100.1:80", w, &w->ws), 0);
}

void world_connect(struct world *w) { world_connect_with(w, ""); }

void world_connect_with(struct world *w, const char *headers) {
  char request[1024];
  int len = snprintf(request, sizeof request, "%s%s\r\n", REQUEST_LINE REQUEST_HEADERS, headers);
  world_new(w);
  assert_int_equal(swale_ws_feed(w->ws, request, (size_t)len), 0);
  expect_status(w, 101, "");
  expect_log(w, "connect");
  w->outputs = 0;
}

/* ---- bytes ------------------------------------------------------------------------------ */

int world_feed_bytes(struct world *w, const void *bytes, size_t len) {
  const unsigned char *from = bytes;
  size_t chunk = w->chunk ? w->chunk : len;
  int rv = 0;
  while (len > 0 && rv == 0) {
    size_t n = chunk < len ? chunk : len;
    /* A block of its own, so that reading beyond it or later is found out. */
    void *copy = malloc(n);
    memcpy(copy, from, n);
    rv = swale_ws_feed(w->ws, copy, n);
    free(copy);
    from += n;
    len -= n;
  }
  return rv;
}

int world_feed_text(struct world *w, const char *text) { return world_feed_bytes(w, text, strlen(text)); }

int world_feed(struct world *w) {
  int rv = world_feed_bytes(w, w->in.at, w->in.len);
  bytes_clear(&w->in);
  return rv;
}

int world_frame(struct world *w, unsigned first, const void *payload, size_t len) {
  bytes_frame(&w->in, first, payload, len);
  return world_feed(w);
}

int world_text(struct world *w, const char *text) { return world_frame(w, FIN | TEXT, text, strlen(text)); }

int world_close_frame(struct world *w, unsigned code, const char *reason) {
  bytes_close(&w->in, code, reason);
  return world_feed(w);
}

void world_drain_some(struct world *w, size_t n) {
  struct iovec iov[3];
  int count;
  while (n > 0 && (count = swale_ws_peek(w->ws, iov, 3)) > 0) {
    size_t written = 0;
    for (int i = 0; i < count && written < n; i++) {
      size_t part = iov[i].iov_len < n - written ? iov[i].iov_len : n - written;
      bytes_add(&w->out, iov[i].iov_base, part);
      written += part;
    }
    assert_int_equal(swale_ws_ack(w->ws, written), 0);
    n -= written;
  }
}

void world_drain(struct world *w) { world_drain_some(w, SIZE_MAX); }

/* ---- time and messages ------------------------------------------------------------------ */

void world_run(struct world *w) {
  while (swale_loop_timeout_ms(w->loop) == 0)
    assert_int_equal(swale_loop_run(w->loop), 0);
}

void world_pass(struct world *w, uint64_t ms) {
  uint64_t end = w->u.now_ms + ms;
  for (;;) {
    world_run(w);
    int step = swale_loop_timeout_ms(w->loop);
    if (step < 0 || (uint64_t)step > end - w->u.now_ms)
      break;
    w->u.now_ms += (uint64_t)step;
  }
  w->u.now_ms = end;
  world_run(w);
}

int world_group_send(struct world *w, const char *text) {
  swale_message *m = swale_message_new_with("event", 0, &w->u.env.allocator);
  if (!m)
    return SWALE_ENOMEM;
  swale_message_add_str(m, "text", text);
  int rv = swale_group_send(w->layer, "all", m);
  swale_message_unref(m);
  return rv;
}

/* ---- expectations ----------------------------------------------------------------------- */

void expect_nothing(struct world *w) {
  world_drain(w);
  assert_int_equal(w->out.len, 0);
  assert_int_equal(swale_ws_peek(w->ws, &(struct iovec){0}, 1), 0);
}

void expect_next(struct world *w, size_t *at, unsigned first, const void *payload, size_t len) {
  struct frame frame;
  assert_true(next_frame(&w->out, at, &frame));
  assert_int_equal(frame.first, first);
  assert_int_equal(frame.len, len);
  if (len > 0)
    assert_memory_equal(frame.payload, payload, len);
}

void expect_frame(struct world *w, unsigned first, const void *payload, size_t len) {
  size_t at = 0;
  world_drain(w);
  expect_next(w, &at, first, payload, len);
  assert_int_equal(at, w->out.len);
  bytes_clear(&w->out);
}

void expect_text(struct world *w, const char *text) { expect_frame(w, FIN | TEXT, text, strlen(text)); }

void expect_close(struct world *w, unsigned code, const char *reason) {
  unsigned char payload[125] = {(unsigned char)(code >> 8), (unsigned char)code};
  size_t len = reason ? strlen(reason) : 0;
  if (len > 0)
    memcpy(payload + 2, reason, len);
  expect_frame(w, FIN | CLOSE, payload, code ? 2 + len : 0);
}

void expect_failed(struct world *w, unsigned code, int error) {
  char log[32];
  expect_close(w, code, NULL);
  assert_int_equal(w->reports, 1);
  assert_int_equal(w->reported, error);
  snprintf(log, sizeof log, "disconnect:%u", code);
  expect_log(w, log);
}

void expect_status(struct world *w, int status, const char *body) {
  char line[32];
  world_drain(w);
  bytes_add(&w->out, "", 1);
  const char *text = (const char *)w->out.at;
  snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
  assert_memory_equal(text, line, strlen(line));
  const char *end = strstr(text, "\r\n\r\n");
  assert_non_null(end);
  if (body)
    assert_string_equal(end + 4, body);
  if (status == 101)
    bytes_clear(&w->out);
  else
    w->out.len--;
}

void expect_header(struct world *w, const char *line) {
  char wanted[512];
  snprintf(wanted, sizeof wanted, "\r\n%s\r\n", line);
  bytes_add(&w->out, "", 1);
  assert_non_null(strstr((const char *)w->out.at, wanted));
  w->out.len--;
}

void expect_log(struct world *w, const char *log) {
  assert_string_equal(w->log, log);
  w->log[0] = '\0';
}

void expect_state(struct world *w, unsigned state) { assert_int_equal(swale_ws_state(w->ws), state); }

void expect_closed(struct world *w) {
  expect_nothing(w);
  expect_state(w, SWALE_WS_CLOSED);
}

/* SPDX-License-Identifier: MIT */
/*
 * Routes and requests: the first line of the input is a request's target, the second its Cookie header,
 * every further one sets up the app: "{prefix" opens a nested set, "}" closes it, anything else is a
 * pattern. A connection is then opened, and what its scope says is held against what was promised, before
 * and after the scope settled.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <swale/swale.h>
#include <swale/transport.h>
#include <swale/utf8.h>

#define SETS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds) {
  if (!holds)
    abort();
}

/* ---- a transport that takes everything ------------------------------------------------------ */

static int accept_it(void *transport, const char *subprotocol, const struct swale_header *headers, size_t n) {
  (void)transport, (void)subprotocol, (void)headers, (void)n;
  return 0;
}

static int reject_it(void *transport, int status, const struct swale_header *headers, size_t n,
                     const char *body) {
  (void)transport, (void)status, (void)headers, (void)n, (void)body;
  return 0;
}

static int send_it(void *transport, swale_payload *payload) {
  (void)transport, (void)payload;
  return 0;
}

static int send_bytes(void *transport, enum swale_kind kind, const void *bytes, size_t len) {
  (void)transport, (void)kind, (void)bytes, (void)len;
  return 0;
}

static int close_it(void *transport, uint16_t code, const char *reason) {
  (void)transport, (void)code, (void)reason;
  return 0;
}

static const struct swale_transport_class nowhere = {
    .type = "websocket",
    .accept = accept_it,
    .reject = reject_it,
    .send = send_it,
    .send_bytes = send_bytes,
    .close = close_it,
};

/* ---- what must hold ------------------------------------------------------------------------- */

static void check_param(const swale_scope *scope, const struct swale_param *param) {
  size_t len = strlen(param->text);
  check(len > 0 && swale_utf8_valid(param->text, len));
  check(strstr(swale_scope_path(scope), param->text) != NULL);
  check(swale_scope_param(scope, param->name) == param); /* no name twice */
  if (param->type == SWALE_PARAM_INT)
    check(param->as.integer >= 0 && strspn(param->text, "0123456789") == len &&
          strtoll(param->text, NULL, 10) == param->as.integer);
  if (param->type == SWALE_PARAM_UUID)
    check(len == 36);
}

static void check_scope(const swale_scope *scope) {
  const char *path = swale_scope_path(scope);
  check(path && path[0] == '/' && swale_utf8_valid(path, strlen(path)));
  const struct swale_param *param;
  size_t n = 0;
  while ((param = swale_scope_param_at(scope, n)) != NULL) {
    check_param(scope, param);
    n++;
  }
  check(n <= 16);
}

static void check_query_and_cookie(const swale_scope *scope) {
  char out[32];
  if (swale_scope_query_param(scope, "a", out, sizeof out) == 0)
    check(swale_utf8_valid(out, strlen(out)));
  if (swale_scope_cookie(scope, "a", out, sizeof out) == 0)
    check(strstr(swale_scope_header(scope, "Cookie"), out) != NULL && !strchr(out, ';'));
}

static int on_connect(swale_consumer *consumer) {
  const swale_scope *scope = swale_consumer_scope(consumer);
  check_scope(scope);
  check_query_and_cookie(scope);
  return swale_accept(consumer, NULL);
}

static const struct swale_consumer_class class = {.name = "fuzzed", .connect = on_connect};

/* Says yes to every text of odd length. */
static int match_odd(const char *text, size_t len, struct swale_param *param, void *user) {
  (void)param, (void)user;
  check(len > 0 && swale_utf8_valid(text, len));
  return len % 2 == 1 ? 0 : -1;
}

/* ---- reading the input ---------------------------------------------------------------------- */

/* Cuts the next line off the text; "" at its end. */
static const char *next_line(char **text) {
  char *line = *text;
  size_t len = strcspn(line, "\n");
  *text = line + len + (line[len] == '\n');
  line[len] = '\0';
  return line;
}

static void set_up(swale_app *app, char *text) {
  struct swale_converter odd = {.name = "odd", .match = match_odd};
  struct swale_converter deep = {.name = "deep", .slashes = 1, .match = match_odd};
  check(swale_app_converter(app, &odd) == 0 && swale_app_converter(app, &deep) == 0);
  swale_routes *sets[SETS_MAX] = {swale_app_routes(app)};
  size_t depth = 0;
  while (*text) {
    const char *line = next_line(&text);
    if (*line == '{' && depth + 1 < SETS_MAX) {
      if (swale_routes_nest(sets[depth], line + 1, &sets[depth + 1]) == 0)
        depth++;
      check(depth <= 16);
    } else if (*line == '}' && depth > 0) {
      depth--;
    } else {
      swale_routes_add(sets[depth], line, &class);
    }
  }
}

static void open_and_lose(swale_app *app, const char *target, const char *cookie) {
  swale_loop *loop = NULL;
  swale_consumer *consumer = NULL;
  struct swale_header header = {"Cookie", cookie};
  struct swale_request request = {
      .size = sizeof request, .target = target, .headers = &header, .n_headers = 1};
  check(swale_loop_new(NULL, &loop) == 0);
  int rv = swale_consumer_open(app, loop, &request, &nowhere, NULL, &consumer);
  check(rv == 0 || rv == 400 || rv == 404);
  check((rv == 0) == (consumer != NULL));
  if (consumer) {
    check_scope(swale_consumer_scope(consumer));
    check(swale_scope_query(swale_consumer_scope(consumer)) == NULL);
    swale_loop_enter(loop);
    swale_consumer_lost(consumer, 1006);
    swale_loop_leave(loop);
  }
  check(swale_app_consumers(app) == 0);
  check(swale_loop_free(loop) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *input = malloc(size + 1);
  check(input != NULL);
  memcpy(input, data, size);
  input[size] = '\0';
  char *text = input;
  const char *target = next_line(&text), *cookie = next_line(&text);
  swale_app *app = NULL;
  check(swale_app_new(NULL, &app) == 0);
  set_up(app, text);
  open_and_lose(app, target, cookie);
  check(swale_app_free(app) == 0);
  free(input);
  return 0;
}

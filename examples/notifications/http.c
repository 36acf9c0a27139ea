/* SPDX-License-Identifier: MIT */
#include "notifications.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Requests as libmicrohttpd shows them: request_begins for the first line, then on_request when the headers
 * are there, for each piece of the body, and when all of it has come; request_ends in any case.
 *
 * Every answer waits until the body was read, refusals too: a client that is still writing would not see
 * them, but a reset connection. Only who asked first (Expect: 100-continue), or announces more than we care
 * to throw away, is answered at once.
 */
enum { BODY_MAX = 64 * 1024, THROW_AWAY_MAX = 8 * 1024 * 1024 };
enum { CONNECTIONS_MAX = 20000, IDLE_SECONDS = 30 };

struct route;

struct request {
  char *target;              /* as it was sent */
  const struct route *route; /* NULL until the headers were seen */
  struct upgrade *upgrade;
  char *body;
  size_t body_size;
  uint64_t received; /* of the body, also what was too much to keep */
};

/* What happens when all of a request is there. */
struct exchange {
  struct server *server;
  struct MHD_Connection *connection;
  struct request *request;
  const char *method, *version;
};

struct route {
  const char *path, *methods; /* the latter as in an Allow header */
  bool is_prefix;
  enum MHD_Result (*answer)(const struct exchange *x);
};

/* ---- answers ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
                              struct MHD_Response *response) {
  if (!response)
    return MHD_NO;
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(response, "Cache-Control", "no-store");
  enum MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static struct MHD_Response *json_response(const char *json) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(strlen(json), (void *)json, MHD_RESPMEM_MUST_COPY);
  if (response)
    MHD_add_response_header(response, "Content-Type", "application/json");
  return response;
}

enum MHD_Result http_answer_json(struct MHD_Connection *connection, unsigned status, const char *json) {
  return answer(connection, status, json_response(json));
}

static struct MHD_Response *reason_response(const char *reason) {
  json_t *object = json_pack("{s:s}", "error", reason);
  char *json = json_dumps(object, JSON_COMPACT);
  struct MHD_Response *response = json_response(json ? json : "{}");
  free(json);
  json_decref(object);
  return response;
}

enum MHD_Result http_refuse(struct MHD_Connection *connection, unsigned status, const char *reason) {
  return answer(connection, status, reason_response(reason));
}

static enum MHD_Result refuse_method(struct MHD_Connection *connection, const char *allow) {
  struct MHD_Response *response = reason_response("this method is not allowed here");
  if (response)
    MHD_add_response_header(response, "Allow", allow);
  return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, response);
}

/* ---- routes ---- */

static enum MHD_Result answer_page(const struct exchange *x) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(page_len, (void *)page, MHD_RESPMEM_PERSISTENT);
  if (response) {
    MHD_add_response_header(response, "Content-Type", "text/html; charset=utf-8");
    MHD_add_response_header(
        response, "Content-Security-Policy",
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "img-src data:; connect-src 'self' ws: wss:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'");
  }
  return answer(x->connection, MHD_HTTP_OK, response);
}

static json_t *stats_object(const struct swale_layer_stats *t) {
  static const char *const reasons[SWALE_DROP_REASONS] = {"full",  "expired", "closed",
                                                          "nomem", "flushed", "conflated"};
  const struct {
    const char *name;
    uint64_t number;
  } numbers[] = {
      {"offered", t->offered},         {"delivered", t->delivered},     {"queued", t->queued},
      {"refused", t->refused},         {"unhandled", t->unhandled},     {"sends", t->sends},
      {"group_sends", t->group_sends}, {"consumers", t->consumers},     {"channels", t->channels},
      {"groups", t->groups},           {"memberships", t->memberships}, {"loops", t->loops},
  };
  json_t *object = json_object(), *dropped = json_object();
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    json_object_set_new(object, numbers[i].name, json_integer((json_int_t)numbers[i].number));
  for (size_t i = 0; i < SWALE_DROP_REASONS; i++)
    json_object_set_new(dropped, reasons[i], json_integer((json_int_t)t->dropped[i]));
  json_object_set_new(object, "dropped", dropped);
  return object;
}

static enum MHD_Result answer_stats(const struct exchange *x) {
  struct swale_layer_stats stats;
  swale_layer_stats_get(x->server->settings->layer, &stats);
  json_t *object = stats_object(&stats);
  char *json = json_dumps(object, JSON_INDENT(2));
  enum MHD_Result result = json ? http_answer_json(x->connection, MHD_HTTP_OK, json) : MHD_NO;
  free(json);
  json_decref(object);
  return result;
}

static enum MHD_Result answer_send(const struct exchange *x) {
  const struct request *r = x->request;
  return send_notification(x->server, x->connection, r->body ? r->body : "", (size_t)r->received);
}

/* May be asked twice: the second time when the consumer has decided. */
static enum MHD_Result answer_upgrade(const struct exchange *x) {
  struct request *r = x->request;
  if (!r->upgrade)
    r->upgrade = upgrade_new(x->server, x->connection, x->method, x->version, r->target);
  if (!r->upgrade)
    return http_refuse(x->connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no room for another connection");
  return upgrade_answer(r->upgrade, x->connection);
}

static const struct route routes[] = {
    {"/", "GET, HEAD", false, answer_page},
    {"/stats", "GET, HEAD", false, answer_stats},
    {"/send_notification/", "POST", false, answer_send},
    {"/ws/", "GET", true, answer_upgrade}, /* swale has routes of its own below */
};
static const struct route nowhere = {NULL, NULL, false, NULL};

/* For a path and query as they were sent: no "%2F" is a slash here, and no "%00" an end. */
static const struct route *find_route(const char *target) {
  size_t path_len = strcspn(target, "?");
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    size_t len = strlen(routes[i].path);
    if ((len == path_len || (routes[i].is_prefix && len < path_len)) &&
        memcmp(target, routes[i].path, len) == 0)
      return &routes[i];
  }
  return &nowhere;
}

/* Whether a method is a word of "GET, HEAD". */
static bool allows(const char *methods, const char *method) {
  size_t len = strlen(method);
  for (const char *at = methods; (at = strstr(at, method)) != NULL && len > 0; at += len)
    if ((at == methods || at[-1] == ' ') && (at[len] == '\0' || at[len] == ','))
      return true;
  return false;
}

/* ---- requests ---- */

static enum MHD_Result answer_request(const struct exchange *x) {
  const struct route *route = x->request->route;
  if (x->server->stopping && !x->request->upgrade)
    return http_refuse(x->connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is going away");
  if (route == &nowhere)
    return http_refuse(x->connection, MHD_HTTP_NOT_FOUND, "there is nothing here");
  if (!allows(route->methods, x->method))
    return refuse_method(x->connection, route->methods);
  if (x->request->received > BODY_MAX)
    return http_refuse(x->connection, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than 64 KiB");
  return route->answer(x);
}

static const char *header(struct MHD_Connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* The headers are there: is this a client that need not send its body to be refused? */
static enum MHD_Result look_ahead(const struct exchange *x) {
  const char *expect = header(x->connection, "Expect"), *length = header(x->connection, "Content-Length");
  uint64_t announced = length ? strtoull(length, NULL, 10) : 0;
  bool asks = expect && strcasecmp(expect, "100-continue") == 0;
  bool refusable =
      announced > BODY_MAX || x->request->route == &nowhere || !allows(x->request->route->methods, x->method);
  if (!refusable || !(asks || announced > THROW_AWAY_MAX))
    return MHD_YES;
  x->request->received = announced;
  return answer_request(x);
}

/* Keeps a piece of the body, or throws away what is too much. */
static enum MHD_Result take_body(struct request *r, const char *bytes, size_t len) {
  r->received += len;
  if (r->received > BODY_MAX)
    return r->received > THROW_AWAY_MAX ? MHD_NO : MHD_YES;
  if (r->received > r->body_size) {
    size_t size = r->received < 1024 ? 1024 : BODY_MAX;
    char *body = realloc(r->body, size);
    if (!body)
      return MHD_NO;
    r->body = body;
    r->body_size = size;
  }
  memcpy(r->body + r->received - len, bytes, len);
  return MHD_YES;
}

static enum MHD_Result on_request(void *server, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *piece,
                                  size_t *piece_len, void **request) {
  struct request *r = *request;
  struct exchange x = {server, connection, r, method, version};
  (void)url;
  if (!r)
    return MHD_NO;
  if (!r->route) {
    r->route = find_route(r->target);
    return look_ahead(&x);
  }
  if (*piece_len == 0)
    return answer_request(&x);
  enum MHD_Result result = take_body(r, piece, *piece_len);
  *piece_len = 0;
  return result;
}

/* Only here libmicrohttpd shows the target as it was sent. What is returned becomes *request above. */
static void *request_begins(void *server, const char *target, struct MHD_Connection *connection) {
  struct request *r = calloc(1, sizeof *r);
  (void)server, (void)connection;
  if (r)
    r->target = strdup(target ? target : "");
  if (r && !r->target) {
    free(r);
    r = NULL;
  }
  return r;
}

static void request_ends(void *server, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode why) {
  struct request *r = *request;
  (void)server, (void)connection, (void)why;
  if (!r)
    return;
  if (r->upgrade)
    upgrade_forget(r->upgrade);
  free(r->body);
  free(r->target);
  free(r);
  *request = NULL;
}

struct MHD_Daemon *http_start(struct server *s, int listener) {
  return MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_UPGRADE | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
      MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_URI_LOG_CALLBACK, request_begins, s,
      MHD_OPTION_NOTIFY_COMPLETED, request_ends, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

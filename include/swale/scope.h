/* SPDX-License-Identifier: MIT */
#ifndef SWALE_SCOPE_H
#define SWALE_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What is known of one connection: its request, the route's parameters, and what guards found out. All of it
 * is there in guards and until the connection is accepted; afterwards path, parameters, and what the app's
 * `keep` says (enum swale_keep). A getter answers NULL, or false, for what was not sent or is not kept. The
 * connection's loop thread only.
 *
 * Strings and structs that getters answer are the scope's, strings end in NUL. The scope moves once, after
 * the connection was accepted and the callback that did so has returned: ask for it and them again then.
 */
typedef struct swale_scope swale_scope;

struct swale_header {
  const char *name; /* of a request: lower case */
  const char *value;
};

/* "websocket", "channel" for workers, ... */
SWALE_API const char *swale_scope_type(const swale_scope *scope);

/* Percent-decoded, UTF-8, without the query: "/ws/chat/". Of a worker the channel's name. */
SWALE_API const char *swale_scope_path(const swale_scope *scope);

/* As it was sent, without the query. */
SWALE_API const char *swale_scope_raw_path(const swale_scope *scope);

/* Behind the "?", still encoded; "" if there was none. */
SWALE_API const char *swale_scope_query(const swale_scope *scope);

/* "ws" or "wss"; "host:port" of both sides as the host told, or NULL. */
SWALE_API const char *swale_scope_scheme(const swale_scope *scope);
SWALE_API const char *swale_scope_client(const swale_scope *scope);
SWALE_API const char *swale_scope_server(const swale_scope *scope);

/* Value of a header, name in any letter case; the first one if there are several. */
SWALE_API const char *swale_scope_header(const swale_scope *scope, const char *name);

/*
 * The i-th header in the order received, or NULL. The struct is valid until the next call of this function
 * for the scope, its strings as long as the scope. One after the other, forwards, takes a step each.
 */
SWALE_API const struct swale_header *swale_scope_header_at(const swale_scope *scope, size_t i);

/* The value of a cookie as sent, from all Cookie headers, first match; copied to `out` with a NUL. Errors:
 * SWALE_ENOTFOUND, SWALE_ESIZE when it does not fit. */
SWALE_API int swale_scope_cookie(const swale_scope *scope, const char *name, char *out, size_t size);

/* The first value of a parameter of the query, "+" and percent-decoded, UTF-8 checked. Errors:
 * SWALE_ENOTFOUND, SWALE_ESIZE, SWALE_EFORMAT (bad escape, %00), SWALE_EUTF8. */
SWALE_API int swale_scope_query_param(const swale_scope *scope, const char *name, char *out, size_t size);

/* The i-th subprotocol that the client offered, or NULL. */
SWALE_API const char *swale_scope_subprotocol(const swale_scope *scope, size_t i);

enum swale_param_type { SWALE_PARAM_STR, SWALE_PARAM_INT, SWALE_PARAM_UUID };

/* A parameter of the route, "<int:id>" say. `text` is what stood in the path, decoded. */
struct swale_param {
  const char *name;
  const char *text;
  enum swale_param_type type;
  union {
    int64_t integer;
    unsigned char uuid[16];
  } as;
};

/* The route's parameter of this name (of nested routes the innermost), or NULL; the i-th, or NULL. */
SWALE_API const struct swale_param *swale_scope_param(const swale_scope *scope, const char *name);
SWALE_API const struct swale_param *swale_scope_param_at(const swale_scope *scope, size_t i);

/* Short cuts: the text, or NULL; the number, or `fallback`. */
SWALE_API const char *swale_scope_param_text(const swale_scope *scope, const char *name);
SWALE_API int64_t swale_scope_param_int(const swale_scope *scope, const char *name, int64_t fallback);

/*
 * What guards found out ("user", ...), kept for the connection's life. `key` is not copied (a constant).
 * `release`, if not NULL, is called once with `value` when the scope ends or the key is set anew. What was
 * set last is released first. Errors: SWALE_ENOMEM, SWALE_EFULL (more than 32 keys); the value then stays
 * the caller's.
 */
SWALE_API int swale_scope_set(swale_scope *scope, const char *key, void *value, void (*release)(void *value));
SWALE_API void *swale_scope_get(const swale_scope *scope, const char *key);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
#include "ws/handshake.h"

#include <stdbool.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha1.h>

#include <swale/error.h>

#include "ws/ascii.h"
#include "ws/memory.h"
#include "ws/origin.h"

enum {
  SWITCHING_PROTOCOLS = 101,
  BAD_REQUEST = 400,
  METHOD_NOT_ALLOWED = 405,
  UPGRADE_REQUIRED = 426,
  KEY_LEN = 24 /* base64 of 16 bytes */
};

/* ---- headers ---------------------------------------------------------------------------- */

static bool named(const struct swale_header *header, const char *name) {
  return swale__ws_same_word(header->name, strlen(header->name), name);
}

static size_t count_headers(const struct swale__ws_request *request, const char *name) {
  size_t n = 0;
  for (size_t i = 0; i < request->n_headers; i++)
    n += named(&request->headers[i], name);
  return n;
}

/* The first value of this name, or NULL. */
static const char *find_header(const struct swale__ws_request *request, const char *name) {
  for (size_t i = 0; i < request->n_headers; i++)
    if (named(&request->headers[i], name))
      return request->headers[i].value;
  return NULL;
}

/* The next element of a comma-separated list, without blanks around it; empty ones are skipped. */
static bool next_element(const char **at, const char **element, size_t *len) {
  const char *p = *at;
  while (*p == ' ' || *p == '\t' || *p == ',')
    p++;
  *element = p;
  while (*p != '\0' && *p != ',')
    p++;
  *at = p;
  while (p > *element && (p[-1] == ' ' || p[-1] == '\t'))
    p--;
  *len = (size_t)(p - *element);
  return *len > 0;
}

static bool list_names(const char *value, const char *word) {
  const char *element;
  size_t len;
  while (next_element(&value, &element, &len))
    if (swale__ws_same_word(element, len, word))
      return true;
  return false;
}

static bool headers_name(const struct swale__ws_request *request, const char *name, const char *word) {
  for (size_t i = 0; i < request->n_headers; i++)
    if (named(&request->headers[i], name) && list_names(request->headers[i].value, word))
      return true;
  return false;
}

/* ---- single rules ----------------------------------------------------------------------- */

static int refuse(struct swale__ws_handshake *out, int status, const char *why) {
  out->status = status;
  out->why = why;
  return status;
}

static int malformed(struct swale__ws_handshake *out, const char *why) {
  return refuse(out, BAD_REQUEST, why);
}

/* A body on an upgrade request is how requests are smuggled: whoever sends one is told to leave. */
static int check_no_body(const struct swale__ws_request *request, struct swale__ws_handshake *out) {
  for (size_t i = 0; i < request->n_headers; i++) {
    const struct swale_header *header = &request->headers[i];
    if (named(header, "transfer-encoding") ||
        (named(header, "content-length") && strcmp(header->value, "0") != 0))
      return malformed(out, "an upgrade request has no body");
  }
  return 0;
}

static int check_host(const struct swale__ws_request *request, struct swale__ws_handshake *out) {
  out->host = find_header(request, "host");
  if (count_headers(request, "host") != 1)
    return malformed(out, "there must be one Host header");
  return swale__ws_host_valid(out->host) ? 0 : malformed(out, "malformed Host header");
}

/*
 * "/path?query", or as proxies are written to "http://host/path?query", the host then being the Host
 * header's (RFC 9112, 3.2.2). An absolute URL without a path means "/".
 */
static int check_target(const struct swale__ws_request *request, struct swale__ws_handshake *out) {
  const char *target = request->target;
  for (const char *p = target; *p != '\0'; p++)
    if (*p <= ' ' || *p >= 0x7f || *p == '#')
      return malformed(out, "malformed request target");
  const char *authority = strstr(target, "://");
  if (target[0] != '/' && authority) {
    size_t scheme_len = (size_t)(authority - target);
    authority += 3;
    size_t len = strcspn(authority, "/?");
    bool web =
        swale__ws_same_word(target, scheme_len, "http") || swale__ws_same_word(target, scheme_len, "https") ||
        swale__ws_same_word(target, scheme_len, "ws") || swale__ws_same_word(target, scheme_len, "wss");
    if (!web || !swale__ws_same_word(authority, len, out->host))
      return malformed(out, "the request target is not of this host");
    target = authority[len] == '\0' ? "/" : authority + len;
  }
  out->target = target;
  return target[0] == '/' ? 0 : malformed(out, "malformed request target");
}

static int check_upgrade(const struct swale__ws_request *request, struct swale__ws_handshake *out) {
  if (!headers_name(request, "upgrade", "websocket") || !headers_name(request, "connection", "upgrade"))
    return refuse(out, UPGRADE_REQUIRED, "this is a WebSocket");
  if (count_headers(request, "sec-websocket-version") > 1)
    return malformed(out, "there must be one Sec-WebSocket-Version header");
  const char *version = find_header(request, "sec-websocket-version");
  return version && strcmp(version, "13") == 0 ? 0
                                               : refuse(out, UPGRADE_REQUIRED, "the WebSocket version is 13");
}

static bool key_valid(const char *key) {
  if (strlen(key) != KEY_LEN || strcmp(key + KEY_LEN - 2, "==") != 0)
    return false;
  for (size_t i = 0; i < KEY_LEN - 2; i++)
    if (!swale__ws_is_alnum(key[i]) && key[i] != '+' && key[i] != '/')
      return false;
  return true;
}

/* The NUL behind it is there already. */
static void answer_key(const char *key, char accept[SWALE__ACCEPT_SIZE]) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  struct sha1_ctx sha1;
  uint8_t digest[SHA1_DIGEST_SIZE];
  sha1_init(&sha1);
  sha1_update(&sha1, KEY_LEN, (const uint8_t *)key);
  sha1_update(&sha1, sizeof guid - 1, (const uint8_t *)guid);
  sha1_digest(&sha1, sizeof digest, digest);
  base64_encode_raw(accept, sizeof digest, digest);
}

static int check_key(const struct swale__ws_request *request, struct swale__ws_handshake *out) {
  const char *key = find_header(request, "sec-websocket-key");
  if (count_headers(request, "sec-websocket-key") != 1 || !key_valid(key))
    return malformed(out, "there must be one Sec-WebSocket-Key header of 16 bytes in base64");
  answer_key(key, out->accept);
  return 0;
}

/* Nobody knows which of two origins a proxy in between has looked at. */
static int check_origin(const struct swale__ws_request *request, struct swale__ws_handshake *out) {
  out->origin = find_header(request, "origin");
  return count_headers(request, "origin") <= 1 ? 0 : malformed(out, "more than one Origin header");
}

/* ---- subprotocols ----------------------------------------------------------------------- */

static bool is_token(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!swale__ws_is_token(text[i]))
      return false;
  return true;
}

struct offered {
  size_t n;
  size_t bytes; /* of the texts with their NULs */
  struct {
    const char *at;
    size_t len;
  } names[SWALE__SUBPROTOCOLS_MAX];
};

/* Subprotocols have to be unique, and compare with their case (RFC 6455, 4.1). */
static const char *offer(struct offered *offered, const char *name, size_t len) {
  if (!is_token(name, len))
    return "malformed Sec-WebSocket-Protocol header";
  if (offered->n == SWALE__SUBPROTOCOLS_MAX)
    return "too many subprotocols";
  for (size_t i = 0; i < offered->n; i++)
    if (offered->names[i].len == len && memcmp(offered->names[i].at, name, len) == 0)
      return "a subprotocol is offered twice";
  offered->names[offered->n].at = name;
  offered->names[offered->n].len = len;
  offered->n++;
  offered->bytes += len + 1;
  return NULL;
}

static int collect_subprotocols(const struct swale__ws_request *request, struct offered *offered,
                                struct swale__ws_handshake *out) {
  offered->n = offered->bytes = 0;
  for (size_t i = 0; i < request->n_headers; i++) {
    if (!named(&request->headers[i], "sec-websocket-protocol"))
      continue;
    const char *at = request->headers[i].value, *name;
    size_t len;
    while (next_element(&at, &name, &len)) {
      const char *why = offer(offered, name, len);
      if (why)
        return malformed(out, why);
    }
  }
  return 0;
}

static int copy_subprotocols(const struct offered *offered, const struct swale_allocator *allocator,
                             struct swale__ws_handshake *out) {
  if (offered->n == 0)
    return 0;
  out->subprotocols = swale__ws_malloc(allocator, offered->n * sizeof(char *) + offered->bytes);
  if (!out->subprotocols)
    return SWALE_ENOMEM;
  char *text = (char *)(out->subprotocols + offered->n);
  for (size_t i = 0; i < offered->n; i++) {
    size_t len = offered->names[i].len;
    memcpy(text, offered->names[i].at, len);
    text[len] = '\0';
    out->subprotocols[i] = text;
    text += len + 1;
  }
  out->n_subprotocols = offered->n;
  return 0;
}

/* The lines of the header are parts of one list, and that is not empty. Faults in it end the handshake (RFC 6455, 9.1). */
static int read_offers(const struct swale__ws_request *request, struct swale__ws_handshake *out) {
  int lines = 0, extensions = 0, n = 0;
  for (size_t i = 0; i < request->n_headers && n >= 0; i++)
    if (named(&request->headers[i], "sec-websocket-extensions")) {
      n = swale__ws_offer_read(&out->offer, request->headers[i].value);
      extensions += n;
      lines++;
    }
  return n < 0 || (lines && !extensions) ? malformed(out, "malformed Sec-WebSocket-Extensions header") : 0;
}

int swale__ws_handshake_check(const struct swale__ws_request *request,
                              const struct swale_allocator *allocator, struct swale__ws_handshake *out) {
  struct offered offered;
  memset(out, 0, sizeof *out);
  if (strcmp(request->method, "GET") != 0) {
    refuse(out, METHOD_NOT_ALLOWED, "a WebSocket is asked for with GET");
    return 0;
  }
  if (check_no_body(request, out) || check_host(request, out) || check_target(request, out) ||
      check_upgrade(request, out) || check_key(request, out) || check_origin(request, out) ||
      collect_subprotocols(request, &offered, out) || read_offers(request, out))
    return 0;
  out->status = SWITCHING_PROTOCOLS;
  return copy_subprotocols(&offered, allocator, out);
}

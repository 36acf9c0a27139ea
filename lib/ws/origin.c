/* SPDX-License-Identifier: MIT */
#include "ws/origin.h"

#include <string.h>

#include "ws/ascii.h"
#include "ws/memory.h"

/* ---- hosts and origins ------------------------------------------------------------------ */

enum { NO_PORT = -1, PORT_MAX = 65535, FORBIDDEN = 403 };

struct span {
  const char *at;
  size_t len;
};

struct authority {
  struct span host;
  int port; /* NO_PORT when it is not named */
};

struct origin {
  struct span scheme;
  struct authority authority;
};

static bool same_span(struct span a, struct span b) {
  return a.len == b.len && swale__ws_same_letters(a.at, b.at, a.len);
}

/* Of a name, of an IPv4 address, or between the brackets of an IPv6 address. */
static size_t host_len(const char *text, size_t len) {
  size_t n = 0;
  if (len == 0 || text[0] != '[') {
    while (n < len && (swale__ws_is_alnum(text[n]) || strchr("-._", text[n])))
      n++;
    return n;
  }
  for (n = 1; n < len && (swale__ws_is_alnum(text[n]) || text[n] == ':' || text[n] == '.'); n++)
    ;
  return n > 1 && n < len && text[n] == ']' ? n + 1 : 0;
}

/* One to five digits of a number from 1 to 65535. */
static bool parse_port(const char *text, size_t len, int *port) {
  if (len == 0 || len > 5)
    return false;
  *port = 0;
  for (size_t i = 0; i < len; i++) {
    if (!swale__ws_is_digit(text[i]))
      return false;
    *port = *port * 10 + (text[i] - '0');
  }
  return *port > 0 && *port <= PORT_MAX;
}

static bool parse_authority(const char *text, size_t len, struct authority *out) {
  size_t n = host_len(text, len);
  out->host = (struct span){text, n};
  out->port = NO_PORT;
  if (n == 0 || text[0] == '.')
    return false;
  return n == len || (text[n] == ':' && parse_port(text + n + 1, len - n - 1, &out->port));
}

/* The scheme in front of "://"; what is behind it in *rest. */
static bool parse_scheme(const char *text, struct span *scheme, const char **rest) {
  size_t n = 0;
  while (swale__ws_is_alnum(text[n]) || (n > 0 && text[n] != '\0' && strchr("+-.", text[n])))
    n++;
  *scheme = (struct span){text, n};
  *rest = text + n + 3;
  return n > 0 && !swale__ws_is_digit(text[0]) && strncmp(text + n, "://", 3) == 0;
}

static bool parse_origin(const char *text, struct origin *out) {
  const char *rest;
  return parse_scheme(text, &out->scheme, &rest) && parse_authority(rest, strlen(rest), &out->authority);
}

static bool is_scheme(struct span scheme, const char *name) {
  return swale__ws_same_word(scheme.at, scheme.len, name);
}

/* The port that is meant; NO_PORT when the scheme has none of its own. */
static int effective_port(struct span scheme, int port) {
  if (port != NO_PORT)
    return port;
  if (is_scheme(scheme, "http") || is_scheme(scheme, "ws"))
    return 80;
  return is_scheme(scheme, "https") || is_scheme(scheme, "wss") ? 443 : NO_PORT;
}

bool swale__ws_host_valid(const char *host) {
  struct authority ignored;
  return parse_authority(host, strlen(host), &ignored);
}

bool swale__ws_origin_is_same(const char *origin, const char *host, const char *scheme) {
  if (!origin)
    return true;
  struct origin page;
  struct authority server;
  if (!host || !parse_origin(origin, &page) || !parse_authority(host, strlen(host), &server))
    return false;
  bool secure = scheme && swale__ws_same_word(scheme, strlen(scheme), "wss");
  return is_scheme(page.scheme, secure ? "https" : "http") && same_span(page.authority.host, server.host) &&
         effective_port(page.scheme, page.authority.port) == effective_port(page.scheme, server.port);
}

/* ---- sets ------------------------------------------------------------------------------- */

struct pattern {
  struct span scheme; /* empty: any */
  struct span host;   /* without the dot in front */
  int port;           /* NO_PORT: any, or the scheme's own */
  bool subdomains;
};

struct swale_origins {
  struct swale_allocator allocator;
  bool all;
  bool require;
  size_t n;
  struct pattern patterns[]; /* and behind them their texts */
};

static bool parse_pattern(const char *text, struct pattern *out) {
  const char *rest = text;
  struct authority authority;
  if (strstr(text, "://")) {
    if (!parse_scheme(text, &out->scheme, &rest))
      return false;
  } else {
    out->scheme = (struct span){text, 0};
  }
  out->subdomains = rest[0] == '.';
  rest += out->subdomains;
  if (!parse_authority(rest, strlen(rest), &authority) || (out->subdomains && rest[0] == '['))
    return false;
  out->host = authority.host;
  out->port = out->scheme.len > 0 ? effective_port(out->scheme, authority.port) : authority.port;
  return true;
}

static bool is_star(const char *text) { return strcmp(text, "*") == 0; }

static int check_patterns(const char *const *patterns, size_t *n, size_t *bytes) {
  *n = *bytes = 0;
  for (; patterns[*n]; (*n)++) {
    struct pattern ignored;
    if (!is_star(patterns[*n]) && !parse_pattern(patterns[*n], &ignored))
      return SWALE_EFORMAT;
    *bytes += strlen(patterns[*n]) + 1;
  }
  return 0;
}

int swale_origins_new(const char *const *patterns, const struct swale_allocator *allocator,
                      swale_origins **out) {
  *out = NULL;
  size_t n, bytes;
  int rv = check_patterns(patterns, &n, &bytes);
  if (rv)
    return rv;
  struct swale_env libc;
  swale_env_default(&libc);
  struct swale_allocator a = allocator && allocator->malloc ? *allocator : libc.allocator;
  swale_origins *set = swale__ws_malloc(&a, sizeof *set + n * sizeof set->patterns[0] + bytes);
  if (!set)
    return SWALE_ENOMEM;
  *set = (swale_origins){.allocator = a};
  char *text = (char *)&set->patterns[n];
  for (size_t i = 0; i < n; i++) {
    size_t size = strlen(patterns[i]) + 1;
    memcpy(text, patterns[i], size);
    if (is_star(text))
      set->all = true;
    else
      parse_pattern(text, &set->patterns[set->n++]);
    text += size;
  }
  *out = set;
  return 0;
}

void swale_origins_free(swale_origins *origins) {
  if (origins) {
    struct swale_allocator allocator = origins->allocator;
    swale__ws_release(&allocator, origins);
  }
}

void swale_origins_require(swale_origins *origins, int require) { origins->require = require != 0; }

static bool host_matches(const struct pattern *pattern, struct span host) {
  if (same_span(pattern->host, host))
    return true;
  if (!pattern->subdomains || host.len <= pattern->host.len + 1)
    return false;
  struct span tail = {host.at + (host.len - pattern->host.len), pattern->host.len};
  return tail.at[-1] == '.' && same_span(pattern->host, tail);
}

static bool matches(const struct pattern *pattern, const struct origin *origin) {
  int port = effective_port(origin->scheme, origin->authority.port);
  if (pattern->scheme.len > 0)
    return same_span(pattern->scheme, origin->scheme) && pattern->port == port &&
           host_matches(pattern, origin->authority.host);
  return (pattern->port == NO_PORT || pattern->port == port) && host_matches(pattern, origin->authority.host);
}

int swale_origins_allow(const swale_origins *origins, const char *origin) {
  if (!origin)
    return !origins->require;
  if (origins->all)
    return 1;
  struct origin parsed;
  if (!parse_origin(origin, &parsed))
    return 0;
  for (size_t i = 0; i < origins->n; i++)
    if (matches(&origins->patterns[i], &parsed))
      return 1;
  return 0;
}

int swale_origin_guard(swale_scope *scope, void *arg) {
  const char *origin = swale_scope_header(scope, "origin");
  bool allowed =
      arg ? swale_origins_allow(arg, origin) != 0
          : swale__ws_origin_is_same(origin, swale_scope_header(scope, "host"), swale_scope_scheme(scope));
  return allowed ? 0 : FORBIDDEN;
}

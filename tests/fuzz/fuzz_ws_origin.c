/* SPDX-License-Identifier: MIT */
/*
 * Patterns and origins: a pattern, a newline, an origin. Whatever they are, a pattern that was taken allows
 * itself and, if it begins with a dot, the host and its subdomains, and never a host that merely ends alike.
 */
#include <stdio.h>

#include "fuzz_ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 300 };

static void require_allowed(const swale_origins *set, bool allowed, const char *scheme, const char *label,
                            const char *host) {
  char origin[2 * TEXT_MAX];
  snprintf(origin, sizeof origin, "%s%s%s", scheme, label, host);
  REQUIRE(swale_origins_allow(set, origin) == allowed);
}

static void check_pattern(const swale_origins *set, const char *pattern) {
  char scheme[TEXT_MAX] = "https://";
  const char *host = strstr(pattern, "://");
  if (host) {
    host += 3;
    snprintf(scheme, sizeof scheme, "%.*s", (int)(host - pattern), pattern);
  } else {
    host = pattern;
  }
  bool subdomains = host[0] == '.';
  host += subdomains;
  require_allowed(set, true, scheme, "", host);
  require_allowed(set, subdomains, scheme, "a.", host[0] == '[' ? "x" : host);
  require_allowed(set, subdomains, scheme, "a.b.", host[0] == '[' ? "x" : host);
  if (host[0] != '[')
    require_allowed(set, false, scheme, "a", host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char text[TEXT_MAX];
  if (size >= sizeof text || memchr(data, '\0', size))
    return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  char *origin = strchr(text, '\n');
  if (origin)
    *origin++ = '\0';
  const char *const patterns[] = {text, NULL};
  swale_origins *set;
  int rv = swale_origins_new(patterns, NULL, &set);
  REQUIRE(rv == 0 || rv == SWALE_EFORMAT);
  if (rv != 0)
    return 0;
  int allowed = swale_origins_allow(set, origin);
  REQUIRE(allowed == 0 || allowed == 1);
  REQUIRE(swale_origins_allow(set, NULL) == 1);
  swale_origins_require(set, 1);
  REQUIRE(swale_origins_allow(set, NULL) == 0);
  if (strcmp(text, "*") != 0)
    check_pattern(set, text);
  swale_origins_free(set);
  return 0;
}

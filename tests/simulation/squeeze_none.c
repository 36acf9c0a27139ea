/* SPDX-License-Identifier: MIT */
#include "squeeze.h"

#include <stdlib.h>

/* A build without zlib. */

const char *squeeze_agree(struct squeeze *s, const char *answer) {
  (void)s, (void)answer;
  return "an extension that it was built without";
}

void squeeze_free(struct squeeze *s) { (void)s; }

void squeeze_deflate(struct squeeze *s, const void *bytes, size_t len, struct bytes *out) {
  (void)s, (void)bytes, (void)len, (void)out;
  abort();
}

bool squeeze_inflate(struct squeeze *s, const void *bytes, size_t len, struct bytes *out) {
  (void)s, (void)bytes, (void)len, (void)out;
  return false;
}

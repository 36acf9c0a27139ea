/* SPDX-License-Identifier: MIT */
#include "squeeze.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MEM_LEVEL = 1, TAIL = 4 };

static const unsigned char tail[TAIL] = {0x00, 0x00, 0xff, 0xff};

/* ---- agreeing ---------------------------------------------------------------------------------- */

/* The parameter's value in a header, -1 without one; 0: the parameter is not there. */
static int parameter(const char *header, const char *name) {
  const char *at = header ? strstr(header, name) : NULL;
  int value = -1;
  if (!at)
    return 0;
  sscanf(at + strlen(name), "=%d", &value);
  return value;
}

static bool has(const char *header, const char *name) { return parameter(header, name) != 0; }

const char *squeeze_agree(struct squeeze *s, const char *answer) {
  int ours = parameter(answer, "client_max_window_bits"),
      theirs = parameter(answer, "server_max_window_bits"),
      offered = parameter(s->offer, "client_max_window_bits"),
      wanted = parameter(s->offer, "server_max_window_bits");
  if (strncmp(answer, "permessage-deflate", 18) != 0)
    return "an extension that nobody offered";
  if ((ours && (ours < 8 || ours > 15)) || (theirs && (theirs < 8 || theirs > 15)))
    return "a window that cannot be";
  if (s->offer && ours && !offered)
    return "a window for a client that cannot be told";
  if (s->offer && wanted && (!theirs || theirs > wanted))
    return "a window larger than was asked for";
  if (has(s->offer, "server_no_context_takeover") && !has(answer, "server_no_context_takeover"))
    return "context takeover against the client's will";
  s->agreed = true;
  s->keeps = !has(answer, "client_no_context_takeover");
  s->they_keep = !has(answer, "server_no_context_takeover");
  s->their_bits = theirs ? theirs : 15;
  s->bits = ours ? ours : offered > 0 ? offered : 15;
  return NULL;
}

/* ---- messages ---------------------------------------------------------------------------------- */

static z_stream *new_stream(void) {
  z_stream *z = calloc(1, sizeof *z);
  if (!z)
    exit(2);
  return z;
}

static void must(int rv, const char *what) {
  if (rv == Z_OK)
    return;
  fprintf(stderr, "simulation: %s: %d\n", what, rv);
  exit(2);
}

void squeeze_free(struct squeeze *s) {
  if (s->deflater)
    deflateEnd(s->deflater);
  if (s->inflater)
    inflateEnd(s->inflater);
  free(s->deflater);
  free(s->inflater);
}

void squeeze_deflate(struct squeeze *s, const void *bytes, size_t len, struct bytes *out) {
  unsigned char buffer[4096];
  if (len == 0) {
    bytes_add(out, tail,
              1); /* an empty block without what is left out (7.2.3.6); deflate itself would say nothing */
    return;
  }
  if (!s->deflater) {
    s->deflater = new_stream();
    must(deflateInit2(s->deflater, 1, Z_DEFLATED, -s->bits, MEM_LEVEL, Z_DEFAULT_STRATEGY), "deflateInit2");
  }
  s->deflater->next_in = (void *)(uintptr_t)bytes;
  s->deflater->avail_in = (unsigned)len;
  do {
    s->deflater->next_out = buffer;
    s->deflater->avail_out = sizeof buffer;
    int rv = deflate(s->deflater, Z_SYNC_FLUSH);
    must(rv == Z_BUF_ERROR ? Z_OK : rv, "deflate");
    bytes_add(out, buffer, sizeof buffer - s->deflater->avail_out);
  } while (s->deflater->avail_out == 0);
  out->len -= TAIL;
  if (!s->keeps)
    deflateReset(s->deflater);
}

/* In small steps, since zlib lets a distance reach as far back as its caller's buffer, whatever the window. */
static bool inflate_part(z_stream *z, const void *bytes, size_t len, struct bytes *out) {
  unsigned char buffer[64];
  z->next_in = (void *)(uintptr_t)bytes;
  z->avail_in = (unsigned)len;
  do {
    z->next_out = buffer;
    z->avail_out = sizeof buffer;
    int rv = inflate(z, Z_SYNC_FLUSH);
    if (rv != Z_OK && rv != Z_BUF_ERROR)
      return false;
    bytes_add(out, buffer, sizeof buffer - z->avail_out);
  } while (z->avail_out == 0);
  return z->avail_in == 0;
}

bool squeeze_inflate(struct squeeze *s, const void *bytes, size_t len, struct bytes *out) {
  if (!s->inflater) {
    s->inflater = new_stream();
    must(inflateInit2(s->inflater, -s->their_bits), "inflateInit2");
  }
  bool good = inflate_part(s->inflater, bytes, len, out) && inflate_part(s->inflater, tail, TAIL, out);
  if (!s->they_keep)
    inflateReset(s->inflater);
  return good;
}

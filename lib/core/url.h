/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_URL_H
#define SWALE_CORE_URL_H

#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>

/* The longest URL that is taken, in bytes. */
#define SWALE__URL_MAX 4096

struct swale__url_param {
  const char *key, *value; /* decoded; the key is never empty, the value may be */
};

/*
 * What swale_layer_open is given, taken apart: scheme://authority/path?key=value&key=value. One allocation.
 * The query is plain percent-encoding: a '+' is a '+'.
 */
struct swale__url {
  const char *scheme;    /* in lower case */
  const char *authority; /* user:password@host,host:port, still encoded: split, then decode; may be "" */
  const char *path;      /* decoded, with its first slash; "" when there is none */
  size_t n_params;
  struct swale__url_param params[];
};

/*
 * Errors: SWALE_EFORMAT (no "scheme://", a bad escape or %00, a space, control character or '#', a parameter
 * without key or '=', a key twice; NULL), SWALE_ESIZE (over SWALE__URL_MAX), SWALE_ENOMEM. `*out` is set on
 * success only.
 */
int swale__url_parse(const char *text, const struct swale_allocator *a, struct swale__url **out);

/* NULL is fine. */
void swale__url_free(struct swale__url *u, const struct swale_allocator *a);

/* The value of a parameter, or NULL when it is absent. */
const char *swale__url_param(const struct swale__url *u, const char *key);

/* Replaces %XX by its byte, in place. What is no escape stays; "%00" does, too. */
void swale__percent_decode(char *text);

/*
 * A number, all of the text decimal digits. Errors: SWALE_EFORMAT (anything else, also NULL and ""),
 * SWALE_EINVAL (not within min..max). `*out` is set on success only.
 */
int swale__parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#endif

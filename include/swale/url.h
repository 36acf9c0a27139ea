/* SPDX-License-Identifier: MIT */
#ifndef SWALE_URL_H
#define SWALE_URL_H

#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/env.h>
#include <swale/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * URLs of layers taken apart, for those who write backends.
 */

/* The longest URL that is taken, in bytes. */
#define SWALE_URL_MAX 4096

struct swale_url_param {
  const char *key, *value; /* decoded; the key is never empty, the value may be */
};

/*
 * scheme://authority/path?key=value&key=value. The query is plain percent-encoding: a '+' is a '+'. One
 * allocation.
 */
struct swale_url {
  const char *scheme;    /* in lower case */
  const char *authority; /* user:password@host,host:port, still encoded: split, then decode; may be "" */
  const char *path;      /* decoded, with its first slash; "" when there is none */
  size_t n_params;
  struct swale_url_param *params;
};

/*
 * Errors: SWALE_EFORMAT (no "scheme://", a bad escape or %00, a space, control character or '#', a parameter
 * without key or '='; NULL), SWALE_ESIZE (over SWALE_URL_MAX), SWALE_ENOMEM. `*out` is set on
 * success only.
 */
SWALE_API int swale_url_parse(const char *text, const struct swale_allocator *allocator,
                              struct swale_url **out);

/* NULL is fine. */
SWALE_API void swale_url_free(struct swale_url *url, const struct swale_allocator *allocator);

/* The value of a parameter, or NULL when it is absent; of several with this key that of the first. */
SWALE_API const char *swale_url_param(const struct swale_url *url, const char *key);

/* Replaces %XX by its byte, in place. What is no escape stays; "%00" does, too. */
SWALE_API void swale_percent_decode(char *text);

/*
 * A number, all of the text decimal digits. Errors: SWALE_EFORMAT (anything else, also NULL and ""),
 * SWALE_EINVAL (not within min..max). `*out` is set on success only.
 */
SWALE_API int swale_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_SCOPE_BLOCK_H
#define SWALE_CORE_SCOPE_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/scope.h"

/*
 * A connection that idles pays for what its scope keeps, so a scope is one block with next to no pointers:
 *
 *     struct swale_scope | parameters | header cursor, if there are any headers | strings
 *
 * The strings are, in this order: one for each bit in `has`, the subprotocols, name and value of each
 * header, and the parameters' texts. What is looked for is found by walking over what stands before it.
 *
 * The guard values, which may be many or none and come one by one, have a block of their own; once that is
 * there the allocator stands in it.
 */
enum swale__scope_single {
  SWALE__SCOPE_PATH,
  SWALE__SCOPE_RAW_PATH,
  SWALE__SCOPE_QUERY,
  SWALE__SCOPE_SCHEME,
  SWALE__SCOPE_CLIENT,
  SWALE__SCOPE_SERVER
};

struct swale__scope_value {
  const char *key;
  void *value;
  void (*release)(void *value);
};

struct swale__scope_values {
  const struct swale_allocator *allocator;
  struct swale__scope_value at[];
};

struct swale_scope {
  const char *type;
  union {
    const struct swale_allocator *allocator; /* as long as `has_values` is not set */
    struct swale__scope_values *values;
  };
  uint16_t n_params, n_subprotocols, n_headers;
  uint8_t n_values : 7, has_values : 1;
  uint8_t has; /* bit i: i of enum swale__scope_single is there */
};

static inline struct swale_param *swale__scope_params(const swale_scope *scope) {
  return (struct swale_param *)(uintptr_t)(scope + 1);
}

static inline struct swale__headers *swale__scope_cursor(const swale_scope *scope) {
  return (struct swale__headers *)(swale__scope_params(scope) + scope->n_params);
}

static inline char *swale__scope_strings(const swale_scope *scope) {
  return (char *)(swale__scope_cursor(scope) + (scope->n_headers > 0));
}

static inline char *swale__scope_skip(char *at, size_t n_strings) {
  while (n_strings-- > 0)
    at += strlen(at) + 1;
  return at;
}

/* Where the i-th of enum swale__scope_single is, if it is there, or what stands behind them. */
static inline char *swale__scope_single(const swale_scope *scope, unsigned i) {
  return swale__scope_skip(swale__scope_strings(scope),
                           (size_t)__builtin_popcount(scope->has & ((1u << i) - 1)));
}

static inline char *swale__scope_subprotocols(const swale_scope *scope) {
  return swale__scope_single(scope, SWALE__SCOPE_SERVER + 1);
}

#endif

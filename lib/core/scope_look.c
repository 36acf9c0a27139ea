/* SPDX-License-Identifier: MIT */
#include "core/scope_block.h"

#include <stdbool.h>

static const char *single(const swale_scope *scope, enum swale__scope_single which) {
  return scope->has >> which & 1 ? swale__scope_single(scope, which) : NULL;
}

const char *swale_scope_type(const swale_scope *scope) { return scope->type; }
const char *swale_scope_path(const swale_scope *scope) { return single(scope, SWALE__SCOPE_PATH); }
const char *swale_scope_raw_path(const swale_scope *scope) { return single(scope, SWALE__SCOPE_RAW_PATH); }
const char *swale_scope_query(const swale_scope *scope) { return single(scope, SWALE__SCOPE_QUERY); }
const char *swale_scope_scheme(const swale_scope *scope) { return single(scope, SWALE__SCOPE_SCHEME); }
const char *swale_scope_client(const swale_scope *scope) { return single(scope, SWALE__SCOPE_CLIENT); }
const char *swale_scope_server(const swale_scope *scope) { return single(scope, SWALE__SCOPE_SERVER); }

/* Is `name` that one in lower case? */
static bool is_same_name(const char *lower_name, const char *name) {
  for (; *name; name++, lower_name++) {
    char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
    if (c != *lower_name)
      return false;
  }
  return *lower_name == '\0';
}

static struct swale_header header_from(const char *name) {
  return (struct swale_header){name, name + strlen(name) + 1};
}

bool swale__scope_next_header(const swale_scope *scope, struct swale__headers *walk) {
  if (walk->n == scope->n_headers)
    return false;
  const char *name = walk->n++ == 0
                         ? swale__scope_skip(swale__scope_subprotocols(scope), scope->n_subprotocols)
                         : walk->header.value + strlen(walk->header.value) + 1;
  walk->header = header_from(name);
  return true;
}

const char *swale_scope_header(const swale_scope *scope, const char *name) {
  struct swale__headers walk = {0};
  while (swale__scope_next_header(scope, &walk))
    if (is_same_name(walk.header.name, name))
      return walk.header.value;
  return NULL;
}

const struct swale_header *swale_scope_header_at(const swale_scope *scope, size_t i) {
  if (i >= scope->n_headers)
    return NULL;
  struct swale__headers *cursor = swale__scope_cursor(scope);
  if (cursor->n > i + 1)
    cursor->n = 0;
  while (cursor->n < i + 1)
    swale__scope_next_header(scope, cursor);
  return &cursor->header;
}

const char *swale_scope_subprotocol(const swale_scope *scope, size_t i) {
  return i < scope->n_subprotocols ? swale__scope_skip(swale__scope_subprotocols(scope), i) : NULL;
}

const struct swale_param *swale_scope_param_at(const swale_scope *scope, size_t i) {
  return i < scope->n_params ? &swale__scope_params(scope)[i] : NULL;
}

const struct swale_param *swale_scope_param(const swale_scope *scope, const char *name) {
  const struct swale_param *params = swale__scope_params(scope);
  for (size_t i = 0; i < scope->n_params; i++)
    if (strcmp(params[i].name, name) == 0)
      return &params[i];
  return NULL;
}

const char *swale_scope_param_text(const swale_scope *scope, const char *name) {
  const struct swale_param *param = swale_scope_param(scope, name);
  return param ? param->text : NULL;
}

int64_t swale_scope_param_int(const swale_scope *scope, const char *name, int64_t fallback) {
  const struct swale_param *param = swale_scope_param(scope, name);
  return param && param->type == SWALE_PARAM_INT ? param->as.integer : fallback;
}

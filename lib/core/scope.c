/* SPDX-License-Identifier: MIT */
#include "core/scope.h"

#include <string.h>

#include <swale/error.h>

#include "core/env.h"
#include "core/scope_block.h"
#include "core/scope_query.h"

#define VALUES_MAX 32

static const struct swale_allocator *memory(const swale_scope *scope) {
  return scope->has_values ? scope->values->allocator : scope->allocator;
}

#define BIT(single) (1u << SWALE__SCOPE_##single)

/* ---- making --------------------------------------------------------------------------------- */

/* A scope with the counts of `like`, and room for the strings. */
static swale_scope *new_block(const swale_scope *like, size_t bytes) {
  size_t front = sizeof *like + like->n_params * sizeof(struct swale_param) +
                 (like->n_headers > 0) * sizeof(struct swale__headers);
  swale_scope *scope = swale__malloc(memory(like), front + bytes);
  if (!scope)
    return NULL;
  memset(scope, 0, front);
  *scope = *like;
  return scope;
}

/* What a target says of the path and the query. */
struct target {
  const char *raw_path, *query;
  size_t raw_len, path_len;
};

static int split_target(const char *text, struct target *target) {
  if (!text || *text != '/' || strchr(text, '#'))
    return SWALE_EFORMAT;
  target->raw_path = text;
  target->raw_len = strcspn(text, "?");
  target->query = text + target->raw_len + (text[target->raw_len] == '?');
  return swale__unescape(text, target->raw_len, false, NULL, 0, &target->path_len);
}

static size_t size_of(const char *text) { return text ? strlen(text) + 1 : 0; }

static size_t request_bytes(const struct swale_request *request, const struct target *target) {
  size_t bytes = target->path_len + 1 + target->raw_len + 1 + size_of(target->query) +
                 size_of(request->scheme) + size_of(request->client) + size_of(request->server);
  for (size_t i = 0; i < request->n_subprotocols; i++)
    bytes += size_of(request->subprotocols[i]);
  for (size_t i = 0; i < request->n_headers; i++)
    bytes += size_of(request->headers[i].name) + size_of(request->headers[i].value);
  return bytes;
}

static char *put(char *to, const char *text) {
  size_t size = size_of(text);
  if (size > 0)
    memcpy(to, text, size);
  return to + size;
}

static void lower(char *text) {
  for (; *text; text++)
    if (*text >= 'A' && *text <= 'Z')
      *text = (char)(*text - 'A' + 'a');
}

static void put_request(char *to, const struct swale_request *request, const struct target *target) {
  size_t len;
  swale__unescape(target->raw_path, target->raw_len, false, to, target->path_len + 1, &len);
  to += len + 1;
  memcpy(to, target->raw_path, target->raw_len);
  to[target->raw_len] = '\0';
  to = put(to + target->raw_len + 1, target->query);
  to = put(to, request->scheme);
  to = put(to, request->client);
  to = put(to, request->server);
  for (size_t i = 0; i < request->n_subprotocols; i++)
    to = put(to, request->subprotocols[i]);
  for (size_t i = 0; i < request->n_headers; i++) {
    char *name = to;
    to = put(to, request->headers[i].name);
    lower(name);
    to = put(to, request->headers[i].value);
  }
}

int swale__scope_new(const struct swale_allocator *a, const char *type, const struct swale_request *request,
                     swale_scope **out) {
  struct swale_request known = {0};
  if (request->size == 0 || request->size > sizeof known)
    return SWALE_EINVAL;
  memcpy(&known, request, request->size);
  if (known.n_headers > UINT16_MAX || known.n_subprotocols > UINT16_MAX)
    return SWALE_ESIZE;
  struct target target;
  int rv = split_target(known.target, &target);
  if (rv < 0)
    return rv;
  swale_scope like = {
      .allocator = a,
      .type = type,
      .n_subprotocols = (uint16_t)known.n_subprotocols,
      .n_headers = (uint16_t)known.n_headers,
      .has = (uint8_t)(BIT(PATH) | BIT(RAW_PATH) | BIT(QUERY) | (known.scheme ? BIT(SCHEME) : 0) |
                       (known.client ? BIT(CLIENT) : 0) | (known.server ? BIT(SERVER) : 0)),
  };
  swale_scope *scope = new_block(&like, request_bytes(&known, &target));
  if (!scope)
    return SWALE_ENOMEM;
  put_request(swale__scope_strings(scope), &known, &target);
  *out = scope;
  return SWALE_OK;
}

int swale__scope_new_channel(const struct swale_allocator *a, const char *channel, swale_scope **out) {
  swale_scope like = {.allocator = a, .type = "channel", .has = BIT(PATH)};
  swale_scope *scope = new_block(&like, size_of(channel));
  if (!scope)
    return SWALE_ENOMEM;
  put(swale__scope_strings(scope), channel);
  *out = scope;
  return SWALE_OK;
}

/* ---- copying -------------------------------------------------------------------------------- */

/* Copies the strings that stand in [from, end) to `to`, if that is not NULL; the bytes they have. */
static size_t copy_run(char *to, const char *from, const char *end) {
  size_t bytes = (size_t)(end - from);
  if (to)
    memcpy(to, from, bytes);
  return bytes;
}

/* Copies the strings that a scope of the counts of `like` has in common with `scope`, likewise. */
static size_t copy_strings(char *to, const swale_scope *scope, const swale_scope *like) {
  size_t bytes = 0;
  char *at = swale__scope_strings(scope);
  for (unsigned has = scope->has; has != 0; has &= has - 1) {
    char *end = swale__scope_skip(at, 1);
    if (like->has & has & -has)
      bytes += copy_run(to ? to + bytes : NULL, at, end);
    at = end;
  }
  char *end = swale__scope_skip(at, scope->n_subprotocols);
  if (like->n_subprotocols > 0)
    bytes += copy_run(to ? to + bytes : NULL, at, end);
  at = end;
  if (like->n_headers > 0)
    bytes += copy_run(to ? to + bytes : NULL, at, swale__scope_skip(at, 2 * (size_t)scope->n_headers));
  return bytes;
}

/*
 * A scope of the counts of `like` with what it has in common with `scope`; *more is where `room` bytes for
 * more strings begin.
 */
static swale_scope *copy_as(const swale_scope *scope, const swale_scope *like, size_t room, char **more) {
  size_t bytes = copy_strings(NULL, scope, like);
  swale_scope *copy = new_block(like, bytes + room);
  if (copy)
    *more = swale__scope_strings(copy) + copy_strings(swale__scope_strings(copy), scope, like);
  return copy;
}

/* ---- parameters ----------------------------------------------------------------------------- */

static bool is_shadowed(const struct swale__capture *captures, size_t n, size_t i) {
  for (size_t later = i + 1; later < n; later++)
    if (strcmp(captures[later].param.name, captures[i].param.name) == 0)
      return true;
  return false;
}

int swale__scope_set_params(swale_scope **scope, const struct swale__capture *captures, size_t n) {
  swale_scope like = **scope;
  size_t bytes = 0;
  for (size_t i = 0; i < n; i++)
    if (!is_shadowed(captures, n, i)) {
      like.n_params++;
      bytes += captures[i].len + 1;
    }
  if (like.n_params == 0)
    return SWALE_OK;
  char *text;
  swale_scope *copy = copy_as(*scope, &like, bytes, &text);
  if (!copy)
    return SWALE_ENOMEM;
  struct swale_param *param = swale__scope_params(copy);
  for (size_t i = 0; i < n; i++) {
    if (is_shadowed(captures, n, i))
      continue;
    *param = captures[i].param;
    param++->text = memcpy(text, captures[i].param.text, captures[i].len);
    text += captures[i].len;
    *text++ = '\0';
  }
  swale__free(memory(copy), *scope);
  *scope = copy;
  return SWALE_OK;
}

/* ---- settling and ending -------------------------------------------------------------------- */

static unsigned kept_singles(unsigned keep) {
  unsigned kept = BIT(PATH);
  if (keep & SWALE_KEEP_HEADERS)
    kept |= BIT(SCHEME) | BIT(CLIENT) | BIT(SERVER);
  if (keep & SWALE_KEEP_QUERY)
    kept |= BIT(RAW_PATH) | BIT(QUERY);
  return kept;
}

static void copy_params(swale_scope *to, const swale_scope *from, char *text) {
  const struct swale_param *param = swale__scope_params(from);
  for (size_t i = 0; i < from->n_params; i++, param++) {
    struct swale_param *copy = &swale__scope_params(to)[i];
    *copy = *param;
    copy->text = text;
    text = put(text, param->text);
  }
}

swale_scope *swale__scope_settle(swale_scope *scope, unsigned keep) {
  swale_scope like = *scope;
  like.has = (uint8_t)(scope->has & kept_singles(keep));
  if (!(keep & SWALE_KEEP_SUBPROTOCOLS))
    like.n_subprotocols = 0;
  if (!(keep & SWALE_KEEP_HEADERS))
    like.n_headers = 0;
  size_t texts = 0;
  for (size_t i = 0; i < scope->n_params; i++)
    texts += size_of(swale__scope_params(scope)[i].text);
  char *text;
  swale_scope *settled = copy_as(scope, &like, texts, &text);
  if (!settled)
    return scope;
  copy_params(settled, scope, text);
  swale__free(memory(scope), scope);
  return settled;
}

void swale__scope_free(swale_scope *scope, const struct swale_allocator *a) {
  if (!scope)
    return;
  while (scope->n_values > 0) {
    struct swale__scope_value last = scope->values->at[--scope->n_values];
    if (last.release)
      last.release(last.value);
  }
  if (scope->has_values)
    swale__free(a, scope->values);
  swale__free(a, scope);
}

/* ---- guard values --------------------------------------------------------------------------- */

static struct swale__scope_value *find_value(const swale_scope *scope, const char *key) {
  for (size_t i = 0; i < scope->n_values; i++)
    if (strcmp(scope->values->at[i].key, key) == 0)
      return &scope->values->at[i];
  return NULL;
}

/* Room for one more value. */
static int reserve_value(swale_scope *scope) {
  const struct swale_allocator *a = memory(scope);
  struct swale__scope_values *values = scope->has_values ? scope->values : NULL;
  if (scope->n_values == VALUES_MAX)
    return SWALE_EFULL;
  values = swale__realloc(a, values, sizeof *values + (scope->n_values + 1u) * sizeof values->at[0]);
  if (!values)
    return SWALE_ENOMEM;
  values->allocator = a;
  scope->values = values;
  scope->has_values = 1;
  return 0;
}

int swale_scope_set(swale_scope *scope, const char *key, void *value, void (*release)(void *value)) {
  struct swale__scope_value set = {key, value, release};
  struct swale__scope_value *there = find_value(scope, key);
  if (there) {
    struct swale__scope_value old = *there;
    *there = set;
    if (old.release)
      old.release(old.value);
    return SWALE_OK;
  }
  int rv = reserve_value(scope);
  if (rv == 0)
    scope->values->at[scope->n_values++] = set;
  return rv;
}

void *swale_scope_get(const swale_scope *scope, const char *key) {
  const struct swale__scope_value *there = find_value(scope, key);
  return there ? there->value : NULL;
}

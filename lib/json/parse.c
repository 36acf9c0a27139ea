/* SPDX-License-Identifier: MIT */
#include <swale/json.h>

#include <string.h>

#include "json/build.h"
#include "json/error.h"
#include "json/text.h"

/*
 * The limit on size is one on text. No text becomes more than three times as long in a message: the worst is
 * a double of three characters, "1e9", which takes nine bytes. The rest is for the type and for two keys.
 */
static size_t message_bound(size_t len, const char *type) {
  size_t rest = 64 + (type ? strlen(type) : 0);
  return len < (SIZE_MAX - rest) / 3 ? 3 * len + rest : SIZE_MAX;
}

/* Adds `root`, under `key` or, if that is NULL, field by field. */
static int fill(swale_message *m, const char *key, json_t *root) {
  int rv = key ? swale__json_add_value(m, key, root) : swale__json_add_fields(m, root);
  return rv ? rv : swale_message_freeze(m);
}

static int make(json_t *root, const char *key, const char *type, size_t len,
                const struct swale_allocator *allocator, swale_message **out, struct swale_json_error *why) {
  swale_message *m = swale_message_new_with(type, message_bound(len, type), allocator);
  int rv = m ? fill(m, key, root) : SWALE_ENOMEM;
  if (rv) {
    swale_message_unref(m);
    return swale__json_fail(why, rv, 0, swale_strerror(rv));
  }
  *out = m;
  return 0;
}

/* The object's own type if it has one. */
static int find_type(json_t *object, const char *fallback, const char **type) {
  json_t *own = json_object_get(object, "type");
  *type = own ? json_string_value(own) : fallback;
  if (!*type || **type == '\0')
    return SWALE_ETYPE;
  return own && strlen(*type) != json_string_length(own) ? SWALE_ETYPE : 0;
}

static int make_from_value(json_t *root, const char *type, size_t len,
                           const struct swale_allocator *allocator, swale_message **out,
                           struct swale_json_error *why) {
  if (!type || *type == '\0')
    return swale__json_fail(why, SWALE_ETYPE, 0, "no type was given");
  return make(root, "json", type, len, allocator, out, why);
}

static int make_from_object(json_t *root, const char *fallback, size_t len,
                            const struct swale_allocator *allocator, swale_message **out,
                            struct swale_json_error *why) {
  const char *type;
  if (!json_is_object(root))
    return swale__json_fail(why, SWALE_EFORMAT, 0, "the text is JSON but no object");
  if (find_type(root, fallback, &type) != 0)
    return swale__json_fail(why, SWALE_ETYPE, 0, "the object has no \"type\" that can be one");
  return make(root, NULL, type, len, allocator, out, why);
}

int swale_json_parse(const char *text, size_t len, const char *type, const struct swale_parse_limits *limits,
                     const struct swale_allocator *allocator, swale_message **out,
                     struct swale_json_error *why) {
  json_t *root;
  *out = NULL;
  swale__json_fail(why, 0, 0, "");
  int rv = swale__json_load(text, len, limits, SWALE_MESSAGE_DEPTH_MAX, &root, why);
  if (rv == 0)
    rv = make_from_object(root, type, len, allocator, out, why);
  json_decref(root);
  return rv;
}

int swale_json_parse_value(const char *text, size_t len, const char *type,
                           const struct swale_parse_limits *limits, const struct swale_allocator *allocator,
                           swale_message **out, struct swale_json_error *why) {
  json_t *root;
  *out = NULL;
  swale__json_fail(why, 0, 0, "");
  int rv = swale__json_load(text, len, limits, SWALE_MESSAGE_DEPTH_MAX - 1, &root, why);
  if (rv == 0)
    rv = make_from_value(root, type, len, allocator, out, why);
  json_decref(root);
  return rv;
}

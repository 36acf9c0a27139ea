/* SPDX-License-Identifier: MIT */
#include "core/converter.h"

#include <stdint.h>
#include <string.h>

#include <swale/error.h>

#include "core/env.h"
#include "core/name.h"

#define UUID_LENGTH 36
#define INT_DIGITS_MAX 19

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_any(char c) {
  (void)c;
  return true;
}

static bool is_no_slash(char c) { return c != '/'; }

static bool is_of_slug(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static bool is_of_uuid(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || c == '-'; }

/* INT_DIGITS_MAX digits fit uint64_t. */
static int match_int(const char *text, size_t len, struct swale_param *param, void *user) {
  (void)user;
  uint64_t value = 0;
  for (size_t i = 0; i < len; i++)
    value = value * 10 + (uint64_t)(text[i] - '0');
  if (value > INT64_MAX)
    return -1;
  param->type = SWALE_PARAM_INT;
  param->as.integer = (int64_t)value;
  return 0;
}

static unsigned hex_value(char c) { return (unsigned)(is_digit(c) ? c - '0' : c - 'a' + 10); }

static bool is_place_of_dash(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

static int match_uuid(const char *text, size_t len, struct swale_param *param, void *user) {
  (void)user;
  if (len != UUID_LENGTH)
    return -1;
  unsigned char uuid[16] = {0};
  size_t nibbles = 0;
  for (size_t i = 0; i < len; i++) {
    if ((text[i] == '-') != is_place_of_dash(i))
      return -1;
    if (text[i] == '-')
      continue;
    uuid[nibbles / 2] = (unsigned char)((unsigned)uuid[nibbles / 2] << 4 | hex_value(text[i]));
    nibbles++;
  }
  param->type = SWALE_PARAM_UUID;
  memcpy(param->as.uuid, uuid, sizeof uuid);
  return 0;
}

static const struct swale__converter builtins[] = {
    {{.name = "str"}, is_no_slash, SIZE_MAX, true, NULL},
    {{.name = "int", .match = match_int}, is_digit, INT_DIGITS_MAX, false, NULL},
    {{.name = "slug"}, is_of_slug, SIZE_MAX, true, NULL},
    {{.name = "uuid", .match = match_uuid}, is_of_uuid, UUID_LENGTH, false, NULL},
    {{.name = "path"}, is_any, SIZE_MAX, true, NULL},
};

static bool has_name(const struct swale__converter *converter, const char *name, size_t len) {
  return strncmp(converter->as.name, name, len) == 0 && converter->as.name[len] == '\0';
}

const struct swale__converter *swale__converter_builtin(const char *name, size_t len) {
  for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++)
    if (has_name(&builtins[i], name, len))
      return &builtins[i];
  return NULL;
}

const struct swale__converter *swale__converter_find(const struct swale__converter *own, const char *name,
                                                     size_t len) {
  for (; own; own = own->next)
    if (has_name(own, name, len))
      return own;
  return swale__converter_builtin(name, len);
}

int swale__converter_add(struct swale__converter **own, const struct swale_converter *converter,
                         const struct swale_allocator *a) {
  if (!swale__name_is_group(converter->name))
    return SWALE_ENAME;
  if (!converter->match)
    return SWALE_EINVAL;
  size_t len = strlen(converter->name);
  if (swale__converter_find(*own, converter->name, len))
    return SWALE_EEXIST;
  struct swale__converter *copy = swale__malloc(a, sizeof *copy + len + 1);
  if (!copy)
    return SWALE_ENOMEM;
  *copy = (struct swale__converter){
      .as = *converter,
      .takes = converter->slashes ? is_any : is_no_slash,
      .longest = SIZE_MAX,
      .next = *own,
  };
  copy->as.name = memcpy(copy + 1, converter->name, len + 1);
  *own = copy;
  return SWALE_OK;
}

void swale__converter_free_all(struct swale__converter **own, const struct swale_allocator *a) {
  while (*own) {
    struct swale__converter *first = *own;
    *own = first->next;
    swale__free(a, first);
  }
}

bool swale__converter_match(const struct swale__converter *converter, const char *text, size_t len,
                            struct swale_param *param) {
  *param = (struct swale_param){.type = SWALE_PARAM_STR};
  return !converter->as.match || converter->as.match(text, len, param, converter->as.user) == 0;
}

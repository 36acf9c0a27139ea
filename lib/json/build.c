/* SPDX-License-Identifier: MIT */
#include "json/build.h"

#include <string.h>

/* A list or object whose elements are being added. */
struct level {
  json_t *container;
  size_t index;   /* of a list: the next element */
  void *iterator; /* of an object: the next field */
};

struct walk {
  swale_message *message;
  size_t depth;
  struct level levels[SWALE_MESSAGE_DEPTH_MAX];
};

struct field {
  const char *key; /* NULL in a list */
  size_t key_len;
  json_t *value;
};

static int push(struct walk *w, json_t *container) {
  if (w->depth == SWALE_MESSAGE_DEPTH_MAX)
    return SWALE_EDEPTH;
  w->levels[w->depth++] = (struct level){
      .container = container,
      .iterator = json_is_object(container) ? json_object_iter(container) : NULL,
  };
  return 0;
}

static int add_scalar(swale_message *m, const struct field *field, const struct swale_value *value) {
  return swale_message_add_value(m, field->key, field->key_len, value);
}

static int add_string(swale_message *m, const struct field *field) {
  size_t len = json_string_length(field->value);
  if (len > UINT32_MAX)
    return SWALE_ESIZE;
  struct swale_value value = {
      .type = SWALE_STR, .len = (uint32_t)len, .as.str = json_string_value(field->value)};
  return add_scalar(m, field, &value);
}

static int add(struct walk *w, const struct field *field) {
  swale_message *m = w->message;
  struct swale_value value = {.type = SWALE_NIL};
  int rv;
  switch (json_typeof(field->value)) {
  case JSON_OBJECT:
    rv = swale_message_begin_mapn(m, field->key, field->key_len);
    return rv ? rv : push(w, field->value);
  case JSON_ARRAY:
    rv = swale_message_begin_listn(m, field->key, field->key_len);
    return rv ? rv : push(w, field->value);
  case JSON_STRING:
    return add_string(m, field);
  case JSON_INTEGER:
    value = (struct swale_value){.type = SWALE_INT, .as.integer = json_integer_value(field->value)};
    break;
  case JSON_REAL:
    value = (struct swale_value){.type = SWALE_DOUBLE, .as.number = json_real_value(field->value)};
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    value = (struct swale_value){.type = SWALE_BOOL, .as.truth = json_is_true(field->value)};
    break;
  case JSON_NULL:
    break;
  }
  return add_scalar(m, field, &value);
}

/* Takes the next element of the container on top; false at its end. */
static bool next(struct level *top, struct field *field) {
  *field = (struct field){NULL, 0, NULL};
  if (!json_is_object(top->container)) {
    field->value = json_array_get(top->container, top->index++);
    return field->value != NULL;
  }
  if (!top->iterator)
    return false;
  field->key = json_object_iter_key(top->iterator);
  field->key_len = strlen(field->key);
  field->value = json_object_iter_value(top->iterator);
  top->iterator = json_object_iter_next(top->container, top->iterator);
  return true;
}

/* Adds the elements of what is open, until nothing is. */
static int add_elements(struct walk *w) {
  int rv = 0;
  while (rv == 0 && w->depth > 0) {
    struct field field;
    if (next(&w->levels[w->depth - 1], &field)) {
      rv = add(w, &field);
    } else {
      rv = swale_message_end(w->message);
      w->depth--;
    }
  }
  return rv;
}

int swale__json_add_value(swale_message *m, const char *key, json_t *value) {
  struct walk w = {.message = m};
  struct field field = {key, strlen(key), value};
  int rv = add(&w, &field);
  return rv ? rv : add_elements(&w);
}

int swale__json_add_fields(swale_message *m, json_t *object) {
  int rv = 0;
  struct level root = {.container = object, .iterator = json_object_iter(object)};
  struct field field;
  struct walk w = {.message = m};
  while (rv == 0 && next(&root, &field)) {
    if (strcmp(field.key, "type") == 0)
      continue;
    rv = add(&w, &field);
    if (rv == 0)
      rv = add_elements(&w);
  }
  return rv;
}

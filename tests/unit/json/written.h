/* SPDX-License-Identifier: MIT */
/* What a function that writes JSON into a buffer has written. */
#ifndef SWALE_TESTS_JSON_WRITTEN_H
#define SWALE_TESTS_JSON_WRITTEN_H

#include <unit.h>

#include <swale/json.h>

/* Room for the texts of these tests. */
struct written {
  char text[4096];
  size_t len;
};

/* Runs `write` as a renderer of a message without content: 0 and the text, ended by a NUL, or its error. */
static inline int write_json(const struct swale_allocator *allocator, swale_render_fn write, void *arg,
                             struct written *out) {
  swale_payload *payload;
  swale_message *m = swale_message_new_with("test", 0, allocator);
  int rv = m ? swale_message_freeze(m) : SWALE_ENOMEM;
  if (rv == 0)
    rv = swale_message_render(m, SWALE_TEXT, write, arg, &payload);
  if (rv == 0) {
    const void *bytes = swale_payload_bytes(payload, &out->len);
    assert_true(out->len < sizeof out->text);
    memcpy(out->text, bytes, out->len);
    out->text[out->len] = '\0';
  }
  swale_message_unref(m);
  return rv;
}

static inline int write_value(const swale_message *m, swale_buffer *out, void *value) {
  (void)m;
  return swale_json_value(out, value);
}

static inline int write_whole(const swale_message *m, swale_buffer *out, void *message) {
  (void)m;
  return swale_json_message(out, message);
}

static inline void assert_value_written(struct swale_value value, const char *text) {
  struct written w;
  assert_int_equal(write_json(NULL, write_value, &value, &w), 0);
  assert_string_equal(w.text, text);
}

static inline void assert_message_written(swale_message *m, const char *text) {
  struct written w;
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(write_json(NULL, write_whole, m, &w), 0);
  assert_string_equal(w.text, text);
}

#endif

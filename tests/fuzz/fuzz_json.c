/* SPDX-License-Identifier: MIT */
/*
 * JSON from a peer. What is accepted must come back: written as JSON and parsed again it is the same message,
 * byte for byte. What is not must say why and leave nothing behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <swale/json.h>

static void demand(int truth) {
  if (!truth)
    abort();
}

static int write_message(const swale_message *m, swale_buffer *out, void *arg) {
  (void)arg;
  return swale_json_message(out, m);
}

static void compare(const swale_message *a, const swale_message *b) {
  size_t a_len, b_len;
  const void *a_bytes = swale_message_bytes(a, &a_len), *b_bytes = swale_message_bytes(b, &b_len);
  demand(a_len == b_len && memcmp(a_bytes, b_bytes, a_len) == 0);
}

/* The text may be longer than what it came from, "\u0001" for a byte say, hence no limit on size. */
static void there_and_back(swale_message *m) {
  struct swale_parse_limits unlimited = {.size = SIZE_MAX};
  swale_payload *text;
  swale_message *again;
  size_t len;
  demand(swale_message_render(m, SWALE_TEXT, write_message, NULL, &text) == 0);
  const char *bytes = swale_payload_bytes(text, &len);
  demand(swale_json_parse(bytes, len, NULL, &unlimited, NULL, &again, NULL) == 0);
  compare(m, again);
  swale_message_unref(again);
}

static void check(int rv, swale_message *m, const struct swale_json_error *why, size_t len) {
  demand(rv <= 0 && why->error == rv && (m != NULL) == (rv == 0));
  demand(why->position <= len && (strlen(why->text) > 0) == (rv < 0));
  demand(rv == 0 || rv == SWALE_EFORMAT || rv == SWALE_EUTF8 || rv == SWALE_EDEPTH || rv == SWALE_ESIZE ||
         rv == SWALE_EDUPLICATE || rv == SWALE_ETYPE);
  if (m)
    there_and_back(m);
  swale_message_unref(m);
}

static int write_string(const swale_message *m, swale_buffer *out, void *arg) {
  const struct swale_value *text = arg;
  (void)m;
  return swale_json_string(out, text->as.str, text->len);
}

/* Any text at all can be a JSON string, and is then read as itself. */
static void quote(const char *data, size_t len) {
  struct swale_value text = {.as.str = data, .len = (uint32_t)len}, read;
  swale_message *m = swale_message_new("t"), *again;
  swale_payload *quoted;
  size_t quoted_len;
  demand(swale_message_freeze(m) == 0);
  int rv = swale_message_render(m, SWALE_TEXT, write_string, &text, &quoted);
  demand(rv == 0 || rv == SWALE_EUTF8);
  if (rv == 0) {
    const char *bytes = swale_payload_bytes(quoted, &quoted_len);
    demand(swale_json_parse_value(bytes, quoted_len, "t", NULL, NULL, &again, NULL) == 0);
    demand(swale_message_get(again, "json", &read) == 0 && read.len == len &&
           memcmp(read.as.str, data, len) == 0);
    swale_message_unref(again);
  }
  swale_message_unref(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  struct swale_parse_limits narrow = {.size = 64, .depth = 3};
  struct swale_json_error why;
  swale_message *m;
  int rv = swale_json_parse(text, size, "t", NULL, NULL, &m, &why);
  check(rv, m, &why, size);
  rv = swale_json_parse_value(text, size, "t", &narrow, NULL, &m, &why);
  check(rv, m, &why, size);
  quote(text, size);
  return 0;
}

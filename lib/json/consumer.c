/* SPDX-License-Identifier: MIT */
#include <swale/json.h>

#include <stdio.h>

#include "json/error.h"

/* The bytes of a close reason, its NUL included. */
enum { REASON_SIZE = 124 };

/* ---- sending ------------------------------------------------------------------------------ */

static int render(const swale_message *m, swale_buffer *out, void *arg) {
  (void)arg;
  return swale_json_message(out, m);
}

int swale_send_json(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render, NULL);
}

static const struct swale_allocator *allocator_of(const swale_consumer *c) {
  return &swale_loop_env(swale_consumer_loop(c))->allocator;
}

struct request {
  const struct swale_value *value;
};

static int render_value(const swale_message *m, swale_buffer *out, void *arg) {
  (void)m;
  return swale_json_value(out, ((const struct request *)arg)->value);
}

/* A message of no content lends its renderer, because that is who has a buffer. */
int swale_send_json_value(swale_consumer *c, const struct swale_value *value) {
  struct request request = {value};
  swale_message *m = swale_message_new_with("json", 0, allocator_of(c));
  int rv = m ? swale_message_freeze(m) : SWALE_ENOMEM;
  if (rv == 0)
    rv = swale_send_rendered(c, m, SWALE_TEXT, render_value, &request);
  swale_message_unref(m);
  return rv;
}

/* ---- receiving ---------------------------------------------------------------------------- */

static uint16_t close_code(enum swale_kind kind, int error) {
  if (kind != SWALE_TEXT)
    return 1003;
  return error == SWALE_ESIZE ? 1009 : 1007;
}

static int refuse(swale_consumer *c, enum swale_kind kind, const struct swale_json_receiver *receiver,
                  const struct swale_json_error *why) {
  if (receiver->on_error)
    return receiver->on_error(c, why);
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "%.*s", REASON_SIZE - 1, why->text);
  (void)swale_close(c, close_code(kind, why->error), reason);
  return 0;
}

static int hand_over(swale_consumer *c, const swale_message *m, const struct swale_json_receiver *receiver) {
  struct swale_value value;
  int rv = swale_message_get(m, "json", &value);
  return rv || !receiver->on_value ? rv : receiver->on_value(c, &value);
}

int swale_receive_json(swale_consumer *c, enum swale_kind kind, const void *data, size_t len,
                       const struct swale_json_receiver *receiver) {
  struct swale_json_error why;
  swale_message *m = NULL;
  int rv;
  if (kind == SWALE_TEXT)
    rv = swale_json_parse_value(data, len, "json", &receiver->limits, allocator_of(c), &m, &why);
  else
    rv = swale__json_fail(&why, SWALE_ETYPE, 0, "a binary message instead of JSON text");
  if (rv == SWALE_ENOMEM)
    return rv;
  if (rv)
    return refuse(c, kind, receiver, &why);
  rv = hand_over(c, m, receiver);
  swale_message_unref(m);
  return rv;
}

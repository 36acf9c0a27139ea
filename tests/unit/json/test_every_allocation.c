/* SPDX-License-Identifier: MIT */
/*
 * Every public function of libswale-json, called while memory is short: with the first allocation failing, the second, ..., once
 * and for good. tests/check/allocations.py sees to it that none is missing here. What jansson asks of the C
 * library does not fail here.
 */
#include <swale/json.h>

#include "peer.h"

#define TRY(call) UNIT_TRY(&error, call)

static int as_json(const swale_message *m, swale_buffer *out, void *arg) {
  struct swale_value root = swale_message_root(m);
  (void)arg;
  swale_buffer_puts(out, "[");
  swale_json_message(out, m);
  swale_buffer_puts(out, ",");
  swale_json_value(out, &root);
  swale_buffer_puts(out, ",");
  swale_json_string(out, "text", 4);
  return swale_buffer_puts(out, "]");
}

static int texts(struct unit_env *u) {
  static const char text[] = "{\"type\":\"t\",\"list\":[1,2.5,true,null,\"x\",{\"deep\":{}}]}";
  struct swale_json_error why;
  swale_message *m = NULL, *value = NULL;
  swale_payload *payload;
  int error = 0;
  TRY(swale_json_parse(text, strlen(text), NULL, NULL, &u->env.allocator, &m, &why));
  TRY(swale_json_parse_value("[1,[2]]", 7, "v", NULL, &u->env.allocator, &value, &why));
  if (m)
    TRY(swale_message_render(m, SWALE_TEXT, as_json, NULL, &payload));
  swale_message_unref(value);
  swale_message_unref(m);
  return error;
}

static void of_texts(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(texts);
}

static int on_value(swale_consumer *c, const struct swale_value *value) {
  return swale_send_json_value(c, value);
}

static int receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  const struct swale_json_receiver receiver = {.on_value = on_value};
  return swale_receive_json(c, kind, data, len, &receiver);
}

static int consumers(struct unit_env *u) {
  static const struct swale_consumer_class class = {.receive = receive};
  struct peer p;
  int error = 0;
  swale_message *m = swale_message_new_with("t", 0, &u->env.allocator);
  TRY(swale_message_freeze(m)); /* SWALE_ENOMEM where there is none */
  TRY(peer_open(&p, &u->env, &class));
  if (p.consumer && m) {
    peer_says(&p, SWALE_TEXT, "{}", 2);
    if (p.consumer)
      TRY(swale_send_json(p.consumer, m));
  }
  swale_message_unref(m);
  peer_end(&p);
  return error;
}

static void of_consumers(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(consumers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_texts),
      cmocka_unit_test(of_consumers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Every public function of the core, called while memory is short: with the first allocation failing, the second, ...,
 * once and for good. Nothing crashes or leaks, the books balance, the error is answered, and what comes
 * behind it still works or answers with an error of its own. tests/check/allocations.py sees to it that no
 * function is missing here.
 */
#include "fake_transport.h"

#include <stdio.h>

#include <swale/url.h>
#include <swale/utf8.h>

#define TRY(call) UNIT_TRY(&error, call)

/* ---- messages and payloads -------------------------------------------------------------- */

static int render(const swale_message *m, swale_buffer *out, void *arg) {
  (void)arg;
  swale_buffer_append(out, "<", 1);
  swale_buffer_puts(out, swale_message_type(m));
  swale_buffer_printf(out, " %0500d>", 7);
  return 0;
}

static int encode(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out, const void *arg) {
  (void)kind, (void)arg;
  return swale_buffer_append(out, bytes, len);
}

static void read_back(const swale_message *m, const struct swale_value *nested) {
  struct swale_value value, key, root = swale_message_root(m);
  struct swale_iter it;
  size_t len;
  assert_int_equal(root.type, SWALE_MAP);
  assert_string_equal(swale_message_type(m), "type");
  assert_int_equal(swale_message_get(m, "list", &value), 0);
  swale_iter_start(&it, &value);
  while (swale_iter_next(&it, &key, &value))
    ;
  assert_int_equal(swale_value_get(nested, "n", &value), 0);
  assert_int_equal(value.as.integer, 5);
  assert_non_null(swale_message_get_str(m, "str", &len));
  assert_int_equal(swale_message_get_int(m, "int", 0), 7);
  assert_true(swale_message_get_double(m, "double", 0) > 1);
  assert_true(swale_message_get_bool(m, "bool", false));
  assert_int_equal(swale_message_get(m, "str", &value), 0);
  assert_true(swale_value_is(&value, "text"));
}

static int add_fields(swale_message *m) {
  struct swale_value seven = {.type = SWALE_INT, .as.integer = 7};
  int error = 0;
  char big[2000];
  memset(big, 'b', sizeof big);
  TRY(swale_message_add_str(m, "str", "text"));
  TRY(swale_message_add_strn(m, "strn", "text", 2));
  TRY(swale_message_add_bytes(m, "bytes", big, sizeof big));
  TRY(swale_message_add_int(m, "int", 7));
  TRY(swale_message_add_double(m, "double", 1.5));
  TRY(swale_message_add_bool(m, "bool", true));
  TRY(swale_message_add_nil(m, "nil"));
  TRY(swale_message_add_value(m, "value", 5, &seven));
  TRY(swale_message_begin_list(m, "list"));
  TRY(swale_message_begin_listn(m, NULL, 0));
  TRY(swale_message_begin_map(m, NULL));
  TRY(swale_message_begin_mapn(m, "deep", 4));
  TRY(swale_message_begin_map(m, "deeper"));
  for (int i = 0; i < 5; i++)
    TRY(swale_message_end(m));
  TRY(swale_message_begin_map(m, "nested"));
  TRY(swale_message_add_int(m, "n", 5));
  TRY(swale_message_end(m));
  assert_int_equal(swale_message_error(m), error);
  return error;
}

static int payloads(swale_message *m, const struct swale_allocator *a) {
  int error = 0;
  swale_payload *rendered, *again, *encoded, *wrapped = NULL, *mine = NULL;
  size_t len;
  TRY(swale_message_render(m, SWALE_TEXT, render, NULL, &rendered));
  TRY(swale_message_render(m, SWALE_TEXT, render, NULL, &again));
  if (rendered) {
    TRY(swale_payload_encode(rendered, encode, NULL, &encoded));
    TRY(swale_payload_encode_as(rendered, encode, "a name", NULL, &encoded));
    assert_int_equal(swale_payload_kind(rendered), SWALE_TEXT);
    assert_non_null(swale_payload_bytes(rendered, &len));
  }
  TRY(swale_payload_wrap(SWALE_BINARY, "x", 1, encode, NULL, a, &wrapped));
  TRY(swale_payload_new(SWALE_TEXT, "mine", 4, a, &mine));
  if (mine)
    swale_payload_unref(swale_payload_ref(mine));
  swale_payload_unref(mine);
  swale_payload_unref(wrapped);
  return error;
}

static int messages(struct unit_env *u) {
  int error = 0;
  struct swale_value nested;
  size_t len;
  swale_message *parsed = NULL, *m = swale_message_new_with("type", 0, &u->env.allocator);
  TRY(add_fields(m));
  TRY(swale_message_freeze(m));
  if (m && swale_message_error(m) == 0) {
    assert_int_equal(swale_message_get(m, "nested", &nested), 0);
    read_back(m, &nested);
    const void *bytes = swale_message_bytes(m, &len);
    TRY(swale_message_parse(bytes, len, NULL, &u->env.allocator, &parsed));
    swale_message_unref(parsed);
    TRY(swale_message_parse_without("nested", bytes, len, NULL, &u->env.allocator, &parsed, &nested));
    TRY(payloads(m, &u->env.allocator));
    swale_message_unref(swale_message_ref(m));
  }
  swale_message_unref(parsed);
  swale_message_unref(m);
  swale_message *plain = swale_message_new("of the C library");
  swale_message_unref(plain);
  return error;
}

static void messages_and_payloads(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(messages);
}

/* ---- layers ------------------------------------------------------------------------------ */

static int use_layer(swale_layer *layer, swale_message *m) {
  int error = 0;
  char name[SWALE_NAME_SIZE];
  struct swale_cursor at = {0};
  struct swale_layer_stats stats;
  struct swale_channel_stats channel;
  swale_message *taken;
  TRY(swale_new_channel(layer, NULL, name));
  TRY(swale_send(layer, "plain", m));
  TRY(swale_group_add(layer, "group", "plain"));
  TRY(swale_group_add(layer, "group", name));
  TRY(swale_group_add(layer, "other", "plain"));
  TRY(swale_group_send(layer, "group", m));
  while (swale_group_next(layer, "group", &at, name) == 1)
    ;
  at = (struct swale_cursor){0};
  while (swale_channel_next_group(layer, "plain", &at, name) == 1)
    ;
  assert_true(swale_group_count(layer, "group") >= 0);
  assert_true(swale_channel_name_valid("a!b") && swale_group_name_valid("a"));
  if (swale_receive(layer, "plain", &taken) == 0)
    swale_message_unref(taken);
  TRY(swale_group_discard(layer, "group", "plain"));
  swale_channel_stats_get(layer, "plain", &channel);
  TRY(swale_channel_close(layer, "plain"));
  TRY(swale_flush(layer));
  assert_int_equal(swale_layer_stats_get(layer, &stats), 0);
  uint64_t ends = stats.delivered + stats.queued;
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    ends += stats.dropped[i];
  assert_int_equal(stats.offered, ends);
  return error;
}

static void note_receipt(int result, swale_message *message, void *user) {
  assert_true((message != NULL) == (result == 0));
  ++*(int *)user;
}

static int receive_on(swale_loop *loop, swale_layer *layer, swale_message *m) {
  static int told;
  int error = 0;
  const struct swale_reception how = {.loop = loop, .done = note_receipt, .user = &told, .timeout_ms = 1000};
  swale_receiver *first, *second;
  told = 0;
  TRY(swale_receive_then(layer, "reply", &how, &first));
  TRY(swale_receive_then(layer, "reply", &how, &second));
  bool sent = swale_send(layer, "reply", m) == 0;
  error = error == 0 && !sent ? SWALE_ENOMEM : error;
  swale_receive_cancel(first);
  TRY(swale_loop_run(loop));
  assert_int_equal(told, sent && second);
  return error;
}

static int receivers(struct unit_env *u, swale_layer *layer, swale_message *m) {
  struct swale_loop_config config;
  swale_loop *loop;
  int error = 0;
  swale_loop_config_default(&config);
  config.env = &u->env;
  TRY(swale_loop_new(&config, &loop));
  if (loop)
    TRY(receive_on(loop, layer, m));
  assert_int_equal(swale_loop_free(loop), 0);
  return error;
}

static int layers(struct unit_env *u) {
  static const struct swale_capacity capacities[] = {{"pl*", 5}};
  struct swale_layer_config config;
  swale_layer *layer;
  char why[100];
  int error = 0;
  swale_layer_config_default(&config);
  config.env = &u->env;
  config.capacities = capacities;
  config.n_capacities = 1;
  swale_message *m = swale_message_new_with("type", 0, &u->env.allocator);
  TRY(swale_layer_open("memory://?expiry=5", &config, &layer, why, sizeof why));
  if (layer && m)
    TRY(use_layer(layer, m));
  if (layer && m)
    TRY(receivers(u, layer, m));
  TRY(m ? 0 : SWALE_ENOMEM);
  swale_message_unref(m);
  assert_int_equal(swale_layer_free(layer), 0);
  return error;
}

static int urls(struct unit_env *u) {
  struct swale_url *url = NULL;
  char text[] = "%41";
  uint64_t n;
  int error = 0;
  TRY(swale_url_parse("memory://?capacity=5", &u->env.allocator, &url));
  if (url) {
    assert_int_equal(swale_parse_uint(swale_url_param(url, "capacity"), 1, 9, &n), 0);
    swale_percent_decode(text);
    assert_string_equal(text, "A");
  }
  swale_url_free(url, &u->env.allocator);
  return error;
}

static void urls_of_layers(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(urls);
}

static void channel_layers(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(layers);
}

/* ---- apps, loops, consumers -------------------------------------------------------------- */

static int match(const char *text, size_t len, struct swale_param *param, void *user) {
  (void)text, (void)len, (void)param, (void)user;
  return 0;
}

static int pass(swale_scope *scope, void *arg) {
  (void)arg;
  swale_scope_set(scope, "user", scope, NULL);
  return 0;
}

static int set_up(struct world *w) {
  const struct swale_converter converter = {.name = "any", .match = match};
  swale_routes *nested = NULL;
  int error = 0;
  TRY(swale_app_converter(w->app, &converter));
  TRY(swale_app_guard(w->app, pass, NULL));
  TRY(swale_routes_nest(swale_app_routes(w->app), "nested/", &nested));
  if (nested) {
    TRY(swale_routes_add(nested, "<int:number>/<any:text>/", &fake_class));
    TRY(swale_routes_guard(nested, pass, NULL));
  }
  TRY(swale_app_default(w->app, &fake_class));
  TRY(swale_app_channel(w->app, "work", &fake_class));
  assert_in_range(swale_app_has_guard(w->app, pass), 0, 1);
  return error;
}

static void read_scope(const swale_scope *scope) {
  char out[16];
  assert_string_equal(swale_scope_type(scope), "websocket");
  assert_non_null(swale_scope_path(scope));
  swale_scope_raw_path(scope);
  swale_scope_query(scope);
  swale_scope_scheme(scope);
  swale_scope_client(scope);
  swale_scope_server(scope);
  swale_scope_header(scope, "Cookie");
  swale_scope_header_at(scope, 0);
  swale_scope_cookie(scope, "a", out, sizeof out);
  swale_scope_query_param(scope, "x", out, sizeof out);
  swale_scope_subprotocol(scope, 0);
  swale_scope_param(scope, "number");
  swale_scope_param_at(scope, 0);
  swale_scope_param_text(scope, "text");
  swale_scope_param_int(scope, "number", 0);
  swale_scope_get(scope, "user");
}

static void ask_getters(swale_consumer *c, struct world *w) {
  char name[SWALE_NAME_SIZE];
  assert_ptr_equal(swale_consumer_class_of(c), &fake_class);
  assert_ptr_equal(swale_consumer_app(c), w->app);
  assert_ptr_equal(swale_consumer_loop(c), w->loop);
  assert_ptr_equal(swale_consumer_layer(c), w->layer);
  assert_ptr_equal(swale_consumer_user(c), w);
  assert_null(swale_consumer_transport(c, &(struct swale_transport_class){0}));
  assert_non_null(swale_state(c));
  assert_int_equal(swale_waiting(c), 0);
  assert_ptr_equal(swale_consumer_find(w->loop, w->layer, swale_channel_name(c, name)), c);
  read_scope(swale_consumer_scope(c));
}

static int greet(swale_consumer *c) {
  struct world *w = world_of(c);
  int *result = w->more, error = 0;
  ask_getters(c, w);
  assert_int_equal(swale_consumer_is_busy(c), 1);
  TRY(swale_add_header(c, "X-A", "b"));
  TRY(swale_join(c, "group"));
  TRY(swale_join(c, "second"));
  TRY(swale_join(c, "third"));
  TRY(swale_leave(c, "second"));
  TRY(swale_accept(c, NULL));
  *result = *result ? *result : error;
  return 0;
}

static int refuse(swale_consumer *c) { return swale_reject(c, 403, "no"); }

static int speak(swale_consumer *c, swale_message *m) {
  struct world *w = world_of(c);
  int *result = w->more, error = 0;
  swale_payload *payload;
  TRY(swale_send_text(c, "text", 4));
  TRY(swale_send_bytes(c, "bytes", 5));
  TRY(swale_payload_new(SWALE_TEXT, "payload", 7, &w->u.env.allocator, &payload));
  if (payload)
    TRY(swale_send_payload(c, payload));
  swale_payload_unref(payload);
  TRY(swale_send_rendered(c, m, SWALE_TEXT, render, NULL));
  *result = *result ? *result : error;
  return 0;
}

static void on_timer(struct swale_timer *timer) { assert_int_equal(swale_timer_armed(timer), 0); }
static void on_job(struct swale_job *job) { (void)job; }
static size_t on_drain(struct swale_drain_hook *hook) {
  (void)hook;
  return 0;
}

static void use_loop(struct world *w) {
  static const char key;
  static struct swale_drain_hook hook;
  static struct swale_job job;
  struct swale_timer timer = {.fire = on_timer};
  hook = (struct swale_drain_hook){.refuse = on_drain};
  job = (struct swale_job){.run = on_job};
  swale_loop_on_drain(w->loop, &hook);
  swale_timer_start(w->loop, &timer, 5);
  assert_int_equal(swale_timer_armed(&timer), 1);
  swale_timer_stop(w->loop, &timer);
  swale_loop_hold(w->loop);
  swale_loop_release(w->loop);
  swale_loop_enter(w->loop);
  swale_loop_defer(w->loop, &job);
  assert_int_equal(swale_loop_put_off(w->loop, &job), 1);
  swale_loop_leave_quietly(w->loop);
  swale_loop_extension(w->loop, &key, 100, NULL);
  assert_ptr_equal(swale_loop_env(w->loop)->user, w->u.env.user);
  assert_non_null(swale_loop_user(w->loop));
  assert_true(swale_loop_now_ms(w->loop) > 0);
  assert_int_equal(swale_loop_draining(w->loop), 0);
}

static int converse(struct world *w) {
  int error = 0;
  static const struct swale_header header = {"Cookie", "a=b"};
  static const char *const protocols[] = {"p"};
  struct swale_request request = {.size = sizeof request,
                                  .target = "/nested/7/x/?x=1",
                                  .scheme = "ws",
                                  .client = "c:1",
                                  .server = "s:1",
                                  .headers = &header,
                                  .n_headers = 1,
                                  .subprotocols = protocols,
                                  .n_subprotocols = 1};
  struct fake a, b;
  w->more = &error;
  w->on_connect = greet;
  w->on_message = speak;
  TRY(fake_open_request(&a, w, "a", &request));
  w->on_connect = refuse;
  TRY(fake_open(&b, w, "b"));
  if (a.c) {
    TRY(world_group_send(w, "group", "note", "to all"));
    world_run(w);
    fake_pause(&a); /* swale_consumer_pause */
    TRY(world_send(w, fake_channel(a.c), "note", "later"));
    world_settle(w);
    fake_resume(&a);        /* swale_consumer_resume */
    fake_deliver(&a, "hi"); /* swale_consumer_deliver */
    swale_loop_enter(w->loop);
    swale_app_report(w->app, a.c, SWALE_ECLOSED, "only a test");
    swale_loop_leave(w->loop);
    swale_close(a.c, 1000, "bye");
    fake_lost(&a, 1000); /* swale_consumer_lost */
  }
  TRY(swale_app_serve(w->app, w->loop));
  world_settle(w);
  return error;
}

static int live(struct unit_env *u) {
  struct swale_drain_config drain;
  struct world w;
  int error = 0;
  world_init(&w);
  w.terse = true;
  w.loop_config.user = &w;
  unit_env_hand_over(&w.u, u);
  TRY(world_open(&w, NULL));
  if (error == 0) {
    TRY(set_up(&w));
    use_loop(&w);
    TRY(converse(&w));
    TRY(swale_loop_close_all(w.loop, 1001, NULL));
    swale_drain_config_default(&drain);
    TRY(swale_loop_drain(w.loop, &drain));
    world_settle(&w);
    assert_true(swale_loop_timeout_ms(w.loop) != 0);
    assert_int_equal(swale_app_consumers(w.app), swale_loop_consumers(w.loop));
    world_end(&w);
  }
  unit_env_hand_over(u, &w.u);
  return error;
}

static void apps_loops_and_consumers(void **state) {
  (void)state;
  unit_fail_every_allocation_also_for_good(live);
}

/* These take no memory: they are here to be complete. */
static void what_takes_no_memory(void **state) {
  struct swale_env env;
  struct swale_app_config app;
  struct swale_loop_config loop;
  struct swale_utf8 utf8;
  swale_app *plain_app;
  swale_loop *plain_loop;
  (void)state;
  swale_env_default(&env);
  swale_app_config_default(&app);
  swale_loop_config_default(&loop);
  assert_non_null(swale_version());
  assert_non_null(swale_strerror(SWALE_ENOMEM));
  swale_utf8_init(&utf8);
  assert_int_equal(swale_utf8_feed(&utf8, "x", 1), 0);
  assert_int_equal(swale_utf8_end(&utf8), 0);
  assert_true(swale_utf8_valid("x", 1));
  assert_int_equal(swale_app_new(&app, &plain_app), 0);
  assert_int_equal(swale_app_layer(plain_app, NULL, NULL), SWALE_EINVAL);
  assert_int_equal(swale_app_route(plain_app, "x", NULL), SWALE_EINVAL);
  assert_int_equal(swale_app_free(plain_app), 0);
  assert_int_equal(swale_loop_new(&loop, &plain_loop), 0);
  assert_int_equal(swale_loop_run(plain_loop), 0);
  assert_int_equal(swale_loop_free(plain_loop), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_and_payloads), cmocka_unit_test(urls_of_layers),
      cmocka_unit_test(channel_layers),        cmocka_unit_test(apps_loops_and_consumers),
      cmocka_unit_test(what_takes_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

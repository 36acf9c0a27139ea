/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>

#include <swale/transport.h>

#include "core/app.h"
#include "core/scope.h"

static const struct swale_consumer_class chat = {.name = "chat"}, news = {.name = "news"};

/* ---- an app that writes down what it is told ------------------------------------------------- */

struct log {
  int n;
  struct swale_report reports[8];
  char details[8][64];
};

static void write_down(const struct swale_report *report, void *user) {
  struct log *log = user;
  assert_in_range(log->n, 0, 7);
  strncpy(log->details[log->n], report->detail, 63);
  log->reports[log->n++] = *report;
}

static swale_app *new_app(struct unit_env *u, struct log *log) {
  struct swale_app_config config;
  swale_app_config_default(&config);
  config.env = &u->env;
  config.consumers_max = 3;
  if (log)
    config.on_error = write_down;
  config.user = log;
  swale_app *app = NULL;
  assert_int_equal(swale_app_new(&config, &app), 0);
  return app;
}

static void end_app(struct unit_env *u, swale_app *app) {
  assert_int_equal(swale_app_free(app), 0);
  assert_int_equal(u->live, 0);
}

static swale_scope *new_scope(struct unit_env *u, const char *target) {
  struct swale_request request = {.size = sizeof request, .target = target};
  swale_scope *scope = NULL;
  assert_int_equal(swale__scope_new(&u->env.allocator, "websocket", &request, &scope), 0);
  return scope;
}

/* ---- config --------------------------------------------------------------------------------- */

static void the_defaults_are_the_documented_ones(void **state) {
  (void)state;
  struct swale_app_config config;
  memset(&config, 0xff, sizeof config);
  swale_app_config_default(&config);
  assert_int_equal(config.size, sizeof config);
  assert_null(config.env);
  assert_int_equal(config.connect_timeout_ms, 5000);
  assert_int_equal(config.keep, 0);
  assert_int_equal(config.consumers_max, 1000000);
  assert_null(config.on_error);
  assert_null(config.user);
  swale_app *app = NULL;
  assert_int_equal(swale_app_new(NULL, &app), 0);
  assert_int_equal(app->connect_timeout_ms, 5000);
  assert_int_equal(app->consumers_max, 1000000);
  assert_int_equal(swale_app_free(app), 0);
  assert_int_equal(swale_app_free(NULL), 0);
}

static void a_config_counts_as_far_as_its_size_says(void **state) {
  (void)state;
  struct swale_app_config config;
  memset(&config, 0xff, sizeof config);
  swale_app_config_init(&config, offsetof(struct swale_app_config, keep));
  assert_int_equal(config.keep, ~0u);
  config.connect_timeout_ms = 7;
  swale_app *app = NULL;
  assert_int_equal(swale_app_new(&config, &app), 0);
  assert_int_equal(app->connect_timeout_ms, 7);
  assert_int_equal(app->keep, 0);
  assert_int_equal(app->consumers_max, 1000000);
  assert_int_equal(swale_app_free(app), 0);

  struct {
    struct swale_app_config known;
    char later[16];
  } future;
  memset(&future, 0xff, sizeof future);
  swale_app_config_init(&future.known, sizeof future);
  assert_int_equal(future.later[15], 0);
  assert_int_equal(swale_app_new(&future.known, &app), SWALE_EINVAL);
}

static int try_config(struct swale_app_config config) {
  swale_app *app = NULL;
  int rv = swale_app_new(&config, &app);
  swale_app_free(app);
  return rv;
}

static void values_out_of_range_are_refused(void **state) {
  (void)state;
  struct swale_app_config config;
  swale_app_config_default(&config);
  assert_int_equal(try_config(config), 0);
  config.size = 0;
  assert_int_equal(try_config(config), SWALE_EINVAL);
  swale_app_config_default(&config);
  config.connect_timeout_ms = 0;
  assert_int_equal(try_config(config), SWALE_EINVAL);
  swale_app_config_default(&config);
  config.consumers_max = 0;
  assert_int_equal(try_config(config), SWALE_EINVAL);
  swale_app_config_default(&config);
  config.keep = 8;
  assert_int_equal(try_config(config), SWALE_EINVAL);
  config.keep = SWALE_KEEP_ALL;
  assert_int_equal(try_config(config), 0);
}

/* ---- layers and channels -------------------------------------------------------------------- */

static void layers_are_found_by_their_alias(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u, NULL);
  int a, b;
  swale_layer *first = (swale_layer *)(void *)&a, *second = (swale_layer *)(void *)&b;
  assert_null(swale__app_find_layer(app, NULL));
  assert_int_equal(swale_app_layer(app, NULL, NULL), SWALE_EINVAL);
  assert_int_equal(swale_app_layer(app, NULL, first), 0);
  assert_int_equal(swale_app_layer(app, "default", second), SWALE_EEXIST);
  assert_int_equal(swale_app_layer(app, "other", second), 0);
  assert_ptr_equal(swale__app_find_layer(app, NULL), first);
  assert_ptr_equal(swale__app_find_layer(app, "default"), first);
  assert_ptr_equal(swale__app_find_layer(app, "other"), second);
  assert_null(swale__app_find_layer(app, "Other"));
  end_app(&u, app);
}

static void channels_have_one_class_each(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u, NULL);
  assert_int_equal(swale__app_channels(app), 0);
  assert_int_equal(swale_app_channel(app, "thumbnails", &chat), 0);
  assert_int_equal(swale_app_channel(app, "thumbnails", &news), SWALE_EEXIST);
  assert_int_equal(swale_app_channel(app, "mail", &news), 0);
  assert_int_equal(swale_app_channel(app, "a b", &news), SWALE_ENAME);
  assert_int_equal(swale_app_channel(app, "a!b", &news), SWALE_ENAME);
  assert_int_equal(swale_app_channel(app, NULL, &news), SWALE_ENAME);
  assert_int_equal(swale__app_channels(app), 2);
  assert_string_equal(swale__app_channel_name(app, 0), "thumbnails");
  assert_ptr_equal(swale__app_channel_class(app, 0), &chat);
  assert_string_equal(swale__app_channel_name(app, 1), "mail");
  assert_ptr_equal(swale__app_channel_class(app, 1), &news);
  end_app(&u, app);
}

/* ---- freezing and counting ------------------------------------------------------------------ */

static int pass(swale_scope *scope, void *arg) {
  (void)scope;
  (void)arg;
  return 0;
}

static int match_none(const char *text, size_t len, struct swale_param *param, void *user) {
  (void)text;
  (void)len;
  (void)param;
  (void)user;
  return -1;
}

static void a_frozen_app_cannot_be_set_up(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u, NULL);
  int a;
  swale_routes *set = NULL;
  struct swale_converter converter = {.name = "none", .match = match_none};
  assert_int_equal(swale_routes_nest(swale_app_routes(app), "a/", &set), 0);
  swale__app_freeze(app);
  swale__app_freeze(app);
  long allocated = u.allocated;
  assert_int_equal(swale_app_layer(app, NULL, (swale_layer *)(void *)&a), SWALE_ESTATE);
  assert_int_equal(swale_app_route(app, "b", &chat), SWALE_ESTATE);
  assert_int_equal(swale_app_default(app, &chat), SWALE_ESTATE);
  assert_int_equal(swale_routes_add(set, "b", &chat), SWALE_ESTATE);
  assert_int_equal(swale_routes_nest(set, "b", &set), SWALE_ESTATE);
  assert_int_equal(swale_app_converter(app, &converter), SWALE_ESTATE);
  assert_int_equal(swale_app_guard(app, pass, NULL), SWALE_ESTATE);
  assert_int_equal(swale_routes_guard(set, pass, NULL), SWALE_ESTATE);
  assert_int_equal(swale_app_channel(app, "work", &chat), SWALE_ESTATE);
  assert_int_equal(u.allocated, allocated);
  end_app(&u, app);
}

static void consumers_are_counted_up_to_the_bound(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u, NULL);
  for (int i = 0; i < 3; i++)
    assert_int_equal(swale__app_admit(app), 0);
  assert_int_equal(swale__app_admit(app), SWALE_EFULL);
  assert_int_equal(swale_app_consumers(app), 3);
  swale__app_dismiss(app);
  assert_int_equal(swale__app_admit(app), 0);
  assert_int_equal(swale_app_free(app), SWALE_ESTATE);
  for (int i = 0; i < 3; i++)
    swale__app_dismiss(app);
  assert_int_equal(swale_app_consumers(app), 0);
  end_app(&u, app);
}

static void *admit_and_dismiss(void *arg) {
  swale_app *app = arg;
  for (int i = 0; i < 20000; i++) {
    swale__app_freeze(app);
    if (swale__app_admit(app) == 0)
      swale__app_dismiss(app);
  }
  return NULL;
}

static void several_threads_count_right(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u, NULL);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, admit_and_dismiss, app), 0);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  assert_int_equal(swale_app_consumers(app), 0);
  end_app(&u, app);
}

/* ---- reports -------------------------------------------------------------------------------- */

static void a_transport_reports_through_the_app(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct log log = {0};
  swale_app *app = new_app(&u, &log);
  int c;
  swale_app_report(app, (swale_consumer *)(void *)&c, SWALE_EPROTOCOL, "bad frame");
  assert_int_equal(log.n, 1);
  assert_int_equal(log.reports[0].kind, SWALE_REPORT_TRANSPORT);
  assert_ptr_equal(log.reports[0].consumer, &c);
  assert_int_equal(log.reports[0].error, SWALE_EPROTOCOL);
  assert_string_equal(log.details[0], "bad frame");
  end_app(&u, app);
  app = new_app(&u, NULL);
  swale_app_report(app, NULL, SWALE_EPROTOCOL, "nobody listens");
  end_app(&u, app);
}

/* ---- resolving ------------------------------------------------------------------------------ */

/* A guard that signs the log of the scope, and answers what it is told to. */
struct signer {
  const char *name;
  int answer;
  char *signatures;
};

static int sign(swale_scope *scope, void *arg) {
  struct signer *signer = arg;
  strcat(signer->signatures, signer->name);
  assert_int_equal(swale_scope_set(scope, signer->name, signer, NULL), 0);
  return signer->answer;
}

static int resolve(swale_app *app, struct unit_env *u, const char *target,
                   const struct swale_consumer_class **out) {
  swale_scope *scope = new_scope(u, target);
  int rv = swale__app_resolve(app, &scope, out);
  swale__scope_free(scope, &u->env.allocator);
  return rv;
}

static void a_path_leads_to_its_class_with_parameters(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct log log = {0};
  swale_app *app = new_app(&u, &log);
  assert_int_equal(swale_app_route(app, "ws/<slug:room>/<int:id>/", &chat), 0);
  swale_scope *scope = new_scope(&u, "/ws/l%6fbby/7/?x");
  const struct swale_consumer_class *class = NULL;
  assert_int_equal(swale__app_resolve(app, &scope, &class), 0);
  assert_ptr_equal(class, &chat);
  assert_string_equal(swale_scope_param_text(scope, "room"), "lobby");
  assert_int_equal(swale_scope_param_int(scope, "id", -1), 7);
  assert_int_equal(log.n, 0);
  swale__scope_free(scope, &u.env.allocator);
  end_app(&u, app);
}

static void a_path_without_a_route_is_refused_with_404(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  struct log log = {0};
  swale_app *app = new_app(&u, &log);
  const struct swale_consumer_class *class = NULL;
  assert_int_equal(resolve(app, &u, "/nowhere", &class), 404);
  assert_null(class);
  assert_int_equal(log.n, 1);
  assert_int_equal(log.reports[0].kind, SWALE_REPORT_REFUSED);
  assert_null(log.reports[0].consumer);
  assert_int_equal(log.reports[0].error, 404);
  assert_string_equal(log.details[0], "/nowhere");
  end_app(&u, app);
}

static void the_default_serves_what_no_route_matches(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  char signatures[16] = "";
  struct signer of_app = {"a", 0, signatures}, of_set = {"s", 0, signatures};
  swale_app *app = new_app(&u, NULL);
  const struct swale_consumer_class *class = NULL;
  assert_int_equal(swale_app_default(app, &news), 0);
  assert_int_equal(swale_app_route(app, "a", &chat), 0);
  assert_int_equal(swale_app_guard(app, sign, &of_app), 0);
  assert_int_equal(swale_routes_guard(swale_app_routes(app), sign, &of_set), 0);
  assert_int_equal(resolve(app, &u, "/nowhere", &class), 0);
  assert_ptr_equal(class, &news);
  assert_string_equal(signatures, "a");
  assert_int_equal(resolve(app, &u, "/a", &class), 0);
  assert_ptr_equal(class, &chat);
  assert_string_equal(signatures, "aas");
  of_app.answer = 403;
  assert_int_equal(resolve(app, &u, "/nowhere", &class), 403);
  end_app(&u, app);
}

static void guards_are_asked_from_the_outside_in_until_one_refuses(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  char signatures[16] = "";
  struct signer app1 = {"1", 0, signatures}, app2 = {"2", 0, signatures}, root = {"r", 0, signatures},
                outer = {"o", 0, signatures}, inner = {"i", 0, signatures}, other = {"x", 0, signatures};
  struct log log = {0};
  swale_app *app = new_app(&u, &log);
  swale_routes *outer_set = NULL, *inner_set = NULL, *other_set = NULL;
  assert_int_equal(swale_routes_nest(swale_app_routes(app), "a/", &other_set), 0);
  assert_int_equal(swale_routes_nest(swale_app_routes(app), "a/", &outer_set), 0);
  assert_int_equal(swale_routes_nest(outer_set, "b/", &inner_set), 0);
  assert_int_equal(swale_routes_add(inner_set, "c", &chat), 0);
  assert_int_equal(swale_routes_guard(inner_set, sign, &inner), 0);
  assert_int_equal(swale_routes_guard(outer_set, sign, &outer), 0);
  assert_int_equal(swale_routes_guard(other_set, sign, &other), 0);
  assert_int_equal(swale_routes_guard(swale_app_routes(app), sign, &root), 0);
  assert_int_equal(swale_app_guard(app, sign, &app1), 0);
  assert_int_equal(swale_app_guard(app, sign, &app2), 0);
  const struct swale_consumer_class *class = NULL;
  assert_int_equal(resolve(app, &u, "/a/b/c", &class), 0);
  assert_string_equal(signatures, "12roi");
  assert_int_equal(log.n, 0);
  *signatures = '\0';
  outer.answer = 401;
  assert_int_equal(resolve(app, &u, "/a/b/c", &class), 401);
  assert_string_equal(signatures, "12ro");
  assert_int_equal(log.n, 1);
  assert_int_equal(log.reports[0].kind, SWALE_REPORT_REFUSED);
  assert_int_equal(log.reports[0].error, 401);
  assert_string_equal(log.details[0], "/a/b/c");
  end_app(&u, app);
}

static void a_guard_without_a_status_counts_as_500(void **state) {
  (void)state;
  static const int answers[] = {-1, 200, 399, 600, SWALE_ENOMEM, 1};
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    struct unit_env u;
    unit_env_init(&u);
    char signatures[16] = "";
    struct signer signer = {"s", answers[i], signatures};
    struct log log = {0};
    swale_app *app = new_app(&u, &log);
    const struct swale_consumer_class *class = NULL;
    assert_int_equal(swale_app_route(app, "a", &chat), 0);
    assert_int_equal(swale_app_guard(app, sign, &signer), 0);
    assert_int_equal(resolve(app, &u, "/a", &class), 500);
    assert_null(class);
    assert_int_equal(log.n, 2);
    assert_int_equal(log.reports[0].kind, SWALE_REPORT_CALLBACK);
    assert_int_equal(log.reports[0].error, answers[i]);
    assert_string_equal(log.details[0], "guard");
    assert_int_equal(log.reports[1].kind, SWALE_REPORT_REFUSED);
    assert_int_equal(log.reports[1].error, 500);
    end_app(&u, app);
  }
}

static void the_bounds_of_a_guards_status_are_400_and_599(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  char signatures[16] = "";
  struct signer signer = {"s", 400, signatures};
  swale_app *app = new_app(&u, NULL);
  const struct swale_consumer_class *class = NULL;
  assert_int_equal(swale_app_route(app, "a", &chat), 0);
  assert_int_equal(swale_app_guard(app, NULL, NULL), SWALE_EINVAL);
  assert_int_equal(swale_routes_guard(swale_app_routes(app), NULL, NULL), SWALE_EINVAL);
  assert_int_equal(swale_app_guard(app, sign, &signer), 0);
  assert_int_equal(resolve(app, &u, "/a", &class), 400);
  signer.answer = 599;
  assert_int_equal(resolve(app, &u, "/a", &class), 599);
  end_app(&u, app);
}

static void the_guards_of_all_sets_are_known(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u, NULL);
  swale_routes *set = NULL;
  assert_int_equal(swale_routes_nest(swale_app_routes(app), "a/", &set), 0);
  assert_int_equal(swale_routes_nest(set, "b/", &set), 0);
  assert_int_equal(swale_app_has_guard(app, sign), 0);
  assert_int_equal(swale_routes_guard(set, sign, NULL), 0);
  assert_int_equal(swale_app_has_guard(app, sign), 1);
  assert_int_equal(swale_app_has_guard(app, pass), 0);
  assert_int_equal(swale_app_guard(app, pass, NULL), 0);
  assert_int_equal(swale_app_has_guard(app, pass), 1);
  end_app(&u, app);
}

static void the_apps_converters_are_for_routes_added_later(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u, NULL);
  struct swale_converter converter = {.name = "none", .match = match_none};
  const struct swale_consumer_class *class = NULL;
  assert_int_equal(swale_app_route(app, "<none:x>", &chat), SWALE_ENOTFOUND);
  assert_int_equal(swale_app_converter(app, &converter), 0);
  assert_int_equal(swale_app_converter(app, &converter), SWALE_EEXIST);
  assert_int_equal(swale_app_route(app, "<none:x>", &chat), 0);
  assert_int_equal(swale_app_route(app, "<x>", &news), 0);
  assert_int_equal(resolve(app, &u, "/a", &class), 0);
  assert_ptr_equal(class, &news);
  end_app(&u, app);
}

/* ---- memory --------------------------------------------------------------------------------- */

static int set_up_and_resolve(struct unit_env *u) {
  struct swale_app_config config;
  swale_app_config_default(&config);
  config.env = &u->env;
  struct swale_converter converter = {.name = "none", .match = match_none};
  char target[2048] = "/a/";
  memset(target + 3, 'b', sizeof target - 4); /* so long that matching needs memory, too */
  target[sizeof target - 1] = '\0';
  struct swale_request request = {.size = sizeof request, .target = target};
  const struct swale_consumer_class *class = NULL;
  swale_app *app = NULL;
  swale_routes *set = NULL;
  swale_scope *scope = NULL;
  int rv = swale_app_new(&config, &app);
  if (rv == 0)
    rv = swale_app_layer(app, "one", (swale_layer *)(void *)u);
  if (rv == 0)
    rv = swale_app_layer(app, NULL, (swale_layer *)(void *)u);
  if (rv == 0)
    rv = swale_app_converter(app, &converter);
  if (rv == 0)
    rv = swale_routes_nest(swale_app_routes(app), "<x>/", &set);
  if (rv == 0)
    rv = swale_routes_add(set, "<y><z><w><v>", &chat);
  if (rv == 0)
    rv = swale_app_guard(app, pass, NULL);
  if (rv == 0)
    rv = swale_routes_guard(set, pass, NULL);
  if (rv == 0)
    rv = swale_app_channel(app, "work", &chat);
  if (rv == 0)
    rv = swale__scope_new(&u->env.allocator, "websocket", &request, &scope);
  if (rv == 0)
    rv = swale__app_resolve(app, &scope, &class);
  swale__scope_free(scope, &u->env.allocator);
  swale_app_free(app);
  return rv;
}

static void without_memory_there_is_an_error_and_no_leak(void **state) {
  (void)state;
  unit_fail_every_allocation(set_up_and_resolve);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_defaults_are_the_documented_ones),
      cmocka_unit_test(a_config_counts_as_far_as_its_size_says),
      cmocka_unit_test(values_out_of_range_are_refused),
      cmocka_unit_test(layers_are_found_by_their_alias),
      cmocka_unit_test(channels_have_one_class_each),
      cmocka_unit_test(a_frozen_app_cannot_be_set_up),
      cmocka_unit_test(consumers_are_counted_up_to_the_bound),
      cmocka_unit_test(several_threads_count_right),
      cmocka_unit_test(a_transport_reports_through_the_app),
      cmocka_unit_test(a_path_leads_to_its_class_with_parameters),
      cmocka_unit_test(a_path_without_a_route_is_refused_with_404),
      cmocka_unit_test(the_default_serves_what_no_route_matches),
      cmocka_unit_test(guards_are_asked_from_the_outside_in_until_one_refuses),
      cmocka_unit_test(a_guard_without_a_status_counts_as_500),
      cmocka_unit_test(the_bounds_of_a_guards_status_are_400_and_599),
      cmocka_unit_test(the_guards_of_all_sets_are_known),
      cmocka_unit_test(the_apps_converters_are_for_routes_added_later),
      cmocka_unit_test(without_memory_there_is_an_error_and_no_leak),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

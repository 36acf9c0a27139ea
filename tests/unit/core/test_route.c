/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include "core/app.h"
#include "core/route.h"

static const struct swale_consumer_class chat = {.name = "chat"}, news = {.name = "news"},
                                         rest = {.name = "rest"};

static swale_app *new_app(struct unit_env *u) {
  struct swale_app_config config;
  swale_app_config_default(&config);
  config.env = &u->env;
  swale_app *app = NULL;
  assert_int_equal(swale_app_new(&config, &app), 0);
  return app;
}

static void end_app(struct unit_env *u, swale_app *app) {
  assert_int_equal(swale_app_free(app), 0);
  assert_int_equal(u->live, 0);
}

static const struct swale_consumer_class *find(swale_app *app, const char *path) {
  struct swale__found found;
  int rv = swale__routes_find(&app->routes, path, &found);
  assert_true(rv == 0 || rv == SWALE_ENOTFOUND);
  return rv == 0 ? found.consumer : NULL;
}

static swale_routes *nest(swale_routes *set, const char *prefix) {
  swale_routes *nested = NULL;
  assert_int_equal(swale_routes_nest(set, prefix, &nested), 0);
  return nested;
}

static void the_first_route_that_matches_wins(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  assert_null(find(app, "/"));
  assert_int_equal(swale_app_route(app, "ws/chat/", &chat), 0);
  assert_int_equal(swale_routes_add(swale_app_routes(app), "ws/<x>/", &news), 0);
  assert_int_equal(swale_app_route(app, "ws/chat/", &rest), 0);
  assert_ptr_equal(find(app, "/ws/chat/"), &chat);
  assert_ptr_equal(find(app, "/ws/news/"), &news);
  assert_null(find(app, "/ws/chat"));
  assert_null(find(app, "/ws/chat/x"));
  end_app(&u, app);
}

static void all_leading_slashes_are_stripped(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  assert_int_equal(swale_app_route(app, "", &rest), 0);
  assert_int_equal(swale_app_route(app, "a", &chat), 0);
  assert_ptr_equal(find(app, "/"), &rest);
  assert_ptr_equal(find(app, "///"), &rest);
  assert_ptr_equal(find(app, "//a"), &chat);
  assert_null(find(app, "/a/"));
  end_app(&u, app);
}

static void sets_nest_and_the_search_goes_on_behind_them(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  swale_routes *ws = nest(swale_app_routes(app), "ws/");
  swale_routes *rooms = nest(ws, "<slug:room>");
  assert_int_equal(swale_routes_add(rooms, "members/", &chat), 0);
  assert_int_equal(swale_routes_add(ws, "lobby/news/", &news), 0);
  nest(swale_app_routes(app), "ws/lobby/");
  assert_int_equal(swale_app_route(app, "ws/lobby/<path:p>", &rest), 0);
  assert_ptr_equal(find(app, "/ws/lobby/members/"), &chat);
  assert_ptr_equal(find(app, "/ws//lobby//members/"), &chat); /* each set strips what is left for it */
  assert_ptr_equal(find(app, "/ws/lobby/news/"), &news);
  assert_ptr_equal(find(app, "/ws/lobby/other"), &rest);
  assert_null(find(app, "/ws/hall/other"));
  end_app(&u, app);
}

static void the_parameters_of_all_sets_are_found(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  swale_routes *miss = nest(swale_app_routes(app), "<team>/");
  assert_int_equal(swale_routes_add(miss, "<a>/<b>/never", &chat), 0);
  swale_routes *team = nest(swale_app_routes(app), "<team>/");
  assert_int_equal(swale_routes_add(team, "<int:id>/<team>", &chat), 0);
  struct swale__found found;
  assert_int_equal(swale__routes_find(&app->routes, "/red/7/blue", &found), 0);
  assert_ptr_equal(found.set, team);
  assert_int_equal(found.n_captures, 3);
  assert_string_equal(found.captures[0].param.name, "team");
  assert_memory_equal(found.captures[0].param.text, "red", found.captures[0].len);
  assert_int_equal(found.captures[1].param.as.integer, 7);
  assert_string_equal(found.captures[2].param.text, "blue");
  end_app(&u, app);
}

static void sets_nest_sixteen_deep(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  swale_routes *set = swale_app_routes(app);
  char path[64] = "/";
  for (int i = 0; i < 16; i++) {
    set = nest(set, "<x>/");
    strcat(path, "x/");
  }
  swale_routes *deeper = NULL;
  assert_int_equal(swale_routes_nest(set, "", &deeper), SWALE_EDEPTH);
  assert_null(deeper);
  assert_int_equal(swale_routes_add(set, "<x>", &chat), SWALE_EFULL);
  assert_int_equal(swale_routes_add(set, "end", &chat), 0);
  assert_ptr_equal(find(app, strcat(path, "end")), &chat);
  end_app(&u, app);
}

static void parameters_of_outer_sets_count(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  swale_routes *ten = nest(swale_app_routes(app), "<a><b><c><d><e><f><g><h><i><j>/");
  swale_routes *nested = NULL;
  assert_int_equal(swale_routes_nest(ten, "<a><b><c><d><e><f><g>", &nested), SWALE_EFULL);
  assert_int_equal(swale_routes_add(ten, "<a><b><c><d><e><f><g>", &chat), SWALE_EFULL);
  assert_int_equal(swale_routes_add(ten, "<a><b><c><d><e><f>", &chat), 0);
  assert_ptr_equal(find(app, "0123456789/012345"), &chat);
  end_app(&u, app);
}

static void a_route_that_was_refused_leaves_nothing_behind(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  swale_routes *nested = NULL;
  assert_int_equal(swale_app_route(app, "/a", &chat), SWALE_EFORMAT);
  assert_int_equal(swale_app_route(app, "<no:a>", &chat), SWALE_ENOTFOUND);
  assert_int_equal(swale_routes_nest(swale_app_routes(app), "<a", &nested), SWALE_EFORMAT);
  assert_null(nested);
  assert_null(find(app, "/a"));
  assert_int_equal(swale_app_route(app, "a", &chat), 0);
  assert_ptr_equal(find(app, "/a"), &chat);
  end_app(&u, app);
}

static int never(swale_consumer *consumer, swale_message *message) {
  (void)consumer;
  (void)message;
  return 0;
}

static void classes_that_cannot_work_are_refused(void **state) {
  (void)state;
  static const char *const good_groups[] = {"room.1", "all", NULL};
  static const char *const bad_groups[] = {"all", "no group", NULL};
  static const struct swale_handler good_handlers[] = {{"a", never}, {NULL, NULL}};
  static const struct swale_handler bad_handlers[] = {{"a", never}, {"b", NULL}, {NULL, NULL}};
  struct swale_consumer_class class = {
      .state_size = 1024 * 1024, .groups = good_groups, .handlers = good_handlers};
  assert_int_equal(swale__class_check(&class), 0);
  assert_int_equal(swale__class_check(NULL), SWALE_EINVAL);
  class.state_size++;
  assert_int_equal(swale__class_check(&class), SWALE_EINVAL);
  class.state_size = 0;
  class.groups = bad_groups;
  assert_int_equal(swale__class_check(&class), SWALE_ENAME);
  class.groups = NULL;
  class.handlers = bad_handlers;
  assert_int_equal(swale__class_check(&class), SWALE_EINVAL);
  class.handlers = NULL;
  assert_int_equal(swale__class_check(&class), 0);
  class.reserved[1] = &class;
  assert_int_equal(swale__class_check(&class), SWALE_EINVAL);

  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  assert_int_equal(swale_app_route(app, "a", &class), SWALE_EINVAL);
  assert_int_equal(swale_app_default(app, &class), SWALE_EINVAL);
  assert_int_equal(swale_app_channel(app, "work", &class), SWALE_EINVAL);
  assert_null(find(app, "/a"));
  end_app(&u, app);
}

static void a_thousand_routes_are_told_apart(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_app *app = new_app(&u);
  for (int i = 0; i < 1000; i++) {
    char pattern[32];
    snprintf(pattern, sizeof pattern, "ws/<int:n>/%d/", i);
    assert_int_equal(swale_app_route(app, pattern, i == 777 ? &news : &chat), 0);
  }
  assert_ptr_equal(find(app, "/ws/1/777/"), &news);
  assert_ptr_equal(find(app, "/ws/1/999/"), &chat);
  assert_null(find(app, "/ws/1/1000/"));
  end_app(&u, app);
}

static int build_and_find(struct unit_env *u) {
  struct swale_app_config config;
  swale_app_config_default(&config);
  config.env = &u->env;
  swale_app *app = NULL;
  swale_routes *set = NULL;
  struct swale__found found;
  char path[2048] = "/outer/";
  memset(path + 7, 'a', sizeof path - 8);
  path[sizeof path - 1] = '\0';
  int rv = swale_app_new(&config, &app);
  if (rv == 0)
    rv = swale_app_route(app, "a", &chat);
  if (rv == 0)
    rv = swale_routes_nest(swale_app_routes(app), "<x>/", &set);
  if (rv == 0)
    rv = swale_routes_add(set, "<a><b><c><d>", &chat);
  if (rv == 0)
    rv = swale__routes_find(&app->routes, path, &found);
  if (rv != 0 && app)
    assert_null(find(app, "/b"));
  swale_app_free(app);
  return rv;
}

static void without_memory_no_route_is_added_or_found(void **state) {
  (void)state;
  unit_fail_every_allocation(build_and_find);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_route_that_matches_wins),
      cmocka_unit_test(all_leading_slashes_are_stripped),
      cmocka_unit_test(sets_nest_and_the_search_goes_on_behind_them),
      cmocka_unit_test(the_parameters_of_all_sets_are_found),
      cmocka_unit_test(sets_nest_sixteen_deep),
      cmocka_unit_test(parameters_of_outer_sets_count),
      cmocka_unit_test(a_route_that_was_refused_leaves_nothing_behind),
      cmocka_unit_test(classes_that_cannot_work_are_refused),
      cmocka_unit_test(a_thousand_routes_are_told_apart),
      cmocka_unit_test(without_memory_no_route_is_added_or_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

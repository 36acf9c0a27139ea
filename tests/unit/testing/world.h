/* SPDX-License-Identifier: MIT */
/* A layer, a loop and an app in an environment under control: what the tests of communicators need. */
#ifndef SWALE_TESTS_TESTING_WORLD_H
#define SWALE_TESTS_TESTING_WORLD_H

#include <unit.h>

#include <swale/swale.h>
#include <swale/testing.h>

struct world {
  swale_testing_env *t;
  swale_layer *layer;
  swale_loop *loop;
  swale_app *app;
  void *user; /* of the app */
};

static inline int world_open(struct world *w) {
  const struct swale_env *env = swale_testing_env_get(w->t);
  struct swale_layer_config layer;
  struct swale_loop_config loop;
  struct swale_app_config app;
  swale_layer_config_default(&layer);
  swale_loop_config_default(&loop);
  swale_app_config_default(&app);
  layer.env = loop.env = app.env = env;
  app.user = w->user;
  int rv = swale_layer_open("memory://?capacity=3", &layer, &w->layer, NULL, 0);
  if (rv == 0)
    rv = swale_loop_new(&loop, &w->loop);
  if (rv == 0)
    rv = swale_app_new(&app, &w->app);
  if (rv == 0)
    rv = swale_app_layer(w->app, NULL, w->layer);
  return rv;
}

static inline void world_close(struct world *w) {
  assert_int_equal(swale_loop_free(w->loop), 0);
  assert_int_equal(swale_app_free(w->app), 0);
  assert_int_equal(swale_layer_free(w->layer), 0);
  w->loop = NULL;
  w->app = NULL;
  w->layer = NULL;
}

/* For cmocka. */
static inline int world_setup(void **state) {
  struct world *w = calloc(1, sizeof *w);
  w->t = swale_testing_env_new(1);
  *state = w;
  return world_open(w);
}

static inline int world_teardown(void **state) {
  struct world *w = *state;
  world_close(w);
  size_t leaked = swale_testing_env_free(w->t);
  free(w);
  return leaked == 0 ? 0 : -1;
}

#define in_a_world(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

static inline swale_communicator *peer_at(struct world *w, const char *path) {
  swale_communicator *p;
  assert_int_equal(swale_communicator_new(w->app, w->loop, path, swale_testing_env_get(w->t), &p), 0);
  return p;
}

static inline swale_communicator *connected_at(struct world *w, const char *path) {
  swale_communicator *p = peer_at(w, path);
  assert_int_equal(swale_communicator_connect(p), 0);
  return p;
}

/*
 * Runs `scenario` in a world with the first allocation failing, then the second, ..., once and for good,
 * until a run meets no failure. The scenario answers 0 when it got through, else what went wrong.
 */
static inline void fail_every_allocation_in_a_world(int (*scenario)(struct world *w), void *user) {
  for (int for_good = 0; for_good < 2; for_good++) {
    int met = 1;
    for (uint64_t n = 1; met; n++) {
      struct world w = {.t = swale_testing_env_new(1), .user = user};
      swale_testing_fail_allocation(w.t, n, for_good);
      int rv = world_open(&w);
      if (rv == 0)
        rv = scenario(&w);
      met = swale_testing_failed(w.t);
      assert_true(met || rv == 0);
      world_close(&w);
      assert_int_equal(swale_testing_env_free(w.t), 0);
      assert_true(n < 10000);
    }
  }
}

#endif

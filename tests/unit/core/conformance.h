/* SPDX-License-Identifier: MIT */
/*
 * What every channel layer promises, as a suite that uses the public API alone. A backend has a test program of
 * its own that says how its layers are opened and runs the suite.
 */
#ifndef SWALE_TESTS_CONFORMANCE_H
#define SWALE_TESTS_CONFORMANCE_H

#include <swale/layer.h>

#include "unit.h"

struct conformance {
  const char *name;

  /* A layer with nothing in it. */
  int (*open)(const struct swale_layer_config *config, swale_layer **out);

  /* Returns when what was sent has arrived in this process. NULL: it always has. */
  void (*settle)(swale_layer *layer);

  /* Lets time pass, `u` being the environment of the layer. NULL: its clock is turned. */
  void (*pass)(struct unit_env *u, uint64_t ms);
};

/* The number of tests that failed. */
int conformance_run(const struct conformance *subject);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What every channel layer promises, as a suite that uses the public API alone. A backend has a test program of
 * its own that says how its layers are opened and runs the suite.
 */
#ifndef SWALE_TESTS_CONFORMANCE_H
#define SWALE_TESTS_CONFORMANCE_H

#include <swale/layer.h>

#include "unit.h"

/*
 * What layers may differ in, and tests have to know: where messages wait for somebody to receive them that are sent to a plain
 * channel, "thumbnails" say. Channels of consumers, and of swale_new_channel, are the process's own with all of them.
 */
enum conformance_kept {
  CONFORMANCE_HERE, /* in the process */
  CONFORMANCE_AT_SERVER, /* at a server, where such a channel's memberships are as well; the process knows of what it receives */
  CONFORMANCE_BY_HEARERS /* in every process that listens: nowhere if none does; and no sender is told that there was no room */
};

struct conformance {
  const char *name;
  enum conformance_kept kept;

  /* A layer with nothing in it. */
  int (*open)(const struct swale_layer_config *config, swale_layer **out);

  /* Returns when what was sent has arrived. NULL: it always has. */
  void (*settle)(swale_layer *layer);

  /* Sends, and receives what is there, and return with the result that is the final one. NULL: swale_send, swale_receive. */
  int (*send)(swale_layer *layer, const char *channel, swale_message *m);
  int (*receive)(swale_layer *layer, const char *channel, swale_message **out);

  /* Those that keep things at a server: messages in a channel there, members of a group, messages that came too old. */
  int (*waiting)(swale_layer *layer, const char *channel);
  int (*members)(swale_layer *layer, const char *group);
  uint64_t (*expired)(swale_layer *layer);
};

/* The number of tests that failed. */
int conformance_run(const struct conformance *subject);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The measurement: one client publishes, every client (the publisher too) has to get every message, once, whole and in order.
 * At most `window` messages are under way: a new one is published when all have got an earlier one.
 */
#ifndef BENCH_FANOUT_H
#define BENCH_FANOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients.h"
#include "histogram.h"

enum { FANOUT_WINDOW_MAX = 256 };

/* A message under way. */
struct publication {
  char stamp[CLIENT_STAMP + 1]; /* 8 digits its number, 16 digits when it was published */
  uint64_t published_ns;
  size_t arrived; /* how many clients have it */
};

struct fanout {
  struct clients *clients;
  size_t size; /* bytes of a message, at least CLIENT_STAMP */
  uint32_t window;
  bool spin; /* never sleep while messages are under way */

  uint32_t published, completed; /* numbers: those between are under way */
  struct publication under_way[FANOUT_WINDOW_MAX];
  struct histogram latency;
  unsigned char *input;
  unsigned char *output; /* frames the publisher has not sent yet */
  size_t output_len;
};

void fanout_init(struct fanout *f, struct clients *clients, size_t size, uint32_t window, bool spin);

/* Publishes for so long, then waits for what is under way. Returns how many messages that were. */
uint32_t fanout_run(struct fanout *f, uint64_t duration_ns);

void fanout_free(struct fanout *f);

#endif

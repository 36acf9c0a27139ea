/* SPDX-License-Identifier: MIT */
#include "conformance.h"

static int open_memory(const struct swale_layer_config *config, swale_layer **out) {
  char why[128];
  return swale_layer_open("memory://", config, out, why, sizeof why);
}

static const struct conformance memory = {.name = "memory", .open = open_memory};

int main(void) { return conformance_run(&memory); }

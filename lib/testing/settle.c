/* SPDX-License-Identifier: MIT */
#include "testing/settle.h"

#include <swale/testing.h>

enum { RUNS_MAX = 10000 };

int swale__testing_settle(swale_loop *loop) {
  for (int runs = 0; runs < RUNS_MAX; runs++) {
    int rv = swale_loop_run(loop);
    if (rv)
      return rv;
    if (swale_loop_timeout_ms(loop) != 0)
      return 0;
  }
  return SWALE_EFULL;
}

int swale_testing_pass(swale_testing_env *t, swale_loop *loop, uint64_t ms) {
  uint64_t left = ms;
  int rv = swale__testing_settle(loop);
  while (rv == 0 && left > 0) {
    int timeout = swale_loop_timeout_ms(loop);
    uint64_t step = timeout < 0 || (uint64_t)timeout > left ? left : (uint64_t)timeout;
    swale_testing_advance(t, step);
    left -= step;
    rv = swale__testing_settle(loop);
  }
  return rv;
}

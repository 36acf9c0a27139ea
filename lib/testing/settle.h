/* SPDX-License-Identifier: MIT */
#ifndef SWALE_TESTING_SETTLE_H
#define SWALE_TESTING_SETTLE_H

#include <swale/loop.h>

/*
 * Runs the loop, once at least, until it has nothing to do at this moment of the clock. SWALE_EFULL when it
 * still has after 10,000 runs: callbacks that give each other work without end. SWALE_ESTATE inside a
 * callback.
 */
int swale__testing_settle(swale_loop *loop);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_TIMER_H
#define SWALE_CORE_TIMER_H

#include "core/loop.h"

/* Timers of a loop, which stand in its wheel: all of it is the loop's thread's. Fires those whose time has come. */
static inline void swale__timers_run(swale_loop *loop) {
  struct swale_timer *t;
  swale__wheel_advance(&loop->wheel, loop->now);
  while ((t = swale__wheel_pop(&loop->wheel)))
    t->fire(t);
}

/* Forgets them all. */
static inline void swale__timers_disarm(swale_loop *loop) {
  swale__wheel_advance(&loop->wheel, UINT64_MAX);
  while (swale__wheel_pop(&loop->wheel))
    ;
}

#endif

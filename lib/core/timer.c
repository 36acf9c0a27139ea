/* SPDX-License-Identifier: MIT */
#include "core/timer.h"

void swale_timer_start(swale_loop *loop, struct swale_timer *timer, uint64_t delay_ms) {
  if (loop->depth == 0)
    loop->now = loop->env.now_ms(loop->env.user);
  uint64_t delay = delay_ms > 0 ? delay_ms : 1;
  swale__wheel_remove(&loop->wheel, timer);
  swale__wheel_add(&loop->wheel, timer, delay < UINT64_MAX - loop->now ? loop->now + delay : UINT64_MAX - 1);
}

void swale_timer_stop(swale_loop *loop, struct swale_timer *timer) {
  swale__wheel_remove(&loop->wheel, timer);
}

int swale_timer_armed(const struct swale_timer *timer) { return timer->link != NULL; }

/* SPDX-License-Identifier: MIT */
/* A loop and its pool, in an environment under our control, with one connection counted in. */
#ifndef SWALE_TESTS_WS_POOLED_H
#define SWALE_TESTS_WS_POOLED_H

#include <unit.h>

#include "ws/pool.h"

struct pooled {
  struct unit_env u;
  swale_loop *loop;
  struct swale__ws_pool *pool;
};

/* It must not move afterwards. */
static inline int pooled_open(struct pooled *p) {
  struct swale_loop_config config;
  unit_env_init(&p->u);
  swale_loop_config_default(&config);
  config.env = &p->u.env;
  if (swale_loop_new(&config, &p->loop) < 0)
    return -1;
  p->pool = swale__ws_pool_of(p->loop);
  return p->pool ? swale__ws_pool_join(p->pool) : -1;
}

/* 0 when nothing is left. */
static inline int pooled_close(struct pooled *p) {
  swale__ws_pool_leave(p->pool);
  return swale_loop_free(p->loop) == 0 && p->u.live == 0 ? 0 : -1;
}

#endif

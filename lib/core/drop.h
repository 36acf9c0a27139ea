/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_DROP_H
#define SWALE_CORE_DROP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <swale/layer.h>

/*
 * Reports of dropped messages on their way to on_drop. A drop is noticed in places where user code must not
 * run (inside a send, under a lock, inside another callback), so it is written down here and told by the
 * next loop of the layer that finishes a call. At most REPORTS_MAX wait; beyond that, and without memory,
 * drops are counted only.
 */
struct swale__drop_report;

struct swale__drops {
  void (*on_drop)(const struct swale_drop *drop, void *user);
  void *user;
  pthread_mutex_t lock;
  struct swale__drop_report *first, *last;
  uint32_t waiting;
  atomic_bool any;
};

int swale__drops_init(struct swale__drops *d, void (*on_drop)(const struct swale_drop *, void *), void *user);
void swale__drops_free(struct swale__drops *d, const struct swale_allocator *a);

/* Notes that `count` channels missed `m`; `channel` is "" when they are gone. Any thread. */
void swale__drops_note(struct swale__drops *d, const struct swale_allocator *a, enum swale_drop_reason reason,
                       const char *channel, swale_message *m, uint64_t count);

/* Tells what has been noted. Outside of locks and callbacks. */
void swale__drops_tell(struct swale__drops *d, const struct swale_allocator *a);

#endif

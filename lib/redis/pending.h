/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_PENDING_H
#define SWALE_REDIS_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "redis/reply.h"

struct swale__redis_link;

/* The reply to a command, or NULL when the connection failed first. The reply is gone afterwards. */
typedef void swale__redis_done(struct swale__redis_link *link, const struct swale__redis_reply *reply,
                               void *data);

struct swale__redis_pending {
  swale__redis_done *done;
  void *data;
};

/* Commands that wait for their reply: a ring that grows. Zero it. */
struct swale__redis_pendings {
  struct swale__redis_pending *at;
  size_t first, count, room; /* room: a power of two, or 0 */
};

/* Room for one more: 0, SWALE_ENOMEM. */
int swale__redis_pendings_reserve(struct swale__redis_pendings *p, const struct swale_allocator *a);
/* Where there is room. */
void swale__redis_pendings_push(struct swale__redis_pendings *p, struct swale__redis_pending pending);
/* The oldest; false: there is none. */
bool swale__redis_pendings_pop(struct swale__redis_pendings *p, struct swale__redis_pending *out);
void swale__redis_pendings_free(struct swale__redis_pendings *p, const struct swale_allocator *a);

#endif

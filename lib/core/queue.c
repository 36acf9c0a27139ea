/* SPDX-License-Identifier: MIT */
#include "core/queue.h"

#include <stddef.h>

#include "core/env.h"

static void set_depth(struct swale__queue *q, uint32_t depth) {
  atomic_store_explicit(&q->depth, depth, memory_order_relaxed);
}

int swale__queue_push(struct swale__queue *q, struct swale__expiry *e, const struct swale_allocator *a,
                      swale_message *m, uint64_t expires) {
  struct swale__queued *node = swale__malloc(a, sizeof *node);
  if (!node)
    return SWALE_ENOMEM;
  *node = (struct swale__queued){
      .older = e->newest, .queue = q, .message = swale_message_ref(m), .expires = expires};

  node->next = node;
  if (q->newest) {
    node->next = q->newest->next;
    q->newest->next = node;
  }
  q->newest = node;
  set_depth(q, swale__queue_depth(q) + 1);

  if (e->newest)
    e->newest->newer = node;
  else
    e->oldest = node;
  e->newest = node;
  return 0;
}

static void forget_expiry(struct swale__expiry *e, struct swale__queued *node) {
  if (node->older)
    node->older->newer = node->newer;
  else
    e->oldest = node->newer;
  if (node->newer)
    node->newer->older = node->older;
  else
    e->newest = node->older;
}

swale_message *swale__queue_pop(struct swale__queue *q, struct swale__expiry *e,
                                const struct swale_allocator *a) {
  struct swale__queued *node = swale__queue_head(q);
  if (!node)
    return NULL;
  if (node == q->newest)
    q->newest = NULL;
  else
    q->newest->next = node->next;
  set_depth(q, swale__queue_depth(q) - 1);
  forget_expiry(e, node);
  swale_message *m = node->message;
  swale__free(a, node);
  return m;
}

struct swale__queue *swale__expiry_due(const struct swale__expiry *e, uint64_t now) {
  return e->oldest && e->oldest->expires <= now ? e->oldest->queue : NULL;
}

/* SPDX-License-Identifier: MIT */
#include "core/queue.h"

#include <stddef.h>

#include "core/env.h"

int swale__queue_push(struct swale__queue *q, struct swale__expiry *e, const struct swale_allocator *a,
                      swale_message *m, uint64_t expires) {
  struct swale__queued *node = swale__malloc(a, sizeof *node);
  if (!node)
    return SWALE_ENOMEM;
  *node = (struct swale__queued){.older = e->newest, .queue = q, .message = swale_message_ref(m), .expires = expires};

  if (q->tail)
    q->tail->next = node;
  else
    q->head = node;
  q->tail = node;
  q->depth++;

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

swale_message *swale__queue_pop(struct swale__queue *q, struct swale__expiry *e, const struct swale_allocator *a) {
  struct swale__queued *node = q->head;
  if (!node)
    return NULL;
  q->head = node->next;
  if (!q->head)
    q->tail = NULL;
  q->depth--;
  forget_expiry(e, node);
  swale_message *m = node->message;
  swale__free(a, node);
  return m;
}

struct swale__queue *swale__expiry_due(const struct swale__expiry *e, uint64_t now) {
  return e->oldest && e->oldest->expires <= now ? e->oldest->queue : NULL;
}

/* SPDX-License-Identifier: MIT */
#include "redis/request.h"

#include "redis/memory.h"
#include "redis/reply.h"
#include "redis/topics.h"

void swale__redis_requests_push(struct swale__redis_requests *q, struct swale__redis_request *r) {
  r->next = NULL;
  if (q->last)
    q->last->next = r;
  else
    q->first = r;
  q->last = r;
}

struct swale__redis_request *swale__redis_requests_pop(struct swale__redis_requests *q) {
  struct swale__redis_request *r = q->first;
  if (!r)
    return NULL;
  q->first = r->next;
  if (!q->first)
    q->last = NULL;
  return r;
}

void swale__redis_requests_put_before(struct swale__redis_requests *q,
                                      const struct swale__redis_requests *first) {
  if (!first->last)
    return;
  first->last->next = q->first;
  q->first = first->first;
  if (!q->last)
    q->last = first->last;
}

struct swale__redis_request *swale__redis_request_new(const struct swale_allocator *a,
                                                      enum swale__redis_ask ask, const char *name,
                                                      const char *name2, swale_message *m) {
  size_t size = strlen(name) + 1, size2 = strlen(name2) + 1, len = 0;
  struct swale__redis_request *r = swale__redis_zalloc(a, sizeof *r + size + size2);
  if (!r)
    return NULL;
  char *names = (char *)(r + 1);
  r->ask = (uint8_t)ask;
  r->loss = -1;
  r->parts = 1;
  r->name = memcpy(names, name, size);
  r->name2 = memcpy(names + size, name2, size2);
  if (m) {
    r->message = swale_message_ref(m);
    swale_message_bytes(m, &len);
  }
  r->cost = sizeof *r + size + size2 + len;
  return r;
}

void swale__redis_request_free(const struct swale_allocator *a, struct swale__redis_request *r) {
  swale_message_unref(r->message);
  swale__redis_reply_free(r->members);
  swale__redis_topic_free(a, r->topic);
  swale__redis_release(a, r);
}

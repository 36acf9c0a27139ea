/* SPDX-License-Identifier: MIT */
#include "core/plain.h"

#include <stddef.h>
#include <string.h>

#include "core/consumer.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/receiver.h"
#include "core/siphash.h"

int swale__plains_init(swale_layer *layer) {
  return swale__table_init(&layer->plains.table, &layer->env.allocator);
}

static uint64_t name_hash(const swale_layer *layer, const char *name) {
  return swale__siphash(layer->key, name, strlen(name));
}

struct swale__plain *swale__plain_find(swale_layer *layer, const char *name) {
  struct swale__link *l = swale__table_first(&layer->plains.table, name_hash(layer, name));
  for (; l; l = swale__link_next(l))
    if (strcmp(((struct swale__plain *)l)->name, name) == 0)
      return (struct swale__plain *)l;
  return NULL;
}

int swale__plain_get(swale_layer *layer, const char *name, struct swale__plain **out) {
  *out = swale__plain_find(layer, name);
  if (*out)
    return 0;
  if (layer->plains.table.count >= layer->channels_max)
    return SWALE_EFULL;
  size_t size = strlen(name) + 1;
  struct swale__plain *p = swale__zalloc(&layer->env.allocator, sizeof *p + size);
  if (!p)
    return SWALE_ENOMEM;
  memcpy(p->name, name, size);
  p->channel.plain = 1;
  swale__ring_init(&p->waiting);
  swale__ring_init(&p->served);
  p->capacity = swale__layer_capacity(layer, name);
  swale__table_insert(&layer->plains.table, &p->link, name_hash(layer, name));
  *out = p;
  return 0;
}

static void plain_free(swale_layer *layer, struct swale__plain *p) {
  swale__table_remove(&layer->plains.table, &p->link);
  swale__channel_free_groups(&p->channel, &layer->env.allocator);
  swale__free(&layer->env.allocator, p->workers);
  swale__free(&layer->env.allocator, p);
}

void swale__plain_tidy(swale_layer *layer, struct swale__channel *channel) {
  if (!channel->plain)
    return;
  struct swale__plain *p = swale__plain_of(channel);
  if (swale__queue_depth(&p->queue) == 0 && p->holds + p->receivers + p->channel.n_groups == 0)
    plain_free(layer, p);
}

/* ---- messages ---- */

void swale__plain_drop(swale_layer *layer, struct swale__plain *p, enum swale_drop_reason reason,
                       swale_message *m) {
  p->dropped++;
  layer->books.dropped[reason]++;
  swale__drops_note(&layer->drops, &layer->env.allocator, reason, p->name, m, 1);
}

swale_message *swale__plain_take(swale_layer *layer, struct swale__plain *p) {
  swale_message *m = swale__queue_pop(&p->queue, &layer->plains.expiry, &layer->env.allocator);
  if (m)
    layer->books.waiting--;
  return m;
}

static void drop_oldest(swale_layer *layer, struct swale__plain *p, enum swale_drop_reason reason) {
  swale_message *m = swale__plain_take(layer, p);
  swale__plain_drop(layer, p, reason, m);
  swale_message_unref(m);
}

void swale__plain_drop_all(swale_layer *layer, struct swale__plain *p, enum swale_drop_reason reason) {
  while (swale__queue_depth(&p->queue) > 0)
    drop_oldest(layer, p, reason);
}

static void drop_head_of(swale_layer *layer, struct swale__queue *q, enum swale_drop_reason reason) {
  struct swale__plain *p = (struct swale__plain *)((char *)q - offsetof(struct swale__plain, queue));
  drop_oldest(layer, p, reason);
  swale__plain_tidy(layer, &p->channel);
}

void swale__plains_flush(swale_layer *layer) {
  while (layer->plains.expiry.oldest)
    drop_head_of(layer, layer->plains.expiry.oldest->queue, SWALE_DROP_FLUSHED);
}

void swale__plains_expire(swale_layer *layer, uint64_t now) {
  struct swale__queue *q;
  while ((q = swale__expiry_due(&layer->plains.expiry, now)))
    drop_head_of(layer, q, SWALE_DROP_EXPIRED);
}

/* Beside those that somebody has been called for, as many as the channel's capacity. */
static int wait_for_receiver(swale_layer *layer, struct swale__plain *p, swale_message *m,
                             struct swale__wakes *wakes) {
  if (swale__queue_depth(&p->queue) >= (uint64_t)p->capacity + p->receivers)
    return SWALE_EFULL;
  uint64_t expires = swale__layer_now(layer) + layer->expiry_ms;
  int rv = swale__queue_push(&p->queue, &layer->plains.expiry, &layer->env.allocator, m, expires, 0);
  if (rv < 0)
    return rv;
  layer->books.waiting++;
  swale__receivers_match(layer, p, wakes);
  return 0;
}

/* Offers the message to each worker once, beginning with the one whose turn it is. */
static int pass_to_worker(swale_layer *layer, struct swale__plain *p, swale_message *m, bool always,
                          struct swale__wakes *wakes) {
  int rv = SWALE_EFULL;
  for (uint32_t tried = 0; tried < p->n_workers; tried++) {
    p->turn = (p->turn + 1) % p->n_workers;
    rv = swale__consumer_post(p->workers[p->turn], m, always, wakes);
    if (rv == 0) {
      layer->books.posted++;
      return 0;
    }
  }
  return rv;
}

/*
 * Passes on what waits, all of it: it need not fit within the bounds of an inbox, because nobody would come
 * back for the rest. Answers whether nothing is left, as it is unless memory is short.
 */
static bool pass_waiting(swale_layer *layer, struct swale__plain *p, struct swale__wakes *wakes) {
  const struct swale__queued *oldest;
  while ((oldest = swale__queue_head(&p->queue)) &&
         pass_to_worker(layer, p, oldest->message, true, wakes) == 0)
    swale_message_unref(swale__plain_take(layer, p));
  return !oldest;
}

int swale__plain_send(swale_layer *layer, struct swale__plain *p, swale_message *m,
                      struct swale__wakes *wakes) {
  bool to_worker = p->n_workers > 0 && pass_waiting(layer, p, wakes);
  int rv = to_worker ? pass_to_worker(layer, p, m, false, wakes) : wait_for_receiver(layer, p, m, wakes);
  if (rv == 0)
    layer->books.offered++;
  return rv;
}

/* ---- workers ---- */

int swale__plain_add_worker(swale_layer *layer, struct swale__plain *p, struct swale_consumer *c,
                            struct swale__wakes *wakes) {
  int rv = p->n_workers == 0 ? swale__outside_listen(layer, p->name) : 0;
  if (rv < 0)
    return rv;
  if (p->n_workers == p->room) {
    uint32_t room = p->room ? p->room * 2 : 2;
    struct swale_consumer **workers =
        swale__realloc_array(&layer->env.allocator, p->workers, room, sizeof(struct swale_consumer *));
    if (!workers) {
      if (p->n_workers == 0)
        swale__outside_unlisten(layer, p->name);
      return SWALE_ENOMEM;
    }
    p->workers = workers;
    p->room = room;
  }
  p->workers[p->n_workers++] = c;
  swale__receivers_end(layer, p, SWALE_ESTATE, wakes);
  swale__plains_expire(layer, swale__layer_now(layer));
  pass_waiting(layer, p, wakes);
  return 0;
}

void swale__plain_remove_worker(swale_layer *layer, struct swale__plain *p, struct swale_consumer *c) {
  for (uint32_t i = 0; i < p->n_workers; i++)
    if (p->workers[i] == c) {
      p->workers[i] = p->workers[--p->n_workers];
      if (p->n_workers == 0)
        swale__outside_unlisten(layer, p->name);
      return;
    }
}

void swale__plain_release(swale_layer *layer, struct swale__plain *p) {
  p->holds--;
  swale__plain_tidy(layer, &p->channel);
}

void swale__plains_free(swale_layer *layer) {
  struct swale__link *l;
  while ((l = swale__table_any(&layer->plains.table))) {
    struct swale__plain *p = (struct swale__plain *)l;
    swale__plain_drop_all(layer, p, SWALE_DROP_CLOSED);
    plain_free(layer, p);
  }
  swale__table_free(&layer->plains.table);
}

/* SPDX-License-Identifier: MIT */
#include "core/table.h"

#include <stdbool.h>

#include <swale/error.h>

#include "core/env.h"

/*
 * Replacing the bucket array little by little. Both sizes are powers of two, so what is in the
 * buckets p, p + n, p + 2n, ... of one array belongs into the buckets p, p + n, ... of the other, where n is
 * the smaller size. These buckets together are position p. Positions move in order, each at once:
 *
 *   - what hashes into a position below `moved` is in `buckets`, everything else is in `old`;
 *   - so links with equal hashes are always in one chain, and a lookup knows which array to ask;
 *   - buckets of positions not yet moved are never read in the new array, which therefore need not be
 *     cleared when it is made: its position is cleared when it moves in.
 *
 * The array doubles when there is more than one link per bucket and shrinks to a quarter when there is less
 * than one for eight buckets. Four positions per insert or remove are enough to be done before the next
 * change is due; if they were not, that change would only come later.
 */

enum { SMALLEST = 16, POSITIONS_PER_STEP = 4 };

static size_t smaller_mask(const struct swale__table *t) {
  return t->old && t->old_mask < t->mask ? t->old_mask : t->mask;
}

static bool is_moved(const struct swale__table *t, size_t position) { return !t->old || position < t->moved; }

static struct swale__link **bucket_of(const struct swale__table *t, uint64_t hash) {
  if (is_moved(t, (size_t)hash & smaller_mask(t)))
    return &t->buckets[hash & t->mask];
  return &t->old[hash & t->old_mask];
}

static void push(struct swale__link **bucket, struct swale__link *link) {
  link->next = *bucket;
  *bucket = link;
}

static void move_position(struct swale__table *t) {
  size_t stride = smaller_mask(t) + 1;
  for (size_t i = t->moved; i <= t->mask; i += stride)
    t->buckets[i] = NULL;
  for (size_t i = t->moved; i <= t->old_mask; i += stride) {
    for (struct swale__link *link = t->old[i], *next; link; link = next) {
      next = link->next;
      push(&t->buckets[link->hash & t->mask], link);
    }
  }
  if (++t->moved == stride) {
    swale__free(t->allocator, t->old);
    t->old = NULL;
  }
}

static void step(struct swale__table *t) {
  for (int i = 0; t->old && i < POSITIONS_PER_STEP; i++)
    move_position(t);
}

/* Starts on another array, or goes on with this one when memory is short. */
static void start_resize(struct swale__table *t, size_t buckets) {
  struct swale__link **fresh = swale__realloc_array(t->allocator, NULL, buckets, sizeof *fresh);
  if (!fresh)
    return;
  t->old = t->buckets;
  t->old_mask = t->mask;
  t->moved = 0;
  t->buckets = fresh;
  t->mask = buckets - 1;
}

static void follow_count(struct swale__table *t) {
  size_t buckets = t->mask + 1;
  if (t->old)
    step(t);
  else if (t->count > buckets)
    start_resize(t, buckets * 2);
  else if (t->count < buckets / 8 && buckets > SMALLEST)
    start_resize(t, buckets / 4 > SMALLEST ? buckets / 4 : SMALLEST);
}

int swale__table_init(struct swale__table *t, const struct swale_allocator *a) {
  struct swale__link **buckets = swale__zalloc(a, SMALLEST * sizeof(*buckets));
  if (!buckets)
    return SWALE_ENOMEM;
  *t = (struct swale__table){.buckets = buckets, .mask = SMALLEST - 1, .allocator = a};
  return SWALE_OK;
}

void swale__table_free(struct swale__table *t) {
  if (t->buckets)
    swale__free(t->allocator, t->buckets);
  if (t->old)
    swale__free(t->allocator, t->old);
  *t = (struct swale__table){0};
}

void swale__table_insert(struct swale__table *t, struct swale__link *link, uint64_t hash) {
  link->hash = hash;
  push(bucket_of(t, hash), link);
  t->count++;
  follow_count(t);
}

void swale__table_remove(struct swale__table *t, struct swale__link *link) {
  struct swale__link **at = bucket_of(t, link->hash);
  while (*at != link)
    at = &(*at)->next;
  *at = link->next;
  link->next = NULL;
  t->count--;
  follow_count(t);
}

static struct swale__link *with_hash(struct swale__link *link, uint64_t hash) {
  while (link && link->hash != hash)
    link = link->next;
  return link;
}

struct swale__link *swale__table_first(const struct swale__table *t, uint64_t hash) {
  return with_hash(*bucket_of(t, hash), hash);
}

struct swale__link *swale__link_next(const struct swale__link *link) {
  return with_hash(link->next, link->hash);
}

static struct swale__link *any_at(const struct swale__table *t, size_t position) {
  bool moved = is_moved(t, position);
  struct swale__link *const *array = moved ? t->buckets : t->old;
  size_t mask = moved ? t->mask : t->old_mask, stride = smaller_mask(t) + 1;
  for (size_t i = position; i <= mask; i += stride)
    if (array[i])
      return array[i];
  return NULL;
}

struct swale__link *swale__table_any(struct swale__table *t) {
  if (t->count == 0)
    return NULL;
  size_t last = smaller_mask(t);
  for (;; t->cursor++) {
    struct swale__link *link = any_at(t, t->cursor & last);
    if (link)
      return link;
  }
}

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_TABLE_H
#define SWALE_CORE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <swale/env.h>

/*
 * A hash table of things that carry their link inside them. It compares nothing but hashes: the
 * caller walks the links of a hash and picks his own.
 *
 *     for (struct swale__link *l = swale__table_first(&t, hash); l; l = swale__link_next(l))
 *       if (strcmp(((struct group *)l)->name, name) == 0) ...
 *
 * Inserting cannot fail: where memory is short the chains get longer. The bucket array follows the
 * count up and down in small steps, a few buckets per insert or remove, so that no call stalls. Those
 * two calls may therefore reorder links: what swale__link_next answers holds until the next of them.
 */
struct swale__link {
  struct swale__link *next;
  uint64_t hash;
};

struct swale__table {
  struct swale__link **buckets;
  size_t mask, count;

  /* While the array is being replaced: the one before, and how many positions have left it. */
  struct swale__link **old;
  size_t old_mask, moved;

  size_t cursor; /* where swale__table_any looks first */
  const struct swale_allocator *allocator;
};

/* An empty table with few buckets; SWALE_ENOMEM. `a` must outlive it. */
int swale__table_init(struct swale__table *t, const struct swale_allocator *a);

/* Frees the buckets; what is still linked is the caller's to free. A zeroed table is fine. */
void swale__table_free(struct swale__table *t);

/* `link` must not be in a table. Several links may have the same hash. */
void swale__table_insert(struct swale__table *t, struct swale__link *link, uint64_t hash);

/* `link` must be in this table. */
void swale__table_remove(struct swale__table *t, struct swale__link *link);

/* The first link with this hash, or NULL. */
struct swale__link *swale__table_first(const struct swale__table *t, uint64_t hash);

/* The next link with the same hash, or NULL. */
struct swale__link *swale__link_next(const struct swale__link *link);

/* Some link, or NULL when the table is empty. Emptying a table this way takes linear time altogether. */
struct swale__link *swale__table_any(struct swale__table *t);

#endif

/* SPDX-License-Identifier: MIT */
#include "core/memo.h"

#include <swale/error.h>

#include "core/env.h"

/*
 * A list that only grows, newest first, until it is cleared as a whole. A memo is complete before it is
 * pushed and never changes afterwards, so readers need no more than an acquiring load of the head.
 *
 * That a key is there once at most: a push succeeds only if the head is still the one from which on the
 * list was searched. If it is not, only the memos pushed since then have to be searched.
 */

/* Searches from `memo` on, up to `end`, which is not searched. */
static struct swale__memo *search(struct swale__memo *memo, const struct swale__memo *end,
                                  const struct swale__memo_key *key) {
  while (memo != end && !swale__memo_is(memo, key))
    memo = memo->next;
  return memo == end ? NULL : memo;
}

/* Pushes `memo`, or answers the one of the same key that is there already. */
static struct swale__memo *push(struct swale__memos *memos, struct swale__memo *memo) {
  struct swale__memo *newest = atomic_load_explicit(&memos->newest, memory_order_acquire);
  const struct swale__memo *searched = NULL;
  do {
    struct swale__memo *found = search(newest, searched, &memo->key);
    if (found)
      return found;
    searched = newest;
    memo->next = newest;
  } while (!atomic_compare_exchange_weak_explicit(&memos->newest, &newest, memo, memory_order_acq_rel,
                                                  memory_order_acquire));
  return memo;
}

int swale__memo_keep(struct swale__memos *memos, const struct swale__memo_key *key, void *made,
                     const struct swale_allocator *allocator, void **kept) {
  struct swale__memo *memo = swale__malloc(allocator, sizeof *memo);
  if (!memo)
    return SWALE_ENOMEM;
  *memo = (struct swale__memo){.key = *key, .kept = made};
  struct swale__memo *winner = push(memos, memo);
  *kept = winner->kept;
  if (winner != memo)
    swale__free(allocator, memo);
  return 0;
}

void swale__memo_clear(struct swale__memos *memos, const struct swale_allocator *allocator,
                       void (*drop)(void *kept)) {
  struct swale__memo *memo = atomic_load_explicit(&memos->newest, memory_order_acquire);
  atomic_store_explicit(&memos->newest, NULL, memory_order_relaxed);
  while (memo) {
    struct swale__memo *next = memo->next;
    drop(memo->kept);
    swale__free(allocator, memo);
    memo = next;
  }
}

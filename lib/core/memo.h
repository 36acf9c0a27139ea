/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_MEMO_H
#define SWALE_CORE_MEMO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <swale/env.h>

/*
 * Things that are made once and kept: what a function made of an object and an argument, remembered
 * beside the object. Any number of threads may find and keep at the same time, without locks.
 */

struct swale__memo_key {
  void (*function)(void); /* any function, cast; compared, never called */
  const void *arg;
  int kind;
};

struct swale__memo {
  struct swale__memo *next;
  struct swale__memo_key key;
  void *kept;
};

/* Zeroed it is empty. */
struct swale__memos {
  _Atomic(struct swale__memo *) newest;
};

static inline bool swale__memo_is(const struct swale__memo *memo, const struct swale__memo_key *key) {
  return memo->key.function == key->function && memo->key.arg == key->arg && memo->key.kind == key->kind;
}

/* What is kept under `key`, or NULL. Mostly there is one memo: a member of a group finds what the first one made. */
static inline void *swale__memo_find(struct swale__memos *memos, const struct swale__memo_key *key) {
  const struct swale__memo *memo = atomic_load_explicit(&memos->newest, memory_order_acquire);
  while (memo && !swale__memo_is(memo, key))
    memo = memo->next;
  return memo ? memo->kept : NULL;
}

/*
 * Keeps `made` under `key`, unless another thread has been faster. Puts what is kept now in *kept: if
 * that is not `made`, then `made` is still the caller's. SWALE_ENOMEM: nothing has changed.
 */
int swale__memo_keep(struct swale__memos *memos, const struct swale__memo_key *key, void *made,
                     const struct swale_allocator *allocator, void **kept);

/* Ends all memos and calls `drop` for each kept thing. No other thread may be using them any more. */
void swale__memo_clear(struct swale__memos *memos, const struct swale_allocator *allocator,
                       void (*drop)(void *kept));

#endif

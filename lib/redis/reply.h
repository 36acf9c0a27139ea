/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_REPLY_H
#define SWALE_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <hiredis/read.h>
#include <swale/env.h>

/*
 * What Redis answers, as hiredis' parser makes it with functions of ours: memory is the layer's own, one block for a
 * string, and a list that claims to be absurdly long is refused before memory is asked for it.
 */
struct swale__redis_reply {
  int type; /* REDIS_REPLY_... */
  const struct swale_allocator *allocator;
  long long integer;
  size_t len; /* of `text` */
  char *text; /* of strings, statuses and errors; a NUL behind it */
  size_t count;
  struct swale__redis_reply **items; /* never NULL in a complete reply */
};

#define SWALE__REDIS_ITEMS_MAX (4 << 20)

/* What one reply may take up. A list that is nested in lists need not be long, nor its strings, to be too much. */
struct swale__redis_budget {
  const struct swale_allocator *allocator;
  size_t used, most; /* `used` by the reply being read: to be set back when it has been */
  size_t items;      /* of the list that it is, as the server says; likewise */
  bool exceeded;
};

/* A parser; `budget` is kept. NULL without memory. Free with redisReaderFree. */
redisReader *swale__redis_reader_new(struct swale__redis_budget *budget);

/* NULL is fine. */
void swale__redis_reply_free(struct swale__redis_reply *r);

static inline bool swale__redis_is_error(const struct swale__redis_reply *r) {
  return r->type == REDIS_REPLY_ERROR;
}

/* Does the error begin with this word, "READONLY" say? */
bool swale__redis_error_is(const struct swale__redis_reply *r, const char *word);

/* Is it a string, and which? */
static inline bool swale__redis_is_string(const struct swale__redis_reply *r) {
  return r->type == REDIS_REPLY_STRING;
}

/* The item, if the reply is a list that has it and it is a string, else NULL. */
const struct swale__redis_reply *swale__redis_string_at(const struct swale__redis_reply *r, size_t i);

#endif

/* SPDX-License-Identifier: MIT */
#include "redis/reply.h"

#include <stdint.h>

#include "redis/memory.h"

static struct swale__redis_reply *make(const redisReadTask *task, size_t more) {
  struct swale__redis_budget *budget = task->privdata;
  const struct swale_allocator *a = budget->allocator;
  size_t left = budget->most - budget->used;
  budget->exceeded =
      sizeof(struct swale__redis_reply) > left || more > left - sizeof(struct swale__redis_reply);
  struct swale__redis_reply *r = budget->exceeded ? NULL : swale__redis_malloc(a, sizeof *r + more);
  if (!r)
    return NULL;
  budget->used += sizeof *r + more;
  *r = (struct swale__redis_reply){.type = task->type, .allocator = a};
  if (task->parent) {
    struct swale__redis_reply *list = task->parent->obj;
    list->items[task->idx] = r;
  }
  return r;
}

static void *make_string(const redisReadTask *task, char *text, size_t len) {
  struct swale__redis_reply *r = make(task, len + 1);
  if (!r)
    return NULL;
  r->text = (char *)(r + 1);
  r->len = len;
  if (len > 0)
    memcpy(r->text, text, len);
  r->text[len] = '\0';
  return r;
}

static void *make_list(const redisReadTask *task, int n) {
  if (n < 0 || n > SWALE__REDIS_ITEMS_MAX)
    return NULL;
  if (!task->parent)
    ((struct swale__redis_budget *)task->privdata)->items = (size_t)n;
  size_t size = (size_t)n * sizeof(struct swale__redis_reply *);
  struct swale__redis_reply *r = make(task, size);
  if (!r)
    return NULL;
  r->count = (size_t)n;
  r->items = (struct swale__redis_reply **)(r + 1);
  memset((void *)r->items, 0, size);
  return r;
}

static void *make_integer(const redisReadTask *task, long long n) {
  struct swale__redis_reply *r = make(task, 0);
  if (r)
    r->integer = n;
  return r;
}

/* The task's type is what it would have been otherwise. */
static void *make_nil(const redisReadTask *task) {
  struct swale__redis_reply *r = make(task, 0);
  if (r)
    r->type = REDIS_REPLY_NIL;
  return r;
}

/* A list may be incomplete. Lists are nested no deeper than the parser's stack. */
void swale__redis_reply_free(struct swale__redis_reply *r) {
  if (!r)
    return;
  for (size_t i = 0; i < r->count; i++)
    swale__redis_reply_free(r->items[i]);
  swale__redis_release(r->allocator, r);
}

static void free_any(void *reply) { swale__redis_reply_free(reply); }

redisReader *swale__redis_reader_new(struct swale__redis_budget *budget) {
  static const redisReplyObjectFunctions functions = {make_string, make_list, make_integer, make_nil,
                                                      free_any};
  redisReader *reader = redisReaderCreateWithFunctions((redisReplyObjectFunctions *)(uintptr_t)&functions);
  if (reader)
    reader->privdata = budget;
  return reader;
}

bool swale__redis_error_is(const struct swale__redis_reply *r, const char *word) {
  size_t n = strlen(word);
  return swale__redis_is_error(r) && r->len >= n && memcmp(r->text, word, n) == 0 &&
         (r->len == n || r->text[n] == ' ');
}

const struct swale__redis_reply *swale__redis_string_at(const struct swale__redis_reply *r, size_t i) {
  if (r->type != REDIS_REPLY_ARRAY || i >= r->count || !swale__redis_is_string(r->items[i]))
    return NULL;
  return r->items[i];
}

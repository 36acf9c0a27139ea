/* SPDX-License-Identifier: MIT */
#include "core/drop.h"

#include <stdbool.h>
#include <string.h>

#include "core/env.h"

#define REPORTS_MAX 1024

struct swale__drop_report {
  struct swale__drop_report *next;
  swale_message *message;
  uint64_t count;
  enum swale_drop_reason reason;
  char channel[];
};

int swale__drops_init(struct swale__drops *d, void (*on_drop)(const struct swale_drop *, void *),
                      void *user) {
  memset(d, 0, sizeof *d);
  d->on_drop = on_drop;
  d->user = user;
  return pthread_mutex_init(&d->lock, NULL) == 0 ? 0 : SWALE_ENOMEM;
}

static struct swale__drop_report *take_all(struct swale__drops *d) {
  pthread_mutex_lock(&d->lock);
  struct swale__drop_report *first = d->first;
  d->first = d->last = NULL;
  d->waiting = 0;
  atomic_store(&d->any, false);
  pthread_mutex_unlock(&d->lock);
  return first;
}

static void free_report(struct swale__drop_report *r, const struct swale_allocator *a) {
  swale_message_unref(r->message);
  swale__free(a, r);
}

void swale__drops_free(struct swale__drops *d, const struct swale_allocator *a) {
  for (struct swale__drop_report *r = take_all(d), *next; r; r = next) {
    next = r->next;
    free_report(r, a);
  }
  pthread_mutex_destroy(&d->lock);
}

void swale__drops_note(struct swale__drops *d, const struct swale_allocator *a, enum swale_drop_reason reason,
                       const char *channel, swale_message *m, uint64_t count) {
  if (!d->on_drop)
    return;
  size_t size = strlen(channel) + 1;
  struct swale__drop_report *r = swale__malloc(a, sizeof *r + size);
  if (!r)
    return;
  *r = (struct swale__drop_report){.message = swale_message_ref(m), .count = count, .reason = reason};
  memcpy(r->channel, channel, size);

  pthread_mutex_lock(&d->lock);
  bool fits = d->waiting < REPORTS_MAX;
  if (fits) {
    if (d->last)
      d->last->next = r;
    else
      d->first = r;
    d->last = r;
    d->waiting++;
    atomic_store(&d->any, true);
  }
  pthread_mutex_unlock(&d->lock);
  if (!fits)
    free_report(r, a);
}

void swale__drops_tell(struct swale__drops *d, const struct swale_allocator *a) {
  if (!atomic_load_explicit(&d->any, memory_order_relaxed))
    return;
  for (struct swale__drop_report *r = take_all(d), *next; r; r = next) {
    next = r->next;
    d->on_drop(&(struct swale_drop){r->reason, r->channel, r->message, r->count}, d->user);
    free_report(r, a);
  }
}

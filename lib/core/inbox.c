/* SPDX-License-Identifier: MIT */
#include "core/inbox.h"

#include "core/env.h"

/* After a burst an array of more than this many entries is given back. */
#define KEEP_ENTRIES 4096

size_t swale__inbox_cost(const swale_message *m) {
  size_t len = 0;
  swale_message_bytes(m, &len);
  return len + sizeof(struct swale__entry);
}

static bool fits(const struct swale__inbox *in, size_t cost) {
  return in->bytes <= in->bytes_max && cost <= in->bytes_max - in->bytes;
}

int swale__inbox_reserve(struct swale__inbox *in, const struct swale_allocator *a, size_t cost, bool always) {
  if (!always && !fits(in, cost))
    return SWALE_EFULL;
  struct swale__entries *f = &in->filling;
  if (f->room - f->count <= in->reserved) {
    size_t room = f->room ? f->room * 2 : 16;
    struct swale__entry *at = swale__realloc_array(a, f->at, room, sizeof *at);
    if (!at)
      return SWALE_ENOMEM;
    f->at = at;
    f->room = room;
  }
  in->reserved++;
  in->bytes += cost;
  return 0;
}

void swale__inbox_unreserve(struct swale__inbox *in, size_t cost) {
  in->reserved--;
  in->bytes -= cost;
}

uint64_t swale__inbox_fill(struct swale__inbox *in, struct swale__entry entry) {
  entry.sequence = atomic_load_explicit(&in->sequence, memory_order_relaxed) + 1;
  atomic_store_explicit(&in->sequence, entry.sequence, memory_order_relaxed);
  in->filling.at[in->filling.count++] = entry;
  in->reserved--;
  return entry.sequence;
}

static void drop_large(struct swale__entries *e, const struct swale_allocator *a) {
  if (e->room <= KEEP_ENTRIES)
    return;
  swale__free(a, e->at);
  *e = (struct swale__entries){0};
}

void swale__inbox_take(struct swale__inbox *in, const struct swale_allocator *a) {
  /* Promised room must stay in the array it was promised in: wait until the sender has filled it. */
  if (in->next < in->taken.count || in->filling.count == 0 || in->reserved > 0)
    return;
  in->taken.count = 0;
  in->next = 0;
  drop_large(&in->taken, a);
  struct swale__entries filled = in->filling;
  in->filling = in->taken;
  in->taken = filled;
}

void swale__inbox_free(struct swale__inbox *in, const struct swale_allocator *a) {
  swale__free(a, in->filling.at);
  swale__free(a, in->taken.at);
}

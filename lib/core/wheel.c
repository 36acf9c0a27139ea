/* SPDX-License-Identifier: MIT */
#include "core/wheel.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Read a deadline as digits of six bits each. The wheel has a level for each of the lowest six digits. A
 * timer is in the level of the highest digit in which its deadline differs from now, in the slot which that
 * digit names. So level 0 has a slot for each millisecond up to the next multiple of 64, level 1 one for each
 * 64 milliseconds up to the next multiple of 4096, and so on. Three things follow:
 *
 *   - A slot of level 0 holds a single deadline. A slot of a higher level is opened when now reaches its
 *     first moment; its timers then differ from now in a lower digit, or are due, and move there. That
 *     happens at most once per level.
 *   - No timer is in the slot of now's own digit: it would differ in that digit, or belong further down.
 *   - Everything in one level comes before everything in the levels above. So the lowest level that is not
 *     empty has the next slot to open, and this is the first one after now's, going round.
 *
 * All this stays true while time passes, as long as no slot is skipped: a digit of now changes to
 * that of a slot only at the moment that opens it.
 *
 * Deadlines that differ above the sixth digit go into the last level, too, which is used as a ring: up to 63
 * slots ahead, further ones in the slot 63 ahead, where they find a new place once it is opened.
 *
 * Slots are stacks, newest timer first. Opening one turns it round. Since a lower level is empty whenever a
 * slot above opens into it, timers of equal deadlines stay in the order in which they were armed.
 */

enum { DIGIT_BITS = 6, LAST_LEVEL = SWALE__WHEEL_LEVELS - 1, ALL_BITS = DIGIT_BITS * SWALE__WHEEL_LEVELS };

struct stop {
  uint64_t moment;
  unsigned level, slot;
};

static void link_at(struct swale_timer **link, struct swale_timer *t) {
  t->next = *link;
  t->link = link;
  if (t->next)
    t->next->link = &t->next;
  *link = t;
}

static unsigned level_of(uint64_t now, uint64_t deadline) {
  unsigned highest_bit = 63u - (unsigned)__builtin_clzll(now ^ deadline);
  unsigned level = highest_bit / DIGIT_BITS;
  return level < LAST_LEVEL ? level : LAST_LEVEL;
}

/* Puts a timer where its deadline belongs as seen from now. */
static void place(struct swale__wheel *w, struct swale_timer *t) {
  if (t->deadline <= w->now) {
    link_at(w->due_end, t);
    w->due_end = &t->next;
    return;
  }
  unsigned level = level_of(w->now, t->deadline), shift = level * DIGIT_BITS;
  uint64_t here = w->now >> shift, there = t->deadline >> shift;
  if (there - here >= SWALE__WHEEL_SLOTS)
    there = here + SWALE__WHEEL_SLOTS - 1;
  unsigned slot = there % SWALE__WHEEL_SLOTS;
  link_at(&w->slots[level][slot], t);
  w->occupied[level] |= UINT64_C(1) << slot;
}

static void place_all(struct swale__wheel *w, struct swale_timer *list) {
  for (struct swale_timer *t = list, *next; t; t = next) {
    next = t->next;
    place(w, t);
  }
}

/* The slot to open next; false when all are empty. */
static bool next_stop(const struct swale__wheel *w, struct stop *stop) {
  unsigned level = 0;
  while (w->occupied[level] == 0)
    if (++level == SWALE__WHEEL_LEVELS)
      return false;
  uint64_t here = w->now >> (level * DIGIT_BITS), bits = w->occupied[level];
  unsigned turn = here % SWALE__WHEEL_SLOTS;
  uint64_t ahead = (bits >> turn) | (bits << (-turn % SWALE__WHEEL_SLOTS)); /* bit n: n slots after now's */
  uint64_t there = here + (unsigned)__builtin_ctzll(ahead);
  *stop = (struct stop){there << (level * DIGIT_BITS), level, there % SWALE__WHEEL_SLOTS};
  return true;
}

/* Empties a slot into a list, oldest first, of which only the `next` pointers are set. */
static struct swale_timer *open_slot(struct swale__wheel *w, const struct stop *stop) {
  struct swale_timer *stack = w->slots[stop->level][stop->slot], *list = NULL;
  w->slots[stop->level][stop->slot] = NULL;
  w->occupied[stop->level] &= ~(UINT64_C(1) << stop->slot);
  for (struct swale_timer *next; stack; stack = next) {
    next = stack->next;
    stack->next = list;
    list = stack;
  }
  return list;
}

/*
 * A jump beyond the last level's ring: every slot would be opened, and deadlines far away would be put
 * off many times over. So all timers are taken out at once and placed as seen from the new now.
 */
static void leap(struct swale__wheel *w, uint64_t now) {
  struct swale_timer *all = NULL, **end = &all;
  for (struct stop stop; next_stop(w, &stop);) {
    *end = open_slot(w, &stop);
    while (*end)
      end = &(*end)->next;
  }
  w->now = now;
  place_all(w, all);
}

void swale__wheel_init(struct swale__wheel *w, uint64_t now) {
  *w = (struct swale__wheel){.now = now};
  w->due_end = &w->due;
}

void swale__wheel_add(struct swale__wheel *w, struct swale_timer *t, uint64_t deadline) {
  t->deadline = deadline;
  place(w, t);
}

void swale__wheel_remove(struct swale__wheel *w, struct swale_timer *t) {
  if (!t->link)
    return;
  *t->link = t->next;
  if (t->next) {
    t->next->link = t->link;
  } else if (w->due_end == &t->next) {
    w->due_end = t->link;
  } else {
    /* The last of its slot, and the only one if its link is the slot itself, not a timer before it. */
    uintptr_t index = ((uintptr_t)t->link - (uintptr_t)w->slots) / sizeof t->link;
    if (index < SWALE__WHEEL_LEVELS * SWALE__WHEEL_SLOTS)
      w->occupied[index / SWALE__WHEEL_SLOTS] &= ~(UINT64_C(1) << index % SWALE__WHEEL_SLOTS);
  }
  t->next = NULL;
  t->link = NULL;
}

uint64_t swale__wheel_next(const struct swale__wheel *w) {
  struct stop stop;
  if (w->due)
    return 0;
  return next_stop(w, &stop) ? stop.moment : UINT64_MAX;
}

void swale__wheel_advance(struct swale__wheel *w, uint64_t now) {
  if (now <= w->now)
    return;
  if ((now - w->now) >> ALL_BITS)
    leap(w, now);
  for (struct stop stop; next_stop(w, &stop) && stop.moment <= now;) {
    w->now = stop.moment;
    place_all(w, open_slot(w, &stop));
  }
  w->now = now;
}

struct swale_timer *swale__wheel_pop(struct swale__wheel *w) {
  struct swale_timer *t = w->due;
  if (t)
    swale__wheel_remove(w, t);
  return t;
}

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_WHEEL_H
#define SWALE_CORE_WHEEL_H

#include <stdint.h>

#include <swale/loop.h>

#define SWALE__WHEEL_LEVELS 6
#define SWALE__WHEEL_SLOTS 64

/*
 * A hierarchical timing wheel: adding and removing are O(1), time passes at the cost of the timers it moves.
 * A timer is in one list at a time, a slot's or the due list; `link` is NULL while it is in none.
 * The wheel must not move in memory while a timer is armed.
 */
struct swale__wheel {
  uint64_t now;
  uint64_t occupied[SWALE__WHEEL_LEVELS]; /* bit s: slots[level][s] is not empty */
  struct swale_timer *slots[SWALE__WHEEL_LEVELS][SWALE__WHEEL_SLOTS];
  struct swale_timer *due, **due_end;
};

void swale__wheel_init(struct swale__wheel *w, uint64_t now);

/* Arms a timer that is not armed. A deadline that the wheel's clock has reached is due at once. */
void swale__wheel_add(struct swale__wheel *w, struct swale_timer *t, uint64_t deadline);

/* Disarms a timer, in the due list or not; fine when it is not armed. */
void swale__wheel_remove(struct swale__wheel *w, struct swale_timer *t);

/*
 * A moment not later than the earliest deadline: 0 when something is due, UINT64_MAX when nothing is armed.
 * It may come before the deadline, at most once per level of the wheel (and once every two years).
 */
uint64_t swale__wheel_next(const struct swale__wheel *w);

/*
 * Lets time pass: whatever has its deadline at or before `now` joins the due list, in order of deadlines,
 * equal ones in the order they were armed. (A jump of more than two years gives up the order, and so do equal
 * deadlines farther away than that.) A `now` before the last one is ignored.
 */
void swale__wheel_advance(struct swale__wheel *w, uint64_t now);

/* Takes the first due timer, which is then not armed, or NULL. */
struct swale_timer *swale__wheel_pop(struct swale__wheel *w);

#endif

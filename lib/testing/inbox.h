/* SPDX-License-Identifier: MIT */
#ifndef SWALE_TESTING_INBOX_H
#define SWALE_TESTING_INBOX_H

#include <stdbool.h>
#include <stddef.h>

#include <swale/testing.h>

/*
 * What a consumer has sent and the test has not received yet, oldest first: references to payloads, so that what
 * many communicators are sent is there once. `capacity` is the only field to set from outside.
 */
struct swale__parcel;

struct swale__inbox {
  const struct swale_allocator *allocator;
  struct swale__parcel *first, **last;
  size_t count;
  size_t capacity;
  char *view; /* of what was taken last, ended by a NUL */
};

/* `allocator` must outlive the inbox. */
void swale__inbox_init(struct swale__inbox *inbox, const struct swale_allocator *allocator);
void swale__inbox_clear(struct swale__inbox *inbox);

/* Takes a reference. SWALE_EFULL at capacity, SWALE_ENOMEM. */
int swale__inbox_put(struct swale__inbox *inbox, swale_payload *payload);

/* Whether the oldest is this text. */
bool swale__inbox_starts_with(const struct swale__inbox *inbox, const char *text);

/* Drops the oldest; there must be one. */
void swale__inbox_drop(struct swale__inbox *inbox);

/* Takes the oldest; the view lives until the next take. SWALE_EAGAIN when there is none, SWALE_ENOMEM (it stays). */
int swale__inbox_take(struct swale__inbox *inbox, struct swale_received *out);

#endif

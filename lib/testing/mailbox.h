/* SPDX-License-Identifier: MIT */
#ifndef SWALE_TESTING_MAILBOX_H
#define SWALE_TESTING_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include <swale/testing.h>

/*
 * What a consumer has sent and the test has not received yet, oldest first: references to payloads, so that
 * what many communicators are sent is there once. `capacity` is the only field to set from outside.
 */
struct swale__parcel;

struct swale__mailbox {
  const struct swale_allocator *allocator;
  struct swale__parcel *first, **last;
  size_t count;
  size_t capacity;
  char *view; /* of what was taken last, ended by a NUL */
};

/* `allocator` must outlive the box. */
void swale__mailbox_init(struct swale__mailbox *box, const struct swale_allocator *allocator);
void swale__mailbox_clear(struct swale__mailbox *box);

/* Takes a reference. SWALE_EFULL at capacity, SWALE_ENOMEM. */
int swale__mailbox_put(struct swale__mailbox *box, swale_payload *payload);

/* Whether the oldest is this text. */
bool swale__mailbox_starts_with(const struct swale__mailbox *box, const char *text);

/* Drops the oldest; there must be one. */
void swale__mailbox_drop(struct swale__mailbox *box);

/*
 * Takes the oldest; the view lives until the next take. SWALE_EAGAIN when there is none, SWALE_ENOMEM (it
 * stays).
 */
int swale__mailbox_take(struct swale__mailbox *box, struct swale_received *out);

#endif

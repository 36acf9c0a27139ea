/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_COMPLETION_H
#define SWALE_CORE_COMPLETION_H

#include <stdint.h>

#include <swale/backend.h>

/*
 * What became of a call, on its way to the loop of whoever wants to know. One is made before the call has any
 * effect, so that telling needs no memory; the loop lives until all of its own have been told.
 */
struct swale_pending {
  struct swale_pending *next;
  struct swale_completion then;
  uint64_t ticket; /* while it waits for one */
  int result;
};

/* *out is NULL when `then` is, which the next two do not mind. SWALE_ENOMEM. Any thread. */
int swale__pending_new(const struct swale_completion *then, struct swale_pending **out);
/* The call has failed: nobody is told. */
void swale__pending_forget(struct swale_pending *p);

/* Calls `done` of all of these; the loop's thread. */
void swale__completions_tell(struct swale_pending *p);

#endif

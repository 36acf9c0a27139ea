/* SPDX-License-Identifier: MIT */
#include "core/completion.h"

#include "core/env.h"
#include "core/loop.h"

int swale__pending_new(const struct swale_completion *then, struct swale_pending **out) {
  *out = NULL;
  if (!then)
    return 0;
  struct swale_pending *p = swale__zalloc(&then->loop->env.allocator, sizeof *p);
  if (!p)
    return SWALE_ENOMEM;
  p->then = *then;
  then->loop->completions++;
  *out = p;
  return 0;
}

void swale__pending_forget(struct swale_pending *p) {
  if (!p)
    return;
  swale_loop *loop = p->then.loop;
  swale__free(&loop->env.allocator, p);
  loop->completions--;
}

void swale_backend_complete(struct swale_pending *p, int result) {
  struct swale__wakes wakes = {0};
  if (!p)
    return;
  swale_loop *loop = p->then.loop;
  p->result = result;
  p->next = NULL;
  swale__loop_lock(loop);
  *(loop->last_completed ? &loop->last_completed->next : &loop->first_completed) = p;
  loop->last_completed = p;
  swale__wakes_add(&wakes, loop);
  swale__loop_unlock(loop);
  swale__wakes_call(&wakes);
}

void swale__completions_tell(struct swale_pending *p) {
  for (struct swale_pending *next; p; p = next) {
    next = p->next;
    struct swale_completion then = p->then;
    int result = p->result;
    swale__pending_forget(p);
    then.done(result, then.user);
  }
}

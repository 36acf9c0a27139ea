/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

enum { CACHE_LINE = 64 };

static void append(struct swale_job **newest, struct swale_job *job) {
  job->next = *newest ? (*newest)->next : job;
  if (*newest)
    (*newest)->next = job;
  *newest = job;
}

void swale_loop_defer(swale_loop *loop, struct swale_job *job) {
  if (job->next)
    return;
  append(&loop->newest_job, job);
  if (loop->depth == 0)
    swale__loop_wake(loop);
}

int swale_loop_put_off(swale_loop *loop, struct swale_job *job) {
  if (loop->running)
    return 0;
  if (!job->next) /* else it has been deferred meanwhile, and will ask again */
    append(&loop->newest_put_off, job);
  return 1;
}

/* Takes the oldest job out of the ring. */
static struct swale_job *take_job(swale_loop *loop) {
  struct swale_job *newest = loop->newest_job, *job = newest->next;
  if (job == newest)
    loop->newest_job = NULL;
  newest->next = job->next;
  job->next = NULL;
  return job;
}

/* While a job runs, the memory of the next is asked for: what it stands in, too. */
void swale__loop_run_jobs(swale_loop *loop) {
  while (loop->newest_job) {
    struct swale_job *job = take_job(loop), *next = loop->newest_job ? loop->newest_job->next : job;
    __builtin_prefetch(next, 1);
    __builtin_prefetch((const char *)next + CACHE_LINE, 1);
    job->run(job);
  }
}

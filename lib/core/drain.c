/* SPDX-License-Identifier: MIT */
#include "core/drain.h"

#include <string.h>

#include "core/consumer.h"
#include "core/loop.h"

/*
 * Ending all consumers of a loop. A drain goes along the loop's list once, a batch at a time: `next` is where
 * it stands. Nobody joins the list meanwhile, and who leaves it moves `next` on.
 */
struct swale__drain {
  swale_loop *loop;
  struct swale_timer batch_timer, deadline;
  struct swale_job done;
  swale_consumer *next;
  uint64_t began;
  size_t undecided; /* of the report's consumers */
  uint32_t interval_ms;
  struct swale_drain_config config; /* its reason stands below */
  struct swale_drain_report report;
  char reason[];
};

enum { UNAVAILABLE = 503, ABNORMAL = 1006 };

/* ---- configuring ---- */

static const struct swale_drain_config defaults = {
    .size = sizeof defaults,
    .code = 1001,
    .period_ms = 10000,
    .batch = 64,
    .deadline_ms = 20000,
};

void swale_drain_config_init(struct swale_drain_config *config, size_t size) {
  memset(config, 0, size);
  memcpy(config, &defaults, size < sizeof defaults ? size : sizeof defaults);
  config->size = size;
}

static int read_config(struct swale_drain_config *mine, const struct swale_drain_config *config) {
  *mine = defaults;
  if (config && (config->size == 0 || config->size > sizeof *mine))
    return SWALE_EINVAL;
  if (config)
    memcpy(mine, config, config->size);
  if (mine->batch == 0 || mine->deadline_ms == 0 || mine->deadline_ms < mine->period_ms)
    return SWALE_EINVAL;
  return swale__close_check(mine->code, mine->reason);
}

/* ---- closing ---- */

static void dismiss(swale_consumer *c, uint16_t code, const char *reason) {
  if (c->stage == SWALE__UNDECIDED)
    swale_reject(c, UNAVAILABLE, reason && *reason ? reason : NULL);
  else
    swale_close(c, code, reason);
}

int swale_loop_close_all(swale_loop *loop, uint16_t code, const char *reason) {
  int rv = swale__close_check(code, reason);
  if (rv < 0)
    return rv;
  for (swale_consumer *c = loop->consumers; c; c = c->next)
    dismiss(c, code, reason);
  return 0;
}

static void close_batch(struct swale__drain *d) {
  uint32_t left = d->config.batch;
  while (d->next && left > 0) {
    swale_consumer *c = d->next;
    d->next = c->next;
    if (swale_close(c, d->config.code, d->reason) == 0)
      left--;
  }
  if (d->next)
    swale_timer_start(d->loop, &d->batch_timer, d->interval_ms);
}

static void next_batch(struct swale_timer *timer) {
  close_batch((struct swale__drain *)((char *)timer - offsetof(struct swale__drain, batch_timer)));
}

static void cut(swale_consumer *c) {
  swale_app_report(c->port->app, c, SWALE_ECLOSED, "cut off by a drain");
  if (c->stage >= SWALE__LOST)
    return;
  const struct swale_transport_class *kind = c->port->kind;
  if (kind && kind->cut)
    kind->cut(c->transport);
  swale_consumer_lost(c, ABNORMAL);
}

static void cut_off(struct swale_timer *timer) {
  struct swale__drain *d = (struct swale__drain *)((char *)timer - offsetof(struct swale__drain, deadline));
  swale_timer_stop(d->loop, &d->batch_timer);
  for (swale_consumer *c = d->loop->consumers; c; c = c->next)
    if (c->stage < SWALE__LOST) {
      d->report.cut++;
      cut(c);
    }
}

/* ---- beginning and end ---- */

static void finish(struct swale_job *job) {
  struct swale__drain *d = (struct swale__drain *)((char *)job - offsetof(struct swale__drain, done));
  struct swale_drain_report *r = &d->report;
  if (swale_loop_put_off(d->loop, job))
    return;
  swale_timer_stop(d->loop, &d->batch_timer);
  swale_timer_stop(d->loop, &d->deadline);
  r->closed = r->consumers - d->undecided - r->cut;
  r->took_ms = d->loop->now - d->began;
  if (d->config.on_done)
    d->config.on_done(r, d->config.user);
}

/* Who is undecided is refused, not closed. */
static void refuse_undecided(struct swale__drain *d) {
  for (swale_consumer *c = d->loop->consumers; c; c = c->next)
    if (c->stage == SWALE__UNDECIDED) {
      d->undecided++;
      dismiss(c, d->config.code, d->reason);
    }
  d->report.refused = d->undecided;
  for (struct swale_drain_hook *h = d->loop->drain_hooks; h; h = h->next)
    d->report.refused += h->refuse(h);
}

/* Spreads so many over the period: the batches are as large and as far apart as that needs. */
static void plan(struct swale__drain *d, size_t consumers) {
  struct swale_drain_config *config = &d->config;
  size_t batches = consumers / config->batch + 1;
  if (batches > config->period_ms) {
    batches = config->period_ms > 0 ? config->period_ms : 1;
    config->batch = (uint32_t)(consumers / batches + 1);
  }
  d->interval_ms = config->period_ms / (uint32_t)batches;
}

static struct swale__drain *drain_new(swale_loop *loop, const struct swale_drain_config *config) {
  size_t size = config->reason ? strlen(config->reason) + 1 : 1;
  struct swale__drain *d = swale__zalloc(&loop->env.allocator, sizeof *d + size);
  if (!d)
    return NULL;
  d->loop = loop;
  d->config = *config;
  if (config->reason)
    memcpy(d->reason, config->reason, size);
  d->batch_timer.fire = next_batch;
  d->deadline.fire = cut_off;
  d->done.run = finish;
  d->report = (struct swale_drain_report){.size = sizeof d->report, .consumers = loop->n_consumers};
  return d;
}

int swale_loop_drain(swale_loop *loop, const struct swale_drain_config *config) {
  struct swale_drain_config mine;
  int rv = read_config(&mine, config);
  if (rv < 0)
    return rv;
  if (loop->drain || loop->ending)
    return SWALE_ESTATE;
  struct swale__drain *d = drain_new(loop, &mine);
  if (!d)
    return SWALE_ENOMEM;
  swale_loop_enter(loop);
  loop->drain = d;
  d->began = loop->now;
  d->next = loop->consumers;
  refuse_undecided(d);
  plan(d, d->report.consumers - d->undecided);
  swale_timer_start(loop, &d->deadline, mine.deadline_ms);
  close_batch(d);
  if (loop->n_consumers == 0)
    swale_loop_defer(loop, &d->done);
  swale_loop_leave_quietly(loop);
  return 0;
}

int swale_loop_draining(const swale_loop *loop) { return loop->drain != NULL; }

void swale_loop_on_drain(swale_loop *loop, struct swale_drain_hook *hook) {
  hook->next = loop->drain_hooks;
  loop->drain_hooks = hook;
}

bool swale__drain_refuses(swale_loop *loop) {
  if (!loop->drain)
    return false;
  loop->drain->report.refused++;
  return true;
}

void swale__drain_follow(swale_loop *loop, const swale_consumer *c) {
  struct swale__drain *d = loop->drain;
  if (!d)
    return;
  if (d->next == c)
    d->next = c->next;
  if (loop->n_consumers == 0)
    swale_loop_defer(loop, &d->done);
}

void swale__drain_free(swale_loop *loop) {
  swale__free(&loop->env.allocator, loop->drain);
  loop->drain = NULL;
}

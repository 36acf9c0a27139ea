/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

#include "core/consumer.h"
#include "core/completion.h"
#include "core/deliver.h"
#include "core/drain.h"
#include "core/group.h"
#include "core/layer.h"
#include "core/port.h"
#include "core/timer.h"
#include "core/receiver.h"

struct swale__extension {
  struct swale__extension *next;
  const void *key;
  void (*free)(void *data, const struct swale_env *env);
  max_align_t data[];
};

/* ---- making and configuring ---- */

static const struct swale_loop_config defaults = {
    .size = sizeof defaults,
    .inbox_bytes = (size_t)64 << 20,
    .inbox_batch = 1024,
};

void swale_loop_config_init(struct swale_loop_config *config, size_t size) {
  size_t known = size < sizeof defaults ? size : sizeof defaults;
  memset(config, 0, size);
  memcpy(config, &defaults, known);
  config->size = size;
}

static int read_config(struct swale_loop_config *mine, const struct swale_loop_config *config) {
  *mine = defaults;
  if (!config)
    return 0;
  if (config->size == 0 || config->size > sizeof *mine)
    return SWALE_EINVAL;
  memcpy(mine, config, config->size);
  return mine->inbox_bytes > 0 && mine->inbox_batch > 0 ? 0 : SWALE_EINVAL;
}

static int init_locks(swale_loop *loop) {
  if (pthread_mutex_init(&loop->lock, NULL) != 0)
    return SWALE_ENOMEM;
  if (pthread_mutex_init(&loop->lanes_lock, NULL) == 0)
    return 0;
  pthread_mutex_destroy(&loop->lock);
  return SWALE_ENOMEM;
}

int swale_loop_new(const struct swale_loop_config *config, swale_loop **out) {
  struct swale_loop_config mine;
  *out = NULL;
  int rv = read_config(&mine, config);
  if (rv < 0)
    return rv;
  struct swale_env env;
  swale__env_copy(&env, mine.env);
  swale_loop *loop = swale__zalloc(&env.allocator, sizeof *loop);
  if (!loop)
    return SWALE_ENOMEM;
  if (init_locks(loop) < 0) {
    swale__free(&env.allocator, loop);
    return SWALE_ENOMEM;
  }
  loop->env = env;
  loop->wake = mine.wake;
  loop->user = mine.user;
  loop->inbox.bytes_max = mine.inbox_bytes;
  loop->inbox_batch = mine.inbox_batch;
  loop->host_asks = mine.host_asks_timeout;
  loop->now = env.now_ms(env.user);
  swale__wheel_init(&loop->wheel, loop->now);
  swale__ring_init(&loop->receivers);
  swale__ring_init(&loop->called);
  *out = loop;
  return 0;
}

/* ---- waking and posting: any thread ---- */

static uintptr_t this_thread(void) { return (uintptr_t)pthread_self(); }

void swale__wakes_add(struct swale__wakes *wakes, swale_loop *loop) {
  if (loop->woken)
    return;
  if (atomic_load_explicit(&loop->inside, memory_order_relaxed) == this_thread()) {
    loop->owes_wake = true;
    return;
  }
  loop->woken = true;
  if (loop->listed)
    return;
  loop->listed = true;
  atomic_fetch_add_explicit(&loop->wakers, 1, memory_order_relaxed);
  loop->next_wake = wakes->first;
  wakes->first = loop;
}

void swale__wakes_note(struct swale__wakes *wakes, swale_loop *loop) {
  swale__loop_lock(loop);
  swale__wakes_add(wakes, loop);
  swale__loop_unlock(loop);
}

static swale_loop *unlist(swale_loop *loop) {
  swale__loop_lock(loop);
  swale_loop *next = loop->next_wake;
  loop->listed = false;
  swale__loop_unlock(loop);
  return next;
}

void swale__wakes_call(struct swale__wakes *wakes) {
  for (swale_loop *loop = wakes->first, *next; loop; loop = next) {
    next = unlist(loop);
    if (loop->wake)
      loop->wake(loop->user);
    atomic_fetch_sub_explicit(&loop->wakers, 1, memory_order_release);
  }
}

int64_t swale__loop_post(swale_loop *loop, struct swale__entry entry, bool always,
                         struct swale__wakes *wakes) {
  swale__loop_lock(loop);
  int64_t rv =
      swale__inbox_reserve(&loop->inbox, &loop->env.allocator, swale__inbox_cost(entry.message), always);
  if (rv == 0) {
    rv = (int64_t)swale__inbox_fill(&loop->inbox, entry);
    swale__wakes_add(wakes, loop);
  }
  swale__loop_unlock(loop);
  return rv;
}

int swale__loop_reserve(swale_loop *loop, size_t cost) {
  swale__loop_lock(loop);
  int rv = swale__inbox_reserve(&loop->inbox, &loop->env.allocator, cost, false);
  swale__loop_unlock(loop);
  return rv;
}

void swale__loop_unreserve(swale_loop *loop, size_t cost) {
  swale__loop_lock(loop);
  swale__inbox_unreserve(&loop->inbox, cost);
  swale__loop_unlock(loop);
}

uint64_t swale__loop_fill(swale_loop *loop, struct swale__entry entry, struct swale__wakes *wakes) {
  swale__loop_lock(loop);
  uint64_t sequence = swale__inbox_fill(&loop->inbox, entry);
  swale__wakes_add(wakes, loop);
  swale__loop_unlock(loop);
  return sequence;
}

void swale__loop_wake(swale_loop *loop) {
  struct swale__wakes wakes = {0};
  swale__wakes_note(&wakes, loop);
  swale__wakes_call(&wakes);
}

/* ---- entering and leaving ---- */

static bool has_work(swale_loop *loop);

void swale_loop_enter(swale_loop *loop) {
  if (loop->depth++ > 0)
    return;
  loop->now = loop->env.now_ms(loop->env.user);
  atomic_store_explicit(&loop->inside, this_thread(), memory_order_relaxed);
}

void swale_loop_leave_quietly(swale_loop *loop) {
  if (--loop->depth > 0)
    return;
  atomic_store_explicit(&loop->inside, 0, memory_order_relaxed);
  bool may_have_work = loop->owes_wake || loop->newest_job || loop->newest_put_off;
  if (may_have_work && !loop->host_asks && has_work(loop))
    swale__loop_wake(loop);
  loop->owes_wake = false;
}

static void tell_drops(swale_loop *loop) {
  for (struct swale__port *p = loop->ports; p; p = p->next_in_loop)
    if (p->layer)
      swale__drops_tell(&p->layer->drops, &p->layer->env.allocator);
}

/* What is put off until the outermost call returns. */
static void finish(swale_loop *loop) {
  swale__loop_run_jobs(loop);
  if (loop->running) {
    loop->newest_job = loop->newest_put_off;
    loop->newest_put_off = NULL;
  }
  tell_drops(loop);
  if (loop->at_home)
    swale__outside_run(loop);
  swale__loop_run_jobs(loop);
}

void swale_loop_leave(swale_loop *loop) {
  if (loop->depth == 1)
    finish(loop);
  swale_loop_leave_quietly(loop);
}

/* ---- running ---- */

static void run_inbox(swale_loop *loop) {
  swale__loop_lock(loop);
  loop->woken = false;
  swale__inbox_take(&loop->inbox, &loop->env.allocator);
  struct swale_pending *completed = loop->first_completed;
  loop->first_completed = loop->last_completed = NULL;
  swale__loop_unlock(loop);

  for (struct swale__port *p = loop->ports; p; p = p->next_in_loop)
    swale__port_follow_flush(p);
  for (struct swale__port *p = loop->ports; p; p = p->next_in_loop)
    swale__port_connect_joined(p);

  size_t done = 0;
  struct swale__entry *e;
  for (uint32_t n = loop->inbox_batch; n > 0 && (e = swale__inbox_next(&loop->inbox)); n--) {
    done += swale__inbox_cost(e->message);
    swale__deliver_entry(e, n == 1 || !swale__inbox_waits_taken(&loop->inbox));
  }
  swale__loop_lock(loop);
  loop->inbox.bytes -= done;
  bool relieved = loop->crowded && !swale__loop_is_crowded(loop);
  loop->crowded = loop->crowded && !relieved;
  swale__loop_unlock(loop);
  for (struct swale__port *p = relieved ? loop->ports : NULL; p; p = p->next_in_loop)
    swale__outside_relieve(p->layer);
  swale__completions_tell(completed);
  swale__receivers_run(loop);
}

/* Drops to tell, a flush to follow, or consumers to connect? */
static bool layers_have_work(const swale_loop *loop) {
  for (const struct swale__port *p = loop->ports; p; p = p->next_in_loop)
    if (p->layer && (atomic_load_explicit(&p->layer->drops.any, memory_order_relaxed) ||
                     atomic_load_explicit(&p->layer->epoch, memory_order_relaxed) != p->epoch ||
                     swale__port_find_joined(p)))
      return true;
  return false;
}

static bool has_work(swale_loop *loop) {
  swale__loop_lock(loop);
  bool waits =
      swale__inbox_waits(&loop->inbox) || loop->first_completed || !swale__ring_is_empty(&loop->called);
  swale__loop_unlock(loop);
  return waits || loop->newest_job || loop->newest_put_off || layers_have_work(loop) ||
         (loop->at_home && swale__outside_waits(loop));
}

int swale_loop_run(swale_loop *loop) {
  if (loop->depth > 0)
    return SWALE_ESTATE;
  swale_loop_enter(loop);
  loop->running = true;
  run_inbox(loop);
  swale__timers_run(loop);
  finish(loop);
  loop->running = false;
  loop->owes_wake = true; /* if not everything is done */
  swale_loop_leave_quietly(loop);
  return 0;
}

int swale_loop_timeout_ms(swale_loop *loop) {
  if (has_work(loop))
    return 0;
  uint64_t next = swale__wheel_next(&loop->wheel);
  if (next == UINT64_MAX)
    return -1;
  uint64_t now = loop->env.now_ms(loop->env.user);
  if (next <= now)
    return 0;
  return next - now < INT_MAX ? (int)(next - now) : INT_MAX;
}

/* ---- ending ---- */

/* Connections that were freed outside of all calls still hold the loop. */
static void finish_jobs(swale_loop *loop) {
  swale_loop_enter(loop);
  swale_loop_leave(loop);
}

static void end_consumers(swale_loop *loop) {
  swale_loop_enter(loop);
  for (swale_consumer *c = loop->consumers, *next; c; c = next) {
    next = c->next;
    swale_consumer_lost(c, 1001);
  }
  swale__receivers_forsake(loop);
  swale_loop_leave(loop);
}

/* Nobody is left whom these could reach: every one is counted as dropped. */
static void drop_inbox(swale_loop *loop) {
  swale_loop_enter(loop);
  struct swale__entry *e;
  for (;;) {
    swale__loop_lock(loop);
    swale__inbox_take(&loop->inbox, &loop->env.allocator);
    swale__loop_unlock(loop);
    if (!(e = swale__inbox_next(&loop->inbox)))
      break;
    swale__deliver_entry(e, false);
  }
  swale_loop_leave(loop);
}

static void free_extensions(swale_loop *loop) {
  for (struct swale__extension *x = loop->extensions, *next; x; x = next) {
    next = x->next;
    if (x->free)
      x->free(x->data, &loop->env);
    swale__free(&loop->env.allocator, x);
  }
}

int swale_loop_free(swale_loop *loop) {
  if (!loop)
    return 0;
  if (loop->depth > 0 || loop->completions > 0)
    return SWALE_ESTATE;
  loop->ending = loop->running = true;
  if (loop->holds > 0)
    finish_jobs(loop);
  loop->ending = loop->running = loop->holds == 0;
  if (!loop->ending)
    return SWALE_ESTATE;
  end_consumers(loop);
  drop_inbox(loop);
  for (struct swale__port *p = loop->ports, *next; p; p = next) {
    next = p->next_in_loop;
    swale__port_free(p);
  }
  while (atomic_load_explicit(&loop->wakers, memory_order_acquire) > 0)
    sched_yield();
  swale__timers_disarm(loop);
  swale__drain_free(loop);
  free_extensions(loop);
  swale__inbox_free(&loop->inbox, &loop->env.allocator);
  pthread_mutex_destroy(&loop->lanes_lock);
  pthread_mutex_destroy(&loop->lock);
  struct swale_allocator a = loop->env.allocator;
  swale__free(&a, loop);
  return 0;
}

/* ---- extensions, figures ---- */

void *swale_loop_extension(swale_loop *loop, const void *key, size_t size,
                           void (*free)(void *data, const struct swale_env *env)) {
  for (struct swale__extension *x = loop->extensions; x; x = x->next)
    if (x->key == key)
      return x->data;
  if (size > SIZE_MAX - sizeof(struct swale__extension))
    return NULL;
  struct swale__extension *x = swale__zalloc(&loop->env.allocator, sizeof *x + size);
  if (!x)
    return NULL;
  x->key = key;
  x->free = free;
  x->next = loop->extensions;
  loop->extensions = x;
  return x->data;
}

int swale_loop_hold(swale_loop *loop) {
  if (loop->ending)
    return SWALE_ESTATE;
  loop->holds++;
  return 0;
}

void swale_loop_release(swale_loop *loop) { loop->holds--; }
uint64_t swale_loop_now_ms(const swale_loop *loop) { return loop->now; }
size_t swale_loop_consumers(const swale_loop *loop) { return loop->n_consumers; }
void *swale_loop_user(const swale_loop *loop) { return loop->user; }
const struct swale_env *swale_loop_env(const swale_loop *loop) { return &loop->env; }

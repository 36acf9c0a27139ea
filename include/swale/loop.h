/* SPDX-License-Identifier: MIT */
#ifndef SWALE_LOOP_H
#define SWALE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/env.h>
#include <swale/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * swale's presence in one event-loop thread of the host: an ordered inbox of what other
 * threads (and this one) sent, timers, and work put off to the end of a call.
 *
 * The host's part is three lines: run the loop when it was woken, run it when
 * swale_loop_timeout_ms is over, never from inside a callback of swale's.
 *
 *     for (;;) {
 *       n = epoll_wait(epoll, events, max, swale_loop_timeout_ms(loop));
 *       ... feed connections ...
 *       swale_loop_run(loop);
 *     }
 */
typedef struct swale_loop swale_loop;

struct swale_loop_config {
  size_t size;                 /* set by swale_loop_config_default */
  const struct swale_env *env; /* NULL: the C library; copied */

  /*
   * Tells the host that swale_loop_run has work: write to an eventfd, uv_async_send, ... Called from
   * any thread, with no lock held, at most once between two runs of the loop (besides a call that a run
   * overtakes). It must only schedule, never call into swale. NULL: the host runs the loop often enough by itself.
   * What the loop's own thread does inside of a call counts when the outermost one returns, and only if it is not done yet.
   */
  void (*wake)(void *user);
  void *user;

  /* Bytes of messages that may wait in the inbox before senders get SWALE_EFULL. Default 64 MiB. */
  size_t inbox_bytes;

  /* Entries of the inbox taken up by one swale_loop_run, so that I/O gets its turn. Default 1024. */
  uint32_t inbox_batch;

  /*
   * The host asks swale_loop_timeout_ms before each wait, as above, so that calls on the loop's own thread need not wake
   * it: that saves writing to an eventfd, waiting for it and reading it. Default false.
   */
  bool host_asks_timeout;
};

/* Fills in every default. Call it on each config before changing fields. */
#define swale_loop_config_default(config) swale_loop_config_init((config), sizeof *(config))
SWALE_API void swale_loop_config_init(struct swale_loop_config *config, size_t size);

/*
 * A new loop. `config` may be NULL for the defaults. Errors: SWALE_ENOMEM, SWALE_EINVAL (a size
 * this library does not know, a limit of 0).
 */
SWALE_API int swale_loop_new(const struct swale_loop_config *config, swale_loop **out);

/*
 * Ends the loop: every consumer still on it gets its disconnect (code 1001), what waits in the inbox is
 * counted as dropped, timers vanish. The thread of the loop, outside of callbacks; from inside one it is
 * SWALE_ESTATE and nothing happens. Waits for wake calls of other threads that are under way.
 * Connections (swale_ws, ...) of this loop must have been freed before, or SWALE_ESTATE (what had been put off is done
 * all the same). None can be opened any more: from inside a disconnect that is SWALE_ESTATE. NULL is fine.
 */
SWALE_API int swale_loop_free(swale_loop *loop);

/*
 * Does everything that is due: delivers what is in the inbox (at most inbox_batch entries), runs timers,
 * resumes consumers, reports output. Returns 0, or SWALE_ESTATE from inside a callback. The loop's thread
 * only. This, the feed calls of connections, swale_loop_free, and on a layer's home loop swale_layer_attach,
 * _ready and _detach, are the only places that call user code.
 */
SWALE_API int swale_loop_run(swale_loop *loop);

/* Milliseconds until swale_loop_run has work: 0 now, -1 never by itself. The loop's thread only. */
SWALE_API int swale_loop_timeout_ms(swale_loop *loop);

/* The loop's idea of now (its env's clock, read once per outermost call). The loop's thread only. */
SWALE_API uint64_t swale_loop_now_ms(const swale_loop *loop);

/* Consumers alive on this loop. The loop's thread only. */
SWALE_API size_t swale_loop_consumers(const swale_loop *loop);

/*
 * Asks every consumer on the loop to close with this code and reason, as swale_close does; who is undecided is
 * rejected with 503. Go on running the loop until swale_loop_consumers is 0, or until patience ends.
 * Errors: SWALE_EINVAL, SWALE_EUTF8 for a code or reason that cannot be sent. The loop's thread only.
 */
SWALE_API int swale_loop_close_all(swale_loop *loop, uint16_t code, const char *reason);

/* ---- draining ---------------------------------------------------------------------------- */

/* How a drain went. */
struct swale_drain_report {
  size_t size;
  size_t consumers; /* alive when it began */
  size_t
      refused; /* of these undecided, so rejected; and requests that were coming in or came later. All with 503 */
  size_t closed; /* of the consumers those that ended before the deadline */
  size_t cut;    /* those that did not, and were ended then */
  uint64_t took_ms;
};

struct swale_drain_config {
  size_t size;        /* set by swale_drain_config_default */
  uint16_t code;      /* to close with, as for swale_close; 1012 says: come back. Default 1001 */
  const char *reason; /* UTF-8, at most 123 bytes; copied. NULL (default): none */
  uint32_t
      period_ms; /* the closes are spread over this time, so that not all come back at once; 0: at once. Default 10,000 */
  uint32_t
      batch; /* how many are closed at a time; more if a batch each millisecond is not enough. Default 64 */
  uint32_t deadline_ms; /* from the beginning; not less than period_ms, at least 1. Default 20,000 */

  /* Nobody is left. Once, in swale_loop_run (or swale_loop_free); the report is valid during the call. */
  void (*on_done)(const struct swale_drain_report *report, void *user);
  void *user;
};

#define swale_drain_config_default(config) swale_drain_config_init((config), sizeof *(config))
SWALE_API void swale_drain_config_init(struct swale_drain_config *config, size_t size);

/*
 * Ends everything on the loop in order, as before a restart: stop listening, call this, go on running the
 * loop, and free it when on_done was called. From now on nobody is let in: requests that are coming in are
 * answered with 503, and so is who is undecided. The others are closed in batches. Whoever is still there at
 * the deadline is cut off, and the app is told (SWALE_REPORT_TRANSPORT). There is no way back. `config` may
 * be NULL. Errors: SWALE_EINVAL, SWALE_EUTF8, SWALE_ENOMEM, SWALE_ESTATE (it is draining, or being freed).
 * The loop's thread only, legal inside callbacks.
 */
SWALE_API int swale_loop_drain(swale_loop *loop, const struct swale_drain_config *config);

/* 1 once swale_loop_drain was called, else 0: what a health check should know. The loop's thread only. */
SWALE_API int swale_loop_draining(const swale_loop *loop);

/* The `user` of the loop's config: how a callback finds the host's own thread or server. */
SWALE_API void *swale_loop_user(const swale_loop *loop);

/* The environment the loop was made with. Valid as long as the loop. */
SWALE_API const struct swale_env *swale_loop_env(const swale_loop *loop);

/*
 * Timers. The struct is the caller's, embedded where it is needed; its contents are the
 * loop's. Zero it and set `fire` before its first use. Firing, stopping and starting are O(1). The
 * loop's thread only; legal inside callbacks, `fire` included. Stop it before its memory goes.
 */
struct swale_timer {
  struct swale_timer *next, **link;
  uint64_t deadline;
  void (*fire)(struct swale_timer *timer);
};

/* (Re)arms the timer to fire once, `delay_ms` from now; never early. */
SWALE_API void swale_timer_start(swale_loop *loop, struct swale_timer *timer, uint64_t delay_ms);
SWALE_API void swale_timer_stop(swale_loop *loop, struct swale_timer *timer);
/* 1 while armed, else 0. */
SWALE_API int swale_timer_armed(const struct swale_timer *timer);

#ifdef __cplusplus
}
#endif

#endif

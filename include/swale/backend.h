/* SPDX-License-Identifier: MIT */
/*
 * For authors of backends (libswale-redis, your own): how a channel layer reaches beyond its process. Programs
 * that only use layers do not need this header.
 *
 * A layer with a backend does everything within the process by itself: consumers, the groups they are in, the
 * books. The backend is told of what concerns others too, and hands in what comes from them.
 *
 * Threads. Calls on a layer come from any thread; a backend has none of its own. So the functions of its class
 * that belong to such calls only write down what is to be done: they are called under the layer's lock, must not
 * block and must not call swale. Everything else (`ready`, `run`, timers) happens on the thread of one loop,
 * the layer's home, with no lock held; there the backend talks to its server and calls the functions below.
 */
#ifndef SWALE_BACKEND_H
#define SWALE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/env.h>
#include <swale/layer.h>
#include <swale/loop.h>
#include <swale/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Somebody waits to be told what becomes of a call. */
struct swale_pending;

/* What a backend is opened with. Pointers are valid during the call, but for `layer`. */
struct swale_backend_setup {
  swale_layer *layer;  /* the one being opened: to be kept, not to be called yet */
  const char *url;     /* its scheme is one of the class's; NULL with options */
  const void *options; /* as swale_layer_open_with got them; NULL with a URL */
  const char *process; /* 32 hex digits: what channel names of this process have before their "!" */
  struct swale_env env;

  struct swale_layer_config
      *config;      /* the layer's; the backend puts in what the URL says, and it is checked then */
  bool has_members; /* for the backend to set: channels of others are members of its groups, by group_add */
  const char *
      local; /* for the backend to set: a glob of channel names that never leave the process. Lives as long as the backend */
};

/*
 * A kind of backend. The functions marked (locked) are those called under the layer's lock, from any thread.
 */
struct swale_backend_class {
  const char *const *schemes; /* of the URLs it opens: {"redis", "redis+unix", NULL} */

  /* A backend that is not attached yet. After an error there is a sentence in `why`, and nothing to free. */
  int (*open)(struct swale_backend_setup *setup, void **backend, char *why, size_t why_size);
  void (*free)(void *backend); /* detaches first */

  /* From now on the backend lives on this loop: connect, arm timers. An error: it is not attached. */
  int (*attach)(void *backend, swale_loop *home, const struct swale_sockets *sockets);
  void (*detach)(void *backend);
  /* A descriptor is ready. Inside swale_loop_enter and _leave. */
  void (*ready)(void *backend, int fd, unsigned events);
  /* Something has been written down since the last time. Inside swale_loop_enter and _leave. */
  void (*run)(void *backend);

  /*
   * (locked) A message for a channel that is not this process's, or for the members of a group in other processes.
   * 0, or SWALE_EFULL, SWALE_ENOMEM; a group's message that is not taken is the backend's to count. After 0
   * `pending`, which may be NULL, is the backend's: it gives it to swale_backend_complete.
   */
  int (*send)(void *backend, const char *channel, swale_message *m, struct swale_pending *pending);
  int (*group_send)(void *backend, const char *group, swale_message *m, struct swale_pending *pending);

  /*
   * (locked) The group has got its first member in this process, or lost its last one. What the first
   * answers in *ticket is given to swale_backend_settled when others' messages do arrive; 0: they do already. Tickets
   * count up. SWALE_EFULL, SWALE_ENOMEM: nobody joins.
   */
  int (*group_open)(void *backend, const char *group, uint64_t *ticket);
  void (*group_close)(void *backend, const char *group);

  /* (locked) A channel that is not this process's joins or leaves, where has_members was set. */
  int (*group_add)(void *backend, const char *group, const char *channel, struct swale_pending *pending);
  int (*group_discard)(void *backend, const char *group, const char *channel);

  /*
   * (locked) Workers listen to a channel here, or none does any more. A name that ends with "!" stands for all names
   * of this process that begin so, of swale_new_channel's making; those beginning with "specific." are not told.
   * SWALE_EFULL, SWALE_ENOMEM: nobody listens.
   */
  int (*listen)(void *backend, const char *channel);
  void (*unlisten)(void *backend, const char *channel);
  /*
   * (locked) One message of a channel is wanted, there being none in the process; or, with `wanted` false, none any more.
   * As long as swale_backend_deliver answers 1 another one is. SWALE_EFULL, SWALE_ENOMEM, or SWALE_EUNSUPPORTED
   * for names that only another process can receive from.
   */
  int (*receive)(void *backend, const char *channel, bool wanted);

  /* (locked) swale_flush. */
  void (*flush)(void *backend);

  void *reserved[4]; /* zero */
};

/* As swale_layer_open, with the backend and its own options in place of a URL. Any thread. */
SWALE_API int swale_layer_open_with(const struct swale_backend_class *backend, const void *options,
                                    const struct swale_layer_config *config, swale_layer **out, char *why,
                                    size_t why_size);

/* The layer's backend if it is of this class, else NULL. Any thread. */
SWALE_API void *swale_backend_of(const swale_layer *layer, const struct swale_backend_class *backend);

/* The capacity of the channel of this name. Any thread. */
SWALE_API uint32_t swale_backend_capacity(const swale_layer *layer, const char *channel);

/* Tells what became of a call; see swale_send_then. NULL is fine. Any thread, without the layer's lock. */
SWALE_API void swale_backend_complete(struct swale_pending *pending, int result);

/* ---- what came from outside: the home loop's thread, without locks ------------------------------------------ */

/*
 * A frozen message for a channel: to its consumer, or into the plain channel of this name in this process.
 * One that cannot be taken is counted as dropped, here and in the next. 0, 1 when receivers wait for more of
 * the channel, or why: SWALE_EFULL, SWALE_ENOMEM, SWALE_ECLOSED when its consumer has ended.
 */
SWALE_API int swale_backend_deliver(swale_layer *layer, const char *channel, swale_message *m);

/* A frozen message for all members of a group in this process, as swale_group_send does it. Answers their number. */
SWALE_API int swale_backend_deliver_group(swale_layer *layer, const char *group, swale_message *m);

/*
 * Is there room for more from outside: is no inbox of the layer's loops more than half full? Otherwise a
 * backend should fetch no more for the time being, as what does not fit is dropped; `run` is called when
 * there is room again.
 */
SWALE_API bool swale_backend_has_room(swale_layer *layer);

/* Is this channel a member of the group in this process? */
SWALE_API bool swale_backend_is_member(swale_layer *layer, const char *group, const char *channel);

/*
 * All groups with tickets up to this one are joined, or will not be for the time being: consumers that wait
 * for it connect.
 */
SWALE_API void swale_backend_settled(swale_layer *layer, uint64_t ticket);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* A layer, a loop and an app, with consumers that have no peer: what they are sent is thrown away. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <stddef.h>

#include <swale/swale.h>
#include <swale/transport.h>

struct world {
  const struct swale_env *env; /* NULL: the C library */
  swale_layer *layer;
  swale_loop *loop;
  swale_app *app;
  size_t accepted; /* consumers, so far; a transport to all of them */
};

/* Ends the program when something fails, as everything here. `keep` as in struct swale_app_config. */
void world_open(struct world *w, const struct swale_env *env, unsigned keep);
void world_close(struct world *w);

/* The same with a layer of the caller's, which is the world's from then on, and a loop that wakes. */
void world_open_on(struct world *w, swale_layer *layer, const struct swale_env *env, unsigned keep,
                   void (*wake)(void *user), void *user);

/* One more loop for the same layer and app, with this inbox_batch; 0: the default. */
swale_loop *world_loop(const struct world *w, void (*wake)(void *user), void *user, uint32_t batch);

/* Opens `count` consumers of the app's default class on this loop. `out` may be NULL. */
void world_populate(struct world *w, swale_loop *loop, size_t count, swale_consumer **out);

/* A message of this type with a text of `size` bytes. */
swale_message *world_message(const struct world *w, const char *type, size_t size);

/* For swale_send_rendered: the text of such a message. */
int world_render(const swale_message *m, swale_buffer *out, void *arg);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A crowd: consumers of the simplest kind on a few loops of one layer, which write down the messages they
 * are told. It uses the public API alone. Everything is checked by cmocka's asserts.
 */
#ifndef SWALE_TESTS_CROWD_H
#define SWALE_TESTS_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>

#include <swale/app.h>
#include <swale/consumer.h>
#include <swale/layer.h>
#include <swale/loop.h>
#include <swale/message.h>
#include <swale/transport.h>

#include "unit.h"

enum { CROWD_LOOPS = 2, CROWD_LOG = 256 };

struct crowd_loop {
  swale_loop *loop;
  atomic_int wakes; /* since it last ran */
};

struct crowd {
  struct swale_env env;
  swale_layer *layer; /* the caller's */
  swale_app *app;
  struct crowd_loop at[CROWD_LOOPS];
  struct crowd_member *seat; /* for the next worker that connects */
  int unhandled, callbacks;  /* reports of these kinds */
  size_t inbox_bytes;
  uint32_t batch;
};

struct crowd_member {
  struct crowd *crowd;
  swale_consumer *consumer; /* NULL when there is none any more */
  int loop;
  char channel[SWALE_NAME_SIZE];
  int64_t got[CROWD_LOG]; /* the field "n" of each message, in order */
  int n_got;
  int disconnects, code;
  int answer; /* of its handler */
  bool closing;
  void (*act)(struct crowd_member *m, swale_message *message); /* in its handler */
  void *arg;
};

/* Accept at once; they differ in what they do when they cannot keep up. */
extern const struct swale_consumer_class crowd_newest, crowd_oldest, crowd_closes;
/* Leaves the decision open. */
extern const struct swale_consumer_class crowd_undecided;
/* In the group "class". */
extern const struct swale_consumer_class crowd_in_group;
/* For swale_app_channel: takes the seat. */
extern const struct swale_consumer_class crowd_worker;

/* A crowd of nobody. The layer stays the caller's. */
void crowd_open(struct crowd *crowd, swale_layer *layer, const struct swale_env *env);
/* The same where memory may be short: an error, and nothing is left. `batch` 0: the default. */
int crowd_try_open(struct crowd *crowd, swale_layer *layer, const struct swale_env *env, size_t inbox_bytes,
                   uint32_t batch);
void crowd_close(struct crowd *crowd);

/* Another app on the loops of `other`; ends before it. */
void crowd_open_beside(struct crowd *crowd, const struct crowd *other);
void crowd_close_beside(struct crowd *crowd);

/* A layer of its own and a crowd on it, in an environment under control. */
struct crowd_world {
  struct unit_env u;
  swale_layer *layer;
  struct crowd crowd;
};

/* `config` may be NULL; its env is set. */
void crowd_world_open(struct crowd_world *w, struct swale_layer_config *config);
/* The books balance and nothing is left. */
void crowd_world_close(struct crowd_world *w);

/* Opens a consumer; its answer. `m` is zeroed but for `act` and `arg`. */
int crowd_try_enter(struct crowd *crowd, struct crowd_member *m, int loop,
                    const struct swale_consumer_class *cls);
void crowd_enter(struct crowd *crowd, struct crowd_member *m, int loop);
void crowd_enter_as(struct crowd *crowd, struct crowd_member *m, int loop,
                    const struct swale_consumer_class *cls);

/* The peer of this member goes, gets slow, can take more. */
void crowd_lose(struct crowd_member *m);
void crowd_pause(struct crowd_member *m);
void crowd_resume(struct crowd_member *m);

/* One run of a loop; runs of all loops until none has work. */
void crowd_run_loop(struct crowd *crowd, int loop);
void crowd_run(struct crowd *crowd);
/* Frees a loop before its time; makes a new one in its place. */
void crowd_end_loop(struct crowd *crowd, int loop);
int crowd_try_renew_loop(struct crowd *crowd, int loop);

/* Messages of the type "note" with a number. */
swale_message *crowd_note(int64_t n);
int crowd_send(swale_layer *layer, const char *channel, int64_t n);
int crowd_group_send(swale_layer *layer, const char *group, int64_t n);
/* The number of the next message that waits in a plain channel, or an error. */
int64_t crowd_receive(swale_layer *layer, const char *channel);

/* What was told since the last time is exactly this. */
#define crowd_assert_got(m, ...)                                                                             \
  crowd_check_got((m), (const int64_t[]){__VA_ARGS__},                                                       \
                  sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), __FILE__, __LINE__)
#define crowd_assert_got_nothing(m) crowd_check_got((m), NULL, 0, __FILE__, __LINE__)
void crowd_check_got(struct crowd_member *m, const int64_t *expected, size_t n, const char *file, int line);

/* The statistics of the layer, which must balance. */
#define crowd_stats(layer) crowd_balanced_stats((layer), __FILE__, __LINE__)
struct swale_layer_stats crowd_balanced_stats(swale_layer *layer, const char *file, int line);
uint64_t crowd_dropped(swale_layer *layer, enum swale_drop_reason reason);

/* The members of a group, told by swale_group_next: how often this one is met, and how many there are. */
int crowd_group_lists(swale_layer *layer, const char *group, const char *channel, int *all);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_CHANNEL_H
#define SWALE_CORE_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <swale/layer.h>

struct swale_consumer;
struct swale__lane;
struct swale__plain;

/*
 * Channels. A consumer's channel is part of the consumer and has no stored name: "specific.<process>!<32
 * hex>" is computed from its place in the layer's table when somebody asks, and leads straight back there
 * when somebody sends, so a hundred thousand idle connections carry neither names nor a hash table of them.
 * Every other channel (a worker's, a swale_new_channel) is a "plain" one, stored by name (plain.h) while
 * something waits in it or holds on to it.
 *
 * All of this is under the layer's lock.
 */
struct swale__membership {
  struct swale__lane *lane; /* of the group, see group.h */
  uint32_t index;           /* of the channel's place there */
};

struct swale__channel {
  /* The groups it is in: one is the usual number and needs no array. */
  union {
    struct swale__membership one;
    struct swale__membership *many;
  } groups;
  uint32_t n_groups;
  uint32_t room : 31; /* 0: `one` */
  uint32_t plain : 1; /* part of a struct swale__plain, not of a consumer */
};

/* The layer's table of consumers. A row is a consumer's address or, odd, twice the next free row plus 1. */
struct swale__slots {
  uintptr_t *at;
  uint32_t count, room, free; /* free: the first free row, or NO_SLOT */
};

/* What a consumer's name is made of. */
struct swale__id {
  uint64_t salt; /* random: what nobody can guess, and what tells a row's consumers apart */
  uint32_t slot;
};

void swale__slots_init(struct swale__slots *slots);

/* A row for the consumer: its number is put into *slot. SWALE_ENOMEM, SWALE_EFULL. */
int swale__slot_take(swale_layer *layer, struct swale_consumer *consumer, uint32_t *slot);
void swale__slot_leave(swale_layer *layer, uint32_t slot);
/* Who has the i-th row; NULL if it is free. */
struct swale_consumer *swale__slot_at(const swale_layer *layer, uint32_t i);

/* The name of a consumer's channel. */
void swale__id_name(const swale_layer *layer, struct swale__id id, char name[SWALE_NAME_SIZE]);

/* A fresh name that belongs to no consumer. SWALE_ENAME (prefix), SWALE_ERANDOM. */
int swale__id_fresh(const swale_layer *layer, const char *prefix, char name[SWALE_NAME_SIZE]);

/*
 * Whose channel has this valid name: 0 and *out the consumer; 0 and *out NULL, a plain channel;
 * SWALE_ECLOSED, that of a consumer that has ended.
 */
int swale__channel_resolve(swale_layer *layer, const char *name, struct swale_consumer **out);

/* Does this name carry the mark of this process, whether or not it is a consumer's? */
bool swale__channel_is_own(const swale_layer *layer, const char *name);

/* The groups of a channel, `n_groups` of them; valid until another is reserved. */
static inline struct swale__membership *swale__channel_groups(const struct swale__channel *ch) {
  return ch->room ? ch->groups.many : (struct swale__membership *)(uintptr_t)&ch->groups.one;
}

/* Makes room for one more. SWALE_ENOMEM. */
int swale__channel_reserve_group(struct swale__channel *ch, const struct swale_allocator *a);
/* Frees the list; the channel is in no group any more. */
void swale__channel_free_groups(struct swale__channel *ch, const struct swale_allocator *a);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_CORE_H
#define SWALE_REDIS_CORE_H

#include "redis/client.h"

/*
 * Core mode: a sorted set for the queue of each process, one for each plain channel, one for the members of each
 * group.
 *
 * In a group this process has one name for all its members, "specific.<process>!.<hash of the group>", so that its
 * set grows with processes, not with connections, and so does what travels. To others it looks like any channel.
 *
 * A message to a group takes two steps, who is in it and then a payload for each process. What is sent meanwhile, to
 * whatever channel, waits in `plans` behind it, so that everybody sees this process's messages in order.
 */

/* ---- core_send.c ---- */

void swale__redis_core_send(struct swale__redis_shard *s, struct swale__redis_request *r);
size_t swale__redis_core_shard_of(struct swale__redis_client *c, const struct swale__redis_request *r);

/* ---- core_mark.c ---- */

/* Asks whether Redis has been flushed since the last time, the first of which follows on a connection's coming up. */
void swale__redis_core_look(struct swale__redis_shard *s);

/* ---- core_member.c ---- */

void swale__redis_core_join(struct swale__redis_shard *s, struct swale__redis_topic *topic);
void swale__redis_core_leave(struct swale__redis_shard *s, struct swale__redis_topic *topic);
void swale__redis_core_renew(struct swale__redis_shard *s, struct swale__redis_topic *topic);
/* Puts a channel of others into a group's set, or takes it out. */
void swale__redis_core_change(struct swale__redis_shard *s, struct swale__redis_request *r);
/* Takes one name out of a group's set. */
void swale__redis_core_remove(struct swale__redis_shard *s, const char *group, const char *channel);
/* Nothing is fetched until it has been answered: what would come is void. Unless it is, it is due again. */
void swale__redis_core_flush(struct swale__redis_shard *s);

#endif

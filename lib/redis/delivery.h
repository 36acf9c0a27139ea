/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_DELIVERY_H
#define SWALE_REDIS_DELIVERY_H

#include <stdbool.h>

/*
 * From a payload to those of this process that it is meant for. Whom that is says the place where it was found, a topic
 * or a plain channel's queue, or else the payload itself: one name, or a list of a group's members. Among the names of a
 * list that are ours one is no channel but stands for the group ("a token"), so that a message to a thousand members
 * carries one name for them all. What is for nobody here is counted as a stray. The home loop's thread.
 */
struct swale__redis_client;
struct swale__redis_reply;
struct swale__redis_topic;

/*
 * A payload came for these: decoded once. `channel`: for this one whatever it names; else NULL. Answers what
 * swale_backend_deliver does.
 */
int swale__redis_take_payload(struct swale__redis_client *c, const struct swale__redis_reply *payload,
                              struct swale__redis_topic *topic, const char *channel);

/* Does the name carry the mark of this process? */
bool swale__redis_is_own(const struct swale__redis_client *c, const char *name);
/* The group that this name of ours stands for in Redis, or NULL. */
struct swale__redis_topic *swale__redis_topic_of_token(const struct swale__redis_client *c, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_GREETING_H
#define SWALE_REDIS_GREETING_H

struct swale__redis_link;

/*
 * What is said first on a new connection. To a server: AUTH, SELECT, that it be a master where sentinels sent us, then
 * what its kind wants, and a PING that nobody answers who is still loading. To a sentinel: where the master is. All of it
 * goes out at once; an error in any answer gives the connection up. SWALE_ENOMEM.
 */
int swale__redis_greet(struct swale__redis_link *link);

/* The greeting is over: the link is up. (link.c) */
void swale__redis_link_greeted(struct swale__redis_link *link);

/* For commands of a kind's own greeting: an error gives the connection up. */
struct swale__redis_reply;
void swale__redis_must_work(struct swale__redis_link *link, const struct swale__redis_reply *reply,
                            void *data);

#endif

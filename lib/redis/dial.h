/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_DIAL_H
#define SWALE_REDIS_DIAL_H

/*
 * How an attempt of a link begins: whom to connect to, and the connecting. A place that has addresses is tried at each
 * in turn. Where the host resolves names, all addresses of its last answer are tried before it is asked again. Sentinels
 * are tried like servers, and the master that one of them announces is dialled afterwards, once in each attempt: the next
 * one asks the next sentinel first, who may know better.
 *
 * Each of these leaves the link RESOLVING or CONNECTING, with its timer running for connect_timeout_ms; or with the
 * reason in `broken`, for the link to settle when it may.
 */
struct swale__redis_link;
struct swale__redis_reply;

/* A new attempt. */
void swale__redis_dial(struct swale__redis_link *link);

/* The host has answered, and the answer stands in the link's lookup: to its next address. */
void swale__redis_dial_found(struct swale__redis_link *link);

/* Where the sentinel says that the master is: noted, or why that is of no use. */
const char *swale__redis_dial_announced(struct swale__redis_link *link, const struct swale__redis_reply *host,
                                        const struct swale__redis_reply *port);

/* To the master that was announced. */
void swale__redis_dial_master(struct swale__redis_link *link);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_DELIVER_H
#define SWALE_CORE_DELIVER_H

#include "core/consumer.h"
#include "core/inbox.h"

/*
 * Works through one entry of the inbox: calls handlers, queues, drops; gives the entry's references back.
 * With the last one that waits it may run jobs in between.
 */
void swale__deliver_entry(struct swale__entry *entry, bool is_last);

/* Hands the consumer what waits in its queue, as long as it takes it. */
void swale__deliver_waiting(swale_consumer *c);

#endif

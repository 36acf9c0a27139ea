/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_DRAIN_H
#define SWALE_CORE_DRAIN_H

#include <stdbool.h>

#include <swale/consumer.h>
#include <swale/loop.h>

/* Whether a new request has to be refused, which is counted. */
bool swale__drain_refuses(swale_loop *loop);

/* The consumer has left the loop's list, where it stood before c->next. */
void swale__drain_follow(swale_loop *loop, const swale_consumer *c);

void swale__drain_free(swale_loop *loop);

#endif

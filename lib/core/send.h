/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_SEND_H
#define SWALE_CORE_SEND_H

#include <stdint.h>

#include <swale/layer.h>

struct swale_consumer;
struct swale__wakes;

/*
 * A frozen message to a channel of this process, or to the members that a group has here. Under the layer's
 * lock. As swale_send, or as swale_group_send.
 */
int swale__send_here(swale_layer *layer, const char *channel, swale_message *m, struct swale__wakes *wakes);
int64_t swale__group_send_here(swale_layer *layer, const char *group, swale_message *m,
                               struct swale__wakes *wakes);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_RATE_H
#define SWALE_WS_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include <swale/ws.h>

/*
 * How much the peer may send in a second: of messages, bytes and control frames a token bucket each. There is
 * no clock of their own: what is fed is what is counted, so the buckets are filled up when something is heard
 * (swale__ws_hear), for the time since it was last.
 */

/* The peer is alive now. */
void swale__ws_hear(swale_ws *ws);

/* Takes from a bucket; false when there is not enough in it. */
bool swale__ws_spend_bytes(swale_ws *ws, uint64_t n);
bool swale__ws_spend_message(swale_ws *ws);
bool swale__ws_spend_control(swale_ws *ws);

#endif

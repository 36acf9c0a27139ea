/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_RATE_H
#define SWALE_WS_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include <swale/ws.h>

/*
 * How much the peer may send in a second. Messages and bytes come out of one bucket, each frame taking its
 * share of the one or the other, whichever is more; control frames are counted. There is no clock besides
 * ws->since_ms: nothing can be taken between two moments at which it is set, so the bucket is filled up then.
 */

/* Sets ws->since_ms, of an open connection. */
void swale__ws_note_time(swale_ws *ws);

/* Takes a frame's share: false when there is not enough left, or no control frame may come. */
bool swale__ws_spend_frame(swale_ws *ws, uint64_t size, bool begins_message);
bool swale__ws_spend_control(swale_ws *ws);

#endif

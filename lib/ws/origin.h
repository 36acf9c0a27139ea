/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_ORIGIN_H
#define SWALE_WS_ORIGIN_H

#include <stdbool.h>

#include <swale/ws.h>

/* Whether a Host header has the form host or host:port. */
bool swale__ws_host_valid(const char *host);

/*
 * Whether a page of this origin (NULL: no Origin header) comes from the very server that the Host header
 * names: scheme, host and port are equal. `scheme` is the connection's, "ws" or "wss".
 */
bool swale__ws_origin_is_same(const char *origin, const char *host, const char *scheme);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef HOST_H
#define HOST_H

#include <stdint.h>

#include <swale/app.h>

/* Serves the app's WebSockets on this port of the loopback address, on io_uring. Returns only when that cannot be done. */
int host_serve(swale_app *app, uint16_t port);

#endif

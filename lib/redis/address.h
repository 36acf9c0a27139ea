/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_ADDRESS_H
#define SWALE_REDIS_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

/* Where to connect to. */
struct swale__redis_address {
  socklen_t len;
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
  } to;
};

/* A name may stand for several addresses; more than this are not tried. */
#define SWALE__REDIS_ADDRESSES_MAX 4

/*
 * The addresses of a host, at least one; answers their number. Asks the system's resolver, and waits for it, unless
 * `host` is numeric. 0: there is no such host.
 */
size_t swale__redis_resolve(const char *host, uint16_t port,
                            struct swale__redis_address out[SWALE__REDIS_ADDRESSES_MAX]);

/* Likewise, but numeric addresses only, and it never waits. */
size_t swale__redis_resolve_numeric(const char *host, const char *port,
                                    struct swale__redis_address out[SWALE__REDIS_ADDRESSES_MAX]);

/* A Unix socket's path, which fits. */
void swale__redis_address_path(const char *path, struct swale__redis_address *out);

/* A socket that is connecting there, without waiting, or -1. */
int swale__redis_connect(const struct swale__redis_address *address);

#endif

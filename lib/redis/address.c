/* SPDX-License-Identifier: MIT */
#include "redis/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t look_up(const char *host, const char *port, int flags,
                      struct swale__redis_address out[SWALE__REDIS_ADDRESSES_MAX]) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
  struct addrinfo *found;
  size_t n = 0;
  if (getaddrinfo(host, port, &hints, &found) != 0)
    return 0;
  for (const struct addrinfo *a = found; a && n < SWALE__REDIS_ADDRESSES_MAX; a = a->ai_next)
    if (a->ai_addrlen <= sizeof out[n].to) {
      out[n].len = a->ai_addrlen;
      memcpy(&out[n++].to, a->ai_addr, a->ai_addrlen);
    }
  freeaddrinfo(found);
  return n;
}

size_t swale__redis_resolve(const char *host, uint16_t port,
                            struct swale__redis_address out[SWALE__REDIS_ADDRESSES_MAX]) {
  char text[6];
  snprintf(text, sizeof text, "%u", (unsigned)port);
  return look_up(host, text, 0, out);
}

size_t swale__redis_resolve_numeric(const char *host, const char *port,
                                    struct swale__redis_address out[SWALE__REDIS_ADDRESSES_MAX]) {
  return look_up(host, port, AI_NUMERICHOST, out);
}

void swale__redis_address_path(const char *path, struct swale__redis_address *out) {
  memset(out, 0, sizeof *out);
  out->len = sizeof out->to.path;
  out->to.path.sun_family = AF_UNIX;
  strncpy(out->to.path.sun_path, path, sizeof out->to.path.sun_path - 1);
}

int swale__redis_connect(const struct swale__redis_address *address) {
  int fd = socket(address->to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  if (address->to.any.sa_family != AF_UNIX)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (connect(fd, &address->to.any, address->len) == 0 || errno == EINPROGRESS)
    return fd;
  close(fd);
  return -1;
}

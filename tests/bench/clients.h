/* SPDX-License-Identifier: MIT */
/* Many WebSocket clients over loopback: connecting them. */
#ifndef BENCH_CLIENTS_H
#define BENCH_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest header of a frame, and what every message begins with: its number and the time it was published. */
enum { CLIENT_HEADER_MAX = 10, CLIENT_STAMP = 24 };

struct client {
  int fd;
  bool open, started; /* the answer 101 has ended, has begun */
  uint8_t matched;    /* bytes of the blank line that ends the answer */
  uint8_t have;       /* bytes in `head` */
  bool counts;        /* the frame under way is a message */
  uint32_t next;      /* number of the message expected next */
  uint64_t left;      /* bytes of the frame under way still to come */
  unsigned char head[CLIENT_HEADER_MAX + CLIENT_STAMP];
};

struct clients {
  int epoll;
  uint16_t port;
  const char *path;
  struct client *at;
  size_t count;
};

void clients_init(struct clients *c, uint16_t port, const char *path, size_t count);

/* Opens all of them, at most `window` handshakes at a time. Ends the program when one fails. */
void clients_connect(struct clients *c, size_t window);

/* Closes all of them at once, with a reset, so that no port is left waiting. */
void clients_close(struct clients *c);
void clients_free(struct clients *c);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SIMULATION_WIRE_H
#define SIMULATION_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * HTTP and WebSocket frames as a peer sees them. Written from RFC 6455 alone, sharing nothing with libswale-ws, so that
 * a misunderstanding there does not repeat itself here. Out of memory ends the program.
 */

/* ---- bytes and notes of messages ------------------------------------------------------------- */

struct bytes {
  unsigned char *at;
  size_t len, room;
};

void bytes_add(struct bytes *b, const void *more, size_t n);
void bytes_drop_front(struct bytes *b, size_t n);
void bytes_free(struct bytes *b);

/* A message that one side has said and the other has to get. */
struct note {
  uint64_t hash;
  uint64_t end; /* of its last byte in the stream */
  size_t len;
  unsigned kind; /* enum swale_kind, or an opcode */
};

/* First in, first out. */
struct notes {
  struct note *items;
  size_t first, count, room;
};

void notes_add(struct notes *n, unsigned kind, const void *bytes, size_t len, uint64_t end);
/* Whether the oldest note is of these bytes; it is then dropped. */
bool notes_match(struct notes *n, unsigned kind, const void *bytes, size_t len);
const struct note *notes_first(const struct notes *n);
void notes_drop(struct notes *n);
void notes_free(struct notes *n);

/* ---- what a peer writes ------------------------------------------------------------------------ */

enum { WIRE_CONTINUATION = 0, WIRE_TEXT = 1, WIRE_BINARY = 2, WIRE_CLOSE = 8, WIRE_PING = 9, WIRE_PONG = 10 };
enum { WIRE_FIN = 0x80, WIRE_RSV1 = 0x40 };

/* A frame. `mask` 0: not masked, which a server must refuse. */
void wire_frame(struct bytes *out, unsigned first_byte, const void *payload, size_t len, uint32_t mask);

/* ---- what a peer reads ------------------------------------------------------------------------- */

struct wire_reader {
  struct bytes pending;
  bool upgraded; /* the head was a 101: frames follow */
  bool refused;  /* another head: nothing follows */
  bool closed;   /* a close frame has come */
  bool inflates; /* messages may be compressed */
  const char *wrong;
};

enum wire_event_kind { WIRE_NOTHING, WIRE_HEAD, WIRE_FRAME, WIRE_WRONG };

struct wire_event {
  int status;       /* of WIRE_HEAD */
  const char *head; /* ended by NUL, until the next call */
  unsigned opcode;  /* of WIRE_FRAME */
  bool compressed;  /* so it is not known yet whether text is UTF-8 */
  const unsigned char *payload;
  size_t len;
};

/* The next thing the server has said; WIRE_WRONG and `wrong` when it must not have. */
enum wire_event_kind wire_next(struct wire_reader *r, struct wire_event *event);
/* To be called once done with the event. */
void wire_took(struct wire_reader *r, const struct wire_event *event);

bool wire_is_utf8(const unsigned char *s, size_t len);

#endif

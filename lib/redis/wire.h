/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_WIRE_H
#define SWALE_REDIS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <swale/message.h>

#include "redis/bytes.h"
#include "redis/settings.h"

/* Whom a payload names in "__asgi_channel__". */
enum swale__redis_naming {
  SWALE__REDIS_NOBODY, /* pubsub; core: a plain channel's own message */
  SWALE__REDIS_ONE,    /* core: to a process-specific channel, as text */
  SWALE__REDIS_LIST    /* core: to members of a group, as a list */
};

struct swale__redis_to {
  enum swale__redis_naming naming;
  const char *const *names; /* legal ones: one, or `count` */
  size_t count;
};

/*
 * Appends to `out` what `m`, a frozen message, is in Redis: [random bytes, in core mode][message, with the names],
 * the latter encrypted when there are keys. Any thread. Errors, and `out` is then as it was: SWALE_ENOMEM,
 * SWALE_ERANDOM, SWALE_ESIZE (over Redis' 512 MiB), SWALE_EDUPLICATE (the message has an "__asgi_channel__" of its own),
 * or what json_write answers.
 */
int swale__redis_encode(const struct swale__redis_settings *s, swale_message *m,
                        const struct swale__redis_to *to, struct swale__redis_bytes *out);

struct swale__redis_received {
  swale_message *message; /* frozen, without "__asgi_channel__" */
  struct swale_value
      to; /* SWALE_NIL, a SWALE_STR, or a SWALE_LIST, whose elements may be anything: a view into the
                              payload, `work` or `original` */
  swale_message *original; /* JSON: the message as it was; else NULL */
};

/*
 * Reads a payload. `work` is where it is decrypted, and the caller's; `ttl_s` is how old an encrypted one may be, 0:
 * any age. One thread at a time for each `work`. Errors, with nothing to clear: SWALE_ENOMEM, SWALE_ESIZE and
 * SWALE_EDEPTH over the limits, those of swale_message_parse and swale__fernet_decrypt, SWALE_ETYPE (an
 * "__asgi_channel__" of another type).
 */
int swale__redis_decode(const struct swale__redis_settings *s, const void *payload, size_t len,
                        uint64_t ttl_s, struct swale__redis_bytes *work, struct swale__redis_received *out);

/* Gives back the references. */
void swale__redis_received_clear(struct swale__redis_received *r);

#endif

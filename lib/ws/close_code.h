/* SPDX-License-Identifier: MIT */
#ifndef SWALE_WS_CLOSE_CODE_H
#define SWALE_WS_CLOSE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum swale__ws_close_code {
  SWALE__CLOSE_GOING_AWAY = 1001,
  SWALE__CLOSE_PROTOCOL = 1002,
  SWALE__CLOSE_NONE = 1005,
  SWALE__CLOSE_ABNORMAL = 1006,
  SWALE__CLOSE_NOT_UTF8 = 1007,
  SWALE__CLOSE_POLICY = 1008,
  SWALE__CLOSE_TOO_BIG = 1009,
  SWALE__CLOSE_INTERNAL = 1011
};

enum { SWALE__REASON_MAX = 123 };

/* Whether a close frame may carry this code (RFC 6455, 7.4, and what IANA has registered since). */
bool swale__ws_close_code_valid(unsigned code);

/* What is wrong with a code and reason that we are to send: 0, SWALE_EINVAL or SWALE_EUTF8. */
int swale__ws_close_check(unsigned code, const char *reason);

/*
 * Reads the payload of a close frame: *code is the peer's, SWALE__CLOSE_NONE if it gave none. Answers 0, or
 * the code to fail the connection with.
 */
int swale__ws_close_parse(const unsigned char *payload, size_t len, uint16_t *code);

#endif

/* SPDX-License-Identifier: MIT */
#include "ws/close_code.h"

#include <string.h>

#include <swale/error.h>
#include <swale/utf8.h>

bool swale__ws_close_code_valid(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

int swale__ws_close_check(unsigned code, const char *reason) {
  size_t len = reason ? strlen(reason) : 0;
  /* 1002 is ours to say, when the peer has broken the protocol. */
  if (!swale__ws_close_code_valid(code) || code == SWALE__CLOSE_PROTOCOL || len > SWALE__REASON_MAX)
    return SWALE_EINVAL;
  return swale_utf8_valid(reason, len) ? 0 : SWALE_EUTF8;
}

int swale__ws_close_parse(const unsigned char *payload, size_t len, uint16_t *code) {
  *code = SWALE__CLOSE_NONE;
  if (len == 0)
    return 0;
  if (len == 1)
    return SWALE__CLOSE_PROTOCOL;
  unsigned sent = (unsigned)payload[0] << 8 | payload[1];
  if (!swale__ws_close_code_valid(sent))
    return SWALE__CLOSE_PROTOCOL;
  *code = (uint16_t)sent;
  return swale_utf8_valid(payload + 2, len - 2) ? 0 : SWALE__CLOSE_NOT_UTF8;
}

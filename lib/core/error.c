/* SPDX-License-Identifier: MIT */
#include <swale/error.h>

const char *swale_strerror(int error) {
  switch (error) {
  case SWALE_OK:
    return "success";
  case SWALE_ENOMEM:
    return "out of memory";
  case SWALE_EINVAL:
    return "invalid argument";
  case SWALE_ENAME:
    return "not a valid channel or group name";
  case SWALE_EFULL:
    return "over capacity";
  case SWALE_EAGAIN:
    return "nothing there yet";
  case SWALE_ENOTFOUND:
    return "not found";
  case SWALE_EEXIST:
    return "exists already";
  case SWALE_ESTATE:
    return "not possible in this state";
  case SWALE_ECLOSED:
    return "closed";
  case SWALE_ETYPE:
    return "wrong type";
  case SWALE_EFORMAT:
    return "malformed";
  case SWALE_EUTF8:
    return "text is not UTF-8";
  case SWALE_EDEPTH:
    return "nested too deep";
  case SWALE_ESIZE:
    return "too large";
  case SWALE_EDUPLICATE:
    return "duplicate key";
  case SWALE_EPROTOCOL:
    return "protocol violation by the peer";
  case SWALE_EUNSUPPORTED:
    return "not supported";
  case SWALE_ERANDOM:
    return "no random bytes";
  default:
    return "unknown error";
  }
}

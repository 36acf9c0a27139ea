/* SPDX-License-Identifier: MIT */
#ifndef SWALE_ERROR_H
#define SWALE_ERROR_H

#include <swale/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a call of swale's may answer besides success. Every value but SWALE_OK is
 * negative. Unless a function says otherwise, an error means that nothing has changed.
 */
enum swale_error {
  SWALE_OK = 0,
  SWALE_ENOMEM = -1,        /* the allocator answered NULL */
  SWALE_EINVAL = -2,        /* an argument is outside its range */
  SWALE_ENAME = -3,         /* not a channel or group name: ASCII letters, digits, "-_.", length 1..99 */
  SWALE_EFULL = -4,         /* a bound is reached (capacity, inbox bytes, table size); try later */
  SWALE_EAGAIN = -5,        /* nothing there yet */
  SWALE_ENOTFOUND = -6,     /* no such key, channel, route, alias */
  SWALE_EEXIST = -7,        /* there is one already */
  SWALE_ESTATE = -8,        /* not at this point of the object's life */
  SWALE_ECLOSED = -9,       /* the connection, consumer or loop has ended */
  SWALE_ETYPE = -10,        /* a value of another type; a message without a type */
  SWALE_EFORMAT = -11,      /* malformed bytes, text, URL or pattern */
  SWALE_EUTF8 = -12,        /* text that is not UTF-8 */
  SWALE_EDEPTH = -13,       /* nested deeper than the limit */
  SWALE_ESIZE = -14,        /* larger than the limit */
  SWALE_EDUPLICATE = -15,   /* a map has this key twice */
  SWALE_EPROTOCOL = -16,    /* the peer broke its protocol */
  SWALE_EUNSUPPORTED = -17, /* this build, backend or transport cannot do it */
  SWALE_ERANDOM = -18       /* the random source failed */
};

/*
 * The meaning of an error in English: a constant string, never NULL, also for values
 * that are no error of swale's. Any thread.
 */
SWALE_API const char *swale_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif

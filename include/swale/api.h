/* SPDX-License-Identifier: MIT */
#ifndef SWALE_API_H
#define SWALE_API_H

/* Version of these headers. The soname changes with SWALE_ABI only. */
#define SWALE_VERSION "0.1.0"
#define SWALE_VERSION_NUMBER 0x000100
#define SWALE_ABI 0

/* Marks what the shared libraries export; everything else is hidden. */
#define SWALE_API __attribute__((visibility("default")))

/* Lets the compiler check printf-style arguments. */
#define SWALE_PRINTF(at, first) __attribute__((format(printf, at, first)))

#ifdef __cplusplus
extern "C" {
#endif

/* SWALE_VERSION of the library that is linked: a constant string. Any thread. */
SWALE_API const char *swale_version(void);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_SIPHASH_H
#define SWALE_CORE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-1-3: a hash that nobody can make collide who does not know the key. For hash tables only, not for
 * signing anything. `bytes` may be NULL when `len` is 0.
 */
uint64_t swale__siphash(const unsigned char key[16], const void *bytes, size_t len);

#endif

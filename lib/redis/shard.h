/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_SHARD_H
#define SWALE_REDIS_SHARD_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 as of zlib and IEEE 802.3. */
uint32_t swale__redis_crc32(const void *bytes, size_t len);

/* Which of `hosts` hosts a name of `len` bytes belongs to: channels_redis' consistent_hash. */
size_t swale__redis_shard(const char *name, size_t len, size_t hosts);

#endif

/* SPDX-License-Identifier: MIT */
#include "redis/shard.h"

/* Bit by bit: names are short, and a table would be larger than all the rest of this file. */
uint32_t swale__redis_crc32(const void *bytes, size_t len) {
  const unsigned char *at = bytes;
  uint32_t crc = UINT32_MAX;
  for (; len > 0; len--) {
    crc ^= *at++;
    for (int bit = 0; bit < 8; bit++)
      crc = (crc >> 1) ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
  }
  return ~crc;
}

/* The division is a floating one, as in Python, whose quotient need not be that of the integers. */
size_t swale__redis_shard(const char *name, size_t len, size_t hosts) {
  if (hosts == 1)
    return 0;
  double slot = swale__redis_crc32(name, len) & 0xfff;
  return (size_t)(slot / (4096.0 / (double)hosts));
}

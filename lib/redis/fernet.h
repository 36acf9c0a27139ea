/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_FERNET_H
#define SWALE_REDIS_FERNET_H

#include <stddef.h>
#include <stdint.h>

#include <swale/error.h>

/*
 * Fernet tokens (github.com/fernet/spec): version, time, IV and AES-128-CBC of the text, then HMAC-SHA256 over all
 * of that, in URL-safe base64.
 */
struct swale__fernet_key {
  uint8_t sign[16], encrypt[16];
};

#define SWALE__FERNET_IV_SIZE 16
/* Seconds by which a sender's clock may be ahead of ours where tokens have a lifetime. */
#define SWALE__FERNET_SKEW 60

/* channels_redis' key for an entry of symmetric_encryption_keys: its SHA-256. */
void swale__fernet_derive(struct swale__fernet_key *key, const void *secret, size_t len);

/* The length of the token of so many bytes, and where in its room they have to be before. At most 1 GiB. */
size_t swale__fernet_size(size_t len);
size_t swale__fernet_offset(size_t len);

/* Encrypts the `len` bytes at token + swale__fernet_offset(len) in their place; no NUL behind the token. */
void swale__fernet_encrypt(const struct swale__fernet_key *key, uint64_t now_s,
                           const uint8_t iv[SWALE__FERNET_IV_SIZE], char *token, size_t len);

/*
 * Tries each key. `room` is where it is done, `len` bytes, and *plain is in there. `ttl_s` 0: of any age. Errors:
 * SWALE_EFORMAT (no token), SWALE_EPROTOCOL (no key fits), SWALE_ESTATE (older than `ttl_s`, or too far in the
 * future). How long it takes tells nothing of how close a forged token came.
 */
int swale__fernet_decrypt(const struct swale__fernet_key *keys, size_t n_keys, uint64_t now_s, uint64_t ttl_s,
                          const char *token, size_t len, unsigned char *room, const unsigned char **plain,
                          size_t *plain_len);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_FERNET_H
#define SWALE_REDIS_FERNET_H

#include <stddef.h>
#include <stdint.h>

/*
 * Fernet tokens (github.com/fernet/spec): AES-128-CBC, then HMAC-SHA256 over all of it, in URL-safe base64.
 */
struct swale__fernet_key {
  uint8_t sign[16], encrypt[16];
};

#define SWALE__FERNET_IV_SIZE 16
/* Seconds by which a sender's clock may be ahead of ours where tokens have a lifetime. */
#define SWALE__FERNET_SKEW 60

/* The key of channels_redis for an entry of symmetric_encryption_keys: its SHA-256. */
void swale__fernet_derive(struct swale__fernet_key *key, const void *secret, size_t len);

/* The length of a token for so many bytes, at most 1 GiB. */
size_t swale__fernet_size(size_t len);

/* Writes swale__fernet_size(len) characters. */
void swale__fernet_encrypt(const struct swale__fernet_key *key, uint64_t now_s,
                           const uint8_t iv[SWALE__FERNET_IV_SIZE], const void *plain, size_t len, char *token);

/*
 * Tries each key. `plain` needs room for `len` bytes and may be the token itself. `ttl_s` 0: of any age.
 * Errors: SWALE_EFORMAT (no token), SWALE_EPROTOCOL (no key fits), SWALE_ESTATE (older than `ttl_s`, or too far in
 * the future). Whether a key fits takes the same time wherever the difference is.
 */
int swale__fernet_decrypt(const struct swale__fernet_key *keys, size_t n_keys, uint64_t now_s, uint64_t ttl_s,
                          const char *token, size_t len, unsigned char *plain, size_t *plain_len);

#endif

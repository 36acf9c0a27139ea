/* SPDX-License-Identifier: MIT */
#include "redis/fernet.h"

#include <stdbool.h>
#include <string.h>

#include <nettle/aes.h>
#include <nettle/base64.h>
#include <nettle/cbc.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>

/* The parts of a token before base64, by their offsets. */
enum {
  VERSION = 0x80,
  TIME_AT = 1,
  IV_AT = TIME_AT + 8,
  TEXT_AT = IV_AT + SWALE__FERNET_IV_SIZE,
  HMAC_SIZE = SHA256_DIGEST_SIZE,
  RAW_MIN = TEXT_AT + AES_BLOCK_SIZE + HMAC_SIZE
};

void swale__fernet_derive(struct swale__fernet_key *key, const void *secret, size_t len) {
  struct sha256_ctx sha;
  uint8_t digest[SHA256_DIGEST_SIZE];
  sha256_init(&sha);
  sha256_update(&sha, len, secret);
  sha256_digest(&sha, sizeof digest, digest);
  memcpy(key->sign, digest, sizeof key->sign);
  memcpy(key->encrypt, digest + sizeof key->sign, sizeof key->encrypt);
}

/* At least one byte of padding. */
static size_t padded(size_t len) { return len - len % AES_BLOCK_SIZE + AES_BLOCK_SIZE; }

static size_t raw_size(size_t len) { return TEXT_AT + padded(len) + HMAC_SIZE; }

size_t swale__fernet_size(size_t len) { return BASE64_ENCODE_RAW_LENGTH(raw_size(len)); }

size_t swale__fernet_offset(size_t len) { return swale__fernet_size(len) - raw_size(len) + TEXT_AT; }

static void sign(const struct swale__fernet_key *key, const uint8_t *raw, size_t len,
                 uint8_t digest[HMAC_SIZE]) {
  struct hmac_sha256_ctx hmac;
  hmac_sha256_set_key(&hmac, sizeof key->sign, key->sign);
  hmac_sha256_update(&hmac, len, raw);
  hmac_sha256_digest(&hmac, HMAC_SIZE, digest);
}

/* ---- encrypting ---- */

static void put_time(uint8_t *at, uint64_t seconds) {
  for (int i = 7; i >= 0; i--, seconds >>= 8)
    at[i] = (uint8_t)seconds;
}

/*
 * The raw token stands at the end of the room for its base64, which is written from the start: what is written,
 * four for three, reaches what has still to be read only at the very end.
 */
static void encode_in_place(char *token, size_t size, size_t raw_len) {
  struct base64_encode_ctx base64;
  const uint8_t *raw = (const uint8_t *)token + size - raw_len, *end = raw + raw_len;
  base64url_encode_init(&base64);
  while (raw < end) {
    uint8_t some[192];
    size_t n = (size_t)(end - raw) < sizeof some ? (size_t)(end - raw) : sizeof some;
    memcpy(some, raw, n);
    raw += n;
    token += base64_encode_update(&base64, token, n, some);
  }
  base64_encode_final(&base64, token);
}

void swale__fernet_encrypt(const struct swale__fernet_key *key, uint64_t now_s,
                           const uint8_t iv[SWALE__FERNET_IV_SIZE], char *token, size_t len) {
  size_t size = swale__fernet_size(len), raw_len = raw_size(len), text_len = padded(len);
  uint8_t *raw = (uint8_t *)token + size - raw_len;
  uint8_t *text = raw + TEXT_AT;
  raw[0] = VERSION;
  put_time(raw + TIME_AT, now_s);
  memcpy(raw + IV_AT, iv, SWALE__FERNET_IV_SIZE);
  memset(text + len, (int)(text_len - len), text_len - len);

  struct CBC_CTX(struct aes128_ctx, AES_BLOCK_SIZE) cbc;
  aes128_set_encrypt_key(&cbc.ctx, key->encrypt);
  CBC_SET_IV(&cbc, iv);
  CBC_ENCRYPT(&cbc, aes128_encrypt, text_len, text, text);
  sign(key, raw, TEXT_AT + text_len, text + text_len);
  encode_in_place(token, size, raw_len);
}

/* ---- decrypting ---- */

static uint64_t get_time(const uint8_t *at) {
  uint64_t seconds = 0;
  for (int i = 0; i < 8; i++)
    seconds = seconds << 8 | at[i];
  return seconds;
}

/* Base64 undone; answers the length, or 0 for what cannot be a token. */
static size_t decode(const char *token, size_t len, uint8_t *raw) {
  struct base64_decode_ctx base64;
  size_t raw_len = len;
  if (len < BASE64_ENCODE_RAW_LENGTH(RAW_MIN))
    return 0;
  base64url_decode_init(&base64);
  if (!base64_decode_update(&base64, &raw_len, raw, len, token) || !base64_decode_final(&base64))
    return 0;
  bool whole = raw_len >= RAW_MIN && (raw_len - TEXT_AT - HMAC_SIZE) % AES_BLOCK_SIZE == 0;
  return whole && raw[0] == VERSION ? raw_len : 0;
}

static const struct swale__fernet_key *fitting_key(const struct swale__fernet_key *keys, size_t n_keys,
                                                   const uint8_t *raw, size_t raw_len) {
  uint8_t digest[HMAC_SIZE];
  for (size_t i = 0; i < n_keys; i++) {
    sign(&keys[i], raw, raw_len - HMAC_SIZE, digest);
    if (memeql_sec(digest, raw + raw_len - HMAC_SIZE, HMAC_SIZE))
      return &keys[i];
  }
  return NULL;
}

/* Only a sender who knows the key gets to see what this makes of his padding. */
static int strip_padding(const uint8_t *text, size_t text_len, size_t *len) {
  size_t padding = text[text_len - 1];
  if (padding == 0 || padding > AES_BLOCK_SIZE)
    return SWALE_EFORMAT;
  for (size_t i = 1; i <= padding; i++)
    if (text[text_len - i] != padding)
      return SWALE_EFORMAT;
  *len = text_len - padding;
  return 0;
}

static int check_age(uint64_t then_s, uint64_t now_s, uint64_t ttl_s) {
  if (ttl_s == 0)
    return 0;
  bool old = now_s > then_s && now_s - then_s > ttl_s;
  bool early = then_s > now_s && then_s - now_s > SWALE__FERNET_SKEW;
  return old || early ? SWALE_ESTATE : 0;
}

int swale__fernet_decrypt(const struct swale__fernet_key *keys, size_t n_keys, uint64_t now_s, uint64_t ttl_s,
                          const char *token, size_t len, unsigned char *room, const unsigned char **plain,
                          size_t *plain_len) {
  size_t raw_len = decode(token, len, room);
  if (raw_len == 0)
    return SWALE_EFORMAT;
  const struct swale__fernet_key *key = fitting_key(keys, n_keys, room, raw_len);
  if (!key)
    return SWALE_EPROTOCOL;
  int rv = check_age(get_time(room + TIME_AT), now_s, ttl_s);
  if (rv)
    return rv;

  size_t text_len = raw_len - TEXT_AT - HMAC_SIZE;
  struct CBC_CTX(struct aes128_ctx, AES_BLOCK_SIZE) cbc;
  aes128_set_decrypt_key(&cbc.ctx, key->encrypt);
  CBC_SET_IV(&cbc, room + IV_AT);
  CBC_DECRYPT(&cbc, aes128_decrypt, text_len, room + TEXT_AT, room + TEXT_AT);
  *plain = room + TEXT_AT;
  return strip_padding(*plain, text_len, plain_len);
}

/* SPDX-License-Identifier: MIT */
/*
 * Encrypted payloads. The input is taken for a token first, which can hardly ever be one. Then a token is made of
 * it, must be read with any place of its key among others, and must be refused as soon as one of its
 * characters, which the input chooses, is another.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <swale/redis.h>

static const struct swale_redis_key keys[] = {
    {"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 32}, {"older", 5}, {"oldest", 6}};

static void must(int truth) {
  if (!truth)
    abort();
}

static int64_t fixed_us(void *user) {
  (void)user;
  return INT64_C(1700000000000000);
}

static swale_redis_codec *coder(size_t first, size_t n) {
  struct swale_redis_config c;
  swale_redis_codec *codec;
  swale_redis_config_default(&c);
  c.mode = SWALE_REDIS_PUBSUB;
  c.wall_us = fixed_us;
  c.keys = keys + first;
  c.n_keys = n;
  must(swale_redis_codec_new(&c, NULL, &codec, NULL, 0) == 0);
  return codec;
}

static int decode(swale_redis_codec *codec, const void *bytes, size_t len, uint64_t age_max_s) {
  swale_message *m;
  struct swale_value to;
  int rv = swale_redis_decode(codec, bytes, len, age_max_s, &m, &to);
  must(rv <= 0 && (m != NULL) == (rv == 0));
  swale_message_unref(m);
  return rv;
}

static swale_payload *token_of(const uint8_t *data, size_t size, const swale_redis_codec *codec) {
  swale_message *m = swale_message_new("t");
  swale_payload *p;
  swale_message_add_bytes(m, "data", data, size);
  must(swale_redis_encode(codec, m, NULL, 0, false, &p) == 0);
  swale_message_unref(m);
  return p;
}

/* One character changed; those whose last bits count for nothing are left alone. */
static void forge(swale_redis_codec *all, const char *token, size_t len, uint8_t where, uint8_t what) {
  char *forged = malloc(len);
  size_t at = where * (len - 4) / 256;
  memcpy(forged, token, len);
  forged[at] = (char)(forged[at] ^ (what ? what : 1));
  must(decode(all, forged, len, 0) < 0);
  must(decode(all, token, len - 1 - where % 8, 0) < 0);
  free(forged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  swale_redis_codec *all = coder(0, 3), *one = coder(size % 3, 1), *other = coder((size + 1) % 3, 1);
  decode(all, data, size, 0);
  decode(all, data, size, 70);
  if (size >= 2) {
    size_t len;
    swale_payload *p = token_of(data + 2, size - 2, one);
    const char *token = swale_payload_bytes(p, &len);
    must(decode(one, token, len, 1) == 0 && decode(all, token, len, 1) == 0);
    must(decode(other, token, len, 1) == SWALE_EPROTOCOL);
    forge(all, token, len, data[0], data[1]);
    swale_payload_unref(p);
  }
  swale_redis_codec_free(all);
  swale_redis_codec_free(one);
  swale_redis_codec_free(other);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Payloads from Redis. The first byte chooses mode and serializer. What is accepted is encoded again for the
 * receivers it named, as far as those are legal names, and must come back the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <swale/json.h>
#include <swale/redis.h>

enum { NAMES_MAX = 64 };

static void must(int truth) {
  if (!truth)
    abort();
}

static swale_redis_codec *coder(uint8_t choice) {
  struct swale_redis_config c;
  swale_redis_codec *codec;
  swale_redis_config_default(&c);
  c.mode = choice & 1 ? SWALE_REDIS_PUBSUB : SWALE_REDIS_CORE;
  c.serializer = choice & 2 ? SWALE_REDIS_JSON : SWALE_REDIS_MSGPACK;
  c.json_write = swale_json_message;
  c.json_parse = swale_json_parse;
  c.limits.size = choice & 4 ? 64 : 0;
  c.limits.depth = choice & 8 ? 3 : 0;
  must(swale_redis_codec_new(&c, NULL, &codec, NULL, 0) == 0);
  return codec;
}

/* The receivers that have legal names. */
struct receivers {
  char text[NAMES_MAX][SWALE_NAME_SIZE];
  const char *names[NAMES_MAX];
  size_t n;
  bool group;
};

static void add_receiver(struct receivers *r, const struct swale_value *name) {
  if (r->n == NAMES_MAX || name->type != SWALE_STR || name->len >= SWALE_NAME_SIZE)
    return;
  memcpy(r->text[r->n], name->as.str, name->len);
  r->text[r->n][name->len] = '\0';
  r->names[r->n] = r->text[r->n];
  if (strlen(r->text[r->n]) == name->len && swale_channel_name_valid(r->text[r->n]))
    r->n++;
}

static void collect(struct receivers *r, const struct swale_value *to) {
  struct swale_iter it;
  struct swale_value name;
  r->n = 0;
  r->group = to->type == SWALE_LIST;
  if (to->type == SWALE_STR)
    add_receiver(r, to);
  swale_iter_start(&it, to);
  while (swale_iter_next(&it, NULL, &name))
    add_receiver(r, &name);
}

static void must_be_same(const swale_message *a, const swale_message *b) {
  size_t a_len, b_len;
  const void *a_bytes = swale_message_bytes(a, &a_len), *b_bytes = swale_message_bytes(b, &b_len);
  must(a_len == b_len && memcmp(a_bytes, b_bytes, a_len) == 0);
}

/* JSON cannot hold bytes, which no JSON brings. Without limits, since a number may be longer in JSON than it was. */
static void there_and_back(uint8_t choice, swale_message *m, const struct swale_value *to) {
  struct receivers r, r_again;
  struct swale_value to_again;
  swale_redis_codec *codec = coder(choice & 3);
  swale_message *again;
  swale_payload *p;
  size_t len;
  collect(&r, to);
  must(swale_redis_encode(codec, m, r.names, r.n, r.group, &p) == 0);
  const void *bytes = swale_payload_bytes(p, &len);
  must(swale_redis_decode(codec, bytes, len, 0, &again, &to_again) == 0);
  must_be_same(m, again);
  collect(&r_again, &to_again);
  must(r.n == r_again.n && r.group == r_again.group);
  for (size_t i = 0; i < r.n; i++)
    must(strcmp(r.names[i], r_again.names[i]) == 0);
  swale_message_unref(again);
  swale_payload_unref(p);
  swale_redis_codec_free(codec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  swale_redis_codec *codec = coder(data[0]);
  swale_message *m;
  struct swale_value to;
  int rv = swale_redis_decode(codec, data + 1, size - 1, 0, &m, &to);
  must(rv <= 0 && (m != NULL) == (rv == 0));
  if (m)
    there_and_back(data[0], m, &to);
  swale_message_unref(m);
  swale_redis_codec_free(codec);
  return 0;
}

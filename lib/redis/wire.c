/* SPDX-License-Identifier: MIT */
#include "redis/wire.h"

#include <string.h>

#define NAMES_KEY "__asgi_channel__"
#define PAYLOAD_MAX ((size_t)512 << 20)

/* More than any name, its head or quotes, and a separator take up. */
enum { PER_NAME = SWALE_NAME_SIZE + 4 };
/* The heads of a map and a list, the key, and what JSON puts around them. */
enum { AROUND_NAMES = 5 + 5 + 1 + sizeof NAMES_KEY + 8 };

static size_t prefix_length(const struct swale__redis_settings *s) {
  return s->config.mode == SWALE_REDIS_CORE ? s->config.random_prefix_length : 0;
}

static void put_text(struct swale__redis_bytes *out, const char *text) {
  swale__redis_bytes_put(out, text, strlen(text));
}

/* ---- MessagePack ---- */

enum { FIXMAP = 0x80, MAP16 = 0xde, FIXLIST = 0x90, LIST16 = 0xdc, FIXSTR = 0xa0, STR8 = 0xd9 };

/* The shortest head of a map or list; the 32-bit form's tag follows that of the 16-bit one. */
static void put_container(struct swale__redis_bytes *out, unsigned fix, unsigned tag16, uint32_t n) {
  uint8_t head[5], *at = head;
  if (n < 16) {
    *at++ = (uint8_t)(fix | n);
  } else {
    bool wide = n > UINT16_MAX;
    *at++ = (uint8_t)(tag16 + wide);
    for (int shift = wide ? 24 : 8; shift >= 0; shift -= 8)
      *at++ = (uint8_t)(n >> shift);
  }
  swale__redis_bytes_put(out, head, (size_t)(at - head));
}

/* Text of less than 256 bytes. */
static void put_string(struct swale__redis_bytes *out, const char *text) {
  size_t len = strlen(text);
  uint8_t head[2] = {len < 32 ? (uint8_t)(FIXSTR | len) : STR8, (uint8_t)len};
  swale__redis_bytes_put(out, head, len < 32 ? 1 : 2);
  swale__redis_bytes_put(out, text, len);
}

static void put_msgpack(struct swale__redis_bytes *out, const swale_message *m,
                        const struct swale__redis_to *to) {
  size_t len;
  const unsigned char *bytes = swale_message_bytes(m, &len);
  if (to->naming == SWALE__REDIS_NOBODY) {
    swale__redis_bytes_put(out, bytes, len);
    return;
  }
  struct swale_value root = swale_message_root(m);
  put_container(out, FIXMAP, MAP16, root.len + 1);
  swale__redis_bytes_put(out, root.as.bytes, len - (size_t)(root.as.bytes - bytes));
  put_string(out, NAMES_KEY);
  if (to->naming == SWALE__REDIS_LIST)
    put_container(out, FIXLIST, LIST16, (uint32_t)to->count);
  for (size_t i = 0; i < to->count; i++)
    put_string(out, to->names[i]);
}

/* ---- JSON ---- */

static int render_json(const swale_message *m, swale_buffer *out, void *arg) {
  const struct swale__redis_settings *s = arg;
  return s->config.json_write(out, m);
}

/* No legal name needs escaping, and the object is never empty. */
static void put_json(struct swale__redis_bytes *out, const char *object, size_t len,
                     const struct swale__redis_to *to) {
  if (to->naming == SWALE__REDIS_NOBODY) {
    swale__redis_bytes_put(out, object, len);
    return;
  }
  swale__redis_bytes_put(out, object, len - 1);
  put_text(out, ", \"" NAMES_KEY "\": ");
  put_text(out, to->naming == SWALE__REDIS_LIST ? "[" : "");
  for (size_t i = 0; i < to->count; i++) {
    put_text(out, i > 0 ? ", \"" : "\"");
    put_text(out, to->names[i]);
    put_text(out, "\"");
  }
  put_text(out, to->naming == SWALE__REDIS_LIST ? "]}" : "}");
}

/* ---- encoding ---- */

/* What a message is as a text of the serializer's, without any names. */
static int serialized(const struct swale__redis_settings *s, swale_message *m, const void **bytes,
                      size_t *len) {
  swale_payload *json;
  if (s->config.serializer == SWALE_REDIS_MSGPACK) {
    *bytes = swale_message_bytes(m, len);
    return 0;
  }
  int rv = swale_message_render(m, SWALE_TEXT, render_json, (void *)s, &json);
  if (rv == 0)
    *bytes = swale_payload_bytes(json, len);
  return rv;
}

/* Encrypts what has been appended since `from`; there is room. */
static void seal(const struct swale__redis_settings *s, const uint8_t iv[SWALE__FERNET_IV_SIZE],
                 struct swale__redis_bytes *out, size_t from) {
  size_t len = out->len - from;
  unsigned char *token = out->at + from;
  uint64_t now_s = (uint64_t)(s->config.wall_us(s->config.user) / 1000000);
  memmove(token + swale__fernet_offset(len), token, len);
  swale__fernet_encrypt(&s->keys[0], now_s, iv, (char *)token, len);
  out->len = from + swale__fernet_size(len);
}

/* Room for the payload of a message whose own bytes are `len`. */
static int reserve(const struct swale__redis_settings *s, size_t len, const struct swale__redis_to *to,
                   struct swale__redis_bytes *out) {
  if (len > PAYLOAD_MAX || to->count > PAYLOAD_MAX / PER_NAME)
    return SWALE_ESIZE;
  size_t most = len + AROUND_NAMES + to->count * PER_NAME;
  size_t payload = prefix_length(s) + (s->n_keys > 0 ? swale__fernet_size(most) : most);
  return payload > PAYLOAD_MAX ? SWALE_ESIZE : swale__redis_bytes_reserve(out, payload);
}

int swale__redis_encode(const struct swale__redis_settings *s, swale_message *m,
                        const struct swale__redis_to *to, struct swale__redis_bytes *out) {
  struct swale_value present;
  const void *bytes;
  size_t len, prefix = prefix_length(s), iv = s->n_keys > 0 ? SWALE__FERNET_IV_SIZE : 0;
  uint8_t random[SWALE_REDIS_RANDOM_PREFIX_MAX + SWALE__FERNET_IV_SIZE];
  if (swale_message_get(m, NAMES_KEY, &present) == 0)
    return SWALE_EDUPLICATE;
  int rv = serialized(s, m, &bytes, &len);
  if (rv == 0)
    rv = reserve(s, len, to, out);
  if (rv)
    return rv;
  if (prefix + iv > 0 && s->env.random(random, prefix + iv, s->env.user) != 0)
    return SWALE_ERANDOM;

  swale__redis_bytes_put(out, random, prefix);
  size_t from = out->len;
  if (s->config.serializer == SWALE_REDIS_MSGPACK)
    put_msgpack(out, m, to);
  else
    put_json(out, bytes, len, to);
  if (s->n_keys > 0)
    seal(s, random + prefix, out, from);
  return 0;
}

/* ---- decoding ---- */

static int unseal(const struct swale__redis_settings *s, const void **body, size_t *len, uint64_t ttl_s,
                  struct swale__redis_bytes *work) {
  const unsigned char *plain;
  uint64_t now_s = (uint64_t)(s->config.wall_us(s->config.user) / 1000000);
  work->len = 0;
  int rv = swale__redis_bytes_reserve(work, *len);
  if (rv == 0)
    rv = swale__fernet_decrypt(s->keys, s->n_keys, now_s, ttl_s, *body, *len, work->at, &plain, len);
  if (rv == 0)
    *body = plain;
  return rv;
}

static int parse(const struct swale__redis_settings *s, const void *body, size_t len,
                 struct swale__redis_received *r) {
  const struct swale_allocator *a = &s->env.allocator;
  const struct swale_parse_limits *limits = &s->config.limits;
  if (s->config.serializer == SWALE_REDIS_JSON) {
    struct swale_parse_limits whole = {.size = s->config.payload_bytes, .depth = limits->depth};
    int rv = s->config.json_parse(body, len, NULL, &whole, a, &r->original, NULL);
    if (rv)
      return rv;
    body = swale_message_bytes(r->original, &len);
  }
  return swale_message_parse_without(NAMES_KEY, body, len, limits, a, &r->message, &r->to);
}

int swale__redis_decode(const struct swale__redis_settings *s, const void *payload, size_t len,
                        uint64_t ttl_s, struct swale__redis_bytes *work, struct swale__redis_received *out) {
  size_t prefix = prefix_length(s);
  *out = (struct swale__redis_received){.to.type = SWALE_NIL};
  if (len > s->config.payload_bytes)
    return SWALE_ESIZE;
  if (len < prefix)
    return SWALE_EFORMAT;
  const void *body = (const unsigned char *)payload + prefix;
  len -= prefix;
  int rv = s->n_keys > 0 ? unseal(s, &body, &len, ttl_s, work) : 0;
  if (rv == 0)
    rv = parse(s, body, len, out);
  if (rv == 0 && out->to.type != SWALE_NIL && out->to.type != SWALE_STR && out->to.type != SWALE_LIST)
    rv = SWALE_ETYPE;
  if (rv)
    swale__redis_received_clear(out);
  return rv;
}

void swale__redis_received_clear(struct swale__redis_received *r) {
  swale_message_unref(r->message);
  swale_message_unref(r->original);
  *r = (struct swale__redis_received){.to.type = SWALE_NIL};
}

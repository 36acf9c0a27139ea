/* SPDX-License-Identifier: MIT */
#include <swale/redis.h>

#include "redis/settings.h"
#include "redis/wire.h"

struct swale_redis_codec {
  struct swale__redis_settings *settings;
  struct swale__redis_bytes work;
  struct swale__redis_received last; /* what the last answer of decode is a view into */
};

static const struct swale_allocator *allocator_of(const swale_redis_codec *codec) {
  return &codec->settings->env.allocator;
}

int swale_redis_codec_new(const struct swale_redis_config *config, const struct swale_env *env,
                          swale_redis_codec **out, char *why, size_t why_size) {
  struct swale__redis_why sentence = {why, why_size};
  struct swale_env mine;
  swale_env_default(&mine);
  if (env)
    mine = *env;
  *out = NULL;
  swale__redis_fail(&sentence, 0, "%s", "");
  swale_redis_codec *codec = mine.allocator.malloc(sizeof *codec, mine.allocator.user);
  if (!codec)
    return swale__redis_fail(&sentence, SWALE_ENOMEM, "%s", swale_strerror(SWALE_ENOMEM));
  *codec = (swale_redis_codec){.work.allocator = mine.allocator};
  struct swale_layer_config layer;
  swale_layer_config_default(&layer);
  int rv = swale__redis_settings_open(config, NULL, &layer, &mine, &sentence, &codec->settings);
  if (rv)
    mine.allocator.free(codec, mine.allocator.user);
  else
    *out = codec;
  return rv;
}

void swale_redis_codec_free(swale_redis_codec *codec) {
  if (!codec)
    return;
  struct swale_allocator a = *allocator_of(codec);
  swale__redis_received_clear(&codec->last);
  swale__redis_bytes_free(&codec->work);
  swale__redis_settings_free(codec->settings);
  a.free(codec, a.user);
}

static int address(const char *const *channels, size_t n, bool group, struct swale__redis_to *to) {
  if (!group && n > 1)
    return SWALE_EINVAL;
  for (size_t i = 0; i < n; i++)
    if (!swale_channel_name_valid(channels[i]))
      return SWALE_ENAME;
  enum swale__redis_naming alone = n > 0 ? SWALE__REDIS_ONE : SWALE__REDIS_NOBODY;
  *to = (struct swale__redis_to){group ? SWALE__REDIS_LIST : alone, channels, n};
  return 0;
}

int swale_redis_encode(const swale_redis_codec *codec, swale_message *m, const char *const *channels,
                       size_t n_channels, bool group, swale_payload **out) {
  const struct swale_allocator *a = allocator_of(codec);
  struct swale__redis_bytes bytes = {.allocator = *a};
  struct swale__redis_to to;
  *out = NULL;
  int rv = address(channels, n_channels, group, &to);
  if (rv == 0)
    rv = swale_message_freeze(m);
  if (rv == 0)
    rv = swale__redis_encode(codec->settings, m, &to, &bytes);
  if (rv == 0)
    rv = swale_payload_new(SWALE_BINARY, bytes.at, bytes.len, a, out);
  swale__redis_bytes_free(&bytes);
  return rv;
}

int swale_redis_decode(swale_redis_codec *codec, const void *payload, size_t len, uint64_t age_max_s,
                       swale_message **out, struct swale_value *channels) {
  struct swale__redis_received *last = &codec->last;
  *out = NULL;
  swale__redis_received_clear(last);
  int rv = swale__redis_decode(codec->settings, payload, len, age_max_s, &codec->work, last);
  *channels = last->to;
  *out = last->message;
  last->message = NULL;
  return rv;
}

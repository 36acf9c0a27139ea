/* SPDX-License-Identifier: MIT */
#include <swale/error.h>

#include "ws/codec.h"

/* The build without zlib (make DEFLATE=0). */

const bool swale__ws_codec_available = false;

struct swale__ws_codec *swale__ws_codec_new(struct swale__ws_shape shape,
                                            const struct swale_allocator *allocator) {
  (void)shape, (void)allocator;
  return NULL;
}

void swale__ws_codec_free(struct swale__ws_codec *codec) { (void)codec; }

void swale__ws_codec_reset(struct swale__ws_codec *codec) { (void)codec; }

unsigned char *swale__ws_codec_deflate(struct swale__ws_codec *codec, const void *bytes, size_t len,
                                       bool smaller, size_t *deflated_len) {
  (void)codec, (void)bytes, (void)len, (void)smaller, (void)deflated_len;
  return NULL;
}

int swale__ws_codec_inflate(struct swale__ws_codec *codec, struct swale__ws_assembly **message,
                            const void *bytes, size_t len, bool last, struct swale__ws_growth growth) {
  (void)codec, (void)message, (void)bytes, (void)len, (void)last, (void)growth;
  return SWALE_EUNSUPPORTED;
}

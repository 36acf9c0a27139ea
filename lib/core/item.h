/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_ITEM_H
#define SWALE_CORE_ITEM_H

#include <stddef.h>

#include "core/msgpack.h"

/*
 * A value on its way into a message: its encoded head and, for text and bytes, its body, which stays
 * where it is. Or the reason why it cannot go into a message.
 */
struct swale__item {
  const void *body;
  size_t body_len;
  size_t head_len;
  unsigned char head[SWALE__MSGPACK_HEAD_MAX];
  int error;
};

/*
 * Lengths beyond 32 bits spoil the head: whoever takes the item compares `body_len` with his bound first.
 * Errors: SWALE_EINVAL (NULL; for bytes only if there are some), SWALE_EUTF8.
 */
struct swale__item swale__item_text(const char *text, size_t len);
struct swale__item swale__item_bytes(const void *bytes, size_t len);

/*
 * Of any value; of a list or map the head alone. Errors: as above, and SWALE_EINVAL for a double that is not
 * finite or an unknown type.
 */
struct swale__item swale__item_of(const struct swale_value *value);

#endif

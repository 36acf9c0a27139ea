/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_MSGPACK_H
#define SWALE_CORE_MSGPACK_H

#include <stddef.h>
#include <stdint.h>

#include <swale/message.h>

/*
 * MessagePack, item by item. An item is a head (a tag and what sizes it) and, for text and bytes, a
 * body. The elements of a list and the pairs of a map follow their head as items of their own.
 */

/* The largest head: a tag and a 64-bit number. */
#define SWALE__MSGPACK_HEAD_MAX 9

/* Each writes the shortest head for its argument and answers the head's size. */
size_t swale__msgpack_put_nil(unsigned char *at);
size_t swale__msgpack_put_bool(unsigned char *at, bool truth);
size_t swale__msgpack_put_int(unsigned char *at, int64_t number);
size_t swale__msgpack_put_double(unsigned char *at, double number);
size_t swale__msgpack_put_str(unsigned char *at, uint32_t len);
size_t swale__msgpack_put_bytes(unsigned char *at, uint32_t len);
size_t swale__msgpack_put_list(unsigned char *at, uint32_t count);
size_t swale__msgpack_put_map(unsigned char *at, uint32_t count);

/* Where the next item is, and how many bytes there are from there on. */
struct swale__cursor {
  const unsigned char *at;
  size_t left;
};

/*
 * Reads the item at the cursor and moves behind it; for a list or map, behind its head. Text is not
 * checked for UTF-8. Errors: SWALE_EFORMAT (truncated, the reserved tag), SWALE_ETYPE (an extension, an
 * integer beyond int64, a double that is not finite); the cursor is then of no more use.
 */
int swale__msgpack_read(struct swale__cursor *in, struct swale_value *out);

/* The same for bytes that have been checked: the item at `at`; answers where the next one is. */
const unsigned char *swale__msgpack_next(const unsigned char *at, struct swale_value *out);

/* Behind `count` whole items of checked bytes, the contents of lists and maps included. */
const unsigned char *swale__msgpack_skip(const unsigned char *at, uint64_t count);

/* How many items the contents of a value are: 0 unless it is a list or map. */
static inline uint64_t swale__msgpack_children(const struct swale_value *value) {
  if (value->type == SWALE_LIST)
    return value->len;
  return value->type == SWALE_MAP ? (uint64_t)value->len * 2 : 0;
}

#endif

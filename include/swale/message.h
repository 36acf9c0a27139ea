/* SPDX-License-Identifier: MIT */
#ifndef SWALE_MESSAGE_H
#define SWALE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swale/api.h>
#include <swale/env.h>
#include <swale/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Messages, payloads and buffers.
 *
 * A message is a map with a "type", as in Django Channels: what travels through a layer.
 * It is one reference-counted block of MessagePack. It is built by one thread, becomes
 * immutable when it is first sent (or frozen), and may then be read by any thread.
 *
 * A payload is an immutable, reference-counted run of bytes for a peer: one WebSocket
 * message, say. Many connections share one.
 */
typedef struct swale_message swale_message;
typedef struct swale_payload swale_payload;
typedef struct swale_buffer swale_buffer;

/* Nesting of maps and lists in a message, the message's own map included. */
#define SWALE_MESSAGE_DEPTH_MAX 32
/* Default bound on a message's encoded bytes (1 MiB). */
#define SWALE_MESSAGE_SIZE_DEFAULT 1048576
/* The largest such bound (1 GiB); a larger one counts as this. */
#define SWALE_MESSAGE_SIZE_MAX 1073741824

/* ---- building ------------------------------------------------------------------------ */

/*
 * A new message with a "type" of UTF-8 text and one reference, the caller's. NULL when there
 * is no memory: building and sending take that for a message whose sticky error is SWALE_ENOMEM.
 * Errors of any later `add` are sticky (see swale_message_error), so one check, at the send,
 * is enough. A type that is NULL (SWALE_EINVAL), empty (SWALE_ETYPE), not UTF-8 or over
 * the size bound is such a sticky error, and the message's type is then "".
 * swale_message_new takes memory from the C library, swale_message_new_with from `allocator`
 * (copied; NULL means the C library's) and bounds the encoded size to `size_max` bytes
 * (0 means SWALE_MESSAGE_SIZE_DEFAULT).
 */
SWALE_API swale_message *swale_message_new(const char *type);
SWALE_API swale_message *swale_message_new_with(const char *type, size_t size_max,
                                                const struct swale_allocator *allocator);

/* Another reference to the same message; returns `m`. Any thread. */
SWALE_API swale_message *swale_message_ref(swale_message *m);

/* Gives one reference back; the last one frees the message. NULL is fine. Any thread. */
SWALE_API void swale_message_unref(swale_message *m);

/*
 * Append a field. `key` is the field's name in a map and must be NULL in a list. Bytes and
 * text are copied; `bytes` may be NULL if there are none. Each returns 0 or the first error this
 * message has met, which stays:
 *   SWALE_ENOMEM; SWALE_ESIZE over the size bound; SWALE_EUTF8 text or key is not UTF-8;
 *   SWALE_EDUPLICATE the map has this key (see below); SWALE_EINVAL a key in a list, none in a
 *   map, a NULL text, a double that is not finite; SWALE_EDEPTH; SWALE_ESTATE already sent or
 *   frozen (this one is only answered, it does not stick to the message).
 * Among the first 16 keys of a map a duplicate is found at once, a later one when the map ends: by
 * swale_message_end, or for the message's own map by the send or freeze.
 */
SWALE_API int swale_message_add_str(swale_message *m, const char *key, const char *text);
SWALE_API int swale_message_add_strn(swale_message *m, const char *key, const char *text, size_t len);
SWALE_API int swale_message_add_bytes(swale_message *m, const char *key, const void *bytes, size_t len);
SWALE_API int swale_message_add_int(swale_message *m, const char *key, int64_t number);
SWALE_API int swale_message_add_double(swale_message *m, const char *key, double number);
SWALE_API int swale_message_add_bool(swale_message *m, const char *key, bool truth);
SWALE_API int swale_message_add_nil(swale_message *m, const char *key);

/*
 * Appends a copy of any value, under a key of `key_len` bytes that may hold any UTF-8, NUL included. A
 * SWALE_LIST or SWALE_MAP must be a view into a frozen message (values of other types may be made by
 * hand), and all it contains is copied. Otherwise as above; also SWALE_EINVAL for an unknown type.
 */
struct swale_value;
SWALE_API int swale_message_add_value(swale_message *m, const char *key, size_t key_len,
                                      const struct swale_value *value);

/*
 * Open a nested map or list; what is added next goes into it until swale_message_end.
 * swale_message_end with nothing open is SWALE_EINVAL. Errors as above. Sending or freezing a
 * message with something open is SWALE_ESTATE.
 */
SWALE_API int swale_message_begin_map(swale_message *m, const char *key);
SWALE_API int swale_message_begin_mapn(swale_message *m, const char *key, size_t key_len);
SWALE_API int swale_message_begin_list(swale_message *m, const char *key);
SWALE_API int swale_message_begin_listn(swale_message *m, const char *key, size_t key_len);
SWALE_API int swale_message_end(swale_message *m);

/* The first error met while building, or 0. */
SWALE_API int swale_message_error(const swale_message *m);

/*
 * Makes the message immutable. Sending does this by itself. Returns 0, or the sticky error, or
 * SWALE_ESTATE while a map or list is open, which does not stick. Freezing twice is fine.
 * Only the thread that builds the message; any thread once it is frozen.
 */
SWALE_API int swale_message_freeze(swale_message *m);

/* ---- MessagePack --------------------------------------------------------------------- */

struct swale_parse_limits {
  size_t size;  /* bytes; 0 means SWALE_MESSAGE_SIZE_DEFAULT */
  size_t depth; /* 0 means SWALE_MESSAGE_DEPTH_MAX, which is also the most */
  /* Values in all; 0 means SWALE_JSON_VALUES_DEFAULT. Of JSON text only (swale/json.h): MessagePack needs no memory for each. */
  size_t values;
};

/*
 * A frozen message from MessagePack bytes (copied), strictly checked: exactly one map, a
 * non-empty "type" of text, keys of text and no key twice, UTF-8 in every string, integers
 * within int64, finite doubles (float32 is widened), no extension types, nothing behind the
 * map. `limits` NULL means the defaults; `allocator` NULL the C library.
 * Errors: SWALE_ENOMEM, SWALE_ESIZE, SWALE_EDEPTH, SWALE_EUTF8, SWALE_EDUPLICATE, SWALE_ETYPE
 * (no usable type, a key that is not text, an extension type, an integer or double out of
 * range), SWALE_EFORMAT (truncated, trailing bytes, a reserved byte, not a map).
 * On an error *out is NULL. Time and memory are bounded by O(n log n) of the input.
 */
SWALE_API int swale_message_parse(const void *bytes, size_t len, const struct swale_parse_limits *limits,
                                  const struct swale_allocator *allocator, swale_message **out);

/*
 * The same for a message that carries, in its field `key`, what only its carrier may know, such as an address: the
 * message comes without that field. *taken is a view of its value in `bytes`, SWALE_NIL when there is no such
 * field. What the field takes up does not count against limits->size. Also SWALE_EINVAL when `key` is "type", and
 * SWALE_ESIZE when `len` is over SWALE_MESSAGE_SIZE_MAX.
 */
SWALE_API int swale_message_parse_without(const char *key, const void *bytes, size_t len,
                                          const struct swale_parse_limits *limits,
                                          const struct swale_allocator *allocator, swale_message **out,
                                          struct swale_value *taken);

/*
 * The message as MessagePack (shortest forms when it was built here); NULL unless it is
 * frozen. Valid while the caller holds a reference.
 */
SWALE_API const void *swale_message_bytes(const swale_message *m, size_t *len);

/* ---- reading ------------------------------------------------------------------------- */

enum swale_type {
  SWALE_NIL,
  SWALE_BOOL,
  SWALE_INT,
  SWALE_DOUBLE,
  SWALE_STR,
  SWALE_BYTES,
  SWALE_LIST,
  SWALE_MAP
};

/*
 * A view of one value inside a message; it owns nothing and is valid as long as the message.
 * Small enough to be passed about by value.
 */
struct swale_value {
  enum swale_type type;
  uint32_t len; /* bytes of SWALE_STR and SWALE_BYTES; elements of SWALE_LIST; pairs of SWALE_MAP */
  union {
    bool truth;
    int64_t integer;
    double number;
    const char *str;            /* not terminated by a NUL: use len */
    const unsigned char *bytes; /* SWALE_BYTES; for SWALE_LIST and SWALE_MAP the encoded elements */
  } as;
};

/* The message's type: terminated by a NUL, never NULL. Any thread. */
SWALE_API const char *swale_message_type(const swale_message *m);

/* The whole message as a SWALE_MAP, "type" included; empty until it is frozen. Any thread. */
SWALE_API struct swale_value swale_message_root(const swale_message *m);

/*
 * The field `key` of a message or of a SWALE_MAP value: 0, or SWALE_ENOTFOUND, or SWALE_ETYPE
 * when `map` is no map, or SWALE_ESTATE when the message is not frozen; *out is set by success only. A walk
 * over the map's fields. Any thread.
 */
SWALE_API int swale_message_get(const swale_message *m, const char *key, struct swale_value *out);
SWALE_API int swale_value_get(const struct swale_value *map, const char *key, struct swale_value *out);

/*
 * Short cuts with a fallback for a field that is absent or of another type. _get_str answers
 * NULL then and sets *len to 0. Its text is not terminated by a NUL, so without `len` it answers
 * NULL, too. _get_double takes an integer field too.
 */
SWALE_API const char *swale_message_get_str(const swale_message *m, const char *key, size_t *len);
SWALE_API int64_t swale_message_get_int(const swale_message *m, const char *key, int64_t fallback);
SWALE_API double swale_message_get_double(const swale_message *m, const char *key, double fallback);
SWALE_API bool swale_message_get_bool(const swale_message *m, const char *key, bool fallback);

/* Whether the value is text and equals `text`. */
SWALE_API bool swale_value_is(const struct swale_value *value, const char *text);

/*
 * Walks the elements of a SWALE_LIST or the pairs of a SWALE_MAP in their order. After
 * swale_iter_start on any other type there is nothing to walk. swale_iter_next returns false at the
 * end; `key` is filled for maps (a SWALE_STR) and may be NULL.
 */
struct swale_iter {
  const unsigned char *at;
  uint32_t left;
  bool is_map;
};
SWALE_API void swale_iter_start(struct swale_iter *it, const struct swale_value *container);
SWALE_API bool swale_iter_next(struct swale_iter *it, struct swale_value *key, struct swale_value *value);

/* ---- payloads: bytes for a peer --------------------------------------------------------- */

enum swale_kind { SWALE_TEXT = 1, SWALE_BINARY = 2 };

/*
 * A new payload with one reference, holding a copy of the bytes. Text must be UTF-8. `bytes` may be
 * NULL if there are none. Errors, with *out NULL: SWALE_ENOMEM, SWALE_EUTF8, SWALE_ESIZE (2 GiB or more),
 * SWALE_EINVAL (unknown kind, NULL). `allocator` NULL: C library.
 */
SWALE_API int swale_payload_new(enum swale_kind kind, const void *bytes, size_t len,
                                const struct swale_allocator *allocator, swale_payload **out);

/* Another reference to the same payload; returns `p`. Any thread. */
SWALE_API swale_payload *swale_payload_ref(swale_payload *p);

/* Gives one reference back; the last one frees the payload. NULL is fine. Any thread. */
SWALE_API void swale_payload_unref(swale_payload *p);

/* Never NULL, and aligned for any type. Any thread, while the caller holds a reference. */
SWALE_API const void *swale_payload_bytes(const swale_payload *p, size_t *len);
SWALE_API enum swale_kind swale_payload_kind(const swale_payload *p);

/* ---- render once -------------------------------------------------------------------------- */

/*
 * What a renderer writes into. Append errors are sticky and fail the render, so a renderer need
 * not check each call. SWALE_ENOMEM; SWALE_ESIZE over 64 MiB; SWALE_EINVAL (NULL, a format that the C library
 * refuses). swale_buffer_printf is the C library's printf, its locale included.
 */
SWALE_API int swale_buffer_append(swale_buffer *b, const void *bytes, size_t len);
SWALE_API int swale_buffer_puts(swale_buffer *b, const char *text);
SWALE_API int swale_buffer_printf(swale_buffer *b, const char *format, ...) SWALE_PRINTF(2, 3);

/*
 * Appends what shows `m` to a peer. Must depend on `m` and `arg` only: the result is shared by all
 * who ask with the same function and the same `arg`. Returns 0 or a negative error.
 * Called on whichever thread renders first, without any lock.
 */
typedef int (*swale_render_fn)(const swale_message *m, swale_buffer *out, void *arg);

/*
 * The payload that `render` makes of `m`; made once per message, kind, function and `arg`, and kept
 * by the message: *out is borrowed and valid while the caller holds a reference to `m`. Two threads
 * that render at the same moment may both call `render`; one result is kept. All are kept as long as the
 * message, and looked for one by one: `arg` should tell few variants apart, not single members.
 * Errors, with *out NULL: SWALE_ENOMEM, SWALE_ESIZE, SWALE_EUTF8, SWALE_EINVAL (unknown kind), SWALE_ESTATE
 * (not frozen), or what `render` returned. Failures are not kept. Any thread.
 */
SWALE_API int swale_message_render(swale_message *m, enum swale_kind kind, swale_render_fn render, void *arg,
                                   swale_payload **out);

#ifdef __cplusplus
}
#endif

#endif

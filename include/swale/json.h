/* SPDX-License-Identifier: MIT */
#ifndef SWALE_JSON_H
#define SWALE_JSON_H

#include <stddef.h>

#include <swale/api.h>
#include <swale/consumer.h>
#include <swale/error.h>
#include <swale/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * JSON (RFC 8259) for messages and consumers, libswale-json. Text is UTF-8. Integers are int64, doubles keep
 * their value there and back; bytes have no JSON form (SWALE_ETYPE). Any thread, unless a consumer is
 * involved. The host's locale does not matter. While a text is parsed, jansson takes memory of its own, where
 * the program has told it to (by default from the C library).
 */

/*
 * Values a text may have where nothing else is said. Empty lists and objects count twice: an object takes jansson some
 * 230 bytes for its two of text.
 */
#define SWALE_JSON_VALUES_DEFAULT 65536

/* Where JSON text went wrong. */
struct swale_json_error {
  int error; /* SWALE_EFORMAT, SWALE_EUTF8, SWALE_EDEPTH, SWALE_ESIZE, SWALE_EDUPLICATE, SWALE_ETYPE, SWALE_ENOMEM */
  size_t position; /* bytes from the start; 0 where it is not known */
  char text[160];  /* in words: printable ASCII, nothing of what the peer sent; "" without an error */
};

/*
 * Appends the JSON of a value or of a whole message ("type" included) to a buffer. Errors: SWALE_ENOMEM,
 * SWALE_ETYPE, SWALE_ESIZE, SWALE_ESTATE (a message that is not frozen), SWALE_EUTF8 (a value that is of no
 * message's). A part may have been appended then, so let a renderer return them.
 */
SWALE_API int swale_json_value(swale_buffer *out, const struct swale_value *value);
SWALE_API int swale_json_message(swale_buffer *out, const swale_message *m);
/* Appends text as a JSON string, quotes included. SWALE_EUTF8, SWALE_ENOMEM, SWALE_ESIZE. */
SWALE_API int swale_json_string(swale_buffer *out, const char *text, size_t len);

/*
 * A frozen message from a JSON object. `type` is used when the object has no "type" of its own; with NULL it
 * must have one (SWALE_ETYPE). A peer can put any "type" in, so think before you send such a message on.
 * `limits` NULL: 1 MiB of text, depth 32, 65,536 values; beyond: SWALE_ESIZE, SWALE_EDEPTH. `why` may be
 * NULL. `allocator` NULL: C library. Numbers beyond int64 or double are SWALE_ETYPE, what is no object or has
 * a NUL in a key SWALE_EFORMAT. On an error *out is NULL.
 */
SWALE_API int swale_json_parse(const char *text, size_t len, const char *type,
                               const struct swale_parse_limits *limits,
                               const struct swale_allocator *allocator, swale_message **out,
                               struct swale_json_error *why);

/*
 * A frozen message of type `type` whose one further field, "json", is any JSON value; its depth is at most
 * 31. Otherwise as above.
 */
SWALE_API int swale_json_parse_value(const char *text, size_t len, const char *type,
                                     const struct swale_parse_limits *limits,
                                     const struct swale_allocator *allocator, swale_message **out,
                                     struct swale_json_error *why);

/*
 * Sends the whole message as JSON text; rendered once however many members of a group send it. Errors of
 * swale_send_rendered and swale_json_message.
 */
SWALE_API int swale_send_json(swale_consumer *c, swale_message *m);

/* Sends one value as JSON text, to this consumer alone. Errors of swale_send_text and swale_json_value. */
SWALE_API int swale_send_json_value(swale_consumer *c, const struct swale_value *value);

/*
 * For a consumer's receive: parses the text and hands the value to `on_value`, whose return value is
 * returned. Malformed text, or a binary message, goes to `on_error` instead, whose return value is returned
 * too: 0 keeps the connection. With `on_error` NULL it is closed with 1007 (not UTF-8, not JSON, too deep),
 * 1009 (too long, too many values) or 1003 (binary) and 0 returned. SWALE_ENOMEM is returned as it is.
 */
struct swale_json_receiver {
  int (*on_value)(swale_consumer *c, const struct swale_value *value);
  int (*on_error)(swale_consumer *c, const struct swale_json_error *error);
  struct swale_parse_limits limits;
};
SWALE_API int swale_receive_json(swale_consumer *c, enum swale_kind kind, const void *data, size_t len,
                                 const struct swale_json_receiver *receiver);

#ifdef __cplusplus
}
#endif

#endif

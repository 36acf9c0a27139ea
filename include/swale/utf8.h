/* SPDX-License-Identifier: MIT */
#ifndef SWALE_UTF8_H
#define SWALE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include <swale/api.h>
#include <swale/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF. For transports
 * and backends, which must tell good text from bad before it becomes a payload or a message.
 */

/*
 * Text that arrives in chunks, split anywhere. The contents are swale's; copying the struct saves a
 * point to go back to. Zeroing it is as good as swale_utf8_init.
 */
struct swale_utf8 {
  unsigned char missing; /* continuation bytes that the sequence under way still needs */
  unsigned char low;     /* the range of the next of them */
  unsigned char high;
  unsigned char failed;
};

SWALE_API void swale_utf8_init(struct swale_utf8 *u);

/*
 * Takes the next `len` bytes: 0, or SWALE_EUTF8 at the first byte that no valid text can have at this
 * point, and from then on.
 */
SWALE_API int swale_utf8_feed(struct swale_utf8 *u, const void *bytes, size_t len);

/* Whether the text may end here: 0, or SWALE_EUTF8 after a failure or inside a sequence. */
SWALE_API int swale_utf8_end(const struct swale_utf8 *u);

/* Whether the whole of `bytes` is UTF-8. Nothing at all is; `bytes` may then be NULL. */
SWALE_API bool swale_utf8_valid(const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif

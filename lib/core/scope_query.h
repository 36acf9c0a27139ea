/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_SCOPE_QUERY_H
#define SWALE_CORE_SCOPE_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Percent-decodes `n` bytes and, with `plus`, turns each "+" into a space. *len is the decoded length, set
 * unless the text is bad; then `out` gets that text and a NUL. `out` NULL: only look. On an error nothing is
 * written. Errors: SWALE_EFORMAT (bad escape, a zero byte), SWALE_EUTF8, SWALE_ESIZE (longer than `size` -
 * 1).
 */
int swale__unescape(const char *text, size_t n, bool plus, char *out, size_t size, size_t *len);

#endif

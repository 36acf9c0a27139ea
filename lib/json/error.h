/* SPDX-License-Identifier: MIT */
#ifndef SWALE_JSON_ERROR_H
#define SWALE_JSON_ERROR_H

#include <stddef.h>

#include <jansson.h>

#include <swale/json.h>

/*
 * Both fill in `why`, which may be NULL, and answer the error, so that a caller can return what they return.
 * Texts are printable ASCII and hold nothing of what the peer sent: they may go into logs and close reasons.
 */
int swale__json_fail(struct swale_json_error *why, int error, size_t position, const char *text);
int swale__json_fail_jansson(struct swale_json_error *why, const json_error_t *from);

#endif

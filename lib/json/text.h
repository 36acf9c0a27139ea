/* SPDX-License-Identifier: MIT */
#ifndef SWALE_JSON_TEXT_H
#define SWALE_JSON_TEXT_H

#include <stddef.h>

#include <jansson.h>

#include <swale/json.h>

/*
 * Text to jansson's tree, which the caller gives back with json_decref. `limits` may be NULL; nesting is
 * never allowed beyond `depth_most`. On an error *out is NULL and `why`, which may be NULL, tells it.
 */
int swale__json_load(const char *text, size_t len, const struct swale_parse_limits *limits, size_t depth_most,
                     json_t **out, struct swale_json_error *why);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_JSON_BUILD_H
#define SWALE_JSON_BUILD_H

#include <jansson.h>

#include <swale/message.h>

/*
 * Append what jansson has read to a message that is being built. The tree's depth must have been checked.
 * Errors are those of the swale_message_add functions, and stick to the message as theirs do.
 */

/* The fields of an object, except "type". */
int swale__json_add_fields(swale_message *m, json_t *object);

/* A value as the field `key`. */
int swale__json_add_value(swale_message *m, const char *key, json_t *value);

#endif

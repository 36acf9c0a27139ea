/* SPDX-License-Identifier: MIT */
#ifndef SWALE_JSON_NUMBER_H
#define SWALE_JSON_NUMBER_H

#include <swale/message.h>

/*
 * Appends a double: the fewest of 15 to 17 digits that are read back as the same number, with a point or an
 * exponent, so that it is read as a double again. SWALE_ETYPE when it is not finite; errors of
 * swale_buffer_append.
 */
int swale__json_double(swale_buffer *out, double number);

#endif

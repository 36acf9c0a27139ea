/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_NAME_H
#define SWALE_CORE_NAME_H

#include <stdbool.h>

/* The longest legal name of a channel or group, in bytes. */
#define SWALE__NAME_MAX 99

/* ASCII letters, digits and "-_.", 1 to 99 of them. NULL is no name. */
bool swale__name_is_group(const char *name);

/* The same, with at most one '!' that is not the first character ("a!" is legal). */
bool swale__name_is_channel(const char *name);

/*
 * Does the whole of `name` match the shell glob? `*`, `?`, `[seq]`, `[!seq]` with ranges, case-sensitive, as
 * Python's fnmatch.translate reads them: a '[' that nothing closes is a plain '[', a backslash is a plain
 * backslash, a range from high to low is empty. Takes time in O(pattern x name) and no memory.
 */
bool swale__glob_match(const char *pattern, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_MSGPACK_CHECK_H
#define SWALE_CORE_MSGPACK_CHECK_H

#include <stddef.h>

#include <swale/env.h>

/*
 * Whether `bytes` are exactly one map that a message may consist of, as swale_message_parse describes,
 * except that no "type" is asked for. At most `depth_max` levels (1 to SWALE_MESSAGE_DEPTH_MAX); `len` is
 * at most SWALE_MESSAGE_SIZE_MAX. Many keys in one map take memory from `allocator` during the call.
 * Errors: SWALE_ENOMEM, SWALE_EDEPTH, SWALE_EUTF8, SWALE_EDUPLICATE, SWALE_ETYPE, SWALE_EFORMAT.
 */
int swale__msgpack_check(const void *bytes, size_t len, size_t depth_max,
                         const struct swale_allocator *allocator);

#endif

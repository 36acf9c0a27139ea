/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_NAMES_H
#define SWALE_REDIS_NAMES_H

#include <stddef.h>

#include <swale/redis.h>

/*
 * Names of things in Redis. `prefix` is the config's; names are legal ones, checked before. Each function writes
 * a NUL-terminated name and answers its length.
 */
#define SWALE__REDIS_NAME_SIZE (SWALE_REDIS_PREFIX_MAX + SWALE_NAME_SIZE + 16)

/* How much of a channel's name is its receiving process's: up to and including '!', or all of it. */
size_t swale__redis_non_local(const char *channel);

/* "asgi" + the non-local part: the sorted set in which a channel's messages wait. */
size_t swale__redis_queue_key(char key[SWALE__REDIS_NAME_SIZE], const char *prefix, const char *channel);

/* The same and "$inflight": where Python keeps what it has not quite taken yet. */
size_t swale__redis_backup_key(char key[SWALE__REDIS_NAME_SIZE], const char *prefix, const char *channel);

/* "asgi:group:g": the sorted set of a group's members. */
size_t swale__redis_group_key(char key[SWALE__REDIS_NAME_SIZE], const char *prefix, const char *group);

/* "asgi__group__g": the Redis channel of a group in pubsub mode. */
size_t swale__redis_pubsub_group(char name[SWALE__REDIS_NAME_SIZE], const char *prefix, const char *group);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_URL_H
#define SWALE_REDIS_URL_H

#include <swale/redis.h>

#include "redis/config.h"

/*
 * Where a layer is, in one line:
 *
 *   redis://[[user]:password@][host][:port][,...][/db]
 *   redis+unix://[[user]:password@]/path/of/socket[,/path/of/another...]
 *   redis+sentinel://[[user]:password@]sentinel[:port][,sentinel[:port]...]/master[/db]
 *
 * with ?mode=core|pubsub&serializer=msgpack|json&prefix=...&db=...&random_prefix_length=...&capacity=...
 * &expiry=...&group_expiry=...&key=...&key=... behind it. Percent-encoding is undone everywhere. Each host
 * has credentials of its own; those before the first sentinel are the Redis servers', those before sockets
 * are for all of them.
 *
 * Sets what `url` says in the two configs. `*hold` is memory that `redis` then points into; it is to be given
 * to swale__redis_url_free when the config has been used, which wipes it. Errors, each with a sentence, which
 * never holds a password or key, and nothing to free: SWALE_EFORMAT, SWALE_ESIZE (a URL over SWALE_URL_MAX),
 * SWALE_EUNSUPPORTED (rediss, another scheme), SWALE_EINVAL (out of range), SWALE_ENOMEM. What
 * swale__redis_config_check looks at is left to it.
 */
struct swale__redis_url;
int swale__redis_url_apply(const char *url, const struct swale_allocator *allocator,
                           struct swale_redis_config *redis, struct swale_layer_config *layer,
                           const struct swale__redis_why *why, struct swale__redis_url **hold);

/* NULL is fine. */
void swale__redis_url_free(struct swale__redis_url *hold);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SWALE_REDIS_URL_H
#define SWALE_REDIS_URL_H

#include <swale/redis.h>

#include "redis/config.h"

/*
 * Where a layer is, in one line:
 *
 *   redis://[[user]:password@]host[:port][,[..@]host[:port]...][/db][?mode=core|pubsub&prefix=&serializer=msgpack|json
 *           &capacity=&expiry=&group_expiry=&random_prefix_length=]
 *   redis+unix://[[user]:password@]/path/of/socket[?db=...]
 *   redis+sentinel://[[user]:password@]sentinel[:port][,sentinel...]/master[/db]
 *
 * All that is percent-encoded is decoded. Credentials in a Sentinel URL are those of the Redis servers.
 */

/*
 * Sets what `url` says in the two configs; `*hold` is memory that they then point into, to be given to
 * swale__redis_url_free once they have been used. Errors, each with a sentence, nothing then to free:
 * SWALE_EFORMAT, SWALE_ESIZE (over 4096 bytes), SWALE_EUNSUPPORTED (rediss, unknown scheme), SWALE_EINVAL (too many hosts,
 * a number out of range), SWALE_ENOMEM.
 */
struct swale__redis_url;
int swale__redis_url_apply(const char *url, const struct swale_allocator *allocator,
                           struct swale_redis_config *redis, struct swale_layer_config *layer,
                           const struct swale__redis_why *why, struct swale__redis_url **hold);
void swale__redis_url_free(struct swale__redis_url *hold);

#endif

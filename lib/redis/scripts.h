/* SPDX-License-Identifier: MIT */
/* What Redis does in one step for a message in core mode, in Lua. */
#ifndef SWALE_REDIS_SCRIPTS_H
#define SWALE_REDIS_SCRIPTS_H

/*
 * Fills queues. Redis checks its memory before the first command of a script that writes, so the one that may
 * not go through is that first one, and what has expired is removed behind it. KEYS: queues; ARGV: a payload
 * for each, a capacity for each, the score, the expiry in seconds, up to which score members have expired.
 * Answers how many were full, how many failed, and why the last of these did.
 */
static const char swale__redis_fill_script[] =
    "local n, full, failed, why = #KEYS, 0, 0, ''\n"
    "for i = 1, n do\n"
    "  local size = redis.pcall('ZCOUNT', KEYS[i], '(' .. ARGV[2 * n + 3], '+inf')\n"
    "  if type(size) == 'table' then failed = failed + 1 why = size.err\n"
    "  elseif size >= tonumber(ARGV[n + i]) then full = full + 1\n"
    "  else\n"
    "    local done = redis.pcall('ZADD', KEYS[i], ARGV[2 * n + 1], ARGV[i])\n"
    "    if type(done) == 'table' then failed = failed + 1 why = done.err\n"
    "    else\n"
    "      redis.call('ZREMRANGEBYSCORE', KEYS[i], 0, ARGV[2 * n + 3])\n"
    "      redis.call('EXPIRE', KEYS[i], ARGV[2 * n + 2])\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return {full, failed, why}";

/*
 * The members of a group. ARGV: up to which score members have expired, and up to which those of swale's processes, which
 * renew theirs, have died.
 */
static const char swale__redis_members_script[] =
    "redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[1])\n"
    "local dead = redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[2])\n"
    "for i = 1, #dead do\n"
    "  if string.find(dead[i], '!.', 1, true) then redis.call('ZREM', KEYS[1], dead[i]) end\n"
    "end\n"
    "return redis.call('ZRANGE', KEYS[1], 0, -1)";

#endif

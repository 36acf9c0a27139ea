/* SPDX-License-Identifier: MIT */
#include "redis/names.h"

#include <string.h>

static size_t join(char *to, const char *prefix, const char *infix, const char *name, size_t name_len,
                   const char *suffix) {
  const char *parts[] = {prefix, infix, name, suffix};
  size_t lens[] = {strlen(prefix), strlen(infix), name_len, strlen(suffix)}, len = 0;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    memcpy(to + len, parts[i], lens[i]);
    len += lens[i];
  }
  to[len] = '\0';
  return len;
}

size_t swale__redis_non_local(const char *channel) {
  size_t before = strcspn(channel, "!");
  return before + (channel[before] == '!');
}

size_t swale__redis_queue_key(char key[SWALE__REDIS_NAME_SIZE], const char *prefix, const char *channel) {
  return join(key, prefix, "", channel, swale__redis_non_local(channel), "");
}

size_t swale__redis_backup_key(char key[SWALE__REDIS_NAME_SIZE], const char *prefix, const char *channel) {
  return join(key, prefix, "", channel, swale__redis_non_local(channel), "$inflight");
}

size_t swale__redis_group_key(char key[SWALE__REDIS_NAME_SIZE], const char *prefix, const char *group) {
  return join(key, prefix, ":group:", group, strlen(group), "");
}

size_t swale__redis_pubsub_group(char name[SWALE__REDIS_NAME_SIZE], const char *prefix, const char *group) {
  return join(name, prefix, "__group__", group, strlen(group), "");
}

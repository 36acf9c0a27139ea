/* SPDX-License-Identifier: MIT */
#include "redis/delivery.h"

#include <stdlib.h>

#include "redis/client.h"
#include "redis/wire.h"

/* ---- names ---- */

/* A name that this process made: "<prefix>.<process>!<rest>"; the rest, or NULL. */
static const char *own_part(const struct swale__redis_client *c, const char *name) {
  const char *mark = strchr(name, '!');
  size_t digits = strlen(c->process);
  if (!mark || (size_t)(mark - name) <= digits || mark[-(ptrdiff_t)digits - 1] != '.' ||
      memcmp(mark - digits, c->process, digits) != 0)
    return NULL;
  return mark + 1;
}

bool swale__redis_is_own(const struct swale__redis_client *c, const char *name) {
  return own_part(c, name) != NULL;
}

struct swale__redis_topic *swale__redis_topic_of_token(const struct swale__redis_client *c,
                                                       const char *name) {
  const char *part = own_part(c, name);
  char *end;
  if (!part || part[0] != '.' || strlen(part) != 1 + 16)
    return NULL;
  uint64_t hash = strtoull(part + 1, &end, 16);
  return *end ? NULL : swale__redis_topic_of_hash(&c->topics, hash);
}

/* ---- what came ---- */

static bool copy_name(const struct swale_value *v, char name[SWALE_NAME_SIZE]) {
  if (v->type != SWALE_STR || v->len >= SWALE_NAME_SIZE || memchr(v->as.str, '\0', v->len))
    return false;
  memcpy(name, v->as.str, v->len);
  name[v->len] = '\0';
  return true;
}

static void stray(struct swale__redis_client *c) { swale__redis_count(c, strays, 1); }

static void deliver_group(struct swale__redis_client *c, const struct swale__redis_topic *topic,
                          swale_message *m) {
  if (!topic->wanted || swale_backend_deliver_group(c->layer, topic->name, m) == 0)
    stray(c);
}

/* To one name of ours, unless it has been told as a member of `told`. */
static void deliver_name(struct swale__redis_client *c, const char *name,
                         const struct swale__redis_topic *told, swale_message *m) {
  if (swale__redis_topic_of_token(c, name))
    return;
  if (!swale__redis_is_own(c, name))
    stray(c);
  else if (!told || !swale_backend_is_member(c->layer, told->name, name))
    swale_backend_deliver(c->layer, name, m);
}

static struct swale__redis_topic *find_token(struct swale__redis_client *c, const struct swale_value *list) {
  struct swale_iter it;
  struct swale_value v;
  char name[SWALE_NAME_SIZE];
  swale_iter_start(&it, list);
  while (swale_iter_next(&it, NULL, &v)) {
    struct swale__redis_topic *topic = copy_name(&v, name) ? swale__redis_topic_of_token(c, name) : NULL;
    if (topic)
      return topic;
  }
  return NULL;
}

/* The names of a list are members of one group. Ours stand for it by one name; strangers may have added others. */
static void deliver_list(struct swale__redis_client *c, const struct swale_value *list, swale_message *m) {
  struct swale_iter it;
  struct swale_value v;
  char name[SWALE_NAME_SIZE];
  struct swale__redis_topic *topic = find_token(c, list);
  if (topic)
    deliver_group(c, topic, m);
  swale_iter_start(&it, list);
  while (swale_iter_next(&it, NULL, &v)) {
    if (copy_name(&v, name))
      deliver_name(c, name, topic, m);
    else
      stray(c);
  }
}

static void deliver_named(struct swale__redis_client *c, const struct swale__redis_received *got) {
  char name[SWALE_NAME_SIZE];
  if (got->to.type == SWALE_LIST)
    deliver_list(c, &got->to, got->message);
  else if (got->to.type == SWALE_STR && copy_name(&got->to, name))
    deliver_name(c, name, NULL, got->message);
  else
    stray(c);
}

int swale__redis_take_payload(struct swale__redis_client *c, const struct swale__redis_reply *payload,
                              struct swale__redis_topic *topic, const char *channel) {
  struct swale__redis_received got;
  uint64_t ttl_s = c->settings->config.mode == SWALE_REDIS_CORE ? c->expiry_ms / 1000 + 10 : 0;
  swale__redis_count(c, received, 1);
  int rv = swale__redis_decode(c->settings, payload->text, payload->len, ttl_s, &c->plain, &got);
  if (rv < 0) {
    swale__redis_count(c, undecodable, 1);
    swale__redis_note(c, swale_strerror(rv));
    return rv;
  }
  if (topic)
    deliver_group(c, topic, got.message);
  else if (channel)
    rv = swale_backend_deliver(c->layer, channel, got.message);
  else
    deliver_named(c, &got);
  swale__redis_received_clear(&got);
  return rv;
}

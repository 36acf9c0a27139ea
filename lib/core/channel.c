/* SPDX-License-Identifier: MIT */
#include "core/channel.h"

#include <string.h>

#include "core/consumer.h"
#include "core/layer.h"
#include "core/name.h"
#include "core/siphash.h"

/* The slot that belongs to nobody: names of swale_new_channel carry it. It has to survive a shift in 32 bits. */
#define NO_SLOT (UINT32_MAX / 2)
#define CONSUMER_PREFIX "specific"
#define PREFIX_MAX 32
#define HEX_DIGITS 32

static bool is_free(uintptr_t row) { return row & 1; }

void swale__slots_init(struct swale__slots *slots) { slots->free = NO_SLOT; }

static int grow_slots(swale_layer *layer) {
  struct swale__slots *s = &layer->slots;
  uint32_t room = s->room ? s->room + s->room / 2 : 16;
  if (room > NO_SLOT / 2)
    return SWALE_EFULL;
  uintptr_t *at = swale__realloc_array(&layer->env.allocator, s->at, room, sizeof *at);
  if (!at)
    return SWALE_ENOMEM;
  s->at = at;
  s->room = room;
  return 0;
}

int swale__slot_take(swale_layer *layer, struct swale_consumer *consumer, uint32_t *slot) {
  struct swale__slots *s = &layer->slots;
  if (s->free != NO_SLOT) {
    *slot = s->free;
    s->free = (uint32_t)(s->at[*slot] >> 1);
  } else {
    int rv = s->count == s->room ? grow_slots(layer) : 0;
    if (rv < 0)
      return rv;
    *slot = s->count++;
  }
  s->at[*slot] = (uintptr_t)consumer;
  layer->consumers++;
  return 0;
}

void swale__slot_leave(swale_layer *layer, uint32_t slot) {
  struct swale__slots *s = &layer->slots;
  s->at[slot] = (uintptr_t)s->free << 1 | 1;
  s->free = slot;
  layer->consumers--;
}

swale_consumer *swale__slot_at(const swale_layer *layer, uint32_t i) {
  uintptr_t row = layer->slots.at[i];
  return is_free(row) ? NULL : (swale_consumer *)row;
}

/*
 * ---- names ---- The 32 hex digits behind the "!" are the slot, masked with a keyed hash of the salt, and
 * the salt itself. The mask is there because names are handed about: without it they would tell how many
 * connections a server has.
 */
static uint64_t mask_of(const swale_layer *layer, uint64_t salt) {
  return swale__siphash(layer->key, &salt, sizeof salt);
}

static void put_hex(char *out, uint64_t value) {
  static const char digits[] = "0123456789abcdef";
  for (int i = 15; i >= 0; i--, value >>= 4)
    out[i] = digits[value & 15];
}

static bool get_hex(const char *in, uint64_t *value) {
  *value = 0;
  for (int i = 0; i < 16; i++) {
    char c = in[i];
    bool digit = c >= '0' && c <= '9';
    if (!digit && !(c >= 'a' && c <= 'f'))
      return false;
    *value = *value << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
  }
  return true;
}

static void write_name(const swale_layer *layer, const char *prefix, struct swale__id id, char *name) {
  size_t n = strlen(prefix);
  memcpy(name, prefix, n);
  name[n++] = '.';
  memcpy(name + n, layer->process, HEX_DIGITS);
  n += HEX_DIGITS;
  name[n++] = '!';
  put_hex(name + n, id.slot ^ mask_of(layer, id.salt));
  put_hex(name + n + 16, id.salt);
  name[n + HEX_DIGITS] = '\0';
}

void swale__id_name(const swale_layer *layer, struct swale__id id, char name[SWALE_NAME_SIZE]) {
  write_name(layer, CONSUMER_PREFIX, id, name);
}

int swale__id_fresh(const swale_layer *layer, const char *prefix, char name[SWALE_NAME_SIZE]) {
  if (!prefix)
    prefix = CONSUMER_PREFIX;
  if (!swale__name_is_group(prefix) || strlen(prefix) > PREFIX_MAX)
    return SWALE_ENAME;
  struct swale__id id = {.slot = NO_SLOT};
  if (layer->env.random(&id.salt, sizeof id.salt, layer->env.user) != 0)
    return SWALE_ERANDOM;
  write_name(layer, prefix, id, name);
  return 0;
}

/*
 * Is this a name that this process gave, and what is behind it? A forged one leads to no slot, or to
 * another's.
 */
static bool read_name(const swale_layer *layer, const char *name, struct swale__id *id) {
  const char *mark = strchr(name, '!');
  if (!mark || mark - name <= HEX_DIGITS || strlen(mark + 1) != HEX_DIGITS)
    return false;
  if (mark[-HEX_DIGITS - 1] != '.' || memcmp(mark - HEX_DIGITS, layer->process, HEX_DIGITS) != 0)
    return false;
  uint64_t where;
  if (!get_hex(mark + 1, &where) || !get_hex(mark + 17, &id->salt))
    return false;
  where ^= mask_of(layer, id->salt);
  id->slot = (uint32_t)where;
  return where <= UINT32_MAX;
}

static bool is_consumer_prefix(const char *name) {
  return strncmp(name, CONSUMER_PREFIX ".", sizeof CONSUMER_PREFIX) == 0;
}

int swale__channel_resolve(swale_layer *layer, const char *name, struct swale_consumer **out) {
  struct swale__id id;
  *out = NULL;
  if (!read_name(layer, name, &id) || id.slot == NO_SLOT)
    return 0;
  if (!is_consumer_prefix(name) || id.slot >= layer->slots.count)
    return SWALE_ECLOSED;
  swale_consumer *c = swale__slot_at(layer, id.slot);
  if (!c || c->salt != id.salt)
    return SWALE_ECLOSED;
  *out = c;
  return 0;
}

bool swale__channel_is_own(const swale_layer *layer, const char *name) {
  struct swale__id id;
  return read_name(layer, name, &id);
}

/* ---- the groups of a channel ---- */

int swale__channel_reserve_group(struct swale__channel *ch, const struct swale_allocator *a) {
  if (ch->n_groups < (ch->room ? ch->room : 1))
    return 0;
  uint32_t room = ch->room ? ch->room * 2u : 4;
  struct swale__membership *many =
      swale__realloc_array(a, ch->room ? ch->groups.many : NULL, room, sizeof *many);
  if (!many)
    return SWALE_ENOMEM;
  if (!ch->room)
    many[0] = ch->groups.one;
  ch->groups.many = many;
  ch->room = room & 0x7fffffff;
  return 0;
}

void swale__channel_free_groups(struct swale__channel *ch, const struct swale_allocator *a) {
  if (ch->room)
    swale__free(a, ch->groups.many);
  ch->room = 0;
}

/* SPDX-License-Identifier: MIT */
/* Channels without a consumer, received from by whoever knows their names; and what empties all of a layer. */
#include <string.h>

#include "core/consumer.h"
#include "core/group.h"
#include "core/layer.h"
#include "core/loop.h"
#include "core/name.h"
#include "core/receiver.h"

int swale_new_channel(swale_layer *layer, const char *prefix, char name[SWALE_NAME_SIZE]) {
  char fresh[SWALE_NAME_SIZE];
  struct swale__wakes wakes = {0};
  int rv = swale__id_fresh(layer, prefix, fresh);
  if (rv < 0)
    return rv;
  swale__layer_lock(layer);
  rv = prefix ? swale__outside_listen_own(layer, fresh) : 0;
  swale__layer_finish(layer, &wakes);
  if (rv == 0)
    strcpy(name, fresh);
  return rv;
}

int swale__plain_find_unowned(swale_layer *layer, const char *channel, struct swale__plain **out) {
  swale_consumer *c;
  *out = NULL;
  swale__layer_expire(layer);
  int rv = swale__channel_resolve(layer, channel, &c);
  if (rv == 0 && c)
    return SWALE_ESTATE;
  if (rv < 0)
    return rv;
  *out = swale__plain_find(layer, channel);
  return *out && (*out)->holds > 0 ? SWALE_ESTATE : 0;
}

int swale_receive(swale_layer *layer, const char *channel, swale_message **out) {
  struct swale__plain *p;
  struct swale__wakes wakes = {0};
  *out = NULL;
  if (!swale__name_is_channel(channel))
    return SWALE_ENAME;
  swale__layer_lock(layer);
  int rv = swale__plain_find_unowned(layer, channel, &p);
  if (rv == 0) {
    bool any = p && swale__queue_depth(&p->queue) > p->called; /* those are somebody's */
    *out = any ? swale__plain_take(layer, p) : NULL;
    rv = *out ? 0 : SWALE_EAGAIN;
    if (!*out)
      swale__outside_receive(layer, channel, true);
  }
  if (rv == 0) {
    layer->books.delivered++;
    swale__plain_tidy(layer, &p->channel);
  }
  swale__layer_finish(layer, &wakes);
  return rv;
}

int swale_channel_close(swale_layer *layer, const char *channel) {
  struct swale__plain *p;
  struct swale__wakes wakes = {0};
  if (!swale__name_is_channel(channel))
    return SWALE_ENAME;
  swale__layer_lock(layer);
  int rv = swale__plain_find_unowned(layer, channel, &p);
  if (rv == SWALE_ECLOSED)
    rv = 0;
  if (rv == 0)
    swale__outside_unlisten(layer, channel);
  if (rv == 0 && p) {
    p->holds++;
    swale__plain_drop_all(layer, p, SWALE_DROP_CLOSED);
    swale__receivers_end(layer, p, SWALE_ECLOSED, &wakes);
    swale__channel_leave_all(layer, &p->channel);
    swale__plain_release(layer, p);
  }
  swale__layer_finish(layer, &wakes);
  return rv;
}

/* ---- flush ---- */

/* Loops drop what waits on their side when they next run. */
static void wake_ports(swale_layer *layer, struct swale__wakes *wakes) {
  for (struct swale__port *p = layer->ports; p; p = p->next_in_layer)
    swale__wakes_note(wakes, p->loop);
}

int swale_flush(swale_layer *layer) {
  struct swale__wakes wakes = {0};
  swale__layer_lock(layer);
  swale__layer_expire(layer);
  atomic_fetch_add_explicit(&layer->epoch, 1, memory_order_release);
  swale__groups_clear(layer);
  swale__plains_flush(layer);
  if (layer->outside.class)
    swale__outside_post(&layer->outside)->flush(layer->outside.backend);
  wake_ports(layer, &wakes);
  swale__layer_finish(layer, &wakes);
  return 0;
}

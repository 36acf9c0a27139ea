/* SPDX-License-Identifier: MIT */
#include "core/lease.h"

#include "core/layer.h"

void swale__lease_end(struct swale__leases *all, struct swale__lease *l) {
  *(l->older ? &l->older->newer : &all->oldest) = l->newer;
  *(l->newer ? &l->newer->older : &all->newest) = l->older;
}

void swale__lease_start(swale_layer *layer, struct swale__lease *l) {
  struct swale__leases *all = &layer->leases;
  l->expires = swale__layer_now(layer) + layer->group_expiry_ms;
  l->older = all->newest;
  l->newer = NULL;
  *(all->newest ? &all->newest->newer : &all->oldest) = l;
  all->newest = l;
}

void swale__lease_renew(swale_layer *layer, struct swale__lease *l) {
  swale__lease_end(&layer->leases, l);
  swale__lease_start(layer, l);
}

void swale__leases_expire(swale_layer *layer, uint64_t now) {
  struct swale__lease *l;
  while ((l = layer->leases.oldest) && l->expires <= now) {
    const struct swale__place *place = &l->lane->places[l->index];
    const struct swale__channel *ch = swale__place_channel(place);
    if (swale__plain_has_worker(ch))
      swale__lease_renew(layer, l);
    else
      swale__membership_end(layer, &swale__channel_groups(ch)[place->membership]);
  }
}

/* SPDX-License-Identifier: MIT */
#include "testing/inbox.h"

#include <string.h>

struct swale__parcel {
  struct swale__parcel *next;
  swale_payload *payload;
};

static void *take_memory(const struct swale__inbox *inbox, size_t size) {
  return inbox->allocator->malloc(size, inbox->allocator->user);
}

static void give_back(const struct swale__inbox *inbox, void *block) {
  inbox->allocator->free(block, inbox->allocator->user);
}

void swale__inbox_init(struct swale__inbox *inbox, const struct swale_allocator *allocator) {
  *inbox = (struct swale__inbox){.allocator = allocator, .last = &inbox->first, .capacity = 1000};
}

void swale__inbox_clear(struct swale__inbox *inbox) {
  while (inbox->first)
    swale__inbox_drop(inbox);
  give_back(inbox, inbox->view);
  inbox->view = NULL;
}

int swale__inbox_put(struct swale__inbox *inbox, swale_payload *payload) {
  if (inbox->count >= inbox->capacity)
    return SWALE_EFULL;
  struct swale__parcel *parcel = take_memory(inbox, sizeof *parcel);
  if (!parcel)
    return SWALE_ENOMEM;
  *parcel = (struct swale__parcel){.payload = swale_payload_ref(payload)};
  *inbox->last = parcel;
  inbox->last = &parcel->next;
  inbox->count++;
  return 0;
}

bool swale__inbox_starts_with(const struct swale__inbox *inbox, const char *text) {
  if (!inbox->first || swale_payload_kind(inbox->first->payload) != SWALE_TEXT)
    return false;
  size_t len;
  const void *bytes = swale_payload_bytes(inbox->first->payload, &len);
  return len == strlen(text) && memcmp(bytes, text, len) == 0;
}

void swale__inbox_drop(struct swale__inbox *inbox) {
  struct swale__parcel *parcel = inbox->first;
  inbox->first = parcel->next;
  if (!inbox->first)
    inbox->last = &inbox->first;
  inbox->count--;
  swale_payload_unref(parcel->payload);
  give_back(inbox, parcel);
}

int swale__inbox_take(struct swale__inbox *inbox, struct swale_received *out) {
  if (!inbox->first)
    return SWALE_EAGAIN;
  size_t len;
  const void *bytes = swale_payload_bytes(inbox->first->payload, &len);
  char *view = take_memory(inbox, len + 1);
  if (!view)
    return SWALE_ENOMEM;
  memcpy(view, bytes, len);
  view[len] = '\0';
  give_back(inbox, inbox->view);
  inbox->view = view;
  *out = (struct swale_received){swale_payload_kind(inbox->first->payload), view, len};
  swale__inbox_drop(inbox);
  return 0;
}

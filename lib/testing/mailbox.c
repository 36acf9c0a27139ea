/* SPDX-License-Identifier: MIT */
#include "testing/mailbox.h"

#include <string.h>

struct swale__parcel {
  struct swale__parcel *next;
  swale_payload *payload;
};

static void *take_memory(const struct swale__mailbox *box, size_t size) {
  return box->allocator->malloc(size, box->allocator->user);
}

static void give_back(const struct swale__mailbox *box, void *block) {
  box->allocator->free(block, box->allocator->user);
}

void swale__mailbox_init(struct swale__mailbox *box, const struct swale_allocator *allocator) {
  *box = (struct swale__mailbox){.allocator = allocator, .last = &box->first, .capacity = 1000};
}

void swale__mailbox_clear(struct swale__mailbox *box) {
  while (box->first)
    swale__mailbox_drop(box);
  give_back(box, box->view);
  box->view = NULL;
}

int swale__mailbox_put(struct swale__mailbox *box, swale_payload *payload) {
  if (box->count >= box->capacity)
    return SWALE_EFULL;
  struct swale__parcel *parcel = take_memory(box, sizeof *parcel);
  if (!parcel)
    return SWALE_ENOMEM;
  *parcel = (struct swale__parcel){.payload = swale_payload_ref(payload)};
  *box->last = parcel;
  box->last = &parcel->next;
  box->count++;
  return 0;
}

bool swale__mailbox_starts_with(const struct swale__mailbox *box, const char *text) {
  if (!box->first || swale_payload_kind(box->first->payload) != SWALE_TEXT)
    return false;
  size_t len;
  const void *bytes = swale_payload_bytes(box->first->payload, &len);
  return len == strlen(text) && memcmp(bytes, text, len) == 0;
}

void swale__mailbox_drop(struct swale__mailbox *box) {
  struct swale__parcel *parcel = box->first;
  box->first = parcel->next;
  if (!box->first)
    box->last = &box->first;
  box->count--;
  swale_payload_unref(parcel->payload);
  give_back(box, parcel);
}

int swale__mailbox_take(struct swale__mailbox *box, struct swale_received *out) {
  if (!box->first)
    return SWALE_EAGAIN;
  size_t len;
  const void *bytes = swale_payload_bytes(box->first->payload, &len);
  char *view = take_memory(box, len + 1);
  if (!view)
    return SWALE_ENOMEM;
  memcpy(view, bytes, len);
  view[len] = '\0';
  give_back(box, box->view);
  box->view = view;
  *out = (struct swale_received){swale_payload_kind(box->first->payload), view, len};
  swale__mailbox_drop(box);
  return 0;
}

/* SPDX-License-Identifier: MIT */
#include "acts.h"

/* What consumers do: decide, send, close. */

void end_turn(const struct actor *a) {
  struct world *w = a->world;
  call_end(w);
  if (w->depth == 0 || a->host != w->turn)
    host_sleeps(w, a->host);
}

int try_accept(struct actor *a, const char *subprotocol) {
  struct world *w = a->world;
  call_begin(w, QUIET, a->peer, "swale_accept");
  int rv = swale_accept(a->consumer, subprotocol);
  end_turn(a);
  note(w, "accept consumer %u: %d", a->serial, rv);
  CHECK(w,
        ok_or_starved(w, rv) || rv == SWALE_ECLOSED || (rv == SWALE_ESTATE && a->stage == OPEN) ||
            (rv == SWALE_EINVAL && subprotocol),
        "swale_accept: %d", rv);
  if (rv == 0) {
    CHECK(w, a->stage == UNDECIDED || !a->peer, "accepted twice");
    a->stage = OPEN;
    if (a->peer)
      a->peer->promised = 101;
  }
  return rv;
}

int try_reject(struct actor *a, int status, const char *body) {
  struct world *w = a->world;
  call_begin(w, QUIET, a->peer, "swale_reject");
  int rv = swale_reject(a->consumer, status, body);
  end_turn(a);
  note(w, "reject consumer %u with %d: %d", a->serial, status, rv);
  CHECK(w, ok_or_starved(w, rv) || rv == SWALE_ECLOSED || (rv == SWALE_ESTATE && a->stage == OPEN),
        "swale_reject: %d", rv);
  if (ok_or_starved(w, rv)) {
    a->stage = CLOSING;
    if (a->peer && a->peer->promised == 0)
      a->peer->promised = status;
  }
  return rv;
}

int try_close(struct actor *a, uint16_t code, const char *reason) {
  struct world *w = a->world;
  call_begin(w, QUIET, a->peer, "swale_close");
  int rv = swale_close(a->consumer, code, reason);
  end_turn(a);
  note(w, "close consumer %u with %u: %d", a->serial, code, rv);
  CHECK(w, rv == 0 || rv == SWALE_ECLOSED || (rv == SWALE_EINVAL && code == 999), "swale_close: %d", rv);
  if (rv == 0) {
    a->stage = CLOSING;
    a->closed_with = code;
  }
  return rv;
}

static void check_sent(const struct actor *a, int rv) {
  struct world *w = a->world;
  bool fine = rv == SWALE_ECLOSED || rv == SWALE_EFULL || ok_or_starved(w, rv) ||
              (rv == SWALE_ESTATE && a->stage == UNDECIDED) || (rv == SWALE_EUNSUPPORTED && !a->peer);
  CHECK(w, fine, "sending answers %d", rv);
  if (rv == 0)
    CHECK(w, a->stage == OPEN && (a->peer->ws || a->peer->opening), "sent to a connection that is not open");
}

static int send_payload(const struct actor *a, enum swale_kind kind, const void *bytes, size_t len) {
  swale_payload *payload;
  int rv = swale_payload_new(kind, bytes, len, &swale_testing_env_get(a->world->env)->allocator, &payload);
  if (rv < 0)
    return rv;
  rv = swale_send_payload(a->consumer, payload);
  swale_payload_unref(payload);
  return rv;
}

int try_send(struct actor *a, enum swale_kind kind, const void *bytes, size_t len) {
  struct world *w = a->world;
  int rv;
  call_begin(w, QUIET, a->peer, "swale_send_text");
  if (a->stage == OPEN && dice_chance(&w->dice, 20))
    rv = send_payload(a, kind, bytes, len);
  else
    rv = kind == SWALE_TEXT ? swale_send_text(a->consumer, bytes, len)
                            : swale_send_bytes(a->consumer, bytes, len);
  end_turn(a);
  check_sent(a, rv);
  if (rv == 0)
    notes_add(&a->peer->sent, kind, bytes, len, 0);
  return rv;
}

static int render(const swale_message *m, swale_buffer *out, void *prefix) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  swale_buffer_printf(out, "%s%lld ", (const char *)prefix, (long long)swale_message_get_int(m, "id", 0));
  return swale_buffer_append(out, text, len);
}

int try_send_rendered(struct actor *a, swale_message *m) {
  static char prefixes[2][8] = {"id ", "number "};
  struct world *w = a->world;
  void *prefix = prefixes[dice_below(&w->dice, 2)];
  call_begin(w, QUIET, a->peer, "swale_send_rendered");
  int rv = swale_send_rendered(a->consumer, m, SWALE_TEXT, render, prefix);
  end_turn(a);
  check_sent(a, rv);
  if (rv != 0)
    return rv;
  swale_payload *payload;
  size_t len;
  CHECK(w, swale_message_render(m, SWALE_TEXT, render, prefix, &payload) == 0,
        "what is rendered is not kept");
  const void *bytes = swale_payload_bytes(payload, &len);
  notes_add(&a->peer->sent, SWALE_TEXT, bytes, len, 0);
  return 0;
}

void act_send(struct world *w, struct actor *self) {
  static char text[(1 << MESSAGE_BITS) + 1];
  struct actor *a = any_actor(w, self);
  if (!a)
    return;
  size_t len = write_text(text, dice_size(&w->dice, w->temper.big), dice_next(&w->dice));
  try_send(a, dice_chance(&w->dice, 50) ? SWALE_TEXT : SWALE_BINARY, text, len);
}

void act_close(struct world *w, struct actor *self) {
  static const uint16_t codes[] = {1000, 1001, 1011, 3999, 4001, 999};
  struct actor *a = any_actor(w, self);
  if (a)
    try_close(a, codes[dice_below(&w->dice, 6)], dice_chance(&w->dice, 50) ? "why not" : NULL);
}

/* Somebody who has not been decided on yet, if it can be found. */
void act_decide(struct world *w, struct actor *self) {
  struct actor *a = any_actor(w, self);
  for (int i = 0; i < 8 && a && a->stage != UNDECIDED; i++)
    a = any_actor(w, NULL);
  if (a && dice_chance(&w->dice, 80))
    try_accept(a, NULL);
  else if (a)
    try_reject(a, 404, NULL);
}

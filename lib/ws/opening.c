/* SPDX-License-Identifier: MIT */
#include "ws/opening.h"

#include <string.h>

#include "ws/answer.h"
#include "ws/deflate.h"
#include "ws/memory.h"
#include "ws/origin.h"
#include "ws/undecided.h"

enum { SWITCHING_PROTOCOLS = 101, BAD_REQUEST = 400, FORBIDDEN = 403, INTERNAL_ERROR = 500 };

static const struct swale_allocator *memory(const swale_ws *ws) { return ws->pool->allocator; }

/* ---- life ------------------------------------------------------------------------------- */

static int copy_addresses(struct swale__ws_opening *opening, const char *client, const char *server,
                          const struct swale_allocator *allocator) {
  size_t client_size = client ? strlen(client) + 1 : 0, server_size = server ? strlen(server) + 1 : 0;
  if (client_size + server_size == 0)
    return 0;
  opening->addresses = swale__ws_malloc(allocator, client_size + server_size);
  if (!opening->addresses)
    return SWALE_ENOMEM;
  if (client)
    opening->client = memcpy(opening->addresses, client, client_size);
  if (server)
    opening->server = memcpy(opening->addresses + client_size, server, server_size);
  return 0;
}

int swale__ws_opening_new(swale_ws *ws, const char *client, const char *server) {
  struct swale__ws_opening *opening = swale__ws_malloc(memory(ws), sizeof *opening);
  if (!opening)
    return SWALE_ENOMEM;
  memset(opening, 0, sizeof *opening);
  swale__ws_head_init(&opening->head, memory(ws), ws->options->head_max, ws->options->headers_max);
  opening->deflate_wanted = ws->options->deflate && swale__ws_codec_available;
  if (opening->deflate_wanted)
    opening->deflate = *ws->options->deflate;
  opening->ws = ws;
  int rv = copy_addresses(opening, client, server, memory(ws));
  if (rv == 0)
    rv = swale__ws_undecided_join(opening, client);
  if (rv == 0) {
    ws->opening = opening;
    return 0;
  }
  swale__ws_release(memory(ws), opening->addresses);
  swale__ws_release(memory(ws), opening);
  return rv;
}

void swale__ws_opening_decided(swale_ws *ws) {
  if (ws->opening)
    swale__ws_undecided_leave(ws->opening);
}

static void forget_request(swale_ws *ws) {
  struct swale__ws_opening *opening = ws->opening;
  swale__ws_head_free(&opening->head);
  swale__ws_release(memory(ws), opening->addresses);
  opening->addresses = opening->client = opening->server = NULL;
}

void swale__ws_opening_free(swale_ws *ws) {
  if (!ws->opening)
    return;
  swale__ws_undecided_leave(ws->opening);
  forget_request(ws);
  swale__ws_release(memory(ws), ws->opening->answer);
  swale__ws_release(memory(ws), ws->opening->early);
  swale__ws_release(memory(ws), ws->opening);
  ws->opening = NULL;
}

void swale__ws_opening_retire(swale_ws *ws) {
  struct swale__ws_opening *opening = ws->opening;
  if (!opening || ws->phase < SWALE__WS_OPEN || (opening->upgraded && !opening->answer_taken))
    return;
  if (opening->early_len == 0 || ws->phase >= SWALE__WS_DRAINING)
    swale__ws_opening_free(ws);
}

/* ---- the answer ------------------------------------------------------------------------- */

static int give_answer(swale_ws *ws, const struct swale__ws_answer *answer) {
  if (ws->opening->upgraded)
    return swale__ws_answer_copy(answer, memory(ws), &ws->opening->answer);
  swale_payload *text;
  int rv = swale__ws_answer_render(answer, memory(ws), &text);
  return rv < 0 ? rv : swale__ws_queue(ws, text);
}

static bool is_undecided(const swale_ws *ws) { return ws->phase == SWALE__WS_DECIDING && !ws->freed; }

/* Accepts the peer's offer of deflate where that is wanted. */
static void agree_on_deflate(swale_ws *ws, char extension[SWALE__EXTENSION_SIZE]) {
  const struct swale__ws_opening *opening = ws->opening;
  extension[0] = '\0';
  if (!opening->offer.made || !opening->deflate_wanted)
    return;
  struct swale__ws_agreement agreed = swale__ws_offer_agree(&opening->offer, &opening->deflate);
  swale__ws_deflate_begin(ws, &agreed, &opening->deflate);
  if (ws->deflate)
    swale__ws_agreement_write(&agreed, &opening->offer, extension);
}

int swale__ws_accept(void *transport, const char *subprotocol, const struct swale_header *headers,
                     size_t n_headers) {
  swale_ws *ws = transport;
  struct swale__ws_answer answer;
  char extension[SWALE__EXTENSION_SIZE];
  if (!is_undecided(ws))
    return SWALE_ECLOSED;
  agree_on_deflate(ws, extension);
  swale__ws_answer_accept(&answer, ws->opening->accept, subprotocol, extension);
  int rv = swale__ws_answer_add(&answer, headers, n_headers);
  if (rv == 0)
    rv = give_answer(ws, &answer);
  if (rv < 0) {
    swale__ws_deflate_end(ws);
    return rv;
  }
  ws->heard_ms = ws->message_ms = swale__ws_now(ws);
  swale__ws_enter_phase(ws, SWALE__WS_OPEN);
  swale__ws_decided(ws);
  return 0;
}

/* The connection ends, whether or not there is memory to say why. */
static int refuse_with(swale_ws *ws, const struct swale__ws_answer *answer) {
  int rv = give_answer(ws, answer);
  swale__ws_enter_phase(ws, SWALE__WS_DRAINING);
  return rv;
}

int swale__ws_reject(void *transport, int status, const struct swale_header *headers, size_t n_headers,
                     const char *body) {
  swale_ws *ws = transport;
  struct swale__ws_answer answer;
  ws->consumer = NULL;
  if (!is_undecided(ws))
    return 0;
  swale__ws_answer_refuse(&answer, status, body);
  swale__ws_answer_add(&answer, headers, n_headers); /* a consumer has 32 at most: they fit */
  return refuse_with(ws, &answer);
}

void swale__ws_opening_refuse(swale_ws *ws, int status, const char *why) {
  struct swale__ws_answer answer;
  swale__ws_answer_refuse(&answer, status, why);
  refuse_with(ws, &answer);
  if (why)
    swale_app_report(ws->app, NULL, status, why);
}

/* ---- the request ------------------------------------------------------------------------ */

static bool origin_allowed(const swale_ws *ws, const struct swale__ws_handshake *handshake) {
  if (ws->options->origins)
    return swale_origins_allow(ws->options->origins, handshake->origin) != 0;
  return swale_app_has_guard(ws->app, swale_origin_guard) ||
         swale__ws_origin_is_same(handshake->origin, handshake->host, ws->options->scheme);
}

/*
 * Callbacks of the app run in here. Any of them may free or close the connection, a guard even before there
 * is a consumer; then the consumer that was made all the same is told at once.
 */
static void open_consumer(swale_ws *ws, const struct swale__ws_request *request,
                          const struct swale__ws_handshake *handshake) {
  struct swale__ws_opening *opening = ws->opening;
  struct swale_request asked = {
      .size = sizeof asked,
      .target = handshake->target,
      .scheme = ws->options->scheme,
      .client = opening->client,
      .server = opening->server,
      .headers = request->headers,
      .n_headers = request->n_headers,
      .subprotocols = handshake->subprotocols,
      .n_subprotocols = handshake->n_subprotocols,
  };
  memcpy(opening->accept, handshake->accept, sizeof opening->accept);
  opening->offer = handshake->offer;
  swale__ws_enter_phase(ws, SWALE__WS_DECIDING);
  int rv = swale_consumer_open(ws->app, ws->pool->loop, &asked, &swale__ws_transport, ws, &ws->consumer);
  if (rv == 0 && (ws->freed || ws->phase >= SWALE__WS_DRAINING))
    swale__ws_lose(ws, SWALE__CLOSE_ABNORMAL);
  else if (rv != 0 && is_undecided(ws))
    swale__ws_opening_refuse(ws, rv > 0 ? rv : INTERNAL_ERROR, NULL);
}

void swale__ws_opening_ask(swale_ws *ws, const struct swale__ws_request *request) {
  struct swale__ws_handshake handshake;
  int rv = swale__ws_handshake_check(request, memory(ws), &handshake);
  if (rv < 0)
    swale__ws_opening_refuse(ws, INTERNAL_ERROR, "no memory");
  else if (handshake.status != SWITCHING_PROTOCOLS)
    swale__ws_opening_refuse(ws, handshake.status, handshake.why);
  else if (!origin_allowed(ws, &handshake))
    swale__ws_opening_refuse(ws, FORBIDDEN, "this origin may not connect");
  else
    open_consumer(ws, request, &handshake);
  swale__ws_release(memory(ws), handshake.subprotocols);
}

static void ask_for_head(swale_ws *ws) {
  struct swale__ws_request request;
  struct swale_header *headers;
  if (swale__ws_head_request(&ws->opening->head, &request, &headers) < 0) {
    swale__ws_opening_refuse(ws, INTERNAL_ERROR, "no memory");
    return;
  }
  swale__ws_opening_ask(ws, &request);
  swale__ws_release(memory(ws), headers);
}

size_t swale__ws_opening_take_head(swale_ws *ws, const void *bytes, size_t len) {
  size_t used;
  int rv = swale__ws_head_feed(&ws->opening->head, bytes, len, &used);
  if (rv == SWALE__HEAD_MORE)
    return used;
  if (rv == SWALE__HEAD_COMPLETE)
    ask_for_head(ws);
  else if (rv < 0)
    swale__ws_opening_refuse(ws, INTERNAL_ERROR, "no memory");
  else
    swale__ws_opening_refuse(ws, rv, ws->opening->head.why);
  forget_request(ws);
  return used;
}

/* ---- early bytes ------------------------------------------------------------------------ */

static int keep(swale_ws *ws, const void *bytes, size_t len) {
  struct swale__ws_opening *opening = ws->opening;
  size_t max = ws->options->early_max + SWALE__EARLY_SLACK;
  if (len > max - opening->early_len)
    return SWALE_EFULL;
  size_t needed = opening->early_len + len, capacity = opening->early_capacity;
  if (needed > capacity) {
    capacity = capacity > max / 2 ? max : capacity * 2;
    capacity = capacity < needed ? needed : capacity;
    unsigned char *early = swale__ws_realloc(memory(ws), opening->early, capacity);
    if (!early)
      return SWALE_ENOMEM;
    opening->early = early;
    opening->early_capacity = capacity;
  }
  memcpy(opening->early + opening->early_len, bytes, len);
  opening->early_len = needed;
  return 0;
}

void swale__ws_opening_keep_early(swale_ws *ws, const void *bytes, size_t len) {
  int rv = len > 0 ? keep(ws, bytes, len) : 0;
  if (rv == 0)
    return;
  swale__ws_lose(ws, SWALE__CLOSE_ABNORMAL);
  if (rv == SWALE_EFULL)
    swale__ws_opening_refuse(ws, BAD_REQUEST, "too much data before the answer");
  else
    swale__ws_opening_refuse(ws, INTERNAL_ERROR, "no memory");
}

void swale__ws_opening_take_early(swale_ws *ws) {
  struct swale__ws_opening *opening = ws->opening;
  if (!opening || opening->early_len == 0 || !swale__ws_is_reading(ws))
    return;
  unsigned char *early = opening->early;
  size_t len = opening->early_len;
  bool nested = ws->busy;
  opening->early = NULL;
  opening->early_len = opening->early_capacity = 0;
  ws->busy = true;
  swale__ws_take_frames(ws, early, len);
  ws->busy = nested;
  swale__ws_release(memory(ws), early);
}

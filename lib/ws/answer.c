/* SPDX-License-Identifier: MIT */
#include "ws/answer.h"

#include <stdbool.h>
#include <string.h>

#include <swale/error.h>
#include <swale/transport.h>

#include "ws/ascii.h"
#include "ws/memory.h"

enum { SWITCHING_PROTOCOLS = 101, METHOD_NOT_ALLOWED = 405, UPGRADE_REQUIRED = 426 };

static const char *reason_phrase(int status) {
  static const struct {
    int16_t status;
    char phrase[32]; /* no pointer, which would have to be relocated when the library is loaded */
  } phrases[] = {
      {101, "Switching Protocols"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {421, "Misdirected Request"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {451, "Unavailable For Legal Reasons"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
    if (phrases[i].status == status)
      return phrases[i].phrase;
  return "Refused";
}

static void add(struct swale__ws_answer *answer, const char *name, const char *value) {
  answer->headers[answer->n_headers++] = (struct swale_header){name, value};
}

void swale__ws_answer_accept(struct swale__ws_answer *answer, const char *accept_key, const char *subprotocol,
                             const char *extension) {
  *answer = (struct swale__ws_answer){.status = SWITCHING_PROTOCOLS, .body = ""};
  add(answer, "Upgrade", "websocket");
  add(answer, "Connection", "Upgrade");
  add(answer, "Sec-WebSocket-Accept", accept_key);
  if (subprotocol)
    add(answer, "Sec-WebSocket-Protocol", subprotocol);
  if (extension[0])
    add(answer, "Sec-WebSocket-Extensions", extension);
}

void swale__ws_answer_refuse(struct swale__ws_answer *answer, int status, const char *body) {
  *answer = (struct swale__ws_answer){.status = status, .body = body ? body : reason_phrase(status)};
  if (status == METHOD_NOT_ALLOWED)
    add(answer, "Allow", "GET");
  if (status == UPGRADE_REQUIRED) {
    add(answer, "Upgrade", "websocket");
    add(answer, "Sec-WebSocket-Version", "13");
  }
}

int swale__ws_answer_add(struct swale__ws_answer *answer, const struct swale_header *headers, size_t n) {
  if (n > SWALE__ANSWER_HEADERS_MAX - answer->n_headers)
    return SWALE_EFULL;
  for (size_t i = 0; i < n; i++)
    add(answer, headers[i].name, headers[i].value);
  return 0;
}

/* ---- HTTP/1.1 --------------------------------------------------------------------------- */

static bool has_header(const struct swale__ws_answer *answer, const char *name) {
  for (size_t i = 0; i < answer->n_headers; i++)
    if (swale__ws_same_word(answer->headers[i].name, strlen(answer->headers[i].name), name))
      return true;
  return false;
}

/* An encoder, so that the text is written straight into the payload that goes out. */
static int write_answer(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out,
                        const void *arg) {
  const struct swale__ws_answer *answer = arg;
  (void)bytes, (void)len, (void)kind;
  swale_buffer_printf(out, "HTTP/1.1 %d %s\r\n", answer->status, reason_phrase(answer->status));
  for (size_t i = 0; i < answer->n_headers; i++) {
    swale_buffer_puts(out, answer->headers[i].name);
    swale_buffer_puts(out, ": ");
    swale_buffer_puts(out, answer->headers[i].value);
    swale_buffer_puts(out, "\r\n");
  }
  if (answer->status == SWITCHING_PROTOCOLS)
    return swale_buffer_puts(out, "\r\n");
  swale_buffer_puts(out, answer->status == UPGRADE_REQUIRED ? "Connection: Upgrade, close\r\n"
                                                            : "Connection: close\r\n");
  if (!has_header(answer, "content-type"))
    swale_buffer_puts(out, "Content-Type: text/plain; charset=utf-8\r\n");
  swale_buffer_printf(out, "Content-Length: %zu\r\n\r\n", strlen(answer->body));
  return swale_buffer_puts(out, answer->body);
}

int swale__ws_answer_render(const struct swale__ws_answer *answer, const struct swale_allocator *allocator,
                            swale_payload **out) {
  return swale_payload_wrap(SWALE_BINARY, "", 0, write_answer, answer, allocator, out);
}

/* ---- for hosts that write it themselves --------------------------------------------------- */

static const char *put_text(char **at, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = memcpy(*at, text, size);
  *at += size;
  return copy;
}

int swale__ws_answer_copy(const struct swale__ws_answer *answer, const struct swale_allocator *allocator,
                          struct swale_ws_answer **out) {
  size_t texts = strlen(answer->body) + 1;
  for (size_t i = 0; i < answer->n_headers; i++)
    texts += strlen(answer->headers[i].name) + strlen(answer->headers[i].value) + 2;
  size_t headers_size = answer->n_headers * sizeof(struct swale_header);
  struct swale_ws_answer *copy = swale__ws_malloc(allocator, sizeof *copy + headers_size + texts);
  *out = copy;
  if (!copy)
    return SWALE_ENOMEM;
  struct swale_header *headers = (struct swale_header *)(copy + 1);
  char *at = (char *)(headers + answer->n_headers);
  for (size_t i = 0; i < answer->n_headers; i++) {
    headers[i].name = put_text(&at, answer->headers[i].name);
    headers[i].value = put_text(&at, answer->headers[i].value);
  }
  *copy = (struct swale_ws_answer){
      .status = answer->status,
      .headers = headers,
      .n_headers = answer->n_headers,
      .body = put_text(&at, answer->body),
      .body_len = strlen(answer->body),
  };
  return 0;
}

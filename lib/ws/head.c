/* SPDX-License-Identifier: MIT */
#include "ws/head.h"

#include <string.h>

#include <swale/error.h>

#include "ws/ascii.h"
#include "ws/memory.h"

/*
 * One state per position in the grammar (RFC 9112, 2 to 5), one step per byte. Stricter than the RFC asks
 * where leniency has led to smuggling: lines end in CR LF and nothing else, no folded lines, no space
 * before the colon, no control characters. One empty line before the request is let pass.
 *
 * What is kept goes to `text`: method, target, and then name and value of each header, each ended by a NUL
 * that takes the place of the delimiter. So what is kept is never longer than what was taken, and the room
 * for a slice of input can be made before its first byte is looked at.
 */
enum state {
  START,
  EMPTY_LINE_LF,
  METHOD,
  TARGET,
  VERSION,
  VERSION_LF,
  LINE_START,
  NAME,
  VALUE_START,
  VALUE,
  VALUE_LF,
  END_LF,
  COMPLETE
};

enum { SLICE = 512, BAD_REQUEST = 400, TOO_LARGE = 431, VERSION_NOT_SUPPORTED = 505 };

void swale__ws_head_init(struct swale__ws_head *head, const struct swale_allocator *allocator,
                         size_t head_max, uint32_t headers_max) {
  memset(head, 0, sizeof *head);
  head->allocator = allocator;
  head->head_max = head_max;
  head->headers_max = headers_max;
}

void swale__ws_head_free(struct swale__ws_head *head) {
  swale__ws_release(head->allocator, head->text);
  head->text = NULL;
  head->len = head->capacity = 0;
}

static int reserve(struct swale__ws_head *head, size_t more) {
  if (head->capacity - head->len >= more)
    return 0;
  size_t capacity = head->capacity > 0 ? head->capacity : SLICE;
  while (capacity - head->len < more)
    capacity *= 2;
  char *text = swale__ws_realloc(head->allocator, head->text, capacity);
  if (!text)
    return SWALE_ENOMEM;
  head->text = text;
  head->capacity = capacity;
  return 0;
}

static int refuse(struct swale__ws_head *head, int status, const char *why) {
  head->why = why;
  return status;
}

static int malformed(struct swale__ws_head *head, const char *why) { return refuse(head, BAD_REQUEST, why); }

static void keep(struct swale__ws_head *head, char c) { head->text[head->len++] = c; }

static int go(struct swale__ws_head *head, enum state state) {
  head->state = (unsigned char)state;
  return 0;
}

static int finish_word(struct swale__ws_head *head, enum state next) {
  keep(head, '\0');
  return go(head, next);
}

static int step_method(struct swale__ws_head *head, char c) {
  if (swale__ws_is_token(c)) {
    keep(head, c);
    return go(head, METHOD);
  }
  return c == ' ' && head->state == METHOD ? finish_word(head, TARGET) : malformed(head, "malformed method");
}

static int step_target(struct swale__ws_head *head, char c) {
  bool empty = head->text[head->len - 1] == '\0';
  if (c > ' ' && c < 0x7f) {
    keep(head, c);
    return 0;
  }
  return c == ' ' && !empty ? finish_word(head, VERSION) : malformed(head, "malformed request target");
}

/* "HTTP/" DIGIT "." DIGIT, and then the end of the line. */
static int step_version(struct swale__ws_head *head, char c) {
  static const char pattern[] = "HTTP/0.0\r";
  size_t at = head->version_at++;
  bool digit = pattern[at] == '0';
  if (digit ? !swale__ws_is_digit(c) : c != pattern[at])
    return malformed(head, "malformed HTTP version");
  if (digit && at == 5)
    head->major = c;
  else if (digit)
    head->minor = c;
  if (c != '\r')
    return 0;
  if (head->major != '1' || head->minor == '0')
    return refuse(head, VERSION_NOT_SUPPORTED, "not HTTP/1.1");
  return go(head, VERSION_LF);
}

static int step_line_start(struct swale__ws_head *head, char c) {
  if (c == '\r')
    return go(head, END_LF);
  if (c == ' ' || c == '\t')
    return malformed(head, "folded header line");
  if (!swale__ws_is_token(c))
    return malformed(head, "malformed header name");
  if (head->n_headers == head->headers_max)
    return refuse(head, TOO_LARGE, "too many headers");
  head->n_headers++;
  keep(head, swale__ws_lower(c));
  return go(head, NAME);
}

static int step_name(struct swale__ws_head *head, char c) {
  if (swale__ws_is_token(c)) {
    keep(head, swale__ws_lower(c));
    return 0;
  }
  return c == ':' ? finish_word(head, VALUE_START) : malformed(head, "malformed header name");
}

/* The NUL behind the name is where it stops at the latest. */
static void trim_value(struct swale__ws_head *head) {
  while (head->text[head->len - 1] == ' ' || head->text[head->len - 1] == '\t')
    head->len--;
}

static int step_value(struct swale__ws_head *head, char c) {
  if (c == '\r') {
    trim_value(head);
    return finish_word(head, VALUE_LF);
  }
  if (c == ' ' || c == '\t') {
    if (head->state == VALUE)
      keep(head, c);
    return 0;
  }
  if ((unsigned char)c < ' ' || c == 0x7f)
    return malformed(head, "control character in a header");
  keep(head, c);
  return go(head, VALUE);
}

static int step_lf(struct swale__ws_head *head, char c, enum state next) {
  return c == '\n' ? go(head, next) : malformed(head, "a line must end in CR LF");
}

static int step(struct swale__ws_head *head, char c) {
  switch ((enum state)head->state) {
  case START:
    return c == '\r' && head->taken == 0 ? go(head, EMPTY_LINE_LF) : step_method(head, c);
  case EMPTY_LINE_LF:
    return step_lf(head, c, START);
  case METHOD:
    return step_method(head, c);
  case TARGET:
    return step_target(head, c);
  case VERSION:
    return step_version(head, c);
  case VERSION_LF:
  case VALUE_LF:
    return step_lf(head, c, LINE_START);
  case LINE_START:
    return step_line_start(head, c);
  case NAME:
    return step_name(head, c);
  case VALUE_START:
  case VALUE:
    return step_value(head, c);
  case END_LF:
  case COMPLETE: /* is not stepped any more */
    break;
  }
  return step_lf(head, c, COMPLETE);
}

static int feed_slice(struct swale__ws_head *head, const char *bytes, size_t len, size_t *used) {
  int rv = reserve(head, len);
  for (size_t i = 0; i < len && rv == 0 && head->state != COMPLETE; i++) {
    if (head->taken == head->head_max)
      return refuse(head, TOO_LARGE, "the request head is too large");
    rv = step(head, bytes[i]);
    head->taken++;
    (*used)++;
  }
  return rv;
}

int swale__ws_head_feed(struct swale__ws_head *head, const void *bytes, size_t len, size_t *used) {
  const char *at = bytes;
  *used = 0;
  while (*used < len && head->state != COMPLETE) {
    size_t left = len - *used;
    int rv = feed_slice(head, at + *used, left < SLICE ? left : SLICE, used);
    if (rv)
      return rv;
  }
  return head->state == COMPLETE ? SWALE__HEAD_COMPLETE : SWALE__HEAD_MORE;
}

static const char *next_word(const char *word) { return word + strlen(word) + 1; }

int swale__ws_head_request(const struct swale__ws_head *head, struct swale__ws_request *request,
                           struct swale_header **headers) {
  *headers = NULL;
  if (head->n_headers > 0) {
    *headers = swale__ws_malloc(head->allocator, head->n_headers * sizeof **headers);
    if (!*headers)
      return SWALE_ENOMEM;
  }
  request->method = head->text;
  request->target = next_word(request->method);
  const char *last = request->target;
  for (uint32_t i = 0; i < head->n_headers; i++) {
    struct swale_header *header = &(*headers)[i];
    header->name = next_word(last);
    header->value = last = next_word(header->name);
  }
  request->headers = *headers;
  request->n_headers = head->n_headers;
  return 0;
}

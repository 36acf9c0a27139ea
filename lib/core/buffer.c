/* SPDX-License-Identifier: MIT */
#include "core/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/env.h"

/* The first block of a buffer that nobody gave a hint for, and the spare bytes nobody minds. */
enum { FIRST_CAPACITY = 256, SPARE_BYTES = 512 };

void swale__buffer_init(struct swale_buffer *b, const struct swale_allocator *allocator, size_t front,
                        size_t hint, size_t limit) {
  *b = (struct swale_buffer){.allocator = allocator, .front = front, .hint = hint, .limit = limit};
}

void swale__buffer_free(struct swale_buffer *b) {
  swale__free(b->allocator, b->block);
  b->block = NULL;
  b->len = b->capacity = 0;
}

static int fail(struct swale_buffer *b, int error) {
  b->error = error;
  return error;
}

static int resize(struct swale_buffer *b, size_t capacity) {
  unsigned char *block = swale__realloc(b->allocator, b->block, b->front + capacity);
  if (!block)
    return SWALE_ENOMEM;
  b->block = block;
  b->capacity = capacity;
  return 0;
}

/* At least `needed`, at most what the limit and the NUL of vsnprintf ask for: so printing obeys the limit. */
static size_t next_capacity(const struct swale_buffer *b, size_t needed) {
  size_t most = b->limit + 1, wanted = b->hint > 0 ? b->hint : FIRST_CAPACITY;
  if (b->capacity > 0)
    wanted = b->capacity > most / 2 ? most : b->capacity * 2;
  if (wanted < needed)
    return needed;
  return wanted < most ? wanted : most;
}

/* Room for `n` more bytes and one besides, for the NUL that vsnprintf insists on. */
static int make_room(struct swale_buffer *b, size_t n) {
  if (b->error)
    return b->error;
  if (n > b->limit - b->len)
    return fail(b, SWALE_ESIZE);
  if (n < b->capacity - b->len)
    return 0;
  int rv = resize(b, next_capacity(b, b->len + n + 1));
  return rv ? fail(b, rv) : 0;
}

int swale_buffer_append(swale_buffer *b, const void *bytes, size_t len) {
  if (!bytes && len > 0)
    return fail(b, b->error ? b->error : SWALE_EINVAL);
  int rv = make_room(b, len);
  if (rv == 0 && len > 0) {
    memcpy(b->block + b->front + b->len, bytes, len);
    b->len += len;
  }
  return rv;
}

int swale_buffer_puts(swale_buffer *b, const char *text) {
  if (!text)
    return fail(b, b->error ? b->error : SWALE_EINVAL);
  return swale_buffer_append(b, text, strlen(text));
}

/* Prints into the spare bytes; answers how many the text needs, or a negative number. */
static int print(struct swale_buffer *b, const char *format, va_list arguments) {
  return vsnprintf((char *)b->block + b->front + b->len, b->capacity - b->len, format, arguments);
}

/* Prints twice if the spare bytes were too few at first. */
int swale_buffer_printf(swale_buffer *b, const char *format, ...) {
  size_t needed = 0;
  do {
    int rv = make_room(b, needed);
    if (rv)
      return rv;
    va_list arguments;
    va_start(arguments, format);
    int printed = print(b, format, arguments);
    va_end(arguments);
    if (printed < 0)
      return fail(b, SWALE_EINVAL);
    needed = (size_t)printed;
  } while (needed >= b->capacity - b->len);
  b->len += needed;
  return 0;
}

void *swale__buffer_take(struct swale_buffer *b) {
  if (!b->block && resize(b, 1) != 0)
    return NULL;
  size_t spare = b->capacity - b->len;
  if (spare > SPARE_BYTES && spare > b->capacity / 4)
    resize(b, b->len + 1);
  void *block = b->block;
  b->block = NULL;
  b->len = b->capacity = 0;
  return block;
}

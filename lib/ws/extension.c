/* SPDX-License-Identifier: MIT */
#include "ws/extension.h"

#include <stdio.h>
#include <string.h>

#include "ws/ascii.h"

/*
 * The header is a list of extensions, each with parameters (RFC 6455, 9.1):
 *
 *     permessage-deflate; client_max_window_bits="10"; server_no_context_takeover, permessage-deflate, other
 */

enum { VALUE_SIZE = 3, SMALLEST_WINDOW = 8 };

/* ---- reading ---------------------------------------------------------------------------- */

struct word {
  const char *at;
  size_t len;
};

static void skip_blanks(const char **at) { *at += strspn(*at, " \t"); }

static bool skip(const char **at, char c) {
  skip_blanks(at);
  if (**at != c)
    return false;
  ++*at;
  skip_blanks(at);
  return true;
}

static struct word read_token(const char **at) {
  struct word token = {*at, 0};
  while (token.at[token.len] != '\0' && swale__ws_is_token(token.at[token.len]))
    token.len++;
  *at += token.len;
  return token;
}

static bool is(struct word word, const char *name) {
  return strlen(name) == word.len && memcmp(word.at, name, word.len) == 0;
}

/* Copies what fits of a value without its quotes, which must hold a token, into `value`. False for a fault of the syntax. */
static bool read_value(const char **at, char value[VALUE_SIZE + 1]) {
  bool quoted = **at == '"';
  size_t len = 0;
  *at += quoted;
  for (;; ++*at) {
    bool escaped = quoted && **at == '\\';
    *at += escaped;
    if (!swale__ws_is_token(**at)) {
      value[len] = '\0';
      return len > 0 && !escaped && (!quoted || *(*at)++ == '"');
    }
    if (len < VALUE_SIZE)
      value[len++] = **at;
  }
}

/* ---- parameters ------------------------------------------------------------------------- */

/* 8 to 15 without leading zeros; 0 for anything else. */
static unsigned char window_bits(const char *value) {
  size_t len = strlen(value);
  if (len == 1 && value[0] >= '8' && value[0] <= '9')
    return (unsigned char)(value[0] - '0');
  if (len == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5')
    return (unsigned char)(10 + value[1] - '0');
  return 0;
}

static bool set_flag(bool *flag, const char *value) {
  bool first = !*flag;
  *flag = true;
  return first && !value;
}

static bool set_bits(unsigned char *bits, unsigned char read) {
  bool first = *bits == 0;
  *bits = read;
  return first && read > 0;
}

/* Whether the offer can still be accepted with this parameter. `value` NULL: it has none. */
static bool apply(struct swale__ws_offer *offer, struct word name, const char *value) {
  if (is(name, "server_no_context_takeover"))
    return set_flag(&offer->server_no_takeover, value);
  if (is(name, "client_no_context_takeover"))
    return set_flag(&offer->client_no_takeover, value);
  if (is(name, "client_max_window_bits"))
    return set_bits(&offer->client_bits, value ? window_bits(value) : SWALE__WINDOW_BITS_MAX);
  if (is(name, "server_max_window_bits"))
    return set_bits(&offer->server_bits, value ? window_bits(value) : 0) &&
           offer->server_bits > SMALLEST_WINDOW;
  return false;
}

/* One element of the list. False for a fault of the syntax; offer->made tells whether it can be accepted. */
static bool read_extension(const char **at, struct swale__ws_offer *offer) {
  struct word name = read_token(at);
  *offer = (struct swale__ws_offer){0};
  bool good = is(name, "permessage-deflate");
  if (name.len == 0)
    return false;
  while (skip(at, ';')) {
    char value[VALUE_SIZE + 1];
    struct word parameter = read_token(at);
    bool has_value = skip(at, '=');
    if (parameter.len == 0 || (has_value && !read_value(at, value)))
      return false;
    good = good && apply(offer, parameter, has_value ? value : NULL);
  }
  offer->made = good;
  return **at == '\0' || **at == ',';
}

int swale__ws_offer_read(struct swale__ws_offer *offer, const char *value) {
  for (int n = 0;; n++) {
    struct swale__ws_offer next;
    while (skip(&value, ',')) {
    }
    if (*value == '\0')
      return n;
    if (!read_extension(&value, &next))
      return -1;
    if (next.made && !offer->made)
      *offer = next;
  }
}

/* ---- agreeing --------------------------------------------------------------------------- */

/* The smaller one; 0 stands for no limit. */
static unsigned char smaller(int wanted, unsigned char limit) {
  return limit > 0 && limit < wanted ? limit : (unsigned char)wanted;
}

struct swale__ws_agreement swale__ws_offer_agree(const struct swale__ws_offer *offer,
                                                 const struct swale_ws_deflate *wanted) {
  return (struct swale__ws_agreement){
      .server_takeover = wanted->server_context_takeover && !offer->server_no_takeover,
      .client_takeover = wanted->client_context_takeover && !offer->client_no_takeover,
      .server_bits = smaller(wanted->server_window_bits, offer->server_bits),
      .client_bits = offer->client_bits ? smaller(wanted->client_window_bits, offer->client_bits)
                                        : SWALE__WINDOW_BITS_MAX,
  };
}

void swale__ws_agreement_write(const struct swale__ws_agreement *agreed, const struct swale__ws_offer *offer,
                               char text[SWALE__EXTENSION_SIZE]) {
  char server_bits[32] = "", client_bits[32] = "";
  if (offer->server_bits || agreed->server_bits < SWALE__WINDOW_BITS_MAX)
    snprintf(server_bits, sizeof server_bits, "; server_max_window_bits=%d", agreed->server_bits);
  if (agreed->client_bits < offer->client_bits)
    snprintf(client_bits, sizeof client_bits, "; client_max_window_bits=%d", agreed->client_bits);
  snprintf(text, SWALE__EXTENSION_SIZE, "permessage-deflate%s%s%s%s",
           agreed->server_takeover ? "" : "; server_no_context_takeover",
           agreed->client_takeover ? "" : "; client_no_context_takeover", server_bits, client_bits);
}

/* SPDX-License-Identifier: MIT */
/*
 * Names and globs: the input is names, one a line, then an empty line and globs. Each name is tried as a group
 * and as a channel, and judged by a second reading of the rules; each glob is matched against each channel by
 * the layer, as a capacity, and by a matcher that tries everything.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <swale/swale.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                   \
  do                                                                                                         \
    if (!(condition))                                                                                        \
      abort();                                                                                               \
  while (0)

enum { NAMES = 16, GLOBS = 16, STEPS_MAX = 200000, USUAL = 100 };

/* ---- the rules, read again ---------------------------------------------------------------------- */

static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

static bool is_group(const char *name) {
  size_t len = strlen(name);
  return len >= 1 && len <= 99 && strspn(name, legal) == len;
}

static bool is_channel(const char *name) {
  size_t len = strlen(name), first = strspn(name, legal);
  if (len < 1 || len > 99 || first == 0)
    return false;
  return first == len || (name[first] == '!' && first + 1 + strspn(name + first + 1, legal) == len);
}

/* The end of a set whose members begin at `p`, or NULL: the ']' in first place is a member. */
static const char *set_end(const char *p) { return *p ? strchr(p + 1, ']') : NULL; }

static bool in_set(const char *p, const char *end, unsigned char c) {
  bool found = false;
  while (p < end) {
    unsigned char low = (unsigned char)*p, high = low;
    if (end - p >= 3 && p[1] == '-') {
      high = (unsigned char)p[2];
      p += 2;
    }
    p++;
    found |= low <= c && c <= high;
  }
  return found;
}

/* Tries everything; -1 when that takes too long. */
static int matches(const char *glob, const char *name, int *steps) {
  if (++*steps > STEPS_MAX)
    return -1;
  if (!*glob)
    return !*name;
  if (*glob == '*') {
    int rv = matches(glob + 1, name, steps);
    return rv != 0 || !*name ? rv : matches(glob, name + 1, steps);
  }
  if (!*name)
    return 0;
  if (*glob == '[') {
    const char *members = glob + 1 + (glob[1] == '!'), *end = set_end(members);
    if (end)
      return in_set(members, end, (unsigned char)*name) == (glob[1] != '!')
                 ? matches(end + 1, name + 1, steps)
                 : 0;
  }
  return *glob == '?' || *glob == *name ? matches(glob + 1, name + 1, steps) : 0;
}

/* ---- what the layer says ------------------------------------------------------------------------ */

static void try_name(swale_layer *layer, const char *name) {
  struct swale_channel_stats stats;
  struct swale_cursor at = {0};
  char other[SWALE_NAME_SIZE];
  swale_message *m = swale_message_new("t"), *taken;
  int sent = swale_send(layer, name, m), group_sent = swale_group_send(layer, name, m);
  swale_message_unref(m);
  REQUIRE((sent == SWALE_ENAME) == !is_channel(name));
  REQUIRE((group_sent == SWALE_ENAME) == !is_group(name));
  REQUIRE((swale_group_add(layer, name, "member") == SWALE_ENAME) == !is_group(name));
  REQUIRE((swale_group_add(layer, "g", name) == SWALE_ENAME) == !is_channel(name));
  REQUIRE(swale_group_count(layer, name) == (is_group(name) ? strcmp(name, "g") == 0 ? 2 : 1 : SWALE_ENAME));
  if (is_channel(name) && sent == 0) {
    REQUIRE(swale_channel_next_group(layer, name, &at, other) == 1);
    REQUIRE(swale_channel_stats_get(layer, name, &stats) == 0 && stats.depth == 1);
    REQUIRE(swale_receive(layer, name, &taken) == 0);
    swale_message_unref(taken);
  }
  swale_new_channel(layer, name, other);
  REQUIRE((swale_group_discard(layer, "g", name) == SWALE_ENAME) == !is_channel(name));
  REQUIRE((swale_group_discard(layer, name, "member") == SWALE_ENAME) == !is_group(name));
}

static uint32_t capacity_by_rule(const struct swale_capacity *globs, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++) {
    int steps = 0, rv = matches(globs[i].pattern, name, &steps);
    if (rv != 0)
      return rv > 0 ? globs[i].capacity : 0;
  }
  return USUAL;
}

static void try_globs(swale_layer *layer, const struct swale_capacity *globs, size_t n, const char *name) {
  struct swale_channel_stats stats;
  if (swale_group_add(layer, "h", name) < 0)
    return;
  uint32_t expected = capacity_by_rule(globs, n, name);
  REQUIRE(swale_channel_stats_get(layer, name, &stats) == 0);
  REQUIRE(expected == 0 || stats.capacity == expected);
}

/* Cuts the next line off; NULL at the end. */
static char *next_line(char **text) {
  char *line = *text;
  if (!line)
    return NULL;
  char *end = strchr(line, '\n');
  *text = end ? end + 1 : NULL;
  if (end)
    *end = '\0';
  return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *input = malloc(size + 1), *text = input, *line;
  const char *names[NAMES];
  struct swale_capacity globs[GLOBS];
  struct swale_layer_config config;
  size_t n_names = 0, n_globs = 0;
  swale_layer *layer;
  memcpy(input, data, size);
  input[size] = '\0';
  while ((line = next_line(&text)) && *line)
    if (n_names < NAMES)
      names[n_names++] = line;
  while ((line = next_line(&text)))
    if (n_globs < GLOBS) {
      globs[n_globs] = (struct swale_capacity){line, (uint32_t)n_globs + 1};
      n_globs++;
    }
  swale_layer_config_default(&config);
  config.capacities = globs;
  config.n_capacities = n_globs;
  REQUIRE(swale_layer_open("memory://", &config, &layer, NULL, 0) == 0);
  for (size_t i = 0; i < n_names; i++)
    try_name(layer, names[i]);
  for (size_t i = 0; i < n_names; i++)
    try_globs(layer, globs, n_globs, names[i]);
  REQUIRE(swale_layer_free(layer) == 0);
  free(input);
  return 0;
}

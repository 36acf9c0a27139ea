/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "core/message.h"

static swale_message *begin(struct unit_env *u, size_t size_max) {
  unit_env_init(u);
  swale_message *m = swale_message_new_with("t", size_max, &u->env.allocator);
  assert_non_null(m);
  return m;
}

static void end(swale_message *m, struct unit_env *u) {
  swale_message_unref(m);
  assert_int_equal(u->live, 0);
}

static void assert_bytes(swale_message *m, const void *bytes, size_t len) {
  size_t have;
  assert_int_equal(swale_message_freeze(m), 0);
  const void *at = swale_message_bytes(m, &have);
  assert_int_equal(have, len);
  assert_memory_equal(at, bytes, len);
}

/* Built and parsed must be the same. */
static void assert_parses(const swale_message *m) {
  size_t len;
  swale_message *again;
  const void *bytes = swale_message_bytes(m, &len);
  assert_int_equal(swale_message_parse(bytes, len, &(struct swale_parse_limits){.size = len}, NULL, &again),
                   0);
  swale_message_unref(again);
}

/* ---- what it looks like --------------------------------------------------------------- */

static void the_type_is_the_first_field(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_bytes(m, "\x81\xa4type\xa1t", 8);
  end(m, &u);
}

static void every_kind_of_field_in_its_shortest_form(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_int_equal(swale_message_add_str(m, "s", "text"), 0);
  assert_int_equal(swale_message_add_strn(m, "z", "a\0b", 3), 0);
  assert_int_equal(swale_message_add_bytes(m, "x", "\xff", 1), 0);
  assert_int_equal(swale_message_add_bytes(m, "e", NULL, 0), 0);
  assert_int_equal(swale_message_add_int(m, "i", -2), 0);
  assert_int_equal(swale_message_add_double(m, "d", 1), 0);
  assert_int_equal(swale_message_add_bool(m, "b", true), 0);
  assert_int_equal(swale_message_add_nil(m, ""), 0);
  static const unsigned char expected[] = "\x89\xa4type\xa1t"
                                          "\xa1s\xa4text"
                                          "\xa1z\xa3"
                                          "a\0b"
                                          "\xa1x\xc4\x01\xff"
                                          "\xa1"
                                          "e\xc4\x00"
                                          "\xa1i\xfe"
                                          "\xa1"
                                          "d\xcb\x3f\xf0\0\0\0\0\0\0"
                                          "\xa1"
                                          "b\xc3"
                                          "\xa0\xc0";
  assert_bytes(m, expected, sizeof expected - 1);
  end(m, &u);
}

static void maps_and_lists_nest(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_int_equal(swale_message_begin_map(m, "m"), 0);
  assert_int_equal(swale_message_begin_listn(m, "l\0l", 3), 0);
  assert_int_equal(swale_message_begin_list(m, NULL), 0);
  assert_int_equal(swale_message_end(m), 0);
  assert_int_equal(swale_message_begin_mapn(m, NULL, 0), 0);
  assert_int_equal(swale_message_add_int(m, "k", 1), 0);
  assert_int_equal(swale_message_end(m), 0);
  assert_int_equal(swale_message_add_nil(m, NULL), 0);
  assert_int_equal(swale_message_end(m), 0);
  assert_int_equal(swale_message_end(m), 0);
  assert_int_equal(swale_message_add_int(m, "after", 2), 0);
  static const unsigned char expected[] = "\x83\xa4type\xa1t\xa1m\x81\xa3l\0l\x93\x90\x81\xa1k\x01\xc0\xa5"
                                          "after\x02";
  assert_bytes(m, expected, sizeof expected - 1);
  end(m, &u);
}

/* ---- heads that widen ----------------------------------------------------------------- */

static void assert_list_of(uint32_t count, const char *head, size_t head_len) {
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  swale_message_begin_list(m, "l");
  for (uint32_t i = 0; i < count; i++)
    assert_int_equal(swale_message_add_int(m, NULL, i % 100), 0);
  assert_int_equal(swale_message_end(m), 0);
  assert_int_equal(swale_message_add_int(m, "after", 2), 0);
  assert_int_equal(swale_message_freeze(m), 0);
  size_t len;
  const unsigned char *at = swale_message_bytes(m, &len);
  assert_int_equal(len, 10 + head_len + count + 7);
  assert_memory_equal(at + 10, head, head_len);
  for (uint32_t i = 0; i < count; i++)
    assert_int_equal(at[10 + head_len + i], i % 100);
  assert_memory_equal(at + len - 7,
                      "\xa5"
                      "after\x02",
                      7);
  assert_parses(m);
  end(m, &u);
}

static void the_head_of_a_list_grows_with_its_count(void **state) {
  (void)state;
  assert_list_of(0, "\x90", 1);
  assert_list_of(15, "\x9f", 1);
  assert_list_of(16, "\xdc\x00\x10", 3);
  assert_list_of(17, "\xdc\x00\x11", 3);
  assert_list_of(65535, "\xdc\xff\xff", 3);
  assert_list_of(65536, "\xdd\x00\x01\x00\x00", 5);
  assert_list_of(65537, "\xdd\x00\x01\x00\x01", 5);
}

static void add_numbered(swale_message *m, uint32_t number) {
  char key[16];
  snprintf(key, sizeof key, "%u", (unsigned)(number * 2654435761u));
  assert_int_equal(swale_message_add_int(m, key, number), 0);
}

static void assert_map_of(uint32_t count, const char *head, size_t head_len) {
  struct unit_env u;
  swale_message *m = begin(&u, 4 << 20);
  for (uint32_t i = 1; i < count; i++)
    add_numbered(m, i);
  assert_int_equal(swale_message_freeze(m), 0);
  size_t len;
  assert_memory_equal(swale_message_bytes(m, &len), head, head_len);
  assert_int_equal(swale_message_root(m).len, count);
  if (count > 1)
    assert_int_equal(swale_message_get_int(m, "2654435761", -1), 1);
  assert_parses(m);
  end(m, &u);
}

static void the_head_of_the_message_grows_with_its_count(void **state) {
  (void)state;
  assert_map_of(1, "\x81\xa4type", 6);
  assert_map_of(15, "\x8f\xa4type", 6);
  assert_map_of(16, "\xde\x00\x10\xa4type", 8);
  assert_map_of(17, "\xde\x00\x11\xa4type", 8);
  assert_map_of(65535, "\xde\xff\xff\xa4type", 8);
  assert_map_of(65536, "\xdf\x00\x01\x00\x00\xa4type", 10);
}

static void outer_and_inner_heads_grow_independently(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  swale_message_begin_list(m, "outer");
  for (int i = 0; i < 20; i++) {
    swale_message_begin_map(m, NULL);
    for (int j = 0; j < i; j++)
      add_numbered(m, (uint32_t)j);
    swale_message_begin_list(m, "inner");
    for (int j = 0; j < i; j++)
      swale_message_add_int(m, NULL, j);
    swale_message_end(m);
    swale_message_end(m);
  }
  assert_int_equal(swale_message_end(m), 0);
  assert_int_equal(swale_message_freeze(m), 0);
  struct swale_value outer, map, inner, number;
  struct swale_iter maps, numbers;
  assert_int_equal(swale_message_get(m, "outer", &outer), 0);
  assert_int_equal(outer.len, 20);
  swale_iter_start(&maps, &outer);
  for (uint32_t i = 0; swale_iter_next(&maps, NULL, &map); i++) {
    assert_int_equal(map.len, i + 1);
    assert_int_equal(swale_value_get(&map, "inner", &inner), 0);
    assert_int_equal(inner.len, i);
    swale_iter_start(&numbers, &inner);
    for (uint32_t j = 0; swale_iter_next(&numbers, NULL, &number); j++)
      assert_int_equal(number.as.integer, j);
  }
  assert_parses(m);
  end(m, &u);
}

static void a_message_grows_out_of_its_block_and_stays_where_it_is(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_ptr_equal(m->bytes, swale__message_room(m));
  for (int i = 0; i < 2000; i++)
    add_numbered(m, (uint32_t)i);
  assert_ptr_not_equal(m->bytes, swale__message_room(m));
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(u.live, 2);
  assert_string_equal(swale_message_type(m), "t");
  assert_parses(m);
  end(m, &u);
}

static void a_small_message_is_one_block(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  swale_message_add_str(m, "user", "somebody");
  swale_message_begin_map(m, "data");
  swale_message_add_str(m, "text", "This is about as much as a chat message would say on average.");
  swale_message_end(m);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(u.allocated, 1);
  end(m, &u);
}

/* ---- errors --------------------------------------------------------------------------- */

/* The message has met this error, and nothing but it is answered from now on. */
static void assert_stuck(swale_message *m, int error) {
  struct swale_value nil = {.type = SWALE_NIL};
  size_t len;
  assert_int_equal(swale_message_error(m), error);
  assert_int_equal(swale_message_add_str(m, "k", NULL), error);
  assert_int_equal(swale_message_add_strn(m, "k", "x", 1), error);
  assert_int_equal(swale_message_add_bytes(m, "k", "x", 1), error);
  assert_int_equal(swale_message_add_int(m, "k", 1), error);
  assert_int_equal(swale_message_add_double(m, "k", 1), error);
  assert_int_equal(swale_message_add_bool(m, "k", true), error);
  assert_int_equal(swale_message_add_nil(m, "k"), error);
  assert_int_equal(swale_message_add_value(m, "k", 1, &nil), error);
  assert_int_equal(swale_message_begin_map(m, "k"), error);
  assert_int_equal(swale_message_begin_mapn(m, "k", 1), error);
  assert_int_equal(swale_message_begin_list(m, "k"), error);
  assert_int_equal(swale_message_begin_listn(m, "k", 1), error);
  assert_int_equal(swale_message_end(m), error);
  assert_int_equal(swale_message_freeze(m), error);
  assert_int_equal(swale_message_error(m), error);
  assert_null(swale_message_bytes(m, &len));
}

static void text_and_keys_must_be_utf8(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_int_equal(swale_message_add_str(m, "k", "\xff"), SWALE_EUTF8);
  assert_stuck(m, SWALE_EUTF8);
  end(m, &u);
  m = begin(&u, 0);
  assert_int_equal(swale_message_add_int(m, "\xc3", 1), SWALE_EUTF8);
  assert_stuck(m, SWALE_EUTF8);
  end(m, &u);
  m = begin(&u, 0);
  assert_int_equal(swale_message_begin_mapn(m, "\xed\xa0\x80", 3), SWALE_EUTF8);
  assert_stuck(m, SWALE_EUTF8);
  end(m, &u);
}

static void a_map_wants_keys(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_int_equal(swale_message_add_int(m, NULL, 1), SWALE_EINVAL);
  assert_stuck(m, SWALE_EINVAL);
  end(m, &u);
  m = begin(&u, 0);
  assert_int_equal(swale_message_begin_list(m, NULL), SWALE_EINVAL);
  assert_stuck(m, SWALE_EINVAL);
  end(m, &u);
}

static void a_list_may_not_have_keys(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  swale_message_begin_list(m, "l");
  assert_int_equal(swale_message_add_int(m, "k", 1), SWALE_EINVAL);
  assert_stuck(m, SWALE_EINVAL);
  end(m, &u);
  m = begin(&u, 0);
  swale_message_begin_list(m, "l");
  assert_int_equal(swale_message_begin_mapn(m, "", 0), SWALE_EINVAL);
  assert_stuck(m, SWALE_EINVAL);
  end(m, &u);
}

static void null_text_is_invalid(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_int_equal(swale_message_add_str(m, "k", NULL), SWALE_EINVAL);
  assert_stuck(m, SWALE_EINVAL);
  end(m, &u);
  m = begin(&u, 0);
  assert_int_equal(swale_message_add_strn(m, "k", NULL, 0), SWALE_EINVAL);
  end(m, &u);
  m = begin(&u, 0);
  assert_int_equal(swale_message_add_bytes(m, "k", NULL, 1), SWALE_EINVAL);
  end(m, &u);
}

static void doubles_must_be_finite(void **state) {
  (void)state;
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < 3; i++) {
    struct unit_env u;
    swale_message *m = begin(&u, 0);
    assert_int_equal(swale_message_add_double(m, "k", bad[i]), SWALE_EINVAL);
    assert_stuck(m, SWALE_EINVAL);
    end(m, &u);
  }
}

static void ending_what_was_not_begun_is_invalid(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_int_equal(swale_message_end(m), SWALE_EINVAL);
  assert_stuck(m, SWALE_EINVAL);
  end(m, &u);
  m = begin(&u, 0);
  swale_message_begin_map(m, "m");
  assert_int_equal(swale_message_end(m), 0);
  assert_int_equal(swale_message_end(m), SWALE_EINVAL);
  end(m, &u);
}

static void freezing_with_something_open_can_be_made_good(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  swale_message_begin_list(m, "l");
  assert_int_equal(swale_message_freeze(m), SWALE_ESTATE);
  assert_int_equal(swale_message_error(m), 0);
  assert_int_equal(swale_message_add_int(m, NULL, 1), 0);
  assert_int_equal(swale_message_end(m), 0);
  assert_int_equal(swale_message_freeze(m), 0);
  end(m, &u);
}

static void a_frozen_message_takes_nothing_more(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_value nil = {.type = SWALE_NIL};
  swale_message *m = begin(&u, 0);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_int_equal(swale_message_add_str(m, "k", "v"), SWALE_ESTATE);
  assert_int_equal(swale_message_add_int(m, NULL, 1), SWALE_ESTATE);
  assert_int_equal(swale_message_add_value(m, "k", 1, &nil), SWALE_ESTATE);
  assert_int_equal(swale_message_begin_map(m, "k"), SWALE_ESTATE);
  assert_int_equal(swale_message_begin_list(m, "k"), SWALE_ESTATE);
  assert_int_equal(swale_message_end(m), SWALE_ESTATE);
  assert_int_equal(swale_message_error(m), 0);
  assert_int_equal(swale_message_freeze(m), 0);
  assert_bytes(m, "\x81\xa4type\xa1t", 8);
  end(m, &u);
}

/* ---- duplicates ----------------------------------------------------------------------- */

static void among_few_keys_a_duplicate_is_refused_at_once(void **state) {
  (void)state;
  for (uint32_t count = 1; count <= 15; count++) {
    for (uint32_t twin = 0; twin < count; twin++) {
      struct unit_env u;
      swale_message *m = begin(&u, 0);
      swale_message_begin_map(m, "m");
      for (uint32_t i = 0; i < count; i++)
        add_numbered(m, i);
      char key[16];
      snprintf(key, sizeof key, "%u", (unsigned)(twin * 2654435761u));
      assert_int_equal(swale_message_add_nil(m, key), SWALE_EDUPLICATE);
      assert_stuck(m, SWALE_EDUPLICATE);
      end(m, &u);
    }
  }
}

static void the_type_may_not_be_added_again(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  assert_int_equal(swale_message_add_str(m, "type", "u"), SWALE_EDUPLICATE);
  assert_stuck(m, SWALE_EDUPLICATE);
  end(m, &u);
}

/* Adds `count` keys and then one of them again. */
static void add_with_a_late_twin(swale_message *m, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    add_numbered(m, i);
  add_numbered(m, count / 3);
}

static void in_a_large_map_a_late_duplicate_is_found_at_its_end(void **state) {
  (void)state;
  const uint32_t counts[] = {16, 17, 100, 5000};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    struct unit_env u;
    swale_message *m = begin(&u, 0);
    swale_message_begin_map(m, "m");
    add_with_a_late_twin(m, counts[i]);
    assert_int_equal(swale_message_error(m), 0);
    assert_int_equal(swale_message_end(m), SWALE_EDUPLICATE);
    assert_stuck(m, SWALE_EDUPLICATE);
    end(m, &u);
    m = begin(&u, 0);
    add_with_a_late_twin(m, counts[i]);
    assert_int_equal(swale_message_freeze(m), SWALE_EDUPLICATE);
    assert_stuck(m, SWALE_EDUPLICATE);
    end(m, &u);
  }
}

static void one_key_in_many_maps_is_no_duplicate(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  for (int level = 0; level < 5; level++) {
    for (uint32_t i = 0; i < 20; i++)
      add_numbered(m, i);
    assert_int_equal(swale_message_begin_map(m, "m"), 0);
  }
  for (int level = 0; level < 5; level++) {
    assert_int_equal(swale_message_end(m), 0);
    for (uint32_t i = 20; i < 40; i++)
      add_numbered(m, i);
  }
  assert_int_equal(swale_message_freeze(m), 0);
  assert_parses(m);
  end(m, &u);
}

/* ---- depth and size ------------------------------------------------------------------- */

static void the_depth_is_bounded(void **state) {
  (void)state;
  for (int maps = 0; maps <= 1; maps++) {
    struct unit_env u;
    swale_message *m = begin(&u, 0);
    for (int depth = 2; depth <= SWALE_MESSAGE_DEPTH_MAX; depth++) {
      const char *key = maps || depth == 2 ? "k" : NULL;
      assert_int_equal(maps ? swale_message_begin_map(m, key) : swale_message_begin_list(m, key), 0);
    }
    assert_int_equal(swale_message_begin_list(m, maps ? "k" : NULL), SWALE_EDEPTH);
    assert_stuck(m, SWALE_EDEPTH);
    end(m, &u);
  }
}

static void the_deepest_message_parses(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  for (int depth = 2; depth <= SWALE_MESSAGE_DEPTH_MAX; depth++)
    assert_int_equal(swale_message_begin_map(m, "k"), 0);
  for (int depth = 2; depth <= SWALE_MESSAGE_DEPTH_MAX; depth++) {
    assert_int_equal(swale_message_add_int(m, "n", depth), 0);
    assert_int_equal(swale_message_end(m), 0);
  }
  assert_int_equal(swale_message_freeze(m), 0);
  assert_parses(m);
  end(m, &u);
}

static void the_size_bound_is_exact(void **state) {
  (void)state;
  /* The type takes 8 bytes, the key 2, the text 2 and 40. */
  static const char text[] = "0123456789012345678901234567890123456789";
  for (size_t bound = 40; bound < 60; bound++) {
    struct unit_env u;
    swale_message *m = begin(&u, bound);
    int rv = swale_message_add_str(m, "k", text);
    assert_int_equal(rv, bound < 8 + 2 + 2 + 40 ? SWALE_ESIZE : 0);
    if (rv)
      assert_stuck(m, SWALE_ESIZE);
    end(m, &u);
  }
}

/* With 15 fields the head is one byte; the 16th takes its own 3 bytes and 2 more for the head. */
static void a_head_that_must_widen_counts(void **state) {
  (void)state;
  const size_t with_15 = 8 + 14 * 3;
  for (size_t bound = with_15; bound < with_15 + 10; bound++) {
    struct unit_env u;
    swale_message *m = begin(&u, bound);
    for (int i = 0; i < 14; i++)
      assert_int_equal(swale_message_add_nil(m, (const char[]){(char)('a' + i), 0}), 0);
    assert_int_equal(swale_message_add_nil(m, "z"), bound < with_15 + 5 ? SWALE_ESIZE : 0);
    end(m, &u);
  }
}

static void keys_count_too(void **state) {
  (void)state;
  char key[200];
  memset(key, 'k', sizeof key);
  struct swale_value nil = {.type = SWALE_NIL};
  for (size_t len = 0; len < sizeof key; len++) {
    size_t head = len < 32 ? 1 : 2;
    struct unit_env u;
    swale_message *m = begin(&u, 100);
    int error = 8 + head + len + 1 > 100 ? SWALE_ESIZE : 0;
    assert_int_equal(swale_message_add_value(m, key, len, &nil), error);
    assert_int_equal(swale_message_freeze(m), error);
    end(m, &u);
  }
}

static void lengths_that_would_wrap_are_too_large(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, SIZE_MAX);
  assert_int_equal(swale_message_add_bytes(m, "k", "x", SIZE_MAX), SWALE_ESIZE);
  assert_stuck(m, SWALE_ESIZE);
  end(m, &u);
  m = begin(&u, SIZE_MAX);
  assert_int_equal(swale_message_add_bytes(m, "k", "x", (size_t)SWALE_MESSAGE_SIZE_MAX), SWALE_ESIZE);
  end(m, &u);
}

static void a_mebibyte_is_the_default_bound(void **state) {
  (void)state;
  unsigned char *bytes = calloc(1, SWALE_MESSAGE_SIZE_DEFAULT);
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  size_t fits = SWALE_MESSAGE_SIZE_DEFAULT - 8 - 2 - 5;
  assert_int_equal(swale_message_add_bytes(m, "k", bytes, fits), 0);
  assert_int_equal(swale_message_freeze(m), 0);
  end(m, &u);
  m = begin(&u, 0);
  assert_int_equal(swale_message_add_bytes(m, "k", bytes, fits + 1), SWALE_ESIZE);
  end(m, &u);
  free(bytes);
}

/* ---- copying values ------------------------------------------------------------------- */

static swale_message *parse(const void *bytes, size_t len) {
  swale_message *m;
  assert_int_equal(swale_message_parse(bytes, len, NULL, NULL, &m), 0);
  return m;
}

static void a_copied_value_is_in_its_shortest_form(void **state) {
  (void)state;
  static const unsigned char wordy[] = "\xde\x00\x02\xd9\x04type\xda\x00\x01t"
                                       "\xa1v\xdd\x00\x00\x00\x06\xd3\0\0\0\0\0\0\0\x05\xca\x3f\xc0\0\0"
                                       "\xdf\0\0\0\x01\xd9\x01k\xdb\0\0\0\x01x\xc6\0\0\0\x01y\xc2\xc0";
  static const unsigned char terse[] = "\x82\xa4type\xa1t\xa1v\x96\x05\xcb\x3f\xf8\0\0\0\0\0\0"
                                       "\x81\xa1k\xa1x\xc4\x01y\xc2\xc0";
  struct unit_env u;
  swale_message *from = parse(wordy, sizeof wordy - 1), *m = begin(&u, 0);
  struct swale_value value;
  assert_int_equal(swale_message_get(from, "v", &value), 0);
  assert_int_equal(swale_message_add_value(m, "v", 1, &value), 0);
  swale_message_unref(from);
  assert_bytes(m, terse, sizeof terse - 1);
  end(m, &u);
}

static void values_made_by_hand_are_checked(void **state) {
  (void)state;
  static const struct {
    struct swale_value value;
    int error;
  } cases[] = {
      {{.type = SWALE_STR, .len = 1, .as.str = "\xff"}, SWALE_EUTF8},
      {{.type = SWALE_STR, .len = 0, .as.str = NULL}, SWALE_EINVAL},
      {{.type = SWALE_BYTES, .len = 1, .as.bytes = NULL}, SWALE_EINVAL},
      {{.type = SWALE_DOUBLE, .as.number = INFINITY}, SWALE_EINVAL},
      {{.type = (enum swale_type)99}, SWALE_EINVAL},
      {{.type = SWALE_STR, .len = 1, .as.str = "x"}, 0},
      {{.type = SWALE_BYTES, .len = 0, .as.bytes = NULL}, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct unit_env u;
    swale_message *m = begin(&u, 0);
    assert_int_equal(swale_message_add_value(m, "k", 1, &cases[i].value), cases[i].error);
    assert_int_equal(swale_message_error(m), cases[i].error);
    end(m, &u);
  }
}

static void a_key_may_hold_a_nul(void **state) {
  (void)state;
  struct unit_env u;
  swale_message *m = begin(&u, 0);
  struct swale_value one = {.type = SWALE_INT, .as.integer = 1};
  assert_int_equal(swale_message_add_value(m, "a\0b", 3, &one), 0);
  assert_int_equal(swale_message_add_value(m, "a\0c", 3, &one), 0);
  assert_int_equal(swale_message_add_value(m, "a", 1, &one), 0);
  assert_int_equal(swale_message_add_value(m, "a\0b", 3, &one), SWALE_EDUPLICATE);
  end(m, &u);
}

/* {"type": "t", "v": [[...]]}, so many levels of lists. */
static swale_message *lists(int levels) {
  swale_message *m = swale_message_new("t");
  for (int i = 0; i < levels; i++)
    swale_message_begin_list(m, i == 0 ? "v" : NULL);
  for (int i = 0; i < levels; i++)
    swale_message_end(m);
  assert_int_equal(swale_message_freeze(m), 0);
  return m;
}

static void a_copy_counts_the_levels_above_it(void **state) {
  (void)state;
  for (int levels = SWALE_MESSAGE_DEPTH_MAX - 3; levels < SWALE_MESSAGE_DEPTH_MAX; levels++) {
    struct unit_env u;
    swale_message *from = lists(levels), *m = begin(&u, 0);
    struct swale_value value;
    assert_int_equal(swale_message_get(from, "v", &value), 0);
    assert_int_equal(swale_message_begin_list(m, "l"), 0);
    int error = levels + 2 > SWALE_MESSAGE_DEPTH_MAX ? SWALE_EDEPTH : 0;
    assert_int_equal(swale_message_add_value(m, NULL, 0, &value), error);
    assert_int_equal(swale_message_error(m), error);
    assert_int_equal(swale_message_end(m), error);
    end(m, &u);
    swale_message_unref(from);
  }
}

static void a_copy_that_does_not_fit_is_too_large(void **state) {
  (void)state;
  swale_message *from = swale_message_new("t");
  swale_message_begin_list(from, "v");
  for (int i = 0; i < 20; i++)
    swale_message_add_str(from, NULL, "some text");
  swale_message_end(from);
  assert_int_equal(swale_message_freeze(from), 0);
  struct swale_value value;
  assert_int_equal(swale_message_get(from, "v", &value), 0);
  struct unit_env u;
  swale_message *m = begin(&u, 8 + 2 + 3 + 20 * 10 - 1);
  assert_int_equal(swale_message_add_value(m, "v", 1, &value), SWALE_ESIZE);
  assert_stuck(m, SWALE_ESIZE);
  end(m, &u);
  m = begin(&u, 8 + 2 + 3 + 20 * 10);
  assert_int_equal(swale_message_add_value(m, "v", 1, &value), 0);
  assert_int_equal(swale_message_freeze(m), 0);
  end(m, &u);
  swale_message_unref(from);
}

/* ---- without memory ------------------------------------------------------------------- */

/* Needs more of everything than a message has inline: bytes, levels, keys. */
static int build_much(struct unit_env *u) {
  swale_message *m = swale_message_new_with("t", 0, &u->env.allocator);
  if (!m)
    return SWALE_ENOMEM;
  int first = 0, rv;
  for (int level = 0; level < 8; level++) {
    for (int i = 0; i < 20 && !first; i++) {
      char key[16];
      snprintf(key, sizeof key, "%d", i);
      first = swale_message_add_str(m, key, "some text to fill the bytes");
    }
    if ((rv = swale_message_begin_map(m, "m")) != 0 && !first)
      first = rv;
  }
  for (int level = 0; level < 8; level++)
    swale_message_end(m);
  assert_int_equal(swale_message_error(m), first);
  if (first)
    assert_stuck(m, SWALE_ENOMEM);
  rv = swale_message_freeze(m);
  assert_int_equal(rv, first);
  if (rv == 0)
    assert_parses(m);
  swale_message_unref(m);
  return rv;
}

static void running_out_of_memory_sticks(void **state) {
  (void)state;
  unit_fail_every_allocation(build_much);
}

static int copy_much(struct unit_env *u) {
  swale_message *from = lists(20), *m = swale_message_new_with("t", 0, &u->env.allocator);
  struct swale_value value;
  assert_int_equal(swale_message_get(from, "v", &value), 0);
  int rv = m ? swale_message_add_value(m, "v", 1, &value) : SWALE_ENOMEM;
  if (m)
    assert_int_equal(swale_message_freeze(m), rv);
  swale_message_unref(m);
  swale_message_unref(from);
  return rv;
}

static void a_copy_without_memory_sticks(void **state) {
  (void)state;
  unit_fail_every_allocation(copy_much);
}

static void a_message_that_could_not_be_made_is_an_error_at_the_send(void **state) {
  (void)state;
  swale_message *none = NULL;
  assert_int_equal(swale_message_add_str(none, "text", "x"), SWALE_ENOMEM);
  assert_int_equal(swale_message_begin_map(none, "map"), SWALE_ENOMEM);
  assert_int_equal(swale_message_end(none), SWALE_ENOMEM);
  assert_int_equal(swale_message_error(none), SWALE_ENOMEM);
  assert_int_equal(swale_message_freeze(none), SWALE_ENOMEM);
  swale_message_unref(none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_message_that_could_not_be_made_is_an_error_at_the_send),
      cmocka_unit_test(the_type_is_the_first_field),
      cmocka_unit_test(every_kind_of_field_in_its_shortest_form),
      cmocka_unit_test(maps_and_lists_nest),
      cmocka_unit_test(the_head_of_a_list_grows_with_its_count),
      cmocka_unit_test(the_head_of_the_message_grows_with_its_count),
      cmocka_unit_test(outer_and_inner_heads_grow_independently),
      cmocka_unit_test(a_message_grows_out_of_its_block_and_stays_where_it_is),
      cmocka_unit_test(a_small_message_is_one_block),
      cmocka_unit_test(text_and_keys_must_be_utf8),
      cmocka_unit_test(a_map_wants_keys),
      cmocka_unit_test(a_list_may_not_have_keys),
      cmocka_unit_test(null_text_is_invalid),
      cmocka_unit_test(doubles_must_be_finite),
      cmocka_unit_test(ending_what_was_not_begun_is_invalid),
      cmocka_unit_test(freezing_with_something_open_can_be_made_good),
      cmocka_unit_test(a_frozen_message_takes_nothing_more),
      cmocka_unit_test(among_few_keys_a_duplicate_is_refused_at_once),
      cmocka_unit_test(the_type_may_not_be_added_again),
      cmocka_unit_test(in_a_large_map_a_late_duplicate_is_found_at_its_end),
      cmocka_unit_test(one_key_in_many_maps_is_no_duplicate),
      cmocka_unit_test(the_depth_is_bounded),
      cmocka_unit_test(the_deepest_message_parses),
      cmocka_unit_test(the_size_bound_is_exact),
      cmocka_unit_test(a_head_that_must_widen_counts),
      cmocka_unit_test(keys_count_too),
      cmocka_unit_test(lengths_that_would_wrap_are_too_large),
      cmocka_unit_test(a_mebibyte_is_the_default_bound),
      cmocka_unit_test(a_copied_value_is_in_its_shortest_form),
      cmocka_unit_test(values_made_by_hand_are_checked),
      cmocka_unit_test(a_key_may_hold_a_nul),
      cmocka_unit_test(a_copy_counts_the_levels_above_it),
      cmocka_unit_test(a_copy_that_does_not_fit_is_too_large),
      cmocka_unit_test(running_out_of_memory_sticks),
      cmocka_unit_test(a_copy_without_memory_sticks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

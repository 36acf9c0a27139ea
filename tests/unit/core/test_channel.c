/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <stdio.h>

#include "core/channel.h"
#include "core/consumer.h"
#include "core/group.h"
#include "core/layer.h"

/* A layer and rows of its table that are taken by hand. */
struct rows {
  struct unit_env u;
  swale_layer *layer;
};

static void open_rows(struct rows *r) {
  struct swale_layer_config config;
  unit_env_init(&r->u);
  swale_layer_config_default(&config);
  config.env = &r->u.env;
  assert_int_equal(swale_layer_open("memory://", &config, &r->layer, NULL, 0), 0);
}

static void close_rows(struct rows *r) {
  assert_int_equal(swale_layer_free(r->layer), 0);
  assert_int_equal(r->u.live, 0);
}

static void take(struct rows *r, swale_consumer *c, uint64_t salt) {
  *c = (swale_consumer){.salt = salt};
  assert_int_equal(swale__slot_take(r->layer, c, &c->slot), 0);
}

static int resolve(struct rows *r, const swale_consumer *c, swale_consumer **out) {
  char name[SWALE_NAME_SIZE];
  swale__id_name(r->layer, swale__consumer_id(c), name);
  return swale__channel_resolve(r->layer, name, out);
}

static void names_lead_back_to_their_consumers(void **state) {
  (void)state;
  struct rows r;
  enum { MANY = 100 };
  static swale_consumer all[MANY];
  swale_consumer *found;
  open_rows(&r);
  for (int i = 0; i < MANY; i++)
    take(&r, &all[i], (uint64_t)i * 77);
  assert_int_equal(r.layer->consumers, MANY);
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(resolve(&r, &all[i], &found), 0);
    assert_ptr_equal(found, &all[i]);
  }
  for (int i = 0; i < MANY; i++)
    swale__slot_leave(r.layer, all[i].slot);
  assert_int_equal(r.layer->consumers, 0);
  close_rows(&r);
}

static void a_row_that_is_left_is_taken_again_under_another_name(void **state) {
  (void)state;
  struct rows r;
  swale_consumer a, b, c, *found;
  open_rows(&r);
  take(&r, &a, 5);
  take(&r, &b, 5);
  swale__slot_leave(r.layer, a.slot);
  assert_int_equal(resolve(&r, &a, &found), SWALE_ECLOSED);
  assert_null(found);
  take(&r, &c, 6);
  assert_int_equal(c.slot, a.slot);
  assert_int_equal(resolve(&r, &a, &found), SWALE_ECLOSED);
  assert_int_equal(resolve(&r, &c, &found), 0);
  assert_ptr_equal(found, &c);
  swale__slot_leave(r.layer, b.slot);
  swale__slot_leave(r.layer, c.slot);
  assert_int_equal(r.layer->slots.count, 2);
  close_rows(&r);
}

static void rows_are_taken_and_left_in_any_order(void **state) {
  (void)state;
  struct rows r;
  enum { MANY = 50 };
  static swale_consumer all[MANY];
  bool in[MANY] = {false};
  swale_consumer *found;
  open_rows(&r);
  for (int step = 0; step < 5000; step++) {
    uint64_t random;
    unit_env_random(&random, sizeof random, &r.u);
    int i = (int)(random % MANY);
    if (in[i])
      swale__slot_leave(r.layer, all[i].slot);
    else
      take(&r, &all[i], random);
    in[i] = !in[i];
    assert_int_equal(resolve(&r, &all[i], &found), in[i] ? 0 : SWALE_ECLOSED);
  }
  for (int i = 0; i < MANY; i++)
    if (in[i]) {
      assert_int_equal(resolve(&r, &all[i], &found), 0);
      assert_ptr_equal(found, &all[i]);
      swale__slot_leave(r.layer, all[i].slot);
    }
  assert_true(r.layer->slots.count <= MANY);
  close_rows(&r);
}

static void a_table_that_cannot_grow_stays_as_it_is(void **state) {
  (void)state;
  struct rows r;
  static swale_consumer all[16];
  swale_consumer more = {.salt = 1}, *found;
  open_rows(&r);
  r.u.fail_at = 1;
  assert_int_equal(swale__slot_take(r.layer, &more, &more.slot), SWALE_ENOMEM);
  for (int i = 0; i < 16; i++)
    take(&r, &all[i], 1);
  r.u.fail_at = 1;
  assert_int_equal(swale__slot_take(r.layer, &more, &more.slot), SWALE_ENOMEM);
  assert_int_equal(r.layer->consumers, 16);
  assert_int_equal(swale__slot_take(r.layer, &more, &more.slot), 0);
  assert_int_equal(resolve(&r, &more, &found), 0);
  for (int i = 0; i < 16; i++) {
    assert_int_equal(resolve(&r, &all[i], &found), 0);
    assert_ptr_equal(found, &all[i]);
    swale__slot_leave(r.layer, all[i].slot);
  }
  swale__slot_leave(r.layer, more.slot);
  close_rows(&r);
}

/* Every part of a name counts. */
static void names_that_are_tampered_with_lead_nowhere(void **state) {
  (void)state;
  struct rows r;
  swale_consumer c, *found;
  char name[SWALE_NAME_SIZE], other[SWALE_NAME_SIZE];
  open_rows(&r);
  take(&r, &c, 0x123456789abcdef0);
  swale__id_name(r.layer, swale__consumer_id(&c), name);
  for (size_t i = 0; name[i]; i++)
    for (const char *to = "0f-Z.!"; *to; to++) {
      strcpy(other, name);
      if (other[i] == *to)
        continue;
      other[i] = *to;
      assert_true(swale__channel_resolve(r.layer, other, &found) <= 0);
      assert_null(found);
    }
  for (size_t i = 0; name[i]; i++) {
    strcpy(other, name);
    other[i] = '\0';
    swale__channel_resolve(r.layer, other, &found);
    assert_null(found);
  }
  snprintf(other, sizeof other, "other.%s", strchr(name, '.') + 1);
  assert_int_equal(swale__channel_resolve(r.layer, other, &found), SWALE_ECLOSED);
  strcat(strcpy(other, name), "0");
  assert_int_equal(swale__channel_resolve(r.layer, other, &found), 0);
  assert_null(found);
  swale__slot_leave(r.layer, c.slot);
  close_rows(&r);
}

static void names_of_another_process_are_plain_channels(void **state) {
  (void)state;
  struct rows here, there;
  swale_consumer c, *found;
  char name[SWALE_NAME_SIZE];
  open_rows(&here);
  open_rows(&there);
  there.layer->process[0] = here.layer->process[0] == '0' ? '1' : '0';
  take(&there, &c, 9);
  swale__id_name(there.layer, swale__consumer_id(&c), name);
  assert_int_equal(swale__channel_resolve(here.layer, name, &found), 0);
  assert_null(found);
  swale__slot_leave(there.layer, c.slot);
  close_rows(&there);
  close_rows(&here);
}

static void names_do_not_tell_how_many_consumers_there_are(void **state) {
  (void)state;
  struct rows r;
  struct swale__id first = {.slot = 0, .salt = 1}, second = {.slot = 0, .salt = 2};
  char a[SWALE_NAME_SIZE], b[SWALE_NAME_SIZE];
  open_rows(&r);
  swale__id_name(r.layer, first, a);
  swale__id_name(r.layer, second, b);
  assert_int_equal(strlen(a), strlen("specific.") + 32 + 1 + 32);
  int same = 0;
  for (int i = 0; i < 16; i++)
    same += strchr(a, '!')[1 + i] == strchr(b, '!')[1 + i];
  assert_true(same < 10);
  close_rows(&r);
}

/* ---- the groups of a channel ---- */

static void put_group(struct swale__channel *ch) {
  uint32_t i = ch->n_groups++;
  swale__channel_groups(ch)[i] = (struct swale__membership){.index = i};
}

static void assert_groups(const struct swale__channel *ch) {
  for (uint32_t i = 0; i < ch->n_groups; i++)
    assert_int_equal(swale__channel_groups(ch)[i].index, i);
}

static void a_channel_has_room_for_as_many_groups_as_it_is_in(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__channel ch = {0};
  unit_env_init(&u);
  for (uint32_t i = 0; i < 20; i++) {
    assert_int_equal(swale__channel_reserve_group(&ch, &u.env.allocator), 0);
    if (i == 0)
      assert_int_equal(u.allocated, 0); /* one group is the usual number */
    put_group(&ch);
    assert_groups(&ch);
  }
  swale__channel_free_groups(&ch, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

static void a_list_of_groups_that_cannot_grow_stays_as_it_is(void **state) {
  (void)state;
  struct unit_env u;
  struct swale__channel ch = {0};
  unit_env_init(&u);
  for (uint32_t i = 0; i < 9; i++) {
    u.fail_at = 1;
    if (swale__channel_reserve_group(&ch, &u.env.allocator) < 0) {
      assert_true(i == 1 || i == 4 || i == 8);
      assert_groups(&ch);
      assert_int_equal(swale__channel_reserve_group(&ch, &u.env.allocator), 0);
    }
    u.fail_at = 0;
    put_group(&ch);
  }
  assert_groups(&ch);
  swale__channel_free_groups(&ch, &u.env.allocator);
  assert_int_equal(u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_lead_back_to_their_consumers),
      cmocka_unit_test(a_row_that_is_left_is_taken_again_under_another_name),
      cmocka_unit_test(rows_are_taken_and_left_in_any_order),
      cmocka_unit_test(a_table_that_cannot_grow_stays_as_it_is),
      cmocka_unit_test(names_that_are_tampered_with_lead_nowhere),
      cmocka_unit_test(names_of_another_process_are_plain_channels),
      cmocka_unit_test(names_do_not_tell_how_many_consumers_there_are),
      cmocka_unit_test(a_channel_has_room_for_as_many_groups_as_it_is_in),
      cmocka_unit_test(a_list_of_groups_that_cannot_grow_stays_as_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <string.h>

#include "core/layer.h"

static void leases_run_out_in_the_order_of_renewal(void **state) {
  (void)state;
  struct crowd_world w;
  struct swale_layer_config config;
  char name[] = "a";
  swale_layer_config_default(&config);
  config.group_expiry_ms = 1000;
  crowd_world_open(&w, &config);
  for (int i = 0; i < 10; i++, w.u.now_ms += 10) {
    name[0] = (char)('a' + i);
    assert_int_equal(swale_group_add(w.layer, "g", name), 0);
  }
  const char *const renewed[] = {"a", "j", "e", "e"}; /* the oldest, the newest, one between */
  for (int i = 0; i < 4; i++, w.u.now_ms += 10)
    assert_int_equal(swale_group_add(w.layer, "g", renewed[i]), 0);
  assert_int_equal(swale_group_discard(w.layer, "g", "c"), 0);
  int expected = 9;
  w.u.now_ms += 1000 - 140;
  for (int i = 0; i < 14; i++, w.u.now_ms += 10) {
    expected -= i < 10 ? !strchr("acej", 'a' + i) : i != 12;
    assert_int_equal(swale_group_count(w.layer, "g"), expected);
  }
  assert_null(w.layer->leases.oldest);
  assert_null(w.layer->leases.newest);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  crowd_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(leases_run_out_in_the_order_of_renewal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

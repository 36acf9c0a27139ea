/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <math.h>

#include "core/item.h"

static void assert_head(struct swale__item item, const char *head, size_t len) {
  assert_int_equal(item.error, 0);
  assert_int_equal(item.head_len, len);
  assert_memory_equal(item.head, head, len);
}

static struct swale__item of(struct swale_value value) { return swale__item_of(&value); }

static void scalars_are_all_head(void **state) {
  (void)state;
  assert_head(of((struct swale_value){.type = SWALE_NIL}), "\xc0", 1);
  assert_head(of((struct swale_value){.type = SWALE_BOOL, .as.truth = true}), "\xc3", 1);
  assert_head(of((struct swale_value){.type = SWALE_BOOL, .as.truth = false}), "\xc2", 1);
  assert_head(of((struct swale_value){.type = SWALE_INT, .as.integer = -200}), "\xd1\xff\x38", 3);
  assert_head(of((struct swale_value){.type = SWALE_DOUBLE, .as.number = 2.0}), "\xcb\x40\0\0\0\0\0\0\0", 9);
  assert_int_equal(of((struct swale_value){.type = SWALE_INT}).body_len, 0);
}

static void of_a_container_there_is_the_head_alone(void **state) {
  (void)state;
  assert_head(of((struct swale_value){.type = SWALE_LIST, .len = 3}), "\x93", 1);
  assert_head(of((struct swale_value){.type = SWALE_MAP, .len = 16}), "\xde\x00\x10", 3);
  assert_int_equal(of((struct swale_value){.type = SWALE_MAP, .len = 16}).body_len, 0);
}

static void text_and_bytes_stay_where_they_are(void **state) {
  (void)state;
  const char *word = "word";
  struct swale__item item = swale__item_text(word, 4);
  assert_head(item, "\xa4", 1);
  assert_ptr_equal(item.body, word);
  assert_int_equal(item.body_len, 4);
  item = swale__item_bytes(word, 3);
  assert_head(item, "\xc4\x03", 2);
  assert_ptr_equal(item.body, word);
  assert_int_equal(item.body_len, 3);
  item = of((struct swale_value){.type = SWALE_STR, .len = 4, .as.str = word});
  assert_head(item, "\xa4", 1);
  item = of((struct swale_value){.type = SWALE_BYTES, .len = 4, .as.bytes = (const unsigned char *)word});
  assert_head(item, "\xc4\x04", 2);
}

static void null_is_no_text_but_no_bytes_are_fine(void **state) {
  (void)state;
  assert_int_equal(swale__item_text(NULL, 0).error, SWALE_EINVAL);
  assert_int_equal(swale__item_bytes(NULL, 1).error, SWALE_EINVAL);
  assert_head(swale__item_bytes(NULL, 0), "\xc4\x00", 2);
}

static void text_must_be_utf8_and_bytes_need_not(void **state) {
  (void)state;
  assert_int_equal(swale__item_text("\xff", 1).error, SWALE_EUTF8);
  assert_head(swale__item_bytes("\xff", 1), "\xc4\x01", 2);
  assert_head(swale__item_text("a\0b", 3), "\xa3", 1);
}

static void what_messages_do_not_hold_is_invalid(void **state) {
  (void)state;
  assert_int_equal(of((struct swale_value){.type = SWALE_DOUBLE, .as.number = NAN}).error, SWALE_EINVAL);
  assert_int_equal(of((struct swale_value){.type = SWALE_DOUBLE, .as.number = INFINITY}).error, SWALE_EINVAL);
  assert_int_equal(of((struct swale_value){.type = SWALE_DOUBLE, .as.number = -INFINITY}).error,
                   SWALE_EINVAL);
  assert_int_equal(of((struct swale_value){.type = (enum swale_type)(SWALE_MAP + 1)}).error, SWALE_EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scalars_are_all_head),
      cmocka_unit_test(of_a_container_there_is_the_head_alone),
      cmocka_unit_test(text_and_bytes_stay_where_they_are),
      cmocka_unit_test(null_is_no_text_but_no_bytes_are_fine),
      cmocka_unit_test(text_must_be_utf8_and_bytes_need_not),
      cmocka_unit_test(what_messages_do_not_hold_is_invalid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <locale.h>
#include <stdio.h>

#include "core/buffer.h"

enum { FRONT = 48, PLENTY = 1 << 20 };

static void begin(struct swale_buffer *b, struct unit_env *u, size_t hint, size_t limit) {
  unit_env_init(u);
  swale__buffer_init(b, &u->env.allocator, FRONT, hint, limit);
}

static void end(struct swale_buffer *b, struct unit_env *u) {
  swale__buffer_free(b);
  assert_int_equal(u->live, 0);
}

static void assert_holds(const struct swale_buffer *b, const char *text) {
  assert_int_equal(b->len, strlen(text));
  assert_memory_equal(swale__buffer_bytes(b), text, b->len);
}

static void an_empty_buffer_takes_no_memory(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 1000, PLENTY);
  assert_int_equal(u.allocated, 0);
  assert_null(swale__buffer_bytes(&b));
  end(&b, &u);
}

static void what_is_appended_stands_in_order(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 0, PLENTY);
  assert_int_equal(swale_buffer_append(&b, "{\0", 2), 0);
  assert_int_equal(swale_buffer_append(&b, NULL, 0), 0);
  assert_int_equal(swale_buffer_puts(&b, "text"), 0);
  assert_int_equal(swale_buffer_puts(&b, ""), 0);
  assert_int_equal(swale_buffer_printf(&b, " %d%s", -7, "!"), 0);
  assert_int_equal(b.len, 10);
  assert_memory_equal(swale__buffer_bytes(&b), "{\0text -7!", 10);
  end(&b, &u);
}

static void many_bytes_one_at_a_time(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 0, PLENTY);
  for (unsigned i = 0; i < 100000; i++)
    assert_int_equal(swale_buffer_append(&b, &(unsigned char){(unsigned char)(i * 7)}, 1), 0);
  assert_int_equal(b.len, 100000);
  for (unsigned i = 0; i < 100000; i++)
    assert_int_equal(swale__buffer_bytes(&b)[i], (unsigned char)(i * 7));
  assert_in_range(u.allocated, 1, 20);
  end(&b, &u);
}

static void a_good_hint_saves_all_growing(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  static const char bytes[70000];
  begin(&b, &u, sizeof bytes + 16, PLENTY);
  assert_int_equal(swale_buffer_append(&b, "header of 15 B.", 15), 0);
  assert_int_equal(swale_buffer_append(&b, bytes, sizeof bytes), 0);
  assert_int_equal(u.allocated, 1);
  assert_int_equal(b.capacity, sizeof bytes + 16);
  end(&b, &u);
}

static void the_limit_is_exact(void **state) {
  (void)state;
  for (size_t limit = 0; limit < 600; limit += 37) {
    struct unit_env u;
    struct swale_buffer b;
    begin(&b, &u, 0, limit);
    for (size_t i = 0; i < limit; i++)
      assert_int_equal(swale_buffer_append(&b, "x", 1), 0);
    assert_int_equal(swale_buffer_append(&b, NULL, 0), 0);
    assert_int_equal(swale_buffer_append(&b, "x", 1), SWALE_ESIZE);
    assert_int_equal(b.len, limit);
    end(&b, &u);

    begin(&b, &u, 0, limit);
    assert_int_equal(swale_buffer_printf(&b, "%*s", (int)limit, ""), 0);
    assert_int_equal(b.len, limit);
    assert_int_equal(swale_buffer_printf(&b, "x"), SWALE_ESIZE);
    end(&b, &u);
  }
}

static void a_length_that_would_wrap_is_too_large(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 0, PLENTY);
  assert_int_equal(swale_buffer_puts(&b, "x"), 0);
  assert_int_equal(swale_buffer_append(&b, "x", SIZE_MAX), SWALE_ESIZE);
  assert_holds(&b, "x");
  end(&b, &u);
}

static void errors_stay_and_nothing_more_is_taken(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 0, 8);
  assert_int_equal(swale_buffer_puts(&b, "12345678"), 0);
  assert_int_equal(swale_buffer_puts(&b, "9"), SWALE_ESIZE);
  assert_int_equal(swale_buffer_puts(&b, ""), SWALE_ESIZE);
  assert_int_equal(swale_buffer_puts(&b, NULL), SWALE_ESIZE);
  assert_int_equal(swale_buffer_append(&b, NULL, 1), SWALE_ESIZE);
  assert_int_equal(swale_buffer_printf(&b, "%d", 1), SWALE_ESIZE);
  assert_int_equal(b.error, SWALE_ESIZE);
  assert_holds(&b, "12345678");
  end(&b, &u);
}

static void null_is_an_invalid_argument(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 0, PLENTY);
  assert_int_equal(swale_buffer_puts(&b, NULL), SWALE_EINVAL);
  assert_int_equal(b.error, SWALE_EINVAL);
  end(&b, &u);
  begin(&b, &u, 0, PLENTY);
  assert_int_equal(swale_buffer_append(&b, NULL, 1), SWALE_EINVAL);
  end(&b, &u);
}

static void printing_fits_at_every_fill(void **state) {
  (void)state;
  char text[700], expected[1400];
  for (size_t filled = 0; filled < 600; filled += 13) {
    for (size_t printed = 0; printed < 600; printed += 29) {
      struct unit_env u;
      struct swale_buffer b;
      begin(&b, &u, 0, PLENTY);
      memset(text, 'a', sizeof text);
      assert_int_equal(swale_buffer_append(&b, text, filled), 0);
      assert_int_equal(swale_buffer_printf(&b, "<%*d>", (int)printed, 5), 0);
      int n = snprintf(expected, sizeof expected, "%.*s<%*d>", (int)filled, text, (int)printed, 5);
      assert_int_equal(b.len, n);
      assert_memory_equal(swale__buffer_bytes(&b), expected, b.len);
      end(&b, &u);
    }
  }
}

static void a_format_the_c_library_refuses_is_invalid(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  const wchar_t no_character[] = {(wchar_t)0x7fffffff, 0};
  setlocale(LC_ALL, "C");
  begin(&b, &u, 0, PLENTY);
  assert_int_equal(swale_buffer_printf(&b, "%ls", no_character), SWALE_EINVAL);
  assert_int_equal(swale_buffer_puts(&b, "more"), SWALE_EINVAL);
  end(&b, &u);
}

static void without_memory_the_bytes_so_far_stay(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  static const char bytes[1000];
  begin(&b, &u, 0, PLENTY);
  assert_int_equal(swale_buffer_puts(&b, "kept"), 0);
  u.fail_at = 1;
  assert_int_equal(swale_buffer_append(&b, bytes, sizeof bytes), SWALE_ENOMEM);
  assert_int_equal(swale_buffer_append(&b, bytes, 1), SWALE_ENOMEM);
  assert_holds(&b, "kept");
  end(&b, &u);
}

static void the_block_is_handed_over_with_its_front(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 0, PLENTY);
  assert_int_equal(swale_buffer_puts(&b, "bytes"), 0);
  const unsigned char *bytes = swale__buffer_bytes(&b);
  unsigned char *block = swale__buffer_take(&b);
  assert_ptr_equal(block + FRONT, bytes);
  memset(block, 1, FRONT);
  assert_memory_equal(block + FRONT, "bytes", 5);
  assert_null(swale__buffer_bytes(&b));
  unit_env_free(block, &u);
  end(&b, &u);
}

static void an_empty_block_is_made_of_the_front(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 0, PLENTY);
  unsigned char *block = swale__buffer_take(&b);
  assert_non_null(block);
  memset(block, 1, FRONT);
  unit_env_free(block, &u);
  u.fail_at = 1;
  assert_null(swale__buffer_take(&b));
  end(&b, &u);
}

static void much_spare_room_is_given_back(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 10000, PLENTY);
  assert_int_equal(swale_buffer_puts(&b, "short"), 0);
  unsigned char *block = swale__buffer_take(&b);
  assert_int_equal(u.allocated, 2);
  assert_memory_equal(block + FRONT, "short", 5);
  unit_env_free(block, &u);

  begin(&b, &u, 0, PLENTY);
  assert_int_equal(swale_buffer_puts(&b, "short"), 0);
  block = swale__buffer_take(&b);
  assert_int_equal(u.allocated, 1);
  unit_env_free(block, &u);
  end(&b, &u);
}

static void not_being_able_to_shrink_does_no_harm(void **state) {
  (void)state;
  struct unit_env u;
  struct swale_buffer b;
  begin(&b, &u, 10000, PLENTY);
  assert_int_equal(swale_buffer_puts(&b, "short"), 0);
  u.fail_at = 1;
  unsigned char *block = swale__buffer_take(&b);
  assert_int_equal(u.allocated, 2);
  assert_memory_equal(block + FRONT, "short", 5);
  unit_env_free(block, &u);
  end(&b, &u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_buffer_takes_no_memory),
      cmocka_unit_test(what_is_appended_stands_in_order),
      cmocka_unit_test(many_bytes_one_at_a_time),
      cmocka_unit_test(a_good_hint_saves_all_growing),
      cmocka_unit_test(the_limit_is_exact),
      cmocka_unit_test(a_length_that_would_wrap_is_too_large),
      cmocka_unit_test(errors_stay_and_nothing_more_is_taken),
      cmocka_unit_test(null_is_an_invalid_argument),
      cmocka_unit_test(printing_fits_at_every_fill),
      cmocka_unit_test(a_format_the_c_library_refuses_is_invalid),
      cmocka_unit_test(without_memory_the_bytes_so_far_stay),
      cmocka_unit_test(the_block_is_handed_over_with_its_front),
      cmocka_unit_test(an_empty_block_is_made_of_the_front),
      cmocka_unit_test(much_spare_room_is_given_back),
      cmocka_unit_test(not_being_able_to_shrink_does_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>

#include "core/payload.h"

static void assert_payload(const swale_payload *p, enum swale_kind kind, const char *text) {
  size_t len;
  const void *bytes = swale_payload_bytes(p, &len);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(bytes, text, len);
  assert_int_equal(swale_payload_kind(p), kind);
}

static swale_payload *text(struct unit_env *u, const char *bytes) {
  swale_payload *p;
  assert_int_equal(swale_payload_new(SWALE_TEXT, bytes, strlen(bytes), &u->env.allocator, &p), 0);
  return p;
}

/* ---- plain ---------------------------------------------------------------------------- */

static void a_payload_is_one_block_that_copies_the_bytes(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  char bytes[] = "hello";
  swale_payload *p = text(&u, bytes);
  assert_int_equal(u.allocated, 1);
  memset(bytes, 'x', 5);
  assert_payload(p, SWALE_TEXT, "hello");
  swale_payload_unref(p);
  assert_int_equal(u.live, 0);
}

static void the_last_reference_frees_the_payload(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p = text(&u, "hello");
  assert_ptr_equal(swale_payload_ref(p), p);
  swale_payload_unref(p);
  assert_payload(p, SWALE_TEXT, "hello");
  swale_payload_unref(p);
  assert_int_equal(u.live, 0);
  swale_payload_unref(NULL);
}

static void nothing_is_a_payload_too(void **state) {
  (void)state;
  swale_payload *p;
  const enum swale_kind kinds[] = {SWALE_TEXT, SWALE_BINARY};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(swale_payload_new(kinds[i], NULL, 0, NULL, &p), 0);
    assert_payload(p, kinds[i], "");
    size_t len;
    assert_non_null(swale_payload_bytes(p, &len));
    swale_payload_unref(p);
  }
}

static void assert_new_fails(enum swale_kind kind, const void *bytes, size_t len, int error) {
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p = (swale_payload *)&u;
  assert_int_equal(swale_payload_new(kind, bytes, len, &u.env.allocator, &p), error);
  assert_null(p);
  assert_int_equal(u.live, 0);
}

static void what_is_no_payload_is_refused(void **state) {
  (void)state;
  assert_new_fails(SWALE_TEXT, "\xff", 1, SWALE_EUTF8);
  assert_new_fails(SWALE_TEXT, "ab\xc3", 3, SWALE_EUTF8);
  assert_new_fails((enum swale_kind)0, "x", 1, SWALE_EINVAL);
  assert_new_fails((enum swale_kind)3, "x", 1, SWALE_EINVAL);
  assert_new_fails(SWALE_BINARY, NULL, 1, SWALE_EINVAL);
  assert_new_fails(SWALE_BINARY, "x", (size_t)SWALE__PAYLOAD_MAX + 1, SWALE_ESIZE);
  assert_new_fails(SWALE_TEXT, "x", SIZE_MAX, SWALE_ESIZE);
}

static void binary_bytes_are_not_checked(void **state) {
  (void)state;
  swale_payload *p;
  assert_int_equal(swale_payload_new(SWALE_BINARY, "\xff\xc3", 2, NULL, &p), 0);
  assert_payload(p, SWALE_BINARY, "\xff\xc3");
  swale_payload_unref(p);
}

static void without_memory_there_is_no_payload(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p;
  u.fail_at = 1;
  assert_int_equal(swale_payload_new(SWALE_TEXT, "x", 1, &u.env.allocator, &p), SWALE_ENOMEM);
  assert_null(p);
}

/* ---- encoded -------------------------------------------------------------------------- */

static int encoded;

/* "T5:hello", preceded by `arg` if there is one. */
static int frame(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out, const void *arg) {
  encoded++;
  if (arg)
    swale_buffer_puts(out, arg);
  swale_buffer_printf(out, "%c%zu:", kind == SWALE_TEXT ? 'T' : 'B', len);
  return swale_buffer_append(out, bytes, len);
}

static int mark(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out, const void *arg) {
  (void)bytes, (void)len, (void)kind, (void)arg;
  encoded++;
  return swale_buffer_puts(out, "\xff");
}

static int answer(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out, const void *arg) {
  (void)bytes, (void)len, (void)kind;
  encoded++;
  swale_buffer_puts(out, "half");
  return *(const int *)arg;
}

static void what_is_encoded_once_is_shared(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p = text(&u, "hello"), *first, *again;
  encoded = 0;
  assert_int_equal(swale_payload_encode(p, frame, NULL, &first), 0);
  assert_int_equal(swale_payload_encode(p, frame, NULL, &again), 0);
  assert_ptr_equal(first, again);
  assert_int_equal(encoded, 1);
  assert_payload(first, SWALE_BINARY, "T5:hello");
  assert_payload(p, SWALE_TEXT, "hello");
  swale_payload_unref(p);
  assert_int_equal(u.live, 0);
}

static void function_and_argument_make_variants(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p = text(&u, "hello"), *plain, *prefixed, *marked;
  static const char prefix[] = "*";
  encoded = 0;
  assert_int_equal(swale_payload_encode(p, frame, NULL, &plain), 0);
  assert_int_equal(swale_payload_encode(p, frame, prefix, &prefixed), 0);
  assert_int_equal(swale_payload_encode(p, mark, NULL, &marked), 0);
  assert_int_equal(encoded, 3);
  assert_payload(plain, SWALE_BINARY, "T5:hello");
  assert_payload(prefixed, SWALE_BINARY, "*T5:hello");
  assert_payload(marked, SWALE_BINARY, "\xff");
  swale_payload_unref(p);
  assert_int_equal(u.live, 0);
}

static void what_is_named_alike_is_encoded_once_whatever_the_argument(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p = text(&u, "hello"), *first, *same, *other;
  static const char name[2];
  encoded = 0;
  assert_int_equal(swale_payload_encode_as(p, frame, &name[0], "*", &first), 0);
  assert_int_equal(swale_payload_encode_as(p, frame, &name[0], "#", &same), 0);
  assert_int_equal(swale_payload_encode_as(p, frame, &name[1], "#", &other), 0);
  assert_ptr_equal(first, same);
  assert_int_equal(encoded, 2);
  assert_payload(first, SWALE_BINARY, "*T5:hello");
  assert_payload(other, SWALE_BINARY, "#T5:hello");
  swale_payload_unref(p);
  assert_int_equal(u.live, 0);
}

static void an_encoded_payload_may_be_encoded_and_outlive_its_source(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p = text(&u, "hello"), *once, *twice;
  assert_int_equal(swale_payload_encode(p, frame, NULL, &once), 0);
  assert_int_equal(swale_payload_encode(once, frame, NULL, &twice), 0);
  swale_payload_ref(twice);
  swale_payload_unref(p);
  assert_payload(twice, SWALE_BINARY, "B8:T5:hello");
  assert_int_equal(u.live, 1);
  swale_payload_unref(twice);
  assert_int_equal(u.live, 0);
}

static void failures_are_reported_and_not_kept(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p = text(&u, "hello"), *out;
  const int wanted[][2] = {{SWALE_EPROTOCOL, SWALE_EPROTOCOL}, {7, SWALE_EINVAL}};
  encoded = 0;
  for (size_t i = 0; i < 4; i++) {
    out = p;
    assert_int_equal(swale_payload_encode(p, answer, &wanted[i / 2][0], &out), wanted[i / 2][1]);
    assert_null(out);
  }
  assert_int_equal(encoded, 4);
  assert_int_equal(swale_payload_encode(p, answer, &(const int){0}, &out), 0);
  assert_payload(out, SWALE_BINARY, "half");
  swale_payload_unref(p);
  assert_int_equal(u.live, 0);
}

/* ---- wrapped -------------------------------------------------------------------------- */

static void bytes_are_wrapped_without_a_copy_of_their_own(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p;
  assert_int_equal(swale_payload_wrap(SWALE_TEXT, "hello", 5, frame, NULL, &u.env.allocator, &p), 0);
  assert_int_equal(u.allocated, 1);
  assert_payload(p, SWALE_BINARY, "T5:hello");
  swale_payload_unref(p);
  assert_int_equal(swale_payload_wrap(SWALE_BINARY, NULL, 0, frame, NULL, &u.env.allocator, &p), 0);
  assert_payload(p, SWALE_BINARY, "B0:");
  swale_payload_unref(p);
  assert_int_equal(u.live, 0);
}

static void large_bytes_are_wrapped_into_a_block_that_fits(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  size_t len = 1 << 20, framed;
  char *bytes = malloc(len);
  memset(bytes, 'x', len);
  swale_payload *p;
  assert_int_equal(swale_payload_wrap(SWALE_BINARY, bytes, len, frame, NULL, &u.env.allocator, &p), 0);
  assert_int_equal(u.allocated, 1);
  assert_memory_equal((const char *)swale_payload_bytes(p, &framed) + 9, bytes, len);
  assert_int_equal(framed, len + 9);
  swale_payload_unref(p);
  free(bytes);
  assert_int_equal(u.live, 0);
}

static void assert_wrap_fails(enum swale_kind kind, const void *bytes, size_t len, const int *answered,
                              int error) {
  struct unit_env u;
  unit_env_init(&u);
  swale_payload *p = (swale_payload *)&u;
  assert_int_equal(swale_payload_wrap(kind, bytes, len, answer, answered, &u.env.allocator, &p), error);
  assert_null(p);
  assert_int_equal(u.live, 0);
}

static void what_cannot_be_wrapped_is_refused(void **state) {
  (void)state;
  const int fine = 0, broken = SWALE_EPROTOCOL, strange = 1;
  assert_wrap_fails((enum swale_kind)0, "x", 1, &fine, SWALE_EINVAL);
  assert_wrap_fails(SWALE_BINARY, NULL, 1, &fine, SWALE_EINVAL);
  assert_wrap_fails(SWALE_BINARY, "x", SIZE_MAX, &fine, SWALE_ESIZE);
  assert_wrap_fails(SWALE_BINARY, "x", 1, &broken, SWALE_EPROTOCOL);
  assert_wrap_fails(SWALE_BINARY, "x", 1, &strange, SWALE_EINVAL);
}

/* ---- without memory ------------------------------------------------------------------- */

static int encode_and_wrap(struct unit_env *u) {
  swale_payload *p, *out, *wrapped;
  int rv = swale_payload_new(SWALE_TEXT, "hello", 5, &u->env.allocator, &p);
  if (rv)
    return rv;
  rv = swale_payload_encode(p, frame, NULL, &out);
  if (rv == 0) {
    assert_payload(out, SWALE_BINARY, "T5:hello");
    rv = swale_payload_wrap(SWALE_TEXT, "hello", 5, frame, NULL, &u->env.allocator, &wrapped);
    swale_payload_unref(wrapped);
  } else {
    assert_null(out);
  }
  swale_payload_unref(p);
  if (rv)
    assert_int_equal(rv, SWALE_ENOMEM);
  return rv;
}

static void running_out_of_memory_is_reported(void **state) {
  (void)state;
  unit_fail_every_allocation(encode_and_wrap);
}

static int write_nothing(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out,
                         const void *arg) {
  (void)bytes, (void)len, (void)kind, (void)out, (void)arg;
  return 0;
}

static int encode_to_nothing(struct unit_env *u) {
  swale_payload *p;
  int rv = swale_payload_wrap(SWALE_TEXT, "hello", 5, write_nothing, NULL, &u->env.allocator, &p);
  if (rv == 0)
    assert_payload(p, SWALE_BINARY, "");
  swale_payload_unref(p);
  return rv;
}

static void even_nothing_takes_memory(void **state) {
  (void)state;
  unit_fail_every_allocation(encode_to_nothing);
}

/* ---- many threads, one payload -------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 100, VARIANTS = 4 };

struct sender {
  pthread_t thread;
  pthread_barrier_t *start;
  swale_payload *p;
  swale_payload *seen[VARIANTS];
};

static const char variants[VARIANTS][2] = {"a", "b", "c", "d"};

static int copy(const void *bytes, size_t len, enum swale_kind kind, swale_buffer *out, const void *arg) {
  (void)kind;
  swale_buffer_puts(out, arg);
  return swale_buffer_append(out, bytes, len);
}

static void *send_all(void *user) {
  struct sender *s = user;
  pthread_barrier_wait(s->start);
  for (int i = 0; i < VARIANTS; i++) {
    swale_payload_encode(s->p, copy, variants[i], &s->seen[i]);
    swale_payload_ref(s->seen[i]);
  }
  swale_payload_unref(s->p);
  return NULL;
}

static void threads_share_what_is_encoded(void **state) {
  (void)state;
  pthread_barrier_t start;
  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  for (int round = 0; round < ROUNDS; round++) {
    struct sender senders[THREADS];
    swale_payload *p;
    assert_int_equal(swale_payload_new(SWALE_TEXT, "hello", 5, NULL, &p), 0);
    for (int t = 0; t < THREADS; t++) {
      senders[t] = (struct sender){.start = &start, .p = swale_payload_ref(p)};
      assert_int_equal(pthread_create(&senders[t].thread, NULL, send_all, &senders[t]), 0);
    }
    swale_payload_unref(p);
    for (int t = 0; t < THREADS; t++)
      assert_int_equal(pthread_join(senders[t].thread, NULL), 0);
    for (int i = 0; i < VARIANTS * THREADS; i++) {
      swale_payload *seen = senders[i % THREADS].seen[i / THREADS];
      assert_ptr_equal(seen, senders[0].seen[i / THREADS]);
      assert_int_equal(((const char *)swale_payload_bytes(seen, &(size_t){0}))[0], variants[i / THREADS][0]);
    }
    for (int i = 0; i < VARIANTS * THREADS; i++)
      swale_payload_unref(senders[i % THREADS].seen[i / THREADS]);
  }
  pthread_barrier_destroy(&start);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_payload_is_one_block_that_copies_the_bytes),
      cmocka_unit_test(the_last_reference_frees_the_payload),
      cmocka_unit_test(nothing_is_a_payload_too),
      cmocka_unit_test(what_is_no_payload_is_refused),
      cmocka_unit_test(binary_bytes_are_not_checked),
      cmocka_unit_test(without_memory_there_is_no_payload),
      cmocka_unit_test(what_is_encoded_once_is_shared),
      cmocka_unit_test(function_and_argument_make_variants),
      cmocka_unit_test(what_is_named_alike_is_encoded_once_whatever_the_argument),
      cmocka_unit_test(an_encoded_payload_may_be_encoded_and_outlive_its_source),
      cmocka_unit_test(failures_are_reported_and_not_kept),
      cmocka_unit_test(bytes_are_wrapped_without_a_copy_of_their_own),
      cmocka_unit_test(large_bytes_are_wrapped_into_a_block_that_fits),
      cmocka_unit_test(what_cannot_be_wrapped_is_refused),
      cmocka_unit_test(running_out_of_memory_is_reported),
      cmocka_unit_test(even_nothing_takes_memory),
      cmocka_unit_test(threads_share_what_is_encoded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

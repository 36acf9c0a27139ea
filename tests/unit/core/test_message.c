/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>

#include "core/message.h"

static int parse_with(struct unit_env *u, const void *bytes, size_t len,
                      const struct swale_parse_limits *limits, swale_message **out) {
  return swale_message_parse(bytes, len, limits, u ? &u->env.allocator : NULL, out);
}

/* The error of parsing these bytes; nothing is left over. */
static int parse_error(const void *bytes, size_t len, const struct swale_parse_limits *limits) {
  struct unit_env u;
  unit_env_init(&u);
  swale_message *m = (swale_message *)&u;
  int rv = parse_with(&u, bytes, len, limits, &m);
  if (rv)
    assert_null(m);
  swale_message_unref(m);
  assert_int_equal(u.live, 0);
  return rv;
}

#define PARSE_ERROR(literal) parse_error(literal, sizeof(literal) - 1, NULL)

static swale_message *frozen(const char *text) {
  swale_message *m = swale_message_new("t");
  swale_message_add_str(m, "text", text);
  assert_int_equal(swale_message_freeze(m), 0);
  return m;
}

/* ---- life ----------------------------------------------------------------------------- */

static void the_last_reference_frees_the_message(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_message *m = swale_message_new_with("t", 0, &u.env.allocator);
  assert_ptr_equal(swale_message_ref(m), m);
  swale_message_unref(m);
  assert_int_equal(u.live, 1);
  assert_string_equal(swale_message_type(m), "t");
  swale_message_unref(m);
  assert_int_equal(u.live, 0);
  swale_message_unref(NULL);
}

static void without_memory_there_is_no_message(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  u.fail_at = 1;
  assert_null(swale_message_new_with("t", 0, &u.env.allocator));
}

/* A message whose type is not usable says so from the start. */
static void assert_bad_type(const char *type, size_t size_max, int error) {
  struct unit_env u;
  unit_env_init(&u);
  swale_message *m = swale_message_new_with(type, size_max, &u.env.allocator);
  size_t len = 1;
  assert_non_null(m);
  assert_int_equal(swale_message_error(m), error);
  assert_int_equal(swale_message_add_int(m, "k", 1), error);
  assert_int_equal(swale_message_freeze(m), error);
  assert_string_equal(swale_message_type(m), "");
  assert_null(swale_message_bytes(m, &len));
  assert_int_equal(len, 0);
  swale_message_unref(m);
  assert_int_equal(u.live, 0);
}

static void a_bad_type_is_a_sticky_error(void **state) {
  (void)state;
  assert_bad_type(NULL, 0, SWALE_EINVAL);
  assert_bad_type("", 0, SWALE_ETYPE);
  assert_bad_type("\xff", 0, SWALE_EUTF8);
  assert_bad_type("caf\xc3", 0, SWALE_EUTF8);
  assert_bad_type("type", 4, SWALE_ESIZE);
  assert_bad_type("type", 10, SWALE_ESIZE);
  assert_bad_type("t", 1, SWALE_ESIZE);
  assert_bad_type("", 1, SWALE_ETYPE);
}

static void a_type_may_be_as_long_as_the_message(void **state) {
  (void)state;
  const size_t lengths[] = {1, 31, 32, 255, 256, 400, 5000, 65535, 65536, 100000};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct unit_env u;
    unit_env_init(&u);
    char *type = malloc(lengths[i] + 1);
    memset(type, 'y', lengths[i]);
    type[lengths[i]] = '\0';
    size_t head = lengths[i] <= 31 ? 1 : lengths[i] <= 255 ? 2 : lengths[i] <= 65535 ? 3 : 5;
    swale_message *m = swale_message_new_with(type, 6 + head + lengths[i], &u.env.allocator);
    assert_int_equal(swale_message_freeze(m), 0);
    assert_string_equal(swale_message_type(m), type);
    assert_int_equal(u.live, 1);
    swale_message_unref(m);
    assert_bad_type(type, 6 + head + lengths[i] - 1, SWALE_ESIZE);
    free(type);
  }
}

static void unfinished_messages_can_be_dropped(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_message *m = swale_message_new_with("t", 0, &u.env.allocator);
  for (int i = 0; i < 10; i++) {
    swale_message_begin_map(m, "m");
    for (int j = 0; j < 20; j++)
      swale_message_add_str(m, (const char[]){(char)('A' + j), 0}, "twenty keys per level and ten levels");
  }
  assert_int_equal(swale_message_error(m), 0);
  swale_message_unref(m);
  assert_int_equal(u.live, 0);
}

/* ---- parsing -------------------------------------------------------------------------- */

static void a_parsed_message_is_one_block_with_the_same_bytes(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  unsigned char bytes[] = "\x82\xa1k\xd3\0\0\0\0\0\0\0\x05\xd9\x04type\xa5hello";
  swale_message *m;
  size_t len;
  assert_int_equal(parse_with(&u, bytes, sizeof bytes - 1, NULL, &m), 0);
  assert_int_equal(u.allocated, 1);
  memset(bytes, 0xc1, sizeof bytes);
  assert_string_equal(swale_message_type(m), "hello");
  assert_int_equal(swale_message_get_int(m, "k", -1), 5);
  assert_int_equal(swale_message_root(m).len, 2);
  assert_memory_equal(swale_message_bytes(m, &len), "\x82\xa1k\xd3\0\0\0\0\0\0\0\x05\xd9\x04type\xa5hello",
                      24);
  assert_int_equal(len, 24);
  assert_int_equal(swale_message_add_int(m, "l", 1), SWALE_ESTATE);
  assert_int_equal(swale_message_freeze(m), 0);
  swale_message_unref(m);
  assert_int_equal(u.live, 0);
}

static void the_type_may_stand_anywhere(void **state) {
  (void)state;
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xa1t"), 0);
  assert_int_equal(PARSE_ERROR("\x83\xa1x\xc0\xa4type\xa1t\xa1y\xc0"), 0);
  assert_int_equal(PARSE_ERROR("\x83\xa1x\x92\xc0\x90\xa1y\x80\xa4type\xa1t"), 0);
}

static void a_message_without_a_usable_type_is_refused(void **state) {
  (void)state;
  assert_int_equal(PARSE_ERROR("\x80"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x81\xa1k\xa1t"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xa0"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\x01"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xc0"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xc4\x01t"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xa3t\0u"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xa1\0"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x81\xa1k\x81\xa4type\xa1t"), SWALE_ETYPE);
}

static void each_kind_of_bad_bytes_has_its_error(void **state) {
  (void)state;
  assert_int_equal(parse_error(NULL, 0, NULL), SWALE_EFORMAT);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xa1"), SWALE_EFORMAT);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xa1t\xc0"), SWALE_EFORMAT);
  assert_int_equal(PARSE_ERROR("\x91\xa4type"), SWALE_EFORMAT);
  assert_int_equal(PARSE_ERROR("\x81\xa4type\xa1\xff"), SWALE_EUTF8);
  assert_int_equal(PARSE_ERROR("\x82\xa4type\xa1t\xa4type\xa1t"), SWALE_EDUPLICATE);
  assert_int_equal(PARSE_ERROR("\x82\xa4type\xa1t\x01\xc0"), SWALE_ETYPE);
  assert_int_equal(PARSE_ERROR("\x82\xa4type\xa1t\xa1k\xcf\xff\0\0\0\0\0\0\0"), SWALE_ETYPE);
}

static void the_size_limit_is_exact(void **state) {
  (void)state;
  const unsigned char bytes[] = "\x81\xa4type\xa1t";
  assert_int_equal(parse_error(bytes, 8, &(struct swale_parse_limits){.size = 8}), 0);
  assert_int_equal(parse_error(bytes, 8, &(struct swale_parse_limits){.size = 7}), SWALE_ESIZE);
  assert_int_equal(parse_error(bytes, 8, &(struct swale_parse_limits){.size = SIZE_MAX}), 0);
  assert_int_equal(parse_error(bytes, SIZE_MAX, &(struct swale_parse_limits){.size = SIZE_MAX}), SWALE_ESIZE);
  assert_int_equal(parse_error(bytes, SWALE_MESSAGE_SIZE_DEFAULT + 1, NULL), SWALE_ESIZE);
  assert_int_equal(parse_error(bytes, SWALE_MESSAGE_SIZE_DEFAULT + 1, &(struct swale_parse_limits){0}),
                   SWALE_ESIZE);
}

static void the_depth_limit_is_exact_and_never_above_32(void **state) {
  (void)state;
  unsigned char bytes[64] = "\x82\xa4type\xa1t\xa1k";
  for (size_t depth = 2; depth <= SWALE_MESSAGE_DEPTH_MAX + 1; depth++) {
    memset(bytes + 10, 0x91, depth - 2);
    bytes[10 + depth - 2] = 0x90;
    size_t len = 10 + depth - 1;
    int too_deep = depth > SWALE_MESSAGE_DEPTH_MAX ? SWALE_EDEPTH : 0;
    assert_int_equal(parse_error(bytes, len, NULL), too_deep);
    assert_int_equal(parse_error(bytes, len, &(struct swale_parse_limits){.depth = 1000}), too_deep);
    assert_int_equal(parse_error(bytes, len, &(struct swale_parse_limits){.depth = depth}), too_deep);
    assert_int_equal(parse_error(bytes, len, &(struct swale_parse_limits){.depth = depth - 1}), SWALE_EDEPTH);
  }
}

static int parse_and_render(struct unit_env *u);

static void running_out_of_memory_while_parsing_and_rendering(void **state) {
  (void)state;
  unit_fail_every_allocation(parse_and_render);
}

/* ---- without a field ------------------------------------------------------------------- */

#define FIELD "\xa3key\x92\x01\x81\xa1k\xa1v" /* "key": [1, {"k": "v"}] */

static void assert_taken(const char *bytes, size_t len, const char *left, size_t left_len) {
  swale_message *m;
  struct swale_value taken;
  size_t m_len;
  assert_int_equal(swale_message_parse_without("key", bytes, len, NULL, NULL, &m, &taken), 0);
  const void *m_bytes = swale_message_bytes(m, &m_len);
  assert_int_equal(m_len, left_len);
  assert_memory_equal(m_bytes, left, left_len);
  swale_message_unref(m);
  assert_int_equal(taken.type, SWALE_LIST);
  assert_int_equal(taken.len, 2);
  assert_true((const char *)taken.as.bytes > bytes && (const char *)taken.as.bytes < bytes + len);
}

#define ASSERT_TAKEN(bytes, left) assert_taken("" bytes, sizeof(bytes) - 1, "" left, sizeof(left) - 1)

static void a_field_is_taken_out_wherever_it_is(void **state) {
  (void)state;
  ASSERT_TAKEN("\x83\xa4type\xa1t\xa1x\x07" FIELD, "\x82\xa4type\xa1t\xa1x\x07");
  ASSERT_TAKEN("\x83\xa4type\xa1t" FIELD "\xa1x\x07", "\x82\xa4type\xa1t\xa1x\x07");
  ASSERT_TAKEN("\x83" FIELD "\xa4type\xa1t\xa1x\x07", "\x82\xa4type\xa1t\xa1x\x07");
  ASSERT_TAKEN("\xde\x00\x02\xa4type\xa1t" FIELD, "\x81\xa4type\xa1t");
}

/* 16 fields have a head of three bytes, 15 one of one. */
static void the_head_gets_shorter_with_the_map(void **state) {
  (void)state;
#define FOURTEEN                                                                                             \
  "\xa4type\xa1t\xa1\x01\x01\xa1\x02\x01\xa1\x03\x01\xa1\x04\x01\xa1\x05\x01\xa1\x06\x01\xa1\x07\x01\xa1"    \
  "\x08\x01"                                                                                                 \
  "\xa1\x09\x01\xa1\x0a\x01\xa1\x0b\x01\xa1\x0c\x01\xa1\x0d\x01"
  ASSERT_TAKEN("\xde\x00\x10" FOURTEEN "\xa1\x0e\x01" FIELD, "\x8f" FOURTEEN "\xa1\x0e\x01");
}

static void without_such_a_field_the_message_is_whole(void **state) {
  (void)state;
  static const char bytes[] = "\xde\x00\x02\xa4type\xa1t\xa1m\x81" FIELD; /* a deeper one does not count */
  swale_message *m;
  struct swale_value taken;
  size_t len;
  assert_int_equal(swale_message_parse_without("key", bytes, sizeof bytes - 1, NULL, NULL, &m, &taken), 0);
  const void *m_bytes = swale_message_bytes(m, &len);
  assert_int_equal(len, sizeof bytes - 1);
  assert_memory_equal(m_bytes, bytes, len);
  assert_int_equal(taken.type, SWALE_NIL);
  swale_message_unref(m);
}

static int taking_error(const char *key, const void *bytes, size_t len,
                        const struct swale_parse_limits *limits) {
  swale_message *m = (swale_message *)&m;
  struct swale_value taken;
  int rv = swale_message_parse_without(key, bytes, len, limits, NULL, &m, &taken);
  assert_int_equal(taken.type, SWALE_NIL);
  assert_null(m);
  return rv;
}

static void bad_bytes_are_refused_inside_the_field_too(void **state) {
  (void)state;
  static const char bad[] = "\x82\xa4type\xa1t\xa3key\x92\x01\xc1", twice[] = "\x83\xa4type\xa1t" FIELD FIELD;
  assert_int_equal(taking_error("key", bad, sizeof bad - 1, NULL), SWALE_EFORMAT);
  assert_int_equal(taking_error("key", twice, sizeof twice - 1, NULL), SWALE_EDUPLICATE);
  assert_int_equal(taking_error("type", "\x81\xa4type\xa1t", 8, NULL), SWALE_EINVAL);
  assert_int_equal(taking_error("key", "", (size_t)SWALE_MESSAGE_SIZE_MAX + 1, NULL), SWALE_ESIZE);
}

static void the_field_does_not_count_as_the_messages_size(void **state) {
  (void)state;
  static const char bytes[] = "\x82\xa4type\xa1t" FIELD;
  struct swale_parse_limits limits = {.size = 8};
  struct swale_value taken;
  swale_message *m;
  assert_int_equal(swale_message_parse_without("key", bytes, sizeof bytes - 1, &limits, NULL, &m, &taken), 0);
  swale_message_unref(m);
  limits.size = 7;
  assert_int_equal(taking_error("key", bytes, sizeof bytes - 1, &limits), SWALE_ESIZE);
}

/* ---- rendering ------------------------------------------------------------------------ */

static int rendered;

static int render_text(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  rendered++;
  swale_buffer_printf(out, "%s:", arg ? (const char *)arg : "-");
  return swale_buffer_append(out, text, len);
}

static int render_nothing(const swale_message *m, swale_buffer *out, void *arg) {
  (void)m, (void)out, (void)arg;
  rendered++;
  return 0;
}

static int render_to_order(const swale_message *m, swale_buffer *out, void *arg) {
  (void)m;
  rendered++;
  swale_buffer_puts(out, "half");
  return *(int *)arg;
}

static int render_far_too_much(const swale_message *m, swale_buffer *out, void *arg) {
  (void)m, (void)arg;
  rendered++;
  for (int i = 0; i < 64; i++)
    swale_buffer_printf(out, "%*s", 1 << 20, "");
  swale_buffer_puts(out, "x");
  return 0;
}

static void assert_payload(swale_payload *p, enum swale_kind kind, const char *text) {
  size_t len;
  const void *bytes = swale_payload_bytes(p, &len);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(bytes, text, len);
  assert_int_equal(swale_payload_kind(p), kind);
}

static void what_is_rendered_once_is_shared(void **state) {
  (void)state;
  swale_message *m = frozen("hello");
  swale_payload *first, *again;
  rendered = 0;
  assert_int_equal(swale_message_render(m, SWALE_TEXT, render_text, NULL, &first), 0);
  assert_int_equal(swale_message_render(m, SWALE_TEXT, render_text, NULL, &again), 0);
  assert_ptr_equal(first, again);
  assert_int_equal(rendered, 1);
  assert_payload(first, SWALE_TEXT, "-:hello");
  swale_message_unref(m);
}

static void kind_function_and_argument_make_variants(void **state) {
  (void)state;
  swale_message *m = frozen("hello");
  swale_payload *plain, *de, *binary, *empty, *again;
  static char german[] = "de";
  rendered = 0;
  assert_int_equal(swale_message_render(m, SWALE_TEXT, render_text, NULL, &plain), 0);
  assert_int_equal(swale_message_render(m, SWALE_TEXT, render_text, german, &de), 0);
  assert_int_equal(swale_message_render(m, SWALE_BINARY, render_text, NULL, &binary), 0);
  assert_int_equal(swale_message_render(m, SWALE_TEXT, render_nothing, NULL, &empty), 0);
  assert_int_equal(rendered, 4);
  assert_payload(plain, SWALE_TEXT, "-:hello");
  assert_payload(de, SWALE_TEXT, "de:hello");
  assert_payload(binary, SWALE_BINARY, "-:hello");
  assert_payload(empty, SWALE_TEXT, "");
  assert_int_equal(swale_message_render(m, SWALE_TEXT, render_text, german, &again), 0);
  assert_ptr_equal(again, de);
  assert_int_equal(rendered, 4);
  swale_message_unref(m);
}

static void a_rendered_payload_may_outlive_its_message(void **state) {
  (void)state;
  struct unit_env u;
  unit_env_init(&u);
  swale_message *m = swale_message_new_with("t", 0, &u.env.allocator);
  swale_message_add_str(m, "text", "hello");
  swale_message_freeze(m);
  swale_payload *p;
  assert_int_equal(swale_message_render(m, SWALE_TEXT, render_text, NULL, &p), 0);
  swale_payload_ref(p);
  swale_message_unref(m);
  assert_payload(p, SWALE_TEXT, "-:hello");
  assert_int_equal(u.live, 1);
  swale_payload_unref(p);
  assert_int_equal(u.live, 0);
}

/* Renders, and expects failure each time anew. */
static void assert_render_fails(swale_message *m, enum swale_kind kind, swale_render_fn render, void *arg,
                                int error) {
  for (int time = 1; time <= 2; time++) {
    swale_payload *p = (swale_payload *)m;
    assert_int_equal(swale_message_render(m, kind, render, arg, &p), error);
    assert_null(p);
  }
}

static void failures_are_reported_and_not_kept(void **state) {
  (void)state;
  swale_message *m = frozen("hello");
  int answer = SWALE_EPROTOCOL;
  rendered = 0;
  assert_render_fails(m, SWALE_TEXT, render_to_order, &answer, SWALE_EPROTOCOL);
  answer = 1;
  assert_render_fails(m, SWALE_TEXT, render_to_order, &answer, SWALE_EINVAL);
  assert_int_equal(rendered, 4);
  answer = 0;
  swale_payload *p;
  assert_int_equal(swale_message_render(m, SWALE_TEXT, render_to_order, &answer, &p), 0);
  assert_payload(p, SWALE_TEXT, "half");
  assert_int_equal(rendered, 5);
  swale_message_unref(m);
}

static void a_renderer_need_not_check_its_appends(void **state) {
  (void)state;
  swale_message *m = frozen("hello");
  rendered = 0;
  assert_render_fails(m, SWALE_TEXT, render_far_too_much, NULL, SWALE_ESIZE);
  assert_int_equal(rendered, 2);
  swale_message_unref(m);
}

static void rendered_text_must_be_utf8(void **state) {
  (void)state;
  swale_message *m = frozen("hello");
  static char latin1[] = "\xe4";
  swale_payload *p;
  assert_render_fails(m, SWALE_TEXT, render_text, latin1, SWALE_EUTF8);
  assert_int_equal(swale_message_render(m, SWALE_BINARY, render_text, latin1, &p), 0);
  assert_payload(p, SWALE_BINARY, "\xe4:hello");
  swale_message_unref(m);
}

static void only_frozen_messages_and_known_kinds_are_rendered(void **state) {
  (void)state;
  swale_message *m = swale_message_new("t");
  rendered = 0;
  swale_message_add_str(m, "text", "hello");
  assert_render_fails(m, SWALE_TEXT, render_text, NULL, SWALE_ESTATE);
  swale_message_freeze(m);
  assert_render_fails(m, (enum swale_kind)0, render_text, NULL, SWALE_EINVAL);
  assert_render_fails(m, (enum swale_kind)3, render_text, NULL, SWALE_EINVAL);
  assert_int_equal(rendered, 0);
  swale_message_unref(m);
}

static int parse_and_render(struct unit_env *u) {
  unsigned char bytes[400] = "\xde\x00\x14\xa4type\xa1t\xa4text\xa5hello";
  size_t len = 21;
  for (int i = 0; i < 18; i++) {
    bytes[len++] = 0xa1;
    bytes[len++] = (unsigned char)('a' + i);
    bytes[len++] = 0xc0;
  }
  swale_message *m;
  swale_payload *p;
  int rv = parse_with(u, bytes, len, NULL, &m);
  if (rv) {
    assert_null(m);
    assert_int_equal(rv, SWALE_ENOMEM);
    return rv;
  }
  rv = swale_message_render(m, SWALE_TEXT, render_text, NULL, &p);
  if (rv) {
    assert_null(p);
    assert_int_equal(rv, SWALE_ENOMEM);
    assert_int_equal(swale_message_render(m, SWALE_TEXT, render_text, NULL, &p), 0);
  }
  assert_payload(p, SWALE_TEXT, "-:hello");
  swale_message_unref(m);
  return rv;
}

/* ---- many threads, one message -------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 100, VARIANTS = 4 };

struct reader {
  pthread_t thread;
  pthread_barrier_t *start;
  swale_message *m;
  swale_payload *seen[VARIANTS];
};

static char variants[VARIANTS][2] = {"a", "b", "c", "d"};

static int render_quietly(const swale_message *m, swale_buffer *out, void *arg) {
  return swale_buffer_printf(out, "%s:%s", (const char *)arg, swale_message_type(m));
}

static void *read_and_render(void *user) {
  struct reader *r = user;
  pthread_barrier_wait(r->start);
  for (int i = 0; i < VARIANTS; i++) {
    swale_message_render(r->m, SWALE_TEXT, render_quietly, variants[i], &r->seen[i]);
    swale_payload_ref(r->seen[i]);
  }
  swale_message_unref(r->m);
  return NULL;
}

static void assert_all_saw_the_same(struct reader *readers) {
  for (int i = 0; i < VARIANTS; i++) {
    assert_payload(readers[0].seen[i], SWALE_TEXT, (const char[]){variants[i][0], ':', 't', 0});
    for (int t = 0; t < THREADS; t++)
      assert_ptr_equal(readers[t].seen[i], readers[0].seen[i]);
    for (int t = 0; t < THREADS; t++)
      swale_payload_unref(readers[t].seen[i]);
  }
}

static void threads_share_what_is_rendered(void **state) {
  (void)state;
  pthread_barrier_t start;
  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  for (int round = 0; round < ROUNDS; round++) {
    struct reader readers[THREADS];
    swale_message *m = frozen("hello");
    for (int t = 0; t < THREADS; t++) {
      readers[t] = (struct reader){.start = &start, .m = swale_message_ref(m)};
      assert_int_equal(pthread_create(&readers[t].thread, NULL, read_and_render, &readers[t]), 0);
    }
    swale_message_unref(m);
    for (int t = 0; t < THREADS; t++)
      assert_int_equal(pthread_join(readers[t].thread, NULL), 0);
    assert_all_saw_the_same(readers);
  }
  pthread_barrier_destroy(&start);
}

static void the_weight_is_about_the_memory_of_a_parsed_message(void **state) {
  (void)state;
  swale_message *small, *large;
  assert_int_equal(swale_message_parse("\x81\xa4type\xa1t", 8, NULL, NULL, &small), 0);
  large = frozen("a text of some length, forty characters");
  assert_true(swale__message_weight(small) >= sizeof *small + 8);
  assert_int_equal(swale__message_weight(large) - swale__message_weight(small), 5 + 2 + 39);
  swale_message_unref(small);
  swale_message_unref(large);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_last_reference_frees_the_message),
      cmocka_unit_test(without_memory_there_is_no_message),
      cmocka_unit_test(a_bad_type_is_a_sticky_error),
      cmocka_unit_test(a_type_may_be_as_long_as_the_message),
      cmocka_unit_test(unfinished_messages_can_be_dropped),
      cmocka_unit_test(a_parsed_message_is_one_block_with_the_same_bytes),
      cmocka_unit_test(the_type_may_stand_anywhere),
      cmocka_unit_test(a_message_without_a_usable_type_is_refused),
      cmocka_unit_test(each_kind_of_bad_bytes_has_its_error),
      cmocka_unit_test(the_size_limit_is_exact),
      cmocka_unit_test(the_depth_limit_is_exact_and_never_above_32),
      cmocka_unit_test(running_out_of_memory_while_parsing_and_rendering),
      cmocka_unit_test(a_field_is_taken_out_wherever_it_is),
      cmocka_unit_test(the_head_gets_shorter_with_the_map),
      cmocka_unit_test(without_such_a_field_the_message_is_whole),
      cmocka_unit_test(bad_bytes_are_refused_inside_the_field_too),
      cmocka_unit_test(the_field_does_not_count_as_the_messages_size),
      cmocka_unit_test(what_is_rendered_once_is_shared),
      cmocka_unit_test(kind_function_and_argument_make_variants),
      cmocka_unit_test(a_rendered_payload_may_outlive_its_message),
      cmocka_unit_test(failures_are_reported_and_not_kept),
      cmocka_unit_test(a_renderer_need_not_check_its_appends),
      cmocka_unit_test(rendered_text_must_be_utf8),
      cmocka_unit_test(only_frozen_messages_and_known_kinds_are_rendered),
      cmocka_unit_test(threads_share_what_is_rendered),
      cmocka_unit_test(the_weight_is_about_the_memory_of_a_parsed_message),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "redis/fernet.h"

/* Keys, tokens and their texts (bytes 0, 1, 2, ...) are from Python's cryptography package. */
static const char secret[] = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
#define MADE_AT 1700000000u

static const struct {
  size_t len;
  const char *token;
} known[] = {
    {0,
     "gAAAAABlU_EAAAECAwQFBgcICQoLDA0ODwkaeYwfcPboCxvO81orbsoS9X05R_xnBA2h3t5aC8GoS59m4hSnzc2st44yeHNcww=="},
    {1,
     "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD8FjM8htJoNVwJXrQJk_3RGYzh-4CmOK56KUDlkWpXq-qPh8urQLIg2eVknlmW2Xjg=="},
    {15,
     "gAAAAABlU_EAAAECAwQFBgcICQoLDA0ODzbb_WaRoE7yp1l0BDf5P8aNuKMf2fWbTH_HtQ6M563rFw5CfEjSSsnwc8QsMgUzRg=="},
    {16,
     "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD93LeixGGr-onghfDzQFfFq2hwLH9Y7dqC9ZcBdYoEerzAwee8lixjnlx6PF4Y3e4Cnd"
     "Jjtrqs6xd30Lgn9J10w="},
    {17,
     "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD93LeixGGr-onghfDzQFfFqtR9YTW29pIFPR_KH-ddJKMGkbmk4asbszu9de4v447an2"
     "tDNDlG351Dg_qSK99Co="},
    {100,
     "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD93LeixGGr-onghfDzQFfFrqABPgOxW9-1-oUG8qspKy4kquPHqVjgbqx8qT2Zc6Ayu"
     "yYX2pqceqUOeze5deoMQCTJxlKhWjlyeGPd1gZm6v25AEYuS3o2poN9aBx69yFBA-lOHhxjcxyB_VU3_Y98JEjamnXuiyeJnf6q"
     "nUry28w49-ISXVT1rgJcx9NtdD5Q=="},
};

static void count_up(unsigned char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++)
    bytes[i] = (unsigned char)i;
}

static struct swale__fernet_key derived(const char *text) {
  struct swale__fernet_key key;
  swale__fernet_derive(&key, text, strlen(text));
  return key;
}

/* In a block of exactly its size, for the sanitizers to see. */
static char *encrypted(const struct swale__fernet_key *key, uint64_t now_s, const void *plain, size_t len) {
  uint8_t iv[SWALE__FERNET_IV_SIZE];
  char *token = malloc(swale__fernet_size(len));
  count_up(iv, sizeof iv);
  if (len > 0)
    memcpy(token + swale__fernet_offset(len), plain, len);
  swale__fernet_encrypt(key, now_s, iv, token, len);
  return token;
}

struct decrypted {
  int rv;
  unsigned char *room;
  const unsigned char *plain;
  size_t len;
};

static struct decrypted decrypt(const struct swale__fernet_key *keys, size_t n_keys, uint64_t now_s,
                                uint64_t ttl_s, const char *token, size_t len) {
  struct decrypted d = {.room = malloc(len + (len == 0))};
  d.rv = swale__fernet_decrypt(keys, n_keys, now_s, ttl_s, token, len, d.room, &d.plain, &d.len);
  return d;
}

static void assert_refused(const struct swale__fernet_key *key, const char *token, size_t len, int error) {
  struct decrypted d = decrypt(key, 1, MADE_AT, 0, token, len);
  free(d.room);
  assert_int_equal(d.rv, error);
}

static void a_key_is_the_sum_of_a_secret(void **state) {
  (void)state;
  static const uint8_t sum[] = {0x5e, 0x31, 0x8f, 0x8c, 0xf9, 0xcb, 0xe2, 0x49, 0xa3, 0x08, 0x12,
                                0xb8, 0xca, 0x13, 0x2d, 0x69, 0x1d, 0xed, 0x7a, 0x91, 0x99, 0x14,
                                0x13, 0x55, 0x8d, 0xb5, 0x75, 0x85, 0x75, 0xf5, 0xe0, 0x1f};
  struct swale__fernet_key key = derived(secret);
  assert_memory_equal(key.sign, sum, 16);
  assert_memory_equal(key.encrypt, sum + 16, 16);
}

static void tokens_are_those_of_python(void **state) {
  (void)state;
  struct swale__fernet_key key = derived(secret);
  unsigned char plain[100];
  count_up(plain, sizeof plain);
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    assert_int_equal(swale__fernet_size(known[i].len), strlen(known[i].token));
    char *token = encrypted(&key, MADE_AT, plain, known[i].len);
    assert_memory_equal(token, known[i].token, strlen(known[i].token));
    free(token);
  }
}

static void tokens_of_python_can_be_read(void **state) {
  (void)state;
  struct swale__fernet_key key = derived(secret);
  unsigned char plain[100];
  count_up(plain, sizeof plain);
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    struct decrypted d = decrypt(&key, 1, MADE_AT + 5, 60, known[i].token, strlen(known[i].token));
    assert_int_equal(d.rv, 0);
    assert_int_equal(d.len, known[i].len);
    assert_memory_equal(d.plain, plain, d.len);
    free(d.room);
  }
}

static void texts_of_every_length_come_back(void **state) {
  (void)state;
  struct swale__fernet_key key = derived("another");
  unsigned char plain[700];
  count_up(plain, sizeof plain);
  for (size_t len = 0; len <= sizeof plain; len++) {
    char *token = encrypted(&key, MADE_AT, plain, len);
    struct decrypted d = decrypt(&key, 1, MADE_AT, 0, token, swale__fernet_size(len));
    assert_int_equal(d.rv, 0);
    assert_int_equal(d.len, len);
    assert_memory_equal(d.plain, plain, len);
    free(d.room);
    free(token);
  }
}

static void each_key_is_tried(void **state) {
  (void)state;
  struct swale__fernet_key keys[] = {derived("first"), derived("second"), derived("third")};
  for (size_t i = 0; i < 3; i++) {
    char *token = encrypted(&keys[i], MADE_AT, "text", 4);
    struct decrypted d = decrypt(keys, 3, MADE_AT, 0, token, swale__fernet_size(4));
    assert_int_equal(d.rv, 0);
    assert_memory_equal(d.plain, "text", 4);
    free(d.room);
    free(token);
  }
}

static void a_foreign_key_does_not_fit(void **state) {
  (void)state;
  struct swale__fernet_key ours = derived("ours");
  assert_refused(&ours, known[1].token, strlen(known[1].token), SWALE_EPROTOCOL);
}

/* Whichever character it is; the last one holds bits that count for nothing. */
static void a_changed_token_is_refused(void **state) {
  (void)state;
  struct swale__fernet_key key = derived(secret);
  char token[160];
  size_t len = strlen(known[4].token);
  for (size_t i = 0; i < len; i++) {
    memcpy(token, known[4].token, len);
    token[i] = token[i] == 'A' ? 'Q' : 'A';
    struct decrypted d = decrypt(&key, 1, MADE_AT, 0, token, len);
    free(d.room);
    assert_true(d.rv == SWALE_EPROTOCOL || d.rv == SWALE_EFORMAT);
  }
}

static void a_cut_token_is_refused(void **state) {
  (void)state;
  struct swale__fernet_key key = derived(secret);
  for (size_t len = 0; len < strlen(known[4].token); len++) {
    struct decrypted d = decrypt(&key, 1, MADE_AT, 0, known[4].token, len);
    free(d.room);
    assert_true(d.rv == SWALE_EPROTOCOL || d.rv == SWALE_EFORMAT);
  }
}

static void what_is_no_token_is_refused(void **state) {
  (void)state;
  struct swale__fernet_key key = derived(secret);
  char text[120];
  assert_refused(&key, "", 0, SWALE_EFORMAT);
  memset(text, 'A', sizeof text); /* version 0 */
  assert_refused(&key, text, 100, SWALE_EFORMAT);
  memset(text, 0xff, sizeof text);
  assert_refused(&key, text, 100, SWALE_EFORMAT);
  memset(text, '=', sizeof text);
  assert_refused(&key, text, 100, SWALE_EFORMAT);
}

static void a_token_has_a_lifetime(void **state) {
  (void)state;
  struct swale__fernet_key key = derived(secret);
  static const struct {
    uint64_t now_s, ttl_s;
    int rv;
  } cases[] = {
      {MADE_AT + 70, 70, 0},         {MADE_AT + 71, 70, SWALE_ESTATE}, {MADE_AT + 71, 0, 0},
      {MADE_AT - 60, 70, 0},         {MADE_AT - 61, 70, SWALE_ESTATE}, {MADE_AT - 61, 0, 0},
      {0, UINT64_MAX, SWALE_ESTATE}, {UINT64_MAX, UINT64_MAX, 0},      {UINT64_MAX, 70, SWALE_ESTATE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct decrypted d =
        decrypt(&key, 1, cases[i].now_s, cases[i].ttl_s, known[1].token, strlen(known[1].token));
    free(d.room);
    assert_int_equal(d.rv, cases[i].rv);
  }
}

/* Signed with the right key, over text whose padding is not any. */
static void padding_that_was_signed_but_is_wrong_is_refused(void **state) {
  (void)state;
  struct swale__fernet_key key = derived(secret);
  static const char *const tokens[] = {
      /* 0 bytes of it, 17, and one that differs */
      "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD_WfT5RQnHpt7cmFwTphXPBSnQ5VGj8kAofO2_PrmrmmyokG0jQ_z2D78llUdWpcaA==",
      "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD18iFh-BuNl5US6GOVyQdUbp41T_Eolaog2mYUDSh88w_AJxKv6hsNS4kksAGJaJEA==",
      "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD-_Ha8iSI1ILxqiYx4N0MluJ5nNClMSafXd_085neVGNOGUgDPQS41P6lh7f0Ir1Vg==",
  };
  for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
    assert_refused(&key, tokens[i], strlen(tokens[i]), SWALE_EFORMAT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_the_sum_of_a_secret),
      cmocka_unit_test(tokens_are_those_of_python),
      cmocka_unit_test(tokens_of_python_can_be_read),
      cmocka_unit_test(texts_of_every_length_come_back),
      cmocka_unit_test(each_key_is_tried),
      cmocka_unit_test(a_foreign_key_does_not_fit),
      cmocka_unit_test(a_changed_token_is_refused),
      cmocka_unit_test(a_cut_token_is_refused),
      cmocka_unit_test(what_is_no_token_is_refused),
      cmocka_unit_test(a_token_has_a_lifetime),
      cmocka_unit_test(padding_that_was_signed_but_is_wrong_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

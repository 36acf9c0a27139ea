/* SPDX-License-Identifier: MIT */
#include "redis/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

static void numbers_need_no_looking_up(void **state) {
  struct swale__redis_address found[SWALE__REDIS_ADDRESSES_MAX];
  (void)state;
  assert_int_equal(swale__redis_resolve_numeric("127.0.0.1", "6380", found), 1);
  assert_int_equal(found[0].to.v4.sin_port, htons(6380));
  assert_int_equal(swale__redis_resolve_numeric("::1", "6380", found), 1);
  assert_int_equal(found[0].to.any.sa_family, AF_INET6);
  assert_int_equal(swale__redis_resolve_numeric("localhost", "6380", found), 0);
  assert_int_equal(swale__redis_resolve_numeric("127.0.0.1", "port", found), 0);
}

static void names_are_looked_up(void **state) {
  struct swale__redis_address found[SWALE__REDIS_ADDRESSES_MAX];
  (void)state;
  assert_in_range(swale__redis_resolve("localhost", 1, found), 1, SWALE__REDIS_ADDRESSES_MAX);
  assert_int_equal(swale__redis_resolve("no.such.host.invalid", 1, found), 0);
}

static void a_unix_socket_has_a_path(void **state) {
  char folder[] = "/tmp/swale-address-XXXXXX", path[64];
  struct swale__redis_address address;
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/socket", folder);
  swale__redis_address_path(path, &address);
  assert_string_equal(address.to.path.sun_path, path);
  assert_int_equal(swale__redis_connect(&address), -1); /* nobody is there */
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, &address.to.any, address.len), 0);
  assert_int_equal(listen(listener, 1), 0);
  int fd = swale__redis_connect(&address);
  assert_true(fd >= 0);
  close(fd);
  close(listener);
  unlink(path);
  rmdir(folder);
}

static void an_address_of_no_kind_is_an_error(void **state) {
  struct swale__redis_address address = {.len = sizeof(struct sockaddr), .to.any.sa_family = 255};
  (void)state;
  assert_int_equal(swale__redis_connect(&address), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_need_no_looking_up),
      cmocka_unit_test(names_are_looked_up),
      cmocka_unit_test(a_unix_socket_has_a_path),
      cmocka_unit_test(an_address_of_no_kind_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#!/bin/bash
# SPDX-License-Identifier: MIT
# Every public header compiles alone, as C11 and as C++17, with the warnings of careful users and without any
# feature macro.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
flags="-Iinclude -c -o /dev/null -Wall -Wextra -Wpedantic -Werror"

# Adapters need their loops' packages, whose headers need the system's own functions.
adapters=include/swale/adapters/epoll.h
for loop in libevent libuv; do
  pkg-config --exists $loop && adapters="$adapters include/swale/adapters/$loop.h"
done

for header in include/swale/*.h $adapters; do
  name=${header#include/}
  case $name in swale/adapters/*) more=-D_GNU_SOURCE ;; *) more= ;; esac
  printf '#include <%s>\n' "$name" | ${CC:-cc} -x c -std=c11 -Wstrict-prototypes -Wshadow -Wconversion $flags $more - ||
    { echo "$name does not compile alone as C11"; status=1; }
  printf '#include <%s>\n' "$name" | ${CXX:-c++} -x c++ -std=c++17 $flags $more - ||
    { echo "$name does not compile alone as C++17"; status=1; }
done
exit $status

#!/bin/bash
# SPDX-License-Identifier: MIT
# Every public header compiles alone, as C11 and as C++17, with the warnings of careful users and without any
# feature macro.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
flags="-Iinclude -c -o /dev/null -Wall -Wextra -Wpedantic -Werror"

for header in include/swale/*.h; do
  name=${header#include/}
  printf '#include <%s>\n' "$name" | ${CC:-cc} -x c -std=c11 -Wstrict-prototypes -Wshadow -Wconversion $flags - ||
    { echo "$name does not compile alone as C11"; status=1; }
  printf '#include <%s>\n' "$name" | ${CXX:-c++} -x c++ -std=c++17 $flags - ||
    { echo "$name does not compile alone as C++17"; status=1; }
done
exit $status

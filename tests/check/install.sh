#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs into a temporary folder and uses the libraries from there as a stranger would: through pkg-config,
# shared and static, from C and from C++. Then uninstalls, and nothing may be left.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ -n "${SWALE_INSTRUMENT:-}" ]; then
  echo 'instrumented libraries are not for installing'
  exit 77
fi

at=$(mktemp -d) || exit 1
trap 'rm -rf "$at"' EXIT
status=0
fault() { echo "$*"; status=1; }

build() { ${MAKE:-make} --no-print-directory BUILD="${SWALE_BUILD:-build}" "$@" >"$at/log" 2>&1 || { cat "$at/log"; exit 1; }; }
files() { find "$1" ! -type d | sort; }

# 1. As a packager: DESTDIR, and a library folder that is not below lib.
packaged="DESTDIR=$at/dest PREFIX=/usr LIBDIR=/usr/lib/triplet"
build install $packaged
for file in $(files "$at/dest"); do
  case ${file#"$at/dest"} in
    /usr/include/swale/*.h | /usr/include/swale/adapters/*.h | /usr/lib/triplet/libswale* | /usr/lib/triplet/pkgconfig/libswale*.pc) ;;
    *) fault "installs ${file#"$at/dest"}" ;;
  esac
done
grep -l "$at" "$at"/dest/usr/lib/triplet/pkgconfig/*.pc && fault 'DESTDIR leaks into a .pc file'
build uninstall $packaged
[ -z "$(files "$at/dest")" ] || fault "uninstall leaves: $(files "$at/dest")"
[ ! -d "$at/dest/usr/include/swale" ] || fault 'uninstall leaves include/swale'

# 2. As a user: a prefix of his own.
prefix=$at/prefix
build install PREFIX="$prefix"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

# A program that names every function the headers of a library declare.
program() {
  local headers functions
  case $1 in
    libswale) headers=$(cd include/swale && ls *.h | grep -vE '^(ws|json|redis|testing)\.h$') ;;
    *) headers=${1#libswale-}.h ;;
  esac
  functions=$(cd include/swale && cat $headers | sed -n 's/^SWALE_API .*[ *]\(swale_[a-z0-9_]*\)(.*/\1/p' | sort -u)
  printf '#include <swale/swale.h>\n#include <stdio.h>\n#include <string.h>\n'
  printf '#include <swale/%s>\n' $headers
  printf 'typedef void (*any)(void);\nstatic const any functions[] = {\n'
  printf '  (any)%s,\n' swale_strerror $functions
  cat <<'END'
};

int main(void) {
  printf("%s, %u functions\n", SWALE_VERSION, (unsigned)(sizeof functions / sizeof *functions));
  return functions[0] != 0 && strlen(swale_strerror(0)) > 0 ? 0 : 1;
}
END
}

# attempt <what> <compiler and flags...>: builds and runs $at/program.
attempt() {
  local what=$1
  shift
  rm -f "$at/program"
  "$@" -Wall -Wextra -Werror -Wno-cast-function-type -o "$at/program" $source $flags 2>"$at/log" ||
    { fault "$what: does not build ($* $flags)"; cat "$at/log"; return; }
  "$at/program" >"$at/log" 2>&1 || { fault "$what: does not run"; cat "$at/log"; }
}

libraries=$(cd "$prefix/lib/pkgconfig" && ls *.pc | sed 's/\.pc$//')
for library in $libraries; do
  program "$library" >"$at/$library.c"
  cp "$at/$library.c" "$at/$library.cc"
  [ "$(pkg-config --modversion "$library")" = "$(sed -n 's/^.define SWALE_VERSION "\(.*\)"/\1/p' include/swale/api.h)" ] ||
    fault "$library.pc: wrong version"
  flags=$(pkg-config --cflags --libs "$library") || { fault "$library.pc: pkg-config fails"; continue; }
  case " $flags " in *D_GNU_SOURCE* | *wslay* | *nettle* | *jansson*) fault "$library.pc leaks: $flags" ;; esac
  export LD_LIBRARY_PATH=$prefix/lib
  source=$at/$library.c attempt "$library, shared, C" ${CC:-cc} -std=c11
  source=$at/$library.cc attempt "$library, shared, C++" ${CXX:-c++} -std=c++17
  unset LD_LIBRARY_PATH
done

# Static: the same prefix without the shared libraries, so that nothing else can be linked.
rm -f "$prefix"/lib/*.so*
for library in $libraries; do
  flags=$(pkg-config --static --cflags --libs "$library") || { fault "$library.pc: pkg-config --static fails"; continue; }
  source=$at/$library.c attempt "$library, static, C" ${CC:-cc} -std=c11
done

build install PREFIX="$prefix"
build uninstall PREFIX="$prefix"
[ -z "$(files "$prefix")" ] || fault "uninstall leaves: $(files "$prefix")"
exit $status

#!/bin/bash
# SPDX-License-Identifier: MIT
# Dependencies point downwards only: a library includes its own folder, public headers, and its own packages.
# Messages name the file and line of what should not be there.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0

# refuse <what> <pattern of includes> <files...>
refuse() {
  local what=$1 pattern=$2
  shift 2
  if grep -HnE "^ *# *include +($pattern)" "$@" 2>/dev/null; then
    echo "  ^ $what"
    status=1
  fi
}

# Public headers of the upper libraries, each seen by its own library alone.
upper='<swale/(ws|json|redis|testing)\.h'
packages='<(wslay|nettle|jansson|zlib|hiredis|msgpack|cmocka|microhttpd)'

for folder in lib/*/; do
  part=$(basename "$folder")
  case $part in
    core) own='^$' ;;
    ws) own='<(wslay/|nettle/|zlib\.h)' ;;
    json) own='<jansson\.h' ;;
    redis) own='<(hiredis/|nettle/)' ;;
    *) own='^$' ;;
  esac
  files=$(ls "$folder"*.[ch] 2>/dev/null) || continue
  foreign=$(grep -HnE '^ *# *include +"' $files | grep -vE "\"$part/[a-z0-9_]+\.h\"")
  [ -z "$foreign" ] || { echo "$foreign"; echo "  ^ lib/$part includes only \"$part/...\" and <swale/...>"; status=1; }
  foreign=$(grep -HnE "^ *# *include +$upper" $files | grep -v "<swale/$part\.h>")
  [ -z "$foreign" ] || { echo "$foreign"; echo "  ^ a library beside or above lib/$part"; status=1; }
  foreign=$(grep -HnE "^ *# *include +$packages" $files | grep -vE "include +$own")
  [ -z "$foreign" ] || { echo "$foreign"; echo "  ^ a package that lib/$part may not depend on"; status=1; }
done

refuse 'lib/core has no sockets and no threads of its own' \
  '<(sys/socket|netinet/.*|arpa/inet|netdb|sys/epoll|sys/eventfd|poll|signal|stdio_ext|fcntl)\.h>' lib/core/*.[ch]
refuse 'public headers include nothing but swale and the C library' "\"|$packages" include/swale/*.h
refuse 'the umbrella has no optional library' "$upper" include/swale/swale.h
refuse 'examples use the public headers only' '"(core|ws|json|redis|testing)/' $(find examples -name '*.[ch]' 2>/dev/null) /dev/null
exit $status

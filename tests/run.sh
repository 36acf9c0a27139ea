#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the tests named on the command line, one after the other: a line for each, the output of those that
# fail (of the others: lines that begin with note: or warning:), and a summary. A test is a program or a script;
# exit 0 is a pass, 77 a skip, all else a failure.
#
#   LIMIT  seconds a test may take (by default 60 for programs, 120 for scripts, 600 for those of tests/check)
#   WRAP   a command to run programs under, for example valgrind
set -u
cd "$(dirname "$0")/.." || exit 1

build=${SWALE_BUILD:-build}
build=${build#"$PWD"/}
passed=0 failed=0 skipped=0
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT

limit_of() {
  case $1 in
    tests/check/*) echo 600 ;;
    *.py | *.sh | *.js) echo 120 ;;
    *) echo 60 ;;
  esac
}

run() {
  local under=(timeout --kill-after=10 "${LIMIT:-$(limit_of "$1")}")
  case $1 in
    *.py) "${under[@]}" "${PYTHON:-/usr/bin/python3}" "$1" ;;
    *.js) "${under[@]}" node "$1" ;;
    *.sh) "${under[@]}" bash "$1" ;;
    *) # ThreadSanitizer does not start under the address randomisation of newer kernels.
      [ "${SWALE_INSTRUMENT:-}" != thread ] || under+=(setarch -R)
      "${under[@]}" ${WRAP:-} "$1" ;;
  esac
}

[ $# -gt 0 ] || echo '  (there are no such tests)'

for test in "$@"; do
  name=${test#"$build"/}
  start=$EPOCHREALTIME
  run "$test" >"$output" 2>&1 </dev/null
  status=$?
  seconds=$(printf '%s %s' "$start" "$EPOCHREALTIME" | awk '{ printf "%.1f s", $2 - $1 }')
  case $status in
    0) passed=$((passed + 1)) ; printf '  ok    %-50s %8s\n' "$name" "$seconds"
      sed -nE 's/^(note|warning): /        \1: /p' "$output" ;;
    77) skipped=$((skipped + 1)) ; printf '  skip  %-50s %s\n' "$name" "$(tail -n 1 "$output")" ;;
    *) failed=$((failed + 1))
      [ $status -ne 124 ] && why="exit $status" || why="timed out"
      printf '  FAIL  %-50s %8s  %s\n' "$name" "$seconds" "$why"
      sed 's/^/        | /' "$output" ;;
  esac
done

summary="$passed passed, $failed failed"
[ $skipped -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ $failed -eq 0 ]

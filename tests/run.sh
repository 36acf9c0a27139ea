#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the tests named on the command line: a line for each, the output of those that fail (of the others: lines
# that begin with note: or warning:), and a summary. A test is a program or a script; exit 0 is a pass, 77 a skip, all
# else a failure. Unit tests know no real time and share nothing, so several run at once; then the others, one after the other.
#
#   JOBS   unit tests that may run at once (by default as many as there are processors)
#   LIMIT  seconds a test may take (by default 60 for programs, 120 for scripts, 600 for those of tests/check)
#   WRAP   a command to run programs under, for example valgrind
set -u
cd "$(dirname "$0")/.." || exit 1

build=${SWALE_BUILD:-build}
build=${build#"$PWD"/}
jobs=${JOBS:-$(nproc)}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

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

# Runs a test, and notes its verdict in a file of that name.
judge() {
  local test=$1 name=${1#"$build"/} output=$folder/output.$BASHPID start=$EPOCHREALTIME seconds status why
  run "$test" >"$output" 2>&1 </dev/null
  status=$?
  seconds=$(printf '%s %s' "$start" "$EPOCHREALTIME" | awk '{ printf "%.1f s", $2 - $1 }')
  case $status in
    0) echo "$name" >>"$folder/passed"
      printf '  ok    %-50s %8s\n' "$name" "$seconds"
      sed -nE 's/^(note|warning): /        \1: /p' "$output" ;;
    77) echo "$name" >>"$folder/skipped"
      printf '  skip  %-50s %s\n' "$name" "$(tail -n 1 "$output")" ;;
    *) echo "$name" >>"$folder/failed"
      [ $status -ne 124 ] && why="exit $status" || why="timed out"
      printf '  FAIL  %-50s %8s  %s\n' "$name" "$seconds" "$why"
      sed 's/^/        | /' "$output" ;;
  esac >"$output.said"
  cat "$output.said"
}

count() { cat "$folder/$1" 2>/dev/null | wc -l; }

for test in "$@"; do
  [[ $test == */tests/unit/* ]] || continue
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
  judge "$test" &
done
wait
for test in "$@"; do
  [[ $test == */tests/unit/* ]] || judge "$test"
done

summary="$(count passed) passed, $(count failed) failed"
[ "$(count skipped)" -eq 0 ] || summary="$summary, $(count skipped) skipped"
echo "$summary"
[ "$(count failed)" -eq 0 ]

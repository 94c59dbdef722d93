#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The README's first command: the demo ends with status 0 and its story is whole.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
timeout 120 "$root/examples/demo/run" "${BUILD:-$root/build/debug}" >"$folder/story" 2>"$folder/err"
status=$? number=0 failed=0
report() { # NAME CONDITION...
  local name=$1; shift; number=$((number + 1))
  if "$@"; then echo "ok $number - $name"; else echo "not ok $number - $name"; sed 's/^/# /' "$folder/story" "$folder/err"; failed=1; fi
}
report "the demo holds" test "$status" -eq 0
report "all channels are open" grep -q 'RPC_RELIABLE RPC_SIGNAL STREAM_RELIABLE STREAM_LATENCY_FIRST' "$folder/story"
report "what the crash left is shown" grep -qE '^ +[0-9]+ +normal .* echo\.EchoService\.Echo ' "$folder/story"
report "nothing was lost" grep -q 'nothing was lost' "$folder/story"
exit "$failed"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each example ends well and says what its page says it does. Prints TAP. (The media ones are the wire's; demo has its own.)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${BUILD:-build/debug} number=0 status=0
check() { # EXAMPLE LINE-PATTERN... ; what it prints is read from standard input, its failure as a last line
  local out pattern missing=""
  number=$((number + 1))
  out=$(cat)
  for pattern in "${@:2}"; do grep -Eqx "$pattern" <<<"$out" || missing=$pattern; done
  grep -qx 'FAILED' <<<"$out" && missing="success"
  if [[ -z $missing ]]; then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1: no $missing"; sed 's/^/# /' <<<"$out" | tail -5; status=1
  fi
}
expect() { # EXAMPLE LINE-PATTERN...
  check "$@" < <(timeout 60 "examples/$1/run" "$build" 2>&1 || echo FAILED)
}
expect acl 'Dashboard: served as Dashboard, relayed' 'Probe: permission denied' 'Operator: served as Operator, pinned' \
  'Visitor: permission denied'
expect affinity-thread '[0-9]+ strokes, 0 of them by another thread'
expect foreign-loop '[0-9]+ frames, [0-9]+ requests handled, 10 answers'
expect many-actors '5 actors counted'
expect shell-workload 'the same buffer came back'
expect data-stream 'registered data-stream-example: go on' 'the server: 1000 chunks, 0 out of order' \
  'server: data-stream-example: 1000 chunks, 0 out of order'
each=()
for i in 0 1 2 3 4 5 6 7; do each+=("peer-stream-$i: 500 chunks came back, 0 out of order success"); done
expect data-stream-peer-concurrent "${each[@]}"
expect file-transfer 'random.bin: 10 %' 'random.bin: 100 %, checked' 'both files are the same'
check echo 'Echo: hello' 'Echo: and again' < <(printf 'hello\nand again\n' |
  timeout 60 examples/pair "$build" EchoService echo-server echo-client 2>&1 || echo FAILED)
exit "$status"
